// SPDX-License-Identifier: GPL-2.0-only
/*
 * decode_text.c - instructions as text, in user space only: below Linux Capstone is diet.
 */
#include <stdalign.h>
#include <stdio.h>

#include "engine.h"

u32 decode_text(enum decode_mode mode, u64 address, const u8 *bytes, u32 count, char *text,
		size_t size)
{
	static alignas(16) u8 arena[DECODER_ARENA];
	static struct decoder *d;
	struct insn insn = { 0 };
	size_t used = 0;
	u32 i;

	if (!d)
		d = decoder_init(arena, sizeof(arena), 0);
	if (count > INSN_MAX_BYTES)
		count = INSN_MAX_BYTES;
	/* What the hardware refuses has no text, whatever Capstone makes of it. */
	if (d && decode(d, mode, bytes, count, &insn) == 0) {
		if (engine_run(d, mode, bytes, count, address) && d->insn->size == insn.length) {
			const char *space = d->insn->op_str[0] ? " " : "";

			snprintf(text, size, "%s%s%s", d->insn->mnemonic, space, d->insn->op_str);
			return insn.length;
		}
		/* Encodings that Capstone knows only as decode() rewrites them */
		if (insn.op != INSN_OTHER) {
			snprintf(text, size, "%s", insn_op_name(insn.op));
			return insn.length;
		}
		count = insn.length;
	}
	if (size)
		text[0] = '\0';
	for (i = 0; i < count && used < size; i++)
		used += snprintf(text + used, size - used, "%s%02x", i ? " " : "bytes ", bytes[i]);
	return insn.length;
}
