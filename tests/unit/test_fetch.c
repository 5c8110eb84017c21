// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fetching an instruction's bytes: pages, limits, canonical addresses, and what stops short.
 */
#include <string.h>

#include "access_harness.h"

START_TEST(code_mode)
{
	long_cpl3();
	ck_assert_uint_eq(guest_code_mode(&m), 64);
	m.seg[GUEST_CS].attr = TYPE_CODE | SEG_DB;
	ck_assert_uint_eq(guest_code_mode(&m), 32);
	m.seg[GUEST_CS].attr = TYPE_CODE;
	ck_assert_uint_eq(guest_code_mode(&m), 16);
	flat(PAGING_32, 0);
	ck_assert_uint_eq(guest_code_mode(&m), 32);
	/* Outside long mode the L bit is reserved and means nothing. */
	m.seg[GUEST_CS].attr = TYPE_CODE | SEG_LONG;
	ck_assert_uint_eq(guest_code_mode(&m), 16);
}
END_TEST

START_TEST(fetch_within_a_page)
{
	u32 i;

	long_cpl3();
	for (i = 0; i < 15; i++)
		at(CODE)[PAGE_BYTES - 15 + i] = i;
	ck_assert_int_eq(fetch(CODE + PAGE_BYTES - 15), WALK_OK);
	ck_assert_uint_eq(got, 15);
	ck_assert_uint_eq(fault.vector, 0);
	for (i = 0; i < 15; i++)
		ck_assert_uint_eq(code[i], i);
	/* CS.base is 0 in 64-bit mode, and its limit does not count. */
	m.seg[GUEST_CS].base = 0x1000;
	m.seg[GUEST_CS].limit = 0;
	ck_assert_int_eq(fetch(CODE + PAGE_BYTES - 15), WALK_OK);
	ck_assert_uint_eq(got, 15);
	ck_assert_uint_eq(code[14], 14);
}
END_TEST

START_TEST(fetch_across_pages)
{
	u64 next = CODE + PAGE_BYTES;

	long_cpl3();
	map(next, PTE_P | PTE_U);
	memcpy(at(next - 4), "\1\2\3\4", 4);
	memcpy(at(next), "\5\6\7\10\11\12\13\14\15\16\17", 11);
	ck_assert_int_eq(fetch(next - 4), WALK_OK);
	ck_assert_uint_eq(got, 15);
	ck_assert_uint_eq(fault.vector, 0);
	ck_assert_int_eq(memcmp(code, "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 15), 0);
	/* The next page may not be needed: it is not marked as if it had been used. */
	ck_assert(guestmem_read_entry(&m.walk, CODE, 0) & PTE_A);
	ck_assert(!(guestmem_read_entry(&m.walk, next, 0) & PTE_A));

	/* For CPL 3, a supervisor's page behind: the bytes that there are, and the fault */
	map(next, PTE_P);
	ck_assert_int_eq(fetch(next - 4), WALK_OK);
	ck_assert_uint_eq(got, 4);
	ck_assert_int_eq(memcmp(code, "\1\2\3\4\356", 5), 0);
	ck_assert_uint_eq(fault.vector, VECTOR_PF);
	ck_assert_uint_eq(fault.error, PF_PRESENT | PF_USER | PF_FETCH);
	ck_assert_uint_eq(fault.cr2, next);

	/* No memory behind: no fault to be had either */
	guestmem_map(&m.walk, next, 0, 0x7700000000 | RW);
	ck_assert_int_eq(fetch(next - 4), WALK_OK);
	ck_assert_uint_eq(got, 4);
	ck_assert_uint_eq(fault.vector, 0);
}
END_TEST

START_TEST(fetch_refused)
{
	long_cpl3();
	ck_assert_int_eq(fetch(CODE + 5 * PAGE_BYTES), WALK_FAULT);
	ck_assert_uint_eq(got, 0);
	ck_assert_uint_eq(fault.vector, VECTOR_PF);
	ck_assert_uint_eq(fault.error, PF_USER | PF_FETCH);
	ck_assert_uint_eq(fault.cr2, CODE + 5 * PAGE_BYTES);
	expect(fetch(0x800000000000), VECTOR_GP);
	expect(fetch(0xffff7fffffffffff), VECTOR_GP);
	map(CODE, RW | PTE_NX);
	expect(fetch(CODE), VECTOR_PF);
	guestmem_map(&m.walk, CODE, 0, 0x7700000000 | RW);
	ck_assert_int_eq(fetch(CODE), WALK_NO_MEMORY);
	ck_assert_uint_eq(got, 0);
}
END_TEST

/* The end of the lower half: what follows is #GP, with 48 bits and with 57 */
START_TEST(fetch_at_the_hole)
{
	u64 end = _i ? 0x0100000000000000 : 0x0000800000000000;

	flat(_i ? PAGING_5 : PAGING_4, 3);
	guestmem_map(&m.walk, end - 1, 0, 0x5000 | RW);
	memset(guestmem_page(0x5000), 0x90, PAGE_BYTES);
	ck_assert_int_eq(fetch(end - 3), WALK_OK);
	ck_assert_uint_eq(got, 3);
	ck_assert_uint_eq(fault.vector, VECTOR_GP);
	expect(fetch(end), VECTOR_GP);
}
END_TEST

START_TEST(fetch_to_the_limit)
{
	flat(PAGING_32, 3);
	m.seg[GUEST_CS].base = CODE - 0x100;
	m.seg[GUEST_CS].limit = 0x105;
	at(CODE)[5] = 0x77;
	ck_assert_int_eq(fetch(0x100), WALK_OK);
	ck_assert_uint_eq(got, 6);
	ck_assert_uint_eq(code[5], 0x77);
	ck_assert_uint_eq(fault.vector, VECTOR_GP);
	ck_assert_int_eq(fetch(0x105), WALK_OK);
	ck_assert_uint_eq(got, 1);
	expect(fetch(0x106), VECTOR_GP);
	ck_assert_uint_eq(got, 0);
	m.seg[GUEST_CS].limit = 0x10e;
	ck_assert_int_eq(fetch(0x100), WALK_OK);
	ck_assert_uint_eq(got, 15);
	ck_assert_uint_eq(fault.vector, 0);
}
END_TEST

/* Linear addresses outside 64-bit mode have 32 bits, in compatibility mode too. */
START_TEST(fetch_wraps)
{
	flat(_i ? PAGING_4 : PAGING_32, 3);
	m.seg[GUEST_CS].attr = TYPE_CODE | SEG_DB | SEG_GRAN | DPL3;
	m.seg[GUEST_CS].base = 0xfffff000;
	guestmem_map(&m.walk, 0xfffff000, 0, 0x5000 | RW);
	guestmem_map(&m.walk, 0, 0, 0x6000 | RW);
	guestmem_page(0x5000)[4095] = 0x12;
	guestmem_page(0x6000)[0] = 0x34;
	ck_assert_int_eq(fetch(0xfff), WALK_OK);
	ck_assert_uint_eq(got, 15);
	ck_assert_uint_eq(code[0], 0x12);
	ck_assert_uint_eq(code[1], 0x34);
	ck_assert_int_eq(fetch(0x700001000), WALK_OK);
	ck_assert_uint_eq(code[0], 0x34);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("fetch");

	tcase_add_test(tc, code_mode);
	tcase_add_test(tc, fetch_within_a_page);
	tcase_add_test(tc, fetch_across_pages);
	tcase_add_test(tc, fetch_refused);
	tcase_add_loop_test(tc, fetch_at_the_hole, 0, 2);
	tcase_add_test(tc, fetch_to_the_limit);
	tcase_add_loop_test(tc, fetch_wraps, 0, 2);
	return run_suite("fetch", tc);
}
