// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level tables: identity everywhere but the block, no large page across a change of memory
 * type, and what is filled in when the guest first touches it.
 */
#include "sim.h"

#define SIZE_2M (1ULL << 21)
#define SIZE_1G (1ULL << 30)
#define ADDRESS 0x000ffffffffff000ULL
#define VALID BIT64(11)

/* What the tables make of an address. */
struct seen {
	u64 pa;
	u64 entry;
	u64 bytes;
};

static struct machine_request request;
static char why_room[200];

static bool build(u32 pieces, u64 phys_end)
{
	struct text why = { .at = why_room, .size = sizeof(why_room) };
	struct features_on none = { 0 };

	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(plan_make(&machine.plans[0], &none, NULL, machine.caps.facilities, &why));
	sim_block(&request, pieces);
	request.cpus = 2;
	request.phys_end = phys_end;
	return machine_build(&request, &why);
}

static struct seen look(u64 gpa)
{
	u32 level = machine.slat.levels;
	u64 table = machine.slat_root;
	struct seen s = { 0 };

	for (;; level--) {
		ck_assert_uint_ne(block_offset(&machine, table), BLOCK_NONE);
		s.bytes = PAGE_BYTES << (9 * (level - 1));
		s.entry = ((u64 *)block_va(&machine, block_offset(&machine, table)))
			[gpa / s.bytes & 511];
		if (!s.entry)
			return s;
		if (level == 1 || s.entry & machine.slat.large)
			break;
		ck_assert_uint_eq(s.entry & ~ADDRESS, machine.slat.table);
		table = s.entry & ADDRESS;
	}
	s.pa = (s.entry & ADDRESS & ~(s.bytes - 1)) | (gpa & (s.bytes - 1));
	return s;
}

static u64 rights(const struct seen *s)
{
	return s->entry & ~ADDRESS & ~(s->bytes > PAGE_BYTES ? machine.slat.large : 0);
}

static bool is_ring(u64 pa)
{
	u64 ring;
	u32 cpu;

	for (cpu = 0; cpu < machine.cpus; cpu++) {
		machine_ring(cpu, &ring);
		if (pa - ring < PAGE_BYTES)
			return true;
	}
	return false;
}

/* Every 2 MiB (and the pages of the first one) up to @end. */
static void check_identity(u64 end)
{
	u64 gpa, step;

	for (gpa = 0; gpa < end; gpa += step) {
		struct seen s = look(gpa + 0x123);
		bool ours = block_offset(&machine, gpa) != BLOCK_NONE;

		step = gpa < SIZE_2M || s.bytes == PAGE_BYTES ? PAGE_BYTES : SIZE_2M;
		if (ours) {
			ck_assert_uint_eq(s.pa, (is_ring(gpa) ? gpa : machine.zero_pa) + 0x123);
			ck_assert_uint_eq(s.entry & ~ADDRESS, machine.slat.hidden);
		} else {
			ck_assert_uint_eq(s.pa, gpa + 0x123);
			if (!machine.slat.typed)
				ck_assert_uint_eq(rights(&s), machine.slat.leaf);
		}
	}
}

/* Of the block, zeros can be read everywhere but in the rings, and nothing can be written. */
static void check_pieces(u32 pieces)
{
	u32 piece, page, rings = 0;
	u64 gpa;

	for (piece = 0; piece < pieces; piece++) {
		for (page = 0; page < 512; page++) {
			struct seen s;

			gpa = SIM_PIECE_PA(piece) + page * PAGE_BYTES;
			s = look(gpa);
			ck_assert_uint_eq(s.bytes, PAGE_BYTES);
			ck_assert_uint_eq(s.entry & ~ADDRESS, machine.slat.hidden);
			rings += is_ring(gpa);
			ck_assert_uint_eq(s.pa, is_ring(gpa) ? gpa : machine.zero_pa);
		}
	}
	ck_assert_uint_eq(rings, machine.cpus);
}

START_TEST(identity_but_for_the_block)
{
	static const enum sim_model models[] = { SIM_EPYC, SIM_PHENOM, SIM_INTEL };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(models); i++) {
		sim_new(models[i]);
		ck_assert(build(2, 3ULL << 30));
		check_identity(4ULL << 30);
		ck_assert_uint_eq(look(4ULL << 30).entry, 0);
		/* Each page of each piece, and its neighbours. */
		check_pieces(2);
		ck_assert_uint_eq(look(SIM_PIECE_PA(1) - 1).pa, SIM_PIECE_PA(1) - 1);
		ck_assert_uint_eq(look(SIM_PIECE_PA(1) + SIZE_2M).pa, SIM_PIECE_PA(1) + SIZE_2M);
	}
}
END_TEST

START_TEST(rights_of_svm)
{
	struct seen s;

	sim_new(SIM_EPYC);
	ck_assert(build(1, 3ULL << 30));
	/* A nested walk is a user's: without U the guest could reach nothing (15.25.5). */
	s = look(0x200000);
	ck_assert_uint_eq(rights(&s), PTE_P | PTE_W | PTE_U | PTE_A | PTE_D);
	s = look(SIM_PIECE_PA(0));
	ck_assert_uint_eq(s.entry & (PTE_P | PTE_W | PTE_U | PTE_NX), PTE_P | PTE_U | PTE_NX);
}
END_TEST

START_TEST(large_pages_where_they_may_be)
{
	sim_new(SIM_EPYC);
	ck_assert(build(1, 10ULL << 30));
	ck_assert_uint_eq(look(0).bytes, SIZE_1G);
	ck_assert_uint_eq(look(SIM_PIECE_PA(0) + SIZE_2M).bytes, SIZE_2M);
	ck_assert_uint_eq(look(5ULL << 30).bytes, SIZE_1G);
	check_identity(10ULL << 30);
	/* RAM that ends in the middle of one: not there. */
	ck_assert(build(1, (9ULL << 30) + SIZE_2M));
	ck_assert_uint_eq(look(9ULL << 30).bytes, SIZE_2M);
	ck_assert_uint_eq(look(8ULL << 30).bytes, SIZE_1G);
	sim_new(SIM_PHENOM);
	ck_assert(build(1, 5ULL << 30));
	ck_assert_uint_eq(look(0).bytes, SIZE_2M);
	ck_assert_uint_eq(look(4ULL << 30).bytes, SIZE_2M);
}
END_TEST

static void range(u32 i, u64 base, u64 bytes, u8 type)
{
	*sim_msr(MSR_MTRR_PHYS_BASE0 + 2 * i) = base | type;
	*sim_msr(MSR_MTRR_PHYS_MASK0 + 2 * i) =
		((BIT64(machine.maxphyaddr) - 1) & ~(bytes - 1)) | VALID;
}

START_TEST(no_large_page_across_a_type_change)
{
	struct seen s;
	u64 gpa;

	sim_new(SIM_INTEL);
	machine_probe(true, true, cpu_rdmsr_safe);
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0xc06;
	*sim_msr(MSR_MTRR_FIX64K_00000) = 0x0606060606060606;
	range(0, 0xc0000000, SIZE_1G, 0);
	range(1, 0x80100000, 0x100000, 1);
	ck_assert(build(1, 3ULL << 30));
	check_identity(4ULL << 30);
	/* The fixed ranges: pages of 4 KiB, each of its type. */
	for (gpa = 0; gpa < SIZE_2M; gpa += PAGE_BYTES) {
		s = look(gpa);
		ck_assert_uint_eq(s.bytes, PAGE_BYTES);
		ck_assert_uint_eq(s.entry >> 3 & 7, gpa < 0x80000 || gpa >= 0x100000 ? 6 : 0);
	}
	for (gpa = 0x80000000; gpa < 0x80000000 + SIZE_2M; gpa += PAGE_BYTES) {
		s = look(gpa);
		ck_assert_uint_eq(s.bytes, PAGE_BYTES);
		ck_assert_uint_eq(s.entry >> 3 & 7, gpa < 0x80100000 ? 6 : 1);
	}
	ck_assert_uint_eq(look(0x80200000).bytes, SIZE_2M);
	ck_assert_uint_eq(look(0x80200000).entry >> 3 & 7, 6);
	ck_assert_uint_eq(look(0xc0000000).entry >> 3 & 7, 0);
	/* SVM applies the MTRRs by itself, but has large pages by the same rule. */
	sim_new(SIM_EPYC);
	machine_probe(true, true, cpu_rdmsr_safe);
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0xc06;
	range(0, 0xe0000000, 0x20000000, 0);
	ck_assert(build(1, 3ULL << 30));
	ck_assert_uint_eq(look(0).bytes, PAGE_BYTES);
	ck_assert_uint_eq(look(0x80000000).bytes, SIZE_1G);
	ck_assert_uint_eq(look(0xc0000000).bytes, SIZE_2M);
	ck_assert_uint_eq(look(0xe0000000).bytes, SIZE_2M);
}
END_TEST

/* Every mapped page of a typed machine has the type that the MTRRs give it now. */
static void check_types(u64 end)
{
	u64 gpa, step;
	u8 type;

	for (gpa = 0; gpa < end; gpa += step) {
		struct seen s = look(gpa);

		step = s.bytes;
		if (!s.entry || block_offset(&machine, gpa) != BLOCK_NONE)
			continue;
		ck_assert_msg(mtrr_type(&machine, gpa, s.bytes, &type), "a page across types: %lx",
			      (unsigned long)gpa);
		ck_assert_uint_eq(s.entry >> 3 & 7, type);
		ck_assert_uint_eq(s.pa, gpa);
	}
}

START_TEST(types_follow_the_mtrrs)
{
	u64 next, block[512];
	u32 i;

	sim_new(SIM_INTEL);
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0xc06;
	*sim_msr(MSR_MTRR_FIX64K_00000) = 0x0606060606060606;
	ck_assert(build(1, 3ULL << 30));
	check_types(4ULL << 30);
	for (i = 0; i < 512; i++)
		block[i] = look(SIM_PIECE_PA(0) + i * PAGE_BYTES).entry;
	/* The same ones again: nothing is done. */
	next = machine.next;
	slat_retype(&machine);
	ck_assert_uint_eq(machine.next, next);
	/* All of a 2 MiB page changes, then a part of it, then a page alone. */
	range(0, 0xd0000000, SIZE_2M, 1);
	slat_retype(&machine);
	ck_assert_uint_eq(look(0xd0000000).entry >> 3 & 7, 1);
	ck_assert_uint_eq(look(0xd0000000).bytes, SIZE_2M);
	ck_assert_uint_eq(machine.next, next);
	check_types(4ULL << 30);
	range(0, 0xd0100000, PAGE_BYTES, 1);
	slat_retype(&machine);
	ck_assert_uint_eq(machine.next, next + PAGE_BYTES);
	ck_assert_uint_eq(look(0xd0100000).entry >> 3 & 7, 1);
	ck_assert_uint_eq(look(0xd0101000).entry >> 3 & 7, 6);
	check_types(4ULL << 30);
	/* Taken away: of the old types, and not larger again. */
	*sim_msr(MSR_MTRR_PHYS_MASK0) = 0;
	slat_retype(&machine);
	ck_assert_uint_eq(look(0xd0100000).entry >> 3 & 7, 6);
	ck_assert_uint_eq(look(0xd0100000).bytes, PAGE_BYTES);
	ck_assert_uint_eq(machine.next, next + PAGE_BYTES);
	check_types(4ULL << 30);
	/* The fixed ones, and what was filled in. */
	*sim_msr(MSR_MTRR_FIX16K_A0000) = 0x0101010101010101;
	ck_assert(slat_fill(&machine, 8ULL << 30));
	slat_retype(&machine);
	ck_assert_uint_eq(look(0xa0000).entry >> 3 & 7, 1);
	range(1, 8ULL << 30, SIZE_1G, 4);
	slat_retype(&machine);
	ck_assert_uint_eq(look(8ULL << 30).entry >> 3 & 7, 4);
	check_types(9ULL << 30);
	/* Off: all is UC, in whatever pages there are. */
	next = machine.next;
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0;
	slat_retype(&machine);
	ck_assert_uint_eq(look(0x200000).entry >> 3 & 7, 0);
	ck_assert_uint_eq(machine.next, next);
	check_types(9ULL << 30);
	ck_assert_uint_eq(machine.slat_lock, 0);
	/* The block has stayed what it was. */
	for (i = 0; i < 512; i++)
		ck_assert_uint_eq(look(SIM_PIECE_PA(0) + i * PAGE_BYTES).entry, block[i]);
}
END_TEST

START_TEST(a_gibibyte_is_split)
{
	u64 next;

	sim_new(SIM_INTEL);
	*sim_msr(MSR_VMX_EPT_VPID) |= VMX_EPT_1G;
	sim_cpuid(0x80000001, 0)[CPUID_EDX] |= 1u << 26;
	ck_assert(build(1, 6ULL << 30));
	ck_assert_uint_eq(look(2ULL << 30).bytes, SIZE_1G);
	next = machine.next;
	range(0, (2ULL << 30) + 0x12345000, PAGE_BYTES, 0);
	slat_retype(&machine);
	ck_assert_uint_eq(machine.next, next + 2 * PAGE_BYTES);
	ck_assert_uint_eq(look((2ULL << 30) + 0x12345000).entry >> 3 & 7, 0);
	ck_assert_uint_eq(look((2ULL << 30) + 0x12344000).entry >> 3 & 7, 6);
	ck_assert_uint_eq(look(2ULL << 30).bytes, SIZE_2M);
	ck_assert_uint_eq(look(3ULL << 30).bytes, SIZE_1G);
	check_types(6ULL << 30);
	check_identity(6ULL << 30);
}
END_TEST

/* A block that is full: slow memory, and never memory of a wrong type. */
START_TEST(uncached_where_nothing_can_be_split)
{
	sim_new(SIM_INTEL);
	ck_assert(build(1, 3ULL << 30));
	machine.next = machine.limit;
	range(0, 0xd0100000, 0x100000, 1);
	slat_retype(&machine);
	ck_assert_uint_eq(look(0xd0000000).bytes, SIZE_2M);
	ck_assert_uint_eq(look(0xd0000000).entry >> 3 & 7, 0);
	ck_assert_uint_eq(look(0xd0200000).entry >> 3 & 7, 6);
	/* And fast again, when it may be. */
	*sim_msr(MSR_MTRR_PHYS_MASK0) = 0;
	slat_retype(&machine);
	ck_assert_uint_eq(look(0xd0000000).entry >> 3 & 7, 6);
	check_identity(4ULL << 30);
}
END_TEST

START_TEST(five_levels)
{
	sim_new(SIM_EPYC);
	sim_cpuid(7, 0)[CPUID_ECX] |= 1u << 16;
	sim.cr4 |= CR4_LA57;
	ck_assert(build(1, 3ULL << 30));
	ck_assert_uint_eq(machine.slat.levels, 5);
	check_identity(4ULL << 30);
	ck_assert(slat_fill(&machine, BIT64(47)));
	ck_assert_uint_eq(look(BIT64(47) + 5).pa, BIT64(47) + 5);
}
END_TEST

START_TEST(filled_on_demand)
{
	u64 next;

	sim_new(SIM_EPYC);
	ck_assert(build(1, 6ULL << 30));
	/* A device far above RAM: one page of 1 GiB. */
	ck_assert_uint_eq(look(100ULL << 30).entry, 0);
	ck_assert(slat_fill(&machine, (100ULL << 30) + 0x12345678));
	ck_assert_uint_eq(look((100ULL << 30) + 0x12345678).pa, (100ULL << 30) + 0x12345678);
	ck_assert_uint_eq(look(100ULL << 30).bytes, SIZE_1G);
	/* Another processor had the same fault: nothing more is taken. */
	next = machine.next;
	ck_assert(slat_fill(&machine, 100ULL << 30));
	ck_assert_uint_eq(machine.next, next);
	/* Just behind RAM TOM2 might end: small ones. */
	ck_assert(slat_fill(&machine, 6ULL << 30));
	ck_assert_uint_eq(look(6ULL << 30).bytes, SIZE_2M);
	ck_assert_uint_eq(look((6ULL << 30) + SIZE_2M).entry, 0);
	/* No large page over the table that is there now. */
	ck_assert(slat_fill(&machine, (6ULL << 30) + SIZE_2M));
	ck_assert_uint_eq(look((6ULL << 30) + SIZE_2M).bytes, SIZE_2M);
	ck_assert_uint_eq(look(6ULL << 30).bytes, SIZE_2M);
	/* Addresses that no processor has, or no tables at all. */
	ck_assert(slat_fill(&machine, BIT64(48) - 1));
	ck_assert(!slat_fill(&machine, BIT64(48)));
	ck_assert_uint_eq(machine.slat_lock, 0);
	machine.slat_root = 0;
	ck_assert(!slat_fill(&machine, 200ULL << 30));
}
END_TEST

START_TEST(filling_has_an_end)
{
	u64 gpa = 64ULL << 30;
	u32 filled = 0;

	sim_new(SIM_PHENOM);
	ck_assert(build(1, 3ULL << 30));
	machine.next = machine.limit - SLAT_SPARE_PAGES * PAGE_BYTES;
	while (slat_fill(&machine, gpa)) {
		ck_assert_uint_eq(look(gpa).pa, gpa);
		gpa += SIZE_1G;
		filled++;
	}
	/* A page each, one more where 512 GiB begin. */
	ck_assert_uint_ge(filled, SLAT_SPARE_PAGES - 2);
	ck_assert_uint_eq(machine.slat_lock, 0);
	/* What is there can still be had, and the identity has not suffered. */
	ck_assert(slat_fill(&machine, gpa - SIZE_1G + SIZE_2M));
	check_identity(4ULL << 30);
}
END_TEST

START_TEST(off_is_off)
{
	struct features_on none = { 0 };
	TEXT(reason, 200);

	sim_new(SIM_EPYC);
	machine_probe(false, true, cpu_rdmsr_safe);
	ck_assert(plan_make(&machine.plans[0], &none, NULL, machine.caps.facilities, &reason));
	sim_block(&request, 1);
	request.cpus = 1;
	request.phys_end = 1ULL << 30;
	ck_assert(machine_build(&request, &reason));
	ck_assert_uint_eq(machine.slat_root, 0);
	ck_assert(machine_take(0));
	ck_assert_uint_eq(C->nested_control, 0);
	ck_assert_uint_eq(C->nested_cr3, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		identity_but_for_the_block, rights_of_svm, large_pages_where_they_may_be,
		no_large_page_across_a_type_change, types_follow_the_mtrrs,
		a_gibibyte_is_split, uncached_where_nothing_can_be_split, five_levels, filled_on_demand,
		filling_has_an_end, off_is_off,
	};

	return sim_main("slat", tests, ARRAY_SIZE(tests));
}
