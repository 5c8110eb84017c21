// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid.c - CPUID as the guest sees it: the processor's own answer, then what differs.
 *
 * The root side executes CPUID with its own CR4 and the guest's XCR0 and IA32_XSS (nobody
 * switches those), so leaf 0xD is right as it comes; the two bits that mirror CR4 are not.
 */
#include "enlightened.h"
#include "machine.h"

#define BASIC 0x00000000u
#define HYPERVISOR 0x40000000u
#define EXTENDED 0x80000000u
#define RANGE(leaf) ((leaf) & 0xc0000000u)

#define LEAF1_ECX_XSAVE (1u << 26)
#define LEAF1_ECX_OSXSAVE (1u << 27)
#define LEAF1_ECX_HYPERVISOR (1u << 31)
#define LEAF7_ECX_PKU (1u << 3)
#define LEAF7_ECX_OSPKE (1u << 4)
#define EXTENDED1_EDX_SYSCALL (1u << 11)

/* Copies a feature's name into the four registers, 16 bytes at the most. */
static void name_leaf(const char *name, u32 out[4])
{
	u32 i;

	for (i = 0; i < 16 && name[i]; i++)
		out[i / 4] |= (u32)(u8)name[i] << (i % 4 * 8);
}

/*
 * Our own range: +0 highest leaf and signature; +1 version of this layout, number of features that are
 * on, and what enlightened.h says; +2 and on, the features' names.
 */
static void own_leaf(const struct vcpu *v, u32 index, u32 out[4])
{
	u32 i, n = 2, on = 0;

	out[0] = out[1] = out[2] = out[3] = 0;
	for (i = 0; i < feature_count(); i++)
		on += v->plan->on >> i & 1;
	if (index == 0) {
		out[CPUID_EAX] = v->machine->hypervisor_leaf + 1 + on;
		out[CPUID_EBX] = OLDGUARD_SIGNATURE_EBX;
		out[CPUID_ECX] = OLDGUARD_SIGNATURE_ECX;
	} else if (index == 1) {
		out[CPUID_EAX] = OLDGUARD_VERSION_1;
		out[CPUID_EBX] = on;
		out[CPUID_ECX] = v->virt->call_code;
		out[CPUID_EDX] = v->plan->offers;
	}
	for (i = 0; i < feature_count(); i++)
		if (v->plan->on & 1u << i && n++ == index)
			name_leaf(feature_get(i)->name, out);
}

static u32 max(u32 a, u32 b)
{
	return a > b ? a : b;
}

/* The root side is in 64-bit mode always; the program that asks may be one of 32 bits. */
static bool in_64_bit_mode(struct vcpu *v)
{
	struct guest_segment cs;

	v->virt->segment(v, GUEST_CS, &cs);
	return cs.attr & SEG_LONG && vcpu_get(v, VCPU_EFER) & EFER_LMA;
}

static void adjust(struct vcpu *v, u32 leaf, u32 subleaf, u32 out[4])
{
	const struct machine *m = v->machine;

	switch (leaf) {
	case BASIC:
		out[CPUID_EAX] = max(m->max_basic, v->plan->max_basic);
		break;
	case 1:
		out[CPUID_ECX] &= m->leaf1_ecx & ~LEAF1_ECX_OSXSAVE;
		/* Asking for CR4 is most of the work on this path: not where there is no XSAVE. */
		if (out[CPUID_ECX] & LEAF1_ECX_XSAVE && vcpu_get(v, VCPU_CR4) & CR4_OSXSAVE)
			out[CPUID_ECX] |= LEAF1_ECX_OSXSAVE;
		if (m->hypervisor_bit)
			out[CPUID_ECX] |= LEAF1_ECX_HYPERVISOR;
		break;
	case 7:
		out[CPUID_ECX] &= ~LEAF7_ECX_OSPKE;
		if (!subleaf && out[CPUID_ECX] & LEAF7_ECX_PKU && vcpu_get(v, VCPU_CR4) & CR4_PKE)
			out[CPUID_ECX] |= LEAF7_ECX_OSPKE;
		if (m->hides_basic)
			v->virt->hide(leaf, subleaf, out);
		break;
	case EXTENDED:
		out[CPUID_EAX] = max(m->max_extended, v->plan->max_extended);
		break;
	default:
		if (leaf > EXTENDED || m->hides_basic)
			v->virt->hide(leaf, subleaf, out);
		/* SDM vol. 2A, CPUID, table of leaf 80000001H. */
		if (leaf == EXTENDED + 1 && m->syscall_in_64_only && !in_64_bit_mode(v))
			out[CPUID_EDX] &= ~EXTENDED1_EDX_SYSCALL;
	}
}

/* A leaf that the processor does not have itself, or of another range: which one it stands for. */
static u32 odd_leaf(struct vcpu *v, u32 leaf, u32 subleaf, u32 out[4])
{
	const struct machine *m = v->machine;
	const struct plan *plan = v->plan;
	u32 highest = max(m->max_basic, plan->max_basic);

	/* Past the end Intel answers with the highest basic leaf, AMD with zeros (SDM vol. 2). */
	if (m->out_of_range_is_highest &&
	    (leaf >= EXTENDED ? leaf > max(m->max_extended, plan->max_extended) :
	     RANGE(leaf) == BASIC ? leaf > highest : false))
		leaf = highest;

	if ((leaf < HYPERVISOR && leaf > m->max_basic && leaf <= plan->max_basic) ||
	    (leaf > m->max_extended && leaf <= plan->max_extended && leaf > EXTENDED))
		out[0] = out[1] = out[2] = out[3] = 0;
	else
		cpu_cpuid(leaf, subleaf, out);
	return leaf;
}

void cpuid_view(struct vcpu *v, u32 leaf, u32 subleaf, u32 out[4])
{
	const struct plan *plan = v->plan;
	u32 i;

	if (unlikely(leaf - v->machine->hypervisor_leaf < 0x100)) {
		own_leaf(v, leaf - v->machine->hypervisor_leaf, out);
		return;
	}
	if (likely(leaf <= v->machine->max_basic))
		cpu_cpuid(leaf, subleaf, out);
	else
		leaf = odd_leaf(v, leaf, subleaf, out);
	adjust(v, leaf, subleaf, out);
	for (i = 0; i < plan->cpuid_count; i++)
		if (plan->cpuid[i].leaf == leaf && plan->cpuid[i].subleaf == subleaf)
			out[plan->cpuid[i].reg] |= 1u << plan->cpuid[i].bit;
}

/* No quick answer for this leaf. */
static void forget(struct cpuid_quick *q)
{
	q->mask = 0;
	q->subleaf = 1;
}

/* A higher number that keeps the bits of the processor's own can be or-ed in. */
static void raise_highest(struct cpuid_quick *q, u32 own, u32 wanted)
{
	if (own & ~max(own, wanted))
		forget(q);
	else
		q->set[CPUID_EAX] = wanted > own ? wanted : 0;
}

/* The vendor's own extension: a mask of ECX, or the leaf is too much changed. */
static void hide_quick(const struct vcpu *v, u32 leaf, struct cpuid_quick *q)
{
	u32 out[4] = { ~0u, ~0u, ~0u, ~0u };

	v->virt->hide(leaf, 0, out);
	q->keep_ecx = out[CPUID_ECX];
	if (~(out[CPUID_EAX] & out[CPUID_EBX] & out[CPUID_EDX]))
		forget(q);
}

/* What adjust() does to a leaf, as masks. */
static void quick_leaf(const struct vcpu *v, u32 leaf, struct cpuid_quick *q)
{
	const struct machine *m = v->machine;

	*q = (struct cpuid_quick){ .keep_ecx = ~0u };
	switch (leaf) {
	case BASIC:
		raise_highest(q, m->max_basic, v->plan->max_basic);
		break;
	case 1:
		q->keep_ecx = m->leaf1_ecx & ~LEAF1_ECX_OSXSAVE;
		q->cr4 = CR4_OSXSAVE;
		q->mirror_ecx = LEAF1_ECX_OSXSAVE;
		q->set[CPUID_ECX] = m->hypervisor_bit ? LEAF1_ECX_HYPERVISOR : 0;
		break;
	case 7:
		q->mask = ~0u;
		q->keep_ecx = ~LEAF7_ECX_OSPKE;
		q->cr4 = CR4_PKE;
		q->mirror_ecx = LEAF7_ECX_OSPKE;
		if (m->hides_basic)
			forget(q);
		break;
	case EXTENDED:
		raise_highest(q, m->max_extended, v->plan->max_extended);
		break;
	case 0xd:
		/* A subleaf of it. */
		if (m->hides_basic)
			forget(q);
		break;
	default:
		if (leaf > EXTENDED)
			hide_quick(v, leaf, q);
		if (leaf == EXTENDED + 1 && m->syscall_in_64_only)
			forget(q);
	}
	if (leaf > (leaf < EXTENDED ? m->max_basic : m->max_extended))
		forget(q);
}

/* Nothing of the leaf is changed, whatever the subleaf. */
static bool is_plain(const struct cpuid_quick *q)
{
	return !q->mask && !q->subleaf && !~q->keep_ecx && !q->mirror_ecx &&
	       !(q->set[0] | q->set[1] | q->set[2] | q->set[3]);
}

/* Whether a feature wants to be asked now. */
static bool cpuid_claimed(const struct vcpu *v)
{
	const struct plan_span *span = &v->plan->spans[VMEXIT_CPUID];
	u32 end = span->first + span->filters + span->owners;
	u32 i;

	for (i = span->first; i < end; i++) {
		const struct plan_claim *c = &v->plan->claims[i];

		if (!c->claim->asked || v->asked >> c->feature & 1)
			return true;
	}
	return false;
}

/* A feature that wants to be asked each time leaves no quick answers. */
void cpuid_hear(struct vcpu *v)
{
	u32 i;

	v->cpuid_claimed = cpuid_claimed(v);
	v->cpuid_plain = v->cpuid_claimed ? 0 : v->cpuid_unasked.plain;
	for (i = 0; i < CPUID_QUICK_LEAVES; i++) {
		v->cpuid[i].mask = v->cpuid_unasked.mask[i];
		v->cpuid[i].subleaf = v->cpuid_unasked.subleaf[i];
		if (v->cpuid_claimed)
			forget(&v->cpuid[i]);
	}
}

void cpuid_prepare(struct vcpu *v)
{
	struct cpuid_unasked *unasked = &v->cpuid_unasked;
	const struct plan *plan = v->plan;
	struct cpuid_quick *q;
	u32 i;

	for (i = 0; i < CPUID_QUICK_LEAVES; i++)
		quick_leaf(v, i < 16 ? i : EXTENDED + i - 16, &v->cpuid[i]);
	for (i = 0; i < plan->cpuid_count; i++) {
		const struct cpuid_bit *bit = &plan->cpuid[i];

		if (bit->leaf & CPUID_NOT_QUICK)
			continue;
		q = &v->cpuid[CPUID_QUICK_INDEX(bit->leaf)];
		if (q->subleaf & ~q->mask)
			continue;
		/* One subleaf at the most can have bits of its own. */
		if (!q->mask) {
			q->mask = ~0u;
			q->subleaf = bit->subleaf;
		}
		if (q->subleaf == bit->subleaf)
			q->set[bit->reg] |= 1u << bit->bit;
		else
			forget(q);
	}
	unasked->plain = 0;
	for (i = 0; i < 16 && !v->machine->no_plain_cpuid; i++)
		if (is_plain(&v->cpuid[i]))
			unasked->plain |= 1u << i;
	for (i = 0; i < CPUID_QUICK_LEAVES; i++) {
		unasked->mask[i] = v->cpuid[i].mask;
		unasked->subleaf[i] = v->cpuid[i].subleaf;
	}
	cpuid_hear(v);
}
