// SPDX-License-Identifier: GPL-2.0-only
/*
 * string.c - the four functions that a compiler may call by itself, also in freestanding code.
 *
 * One copy for the whole root side. The string instructions are used because they need no SSE,
 * in words because processors before Ivy Bridge move single bytes slowly with them.
 */
#include "string.h"

#include "types.h"

void *memcpy(void *dst, const void *src, size_t count)
{
	size_t words = count / 8;
	void *to = dst;

	count %= 8;
	asm volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(words) : : "memory");
	asm volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(count) : : "memory");
	return dst;
}

void *memmove(void *dst, const void *src, size_t count)
{
	u8 *to = dst;
	const u8 *from = src;

	if (to <= from || to >= from + count)
		return memcpy(dst, src, count);
	while (count--) {
		to[count] = from[count];
		/* Keeps the compiler from making this loop a call of memmove(). */
		asm volatile("" : : : "memory");
	}
	return dst;
}

void *memset(void *dst, int byte, size_t count)
{
	u64 value = (u8)byte * 0x0101010101010101ULL;
	size_t words = count / 8;
	void *to = dst;

	count %= 8;
	asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(value) : "memory");
	asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t count)
{
	const u8 *x = a, *y = b;

	for (; count; count--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}
