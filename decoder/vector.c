// SPDX-License-Identifier: GPL-2.0-only
/*
 * vector.c - MMX, SSE, AVX and AVX-512 instructions that write memory, and the few integer ones
 * that live in the same opcode maps.
 *
 * Nobody emulates them: a memory guard wants to know that they write, where, and how much.
 */
#include "parse.h"

#define PP(x) (1u << PP_##x)
#define ANY_PP (PP(NONE) | PP(66) | PP(F3) | PP(F2))

enum { IN_LEGACY = 1 << CODING_LEGACY, IN_VEX = 1 << CODING_VEX, IN_EVEX = 1 << CODING_EVEX };
#define IN_ALL (IN_LEGACY | IN_VEX | IN_EVEX)

/*
 * First and last opcode of a run in which all store to ModRM's operand, the codings and
 * mandatory prefixes for which it is so (AMD APM vol. 4 and Intel SDM vol. 2, opcode maps).
 */
static const struct vector_store {
	u8 map, first, last, codings, pp;
} stores[] = {
	{ MAP_0F, 0x11, 0x11, IN_ALL, ANY_PP },			/* MOVUPS, MOVSS and kin */
	{ MAP_0F, 0x13, 0x13, IN_ALL, PP(NONE) | PP(66) },	/* MOVLPS */
	{ MAP_0F, 0x17, 0x17, IN_ALL, PP(NONE) | PP(66) },	/* MOVHPS */
	{ MAP_0F, 0x29, 0x29, IN_ALL, PP(NONE) | PP(66) },	/* MOVAPS */
	{ MAP_0F, 0x1b, 0x1b, IN_LEGACY, PP(66) },		/* BNDMOV */
	{ MAP_0F, 0x2b, 0x2b, IN_ALL, ANY_PP },			/* MOVNTPS; SSE4a MOVNTSS */
	{ MAP_0F, 0x7e, 0x7e, IN_ALL, PP(NONE) | PP(66) },	/* MOVD, MOVQ */
	{ MAP_0F, 0x7f, 0x7f, IN_ALL, ANY_PP },			/* MOVQ, MOVDQA, MOVDQU */
	{ MAP_0F, 0x91, 0x91, IN_VEX, PP(NONE) | PP(66) },	/* KMOV */
	{ MAP_0F, 0xae, 0xae, IN_VEX, PP(NONE) },		/* VSTMXCSR, /3 only */
	{ MAP_0F, 0xd6, 0xd6, IN_ALL, PP(66) },			/* MOVQ */
	{ MAP_0F, 0xe7, 0xe7, IN_ALL, PP(NONE) | PP(66) },	/* MOVNTQ, MOVNTDQ */
	{ MAP_0F38, 0x2e, 0x2f, IN_VEX, PP(66) },		/* VMASKMOVPS */
	{ MAP_0F38, 0x8e, 0x8e, IN_VEX, PP(66) },		/* VPMASKMOVD */
	{ MAP_0F38, 0x10, 0x15, IN_EVEX, PP(F3) },		/* VPMOVUSWB and kin */
	{ MAP_0F38, 0x20, 0x25, IN_EVEX, PP(F3) },		/* VPMOVSWB and kin */
	{ MAP_0F38, 0x30, 0x35, IN_EVEX, PP(F3) },		/* VPMOVWB and kin */
	{ MAP_0F38, 0x63, 0x63, IN_EVEX, PP(66) },		/* VPCOMPRESSB */
	{ MAP_0F38, 0x8a, 0x8b, IN_EVEX, PP(66) },		/* VCOMPRESSPS, VPCOMPRESSD */
	{ MAP_0F38, 0xa0, 0xa3, IN_EVEX, PP(66) },		/* scatters */
	{ MAP_0F3A, 0x14, 0x17, IN_ALL, PP(66) },		/* PEXTRB, EXTRACTPS */
	{ MAP_0F3A, 0x19, 0x19, IN_VEX | IN_EVEX, PP(66) },	/* VEXTRACTF128 */
	{ MAP_0F3A, 0x1b, 0x1b, IN_EVEX, PP(66) },		/* VEXTRACTF32X8 */
	{ MAP_0F3A, 0x1d, 0x1d, IN_VEX | IN_EVEX, PP(66) },	/* VCVTPS2PH */
	{ MAP_0F3A, 0x39, 0x39, IN_VEX | IN_EVEX, PP(66) },	/* VEXTRACTI128 */
	{ MAP_0F3A, 0x3b, 0x3b, IN_EVEX, PP(66) },		/* VEXTRACTI32X8 */
};

static bool stores_rm(const struct parse *p)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(stores); i++) {
		const struct vector_store *s = &stores[i];

		if (s->map == p->map && p->opcode >= s->first && p->opcode <= s->last &&
		    (s->codings >> p->coding & 1) && (s->pp >> p->pp & 1))
			return p->opcode != 0xae || modrm_reg(p) == 3;
	}
	return false;
}

void classify_vector(const struct parse *p, struct insn *insn)
{
	u8 segment = p->segment == INSN_NO_SEG ? INSN_DS : p->segment;

	if (p->coding == CODING_LEGACY && p->map == MAP_0F38 && p->pp == PP_66 &&
	    (p->opcode & 0xfe) == 0x80 && modrm_is_mem(p)) {
		insn->op = p->opcode == 0x80 ? INSN_INVEPT : INSN_INVVPID;
		insn->operand_size = p->mode == DECODE_64 ? 8 : 4;
		insn->reg = modrm_reg(p) | p->r;
		insn->mem.size = 16;
		return;
	}
	if (p->coding == CODING_LEGACY && p->map == MAP_0F38 && (p->opcode & 0xfe) == 0xf0) {
		/* MOVBE, unless F2 makes it CRC32 */
		if (p->opcode == 0xf1 && p->pp <= PP_66 && modrm_is_mem(p)) {
			insn->op = INSN_STORE;
			insn->store = INSN_STORE_MOVBE;
			insn->reg = modrm_reg(p) | p->r;
			insn->mem.size = insn->operand_size;
		}
		return;
	}
	if (p->map == MAP_0F && p->opcode == 0xf7 && p->pp <= PP_66 && p->has_modrm &&
	    !modrm_is_mem(p) && p->coding != CODING_EVEX) {
		/* MASKMOVQ, MASKMOVDQU: the address is implied */
		insn->op = INSN_STORE;
		insn->store = INSN_STORE_VECTOR;
		mem_at(insn, &insn->mem, segment, 7, p->pp == PP_66 ? 16 : 8);
		return;
	}
	if (p->coding == CODING_XOP || p->map == MAP_3DNOW || !modrm_is_mem(p) || !stores_rm(p))
		return;
	insn->op = INSN_STORE;
	insn->store = INSN_STORE_VECTOR;
	if (p->map == MAP_0F && p->opcode == 0x1b)
		insn->mem.size = p->mode == DECODE_64 ? 16 : 8;
	/* Outside 64-bit mode W does not make PEXTRD PEXTRQ. */
	if (p->map == MAP_0F3A && p->opcode == 0x16)
		insn->mem.size = p->mode == DECODE_64 && p->w ? 8 : 4;
	if (p->coding != CODING_EVEX || p->map != MAP_0F38)
		return;
	if ((p->opcode & 0xcf) == 2)
		insn->mem.size = 8;	/* VPMOVQB of the one length that Capstone knows */
	if ((p->opcode & 0xfc) == 0xa0) {
		insn->mem.vector_index = true;
		insn->mem.size = p->w ? 8 : 4;
	}
}
