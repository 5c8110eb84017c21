// SPDX-License-Identifier: GPL-2.0-only
/*
 * exits idle SECONDS | loop ROUNDS | exec ROUNDS | files ROUNDS: which exits oldguard takes while
 * this program sleeps, or forks, maps memory and waits for timers, or executes programs, or copies
 * files. A third word takes the place of "exits" in what it prints.
 *
 * Prints "= exits.WORK.KIND COUNT exits" for each kind, and the same as .total, and as .cr for all
 * that control registers make (CR3, CR4); for exec also the rate of each kind, in exits of one
 * round. The readings of /dev/oldguard are hypercalls themselves: what one reading costs is
 * measured first, and taken off.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KINDS 32
#define NAME 32

/* Sums over all processors. */
struct count {
	char kind[NAME];
	long long exits;
};

static void read_counts(struct count counts[KINDS])
{
	static char report[1 << 20];
	ssize_t got, size = 0;
	int fd = open("/dev/oldguard", O_RDONLY);

	if (fd < 0)
		err(1, "/dev/oldguard");
	while ((got = read(fd, report + size, sizeof(report) - 1 - size)) > 0)
		size += got;
	if (got < 0)
		err(1, "/dev/oldguard");
	close(fd);
	report[size] = '\0';
	memset(counts, 0, KINDS * sizeof(*counts));
	for (char *line = strtok(report, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long long exits;
		char kind[NAME];
		int i = 0;

		if (sscanf(line, "exits\t%*u\t%31s\t%llu", kind, &exits) != 2)
			continue;
		while (i < KINDS - 1 && counts[i].kind[0] && strcmp(counts[i].kind, kind))
			i++;
		strcpy(counts[i].kind, kind);
		counts[i].exits += exits;
	}
}

static long long find(const struct count counts[KINDS], const char *kind)
{
	for (int i = 0; i < KINDS; i++)
		if (!strcmp(counts[i].kind, kind))
			return counts[i].exits;
	return 0;
}

static void child(int round)
{
	enum { BYTES = 1 << 20 };
	char *map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		_exit(1);
	memset(map, round, BYTES);
	_exit(munmap(map, BYTES) != 0);
}

static void loop(int rounds)
{
	struct timespec millisecond = { .tv_nsec = 1000000 };
	struct itimerspec tick = { .it_value = millisecond, .it_interval = millisecond };
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &tick, NULL))
		err(1, "timer");
	for (int i = 0; i < rounds; i++) {
		pid_t pid = fork();
		int status;

		if (pid < 0)
			err(1, "fork");
		if (!pid)
			child(i);
		nanosleep(&millisecond, NULL);
		if (waitpid(pid, &status, 0) != pid || status)
			errx(1, "a child failed");
	}
	timer_delete(timer);
}

static void run_programs(const char *self, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		pid_t pid = fork();
		int status;

		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			execl(self, self, "nothing", "0", NULL);
			_exit(1);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			errx(1, "a program failed");
	}
}

static void copy(const char *from, const char *to)
{
	static char buffer[64 << 10];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t got;

	if (in < 0 || out < 0)
		err(1, "%s, %s", from, to);
	while ((got = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, got) != got)
			err(1, "%s", to);
	if (got < 0)
		err(1, "%s", from);
	close(in);
	close(out);
}

static void copy_files(const char *self, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		copy(self, "/tmp/exits.1");
		copy("/tmp/exits.1", "/tmp/exits.2");
		if (rename("/tmp/exits.2", "/tmp/exits.3") || unlink("/tmp/exits.1") ||
		    unlink("/tmp/exits.3"))
			err(1, "/tmp");
	}
}

int main(int argc, char **argv)
{
	struct count start[KINDS], again[KINDS], end[KINDS];
	const char *work = argc >= 3 ? argv[1] : "";
	int rounds = argc >= 3 ? atoi(argv[2]) : 0;
	const char *label = argc == 4 ? argv[3] : "exits";
	cpu_set_t first, all;
	long long total = 0, moves = 0;

	if (!strcmp(work, "nothing"))
		return 0;
	if (rounds <= 0)
		errx(2, "usage: exits idle SECONDS | loop, exec or files ROUNDS [LABEL]");
	/* The readings always on one processor, the work on all. */
	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof(first), &first);
	/* Formats once, so that no later reading finds its buffer too small and starts again. */
	read_counts(start);
	read_counts(start);
	read_counts(again);
	sched_setaffinity(0, sizeof(all), &all);
	if (!strcmp(work, "idle"))
		sleep(rounds);
	else if (!strcmp(work, "loop"))
		loop(rounds);
	else if (!strcmp(work, "exec"))
		run_programs(argv[0], rounds);
	else if (!strcmp(work, "files"))
		copy_files(argv[0], rounds);
	else
		errx(2, "no such work: %s", work);
	sched_setaffinity(0, sizeof(first), &first);
	read_counts(end);

	for (int i = 0; i < KINDS && end[i].kind[0]; i++) {
		const char *kind = end[i].kind;
		bool control = !strncmp(kind, "cr_", 3);
		long long reading = find(again, kind) - find(start, kind);
		long long exits = end[i].exits - find(again, kind) - reading;

		total += exits;
		moves += control ? exits : 0;
		if (exits)
			printf("= %s.%s.%s %lld exits\n", label, work, kind, exits);
		if (exits && !strcmp(work, "exec"))
			printf("= %s.exec.%s.rate %.2f exits/exec\n", label, kind,
			       (double)exits / rounds);
	}
	printf("= %s.%s.cr %lld exits\n", label, work, moves);
	printf("= %s.%s.total %lld exits\n", label, work, total);
	return 0;
}
