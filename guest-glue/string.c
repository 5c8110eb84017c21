// SPDX-License-Identifier: GPL-2.0-only
/*
 * string.c - the four functions that a compiler may call by itself, also in freestanding code.
 *
 * One copy for the whole root side. The string instructions are used because every processor
 * since 2008 moves long blocks fast with them and because they need no SSE.
 */
#include "string.h"

#include "types.h"

void *memcpy(void *dst, const void *src, size_t count)
{
	void *to = dst;

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
	void *to = dst;

	asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(byte) : "memory");
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
