/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef OLDGUARD_SOUND_H
#define OLDGUARD_SOUND_H

#include "feature.h"
#include "../guest-glue/image.h"

/**
 * feature_unsound() - what is wrong with a feature's table
 * @f: the feature
 * @image: where all that it points to has to lie; NULL: anywhere
 *
 * Return: NULL: nothing; else a sentence that goes behind the feature's name.
 */
const char *feature_unsound(const struct feature *f, const struct image *image);

#endif
