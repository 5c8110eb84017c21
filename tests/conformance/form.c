// SPDX-License-Identifier: GPL-2.0-only
/*
 * form.c - an instruction's bytes, and registers with which its operand is where it shall be.
 *
 * What the bytes mean is said here a second time, apart from the project's decoder (Intel SDM vol.
 * 2, ch. 2; AMD APM vol. 3, ch. 1).
 */
#include "case.h"

#include <string.h>

#define MAX_PREFIXES 4
#define REG_NONE (-1)
#define RSP 4
#define RBP 5

/**
 * struct prefixes - what stands before the opcode
 * @n: of @byte
 * @fill: operand-size prefixes are put before them until the instruction has this length
 */
struct prefixes {
	uint8_t n;
	uint8_t byte[MAX_PREFIXES];
	uint8_t fill;
};

#define P(...)                                                                                     \
	{                                                                                          \
		.n = sizeof((uint8_t[]){ __VA_ARGS__ }), .byte = { __VA_ARGS__ }                   \
	}

/* Those that mean the same in all modes come first; then those with REX. */
static const struct prefixes prefixes[] = {
	{ 0 },
	P(0x66),
	P(0x67),
	P(0x66, 0x67),
	P(0x67, 0x66),
	P(0x26),
	P(0x2e),
	P(0x36),
	P(0x3e),
	P(0x64),
	P(0x65),
	P(0x64, 0x26),
	P(0x26, 0x64),
	P(0x65, 0x3e),
	P(0x64, 0x65),
	P(0x2e, 0x36),
	P(0x67, 0x65),
	P(0x64, 0x67, 0x66),
	P(0x36, 0x67),
	P(0xf2),
	P(0xf3),
	P(0xf2, 0xf3),
	P(0xf3, 0x66),
	P(0xf2, 0x65, 0x66),
	P(0xf0),
	P(0x66, 0xf0),
	P(0xf0, 0xf2),
	P(0xf3, 0xf0),
	P(0xf0, 0x65),
	P(0x66, 0x66),
	P(0x67, 0x67),
	P(0x66, 0x67, 0x66, 0x67),
	{ .fill = 14 },
	{ .fill = 15 },
	{ .fill = 16 },
	P(0x40),
	P(0x41),
	P(0x42),
	P(0x43),
	P(0x44),
	P(0x47),
	P(0x48),
	P(0x49),
	P(0x4a),
	P(0x4c),
	P(0x4f),
	P(0x66, 0x40),
	P(0x66, 0x48),
	P(0x66, 0x4f),
	P(0x67, 0x48),
	P(0x67, 0x43),
	P(0x65, 0x48),
	P(0x64, 0x67, 0x4b),
	P(0xf3, 0x48),
	P(0xf0, 0x48),
	P(0x48, 0x66),
	P(0x4f, 0x67),
	P(0x41, 0x48),
	P(0x4b, 0x65),
	P(0x26, 0x49),
};
#define PREFIXES (sizeof(prefixes) / sizeof(prefixes[0]))
#define PREFIXES_NO_REX 35

#define STORES 5
const uint32_t form_combinations[MODES] = {
	[MODE_64] = STORES * 32 * PREFIXES,
	[MODE_32] = STORES * 32 * PREFIXES_NO_REX,
	[MODE_16] = STORES * 32 * PREFIXES_NO_REX,
};

/* An operand in memory: the registers' numbers, and where the displacement's bytes are. */
struct form {
	int base, index;
	uint8_t scale;
	uint8_t disp_size, disp_at;
	bool rip;
};

static void put(struct conf_case *c, uint8_t byte)
{
	c->bytes[c->length++] = byte;
}

/* Returns the REX that counts: one that is not the last prefix does nothing. */
static uint8_t put_prefixes(struct conf_case *c, const struct prefixes *p)
{
	uint8_t rex = 0;
	unsigned int i;

	c->operand_size = c->mode == MODE_16 ? 2 : 4;
	c->address_size = c->mode == MODE_64 ? 8 : c->mode == MODE_32 ? 4 : 2;
	c->seg = SEG_DS;
	for (i = 0; i < p->n; i++) {
		uint8_t b = p->byte[i];

		put(c, b);
		c->idle_rex = c->idle_rex || rex;
		rex = c->mode == MODE_64 && (b & 0xf0) == 0x40 ? b : 0;
		if (b == 0x66)
			c->operand_size = c->mode == MODE_16 ? 4 : 2;
		else if (b == 0x67)
			c->address_size = c->mode == MODE_32 ? 2 : 4;
		else if (b == 0xf0)
			c->lock = true;
		else if (b >= 0x64 && b <= 0x65)
			c->seg = SEG_FS + (b & 1);
		else if ((b & 0xe7) == 0x26 && c->mode != MODE_64)
			c->seg = SEG_ES + (b >> 3 & 3);
		c->segments += (b >= 0x64 && b <= 0x65) || (b & 0xe7) == 0x26;
	}
	if (rex & 8)
		c->operand_size = 8;
	return rex;
}

/* Returns whether a default of SS holds for that base. */
static bool put_form16(struct form *f, uint8_t mod, uint8_t rm)
{
	static const int8_t base[] = { 3, 3, 5, 5, REG_NONE, REG_NONE, 5, 3 };
	static const int8_t index[] = { 6, 7, 6, 7, 6, 7, REG_NONE, REG_NONE };

	f->base = base[rm];
	f->index = index[rm];
	f->disp_size = mod;
	if (mod == 0 && rm == 6) {
		f->base = REG_NONE;
		f->disp_size = 2;
	}
	return f->base == RBP;
}

static bool put_form32(struct conf_case *c, struct form *f, struct random *r, uint8_t mod,
		       uint8_t rm, uint8_t rex)
{
	uint8_t low = rm;

	f->disp_size = mod == 2 ? 4 : mod;
	if (rm == 4) {
		uint8_t sib = random_next(r);
		int index = (sib >> 3 & 7) | (rex & 2 ? 8 : 0);

		put(c, sib);
		low = sib & 7;
		f->index = index == RSP ? REG_NONE : index;
		f->scale = sib >> 6;
	}
	f->base = low | (rex & 1 ? 8 : 0);
	if (mod == 0 && low == 5) {
		f->base = REG_NONE;
		f->disp_size = 4;
		f->rip = c->mode == MODE_64 && rm == 5;
	}
	return f->base == RSP || f->base == RBP;
}

static uint64_t cut(const struct conf_case *c, uint64_t offset)
{
	return c->address_size == 8   ? offset
	       : c->address_size == 4 ? (uint32_t)offset
				      : (uint16_t)offset;
}

static uint64_t seg_base(const struct conf_case *c)
{
	uint32_t base, limit;

	if (c->mode == MODE_64)
		return c->seg == SEG_FS	  ? arena_fs(c->arena)
		       : c->seg == SEG_GS ? arena_gs(c->arena)
					  : 0;
	kind_segment(c->kind[c->seg], c->arena, &base, &limit);
	return base;
}

static void set_reg(struct conf_case *c, int reg, uint64_t value)
{
	/* What the address size leaves out keeps its random value. */
	c->gpr[reg] ^= cut(c, c->gpr[reg] ^ value);
}

/* Gives registers and displacement values with which the operand is at @offset, if there are any.
 */
static int64_t aim(struct conf_case *c, const struct form *f, struct random *r, uint64_t offset)
{
	int64_t disp = 0;

	if (f->disp_size)
		disp = random_below(r, 2) ? (int8_t)random_next(r) : (int32_t)random_next(r);
	if (f->disp_size == 1)
		disp = (int8_t)disp;
	if (f->rip) {
		disp = (int32_t)(offset - c->ip - c->length);
	} else if (f->base == REG_NONE && f->index == REG_NONE) {
		disp = (int32_t)offset;
	} else if (f->base == REG_NONE) {
		set_reg(c, f->index, (cut(c, offset - disp)) >> f->scale);
		disp = (int32_t)(offset - (cut(c, c->gpr[f->index]) << f->scale));
	} else if (f->base == f->index) {
		set_reg(c, f->base, cut(c, offset - disp) / (1 + (1u << f->scale)));
	} else {
		uint64_t index = f->index == REG_NONE ? 0 : c->gpr[f->index] << f->scale;

		set_reg(c, f->base, offset - index - disp);
	}
	return disp;
}

static void reach(struct conf_case *c, const struct form *f, int64_t disp)
{
	uint64_t offset;

	offset = f->disp_size == 1   ? (int8_t)disp
		 : f->disp_size == 2 ? (int16_t)disp
		 : f->disp_size == 4 ? (int32_t)disp
				     : 0;
	if (f->rip)
		offset += c->ip + c->length;
	if (f->base != REG_NONE)
		offset += c->gpr[f->base];
	if (f->index != REG_NONE)
		offset += c->gpr[f->index] << f->scale;
	c->offset = cut(c, offset);
	c->linear = seg_base(c) + c->offset;
	if (c->mode != MODE_64)
		c->linear = (uint32_t)c->linear;
}

/* 16-bit addresses reach the arena only through a segment that lies there. */
static void come_near(struct conf_case *c, struct random *r)
{
	static const uint8_t near[] = { KIND_BASED, KIND_SHORT, KIND_DOWN };

	if (c->address_size == 2 && c->seg != SEG_CS && c->kind[c->seg] != KIND_NULL &&
	    (c->kind[c->seg] == KIND_FLAT || c->kind[c->seg] == KIND_PAGES))
		c->kind[c->seg] = near[random_below(r, sizeof(near))];
}

/*
 * What cannot be reached exactly, as with a displacement or an address size that is too short, must
 * not hit the program's own memory.
 */
static bool astray(const struct conf_case *c)
{
	return c->linear >= 0x10000 && c->linear < 0xffffd000 &&
	       c->linear - (ARENA_BASE - PAGE) >= ARENA_STRIDE * 16;
}

static void memory(struct conf_case *c, const struct form *f, struct random *r)
{
	uint64_t linear;
	int64_t disp;

	come_near(c, r);
	linear = place_operand(c, r);
	disp = aim(c, f, r, cut(c, linear - seg_base(c)));
	reach(c, f, disp);
	if (astray(c)) {
		c->dest = DEST_HOLE;
		linear = c->arena + ARENA_ALONE + PAGE + 64;
		disp = aim(c, f, r, cut(c, linear - seg_base(c)));
		reach(c, f, disp);
	}
	memcpy(&c->bytes[f->disp_at], &disp, f->disp_size);
}

void form_make(struct conf_case *c, struct random *r, uint32_t combination)
{
	static const uint8_t opcode[STORES] = { 1, 1, 0, 0, 1 };
	static const uint8_t extension[STORES] = { 0, 1, 0, 1, 4 };
	uint8_t insn = combination % STORES;
	uint8_t mod = combination / STORES % 4, rm = combination / STORES / 4 % 8;
	const struct prefixes *p = &prefixes[combination / STORES / 32];
	struct form f = { .base = REG_NONE, .index = REG_NONE };
	bool stack = false;
	uint8_t rex, tail;

	c->insn = insn;
	rex = put_prefixes(c, p);
	put(c, 0x0f);
	put(c, opcode[insn]);
	/* REX.R has nothing to extend here: the field is part of the opcode. */
	put(c, mod << 6 | extension[insn] << 3 | rm);
	if (mod == 3) {
		c->dest = DEST_NONE;
		c->reg = rm | (rex & 1 ? 8 : 0);
		if (insn == INSN_SGDT || insn == INSN_SIDT)
			c->insn = INSN_OTHER;
	} else {
		stack = c->address_size == 2 ? put_form16(&f, mod, rm)
					     : put_form32(c, &f, r, mod, rm, rex);
	}
	/* 64-bit code knows FS and GS only; the other prefixes change nothing. */
	if (stack && (c->mode == MODE_64 ? c->seg < SEG_FS : !c->segments))
		c->seg = SEG_SS;
	f.disp_at = c->length;
	c->length += f.disp_size;
	if (p->fill > c->length) {
		tail = p->fill - c->length;
		memmove(c->bytes + tail, c->bytes, c->length);
		memset(c->bytes, 0x66, tail);
		f.disp_at += tail;
		c->length += tail;
		c->operand_size = c->mode == MODE_16 ? 4 : 2;
	}
	place_code(c, r);
	if (mod != 3)
		memory(c, &f, r);
}
