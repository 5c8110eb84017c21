/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libc.h - all of the C library that Capstone's x86 part refers to below Linux.
 *
 * The headers beside this one include it under the names that Capstone asks for. The mem*
 * functions are the root side's (guest-glue/string.c), the rest is shim.c.
 */
#ifndef OLDGUARD_SHIM_LIBC_H
#define OLDGUARD_SHIM_LIBC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *dst, const void *src, size_t count);
void *memmove(void *dst, const void *src, size_t count);
void *memset(void *dst, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);

size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
char *strncpy(char *dst, const char *src, size_t count);
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));

#endif
