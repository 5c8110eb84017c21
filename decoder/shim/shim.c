// SPDX-License-Identifier: GPL-2.0-only
/*
 * shim.c - the string functions and the sort that Capstone needs and the root side has not.
 *
 * Capstone brings a qsort() under licences that do not go with ours: decoder.mk keeps it out.
 */
#include "libc.h"

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

char *strncpy(char *dst, const char *src, size_t count)
{
	size_t i = 0;

	for (; i < count && src[i]; i++)
		dst[i] = src[i];
	for (; i < count; i++)
		dst[i] = 0;
	return dst;
}

/* Insertion by exchange: it sorts one table of some 200 entries, once, at load. */
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	unsigned char *first = base;
	size_t i, k, byte;

	for (i = 1; i < count; i++) {
		for (k = i; k > 0; k--) {
			unsigned char *b = first + k * size, *a = b - size;

			if (compare(a, b) <= 0)
				break;
			for (byte = 0; byte < size; byte++) {
				unsigned char kept = a[byte];

				a[byte] = b[byte];
				b[byte] = kept;
			}
		}
	}
}
