// SPDX-License-Identifier: GPL-2.0-only
/*
 * nosy.c - programs that want to know, and one that measures what they leave for others.
 *
 *	nosy sidt N	executes SIDT N times; prints what the last one stored
 *	nosy all	each of the five once; prints what they stored, or "fault"
 *	nosy spin N	N turns of an empty loop
 *	nosy share S	for S seconds, computes; prints how many per cent of that time it was let
 */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sigjmp_buf fault;

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

static void show(const char *name, const unsigned char *bytes)
{
	printf("%s", name);
	for (int i = 0; i < 10; i++)
		printf("%s%02x", i ? "" : " ", bytes[i]);
	printf("\n");
}

#define TRY(name, text)                                                                            \
	do {                                                                                       \
		unsigned char stored[10] = { 0 };                                                  \
                                                                                                   \
		if (sigsetjmp(fault, 1)) {                                                         \
			printf("%s fault\n", name);                                                \
		} else {                                                                           \
			__asm__ volatile(text : "=m"(stored));                                     \
			show(name, stored);                                                        \
		}                                                                                  \
	} while (0)

static void sidt(long count)
{
	unsigned char stored[10];

	do
		__asm__ volatile("sidt %0" : "=m"(stored));
	while (--count > 0);
	show("sidt", stored);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void share(double wall)
{
	double start = seconds(CLOCK_MONOTONIC), now;

	while ((now = seconds(CLOCK_MONOTONIC)) - start < wall)
		for (volatile int i = 0; i < 20000; i++)
			;
	printf("%d\n", (int)(100 * seconds(CLOCK_PROCESS_CPUTIME_ID) / (now - start)));
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long count = argc > 2 ? atol(argv[2]) : 1;

	signal(SIGSEGV, on_fault);
	if (!strcmp(what, "sidt")) {
		sidt(count);
	} else if (!strcmp(what, "all")) {
		TRY("sgdt", "sgdt %0");
		TRY("sidt", "sidt %0");
		TRY("sldt", "sldt %0");
		TRY("str", "str %0");
		TRY("smsw", "smsw %0");
	} else if (!strcmp(what, "spin")) {
		for (volatile long i = 0; i < count; i++)
			;
	} else if (!strcmp(what, "share")) {
		share(count);
	} else {
		return 2;
	}
	return 0;
}
