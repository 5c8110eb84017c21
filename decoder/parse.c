// SPDX-License-Identifier: GPL-2.0-only
/*
 * parse.c - prefixes, opcode map, opcode and ModRM (AMD APM vol. 3, 1.1; Intel SDM vol. 2, 2.1).
 */
#include "parse.h"

/* Opcodes with a ModRM byte, one bit each, sixteen to a row (AMD APM vol. 3, appendix A). */
static const u16 modrm_one[16] = {
	0x0f0f, 0x0f0f, 0x0f0f, 0x0f0f, 0x0000, 0x0000, 0x0a0c, 0x0000,
	0xffff, 0x0000, 0x0000, 0x0000, 0x00f3, 0xff0f, 0x0000, 0xc0c0,
};
static const u16 modrm_0f[16] = {
	0x200f, 0xffff, 0xff0f, 0x0000, 0xffff, 0xffff, 0xffff, 0xff7f,
	0x0000, 0xffff, 0xf8f8, 0xffff, 0x00ff, 0xffff, 0xffff, 0xffff,
};

static bool has_modrm(const struct parse *p)
{
	if (p->coding == CODING_LEGACY && p->map == MAP_ONE)
		return modrm_one[p->opcode >> 4] >> (p->opcode & 15) & 1;
	if (p->coding == CODING_LEGACY && p->map == MAP_0F)
		return modrm_0f[p->opcode >> 4] >> (p->opcode & 15) & 1;
	/* VZEROUPPER and VZEROALL are the only ones without, beyond these maps. */
	return !(p->coding == CODING_VEX && p->map == MAP_0F && p->opcode == 0x77);
}

static bool legacy_prefix(struct parse *p, u8 byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		/* Null prefixes in 64-bit mode: FS or GS given before stays (APM vol. 3, 1.2.4). */
		if (p->mode != DECODE_64)
			p->segment = byte >> 3 & 3;
		return true;
	case 0x64:
	case 0x65:
		p->segment = INSN_FS + (byte & 1);
		return true;
	case 0x66:
		p->opsize = true;
		return true;
	case 0x67:
		p->adsize = true;
		return true;
	case 0xf0:
		p->lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		p->rep = byte;
		return true;
	}
	return false;
}

/* Two- and three-byte escapes. Returns the bytes they take, 0 if there are too few. */
static u32 parse_legacy(struct parse *p, const u8 *at, u32 left)
{
	u32 used = 1;

	p->coding = CODING_LEGACY;
	p->pp = p->rep == 0xf2 ? PP_F2 : p->rep == 0xf3 ? PP_F3 : p->opsize ? PP_66 : PP_NONE;
	p->w = p->rex >> 3 & 1;
	p->r = (p->rex & 4) << 1;
	p->b = (p->rex & 1) << 3;
	p->map = MAP_ONE;
	p->opcode = at[0];
	if (at[0] == 0x0f) {
		if (left < 2)
			return 0;
		used = 2;
		p->map = at[1] == 0x0f ? MAP_3DNOW : MAP_0F;
		p->opcode = at[1];
		if (at[1] == 0x38 || at[1] == 0x3a) {
			if (left < 3)
				return 0;
			used = 3;
			p->map = at[1] == 0x38 ? MAP_0F38 : MAP_0F3A;
			p->opcode = at[2];
		}
	}
	return used;
}

/* VEX, EVEX, XOP: @length bytes of which the last is the opcode. */
static u32 parse_vector(struct parse *p, const u8 *at, u32 left, u8 coding, u32 length)
{
	if (left < length)
		return 0;
	p->coding = coding;
	p->opcode = at[length - 1];
	p->r = at[1] & 0x80 ? 0 : 8;
	if (at[0] == 0xc5) {
		p->map = MAP_0F;
		p->pp = at[1] & 3;
	} else {
		p->map = at[1] & (coding == CODING_EVEX ? 7 : 31);
		p->pp = at[2] & 3;
		p->w = at[2] >> 7;
		p->b = at[1] & 0x20 ? 0 : 8;
	}
	return length;
}

int parse(struct parse *p, enum decode_mode mode, const u8 *bytes, u32 count)
{
	u8 coding = CODING_LEGACY;
	u32 at = 0, used, length = 0;

	*p = (struct parse){ .mode = mode, .segment = INSN_NO_SEG };
	for (;; at++) {
		if (at == count)
			return -DECODE_SHORT;
		if (mode == DECODE_64 && (bytes[at] & 0xf0) == 0x40)
			p->rex = bytes[at];
		else if (legacy_prefix(p, bytes[at]))
			p->rex = 0;	/* A REX that a prefix follows is ignored (APM vol. 3, 1.2.7). */
		else
			break;
	}
	p->prefixes = at - (p->rex ? 1 : 0);

	/* Outside 64-bit mode VEX and EVEX are LES, LDS and BOUND unless ModRM.mod would be 3. */
	if (bytes[at] == 0xc4 || bytes[at] == 0xc5 || bytes[at] == 0x62 || bytes[at] == 0x8f) {
		if (at + 1 == count)
			return -DECODE_SHORT;
		if (bytes[at] == 0x8f) {
			if ((bytes[at + 1] & 31) >= 8) {
				coding = CODING_XOP;
				length = 4;
			}
		} else if (mode == DECODE_64 || bytes[at + 1] >= 0xc0) {
			coding = bytes[at] == 0x62 ? CODING_EVEX : CODING_VEX;
			length = bytes[at] == 0xc5 ? 3 : bytes[at] == 0xc4 ? 4 : 5;
		}
	}
	if (coding == CODING_LEGACY)
		used = parse_legacy(p, bytes + at, count - at);
	else if (p->lock || p->rep || p->opsize || p->rex)
		return -DECODE_UD;	/* APM vol. 3, 1.2.8 */
	else
		used = parse_vector(p, bytes + at, count - at, coding, length);
	if (!used)
		return -DECODE_SHORT;
	at += used;

	if (has_modrm(p)) {
		if (at == count)
			return -DECODE_SHORT;
		p->has_modrm = true;
		p->modrm = bytes[at];
		p->modrm_at = at;
	}
	return 0;
}

/* ModRM, SIB and displacement (APM vol. 3, 1.4). Returns 0 if there are too few bytes for SIB. */
static u32 modrm_bytes(const struct parse *p, const u8 *bytes, u32 count, u32 address_size)
{
	u32 mod = p->modrm >> 6, rm = p->modrm & 7, wide = address_size == 2 ? 2 : 4, used = 1;

	if (mod == 3)
		return 1;
	if (address_size == 2)
		return 1 + (mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
	if (rm == 4) {
		if (p->modrm_at + 1u >= count)
			return 0;
		used = 2;
		rm = bytes[p->modrm_at + 1] & 7;	/* a base of 5 is like rm = 5 */
	}
	return used + (mod == 1 ? 1 : mod == 2 || rm == 5 ? wide : 0);
}

/* Immediates beyond the first opcode map (APM vol. 3, appendix A; SDM vol. 2, appendix A) */
static u32 imm_bytes(const struct parse *p)
{
	if (p->coding == CODING_XOP)
		return p->map == 8 ? 1 : p->map == 10 ? 4 : 0;
	if (p->map == MAP_0F3A || p->map == MAP_3DNOW)
		return 1;
	if (p->map != MAP_0F)
		return 0;
	switch (p->opcode) {
	case 0x70: case 0x71: case 0x72: case 0x73:
	case 0xc2: case 0xc4: case 0xc5: case 0xc6:
		return 1;
	case 0xa4: case 0xac: case 0xba:
		return p->coding == CODING_LEGACY;
	case 0x78:	/* EXTRQ, INSERTQ */
		return p->coding == CODING_LEGACY && (p->pp == PP_66 || p->pp == PP_F2) ? 2 : 0;
	}
	return 0;
}

int parse_length(const struct parse *p, const u8 *bytes, u32 count, u32 address_size, u32 *length)
{
	u32 operand = 1;

	*length = 0;
	if (!p->has_modrm || (p->coding == CODING_LEGACY && p->map == MAP_ONE))
		return 0;
	/* MOV CR and DR: registers, whatever ModRM.mod says */
	if (p->coding != CODING_LEGACY || p->map != MAP_0F || (p->opcode & 0xfc) != 0x20)
		operand = modrm_bytes(p, bytes, count, address_size);
	if (!operand)
		return -DECODE_SHORT;
	*length = p->modrm_at + operand + imm_bytes(p);
	return *length > count ? -DECODE_SHORT : 0;
}
