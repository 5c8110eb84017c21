/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile.h - a kernel module that attacks the kernel it runs in, the way an intruder would who has
 * got into ring 0. Each attack has a name; it says whether it had its way, and puts back what it
 * has changed.
 */
#ifndef OLDGUARD_ATTACK_HOSTILE_H
#define OLDGUARD_ATTACK_HOSTILE_H

#include <linux/kernel.h>
#include <linux/types.h>
#include <asm/asm.h>

#define NO_TRAP (-1)

/**
 * struct attack - one way in
 * @name: what the test asks for
 * @run: does it, on any processor, in a context that may sleep
 * @arg: for attacks that share their code
 */
struct attack {
	const char *name;
	void (*run)(const struct attack *a);
	unsigned long arg;
};

/* Each file's own, ended by an entry without a name. */
extern const struct attack register_attacks[], msr_attacks[], port_attacks[], memory_attacks[],
	hypercall_attacks[], block_attacks[], sweep_attacks[], virt_attacks[], nested_attacks[];

/* What came of it: the first word is what the test goes by. */
void succeeded(const char *format, ...) __printf(1, 2);
void refused(const char *format, ...) __printf(1, 2);
void ignored(const char *format, ...) __printf(1, 2);
/* This machine cannot show it. */
void impossible(const char *format, ...) __printf(1, 2);

/**
 * came_of() - the usual end of an attack on something that can be read back
 * @trap: the exception that it raised, or NO_TRAP
 * @changed: whether it had its way
 */
void came_of(int trap, bool changed);

/* trap_name() - "#GP" */
const char *trap_name(int trap);

/* find() - the address of one of the kernel's own names, or MODULE:NAME; 0: there is none */
unsigned long find(const char *name);

/**
 * one_step() - run one instruction that lies somewhere in the kernel
 * @at: the instruction; it takes its operand in RDI
 * @value: for RDI
 *
 * Interrupts are off.
 *
 * Return: the exception that it raised, or NO_TRAP.
 */
int one_step(unsigned long at, unsigned long value);
/* block_or() - the physical address of a page of oldguard's memory; without oldguard, that of this one */
u64 block_or(void *own);

int gadget_init(void);
void gadget_exit(void);

/* try_wrmsr() - WRMSR; the exception that it raised, or NO_TRAP */
static inline int try_wrmsr(u32 msr, u64 value)
{
	int trap;

	asm volatile("1: wrmsr\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap)
		     : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory");
	return trap;
}

/* try_poke() - store a byte; the exception that it raised, or NO_TRAP */
static inline int try_poke(void *at, u8 value)
{
	int trap;

	asm volatile("1: movb %[value], (%[at])\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap)
		     : [at] "r"(at), [value] "q"(value)
		     : "memory");
	return trap;
}

#endif
