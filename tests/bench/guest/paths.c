// SPDX-License-Identifier: GPL-2.0-only
/*
 * paths - some CPUIDs, then some SIDTs that end in a signal, for somebody outside who looks at
 * every instruction that these make the processor execute. In Bochs XCHG BX, BX is a breakpoint
 * (magic_break): one before and one behind the last of each, four in all.
 */
#include <err.h>
#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

#define WARM_UP 40

/* Behind the SIDT. */
extern const char paths_behind[];

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = (greg_t)paths_behind;
}

static void one_cpuid(void)
{
	unsigned int eax = 0, ebx, ecx = 0, edx;

	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
}

static void __attribute__((noinline)) one_sidt(void)
{
	static char operand[10];

	asm volatile("sidt %0\n\t"
		     ".globl paths_behind\n"
		     "paths_behind:"
		     : "=m"(operand) : : "memory", "cc");
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	if (sigaction(SIGSEGV, &action, NULL))
		err(1, "sigaction");
	for (int i = 0; i < WARM_UP; i++)
		one_cpuid();
	asm volatile("xchg %%bx, %%bx\n\tcpuid\n\txchg %%bx, %%bx"
		     : : "a"(0), "c"(0) : "ebx", "edx", "memory");
	for (int i = 0; i < WARM_UP; i++)
		one_sidt();
	asm volatile("xchg %bx, %bx");
	one_sidt();
	asm volatile("xchg %bx, %bx");
	return 0;
}
