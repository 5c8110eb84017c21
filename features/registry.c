// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry.c - from the features that are asked for to a plan.
 */
#include "plan.h"

static bool add_range(struct trap_ranges *ranges, u32 first, u32 last, bool read, bool write)
{
	if (ranges->count == TRAP_RANGES_MAX)
		return false;
	ranges->range[ranges->count++] = (struct trap_range){ first, last, read, write };
	return true;
}

static bool add_trap(struct traps *t, const struct claim *c)
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
	case VMEXIT_MSR_READ:
		return add_range(&t->msr, c->first, c->last, true, false);
	case VMEXIT_MSR_WRITE:
		return add_range(&t->msr, c->first, c->last, false, true);
	case VMEXIT_IO:
		return add_range(&t->io, c->first, c->last, true, true);
	default:
		/* CPUID, hypercalls and the like exit whatever is on. */
		break;
	}
	return true;
}

/* What one rule makes exit, for a claim that goes by rules. */
static bool add_rule_trap(struct traps *t, const struct claim *c, const struct rule *r)
{
	bool hidden = r->permission == PERM_NONE;
	u64 number;

	switch (c->kind) {
	case VMEXIT_CR_WRITE:
		for (number = r->first; number <= r->last && number < CRS; number++)
			t->cr_change[number] |= r->mask;
		return true;
	case VMEXIT_MSR_READ:
		return !hidden || add_range(&t->msr, r->first, r->last, true, false);
	case VMEXIT_MSR_WRITE:
		return add_range(&t->msr, r->first, r->last, false, true);
	case VMEXIT_IO:
		return add_range(&t->io, r->first, r->last, hidden, true);
	case VMEXIT_EXCEPTION:
		for (number = r->first; number <= r->last; number++)
			t->kernel_exceptions |= 1u << number;
		return true;
	default:
		return true;
	}
}

static bool add_traps(struct plan *plan, const struct feature *f, const struct claim *c)
{
	u32 i;

	if (!c->by_rules)
		return add_trap(&plan->traps, c);
	for (i = 0; i < plan->rule_count; i++) {
		const struct rule *r = &plan->rules[i];

		if (r->asset == f->asset && r->action != ACTION_ALLOW &&
		    !add_rule_trap(&plan->traps, c, r))
			return false;
	}
	return true;
}

static bool overlap(const struct claim *a, const struct claim *b)
{
	return a->kind == b->kind && a->first <= b->last && b->first <= a->last;
}

/* Whether the option that something depends on has the value it wants; true and false are as they are. */
static bool holds(const struct plan *plan, u32 feature, u32 condition)
{
	u32 option = condition >> 16 & 0x7fff;

	if (!(condition & WHEN(0, 0)))
		return condition;
	return WHEN(option, plan->wish.options[feature][option]) == condition;
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
	plan->reports |= holds(plan, feature, c->reports);
	if (add_traps(plan, feature_get(feature), c))
		return true;
	text_add(why, feature_get(feature)->name);
	text_add(why, ": too many ranges in one plan");
	return false;
}

/* By what a feature makes itself known: CR4 bits that exist, CPUID bits, MSR bits. */
static bool advertise(struct plan *plan, const struct feature *f, struct text *why)
{
	u32 *max;
	u32 i;

	plan->cr4 |= f->cr4;
	for (i = 0; i < f->cpuid_count; i++) {
		if (!feature_ours(f->cpuid[i].maker))
			continue;
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
	for (i = 0; i < f->msr_count; i++) {
		if (!feature_ours(f->msrs[i].maker))
			continue;
		if (plan->msr_count == PLAN_MSRS_MAX) {
			text_add(why, f->name);
			text_add(why, ": too many MSR bits in one plan");
			return false;
		}
		plan->msrs[plan->msr_count++] = f->msrs[i];
	}
	return true;
}

/* A feature's own rules, if it was asked for by name and not just by a rule. */
static bool add_rules(struct plan *plan, u32 index, struct text *why)
{
	const struct feature *f = feature_get(index);
	u32 i;

	if (!plan->wish.all && !(plan->wish.on & 1u << index))
		return true;
	for (i = 0; i < f->rule_count; i++) {
		if (f->rule_choice && !(plan->wish.options[index][0] >> f->rule_choice[i] & 1))
			continue;
		if (plan->rule_count == RULES_MAX) {
			text_add(why, f->name);
			text_add(why, ": too many rules in one plan");
			return false;
		}
		plan->rules[plan->rule_count++] = f->rules[i];
	}
	return true;
}

/* What is for guests of a hypervisor in the guest needs one that we know of. */
static bool add_guests(struct plan *plan, u32 index, u32 facilities, struct text *why)
{
	const struct feature *f = feature_get(index);

	if (!holds(plan, index, f->guests))
		return true;
	plan->guest_offers |= f->offers;
	if (facilities & FACILITY(NESTED))
		return true;
	text_add(why, f->name);
	text_add(why, ": for guests of the guest's it needs ");
	facility_names(FACILITY(NESTED), why);
	return false;
}

static bool add_feature(struct plan *plan, u32 index, u32 facilities, struct text *why)
{
	const struct feature *f = feature_get(index);
	u32 i;

	plan->on |= 1u << index;
	plan->offers |= f->offers;
	if (f->wants & ~facilities) {
		plan->partial |= 1u << index;
		if (holds(plan, index, f->discreet))
			plan->discreet |= 1u << index;
	}
	if ((!holds(plan, index, f->silent) && !(plan->discreet & 1u << index) &&
	     !advertise(plan, f, why)) ||
	    !add_guests(plan, index, facilities, why) || !add_rules(plan, index, why))
		return false;
	for (i = 0; i < f->claim_count; i++)
		if (feature_ours(f->claims[i].maker) &&
		    (f->claims[i].when == WHEN_EVER || holds(plan, index, f->claims[i].when)) &&
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

		if (!span->filters && span->owners == 1 && holds(plan, c->feature, c->claim->refuses) &&
		    !c->claim->first && c->claim->last >= last_sel(kind))
			plan->refuser[kind] = c->feature + 1;
	}
}

/* Rules come with the feature that enforces them. */
static bool add_policy(struct plan *plan, const struct policy *policy, u32 *by_rule,
		       struct text *why)
{
	u32 i, f;

	for (i = 0; policy && i < policy->count; i++) {
		const struct rule *r = &policy->rule[i];

		plan->rules[plan->rule_count++] = *r;
		for (f = 0; f < feature_count(); f++)
			if (feature_get(f)->asset == r->asset)
				break;
		if (f == feature_count()) {
			text_add(why, "line ");
			text_add_u64(why, r->line);
			text_add(why, ": no feature here enforces such a rule");
			return false;
		}
		*by_rule |= 1u << f;
	}
	plan->policy_count = plan->rule_count;
	return true;
}

/* Memory rules of one kind need more than others. */
static bool rules_fit(const struct plan *plan, u32 facilities, struct text *why)
{
	u32 i;

	for (i = 0; i < plan->rule_count; i++) {
		const struct rule *r = &plan->rules[i];

		if (r->asset != ASSET_MEMORY || r->area != AREA_TABLES ||
		    facilities & FACILITY(SLAT_TABLES))
			continue;
		text_add(why, "mem:tables: this processor lacks ");
		facility_names(FACILITY(SLAT_TABLES), why);
		return false;
	}
	return true;
}

bool plan_make(struct plan *plan, const struct features_on *wish, const struct policy *policy,
	       u32 facilities, struct text *why)
{
	u32 by_rule = 0;
	u32 i;

	*plan = (struct plan){ .wish = *wish };
	if (!add_policy(plan, policy, &by_rule, why))
		return false;
	for (i = 0; i < feature_count(); i++) {
		const struct feature *f = feature_get(i);
		u32 missing = f->needs & ~facilities;
		bool named = (wish->on | by_rule) >> i & 1;

		if (!wish->all && !named)
			continue;
		if (feature_native(i)) {
			plan->native |= 1u << i;
			continue;
		}
		if (missing && !named)
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
	/* Rules are carried out by rule_enforce(), which reports all but what they allow. */
	for (i = 0; i < plan->rule_count; i++)
		plan->reports |= plan->rules[i].action != ACTION_ALLOW && plan->rules[i].rate;
	sort_claims(plan);
	find_refusers(plan);
	return rules_fit(plan, facilities, why);
}

/*
 * Whether a rule may come before others that stay. It is asked first from then on, so what it lets
 * the guest do must be no more than they do. The permissions are in order of strictness.
 */
static bool may_precede(const struct rule *r, const struct rule *others, u32 count)
{
	u32 i;

	if (r->action != ACTION_DENY)
		return false;
	for (i = 0; i < count; i++) {
		const struct rule *o = &others[i];

		if (r->asset == o->asset && r->first <= o->last && o->first <= r->last &&
		    r->mask & o->mask && o->action != ACTION_ALLOW && r->permission < o->permission)
			return false;
	}
	return true;
}

bool plan_tightens(const struct plan *now, const struct plan *next, struct text *why)
{
	u32 i, j, kept = 0;

	for (i = 0; i < feature_count(); i++) {
		if (!(now->on >> i & 1))
			continue;
		if (!(next->on >> i & 1)) {
			text_add(why, feature_get(i)->name);
			text_add(why, ": locked, it cannot be switched off");
			return false;
		}
		for (j = 0; j < FEATURE_OPTIONS_MAX; j++) {
			if (now->wish.options[i][j] == next->wish.options[i][j])
				continue;
			text_add(why, feature_get(i)->name);
			text_add(why, ": locked, its options cannot be changed");
			return false;
		}
	}
	/* The first rule that fits decides: what comes before a rule that stays must be stricter. */
	for (i = 0; i < next->rule_count; i++) {
		if (kept == now->rule_count)
			return true;
		if (rule_same(&now->rules[kept], &next->rules[i]))
			kept++;
		else if (!may_precede(&next->rules[i], &now->rules[kept], now->rule_count - kept))
			break;
	}
	if (kept == now->rule_count)
		return true;
	text_add(why, "locked, this rule must stay, behind no looser one: ");
	rule_print(&now->rules[kept], why);
	return false;
}
