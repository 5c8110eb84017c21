/* SPDX-License-Identifier: GPL-2.0-only */
/* forged.h - a guest of the attacker's own: nested tables, a VMCB and a few instructions. */
#ifndef OLDGUARD_ATTACK_FORGED_H
#define OLDGUARD_ATTACK_FORGED_H

#include <asm/svm.h>

#include "hostile.h"

/* Guest-physical pages: its code, and the one that an attack is about. */
#define FORGED_CODE 0x1000
#define FORGED_TARGET 0x2000
#define FORGED_MARK 0x5a

/**
 * struct forged - a guest of 32-bit flat code without paging
 * @vmcb: its control block, @vmcb_pa: which of them VMRUN gets
 * @table: four levels of nested tables, the root first
 * @code: its page of code
 * @maps: the pages for its MSR and I/O bitmaps, all clear
 * @own: a page of the attacker's, for what the attack is about where there is no oldguard
 * @rax, @rbx, @rcx, @rdx: its registers, before and after
 */
struct forged {
	struct vmcb *vmcb;
	u64 vmcb_pa;
	u64 *table[4];
	u8 *code;
	u8 *maps;
	u8 *own;
	u64 rax, rbx, rcx, rdx;
};

/* The guest's instructions; each ends with VMMCALL, which exits. */
extern const u8 forged_store[], forged_load[], forged_wrmsr[], forged_rdmsr[], forged_out[],
	forged_vmsave[], forged_vmload[], forged_clgi[], forged_cpuid[], forged_end[];

/* forged_make() - with everything in order; NULL: no memory, which is told */
struct forged *forged_make(const u8 *code);
void forged_free(struct forged *f);

/* forged_map() - what the guest has at FORGED_TARGET */
void forged_map(struct forged *f, u64 pa);

/**
 * forged_run() - VMRUN it on this processor, once, with interrupts off
 *
 * Return: the exception that VMRUN itself raised, or NO_TRAP and f->vmcb->control.exit_code says.
 */
int forged_run(struct forged *f);

/* forged_came_through() - it got as far as its VMMCALL */
static inline bool forged_came_through(const struct forged *f)
{
	return f->vmcb->control.exit_code == SVM_EXIT_VMMCALL && !f->vmcb->control.exit_code_hi;
}

/* forged_outcome() - the attack's verdict, with what the guest or VMRUN ended with */
void forged_outcome(const struct forged *f, int trap, bool succeeded);

#endif
