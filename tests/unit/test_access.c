// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments, alignment, loads and stores (descriptor tables: test_access_table.c; fetches:
 * test_fetch.c).
 */
#include <string.h>

#include "access_harness.h"

static const struct {
	u32 seg;
	u16 attr;
	bool reads, writes;
} types[] = {
	{ GUEST_DS, TYPE_DATA, true, true },
	{ GUEST_DS, TYPE_DATA & ~SEG_WRITABLE, true, false },
	{ GUEST_DS, TYPE_CODE, true, false },
	{ GUEST_DS, TYPE_CODE & ~SEG_WRITABLE, false, false },	/* execute only */
	{ GUEST_DS, TYPE_CODE | SEG_DOWN, true, false },	/* conforming, not expand-down */
	{ GUEST_CS, TYPE_CODE, true, false },
	{ GUEST_DS, TYPE_DATA & ~SEG_PRESENT, false, false },	/* null */
	{ GUEST_SS, TYPE_DATA, true, true },
	{ GUEST_SS, TYPE_DATA & ~SEG_PRESENT, false, false },
};

START_TEST(segment_types)
{
	u32 seg = types[_i].seg;
	u8 vector = seg == GUEST_SS ? VECTOR_SS : VECTOR_GP;

	flat(PAGING_32, 3);
	m.seg[seg].attr = types[_i].attr;
	if (types[_i].reads)
		ck_assert_int_eq(read4(seg, LOW), WALK_OK);
	else
		expect(read4(seg, LOW), vector);
	if (types[_i].writes)
		ck_assert_int_eq(write4(seg, LOW), WALK_OK);
	else
		expect(write4(seg, LOW), vector);
	/* 64-bit mode looks at none of it. */
	flat(PAGING_4, 3);
	if (seg != GUEST_CS)
		m.seg[seg].attr = types[_i].attr;
	m.seg[seg].limit = 0;
	ck_assert_int_eq(write4(seg, LOW), WALK_OK);
}
END_TEST

/* Limits: up and down, with the stack's own vector */
static const struct {
	u16 attr;
	u32 limit;
	u64 offset;
	bool good;
} limits[] = {
	{ TYPE_DATA | SEG_DB, 0x10, 0x00, true },
	{ TYPE_DATA | SEG_DB, 0x10, 0x0d, true },
	{ TYPE_DATA | SEG_DB, 0x10, 0x0e, false },
	{ TYPE_DATA | SEG_DB, 0x10, 0x11, false },
	{ TYPE_DATA | SEG_DB, 0x10, 0xfffffffe, false },
	{ TYPE_DATA | SEG_DB, 0xffffffff, 0xfffffffe, false },
	{ TYPE_DATA | SEG_DB, 2, 0, false },
	/* Expanding down: above the limit, to 64 KiB or 4 GiB by the B bit */
	{ TYPE_DATA | SEG_DOWN | SEG_DB, 0x10, 0x11, true },
	{ TYPE_DATA | SEG_DOWN | SEG_DB, 0x10, 0x10, false },
	{ TYPE_DATA | SEG_DOWN | SEG_DB, 0x10, 0x0, false },
	{ TYPE_DATA | SEG_DOWN | SEG_DB, 0x10, 0xfffffffc, true },
	{ TYPE_DATA | SEG_DOWN | SEG_DB, 0x10, 0xfffffffe, false },
	{ TYPE_DATA | SEG_DOWN, 0x10, 0x11, true },
	{ TYPE_DATA | SEG_DOWN, 0x10, 0xfffc, true },
	{ TYPE_DATA | SEG_DOWN, 0x10, 0xfffd, false },
	{ TYPE_DATA | SEG_DOWN, 0x10, 0x10011, false },
	{ TYPE_DATA | SEG_DOWN | SEG_DB, 0x10, 0x10011, true },
};

START_TEST(segment_limits)
{
	u32 segs[] = { GUEST_DS, GUEST_SS, GUEST_GS }, i, linear;

	for (i = 0; i < ARRAY_SIZE(segs); i++) {
		flat(PAGING_32, 0);
		m.seg[segs[i]] = (struct guest_segment){
			.base = 0xfffff000, .limit = limits[_i].limit,
			.attr = limits[_i].attr,
		};
		linear = 0xfffff000 + (u32)limits[_i].offset;
		map(linear, RW);
		map(linear + 3, RW);
		if (limits[_i].good) {
			ck_assert_int_eq(write4(segs[i], limits[_i].offset), WALK_OK);
			ck_assert_uint_eq(*at(linear), 0x44);
		} else {
			expect(write4(segs[i], limits[_i].offset),
			       segs[i] == GUEST_SS ? VECTOR_SS : VECTOR_GP);
			expect(read4(segs[i], limits[_i].offset),
			       segs[i] == GUEST_SS ? VECTOR_SS : VECTOR_GP);
		}
	}
}
END_TEST

/* Real mode: no types, no error codes, but limits; virtual-8086 mode: the same, with codes. */
START_TEST(real_and_vm86)
{
	real_mode();
	m.seg[GUEST_CS].attr = TYPE_CODE;
	ck_assert_int_eq(write4(GUEST_CS, 0x100), WALK_OK);
	m.seg[GUEST_DS].attr = 0;
	ck_assert_int_eq(write4(GUEST_DS, 0x100), WALK_OK);
	ck_assert_uint_eq(guestmem_page(0)[0x103], 0x11);
	m.seg[GUEST_DS].base = 0xf0;
	ck_assert_int_eq(write4(GUEST_DS, 0x100), WALK_OK);
	ck_assert_uint_eq(guestmem_page(0)[0x1f3], 0x11);
	expect(write4(GUEST_DS, 0xfffd), VECTOR_GP);
	ck_assert(!fault.has_error);
	expect(write4(GUEST_SS, 0xfffd), VECTOR_SS);
	m.seg[GUEST_CS].base = 0;
	ck_assert_int_eq(fetch(0xfff8), WALK_OK);
	ck_assert_uint_eq(got, 8);
	ck_assert_uint_eq(fault.vector, VECTOR_GP);
	ck_assert(!fault.has_error);
	/* CPL 0, so never #AC */
	m.walk.cr0 |= CR0_AM;
	m.walk.rflags |= RFLAGS_AC;
	ck_assert_int_eq(write4(GUEST_DS, 0x101), WALK_OK);

	flat(PAGING_32, 3);
	m.walk.rflags = RFLAGS_VM;
	m.seg[GUEST_CS] = (struct guest_segment){ .base = LOW, .limit = 0xffff, .attr = TYPE_CODE };
	ck_assert_int_eq(write4(GUEST_CS, 0x100), WALK_OK);
	m.seg[GUEST_DS] = (struct guest_segment){ .base = LOW, .limit = 0xffff };
	ck_assert_int_eq(write4(GUEST_DS, 0x100), WALK_OK);
	expect(write4(GUEST_DS, 0xfffd), VECTOR_GP);
	ck_assert(fault.has_error);
}
END_TEST

START_TEST(bases)
{
	u32 seg;

	/* 64-bit: FS and GS alone, all 64 bits of them */
	long_cpl3();
	for (seg = 0; seg < GUEST_SEGS; seg++) {
		m.seg[seg].base = 0xffff800000000000;
		if (seg < GUEST_FS) {
			expect(read4(seg, LOW + 0x800000000000),
			       seg == GUEST_SS ? VECTOR_SS : VECTOR_GP);
			ck_assert_int_eq(read4(seg, LOW), WALK_OK);
		} else {
			ck_assert_int_eq(read4(seg, LOW + 0x800000000000), WALK_OK);
			expect(read4(seg, LOW), VECTOR_PF);
			ck_assert_uint_eq(fault.cr2, LOW + 0xffff800000000000);
		}
	}
	/* 32-bit: all, and the sum has 32 bits */
	flat(PAGING_PAE, 3);
	for (seg = 0; seg < GUEST_SEGS; seg++) {
		m.seg[seg].base = 0xfffff000;
		ck_assert_int_eq(guest_span(&m, seg, LOW + 0x1008, 4, 1, WALK_READ, &span, &fault),
				 WALK_OK);
		ck_assert_uint_eq(span.gpa[0], PHYS(LOW) + 8);
		ck_assert_uint_eq(span.len[0], 4);
		ck_assert_uint_eq(span.len[1], 0);
	}
}
END_TEST

/* Compatibility mode: the segment's rules of 32-bit code and long mode's tables */
START_TEST(compatibility_mode)
{
	u32 value = 0x99887766;

	flat(PAGING_4, 3);
	m.seg[GUEST_CS].attr = TYPE_CODE | SEG_DB | DPL3;
	m.seg[GUEST_DS].base = 0xfffffffe;
	guestmem_map(&m.walk, 0xfffff000, 0, 0x5000 | RW);
	guestmem_map(&m.walk, 0, 0, 0x6000 | RW);
	guestmem_page(0x5000);
	guestmem_page(0x6000);
	ck_assert_int_eq(guest_store(&m, GUEST_DS, 0, 4, &value, &fault), WALK_OK);
	ck_assert_uint_eq(guestmem_page(0x5000)[0xffe], 0x66);
	ck_assert_uint_eq(guestmem_page(0x6000)[1], 0x99);
	m.seg[GUEST_DS].limit = 2;
	expect(write4(GUEST_DS, 0), VECTOR_GP);
}
END_TEST

START_TEST(canonical_form)
{
	u32 shift = _i ? 57 : 48;
	u64 low_end = 1ULL << (shift - 1), high = -low_end;

	flat(_i ? PAGING_5 : PAGING_4, 3);
	guestmem_map(&m.walk, low_end - 1, 0, PHYS(0x5000) | RW);
	guestmem_map(&m.walk, high, 0, PHYS(0x6000) | RW);
	at(0x5000);
	at(0x6000);
	ck_assert_int_eq(read4(GUEST_DS, low_end - 4), WALK_OK);
	expect(read4(GUEST_DS, low_end - 3), VECTOR_GP);
	expect(read4(GUEST_DS, low_end), VECTOR_GP);
	expect(read4(GUEST_SS, low_end - 1), VECTOR_SS);
	expect(read4(GUEST_SS, high - 1), VECTOR_SS);
	expect(read4(GUEST_DS, high - 4), VECTOR_GP);
	ck_assert_int_eq(read4(GUEST_DS, high), WALK_OK);
	/* Before the page's own fault */
	guestmem_map(&m.walk, low_end - 1, 0, 0);
	expect(read4(GUEST_DS, low_end - 3), VECTOR_GP);
	expect(read4(GUEST_DS, low_end - 4), VECTOR_PF);
}
END_TEST

START_TEST(alignment)
{
	u64 value = 0;

	long_cpl3();
	m.walk.cr0 |= CR0_AM;
	m.walk.rflags = RFLAGS_AC;
	ck_assert_int_eq(read4(GUEST_DS, LOW + 4), WALK_OK);
	expect(read4(GUEST_DS, LOW + 2), VECTOR_AC);
	expect(write4(GUEST_SS, LOW + 1), VECTOR_AC);
	ck_assert_int_eq(guest_load(&m, GUEST_DS, LOW + 1, 1, &value, &fault), WALK_OK);
	ck_assert_int_eq(guest_load(&m, GUEST_DS, LOW + 2, 2, &value, &fault), WALK_OK);
	expect(guest_load(&m, GUEST_DS, LOW + 4, 8, &value, &fault), VECTOR_AC);
	/* The linear address decides, not the offset. */
	m.seg[GUEST_FS].base = 2;
	ck_assert_int_eq(read4(GUEST_FS, LOW + 2), WALK_OK);
	expect(read4(GUEST_FS, LOW), VECTOR_AC);
	/* Seen on a processor: before the page's fault and the last byte's form, after the first's */
	expect(read4(GUEST_DS, LOW + 9 * PAGE_BYTES + 1), VECTOR_AC);
	expect(read4(GUEST_DS, 0x7fffffffffff), VECTOR_AC);
	expect(read4(GUEST_DS, 0x800000000001), VECTOR_GP);
	/* Each of the three that must come together */
	m.walk.rflags = 0;
	ck_assert_int_eq(read4(GUEST_DS, LOW + 1), WALK_OK);
	m.walk.rflags = RFLAGS_AC;
	m.walk.cr0 &= ~CR0_AM;
	ck_assert_int_eq(read4(GUEST_DS, LOW + 1), WALK_OK);
	m.walk.cr0 |= CR0_AM;
	m.walk.cpl = 0;
	ck_assert_int_eq(read4(GUEST_DS, LOW + 1), WALK_OK);
	m.walk.cpl = 3;
	ck_assert_int_eq(guest_span(&m, GUEST_DS, LOW + 1, 8, 1, WALK_READ, &span, &fault),
			 WALK_OK);
	ck_assert_int_eq(guest_span(&m, GUEST_DS, LOW + 1, 8, 8, WALK_READ | WALK_SYSTEM, &span,
				    &fault), WALK_OK);
}
END_TEST

START_TEST(load_and_store)
{
	u64 value, edge = LOW + PAGE_BYTES;

	long_cpl3();
	memcpy(at(LOW + 100), "\1\2\3\4\5\6\7\10", 8);
	ck_assert_int_eq(guest_load(&m, GUEST_DS, LOW + 100, 8, &value, &fault), WALK_OK);
	ck_assert_uint_eq(value, 0x0807060504030201);
	ck_assert(!(guestmem_read_entry(&m.walk, LOW, 0) & PTE_D));

	value = 0x1817161514131211;
	at(edge)[1] = 0x77;	/* what is there decides nothing */
	ck_assert_int_eq(guest_store(&m, GUEST_DS, edge - 3, 8, &value, &fault), WALK_OK);
	ck_assert_int_eq(memcmp(at(edge - 3), "\x11\x12\x13", 3), 0);
	ck_assert_int_eq(memcmp(at(edge), "\x14\x15\x16\x17\x18\0", 6), 0);
	ck_assert(guestmem_read_entry(&m.walk, LOW, 0) & PTE_D);
	ck_assert(guestmem_read_entry(&m.walk, edge, 0) & PTE_D);
	value = 0;
	ck_assert_int_eq(guest_load(&m, GUEST_DS, edge - 3, 8, &value, &fault), WALK_OK);
	ck_assert_uint_eq(value, 0x1817161514131211);
}
END_TEST

START_TEST(crossing_span)
{
	u64 edge = LOW + PAGE_BYTES;

	long_cpl3();
	guestmem_map(&m.walk, edge, 0, 0x5000 | RW);
	ck_assert_int_eq(guest_span(&m, GUEST_DS, edge - 1, 16, 1, WALK_READ, &span, &fault),
			 WALK_OK);
	ck_assert_uint_eq(span.gpa[0], PHYS(edge - 1));
	ck_assert_uint_eq(span.len[0], 1);
	ck_assert_uint_eq(span.gpa[1], 0x5000);
	ck_assert_uint_eq(span.len[1], 15);
	ck_assert_int_eq(guest_span(&m, GUEST_DS, edge - 16, 16, 1, WALK_READ, &span, &fault),
			 WALK_OK);
	ck_assert_uint_eq(span.len[0], 16);
	ck_assert_uint_eq(span.len[1], 0);
	/* Two whole pages can be touched by one page's worth of bytes. */
	ck_assert_int_eq(guest_span(&m, GUEST_DS, edge - 1, 4096, 1, WALK_READ, &span, &fault),
			 WALK_OK);
	ck_assert_uint_eq(span.len[1], 4095);
	/* 4 GiB is no edge in 64-bit mode. */
	guestmem_map(&m.walk, 0xffffffff, 0, 0x5000 | RW);
	guestmem_map(&m.walk, 0x100000000, 0, 0x6000 | RW);
	ck_assert_int_eq(guest_span(&m, GUEST_DS, 0xffffffff, 2, 1, WALK_READ, &span, &fault),
			 WALK_OK);
	ck_assert_uint_eq(span.gpa[1], 0x6000);
}
END_TEST

/* All or nothing: the second page decides before anything of the first changes. */
START_TEST(store_all_or_nothing)
{
	u64 edge = LOW + PAGE_BYTES;

	long_cpl3();
	map(edge, PTE_P | PTE_U);
	expect(write4(GUEST_DS, edge - 2), VECTOR_PF);
	ck_assert_uint_eq(fault.cr2, edge);
	ck_assert_uint_eq(fault.error, PF_PRESENT | PF_USER | PF_WRITE);
	ck_assert_uint_eq(*at(edge - 2), 0);
	ck_assert(!(guestmem_read_entry(&m.walk, LOW, 0) & (PTE_A | PTE_D)));

	/* Both bad: the lower one is told, with the operand's address. */
	map(LOW, PTE_P | PTE_U);
	expect(write4(GUEST_DS, edge - 2), VECTOR_PF);
	ck_assert_uint_eq(fault.cr2, edge - 2);

	/* Allowed by the tables, but no memory there, or the guest's view is read-only */
	map(LOW, RW);
	guestmem_map(&m.walk, edge, 0, 0x7700000000 | RW);
	ck_assert_int_eq(write4(GUEST_DS, edge - 2), WALK_NO_MEMORY);
	ck_assert_uint_eq(*at(edge - 2), 0);
	ck_assert_int_eq(read4(GUEST_DS, edge - 2), WALK_NO_MEMORY);
	guestmem_map(&m.walk, edge, 0, 0x5000 | RW);
	guestmem_readonly(0x5000);
	ck_assert_int_eq(read4(GUEST_DS, edge - 2), WALK_OK);
	ck_assert_int_eq(write4(GUEST_DS, edge - 2), WALK_NO_MEMORY);
	ck_assert_uint_eq(*at(edge - 2), 0);
	guestmem_map(&m.walk, LOW, 0, 0x7700000000 | RW);
	ck_assert_int_eq(write4(GUEST_DS, LOW), WALK_NO_MEMORY);
	ck_assert_int_eq(read4(GUEST_DS, LOW), WALK_NO_MEMORY);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("access");

	tcase_add_loop_test(tc, segment_types, 0, ARRAY_SIZE(types));
	tcase_add_loop_test(tc, segment_limits, 0, ARRAY_SIZE(limits));
	tcase_add_test(tc, real_and_vm86);
	tcase_add_test(tc, bases);
	tcase_add_test(tc, compatibility_mode);
	tcase_add_loop_test(tc, canonical_form, 0, 2);
	tcase_add_test(tc, alignment);
	tcase_add_test(tc, load_and_store);
	tcase_add_test(tc, crossing_span);
	tcase_add_test(tc, store_all_or_nothing);
	return run_suite("access", tc);
}
