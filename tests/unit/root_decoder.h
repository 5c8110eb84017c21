/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * root_decoder.h - the decoder as it is compiled for below Linux, with diet Capstone, in a
 * program of user space (decoder.mk gives all its symbols that prefix).
 */
#ifndef OLDGUARD_TEST_ROOT_DECODER_H
#define OLDGUARD_TEST_ROOT_DECODER_H

#include "../../decoder/decode.h"

struct decoder *root_decoder_init(void *arena, size_t bytes, u32 flags);
size_t root_decoder_used(const struct decoder *d);
u32 root_decoder_late(void);
int root_decode(struct decoder *d, enum decode_mode mode, const u8 *bytes, u32 count,
		struct insn *out);

#endif
