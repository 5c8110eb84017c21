// SPDX-License-Identifier: GPL-2.0-only
/*
 * store.c - the integer instructions that write memory, and port I/O.
 */
#include "parse.h"

static void store(struct insn *insn, u8 kind)
{
	insn->op = INSN_STORE;
	insn->store = kind;
}

/* Opcodes whose lowest bit tells bytes from words */
static void byte_or_full(const struct parse *p, struct insn *insn)
{
	if (!(p->opcode & 1))
		insn->operand_size = 1;
}

static void source_reg(const struct parse *p, struct insn *insn)
{
	insn->reg = modrm_reg(p) | p->r;
	/* Without REX, byte registers 4 to 7 are AH, CH, DH, BH (APM vol. 3, 1.4.1). */
	if (insn->operand_size == 1 && !p->rex && insn->reg >= 4) {
		insn->reg -= 4;
		insn->high_byte = true;
	}
}

static void source_imm(struct insn *insn, u32 *imm_bytes, u32 bytes)
{
	insn->has_imm = true;
	*imm_bytes = bytes;
}

static u32 imm_z(const struct insn *insn)
{
	return insn->operand_size == 8 ? 4 : insn->operand_size;
}

/* The stack grows by @count operands; what is written starts at the new top. */
static void push(const struct parse *p, struct insn *insn, u8 kind, u32 count)
{
	store(insn, kind);
	mem_at(insn, &insn->mem, INSN_SS, 4, count * insn->operand_size);
	insn->mem.disp = -(s64)(count * insn->operand_size);
	/* Not the address size: 67 changes nothing of the stack pointer (APM vol. 3, 1.2.3). */
	insn->mem.address_size = p->mode / 8;
}

/* The operand that ModRM addresses is what PUSH and CALL read: see decode.c. */
static void push_rm(const struct parse *p, struct insn *insn, u8 kind, u32 count, u16 read)
{
	push(p, insn, kind, count);
	if (modrm_is_mem(p))
		insn->src.size = read;
	else
		insn->reg = (p->modrm & 7) | p->b;
}

static void string(const struct parse *p, struct insn *insn, bool reads, bool writes)
{
	u8 from = p->segment == INSN_NO_SEG ? INSN_DS : p->segment;

	if (writes)
		mem_at(insn, &insn->mem, INSN_ES, 7, insn->operand_size);
	if (reads)
		mem_at(insn, writes ? &insn->src : &insn->mem, from, 6, insn->operand_size);
}

static void port(const struct parse *p, struct insn *insn, u8 op)
{
	insn->op = op;
	if (p->opcode & 1)	/* REX.W is ignored */
		insn->operand_size = (p->mode == DECODE_16) == p->opsize ? 4 : 2;
	else
		insn->operand_size = 1;
}

/* x87: /digit by opcode D8 to DF, one bit for each that stores (APM vol. 5, appendix) */
static void x87(const struct parse *p, struct insn *insn)
{
	static const u8 stores[8] = { 0x00, 0xcc, 0x00, 0x8e, 0x00, 0xce, 0x00, 0xce };
	bool small = insn->operand_size == 2;
	u16 size = 0;

	if (!modrm_is_mem(p) || !(stores[p->opcode & 7] >> modrm_reg(p) & 1))
		return;
	store(insn, INSN_STORE_FPU);
	switch (p->opcode << 4 | modrm_reg(p)) {
	case 0xd92: case 0xd93: case 0xdb1: case 0xdb2: case 0xdb3: size = 4; break;
	case 0xdb7: case 0xdf6: size = 10; break;
	case 0xdd1: case 0xdd2: case 0xdd3: case 0xdf7: size = 8; break;
	case 0xd97: case 0xdd7: case 0xdf1: case 0xdf2: case 0xdf3: size = 2; break;
	case 0xd96: size = small ? 14 : 28; break;	/* FNSTENV */
	case 0xdd6: size = small ? 94 : 108; break;	/* FNSAVE */
	}
	insn->mem.size = size;
}

static void group_1(const struct parse *p, struct insn *insn, u32 *imm_bytes)
{
	byte_or_full(p, insn);
	if (p->opcode == 0x82)
		insn->operand_size = 1;
	if (modrm_reg(p) == 7 || !modrm_is_mem(p))	/* CMP */
		return;
	store(insn, INSN_STORE_ADD + modrm_reg(p));
	insn->mem.size = insn->operand_size;
	source_imm(insn, imm_bytes, p->opcode == 0x81 ? imm_z(insn) : 1);
}

/* FE and FF: INC, DEC, and the indirect CALL and PUSH */
static void group_5(const struct parse *p, struct insn *insn)
{
	u8 size = insn->operand_size;

	switch (modrm_reg(p)) {
	case 0:
	case 1:
		byte_or_full(p, insn);
		if (!modrm_is_mem(p))
			return;
		store(insn, modrm_reg(p) ? INSN_STORE_DEC : INSN_STORE_INC);
		insn->mem.size = insn->operand_size;
		break;
	case 2:
		push_rm(p, insn, INSN_STORE_CALL, 1, size);
		break;
	case 3:
		push_rm(p, insn, INSN_STORE_CALL_FAR, 2, size + 2);
		break;
	case 6:
		push_rm(p, insn, INSN_STORE_PUSH, 1, size);
		break;
	}
}

/* Opcodes with ModRM whose destination is its operand */
static void rm_destination(const struct parse *p, struct insn *insn, u32 *imm_bytes)
{
	u8 kind;

	if (p->opcode < 0x38) {
		kind = INSN_STORE_ADD + (p->opcode >> 3);
		byte_or_full(p, insn);
		source_reg(p, insn);
	} else {
		switch (p->opcode) {
		case 0x86: case 0x87: kind = INSN_STORE_XCHG; break;
		case 0x88: case 0x89: case 0xc6: case 0xc7: kind = INSN_STORE_MOV; break;
		case 0xf6: case 0xf7:
			if (modrm_reg(p) != 2 && modrm_reg(p) != 3)
				return;
			kind = modrm_reg(p) == 2 ? INSN_STORE_NOT : INSN_STORE_NEG;
			break;
		default: kind = INSN_STORE_SHIFT; break;
		}
		byte_or_full(p, insn);
		if (p->opcode < 0x8a)
			source_reg(p, insn);
		else if (p->opcode == 0xc6 || p->opcode == 0xc7)
			source_imm(insn, imm_bytes, imm_z(insn));
		else if (p->opcode == 0xc0 || p->opcode == 0xc1)
			source_imm(insn, imm_bytes, 1);
		else if (p->opcode == 0xd0 || p->opcode == 0xd1) {
			insn->has_imm = true;
			insn->imm = 1;
		}
	}
	if (!modrm_is_mem(p)) {
		insn->has_imm = false;
		insn->high_byte = false;
		insn->reg = INSN_NO_REG;
		insn->imm = 0;
		*imm_bytes = 0;
		return;
	}
	store(insn, kind);
	insn->mem.size = insn->operand_size;
}

void classify_one(const struct parse *p, struct insn *insn, u32 *imm_bytes)
{
	u8 seg = p->segment == INSN_NO_SEG ? INSN_DS : p->segment;

	if (p->opcode < 0x40 && (p->opcode & 7) == 6) {	/* PUSH seg, or a prefix */
		push(p, insn, INSN_STORE_PUSH, 1);
		return;
	}
	if (p->opcode < 0x38 && (p->opcode & 6) == 0) {
		rm_destination(p, insn, imm_bytes);
		return;
	}
	if (p->opcode >= 0xd8 && p->opcode <= 0xdf) {
		x87(p, insn);
		return;
	}
	if ((p->opcode & 0xf8) == 0x50) {
		push(p, insn, INSN_STORE_PUSH, 1);
		insn->reg = (p->opcode & 7) | p->b;
		return;
	}
	switch (p->opcode) {
	case 0x60:
		push(p, insn, INSN_STORE_PUSHA, 8);
		break;
	case 0x63:	/* ARPL; in 64-bit mode MOVSXD, a load */
		if (p->mode != DECODE_64 && modrm_is_mem(p)) {
			store(insn, INSN_STORE_MISC);
			insn->mem.size = 2;
		}
		break;
	case 0x68:
	case 0x6a:
		push(p, insn, INSN_STORE_PUSH, 1);
		source_imm(insn, imm_bytes, p->opcode == 0x6a ? 1 : imm_z(insn));
		break;
	case 0x6c:
	case 0x6d:
		port(p, insn, INSN_INS);
		string(p, insn, false, true);
		break;
	case 0x6e:
	case 0x6f:
		port(p, insn, INSN_OUTS);
		string(p, insn, true, false);
		break;
	case 0x80: case 0x81: case 0x82: case 0x83:
		group_1(p, insn, imm_bytes);
		break;
	case 0x86: case 0x87: case 0x88: case 0x89:
	case 0xc0: case 0xc1: case 0xc6: case 0xc7:
	case 0xd0: case 0xd1: case 0xd2: case 0xd3:
	case 0xf6: case 0xf7:
		rm_destination(p, insn, imm_bytes);
		break;
	case 0x8c:
		if (modrm_is_mem(p)) {
			store(insn, INSN_STORE_MOV_SEG);
			insn->operand_size = 2;
			insn->mem.size = 2;
			insn->reg = modrm_reg(p);
		}
		break;
	case 0x8f:
		if (modrm_is_mem(p)) {
			store(insn, INSN_STORE_POP);
			insn->mem.size = insn->operand_size;
		}
		break;
	case 0x9a:
		push(p, insn, INSN_STORE_CALL_FAR, 2);
		break;
	case 0x9c:
		push(p, insn, INSN_STORE_PUSH, 1);
		break;
	case 0xa2:
	case 0xa3:	/* the displacement is Capstone's to tell */
		byte_or_full(p, insn);
		store(insn, INSN_STORE_MOV);
		mem_at(insn, &insn->mem, seg, INSN_NO_REG, insn->operand_size);
		insn->reg = 0;
		break;
	case 0xa4:
	case 0xa5:
		byte_or_full(p, insn);
		store(insn, INSN_STORE_MOVS);
		string(p, insn, true, true);
		break;
	case 0xaa:
	case 0xab:
		byte_or_full(p, insn);
		store(insn, INSN_STORE_STOS);
		string(p, insn, false, true);
		insn->reg = 0;
		break;
	case 0xc8:
		push(p, insn, INSN_STORE_ENTER, 1);
		insn->mem.size = 0;
		break;
	case 0xe4: case 0xe5: case 0xe6: case 0xe7:
		port(p, insn, p->opcode & 2 ? INSN_OUT : INSN_IN);
		source_imm(insn, imm_bytes, 1);
		break;
	case 0xe8:
		push(p, insn, INSN_STORE_CALL, 1);
		break;
	case 0xec: case 0xed: case 0xee: case 0xef:
		port(p, insn, p->opcode & 2 ? INSN_OUT : INSN_IN);
		break;
	case 0xf4:
		insn->op = INSN_HLT;
		break;
	case 0xfe:
	case 0xff:
		group_5(p, insn);
		break;
	}
}

static void bit_test(const struct parse *p, struct insn *insn, u8 kind)
{
	store(insn, kind);
	insn->mem.size = insn->operand_size;
	if (p->opcode != 0xba) {
		source_reg(p, insn);
		/* The bit's number reaches beyond the operand (APM vol. 3, BTS). */
		insn->mem.bit_string = true;
		insn->mem.bit_reg = insn->reg;
	}
}

static void store_rm(const struct parse *p, struct insn *insn, u8 kind)
{
	store(insn, kind);
	insn->mem.size = insn->operand_size;
	source_reg(p, insn);
}

/* Group 15: FXSAVE, STMXCSR, XSAVE, XSAVEOPT, and one of shadow stacks */
static void group_15(const struct parse *p, struct insn *insn)
{
	u8 reg = modrm_reg(p);

	if (reg == 6 && p->pp == PP_F3) {
		store(insn, INSN_STORE_MISC);	/* CLRSSBSY */
		insn->mem.size = 8;
		return;
	}
	if (p->pp != PP_NONE || (reg != 0 && reg != 3 && reg != 4 && reg != 6))
		return;
	store(insn, INSN_STORE_FPU);
	insn->mem.size = reg == 0 ? 512 : reg == 3 ? 4 : 0;
}

void classify_0f(const struct parse *p, struct insn *insn, u32 *imm_bytes)
{
	if (p->opcode == 0xa0 || p->opcode == 0xa8) {	/* PUSH FS, GS */
		push(p, insn, INSN_STORE_PUSH, 1);
		return;
	}
	if (!modrm_is_mem(p))
		return;
	if ((p->opcode & 0xf0) == 0x90) {
		store(insn, INSN_STORE_SETCC);
		insn->operand_size = 1;
		insn->mem.size = 1;
		return;
	}
	switch (p->opcode) {
	case 0xa4: case 0xa5: case 0xac: case 0xad:	/* SHLD, SHRD */
		store_rm(p, insn, INSN_STORE_SHIFT);
		if (!(p->opcode & 1))
			source_imm(insn, imm_bytes, 1);
		break;
	case 0xab: bit_test(p, insn, INSN_STORE_BTS); break;
	case 0xb3: bit_test(p, insn, INSN_STORE_BTR); break;
	case 0xbb: bit_test(p, insn, INSN_STORE_BTC); break;
	case 0xba:
		if (modrm_reg(p) > 4) {
			bit_test(p, insn, INSN_STORE_BTS + modrm_reg(p) - 5);
			source_imm(insn, imm_bytes, 1);
		}
		break;
	case 0xae: group_15(p, insn); break;
	case 0xb0: case 0xb1:
		byte_or_full(p, insn);
		store_rm(p, insn, INSN_STORE_CMPXCHG);
		break;
	case 0xc0: case 0xc1:
		byte_or_full(p, insn);
		store_rm(p, insn, INSN_STORE_XADD);
		break;
	case 0xc3:
		insn->operand_size = p->w ? 8 : 4;	/* MOVNTI has no 16-bit form */
		store_rm(p, insn, INSN_STORE_MOV);
		break;
	case 0xc7:
		if (modrm_reg(p) == 1) {
			store(insn, INSN_STORE_CMPXCHG_PAIR);
			insn->operand_size = p->w ? 8 : 4;
			insn->mem.size = 2 * insn->operand_size;
		} else if (modrm_reg(p) == 4 || modrm_reg(p) == 5) {
			store(insn, INSN_STORE_FPU);	/* XSAVEC, XSAVES */
		}
		break;
	}
}
