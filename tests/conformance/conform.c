// SPDX-License-Identifier: GPL-2.0-only
/*
 * conform.c - runs the cases of its own width and writes what they did to standard output.
 *
 *	conform64 | conform32 [--seed N] [--part N] [--suite NAME]
 *
 * --part N runs every N-th block of cases only.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conform.h"

#define BITS (8 * (int)sizeof(long))

static uint64_t seed = CASE_SEED;
static uint32_t part = 1;

struct job {
	struct driver driver;
	pthread_t thread;
	uint8_t *out;
	size_t used;
	pid_t child;
};

static struct job *handler_job;

static void run_block(struct job *job, uint32_t first, uint32_t count)
{
	struct conf_block *head = (struct conf_block *)(job->out + job->used);
	struct driver *d = &job->driver;
	uint64_t arena = ARENA_BASE + d->thread * ARENA_STRIDE;

	d->next = first;
	d->end = first + count;
	d->out = job->out + job->used + sizeof(*head);
	d->used = 0;
	if (job->child)
		trace_block(d, job->child);
	else
		drive_block(d);
	*head = (struct conf_block){
		.magic = BLOCK_MAGIC,
		.suite = d->suite,
		.thread = d->thread,
		.first = first,
		.count = count,
		.bytes = d->used,
		.stray = arena_sweep(arena),
		.seed = seed,
		.hash = record_hash(d->out, d->used),
	};
	job->used += sizeof(*head) + d->used;
}

static void run_blocks(struct job *job)
{
	uint32_t count = conf_suites[job->driver.suite].count, first;

	for (first = 0; first < count; first += BLOCK_CASES * part)
		run_block(job, first, count - first < BLOCK_CASES ? count - first : BLOCK_CASES);
}

/* Each thread stays on one processor, always the same: the GDT's address says which it is. */
static void stay(unsigned int thread)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(thread % sysconf(_SC_NPROCESSORS_ONLN), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(1, "sched_setaffinity");
}

static void *run_thread(void *argument)
{
	struct job *job = argument;

	stay(job->driver.thread);
	drive_setup(&job->driver);
	run_blocks(job);
	return NULL;
}

static void in_handler(int number)
{
	(void)number;
	run_blocks(handler_job);
}

/* In a child, so that each suite finds memory, LDT and signals as if it were the only one. */
static void run_suite(unsigned int suite)
{
	const struct conf_suite *s = &conf_suites[suite];
	bool traced = s->way == WAY_PTRACE || s->way == WAY_PTRACE_STEP;
	struct job *jobs = calloc(s->threads, sizeof(*jobs));
	unsigned int i;

	if (!jobs)
		err(1, "calloc");
	stay(0);
	for (i = 0; i < s->threads; i++) {
		uint64_t arena = ARENA_BASE + i * ARENA_STRIDE;

		jobs[i].driver = (struct driver){ .seed = seed, .suite = suite, .thread = i };
		jobs[i].out = malloc((size_t)s->count * RECORD_MAX + PAGE);
		if (!jobs[i].out)
			err(1, "malloc");
		arena_map(arena, traced);
		if (BITS == 32 || s->way == WAY_THREADS)
			arena_set_ldt(arena);
	}
	if (s->way == WAY_THREADS) {
		for (i = 0; i < s->threads; i++)
			if (pthread_create(&jobs[i].thread, NULL, run_thread, &jobs[i]))
				errx(1, "pthread_create");
		for (i = 0; i < s->threads; i++)
			pthread_join(jobs[i].thread, NULL);
	} else if (traced) {
		jobs->child = trace_start();
		run_blocks(jobs);
		trace_end(jobs->child);
	} else if (s->way == WAY_HANDLER) {
		handler_job = jobs;
		drive_setup(&jobs->driver);
		signal(SIGUSR1, in_handler);
		raise(SIGUSR1);
	} else {
		run_thread(jobs);
	}
	for (i = 0; i < s->threads; i++)
		if (fwrite(jobs[i].out, 1, jobs[i].used, stdout) != jobs[i].used)
			err(1, "standard output");
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	unsigned int i;
	int option;

	for (option = 1; option < argc - 1; option += 2) {
		if (!strcmp(argv[option], "--seed"))
			seed = strtoull(argv[option + 1], NULL, 0);
		else if (!strcmp(argv[option], "--part"))
			part = strtoul(argv[option + 1], NULL, 0);
		else if (!strcmp(argv[option], "--suite"))
			only = argv[option + 1];
		else
			break;
	}
	if (option < argc || !part)
		errx(2, "usage: conform%d [--seed N] [--part N] [--suite NAME]", BITS);
	for (i = 0; i < conf_suite_count; i++) {
		int status;
		pid_t pid;

		if (conf_suites[i].bits != BITS || (only && strcmp(only, conf_suites[i].name)))
			continue;
		pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			run_suite(i);
			exit(fflush(stdout) ? 1 : 0);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			errx(1, "suite %s: status %#x", conf_suites[i].name, status);
	}
	return 0;
}
