// SPDX-License-Identifier: GPL-2.0-only
#include "enumerate.h"

#include <string.h>

/*
 * Opcodes, with how many bytes they have; those with ModRM get all its values. The system
 * instructions first, then the stores that a memory guard meets, then near misses: encodings
 * beside them that must not be taken for them.
 */
static const struct {
	u8 length;
	bool modrm;
	u8 bytes[4];
} opcodes[] = {
	{ 2, true, { 0x0f, 0x00 } }, { 2, true, { 0x0f, 0x01 } },
	{ 2, true, { 0x0f, 0x20 } }, { 2, true, { 0x0f, 0x21 } },
	{ 2, true, { 0x0f, 0x22 } }, { 2, true, { 0x0f, 0x23 } },
	{ 2, false, { 0x0f, 0xa2 } }, { 2, false, { 0x0f, 0x30 } }, { 2, false, { 0x0f, 0x32 } },
	{ 2, false, { 0x0f, 0x06 } }, { 2, false, { 0x0f, 0x08 } }, { 2, false, { 0x0f, 0x09 } },
	{ 2, true, { 0x0f, 0x78 } }, { 2, true, { 0x0f, 0x79 } }, { 2, true, { 0x0f, 0xc7 } },
	{ 3, true, { 0x0f, 0x38, 0x80 } }, { 3, true, { 0x0f, 0x38, 0x81 } },
	{ 1, false, { 0xf4 } }, { 1, false, { 0xe4 } }, { 1, false, { 0xe5 } },
	{ 1, false, { 0xe6 } }, { 1, false, { 0xe7 } }, { 1, false, { 0xec } },
	{ 1, false, { 0xed } }, { 1, false, { 0xee } }, { 1, false, { 0xef } },
	{ 1, false, { 0x6c } }, { 1, false, { 0x6d } }, { 1, false, { 0x6e } },
	{ 1, false, { 0x6f } },

	{ 1, true, { 0x00 } }, { 1, true, { 0x01 } }, { 1, true, { 0x08 } }, { 1, true, { 0x09 } },
	{ 1, true, { 0x10 } }, { 1, true, { 0x11 } }, { 1, true, { 0x18 } }, { 1, true, { 0x19 } },
	{ 1, true, { 0x20 } }, { 1, true, { 0x21 } }, { 1, true, { 0x28 } }, { 1, true, { 0x29 } },
	{ 1, true, { 0x30 } }, { 1, true, { 0x31 } }, { 1, true, { 0x38 } }, { 1, true, { 0x39 } },
	{ 1, true, { 0x80 } }, { 1, true, { 0x81 } }, { 1, true, { 0x82 } }, { 1, true, { 0x83 } },
	{ 1, true, { 0x86 } }, { 1, true, { 0x87 } }, { 1, true, { 0x88 } }, { 1, true, { 0x89 } },
	{ 1, true, { 0x8c } }, { 1, true, { 0x8f } }, { 1, false, { 0xa2 } }, { 1, false, { 0xa3 } },
	{ 1, false, { 0xa4 } }, { 1, false, { 0xa5 } }, { 1, false, { 0xaa } },
	{ 1, false, { 0xab } }, { 1, true, { 0xc0 } }, { 1, true, { 0xc1 } }, { 1, true, { 0xc6 } },
	{ 1, true, { 0xc7 } }, { 1, true, { 0xd0 } }, { 1, true, { 0xd1 } }, { 1, true, { 0xd2 } },
	{ 1, true, { 0xd3 } }, { 1, true, { 0xf6 } }, { 1, true, { 0xf7 } }, { 1, true, { 0xfe } },
	{ 1, true, { 0xff } }, { 1, false, { 0x50 } }, { 1, false, { 0x54 } }, { 1, false, { 0x57 } },
	{ 1, false, { 0x06 } }, { 1, false, { 0x0e } }, { 1, false, { 0x16 } },
	{ 1, false, { 0x1e } }, { 1, false, { 0x60 } }, { 1, false, { 0x68 } },
	{ 1, false, { 0x6a } }, { 1, false, { 0x9a } }, { 1, false, { 0x9c } },
	{ 1, false, { 0xc8 } }, { 1, false, { 0xe8 } },
	{ 2, false, { 0x0f, 0xa0 } }, { 2, false, { 0x0f, 0xa8 } },
	{ 2, true, { 0x0f, 0x90 } }, { 2, true, { 0x0f, 0x9f } },
	{ 2, true, { 0x0f, 0xa4 } }, { 2, true, { 0x0f, 0xa5 } }, { 2, true, { 0x0f, 0xab } },
	{ 2, true, { 0x0f, 0xac } }, { 2, true, { 0x0f, 0xad } }, { 2, true, { 0x0f, 0xae } },
	{ 2, true, { 0x0f, 0xb0 } }, { 2, true, { 0x0f, 0xb1 } }, { 2, true, { 0x0f, 0xb3 } },
	{ 2, true, { 0x0f, 0xba } }, { 2, true, { 0x0f, 0xbb } }, { 2, true, { 0x0f, 0xc0 } },
	{ 2, true, { 0x0f, 0xc1 } }, { 2, true, { 0x0f, 0xc3 } },
	{ 3, true, { 0x0f, 0x38, 0xf0 } }, { 3, true, { 0x0f, 0x38, 0xf1 } },
	{ 1, true, { 0xd8 } }, { 1, true, { 0xd9 } }, { 1, true, { 0xda } }, { 1, true, { 0xdb } },
	{ 1, true, { 0xdc } }, { 1, true, { 0xdd } }, { 1, true, { 0xde } }, { 1, true, { 0xdf } },
	{ 2, true, { 0x0f, 0x11 } }, { 2, true, { 0x0f, 0x13 } }, { 2, true, { 0x0f, 0x17 } },
	{ 2, true, { 0x0f, 0x29 } }, { 2, true, { 0x0f, 0x2b } }, { 2, true, { 0x0f, 0x7e } },
	{ 2, true, { 0x0f, 0x7f } }, { 2, true, { 0x0f, 0xd6 } }, { 2, true, { 0x0f, 0xe7 } },
	{ 2, true, { 0x0f, 0xf7 } },
	{ 3, true, { 0x0f, 0x3a, 0x14 } }, { 3, true, { 0x0f, 0x3a, 0x15 } },
	{ 3, true, { 0x0f, 0x3a, 0x16 } }, { 3, true, { 0x0f, 0x3a, 0x17 } },
	/* VMOVUPS, VMOVSS, VMOVAPS, VMOVQ, VMOVDQA, VSTMXCSR, VMASKMOVPS, VEXTRACTF128, VPEXTRB */
	{ 3, true, { 0xc5, 0xf8, 0x11 } }, { 3, true, { 0xc5, 0xfa, 0x11 } },
	{ 3, true, { 0xc5, 0xfc, 0x29 } }, { 3, true, { 0xc5, 0xf9, 0xd6 } },
	{ 3, true, { 0xc5, 0x7d, 0x7f } }, { 3, true, { 0xc5, 0xf8, 0xae } },
	{ 4, true, { 0xc4, 0xe2, 0x7d, 0x2e } }, { 4, true, { 0xc4, 0xc3, 0x7d, 0x19 } },
	{ 4, true, { 0xc4, 0xe3, 0x79, 0x14 } }, { 4, true, { 0xc4, 0xa1, 0xf9, 0x7e } },

	{ 1, true, { 0x02 } }, { 1, true, { 0x63 } }, { 1, true, { 0x84 } }, { 1, true, { 0x8a } },
	{ 1, true, { 0x8b } }, { 1, true, { 0x8d } }, { 1, true, { 0x8e } }, { 1, true, { 0xc4 } },
	{ 1, true, { 0xc5 } }, { 1, true, { 0x62 } }, { 1, false, { 0x90 } }, { 1, false, { 0xa0 } },
	{ 1, false, { 0xac } }, { 1, false, { 0xae } }, { 1, false, { 0xb8 } },
	{ 1, false, { 0xc3 } }, { 1, false, { 0xcd } }, { 2, false, { 0x0f, 0x05 } },
	{ 2, false, { 0x0f, 0x0b } }, { 2, true, { 0x0f, 0x0d } }, { 2, true, { 0x0f, 0x10 } },
	{ 2, true, { 0x0f, 0x24 } }, { 2, false, { 0x0f, 0x31 } }, { 2, true, { 0x0f, 0xa3 } },
	{ 2, true, { 0x0f, 0xb8 } }, { 2, true, { 0x0f, 0xb9 } }, { 2, true, { 0x0f, 0xff } },
};

static const u8 prefixes[] = {
	0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3,
};
#define PREFIXES ARRAY_SIZE(prefixes)

/* SIB bytes with a meaning of their own: no index, no base, both, r12 and r13 by REX */
static const u8 special_sib[] = { 0x00, 0x24, 0x25, 0x2d, 0x65, 0x9c, 0xc5, 0xfe };
static const u8 quick_sib[] = { 0x25, 0x2d, 0x9c };

/* What follows an opcode: operands with their highest bit set, or clear */
static const u8 fill[2][15] = {
	{ 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 0x89, 0x9a, 0xab, 0xbc, 0xcd, 0xde, 0xef },
	{ 0x12, 0x34, 0x56, 0x78, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e, 0x6f, 0x70, 0x01, 0x02, 0x03, 0x04 },
};

struct walk {
	enum depth depth;
	enum decode_mode mode;
	void (*each)(enum decode_mode mode, const u8 bytes[15]);
	u64 count;
};

static void emit(struct walk *w, const u8 *bytes, u32 used)
{
	u8 code[15];

	memcpy(code, bytes, used);
	memcpy(code + used, fill[w->count & 1], sizeof(code) - used);
	w->each(w->mode, code);
	w->count++;
}

static void with_modrm(struct walk *w, u8 *bytes, u32 used, bool all_sib)
{
	u32 modrm, sib;

	for (modrm = 0; modrm < 256; modrm++) {
		bytes[used] = modrm;
		/* In 16-bit addressing that byte is displacement: any value does. */
		if (modrm >= 0xc0 || (modrm & 7) != 4) {
			emit(w, bytes, used + 1);
		} else if (all_sib) {
			for (sib = 0; sib < 256; sib++) {
				bytes[used + 1] = sib;
				emit(w, bytes, used + 2);
			}
		} else {
			bool quick = w->depth == DEPTH_QUICK;

			for (sib = 0; sib < (quick ? sizeof(quick_sib) : sizeof(special_sib)); sib++) {
				bytes[used + 1] = quick ? quick_sib[sib] : special_sib[sib];
				emit(w, bytes, used + 2);
			}
		}
	}
}

static void with_opcodes(struct walk *w, const u8 *before, u32 count, bool all_sib)
{
	u8 bytes[16];
	u32 i;

	memcpy(bytes, before, count);
	for (i = 0; i < ARRAY_SIZE(opcodes); i++) {
		memcpy(bytes + count, opcodes[i].bytes, opcodes[i].length);
		if (opcodes[i].modrm)
			with_modrm(w, bytes, count + opcodes[i].length, all_sib);
		else
			emit(w, bytes, count + opcodes[i].length);
	}
}

/* @count legacy prefixes, then each REX; and with one of them, REX where it does not count. */
static void with_rex(struct walk *w, u8 *before, u32 count)
{
	static const u8 quick_rex[] = { 0x41, 0x48, 0x4f };
	bool quick = w->depth == DEPTH_QUICK, all_sib = !quick && count <= 1;
	u32 rex;

	with_opcodes(w, before, count, all_sib);
	if (w->mode != DECODE_64)
		return;
	for (rex = 0; rex < (quick ? sizeof(quick_rex) : 16); rex++) {
		before[count] = quick ? quick_rex[rex] : 0x40 | rex;
		with_opcodes(w, before, count + 1, all_sib);
	}
	if (count == 1) {
		before[1] = before[0];
		before[0] = 0x4f;
		with_opcodes(w, before, 2, false);
	}
}

u64 enumerate(enum depth depth, void (*each)(enum decode_mode mode, const u8 bytes[15]))
{
	static const enum decode_mode modes[] = { DECODE_64, DECODE_32, DECODE_16 };
	struct walk w = { .depth = depth, .each = each };
	u32 m, a, b;
	u8 bytes[4];

	for (m = 0; m < ARRAY_SIZE(modes); m++) {
		w.mode = modes[m];
		with_rex(&w, bytes, 0);
		for (a = 0; a < PREFIXES; a++) {
			bytes[0] = prefixes[a];
			with_rex(&w, bytes, 1);
			for (b = 0; b < PREFIXES; b++) {
				if (depth == DEPTH_QUICK && (a * PREFIXES + b) % 10)
					continue;
				bytes[0] = prefixes[a];
				bytes[1] = prefixes[b];
				with_rex(&w, bytes, 2);
			}
		}
	}
	return w.count;
}

/* One opcode of map 1 to 3 in the codings that say map, W, L, pp in bits. */
static void with_vector(struct walk *w, u32 map, u32 opcode, u32 modrm)
{
	u32 pp, width, length, kind;

	for (pp = 0; pp < 4; pp++) {
		for (width = 0; width < 2; width++) {
			u8 xop[] = { 0x8f, 0xe7 + map, width << 7 | 0x78 | pp, opcode, modrm };

			emit(w, xop, sizeof(xop));
			for (length = 0; length < 3; length++) {
				u8 vex[] = { 0xc4, 0xe0 | map, width << 7 | 0x78 | length << 2 | pp,
					     opcode, modrm };
				u8 evex[] = { 0x62, 0xf0 | map, width << 7 | 0x7c | pp,
					      length << 5 | 8, opcode, modrm };

				if (length < 2)
					emit(w, vex, sizeof(vex));
				/* plain; masked; masked with broadcast or rounding */
				for (kind = 0; kind < 3; kind++) {
					evex[3] = length << 5 | 8 | (kind ? 1 : 0) | (kind == 2 ? 16 : 0);
					emit(w, evex, sizeof(evex));
				}
			}
		}
	}
}

static void with_legacy(struct walk *w, u32 map, u32 opcode, u32 modrm)
{
	static const struct {
		u8 count, bytes[2];
	} before[] = {
		{ 0, { 0 } }, { 1, { 0x66 } }, { 1, { 0xf2 } }, { 1, { 0xf3 } },
		{ 2, { 0x66, 0xf3 } }, { 2, { 0xf2, 0x66 } },
	};
	static const u8 escapes[4][2] = { { 0 }, { 0x0f }, { 0x0f, 0x38 }, { 0x0f, 0x3a } };
	static const u8 escape_bytes[4] = { 0, 1, 2, 2 };
	u8 bytes[8];
	u32 i, wide, used;

	for (i = 0; i < ARRAY_SIZE(before); i++) {
		for (wide = 0; wide < (w->mode == DECODE_64 ? 2 : 1); wide++) {
			memcpy(bytes, before[i].bytes, used = before[i].count);
			if (wide)
				bytes[used++] = 0x48;
			memcpy(bytes + used, escapes[map], escape_bytes[map]);
			used += escape_bytes[map];
			bytes[used++] = opcode;
			bytes[used++] = modrm;
			emit(w, bytes, used);
		}
	}
}

u64 enumerate_maps(enum depth depth, void (*each)(enum decode_mode mode, const u8 bytes[15]))
{
	static const enum decode_mode modes[] = { DECODE_64, DECODE_32, DECODE_16 };
	struct walk w = { .depth = depth, .each = each };
	u32 m, map, opcode, modrm;

	for (m = 0; m < ARRAY_SIZE(modes); m++) {
		w.mode = modes[m];
		for (map = 0; map < 4; map++)
			for (opcode = 0; opcode < 256; opcode++)
				for (modrm = 0; modrm < 256; modrm += depth == DEPTH_QUICK ? 20 : 1) {
					with_legacy(&w, map, opcode, modrm);
					if (map)
						with_vector(&w, map, opcode, modrm);
				}
	}
	return w.count;
}
