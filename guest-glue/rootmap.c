// SPDX-License-Identifier: GPL-2.0-only
/*
 * rootmap.c - the root side's own page tables (AMD APM vol. 2, 5.3; Intel SDM vol. 3, 4.5).
 *
 * Three things are mapped and nothing else: the images at the modules' link addresses, text
 * read-only, the rest not executable; the block at ROOT_BLOCK, without the images
 * and with each stack's guard page missing; and at ROOT_PHYS guest-physical memory as the guest
 * sees it, that is with the block replaced by zeros.
 */
#include "rootmap.h"

#include "image.h"
#include "phys.h"
#include "string.h"

static const u64 rights[IMAGE_PARTS] = {
	[IMAGE_RODATA] = PTE_NX,
	[IMAGE_DATA] = PTE_NX | PTE_W,
};

#define SIZE_2M (1ULL << 21)
#define SIZE_1G (1ULL << 30)
#define SIZE_4G (1ULL << 32)

static u64 part_bytes(const struct image *image, u32 part)
{
	return image->end[part] - image->part[part];
}

u64 root_image_bytes(void)
{
	u64 bytes = 0;
	u32 i, part;

	for (i = 0; i < image_count(); i++)
		for (part = 0; part < IMAGE_PARTS; part++)
			bytes += part_bytes(image_get(i), part);
	return bytes;
}

void root_image_copy(void *const piece[])
{
	u64 offset = 0, at;
	u32 i, part;

	for (i = 0; i < image_count(); i++) {
		const struct image *image = image_get(i);

		for (part = 0; part < IMAGE_PARTS; part++)
			for (at = 0; at < part_bytes(image, part); at += PAGE_BYTES) {
				memcpy((char *)piece[offset / PIECE_BYTES] + offset % PIECE_BYTES,
				       image->part[part] + at, PAGE_BYTES);
				offset += PAGE_BYTES;
			}
	}
}

/* The entry for @va at @level (1: 4 KiB pages) below @table; NULL if the block is full. */
static u64 *entry(struct machine *m, u64 *table, u32 top, u64 va, u32 level)
{
	u32 l;

	for (l = top; l > level; l--) {
		u64 *e = &table[va >> (12 + 9 * (l - 1)) & 511];
		u64 pa;

		if (!(*e & PTE_P)) {
			if (!block_pages(m, 1, &pa))
				return NULL;
			*e = pa | PTE_P | PTE_W | PTE_A;
		}
		table = block_va(m, block_offset(m, *e & CR3_ADDRESS));
	}
	return &table[va >> (12 + 9 * (level - 1)) & 511];
}

/* Maps one page of 4 KiB (level 1), 2 MiB (2) or 1 GiB (3). */
static bool map(struct machine *m, u64 *pml4, u64 va, u64 pa, u32 level, u64 flags)
{
	u64 *e = entry(m, pml4, 4, va, level);

	if (!e)
		return false;
	*e = pa | flags | PTE_P | PTE_A | PTE_D | (level > 1 ? PTE_PS : 0);
	return true;
}

/* Maps a part of the block. */
static bool map_pages(struct machine *m, u64 *pml4, u64 va, u64 offset, u64 bytes, u64 flags)
{
	u64 at;

	for (at = 0; at < bytes; at += PAGE_BYTES)
		if (!map(m, pml4, va + at, block_pa(m, offset + at), 1, flags))
			return false;
	return true;
}

static bool map_images(struct machine *m, u64 *pml4)
{
	u64 offset = 0;
	u32 i, part;

	for (i = 0; i < image_count(); i++) {
		const struct image *image = image_get(i);

		for (part = 0; part < IMAGE_PARTS; part++) {
			u64 bytes = part_bytes(image, part);

			if (!map_pages(m, pml4, (uintptr_t)image->part[part], offset, bytes,
				       rights[part]))
				return false;
			offset += bytes;
		}
	}
	return true;
}

/* The block behind the image, each CPU area without its save page. */
static bool map_block(struct machine *m, u64 *pml4)
{
	u32 cpu;

	if (!map_pages(m, pml4, ROOT_BLOCK + m->image_bytes, m->image_bytes,
		       m->limit - m->image_bytes, PTE_W | PTE_NX))
		return false;
	for (cpu = 0; cpu < m->cpus; cpu++) {
		u64 at = cpu_area(m, cpu) + CPU_STACK;

		if (!map_pages(m, pml4, ROOT_BLOCK + at, at, CPU_BYTES - CPU_STACK, PTE_W | PTE_NX))
			return false;
	}
	return true;
}

/*
 * RAM as the guest sees it, where it is not mapped yet. Below 4 GiB pages are of 2 MiB, because memory types change
 * there; a processor splits the first 2 MiB by itself where the fixed MTRRs do (SDM vol. 3, 12.11.9).
 */
static bool map_phys(struct machine *m, u64 *pml4, u64 pa, u64 end, u64 zeros_pa)
{
	while (pa < end && pa < ROOT_PHYS_MAX) {
		u64 va = ROOT_PHYS + pa;
		bool big = m->gbpages && pa >= SIZE_4G && pa % SIZE_1G == 0 && pa + SIZE_1G <= end &&
			   !block_overlaps(m, pa, SIZE_1G);
		u64 *e = entry(m, pml4, 4, va, 3);

		if (!e)
			return false;
		if (*e & PTE_PS || (!*e && big)) {
			if (!*e && !map(m, pml4, va, pa, 3, PTE_W | PTE_NX))
				return false;
			pa = (pa | (SIZE_1G - 1)) + 1;
			continue;
		}
		e = entry(m, pml4, 4, va, 2);
		if (!e)
			return false;
		if (!*e && block_overlaps(m, pa, SIZE_2M))
			*e = zeros_pa | PTE_P | PTE_A;
		else if (!*e && !map(m, pml4, va, pa, 2, PTE_W | PTE_NX))
			return false;
		pa += SIZE_2M;
	}
	return true;
}

static bool map_ram(struct machine *m, u64 *pml4)
{
	u64 *zeros;
	u64 zeros_pa;
	u32 i;

	zeros = block_pages(m, 1, &zeros_pa);
	if (!zeros)
		return false;
	for (i = 0; i < 512; i++)
		zeros[i] = m->zero_pa | PTE_P | PTE_A | PTE_NX;
	return map_phys(m, pml4, 0, m->phys_end, zeros_pa);
}

/* The block is not in there: all of it was RAM when the machine was built. */
bool rootmap_more(struct machine *m, u64 start, u64 end)
{
	u64 *pml4 = block_va(m, block_offset(m, m->root_cr3));
	bool done;

	start &= ~(SIZE_2M - 1);
	if (start >= end || end > BIT64(m->maxphyaddr))
		return false;
	if (m->root_cr4 & CR4_LA57)
		pml4 = block_va(m, block_offset(m, pml4[0] & CR3_ADDRESS));
	slat_lock(m);
	done = map_phys(m, pml4, start, end, 0);
	if (done && end > m->phys_end)
		m->phys_end = end;
	slat_unlock(m);
	return done;
}

bool rootmap_build(struct machine *m)
{
	u64 pml4_pa, pml5_pa;
	u64 *pml4, *pml5;

	pml4 = block_pages(m, 1, &pml4_pa);
	if (!pml4 || !block_pages(m, 1, &m->zero_pa))
		return false;
	m->root_cr3 = pml4_pa;
	if (m->root_cr4 & CR4_LA57) {
		/* All our addresses lie in the lowest and the highest 256 TiB. */
		pml5 = block_pages(m, 1, &pml5_pa);
		if (!pml5)
			return false;
		pml5[0] = pml5[511] = pml4_pa | PTE_P | PTE_W | PTE_A;
		m->root_cr3 = pml5_pa;
	}
	return map_images(m, pml4) && map_block(m, pml4) && map_ram(m, pml4);
}
