// SPDX-License-Identifier: GPL-2.0-only
/* Edits the text of features=. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "command.h"
#include "list.h"

bool list_checks(const char *feature)
{
	size_t name = strcspn(feature, ":");

	if (!name || (name == 4 && !strncmp(feature, "none", 4)))
		return false;
	for (const char *c = feature; *c; c++)
		if (*c == ',' || !isgraph((unsigned char)*c))
			return false;
	return true;
}

static bool same_name(const char *a, size_t length, const char *b)
{
	size_t name = strcspn(a, ":,\n");

	if (name > length)
		name = length;
	return name == strcspn(b, ":") && !strncmp(a, b, name);
}

/* Walks over the features of a list; `none` and empty places are no features. */
static const char *next_item(const char **rest, size_t *length)
{
	while (**rest) {
		const char *item = *rest;

		*length = strcspn(item, ",\n");
		*rest = item + *length + (item[*length] != '\0');
		if (*length && !(*length == 4 && !strncmp(item, "none", 4)))
			return item;
	}
	return NULL;
}

bool list_has(const char *list, const char *feature)
{
	const char *item;
	size_t length;

	while ((item = next_item(&list, &length)))
		if (same_name(item, length, feature))
			return true;
	return false;
}

/* The list with each feature of that name replaced (NULL: removed), or the replacement appended. */
static char *edit(const char *list, const char *feature, const char *replacement)
{
	char *result = text("%s", ""), *longer;
	const char *item;
	size_t length;

	while ((item = next_item(&list, &length))) {
		const char *piece = item;
		int width = length;

		if (same_name(item, length, feature)) {
			piece = replacement;
			if (!piece)
				continue;
			/* A second one of the name goes. */
			replacement = NULL;
			width = strlen(piece);
		}
		longer = text("%s%s%.*s", result, *result ? "," : "", width, piece);
		free(result);
		result = longer;
	}
	if (replacement) {
		longer = text("%s%s%s", result, *result ? "," : "", replacement);
		free(result);
		result = longer;
	}
	return result;
}

char *list_with(const char *list, const char *feature)
{
	if (!strcmp(feature, "all"))
		list = "";
	return edit(list, feature, feature);
}

char *list_without(const char *list, const char *feature)
{
	char *result = edit(strcmp(feature, "all") ? list : "", feature, NULL);

	if (*result)
		return result;
	free(result);
	return text("none");
}
