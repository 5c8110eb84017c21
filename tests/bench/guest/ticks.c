// SPDX-License-Identifier: GPL-2.0-only
/*
 * ticks WHEN: what CPUID and the five instructions of UMIP cost a user program now, in ticks of
 * the TSC. Built for 64-bit and for 32-bit code.
 *
 * Prints one figure a line: "= ticks.WHEN.WHAT.min TICKS ticks", the same with .median, for each
 * WHAT; a WHAT that ended in a signal is called WHAT.fault.
 */
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#ifdef __x86_64__
#define BITS "64"
#define IP REG_RIP
#define AX REG_RAX
#define SI REG_RSI
#else
#define BITS "32"
#define IP REG_EIP
#define AX REG_EAX
#define SI REG_ESI
#endif

#define WARM_UP 20
#define ROUNDS 301

typedef uint32_t timed(uintptr_t argument);

timed ticks_cpuid, ticks_cli, ticks_sidt, ticks_sgdt, ticks_sldt, ticks_str, ticks_smsw,
	ticks_smsw_reg;
void ticks_landed(void);
void ticks_on_signal(int signal, siginfo_t *info, void *context);
void on_signal(int signal, siginfo_t *info, void *context);

uint32_t ticks_end;
static volatile bool faulted;

void on_signal(int signal, siginfo_t *info, void *context)
{
	greg_t *reg = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	faulted = true;
	reg[AX] = ticks_end - (uint32_t)reg[SI];
	reg[IP] = (greg_t)ticks_landed;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void measure(const char *when, const char *what, timed *run, uintptr_t argument)
{
	static uint32_t ticks[ROUNDS];
	const char *fault;

	/* The first rounds touch pages and fill what the emulator translates. */
	for (int i = -WARM_UP; i < ROUNDS; i++) {
		uint32_t spent;

		faulted = false;
		spent = run(argument);
		if (i >= 0)
			ticks[i] = spent;
	}
	fault = faulted ? ".fault" : "";
	qsort(ticks, ROUNDS, sizeof(ticks[0]), compare);
	printf("= ticks.%s.%s" BITS "%s.min %u ticks\n", when, what, fault, ticks[0]);
	printf("= ticks.%s.%s" BITS "%s.median %u ticks\n", when, what, fault, ticks[ROUNDS / 2]);
}

int main(int argc, char **argv)
{
	static char operand[16];
	struct sigaction action = { .sa_sigaction = ticks_on_signal, .sa_flags = SA_SIGINFO };

	if (argc != 2)
		errx(2, "usage: ticks WHEN");
	if (sigaction(SIGSEGV, &action, NULL))
		err(1, "sigaction");
	measure(argv[1], "cpuid", ticks_cpuid, 0);
	measure(argv[1], "cpuid_leaf7_", ticks_cpuid, 7);
	measure(argv[1], "cpuid_leafd_", ticks_cpuid, 0xd);
	measure(argv[1], "cli", ticks_cli, 0);
	measure(argv[1], "sidt", ticks_sidt, (uintptr_t)operand);
	measure(argv[1], "sgdt", ticks_sgdt, (uintptr_t)operand);
	measure(argv[1], "sldt", ticks_sldt, (uintptr_t)operand);
	measure(argv[1], "str", ticks_str, (uintptr_t)operand);
	measure(argv[1], "smsw", ticks_smsw, (uintptr_t)operand);
	measure(argv[1], "smsw_reg", ticks_smsw_reg, 0);
	return 0;
}
