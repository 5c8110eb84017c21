/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slat.h - second-level address translation: the tables that map guest-physical memory onto
 * itself, except that the block is not there. The vendor says what an entry looks like.
 */
#ifndef OLDGUARD_SLAT_H
#define OLDGUARD_SLAT_H

#include "../features/plan.h"
#include "seal.h"
#include "types.h"

struct machine;

/*
 * Pages of the block kept for what slat_fill() maps, 1 GiB each where there are no larger pages, and
 * for large pages that are split because a part of them is protected.
 */
#define SLAT_SPARE_PAGES 96

/* A root and the ways to four pages (three where the tables have five levels). */
#define SLAT_VIEW_PAGES 13

/**
 * struct slat_format - a vendor's table entries
 * @table: flags of an entry that points to a table
 * @leaf: flags of a page with all rights
 * @large: further flag of a page of 2 MiB or 1 GiB
 * @hidden: flags of a page that can be read only
 * @write: flag without which a page cannot be written
 * @execute: flag without which no code can be fetched, if it is of that kind
 * @no_execute: flag with which none can, if it is of that kind
 * @levels: 4 or 5
 * @gbpages: there are 1 GiB pages
 * @typed: a leaf has the memory type of its MTRR at bits 5:3; without, the processor applies
 *	the MTRRs by itself
 */
struct slat_format {
	u64 table;
	u64 leaf;
	u64 large;
	u64 hidden;
	u64 write;
	u64 execute;
	u64 no_execute;
	u8 levels;
	bool gbpages;
	bool typed;
};

#define MTRR_VARIABLE_MAX 40 /* MSRs 0x200 to 0x24f */
#define MTRR_FIXED 11

/**
 * struct mtrrs - the MTRRs, as far as they give memory its types
 * @on: there are some, and they are on; if not, all memory is UC
 * @fixed_on: the fixed ranges count
 * @standard: type of what is in no range
 * @count: variable ranges that are valid
 * @base: their MSRs
 * @mask: "
 * @fixed: the MSRs of the fixed ranges, from address 0 up
 *
 * What has no effect is 0, so that equal types are equal bytes.
 */
struct mtrrs {
	bool on;
	bool fixed_on;
	u8 standard;
	u8 count;
	u64 base[MTRR_VARIABLE_MAX];
	u64 mask[MTRR_VARIABLE_MAX];
	u64 fixed[MTRR_FIXED];
};

/**
 * slat_build() - make the tables for RAM and all below 4 GiB; Linux's side
 * @m: the machine, its block and m->slat known; gets slat_root
 *
 * Return: false if the block is full.
 */
bool slat_build(struct machine *m);

/**
 * slat_fill() - map what was not known: registers of devices above 4 GiB; root side
 * @m: the machine
 * @gpa: the address that the guest wants
 *
 * Return: false if no processor can have that address or the spare pages are used up.
 */
bool slat_fill(struct machine *m, u64 gpa);

/* slat_bytes() - memory that an entry at a level maps; level 1 has pages of 4 KiB */
static inline u64 slat_bytes(u32 level)
{
	return PAGE_BYTES << (9 * (level - 1));
}

/**
 * slat_split_into() - fill a table with what a large page maps, with the same rights
 * @m: the machine
 * @leaf: the large page's entry
 * @level: its level
 * @table: a page
 */
void slat_split_into(const struct machine *m, u64 leaf, u32 level, u64 *table);

/* slat_lock(), slat_unlock() - around changes of the tables */
void slat_lock(struct machine *m);
void slat_unlock(struct machine *m);

/* --- protected memory: slat_guard.c --- */

/* Whole pages, from the first byte to the last. */
struct page_range {
	u64 first;
	u64 last;
};

/* What a plan protects: its physical rules, the places of what it calls by name, and seals. */
#define PAGE_RANGES_MAX (RULES_MAX + AREA_RANGES_MAX + SEALS_MAX)
struct page_ranges {
	u32 count;
	struct page_range range[PAGE_RANGES_MAX];
};

/**
 * slat_protect() - let the guest write some memory, or not, whatever its own page tables say
 * @m: the machine
 * @gpa: page-aligned
 * @bytes: whole pages
 * @writable: whether it can be written; the block never can
 *
 * Pages that are not mapped yet stay so. The caller sees to the processors' TLBs.
 *
 * Return: false, and nothing changed, if the block has no page left to split a large page with.
 */
bool slat_protect(struct machine *m, u64 gpa, u64 bytes, bool writable);

/**
 * slat_leaf() - the entry that maps an address, or the empty one where nothing does
 * @m: the machine
 * @gpa: the address
 * @level: gets the entry's level
 */
u64 *slat_leaf(const struct machine *m, u64 gpa, u32 *level);

/* slat_guarded() - whether the guest cannot write an address, the block's own left aside */
bool slat_guarded(const struct machine *m, u64 gpa);

/**
 * slat_guard_prepare() - get ready for the memory rules of a plan; changes nothing for the guest
 * @m: the machine
 * @plan: its index, of a plan that is made
 *
 * Return: false if the block has not enough pages left.
 */
bool slat_guard_prepare(struct machine *m, u32 plan);

/**
 * slat_guard_apply() - protect what a plan protects, and nothing else
 * @m: the machine
 * @plan: its index, after slat_guard_prepare() and as m->current_plan, so that a processor that
 *	meets a page finds the rule
 *
 * What both the old plan and this one protect is so all the time.
 */
void slat_guard_apply(struct machine *m, u32 plan);

/**
 * slat_guard_again() - protect what has been mapped anew; under m->slat_lock
 * @m: the machine
 * @gpa: start of what was mapped
 * @bytes: its size
 *
 * Return: false if the block has not enough pages left.
 */
bool slat_guard_again(struct machine *m, u64 gpa, u64 bytes);

/**
 * slat_guard_add() - protect one range more while the plan in force stays
 * @m: the machine
 * @first: its first byte, whole pages
 * @last: its last
 *
 * Return: false, and nothing changed, if there is no room.
 */
bool slat_guard_add(struct machine *m, u64 first, u64 last);

/* slat_guard_remove() - undo it: what nothing else protects can be written again. */
void slat_guard_remove(struct machine *m, u64 first, u64 last);

/* --- a wider view for one instruction: slat_view.c --- */

/* slat_view_build() - take the view's pages; Linux's side. False if the block is full. */
bool slat_view_build(struct machine *m);

/**
 * slat_view_open() - wait for the view, and have it show what all processors see
 * @m: the machine
 * @fetch: whether code can be fetched; without, the first fetch ends in an exit
 *
 * Return: its root's system-physical address.
 */
u64 slat_view_open(struct machine *m, bool fetch);

/**
 * slat_view_add() - make one more page writable in the view that is open
 * @m: the machine
 * @gpa: in that page
 *
 * Return: false if the view has no room for it, or nothing is mapped there.
 */
bool slat_view_add(struct machine *m, u64 gpa);

/* slat_view_close() - let others have the view. */
void slat_view_close(struct machine *m);

/**
 * slat_retype() - let the tables have the types that this processor's MTRRs give now; root side
 * @m: the machine
 *
 * Large pages in which the type now changes are split; nothing is made larger again. Where the
 * block has no page left for that, all of the large page becomes UC, which is slow and never
 * wrong. The caller invalidates its own processor's translations.
 */
void slat_retype(struct machine *m);

/* mtrr_read() - the MTRRs of the processor we run on. */
void mtrr_read(const struct machine *m, struct mtrrs *out);

/**
 * mtrr_each() - call a function with the number of each MTRR that the processor has
 * @call: the function
 * @data: its first argument
 */
void mtrr_each(void (*call)(void *data, u32 msr), void *data);

/* mtrr_is() - whether that is the number of an MTRR, if the processor has so many */
bool mtrr_is(u32 msr);

/**
 * mtrr_type() - the memory type of a range of system-physical memory, by m->mtrrs
 * @m: the machine
 * @pa: start, a multiple of @bytes
 * @bytes: a power of two, at least PAGE_BYTES
 * @type: gets the type as the MTRRs encode it (SDM vol. 3, 12.11.2)
 *
 * Return: false if the type changes inside the range.
 */
bool mtrr_type(const struct machine *m, u64 pa, u64 bytes, u8 *type);

#endif
