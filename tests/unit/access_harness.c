// SPDX-License-Identifier: GPL-2.0-only
#include "access_harness.h"

#include <string.h>

struct guest_mem m;
struct guest_fault fault;
struct guest_span span;
u8 code[15];
u32 got;

u8 *at(u64 linear)
{
	return guestmem_page(PHYS(linear)) + linear % PAGE_BYTES;
}

void map(u64 linear, u64 rights)
{
	guestmem_map(&m.walk, linear, 0, (PHYS(linear) & ~0xfffULL) | rights);
	at(linear);
}

void flat(enum paging paging, u8 cpl)
{
	u16 dpl = cpl << SEG_DPL_SHIFT;
	u32 i;

	guestmem_reset();
	m = (struct guest_mem){ .walk = guestmem_state(paging) };
	m.walk.cpl = cpl;
	for (i = 0; i < GUEST_SEGS; i++)
		m.seg[i] = (struct guest_segment){
			.limit = 0xffffffff, .attr = TYPE_DATA | SEG_DB | SEG_GRAN | dpl,
		};
	m.seg[GUEST_CS].attr = TYPE_CODE | SEG_GRAN | dpl |
			       (paging >= PAGING_4 ? SEG_LONG : SEG_DB);
	map(LOW, RW);
	map(LOW + PAGE_BYTES, RW);
	map(CODE, PTE_P | PTE_U);
	fault = (struct guest_fault){ .vector = 99 };
	memset(&span, 0x55, sizeof(span));
}

void long_cpl3(void)
{
	flat(PAGING_4, 3);
}

void real_mode(void)
{
	u32 i;

	flat(PAGING_32, 0);
	m.walk.cr0 = 0;
	m.walk.efer = 0;
	for (i = 0; i < GUEST_SEGS; i++)
		m.seg[i] = (struct guest_segment){ .limit = 0xffff, .attr = TYPE_DATA };
	guestmem_page(0);
	guestmem_page(0xf000);
}

void expect(enum walk_status status, u8 vector)
{
	ck_assert_int_eq(status, WALK_FAULT);
	ck_assert_uint_eq(fault.vector, vector);
	ck_assert_int_eq(fault.has_error, !!(m.walk.cr0 & CR0_PE));
	if (vector != VECTOR_PF)
		ck_assert_uint_eq(fault.error | fault.cr2, 0);
}

enum walk_status read4(u32 seg, u64 offset)
{
	u32 value;

	return guest_load(&m, seg, offset, 4, &value, &fault);
}

enum walk_status write4(u32 seg, u64 offset)
{
	u32 value = 0x11223344;

	return guest_store(&m, seg, offset, 4, &value, &fault);
}

enum walk_status fetch(u64 rip)
{
	memset(code, 0xee, sizeof(code));
	got = 99;
	return guest_fetch(&m, rip, code, &got, &fault);
}

int run_suite(const char *name, TCase *tc)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, NULL, guestmem_reset);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
