// SPDX-License-Identifier: GPL-2.0-only
#include "text.h"

void text_add_n(struct text *t, const char *bytes, u32 count)
{
	while (count-- && t->length + 1 < t->size)
		t->at[t->length++] = *bytes++;
	if (t->size)
		t->at[t->length] = '\0';
}

void text_add(struct text *t, const char *string)
{
	while (*string)
		text_add_n(t, string++, 1);
}

static void add_base(struct text *t, u64 value, u32 base)
{
	char digits[20];
	u32 i = sizeof(digits);

	do {
		digits[--i] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	text_add_n(t, digits + i, sizeof(digits) - i);
}

void text_add_u64(struct text *t, u64 value)
{
	add_base(t, value, 10);
}

void text_add_hex(struct text *t, u64 value)
{
	text_add(t, "0x");
	add_base(t, value, 16);
}
