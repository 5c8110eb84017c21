// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_quick.c - the exits whose cost users feel, without the detour over a neutral event: CPUID,
 * and an instruction of a program that ends in #GP. What these answer is what svm_exit() would.
 *
 * This file is compiled to leave R9, R10 and R11 alone, besides what the C ABI keeps, and it must
 * not call a function that is not: svm.S has not saved them yet (the Makefile checks both).
 */
#include "svm_nested.h"

#include "insn.h"

#define GP_0 (SVM_EVENT_VALID | SVM_EVENT_HAS_ERROR | SVM_EVENT_EXCEPTION << 8 | VECTOR_GP)

static void raise_gp(struct vmcb *vmcb, u64 error)
{
	vmcb->event_inj = GP_0 | error << 32;
	/* The processor does not set RF in the flags that an injected fault pushes; we do. */
	vmcb->rflags |= RFLAGS_RF;
}

static bool quick_cpuid(struct vcpu *v, struct vmcb *vmcb)
{
	u32 leaf = vmcb->rax;

	if (leaf >= 16 || !(v->cpuid_plain >> leaf & 1) || !svm_cpuid_step(v, vmcb))
		return false;
	cpu_cpuid_gpr(&vmcb->rax, v->gpr);
	return true;
}

/* Outside CPL 0 an exit that a feature does nothing but refuse there (struct claim.refuses). */
static bool quick_refuse(struct vcpu *v, struct vmcb *vmcb, enum vmexit_kind kind)
{
	u32 refuser = v->plan->refuser[kind];

	if (!refuser)
		return false;
	v->exits[kind]++;
	v->handled[refuser - 1]++;
	raise_gp(vmcb, 0);
	return true;
}

/* A #GP that exits because of virtual CR4 bits, or of a rule about the kernel: no program's. */
static bool quick_gp(struct vcpu *v, struct vmcb *vmcb)
{
	if (v->plan->traps.exceptions >> VECTOR_GP & 1)
		return false;
	v->exits[VMEXIT_EXCEPTION]++;
	raise_gp(vmcb, vmcb->exit_info1);
	return true;
}

bool svm_quick(struct vcpu *v)
{
	struct vmcb *vmcb = v->control;
	u64 code = vmcb->exit_code;

	vmcb->clean = SVM_CLEAN_ALL;
	vmcb->tlb_control = 0;
	if (code == SVM_EXIT_CPUID)
		return quick_cpuid(v, vmcb);
	if (!vmcb->cpl)
		return v->nested && svm_nested_quick(v, vmcb, v->nested, code);
	if (vmcb->exit_int_info & SVM_EVENT_VALID || v->step.kind)
		return false;
	if (code - SVM_EXIT_IDTR_READ <= SVM_EXIT_TR_READ - SVM_EXIT_IDTR_READ)
		return quick_refuse(v, vmcb, VMEXIT_DESC_STORE);
	if (code == SVM_EXIT_CR_READ(0))
		return quick_refuse(v, vmcb, VMEXIT_SMSW);
	return code == SVM_EXIT_EXCEPTION(VECTOR_GP) && quick_gp(v, vmcb);
}
