// SPDX-License-Identifier: GPL-2.0-only
/*
 * exc_guard.c - exceptions that the kernel raises by a mistake of its own: a rule about where they
 * come from lets the instruction be skipped, with a result that the rule gives, instead of killing
 * the machine. A patch from below, until the kernel can be mended.
 *
 * Only what an instruction at CPL 0 raises by itself is looked at. What it would have written is
 * given up but for one register: DIV and IDIV leave the rule's result as quotient and 0 as
 * remainder, a MOV that loads gets the result in the place of memory; others change nothing.
 */
#include "asset.h"
#include "enforce.h"

#include "../vmexit/cr.h"
#include "../vmexit/insn.h"

static const struct rule *find(const struct vcpu *v, u32 vector, u64 rip)
{
	const struct rule *r = v->plan->rules;
	const struct rule *end = r + v->plan->rule_count;

	for (; r < end; r++)
		if (rule_covers(r, ASSET_EXCEPTION, vector) && rip >= r->rip_first &&
		    rip <= r->rip_last)
			return r;
	return NULL;
}

/* 32 bits clear the upper half, 8 and 16 keep the rest. */
static void set_register(u64 *gpr, u32 bytes, bool high, u64 value)
{
	switch (bytes) {
	case 1:
		*gpr = high ? (*gpr & ~0xff00ULL) | (value & 0xff) << 8
			    : (*gpr & ~0xffULL) | (value & 0xff);
		break;
	case 2: *gpr = (*gpr & ~0xffffULL) | (value & 0xffff); break;
	case 4: *gpr = (u32)value; break;
	default: *gpr = value;
	}
}

static void give_result(struct vcpu *v, const struct insn *insn, u64 result)
{
	if (insn->dest == INSN_NO_REG)
		return;
	/* AH is the remainder of a division by 8 bits. */
	if (insn->divides && insn->dest_size == 1) {
		set_register(&v->gpr[RAX], 2, false, result & 0xff);
		return;
	}
	set_register(&v->gpr[insn->dest], insn->dest_size, insn->dest_high, result);
	if (insn->divides)
		set_register(&v->gpr[RDX], insn->dest_size, false, 0);
}

static enum verdict exc_guard_exception(struct vcpu *v, struct vmexit *e)
{
	struct vmexit skipped = *e;
	const struct rule *rule;
	struct guest_mem mem;
	enum verdict verdict;
	struct insn insn;

	/* While an event is being delivered, the instruction at RIP has done nothing yet. */
	if (e->cpl || e->delivering)
		return VERDICT_DEFAULT;
	rule = find(v, e->sel, vcpu_get(v, VCPU_RIP));
	if (!rule)
		return VERDICT_DEFAULT;
	if (rule->action != ACTION_SKIP)
		return rule_enforce(v, e, rule, 0);
	/* Where there is no instruction to step over, the exception is the guest's. */
	if (e->sel == VECTOR_PF && e->value & PF_FETCH)
		return VERDICT_DEFAULT;
	if (insn_decode(v, &skipped, &mem, &insn) != VERDICT_DEFAULT)
		return VERDICT_DEFAULT;
	/* Not a mistake: the processor does not know the bit, we do. */
	if (e->sel == VECTOR_GP && cr4_sets_virtual(v, &insn))
		return VERDICT_DEFAULT;
	e->len = insn.length;
	verdict = rule_enforce(v, e, rule, 0);
	if (verdict == VERDICT_NEXT)
		give_result(v, &insn, rule->result);
	return verdict;
}

static const struct claim exc_guard_claims[] = {
	{ VMEXIT_EXCEPTION, 0, 31, CLAIM_FILTER, exc_guard_exception, .by_rules = true },
};

enum divide { DIVIDE_SKIP, DIVIDE_LOG };
static const char *const exc_guard_choices[] = {
	[DIVIDE_SKIP] = "skip", [DIVIDE_LOG] = "log", NULL
};

static const struct feature_option exc_guard_options[] = {
	{ .name = "divide",
	  .choices = exc_guard_choices,
	  .set = true,
	  .initial = 1u << DIVIDE_SKIP },
};

#define DIVIDE(what)                                                                               \
	{                                                                                          \
		.asset = ASSET_EXCEPTION, .permission = PERM_RIP, .action = (what),                \
		.rate = RULE_RATE_DEFAULT, .first = VECTOR_DE, .last = VECTOR_DE, .mask = ~0ULL,   \
		.rip_first = KERNEL_FIRST, .rip_last = ~0ULL                                       \
	}
static const struct rule exc_guard_rules[] = { DIVIDE(ACTION_SKIP), DIVIDE(ACTION_LOG) };
static const u8 exc_guard_rule_choice[] = { DIVIDE_SKIP, DIVIDE_LOG };

static const struct feature exc_guard = {
	.name = "exc_guard",
	.summary =
		"exceptions of the kernel's that would kill the machine are skipped: division by 0",
	.claims = exc_guard_claims,
	.claim_count = ARRAY_SIZE(exc_guard_claims),
	.options = exc_guard_options,
	.option_count = ARRAY_SIZE(exc_guard_options),
	.asset = ASSET_EXCEPTION,
	.rules = exc_guard_rules,
	.rule_count = ARRAY_SIZE(exc_guard_rules),
	.rule_choice = exc_guard_rule_choice,
};
FEATURE(exc_guard);
