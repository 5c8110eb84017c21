// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_nested.c - a hypervisor in our guest: its instructions, VMRUN above all, and its GIF (AMD APM
 * vol. 2, ch. 15); svm_nested.h has the idea.
 *
 * What remains of locks on MSRs: VMLOAD changes those that lead into the kernel. While L1 has GIF
 * clear they are its guest's, as on bare hardware, and code of L1's that stays there, and goes to CPL 3 there,
 * has system calls that go elsewhere. With GIF set, which takes interrupts and with them all of an
 * ordinary kernel, they are what they were before: svm_nested_insn() sees to that at STGI and VMLOAD.
 */
#include "svm_nested_ways.h"

#include "../features/enforce.h"
#include "../guest-glue/svm_shadow.h"

const u32 nested_swapped[NESTED_SWAPPED] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP,
	/* From NESTED_WRITTEN on. */
	MSR_KERNEL_GS_BASE, MSR_FS_BASE, MSR_GS_BASE,
};

/* What has become of locked MSRs since nested_hold_msrs() goes by the rules, as if L1 had written it. */
void svm_nested_check_msrs(struct vcpu *v)
{
	struct nested *n = v->nested;
	const struct plan *plan = v->plan;
	const struct rule *rule;
	u32 i;

	for (i = 0; i < NESTED_SWAPPED; i++) {
		struct vmexit e = { .kind = VMEXIT_MSR_WRITE, .sel = nested_swapped[i] };

		if (!(n->locked >> i & 1))
			continue;
		e.value = cpu_rdmsr(e.sel);
		if (e.value == n->held[i])
			continue;
		n->held_writes = NESTED_NONE;
		rule = rule_strictest(v, ASSET_MSR, e.sel, n->held[i], e.value, n->held[i]);
		if (!rule)
			continue;
		e.feature = plan->claims[plan->spans[VMEXIT_MSR_WRITE].first].feature;
		if (rule_enforce(v, &e, rule, n->held[i]) != VERDICT_DEFAULT)
			cpu_wrmsr(e.sel, n->held[i]);
	}
}

/* The newer one of two first. */
static void remember(u64 *pair, u64 value)
{
	if (pair[0] == value || pair[1] == value)
		return;
	pair[1] = pair[0];
	pair[0] = value;
}

/* rAX by the address size, of which the decoder does not tell. */
static u64 operand(struct vcpu *v, const struct vmexit *e)
{
	u8 bytes[INSN_MAX_BYTES] = { 0 };
	struct guest_fault fault;
	struct guest_mem mem;
	u32 got, i;

	insn_memory(v, &mem);
	if (guest_code_mode(&mem) != 64)
		return (u32)v->gpr[RAX];
	if (e->len > 3 && guest_fetch(&mem, vcpu_get(v, VCPU_RIP), bytes, &got, &fault) == WALK_OK)
		for (i = 0; i < e->len - 3u; i++)
			if (bytes[i] == 0x67)
				return (u32)v->gpr[RAX];
	return v->gpr[RAX];
}

/*
 * An address that L1 gives for a VMCB: page-aligned memory that is not ours. What a rule protects it
 * is not to write by us either. VERDICT_DEFAULT: it is good.
 */
static enum verdict check_address(struct vcpu *v, struct vmexit *e, u64 pa, bool write)
{
	struct machine *m = v->machine;
	struct nested *n = v->nested;
	enum verdict verdict;

	if (pa % PAGE_BYTES || pa >= m->phys_end || block_offset(m, pa) != BLOCK_NONE)
		return inject_error(e, VECTOR_GP, 0);
	if (slat_guarded(m, pa)) {
		verdict = write ? rule_store(v, e, pa, PAGE_BYTES) : VERDICT_DEFAULT;
		return verdict == VERDICT_NEXT ? inject_error(e, VECTOR_GP, 0) : verdict;
	}
	remember(n->good[NESTED_GOOD_INDEX(pa)], pa);
	return VERDICT_DEFAULT;
}

/* --- VMRUN --- */

/*
 * What L2 executes by itself if L1 and the processor let it: CLGI and STGI on a virtual GIF (15.33.2), VMLOAD and
 * VMSAVE through the tables that it runs on (15.33.1). A Linux that was there before us knows that the processor
 * has them, whatever CPUID says now, and KVM gives them to all its guests.
 */
static void take_virtual(struct nested *n, const struct vmcb *from)
{
	u64 gif = *(const volatile u64 *)&from->virtual_interrupt & SVM_V_GIF_ENABLE;
	u64 swaps = *(const volatile u64 *)&from->lbr_control & SVM_VIRTUAL_VMLOAD;

	if (!(svm_features & SVM_HAS_VGIF))
		gif = 0;
	if (!(svm_features & SVM_HAS_VIRTUAL_VMLOAD) || !(from->nested_control & 1))
		swaps = 0;
	n->virtual_gif = gif;
	n->vmcb->lbr_control = swaps;
	n->vmcb->intercept4 = n->icpt4 | (NESTED_ICPT4 & ~((gif ? NESTED_GIF_ICPT4 : 0) |
							   (swaps ? SVM_ICPT_VMLOAD | SVM_ICPT_VMSAVE : 0)));
}

/* 15.5.1, 15.9: what is intercepted, and by which maps. */
static bool take_intercepts(struct vcpu *v, struct nested *n, const struct vmcb *from)
{
	const struct machine *m = v->machine;
	struct vmcb *to = n->vmcb;
	u64 msrpm = *(const volatile u64 *)&from->msrpm_pa & ~(PAGE_BYTES - 1);
	u64 iopm = *(const volatile u64 *)&from->iopm_pa & ~(PAGE_BYTES - 1);
	u64 top = BIT64(m->maxphyaddr);

	n->own_io = v->plan->traps.io.count;
	n->icpt3 = *(const volatile u32 *)&from->intercept3;
	n->icpt4 = *(const volatile u32 *)&from->intercept4;
	if (!(n->icpt4 & SVM_ICPT_VMRUN) || msrpm > top - 2 * PAGE_BYTES ||
	    iopm > top - 3 * PAGE_BYTES || block_overlaps(m, msrpm, 2 * PAGE_BYTES) ||
	    block_overlaps(m, iopm, 3 * PAGE_BYTES))
		return false;
	n->msrpm = n->icpt3 & SVM_ICPT_MSR ? msrpm : NESTED_NONE;
	n->iopm = n->icpt3 & SVM_ICPT_IOIO ? iopm : NESTED_NONE;
	n->cr_read = *(const volatile u16 *)&from->intercept_cr_read;
	n->cr_write = *(const volatile u16 *)&from->intercept_cr_write;
	n->exceptions = *(const volatile u32 *)&from->intercept_exceptions;
	to->intercept_cr_write = n->cr_write;
	to->intercept_dr_read = from->intercept_dr_read;
	to->intercept_dr_write = from->intercept_dr_write;
	take_virtual(n, from);
	to->intercept5 = from->intercept5;
	to->pause_threshold = from->pause_threshold;
	to->pause_count = from->pause_count;
	to->tsc_offset = from->tsc_offset;
	to->msrpm_pa = n->map_pa;
	to->iopm_pa = n->own_io ? n->map_pa + 2 * PAGE_BYTES : iopm;
	return true;
}

/* 15.16, 15.25.3: the ASID and the nested tables, ours in the place of L1's. */
static bool take_paging(struct vcpu *v, struct nested *n, const struct vmcb *own,
			const struct vmcb *from)
{
	struct vmcb *to = n->vmcb;
	u32 asid = *(const volatile u32 *)&from->asid;
	u64 ncr3 = *(const volatile u64 *)&from->nested_cr3;

	n->npt = from->nested_control & 1;
	if (!asid || asid >= n->asids ||
	    (n->npt && (!(svm_features & SVM_HAS_NPT) || !(own->cr0 & CR0_PG) || ncr3 >> v->machine->maxphyaddr)))
		return false;
	to->nested_control = n->npt || v->machine->caps.slat;
	/* Without nested paging L2 has the one PAT that there is: L1's (15.25.8). */
	to->g_pat = n->npt ? from->g_pat : own->g_pat;
	nested_shadow_enter(v, asid, n->npt ? ncr3 : NESTED_NONE, from->tlb_control);
	return true;
}

/* L1 sees what it has given refused: VMEXIT_INVALID. Or that its guest has shut down. */
static void refuse_vmrun(struct vcpu *v, struct nested *n, struct vmcb *own, u64 code)
{
	n->built_pa = NESTED_NONE;
	n->vmcb12->exit_code = code;
	nested_to_l1(v, n, own);
}

/* Seals may forbid, or put off, that a processor of a guest's goes on. */
static bool guest_enters(struct vcpu *v, struct nested *n, struct vmcb *own, struct vmcb *from)
{
	enum nested_entry entry = nested_guest(v, true);

	if (entry == NESTED_ENTERS)
		return true;
	from->exit_int_info = 0;
	if (entry == NESTED_WAITS) {
		from->exit_int_info = from->event_inj;
		from->event_inj = 0;
	}
	refuse_vmrun(v, n, own, entry == NESTED_WAITS ? SVM_EXIT_INTR : SVM_EXIT_SHUTDOWN);
	return false;
}

static void vmrun(struct vcpu *v, struct nested *n, struct vmcb *own, u64 pa)
{
	struct vmcb *from = phys_at(pa);
	u32 clean = n->built_pa == pa ? *(const volatile u32 *)&from->clean : 0;

	n->leaving = false;
	n->vmcb12 = from;
	n->vmcb12_pa = pa;
	n->vmcb->clean = clean & ~NESTED_CLEAN_CONTROLS;
	if (n->gif != GIF_SET) {
		nested_tpr(n, own);
		n->tpr = own->virtual_interrupt & SVM_V_TPR;
	} else {
		/* GIF is clear when L2 has exited, and by then these may be L2's. */
		nested_hold_msrs(v, n);
	}
	if (n->calls && !guest_enters(v, n, own, from))
		return;
	if (!take_intercepts(v, n, from) || !take_paging(v, n, own, from)) {
		refuse_vmrun(v, n, own, SVM_EXIT_INVALID);
		return;
	}
	nested_copy_in(n, n->vmcb, from, clean);
	if (n->cr4)
		v->ring->guests_cr4 |= n->cr4;
	nested_umip_intercepts(n);
	n->built_pa = pa;
	nested_close(n);
	nested_run(v, n, own);
}

/* --- L1's instructions --- */

static enum verdict stgi(struct vcpu *v, struct nested *n, struct vmcb *own)
{
	if (n->gif != GIF_CLEAR)
		return VERDICT_NEXT;
	nested_gif_set(n, own);
	svm_nested_check_msrs(v);
	return VERDICT_NEXT;
}

static enum verdict clgi(struct vcpu *v, struct nested *n, struct vmcb *own)
{
	if (n->gif != GIF_SET)
		return VERDICT_NEXT;
	nested_hold_msrs(v, n);
	if (n->vgif)
		nested_gif_watch(n, own, 0);
	else
		nested_gif_clear(n, own);
	return VERDICT_NEXT;
}

static enum verdict vmload(struct vcpu *v, struct nested *n, u64 pa)
{
	if (n->gif != GIF_SET) {
		svm_vmload(pa);
		return VERDICT_NEXT;
	}
	nested_hold_msrs(v, n);
	svm_vmload(pa);
	svm_nested_check_msrs(v);
	return VERDICT_NEXT;
}

/* ASID 0 is L1's own; of those that it does not have nothing is in the TLB. */
static enum verdict invlpga(struct vcpu *v, const struct nested *n)
{
	u32 asid = v->gpr[RCX];

	if (asid < n->asids)
		svm_invlpga(v->gpr[RAX], asid ? nested_asid(n, asid) : n->asids - 1);
	return VERDICT_NEXT;
}

enum verdict svm_nested_insn(struct vcpu *v, struct vmexit *e)
{
	struct nested *n = v->nested;
	struct vmcb *own = v->control;
	u64 code = own->exit_code;
	enum verdict verdict;
	u64 pa;

	v->exits[VMEXIT_VIRT_INSN]++;
	if (n->state == NESTED_OFF || code == SVM_EXIT_SKINIT)
		return inject(e, VECTOR_UD);
	if (e->cpl)
		return inject_error(e, VECTOR_GP, 0);
	verdict = insn_length(v, e);
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (e->len == NESTED_INSN_BYTES && code != SVM_EXIT_INVLPGA)
		remember(n->plain[NESTED_PLAIN_INDEX(code)], own->rip);
	switch (code) {
	case SVM_EXIT_STGI:
		return stgi(v, n, own);
	case SVM_EXIT_CLGI:
		return clgi(v, n, own);
	case SVM_EXIT_INVLPGA:
		return invlpga(v, n);
	}
	pa = operand(v, e);
	verdict = check_address(v, e, pa, code != SVM_EXIT_VMLOAD);
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (code == SVM_EXIT_VMLOAD)
		return vmload(v, n, pa);
	if (code == SVM_EXIT_VMSAVE)
		svm_vmsave(pa);
	else
		vmrun(v, n, own, pa);
	return VERDICT_NEXT;
}

/* --- what GIF holds back --- */

bool svm_nested_gif(const struct vcpu *v)
{
	const struct nested *n = v->nested;
	const struct vmcb *own = v->control;

	return !n || n->gif == GIF_SET || (n->gif == GIF_WATCH && own->virtual_interrupt & SVM_V_GIF);
}

void svm_nested_hold(struct vcpu *v)
{
	struct nested *n = v->nested;

	n->came = true;
	if (n->gif == GIF_WATCH)
		nested_gif_clear(n, v->control);
}

/*
 * The processor translates rAX as it would a load's address, or a store's (15.33.1). What our tables
 * refuse is what the intercepted instruction is refused, and all that it would write is looked at.
 */
void svm_nested_virtual(struct vcpu *v, struct vmexit *e)
{
	struct vmcb *own = v->control;
	struct vmexit insn_exit = *e;
	struct guest_mem mem;
	struct insn insn;

	if (!(own->lbr_control & SVM_VIRTUAL_VMLOAD) || e->cpl || e->delivering || e->value & MEM_FETCH ||
	    insn_decode(v, &insn_exit, &mem, &insn) != VERDICT_DEFAULT ||
	    (insn.op != INSN_VMLOAD && insn.op != INSN_VMSAVE) ||
	    (operand(v, &insn_exit) ^ e->addr) / PAGE_BYTES)
		return;
	e->kind = VMEXIT_VIRT_INSN;
	e->len = insn_exit.len;
	own->exit_code = insn.op == INSN_VMLOAD ? SVM_EXIT_VMLOAD : SVM_EXIT_VMSAVE;
}

bool svm_nested_event(struct vcpu *v)
{
	struct nested *n = v->nested;
	struct vmcb *own = v->control;
	u64 code = own->exit_code;

	if (n->gif != GIF_WATCH ||
	    (code != SVM_EXIT_INTR && code != SVM_EXIT_NMI && code != SVM_EXIT_CR_WRITE(8)))
		return false;
	v->exits[VMEXIT_VIRT_INSN]++;
	if (own->virtual_interrupt & SVM_V_GIF)
		nested_gif_set(n, own);
	else
		svm_nested_hold(v);
	own->event_inj = svm_under_delivery(own);
	return true;
}
