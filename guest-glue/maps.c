// SPDX-License-Identifier: GPL-2.0-only
/*
 * maps.c - the bitmaps that say which MSRs and ports exit. Each plan has its own, so that a
 * processor changes from one plan to the other by changing addresses.
 */
#include "machine.h"

#include "string.h"

static bool allocate(struct machine *m, u32 pages, u64 *offset)
{
	u64 pa;

	if (!block_pages(m, pages, &pa))
		return false;
	*offset = block_offset(m, pa);
	return true;
}

bool machine_maps(struct machine *m, u32 msr_pages, u32 io_pages)
{
	u32 i;

	for (i = 0; i < PLANS; i++)
		if (!allocate(m, msr_pages, &m->msr_map[i]) ||
		    !allocate(m, io_pages, &m->io_map[i]))
			return false;
	machine_plan_maps(m, m->current_plan);
	return true;
}

/* Both vendors: a bit a port (APM vol. 2, 15.10.1; SDM vol. 3, 25.6.4). */
#define IO_MAP_BYTES (2 * PAGE_BYTES)

static void fill_io_map(struct machine *m, u32 plan)
{
	const struct trap_ranges *io = &m->plans[plan].traps.io;
	u8 *map = block_va(m, m->io_map[plan]);
	u32 i, port;

	memset(map, 0, IO_MAP_BYTES);
	for (i = 0; i < io->count; i++)
		for (port = io->range[i].first; port <= io->range[i].last; port++)
			map[port / 8] |= 1u << port % 8;
}

void machine_plan_maps(struct machine *m, u32 plan)
{
	fill_io_map(m, plan);
	m->virt->maps(m, plan);
}
