// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pseudo-descriptors as SGDT and SIDT store them, and what the processor itself reads of tables.
 */
#include <string.h>

#include "access_harness.h"

START_TEST(table_sizes)
{
	u8 want[] = { 0x34, 0x12, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0 };
	u64 base = 0x1122334455667788;
	u16 limit = 0;

	long_cpl3();
	ck_assert_int_eq(guest_store_table(&m, GUEST_DS, LOW, 0x1234, base, &fault), WALK_OK);
	ck_assert_int_eq(memcmp(at(LOW), want, 12), 0);
	ck_assert_int_eq(guest_load_table(&m, GUEST_DS, LOW, &limit, &base, &fault), WALK_OK);
	ck_assert_uint_eq(limit, 0x1234);
	ck_assert_uint_eq(base, 0x1122334455667788);
	ck_assert_int_eq(guest_store_table(&m, GUEST_DS, LOW + PAGE_BYTES - 5, 0x1234, base,
					   &fault), WALK_OK);
	ck_assert_int_eq(memcmp(at(LOW + PAGE_BYTES - 5), want, 5), 0);
	ck_assert_int_eq(memcmp(at(LOW + PAGE_BYTES), want + 5, 7), 0);

	flat(PAGING_32, 3);
	ck_assert_int_eq(guest_store_table(&m, GUEST_DS, LOW, 0x1234, base, &fault), WALK_OK);
	memset(want + 6, 0, 6);
	ck_assert_int_eq(memcmp(at(LOW), want, 12), 0);
	base = ~0ULL;
	at(LOW)[6] = 0xaa;
	ck_assert_int_eq(guest_load_table(&m, GUEST_DS, LOW, &limit, &base, &fault), WALK_OK);
	ck_assert_uint_eq(base, 0x55667788);
	/* The limit counts for all of it. */
	m.seg[GUEST_DS].limit = LOW + 5;
	ck_assert_int_eq(guest_store_table(&m, GUEST_DS, LOW, 1, 2, &fault), WALK_OK);
	ck_assert_int_eq(guest_load_table(&m, GUEST_DS, LOW, &limit, &base, &fault), WALK_OK);
	m.seg[GUEST_DS].limit = LOW + 4;
	expect(guest_store_table(&m, GUEST_DS, LOW, 3, 4, &fault), VECTOR_GP);
	ck_assert_uint_eq(*at(LOW), 1);
	expect(guest_load_table(&m, GUEST_DS, LOW, &limit, &base, &fault), VECTOR_GP);
}
END_TEST

START_TEST(table_faults)
{
	u64 edge = LOW + PAGE_BYTES, base = 0;
	u16 limit = 0;

	long_cpl3();
	map(edge, PTE_P | PTE_U);
	expect(guest_store_table(&m, GUEST_DS, edge - 2, 1, 2, &fault), VECTOR_PF);
	ck_assert_uint_eq(fault.cr2, edge);
	ck_assert_uint_eq(*at(edge - 2), 0);
	ck_assert(!(guestmem_read_entry(&m.walk, LOW, 0) & PTE_D));
	ck_assert_int_eq(guest_load_table(&m, GUEST_DS, edge - 2, &limit, &base, &fault), WALK_OK);
	guestmem_map(&m.walk, edge, 0, 0x7700000000 | RW);
	ck_assert_int_eq(guest_store_table(&m, GUEST_DS, edge - 2, 1, 2, &fault), WALK_NO_MEMORY);
	ck_assert_int_eq(guest_load_table(&m, GUEST_DS, edge - 2, &limit, &base, &fault),
			 WALK_NO_MEMORY);
	ck_assert_uint_eq(*at(edge - 2), 0);
}
END_TEST

/* A word, then a doubleword or quadword: 2 modulo 4 is the address that never faults. */
START_TEST(table_alignment)
{
	u32 i, unit = _i ? 8 : 4;

	flat(_i ? PAGING_4 : PAGING_32, 3);
	m.walk.cr0 |= CR0_AM;
	m.walk.rflags = RFLAGS_AC;
	for (i = 0; i < 16; i++) {
		if (i % unit == unit - 2)
			ck_assert_int_eq(guest_store_table(&m, GUEST_DS, LOW + i, 1, 2, &fault),
					 WALK_OK);
		else
			expect(guest_store_table(&m, GUEST_DS, LOW + i, 1, 2, &fault), VECTOR_AC);
	}
	m.walk.cpl = 0;
	ck_assert_int_eq(guest_store_table(&m, GUEST_DS, LOW + 1, 1, 2, &fault), WALK_OK);
}
END_TEST

/* Descriptors are read by the processor, not by the program. */
START_TEST(linear_loads)
{
	u64 value = 0;

	long_cpl3();
	map(LOW, PTE_P);
	memcpy(at(LOW + 8), "\1\2\3\4\5\6\7\10", 8);
	expect(read4(GUEST_DS, LOW + 8), VECTOR_PF);
	m.walk.cr0 |= CR0_AM;
	m.walk.rflags = RFLAGS_AC;
	ck_assert_int_eq(guest_load_linear(&m, LOW + 8, 8, &value, &fault), WALK_OK);
	ck_assert_uint_eq(value, 0x0807060504030201);
	ck_assert_int_eq(guest_load_linear(&m, LOW + 9, 2, &value, &fault), WALK_OK);
	map(LOW, RW);
	m.walk.cr4 |= CR4_SMAP;
	ck_assert_int_eq(guest_load_linear(&m, LOW, 8, &value, &fault), WALK_FAULT);
	ck_assert_uint_eq(fault.error, PF_PRESENT);
	map(LOW, PTE_P);
	map(LOW + PAGE_BYTES, PTE_P);
	*at(LOW + PAGE_BYTES) = 0x99;
	ck_assert_int_eq(guest_load_linear(&m, LOW + PAGE_BYTES - 1, 2, &value, &fault), WALK_OK);
	ck_assert_uint_eq((u16)value, 0x9900);
	/* From compatibility mode too, a descriptor table may lie anywhere. */
	m.seg[GUEST_CS].attr = TYPE_CODE | SEG_DB;
	guestmem_map(&m.walk, 0xffffffffff000fff, 0, 0x5000 | PTE_P);
	guestmem_map(&m.walk, 0xffffffffff001000, 0, 0x6000 | PTE_P);
	guestmem_page(0x5000);
	guestmem_page(0x6000)[0] = 0x42;
	ck_assert_int_eq(guest_load_linear(&m, 0xffffffffff000fff, 2, &value, &fault), WALK_OK);
	ck_assert_uint_eq((u16)value, 0x4200);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("access_table");

	tcase_add_test(tc, table_sizes);
	tcase_add_test(tc, table_faults);
	tcase_add_loop_test(tc, table_alignment, 0, 2);
	tcase_add_test(tc, linear_loads);
	return run_suite("access_table", tc);
}
