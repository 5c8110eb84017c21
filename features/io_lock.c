// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_lock.c - ports that cannot be written any more, or not be used at all. Other ports never exit.
 */
#include "enforce.h"

#include "../vmexit/insn.h"

static enum verdict io_lock_io(struct vcpu *v, struct vmexit *e)
{
	const struct rule *rule = rule_port(v, e->sel, e->addr);
	enum verdict verdict;

	if (!rule)
		return VERDICT_DEFAULT;
	verdict = rule_enforce(v, e, rule, 0);
	if (verdict != VERDICT_NEXT)
		return verdict;
	/* A string instruction that does nothing would still move its pointers: it is refused. */
	if (e->addr & IO_STRING)
		return inject_error(e, VECTOR_GP, 0);
	if (e->addr & IO_IN)
		io_result(v, e, ~0u);
	return VERDICT_NEXT;
}

static const struct claim io_lock_claims[] = {
	{ VMEXIT_IO, 0, 0xffff, CLAIM_FILTER, io_lock_io, .by_rules = true },
};

/* What a PC has at fixed ports. Which of them a kernel still needs, its administrator knows. */
enum port { PORT_SMI, PORT_RESET, PORT_CMOS, PORT_KEYBOARD };
static const char *const io_lock_choices[] = { [PORT_SMI] = "smi",
					       [PORT_RESET] = "reset",
					       [PORT_CMOS] = "cmos",
					       [PORT_KEYBOARD] = "keyboard",
					       NULL };

static const struct feature_option io_lock_options[] = {
	{ .name = "ports", .choices = io_lock_choices, .set = true, .initial = 1u << PORT_SMI },
};

#define READ_ONLY(port, end)                                                                       \
	{                                                                                          \
		.asset = ASSET_IO, .permission = PERM_RO, .action = ACTION_DENY,                   \
		.rate = RULE_RATE_DEFAULT, .first = (port), .last = (end), .mask = ~0ULL           \
	}
static const struct rule io_lock_rules[] = {
	READ_ONLY(0xb2, 0xb3),
	READ_ONLY(0xcf9, 0xcf9),
	READ_ONLY(0x70, 0x71),
	READ_ONLY(0x60, 0x64),
};
static const u8 io_lock_rule_choice[] = { PORT_SMI, PORT_RESET, PORT_CMOS, PORT_KEYBOARD };

static const struct feature io_lock = {
	.name = "io_lock",
	.summary = "chosen I/O ports cannot be written: the one that calls SMM, or others",
	.needs = FACILITY(IO_BITMAP),
	.claims = io_lock_claims,
	.claim_count = ARRAY_SIZE(io_lock_claims),
	.options = io_lock_options,
	.option_count = ARRAY_SIZE(io_lock_options),
	.asset = ASSET_IO,
	.rules = io_lock_rules,
	.rule_count = ARRAY_SIZE(io_lock_rules),
	.rule_choice = io_lock_rule_choice,
};
FEATURE(io_lock);
