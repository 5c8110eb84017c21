// SPDX-License-Identifier: GPL-2.0-only
/*
 * anything SEED FIRST COUNT [no-int]: any instruction that a program can make, one a case, and what
 * comes of it, one a line: to be compared between a bare machine and one that is held. anything
 * compare BARE HELD: that; anything_compare.c.
 *
 * The instruction lies in code that ends in breakpoints, so that a signal comes of everything. Its
 * handler notes the registers, has them as the C compiler wants them again, and goes on with the
 * next case. A child does that; if one ends it, or a case lasts too long, that is the outcome.
 * System calls from anywhere but here are signals, too.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "anything.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif
#define DISPATCH_BLOCK 1

#define LINE_BYTES 384
#define CS_64 0x33
#define CS_32 0x23
#define SS_USER 0x2b

/**
 * struct outcome - what came of a case
 * @signal: the signal; 0: too long
 * @code: what the kernel says of it
 * @address: the same
 * @gregs: registers, as the C library calls them
 * @fs: its base
 * @gs: its base
 * @fpu: as FXSAVE stores it
 */
struct outcome {
	int signal, code;
	unsigned long address;
	gregset_t gregs;
	unsigned long fs, gs;
	unsigned char fpu[512];
};

/* The case that begins, and how its floating-point unit is then. */
static struct anything now;
static unsigned char fpu[512] __attribute__((aligned(16)));
unsigned long landing_stack __attribute__((used));

/* Sends us SIGUSR1, whose handler goes into a case; comes back at landing, where the case's own
 * signal leads. */
void enter(long pid, long tid);
void landing(void);
asm(".pushsection .text\n"
    ".globl enter, landing\n"
    "enter:\n"
    "	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "	mov %rsp, landing_stack(%rip)\n"
    "	mov $234, %eax; mov $10, %edx; syscall\n" /* tgkill, SIGUSR1 */
    "	ud2\n"
    "landing:\n"
    "	mov landing_stack(%rip), %rsp\n"
    "	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "	cld\n"
    "	ret\n"
    ".popsection\n");

static struct outcome outcome;
static unsigned long own_fs;
static long pid, tid;
static int no_int;
static volatile unsigned long current, ticked;
static char block = DISPATCH_BLOCK;

/* No errno: thread-local memory is the case's own affair meanwhile. */
static long call(long number, long a, long b)
{
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(number), "D"(a), "S"(b)
		     : "rcx", "r11", "memory");
	return result;
}

static void handler(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	int i;

	/* The case's AC is in force, too. */
	asm volatile("pushfq; andq $~0x40000, (%%rsp); popfq" ::: "memory", "cc");
	if (number == SIGVTALRM && ticked != current) {
		ticked = current;
		return;
	}
	call(SYS_arch_prctl, ARCH_GET_FS, (long)&outcome.fs);
	call(SYS_arch_prctl, ARCH_GET_GS, (long)&outcome.gs);
	call(SYS_arch_prctl, ARCH_SET_FS, own_fs);
	call(SYS_arch_prctl, ARCH_SET_GS, 0);
	outcome.signal = number == SIGVTALRM ? 0 : number;
	outcome.code = info->si_code;
	outcome.address =
		number == SIGSYS ? (unsigned)info->si_syscall : (unsigned long)info->si_addr;
	for (i = 0; i < NGREG; i++)
		outcome.gregs[i] = c->uc_mcontext.gregs[i];
	memcpy(outcome.fpu, c->uc_mcontext.fpregs, sizeof(outcome.fpu));
	c->uc_mcontext.gregs[REG_RIP] = (unsigned long)landing;
	c->uc_mcontext.gregs[REG_EFL] = 0x202;
	c->uc_mcontext.gregs[REG_CSGSFS] = CS_64 | (unsigned long)SS_USER << 48;
}

static const int order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
			       REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
			       REG_R12, REG_R13, REG_R14, REG_R15 };

/* Linux itself brings us to code of another size: emulators read the stack of an IRET outside ring
 * 0 as the kernel would. */
static void begin(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	unsigned char *area = (void *)c->uc_mcontext.fpregs;
	unsigned int magic, i;

	(void)number;
	(void)info;
	memcpy(area, fpu, 416);
	memcpy(&magic, area + 464, sizeof(magic));
	/* The x87 and SSE parts of an XSAVE area are in use. */
	if (magic == 0x46505853)
		area[512] |= 3;
	for (i = 0; i < 16; i++)
		c->uc_mcontext.gregs[order[i]] = now.gpr[i];
	c->uc_mcontext.gregs[REG_RIP] = now.rip;
	c->uc_mcontext.gregs[REG_EFL] = now.flags;
	c->uc_mcontext.gregs[REG_CSGSFS] = (now.bits == 64 ? CS_64 : CS_32) | (unsigned long)SS_USER
										      << 48;
	asm volatile("mov %0, %%ds; mov %0, %%es; mov %1, %%fs; mov %1, %%gs"
		     :
		     : "r"(SS_USER), "r"(0));
	call(SYS_arch_prctl, ARCH_SET_FS, DATA + 0x400);
	call(SYS_arch_prctl, ARCH_SET_GS, DATA + 0x800);
}

/* --- a case --- */

static void fill_data(void)
{
	unsigned long *at = (unsigned long *)DATA;
	unsigned int i;

	/* Frames of far returns and IRET to where the code's breakpoints are, in every form. */
	for (i = 0; i < DATA_BYTES / sizeof(*at); i++)
		at[i] = 0x1122334455667788UL * (i + 1);
	at = (unsigned long *)STACK;
	at[0] = CODE + 0x800 + ((unsigned long)CS_32 << 32);
	at[1] = CS_64;
	at[2] = 0x202;
	at[3] = STACK;
	at[4] = SS_USER;
}

static void run(const struct anything *a)
{
	memset((void *)CODE, 0xcc, 0x2000);
	memcpy((void *)a->rip, a->insn,
	       a->rip + a->length > CODE + 0x2000 ? CODE + 0x2000 - a->rip : a->length);
	fill_data();
	memset(&outcome, 0, sizeof(outcome));
	now = *a;
	current++;
	enter(pid, tid);
}

/* --- in words --- */

/* Of whole words. */
static unsigned long hash_more(unsigned long hash, const void *bytes, size_t size)
{
	const unsigned long *at = bytes;

	for (; size; size -= sizeof(*at))
		hash = (hash ^ *at++) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 32;
}

/* "RAX=... RDX=...", those that have changed. */
static int registers(const struct anything *a, char *out)
{
	static const char *const names[16] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di",
					       "8",  "9",  "10", "11", "12", "13", "14", "15" };
	int i, n = 0;

	for (i = 0; i < 16; i++) {
		unsigned long now = outcome.gregs[order[i]];
		unsigned long mask = a->bits == 32 ? 0xffffffff : ~0UL;

		if ((now ^ a->gpr[i]) & mask)
			n += sprintf(out + n, " %s=%lx", names[i], now & mask);
	}
	if (!n)
		n += sprintf(out, " -");
	return n;
}

static void describe(const struct anything *a, unsigned long number, char *out)
{
	static const char *const about[] = { "any", "umip", "cpuid", "time", "random" };
	unsigned long trap = outcome.gregs[REG_TRAPNO], rip = outcome.gregs[REG_RIP], state, data,
		      flags;
	int ran = rip != a->rip, i, n;

	n = sprintf(out, "%lu %s %d ", number, about[a->about], a->bits);
	for (i = 0; i < a->length; i++)
		n += sprintf(out + n, "%02x", a->insn[i]);
	if (a->about == ABOUT_CPUID)
		n += sprintf(out + n, " leaf %x.%x", (unsigned)a->gpr[0], (unsigned)a->gpr[1]);
	if (!outcome.signal) {
		sprintf(out + n, " : lasts\n");
		return;
	}
	n += sprintf(out + n, " : %d %d at %lx", outcome.signal, outcome.code, outcome.address);
	if (outcome.signal != SIGSYS)
		n += sprintf(out + n, " trap %lu %lx", trap, (unsigned long)outcome.gregs[REG_ERR]);
	if (outcome.signal != SIGSYS && trap == 14)
		n += sprintf(out + n, " cr2 %lx", (unsigned long)outcome.gregs[REG_CR2]);
	flags = outcome.gregs[REG_EFL];
	/* SYSENTER ends in Linux's own page: its arithmetic flags are what the kernel's entry has
	 * left. */
	if (rip >> 24 == 0xf7)
		flags &= ~0x8d5UL;
	n += sprintf(out + n, " rip %lx flags %lx cs %lx fs %lx gs %lx regs", rip, flags,
		     (unsigned long)outcome.gregs[REG_CSGSFS], outcome.fs, outcome.gs);
	if (ran && a->about >= ABOUT_TIME)
		n += sprintf(out + n, " (any)");
	else
		n += registers(a, out + n);
	/* Where the last x87 instruction was and what comes behind the registers is Linux's. */
	state = hash_more(hash_more(0, outcome.fpu, 8), outcome.fpu + 24, 416 - 24);
	data = hash_more(0, (void *)DATA, DATA_BYTES);
	fill_data();
	sprintf(out + n, " data %lx fpu %lx\n", data ^ hash_more(0, (void *)DATA, DATA_BYTES),
		state);
}

/* --- all of them --- */

static void map(unsigned long at, size_t bytes, int rights)
{
	if (mmap((void *)at, bytes, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
}

/* Code of 16 and of 32 bits, data that grows down, that is not there, that cannot be written. */
static void make_ldt(void)
{
	struct user_desc entries[] = {
		{ 0, CODE, 0x1fff, 0, MODIFY_LDT_CONTENTS_CODE, 0, 0, 0, 1, 0 },
		{ 1, 0, 0xfffff, 1, MODIFY_LDT_CONTENTS_CODE, 0, 1, 0, 1, 0 },
		{ 2, DATA, 0x1ff, 1, MODIFY_LDT_CONTENTS_STACK, 0, 0, 0, 1, 0 },
		{ 3, DATA, 0xfff, 1, MODIFY_LDT_CONTENTS_DATA, 0, 0, 1, 1, 0 },
		{ 4, DATA, 0xfff, 1, MODIFY_LDT_CONTENTS_DATA, 1, 0, 0, 1, 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		syscall(SYS_modify_ldt, 1, &entries[i], sizeof(entries[i]));
}

static void prepare(void)
{
	extern char __executable_start, etext;
	static const int numbers[] = {
		SIGSEGV, SIGILL, SIGTRAP, SIGFPE, SIGBUS, SIGSYS, SIGVTALRM
	};
	struct itimerval often = { { 0, 500000 }, { 0, 500000 } };
	stack_t stack = { .ss_size = 0x20000 };
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	unsigned int i;

	map(CODE, 0x2000, PROT_READ | PROT_WRITE | PROT_EXEC);
	map(DATA, DATA_BYTES, PROT_READ | PROT_WRITE);
	map(READONLY, 0x1000, PROT_READ);
	make_ldt();
	stack.ss_sp = malloc(stack.ss_size);
	sigaltstack(&stack, NULL);
	sigfillset(&action.sa_mask);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
	syscall(SYS_arch_prctl, ARCH_GET_FS, &own_fs);
	asm volatile("fninit; fxsave %0" : "=m"(fpu));
	memset(fpu + 32, 0x5a, 8);
	memset(fpu + 160, 0xa5, 256);
	pid = getpid();
	tid = syscall(SYS_gettid);
	action.sa_sigaction = begin;
	sigaction(SIGUSR1, &action, NULL);
	setitimer(ITIMER_VIRTUAL, &often, NULL);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, &__executable_start,
		  &etext - &__executable_start, &block)) {
		perror("prctl");
		exit(2);
	}
}

struct shared {
	unsigned long next;
	size_t length;
	char text[];
};

static void child(unsigned long seed, unsigned long end, struct shared *shared)
{
	struct anything a;

	prepare();
	while (shared->next < end) {
		anything_make(seed, shared->next, &a);
		if (no_int && a.opcode == 0xcd) {
			shared->next++;
			continue;
		}
		run(&a);
		describe(&a, shared->next, shared->text + shared->length);
		shared->length += strlen(shared->text + shared->length);
		shared->next++;
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned long seed, first, count;
	struct shared *shared;
	cpu_set_t cpu;
	int status;

	if (argc == 4 && !strcmp(argv[1], "compare"))
		return anything_compare(argv[2], argv[3]);
	no_int = argc == 5 && !strcmp(argv[4], "no-int");
	if (argc != 4 && !no_int)
		return 2;
	seed = strtoul(argv[1], NULL, 0);
	first = strtoul(argv[2], NULL, 0);
	count = strtoul(argv[3], NULL, 0);
	/* The same addresses each time, and the same processor, whose number CPUID tells. */
	if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
		personality(ADDR_NO_RANDOMIZE);
		execv("/proc/self/exe", argv);
		return 2;
	}
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	shared = mmap(NULL, sizeof(*shared) + (count + 1) * LINE_BYTES * 2, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	shared->next = first;
	while (shared->next < first + count) {
		pid_t one = fork();

		if (!one)
			child(seed, first + count, shared);
		if (one < 0 || waitpid(one, &status, 0) < 0)
			return 2;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
			return 2;
		if (shared->next < first + count)
			shared->length += sprintf(shared->text + shared->length,
						  "%lu : ends with %x\n", shared->next, status);
		shared->next += shared->next < first + count;
	}
	fwrite(shared->text, 1, shared->length, stdout);
	return 0;
}
