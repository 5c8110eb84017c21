// SPDX-License-Identifier: GPL-2.0-only
/* A program that divides by 0 gets its SIGFPE, at the instruction; exit status 0 if all is well. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

extern const char the_division[];

static void on_fpe(int number, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number;
	_exit(!(info->si_code == FPE_INTDIV && r[REG_TRAPNO] == 0 && r[REG_ERR] == 0 &&
		r[REG_RIP] == (greg_t)the_division && r[REG_RAX] == 1));
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO };

	sigaction(SIGFPE, &action, NULL);
	asm volatile("the_division: div %2" : : "a"(1ULL), "d"(0ULL), "c"(0ULL));
	return 2;
}
