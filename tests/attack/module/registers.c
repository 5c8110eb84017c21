// SPDX-License-Identifier: GPL-2.0-only
/*
 * registers.c - CR0 and CR4 without the bits that keep ring 0 off what it should not touch.
 */
#include <linux/irqflags.h>
#include <asm/cpufeature.h>
#include <asm/processor-flags.h>

#include "hostile.h"

static unsigned long read_cr(unsigned int cr)
{
	unsigned long value;

	if (cr)
		asm volatile("mov %%cr4, %0" : "=r"(value) : : "memory");
	else
		asm volatile("mov %%cr0, %0" : "=r"(value) : : "memory");
	return value;
}

#define TRY_MOV(name, cr)                                                                          \
	static int name(unsigned long value)                                                       \
	{                                                                                          \
		int trap;                                                                          \
                                                                                                   \
		asm volatile("1: mov %[value], %%" cr "\n\t"                                       \
			     "mov $-1, %%eax\n"                                                    \
			     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)                                     \
			     : "=a"(trap)                                                          \
			     : [value] "r"(value)                                                  \
			     : "memory");                                                          \
		return trap;                                                                       \
	}
TRY_MOV(try_mov_cr0, "cr0")
TRY_MOV(try_mov_cr4, "cr4")

static int try_mov(unsigned int cr, unsigned long value)
{
	return cr ? try_mov_cr4(value) : try_mov_cr0(value);
}

static int try_lmsw(u16 value)
{
	int trap;

	asm volatile("1: lmsw %w[value]\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap)
		     : [value] "r"(value)
		     : "memory");
	return trap;
}

/* Whether there is something to clear: a register, and bits of it that are set. */
static unsigned long bits_set(unsigned int cr, unsigned long bits)
{
	unsigned long now = read_cr(cr);

	if ((now & bits) == bits)
		return now;
	impossible("CR%u is 0x%lx", cr, now);
	return 0;
}

#define CR(n, bits) ((unsigned long)(n) << 60 | (bits))
#define CR_NUMBER(arg) ((arg) >> 60)
#define CR_BITS(arg) ((arg) & ~(0xfUL << 60))

static void clear_by_mov(const struct attack *a)
{
	unsigned int cr = CR_NUMBER(a->arg);
	unsigned long bits = CR_BITS(a->arg), was = bits_set(cr, bits), now, flags;
	int trap;

	if (!was)
		return;
	local_irq_save(flags);
	trap = try_mov(cr, was & ~bits);
	now = read_cr(cr);
	if (now != was)
		try_mov(cr, was);
	local_irq_restore(flags);
	came_of(trap, now != was);
}

/* One write that asks for what is allowed and for what is not: nothing of it may come true. */
static void clear_beside(const struct attack *a)
{
	unsigned int cr = CR_NUMBER(a->arg);
	unsigned long bits = CR_BITS(a->arg), was = bits_set(cr, bits), now, flags;
	unsigned long beside = cr ? X86_CR4_TSD : X86_CR0_AM;
	int trap;

	if (!was)
		return;
	local_irq_save(flags);
	trap = try_mov(cr, (was & ~bits) ^ beside);
	now = read_cr(cr);
	if (now != was)
		try_mov(cr, was);
	local_irq_restore(flags);
	came_of(trap, now != was);
}

/* MOV from RDI to CR0 or CR4 in one of the kernel's functions. */
static unsigned long mov_in(const char *function, unsigned int cr)
{
	const u8 wanted[] = { 0x0f, 0x22, 0xc7 | cr << 3 };
	const u8 *at = (const u8 *)find(function);
	unsigned int i;

	for (i = 0; at && i < 128; i++)
		if (!memcmp(at + i, wanted, sizeof(wanted)))
			return (unsigned long)(at + i);
	return 0;
}

static void clear_by_gadget(const struct attack *a)
{
	unsigned int cr = CR_NUMBER(a->arg);
	unsigned long bits = CR_BITS(a->arg), was = bits_set(cr, bits), now, at, flags;
	int trap;

	at = mov_in(cr ? "native_write_cr4" : "native_write_cr0", cr);
	if (!at)
		impossible("the kernel's function has no such MOV");
	if (!at || !was)
		return;
	local_irq_save(flags);
	trap = one_step(at, was & ~bits);
	now = read_cr(cr);
	if (now != was)
		try_mov(cr, was);
	local_irq_restore(flags);
	came_of(trap, now != was);
}

/* LMSW reaches PE, MP, EM, TS: MP away, or TS into it. */
static void change_by_lmsw(const struct attack *a)
{
	unsigned long was, now, flags;
	int trap;

	local_irq_save(flags);
	was = read_cr(0);
	trap = try_lmsw(was ^ a->arg);
	now = read_cr(0);
	if (now != was) {
		/* It cannot clear TS by itself if that is what is locked. */
		asm volatile("clts" : : : "memory");
		try_lmsw(was);
	}
	local_irq_restore(flags);
	came_of(trap, now != was);
}

const struct attack register_attacks[] = { { "wp-mov", clear_by_mov, CR(0, X86_CR0_WP) },
					   { "smep-mov", clear_by_mov, CR(4, X86_CR4_SMEP) },
					   { "smap-mov", clear_by_mov, CR(4, X86_CR4_SMAP) },
					   { "wp-gadget", clear_by_gadget, CR(0, X86_CR0_WP) },
					   { "smep-gadget", clear_by_gadget, CR(4, X86_CR4_SMEP) },
					   { "smap-gadget", clear_by_gadget, CR(4, X86_CR4_SMAP) },
					   { "wp-beside", clear_beside, CR(0, X86_CR0_WP) },
					   { "smep-smap-beside", clear_beside,
					     CR(4, X86_CR4_SMEP | X86_CR4_SMAP) },
					   { "mp-lmsw", change_by_lmsw, X86_CR0_MP },
					   { "ts-lmsw", change_by_lmsw, X86_CR0_TS },
					   {} };
