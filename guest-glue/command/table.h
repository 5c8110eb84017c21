/* SPDX-License-Identifier: GPL-2.0-only */
/* Text tables for people: columns as wide as what is in them. */
#ifndef OLDGUARD_TABLE_H
#define OLDGUARD_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#define TABLE_COLUMNS 64

/**
 * struct table - a table under construction; the first row is the heading
 * @columns: how many columns
 * @count: cells so far, row by row
 * @cells: the cells' texts
 * @right: columns that hold numbers
 */
struct table {
	unsigned int columns;
	size_t count;
	char **cells;
	bool right[TABLE_COLUMNS];
};

/** table_cell() - the next cell, left to right, row after row */
void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * table_print() - print the table and free what it held
 * @out: where to
 *
 * A column with nothing under its heading is left out.
 */
void table_print(struct table *t, FILE *out);

/** screen_width() - columns of the terminal, or 100 where standard output is none */
unsigned int screen_width(void);

#endif
