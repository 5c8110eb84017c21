/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * asset.h - the names of assets, between the policy's parser and its printer.
 */
#ifndef OLDGUARD_ASSET_H
#define OLDGUARD_ASSET_H

#include "rule.h"

/**
 * struct asset_name - a word for a number
 * @name: lower case
 * @asset: what it names
 * @area: memory: which
 * @number: the register, MSR or vector
 * @bits: names of its bits, or NULL
 */
struct asset_name {
	const char *name;
	u8 asset;
	u8 area;
	u64 number;
	const char *const *bits;
};

extern const struct asset_name asset_names[];
extern const u32 asset_name_count;

/* asset_prefix() - what stands before a name or number: "msr:" */
const char *asset_prefix(enum asset asset);

#endif
