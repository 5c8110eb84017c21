// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_fast.c - the two exits that programs make all day, on a short path: CPUID, and a descriptor-
 * table store outside ring 0. The answers are the ones that vmx_exit() would give, by the same
 * functions and from the same plan; whatever is not plain goes there.
 *
 * vmx.S has saved the registers that a C function may change, and RBX, which CPUID returns. The
 * guest's RSP is not in its place, nor is CR2 in v->cr2: no handler that reaches for the guest's
 * memory may be called from here.
 */
#include "vmx.h"

#include "../guest-glue/rootmap.h"

#define ATTR_LONG (1u << 13)
#define ATTR_32 (1u << 14)

/* Steps over the instruction; false, with nothing changed, if a trap or a shadow is in the way. */
static bool step_over(void)
{
	u32 cs = vmx_read(VMCS_GUEST_ATTR(GUEST_CS));
	u64 rip = vmx_read(VMCS_GUEST_RIP) + vmx_read(VMCS_EXIT_LENGTH);

	if (vmx_read(VMCS_GUEST_RFLAGS) & (RFLAGS_TF | RFLAGS_RF) ||
	    vmx_read(VMCS_GUEST_BLOCKING) & (VMX_BLOCKING_STI | VMX_BLOCKING_MOV_SS))
		return false;
	if (!(cs & ATTR_LONG)) {
		if (!(cs & ATTR_32))
			return false;
		rip = (u32)rip;
	}
	vmx_write(VMCS_GUEST_RIP, rip);
	return true;
}

static bool answer_cpuid(struct vcpu *v)
{
	const struct plan_span *span = &v->plan->spans[VMEXIT_CPUID];
	u32 out[4];

	if (span->filters | span->owners || !step_over())
		return false;
	v->exits[VMEXIT_CPUID]++;
	cpuid_view(v, v->gpr[RAX], v->gpr[RCX], out);
	v->gpr[RAX] = out[CPUID_EAX];
	v->gpr[RBX] = out[CPUID_EBX];
	v->gpr[RCX] = out[CPUID_ECX];
	v->gpr[RDX] = out[CPUID_EDX];
	return true;
}

/*
 * Outside ring 0 a store is a feature's to refuse or the core's to carry out. A lone owner is
 * asked here, and its refusal raised here; it has nothing to look at but the exit itself.
 */
static bool refuse_store(struct vcpu *v, u32 reason)
{
	const struct plan_span *span = &v->plan->spans[VMEXIT_DESC_STORE];
	const struct plan_claim *c = &v->plan->claims[span->first];
	struct vmexit e;

	if (span->filters || span->owners != 1)
		return false;
	e.cpl = vmx_read(VMCS_GUEST_ATTR(GUEST_SS)) >> SEG_DPL_SHIFT & 3;
	vmx_descriptor_table(reason, &e);
	if (!e.cpl || e.kind != VMEXIT_DESC_STORE || e.sel < c->claim->first ||
	    e.sel > c->claim->last)
		return false;
	e.len = vmx_read(VMCS_EXIT_LENGTH);
	e.reg = REG_UNKNOWN;
	e.value = e.addr = 0;
	if (c->claim->handle(v, &e) != VERDICT_INJECT)
		return false;
	v->exits[VMEXIT_DESC_STORE]++;
	v->handled[c->feature]++;
	vmx_raise(&e.fault);
	return true;
}

/**
 * vmx_fast() - answer an exit if it is one of the plain ones; called by vmx.S
 * @v: this processor, its registers saved as far as a C function may change them
 *
 * Return: whether it is answered; if not, vmx_exit() is to be called, and nothing has changed.
 */
bool vmx_fast(struct vcpu *v)
{
	u32 reason = vmx_read(VMCS_EXIT_REASON);

	if (reason == VMX_EXIT_CPUID)
		return answer_cpuid(v);
	if (reason == VMX_EXIT_GDTR_IDTR || reason == VMX_EXIT_LDTR_TR)
		return refuse_store(v, reason);
	return false;
}
