// SPDX-License-Identifier: GPL-2.0-only
#include "enforce.h"

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
