// SPDX-License-Identifier: GPL-2.0-only
/*
 * ports.c - the scratch registers of serial lines: whatever is written there can be read back, and
 * nobody else cares.
 */
#include <linux/io.h>

#include "hostile.h"

#define SCRATCH1 0x3ff
#define SCRATCH3 0x3ef

enum { OUT_BYTE, OUT_WORD_BELOW, OUT_STRING };

static int try_outb(u16 port, u8 value)
{
	int trap;

	asm volatile("1: outb %%al, %%dx\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap)
		     : "a"(value), "d"(port));
	return trap;
}

static int try_outw(u16 port, u16 value)
{
	int trap;

	asm volatile("1: outw %%ax, %%dx\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap)
		     : "a"(value), "d"(port));
	return trap;
}

static int try_outs(u16 port, const u8 *bytes, unsigned long count)
{
	int trap;

	asm volatile("1: rep outsb\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap), "+S"(bytes), "+c"(count)
		     : "d"(port)
		     : "memory");
	return trap;
}

static int try_inb(u16 port, u8 *value)
{
	int trap, low;

	asm volatile("1: inb %%dx, %%al\n\t"
		     "movzbl %%al, %[low]\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap), [low] "=&r"(low)
		     : "d"(port));
	*value = low;
	return trap;
}

static void write_scratch(const struct attack *a)
{
	u8 was = inb(SCRATCH1), now;
	u8 bytes[] = { 0x11, 0x22, ~was };
	int trap;

	switch (a->arg) {
	case OUT_BYTE: trap = try_outb(SCRATCH1, ~was); break;
	case OUT_WORD_BELOW: trap = try_outw(SCRATCH1 - 1, (u16)~was << 8); break;
	default: trap = try_outs(SCRATCH1, bytes, sizeof(bytes));
	}
	now = inb(SCRATCH1);
	if (now != was)
		try_outb(SCRATCH1, was);
	/* A device that answers to bytes alone may drop the wide one: it went out all the same. */
	came_of(trap, now != was || (a->arg == OUT_WORD_BELOW && trap == NO_TRAP));
}

static void read_scratch(const struct attack *a)
{
	u8 value = 0;
	int trap = try_outb(SCRATCH3, 0x5a);

	if (trap == NO_TRAP)
		trap = try_inb(SCRATCH3, &value);
	else
		try_inb(SCRATCH3, &value);
	came_of(trap, value == 0x5a);
}

const struct attack port_attacks[] = { { "port-out", write_scratch, OUT_BYTE },
				       { "port-wide", write_scratch, OUT_WORD_BELOW },
				       { "port-outs", write_scratch, OUT_STRING },
				       { "port-in", read_scratch },
				       {} };
