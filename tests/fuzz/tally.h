/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tally.h - which exits a fuzzer has made, by the processor's codes and by kind, told at its end;
 * and a fixed number of inputs for each of the codes, so that none is left to chance.
 */
#ifndef OLDGUARD_FUZZ_TALLY_H
#define OLDGUARD_FUZZ_TALLY_H

#include <stddef.h>

#include "guest.h"

/* Exits that were answered, and those that made a processor stop or that it left with. */
enum tally_end { TALLY_ENTERED, TALLY_STEP, TALLY_STOPPED, TALLY_LEFT, TALLY_HALTED, TALLY_ENDS };

/* tally() - an exit has come to an end: its code, what it was counted as (VMEXIT_KINDS: nothing),
 * what came of it */
void tally(u64 code, enum vmexit_kind kind, enum tally_end end);

/**
 * tally_sweep() - run inputs for each exit, and see to it that the end of the program tells of all
 * of them
 * @one: LLVMFuzzerTestOneInput()
 * @exits: values of guest_input.exit
 * @codes: the code that each of them is
 * @count: how many
 */
void tally_sweep(int (*one)(const u8 *data, size_t size), const u16 *exits, const u64 *codes,
		 u32 count);

#endif
