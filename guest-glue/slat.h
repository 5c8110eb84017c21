/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slat.h - second-level address translation: the tables that map guest-physical memory onto
 * itself, except that the block is not there. The vendor says what an entry looks like.
 */
#ifndef OLDGUARD_SLAT_H
#define OLDGUARD_SLAT_H

#include "types.h"

struct machine;

/* Pages of the block kept for what slat_fill() maps: 1 GiB each where there are no larger pages. */
#define SLAT_SPARE_PAGES 64

/**
 * struct slat_format - a vendor's table entries
 * @table: flags of an entry that points to a table
 * @leaf: flags of a page with all rights
 * @large: further flag of a page of 2 MiB or 1 GiB
 * @hidden: flags of a page that can be read only
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

/**
 * slat_retype() - let the tables have the types that this processor's MTRRs give now; root side
 * @m: the machine; m->slat is typed
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
