// SPDX-License-Identifier: GPL-2.0-only
/*
 * desc.c - SGDT, SIDT, SLDT and STR as bare hardware executes them: at CPL 0 always, and outside
 * it for a feature that lets them through. (The loads exit on VMX only: vmx files.)
 */
#include "../guest-glue/machine.h"
#include "defaults.h"
#include "insn.h"

static enum verdict store_table(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
				const struct insn *insn)
{
	bool idt = e->sel == DESC_IDTR;
	u64 base = vcpu_get(v, idt ? VCPU_IDTR_BASE : VCPU_GDTR_BASE);
	u16 limit = vcpu_get(v, idt ? VCPU_IDTR_LIMIT : VCPU_GDTR_LIMIT);
	u64 offset = insn_offset(insn, v->gpr, vcpu_get(v, VCPU_RIP) + insn->length);

	switch (guest_store_table(mem, insn->mem.segment, offset, limit, base, &e->fault)) {
	case WALK_OK:
		return VERDICT_NEXT;
	case WALK_FAULT:
		return VERDICT_INJECT;
	default:
		return VERDICT_STOP;
	}
}

enum verdict default_desc_store(struct vcpu *v, struct vmexit *e)
{
	static const u8 op[] = {
		[DESC_IDTR] = INSN_SIDT,
		[DESC_GDTR] = INSN_SGDT,
		[DESC_LDTR] = INSN_SLDT,
		[DESC_TR] = INSN_STR,
	};
	struct guest_segment system;
	struct guest_mem mem;
	struct insn insn;
	enum verdict verdict = insn_decode(v, e, &mem, &insn);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	/* Other bytes than the processor executed: somebody is changing them under us. */
	if (insn.op != op[e->sel])
		return VERDICT_RETRY;
	if (e->sel == DESC_IDTR || e->sel == DESC_GDTR)
		return store_table(v, e, &mem, &insn);
	v->virt->segment(v, e->sel == DESC_LDTR ? SEG_LDTR : SEG_TR, &system);
	return insn_store(v, e, &mem, &insn, system.selector);
}
