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
 * mtrr_type() - the memory type of a range of system-physical memory
 * @m: the machine
 * @pa: start, a multiple of @bytes
 * @bytes: a power of two, at least PAGE_BYTES
 * @type: gets the type as the MTRRs encode it (SDM vol. 3, 12.11.2)
 *
 * Return: false if the type changes inside the range.
 */
bool mtrr_type(const struct machine *m, u64 pa, u64 bytes, u8 *type);

#endif
