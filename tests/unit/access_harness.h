/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * access_harness.h - a guest with a few pages, for the tests of access.h: two neighbours at LOW
 * (read-write, for CPL 3) and one at CODE.
 */
#ifndef OLDGUARD_TEST_ACCESS_HARNESS_H
#define OLDGUARD_TEST_ACCESS_HARNESS_H

#include <check.h>

#include "guestmem.h"

#define RW (PTE_P | PTE_W | PTE_U)
#define LOW 0x10000ULL
#define CODE 0x20000ULL
#define PHYS(linear) (((linear) & 0xfffffff) + 0x40000000ULL)
#define TYPE_DATA (SEG_PRESENT | SEG_S | SEG_WRITABLE | SEG_ACCESSED)
#define TYPE_CODE (SEG_PRESENT | SEG_S | SEG_CODE | SEG_WRITABLE | SEG_ACCESSED)
#define DPL3 (3 << SEG_DPL_SHIFT)

/* The guest, and what the last call filled in */
extern struct guest_mem m;
extern struct guest_fault fault;
extern struct guest_span span;
extern u8 code[15];
extern u32 got;

/** at() - the bytes of @linear's page, from @linear on */
u8 *at(u64 linear);

/** map() - map @linear's page with those rights */
void map(u64 linear, u64 rights);

/** flat() - start again with flat segments at @cpl; 64-bit code if paging has 4 or 5 levels */
void flat(enum paging paging, u8 cpl);

/** long_cpl3() - 64-bit code at CPL 3 */
void long_cpl3(void);

/** real_mode() - real mode, with memory at 0 and 0xf000 */
void real_mode(void);

/** expect() - the call has raised that exception, with an error code of 0 unless it is #PF */
void expect(enum walk_status status, u8 vector);

/** read4(), write4() - four bytes, naturally aligned */
enum walk_status read4(u32 seg, u64 offset);
enum walk_status write4(u32 seg, u64 offset);

/** fetch() - guest_fetch() into @code and @got */
enum walk_status fetch(u64 rip);

/** run_suite() - run @tc; returns main()'s status */
int run_suite(const char *name, TCase *tc);

#endif
