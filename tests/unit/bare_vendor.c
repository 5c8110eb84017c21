// SPDX-License-Identifier: GPL-2.0-only
#include "bare_vendor.h"

#include "../../guest-glue/vmx.h"

/* Nowhere: what is stored of it has no byte that is there before, wherever the simulation itself lies. */
#define TABLE 0x1122334455667788ULL

/* --- SVM --- */

static struct vmcb_segment vmcb_segment(const struct guest_segment *s)
{
	return (struct vmcb_segment){ s->selector, s->attr, s->limit, s->base };
}

static u64 exit_code(const struct insn *insn)
{
	switch (insn->op) {
	case INSN_SIDT: return SVM_EXIT_IDTR_READ;
	case INSN_SGDT: return SVM_EXIT_IDTR_READ + DESC_GDTR;
	case INSN_SLDT: return SVM_EXIT_IDTR_READ + DESC_LDTR;
	case INSN_STR: return SVM_EXIT_TR_READ;
	default: return SVM_EXIT_CR_READ(0);
	}
}

static void svm_exit_of(const struct bare_guest *g, const struct insn *insn, struct outcome *o)
{
	struct vmcb *c = C;
	u32 i;

	c->cr0 = g->cr0;
	c->cr3 = g->cr3;
	c->cr4 = g->cr4;
	c->efer = g->efer | EFER_SVME;
	c->rflags = g->rflags;
	c->rip = g->rip;
	c->cpl = g->cpl;
	c->cr2 = o->cr2;
	c->es = vmcb_segment(&g->seg[GUEST_ES]);
	c->cs = vmcb_segment(&g->seg[GUEST_CS]);
	c->ss = vmcb_segment(&g->seg[GUEST_SS]);
	c->ds = vmcb_segment(&g->seg[GUEST_DS]);
	c->gdtr.base = TABLE;
	c->idtr.base = TABLE;
	c->exit_int_info = 0;
	c->next_rip = svm_features & SVM_HAS_NRIP ? g->rip + g->length : 0;
	for (i = 0; i < GPRS; i++)
		sim.gpr[i] = g->gpr[i];
	ck_assert(sim_exits(exit_code(insn)));
	sim_vmexit(exit_code(insn), 0, 0, !g->slow);
	o->vector = c->event_inj & SVM_EVENT_VALID ? (u8)c->event_inj : 0;
	o->error = c->event_inj & SVM_EVENT_HAS_ERROR ? c->event_inj >> 32 : 0;
	o->ip = c->rip;
	o->cr2 = c->cr2;
	o->ax = sim.gpr[RAX];
}

/* --- VMX --- */

/* SDM vol. 3, tables 28-8 and 28-9. */
static u32 instruction_information(const struct insn *insn)
{
	static const u8 identity[] = {
		[INSN_SGDT] = 0, [INSN_SIDT] = 1, [INSN_SLDT] = 0, [INSN_STR] = 1
	};
	u32 info = (u32)identity[insn->op] << 28 | (insn->address_size / 4) << 7;

	if (!insn->mem.present)
		return info | 1u << 10 | (u32)insn->reg << 3;
	info |= (u32)insn->mem.segment << 15;
	info |= insn->mem.index == INSN_NO_REG ? 1u << 22 : (u32)insn->mem.index << 18;
	info |= insn->mem.base == INSN_NO_REG ? 1u << 27 : (u32)insn->mem.base << 23;
	return info | (insn->operand_size == 4 ? 1u << 11 : 0);
}

static void vmx_fill(const struct bare_guest *g, const struct insn *insn)
{
	bool table = insn->op == INSN_SGDT || insn->op == INSN_SIDT;
	u32 i;

	for (i = 0; i < GUEST_SEGS; i++)
		vmx_set_segment(V, i, &g->seg[i]);
	vmx_set(V, VCPU_CR0, g->cr0);
	vmx_set(V, VCPU_CR3, g->cr3);
	vmx_set(V, VCPU_CR4, g->cr4);
	vmx_set(V, VCPU_EFER, g->efer);
	vmx_set(V, VCPU_GDTR_BASE, TABLE);
	vmx_set(V, VCPU_IDTR_BASE, TABLE);
	vmx_write(VMCS_GUEST_RFLAGS, g->rflags);
	vmx_write(VMCS_GUEST_RIP, g->rip);
	vmx_write(VMCS_GUEST_BLOCKING, 0);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmx_write(VMCS_VECTORING, 0);
	vmx_write(VMCS_ENTRY_EVENT, 0);
	vmx_write(VMCS_EXIT_REASON, table ? VMX_EXIT_GDTR_IDTR : VMX_EXIT_LDTR_TR);
	vmx_write(VMCS_EXIT_LENGTH, g->length);
	vmx_write(VMCS_EXIT_INFO, instruction_information(insn));
	vmx_write(VMCS_QUALIFICATION, insn->mem.disp);
	for (i = 0; i < GPRS; i++)
		V->gpr[i] = g->gpr[i];
}

static void vmx_exit_of(const struct bare_guest *g, const struct insn *insn, struct outcome *o)
{
	u32 event;

	ck_assert(vmx_read(VMCS_PROC2) & VMX_PROC2_DESC);
	sim.cr2 = o->cr2;
	vmx_fill(g, insn);
	if (g->slow || !vmx_fast(V))
		vmx_exit(V);
	event = vmx_read(VMCS_ENTRY_EVENT);
	o->vector = event & VMX_EVENT_VALID ? (u8)event : 0;
	o->error = event & VMX_EVENT_HAS_ERROR ? vmx_read(VMCS_ENTRY_ERROR) : 0;
	/* A step that is due comes as soon as the guest runs. */
	if (!o->vector && vmx_read(VMCS_GUEST_PENDING_DEBUG) & BIT64(14))
		o->vector = VECTOR_DB;
	o->ip = vmx_read(VMCS_GUEST_RIP);
	o->cr2 = sim.cr2;
	o->ax = V->gpr[RAX];
}

const struct bare_vendor bare_vendors[BARE_VENDORS] = {
	{ "simulated EPYC", SIM_EPYC, true, false, svm_exit_of },
	{ "simulated EPYC, no NRIP, no quick answers", SIM_TCG, true, true, svm_exit_of },
	{ "simulated Sandy Bridge", SIM_INTEL, false, false, vmx_exit_of },
	{ "simulated Sandy Bridge, no quick answers", SIM_INTEL, false, true, vmx_exit_of },
};
