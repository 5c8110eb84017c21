// SPDX-License-Identifier: GPL-2.0-only
/*
 * images.c - our own image, then those of plug-ins.
 */
#include "image.h"

#include "../features/plan.h"
#include "../features/sound.h"

/* Written on Linux's side; the root side has what was there when its image was copied. */
static const struct image *plugins[PLUGINS_MAX];
static u32 count;

u32 image_count(void)
{
	return 1 + count;
}

const struct image *image_get(u32 index)
{
	return index ? plugins[index - 1] : &oldguard_image;
}

bool image_holds(const struct image *image, const void *at, u64 bytes)
{
	const char *first = at;
	u32 i;

	for (i = 0; i < IMAGE_PARTS; i++)
		if (first >= image->part[i] && first <= image->end[i] &&
		    bytes <= (u64)(image->end[i] - first))
			return true;
	return false;
}

static bool refuse(const struct image *image, const char *feature, const char *what,
		   struct text *why)
{
	text_add(why, "plug-in ");
	text_add(why, image->name);
	if (feature) {
		text_add(why, ": ");
		text_add(why, feature);
	}
	text_add(why, ": ");
	text_add(why, what);
	return false;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* Of the features that there are, and of those before @end in the plug-in itself. */
static bool taken(const char *name, const struct image *image, const struct feature *const *end)
{
	const struct feature *const *f;
	u32 i;

	for (i = 0; i < feature_count(); i++)
		if (same(feature_get(i)->name, name))
			return true;
	for (f = image->features; f < end; f++)
		if (same((*f)->name, name))
			return true;
	return same(name, "all") || same(name, "none");
}

static bool sound(const struct image *image, struct text *why)
{
	const struct feature *const *f;
	const char *wrong;
	u32 i;

	for (i = 0; i < IMAGE_PARTS; i++)
		if (((uintptr_t)image->part[i] | (uintptr_t)image->end[i]) % PAGE_BYTES ||
		    image->part[i] > image->end[i])
			return refuse(image, NULL, "its sections are not whole pages", why);
	if (!image_holds(image, image, sizeof(*image)) || !image_holds(image, image->name, 1) ||
	    !image_holds(image, image->extable,
			 (const char *)image->extable_end - (const char *)image->extable) ||
	    !image_holds(image, image->features,
			 (const char *)image->features_end - (const char *)image->features))
		return refuse(image, NULL, "its tables are not in its sections", why);
	if (image->features == image->features_end)
		return refuse(image, NULL, "it has no feature", why);
	if (feature_count() + (image->features_end - image->features) > FEATURES_MAX)
		return refuse(image, NULL, "there are as many features as can be", why);
	for (f = image->features; f < image->features_end; f++) {
		wrong = feature_unsound(*f, image);
		/* Where its name is what is wrong, it is better not read. */
		if (wrong)
			return refuse(image, NULL, wrong, why);
		if (taken((*f)->name, image, f))
			return refuse(image, (*f)->name, "there is a feature of this name", why);
	}
	return true;
}

bool image_add(const struct image *image, bool *full, struct text *why)
{
	*full = false;
	if (image->abi != oldguard_image.abi) {
		text_add(why, "the plug-in was made for another oldguard");
		return false;
	}
	*full = count == PLUGINS_MAX;
	if (*full)
		return refuse(image, NULL, "there are as many plug-ins as can be", why);
	if (!sound(image, why))
		return false;
	plugins[count++] = image;
	return true;
}

void image_remove(const struct image *image)
{
	u32 i, kept = 0;

	for (i = 0; i < count; i++)
		if (plugins[i] != image)
			plugins[kept++] = plugins[i];
	count = kept;
}

const struct image *image_at(u64 rip)
{
	u32 i;

	for (i = 0; i < image_count(); i++)
		if (rip >= (uintptr_t)image_get(i)->part[IMAGE_TEXT] &&
		    rip < (uintptr_t)image_get(i)->end[IMAGE_TEXT])
			return image_get(i);
	return NULL;
}

u64 image_fix_up(u64 rip)
{
	const struct extable *x;
	u32 i;

	for (i = 0; i < image_count(); i++)
		for (x = image_get(i)->extable; x < image_get(i)->extable_end; x++)
			if (x->from == rip)
				return x->to;
	return 0;
}
