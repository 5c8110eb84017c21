// SPDX-License-Identifier: GPL-2.0-only
/*
 * drive.c - cases run by signals: each case ends in one, and its handler notes what the case did,
 * puts the next case's registers into the context and returns into it. So a case costs one signal,
 * and every register, the stack pointer and the flags may be anything.
 */
#include <asm/prctl.h>
#include <err.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "conform.h"

static void next_case(struct driver *d, ucontext_t *context)
{
	case_make(&d->c, d->seed, d->suite, d->thread, d->next);
	arena_prepare(&d->c, false);
	regs_of_case(&d->c, &d->before);
	regs_to_context(&d->before, context);
}

static void note(struct driver *d, int number, const siginfo_t *info, const ucontext_t *context)
{
	struct conf_record *r = &d->rec;
	struct regs after;
#ifdef __x86_64__
	const greg_t *reg = context->uc_mcontext.gregs;
	uint64_t cr2 = reg[REG_CR2];
#else
	const greg_t *reg = context->uc_mcontext.gregs;
	uint64_t cr2 = context->uc_mcontext.cr2;
#endif

	__builtin_memset(r, 0, sizeof(*r));
	regs_from_context(&after, context);
	regs_compare(&d->before, &after, r);
	r->signal = number;
	r->code = info->si_code;
	r->trap = reg[REG_TRAPNO];
	r->error = reg[REG_ERR];
	r->addr = (uintptr_t)info->si_addr;
	if (cr2 != d->cr2 && r->trap != 14)
		r->state |= CR2_CHANGED;
	d->cr2 = cr2;
	arena_collect(&d->c, r);
	d->used += record_pack(r, d->out + d->used);
}

static struct driver *driver_here(void)
{
	uintptr_t bottom = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)(ALT_STACK - 1);

	return *(struct driver **)bottom;
}

__attribute__((used)) static void on_signal(int number, siginfo_t *info, void *context)
{
	struct driver *d = driver_here();

	if (!d->running) {
		/* The INT3 of drive_block() */
		d->saved = *(ucontext_t *)context;
		d->running = true;
	} else {
		note(d, number, info, context);
		d->next++;
	}
	if (d->next < d->end) {
		next_case(d, context);
		return;
	}
	d->running = false;
	*(mcontext_t *)&((ucontext_t *)context)->uc_mcontext = d->saved.uc_mcontext;
}

/* Linux enters a handler with AC as it was, and C code is not written for it. */
void signal_entry(int number, siginfo_t *info, void *context);
#ifdef __x86_64__
asm(".globl signal_entry\n"
    "signal_entry:\n"
    "	pushfq\n"
    "	andl $~0x40000, (%rsp)\n"
    "	popfq\n"
    "	jmp on_signal\n");
#else
asm(".globl signal_entry\n"
    "signal_entry:\n"
    "	pushfl\n"
    "	andl $~0x40000, (%esp)\n"
    "	popfl\n"
    "	jmp on_signal\n");
#endif

/* Of this thread. */
void drive_setup(struct driver *d)
{
	static const int caught[] = { SIGSEGV, SIGILL, SIGTRAP, SIGBUS, SIGFPE };
	struct sigaction action = {
		.sa_sigaction = signal_entry,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};
	stack_t stack = { .ss_size = ALT_STACK };
	unsigned int i;

	stack.ss_sp = aligned_alloc(ALT_STACK, ALT_STACK);
	if (!stack.ss_sp || sigaltstack(&stack, NULL))
		err(1, "sigaltstack");
	*(struct driver **)stack.ss_sp = d;
	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		if (sigaction(caught[i], &action, NULL))
			err(1, "sigaction");
}

#ifdef __x86_64__
long sys_call(long number, long a, long b, long c, long d)
{
	register long fourth asm("r10") = d;
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
		     : "rcx", "r11", "memory");
	return result;
}

/* Until the block is done there is no thread-local storage. */
void drive_block(struct driver *d)
{
	uint64_t arena = ARENA_BASE + d->thread * ARENA_STRIDE;
	uint64_t fs, gs;

	sys_call(SYS_arch_prctl, ARCH_GET_FS, (long)&fs, 0, 0);
	sys_call(SYS_arch_prctl, ARCH_GET_GS, (long)&gs, 0, 0);
	sys_call(SYS_arch_prctl, ARCH_SET_GS, arena_gs(arena), 0, 0);
	sys_call(SYS_arch_prctl, ARCH_SET_FS, arena_fs(arena), 0, 0);
	asm volatile("int3" : : : "memory");
	sys_call(SYS_arch_prctl, ARCH_SET_FS, fs, 0, 0);
	sys_call(SYS_arch_prctl, ARCH_SET_GS, gs, 0, 0);
}
#else
long sys_call(long number, long a, long b, long c, long d)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d)
		     : "memory");
	return result;
}

void drive_block(struct driver *d)
{
	(void)d;
	asm volatile("int3" : : : "memory");
}
#endif
