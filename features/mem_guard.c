// SPDX-License-Identifier: GPL-2.0-only
/*
 * mem_guard.c - memory that cannot be written, whatever the guest's own page tables say: what the
 * kernel has made constant, or any other by address. The second-level tables have the rights of
 * whole pages; what of a page no rule is about is written by a step.
 *
 * A write that is refused raises #GP(0). #PF would be answered by Linux with another try: its own
 * tables say that the page can be written.
 */
#include "enforce.h"

#include "../guest-glue/machine.h"
#include "../vmexit/insn.h"

/* How much below the address that an event's delivery reports its frame may reach. */
#define FRAME_BYTES 64

/* What part of memory a write is about, as far as it lies in the page that has exited. */
struct extent {
	u64 first;
	u64 last;
};

/* Where an operand's bytes lie in the page of @e->addr; false if none do. */
static bool operand(struct vcpu *v, struct vmexit *e, struct extent *out)
{
	struct guest_fault fault;
	struct guest_span span;
	struct guest_mem mem;
	struct vmexit copy = *e;
	struct insn insn;
	u64 offset;
	u32 i;

	if (insn_decode(v, &copy, &mem, &insn) != VERDICT_DEFAULT || !insn.mem.present ||
	    insn.mem.vector_index)
		return false;
	offset = insn_offset(&insn, v->gpr, vcpu_get(v, VCPU_RIP) + copy.len);
	/* XSAVE and its like: as much as there can be. */
	if (!insn.mem.size)
		insn.mem.size = PAGE_BYTES - 1;
	if (guest_span(&mem, insn.mem.segment, offset, insn.mem.size, 1, WALK_WRITE | WALK_PEEK,
		       &span, &fault) != WALK_OK)
		return false;
	for (i = 0; i < 2; i++) {
		if (!span.len[i] || (span.gpa[i] ^ e->addr) / PAGE_BYTES)
			continue;
		*out = (struct extent){ span.gpa[i], span.gpa[i] + span.len[i] - 1 };
		e->len = copy.len;
		if (e->value & MEM_LINEAR)
			return true;
		/* Where the processor does not say it. FS and GS alone have bases in 64-bit code.
		 */
		e->value |= MEM_LINEAR;
		e->linear = offset + (i ? span.len[0] : 0);
		if (insn.mem.segment >= GUEST_FS || guest_code_mode(&mem) != 64)
			e->linear += mem.seg[insn.mem.segment].base;
		return true;
	}
	return false;
}

/*
 * The bytes that are written. The operand tells; what has none that is here (a descriptor's
 * accessed bit, a second operand) is taken for eight bytes, and a frame for as many as one can
 * have.
 */
static struct extent written(struct vcpu *v, struct vmexit *e)
{
	struct extent x = { e->addr & ~7ULL, e->addr | 7 };
	u64 page = e->addr & ~(PAGE_BYTES - 1);

	if (e->delivering)
		x.first = x.first - page < FRAME_BYTES ? page : x.first - FRAME_BYTES;
	else if (!(e->value & MEM_WALK))
		operand(v, e, &x);
	return x;
}

/* Whether the page tables themselves are what is written: not a store, but accessed bits. */
static bool walked(const struct rule *rule, const struct vmexit *e)
{
	return e->value & MEM_WALK && (rule->area == AREA_TABLES || rule->area == AREA_ADDRESS);
}

/*
 * On processors to which each walk is a write, the page that is opened for the walk must not be
 * opened for the instruction. Then the instruction goes by the rule as if the store had exited.
 */
static bool stores_there(struct vcpu *v, struct vmexit *e)
{
	struct extent x;

	return !(e->value & MEM_LINEAR) && !e->delivering && operand(v, e, &x);
}

static enum verdict enforce(struct vcpu *v, struct vmexit *e, const struct rule *rule)
{
	enum verdict verdict;
	u64 old = 0;

	/* Nothing that could be left out of an event's delivery: it fails. */
	if (e->delivering && rule->action == ACTION_IGNORE)
		return inject_error(e, VECTOR_GP, 0);
	/* An interrupt came before it could be written: that has been told. */
	if (rule->action == ACTION_LOG && step_again(v, e))
		return VERDICT_STEP;
	phys_read(e->addr & ~7ULL, &old, sizeof(old));
	verdict = rule_enforce(v, e, rule, old);
	return verdict == VERDICT_DEFAULT ? VERDICT_STEP : verdict;
}

static enum verdict mem_guard_write(struct vcpu *v, struct vmexit *e)
{
	u64 page = e->addr & ~(PAGE_BYTES - 1);
	const struct rule *rule;
	struct extent x;

	if (!(e->value & MEM_WRITE) || !slat_guarded(v->machine, e->addr))
		return VERDICT_DEFAULT;
	/* Rights that are just being given back. */
	rule = rule_memory(v->plan, page, page | (PAGE_BYTES - 1));
	if (!rule)
		return VERDICT_DEFAULT;
	x = written(v, e);
	rule = rule_memory(v->plan, x.first, x.last);
	if (!rule || rule->action == ACTION_ALLOW)
		return VERDICT_STEP;
	if (walked(rule, e) && !stores_there(v, e))
		return VERDICT_STEP;
	return enforce(v, e, rule);
}

static const struct claim mem_guard_claims[] = {
	{ VMEXIT_MEMORY, 0, 0, CLAIM_FILTER, mem_guard_write, .by_rules = true },
};

enum choice { CHOICE_RODATA, CHOICE_IDT, CHOICE_TEXT, CHOICE_TABLES };
static const char *const mem_guard_choices[] = { [CHOICE_RODATA] = "rodata",
						 [CHOICE_IDT] = "idt",
						 [CHOICE_TEXT] = "text",
						 [CHOICE_TABLES] = "tables",
						 NULL };

static const struct feature_option mem_guard_options[] = {
	{
		.name = "areas",
		.choices = mem_guard_choices,
		.set = true,
		.initial = 1u << CHOICE_RODATA | 1u << CHOICE_IDT,
	},
};

#define READ_ONLY(which)                                                                           \
	{                                                                                          \
		.asset = ASSET_MEMORY, .permission = PERM_RO, .action = ACTION_DENY,               \
		.area = (which), .rate = RULE_RATE_DEFAULT, .mask = ~0ULL                          \
	}
static const struct rule mem_guard_rules[] = {
	READ_ONLY(AREA_RODATA),
	READ_ONLY(AREA_IDT),
	READ_ONLY(AREA_TEXT),
	READ_ONLY(AREA_TABLES),
};
static const u8 mem_guard_rule_choice[] = { CHOICE_RODATA, CHOICE_IDT, CHOICE_TEXT, CHOICE_TABLES };

static const struct feature mem_guard = {
	.name = "mem_guard",
	.summary = "memory that the kernel holds constant cannot be written by any alias",
	.needs = FACILITY(SLAT),
	.claims = mem_guard_claims,
	.claim_count = ARRAY_SIZE(mem_guard_claims),
	.options = mem_guard_options,
	.option_count = ARRAY_SIZE(mem_guard_options),
	.asset = ASSET_MEMORY,
	.rules = mem_guard_rules,
	.rule_count = ARRAY_SIZE(mem_guard_rules),
	.rule_choice = mem_guard_rule_choice,
};
FEATURE(mem_guard);
