// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry.c - from the features that are asked for to a plan.
 */
#include "plan.h"

extern const struct feature *const __start_oldguard_features[];
extern const struct feature *const __stop_oldguard_features[];

u32 feature_count(void)
{
	return __stop_oldguard_features - __start_oldguard_features;
}

const struct feature *feature_get(u32 index)
{
	return __start_oldguard_features[index];
}

void facility_names(u32 missing, struct text *out)
{
	static const char *const names[FACILITY_BITS] = {
#define X(name, text) [FACILITY_BIT_##name] = text,
		FACILITY_LIST(X)
#undef X
	};
	const char *comma = "";
	u32 i;

	for (i = 0; i < FACILITY_BITS; i++) {
		if (!(missing & 1u << i))
			continue;
		text_add(out, comma);
		text_add(out, names[i]);
		comma = ", ";
	}
}

/* A bit for each feature, as features_probe() found it. */
static u32 native;

static bool advertised(const struct feature *f)
{
	u32 out[4];
	u32 i;

	for (i = 0; i < f->cpuid_count; i++) {
		const struct cpuid_bit *bit = &f->cpuid[i];

		/* Beyond the highest leaf, Intel answers with another leaf's data. */
		cpu_cpuid(bit->leaf & 0x80000000, 0, out);
		if (out[CPUID_EAX] < bit->leaf)
			return false;
		cpu_cpuid(bit->leaf, bit->subleaf, out);
		if (!(out[bit->reg] >> bit->bit & 1))
			return false;
	}
	return f->cpuid_count;
}

void features_probe(void)
{
	u32 i;

	native = 0;
	for (i = 0; i < feature_count(); i++)
		if (advertised(feature_get(i)))
			native |= 1u << i;
}

bool feature_native(u32 index)
{
	return native >> index & 1;
}

static void add_trap(struct traps *t, const struct claim *c)
{
	u32 sel;

	switch (c->kind) {
	case VMEXIT_DESC_STORE:
		t->desc_store = true;
		break;
	case VMEXIT_SMSW:
		t->smsw = true;
		break;
	case VMEXIT_CR_READ:
	case VMEXIT_CR_WRITE:
		for (sel = c->first; sel <= c->last; sel++)
			*(c->kind == VMEXIT_CR_READ ? &t->cr_read : &t->cr_write) |= 1u << sel;
		break;
	case VMEXIT_EXCEPTION:
		for (sel = c->first; sel <= c->last; sel++)
			t->exceptions |= 1u << sel;
		break;
	default:
		/* CPUID, hypercalls and the like exit whatever is on. */
		break;
	}
}

static bool overlap(const struct claim *a, const struct claim *b)
{
	return a->kind == b->kind && a->first <= b->last && b->first <= a->last;
}

static bool add_claim(struct plan *plan, u32 feature, const struct claim *c, struct text *why)
{
	u32 i;

	for (i = 0; c->role == CLAIM_OWNER && i < plan->claim_count; i++) {
		const struct plan_claim *other = &plan->claims[i];

		if (other->claim->role != CLAIM_OWNER || !overlap(other->claim, c))
			continue;
		text_add(why, feature_get(feature)->name);
		text_add(why, " and ");
		text_add(why, feature_get(other->feature)->name);
		text_add(why, " both own the exit ");
		text_add(why, vmexit_kind_name(c->kind));
		return false;
	}
	if (plan->claim_count == PLAN_CLAIMS_MAX) {
		text_add(why, feature_get(feature)->name);
		text_add(why, ": too many claims in one plan");
		return false;
	}
	plan->claims[plan->claim_count++] = (struct plan_claim){ c, feature };
	add_trap(&plan->traps, c);
	return true;
}

/* Whether the option that a claim depends on has the value it wants. */
static bool claimed(const struct plan *plan, u32 feature, const struct claim *c)
{
	u32 option = c->when >> 16 & 0x7fff;

	return c->when == WHEN_EVER || WHEN(option, plan->wish.options[feature][option]) == c->when;
}

static bool add_feature(struct plan *plan, u32 index, u32 facilities, struct text *why)
{
	const struct feature *f = feature_get(index);
	u32 *max;
	u32 i;

	plan->on |= 1u << index;
	if (f->wants & ~facilities)
		plan->partial |= 1u << index;
	plan->cr4 |= f->cr4;
	for (i = 0; i < f->cpuid_count; i++) {
		if (plan->cpuid_count == PLAN_CPUID_MAX) {
			text_add(why, f->name);
			text_add(why, ": too many CPUID bits in one plan");
			return false;
		}
		plan->cpuid[plan->cpuid_count++] = f->cpuid[i];
		max = f->cpuid[i].leaf & 0x80000000 ? &plan->max_extended : &plan->max_basic;
		if (*max < f->cpuid[i].leaf)
			*max = f->cpuid[i].leaf;
	}
	for (i = 0; i < f->claim_count; i++)
		if (claimed(plan, index, &f->claims[i]) &&
		    !add_claim(plan, index, &f->claims[i], why))
			return false;
	return true;
}

/* Sorts the claims by kind, filters before owners, and notes where each kind's lie. */
static void sort_claims(struct plan *plan)
{
	struct plan_claim sorted[PLAN_CLAIMS_MAX];
	u32 kind, role, i, n = 0;

	for (kind = 0; kind < VMEXIT_KINDS; kind++) {
		plan->spans[kind].first = n;
		for (role = CLAIM_FILTER; role <= CLAIM_OWNER; role++) {
			for (i = 0; i < plan->claim_count; i++) {
				const struct claim *c = plan->claims[i].claim;

				if (c->kind != kind || c->role != role)
					continue;
				sorted[n++] = plan->claims[i];
				if (role == CLAIM_FILTER)
					plan->spans[kind].filters++;
				else
					plan->spans[kind].owners++;
			}
		}
	}
	for (i = 0; i < n; i++)
		plan->claims[i] = sorted[i];
}

static u32 last_sel(enum vmexit_kind kind)
{
	return kind == VMEXIT_DESC_STORE ? DESC_TR : kind == VMEXIT_SMSW ? 0 : ~0u;
}

static void find_refusers(struct plan *plan)
{
	u32 kind;

	for (kind = 0; kind < VMEXIT_KINDS; kind++) {
		const struct plan_span *span = &plan->spans[kind];
		const struct plan_claim *c = &plan->claims[span->first];

		if (!span->filters && span->owners == 1 && c->claim->refuses &&
		    !c->claim->first && c->claim->last >= last_sel(kind))
			plan->refuser[kind] = c->feature + 1;
	}
}

bool plan_make(struct plan *plan, const struct features_on *wish, u32 facilities,
	       struct text *why)
{
	u32 i;

	*plan = (struct plan){ .wish = *wish };
	for (i = 0; i < feature_count(); i++) {
		const struct feature *f = feature_get(i);
		u32 missing = f->needs & ~facilities;

		if (!wish->all && !(wish->on & 1u << i))
			continue;
		if (feature_native(i)) {
			plan->native |= 1u << i;
			continue;
		}
		if (missing && wish->all && !(wish->on & 1u << i))
			continue;
		if (missing) {
			text_add(why, f->name);
			text_add(why, ": this processor lacks ");
			facility_names(missing, why);
			return false;
		}
		if (!add_feature(plan, i, facilities, why))
			return false;
	}
	sort_claims(plan);
	find_refusers(plan);
	return true;
}
