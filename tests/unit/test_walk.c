// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page walk against page tables made by hand, and, for rights, against all combinations of
 * what decides them, judged by a second writing-down of the manual's sentences.
 */
#include <check.h>
#include <stdlib.h>

#include "guestmem.h"

#define RW (PTE_P | PTE_W | PTE_U)
#define LINEAR 0x12345678ULL	/* low enough for each kind of paging */
#define PAGE_PS12 BIT64(12)	/* PAT bit of a large page: no part of its address */

static struct walk_state s;
static struct guest_fault fault;
static u64 gpa;

static void set_up(void)
{
	guestmem_reset();
	gpa = 0;
	fault = (struct guest_fault){ .vector = 99 };
}

static enum walk_status walk(u64 linear, u32 access)
{
	return guest_walk(&s, linear, access, &gpa, &fault);
}

static void must_fault(u64 linear, u32 access, u64 error)
{
	ck_assert_int_eq(walk(linear, access), WALK_FAULT);
	ck_assert_uint_eq(fault.vector, VECTOR_PF);
	ck_assert(fault.has_error);
	ck_assert_uint_eq(fault.error, error);
	ck_assert_uint_eq(fault.cr2, linear);
}

START_TEST(no_paging)
{
	s = (struct walk_state){ .cr0 = CR0_PE, .cpl = 3, .maxphyaddr = 40 };
	ck_assert_int_eq(walk(0xfff12345678, WALK_WRITE), WALK_OK);
	ck_assert_uint_eq(gpa, 0x12345678);
}
END_TEST

static const struct {
	enum paging paging;
	u32 level;
	u64 linear, leaf, gpa;
} translations[] = {
	{ PAGING_32, 0, LINEAR, 0x87654000, 0x87654678 },
	{ PAGING_32, 1, 0xff845678, 0x87400000 | PTE_PS, 0x87445678 },
	{ PAGING_32, 1, 0xffc45678, 0x87000000 | PTE_PS, 0x87045678 },
	{ PAGING_32, 1, 0xff845678, 0x87400000 | PAGE_PS12 | PTE_PS, 0x87445678 },
	/* PSE-36: bits 20:13 are address bits 39:32 */
	{ PAGING_32, 1, 0xff845678, 0x874b4000 | PTE_PS, 0x5a87445678 },
	{ PAGING_32, 0, 0xfffff12345678, 0x87654000, 0x87654678 },
	{ PAGING_PAE, 0, LINEAR, 0xf987654000, 0xf987654678 },
	{ PAGING_PAE, 1, 0xff945678, 0xf987600000 | PTE_PS, 0xf987745678 },
	{ PAGING_PAE, 0, 0xfffff12345678, 0xf987654000, 0xf987654678 },
	{ PAGING_4, 0, 0x7f8123456789, 0xf987654000, 0xf987654789 },
	{ PAGING_4, 0, 0xffffffff81234567, 0xf987654000, 0xf987654567 },
	{ PAGING_4, 1, 0xffff888012345678, 0xf987600000 | PTE_PS, 0xf987745678 },
	{ PAGING_4, 1, 0xffff888012345678, 0xf987600000 | PAGE_PS12 | PTE_PS, 0xf987745678 },
	{ PAGING_4, 2, 0x7f8123456789, 0xf9c0000000 | PTE_PS, 0xf9e3456789 },
	/* PAT of a 4 KiB page is no page size; global, ignored and key bits are no address */
	{ PAGING_4, 0, LINEAR, 0xf987654f80, 0xf987654678 },
	{ PAGING_4, 0, LINEAR, 0x7ff0000000005000, 0x5678 },
	{ PAGING_5, 0, 0xff12345678912345, 0xf987654000, 0xf987654345 },
	{ PAGING_5, 1, 0x0012345678912345, 0xf987600000 | PTE_PS, 0xf987712345 },
	{ PAGING_5, 2, 0x0012345678912345, 0xf9c0000000 | PTE_PS, 0xf9f8912345 },
};

START_TEST(translates)
{
	s = guestmem_state(translations[_i].paging);
	guestmem_map(&s, translations[_i].linear, translations[_i].level,
		     translations[_i].leaf | RW);
	ck_assert_int_eq(walk(translations[_i].linear, WALK_READ), WALK_OK);
	ck_assert_uint_eq(gpa, translations[_i].gpa);
}
END_TEST

/* Without CR4.PSE bit 7 of a directory entry is ignored; elsewhere the bit needs no PSE. */
START_TEST(pse_off)
{
	s = guestmem_state(PAGING_32);
	s.cr4 = 0;
	guestmem_map(&s, LINEAR, 0, 0x87654000 | RW);
	guestmem_map(&s, LINEAR, 1, guestmem_read_entry(&s, LINEAR, 1) | PTE_PS);
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_OK);
	ck_assert_uint_eq(gpa, 0x87654678);

	s = guestmem_state(PAGING_PAE);
	ck_assert(!(s.cr4 & CR4_PSE));
	guestmem_map(&s, LINEAR, 1, 0x87600000 | RW | PTE_PS);
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_OK);
}
END_TEST

/* With VMX and EPT the processor keeps the PDPTEs: memory does not count, whatever it says. */
START_TEST(pdptes_of_the_processor)
{
	u64 kept[4] = { 0 };

	s = guestmem_state(PAGING_PAE);
	guestmem_map(&s, 0xd2345678, 0, 0x87654000 | RW);
	kept[3] = guestmem_read_entry(&s, 0xd2345678, 2);
	guestmem_map(&s, 0xd2345678, 2, 0);
	must_fault(0xd2345678, WALK_READ, 0);
	s.pdptes = kept;
	ck_assert_int_eq(walk(0xd2345678, WALK_READ), WALK_OK);
	ck_assert_uint_eq(gpa, 0x87654678);
	must_fault(0x92345678, WALK_READ, 0);
}
END_TEST

/* CR3: 4 KiB-aligned, but PAE's table is 32-byte-aligned and below 4 GiB; PCID is no address. */
START_TEST(root_table)
{
	s = guestmem_state(PAGING_4);
	guestmem_map(&s, LINEAR, 0, 0x5000 | RW);
	s.cr3 |= 0xabc;
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_OK);

	s = guestmem_state(PAGING_PAE);
	s.cr3 += 0x7e0;
	guestmem_map(&s, LINEAR, 0, 0x5000 | RW);
	s.cr3 |= 0x1f | 0xfULL << 32;
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_OK);
	s.cr3 -= 0x20;
	must_fault(LINEAR, WALK_READ, 0);

	s = guestmem_state(PAGING_32);
	guestmem_map(&s, LINEAR, 0, 0x5000 | RW);
	s.cr3 |= 0xfff | 0xfULL << 32;
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_OK);
}
END_TEST

START_TEST(absent_at_each_level)
{
	u32 level;

	s = guestmem_state(_i);
	for (level = 0; level <= guestmem_top(&s); level++) {
		guestmem_map(&s, LINEAR, 0, 0x87654000 | RW);
		ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_OK);
		/* All other bits set: an absent entry has no reserved ones. */
		guestmem_map(&s, LINEAR, level, ~PTE_P);
		s.cpl = 0;
		must_fault(LINEAR, WALK_READ, 0);
		must_fault(LINEAR, WALK_WRITE, PF_WRITE);
		s.cpl = 3;
		must_fault(LINEAR, WALK_READ, PF_USER);
		must_fault(LINEAR, WALK_WRITE, PF_WRITE | PF_USER);
		must_fault(LINEAR, WALK_READ | WALK_SYSTEM, 0);
		ck_assert_uint_eq(guestmem_read_entry(&s, LINEAR, level),
				  s.cr4 & CR4_PAE ? ~PTE_P : 0xfffffffe);
		guestmem_map(&s, LINEAR, level, 0);
	}
}
END_TEST

/* The fetch bit is told only where fetches can be forbidden. */
START_TEST(fetch_bit)
{
	s = guestmem_state(_i);
	must_fault(LINEAR, WALK_FETCH, _i == PAGING_32 ? 0 : PF_FETCH);
	s.efer &= ~EFER_NXE;
	must_fault(LINEAR, WALK_FETCH, 0);
	s.cr4 |= CR4_SMEP;
	must_fault(LINEAR, WALK_FETCH, PF_FETCH);
	must_fault(LINEAR, WALK_READ, 0);
}
END_TEST

/*
 * Which bits are reserved, in numbers from the manuals (SDM vol. 3, figures 4-4 to 4-11; APM
 * vol. 2, 5.2 to 5.4), with 40 bits of physical address: kind, level, the entry otherwise (0: the
 * one that leads on to the next level), reserved bits, and whether NX is one while NXE is clear.
 */
static const struct {
	enum paging paging;
	u32 level;
	u64 entry, reserved;
	bool nx_too;
} reserved_masks[] = {
	{ PAGING_32, 0, 0x5000, 0, false },
	{ PAGING_32, 1, PTE_PS, 0x00200000, false },
	{ PAGING_PAE, 0, 0x5000, 0x7fffff0000000000, true },
	{ PAGING_PAE, 1, PTE_PS, 0x7fffff00001fe000, true },
	{ PAGING_PAE, 1, 0, 0x7fffff0000000000, true },
	{ PAGING_PAE, 2, 0, 0xffffff00000001e6, false },
	{ PAGING_4, 0, 0x5000, 0x000fff0000000000, true },
	{ PAGING_4, 1, PTE_PS, 0x000fff00001fe000, true },
	{ PAGING_4, 1, 0, 0x000fff0000000000, true },
	{ PAGING_4, 2, PTE_PS, 0x000fff003fffe000, true },
	{ PAGING_4, 2, 0, 0x000fff0000000000, true },
	{ PAGING_4, 3, 0, 0x000fff0000000080, true },
	{ PAGING_5, 0, 0x5000, 0x000fff0000000000, true },
	{ PAGING_5, 3, 0, 0x000fff0000000080, true },
	{ PAGING_5, 4, 0, 0x000fff0000000080, true },
};

static enum walk_status walk_with(u32 level, u64 entry, u32 access)
{
	guestmem_map(&s, LINEAR, level, entry);
	return walk(LINEAR, access);
}

START_TEST(reserved_bits)
{
	u32 level = reserved_masks[_i].level, bit, nxe, width;
	u64 entry, reserved, all;

	s = guestmem_state(reserved_masks[_i].paging);
	width = s.cr4 & CR4_PAE ? 64 : 32;
	if (reserved_masks[_i].entry) {
		entry = reserved_masks[_i].entry | RW;
	} else {
		guestmem_map(&s, LINEAR, 0, 0x5000 | RW);
		entry = guestmem_read_entry(&s, LINEAR, level);
	}
	for (nxe = 0; nxe < 2; nxe++) {
		s.efer = (s.efer & ~EFER_NXE) | (nxe ? EFER_NXE : 0);
		reserved = reserved_masks[_i].reserved;
		if (reserved_masks[_i].nx_too && !nxe)
			reserved |= PTE_NX;
		for (bit = 1, all = 0; bit < width; bit++) {
			/* In a directory PS makes the entry another kind, with a row of its own. */
			if (BIT64(bit) == PTE_PS && !(reserved & PTE_PS))
				continue;
			/* Bits of the address may lead anywhere: only this reason counts. */
			if (walk_with(level, entry | BIT64(bit), WALK_READ) == WALK_FAULT &&
			    (fault.error & PF_RSVD))
				all |= BIT64(bit);
		}
		ck_assert_msg(all == reserved, "nxe %u: %#llx, not %#llx", nxe,
			      (unsigned long long)all, (unsigned long long)reserved);
	}
	if (reserved) {
		s.cpl = 3;
		walk_with(level, entry | (reserved & -reserved), WALK_WRITE);
		ck_assert_uint_eq(fault.error, PF_PRESENT | PF_RSVD | PF_USER | PF_WRITE);
	}
}
END_TEST

/* Reserved bits by the width of physical addresses, PSE-36's among them; 1 GiB pages or none */
START_TEST(reserved_by_processor)
{
	s = guestmem_state(PAGING_32);
	s.maxphyaddr = 36;
	ck_assert_int_eq(walk_with(1, 0x0001e000 | PTE_PS | RW, WALK_READ), WALK_OK);
	ck_assert_uint_eq(gpa, 0xf00345678);
	guestmem_map(&s, LINEAR, 1, 0x00020000 | PTE_PS | RW);
	must_fault(LINEAR, WALK_READ, PF_PRESENT | PF_RSVD);
	s.maxphyaddr = 52;
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_OK);
	ck_assert_uint_eq(gpa, 0x1000345678);

	s = guestmem_state(PAGING_4);
	s.maxphyaddr = 52;
	ck_assert_int_eq(walk_with(0, 0x000ffffffffff000 | RW, WALK_READ), WALK_OK);
	ck_assert_uint_eq(gpa, 0xffffffffff678);
	s.maxphyaddr = 36;
	must_fault(LINEAR, WALK_READ, PF_PRESENT | PF_RSVD);

	guestmem_map(&s, LINEAR, 2, PTE_PS | RW);
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_OK);
	s.gbpages = false;
	must_fault(LINEAR, WALK_READ, PF_PRESENT | PF_RSVD);
}
END_TEST

/* A reserved bit below counts before a right that is missing above. */
START_TEST(reserved_before_rights)
{
	s = guestmem_state(PAGING_4);
	s.cpl = 3;
	guestmem_map(&s, LINEAR, 0, BIT64(50) | PTE_P);
	guestmem_map(&s, LINEAR, 2, guestmem_read_entry(&s, LINEAR, 2) & ~PTE_U);
	must_fault(LINEAR, WALK_WRITE, PF_PRESENT | PF_RSVD | PF_USER | PF_WRITE);
}
END_TEST

/*
 * Rights: one number is one combination of all that decides them.
 */
enum {
	CPL3, SYSTEM, WP, SMEP, SMAP, AC, NXE, PKE, LEAF_U, LEAF_W, LEAF_NX, UPPER_U, UPPER_W,
	UPPER_NX, KEY_AD, KEY_WD, CHOICES
};
static u32 choice;

static bool is(u32 bit)
{
	return choice >> bit & 1;
}

/* The manual's sentences, for data and for fetches, one condition each (SDM vol. 3, 4.6). */
static u64 expected_error(u32 access, bool pke_counts)
{
	bool user_mode = is(CPL3) && !is(SYSTEM);
	bool user_page = is(LEAF_U) && is(UPPER_U), writable = is(LEAF_W) && is(UPPER_W);
	bool nx = (is(LEAF_NX) || is(UPPER_NX)) && is(NXE);
	bool bad = false, key = false;
	u64 error = PF_PRESENT;

	if (user_mode && !user_page)
		bad = true;
	if (access == WALK_FETCH && nx)
		bad = true;
	if (access == WALK_FETCH && !user_mode && user_page && is(SMEP))
		bad = true;
	if (access != WALK_FETCH && !user_mode && user_page && is(SMAP)) {
		if (is(SYSTEM))
			bad = true;
		if (!is(AC))
			bad = true;
	}
	if (access == WALK_WRITE && user_mode && !writable)
		bad = true;
	if (access == WALK_WRITE && !user_mode && !writable && is(WP))
		bad = true;
	if (pke_counts && is(PKE) && user_page && access != WALK_FETCH) {
		if (is(KEY_AD))
			key = true;
		if (is(KEY_WD) && access == WALK_WRITE && (user_mode || is(WP)))
			key = true;
	}
	if (!bad && !key)
		return 0;
	if (key)
		error |= PF_PKEY;
	if (user_mode)
		error |= PF_USER;
	if (access == WALK_WRITE)
		error |= PF_WRITE;
	if (access == WALK_FETCH && (is(NXE) || is(SMEP)))
		error |= PF_FETCH;
	return error;
}

START_TEST(rights)
{
	static const u32 accesses[] = { WALK_READ, WALK_WRITE, WALK_FETCH };
	bool long_mode = _i != PAGING_PAE;
	u64 upper, error;
	u32 a, key = 5;

	s = guestmem_state(_i);
	guestmem_map(&s, LINEAR, 0, 0x5000 | RW);
	upper = guestmem_read_entry(&s, LINEAR, 1) & CR3_ADDRESS;
	for (choice = 0; choice < 1u << CHOICES; choice++) {
		if (!is(NXE) && (is(LEAF_NX) || is(UPPER_NX)))
			continue;	/* reserved then */
		s.cpl = is(CPL3) ? 3 : choice % 3;
		s.cr0 = CR0_PE | CR0_PG | (is(WP) ? CR0_WP : 0);
		s.cr4 = CR4_PAE | (is(SMEP) ? CR4_SMEP : 0) | (is(SMAP) ? CR4_SMAP : 0) |
			(is(PKE) ? CR4_PKE : 0);
		s.rflags = is(AC) ? RFLAGS_AC : 0;
		s.efer = (long_mode ? EFER_LMA : 0) | (is(NXE) ? EFER_NXE : 0);
		s.pkru = (is(KEY_AD) | is(KEY_WD) << 1) << (2 * key);
		guestmem_map(&s, LINEAR, 0,
			     0x5000 | PTE_P | (is(LEAF_U) ? PTE_U : 0) | (is(LEAF_W) ? PTE_W : 0) |
			     (is(LEAF_NX) ? PTE_NX : 0) | (long_mode ? (u64)key << 59 : 0));
		guestmem_map(&s, LINEAR, 1,
			     upper | PTE_P | (is(UPPER_U) ? PTE_U : 0) |
			     (is(UPPER_W) ? PTE_W : 0) | (is(UPPER_NX) ? PTE_NX : 0));
		for (a = 0; a < 3; a++) {
			u32 access = accesses[a] | (is(SYSTEM) ? WALK_SYSTEM : 0);

			if (is(SYSTEM) && accesses[a] == WALK_FETCH)
				continue;
			error = expected_error(accesses[a], long_mode);
			fault.error = 0;
			if (walk(LINEAR, access) == WALK_OK)
				fault.error = 0;
			ck_assert_msg(fault.error == error, "choice %#x access %u: %#x, not %#llx",
				      choice, a, fault.error, (unsigned long long)error);
		}
	}
}
END_TEST

START_TEST(accessed_and_dirty)
{
	u32 level, top;
	u64 entry;

	s = guestmem_state(_i);
	top = guestmem_top(&s);
	guestmem_map(&s, LINEAR, 0, 0x5000 | PTE_P | PTE_U);

	/* Nothing of a walk that only looks, nor of one that faults */
	ck_assert_int_eq(walk(LINEAR, WALK_READ | WALK_PEEK), WALK_OK);
	s.cpl = 3;
	must_fault(LINEAR, WALK_WRITE, PF_PRESENT | PF_WRITE | PF_USER);
	s.cpl = 0;
	must_fault(LINEAR, WALK_WRITE | WALK_PEEK, PF_PRESENT | PF_WRITE);
	ck_assert_uint_eq(guestmem_writes(), 0);

	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_OK);
	for (level = 0; level <= top; level++) {
		entry = guestmem_read_entry(&s, LINEAR, level);
		ck_assert(!(entry & PTE_D));
		ck_assert_int_eq(!!(entry & PTE_A), _i != PAGING_PAE || level != 2);
	}
	/* Nothing left to set: nothing is written. */
	level = guestmem_writes();
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_OK);
	ck_assert_int_eq(walk(LINEAR, WALK_FETCH), WALK_OK);
	ck_assert_uint_eq(guestmem_writes(), level);

	/* The dirty bit: on the leaf only, WP or not */
	s.cr0 &= ~CR0_WP;
	ck_assert_int_eq(walk(LINEAR, WALK_WRITE), WALK_OK);
	ck_assert_uint_eq(guestmem_writes(), level + 1);
	for (level = 0; level <= top; level++)
		ck_assert_int_eq(!!(guestmem_read_entry(&s, LINEAR, level) & PTE_D), level == 0);
	ck_assert_uint_eq(guestmem_read_entry(&s, LINEAR, 0),
			  0x5000 | PTE_P | PTE_U | PTE_A | PTE_D);
}
END_TEST

START_TEST(dirty_large)
{
	s = guestmem_state(PAGING_4);
	guestmem_map(&s, LINEAR, 1, PTE_PS | RW);
	ck_assert_int_eq(walk(LINEAR, WALK_WRITE), WALK_OK);
	ck_assert_uint_eq(guestmem_read_entry(&s, LINEAR, 1), PTE_PS | RW | PTE_A | PTE_D);
}
END_TEST

static u64 race_entry, race_value;
static u32 races;

static void change_once(u64 at)
{
	if (at == race_entry && races++ == 0)
		guestmem_put(at, 8, race_value);
}

static void change_always(u64 at)
{
	guestmem_put(at, 8, guestmem_get(at, 8) ^ BIT64(9));
	races++;
}

/* Another processor changes the entry between its reading and the setting of its bits. */
START_TEST(race_starts_again)
{
	s = guestmem_state(PAGING_4);
	race_entry = guestmem_map(&s, LINEAR, 0, 0x5000 | RW);
	race_value = 0x7000 | RW;
	races = 0;
	guestmem_race(change_once);
	ck_assert_int_eq(walk(LINEAR, WALK_WRITE), WALK_OK);
	ck_assert_uint_eq(gpa, 0x7678);
	ck_assert_uint_eq(guestmem_get(race_entry, 8), 0x7000 | RW | PTE_A | PTE_D);

	race_value = PTE_P;
	guestmem_put(race_entry, 8, 0x5000 | RW);
	races = 0;
	s.cpl = 3;
	must_fault(LINEAR, WALK_READ, PF_PRESENT | PF_USER);
	ck_assert_uint_eq(guestmem_get(race_entry, 8), PTE_P);
}
END_TEST

START_TEST(race_ends)
{
	s = guestmem_state(PAGING_4);
	guestmem_map(&s, LINEAR, 0, 0x5000 | RW);
	races = 0;
	guestmem_race(change_always);
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_NO_MEMORY);
	ck_assert_uint_gt(races, 10);
	ck_assert_uint_lt(races, 10000);
}
END_TEST

/* Tables where nothing is, or where the guest may only read */
START_TEST(tables_without_memory)
{
	s = guestmem_state(PAGING_4);
	guestmem_map(&s, LINEAR, 1, 0xf000000000 | RW);
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_NO_MEMORY);
	guestmem_map(&s, LINEAR, 1, 0);
	guestmem_map(&s, LINEAR, 0, 0x5000 | RW);
	guestmem_readonly(guestmem_entry(&s, LINEAR, 0));
	ck_assert_int_eq(walk(LINEAR, WALK_READ | WALK_PEEK), WALK_OK);
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_NO_MEMORY);
	s.cr3 = 0xf000000000;
	ck_assert_int_eq(walk(LINEAR, WALK_READ), WALK_NO_MEMORY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("walk");
	TCase *tc = tcase_create("walk");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, guestmem_reset);
	tcase_add_test(tc, no_paging);
	tcase_add_loop_test(tc, translates, 0, ARRAY_SIZE(translations));
	tcase_add_test(tc, pse_off);
	tcase_add_test(tc, pdptes_of_the_processor);
	tcase_add_test(tc, root_table);
	tcase_add_loop_test(tc, absent_at_each_level, 0, PAGINGS);
	tcase_add_loop_test(tc, fetch_bit, 0, PAGINGS);
	tcase_add_loop_test(tc, reserved_bits, 0, ARRAY_SIZE(reserved_masks));
	tcase_add_test(tc, reserved_by_processor);
	tcase_add_test(tc, reserved_before_rights);
	tcase_add_loop_test(tc, rights, PAGING_PAE, PAGING_4 + 1);
	tcase_add_loop_test(tc, accessed_and_dirty, 0, PAGINGS);
	tcase_add_test(tc, dirty_large);
	tcase_add_test(tc, race_starts_again);
	tcase_add_test(tc, race_ends);
	tcase_add_test(tc, tables_without_memory);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
