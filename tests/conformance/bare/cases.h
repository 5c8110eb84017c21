/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cases.h - the bare guest's cases and how their outcome is told: shared by its two kernels and by
 * the unit test that runs the same cases on the simulated processor (tests/unit/test_bare.c).
 */
#ifndef BARE_CASES_H
#define BARE_CASES_H

#include <stdint.h>

#include "layout.h"

#define CR2_BEFORE 0x00a5a000u
#define FILL 0xa5u

enum mode { RING0, RING1, RING3, RING3_16, VM86, LONG0, LONG3, COMPAT3 };

struct bare_insn {
	const char *name;
	uint8_t opcode, extension;
	int has_register;
};

enum what {
	GOOD,
	REGISTER,
	HOLE,
	INTO_HOLE,
	READ_ONLY,
	KERNEL_PAGE,
	LOCK,
	LOCK_HOLE,
	LOCK_REGISTER,
	STEP,
	TOO_LONG,
	STACK,
	WHATS
};

/* Runs a case and ends its line. */
typedef void run_case(enum mode mode, int umip, const struct bare_insn *insn, enum what what);

/* run_mode() - all cases of a mode, each begun with what it is called */
void run_mode(enum mode mode, run_case *run);

/* make_code() - the instruction, and INT3 behind it; returns the instruction's length */
unsigned int make_code(uint8_t *code, enum mode mode, const struct bare_insn *insn, enum what what);

/* operand_at() - linear address that the operand lies at */
uint32_t operand_at(enum what what);

/**
 * struct outcome - what became of a case
 * @vector: of the trap that ended it
 * @error: its error code, or 0
 * @ip: what it pushed
 * @cr2: afterwards
 * @ax: rAX, of which all bytes were FILL
 * @word: how many bytes of it there are
 * @data: USER_DATA's page, of which all bytes were FILL
 */
struct outcome {
	unsigned int vector;
	uint64_t error, ip, cr2, ax;
	unsigned int word;
	const uint8_t *data;
};

/* tell() - print an outcome; @start and @length are the instruction's */
void tell(const struct outcome *o, uint64_t start, unsigned int length);

/* Theirs who run the cases. */
void print(const char *text);

#endif
