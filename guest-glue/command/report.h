/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module says about itself in /dev/oldguard, taken apart. */
#ifndef OLDGUARD_REPORT_H
#define OLDGUARD_REPORT_H

#include <stdbool.h>
#include <stddef.h>

/* The newest report format that this command understands. */
#define REPORT_ABI 1

struct report_feature {
	const char *name, *state, *options, *summary, *note;
};

struct report_cpu {
	unsigned int cpu;
	const char *state;
};

/* A rule in force, and where it comes from: "policy" or "feature". */
struct report_rule {
	const char *rule, *from;
};

/* A processor that has stopped below Linux, and what it has left of that. */
struct report_stopped {
	unsigned int cpu;
	const char *dump;
};

/* How often: an exit kind or a feature, on one CPU. */
struct report_count {
	unsigned int cpu;
	const char *name;
	unsigned long long count;
};

/**
 * struct report - the module's report; a line that was not there leaves NULL or 0
 * @text: the whole report; every string of the others lies in it
 * @isolation_why: why isolation is off
 * @error: what the module said about the last request that it refused
 * @malformed: known lines that could not be understood
 */
struct report {
	char *text;
	unsigned long abi;
	const char *version, *state, *backend, *reason, *kvm, *slat, *leaf, *error;
	const char *isolation, *isolation_why;
	bool locked;
	unsigned long long memory;
	struct report_feature *features;
	size_t nr_features;
	struct report_rule *rules;
	size_t nr_rules;
	struct report_cpu *cpus;
	size_t nr_cpus;
	struct report_stopped *stopped;
	size_t nr_stopped;
	struct report_count *exits, *handled, *reports;
	size_t nr_exits, nr_handled, nr_reports;
	unsigned int malformed;
};

/**
 * report_parse() - take a report apart
 * @r: filled in; give it back with report_free()
 * @report: the report's text, allocated; @r owns it from now on
 *
 * Lines of a type that is not known are skipped: a newer module may say more.
 */
void report_parse(struct report *r, char *report);

/**
 * report_read() - read a report from a file and take it apart
 *
 * Return: 0 or a negative errno; EPROTO where it is no report or one of a later format (@r->abi
 * tells which).
 */
int report_read(struct report *r, const char *path);

void report_free(struct report *r);

#endif
