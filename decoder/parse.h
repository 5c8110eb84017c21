/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse.h - prefixes and opcode, read by the hardware's rules.
 *
 * The part of decoding in which Capstone 4.0.2 and processors differ is small and comes first:
 * which prefixes count. So it is done here, and Capstone is given an encoding without doubt.
 */
#ifndef OLDGUARD_PARSE_H
#define OLDGUARD_PARSE_H

#include "decode.h"

enum parse_coding { CODING_LEGACY, CODING_VEX, CODING_EVEX, CODING_XOP };
enum parse_map { MAP_ONE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_3DNOW };
/* The mandatory prefix, numbered as VEX.pp numbers it */
enum parse_pp { PP_NONE, PP_66, PP_F3, PP_F2 };

/**
 * struct parse - prefixes and opcode of one instruction
 * @mode: enum decode_mode
 * @coding: enum parse_coding
 * @map: enum parse_map, or XOP's 8 to 10
 * @opcode: the opcode byte in that map
 * @modrm: valid if @has_modrm
 * @has_modrm: the opcode has one, and it was among the bytes
 * @pp: enum parse_pp; of legacy coding F2 and F3 win over 66
 * @segment: honoured override, or INSN_NO_SEG
 * @opsize: 66 present
 * @adsize: 67 present
 * @lock: F0 present
 * @rep: last of F2 and F3, or 0
 * @rex: REX prefix that counts, or 0
 * @w: REX.W or VEX.W
 * @r: REX.R, times 8
 * @b: REX.B, times 8
 * @prefixes: bytes before REX or the opcode
 * @modrm_at: offset of ModRM in the bytes parsed
 */
struct parse {
	u8 mode;
	u8 coding;
	u8 map;
	u8 opcode;
	u8 modrm;
	bool has_modrm;
	u8 pp;
	u8 segment;
	bool opsize;
	bool adsize;
	bool lock;
	u8 rep;
	u8 rex;
	bool w;
	u8 r;
	u8 b;
	u8 prefixes;
	u8 modrm_at;
};

/**
 * parse() - read prefixes, opcode and ModRM
 * @bytes: the instruction
 * @count: at most INSN_MAX_BYTES
 *
 * Return: 0, -DECODE_SHORT if they end before, -DECODE_UD if no processor accepts them.
 */
int parse(struct parse *p, enum decode_mode mode, const u8 *bytes, u32 count);

/**
 * parse_length() - how long an instruction is whose opcode map tells
 * @p: what parse() found in @bytes
 * @address_size: effective, in bytes
 * @length: the length, if it is known; else 0: an opcode of the first map, or one without ModRM
 *
 * Return: 0, or -DECODE_SHORT.
 */
int parse_length(const struct parse *p, const u8 *bytes, u32 count, u32 address_size,
		 u32 *length);

/**
 * classify() - name the instruction and say what it stores
 * @p: what parse() found
 * @insn: op, store, sizes, registers, immediates and implied memory operands are set; of an
 *	operand that ModRM addresses, only mem.size (0: as Capstone says)
 * @imm_bytes: size of the immediate at the end of the instruction that insn->imm wants, or 0
 *
 * Return: 0, -DECODE_UD or -DECODE_UNKNOWN.
 */
int classify(const struct parse *p, struct insn *insn, u32 flags, u32 *imm_bytes);

/* Parts of classify(), one for each opcode map with stores */
void classify_one(const struct parse *p, struct insn *insn, u32 *imm_bytes);
void classify_0f(const struct parse *p, struct insn *insn, u32 *imm_bytes);
void classify_system(const struct parse *p, struct insn *insn);
void classify_vector(const struct parse *p, struct insn *insn);

/** modrm_is_mem() - ModRM addresses memory */
static inline bool modrm_is_mem(const struct parse *p)
{
	return p->has_modrm && p->modrm < 0xc0;
}

/** modrm_reg() - ModRM.reg without its extension: an opcode's /digit */
static inline u8 modrm_reg(const struct parse *p)
{
	return p->modrm >> 3 & 7;
}

/** mem_at() - fill in an implied memory operand */
static inline void mem_at(struct insn *insn, struct insn_mem *mem, u8 segment, u8 base, u16 size)
{
	*mem = (struct insn_mem){
		.present = true, .segment = segment, .base = base, .index = INSN_NO_REG,
		.scale = 1, .address_size = insn->address_size, .size = size,
	};
}

#endif
