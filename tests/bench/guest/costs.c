// SPDX-License-Identifier: GPL-2.0-only
/*
 * costs WHEN: what the usual services of the kernel cost now, in ticks of the TSC.
 *
 * Prints "= costs.WHEN.WHAT TICKS ticks": the median of many rounds.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define ROUNDS_MAX 1001
#define PAGES 64

static char *program;
static int to_child[2], to_parent[2];

static void null_syscall(void)
{
	syscall(SYS_getppid);
}

static void end_child(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		errx(1, "a child failed");
}

static void fork_exit(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	end_child(pid);
}

static void fork_exec(void)
{
	pid_t pid = fork();

	if (!pid) {
		execl(program, program, "", NULL);
		_exit(1);
	}
	end_child(pid);
}

static void page_faults(void)
{
	const size_t size = PAGES * 4096;
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		err(1, "mmap");
	for (size_t at = 0; at < size; at += 4096)
		map[at] = 1;
	munmap(map, size);
}

/* One's own pipe, no other process. */
static void pipe_alone(void)
{
	char byte = 0;

	if (write(to_child[1], &byte, 1) != 1 || read(to_child[0], &byte, 1) != 1)
		err(1, "pipe");
}

/* There and back: two switches of context on one processor. */
static void pipe_switch(void)
{
	char byte = 0;

	if (write(to_child[1], &byte, 1) != 1 || read(to_parent[0], &byte, 1) != 1)
		err(1, "pipe");
}

static void echo(void)
{
	char byte;

	close(to_child[1]);
	while (read(to_child[0], &byte, 1) == 1 && write(to_parent[1], &byte, 1) == 1)
		;
	_exit(0);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void measure(const char *when, const char *what, void (*run)(void), int rounds)
{
	static uint64_t ticks[ROUNDS_MAX];

	/* The first fifth warms up. */
	for (int i = -rounds / 5; i < rounds; i++) {
		uint64_t start = __rdtsc();

		run();
		if (i >= 0)
			ticks[i] = __rdtsc() - start;
	}
	qsort(ticks, rounds, sizeof(ticks[0]), compare);
	printf("= costs.%s.%s %llu ticks\n", when, what, (unsigned long long)ticks[rounds / 2]);
	/* Or the children print it as well. */
	fflush(stdout);
}

int main(int argc, char **argv)
{
	pid_t pid;

	if (argc == 2 && !argv[1][0])
		return 0;
	if (argc != 2)
		errx(2, "usage: costs WHEN");
	program = argv[0];
	if (pipe(to_child) || pipe(to_parent))
		err(1, "pipe");
	measure(argv[1], "null_syscall", null_syscall, 1001);
	measure(argv[1], "pipe", pipe_alone, 1001);
	measure(argv[1], "page_faults_64", page_faults, 101);
	measure(argv[1], "fork_exit", fork_exit, 101);
	measure(argv[1], "fork_exec", fork_exec, 51);
	pid = fork();
	if (!pid)
		echo();
	measure(argv[1], "pipe_context_switch", pipe_switch, 301);
	close(to_child[1]);
	close(to_child[0]);
	end_child(pid);
	return 0;
}
