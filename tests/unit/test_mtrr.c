// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory types out of the MTRRs (SDM vol. 3, 12.11): fixed ranges, variable ones, where they
 * overlap, and pages that straddle.
 */
#include "sim.h"

#define UC 0
#define WC 1
#define WT 4
#define WP 5
#define WB 6
#define MIXED 0xff

#define VALID BIT64(11)
#define SIZE_2M (1ULL << 21)
#define SIZE_1G (1ULL << 30)

static void bare(void)
{
	sim_new(SIM_INTEL);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_uint_eq(machine.maxphyaddr, 36);
}

/* Variable range @i: @bytes at @base, both as firmware writes them. */
static void range(u32 i, u64 base, u64 bytes, u8 type)
{
	*sim_msr(MSR_MTRR_PHYS_BASE0 + 2 * i) = base | type;
	*sim_msr(MSR_MTRR_PHYS_MASK0 + 2 * i) = (BIT64(36) - bytes) | VALID;
}

static u8 type(u64 pa, u64 bytes)
{
	u8 out = 0x77;

	mtrr_read(&machine, &machine.mtrrs);
	return mtrr_type(&machine, pa, bytes, &out) ? out : MIXED;
}

START_TEST(without_ranges)
{
	bare();
	ck_assert_uint_eq(type(0x100000, PAGE_BYTES), WB);
	ck_assert_uint_eq(type(SIZE_1G, SIZE_1G), WB);
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0x800 | UC;
	ck_assert_uint_eq(type(SIZE_1G, SIZE_1G), UC);
	/* Off: everything is UC, whatever they say. */
	*sim_msr(MSR_MTRR_DEF_TYPE) = WB;
	range(0, 0, SIZE_1G, WB);
	ck_assert_uint_eq(type(0x200000, PAGE_BYTES), UC);
	sim_cpuid(1, 0)[CPUID_EDX] &= ~(1u << 12);
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0x800 | WB;
	ck_assert_uint_eq(type(0x200000, PAGE_BYTES), UC);
}
END_TEST

static u32 numbers[100], count;

static void note(void *data, u32 msr)
{
	ck_assert_ptr_eq(data, numbers);
	numbers[count++] = msr;
}

START_TEST(each_one_is_named)
{
	bare();
	mtrr_each(note, numbers);
	ck_assert_uint_eq(count, 1 + 2 * 8 + 11);
	*sim_msr(MSR_MTRR_CAP) = 0x402; /* no fixed ranges */
	count = 0;
	mtrr_each(note, numbers);
	ck_assert_uint_eq(count, 1 + 2 * 2);
	ck_assert_uint_eq(numbers[4], MSR_MTRR_PHYS_MASK0 + 2);
	sim_cpuid(1, 0)[CPUID_EDX] &= ~(1u << 12);
	count = 0;
	mtrr_each(note, numbers);
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* Equal types are equal bytes: what has no effect is not in there. */
START_TEST(what_counts)
{
	struct mtrrs a, b;

	bare();
	range(2, 0xc0000000, SIZE_1G, UC);
	mtrr_read(&machine, &a);
	ck_assert_uint_eq(a.count, 1);
	range(5, 0x80000000, SIZE_1G, WT);
	*sim_msr(MSR_MTRR_PHYS_MASK0 + 10) &= ~VALID;
	*sim_msr(MSR_MTRR_FIX64K_00000) = 0x0606060606060606;
	mtrr_read(&machine, &b);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	*sim_msr(MSR_MTRR_DEF_TYPE) |= 0x400;
	mtrr_read(&machine, &b);
	ck_assert_mem_ne(&a, &b, sizeof(a));
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0x406;
	mtrr_read(&machine, &a);
	*sim_msr(MSR_MTRR_DEF_TYPE) = 1;
	range(0, 0, SIZE_1G, WC);
	mtrr_read(&machine, &b);
	ck_assert_mem_eq(&a, &b, sizeof(a));
}
END_TEST

START_TEST(variable_ranges)
{
	bare();
	range(3, 0xc0000000, SIZE_1G, UC);
	ck_assert_uint_eq(type(0xc0000000, SIZE_1G), UC);
	ck_assert_uint_eq(type(0xc0000000 - PAGE_BYTES, PAGE_BYTES), WB);
	ck_assert_uint_eq(type(0xfffff000, PAGE_BYTES), UC);
	ck_assert_uint_eq(type(0x100000000, SIZE_1G), WB);
	/* Physical-address bits that the mask does not have do not count. */
	*sim_msr(MSR_MTRR_PHYS_MASK0 + 6) |= BIT64(40);
	ck_assert_uint_eq(type(0xc0000000, SIZE_1G), UC);
	/* A range that is not valid is none. */
	*sim_msr(MSR_MTRR_PHYS_MASK0 + 6) &= ~VALID;
	ck_assert_uint_eq(type(0xc0000000, SIZE_1G), WB);
	/* As many as the processor has. */
	range(7, 0xc0000000, SIZE_1G, WC);
	ck_assert_uint_eq(type(0xc0000000, PAGE_BYTES), WC);
	*sim_msr(MSR_MTRR_CAP) = 0x507;
	ck_assert_uint_eq(type(0xc0000000, PAGE_BYTES), WB);
}
END_TEST

START_TEST(pages_that_straddle)
{
	bare();
	range(0, 0x80000000, 0x100000, UC);
	ck_assert_uint_eq(type(0x80000000, SIZE_2M), MIXED);
	ck_assert_uint_eq(type(0x80000000, SIZE_1G), MIXED);
	ck_assert_uint_eq(type(0x80000000, 0x100000), UC);
	ck_assert_uint_eq(type(0x80100000, 0x100000), WB);
	ck_assert_uint_eq(type(0x80200000, SIZE_2M), WB);
	ck_assert_uint_eq(type(0x7fe00000, SIZE_2M), WB);
	ck_assert_uint_eq(type(0x40000000, SIZE_1G), WB);
	/* A mask with a hole: two pages of each four. */
	*sim_msr(MSR_MTRR_PHYS_BASE0) = 0x1000 | WT;
	*sim_msr(MSR_MTRR_PHYS_MASK0) = 0x1000 | VALID;
	ck_assert_uint_eq(type(0x90001000, PAGE_BYTES), WT);
	ck_assert_uint_eq(type(0x90002000, PAGE_BYTES), WB);
	ck_assert_uint_eq(type(0x90000000, 0x2000), MIXED);
}
END_TEST

START_TEST(overlapping_ranges)
{
	/* 12.11.4.1: UC wins, WT over WB; the rest is undefined, and UC here. */
	static const struct {
		u8 a, b, is;
	} pairs[] = {
		{ WB, WB, WB }, { WB, WT, WT }, { WT, WB, WT }, { WT, WT, WT }, { UC, WB, UC },
		{ WB, UC, UC }, { WT, UC, UC }, { WC, WB, UC }, { WP, WT, UC }, { WC, WC, WC },
	};
	u32 i;

	bare();
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		range(0, 0x40000000, SIZE_1G, pairs[i].a);
		range(5, 0x40000000, SIZE_2M, pairs[i].b);
		ck_assert_uint_eq(type(0x40000000, SIZE_2M), pairs[i].is);
		ck_assert_uint_eq(type(0x40200000, SIZE_2M), pairs[i].a);
	}
	/* Three of them, the default does not mix in. */
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0x800 | UC;
	range(0, 0x40000000, SIZE_1G, WB);
	range(1, 0x40000000, SIZE_1G, WT);
	range(5, 0x40000000, SIZE_2M, WB);
	ck_assert_uint_eq(type(0x40000000, SIZE_2M), WT);
}
END_TEST

START_TEST(fixed_ranges)
{
	static const struct {
		u64 pa;
		u32 msr, index;
	} places[] = {
		{ 0, 0x250, 0 }, { 0xffff, 0x250, 0 }, { 0x10000, 0x250, 1 }, { 0x7f000, 0x250, 7 },
		{ 0x80000, 0x258, 0 }, { 0x84000, 0x258, 1 }, { 0x9f000, 0x258, 7 },
		{ 0xa0000, 0x259, 0 }, { 0xbf000, 0x259, 7 }, { 0xc0000, 0x268, 0 },
		{ 0xc7000, 0x268, 7 }, { 0xc8000, 0x269, 0 }, { 0xf0000, 0x26e, 0 },
		{ 0xff000, 0x26f, 7 },
	};
	u32 i;

	bare();
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0xc06;
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		u64 page = places[i].pa & ~(PAGE_BYTES - 1);
		u64 *msr = sim_msr(places[i].msr);

		*msr = ~0ULL ^ (u64)(0xff ^ WP) << (8 * places[i].index);
		ck_assert_uint_eq(type(page, PAGE_BYTES), WP);
		*msr = 0;
	}
	/* They come before the variable ones, and end at 1 MiB. */
	range(0, 0, SIZE_2M, WC);
	ck_assert_uint_eq(type(0, PAGE_BYTES), UC);
	ck_assert_uint_eq(type(0x100000, PAGE_BYTES), WC);
	ck_assert_uint_eq(type(0, SIZE_2M), MIXED);
	/* Off in either place: the variable ones. */
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0x806;
	ck_assert_uint_eq(type(0, PAGE_BYTES), WC);
	*sim_msr(MSR_MTRR_DEF_TYPE) = 0xc06;
	*sim_msr(MSR_MTRR_CAP) = 8;
	ck_assert_uint_eq(type(0, SIZE_2M), WC);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		without_ranges, each_one_is_named, what_counts, variable_ranges, pages_that_straddle, overlapping_ranges,
		fixed_ranges,
	};

	return sim_main("mtrr", tests, ARRAY_SIZE(tests));
}
