// SPDX-License-Identifier: GPL-2.0-only
/*
 * io.c - I/O instructions that exit for a feature's sake and that it lets through. The processor
 * has checked IOPL and the TSS's bitmap before it exits (APM vol. 2, 15.10.2; SDM vol. 3, 26.1.1).
 */
#include "../guest-glue/machine.h"
#include "defaults.h"
#include "insn.h"

/* How IN fills RAX: 32 bits clear the rest, 8 and 16 keep it. */
void io_result(struct vcpu *v, const struct vmexit *e, u32 value)
{
	switch (IO_SIZE(e->addr)) {
	case 1: v->gpr[RAX] = (v->gpr[RAX] & ~0xffULL) | (u8)value; break;
	case 2: v->gpr[RAX] = (v->gpr[RAX] & ~0xffffULL) | (u16)value; break;
	default: v->gpr[RAX] = value;
	}
}

enum verdict default_io(struct vcpu *v, struct vmexit *e)
{
	enum verdict verdict;

	if (e->addr & IO_STRING)
		return VERDICT_STEP;
	verdict = insn_length(v, e);
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (e->addr & IO_IN)
		io_result(v, e, cpu_in(e->sel, IO_SIZE(e->addr)));
	else
		cpu_out(e->sel, IO_SIZE(e->addr), e->value);
	return VERDICT_NEXT;
}
