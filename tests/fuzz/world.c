// SPDX-License-Identifier: GPL-2.0-only
/*
 * world.c - all that an exit may change, kept and compared.
 */
#include <string.h>

#include "guest.h"

u32 world_pages, world_tables;
static u8 *block;

void block_save(void)
{
	block = malloc(machine.pieces * PIECE_BYTES);
	memcpy(block, (void *)(uintptr_t)ROOT_BLOCK, machine.pieces * PIECE_BYTES);
}

void block_restore(void)
{
	memcpy((void *)(uintptr_t)ROOT_BLOCK, block, machine.pieces * PIECE_BYTES);
}

void world_save(struct world *w)
{
	u32 i;

	w->sim = sim;
	w->machine = machine;
	w->vcpu = *V;
	memcpy(w->control, V->control, PAGE_BYTES);
	memcpy(w->ring, V->ring, PAGE_BYTES);
	w->buckets = *V->buckets;
	for (i = 0; i < world_pages; i++)
		memcpy(w->memory[i], guestmem_nth(i), PAGE_BYTES);
}

void world_restore(const struct world *w)
{
	u32 i;

	sim = w->sim;
	machine = w->machine;
	*V = w->vcpu;
	memcpy(V->control, w->control, PAGE_BYTES);
	memcpy(V->ring, w->ring, PAGE_BYTES);
	*V->buckets = w->buckets;
	for (i = 0; i < world_pages; i++)
		memcpy(guestmem_nth(i), w->memory[i], PAGE_BYTES);
}

static bool only_bits(const u8 *now, const u8 *was)
{
	u32 i;

	for (i = 0; i < PAGE_BYTES; i += 4) {
		u32 new, old;

		memcpy(&new, now + i, 4);
		memcpy(&old, was + i, 4);
		if ((new ^ old) & ~(u32)(PTE_A | PTE_D) || old & ~new)
			return false;
	}
	return true;
}

bool world_only_bits(u32 page, const struct world *w)
{
	return only_bits(guestmem_nth(page), w->memory[page]);
}

void guest_check_memory(const struct guest *g, const struct world *w)
{
	u32 i;

	/* A table may be anywhere then. */
	for (i = 0; i < world_pages; i++) {
		if (i >= world_tables || g->wild)
			REQUIRE(only_bits(guestmem_nth(i), w->memory[i]));
		else
			REQUIRE(!memcmp(guestmem_nth(i), w->memory[i], PAGE_BYTES));
	}
}

void guest_same(const struct guest *g, const struct world *w)
{
	u32 i;

	REQUIRE(!memcmp(V->exits, w->vcpu.exits, sizeof(V->exits)));
	REQUIRE(!memcmp(V->handled, w->vcpu.handled, sizeof(V->handled)));
	REQUIRE(V->cr4 == w->vcpu.cr4 && V->active == w->vcpu.active && V->nmis == w->vcpu.nmis);
	REQUIRE(!memcmp(sim.gpr, w->sim.gpr, sizeof(sim.gpr)));
	REQUIRE(sim.cr2 == w->sim.cr2 && sim.dr6 == w->sim.dr6 && sim.xcr0 == w->sim.xcr0);
	REQUIRE(!memcmp(sim.msr, w->sim.msr, sizeof(sim.msr)));
	REQUIRE(!memcmp(V->ring, w->ring, PAGE_BYTES));
	REQUIRE(machine.stopped == w->machine.stopped);
	for (i = 0; i < world_pages && !g->wild; i++)
		REQUIRE(!memcmp(guestmem_nth(i), w->memory[i], PAGE_BYTES));
}

enum vmexit_kind guest_counted(const struct world *w)
{
	u32 kind, found = VMEXIT_KINDS;

	for (kind = 0; kind < VMEXIT_KINDS; kind++) {
		if (V->exits[kind] == w->vcpu.exits[kind])
			continue;
		REQUIRE(V->exits[kind] == w->vcpu.exits[kind] + 1 && found == VMEXIT_KINDS);
		found = kind;
	}
	return found;
}

bool guest_advanced(const struct guest *g, u64 rip)
{
	const struct guest_segment *cs = &g->seg[GUEST_CS];
	bool wide = cs->attr & SEG_LONG && g->efer & EFER_LMA;
	u32 n;

	if (rip == g->rip)
		return false;
	for (n = 1; n <= INSN_MAX_BYTES; n++) {
		u64 next = g->rip + n;

		if (rip == (wide ? next : cs->attr & SEG_DB ? (u32)next : (u16)next))
			return true;
	}
	fprintf(stderr, "RIP %lx, then %lx\n", (unsigned long)g->rip, (unsigned long)rip);
	abort();
}
