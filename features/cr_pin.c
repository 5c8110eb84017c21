// SPDX-License-Identifier: GPL-2.0-only
/*
 * cr_pin.c - bits of CR0 and CR4 that cannot be cleared any more: write protection, SMEP, SMAP,
 * UMIP. What was set on a processor when the plan came into force there is pinned.
 *
 * A bit that the guest sets afterwards is not: a kernel that has booted without a virtual bit sets
 * it and takes it back at once, because of a pinning of its own (Linux, native_write_cr4()).
 */
#include "enforce.h"

#include "../vmexit/cr.h"

static u64 seen(struct vcpu *v, u32 cr)
{
	return cr ? cr4_seen(v) : vcpu_get(v, VCPU_CR0);
}

static void cr_pin_apply(struct vcpu *v)
{
	v->pinned[0] = seen(v, 0);
	v->pinned[4] = seen(v, 4);
}

static enum verdict cr_pin_write(struct vcpu *v, struct vmexit *e)
{
	const struct rule *rule;
	u64 value, old;
	enum verdict verdict = cr_written(v, e, &value);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	old = seen(v, e->sel);
	rule = rule_strictest(v, ASSET_CR, e->sel, old, value, v->pinned[e->sel]);
	return rule ? rule_enforce(v, e, rule, old) : VERDICT_DEFAULT;
}

static const struct claim cr_pin_claims[] = {
	{ VMEXIT_CR_WRITE, 0, 0, CLAIM_FILTER, cr_pin_write, .by_rules = true },
	{ VMEXIT_CR_WRITE, 4, 4, CLAIM_FILTER, cr_pin_write, .by_rules = true },
};

enum pin { PIN_WP, PIN_SMEP, PIN_SMAP, PIN_UMIP, PIN_FSGSBASE };
static const char *const cr_pin_choices[] = {
	[PIN_WP] = "wp",     [PIN_SMEP] = "smep",	  [PIN_SMAP] = "smap",
	[PIN_UMIP] = "umip", [PIN_FSGSBASE] = "fsgsbase", NULL
};

static const struct feature_option cr_pin_options[] = {
	{
		.name = "pin",
		.choices = cr_pin_choices,
		.set = true,
		.initial = 1u << PIN_WP | 1u << PIN_SMEP | 1u << PIN_SMAP | 1u << PIN_UMIP,
	},
};

#define PINNED(cr, bit)                                                                            \
	{                                                                                          \
		.asset = ASSET_CR, .permission = PERM_PINNED, .action = ACTION_DENY,               \
		.rate = RULE_RATE_DEFAULT, .first = (cr), .last = (cr), .mask = (bit)              \
	}
static const struct rule cr_pin_rules[] = {
	PINNED(0, CR0_WP),   PINNED(4, CR4_SMEP),     PINNED(4, CR4_SMAP),
	PINNED(4, CR4_UMIP), PINNED(4, CR4_FSGSBASE),
};
static const u8 cr_pin_rule_choice[] = { PIN_WP, PIN_SMEP, PIN_SMAP, PIN_UMIP, PIN_FSGSBASE };

static const struct feature cr_pin = {
	.name = "cr_pin",
	.summary = "bits of CR0 and CR4 that are set stay set",
	.claims = cr_pin_claims,
	.claim_count = ARRAY_SIZE(cr_pin_claims),
	.options = cr_pin_options,
	.option_count = ARRAY_SIZE(cr_pin_options),
	.asset = ASSET_CR,
	.rules = cr_pin_rules,
	.rule_count = ARRAY_SIZE(cr_pin_rules),
	.rule_choice = cr_pin_rule_choice,
	.apply = cr_pin_apply,
};
FEATURE(cr_pin);
