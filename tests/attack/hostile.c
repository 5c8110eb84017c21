// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile.c - attacks by programs, and what a program beside them gets done. Prints what came of
 *it: a word, a tab, details.
 *
 *	hostile call		oldguard's calls, from ring 3
 *	hostile out PORT	writes to a port that it has been given by ioperm()
 *	hostile flood		violations for ever, as nobody in particular
 *	hostile leak		one violation
 *	hostile spin		nothing for ever
 *	hostile work MS		ordinary work for so long; prints how much, and its share of a
 *processor hostile unload		delete_module() with every flag there is
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int got;

static void on_signal(int signal)
{
	got = signal;
	siglongjmp(back, 1);
}

static void catch (void)
{
	static const int signals[] = { SIGILL, SIGSEGV, SIGBUS, SIGTRAP };
	unsigned int i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], on_signal);
}

/* Runs @attack; the signal that it ended in, or 0. */
static int try(void (*attack)(void))
{
	got = 0;
	if (!sigsetjmp(back, 1))
		attack();
	return got;
}

static int said(int signal)
{
	if (signal)
		printf("refused\t%s\n", strsignal(signal));
	else
		printf("succeeded\t\n");
	return 0;
}

/* --- calls --- */

static uint64_t number;

static void call(void)
{
	uint64_t rax = 0x6f6c646775000000ULL ^ number;
	unsigned int a, b, c, d;

	__cpuid(0, a, b, c, d);
	if (b == signature_INTEL_ebx)
		asm volatile("vmcall" : "+a"(rax) : "D"(0UL), "S"(0UL), "d"(0UL) : "memory");
	else
		asm volatile("vmmcall" : "+a"(rax) : "D"(0UL), "S"(0UL), "d"(0UL) : "memory");
}

static int calls(void)
{
	int signal = SIGILL;

	for (number = 0; number < 16 && signal == SIGILL; number++)
		signal = try(call);
	return said(signal);
}

/* --- ports --- */

static unsigned short port;
static unsigned char value;

static void out(void)
{
	outb(value, port);
}

static int write_port(const char *which)
{
	unsigned char was;
	int signal;

	port = strtoul(which, NULL, 0);
	if (ioperm(port, 1, 1)) {
		printf("impossible\tioperm: %s\n", strerror(errno));
		return 0;
	}
	was = inb(port);
	value = ~was;
	signal = try(out);
	if (!signal && inb(port) != value) {
		printf("ignored\tno signal, no change\n");
		return 0;
	}
	value = was;
	try(out);
	return said(signal);
}

/* --- floods --- */

static volatile unsigned char table[16];

static void sidt(void)
{
	asm volatile("sidt %0" : "=m"(table));
}

static void mov_cr(void)
{
	asm volatile("mov %%cr0, %%rax" : : : "rax");
}

static int flood(void)
{
	if (setgid(65534) || setuid(65534))
		return 1;
	for (;;) {
		try(sidt);
		try(mov_cr);
	}
}

static _Noreturn void spin(void)
{
	for (;;)
		asm volatile("");
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* System calls, memory and arithmetic. */
static int work(const char *ms)
{
	double end = seconds() + atoi(ms) / 1e3;
	unsigned long done = 0, sum = 0;
	unsigned int i;

	while (seconds() < end) {
		unsigned char *page = mmap(NULL, 16384, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (i = 0; i < 16384; i += 64)
			page[i] = sum += i;
		munmap(page, 16384);
		syscall(SYS_getppid);
		done++;
	}
	/* And how much of a processor it had, in percent. */
	printf("%lu %d\n", done, (int)(clock() * 1e5 / CLOCKS_PER_SEC / atoi(ms)));
	return 0;
}

/* Whether SIDT has its way at all. */
static int leak(void)
{
	return said(try(sidt));
}

static int unload(void)
{
	static const int flags[] = { O_NONBLOCK, O_NONBLOCK | O_TRUNC, O_TRUNC };
	unsigned int i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (!syscall(SYS_delete_module, "oldguard", flags[i]))
			return said(0);
	}
	printf("refused\t%s\n", strerror(errno));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	catch ();
	if (!strcmp(what, "call"))
		return calls();
	if (!strcmp(what, "out") && argc > 2)
		return write_port(argv[2]);
	if (!strcmp(what, "flood"))
		return flood();
	if (!strcmp(what, "spin"))
		spin();
	if (!strcmp(what, "work") && argc > 2)
		return work(argv[2]);
	if (!strcmp(what, "leak"))
		return leak();
	if (!strcmp(what, "unload"))
		return unload();
	fprintf(stderr, "hostile: what?\n");
	return 2;
}
