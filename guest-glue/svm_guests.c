// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_guests.c - which guest of a hypervisor in our guest L2 is, as far as it has sealed pages.
 *
 * Nothing tells it outright. What there is: each of its processors has a VMCB for life, which L1 takes
 * zeroed, and all of them run on the same nested tables, of which L1 may make new ones at any time. So:
 *
 * - a VMCB of a guest's bears its token, in the bytes that the processor leaves to the host (APM vol. 2,
 *   appendix B, 3E0H), and takes it along to whatever tables it runs on;
 * - one without a token that runs on a guest's tables is the guest's;
 * - but tables that are empty are new ones, whoever had them before;
 * - two guests on the same tables are one.
 *
 * A reset ends seals, for the guest's memory is another's from then on. What looks like one must not be
 * one that ring 0 of L2 can have made while the rest of it goes on. A null TR tells: after LTR nothing but
 * a reset or an INIT brings it back (or RSM, which is the firmware's). An INIT of one processor does not
 * reset the others, so those are shut down instead of being run again.
 *
 * It is all asked when L1's VMRUN takes the long way: a VMCB that has been another's since comes that way.
 */
#include "svm_shadow.h"

#define RESET_CS 0xffff0000ULL
#define RESET_RIP 0xfff0ULL
#define START_CS 0xff000ULL /* a start-up IPI's: its vector is a page */
#define WAIT_MS 10

static u64 root_of(u64 ncr3)
{
	return ncr3 & CR3_ADDRESS;
}

/*
 * L1 is in long mode, so its tables are of four or five levels. What is not present need not be zero: from Linux 6.10
 * on KVM sets bit 63.
 */
static bool empty(u64 root)
{
	u64 at, value;

	for (at = root; at < root + PAGE_BYTES; at += sizeof(value))
		if (!phys_load(ROOT_PHYS + at, &value) || value & PTE_P)
			return false;
	return true;
}

/* APM vol. 2, table 14-1, and 15.27.8 for INIT: it has not executed anything yet. */
static bool starts(const struct vmcb *c)
{
	return !(c->cr0 & CR0_PE) && !c->tr.selector && !c->tr.base;
}

static bool starts_from_reset(const struct vmcb *c)
{
	return starts(c) && c->cs.base == RESET_CS && c->rip == RESET_RIP;
}

static bool starts_from_ipi(const struct vmcb *c)
{
	return starts(c) && !(c->cs.base & ~START_CS) && !c->rip;
}

/* L2 is entered nowhere with what has been known of seals. */
static void tell_all(struct machine *m)
{
	struct nested *n;
	u32 cpu;

	for (cpu = 0; cpu < m->cpus; cpu++) {
		n = machine_root_vcpu(cpu)->nested;
		if (n)
			__atomic_fetch_or(&n->stale, NESTED_STALE_GUESTS, __ATOMIC_SEQ_CST);
	}
}

/*
 * A processor that an IPI has started, on new tables: a guest's, of which no other one has been seen there yet.
 * They are on their way: L1 gets its exit for an interrupt, and tries again. If nobody comes it is the first
 * processor of a machine without firmware.
 */
static bool may_be_known_soon(struct vcpu *v, const struct vmcb *from, u64 root)
{
	struct nested *n = v->nested;
	u64 now = cpu_rdtsc();

	if (!starts_from_ipi(from) || !empty(root))
		return false;
	if (n->waits_pa != n->vmcb12_pa) {
		n->waits_pa = n->vmcb12_pa;
		n->waits_since = now;
	}
	return now - n->waits_since <= v->machine->linux_side.tsc_hz / 1000 * WAIT_MS;
}

static u64 token_place(const struct nested *n)
{
	return n->vmcb12_pa + offsetof(struct vmcb, host_use[NESTED_TOKEN]);
}

/* Whose the VMCB is that is run, or NULL. False: its guest has been reset, and it has not. */
static bool find(struct vcpu *v, u64 root, bool entry, struct sealer **found)
{
	struct machine *m = v->machine;
	struct nested *n = v->nested;
	struct vmcb *from = n->vmcb12;
	bool former = false, news = false;
	struct sealer *g = guest_named(m, from->host_use[NESTED_TOKEN], &former);
	struct sealer *there = guest_on(m, root);

	*found = NULL;
	if (former && !(entry && (starts_from_reset(from) || starts_from_ipi(from))))
		return false;
	if (there && there != g && empty(root)) {
		guest_rootless(m, root);
		there = NULL;
	}
	if (g && there && there != g) {
		guest_merge(m, g, there);
		news = true;
	}
	if (!g)
		g = there;
	if (g && entry && !former && g->seals && starts_from_reset(from)) {
		guest_reset(m, g);
		news = true;
	}
	if (g) {
		news |= guest_root(m, g, root);
		from->host_use[NESTED_TOKEN] = guest_token(m, g);
		g->token = token_place(n);
	}
	if (news)
		tell_all(m);
	*found = g;
	return true;
}

/* Nobody has sealed anything, or L1 does not tell by its tables who it is. */
static bool unknown(const struct machine *m, const struct vmcb *from)
{
	return !__atomic_load_n(&m->guests.count, __ATOMIC_RELAXED) || !(from->nested_control & 1);
}

enum nested_entry nested_guest(struct vcpu *v, bool entry)
{
	struct machine *m = v->machine;
	struct nested *n = v->nested;
	const struct vmcb *from = n->vmcb12;
	u64 root = root_of(*(const volatile u64 *)&from->nested_cr3);
	bool goes_on;

	/* What comes from now on is looked at next time. */
	if (n->stale & NESTED_STALE_GUESTS)
		__atomic_fetch_and(&n->stale, (u8)~NESTED_STALE_GUESTS, __ATOMIC_SEQ_CST);
	/* L1's next VMRUN takes the long way, too: to tables that have these seals. */
	if (!entry)
		n->built_pa = NESTED_NONE;
	n->guest = NULL;
	n->version = 0;
	if (unknown(m, from))
		return NESTED_ENTERS;
	guests_lock(m);
	goes_on = find(v, root, entry, &n->guest);
	if (n->guest) {
		n->version = n->guest->version;
		n->born = n->guest->born;
	}
	guests_unlock(m);
	if (!goes_on)
		return NESTED_ENDS;
	if (entry && !n->guest && may_be_known_soon(v, from, root))
		return NESTED_WAITS;
	n->waits_pa = NESTED_NONE;
	return NESTED_ENTERS;
}

/*
 * L2's own addresses are seen in tables of ours that stand for L1's, and nowhere else. And L1 must not have
 * it run on a processor that we do not hold.
 */
bool nested_guest_offered(const struct vcpu *v)
{
	const struct machine *m = v->machine;
	const struct nested *n = v->nested;
	const struct vmcb *own = v->control;

	return m->plans[m->current_plan].guest_offers & OFFER_SEAL && m->caps.slat && n->npt &&
	       own->efer & EFER_LMA && !m->partial;
}

static u64 seal(struct vcpu *v, struct nested *n)
{
	struct machine *m = v->machine;
	const u32 width = m->maxphyaddr < 48 ? m->maxphyaddr : 48;
	bool is_new;
	struct sealer *g;
	u64 answer;

	/* Another processor of its may have sealed something since it was entered. */
	if (!find(v, root_of(n->current->ncr3), false, &g))
		return OLDGUARD_CALL_REFUSED;
	is_new = !g;
	if (is_new)
		g = guest_new(m, root_of(n->current->ncr3), token_place(n));
	if (!g)
		return OLDGUARD_CALL_FULL;
	answer = guest_seal(m, g, v->gpr[RDI], v->gpr[RSI], BIT64(width), &v->gpr[RDX]);
	if (answer == OLDGUARD_CALL_OK)
		n->vmcb12->host_use[NESTED_TOKEN] = guest_token(m, g);
	else if (is_new)
		guest_end(m, g);
	return answer;
}

static u64 unseal(struct vcpu *v, struct nested *n)
{
	struct machine *m = v->machine;
	struct sealer *g;

	if (!find(v, root_of(n->current->ncr3), false, &g))
		return OLDGUARD_CALL_REFUSED;
	return g ? guest_unseal(m, g, v->gpr[RDI]) : OLDGUARD_CALL_BAD;
}

u64 nested_guest_call(struct vcpu *v, u64 number)
{
	struct machine *m = v->machine;
	struct nested *n = v->nested;
	u64 answer = OLDGUARD_CALL_REFUSED;

	/* Before L2 goes on it is looked at anew, on this processor. */
	if (number == OLDGUARD_CALL_SYNC) {
		__atomic_fetch_or(&n->stale, NESTED_STALE_GUESTS, __ATOMIC_SEQ_CST);
		return OLDGUARD_CALL_OK;
	}
	guests_lock(m);
	if (nested_guest_offered(v))
		answer = number == OLDGUARD_CALL_SEAL ? seal(v, n) : unseal(v, n);
	if (answer == OLDGUARD_CALL_OK)
		tell_all(m);
	guests_unlock(m);
	return answer;
}

bool nested_guest_sealed(const struct vcpu *v, u64 first, u64 bytes)
{
	const struct nested *n = v->nested;
	bool sealed;

	if (!n->guest)
		return false;
	guests_lock(v->machine);
	sealed = n->guest->born == n->born &&
		 guest_sealed(v->machine, n->guest, first, first + bytes - 1);
	guests_unlock(v->machine);
	return sealed;
}

void nested_guests_off(struct machine *m)
{
	const struct vcpu *v;
	u32 cpu;

	for (cpu = 0; cpu < m->cpus; cpu++) {
		v = machine_root_vcpu(cpu);
		if (v->active && ((const struct nested *)v->nested)->state != NESTED_OFF)
			return;
	}
	guests_forget(m);
}
