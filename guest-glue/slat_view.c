// SPDX-License-Identifier: GPL-2.0-only
/*
 * slat_view.c - a wider view of memory for one processor and one instruction: the second-level
 * tables once more, with a few protected pages writable.
 *
 * Only the way from the root to those pages is copied; all else is the tables that everybody has.
 * There is one such view. A processor that has it runs one instruction of the guest's and comes
 * back at once, whatever that instruction does, so others wait for it here.
 */
#include "machine.h"

#include "string.h"

bool slat_view_build(struct machine *m)
{
	return block_pages(m, SLAT_VIEW_PAGES, &m->view_pa);
}

static u64 *page(const struct machine *m, u32 index)
{
	return block_va(m, block_offset(m, m->view_pa + index * PAGE_BYTES));
}

u64 slat_view_open(struct machine *m, bool fetch)
{
	u64 *root = page(m, 0);
	u32 i;

	while (__atomic_exchange_n(&m->view_lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
	memcpy(root, block_va(m, block_offset(m, m->slat_root)), PAGE_BYTES);
	m->view_used = 1;
	for (i = 0; !fetch && i < 512; i++)
		if (root[i])
			root[i] = (root[i] & ~m->slat.execute) | m->slat.no_execute;
	return m->view_pa;
}

void slat_view_close(struct machine *m)
{
	__atomic_store_n(&m->view_lock, 0, __ATOMIC_RELEASE);
}

/* The table that @e points to, as the view's own. NULL: there is no page for it any more. */
static u64 *own_table(struct machine *m, u64 *e, u32 level)
{
	u64 pa = *e & CR3_ADDRESS;
	u64 flags = *e & ~CR3_ADDRESS;
	u64 *table;

	if (!(*e & m->slat.large) && pa - m->view_pa < SLAT_VIEW_PAGES * PAGE_BYTES)
		return page(m, (pa - m->view_pa) / PAGE_BYTES);
	if (m->view_used == SLAT_VIEW_PAGES)
		return NULL;
	table = page(m, m->view_used);
	if (*e & m->slat.large) {
		slat_split_into(m, *e, level, table);
		flags = m->slat.table;
	} else {
		memcpy(table, block_va(m, block_offset(m, pa)), PAGE_BYTES);
	}
	*e = (m->view_pa + m->view_used++ * PAGE_BYTES) | flags;
	return table;
}

bool slat_view_add(struct machine *m, u64 gpa)
{
	u64 *table = page(m, 0);
	u32 level;
	u64 *e;

	if (gpa >> m->maxphyaddr || block_offset(m, gpa) != BLOCK_NONE)
		return false;
	for (level = m->slat.levels; level > 1; level--) {
		e = &table[gpa / slat_bytes(level) & 511];
		if (!*e)
			return false;
		table = own_table(m, e, level);
		if (!table)
			return false;
	}
	table[gpa / PAGE_BYTES & 511] |= m->slat.write;
	return true;
}
