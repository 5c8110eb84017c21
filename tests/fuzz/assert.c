// SPDX-License-Identifier: GPL-2.0-only
/*
 * assert.c - an assertion of the simulated processor (Check's macros) that fails is a find.
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
	va_list args;

	fprintf(stderr, "%s:%d: %s: ", file, line, expr);
	va_start(args, msg);
	if (msg)
		vfprintf(stderr, msg, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}

void _mark_point(const char *file, int line)
{
	(void)file;
	(void)line;
}
