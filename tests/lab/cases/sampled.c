// SPDX-License-Identifier: GPL-2.0-only
/*
 * sampled.c - perf's software events: page faults are counted to the number, and a busy loop is sampled by the
 * kernel's clock. (No emulator has counters of its own for hardware events.)
 */
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGES 100

static int event(uint64_t config, uint64_t period)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = config,
					.sample_period = period, .sample_type = PERF_SAMPLE_IP,
					.exclude_kernel = 0, .disabled = 0 };

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

int main(void)
{
	int faults = event(PERF_COUNT_SW_PAGE_FAULTS_MIN, 0), clock = event(PERF_COUNT_SW_CPU_CLOCK, 1000000);
	volatile struct perf_event_mmap_page *ring;
	volatile char *memory;
	uint64_t before, after;

	ring = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, clock, 0);
	memory = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (faults < 0 || ring == MAP_FAILED || memory == MAP_FAILED) {
		perror("perf_event_open");
		return 1;
	}
	madvise((void *)memory, PAGES * 4096, MADV_NOHUGEPAGE);
	if (read(faults, &before, sizeof(before)) != sizeof(before))
		return 1;
	for (int i = 0; i < PAGES; i++)
		memory[i * 4096] = 1;
	if (read(faults, &after, sizeof(after)) != sizeof(after))
		return 1;
	printf(after - before >= PAGES ? "counted, " : "%d faults counted as %d, ", PAGES, (int)(after - before));
	/* Until there is one: how fast this is nobody knows. */
	while (ring->data_head < 10 * 16)
		;
	puts("sampled");
	return 0;
}
