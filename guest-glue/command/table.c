// SPDX-License-Identifier: GPL-2.0-only
/* Text tables for people: columns as wide as what is in them. */
#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "command.h"
#include "table.h"

void table_cell(struct table *t, const char *format, ...)
{
	va_list ap;

	t->cells = grow(t->cells, t->count, sizeof(*t->cells));
	va_start(ap, format);
	if (vasprintf(&t->cells[t->count], format, ap) < 0)
		errx(1, "out of memory");
	va_end(ap);
	t->count++;
}

static void print_row(const struct table *t, char **cells, const size_t *width, FILE *out)
{
	unsigned int last = t->columns;

	/* No blanks at a line's end. */
	while (last && !*cells[last - 1])
		last--;
	for (unsigned int c = 0; c < last; c++) {
		if (!width[c])
			continue;
		fputs("  ", out);
		if (t->right[c])
			fprintf(out, "%*s", (int)width[c], cells[c]);
		else
			fprintf(out, "%-*s", c == last - 1 ? 0 : (int)width[c], cells[c]);
	}
	putc('\n', out);
}

void table_print(struct table *t, FILE *out)
{
	size_t width[TABLE_COLUMNS] = { 0 };

	/* A column that is empty but for its heading keeps the width 0, and is not there. */
	for (size_t i = t->columns; i < t->count; i++)
		if (strlen(t->cells[i]) > width[i % t->columns])
			width[i % t->columns] = strlen(t->cells[i]);
	for (unsigned int c = 0; c < t->columns && c < t->count; c++) {
		if (!width[c])
			*t->cells[c] = '\0';
		else if (strlen(t->cells[c]) > width[c])
			width[c] = strlen(t->cells[c]);
	}
	for (size_t i = 0; i + t->columns <= t->count; i += t->columns)
		print_row(t, t->cells + i, width, out);
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	t->cells = NULL;
	t->count = 0;
}

unsigned int screen_width(void)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return 100;
}
