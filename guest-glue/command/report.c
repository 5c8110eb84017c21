// SPDX-License-Identifier: GPL-2.0-only
/* Takes the module's report apart: lines of fields between tabs. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "command.h"
#include "report.h"

#define FIELDS 6

static bool number(const char *field, unsigned long long limit, unsigned long long *value)
{
	char *end;

	/* strtoull() takes blanks and signs, a report has none. */
	if (!isdigit((unsigned char)*field))
		return false;
	errno = 0;
	*value = strtoull(field, &end, 10);
	return !errno && !*end && *value <= limit;
}

static bool take_count(struct report_count **counts, size_t *nr, char **field)
{
	unsigned long long cpu, count;

	if (!number(field[1], UINT_MAX, &cpu) || !*field[2] ||
	    !number(field[3], ULLONG_MAX, &count))
		return false;
	*counts = grow(*counts, *nr, sizeof(**counts));
	(*counts)[(*nr)++] = (struct report_count){ cpu, field[2], count };
	return true;
}

static bool take_cpu(struct report *r, char **field)
{
	unsigned long long cpu;

	if (!number(field[1], UINT_MAX, &cpu) || !*field[2])
		return false;
	r->cpus = grow(r->cpus, r->nr_cpus, sizeof(*r->cpus));
	r->cpus[r->nr_cpus++] = (struct report_cpu){ cpu, field[2] };
	return true;
}

static bool take_stopped(struct report *r, char **field)
{
	unsigned long long cpu;

	if (!number(field[1], UINT_MAX, &cpu) || !*field[2])
		return false;
	r->stopped = grow(r->stopped, r->nr_stopped, sizeof(*r->stopped));
	r->stopped[r->nr_stopped++] = (struct report_stopped){ cpu, field[2] };
	return true;
}

static bool take_rule(struct report *r, char **field)
{
	if (!*field[2] || !*field[3])
		return false;
	r->rules = grow(r->rules, r->nr_rules, sizeof(*r->rules));
	r->rules[r->nr_rules++] = (struct report_rule){ field[2], field[3] };
	return true;
}

static bool take_feature(struct report *r, char **field)
{
	if (!*field[1] || !*field[2])
		return false;
	r->features = grow(r->features, r->nr_features, sizeof(*r->features));
	r->features[r->nr_features++] = (struct report_feature){
		.name = field[1],
		.state = field[2],
		.options = field[3],
		.summary = field[4],
		.note = field[5],
	};
	return true;
}

/* Returns false for a line of a known type that makes no sense. */
static bool take_line(struct report *r, char **field)
{
	static const struct {
		const char *type;
		size_t offset;
	} texts[] = {
		{ "version", offsetof(struct report, version) },
		{ "state", offsetof(struct report, state) },
		{ "backend", offsetof(struct report, backend) },
		{ "reason", offsetof(struct report, reason) },
		{ "kvm", offsetof(struct report, kvm) },
		{ "slat", offsetof(struct report, slat) },
		{ "leaf", offsetof(struct report, leaf) },
		{ "error", offsetof(struct report, error) },
		{ "isolation", offsetof(struct report, isolation) },
	};
	const char *type = field[0];
	unsigned long long value;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(type, texts[i].type)) {
			*(const char **)((char *)r + texts[i].offset) = field[1];
			if (!strcmp(type, "isolation"))
				r->isolation_why = field[2];
			return true;
		}
	if (!strcmp(type, "abi") || !strcmp(type, "locked")) {
		if (!number(field[1], ULONG_MAX, &value))
			return false;
		if (type[0] == 'a')
			r->abi = value;
		else
			r->locked = value;
		return true;
	}
	if (!strcmp(type, "memory"))
		return number(field[1], ULLONG_MAX, &r->memory);
	if (!strcmp(type, "feature"))
		return take_feature(r, field);
	if (!strcmp(type, "rule"))
		return take_rule(r, field);
	if (!strcmp(type, "cpu"))
		return take_cpu(r, field);
	if (!strcmp(type, "stopped"))
		return take_stopped(r, field);
	if (!strcmp(type, "exits"))
		return take_count(&r->exits, &r->nr_exits, field);
	if (!strcmp(type, "handled"))
		return take_count(&r->handled, &r->nr_handled, field);
	if (!strcmp(type, "reports"))
		return take_count(&r->reports, &r->nr_reports, field);
	return true;
}

static int by_cpu(const void *a, const void *b)
{
	const struct report_cpu *x = a, *y = b;

	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

void report_parse(struct report *r, char *report)
{
	char *rest = report, *line;

	memset(r, 0, sizeof(*r));
	r->text = report;
	while ((line = strsep(&rest, "\n"))) {
		char *field[FIELDS];

		/* Fields that are not there read as empty ones. */
		for (int i = 0; i < FIELDS; i++) {
			field[i] = strsep(&line, "\t");
			if (!field[i])
				field[i] = (char *)"";
		}
		if (!take_line(r, field))
			r->malformed++;
	}
	if (r->nr_cpus)
		qsort(r->cpus, r->nr_cpus, sizeof(*r->cpus), by_cpu);
}

int report_read(struct report *r, const char *path)
{
	FILE *file = fopen(path, "re");
	char *report = NULL;
	size_t size = 0;
	ssize_t length;
	int error;

	memset(r, 0, sizeof(*r));
	if (!file)
		return -errno;
	errno = 0;
	/* No text has a NUL byte in it: this takes the whole file. */
	length = getdelim(&report, &size, '\0', file);
	error = ferror(file) ? errno : 0;
	fclose(file);
	if (length < 0) {
		free(report);
		return error ? -error : -EPROTO;
	}
	report_parse(r, report);
	return r->abi == REPORT_ABI ? 0 : -EPROTO;
}

void report_free(struct report *r)
{
	free(r->features);
	free(r->rules);
	free(r->cpus);
	free(r->stopped);
	free(r->exits);
	free(r->handled);
	free(r->reports);
	free(r->text);
	memset(r, 0, sizeof(*r));
}
