// SPDX-License-Identifier: GPL-2.0-only
/*
 * slat.c - second-level tables: guest-physical memory mapped onto itself without the block.
 *
 * Large pages wherever memory is of one type (a page across a type change has no defined type:
 * SDM vol. 3, 12.11.9; APM vol. 2, 7.7.5). The whole physical address space of a modern processor
 * would take megabytes of tables for addresses that nothing answers, so only RAM and the first
 * 4 GiB are mapped at once, and the rest when the guest first touches it.
 */
#include "slat.h"

#include "machine.h"
#include "string.h"

#define SIZE_2M (1ULL << 21)
#define SIZE_1G (1ULL << 30)
#define SIZE_4G (1ULL << 32)

/* The entry for @gpa at @level (1: 4 KiB pages); NULL if the block is full. */
static u64 *entry(struct machine *m, u64 gpa, u32 level)
{
	u64 *table = block_va(m, block_offset(m, m->slat_root));
	u32 l;

	for (l = m->slat.levels; l > level; l--) {
		u64 *e = &table[gpa / slat_bytes(l) & 511];
		u64 pa;

		if (!*e) {
			if (!block_pages(m, 1, &pa))
				return NULL;
			*(volatile u64 *)e = pa | m->slat.table;
		}
		table = block_va(m, block_offset(m, *e & CR3_ADDRESS));
	}
	return &table[gpa / slat_bytes(level) & 511];
}

static u64 leaf(const struct machine *m, u64 gpa, u32 level, u8 type)
{
	return gpa | m->slat.leaf | (level > 1 ? m->slat.large : 0) |
	       (m->slat.typed ? (u64)type << 3 : 0);
}

static bool map(struct machine *m, u64 gpa, u32 level, u8 type)
{
	u64 *e = entry(m, gpa, level);

	if (!e)
		return false;
	*(volatile u64 *)e = leaf(m, gpa, level, type);
	return true;
}

/* 2 MiB, in small pages where its memory type changes. */
static bool map_2m(struct machine *m, u64 gpa)
{
	u64 at;
	u8 type;

	if (mtrr_type(m, gpa, SIZE_2M, &type))
		return map(m, gpa, 2, type);
	for (at = gpa; at < gpa + SIZE_2M; at += PAGE_BYTES) {
		mtrr_type(m, at, PAGE_BYTES, &type);
		if (!map(m, at, 1, type))
			return false;
	}
	return true;
}

/*
 * Whether a page of 1 GiB may lie here. Not where RAM ends: AMD's TOM2 makes memory below it
 * write-back whatever the MTRRs say (APM vol. 2, 7.7.7), and it is at most 1 GiB behind the end.
 */
static bool huge(const struct machine *m, u64 gpa, u8 *type)
{
	u64 end = (m->phys_end + SIZE_1G - 1) & ~(SIZE_1G - 1);

	return m->slat.gbpages && gpa % SIZE_1G == 0 && !block_overlaps(m, gpa, SIZE_1G) &&
	       (gpa + SIZE_1G <= m->phys_end || gpa >= end + SIZE_1G) &&
	       mtrr_type(m, gpa, SIZE_1G, type);
}

/*
 * Every address of a piece of the block shows the zero page, by one entry of the tables; but for
 * the rings of the processors that have their areas there, which the guest may read.
 */
static bool hide(struct machine *m, u64 gpa)
{
	u64 *zeros, *e;
	u64 pa;
	u32 i;

	zeros = block_pages(m, 1, &pa);
	e = entry(m, gpa, 2);
	if (!zeros || !e)
		return false;
	for (i = 0; i < 512; i++)
		zeros[i] = m->zero_pa | m->slat.hidden;
	for (i = 0; i < m->cpus; i++) {
		u64 ring = block_pa(m, cpu_area(m, i) + CPU_RING);

		if (ring - gpa < SIZE_2M)
			zeros[(ring - gpa) / PAGE_BYTES] = ring | m->slat.hidden;
	}
	*e = pa | m->slat.table;
	return true;
}

bool slat_build(struct machine *m)
{
	u64 end = m->phys_end > SIZE_4G ? m->phys_end : SIZE_4G;
	u64 gpa;
	u8 type;

	mtrr_read(m, &m->mtrrs);
	if (!block_pages(m, 1, &m->slat_root) || !slat_view_build(m))
		return false;
	for (gpa = 0; gpa < end;) {
		if (block_offset(m, gpa) != BLOCK_NONE) {
			if (!hide(m, gpa))
				return false;
			gpa += SIZE_2M;
		} else if (huge(m, gpa, &type)) {
			if (!map(m, gpa, 3, type))
				return false;
			gpa += SIZE_1G;
		} else {
			if (!map_2m(m, gpa))
				return false;
			gpa += SIZE_2M;
		}
	}
	return true;
}

void slat_lock(struct machine *m)
{
	while (__atomic_exchange_n(&m->slat_lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

void slat_unlock(struct machine *m)
{
	__atomic_store_n(&m->slat_lock, 0, __ATOMIC_RELEASE);
}

/* What is there stays: an entry may be a split page, and its rights those that a rule has left. */
static bool fill(struct machine *m, u64 gpa)
{
	u64 huge_page = gpa & ~(SIZE_1G - 1);
	u64 page = gpa & ~(SIZE_2M - 1);
	u64 *e = entry(m, huge_page, 3);
	u8 type;

	if (!e)
		return false;
	if (!*e && huge(m, huge_page, &type))
		return map(m, huge_page, 3, type) && slat_guard_again(m, huge_page, SIZE_1G);
	if (*e & m->slat.large)
		return true;
	e = entry(m, page, 2);
	return e && (*e || (map_2m(m, page) && slat_guard_again(m, page, SIZE_2M)));
}

bool slat_fill(struct machine *m, u64 gpa)
{
	bool done;

	if (gpa >> m->maxphyaddr || !m->slat_root)
		return false;
	slat_lock(m);
	done = fill(m, gpa);
	slat_unlock(m);
	return done;
}

/* The same memory in smaller pages, of the type it has had: one store, whoever walks there. */
static bool split(struct machine *m, u64 *e, u32 level)
{
	u64 pa;
	u64 *table = block_pages(m, 1, &pa);

	if (!table)
		return false;
	slat_split_into(m, *e, level, table);
	__atomic_store_n(e, pa | m->slat.table, __ATOMIC_RELEASE);
	return true;
}

/* What is mapped at @gpa gets its type, and keeps its rights. Returns how far that goes, 0 if it was split before. */
static u64 retype_at(struct machine *m, u64 gpa)
{
	u64 table = m->slat_root;
	u32 level = m->slat.levels;
	u64 *e;
	u8 type;

	for (;; level--) {
		e = (u64 *)block_va(m, block_offset(m, table)) + (gpa / slat_bytes(level) & 511);
		if (!*e || level == 1 || *e & m->slat.large)
			break;
		table = *e & CR3_ADDRESS;
	}
	/* The block's entries lead to its page of zeros, itself among them. */
	if (!*e || block_offset(m, gpa) != BLOCK_NONE)
		return slat_bytes(level);
	if (!mtrr_type(m, gpa, slat_bytes(level), &type)) {
		if (split(m, e, level))
			return 0;
		type = 0; /* UC */
	}
	*(volatile u64 *)e = leaf(m, gpa, level, type) & (*e | ~m->slat.write);
	return slat_bytes(level);
}

void slat_retype(struct machine *m)
{
	struct mtrrs now;
	u64 gpa;

	slat_lock(m);
	mtrr_read(m, &now);
	if (memcmp(&now, &m->mtrrs, sizeof(now))) {
		memcpy(&m->mtrrs, &now, sizeof(now));
		for (gpa = 0; gpa >> m->maxphyaddr == 0;)
			gpa += retype_at(m, gpa);
	}
	slat_unlock(m);
}
