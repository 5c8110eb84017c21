// SPDX-License-Identifier: GPL-2.0-only
#include "native.h"

#include <asm/ldt.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE 0x10000000UL	/* below 4 GiB, for 32-bit code: one page, and none behind it */
#define DATA 0x20000000UL	/* where all registers point */
#define PAGE 4096UL
#define CODE_64 0x33		/* Linux's selectors for programs */
#define CODE_32 0x23
#define CODE_16 0x07		/* LDT entry 0 */

static u64 start;	/* RIP of the instruction; an offset in 16-bit code */

static void on_signal(int number, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;
	const greg_t *regs = u->uc_mcontext.gregs;
	bool fetching = regs[REG_TRAPNO] == 14 && (regs[REG_ERR] & 16);

	if (number == SIGILL)
		_exit((u64)regs[REG_RIP] == start ? NATIVE_UD : NATIVE_TAKEN);
	/* The fault of the next instruction has another RIP: this one has been executed. */
	if (number == SIGSEGV && fetching && (u64)info->si_addr == CODE + PAGE &&
	    (u64)regs[REG_RIP] == start)
		_exit(NATIVE_LONGER);
	_exit(NATIVE_TAKEN);
}

static struct {
	u32 offset;
	u16 selector;
} target;

static void __attribute__((noreturn)) enter(void)
{
	asm volatile("mov %0, %%eax; mov %%rax, %%rcx; mov %%rax, %%rdx; mov %%rax, %%rbx\n\t"
		     "mov %%rax, %%rsp; mov %%rax, %%rbp; mov %%rax, %%rsi; mov %%rax, %%rdi\n\t"
		     "mov %%rax, %%r8; mov %%rax, %%r9; mov %%rax, %%r10; mov %%rax, %%r11\n\t"
		     "mov %%rax, %%r12; mov %%rax, %%r13; mov %%rax, %%r14; mov %%rax, %%r15\n\t"
		     "ljmp *%1" : : "i"(DATA + 16 * PAGE), "m"(target));
	__builtin_unreachable();
}

static void child(enum decode_mode mode, const u8 *bytes, u32 count)
{
	static const int signals[] = { SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGSYS };
	static u8 stack[65536];
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct user_desc segment = { .base_addr = CODE, .limit = 0xffff, .contents = 2 };
	u64 offset = PAGE - count;
	u8 *code;
	u32 i;

	code = mmap((void *)CODE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0);
	if (code == MAP_FAILED ||
	    mmap((void *)(CODE + PAGE), PAGE, PROT_NONE, flags, -1, 0) == MAP_FAILED ||
	    mmap((void *)DATA, 64 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
		_exit(NATIVE_NONE);
	memcpy(code + offset, bytes, count);
	sigaltstack(&alternate, NULL);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	/* Check's handler, which is inherited, would kill the whole process group. */
	signal(SIGALRM, SIG_DFL);
	alarm(2);
	start = mode == DECODE_16 ? offset : CODE + offset;
	if (mode == DECODE_16 && syscall(SYS_modify_ldt, 1, &segment, sizeof(segment)))
		_exit(NATIVE_NONE);
	target.offset = start;
	target.selector = mode == DECODE_64 ? CODE_64 : mode == DECODE_32 ? CODE_32 : CODE_16;
	enter();
}

enum native native_try(enum decode_mode mode, const u8 *bytes, u32 count)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return NATIVE_NONE;
	if (pid == 0)
		child(mode, bytes, count);
	if (waitpid(pid, &status, 0) != pid)
		return NATIVE_NONE;
	/* The alarm, or a signal that nobody handles: it was no #UD. */
	return WIFEXITED(status) ? (enum native)WEXITSTATUS(status) : NATIVE_TAKEN;
}
