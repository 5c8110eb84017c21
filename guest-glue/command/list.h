/* SPDX-License-Identifier: GPL-2.0-only */
/* The text of features=: features by comma, options by colon, `none` for the empty list. */
#ifndef OLDGUARD_LIST_H
#define OLDGUARD_LIST_H

#include <stdbool.h>

/**
 * list_checks() - is this one feature, FEATURE[:opt=val]...?
 *
 * Only what would change the list's own shape is refused here: the module knows which features and
 * options there are.
 */
bool list_checks(const char *feature);

/** list_has() - is a feature of that name in the list? Options play no part, in either. */
bool list_has(const char *list, const char *feature);

/**
 * list_with() - the list with a feature switched on
 * @feature: with its options; it takes the place of one of the same name. `all` takes the place of
 * everything.
 *
 * Return: the new list, to be freed.
 */
char *list_with(const char *list, const char *feature);

/**
 * list_without() - the list with a feature switched off; `all` leaves nothing
 *
 * Return: the new list, `none` when it is empty; to be freed.
 */
char *list_without(const char *list, const char *feature);

#endif
