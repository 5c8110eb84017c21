// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_nested_quick.c - what a hypervisor in our guest executes around each exit of its guests: CLGI,
 * VMLOAD, VMRUN, VMSAVE, STGI, and the exit itself. What these answer is what svm_exit() would.
 *
 * svm_quick() jumps here, so its rules hold: no call, R9 to R11 left alone.
 */
#include "svm_nested_ways.h"

static inline bool step_over(struct vcpu *v, const struct nested *n, struct vmcb *own, u64 code)
{
	const u64 *plain = n->plain[NESTED_PLAIN_INDEX(code)];
	u64 next = own->rip + NESTED_INSN_BYTES;

	/* With TF a step may be under way. Outside long mode CS.L is reserved. */
	if (own->rflags & (RFLAGS_TF | RFLAGS_RF) || !(own->cs.attr & SEG_LONG))
		return false;
	if (svm_features & SVM_HAS_NRIP) {
		/* A prefix may change the address's size. */
		if (own->next_rip != next)
			return false;
	} else if (plain[0] != own->rip && plain[1] != own->rip) {
		return false;
	}
	own->rip = next;
	own->interrupt_shadow = 0;
	v->exits[VMEXIT_VIRT_INSN]++;
	return true;
}

static __attribute__((noinline)) bool enter(struct vcpu *v, struct vmcb *own, struct nested *n, u32 clean)
{
	struct vmcb *to = n->vmcb;

	to->clean = clean;
	to->tlb_control = 0;
	nested_copy_in(n, to, n->vmcb12, clean);
	if (unlikely(n->opened))
		nested_close(n);
	nested_run(v, n, own);
	return true;
}

/*
 * The same VMCB as last time, of which only what needs no look has changed. Otherwise, and when L1 has GIF
 * set or has changed its CR8 since it cleared it, svm_nested_insn() has more to do.
 */
static __attribute__((noinline)) bool vmrun(struct vcpu *v, struct vmcb *own, struct nested *n)
{
	const struct vmcb *from = n->vmcb12;
	u32 clean;

	if (n->built_pa != own->rax || own->rax == NESTED_NONE || n->stale || n->gif == GIF_SET ||
	    (own->virtual_interrupt & SVM_V_TPR) != n->tpr)
		return false;
	clean = *(const volatile u32 *)&from->clean;
	/* A guest with seals may have been reset. */
	if (~clean & NESTED_CLEAN_CONTROLS || from->tlb_control ||
	    (from->virtual_interrupt & SVM_V_GIF_ENABLE) != n->virtual_gif ||
	    (!(clean & SVM_CLEAN_CR) && (n->guest || (from->cr4 ^ n->cr4) & n->umip_wanted)))
		return false;
	return step_over(v, n, own, SVM_EXIT_VMRUN) && enter(v, own, n, clean);
}

static inline bool ours(const struct nested *n, u64 code)
{
	return code >= NESTED_CODES || n->ours[code / 64] >> code % 64 & 1;
}

static inline bool raise(struct vcpu *v, struct nested *n, struct vmcb *vmcb, u64 error)
{
	vmcb->event_inj = SVM_EVENT_VALID | SVM_EVENT_HAS_ERROR | SVM_EVENT_EXCEPTION << 8 | VECTOR_GP | error << 32;
	/* As in svm_quick.c. */
	vmcb->rflags |= RFLAGS_RF;
	vmcb->clean = SVM_CLEAN_ALL;
	vmcb->tlb_control = 0;
	v->exits[VMEXIT_NESTED]++;
	nested_run(v, n, v->control);
	return true;
}

/* Outside CPL 0 what UMIP forbids is a #GP, and a #GP is what it is. */
static __attribute__((noinline)) bool refuse_l2(struct vcpu *v, struct nested *n, u64 code)
{
	struct vmcb *vmcb = n->vmcb;

	if (!vmcb->cpl || vmcb->exit_int_info & SVM_EVENT_VALID || n->stale || n->stepping)
		return false;
	if (code == SVM_EXIT_EXCEPTION(VECTOR_GP))
		return !(n->exceptions >> VECTOR_GP & 1) && raise(v, n, vmcb, vmcb->exit_info1);
	if (code - SVM_EXIT_IDTR_READ > SVM_EXIT_TR_READ - SVM_EXIT_IDTR_READ && code != SVM_EXIT_CR_READ(0))
		return false;
	return raise(v, n, vmcb, 0);
}

static inline bool pass_on(struct vcpu *v, struct vmcb *own, struct nested *n)
{
	const struct vmcb *from = n->vmcb;
	struct vmcb *to = n->vmcb12;

	v->exits[VMEXIT_NESTED]++;
	nested_copy_out(n, to, from);
	if (svm_features & SVM_HAS_DECODE)
		nested_copy_bytes(to, from);
	nested_to_l1(v, n, own);
	return true;
}

/* Where L2 may seal pages most of its CPUIDs and VMMCALLs are L1's for all that. */
static __attribute__((noinline)) bool look(struct vcpu *v, struct vmcb *own, struct nested *n, u64 code)
{
	if (code != SVM_EXIT_CPUID && code != SVM_EXIT_VMMCALL)
		return refuse_l2(v, n, code);
	return !nested_asks(n, n->vmcb) && pass_on(v, own, n);
}

static __attribute__((noinline)) bool from_l2(struct vcpu *v, struct vmcb *own, struct nested *n)
{
	u64 code = n->vmcb->exit_code;

	svm_cli();
	return ours(n, code) ? look(v, own, n, code) : pass_on(v, own, n);
}

static __attribute__((noinline)) bool vmload(struct vcpu *v, struct vmcb *own, const struct nested *n)
{
	u64 pa = own->rax;

	if (!nested_good(n, pa) || (n->locked && n->gif == GIF_SET) || !step_over(v, n, own, SVM_EXIT_VMLOAD))
		return false;
	svm_vmload(pa);
	return true;
}

static __attribute__((noinline)) bool vmsave(struct vcpu *v, struct vmcb *own, const struct nested *n)
{
	u64 pa = own->rax;

	if (!nested_good(n, pa) || !step_over(v, n, own, SVM_EXIT_VMSAVE))
		return false;
	svm_vmsave(pa);
	return true;
}

static inline bool clear(struct vcpu *v, struct nested *n, struct vmcb *own)
{
	if (n->gif != GIF_SET || !step_over(v, n, own, SVM_EXIT_CLGI))
		return false;
	if (n->vgif)
		nested_gif_watch(n, own, 0);
	else
		nested_gif_clear(n, own);
	return true;
}

static inline bool set(struct vcpu *v, struct nested *n, struct vmcb *own)
{
	if (n->gif != GIF_CLEAR || v->nmis || !step_over(v, n, own, SVM_EXIT_STGI))
		return false;
	if (n->vgif && !n->came)
		nested_gif_watch(n, own, SVM_V_GIF);
	else
		nested_gif_set(n, own);
	return true;
}

static __attribute__((noinline)) bool clgi(struct vcpu *v, struct vmcb *own, struct nested *n)
{
	if (!clear(v, n, own))
		return false;
	if (n->locked)
		nested_hold_msrs(v, n);
	return true;
}

static __attribute__((noinline)) bool stgi_locked(struct vcpu *v, struct vmcb *own, struct nested *n)
{
	return nested_msrs_held(n) && set(v, n, own);
}

static __attribute__((noinline)) bool stgi(struct vcpu *v, struct vmcb *own, struct nested *n)
{
	if (n->locked)
		return stgi_locked(v, own, n);
	return set(v, n, own);
}

/* Each way apart, so that none saves registers that another one needs. */
bool svm_nested_quick(struct vcpu *v, struct vmcb *own, struct nested *n, u64 code)
{
	if (n->state != NESTED_ON)
		return n->state == NESTED_GUEST && from_l2(v, own, n);
	switch (code) {
	case SVM_EXIT_VMRUN:
		return vmrun(v, own, n);
	case SVM_EXIT_VMLOAD:
		return vmload(v, own, n);
	case SVM_EXIT_STGI:
		return stgi(v, own, n);
	case SVM_EXIT_VMSAVE:
		return vmsave(v, own, n);
	case SVM_EXIT_CLGI:
		return clgi(v, own, n);
	}
	return false;
}
