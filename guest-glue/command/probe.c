// SPDX-License-Identifier: GPL-2.0-only
/* oldguard probe: what a user program gets from this processor now. Needs no module. */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "command.h"
#include "probe.h"

#define NOBODY 65534u
#define MAX_CPUS 8192

struct options {
	bool json;
	bool all;
	bool all_cpus;
	int cpu; /* -1: where we are */
};

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	char *end;
	long cpu;

	switch (key) {
	case 'j':
		o->json = true;
		return 0;
	case 'a':
		o->all = true;
		return 0;
	case 'A':
		o->all_cpus = true;
		return 0;
	case 'c':
		cpu = strtol(arg, &end, 10);
		if (!*arg || *end || cpu < 0 || cpu >= MAX_CPUS)
			argp_error(state, "'%s' is no CPU's number", arg);
		o->cpu = cpu;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': probe takes no arguments", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool pin(unsigned int cpu)
{
	cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
	bool pinned;

	if (!set)
		errx(1, "out of memory");
	CPU_ZERO_S(CPU_ALLOC_SIZE(MAX_CPUS), set);
	CPU_SET_S(cpu, CPU_ALLOC_SIZE(MAX_CPUS), set);
	pinned = !sched_setaffinity(0, CPU_ALLOC_SIZE(MAX_CPUS), set);
	CPU_FREE(set);
	return pinned;
}

static void ask(struct probe_answers *a, const struct options *o, unsigned int cpu,
		unsigned int uid)
{
	*a = (struct probe_answers){ .cpu = cpu, .uid = uid };
	probe_machine(&a->machine);
	for (size_t i = 0; i < probe_nr_forms; i++) {
		if (probe_forms[i].all && !o->all)
			continue;
		a->results = grow(a->results, a->nr, sizeof(*a->results));
		probe_run(&a->results[a->nr++], &probe_forms[i],
			  uid == getuid() ? PROBE_ANY_UID : uid);
	}
	probe_find_dummies(a->results, a->nr);
}

static bool same_machine(const struct probe_machine *a, const struct probe_machine *b)
{
	return a->max_leaf == b->max_leaf && a->umip == b->umip && a->hypervisor == b->hypervisor &&
	       a->nr_leaves == b->nr_leaves &&
	       !memcmp(a->leaves, b->leaves, a->nr_leaves * sizeof(a->leaves[0]));
}

bool probe_same_answers(const struct probe_answers *a, const struct probe_answers *b, bool values)
{
	if (!same_machine(&a->machine, &b->machine) || a->nr != b->nr)
		return false;
	for (size_t i = 0; i < a->nr; i++)
		if (!probe_same(&a->results[i], &b->results[i], values))
			return false;
	return true;
}

/* One more beside the first; returns whether it is like it. */
static bool compare(struct probe_comparison *c, const struct probe_answers *first,
		    const struct options *o, unsigned int cpu, unsigned int uid, bool values)
{
	c->answers = grow(c->answers, c->nr, sizeof(*c->answers));
	c->same = grow(c->same, c->nr, sizeof(*c->same));
	ask(&c->answers[c->nr], o, cpu, uid);
	c->same[c->nr] = probe_same_answers(first, &c->answers[c->nr], values);
	return c->same[c->nr++];
}

static void forget(struct probe_comparison *c)
{
	for (size_t i = 0; i < c->nr; i++)
		free(c->answers[i].results);
	free(c->answers);
	free(c->same);
}

static int probe(const struct options *o)
{
	struct probe_comparison users = { 0 }, cpus = { 0 };
	unsigned int cpu = o->cpu < 0 ? sched_getcpu() : o->cpu;
	struct probe_answers first;
	bool same = true;

	/* On one CPU all the time, or the answers might be those of several. */
	if (!pin(cpu))
		return say_error(o->json, NULL, "cannot run on CPU %u: %s", cpu,
				 errno == EINVAL ? "it is offline, not there or not allowed"
						 : strerror(errno));
	ask(&first, o, cpu, getuid());
	if (!geteuid())
		same &= compare(&users, &first, o, cpu, NOBODY, true);
	for (unsigned int other = 0; o->all_cpus && other < MAX_CPUS; other++)
		/* Pinning fails for those that are not there. */
		if (other != cpu && pin(other))
			same &= compare(&cpus, &first, o, other, getuid(), false);
	if (o->json)
		say_json(probe_json(&first, &users, &cpus));
	else
		probe_print(&first, &users, &cpus);
	free(first.results);
	forget(&users);
	forget(&cpus);
	return same ? 0 : 1;
}

int probe_command(int argc, char **argv)
{
	static const struct argp_option option[] = {
		{ .name = "json", .key = 'j', .doc = "print JSON" },
		{ .name = "all", .key = 'a', .doc = "run every encoding, not only the usual ones" },
		{ .name = "cpu", .key = 'c', .arg = "N", .doc = "ask CPU N" },
		{ .name = "all-cpus",
		  .key = 'A',
		  .doc = "ask every CPU that is online, too; they must answer the same" },
		{ 0 },
	};
	static const struct argp argp = {
		.options = option,
		.parser = take,
		.doc = "Shows CPUID, and what SGDT, SIDT, SLDT, STR and SMSW do in user programs "
		       "of 64 and of 32 bits: each is run, in a process of its own. As root it "
		       "runs them as an unprivileged user as well.\v"
		       "Exit status 1: not all users or CPUs get the same answers.",
	};
	struct options o = { .cpu = -1 };

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	return probe(&o);
}
