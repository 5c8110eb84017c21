/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine.h - one opened Capstone, for decode.c and decode_text.c.
 */
#ifndef OLDGUARD_ENGINE_H
#define OLDGUARD_ENGINE_H

#include <capstone/capstone.h>

#include "parse.h"

/**
 * struct decoder - one CPU's Capstone and all the memory that it will ever use
 * @handle: Capstone's own
 * @insn: its result, preallocated
 * @detail: its operands, preallocated
 * @flags: DECODER_* bits
 * @mode: the enum decode_mode that @handle is set to
 * @size: bytes of the arena, this struct included
 * @used: bytes handed out
 */
struct decoder {
	csh handle;
	cs_insn *insn;
	cs_detail *detail;
	u32 flags;
	u32 mode;
	size_t size;
	size_t used;
};

/** engine_run() - let Capstone decode @bytes at @address; the result is in d->insn */
bool engine_run(struct decoder *d, u32 mode, const u8 *bytes, size_t count, u64 address);

/** engine_memory() - turn a memory operand of Capstone's into ours; false if there is none */
bool engine_memory(const struct decoder *d, const struct parse *p, const struct insn *insn,
		   struct insn_mem *mem);

#endif
