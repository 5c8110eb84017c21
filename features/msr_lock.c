// SPDX-License-Identifier: GPL-2.0-only
/*
 * msr_lock.c - MSRs that cannot be changed any more: where system calls go, and EFER's paging and
 * system-call bits. Reads stay native, other MSRs never exit.
 */
#include "enforce.h"

#include "../vmexit/msr.h"

static enum verdict msr_lock_write(struct vcpu *v, struct vmexit *e)
{
	const struct rule *rule;
	u64 old;

	/* An MSR that is not there is no matter of a rule's: the default answers with its #GP. */
	if (!msr_get(v, e->sel, &old))
		return VERDICT_DEFAULT;
	rule = rule_strictest(v, ASSET_MSR, e->sel, old, e->value, old);
	return rule ? rule_enforce(v, e, rule, old) : VERDICT_DEFAULT;
}

static enum verdict msr_lock_read(struct vcpu *v, struct vmexit *e)
{
	const struct rule *rule = rule_hiding(v, e->sel);
	enum verdict verdict;
	u64 value;

	if (!rule || !msr_get(v, e->sel, &value))
		return VERDICT_DEFAULT;
	verdict = rule_enforce(v, e, rule, value);
	if (verdict == VERDICT_NEXT)
		v->gpr[RAX] = v->gpr[RDX] = 0;
	return verdict;
}

static const struct claim msr_lock_claims[] = {
	{ VMEXIT_MSR_WRITE, 0, ~0u, CLAIM_FILTER, msr_lock_write, .by_rules = true },
	{ VMEXIT_MSR_READ, 0, ~0u, CLAIM_FILTER, msr_lock_read, .by_rules = true },
};

enum lock { LOCK_SYSCALL, LOCK_SYSENTER, LOCK_EFER };
static const char *const msr_lock_choices[] = {
	[LOCK_SYSCALL] = "syscall", [LOCK_SYSENTER] = "sysenter", [LOCK_EFER] = "efer", NULL
};

static const struct feature_option msr_lock_options[] = {
	{
		.name = "msrs",
		.choices = msr_lock_choices,
		.set = true,
		.initial = 1u << LOCK_SYSCALL | 1u << LOCK_SYSENTER | 1u << LOCK_EFER,
	},
};

#define READ_ONLY(msr, end, bits)                                                                  \
	{                                                                                          \
		.asset = ASSET_MSR, .permission = PERM_RO, .action = ACTION_DENY,                  \
		.rate = RULE_RATE_DEFAULT, .first = (msr), .last = (end), .mask = (bits)           \
	}
static const struct rule msr_lock_rules[] = {
	READ_ONLY(MSR_STAR, MSR_SFMASK, ~0ULL),
	READ_ONLY(MSR_SYSENTER_CS, MSR_SYSENTER_EIP, ~0ULL),
	READ_ONLY(MSR_EFER, MSR_EFER, EFER_SCE | EFER_LME | EFER_NXE),
};
static const u8 msr_lock_rule_choice[] = { LOCK_SYSCALL, LOCK_SYSENTER, LOCK_EFER };

static const struct feature msr_lock = {
	.name = "msr_lock",
	.summary = "chosen MSRs are read-only: the system-call entries and EFER",
	.needs = FACILITY(MSR_BITMAP),
	.claims = msr_lock_claims,
	.claim_count = ARRAY_SIZE(msr_lock_claims),
	.options = msr_lock_options,
	.option_count = ARRAY_SIZE(msr_lock_options),
	.asset = ASSET_MSR,
	.rules = msr_lock_rules,
	.rule_count = ARRAY_SIZE(msr_lock_rules),
	.rule_choice = msr_lock_rule_choice,
};
FEATURE(msr_lock);
