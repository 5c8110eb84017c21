// SPDX-License-Identifier: GPL-2.0-only
/* Takes reports apart and shows them, with the instruction in words. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "../../decoder/decode.h"
#include "command.h"
#include "event_line.h"

#define FIELDS 22

/* As the module writes them: decimal, or hexadecimal with 0x; no blanks, no signs. */
static bool number(const char *field, uint64_t limit, uint64_t *value)
{
	char *end;

	if (*field < '0' || *field > '9')
		return false;
	errno = 0;
	*value = strtoull(field, &end, field[1] == 'x' ? 16 : 10);
	return !errno && !*end && *value <= limit;
}

static bool number32(const char *field, uint32_t *value)
{
	uint64_t wide;

	if (!number(field, UINT32_MAX, &wide))
		return false;
	*value = wide;
	return true;
}

static bool take_bytes(struct event_line *e, const char *field)
{
	size_t length = strlen(field);

	if (length % 2 || length > 2 * sizeof(e->bytes) ||
	    strspn(field, "0123456789abcdef") != length)
		return false;
	e->len = length / 2;
	for (uint32_t i = 0; i < e->len; i++)
		sscanf(field + 2 * i, "%2hhx", &e->bytes[i]);
	return true;
}

static bool take_rule(struct event_line *e, const char *field)
{
	uint64_t rule = 0;
	bool none = !strcmp(field, "-");

	if (!none && !number(field, UINT16_MAX, &rule))
		return false;
	e->rule = none ? -1 : (int32_t)rule;
	return true;
}

static bool take_event(struct event_line *e, char **field)
{
	e->type = EVENT_LINE_EVENT;
	e->comm = field[6];
	e->symbol = field[9];
	e->feature = field[10];
	e->kind = field[12];
	e->asset = field[14];
	e->action = field[18];
	return number(field[1], UINT64_MAX, &e->number) && number(field[2], UINT64_MAX, &e->ns) &&
	       number32(field[3], &e->cpu) && number32(field[4], &e->pid) &&
	       number32(field[5], &e->tid) && number32(field[7], &e->cpl) &&
	       number(field[8], UINT64_MAX, &e->rip) && take_rule(e, field[11]) &&
	       number32(field[13], &e->sel) && number(field[15], UINT64_MAX, &e->addr) &&
	       number(field[16], UINT64_MAX, &e->value) && number(field[17], UINT64_MAX, &e->old) &&
	       number32(field[19], &e->mode) && take_bytes(e, field[20]);
}

static bool take_lost(struct event_line *e, char **field)
{
	e->type = EVENT_LINE_LOST;
	e->reader = !strcmp(field[3], "-");
	return number(field[1], UINT64_MAX, &e->number) && number(field[2], UINT64_MAX, &e->ns) &&
	       (e->reader || number32(field[3], &e->cpu)) && number(field[4], UINT64_MAX, &e->lost);
}

enum event_line_type event_line_parse(struct event_line *e, char *line)
{
	char *field[FIELDS];
	bool good = true;

	*e = (struct event_line){ .type = EVENT_LINE_OTHER };
	/* Fields that are not there read as empty ones. */
	for (int i = 0; i < FIELDS; i++) {
		field[i] = strsep(&line, "\t");
		if (!field[i])
			field[i] = (char *)"";
	}
	if (!strcmp(field[0], "event"))
		good = take_event(e, field) && number(field[21], UINT64_MAX, &e->suppressed);
	else if (!strcmp(field[0], "lost"))
		good = take_lost(e, field);
	if (!good)
		e->type = EVENT_LINE_BAD;
	return e->type;
}

/* The instruction in Capstone's words; empty if its bytes are not known. */
static void insn_text(const struct event_line *e, char *out, size_t size)
{
	out[0] = '\0';
	if (e->len && (e->mode == DECODE_16 || e->mode == DECODE_32 || e->mode == DECODE_64))
		decode_text(e->mode, e->rip, e->bytes, e->len, out, size);
}

/* A task's name may be in any encoding: what is not ASCII is escaped. */
static char *ascii(const char *name)
{
	char *out = malloc(4 * strlen(name) + 1), *to = out;

	if (!out)
		errx(1, "out of memory");
	for (; *name; name++) {
		if (*name >= ' ' && *name <= '~')
			*to++ = *name;
		else
			to += sprintf(to, "\\x%02x", (unsigned char)*name);
	}
	*to = '\0';
	return out;
}

/* For other exits the two say other things, or nothing. */
static bool is_write(const struct event_line *e)
{
	return !strcmp(e->kind, "cr_write") || !strcmp(e->kind, "msr_write") ||
	       !strcmp(e->kind, "xsetbv");
}

static void print_time(const struct event_line *e, FILE *out)
{
	fprintf(out, "%5" PRIu64 ".%06" PRIu64 "  ", e->ns / 1000000000, e->ns / 1000 % 1000000);
}

static void print_who(const struct event_line *e, FILE *out)
{
	char *name = ascii(e->comm);

	if (!*name)
		fprintf(out, "unknown task  ");
	else if (e->tid != e->pid)
		fprintf(out, "%s[%u/%u]  ", name, e->pid, e->tid);
	else
		fprintf(out, "%s[%u]  ", name, e->pid);
	free(name);
}

void event_line_print(const struct event_line *e, FILE *out)
{
	char words[160];

	print_time(e, out);
	if (e->type == EVENT_LINE_LOST) {
		if (e->reader)
			fprintf(out, "%" PRIu64 " lost: not read in time\n", e->lost);
		else
			fprintf(out, "CPU%u  %" PRIu64 " lost: more than its ring holds\n", e->cpu,
				e->lost);
		return;
	}
	insn_text(e, words, sizeof(words));
	fprintf(out, "CPU%u  ", e->cpu);
	print_who(e, out);
	fprintf(out, "ring %u  0x%" PRIx64, e->cpl, e->rip);
	if (*e->symbol)
		fprintf(out, " %s", e->symbol);
	fprintf(out, "  %s: %s %s", e->feature, e->asset, e->action);
	if (e->rule >= 0)
		fprintf(out, " (rule %d)", e->rule);
	if (is_write(e))
		fprintf(out, "  0x%" PRIx64 " -> 0x%" PRIx64, e->old, e->value);
	for (uint32_t i = 0; i < e->len; i++)
		fprintf(out, "%s%02x", i ? " " : "  ", e->bytes[i]);
	/* Without words for it decode_text() lists the bytes, which are there already. */
	if (*words && strncmp(words, "bytes ", 6))
		fprintf(out, "  %s", words);
	if (e->suppressed)
		fprintf(out, "  (%" PRIu64 " suppressed before)", e->suppressed);
	putc('\n', out);
}

static void put_hex(json_t *object, const char *key, uint64_t value)
{
	char *hex = text("0x%" PRIx64, value);

	json_object_set_new(object, key, json_string(hex));
	free(hex);
}

static json_t *event_json(const struct event_line *e)
{
	char words[160], bytes[2 * sizeof(e->bytes) + 1] = "";
	char *comm = ascii(e->comm);
	json_t *object = json_pack("{s:I, s:I, s:I, s:s, s:I, s:s, s:s, s:I, s:s, s:s, s:I}",
				   "cpu", (json_int_t)e->cpu,
				   "pid", (json_int_t)e->pid,
				   "tid", (json_int_t)e->tid,
				   "comm", comm,
				   "cpl", (json_int_t)e->cpl,
				   "feature", e->feature,
				   "kind", e->kind,
				   "sel", (json_int_t)e->sel,
				   "asset", e->asset,
				   "action", e->action,
				   "suppressed", (json_int_t)e->suppressed);

	free(comm);
	if (!object)
		errx(1, "an event that is no text");
	insn_text(e, words, sizeof(words));
	for (uint32_t i = 0; i < e->len; i++)
		sprintf(bytes + 2 * i, "%02x", e->bytes[i]);
	put_hex(object, "rip", e->rip);
	put_hex(object, "addr", e->addr);
	put_hex(object, "value", e->value);
	put_hex(object, "old", e->old);
	json_object_set_new(object, "symbol", *e->symbol ? json_string(e->symbol) : json_null());
	json_object_set_new(object, "rule", e->rule < 0 ? json_null() : json_integer(e->rule));
	json_object_set_new(object, "bytes", json_string(bytes));
	json_object_set_new(object, "instruction", json_string(words));
	return object;
}

void event_line_json(const struct event_line *e, FILE *out)
{
	json_t *object = e->type == EVENT_LINE_EVENT ? event_json(e) : json_object();

	json_object_set_new(object, "type",
			    json_string(e->type == EVENT_LINE_EVENT ? "event" : "lost"));
	json_object_set_new(object, "number", json_integer(e->number));
	json_object_set_new(object, "time", json_real(e->ns / 1e9));
	if (e->type == EVENT_LINE_LOST) {
		json_object_set_new(object, "lost", json_integer(e->lost));
		json_object_set_new(object, "cpu", e->reader ? json_null() : json_integer(e->cpu));
	}
	json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(15) | JSON_SORT_KEYS);
	putc('\n', out);
	json_decref(object);
}
