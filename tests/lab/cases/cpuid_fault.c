// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs see of CPUID faulting, by arch_prctl(ARCH_SET_CPUID):
 *
 *	cpuid_fault all			every way a program can use it, as a case's verdicts
 *	cpuid_fault absent		arch_prctl() says that it is not there
 *	cpuid_fault watch FILE		has it on, moves about the processors; makes FILE when it has
 *					begun; at SIGTERM a verdict: CPUID has always faulted
 *	cpuid_fault after-exec		for `all`: what exec leaves of it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012

static void say(bool good, const char *sentence)
{
	printf("@@ %s %s\n", good ? "ok" : "no", sentence);
	fflush(stdout);
}

static long get(void)
{
	return syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0);
}

static long set(unsigned long on)
{
	return syscall(SYS_arch_prctl, ARCH_SET_CPUID, on);
}

extern const char the_cpuid[];

/* The registers that CPUID had: RAX, RBX, RCX, RDX; where a signal comes from it they are kept. */
static __attribute__((noinline, noclone)) void cpuid(uint64_t r[4])
{
	asm volatile("mov 0(%0), %%rax; mov 8(%0), %%rbx; mov 16(%0), %%rcx; mov 24(%0), %%rdx\n\t"
		     ".globl the_cpuid\nthe_cpuid: cpuid\n\t"
		     "mov %%rax, 0(%0); mov %%rbx, 8(%0); mov %%rcx, 16(%0); mov %%rdx, 24(%0)"
		     : "+S"(r)
		     :
		     : "rax", "rbx", "rcx", "rdx", "memory");
}

static volatile sig_atomic_t signals, wrong;
static const uint64_t before[4] = { 0x1111111100000000, 0x2222, 0x3333333300000000, 0x4444 };

static void on_segv(int number, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number;
	signals++;
	/* #GP(0) at the instruction, nothing of it done. */
	if (info->si_code != SI_KERNEL || r[REG_TRAPNO] != 13 || r[REG_ERR] ||
	    r[REG_RIP] != (greg_t)the_cpuid || r[REG_RAX] != (greg_t)before[0] ||
	    r[REG_RBX] != (greg_t)before[1] || r[REG_RCX] != (greg_t)before[2] ||
	    r[REG_RDX] != (greg_t)before[3])
		wrong++;
	r[REG_RIP] += 2;
}

static void catch(void)
{
	struct sigaction action = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
}

static bool faults(void)
{
	uint64_t r[4];
	int had = signals;

	memcpy(r, before, sizeof(r));
	cpuid(r);
	return signals == had + 1 && !wrong && !memcmp(r, before, sizeof(r));
}

static bool works(void)
{
	uint64_t r[4];
	int had = signals;

	memcpy(r, before, sizeof(r));
	cpuid(r);
	/* Leaf 0: a maker's name. */
	return signals == had && (uint32_t)r[1] != 0x2222 && !(r[1] >> 32);
}

static int processors(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

static bool go_to(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return !sched_setaffinity(0, sizeof(cpus), &cpus);
}

static bool child_ends_well(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void itself(void)
{
	say(get() == 1 && works(), "CPUID works to begin with");
	say(!set(0) && !get(), "it can be switched off");
	say(faults(), "CPUID raises #GP(0), with every register kept");
	say(!set(0) && faults(), "switching it off twice is the same");
	say(!set(1) && get() == 1 && works(), "it can be switched on again");
}

static void heirs(const char *self)
{
	pid_t child;

	set(0);
	child = fork();
	if (!child)
		_exit(!(!get() && faults() && !set(1) && works()));
	say(child_ends_well(child), "a child has it from its parent, and gets rid of it");
	say(!get() && faults(), "which the parent does not notice");
	child = fork();
	if (!child) {
		execl(self, self, "after-exec", NULL);
		_exit(9);
	}
	say(child_ends_well(child), "exec ends it");
	set(1);
}

/* A task with it and one without take turns on each processor. */
static void neighbours(void)
{
	int to[2], from[2], cpu, round;
	bool good = true;
	pid_t child;
	char byte;

	if (pipe(to) || pipe(from)) {
		say(false, "pipes");
		return;
	}
	child = fork();
	if (!child) {
		close(to[1]);
		while (read(to[0], &byte, 1) == 1) {
			go_to(byte);
			byte = works() && get() == 1;
			if (write(from[1], &byte, 1) != 1)
				break;
		}
		_exit(0);
	}
	set(0);
	for (cpu = 0; cpu < processors(); cpu++) {
		go_to(cpu);
		for (round = 0; round < 200; round++) {
			byte = cpu;
			good &= faults() && write(to[1], &byte, 1) == 1 &&
				read(from[0], &byte, 1) == 1 && byte && faults();
		}
	}
	say(good, "another task on the same processor is not concerned");
	close(to[1]);
	waitpid(child, NULL, 0);
	set(1);
}

static void about(void)
{
	bool off = true, on = true;
	int cpu, round;

	for (round = 0; round < 20; round++) {
		set(0);
		for (cpu = 0; cpu < processors(); cpu++)
			off &= go_to(cpu) && faults();
		set(1);
		for (cpu = 0; cpu < processors(); cpu++)
			on &= go_to(cpu) && works();
	}
	say(off, "it follows the task to each processor");
	say(on, "and leaves none behind there");
}

/* How a record-and-replay debugger finds out and uses it: the tracer answers in CPUID's place. */
static void traced(void)
{
	struct user_regs_struct regs;
	bool good = false;
	uint64_t r[4];
	pid_t child;
	int status;

	child = fork();
	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		if (set(0))
			_exit(1);
		memcpy(r, before, sizeof(r));
		cpuid(r);
		_exit(!(r[0] == 0x11 && r[1] == 0x67 && r[2] == 0x75 && r[3] == 0x64));
	}
	if (waitpid(child, &status, 0) == child && WIFSTOPPED(status) &&
	    WSTOPSIG(status) == SIGSEGV && !ptrace(PTRACE_GETREGS, child, NULL, &regs)) {
		good = regs.rip == (uintptr_t)the_cpuid && regs.rax == before[0] &&
		       (ptrace(PTRACE_PEEKTEXT, child, regs.rip, NULL) & 0xffff) == 0xa20f;
		regs.rax = 0x11, regs.rbx = 0x67, regs.rcx = 0x75, regs.rdx = 0x64;
		regs.rip += 2;
		ptrace(PTRACE_SETREGS, child, NULL, &regs);
		ptrace(PTRACE_CONT, child, NULL, NULL);
	}
	say(good && child_ends_well(child), "a tracer can answer for CPUID");
}

static volatile sig_atomic_t ended;

static void on_term(int number)
{
	(void)number;
	ended = 1;
}

static int watch(const char *file)
{
	const struct timespec moment = { .tv_nsec = 2000000 };
	uint64_t rounds = 0, failed = 0;
	char text[100];

	signal(SIGTERM, on_term);
	if (set(0)) {
		say(false, "arch_prctl() works");
		return 1;
	}
	close(open(file, O_CREAT | O_WRONLY, 0600));
	for (; !ended; rounds++) {
		/* One that is offline refuses. */
		go_to(rounds % sysconf(_SC_NPROCESSORS_CONF));
		failed += !faults();
		nanosleep(&moment, NULL);
		failed += !faults() || get();
	}
	snprintf(text, sizeof(text), "CPUID has faulted all the while (%lu rounds, %lu without)",
		 (unsigned long)rounds, (unsigned long)failed);
	say(rounds > 10 && !failed, text);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	catch();
	if (!strcmp(what, "after-exec"))
		return !(get() == 1 && works());
	if (!strcmp(what, "watch") && argc == 3)
		return watch(argv[2]);
	if (!strcmp(what, "absent")) {
		say(set(0) == -1 && errno == ENODEV && get() == 1 && works(),
		    "arch_prctl() says that there is no such thing");
		return 0;
	}
	if (strcmp(what, "all"))
		return 2;
	itself();
	heirs(argv[0]);
	neighbours();
	about();
	traced();
	return 0;
}
