// SPDX-License-Identifier: GPL-2.0-only
/*
 * moduletime NAME CYCLES MODULE PARAMETERS: loads and unloads a module that often, and prints how
 * long each takes (wall time of the system call) and how many KiB of free memory it takes while
 * loaded, as "= module.NAME.load.min MICROSECONDS us" and so on.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static void write_to(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, what, strlen(what)) < 0)
		err(1, "%s", path);
	close(fd);
}

/* KiB that nobody uses: on the zones' free lists and on the processors' own. */
static double free_memory(void)
{
	double pages = 0, some;
	char line[256];
	FILE *f;

	/* What an unload leaves to others (RCU, work queues) comes after it. */
	usleep(300000);
	write_to("/proc/sys/vm/drop_caches", "3");
	/* Any write folds the processors' own counts into the sum. */
	write_to("/proc/sys/vm/stat_refresh", "1");
	f = fopen("/proc/zoneinfo", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " nr_free_pages %lf", &some) == 1 ||
		    sscanf(line, " count: %lf", &some) == 1)
			pages += some;
	if (!f || !pages)
		errx(1, "/proc/zoneinfo");
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE) / 1024;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void show(const char *name, const char *what, double *value, int cycles, const char *unit)
{
	qsort(value, cycles, sizeof(*value), compare);
	printf("= module.%s.%s.min %.0f %s\n", name, what, value[0], unit);
	printf("= module.%s.%s.median %.0f %s\n", name, what, value[cycles / 2], unit);
	printf("= module.%s.%s.max %.0f %s\n", name, what, value[cycles - 1], unit);
}

int main(int argc, char **argv)
{
	int cycles = argc == 5 ? atoi(argv[2]) : 0;
	double *load = calloc(cycles + 1, sizeof(*load));
	double *unload = calloc(cycles + 1, sizeof(*unload));
	double *memory = calloc(cycles + 1, sizeof(*memory));
	int fd;

	if (cycles <= 0 || !load || !unload || !memory)
		errx(2, "usage: moduletime NAME CYCLES MODULE PARAMETERS");
	fd = open(argv[3], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", argv[3]);
	/* The first cycle finds the kernel's caches cold: it counts for nothing. */
	for (int i = -1; i < cycles; i++) {
		double before = free_memory(), start = microseconds(), middle;
		int at = i < 0 ? 0 : i;

		if (syscall(SYS_finit_module, fd, argv[4], 0))
			err(1, "loading %s", argv[3]);
		load[at] = microseconds() - start;
		memory[at] = before - free_memory();
		middle = microseconds();
		if (syscall(SYS_delete_module, "oldguard", O_NONBLOCK))
			err(1, "unloading");
		unload[at] = microseconds() - middle;
	}
	show(argv[1], "load", load, cycles, "us");
	show(argv[1], "unload", unload, cycles, "us");
	show(argv[1], "memory", memory, cycles, "KiB");
	return 0;
}
