// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_nested_exit.c - what exits from a guest of a hypervisor in our guest: ours, or that one's (AMD APM vol. 2,
 * ch. 15); svm_nested.h has the idea.
 */
#include "svm_nested_ways.h"

#include "../guest-glue/string.h"
#include "../guest-glue/svm_shadow.h"

/* An exit that is L1's after all, or has become it. */
static void reflect(struct vcpu *v, struct nested *n)
{
	nested_copy_out(n, n->vmcb12, n->vmcb);
	if (svm_features & SVM_HAS_DECODE)
		nested_copy_bytes(n->vmcb12, n->vmcb);
	nested_to_l1(v, n, v->control);
}

/* The word and bit of an MSR's accesses in the map; false if the map does not reach it. */
static bool msr_bit(u32 msr, bool write, u32 *bit)
{
	u32 vector = msr >> 13;

	if (vector == 0xc0000000 >> 13)
		vector = 1;
	else if (vector == 0xc0010000 >> 13)
		vector = 2;
	else if (vector)
		return false;
	*bit = vector * 0x800 * 8 + (msr & 0x1fff) * 2 + write;
	return true;
}

static bool live(const struct nested *n, u32 bit)
{
	return nested_live(n, bit / 64) >> bit % 64 & 1;
}

void nested_close_all(struct nested *n)
{
	while (n->opened)
		n->map[n->open[--n->opened]] = ~0ULL;
}

void nested_open(struct nested *n, u32 bit)
{
	u32 i;

	for (i = 0; i < n->opened && n->open[i] != bit / 64; i++)
		;
	if (i == NESTED_OPEN)
		nested_close_all(n);
	if (i >= n->opened)
		n->open[n->opened++] = bit / 64;
	n->map[bit / 64] &= ~BIT64(bit % 64);
}

/* Ours, and to be looked at each time: what the plan traps of L1's, too. VMLOAD swaps the rest. */
static bool msr_is_ours(const struct vcpu *v, u32 msr, u32 bit)
{
	const struct machine *m = v->machine;
	const u64 *plan = block_va(m, m->msr_map[v->plan - m->plans]);
	u32 i;

	if (msr == MSR_PAT)
		return true;
	for (i = 0; i < NESTED_SWAPPED; i++)
		if (nested_swapped[i] == msr)
			return false;
	return plan[bit / 64] >> bit % 64 & 1;
}

static enum nested_answer msr(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	u32 number = v->gpr[RCX], bit;
	bool reached = msr_bit(number, c->exit_info1 & 1, &bit);

	if (n->icpt3 & SVM_ICPT_MSR && (!reached || live(n, bit)))
		return L1S;
	if (!reached)
		return REFUSED;
	if (msr_is_ours(v, number, bit))
		return nested_rule_msr(v, n, c, bit);
	nested_open(n, bit);
	return AGAIN;
}

/* EXITINFO1: APM vol. 2, 15.10.2. */
static enum nested_answer io(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	const struct machine *m = v->machine;
	const u64 *plan = block_va(m, m->io_map[v->plan - m->plans]);
	u32 port = c->exit_info1 >> 16 & 0xffff;
	u32 end = port + (c->exit_info1 >> 4 & 7);
	u32 bit;

	for (bit = port; bit < end; bit++)
		if (n->icpt3 & SVM_ICPT_IOIO && live(n, NESTED_MSR_WORDS * 64 + bit))
			return L1S;
	for (bit = port; bit < end; bit++)
		if (plan[bit / 64] >> bit % 64 & 1)
			return nested_rule_io(v, n, c, plan);
	for (bit = port; bit < end; bit++)
		nested_open(n, NESTED_MSR_WORDS * 64 + bit);
	return AGAIN;
}

/*
 * Memory that L1 lets L2 have, and we do not; or that nobody has mapped yet. The instruction is L2's,
 * which nobody can decode here: as if it came of an event's delivery.
 */
static enum nested_answer memory(struct vcpu *v, const struct vmcb *c, u64 address)
{
	struct vmexit e = {
		.kind = VMEXIT_MEMORY,
		.cpl = c->cpl,
		.delivering = true,
		.addr = address,
		.value = c->exit_info1 & PF_FETCH ? MEM_FETCH :
			 c->exit_info1 & PF_WRITE ? MEM_WRITE : MEM_READ,
	};

	return dispatch(v, &e) == VERDICT_RETRY ? AGAIN : REFUSED;
}

static enum nested_answer nested_page(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	u64 address = c->exit_info2;

	if (!n->npt)
		return memory(v, c, address);
	/* Without tables of our own L1's are what the processor has walked. */
	if (!v->machine->caps.slat)
		return L1S;
	switch (nested_shadow_fault(v, c->exit_info2, &c->exit_info1, &address)) {
	case NESTED_RETRY:
		return AGAIN;
	case NESTED_REFLECT:
		return L1S;
	case NESTED_SEALED:
		return nested_seal_write(v, c);
	default:
		return memory(v, c, address);
	}
}

/* What is virtual exits without an intercept where it cannot be: outside long mode. L1 expects that. */
static bool virtually(const struct vmcb *c, u64 code)
{
	return c->lbr_control & SVM_VIRTUAL_VMLOAD && code - SVM_EXIT_VMLOAD <= SVM_EXIT_VMSAVE - SVM_EXIT_VMLOAD;
}

static enum nested_answer answer(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	u64 code = c->exit_code;

	switch (code) {
	case SVM_EXIT_NPF:
		return nested_page(v, n, c);
	case SVM_EXIT_MSR:
		return msr(v, n, c);
	case SVM_EXIT_IOIO:
		return io(v, n, c);
	case SVM_EXIT_INIT:
		/* As when L1 runs: dropped. */
		svm_swallow_init();
		v->exits[VMEXIT_INIT]++;
		return AGAIN;
	case SVM_EXIT_SHUTDOWN:
		/* A shutdown that L1 does not intercept is the machine's (15.14.3). */
		if (!(n->icpt3 & SVM_ICPT_SHUTDOWN))
			machine_reset();
		return L1S;
	case SVM_EXIT_INVLPGA:
		return n->icpt3 & SVM_ICPT_INVLPGA ? L1S : REFUSED;
	}
	if (code >= SVM_EXIT_VMRUN && code <= SVM_EXIT_SKINIT && !(n->icpt4 >> (code - SVM_EXIT_VMRUN) & 1))
		return virtually(c, code) ? L1S : REFUSED;
	return L1S;
}

static void find(struct nested *n, u32 first, u32 last)
{
	for (; first <= last; first++)
		n->ours[first / 64] |= BIT64(first % 64);
}

/* What answer() and nested_umip_exit() look at. An NMI that L1 has not intercepted does not exit. */
void nested_find_ours(struct nested *n)
{
	memset(n->ours, n->stepping ? 0xff : 0, sizeof(n->ours));
	find(n, SVM_EXIT_INIT, SVM_EXIT_INIT);
	find(n, SVM_EXIT_INVLPGA, SVM_EXIT_INVLPGA);
	find(n, SVM_EXIT_MSR, SVM_EXIT_MSR);
	find(n, SVM_EXIT_SHUTDOWN, SVM_EXIT_VMRUN);
	find(n, SVM_EXIT_VMLOAD, SVM_EXIT_SKINIT);
	if (n->own_io)
		find(n, SVM_EXIT_IOIO, SVM_EXIT_IOIO);
	if (n->calls) {
		find(n, SVM_EXIT_CPUID, SVM_EXIT_CPUID);
		find(n, SVM_EXIT_VMMCALL, SVM_EXIT_VMMCALL);
	}
	if (n->virtual_cr4)
		find(n, SVM_EXIT_EXCEPTION(VECTOR_GP), SVM_EXIT_EXCEPTION(VECTOR_GP));
	if (n->umip) {
		find(n, SVM_EXIT_CR_READ(0), SVM_EXIT_CR_READ(0));
		find(n, SVM_EXIT_IDTR_READ, SVM_EXIT_TR_READ);
	}
}

/* SVM does not exist for L2 unless L1 makes it; #GP(0) is the answer to all else that is refused. */
static void refuse(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	u64 code = c->exit_code;
	bool undefined = code == SVM_EXIT_INVLPGA || (code >= SVM_EXIT_VMRUN && code <= SVM_EXIT_SKINIT);
	u64 first = svm_under_delivery(c);
	struct guest_fault fault = {
		.vector = undefined ? VECTOR_UD : VECTOR_GP,
		.has_error = !undefined,
		.error = code == SVM_EXIT_EXCEPTION(VECTOR_GP) ? c->exit_info1 : 0,
	};

	/* A fault of #DF's delivery is a shutdown of L2, of which nothing of the machine's is to stop. */
	if (first && SVM_EVENT_TYPE(first) == SVM_EVENT_EXCEPTION && (u8)first == VECTOR_DF) {
		c->exit_code = SVM_EXIT_SHUTDOWN;
		reflect(v, n);
		return;
	}
	svm_inject_fault(v, c, &fault);
}

/*
 * What L1 has injected is injected again, software interrupts, too: no instruction of L2's raises them
 * anew, and L1 has said where they return to.
 */
static u64 deliver_again(struct nested *n, struct vmcb *c)
{
	if (c->exit_int_info & SVM_EVENT_VALID && c->exit_int_info == n->injected) {
		c->next_rip = n->vmcb12->next_rip;
		return n->injected;
	}
	return svm_under_delivery(c);
}

/* What others have done to L2's seals, or to L2, counts from now on. False: it does not go on. */
static bool goes_on(struct vcpu *v, struct nested *n, struct vmcb *c)
{
	if (!(n->calls && n->stale & NESTED_STALE_GUESTS) || nested_guest(v, false) == NESTED_ENTERS)
		return true;
	if (n->stepping)
		nested_step_undone(n);
	c->exit_code = SVM_EXIT_SHUTDOWN;
	reflect(v, n);
	return false;
}

void svm_nested_exit(struct vcpu *v)
{
	struct nested *n = v->nested;
	struct vmcb *c = n->vmcb;
	enum nested_answer what;

	v->exits[VMEXIT_NESTED]++;
	c->clean = SVM_CLEAN_ALL;
	c->tlb_control = 0;
	c->event_inj = 0;
	what = nested_umip_exit(v, n, c);
	if (what == PASS && n->calls)
		what = nested_seal_exit(v, n, c);
	if (what == PASS)
		what = answer(v, n, c);
	if (n->stepping && what != AGAIN)
		nested_step_undone(n);
	switch (what) {
	case PASS:
	case L1S:
		reflect(v, n);
		return;
	case AGAIN:
		c->event_inj = deliver_again(n, c);
		break;
	case REFUSED:
		refuse(v, n, c);
		if (n->state != NESTED_GUEST)
			return;
		break;
	case RAISED:
		break;
	}
	if (!goes_on(v, n, c))
		return;
	nested_shadow_refresh(v);
	nested_run(v, n, v->control);
}
