/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conform.h - the program that runs cases on the machine under test.
 *
 * It is linked statically, but what runs between two cases calls nothing of libc: at that time the
 * FS and GS bases and the segment registers are those of a case.
 */
#ifndef CONFORMANCE_CONFORM_H
#define CONFORMANCE_CONFORM_H

#include <signal.h>
#include <sys/types.h>
#include <ucontext.h>

#include "record.h"

#define ALT_STACK 0x10000u

/* Registers in the order of their numbers, whatever the interface they came through. */
struct regs {
	uint64_t gpr[16];
	uint64_t ip;
	uint32_t flags;
	uint16_t seg[SEGS];
};

/**
 * struct driver - one thread that runs cases
 * @c: the case under way
 * @before: registers that it started with
 * @rec: what it did
 * @next: index of the case under way
 * @end: where this block ends
 * @saved: the registers that the block's end goes back to
 * @running: a block is under way
 * @cr2: what the last context said of CR2
 * @out: where packed records go
 * @used: how many bytes of it are filled
 *
 * A pointer to it stands at the bottom of the thread's alternate stack, where a signal handler
 * finds it without thread-local storage.
 */
struct driver {
	struct conf_case c;
	struct regs before;
	struct conf_record rec;
	uint64_t seed;
	unsigned int suite, thread;
	uint32_t next, end;
	ucontext_t saved;
	bool running;
	uint64_t cr2;
	uint8_t *out;
	size_t used;
};

/* arena.c; @shared: with a child of ours, so not private */
void arena_map(uint64_t arena, bool shared);
void arena_prepare(const struct conf_case *c, bool shared);
/* Fills in what the case did to memory, and undoes it. */
void arena_collect(const struct conf_case *c, struct conf_record *r);
/* Bytes that changed and that nobody expected; undone too. */
uint32_t arena_sweep(uint64_t arena);
void arena_set_ldt(uint64_t arena);

/* regs.c */
void regs_of_case(const struct conf_case *c, struct regs *r);
void regs_from_context(struct regs *r, const ucontext_t *context);
void regs_to_context(const struct regs *r, ucontext_t *context);
void regs_compare(const struct regs *before, const struct regs *after, struct conf_record *rec);

/* drive.c: runs d->next to d->end by signals. */
void drive_setup(struct driver *d);
void drive_block(struct driver *d);

/* trace.c: the same on a child that is traced. */
pid_t trace_start(void);
void trace_block(struct driver *d, pid_t child);
void trace_end(pid_t child);

/*
 * A system call without libc, which may need the thread pointer. Of 32-bit code by INT 0x80, so
 * that it ends in IRET: after SYSRET, Bochs keeps whatever SS had in the kernel, and a stack of 16
 * bits with it.
 */
long sys_call(long number, long a, long b, long c, long d);

#endif
