// SPDX-License-Identifier: GPL-2.0-only
/*
 * block.c - oldguard's own memory, where Linux has allocated it: through the direct map, through
 * calls that take an address, and by laying a device over it.
 */
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <asm/msr.h>

#include "hostile.h"
#include "oldguard.h"

/* What the root side's image has of it in Linux's world is a dead copy, but it says where. */
static u8 *block_piece(void)
{
	const struct machine *m = (void *)find("oldguard:machine");

	return m && m->pieces ? __va(m->piece_pa[0]) : NULL;
}

static u8 *block(void)
{
	u8 *piece = block_piece();

	if (!piece)
		impossible("oldguard holds no memory");
	return piece;
}

/* Where a processor's reports are, which anybody may read. */
static u8 *ring(u32 cpu)
{
	const struct machine *m = (void *)find("oldguard:machine");

	return __va(block_pa(m, cpu_area(m, cpu) + CPU_RING));
}

static bool is_ring(const u8 *page)
{
	const struct machine *m = (void *)find("oldguard:machine");
	u32 cpu;

	for (cpu = 0; cpu < m->cpus; cpu++)
		if (ring(cpu) == page)
			return true;
	return false;
}

/* A page that is all zeros as far as we can see: nobody is hurt by a write to it. */
static u8 *quiet_page(u8 *piece)
{
	u64 at;

	for (at = 0; at < PIECE_BYTES; at += PAGE_SIZE)
		if (!is_ring(piece + at) && !memchr_inv(piece + at, 0, PAGE_SIZE))
			return piece + at;
	return NULL;
}

static void read_block(const struct attack *a)
{
	u8 *piece = block();
	u64 i, j, found = 0;

	if (!piece)
		return;
	for (i = 0; i < PIECE_BYTES; i += PAGE_SIZE)
		if (!is_ring(piece + i))
			for (j = 0; j < PAGE_SIZE; j++)
				found += READ_ONCE(piece[i + j]) != 0;
	if (found)
		succeeded("%llu bytes are not zero", found);
	else
		refused("all zeros");
}

static void write_block(const struct attack *a)
{
	u8 *piece = block(), *at = piece ? quiet_page(piece) : NULL;
	u8 now;
	int trap;

	if (!at)
		return;
	trap = try_poke(at, 0x5a);
	now = READ_ONCE(*at);
	if (now)
		try_poke(at, 0);
	came_of(trap, now == 0x5a);
}

/* A report that nobody has made, or one less. */
static void forge_report(const struct attack *a)
{
	u8 *at = block() ? ring(0) : NULL;
	u8 was;
	int trap;

	if (!at)
		return;
	was = READ_ONCE(*at);
	trap = try_poke(at, ~was);
	if (trap == NO_TRAP)
		try_poke(at, was);
	came_of(trap, trap == NO_TRAP);
}

/* Off: with a page of one's own, to show that the call itself works. */
static void call_with(u64 number, u64 a, u64 b, const char *what)
{
	u64 result;

	if (!oldguard_call(number, a, b, &result))
		impossible("nobody answers calls");
	else if (result == HYPERCALL_OK)
		succeeded("%s", what);
	else
		refused("answer %llu", result);
}

static u64 address(bool own, u8 *page)
{
	u8 *piece = own ? NULL : block_piece();

	return __pa(piece ? piece + PAGE_SIZE : page);
}

u64 block_or(void *page)
{
	u8 *piece = block_piece();

	return piece ? __pa(piece + PAGE_SIZE) : page ? __pa(page) : 0;
}

#define OWN 1

static void counts_into_block(const struct attack *a)
{
	u8 *page = (u8 *)get_zeroed_page(GFP_KERNEL);

	if (page)
		call_with(HYPERCALL_COUNTS, 0, address(a->arg & OWN, page), "counts are written");
	free_page((unsigned long)page);
}

static void stage_from_block(const struct attack *a)
{
	struct stage_request *r =
		(void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, get_order(sizeof(*r)));
	const struct guard *guard = (void *)find("oldguard:guard");

	if (r && guard) {
		strscpy(r->text, guard->list, sizeof(r->text));
		r->length = strlen(r->text);
		strscpy(r->policy, guard->policy, sizeof(r->policy));
		r->policy_length = strlen(r->policy);
		call_with(HYPERCALL_STAGE, address(a->arg & OWN, (u8 *)r), 0, "staged");
	}
	free_pages((unsigned long)r, get_order(sizeof(*r)));
}

/* The local APIC answers at its page instead of memory, to whoever asks. */
static void apic_over(const struct attack *a)
{
	u8 *page = (u8 *)get_zeroed_page(GFP_KERNEL);
	unsigned long flags;
	u64 was, now, wanted;
	int trap;

	if (!page)
		return;
	local_irq_save(flags);
	rdmsrl(MSR_IA32_APICBASE, was);
	wanted = (was & ~MSR_IA32_APICBASE_BASE) | address(a->arg & OWN, page);
	trap = try_wrmsr(MSR_IA32_APICBASE, wanted);
	rdmsrl(MSR_IA32_APICBASE, now);
	if (trap == NO_TRAP)
		wrmsrl(MSR_IA32_APICBASE, was);
	local_irq_restore(flags);
	free_page((unsigned long)page);
	came_of(trap, now == wanted);
}

const struct attack block_attacks[] = { { "block-read", read_block },
					{ "block-write", write_block },
					{ "block-reports", forge_report },
					{ "block-counts", counts_into_block },
					{ "block-counts-own", counts_into_block, OWN },
					{ "block-stage", stage_from_block },
					{ "block-stage-own", stage_from_block, OWN },
					{ "block-apic", apic_over },
					{ "block-apic-own", apic_over, OWN },
					{} };
