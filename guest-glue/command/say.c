// SPDX-License-Identifier: GPL-2.0-only
/* Saying things to people and to programs, and the memory for it. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include "command.h"

void say_json(json_t *object)
{
	if (!object)
		errx(1, "out of memory");
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

int say_error(bool json, json_t *more, const char *format, ...)
{
	char *line = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&line, format, ap) < 0)
		errx(1, "out of memory");
	va_end(ap);
	if (json) {
		json_t *object = json_pack("{s:s}", "error", line);

		if (object && more)
			json_object_update(object, more);
		say_json(object);
	} else {
		/* What was printed so far comes first, also where both go to one file. */
		fflush(stdout);
		fprintf(stderr, "oldguard: %s\n", line);
	}
	json_decref(more);
	free(line);
	return 1;
}

char *text(const char *format, ...)
{
	char *line = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&line, format, ap) < 0)
		errx(1, "out of memory");
	va_end(ap);
	return line;
}

void *grow(void *array, size_t count, size_t size)
{
	/* Room is doubled at each power of two: nobody has to carry a capacity about. */
	if (count & (count - 1))
		return array;
	array = reallocarray(array, count ? 2 * count : 1, size);
	if (!array)
		errx(1, "out of memory");
	return array;
}
