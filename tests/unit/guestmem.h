/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guestmem.h - guest-physical memory for tests: phys.h over pages that exist one by one, and
 * the making of page tables in it.
 *
 * An object of its own, so that a test with another idea of physical memory links without it.
 */
#ifndef OLDGUARD_TEST_GUESTMEM_H
#define OLDGUARD_TEST_GUESTMEM_H

#include "../../guest-glue/access.h"
#include "../../guest-glue/cpu.h"

/** enum paging - the four kinds, by their number of levels except that PAE's third is no level */
enum paging { PAGING_32, PAGING_PAE, PAGING_4, PAGING_5, PAGINGS };

/** guestmem_reset() - no page exists, no race is set, counters are 0 */
void guestmem_reset(void);

/** guestmem_page() - let the page of @gpa exist (zeroed if it is new); returns its bytes */
u8 *guestmem_page(u64 gpa);

/** guestmem_readonly() - let the page of @gpa exist for reading alone */
void guestmem_readonly(u64 gpa);

/** guestmem_get(), guestmem_put() - an entry of @size bytes, 4 or 8 */
u64 guestmem_get(u64 gpa, u32 size);
void guestmem_put(u64 gpa, u32 size, u64 value);

/** guestmem_count() - how many pages exist; the @n-th one's bytes, in the order they were made */
u32 guestmem_count(void);
u8 *guestmem_nth(u32 n);

/** guestmem_writes() - calls of phys_write() and replacements by phys_cmpxchg() so far */
u32 guestmem_writes(void);

/** guestmem_race() - call @race before each phys_cmpxchg(): another processor at work */
void guestmem_race(void (*race)(u64 gpa));

/** guestmem_state() - registers for a kind of paging, with an empty root table; CPL 0, NX on */
struct walk_state guestmem_state(enum paging paging);

/** guestmem_top() - the level of the root table's entries: 1, 2, 3, 4 */
u32 guestmem_top(const struct walk_state *s);

/** guestmem_entry() - where @linear's entry at @level is, 0 the lowest; makes tables on the way */
u64 guestmem_entry(const struct walk_state *s, u64 linear, u32 level);

/** guestmem_map() - put @leaf as @linear's entry at @level; returns where it is */
u64 guestmem_map(const struct walk_state *s, u64 linear, u32 level, u64 leaf);

/** guestmem_read_entry() - @linear's entry at @level */
u64 guestmem_read_entry(const struct walk_state *s, u64 linear, u32 level);

#endif
