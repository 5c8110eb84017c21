/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.h - sentences made without a C library: for errors on either side and for the dump of a
 * machine that has stopped.
 */
#ifndef OLDGUARD_TEXT_H
#define OLDGUARD_TEXT_H

#include "types.h"

/**
 * struct text - a bounded string under construction, always NUL-terminated
 * @at: the bytes
 * @size: room, NUL included
 * @length: bytes so far; text that does not fit is cut
 */
struct text {
	char *at;
	u32 size;
	u32 length;
};

/* Declares a struct text with its own room. */
#define TEXT(name, bytes)                                                                          \
	char name##_room[bytes] = "";                                                              \
	struct text name = { .at = name##_room, .size = (bytes) }

void text_add(struct text *t, const char *string);
void text_add_n(struct text *t, const char *bytes, u32 count);
void text_add_u64(struct text *t, u64 value);
void text_add_hex(struct text *t, u64 value);

#endif
