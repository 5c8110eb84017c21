// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs nop, cpuid, nop once under PTRACE_SINGLESTEP and once under a trap flag of its own, and prints
 * before which of its instructions each stop came.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

extern const char at_nop[], at_cpuid[], at_after[], at_end[];
void under_test(void);

asm(".text\n"
    "under_test:\n"
    "	push %rbx\n"
    "	xor %eax, %eax\n"
    "at_nop: nop\n"
    "at_cpuid: cpuid\n"
    "at_after: nop\n"
    "at_end: pop %rbx\n"
    "	ret\n");

static char log_text[256];

static void note(unsigned long rip)
{
	static const struct {
		const char *at, *name;
	} places[] = {
		{ at_nop, " nop" }, { at_cpuid, " cpuid" }, { at_after, " after" }, { at_end, " end" },
	};

	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (rip == (unsigned long)places[i].at && strlen(log_text) < 200)
			strcat(log_text, places[i].name);
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	note(((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP]);
}

static void by_itself(void)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &action, NULL);
	asm volatile("pushf; orl $0x100, (%%rsp); popf; call under_test;"
		     "pushf; andl $~0x100, (%%rsp); popf" ::: "rax", "rcx", "rdx", "memory", "cc");
	printf("trap flag:%s\n", log_text);
}

static void by_debugger(void)
{
	struct user_regs_struct regs;
	int status, steps = 0;
	pid_t child = fork();

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		under_test();
		_exit(0);
	}
	log_text[0] = '\0';
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status) && steps++ < 10000) {
		ptrace(PTRACE_GETREGS, child, 0, &regs);
		note(regs.rip);
		if (regs.rip == (unsigned long)at_end)
			break;
		ptrace(PTRACE_SINGLESTEP, child, 0, 0);
	}
	ptrace(PTRACE_KILL, child, 0, 0);
	printf("ptrace cpuid:%s\n", log_text);
}

int main(void)
{
	by_itself();
	by_debugger();
	return 0;
}
