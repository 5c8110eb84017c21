/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * string.h - the four memory functions, in either world of the root side's sources.
 */
#ifndef OLDGUARD_STRING_H
#define OLDGUARD_STRING_H

#ifdef OLDGUARD_SIM
#include <string.h>
#else
#include "types.h"

void *memcpy(void *dst, const void *src, size_t count);
void *memmove(void *dst, const void *src, size_t count);
void *memset(void *dst, int byte, size_t count);
int memcmp(const void *a, const void *b, size_t count);
#endif

#endif
