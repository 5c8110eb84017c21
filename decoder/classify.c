// SPDX-License-Identifier: GPL-2.0-only
/*
 * classify.c - the instruction's name, sizes and faults of its own (system instructions are in
 * system.c, stores in store.c and vector.c).
 */
#include "parse.h"

/* Opcodes that do not exist in 64-bit mode (AMD APM vol. 3, appendix B.3). */
static bool invalid_in_64(const struct parse *p)
{
	if (p->coding != CODING_LEGACY || p->map != MAP_ONE)
		return false;
	switch (p->opcode) {
	case 0x06: case 0x07: case 0x0e: case 0x16: case 0x17: case 0x1e: case 0x1f:
	case 0x27: case 0x2f: case 0x37: case 0x3f:
	case 0x60: case 0x61: case 0x82: case 0x9a: case 0xce:
	case 0xd4: case 0xd5: case 0xd6: case 0xea:
		return true;
	}
	return false;
}

/* LOCK is for read-modify-write instructions with a memory destination (APM vol. 3, 1.2.5). */
static bool lockable(const struct parse *p)
{
	if (p->coding != CODING_LEGACY || !modrm_is_mem(p))
		return false;
	if (p->map == MAP_ONE) {
		switch (p->opcode) {
		case 0x80: case 0x81: case 0x82: case 0x83:
			return modrm_reg(p) != 7;
		case 0x86: case 0x87:
			return true;
		case 0xf6: case 0xf7:
			return modrm_reg(p) == 2 || modrm_reg(p) == 3;
		case 0xfe: case 0xff:
			return modrm_reg(p) <= 1;
		}
		return p->opcode < 0x38 && (p->opcode & 6) == 0;
	}
	if (p->map != MAP_0F)
		return false;
	switch (p->opcode) {
	case 0xab: case 0xb3: case 0xbb:
	case 0xb0: case 0xb1: case 0xc0: case 0xc1:
		return true;
	case 0xba:
		return modrm_reg(p) >= 5;
	case 0xc7:
		return modrm_reg(p) == 1;
	}
	return false;
}

#define PP(x) (1u << PP_##x)
enum { MEM = 1, REG = 2, BOTH = 3 };

/*
 * Opcodes with memory operands that exist only with some of the mandatory prefixes (opcode maps
 * of APM vol. 3 and SDM vol. 2; those that a program may execute were tried on a processor):
 * first and last opcode, form of ModRM, ModRM.reg by bit, prefixes.
 */
static const struct {
	u8 map, first, last, form, digits, pp;
} exist[] = {
	{ MAP_0F, 0x13, 0x13, MEM, 0xff, PP(NONE) | PP(66) },
	{ MAP_0F, 0x17, 0x17, MEM, 0xff, PP(NONE) | PP(66) },
	{ MAP_0F, 0x29, 0x29, BOTH, 0xff, PP(NONE) | PP(66) },
	{ MAP_0F, 0x78, 0x79, MEM, 0xff, PP(NONE) },
	{ MAP_0F, 0x78, 0x78, REG, 0xfe, PP(NONE) | PP(F2) },	/* EXTRQ is /0 */
	{ MAP_0F, 0x78, 0x79, REG, 0xff, PP(NONE) | PP(66) | PP(F2) },
	{ MAP_0F, 0x7e, 0x7f, BOTH, 0xff, PP(NONE) | PP(66) | PP(F3) },
	{ MAP_0F, 0xae, 0xae, MEM, 0x2f, PP(NONE) },
	{ MAP_0F, 0xae, 0xae, MEM, 0x10, PP(NONE) | PP(F3) },
	{ MAP_0F, 0xae, 0xae, MEM, 0x40, PP(NONE) | PP(66) | PP(F3) },
	{ MAP_0F, 0xae, 0xae, MEM, 0x80, PP(NONE) | PP(66) },
	{ MAP_0F, 0xae, 0xae, REG, 0x20, PP(NONE) | PP(F3) },
	{ MAP_0F, 0xae, 0xae, REG, 0x80, PP(NONE) },
	{ MAP_0F, 0xc3, 0xc3, MEM, 0xff, PP(NONE) },
	{ MAP_0F, 0xc7, 0xc7, MEM, 0xb8, PP(NONE) },
	{ MAP_0F, 0xc7, 0xc7, MEM, 0x40, PP(NONE) | PP(66) | PP(F3) },
	{ MAP_0F, 0xc7, 0xc7, REG, 0x40, PP(NONE) | PP(66) },
	{ MAP_0F, 0xc7, 0xc7, REG, 0x80, PP(NONE) | PP(66) | PP(F3) },
	{ MAP_0F, 0xd6, 0xd6, MEM, 0xff, PP(66) },
	{ MAP_0F, 0xd6, 0xd6, REG, 0xff, PP(66) | PP(F3) | PP(F2) },
	{ MAP_0F, 0xe7, 0xe7, MEM, 0xff, PP(NONE) | PP(66) },
	{ MAP_0F, 0xf7, 0xf7, REG, 0xff, PP(NONE) | PP(66) },
	{ MAP_0F38, 0x80, 0x82, MEM, 0xff, PP(66) },
	{ MAP_0F38, 0xf0, 0xf1, MEM, 0xff, PP(NONE) | PP(66) | PP(F2) },
	{ MAP_0F3A, 0x14, 0x17, BOTH, 0xff, PP(66) },
};

static bool prefix_exists(const struct parse *p)
{
	u8 form = modrm_is_mem(p) ? MEM : REG;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(exist); i++)
		if (exist[i].map == p->map && p->opcode >= exist[i].first &&
		    p->opcode <= exist[i].last && (exist[i].form & form) &&
		    (exist[i].digits >> modrm_reg(p) & 1))
			return exist[i].pp >> p->pp & 1;
	return true;
}

/*
 * 0F 01 with ModRM.mod = 3, where ModRM is an opcode of its own: a row for each ModRM.reg, a bit
 * for each ModRM.rm. @alone: it exists without a mandatory prefix; @any: 66, F2 and F3 change
 * nothing.
 */
static int group_7(const struct parse *p)
{
	static const u8 alone[8] = { 0x3f, 0x8f, 0xf3, 0xff, 0xff, 0xc1, 0xff, 0xff };
	static const u8 any[8] = { 0x1e, 0x00, 0x00, 0xff, 0xff, 0x00, 0xff, 0x33 };
	const u8 *row = p->pp == PP_NONE ? alone : any;

	if (p->mode != DECODE_64 && p->modrm == 0xf8)	/* SWAPGS */
		return -DECODE_UD;
	if (row[modrm_reg(p)] >> (p->modrm & 7) & 1)
		return 0;
	/* Where old instructions are, no prefix makes a new one. */
	return p->modrm < 0xd8 && (alone[modrm_reg(p)] >> (p->modrm & 7) & 1) ? -DECODE_UD :
										-DECODE_UNKNOWN;
}

/* Encodings that the hardware refuses and Capstone takes. */
static bool undefined(const struct parse *p)
{
	u8 reg = modrm_reg(p);

	if (p->mode == DECODE_64 && invalid_in_64(p))
		return true;
	if (p->coding != CODING_LEGACY)
		return false;
	if (p->map == MAP_ONE) {
		switch (p->opcode) {
		case 0x8c:
			return reg > INSN_GS;
		case 0x8e:
			return reg > INSN_GS || reg == INSN_CS;
		case 0xc6: case 0xc7:
			return reg != 0 && !(reg == 7 && p->modrm == 0xf8);
		case 0xfe:
			return reg > 1;
		case 0xff:
			return reg == 7 || ((reg == 3 || reg == 5) && !modrm_is_mem(p));
		}
		return false;
	}
	if (p->map != MAP_0F)
		return false;
	switch (p->opcode) {
	case 0x0b: case 0xb9: case 0xff:	/* UD2, UD1, UD0 */
	case 0x04: case 0x0a: case 0x0c: case 0x24: case 0x25: case 0x26: case 0x27:
		return true;
	case 0x20: case 0x22:			/* CR0, 2, 3, 4, 8 exist (APM vol. 2, 3.1) */
		return p->r ? reg != 0 : reg == 1 || reg > 4;
	case 0x21: case 0x23:			/* DR8 to 15 are reserved */
		return p->r;
	case 0xb8:				/* POPCNT with F3; JMPE on IA-64 only */
		return p->pp != PP_F3;
	case 0xba:
		return reg < 4;
	}
	return false;
}

/* Near branches and the stack: 64 bits in 64-bit mode without REX.W (APM vol. 3, B.5). */
static bool defaults_to_64(const struct parse *p)
{
	if (p->coding != CODING_LEGACY)
		return false;
	if (p->map == MAP_0F)
		return (p->opcode >= 0x80 && p->opcode <= 0x8f) || (p->opcode & 0xf6) == 0xa0;
	if (p->map != MAP_ONE)
		return false;
	switch (p->opcode) {
	case 0x68: case 0x6a: case 0x8f: case 0x9c: case 0x9d:
	case 0xc2: case 0xc3: case 0xc8: case 0xc9:
	case 0xe0: case 0xe1: case 0xe2: case 0xe3: case 0xe8: case 0xe9: case 0xeb:
		return true;
	case 0xff:
		return modrm_reg(p) == 2 || modrm_reg(p) == 4 || modrm_reg(p) == 6;
	}
	return (p->opcode >= 0x50 && p->opcode <= 0x5f) || (p->opcode & 0xf0) == 0x70;
}

static void sizes(const struct parse *p, struct insn *insn)
{
	bool small = p->mode == DECODE_16;

	insn->operand_size = small == p->opsize ? 4 : 2;
	insn->address_size = small == p->adsize ? 4 : 2;
	if (p->mode != DECODE_64)
		return;
	insn->address_size = p->adsize ? 4 : 8;
	if (p->w || (!p->opsize && defaults_to_64(p)))
		insn->operand_size = 8;
}

static bool repeats(const struct parse *p)
{
	if (p->coding != CODING_LEGACY || p->map != MAP_ONE)
		return false;
	return (p->opcode >= 0x6c && p->opcode <= 0x6f) ||
	       (p->opcode >= 0xa4 && p->opcode <= 0xa7) ||
	       (p->opcode >= 0xaa && p->opcode <= 0xaf);
}

/* The register that gets the result, of instructions that do no more than move or divide. */
static void destination(const struct parse *p, struct insn *insn)
{
	bool byte = !(p->opcode & 1);

	insn->dest = modrm_reg(p) | p->r;
	insn->dest_size = insn->operand_size;
	if (p->map == MAP_0F) {
		if ((p->opcode & 0xf6) != 0xb6) /* MOVZX, MOVSX */
			insn->dest = INSN_NO_REG;
		return;
	}
	switch (p->map == MAP_ONE ? p->opcode : 0) {
	case 0x63:
		if (p->mode == DECODE_64)
			return;
		break;
	case 0x8a:
		insn->dest_size = 1;
		insn->dest_high = !p->rex && insn->dest >= 4;
		insn->dest -= insn->dest_high ? 4 : 0;
		return;
	case 0x8b:
		return;
	case 0xa0: case 0xa1:
	case 0xf6: case 0xf7:
		insn->divides = p->opcode >= 0xf6;
		if (insn->divides && modrm_reg(p) < 6)
			break;
		insn->dest = 0;
		insn->dest_size = byte ? 1 : insn->operand_size;
		return;
	}
	insn->divides = false;
	insn->dest = INSN_NO_REG;
}

int classify(const struct parse *p, struct insn *insn, u32 flags, u32 *imm_bytes)
{
	int error;

	*imm_bytes = 0;
	insn->mode = p->mode;
	insn->op = INSN_OTHER;
	insn->reg = INSN_NO_REG;
	insn->rm_reg = INSN_NO_REG;
	sizes(p, insn);
	if (undefined(p) || (p->coding == CODING_LEGACY && !prefix_exists(p)))
		return -DECODE_UD;
	if (p->coding == CODING_LEGACY && p->map == MAP_0F && p->opcode == 0x01 &&
	    !modrm_is_mem(p)) {
		error = group_7(p);
		if (error)
			return error;
	}

	if (p->coding != CODING_LEGACY || p->map > MAP_0F) {
		classify_vector(p, insn);
	} else if (p->map == MAP_ONE) {
		classify_one(p, insn, imm_bytes);
	} else {
		classify_system(p, insn);
		if (insn->op == INSN_OTHER)
			classify_0f(p, insn, imm_bytes);
		if (insn->op == INSN_OTHER)
			classify_vector(p, insn);
	}

	insn->dest = INSN_NO_REG;
	if (insn->op == INSN_OTHER && p->coding == CODING_LEGACY)
		destination(p, insn);

	if (p->lock) {
		/* AltMovCr8 (AMD APM vol. 3, MOV CRn) is how 32-bit code reaches CR8. */
		if ((insn->op == INSN_MOV_TO_CR || insn->op == INSN_MOV_FROM_CR) &&
		    insn->cr == 0 && (flags & DECODER_LOCK_MOV_CR8))
			insn->cr = 8;
		else if (!lockable(p))
			return -DECODE_UD;
		insn->lock = true;
	}
	if (repeats(p) && p->rep)
		insn->rep = p->rep == 0xf3 ? INSN_REP : INSN_REPNE;
	return 0;
}
