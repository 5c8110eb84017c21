// SPDX-License-Identifier: GPL-2.0-only
/*
 * decode.c - the one small call.
 *
 * parse() reads prefixes, opcode and, beyond the first opcode map, the length; classify() names the
 * instruction; and Capstone, given the same instruction with only the prefixes that count, says
 * whether it exists, how long it is and what its memory operand is. That order mends what Capstone
 * 4.0.2 gets wrong: LOCK that F2 or F3 hides, segment prefixes in 64-bit mode, address truncation,
 * control registers that do not exist, mandatory prefixes that are not the last or in 16-bit code.
 */
#include "engine.h"

#define ROOM 32		/* the instruction, and filling that Capstone may read beyond it */

/*
 * Branches whose operand size in 64-bit code 66 changes on some processors (APM vol. 3, 1.2.2) and
 * on others not (SDM vol. 2, CALL: 66 is ignored there).
 */
static bool near_branch(const struct parse *p)
{
	if (p->coding != CODING_LEGACY)
		return false;
	if (p->map == MAP_0F)
		return (p->opcode & 0xf0) == 0x80;
	if (p->map != MAP_ONE)
		return false;
	switch (p->opcode) {
	case 0xc2: case 0xc3: case 0xe0: case 0xe1: case 0xe2: case 0xe3:
	case 0xe8: case 0xe9: case 0xeb:
		return true;
	case 0xff:
		return modrm_reg(p) == 2 || modrm_reg(p) == 4;
	}
	return (p->opcode & 0xf0) == 0x70;
}

/*
 * In 16-bit mode Capstone takes no prefix as part of an opcode. Beyond the first opcode map no
 * length depends on the operand size (but for jumps), so those are decoded as 32-bit code.
 */
static bool better_in_32(const struct parse *p)
{
	return p->mode == DECODE_16 && p->coding == CODING_LEGACY && p->map != MAP_ONE &&
	       !(p->map == MAP_0F && (p->opcode & 0xf0) == 0x80);
}

/* Whether F2 or F3 can change what the instruction is: where it cannot, Capstone is spared it. */
static bool rep_matters(const struct parse *p)
{
	if (p->map != MAP_0F)
		return p->map != MAP_ONE;
	switch (p->opcode) {
	case 0x01:
		return modrm_is_mem(p) && modrm_reg(p) == 5;
	case 0x00: case 0x0d: case 0x18: case 0x19: case 0x1a: case 0x1b: case 0x1c: case 0x1d:
	case 0x1e: case 0x1f: case 0x20: case 0x21: case 0x22: case 0x23:
	case 0x08: case 0x09: case 0xa2: case 0x30: case 0x32: case 0x06:
		return false;
	}
	return true;
}

/*
 * Whether REX.W is without a say in the operand, which Capstone does not know: it takes REX.W
 * without 66 as if 66 were there where 66 would make another instruction.
 */
static bool w_is_idle(const struct parse *p)
{
	if (p->map != MAP_0F)
		return false;
	return p->opcode == 0x7f || p->opcode == 0xe7 || p->opcode == 0x78 || p->opcode == 0x79;
}

static bool relative_call_or_jump(const struct parse *p)
{
	return (p->map == MAP_ONE && (p->opcode == 0xe8 || p->opcode == 0xe9)) ||
	       (p->map == MAP_0F && (p->opcode & 0xf0) == 0x80);
}

/*
 * Instructions that Capstone does not know, or not all encodings of: it gets one of the same
 * shape. @at is where the opcode's last byte is, ModRM behind it.
 */
static void stand_in(const struct parse *p, u8 *at)
{
	if (p->map == MAP_ONE)
		return;
	switch (p->opcode) {
	case 0x01:	/* all without operands: XGETBV */
		if (!modrm_is_mem(p) && modrm_reg(p) != 4 && modrm_reg(p) != 6)
			at[1] = 0xd0;
		break;
	case 0x0d: case 0x18: case 0x19: case 0x1a: case 0x1b: case 0x1c: case 0x1d: case 0x1e:
	case 0x1f:	/* PREFETCH, MPX, ENDBR64 and other NOPs: IMUL */
		at[0] = 0xaf;
		break;
	case 0x20: case 0x21: case 0x22: case 0x23:	/* ModRM.mod does not count */
		at[1] |= 0xc0;
		break;
	case 0x78:	/* EXTRQ, INSERTQ: SHLD */
		if (p->pp != PP_NONE)
			at[0] = 0xa4;
		break;
	case 0xae:	/* LFENCE, MFENCE, SFENCE: ModRM.rm does not count */
		if (!modrm_is_mem(p) && modrm_reg(p) >= 5)
			at[1] &= 0xf8;
		break;
	}
}

/*
 * The same instruction with one prefix of each kind that counts; @in_32: 16-bit code made up as
 * 32-bit code. Returns its prefix bytes.
 */
static u32 canonical(const struct parse *p, const u8 *bytes, u32 count, bool in_32, u8 *to)
{
	static const u8 overrides[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	bool relative = p->coding == CODING_LEGACY && relative_call_or_jump(p);
	u32 used = 0, i, prefixes;

	if (p->segment != INSN_NO_SEG)
		to[used++] = overrides[p->segment];
	if (p->adsize != in_32 && !relative)
		to[used++] = 0x67;
	/* Capstone takes only the last prefix as part of the opcode. */
	if (p->opsize)
		to[used++] = 0x66;
	if (p->rep && rep_matters(p))
		to[used++] = p->rep;
	prefixes = used;
	for (i = p->prefixes; i < count; i++)
		to[used++] = bytes[i];
	if (p->coding == CODING_LEGACY && p->has_modrm && p->map == MAP_0F)
		stand_in(p, to + prefixes + p->modrm_at - 1 - p->prefixes);
	if (p->rex && (relative || (p->coding == CODING_LEGACY && w_is_idle(p))))
		to[prefixes] &= ~8;
	/* The number of a segment register has no use for REX.R. */
	if (p->rex && p->map == MAP_ONE && (p->opcode == 0x8c || p->opcode == 0x8e))
		to[prefixes] &= ~4;
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

static bool is_xsave(const struct insn *insn, u16 size)
{
	return insn->op == INSN_STORE && insn->store == INSN_STORE_FPU && !size;
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
		u16 size = mem->size;

		/* How much XSAVE writes is for the processor to say. */
		if (!engine_memory(d, p, out, mem) || is_xsave(out, size))
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
	bool in_32;
	int error;

	*out = insn;
	if (count > INSN_MAX_BYTES)
		count = INSN_MAX_BYTES;
	error = parse(&p, mode, bytes, count);
	if (!error) {
		if (mode == DECODE_64 && near_branch(&p) &&
		    (p.w || !(d->flags & DECODER_BRANCH_66)))
			p.opsize = false;
		error = classify(&p, &insn, d->flags, &imm_bytes);
	}
	if (!error)
		error = parse_length(&p, bytes, count, insn.address_size, &length);
	if (error == -DECODE_SHORT && count == INSN_MAX_BYTES)
		return -DECODE_LONG;
	if (error)
		return error;

	in_32 = better_in_32(&p);
	kept = canonical(&p, bytes, count, in_32, code);
	if (!engine_run(d, in_32 ? DECODE_32 : mode, code, INSN_MAX_BYTES, 0))
		return -DECODE_UNKNOWN;
	/* Capstone takes AVX-512's rounding for an operand that has bytes. */
	if (!length)
		length = d->insn->size - kept + p.prefixes;
	if (length > count)
		return count == INSN_MAX_BYTES ? -DECODE_LONG : -DECODE_SHORT;
	insn.length = length;
	operands(d, &p, code, kept + length - p.prefixes, imm_bytes, &insn);
	*out = insn;
	return 0;
}
