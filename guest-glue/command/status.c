// SPDX-License-Identifier: GPL-2.0-only
/* oldguard status: the module's report, for people and for programs. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "command.h"
#include "report.h"
#include "table.h"

struct options {
	bool json;
	const char *device;
};

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case 'd':
		o->device = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': status takes no arguments", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* "0-3,5": the CPUs that are in a state. */
static char *cpu_ranges(const struct report *r, const char *state)
{
	char *ranges = text("%s", "");

	for (size_t i = 0; i < r->nr_cpus; i++) {
		size_t last = i;
		char *longer;

		if (strcmp(r->cpus[i].state, state))
			continue;
		while (last + 1 < r->nr_cpus && !strcmp(r->cpus[last + 1].state, state) &&
		       r->cpus[last + 1].cpu == r->cpus[last].cpu + 1)
			last++;
		longer = text("%s%s%u", ranges, *ranges ? "," : "", r->cpus[i].cpu);
		free(ranges);
		ranges = longer;
		if (last > i) {
			longer = text("%s-%u", ranges, r->cpus[last].cpu);
			free(ranges);
			ranges = longer;
		}
		i = last;
	}
	return ranges;
}

static void print_cpus(const struct report *r)
{
	const char *between = "";

	if (!r->nr_cpus)
		return;
	printf("  CPUs                 ");
	for (size_t i = 0; i < r->nr_cpus; i++) {
		size_t before = 0;
		char *ranges;

		while (strcmp(r->cpus[before].state, r->cpus[i].state))
			before++;
		if (before < i)
			continue;
		ranges = cpu_ranges(r, r->cpus[i].state);
		printf("%s%s %s", between, ranges, r->cpus[i].state);
		free(ranges);
		between = ", ";
	}
	putchar('\n');
}

static void print_memory(unsigned long long bytes)
{
	if (bytes >= 1 << 20)
		printf("  memory held          %.1f MiB\n", (double)bytes / (1 << 20));
	else
		printf("  memory held          %.1f KiB\n", (double)bytes / (1 << 10));
}

static const char *or_unknown(const char *field)
{
	return field && *field ? field : "unknown";
}

#define ANY_CPU -1ll

/* Sum over what matches; a NULL name matches all. */
static unsigned long long sum(const struct report_count *counts, size_t nr, const char *name,
			      long long cpu)
{
	unsigned long long total = 0;

	for (size_t i = 0; i < nr; i++)
		if ((!name || !strcmp(name, counts[i].name)) &&
		    (cpu == ANY_CPU || counts[i].cpu == cpu))
			total += counts[i].count;
	return total;
}

static void print_reports(const struct report *r)
{
	if (r->nr_reports)
		printf("  reports              %llu made, %llu suppressed by the rate limit, %llu lost\n",
		       sum(r->reports, r->nr_reports, "written", ANY_CPU),
		       sum(r->reports, r->nr_reports, "suppressed", ANY_CPU),
		       sum(r->reports, r->nr_reports, "lost", ANY_CPU));
}

static void print_facts(const struct report *r)
{
	printf("oldguard %s: %s, %s\n", or_unknown(r->version), or_unknown(r->state),
	       r->locked ? "locked until reboot" : "not locked");
	printf("  carried by           %s\n", or_unknown(r->backend));
	if (r->reason && *r->reason)
		printf("  missing              %s\n", r->reason);
	if (r->kvm)
		printf("  KVM and the like     %s\n", r->kvm);
	printf("  second-level paging  %s\n", or_unknown(r->slat));
	if (r->isolation)
		printf("  isolation            %s%s%s\n", r->isolation,
		       *r->isolation_why ? ": " : "", r->isolation_why);
	printf("  hypervisor leaf      %s\n", or_unknown(r->leaf));
	print_memory(r->memory);
	print_cpus(r);
	for (size_t i = 0; i < r->nr_stopped; i++)
		printf("  STOPPED              CPU %u: %s\n", r->stopped[i].cpu, r->stopped[i].dump);
	print_reports(r);
	if (r->error && *r->error)
		printf("  last error           %s\n", r->error);
}

static void print_features(const struct report *r)
{
	struct table t = { .columns = 5 };

	if (!r->nr_features)
		return;
	table_cell(&t, "FEATURE");
	table_cell(&t, "STATE");
	table_cell(&t, "OPTIONS");
	table_cell(&t, "NOTE");
	table_cell(&t, "SUMMARY");
	for (size_t i = 0; i < r->nr_features; i++) {
		const struct report_feature *f = &r->features[i];

		table_cell(&t, "%s", f->name);
		table_cell(&t, "%s", f->state);
		table_cell(&t, "%s", f->options);
		table_cell(&t, "%s", f->note);
		table_cell(&t, "%s", f->summary);
	}
	putchar('\n');
	table_print(&t, stdout);
}

static void print_rules(const struct report *r)
{
	struct table t = { .columns = 2 };

	if (!r->nr_rules)
		return;
	table_cell(&t, "RULE");
	table_cell(&t, "FROM");
	for (size_t i = 0; i < r->nr_rules; i++) {
		table_cell(&t, "%s", r->rules[i].rule);
		table_cell(&t, "%s", r->rules[i].from);
	}
	putchar('\n');
	table_print(&t, stdout);
}

/* The names and the CPUs in a list of counts, each once: rows and columns of its table. */
struct axes {
	const char **names;
	size_t nr_names;
	unsigned int *cpus;
	size_t nr_cpus;
};

static int by_number(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

static void find_axes(struct axes *axes, const struct report_count *counts, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		size_t at;

		for (at = 0; at < axes->nr_names && strcmp(axes->names[at], counts[i].name); at++)
			;
		if (at == axes->nr_names) {
			axes->names = grow(axes->names, at, sizeof(*axes->names));
			axes->names[axes->nr_names++] = counts[i].name;
		}
		for (at = 0; at < axes->nr_cpus && axes->cpus[at] != counts[i].cpu; at++)
			;
		if (at == axes->nr_cpus) {
			axes->cpus = grow(axes->cpus, at, sizeof(*axes->cpus));
			axes->cpus[axes->nr_cpus++] = counts[i].cpu;
		}
	}
	if (axes->nr_cpus)
		qsort(axes->cpus, axes->nr_cpus, sizeof(*axes->cpus), by_number);
}

static void count_row(struct table *t, const struct report_count *counts, size_t nr,
		      const char *name, const unsigned int *cpus, size_t nr_cpus)
{
	table_cell(t, "%s", name ? name : "total");
	table_cell(t, "%llu", sum(counts, nr, name, ANY_CPU));
	for (size_t c = 0; c < nr_cpus; c++)
		table_cell(t, "%llu", sum(counts, nr, name, cpus[c]));
}

/* Names down, CPUs across; as many tables, one below the other, as the width asks for. */
static void print_counts(const char *title, const struct report_count *counts, size_t nr)
{
	struct axes axes = { 0 };
	size_t fit = (screen_width() - 30) / 10, some;

	if (!nr)
		return;
	if (screen_width() < 40)
		fit = 1;
	if (fit > TABLE_COLUMNS - 2)
		fit = TABLE_COLUMNS - 2;
	find_axes(&axes, counts, nr);
	for (size_t first = 0; first < axes.nr_cpus; first += some) {
		struct table t = { .columns = 2 };

		some = axes.nr_cpus - first < fit ? axes.nr_cpus - first : fit;
		t.columns += some;
		table_cell(&t, "%s", title);
		table_cell(&t, "TOTAL");
		for (size_t c = 0; c < some; c++)
			table_cell(&t, "CPU%u", axes.cpus[first + c]);
		for (unsigned int c = 1; c < t.columns; c++)
			t.right[c] = true;
		for (size_t n = 0; n < axes.nr_names; n++)
			count_row(&t, counts, nr, axes.names[n], axes.cpus + first, some);
		if (axes.nr_names > 1)
			count_row(&t, counts, nr, NULL, axes.cpus + first, some);
		putchar('\n');
		table_print(&t, stdout);
	}
	free(axes.names);
	free(axes.cpus);
}

static void put_text(json_t *object, const char *key, const char *field)
{
	json_object_set_new(object, key, field ? json_string(field) : json_null());
}

static json_t *counts_json(const struct report_count *counts, size_t nr, const char *key)
{
	json_t *list = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(list, json_pack("{s:I, s:s, s:I}",
						      "cpu", (json_int_t)counts[i].cpu,
						      key, counts[i].name,
						      "count", (json_int_t)counts[i].count));
	return list;
}

static json_t *report_json(const struct report *r)
{
	json_t *object = json_pack("{s:b, s:I}", "loaded", 1, "abi", (json_int_t)r->abi);
	json_t *features = json_array(), *cpus = json_array(), *rules = json_array();
	json_t *stopped = json_array();

	put_text(object, "version", r->version);
	put_text(object, "state", r->state);
	json_object_set_new(object, "locked", json_boolean(r->locked));
	put_text(object, "backend", r->backend);
	put_text(object, "reason", r->reason);
	put_text(object, "kvm", r->kvm);
	put_text(object, "slat", r->slat);
	put_text(object, "isolation", r->isolation);
	put_text(object, "isolation_why", r->isolation_why);
	put_text(object, "leaf", r->leaf);
	json_object_set_new(object, "memory", json_integer((json_int_t)r->memory));
	put_text(object, "last_error", r->error);
	for (size_t i = 0; i < r->nr_features; i++) {
		const struct report_feature *f = &r->features[i];

		json_array_append_new(features, json_pack("{s:s, s:s, s:s, s:s, s:s}",
							  "name", f->name,
							  "state", f->state,
							  "options", f->options,
							  "note", f->note,
							  "summary", f->summary));
	}
	json_object_set_new(object, "features", features);
	for (size_t i = 0; i < r->nr_rules; i++)
		json_array_append_new(rules, json_pack("{s:s, s:s}",
						       "rule", r->rules[i].rule,
						       "from", r->rules[i].from));
	json_object_set_new(object, "rules", rules);
	for (size_t i = 0; i < r->nr_cpus; i++)
		json_array_append_new(cpus, json_pack("{s:I, s:s}",
						      "cpu", (json_int_t)r->cpus[i].cpu,
						      "state", r->cpus[i].state));
	json_object_set_new(object, "cpus", cpus);
	for (size_t i = 0; i < r->nr_stopped; i++)
		json_array_append_new(stopped, json_pack("{s:I, s:s}",
							 "cpu", (json_int_t)r->stopped[i].cpu,
							 "dump", r->stopped[i].dump));
	json_object_set_new(object, "stopped", stopped);
	json_object_set_new(object, "exits", counts_json(r->exits, r->nr_exits, "kind"));
	json_object_set_new(object, "handled", counts_json(r->handled, r->nr_handled, "feature"));
	json_object_set_new(object, "reports", counts_json(r->reports, r->nr_reports, "what"));
	json_object_set_new(object, "malformed_lines", json_integer(r->malformed));
	return object;
}

static int cannot_read(const struct options *o, int error, unsigned long abi)
{
	json_t *loaded = json_pack("{s:b}", "loaded", !access(OLDGUARD_MODULE, F_OK));

	if (error == ENOENT && !strcmp(o->device, OLDGUARD_DEVICE)) {
		if (json_is_true(json_object_get(loaded, "loaded")))
			return say_error(o->json, loaded,
					 "the oldguard module is loaded, but %s is not there",
					 o->device);
		return say_error(
			o->json, loaded,
			"the oldguard module is not loaded (modprobe oldguard features=umip)");
	}
	if (error == EPROTO && abi > REPORT_ABI)
		return say_error(
			o->json, loaded,
			"%s speaks format %lu, this command knows %d: their versions differ",
			o->device, abi, REPORT_ABI);
	if (error == EPROTO)
		return say_error(o->json, loaded, "%s holds no oldguard report", o->device);
	return say_error(o->json, loaded, "%s: %s", o->device, strerror(error));
}

int status_command(int argc, char **argv)
{
	static const struct argp_option option[] = {
		{ .name = "json", .key = 'j', .doc = "print JSON" },
		{ .name = "device",
		  .key = 'd',
		  .arg = "FILE",
		  .doc = "read FILE, perhaps a saved report, not " OLDGUARD_DEVICE },
		{ 0 },
	};
	static const struct argp argp = {
		.options = option,
		.parser = take,
		.doc = "Shows what the oldguard module does, and counts of what it did.",
	};
	struct options o = { .device = OLDGUARD_DEVICE };
	struct report r;
	int error;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	error = -report_read(&r, o.device);
	if (error) {
		unsigned long abi = r.abi;

		report_free(&r);
		return cannot_read(&o, error, abi);
	}
	if (o.json) {
		say_json(report_json(&r));
	} else {
		print_facts(&r);
		print_features(&r);
		print_rules(&r);
		print_counts("EXIT", r.exits, r.nr_exits);
		print_counts("HANDLED BY", r.handled, r.nr_handled);
		if (r.malformed)
			printf("\n%u lines of the report could not be understood\n", r.malformed);
	}
	report_free(&r);
	return 0;
}
