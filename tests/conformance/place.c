// SPDX-License-Identifier: GPL-2.0-only
/*
 * place.c - where a case's instruction lies and where its memory operand shall point.
 */
#include "case.h"

void place_code(struct conf_case *c, struct random *r)
{
	uint32_t base = 0, limit, back;

	c->code = CODE_INSIDE;
	c->code_at = c->arena + ARENA_CODE + 0x100 + random_below(r, 0x400);
	switch (random_below(r, 32)) {
	case 0:
	case 1:
		c->code = CODE_CROSS;
		back = 1 + random_below(r, c->length - 1);
		c->code_at = c->arena + ARENA_CODE + PAGE - back;
		break;
	case 2:
		c->code = CODE_LAST;
		c->code_at = c->arena + ARENA_CODE_END - c->length;
		break;
	case 3:
		c->code = CODE_CUT;
		back = 1 + random_below(r, c->length - 1);
		c->code_at = c->arena + ARENA_CODE_END - back;
	}
	if (c->mode != MODE_64 && c->kind[SEG_CS] != KIND_FLAT)
		kind_segment(c->kind[SEG_CS], c->arena, &base, &limit);
	c->ip = c->code_at - base;
}

/* An offset into a page that keeps the whole operand in it. */
static uint32_t inside(struct random *r)
{
	return 64 + random_below(r, PAGE - 128);
}

/* So far before a page's end that the operand has a byte behind it. */
static uint32_t across(const struct conf_case *c, struct random *r)
{
	return PAGE - 1 - random_below(r, case_store_size(c) - 1);
}

static uint64_t around_limit(const struct conf_case *c, struct random *r)
{
	uint32_t base, limit;

	kind_segment(c->kind[c->seg], c->arena, &base, &limit);
	/* What expands down also has an upper end. */
	if (c->kind[c->seg] == KIND_DOWN16 && random_below(r, 2))
		limit = 0xffff;
	return base + limit - 11 + random_below(r, 14);
}

static uint64_t in_kernel(const struct conf_case *c, struct random *r)
{
	static const uint64_t wide[] = {
		0xffff888000000000, 0xffffffff81000000, 0xfffffe0000000000,
		0xffffffffff600000, 0xffff800000000000,
	};
	uint32_t offset = random_below(r, 4096);

	return c->mode == MODE_64 ? wide[random_below(r, 5)] + offset : 0xffffe000 + offset;
}

static uint64_t not_canonical(struct random *r)
{
	switch (random_below(r, 3)) {
	case 0: /* up to and across the start of the upper half */
		return 0xffff800000000000 - 1 - random_below(r, 16);
	case 1: return 0x0000800000000000 + random_below(r, 4096);
	default: return 0x0000800000000000 | random_next(r) >> 1;
	}
}

static bool has_limit(const struct conf_case *c)
{
	uint8_t kind = c->kind[c->seg];

	return c->mode != MODE_64 && kind != KIND_FLAT && kind != KIND_NULL;
}

/* How often each comes: the plain ones are what programs do, the others are what we are here for.
 */
static uint8_t choose_dest(const struct conf_case *c, struct random *r)
{
	static const uint8_t common[] = {
		DEST_GOOD,	     DEST_GOOD,	       DEST_GOOD,
		DEST_CROSS,	     DEST_CROSS,       DEST_READ_ONLY,
		DEST_INTO_READ_ONLY, DEST_HOLE,	       DEST_INTO_HOLE,
		DEST_OUT_OF_HOLE,    DEST_NO_ACCESS,   DEST_LAZY,
		DEST_INTO_LAZY,	     DEST_OUT_OF_LAZY, DEST_COW,
		DEST_PAST_END,	     DEST_ZERO_PAGE,   DEST_TOP,
		DEST_KERNEL,
	};
	uint32_t n = random_below(r, sizeof(common) + 3);

	if (n < sizeof(common))
		return common[n];
	if (c->mode == MODE_64)
		return n & 1 ? DEST_NON_CANONICAL : DEST_EDGE;
	return has_limit(c) ? DEST_LIMIT : DEST_GOOD;
}

/* Returns the linear address to aim at. */
uint64_t place_operand(struct conf_case *c, struct random *r)
{
	uint64_t a = c->arena;

	c->dest = DEST_GOOD; /* case_store_size() asks whether there is memory at all */
	c->dest = choose_dest(c, r);
	switch (c->dest) {
	case DEST_CROSS: return a + ARENA_DATA + across(c, r);
	case DEST_READ_ONLY: return a + ARENA_READ_ONLY + inside(r);
	case DEST_INTO_READ_ONLY: return a + ARENA_READ_ONLY - PAGE + across(c, r);
	case DEST_HOLE: return a + ARENA_ALONE + PAGE + inside(r);
	case DEST_INTO_HOLE: return a + ARENA_ALONE + across(c, r);
	case DEST_OUT_OF_HOLE: return a + ARENA_ALONE - PAGE + across(c, r);
	case DEST_NO_ACCESS: return a + ARENA_NO_ACCESS + inside(r);
	case DEST_LAZY: return a + ARENA_LAZY + inside(r);
	case DEST_INTO_LAZY: return a + ARENA_BEFORE_LAZY + across(c, r);
	case DEST_OUT_OF_LAZY: return a + ARENA_LAZY + across(c, r);
	case DEST_COW: return a + ARENA_COW + inside(r);
	case DEST_PAST_END: return a + ARENA_PAST_END + inside(r);
	case DEST_ZERO_PAGE: return random_below(r, 256);
	case DEST_TOP: return (c->mode == MODE_64 ? ~0ULL : 0xffffffff) - random_below(r, 12);
	case DEST_NON_CANONICAL: return not_canonical(r);
	case DEST_EDGE: return 0x0000800000000000 - 1 - random_below(r, 12);
	case DEST_KERNEL: return in_kernel(c, r);
	case DEST_LIMIT: return around_limit(c, r);
	default: return a + ARENA_DATA + random_below(r, 2) * PAGE + inside(r);
	}
}
