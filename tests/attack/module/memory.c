// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.c - what the kernel has made read-only, written all the same: through its direct map or
 * its own mapping made writable, through a fresh mapping, or with other page tables; or written by
 * somebody with more rights who can be talked into it, which is oldguard itself where it finishes
 * an instruction or answers a call.
 */
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <asm/desc.h>
#include <asm/pgtable.h>
#include <asm/trapnr.h>

#include "hostile.h"
#include "oldguard.h"

enum way { DIRECT, ALIAS, OWN_PTE, OWN_CR3, BY_SIDT, BY_COUNTS, BY_WHY };
enum target { IDT, SYSCALLS, RODATA, TEXT };

#define WAY(way, target) ((unsigned long)(way) << 8 | (target))

static u64 physical(void *at)
{
	return slow_virt_to_phys(at);
}

/* Sixteen bytes in a row that nobody executes: what the compiler puts between functions. */
static u8 *gap_in_text(void)
{
	u8 *at = (u8 *)find("kallsyms_lookup_name");
	unsigned int run = 0, i;

	for (i = 0; at && i < 4 << 20; i++, at++) {
		run = *at == 0xcc ? run + 1 : 0;
		/* A SIDT is ten bytes long. */
		if (run == 10)
			return at - 9;
	}
	return NULL;
}

/* A byte whose change for a moment hurts nobody; read-only in the kernel's own mapping. */
static u8 *target(enum target t)
{
	struct desc_ptr idtr;
	u8 *at;

	switch (t) {
	case IDT:
		/* The reserved word of vector 31. */
		store_idt(&idtr);
		return (u8 *)idtr.address + 31 * 16 + 12;
	case SYSCALLS:
		/* Number 180 (nfsservctl) is not implemented. */
		at = (u8 *)find("sys_call_table");
		return at ? at + 180 * 8 : NULL;
	case RODATA: return (u8 *)find("linux_banner");
	default: return gap_in_text();
	}
}

static void flush_here(void *at)
{
	asm volatile("invlpg (%0)" : : "r"(at) : "memory");
}

/* Sets the writable bit of the entry that maps @at, on this processor's tables. */
static int poke_by_pte(u8 *at, u8 value)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)at, &level);
	unsigned long was;
	int trap;

	if (!pte)
		return X86_TRAP_PF;
	was = pte_val(*pte);
	asm volatile("1: orq %[rw], %[pte]\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap), [pte] "+m"(*pte)
		     : [rw] "r"(_PAGE_RW | _PAGE_DIRTY)
		     : "memory");
	if (trap != NO_TRAP)
		return trap;
	flush_here(at);
	trap = try_poke(at, value);
	WRITE_ONCE(*(unsigned long *)pte, was);
	flush_here(at);
	return trap;
}

static int poke_by_alias(u8 *at, u8 value)
{
	struct page *page = pfn_to_page(physical(at) >> PAGE_SHIFT);
	u8 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	int trap;

	if (!alias)
		return X86_TRAP_PF;
	trap = try_poke(alias + offset_in_page(at), value);
	vunmap(alias);
	return trap;
}

/* Page tables of our own: the kernel's, and in a place that it does not use the page, writable. */
static int poke_by_cr3(u8 *at, u8 value)
{
	const unsigned int slot = 300;
	u64 *table[4];
	unsigned long cr3, flags;
	int trap = X86_TRAP_PF, i;

	for (i = 0; i < 4; i++)
		table[i] = (u64 *)get_zeroed_page(GFP_KERNEL);
	if (table[0] && table[1] && table[2] && table[3]) {
		local_irq_save(flags);
		cr3 = __read_cr3();
		memcpy(table[0], __va(cr3 & CR3_ADDR_MASK), PAGE_SIZE);
		table[0][slot] = __pa(table[1]) | 3;
		table[1][0] = __pa(table[2]) | 3;
		table[2][0] = __pa(table[3]) | 3;
		table[3][0] = (physical(at) & PAGE_MASK) | 0x63;
		native_write_cr3(__pa(table[0]));
		trap = try_poke((u8 *)(0xffff000000000000UL | (unsigned long)slot << 39) +
					offset_in_page(at),
				value);
		native_write_cr3(cr3);
		local_irq_restore(flags);
	}
	for (i = 0; i < 4; i++)
		free_page((unsigned long)table[i]);
	return trap;
}

/* SIDT is an instruction that oldguard may finish by itself: ten bytes. */
static int store_by_sidt(u8 *at)
{
	struct page *page = pfn_to_page(physical(at) >> PAGE_SHIFT);
	u8 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	int trap;

	if (!alias)
		return X86_TRAP_PF;
	asm volatile("1: sidt (%[at])\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap)
		     : [at] "r"(alias + offset_in_page(at))
		     : "memory");
	vunmap(alias);
	return trap;
}

static int poke(enum way way, u8 *at, u8 value)
{
	switch (way) {
	case DIRECT: return poke_by_pte(__va(physical(at)), value);
	case ALIAS: return poke_by_alias(at, value);
	case OWN_PTE: return poke_by_pte(at, value);
	case OWN_CR3: return poke_by_cr3(at, value);
	default: return store_by_sidt(at);
	}
}

static void patch(const struct attack *a)
{
	u8 *at = target(a->arg & 0xff);
	u8 was[10], now;
	int trap;
	u32 i;

	if (!at) {
		impossible("the target is not found");
		return;
	}
	memcpy(was, at, sizeof(was));
	trap = poke(a->arg >> 8, at, ~was[0]);
	now = READ_ONCE(*at);
	/* Whatever of it has changed; a byte that has not is not written, it might be refused. */
	for (i = 0; i < sizeof(was); i++)
		if (READ_ONCE(at[i]) != was[i])
			poke_by_alias(at + i, was[i]);
	came_of(trap, now != was[0]);
}

/* A page of constants that by chance is a request: then the refusal is written to its beginning. */
static u8 *page_like_a_request(void)
{
	u8 *page = (u8 *)find("__start_rodata"), *end = (u8 *)find("__end_rodata");
	const struct stage_request *r;

	for (; page && page + 2 * PAGE_SIZE < end; page += PAGE_SIZE) {
		r = (void *)page;
		if (r->length <= sizeof(r->text) && r->policy_length <= sizeof(r->policy) &&
		    r->area_count <= AREA_RANGES_MAX &&
		    physical(page + PAGE_SIZE) == physical(page) + PAGE_SIZE)
			return page;
	}
	return NULL;
}

/* A whole page can take a call's answer; its bytes are put back at once. */
static void answer(const struct attack *a)
{
	u8 *page = page_like_a_request();
	u8 *was = page ? kmemdup(page, PAGE_SIZE, GFP_KERNEL) : NULL;
	unsigned long flags;
	u64 result;
	u32 i, changed = 0;

	if (!page || !was || !oldguard_call(HYPERCALL_APPLY, 0, 0, &result)) {
		kfree(was);
		impossible("nobody answers calls");
		return;
	}
	local_irq_save(flags);
	if (a->arg == BY_COUNTS)
		oldguard_call(HYPERCALL_COUNTS, 0, physical(page), &result);
	else
		oldguard_call(HYPERCALL_STAGE, physical(page), 0, &result);
	for (i = 0; i < PAGE_SIZE; i++)
		changed += READ_ONCE(page[i]) != was[i];
	local_irq_restore(flags);
	for (i = 0; i < PAGE_SIZE; i++)
		if (READ_ONCE(page[i]) != was[i])
			poke_by_alias(page + i, was[i]);
	kfree(was);
	if (changed)
		succeeded("%u bytes changed", changed);
	else
		refused("answer %llu", result);
}

const struct attack memory_attacks[] = { { "idt-direct", patch, WAY(DIRECT, IDT) },
					 { "idt-alias", patch, WAY(ALIAS, IDT) },
					 { "idt-cr3", patch, WAY(OWN_CR3, IDT) },
					 { "syscalls-direct", patch, WAY(DIRECT, SYSCALLS) },
					 { "syscalls-alias", patch, WAY(ALIAS, SYSCALLS) },
					 { "syscalls-pte", patch, WAY(OWN_PTE, SYSCALLS) },
					 { "syscalls-cr3", patch, WAY(OWN_CR3, SYSCALLS) },
					 { "rodata-direct", patch, WAY(DIRECT, RODATA) },
					 { "rodata-pte", patch, WAY(OWN_PTE, RODATA) },
					 { "text-direct", patch, WAY(DIRECT, TEXT) },
					 { "text-alias", patch, WAY(ALIAS, TEXT) },
					 { "text-pte", patch, WAY(OWN_PTE, TEXT) },
					 { "text-cr3", patch, WAY(OWN_CR3, TEXT) },
					 { "text-sidt", patch, WAY(BY_SIDT, TEXT) },
					 { "rodata-counts", answer, BY_COUNTS },
					 { "rodata-why", answer, BY_WHY },
					 {} };
