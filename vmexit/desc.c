// SPDX-License-Identifier: GPL-2.0-only
/*
 * desc.c - SGDT, SIDT, SLDT and STR as bare hardware executes them: at CPL 0 always, and outside
 * it for a feature that lets them through. (The loads exit on VMX only: vmx files.)
 */
#include "../guest-glue/machine.h"
#include "defaults.h"
#include "insn.h"

enum verdict default_desc_store(struct vcpu *v, struct vmexit *e)
{
	bool idt = e->sel == DESC_IDTR;
	struct guest_segment system;
	struct guest_mem mem;
	struct insn insn;
	enum verdict verdict = insn_decode_store(v, e, &mem, &insn);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (idt || e->sel == DESC_GDTR)
		return insn_store_table(v, e, &mem, &insn,
					vcpu_get(v, idt ? VCPU_IDTR_LIMIT : VCPU_GDTR_LIMIT),
					vcpu_get(v, idt ? VCPU_IDTR_BASE : VCPU_GDTR_BASE));
	v->virt->segment(v, e->sel == DESC_LDTR ? SEG_LDTR : SEG_TR, &system);
	return insn_store(v, e, &mem, &insn, system.selector);
}
