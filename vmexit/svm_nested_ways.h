/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * svm_nested_ways.h - from L1 to L2 and back, and L1's GIF set and cleared: what both the quick way
 * (svm_nested_quick.c, which calls nothing) and the long one do.
 */
#ifndef OLDGUARD_SVM_NESTED_WAYS_H
#define OLDGUARD_SVM_NESTED_WAYS_H

#include "svm_nested.h"

/* Whoever has learnt of the highest ASID on the bare processor shares one, see nested_shadow_enter(). */
static inline u32 nested_asid(const struct nested *n, u32 asid)
{
	return asid < n->asids - 1 ? asid : n->asids - 2;
}

/* An exit of L1's that is to be looked at after all. The other ones of @calls are ours to look at anyhow. */
static inline bool nested_asks(const struct nested *n, const struct vmcb *c)
{
	if (n->stepping)
		return true;
	if (c->exit_code == SVM_EXIT_CPUID)
		return (u32)c->rax - NESTED_LEAF < NESTED_LEAVES;
	return c->exit_code == SVM_EXIT_VMMCALL &&
	       c->rax - OLDGUARD_CALL_SEAL <= OLDGUARD_CALL_SYNC - OLDGUARD_CALL_SEAL;
}

static inline bool nested_good(const struct nested *n, u64 pa)
{
	const u64 *good = n->good[NESTED_GOOD_INDEX(pa)];

	return good[0] == pa || good[1] == pa;
}

/* In each place an address that belongs into another one: no RAX is good that nobody has looked at. */
static inline void nested_forget_good(struct nested *n)
{
	u32 i;

	for (i = 0; i < NESTED_GOOD; i++)
		n->good[i][0] = n->good[i][1] = (i + 1) % NESTED_GOOD * PAGE_BYTES;
}

/*
 * What is in the MSRs that VMLOAD loads and rules lock, when L1 clears GIF. It is what it was the last time,
 * unless L1 has written one of them, which exits; but for those that have instructions of their own (SWAPGS).
 */
static inline void nested_hold_msrs(const struct vcpu *v, struct nested *n)
{
	u32 i, left = n->locked;

	if (n->held_writes == v->exits[VMEXIT_MSR_WRITE])
		left &= ~((1u << NESTED_WRITTEN) - 1);
	n->held_writes = v->exits[VMEXIT_MSR_WRITE];
	for (; left; left &= left - 1) {
		i = __builtin_ctz(left);
		n->held[i] = cpu_rdmsr(nested_swapped[i]);
	}
}

static inline bool nested_msrs_held(const struct nested *n)
{
	u32 i, left;

	for (left = n->locked; left; left &= left - 1) {
		i = __builtin_ctz(left);
		if (n->held[i] != cpu_rdmsr(nested_swapped[i]))
			return false;
	}
	return true;
}

/* A word of L1's bitmaps; what L1 has none of is closed. */
static inline u64 nested_live(const struct nested *n, u32 word)
{
	u64 base = word < NESTED_MSR_WORDS ? n->msrpm : n->iopm - 2 * PAGE_BYTES;
	u64 value;

	if ((word < NESTED_MSR_WORDS ? n->msrpm : n->iopm) == NESTED_NONE ||
	    !phys_load(ROOT_PHYS + base + word * 8ULL, &value))
		return ~0ULL;
	return value;
}

/* What L1 has closed since it was opened is closed here. */
static inline void nested_close(struct nested *n)
{
	u32 i;

	for (i = 0; i < n->opened; i++)
		n->map[n->open[i]] |= nested_live(n, n->open[i]);
}

/* The CR8 that L1 has now becomes the processor's. */
static inline void nested_tpr(const struct nested *n, const struct vmcb *own)
{
	if ((own->virtual_interrupt & SVM_V_TPR) != n->tpr)
		cpu_write_cr8(own->virtual_interrupt & SVM_V_TPR);
}

static inline void nested_gif_changed(struct vmcb *own)
{
	own->clean &= ~(SVM_CLEAN_INTERCEPTS | SVM_CLEAN_TPR);
}

/* L1's intercepts for what its GIF is. No step is under way. */
static inline void nested_gif_intercept(const struct nested *n, struct vmcb *own, enum nested_gif gif)
{
	own->intercept3 = n->own_icpt3[gif];
	if (likely(!n->own_varies))
		return;
	own->intercept4 = n->own_icpt4[gif];
	own->intercept_cr_write = n->own_cr_write[gif];
}

/* From V_TPR to CR8 and back when interrupts begin and cease to be L1's. No step is under way. */
static inline void nested_gif_set(struct nested *n, struct vmcb *own)
{
	nested_tpr(n, own);
	n->gif = GIF_SET;
	own->virtual_interrupt = 0;
	nested_gif_intercept(n, own, GIF_SET);
	nested_gif_changed(own);
	svm_cli();
}

static inline void nested_gif_take(struct nested *n, struct vmcb *own)
{
	if (n->gif == GIF_SET)
		n->tpr = own->virtual_interrupt = cpu_read_cr8();
	own->virtual_interrupt = (own->virtual_interrupt & SVM_V_TPR) | SVM_V_INTR_MASKING;
}

static inline void nested_gif_clear(struct nested *n, struct vmcb *own)
{
	nested_gif_take(n, own);
	n->gif = GIF_CLEAR;
	nested_gif_intercept(n, own, GIF_CLEAR);
	nested_gif_changed(own);
	svm_cli();
}

/* What comes exits only with the root side's RFLAGS.IF set, so that is set until L1 is in another state. */
static inline void nested_gif_watch(struct nested *n, struct vmcb *own, u64 gif)
{
	nested_gif_take(n, own);
	own->virtual_interrupt |= SVM_V_GIF_ENABLE | gif;
	n->came = false;
	if (n->gif != GIF_WATCH) {
		n->gif = GIF_WATCH;
		nested_gif_intercept(n, own, GIF_WATCH);
	}
	nested_gif_changed(own);
	svm_sti();
}

/* The state that VMRUN loads, and what goes with it: APM vol. 2, 15.5.1. */
static inline void nested_copy_unclean(struct nested *n, struct vmcb *to, const struct vmcb *from, u32 clean)
{
	if (!(clean & SVM_CLEAN_CR)) {
		to->efer = from->efer;
		n->cr4 = from->cr4;
		to->cr4 = n->cr4 & ~n->virtual_cr4;
		n->cr4 &= n->virtual_cr4;
		to->cr3 = from->cr3;
		to->cr0 = from->cr0;
	}
	if (!(clean & SVM_CLEAN_DR)) {
		to->dr7 = from->dr7;
		to->dr6 = from->dr6;
	}
	if (!(clean & SVM_CLEAN_DT)) {
		to->gdtr = from->gdtr;
		to->idtr = from->idtr;
	}
	if (!(clean & SVM_CLEAN_SEG)) {
		to->es = from->es;
		to->cs = from->cs;
		to->ss = from->ss;
		to->ds = from->ds;
		to->cpl = from->cpl;
	}
}

static inline void nested_copy_in(struct nested *n, struct vmcb *to, const struct vmcb *from, u32 clean)
{
	if (~clean & NESTED_CLEAN_STATE)
		nested_copy_unclean(n, to, from, clean);
	/* KVM calls these two never clean, and nobody can object if they are copied. */
	to->cr2 = from->cr2;
	to->virtual_interrupt = (from->virtual_interrupt & n->virtual_in) | n->virtual_gif;
	to->rflags = from->rflags;
	to->rip = from->rip;
	to->rsp = from->rsp;
	to->rax = from->rax;
	to->interrupt_shadow = from->interrupt_shadow & 1;
	to->event_inj = from->event_inj;
	to->next_rip = from->next_rip;
}

/* What #VMEXIT stores: 15.6. */
static inline void nested_copy_out(const struct nested *n, struct vmcb *to, const struct vmcb *from)
{
	to->es = from->es;
	to->cs = from->cs;
	to->ss = from->ss;
	to->ds = from->ds;
	to->gdtr = from->gdtr;
	to->idtr = from->idtr;
	to->cpl = from->cpl;
	to->efer = from->efer;
	to->cr4 = from->cr4 | n->cr4;
	to->cr3 = from->cr3;
	to->cr0 = from->cr0;
	to->dr7 = from->dr7;
	to->dr6 = from->dr6;
	to->rflags = from->rflags;
	to->rip = from->rip;
	to->rsp = from->rsp;
	to->rax = from->rax;
	to->cr2 = from->cr2;
	to->virtual_interrupt = (to->virtual_interrupt & ~n->virtual_out) | (from->virtual_interrupt & n->virtual_out);
	to->interrupt_shadow = from->interrupt_shadow;
	to->exit_code = from->exit_code;
	to->exit_info1 = from->exit_info1;
	to->exit_info2 = from->exit_info2;
	to->exit_int_info = from->exit_int_info;
	to->event_inj = 0;
	to->next_rip = from->next_rip;
}

/* The bytes of the instruction, where the processor tells them: 15.8.4. */
static inline void nested_copy_bytes(struct vmcb *to, const struct vmcb *from)
{
	u64 *t = (u64 *)&to->fetched_count;
	const u64 *f = (const u64 *)&from->fetched_count;

	t[0] = f[0];
	t[1] = f[1];
}

/* L2 is to run: the rest of VMRUN. L1's interrupt flag is the host's (15.21.1). */
static inline void nested_run(struct vcpu *v, struct nested *n, const struct vmcb *own)
{
	n->state = NESTED_GUEST;
	n->injected = n->vmcb->event_inj;
	v->control_pa = n->vmcb_pa;
	if (own->rflags & RFLAGS_IF)
		svm_sti();
	else
		svm_cli();
}

/* #VMEXIT to L1, whose own state has been in VMCB01 all the time. VMCB12 is filled. */
static inline void nested_to_l1(struct vcpu *v, struct nested *n, struct vmcb *own)
{
	u64 code = n->vmcb12->exit_code;

	n->state = NESTED_ON;
	v->control_pa = n->own_pa;
	own->dr7 = 0x400;
	own->clean &= ~SVM_CLEAN_DR;
	/* svm_quick(), which has not known whose exit it was, has called all of it clean. */
	if (unlikely(n->dirty)) {
		n->dirty = false;
		own->clean = 0;
		own->tlb_control = SVM_FLUSH_ALL;
	}
	/* A CR8 that L2 could write is L1's, too. */
	if (!(n->vmcb->virtual_interrupt & SVM_V_INTR_MASKING)) {
		n->tpr = cpu_read_cr8();
		own->virtual_interrupt = (own->virtual_interrupt & ~SVM_V_TPR) | n->tpr;
		own->clean &= ~SVM_CLEAN_TPR;
	}
	if (!n->vgif) {
		if (n->gif == GIF_SET)
			nested_gif_clear(n, own);
		return;
	}
	if (!n->window && code - SVM_EXIT_INTR > SVM_EXIT_NMI - SVM_EXIT_INTR) {
		nested_gif_watch(n, own, 0);
		return;
	}
	n->came = code - SVM_EXIT_INTR <= SVM_EXIT_NMI - SVM_EXIT_INTR;
	if (n->gif != GIF_CLEAR)
		nested_gif_clear(n, own);
}

#endif
