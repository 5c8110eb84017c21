/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * anything.h - programs of one instruction, any that a program can make, and what comes of them.
 * anything.c has the idea.
 */
#ifndef OLDGUARD_ANYTHING_H
#define OLDGUARD_ANYTHING_H

#include <stdint.h>

/* Below 4 GiB, so that code of 32 bits reaches it: two pages of code, a hole, four of data, one
 * that cannot be written. */
#define CODE 0x10000000UL
#define DATA 0x10010000UL
#define READONLY 0x10020000UL
#define HOLE 0x10030000UL
#define DATA_BYTES 0x4000UL
#define STACK (DATA + 0x3800)

#define INSN_BYTES 15

/* What a case is about, for the differences that are allowed, and the registers that never are the
 * same twice. */
enum about { ABOUT_ANY, ABOUT_UMIP, ABOUT_CPUID, ABOUT_TIME, ABOUT_RANDOM, ABOUTS };

/**
 * struct anything - a case
 * @about: enum about
 * @bits: of the code: 64 or 32
 * @opcode: its first byte, behind prefixes; 0 of any bytes
 * @length: bytes of @insn
 * @insn: the instruction
 * @rip: where it lies
 * @flags: RFLAGS
 * @gpr: registers, in the processor's order
 */
struct anything {
	uint8_t about;
	uint8_t bits;
	uint8_t opcode;
	uint8_t length;
	uint8_t insn[INSN_BYTES];
	uint64_t rip;
	uint64_t flags;
	uint64_t gpr[16];
};

/* anything_make() - the @number-th case of a seed, everywhere the same */
void anything_make(uint64_t seed, uint64_t number, struct anything *a);

/* anything_compare() - two files of outcomes; what differs and is not allowed to is printed. An
 * exit status. */
int anything_compare(const char *bare, const char *held);

#endif
