/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rootmap.h - the root side's own page tables, and its image.
 */
#ifndef OLDGUARD_ROOTMAP_H
#define OLDGUARD_ROOTMAP_H

#include "machine.h"

/**
 * rootmap_build() - make the root side's page tables
 * @m: the machine, its block known; gets root_cr3 and zero_pa
 *
 * Return: false if the block is full.
 */
bool rootmap_build(struct machine *m);

/**
 * rootmap_more() - let the window at ROOT_PHYS show more RAM
 * @m: the machine, on the root side
 * @start: where the RAM begins
 * @end: and ends
 *
 * Return: false if the block is full, or this is no range of addresses.
 */
bool rootmap_more(struct machine *m, u64 start, u64 end);

/* root_image_bytes() - bytes of all images' sections, whole pages */
u64 root_image_bytes(void);

/**
 * root_image_copy() - copy the images' sections, as they are now, to the start of the block
 * @piece: where Linux's world sees the block's pieces
 */
void root_image_copy(void *const piece[]);

#endif
