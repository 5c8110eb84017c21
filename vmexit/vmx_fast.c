// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_fast.c - the two exits that programs make all day, on a short path: CPUID, and a descriptor-
 * table store outside ring 0 that a feature refuses. The answers are the ones that vmx_exit()
 * would give; whatever is not plain goes there.
 *
 * vmx.S has saved the registers that a C function may change, and RBX, which CPUID returns; the
 * guest's RSP and CR2 are not in struct vcpu here.
 */
#include "vmx.h"

#define ATTR_LONG (1u << 13)
#define ATTR_32 (1u << 14)

/* Where the next instruction is; 0 if a trap or a shadow is in the way, or RIP would wrap. */
static inline u64 next_rip(void)
{
	u32 cs = vmx_read(VMCS_GUEST_ATTR(GUEST_CS));
	u64 rip = vmx_read(VMCS_GUEST_RIP) + vmx_read(VMCS_EXIT_LENGTH);

	if (vmx_read(VMCS_GUEST_RFLAGS) & (RFLAGS_TF | RFLAGS_RF) ||
	    vmx_read(VMCS_GUEST_BLOCKING) & (VMX_BLOCKING_STI | VMX_BLOCKING_MOV_SS))
		return 0;
	if (cs & ATTR_LONG)
		return rip;
	return cs & ATTR_32 ? (u32)rip : 0;
}

/* Leaves that have no quick answer, if no feature answers CPUID itself. */
static __attribute__((noinline)) bool view_cpuid(struct vcpu *v, u64 rip)
{
	u32 out[4];

	if (v->cpuid_claimed)
		return false;
	cpuid_view(v, v->gpr[RAX], v->gpr[RCX], out);
	v->gpr[RAX] = out[CPUID_EAX];
	v->gpr[RBX] = out[CPUID_EBX];
	v->gpr[RCX] = out[CPUID_ECX];
	v->gpr[RDX] = out[CPUID_EDX];
	vmx_write(VMCS_GUEST_RIP, rip);
	v->exits[VMEXIT_CPUID]++;
	return true;
}

static inline bool answer_cpuid(struct vcpu *v)
{
	u64 rip = next_rip();

	if (unlikely(!rip))
		return false;
	if (!cpuid_quick(v, vmx_read(VMCS_GUEST_CR4)))
		return view_cpuid(v, rip);
	vmx_write(VMCS_GUEST_RIP, rip);
	v->exits[VMEXIT_CPUID]++;
	return true;
}

/* The loads do not exit outside ring 0: the privilege check comes first (26.1.1). */
static inline bool refuse_store(struct vcpu *v)
{
	u32 refuser = v->plan->refuser[VMEXIT_DESC_STORE];

	if (!refuser || !(vmx_read(VMCS_GUEST_ATTR(GUEST_SS)) & 3u << SEG_DPL_SHIFT))
		return false;
	v->exits[VMEXIT_DESC_STORE]++;
	v->handled[refuser - 1]++;
	/* As vmx_raise() would: #GP(0), RF set in the flags that it pushes. */
	vmx_write(VMCS_GUEST_RFLAGS, vmx_read(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
	vmx_write(VMCS_ENTRY_ERROR, 0);
	vmx_write(VMCS_ENTRY_EVENT, VMX_EVENT_VALID | VMX_EVENT_HAS_ERROR |
					    VMX_EVENT_TYPE_OF(VMX_EVENT_EXCEPTION) | VECTOR_GP);
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
		return !v->step.kind && refuse_store(v);
	return false;
}
