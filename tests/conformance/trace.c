// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace.c - cases run in a child that is traced: the tracer puts the registers in, lets the child
 * run or step, and looks. The arena is shared between the two. The cause of a fault is told to
 * signal handlers only, so these records have neither exception number nor error code.
 */
#include <asm/prctl.h>
#include <err.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conform.h"

#ifdef __x86_64__
#define R(name) offsetof(struct user_regs_struct, r##name)
static const size_t offsets[16] = {
	R(ax), R(cx), R(dx), R(bx), R(sp), R(bp), R(si), R(di),
	R(8),  R(9),  R(10), R(11), R(12), R(13), R(14), R(15),
};
#define GPRS 16
#define IP(r) ((r)->rip)
#define FLAGS(r) ((r)->eflags)
#else
#define R(name) offsetof(struct user_regs_struct, e##name)
static const size_t offsets[8] = {
	R(ax), R(cx), R(dx), R(bx), R(sp), R(bp), R(si), R(di),
};
#define GPRS 8
#define IP(r) ((r)->eip)
#define FLAGS(r) ((r)->eflags)
#endif

static unsigned long *word(struct user_regs_struct *user, unsigned int reg)
{
	return (unsigned long *)((char *)user + offsets[reg]);
}

static void trace(long request, pid_t child, void *data)
{
	long error = sys_call(SYS_ptrace, request, child, 0, (long)data);

	if (error)
		errx(1, "ptrace %ld: error %ld", request, -error);
}

/* Returns the status of a child that has stopped. */
static int wait_for(pid_t child)
{
	int status = 0;

	if (sys_call(SYS_wait4, child, (long)&status, 0, 0) != child || !WIFSTOPPED(status))
		errx(1, "the child ended, status %#x", status);
	return status;
}

static void put_regs(pid_t child, const struct regs *r, uint64_t arena)
{
	struct user_regs_struct user;
	unsigned int i;

	trace(PTRACE_GETREGS, child, &user);
	for (i = 0; i < GPRS; i++)
		*word(&user, i) = r->gpr[i];
	IP(&user) = r->ip;
	FLAGS(&user) = r->flags;
#ifdef __x86_64__
	user.fs_base = arena_fs(arena);
	user.gs_base = arena_gs(arena);
	/* No system call is to be started again. */
	user.orig_rax = -1;
#else
	(void)arena;
	user.xes = r->seg[SEG_ES];
	user.xcs = r->seg[SEG_CS];
	user.xss = r->seg[SEG_SS];
	user.xds = r->seg[SEG_DS];
	user.xfs = r->seg[SEG_FS];
	user.xgs = r->seg[SEG_GS];
	user.orig_eax = -1;
#endif
	trace(PTRACE_SETREGS, child, &user);
}

static void get_regs(pid_t child, struct regs *r)
{
	struct user_regs_struct user;
	unsigned int i;

	trace(PTRACE_GETREGS, child, &user);
	memset(r, 0, sizeof(*r));
	for (i = 0; i < GPRS; i++)
		r->gpr[i] = *word(&user, i);
	r->ip = IP(&user);
	r->flags = FLAGS(&user);
#ifdef __x86_64__
	r->seg[SEG_CS] = user.cs;
	r->seg[SEG_SS] = user.ss;
#else
	r->seg[SEG_ES] = user.xes;
	r->seg[SEG_CS] = user.xcs;
	r->seg[SEG_SS] = user.xss;
	r->seg[SEG_DS] = user.xds;
	r->seg[SEG_FS] = user.xfs;
	r->seg[SEG_GS] = user.xgs;
#endif
}

pid_t trace_start(void)
{
	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(1);
		raise(SIGSTOP);
		_exit(1);
	}
	wait_for(child);
	return child;
}

void trace_block(struct driver *d, pid_t child)
{
	bool step = conf_suites[d->suite].way == WAY_PTRACE_STEP;
	struct conf_record *r = &d->rec;
	struct regs after;
	siginfo_t info;
	int status;

	for (; d->next < d->end; d->next++) {
		case_make(&d->c, d->seed, d->suite, d->thread, d->next);
		arena_prepare(&d->c, true);
		regs_of_case(&d->c, &d->before);
		put_regs(child, &d->before, d->c.arena);
		/* What stopped it before is not delivered. */
		trace(step ? PTRACE_SINGLESTEP : PTRACE_CONT, child, NULL);
		status = wait_for(child);
		trace(PTRACE_GETSIGINFO, child, &info);
		memset(r, 0, sizeof(*r));
		get_regs(child, &after);
		regs_compare(&d->before, &after, r);
		r->signal = WSTOPSIG(status);
		r->code = info.si_code;
		r->addr = (uintptr_t)info.si_addr;
		arena_collect(&d->c, r);
		d->used += record_pack(r, d->out + d->used);
	}
}

void trace_end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}
