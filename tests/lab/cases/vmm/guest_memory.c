// SPDX-License-Identifier: GPL-2.0-only
/* guest_memory.c - what vmm.c's guest does with memory: its own page tables, and what the host does
 * beneath. */
#include "guest.h"
#include "trap.h"

enum { PF = 14 };
#define PTE_P 1ull
#define PTE_W 2ull
#define PTE_U 4ull
#define PTE_A 0x20ull
#define PTE_D 0x40ull
#define PTE_G 0x100ull
#define PTE_NX (1ull << 63)
#define USUAL (PTE_P | PTE_W | PTE_U)

static void map(unsigned page, unsigned onto, uint64_t bits)
{
	*entry(GUEST_PAGE(page)) = GUEST_PAGE(onto) | bits;
	invlpg(GUEST_PAGE(page));
}

void g_tables(void)
{
	static const uint8_t ret = 0xc3;
	unsigned i;

	for (i = 0; i < 64; i++)
		*at(GUEST_PAGE(i)) = i;
	for (i = 0; i < 500; i++) {
		map(1, i % 64, USUAL | (i & 1 ? PTE_G : 0));
		must(*at(GUEST_PAGE(1)) == i % 64 || i % 64 == 1);
	}
	map(1, 1, USUAL);
	*entry(GUEST_PAGE(2)) = GUEST_PAGE(2) | USUAL;
	invlpg(GUEST_PAGE(2));
	(void)*at(GUEST_PAGE(2));
	must((*entry(GUEST_PAGE(2)) & (PTE_A | PTE_D)) == PTE_A);
	*at(GUEST_PAGE(2)) = 1;
	must((*entry(GUEST_PAGE(2)) & (PTE_A | PTE_D)) == (PTE_A | PTE_D));
	/* Read only, absent, not to be executed. */
	map(2, 2, PTE_P | PTE_U);
	must(TRAP("movl $1, (%[page])", [page] "r"((uint64_t)GUEST_PAGE(2))) == PF);
	must(trapped.error == 3 && trapped.cr2 == GUEST_PAGE(2));
	map(2, 2, 0);
	must(TRAP("mov (%[page]), %%eax", [page] "r"((uint64_t)GUEST_PAGE(2))) == PF);
	must(trapped.error == 0);
	map(2, 2, USUAL | PTE_NX);
	*(volatile uint8_t *)(uint64_t)GUEST_PAGE(2) = ret;
	must(TRAP("call *%[page]", [page] "r"((uint64_t)GUEST_PAGE(2))) == PF);
	asm volatile("add $8, %%rsp" : : : "memory"); /* what CALL has pushed */
	must(trapped.error == 0x11);
	map(2, 2, USUAL);
	must(TRAP("call *%[page]", [page] "r"((uint64_t)GUEST_PAGE(2))) == NO_TRAP);
	/* Write protection of the kernel, off and on. */
	map(2, 2, PTE_P | PTE_U);
	WRITE_REG(cr0, READ_REG(cr0) & ~(1ull << 16));
	must(TRAP("movl $1, (%[page])", [page] "r"((uint64_t)GUEST_PAGE(2))) == NO_TRAP);
	WRITE_REG(cr0, READ_REG(cr0) | 1ull << 16);
	must(TRAP("movl $1, (%[page])", [page] "r"((uint64_t)GUEST_PAGE(2))) == PF);
	/* Without INVLPG: a new CR3 is enough, and for global ones a change of CR4.PGE. */
	map(2, 2, USUAL | PTE_G);
	(void)*at(GUEST_PAGE(2));
	for (i = 0; i < 50; i++) {
		*entry(GUEST_PAGE(2)) = GUEST_PAGE(3 + i % 8) | USUAL | PTE_G;
		WRITE_REG(cr4, READ_REG(cr4) ^ 1 << 7);
		WRITE_REG(cr4, READ_REG(cr4) ^ 1 << 7);
		must(*at(GUEST_PAGE(2)) == 3 + i % 8);
	}
	map(2, 2, USUAL);
	for (i = 0; i < 50; i++) {
		*entry(GUEST_PAGE(2)) = GUEST_PAGE(3 + i % 8) | USUAL;
		WRITE_REG(cr3, READ_REG(cr3));
		must(*at(GUEST_PAGE(2)) == 3 + i % 8);
	}
}

/* The host lets the page go: what is read next is zero, at once. */
void g_dontneed(void)
{
	unsigned i;

	for (i = 0; i < 100; i++) {
		*at(GUEST_PAGE(7)) = 0x1000 + i;
		*at(GUEST_PAGE(8)) = i;
		must(*at(GUEST_PAGE(7)) == 0x1000 + i);
		host(0);
		must(*at(GUEST_PAGE(7)) == 0);
		must(*at(GUEST_PAGE(8)) == i);
	}
	/* While this goes on, beside: a page is zeros or what was last written. */
	host(1);
	while (!stop)
		for (i = 16; i < 24; i++) {
			uint32_t is = *at(GUEST_PAGE(i));

			must(is == 0 || is == i);
			*at(GUEST_PAGE(i)) = i;
		}
}

/* Each round dirties other pages, and the host's log names these alone. */
void g_dirty(void)
{
	unsigned i, round;

	for (i = 0; i < 256; i++)
		*at(GUEST_PAGE(i)) = 1;
	host(0); /* logging begins */
	for (round = 0; round < 8; round++) {
		for (i = round; i < 256; i += 8 + round)
			*at(GUEST_PAGE(i)) = round;
		must(host(1 + round) == 1);
	}
	host(100); /* logging ends */
	for (i = 0; i < 256; i++)
		*at(GUEST_PAGE(i)) = 2;
}

/* A memory slot that comes, changes and goes. */
void g_slots(void)
{
	unsigned i;

	for (i = 0; i < 40; i++) {
		host(1 + i % 2);
		must(*at(GUEST_WINDOW) == 0x1111u * (1 + i % 2));
		must(*at(GUEST_WINDOW + 0x7000) == 0x1111u * (1 + i % 2) + 7);
		host(0);
		/* Nothing there: the host answers, as for a device. */
		*at(GUEST_WINDOW) = i;
		must(*at(GUEST_WINDOW) == ~i);
	}
}

/* What is read only for the guest: reads are memory, writes the host's to answer. */
void g_read_only(void)
{
	unsigned i;

	host(3);
	for (i = 0; i < 40; i++) {
		must(*at(GUEST_WINDOW) == 0x1111);
		*at(GUEST_WINDOW) = i;
		must(*at(GUEST_WINDOW) == 0x1111);
	}
	must(host(4) == 40);
}

/* Two address spaces with numbers of their own. */
void g_pcid(void)
{
	uint64_t cr3 = READ_REG(cr3), two = GUEST_PAGE(40);
	uint64_t *old = (void *)cr3, *new = (void *)two;
	uint32_t out[4];
	unsigned i;

	cpuid(1, 0, out);
	for (i = 0; i < 512; i++)
		new[i] = old[i];
	if (out[2] >> 17 & 1)
		WRITE_REG(cr4, READ_REG(cr4) | 1 << 17);
	for (i = 0; i < 200; i++) {
		WRITE_REG(cr3, i & 1 ? two : cr3);
		must(READ_REG(cr3) == (i & 1 ? two : cr3));
		*at(GUEST_PAGE(i % 32)) = i;
	}
	WRITE_REG(cr3, cr3);
	WRITE_REG(cr4, READ_REG(cr4) & ~(1ull << 17));
}
