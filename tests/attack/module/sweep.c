// SPDX-License-Identifier: GPL-2.0-only
/*
 * sweep.c - every page of oldguard's memory, by every kind of address that a kernel can make for it:
 * each byte is read, each page written.
 *
 * Where nothing hides it (slat=0) a write that changes what is there would end the machine, and
 * show no more than one that leaves it as it is.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/pgtable.h>

#include "hostile.h"
#include "oldguard.h"

enum way { DIRECT, VMAP, MEMREMAP, SMALL_PAGES, LARGE_PAGES, UNCACHED };

struct sweep {
	const struct machine *machine;
	u64 bytes;   /* that are not zero */
	u64 written; /* pages */
	u64 refused;
};

static bool is_ring(const struct machine *m, u64 pa)
{
	u32 cpu;

	for (cpu = 0; cpu < m->cpus; cpu++)
		if (block_pa(m, cpu_area(m, cpu) + CPU_RING) == pa)
			return true;
	return false;
}

/* A store that changes nothing, whatever somebody else stores there meanwhile. */
static int try_touch(void *at)
{
	int trap;

	asm volatile("1: lock orb $0, (%[at])\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap)
		     : [at] "r"(at)
		     : "memory", "cc");
	return trap;
}

static void sweep_page(struct sweep *s, u8 *at, u64 pa)
{
	bool ring = is_ring(s->machine, pa);
	u64 offset = pa / PAGE_SIZE % PAGE_SIZE, i, word;
	u8 was = READ_ONCE(at[offset]);
	int trap;

	/* Reports may be read. */
	for (i = 0; !ring && i < PAGE_SIZE; i += sizeof(word)) {
		word = READ_ONCE(*(u64 *)(at + i));
		for (; word; word >>= 8)
			s->bytes += (word & 0xff) != 0;
	}
	trap = s->machine->slat_root ? try_poke(at + offset, ~was) : try_touch(at + offset);
	if (trap == NO_TRAP)
		s->written++;
	else
		s->refused++;
}

static void sweep_piece(struct sweep *s, u8 *at, u64 pa)
{
	u64 i;

	for (i = 0; i < PIECE_BYTES; i += PAGE_SIZE)
		sweep_page(s, at + i, pa + i);
}

static void by_vmap(struct sweep *s, u64 pa)
{
	const unsigned int count = PIECE_BYTES / PAGE_SIZE;
	struct page **pages = kmalloc_array(count, sizeof(*pages), GFP_KERNEL);
	unsigned int i;
	u8 *at;

	if (!pages)
		return;
	for (i = 0; i < count; i++)
		pages[i] = pfn_to_page((pa >> PAGE_SHIFT) + i);
	at = vmap(pages, count, VM_MAP, PAGE_KERNEL);
	if (at)
		sweep_piece(s, at, pa);
	vunmap(at);
	kfree(pages);
}

static void by_memremap(struct sweep *s, u64 pa)
{
	void *at = memremap(pa, PIECE_BYTES, MEMREMAP_WB);

	if (!at)
		return;
	sweep_piece(s, at, pa);
	memunmap(at);
}

/* Page tables of our own: the kernel's, and in a place that it does not use the piece. */
static void by_tables(struct sweep *s, u64 pa, enum way way)
{
	const unsigned int slot = 300;
	unsigned long cr3, flags;
	u64 *table[4];
	int i;

	for (i = 0; i < 4; i++)
		table[i] = (u64 *)get_zeroed_page(GFP_KERNEL);
	if (table[0] && table[1] && table[2] && table[3]) {
		local_irq_save(flags);
		cr3 = __read_cr3();
		memcpy(table[0], __va(cr3 & CR3_ADDR_MASK), PAGE_SIZE);
		table[0][slot] = __pa(table[1]) | 3;
		table[1][0] = __pa(table[2]) | 3;
		/* Present, writable, accessed, dirty; of 2 MiB; PCD and PWT */
		table[2][0] = way == LARGE_PAGES ? pa | 0xe3 : __pa(table[3]) | 3;
		for (i = 0; i < 512; i++)
			table[3][i] = (pa + i * PAGE_SIZE) | (way == UNCACHED ? 0x7b : 0x63);
		native_write_cr3(__pa(table[0]));
		sweep_piece(s, (u8 *)(0xffff000000000000UL | (unsigned long)slot << 39), pa);
		native_write_cr3(cr3);
		local_irq_restore(flags);
	}
	for (i = 0; i < 4; i++)
		free_page((unsigned long)table[i]);
}

static void sweep(const struct attack *a)
{
	struct sweep s = { .machine = (void *)find("oldguard:machine") };
	u32 i;

	for (i = 0; s.machine && i < s.machine->pieces; i++) {
		u64 pa = s.machine->piece_pa[i];

		switch (a->arg) {
		case DIRECT: sweep_piece(&s, __va(pa), pa); break;
		case VMAP: by_vmap(&s, pa); break;
		case MEMREMAP: by_memremap(&s, pa); break;
		default: by_tables(&s, pa, a->arg);
		}
	}
	if (!s.machine || s.refused + s.written != s.machine->pieces * (PIECE_BYTES / PAGE_SIZE))
		impossible("%llu pages", s.refused + s.written);
	else if (s.bytes || s.written)
		succeeded("%llu bytes are not zero, %llu pages written", s.bytes, s.written);
	else
		refused("all zeros, %llu writes refused", s.refused);
}

const struct attack sweep_attacks[] = { { "all-direct", sweep, DIRECT },
					{ "all-vmap", sweep, VMAP },
					{ "all-memremap", sweep, MEMREMAP },
					{ "all-small", sweep, SMALL_PAGES },
					{ "all-large", sweep, LARGE_PAGES },
					{ "all-uncached", sweep, UNCACHED },
					{} };
