/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OLDGUARD_CR_H
#define OLDGUARD_CR_H

#include "../guest-glue/vcpu.h"

/* cr4_seen() - CR4 as the guest reads it: the real register and the virtual bits it has set. */
u64 cr4_seen(struct vcpu *v);

/**
 * cr_written() - what an exit of kind CR_WRITE writes, whichever instruction does
 * @v: the processor
 * @e: the exit; gets len, reg, or the fault
 * @value: the whole register as it would be
 *
 * Return: VERDICT_DEFAULT; else the verdict that finding out has ended in.
 */
enum verdict cr_written(struct vcpu *v, struct vmexit *e, u64 *value);

/**
 * cr4_sets_virtual() - whether an instruction is a MOV to CR4 that sets a virtual bit
 * @v: the processor
 * @insn: the instruction
 *
 * Hardware that does not know the bit answers with #GP(0).
 */
bool cr4_sets_virtual(const struct vcpu *v, const struct insn *insn);

/**
 * cr4_write() - carry out the guest's write to CR4
 * @v: the processor
 * @e: the exit; gets the fault
 * @value: what the guest writes, virtual bits included
 *
 * Return: VERDICT_NEXT, or VERDICT_INJECT with #GP(0) for a value that the processor refuses.
 */
enum verdict cr4_write(struct vcpu *v, struct vmexit *e, u64 value);

#endif
