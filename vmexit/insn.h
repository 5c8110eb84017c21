/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * insn.h - the instruction that exited: its bytes, its length, its operand, and stepping over it.
 */
#ifndef OLDGUARD_INSN_H
#define OLDGUARD_INSN_H

#include "../decoder/decode.h"
#include "../guest-glue/phys.h"
#include "../guest-glue/vcpu.h"

/**
 * insn_memory() - the guest state that decides how its memory is reached
 * @v: the processor
 * @mem: filled: registers, CS and SS. That is enough to fetch; insn_decode() adds the segments of
 *	the instruction's operands
 */
void insn_memory(struct vcpu *v, struct guest_mem *mem);

/**
 * insn_decode() - decode the instruction at the guest's RIP
 * @v: the processor
 * @e: the exit; gets its len, or the fault that fetching raises
 * @mem: filled, for reaching the operand afterwards
 * @insn: the result
 *
 * Return: VERDICT_DEFAULT with @insn filled in; else the verdict: VERDICT_INJECT with @e->fault,
 * or VERDICT_STOP if the bytes cannot be read or are no instruction.
 */
enum verdict insn_decode(struct vcpu *v, struct vmexit *e, struct guest_mem *mem,
			 struct insn *insn);

/**
 * insn_length() - make sure that @e->len is known
 * @v: the processor
 * @e: the exit
 *
 * Return: as insn_decode().
 */
enum verdict insn_length(struct vcpu *v, struct vmexit *e);

/**
 * insn_skip() - step over an emulated instruction as hardware would
 * @v: the processor
 * @e: the exit, its len known
 *
 * RIP wraps as the code segment says, the STI and MOV SS shadow ends, RF is cleared, and a single
 * step that is due is raised: struct virt.step sees to it, or @e->fault is then #DB with DR6.BS set
 * in the guest's DR6.
 *
 * Return: VERDICT_RETRY, or VERDICT_INJECT for the single step.
 */
enum verdict insn_skip(struct vcpu *v, struct vmexit *e);

/**
 * insn_store() - store the result of an emulated instruction, register or memory
 * @v: the processor
 * @e: the exit; gets the fault
 * @mem: from insn_decode()
 * @insn: from insn_decode()
 * @value: the value; its low 16 bits go to memory, the operand size decides for a register
 *
 * Return: VERDICT_NEXT, VERDICT_INJECT or VERDICT_STOP.
 */
enum verdict insn_store(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
			const struct insn *insn, u64 value);

/**
 * insn_store_table() - store limit and base as SGDT and SIDT do; see insn_store()
 */
enum verdict insn_store_table(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
			      const struct insn *insn, u16 limit, u64 base);

/**
 * insn_decode_store() - insn_decode() for an exit of kind DESC_STORE or SMSW
 *
 * Return: as insn_decode(); VERDICT_RETRY if it is another instruction by now.
 */
enum verdict insn_decode_store(struct vcpu *v, struct vmexit *e, struct guest_mem *mem,
			       struct insn *insn);

/* io_result() - give an IN its result, in as much of RAX as it has asked for (vmexit/io.c) */
void io_result(struct vcpu *v, const struct vmexit *e, u32 value);

/**
 * insn_starts() - whether the instruction at RIP starts with these two bytes, the quick way
 * @cr3: the guest's, 64-bit mode with 4 levels of tables
 * @rip: linear address
 * @bytes: the two bytes, the first one in bits 7:0
 *
 * For an instruction that nearly always comes without a prefix, where the processor does not tell
 * its length. The walk makes no checks: the processor made them a moment ago, when it fetched the
 * instruction. Should an entry have changed since, what is found now is as true as what was.
 *
 * Return: true; false: no, or it takes the whole walk (a large page, the end of one) to know.
 */
static inline bool insn_starts(u64 cr3, u64 rip, u16 bytes)
{
	u64 entry = (cr3 & CR3_ADDRESS) | ROOT_PHYS, wrong = 0;
	u64 mask = CR3_ADDRESS, flip = ROOT_PHYS | PTE_P;
	u32 shift;

	if ((rip & 0xfff) > 0xff8)
		return false;
	/* Kept in registers, not made anew for each level. */
	asm("" : "+r"(mask), "+r"(flip));
	/*
	 * ROOT_PHYS is one bit that no entry has: flipping it moves the address into the window.
	 * What is wrong with an entry is looked at once, at the end: reading goes nowhere else.
	 */
#pragma GCC unroll 4
	for (shift = 39; shift >= 12; shift -= 9) {
		if (!phys_load((entry & mask) + (rip >> (shift - 3) & 0xff8), &entry))
			return false;
		entry ^= flip;
		wrong |= shift > 12 ? entry : entry & ~PTE_PS;
	}
	return !(wrong & (PTE_P | PTE_PS)) &&
	       phys_load((entry & mask) + (rip & 0xfff), &entry) && (u16)entry == bytes;
}

#endif
