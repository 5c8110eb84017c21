// SPDX-License-Identifier: GPL-2.0-only
/*
 * image.c - the table of the image that this file is linked into; it is in ours and in each
 * plug-in's, which are laid out by the same linker script.
 */
#include "image.h"

/* From the Makefile: a checksum of the headers, and the module's name. */
#ifndef OLDGUARD_ABI
#define OLDGUARD_ABI 0
#define OLDGUARD_IMAGE "oldguard"
#endif

/* From root.lds: page-aligned, in this order in the image. */
extern char root_text_start[], root_text_end[];
extern char root_rodata_start[], root_rodata_end[];
extern char root_data_start[], root_data_end[];
extern const struct extable root_extable_start[], root_extable_end[];
extern const struct feature *const __start_oldguard_features[];
extern const struct feature *const __stop_oldguard_features[];

const struct image oldguard_image = {
	.abi = OLDGUARD_ABI,
	.name = OLDGUARD_IMAGE,
	.part = { root_text_start, root_rodata_start, root_data_start },
	.end = { root_text_end, root_rodata_end, root_data_end },
	.extable = root_extable_start,
	.extable_end = root_extable_end,
	.features = __start_oldguard_features,
	.features_end = __stop_oldguard_features,
};
