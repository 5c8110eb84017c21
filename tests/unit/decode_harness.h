/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decode_harness.h - what the tests of decode() share.
 */
#ifndef OLDGUARD_TEST_DECODE_HARNESS_H
#define OLDGUARD_TEST_DECODE_HARNESS_H

#include <check.h>

#include "describe.h"

#define B(string) (const u8 *)(string), sizeof(string) - 1

/* The decoder of a test, opened before it with no flags, and what it decoded last. */
extern u8 arena[DECODER_ARENA];
extern struct decoder *d;
extern struct insn insn;

/** decode_from() - as decode(), from a heap block that is no longer than @count says */
int decode_from(enum decode_mode mode, const u8 *bytes, u32 count);

/** is() - the bytes are the instruction that @line describes */
void is(enum decode_mode mode, const u8 *bytes, u32 count, const char *line);

/** refused() - the bytes are refused for that reason, and nothing is told */
void refused(enum decode_mode mode, const u8 *bytes, u32 count, enum decode_error error);

/** run_suite() - run @tc, the decoder opened before each of its tests; returns main()'s status */
int run_suite(const char *name, TCase *tc);

#endif
