/* SPDX-License-Identifier: GPL-2.0-only */
/* A line of /dev/oldguard-events (guest-glue/linux/events_device.c), taken apart and shown. */
#ifndef OLDGUARD_EVENT_LINE_H
#define OLDGUARD_EVENT_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum event_line_type {
	EVENT_LINE_EVENT,
	EVENT_LINE_LOST,
	EVENT_LINE_OTHER, /* a newer module may say more */
	EVENT_LINE_BAD,
};

/**
 * struct event_line - a report, or how many were lost
 * @type: which
 * @ns: time since boot, without that spent asleep (CLOCK_MONOTONIC)
 * @reader: LOST: by this reader, and not by processor @cpu
 * @comm: with what cannot be printed escaped
 * @symbol: empty for programs
 * @rule: -1 if it is the feature's own report
 * @bytes: the instruction
 *
 * Strings lie in the line that was parsed.
 */
struct event_line {
	enum event_line_type type;
	uint64_t number, ns, lost;
	bool reader;
	uint32_t cpu, pid, tid, cpl, sel, mode;
	int32_t rule;
	const char *comm, *symbol, *feature, *kind, *asset, *action;
	uint64_t rip, addr, value, old, suppressed;
	uint8_t bytes[15];
	uint32_t len;
};

/**
 * event_line_parse() - take a line apart
 * @e: filled in
 * @line: without its newline; changed
 *
 * Return: @e->type.
 */
enum event_line_type event_line_parse(struct event_line *e, char *line);

/* event_line_print() - a line for people. */
void event_line_print(const struct event_line *e, FILE *out);

/* event_line_json() - an object on a line. */
void event_line_json(const struct event_line *e, FILE *out);

#endif
