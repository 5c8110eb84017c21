/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * image.h - what the root side is made of: its own image and those of plug-ins.
 *
 * A plug-in is a module of its own, whose root part is compiled and linked as ours is and tells of
 * itself by the same constant table. Both are copied from where Linux loaded them into the block,
 * when it is laid out, and mapped there at their link addresses: what Linux still sees at these is
 * a dead copy.
 */
#ifndef OLDGUARD_IMAGE_H
#define OLDGUARD_IMAGE_H

#include "text.h"

struct feature;

#define PLUGINS_MAX 4
#define IMAGES_MAX (1 + PLUGINS_MAX)

/* An instruction that may fault, and where it then goes on. */
struct extable {
	u64 from, to;
};

/* The sections of root.lds, whole pages each, mapped with the rights that their names say. */
enum image_part { IMAGE_TEXT, IMAGE_RODATA, IMAGE_DATA, IMAGE_PARTS };

/**
 * struct image - one image (image.c)
 * @abi: OLDGUARD_ABI of what it was compiled with; first, so that it is found in any version
 * @name: the module's
 * @part: where its sections begin
 * @end: and where they end
 * @extable: its fix-ups
 * @extable_end: behind the last of them
 * @features: the features that its files register
 * @features_end: behind the last of them
 */
struct image {
	u64 abi;
	const char *name;
	char *part[IMAGE_PARTS];
	char *end[IMAGE_PARTS];
	const struct extable *extable;
	const struct extable *extable_end;
	const struct feature *const *features;
	const struct feature *const *features_end;
};

/* The one of the object that it is linked into: ours, or in a plug-in its own. */
extern const struct image oldguard_image;

/* image_count() - how many there are: ours is number 0 */
u32 image_count(void);

/* image_get() - one of them, below image_count() */
const struct image *image_get(u32 index);

/**
 * image_add() - make a plug-in's image part of what machine_build() lays out; Linux's side
 * @image: the plug-in's
 * @full: set if there are as many plug-ins as can be
 * @why: on error, a sentence
 *
 * Its features come behind all others. No processor is held.
 *
 * Return: false if it cannot be had: @why says what is wrong with it.
 */
bool image_add(const struct image *image, bool *full, struct text *why);

/* image_remove() - undo image_add(): the features of later plug-ins move up. */
void image_remove(const struct image *image);

/* image_holds() - whether this piece of memory lies in a part of an image */
bool image_holds(const struct image *image, const void *at, u64 bytes);

/* image_at() - the image in whose text an address lies; NULL: in none */
const struct image *image_at(u64 rip);

/**
 * image_fix_up() - where an instruction that has faulted goes on
 * @rip: the instruction
 *
 * Return: the address; 0: such a fault is not expected.
 */
u64 image_fix_up(u64 rip);

#endif
