// SPDX-License-Identifier: GPL-2.0-only
/*
 * decode.c - the one small call.
 *
 * parse() reads prefixes and opcode, classify() names the instruction, and Capstone, given the
 * same instruction with only the prefixes that count, says whether it exists, how long it is and
 * what its memory operand is. That order mends what Capstone 4.0.2 gets wrong: LOCK that F2 or F3
 * hides, segment prefixes in 64-bit mode, address truncation, control registers that do not exist.
 */
#include "engine.h"

#define ROOM 32		/* the instruction, and filling that Capstone may read beyond it */

/* Whether F2 or F3 can change what the instruction is: where it cannot, Capstone is spared it. */
static bool rep_matters(const struct parse *p)
{
	if (p->map == MAP_ONE)
		return p->opcode == 0x90 || (p->opcode >= 0x6c && p->opcode <= 0x6f) ||
		       (p->opcode >= 0xa4 && p->opcode <= 0xaf && (p->opcode & 0xfe) != 0xa8);
	if (p->map != MAP_0F)
		return true;
	switch (p->opcode) {
	case 0x00:
		return modrm_reg(p) > 5;
	case 0x01:
		if (modrm_is_mem(p))
			return modrm_reg(p) == 5;
		return modrm_reg(p) != 4 && modrm_reg(p) != 6;
	case 0x20: case 0x21: case 0x22: case 0x23:
	case 0x08: case 0x09: case 0xa2: case 0x30: case 0x32: case 0x06:
		return false;
	}
	return true;
}

/* The same instruction with one prefix of each kind that counts. Returns its prefix bytes. */
static u32 canonical(const struct parse *p, const u8 *bytes, u32 count, u8 *to)
{
	static const u8 overrides[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	u32 used = 0, i, prefixes;

	if (p->rep && rep_matters(p))
		to[used++] = p->rep;
	if (p->segment != INSN_NO_SEG)
		to[used++] = overrides[p->segment];
	if (p->opsize)
		to[used++] = 0x66;
	if (p->adsize)
		to[used++] = 0x67;
	prefixes = used;
	for (i = p->prefixes; i < count; i++)
		to[used++] = bytes[i];
	/* ModRM.mod does not count for MOV CR and DR, but Capstone looks at it. */
	if (p->coding == CODING_LEGACY && p->map == MAP_0F && (p->opcode & 0xfc) == 0x20)
		to[prefixes + p->modrm_at - p->prefixes] |= 0xc0;
	/*
	 * Filling decides nothing but the end: that of a 3DNow! instruction is its real opcode,
	 * and must be one that exists.
	 */
	for (; used < ROOM; used++)
		to[used] = p->map == MAP_3DNOW ? 0x9e : 0;
	return prefixes;
}

static u64 read_end(const u8 *code, u32 length, u32 bytes, bool sign)
{
	u64 value = 0;
	u32 i;

	for (i = 0; i < bytes; i++)
		value |= (u64)code[length - bytes + i] << (8 * i);
	if (sign && bytes && bytes < 8 && (value >> (8 * bytes - 1) & 1))
		value |= ~0ULL << (8 * bytes);
	return value;
}

/* MOV rAX, moffs and back: the address is the end of the instruction, never sign-extended. */
static bool is_moffs(const struct parse *p)
{
	return p->coding == CODING_LEGACY && p->map == MAP_ONE && (p->opcode & 0xfc) == 0xa0;
}

static void operands(const struct decoder *d, const struct parse *p, const u8 *code, u32 length,
		     u32 imm_bytes, struct insn *out)
{
	bool port = out->op == INSN_IN || out->op == INSN_OUT;

	if (is_moffs(p)) {
		out->mem.present = true;
		out->mem.segment = p->segment == INSN_NO_SEG ? INSN_DS : p->segment;
		out->mem.base = INSN_NO_REG;
		out->mem.index = INSN_NO_REG;
		out->mem.scale = 1;
		out->mem.address_size = out->address_size;
		out->mem.size = p->opcode & 1 ? out->operand_size : 1;
		out->mem.disp = read_end(code, length, out->address_size, false);
	} else if (modrm_is_mem(p) && !(p->coding == CODING_LEGACY && p->map == MAP_0F &&
					(p->opcode & 0xfc) == 0x20)) {
		struct insn_mem *mem = out->mem.present ? &out->src : &out->mem;

		if (!engine_memory(d, p, out, mem))
			mem->size = 0;
		/* POP increments rSP before it forms the address (AMD APM vol. 3, POP). */
		if (out->store == INSN_STORE_POP && mem->base == 4)
			mem->disp += out->operand_size;
	}
	if (imm_bytes)
		out->imm = read_end(code, length, imm_bytes, !port);
}

int decode(struct decoder *d, enum decode_mode mode, const u8 *bytes, u32 count, struct insn *out)
{
	u32 imm_bytes, kept, length;
	struct insn insn = { 0 };
	struct parse p;
	u8 code[ROOM];
	int error;

	*out = insn;
	if (count > INSN_MAX_BYTES)
		count = INSN_MAX_BYTES;
	error = parse(&p, mode, bytes, count);
	if (error == -DECODE_SHORT && count == INSN_MAX_BYTES)
		return -DECODE_LONG;
	if (!error)
		error = classify(&p, &insn, d->flags, &imm_bytes);
	if (error)
		return error;

	kept = canonical(&p, bytes, count, code);
	if (!engine_run(d, mode, code, INSN_MAX_BYTES, 0))
		return -DECODE_UNKNOWN;
	length = d->insn->size - kept + p.prefixes;
	if (length > count)
		return count == INSN_MAX_BYTES ? -DECODE_LONG : -DECODE_SHORT;
	insn.length = length;
	operands(d, &p, code, d->insn->size, imm_bytes, &insn);
	*out = insn;
	return 0;
}
