// SPDX-License-Identifier: GPL-2.0-only
/*
 * case.c - the suites, and cases made from their number.
 */
#include "case.h"

#include <string.h>

const struct conf_suite conf_suites[] = {
	{ "plain64", 64, MODE_64, WAY_PLAIN, 1, 44000 },
	{ "step64", 64, MODE_64, WAY_STEP, 1, 8000 },
	{ "handler64", 64, MODE_64, WAY_HANDLER, 1, 2000 },
	{ "ptrace64", 64, MODE_64, WAY_PTRACE, 1, 2000 },
	{ "ptracestep64", 64, MODE_64, WAY_PTRACE_STEP, 1, 2000 },
	{ "threads64", 64, MODE_64, WAY_THREADS, 4, 1500 },
	{ "plain32", 32, MODE_32, WAY_PLAIN, 1, 22000 },
	{ "plain16", 32, MODE_16, WAY_PLAIN, 1, 12000 },
	{ "step32", 32, MODE_32, WAY_STEP, 1, 4000 },
	{ "step16", 32, MODE_16, WAY_STEP, 1, 2000 },
	{ "handler32", 32, MODE_32, WAY_HANDLER, 1, 1000 },
	{ "ptrace32", 32, MODE_32, WAY_PTRACE, 1, 1000 },
	{ "ptracestep32", 32, MODE_32, WAY_PTRACE_STEP, 1, 1000 },
	{ "threads32", 32, MODE_32, WAY_THREADS, 4, 750 },
};
const unsigned int conf_suite_count = sizeof(conf_suites) / sizeof(conf_suites[0]);

const char *const case_insn_name[INSNS] = { "sgdt", "sidt", "sldt", "str", "smsw", "other" };
const char *const case_mode_name[MODES] = { "64", "32", "16" };
const char *const case_way_name[WAYS] = { "plain",  "step",	  "handler",
					  "ptrace", "ptracestep", "threads" };
const char *const case_code_name[CODES] = { "inside", "cross", "last", "cut" };
const char *const case_dest_name[DESTS] = {
#define X(name, text) [DEST_##name] = text,
	DEST_LIST(X)
#undef X
};
const char *const case_kind_name[KINDS] = {
#define X(name, text) [KIND_##name] = text,
	KIND_LIST(X)
#undef X
};

/* SplitMix64: passes the usual tests, and any state is a good one. */
uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint32_t case_store_size(const struct conf_case *c)
{
	if (c->dest == DEST_NONE)
		return 0;
	if (c->insn == INSN_SGDT || c->insn == INSN_SIDT)
		return c->mode == MODE_64 ? 10 : 6;
	return 2;
}

uint16_t kind_selector(uint8_t kind, uint64_t arena)
{
	unsigned int thread = (arena - ARENA_BASE) / ARENA_STRIDE;

	if (kind == KIND_FLAT)
		return SEL_DATA;
	if (kind == KIND_NULL)
		return SEL_NULL;
	return (thread * LDT_PER_ARENA + kind - KIND_FIRST_LDT) << 3 | 7;
}

void kind_segment(uint8_t kind, uint64_t arena, uint32_t *base, uint32_t *limit)
{
	*base = arena + ARENA_DATA - 0x800;
	*limit = 0xffff;
	switch (kind) {
	case KIND_FLAT:
	case KIND_NULL:
		*base = 0;
		*limit = 0xffffffff;
		break;
	case KIND_SHORT: *limit = 0x1803; break;
	case KIND_PAGES:
		*base = 0;
		*limit = arena + ARENA_READ_ONLY - 1;
		break;
	case KIND_DOWN:
	case KIND_DOWN16: *limit = 0x0c05; break;
	case KIND_CODE32: *base = arena - 0x1000; break;
	case KIND_CODE16: *base = arena;
	}
}

/* Random, but now and then what a wrong width would be seen on. */
static uint64_t random_value(struct random *r)
{
	static const uint64_t special[] = {
		0,
		~0ULL,
		0x7fffffff,
		0x80000000,
		0xffffffff00000000,
		0x8000000000000000,
		0xffff,
		0x123456789abcdef0,
	};

	if (random_below(r, 4))
		return random_next(r);
	return special[random_below(r, sizeof(special) / sizeof(special[0]))];
}

/* Which segments hold what; SS must stay writable and 32 bits wide, or no program could run. */
static void choose_segments(struct conf_case *c, struct random *r)
{
	static const uint8_t data[] = { KIND_FLAT,   KIND_NULL,	     KIND_BASED,
					KIND_SHORT,  KIND_PAGES,     KIND_DOWN,
					KIND_DOWN16, KIND_READ_ONLY, KIND_CODE };
	static const uint8_t stack[] = { KIND_FLAT, KIND_BASED, KIND_SHORT, KIND_PAGES, KIND_DOWN };
	unsigned int i;

	for (i = 0; i < SEGS; i++) {
		c->kind[i] = data[random_below(r, sizeof(data))];
		if (!random_below(r, 3))
			c->kind[i] = KIND_FLAT;
	}
	c->kind[SEG_SS] = stack[random_below(r, sizeof(stack))];
	if (c->mode == MODE_16)
		c->kind[SEG_CS] = KIND_CODE16;
	else
		c->kind[SEG_CS] = random_below(r, 8) ? KIND_FLAT : KIND_CODE32;
}

void case_make(struct conf_case *c, uint64_t seed, unsigned int suite, unsigned int thread,
	       uint32_t index)
{
	/* CF, PF, AF, ZF, SF, DF and OF may be anything; IF and bit 1 are set. */
	static const uint32_t free_flags = 0xcd5;
	const struct conf_suite *s = &conf_suites[suite];
	uint64_t number = ((uint64_t)suite << 8 | thread) << 32 | index;
	struct random r = { .state = seed ^ number * 0xd1342543de82ef95ULL };
	uint32_t combinations = form_combinations[s->mode];
	unsigned int i;

	memset(c, 0, sizeof(*c));
	c->mode = s->mode;
	c->way = s->way;
	c->arena = ARENA_BASE + thread * ARENA_STRIDE;
	for (i = 0; i < 16; i++)
		c->gpr[i] = random_value(&r);
	choose_segments(c, &r);
	/* A stride without a common divisor: every combination comes, neighbours soon differ. */
	form_make(c, &r, (uint64_t)(index + thread * s->count) * 7919 % combinations);
	c->flags = 0x202 | (random_next(&r) & free_flags);
	if (c->way == WAY_STEP)
		c->flags |= FLAG_TF;
	if (c->way == WAY_PLAIN && !random_below(&r, 16))
		c->flags |= FLAG_AC;
	if (c->mode != MODE_64)
		for (i = 0; i < 16; i++)
			c->gpr[i] = i < 8 ? (uint32_t)c->gpr[i] : 0;
}
