/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record.h - what a case did, and how that travels.
 *
 * A stream is a row of blocks: a header, then the packed records of up to BLOCK_CASES cases that
 * follow each other. Equal blocks have equal hashes.
 */
#ifndef CONFORMANCE_RECORD_H
#define CONFORMANCE_RECORD_H

#include <stddef.h>

#include "case.h"

#define BLOCK_MAGIC 0x4b4c4243u /* "CBLK" */
#define BLOCK_CASES 256u

/* The bytes around the operand that a record shows. */
#define WINDOW_BEFORE 16
#define WINDOW 48

#define RESIDENT_LAZY 1 /* the page that nobody had touched is there now */
#define RESIDENT_COW 2
#define CR2_CHANGED 4 /* though no page fault was told of */

/**
 * struct conf_record - what became of a case
 * @signal: what ended it; SIGTRAP by INT3 behind the instruction if all went well
 * @code: low byte of si_code
 * @trap: exception number as the context tells it; under ptrace nobody does
 * @error: the same for the error code
 * @state: RESIDENT_*, CR2_CHANGED
 * @addr: si_addr
 * @ip: how far the instruction pointer is from the first byte
 * @flags: flags that changed
 * @gpr_mask: registers that changed
 * @gpr: their new values
 * @seg_mask: segment registers that changed
 * @seg: their new values
 * @window_mask: bytes that changed, bit 0 is WINDOW_BEFORE before the operand
 * @window: their new values
 */
struct conf_record {
	uint8_t signal, code, trap, state;
	uint16_t error;
	uint16_t gpr_mask;
	uint64_t addr;
	int32_t ip;
	uint32_t flags;
	uint64_t gpr[16];
	uint8_t seg_mask;
	uint16_t seg[SEGS];
	uint64_t window_mask;
	uint8_t window[WINDOW];
};

/**
 * struct conf_block - header of a block; the numbers are little-endian
 * @stray: bytes of the arena that were changed and that no window showed
 * @hash: FNV-1a of what follows
 */
struct conf_block {
	uint32_t magic;
	uint16_t suite, thread;
	uint32_t first, count;
	uint32_t bytes, stray;
	uint64_t seed, hash;
};

#define RECORD_MAX 400

/* Packs @r to @out, which has room for RECORD_MAX. Returns the length. */
size_t record_pack(const struct conf_record *r, uint8_t *out);

/* Unpacks one record of at most @size bytes. Returns its length, 0 if it is not whole. */
size_t record_unpack(struct conf_record *r, const uint8_t *in, size_t size);

uint64_t record_hash(const uint8_t *in, size_t size);

#endif
