// SPDX-License-Identifier: GPL-2.0-only
/*
 * areas.c - where the memory is that rules call by name, or by the kernel's own addresses: its text
 * and constants, its IDT, the page tables that map them.
 *
 * Modules are not told the names of the kernel's sections. Its own page tables say as much: after
 * boot, pages of its image that can be executed are text, those that can be neither written nor
 * executed are constants. Not those that the kernel has freed (its beginnings, and what lies between
 * sections): they are anybody's now, and their rights here follow what others do with them.
 */
#include <linux/mm.h>

#include <asm/desc.h>

#include "glue.h"

/* A search under way: what it has found goes into the plan. */
struct search {
	struct plan *plan;
	struct text *why;
	bool full;
};

static void add(struct search *s, enum area area, u64 first, u64 last, u64 linear)
{
	struct plan *plan = s->plan;
	struct area_range *range = &plan->areas[plan->area_count];

	/* The neighbour of the one before makes it longer. */
	if (plan->area_count && range[-1].area == area && range[-1].last + 1 == first &&
	    (area != AREA_ADDRESS || range[-1].linear + (first - range[-1].first) == linear)) {
		range[-1].last = last;
		return;
	}
	s->full = s->full || plan->area_count == AREA_RANGES_MAX;
	if (s->full)
		return;
	*range = (struct area_range){ area, first, last, linear };
	plan->area_count++;
}

static bool wanted(const struct plan *plan, enum area area)
{
	u32 i;

	for (i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].asset == ASSET_MEMORY && plan->rules[i].area == area)
			return true;
	return false;
}

/* Memory that was never given to the page allocator, or has been since. */
static bool of_the_image(u64 at)
{
	return PageReserved(pfn_to_page(slow_virt_to_phys((void *)at) >> PAGE_SHIFT));
}

/* Calls @found with each page of the kernel's image that has these rights. */
static void each_page(struct search *s, enum area area, u64 rights,
		      void (*found)(struct search *s, enum area area, u64 at))
{
	const u64 mask = _PAGE_PRESENT | _PAGE_RW | _PAGE_NX;
	u64 at, size, page;

	for (at = __START_KERNEL_map; at < __START_KERNEL_map + KERNEL_IMAGE_SIZE; at += size) {
		unsigned int level;
		pte_t *pte = lookup_address(at, &level);

		size = pte ? page_level_size(level) : PMD_SIZE;
		if (!pte || (pte_val(*pte) & mask) != rights)
			continue;
		for (page = at; page < at + size; page += PAGE_SIZE)
			if (of_the_image(page))
				found(s, area, page);
	}
}

static void add_page(struct search *s, enum area area, u64 at)
{
	u64 pa = slow_virt_to_phys((void *)at);

	add(s, area, pa, pa + PAGE_SIZE - 1, 0);
}

static u64 idt_address(void)
{
	struct desc_ptr idtr;

	store_idt(&idtr);
	return idtr.address & PAGE_MASK;
}

static void add_table(struct search *s, const void *table)
{
	const struct plan *plan = s->plan;
	u64 pa = __pa(table) & PAGE_MASK;
	u32 i;

	for (i = 0; i < plan->area_count; i++)
		if (plan->areas[i].area == AREA_TABLES && plan->areas[i].first <= pa &&
		    pa <= plan->areas[i].last)
			return;
	add(s, AREA_TABLES, pa, pa + PAGE_SIZE - 1, 0);
}

/*
 * The tables below the top one, of which each process has its own: theirs point to the same ones
 * for the kernel's half.
 */
static void add_tables(struct search *s, enum area area, u64 at)
{
	pgd_t *pgd = (pgd_t *)__va(read_cr3_pa()) + pgd_index(at);
	p4d_t *p4d = p4d_offset(pgd, at);
	pud_t *pud = pud_offset(p4d, at);
	pmd_t *pmd;

	if (pgtable_l5_enabled())
		add_table(s, p4d);
	add_table(s, pud);
	if (pud_leaf(*pud))
		return;
	pmd = pmd_offset(pud, at);
	add_table(s, pmd);
	if (!pmd_leaf(*pmd))
		add_table(s, pte_offset_kernel(pmd, at));
}

/* Memory of the kernel's by its own addresses, page by page. */
static bool add_linear(struct search *s, const struct rule *rule)
{
	u64 at = rule->first & PAGE_MASK;

	for (;; at += PAGE_SIZE) {
		unsigned int level;
		pte_t *pte = lookup_address(at, &level);
		u64 pa;

		if (!pte || !(pte_val(*pte) & _PAGE_PRESENT)) {
			text_add(s->why, "mem:");
			text_add_hex(s->why, rule->first);
			text_add(s->why, ": nothing is mapped at ");
			text_add_hex(s->why, at);
			return false;
		}
		pa = slow_virt_to_phys((void *)at);
		add(s, AREA_ADDRESS, pa, pa + PAGE_SIZE - 1, at);
		if (s->full || at == (rule->last & PAGE_MASK))
			return true;
	}
}

/**
 * areas_find() - find the memory that a plan's rules mean
 * @plan: gets areas and area_count
 * @why: on error, what is not there
 *
 * Return: false if linear memory of a rule is not mapped, or there are more pieces than a plan holds.
 */
bool areas_find(struct plan *plan, struct text *why)
{
	const u64 constant = _PAGE_PRESENT | _PAGE_NX, text = _PAGE_PRESENT;
	struct search s = { .plan = plan, .why = why };
	const struct rule *r;

	plan->area_count = 0;
	if (wanted(plan, AREA_RODATA))
		each_page(&s, AREA_RODATA, constant, add_page);
	if (wanted(plan, AREA_TEXT))
		each_page(&s, AREA_TEXT, text, add_page);
	if (wanted(plan, AREA_IDT))
		add_page(&s, AREA_IDT, idt_address());
	if (wanted(plan, AREA_TABLES)) {
		each_page(&s, AREA_TABLES, constant, add_tables);
		each_page(&s, AREA_TABLES, text, add_tables);
		add_tables(&s, AREA_TABLES, idt_address());
	}
	for (r = plan->rules; r < plan->rules + plan->rule_count; r++)
		if (r->asset == ASSET_MEMORY && r->area == AREA_ADDRESS && !rule_is_physical(r) &&
		    !add_linear(&s, r))
			return false;
	if (s.full)
		text_add(why, "mem: the rules are about more pieces of memory than a plan holds");
	return !s.full;
}
