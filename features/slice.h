/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slice.h - pieces of a text that somebody typed, taken apart without copying: for the feature
 * list and for the policy language.
 */
#ifndef OLDGUARD_SLICE_H
#define OLDGUARD_SLICE_H

#include "../guest-glue/text.h"

/* A piece of the user's text. */
struct slice {
	const char *at;
	u32 length;
};

static inline bool slice_is(struct slice s, const char *word)
{
	u32 i;

	for (i = 0; i < s.length; i++)
		if (!word[i] || s.at[i] != word[i])
			return false;
	return !word[i];
}

/* Takes the part of @s before the first @stop, and that character, off its front. */
static inline struct slice cut(struct slice *s, char stop, bool *found)
{
	struct slice head = { s->at, 0 };

	while (head.length < s->length && s->at[head.length] != stop)
		head.length++;
	*found = head.length < s->length;
	s->at += head.length + *found;
	s->length -= head.length + *found;
	return head;
}

static inline bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline struct slice trim(struct slice s)
{
	while (s.length && blank(s.at[0])) {
		s.at++;
		s.length--;
	}
	while (s.length && blank(s.at[s.length - 1]))
		s.length--;
	return s;
}

/* Says "<what> '<word>'". */
static inline void complain(struct text *why, const char *what, struct slice word)
{
	u32 i;

	text_add(why, what);
	text_add(why, " '");
	for (i = 0; i < word.length && i < 40; i++)
		text_add_n(why, word.at[i] >= ' ' && word.at[i] <= '~' ? &word.at[i] : "?", 1);
	text_add(why, word.length > 40 ? "...'" : "'");
}

/* A decimal number, or a hexadecimal one behind 0x. */
static inline bool parse_number(struct slice s, u64 *out)
{
	bool hex = s.length > 2 && s.at[0] == '0' && (s.at[1] == 'x' || s.at[1] == 'X');
	u64 base = hex ? 16 : 10, value = 0;
	u32 i;

	for (i = hex ? 2 : 0; i < s.length; i++) {
		char c = s.at[i];
		u64 digit = c >= '0' && c <= '9'	  ? (u64)(c - '0')
			    : hex && c >= 'a' && c <= 'f' ? (u64)(c - 'a' + 10)
			    : hex && c >= 'A' && c <= 'F' ? (u64)(c - 'A' + 10)
							  : 16;

		if (digit >= base || value > (~0ULL - digit) / base)
			return false;
		value = value * base + digit;
	}
	*out = value;
	return s.length;
}

#endif
