// SPDX-License-Identifier: GPL-2.0-only
#include "enforce.h"

#include "../guest-glue/machine.h"
#include "../vmexit/insn.h"

const struct rule *rule_find(const struct vcpu *v, enum asset asset, u64 number)
{
	const struct rule *r = v->plan->rules;
	const struct rule *end = r + v->plan->rule_count;

	for (; r < end; r++)
		if (rule_covers(r, asset, number))
			return r;
	return NULL;
}

/* Whether any of the bytes from @first to @last are the rule's by one of the plan's ranges. */
static bool in_range(const struct rule *rule, const struct area_range *range, u64 first, u64 last)
{
	if (!rule_has_range(rule, range))
		return false;
	if (first < range->first)
		first = range->first;
	if (last > range->last)
		last = range->last;
	if (first > last)
		return false;
	return range->area != AREA_ADDRESS ||
	       (range->linear + (first - range->first) <= rule->last &&
		range->linear + (last - range->first) >= rule->first);
}

static bool about(const struct plan *plan, const struct rule *rule, u64 first, u64 last)
{
	u32 i;

	if (rule_is_physical(rule))
		return first <= rule->last && last >= rule->first;
	for (i = 0; i < plan->area_count; i++)
		if (in_range(rule, &plan->areas[i], first, last))
			return true;
	return false;
}

const struct rule *rule_memory(const struct plan *plan, u64 first, u64 last)
{
	const struct rule *r = plan->rules;
	const struct rule *end = r + plan->rule_count;

	for (; r < end; r++)
		if (r->asset == ASSET_MEMORY && about(plan, r, first, last))
			return r;
	return NULL;
}

enum verdict rule_store(struct vcpu *v, struct vmexit *e, u64 gpa, u32 len)
{
	const struct rule *rule = rule_memory(v->plan, gpa, gpa + len - 1);
	struct vmexit store = *e;
	enum verdict verdict;
	bool sealed = seal_covers(v->machine, gpa, gpa + len - 1);

	if (!rule && !sealed)
		return VERDICT_DEFAULT;
	store.kind = VMEXIT_MEMORY;
	store.sel = 0;
	store.addr = gpa;
	store.value = MEM_WRITE;
	verdict = sealed ? seal_refuse(v, &store) : rule_enforce(v, &store, rule, 0);
	e->fault = store.fault;
	return verdict;
}

u64 rule_broken(const struct rule *rule, u64 old, u64 value, u64 pinned)
{
	switch (rule->permission) {
	case PERM_PINNED: return pinned & ~value & rule->mask;
	case PERM_RO: return (old ^ value) & rule->mask;
	default: return rule->mask;
	}
}

const struct rule *rule_strictest(const struct vcpu *v, enum asset asset, u64 number, u64 old,
				  u64 value, u64 pinned)
{
	const struct rule *r = v->plan->rules;
	const struct rule *end = r + v->plan->rule_count;
	const struct rule *strictest = NULL;
	u64 decided = 0, broken;

	for (; r < end; r++) {
		if (!rule_covers(r, asset, number))
			continue;
		broken = rule_broken(r, old, value, pinned) & ~decided;
		decided |= r->mask;
		if (broken && (!strictest || r->action > strictest->action))
			strictest = r;
	}
	return strictest;
}

const struct rule *rule_hiding(const struct vcpu *v, u32 msr)
{
	const struct rule *r = v->plan->rules;
	const struct rule *end = r + v->plan->rule_count;
	const struct rule *strictest = NULL;
	u64 decided = 0;

	for (; r < end; r++) {
		if (!rule_covers(r, ASSET_MSR, msr))
			continue;
		if (r->permission == PERM_NONE && r->mask & ~decided &&
		    (!strictest || r->action > strictest->action))
			strictest = r;
		decided |= r->mask;
	}
	return strictest;
}

const struct rule *rule_port(const struct vcpu *v, u32 port, u64 io)
{
	const struct rule *strictest = NULL;
	u32 i;

	for (i = 0; i < IO_SIZE(io); i++) {
		/* A wide access at the last port reaches none behind it (APM vol. 2, 15.10.1). */
		const struct rule *r = port + i > 0xffff ? NULL : rule_find(v, ASSET_IO, port + i);

		if (r && io & IO_IN && r->permission != PERM_NONE)
			continue;
		if (r && (!strictest || r->action > strictest->action))
			strictest = r;
	}
	return strictest;
}

enum verdict rule_enforce(struct vcpu *v, struct vmexit *e, const struct rule *rule, u64 old)
{
	const struct event_reason why = {
		.action = rule->action,
		.rule = rule - v->plan->rules,
		.rate = rule->rate,
		.old = old,
	};
	enum verdict verdict;

	if (rule->action != ACTION_ALLOW)
		event_report(v, e, &why);
	switch (rule->action) {
	case ACTION_DENY: return inject_error(e, VECTOR_GP, 0);
	case ACTION_IGNORE:
	case ACTION_SKIP:
		verdict = insn_length(v, e);
		return verdict == VERDICT_DEFAULT ? VERDICT_NEXT : verdict;
	default: return VERDICT_DEFAULT;
	}
}
