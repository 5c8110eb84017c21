/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * zydis.h - a second decoder's opinion of struct insn.
 */
#ifndef OLDGUARD_TEST_ZYDIS_H
#define OLDGUARD_TEST_ZYDIS_H

#include <Zydis/Zydis.h>

#include "../../decoder/decode.h"

/** enum difference - the first thing in which the two do not agree */
enum difference {
	AGREED,
	ONLY_OURS,	/* Zydis refuses the bytes */
	ONLY_ZYDIS,	/* we refuse them */
	TOO_LONG,	/* one alone says that it is over 15 bytes */
	LENGTH, OPERATION, STORE, WRITES, ADDRESS, SEGMENT, MEMORY_SIZE, SOURCE, REGISTER, IMMEDIATE,
	OPERAND_SIZE, ADDRESS_SIZE, LOCK_PREFIX, REPEAT, DIFFERENCES
};

extern const char *const difference_names[DIFFERENCES];

/** struct opinion - what Zydis says */
struct opinion {
	bool valid;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/**
 * zydis_compare() - let Zydis decode, and compare
 * @ours: what decode() returned
 * @insn: what it filled in
 * @zydis: filled
 */
enum difference zydis_compare(enum decode_mode mode, const u8 bytes[15], int ours,
			      const struct insn *insn, struct opinion *zydis);

#endif
