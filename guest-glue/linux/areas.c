// SPDX-License-Identifier: GPL-2.0-only
/*
 * areas.c - where the memory is that rules call by name: the kernel's text and constants, its IDT,
 * the page tables that map them.
 *
 * Modules are not told the names of the kernel's sections. Its own page tables say as much: after
 * boot, pages of its image that can be executed are text, those that can be neither written nor
 * executed are constants.
 */
#include <asm/desc.h>
#include <asm/pgtable.h>

#include "glue.h"

static void add(struct plan *plan, enum area area, u64 first, u64 last)
{
	struct area_range *range = &plan->areas[plan->area_count];

	/* The neighbour of the one before makes it longer. */
	if (plan->area_count && range[-1].area == area && range[-1].last + 1 == first) {
		range[-1].last = last;
		return;
	}
	if (plan->area_count == AREA_RANGES_MAX)
		return;
	*range = (struct area_range){ area, first, last };
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

/* Pages of the kernel's image with these rights. */
static void add_image(struct plan *plan, enum area area, u64 rights)
{
	const u64 mask = _PAGE_PRESENT | _PAGE_RW | _PAGE_NX;
	u64 at, size;

	for (at = __START_KERNEL_map; at < __START_KERNEL_map + KERNEL_IMAGE_SIZE; at += size) {
		unsigned int level;
		pte_t *pte = lookup_address(at, &level);

		size = pte ? page_level_size(level) : PMD_SIZE;
		if (pte && (pte_val(*pte) & mask) == rights) {
			u64 pa = slow_virt_to_phys((void *)at);

			add(plan, area, pa, pa + size - 1);
		}
	}
}

static void add_idt(struct plan *plan)
{
	struct desc_ptr idtr;
	u64 pa;

	store_idt(&idtr);
	pa = slow_virt_to_phys((void *)idtr.address) & PAGE_MASK;
	add(plan, AREA_IDT, pa, pa + PAGE_SIZE - 1);
}

/**
 * areas_find() - find the memory that a plan's rules name
 * @plan: gets areas and area_count
 */
void areas_find(struct plan *plan)
{
	plan->area_count = 0;
	if (wanted(plan, AREA_RODATA))
		add_image(plan, AREA_RODATA, _PAGE_PRESENT | _PAGE_NX);
	if (wanted(plan, AREA_TEXT))
		add_image(plan, AREA_TEXT, _PAGE_PRESENT);
	if (wanted(plan, AREA_IDT))
		add_idt(plan);
}
