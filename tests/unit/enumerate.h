/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * enumerate.h - encodings by the million, for comparing decoders.
 */
#ifndef OLDGUARD_TEST_ENUMERATE_H
#define OLDGUARD_TEST_ENUMERATE_H

#include "../../decoder/decode.h"

/** enum depth - how much of the space is walked */
enum depth {
	DEPTH_QUICK,	/* seconds */
	DEPTH_WHOLE,	/* minutes */
};

/**
 * enumerate() - call @each for every encoding of the instructions that a hypervisor meets
 * @depth: WHOLE: every pair of legacy prefixes and every REX value before every opcode with
 *	every ModRM; QUICK: a sample of the pairs and of the REX values
 * @each: gets 15 bytes; the instruction is at their start
 *
 * Return: how many.
 */
u64 enumerate(enum depth depth, void (*each)(enum decode_mode mode, const u8 bytes[15]));

/**
 * enumerate_maps() - the same for every opcode of every map, VEX, EVEX and XOP too
 * @depth: WHOLE: with every ModRM; QUICK: with some
 */
u64 enumerate_maps(enum depth depth, void (*each)(enum decode_mode mode, const u8 bytes[15]));

#endif
