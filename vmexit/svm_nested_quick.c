// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_nested_quick.c - what a hypervisor in our guest executes around each exit of its guests: CLGI,
 * VMLOAD, VMRUN, VMSAVE, STGI, and the exit itself. What these answer is what svm_exit() would.
 *
 * svm_quick() jumps here, so its rules hold: no call, R9 to R11 left alone.
 */
#include "svm_nested.h"

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

/*
 * The same VMCB as last time, of which only what needs no look has changed. Otherwise, and when L1 has GIF
 * set or has changed its CR8 since it cleared it, svm_nested_insn() has more to do.
 */
static __attribute__((noinline)) bool vmrun(struct vcpu *v)
{
	struct nested *n = v->nested;
	struct vmcb *own = v->control;
	struct vmcb *to = n->vmcb;
	const struct vmcb *from = n->vmcb12;
	u32 clean;

	if (n->built_pa != own->rax || !nested_good(n, own->rax) || n->stale || n->gif == GIF_SET ||
	    (own->virtual_interrupt & SVM_V_TPR) != n->tpr)
		return false;
	clean = *(const volatile u32 *)&from->clean;
	/* A guest with seals may have been reset. */
	if (!(clean & SVM_CLEAN_CR) && ((from->cr4 ^ n->cr4) & n->umip_wanted) | (uintptr_t)n->guest)
		return false;
	if (~clean & NESTED_CLEAN_CONTROLS || from->tlb_control || !step_over(v, n, own, SVM_EXIT_VMRUN))
		return false;
	to->clean = clean;
	to->tlb_control = 0;
	nested_copy_in(n, to, from, clean);
	nested_close(n);
	nested_run(v, n, own);
	return true;
}

/* What may be ours: our own intercepts. An NMI that L1 has not intercepted does not exit. */
static inline bool may_be_ours(const struct nested *n, u64 code)
{
	if (code == SVM_EXIT_NPF || code == SVM_EXIT_INIT)
		return true;
	if (code - SVM_EXIT_INVLPGA > SVM_EXIT_SKINIT - SVM_EXIT_INVLPGA)
		return false;
	return code != SVM_EXIT_VMMCALL && (code != SVM_EXIT_IOIO || n->own_io);
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
static __attribute__((noinline)) bool refuse_l2(struct vcpu *v)
{
	struct nested *n = v->nested;
	struct vmcb *vmcb = n->vmcb;

	if (!vmcb->cpl || vmcb->exit_int_info & SVM_EVENT_VALID || n->stale || n->stepping)
		return false;
	if (vmcb->exit_code != SVM_EXIT_EXCEPTION(VECTOR_GP))
		return raise(v, n, vmcb, 0);
	return !(n->exceptions >> VECTOR_GP & 1) && raise(v, n, vmcb, vmcb->exit_info1);
}

static inline bool pass_on(struct vcpu *v, struct nested *n, struct vmcb *own, struct vmcb *vmcb)
{
	v->exits[VMEXIT_NESTED]++;
	nested_copy_out(n, n->vmcb12, vmcb);
	if (svm_features & SVM_HAS_DECODE)
		nested_copy_bytes(n->vmcb12, vmcb);
	nested_to_l1(v, n, own);
	return true;
}

static __attribute__((noinline, flatten)) bool pass_on_unasked(struct vcpu *v)
{
	struct nested *n = v->nested;

	return !nested_asks(n, n->vmcb) && pass_on(v, n, v->control, n->vmcb);
}

static __attribute__((noinline, flatten)) bool from_l2(struct vcpu *v)
{
	struct nested *n = v->nested;
	struct vmcb *own = v->control;
	struct vmcb *vmcb = n->vmcb;

	svm_cli();
	vmcb->event_inj = 0;
	if (nested_umip_code(n, vmcb->exit_code))
		return refuse_l2(v);
	if (may_be_ours(n, vmcb->exit_code))
		return false;
	return unlikely(n->asks) ? pass_on_unasked(v) : pass_on(v, n, own, vmcb);
}

static __attribute__((noinline)) bool vmload_vmsave(struct vcpu *v)
{
	const struct nested *n = v->nested;
	struct vmcb *own = v->control;

	if (!nested_good(n, own->rax) || (n->locked && n->gif == GIF_SET) ||
	    !step_over(v, n, own, own->exit_code))
		return false;
	if (own->exit_code == SVM_EXIT_VMLOAD)
		svm_vmload(own->rax);
	else
		svm_vmsave(own->rax);
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

static __attribute__((noinline)) bool clgi(struct vcpu *v)
{
	struct nested *n = v->nested;

	if (!clear(v, n, v->control))
		return false;
	if (n->locked)
		nested_hold_msrs(n);
	return true;
}

static __attribute__((noinline)) bool stgi_locked(struct vcpu *v)
{
	struct nested *n = v->nested;

	return nested_msrs_held(n) && set(v, n, v->control);
}

static __attribute__((noinline)) bool stgi(struct vcpu *v)
{
	struct nested *n = v->nested;

	if (n->locked)
		return stgi_locked(v);
	return set(v, n, v->control);
}

/* Each way apart, so that none saves registers that another one needs. */
bool svm_nested_quick(struct vcpu *v)
{
	const struct nested *n = v->nested;
	u64 code = ((const struct vmcb *)v->control)->exit_code;

	if (unlikely(n->state != NESTED_ON))
		return n->state == NESTED_GUEST && from_l2(v);
	if (code - SVM_EXIT_VMLOAD <= SVM_EXIT_VMSAVE - SVM_EXIT_VMLOAD)
		return vmload_vmsave(v);
	if (code == SVM_EXIT_VMRUN)
		return vmrun(v);
	if (code == SVM_EXIT_STGI)
		return stgi(v);
	return code == SVM_EXIT_CLGI && clgi(v);
}
