// SPDX-License-Identifier: GPL-2.0-only
/*
 * anything_make.c - which instructions: those that a hypervisor may have to do with, far more often
 * than others, with any prefixes and operands; and any bytes.
 */
#include "anything.h"

#include <string.h>

static uint64_t state;

static uint64_t draw(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t below(uint32_t n)
{
	return draw() % n;
}

/* In which code an opcode is made. */
enum where { BOTH, ONLY_32 };
/* What follows the opcode. */
enum tail { NONE, MODRM, REGISTER, IMM8, IMM16, FAR_POINTER };

/**
 * struct form - an opcode
 * @weight: how often
 * @prefix: one that belongs to it, or 0
 * @length: of @opcode
 * @opcode: its bytes
 * @tail: what follows
 * @regs: bit n: ModRM.reg may be n; 0: any
 */
struct form {
	uint8_t weight, where, about, prefix, length, opcode[3], tail, regs;
};

static const struct form forms[] = {
	{ 12, BOTH, ABOUT_CPUID, 0, 2, { 0x0f, 0xa2 }, NONE, 0 },
	{ 10, BOTH, ABOUT_UMIP, 0, 2, { 0x0f, 0x00 }, MODRM, 0x03 },
	{ 10, BOTH, ABOUT_UMIP, 0, 2, { 0x0f, 0x01 }, MODRM, 0x13 },
	{ 8, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x00 }, MODRM, 0xfc },
	{ 6, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x01 }, MODRM, 0xec },
	{ 14, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x01 }, REGISTER, 0xef },
	{ 4, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x20 }, MODRM, 0 },
	{ 4, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x21 }, MODRM, 0 },
	{ 4, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x22 }, MODRM, 0 },
	{ 4, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x23 }, MODRM, 0 },
	{ 3, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x30 }, NONE, 0 },
	{ 2, BOTH, ABOUT_TIME, 0, 2, { 0x0f, 0x31 }, NONE, 0 },
	{ 3, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x32 }, NONE, 0 },
	{ 3, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x33 }, NONE, 0 },
	{ 3, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x06 }, NONE, 0 },
	{ 3, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x08 }, NONE, 0 },
	{ 3, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x09 }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x05 }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x07 }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x34 }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x35 }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x37 }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x78 }, MODRM, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x79 }, MODRM, 0 },
	{ 4, BOTH, ABOUT_RANDOM, 0, 2, { 0x0f, 0xc7 }, MODRM, 0 },
	{ 2, BOTH, ABOUT_ANY, 0x66, 3, { 0x0f, 0x38, 0x80 }, MODRM, 0 },
	{ 2, BOTH, ABOUT_ANY, 0x66, 3, { 0x0f, 0x38, 0x81 }, MODRM, 0 },
	{ 2, BOTH, ABOUT_ANY, 0x66, 3, { 0x0f, 0x38, 0x82 }, MODRM, 0 },
	{ 2, BOTH, ABOUT_ANY, 0xf3, 2, { 0x0f, 0xae }, MODRM, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0xae }, MODRM, 0x8f },
	{ 3, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x02 }, MODRM, 0 },
	{ 3, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x03 }, MODRM, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0xb2 }, MODRM, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0xb4 }, MODRM, 0 },
	{ 1, BOTH, ABOUT_ANY, 0, 2, { 0x0f, 0x0b }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0xe4 }, IMM8, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0xe7 }, IMM8, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0xec }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0xef }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0x6c }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0x6f }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0xf4 }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0xfa }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0xfb }, NONE, 0 },
	{ 6, BOTH, ABOUT_ANY, 0, 1, { 0xcd }, IMM8, 0 },
	{ 1, BOTH, ABOUT_ANY, 0, 1, { 0xcc }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0xce }, NONE, 0 },
	{ 3, BOTH, ABOUT_ANY, 0, 1, { 0xf1 }, NONE, 0 },
	{ 4, BOTH, ABOUT_ANY, 0, 1, { 0xcf }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0xcb }, NONE, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0xca }, IMM16, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0x9c }, NONE, 0 },
	{ 3, BOTH, ABOUT_ANY, 0, 1, { 0x9d }, NONE, 0 },
	{ 3, BOTH, ABOUT_ANY, 0, 1, { 0xff }, MODRM, 0x28 },
	{ 4, BOTH, ABOUT_ANY, 0, 1, { 0x8e }, MODRM, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0x8c }, MODRM, 0 },
	{ 2, BOTH, ABOUT_ANY, 0, 1, { 0x63 }, MODRM, 0 },
	{ 2, ONLY_32, ABOUT_ANY, 0, 1, { 0xea }, FAR_POINTER, 0 },
	{ 2, ONLY_32, ABOUT_ANY, 0, 1, { 0x9a }, FAR_POINTER, 0 },
	{ 1, ONLY_32, ABOUT_ANY, 0, 1, { 0x07 }, NONE, 0 },
	{ 1, ONLY_32, ABOUT_ANY, 0, 1, { 0x17 }, NONE, 0 },
	{ 1, ONLY_32, ABOUT_ANY, 0, 1, { 0x1f }, NONE, 0 },
	{ 1, ONLY_32, ABOUT_ANY, 0, 1, { 0xc5 }, MODRM, 0 },
	{ 1, BOTH, ABOUT_ANY, 0, 1, { 0xf6 }, MODRM, 0xc0 },
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* The kernel's own, and those of the LDT that anything.c makes. */
static uint16_t selector(void)
{
	static const uint16_t known[] = { 0,	3,    0x10, 0x18, 0x23, 0x2b, 0x33, 0x40,
					  0x50, 0x7b, 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f };

	return below(8) ? known[below(COUNT(known))] : draw();
}

static uint64_t place(void)
{
	static const uint64_t known[] = {
		DATA,
		DATA + 8,
		DATA + 0xffc,
		DATA + DATA_BYTES - 4,
		READONLY,
		HOLE,
		0,
		CODE + 0x800,
		0x7ffffffffff8,
		0x800000000000,
		0xffff800000000000,
		0xfffffffffffffff8,
		0xfffffffc,
	};

	return known[below(COUNT(known))];
}

static uint64_t any_register(void)
{
	switch (below(6)) {
	case 0: return selector();
	case 1: return draw();
	case 2: return below(256);
	default: return place() + below(16);
	}
}

/* Leaves, MSRs, ports, calls. */
static void set_registers(struct anything *a, const struct form *f)
{
	static const uint32_t leaves[] = {
		0,	    1,		2,	    3,		4,	    5,		6,
		7,	    8,		0xa,	    0xb,	0xd,	    0xe,	0x10,
		0x14,	    0x19,	0x20,	    0x40000000, 0x40000001, 0x40000002, 0x40000100,
		0x80000000, 0x80000001, 0x80000002, 0x80000006, 0x80000007, 0x80000008, 0x8000000a,
		0x8000001a, 0x8000001e, 0x8000001f, 0x80000021, 0x80000022, 0xc0000000, 0xffffffff,
	};
	static const uint32_t msrs[] = { 0x10,	     0x1b,	 0x3a,	    0x140,
					 0x174,	     0x1d9,	 0x480,	    0xc0000080,
					 0xc0000082, 0xc0010015, 0xc0010114 };
	int i;

	for (i = 0; i < 16; i++)
		a->gpr[i] = any_register();
	/* Not where an IRET would find VM set: QEMU obeys that outside ring 0, and the kernel dies
	 * of it. */
	a->gpr[4] = STACK + below(2) * 4;
	if (f && f->about == ABOUT_CPUID) {
		a->gpr[0] = leaves[below(COUNT(leaves))] | (below(4) ? 0 : draw() << 32);
		a->gpr[1] = below(4);
	} else if (f && f->opcode[0] == 0x0f && (f->opcode[1] & 0xf0) == 0x30) {
		a->gpr[1] = msrs[below(COUNT(msrs))];
	} else if (f && (f->opcode[1] == 0x01 || f->opcode[1] == 0x05)) {
		/* What our own calls would be. */
		if (!below(3))
			a->gpr[0] = 0x6f6c646775000000 + below(8);
	}
}

static void put(struct anything *a, uint8_t byte)
{
	if (a->length < INSN_BYTES)
		a->insn[a->length++] = byte;
}

static void put_number(struct anything *a, uint64_t number, int bytes)
{
	for (; bytes; bytes--, number >>= 8)
		put(a, number);
}

/* Mostly legal; the bytes behind it are there in any case. */
static void put_modrm(struct anything *a, const struct form *f)
{
	uint8_t reg = below(8), mod = f->tail == REGISTER ? 3 : below(4), rm = below(8);

	while (f->regs && !(f->regs >> reg & 1))
		reg = below(8);
	put(a, mod << 6 | reg << 3 | rm);
	if (mod != 3 && rm == 4)
		put(a, draw());
	if (mod == 1)
		put(a, below(2) ? 0 : draw());
	else if (mod == 2 || (mod == 0 && rm == 5))
		put_number(a, below(2) ? 0 : place(), 4);
}

static void put_prefixes(struct anything *a)
{
	static const uint8_t prefixes[] = { 0x66, 0x66, 0x67, 0xf0, 0xf2, 0xf3,
					    0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65 };
	uint32_t n = below(5);

	for (n = n < 2 ? 0 : n - 1; n; n--)
		put(a, prefixes[below(COUNT(prefixes))]);
}

static void put_form(struct anything *a, const struct form *f)
{
	uint8_t i;

	put_prefixes(a);
	if (f->prefix)
		put(a, f->prefix);
	if (a->bits == 64 && !below(3))
		put(a, 0x40 | below(16));
	for (i = 0; i < f->length; i++)
		put(a, f->opcode[i]);
	switch (f->tail) {
	case MODRM:
	case REGISTER: put_modrm(a, f); break;
	case IMM8: put(a, draw()); break;
	case IMM16: put_number(a, below(4) * 4, 2); break;
	case FAR_POINTER:
		put_number(a, CODE + 0x800, 4);
		put_number(a, selector(), 2);
		break;
	}
	a->about = f->about;
	a->opcode = f->opcode[0];
}

/* Whether there is something among any bytes whose answer is never the same, or allowed to be
 * another one. */
static int loose(const struct anything *a)
{
	uint8_t i;

	for (i = 0; i + 1 < a->length; i++)
		if (a->insn[i] == 0x0f && strchr("\x01\x31\xa2\xc7", a->insn[i + 1]))
			return 1;
	return memchr(a->insn, 0x0f, a->length) && memchr(a->insn, 0, a->length);
}

static const struct form *choose(uint8_t bits)
{
	uint32_t i, sum = 0, at;

	for (i = 0; i < COUNT(forms); i++)
		sum += forms[i].where == BOTH || bits == 32 ? forms[i].weight : 0;
	/* One in sixteen is any bytes. */
	at = below(sum + sum / 16);
	for (i = 0; i < COUNT(forms); i++) {
		uint32_t weight = forms[i].where == BOTH || bits == 32 ? forms[i].weight : 0;

		if (at < weight)
			return &forms[i];
		at -= weight;
	}
	return NULL;
}

/* RDTSCP and RDPRU are among what 0F 01 can be; RDPID among 0F C7. */
static void look_again(struct anything *a)
{
	uint8_t i;

	for (i = 0; a->about == ABOUT_ANY && i + 2 < a->length; i++)
		if (a->insn[i] == 0x0f && a->insn[i + 1] == 0x01 &&
		    (a->insn[i + 2] == 0xf9 || a->insn[i + 2] == 0xfd))
			a->about = ABOUT_TIME;
}

void anything_make(uint64_t seed, uint64_t number, struct anything *a)
{
	static const uint32_t flags[] = { 0,	 0,	0,	 0,	  0,	    0x100,
					  0x100, 0x400, 0x10000, 0x40000, 0x200000, 0x8d5 };
	const struct form *f;
	uint8_t i;

	state = seed * 0x2545f4914f6cdd1d + number * 0x9e3779b97f4a7c15;
	memset(a, 0, sizeof(*a));
	a->bits = below(3) ? 64 : 32;
	f = choose(a->bits);
	if (f)
		put_form(a, f);
	while (!f) {
		a->length = 0;
		for (i = 0; i < INSN_BYTES; i++)
			put(a, draw());
		if (!loose(a))
			break;
	}
	look_again(a);
	set_registers(a, f);
	a->flags = 0x202 | flags[below(COUNT(flags))];
	/* SFMASK clears TF before a step would be due; Bochs 2.7 traps nevertheless, in the kernel.
	 */
	if (f && f->opcode[0] == 0x0f && f->opcode[1] == 0x05)
		a->flags &= ~0x100;
	/* In a page, across two, and where the code ends. */
	a->rip = CODE + 0x100;
	if (!below(8))
		a->rip = CODE + 0x1000 - below(a->length);
	else if (!below(16))
		a->rip = CODE + 0x2000 - a->length + below(2);
}
