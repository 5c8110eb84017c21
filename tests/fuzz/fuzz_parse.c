// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_parse.c - any text as what a person types: it is taken whole or refused with a sentence, and
 * what is printed of it reads back as the same. First byte: how much room the sentence has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../features/plan.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* A block of its own, so that reading or writing beyond its end is found. */
static struct text room(u32 bytes)
{
	struct text t = { .at = malloc(bytes), .size = bytes };

	REQUIRE(t.at);
	memset(t.at, 0x77, bytes);
	t.at[0] = '\0';
	return t;
}

static void check_sentence(const struct text *why)
{
	u32 i;

	REQUIRE(memchr(why->at, 0, why->size));
	for (i = 0; why->at[i]; i++)
		REQUIRE(why->at[i] >= ' ' && why->at[i] <= '~');
}

static void check_options(const struct features_on *wish)
{
	u32 i, j, choices;

	REQUIRE(feature_count() == 32 || !(wish->on >> feature_count()));
	for (i = 0; i < feature_count(); i++) {
		const struct feature *f = feature_get(i);

		for (j = 0; j < f->option_count; j++) {
			const struct feature_option *o = &f->options[j];
			u64 value = wish->options[i][j];

			for (choices = 0; o->choices && o->choices[choices]; choices++)
				;
			if (o->set)
				REQUIRE(value && !(value >> choices));
			else
				REQUIRE(o->choices ? value < choices
						   : value >= o->min && value <= o->max);
		}
	}
}

/* What is printed of a list, and of the plan it makes, is that list. */
static void check_print(const struct features_on *wish)
{
	struct text out = room(2 * FEATURES_TEXT_MAX), why = room(256);
	struct features_on again;

	features_print(wish, wish->on, &out);
	REQUIRE(strlen(out.at) <= FEATURES_TEXT_MAX);
	REQUIRE(features_parse(out.at, strlen(out.at), &again, &why));
	REQUIRE(again.on == wish->on &&
		!memcmp(again.options, wish->options, sizeof(again.options)));
	free(out.at);
	free(why.at);
}

static void features(const u8 *data, u32 length, u32 bytes)
{
	struct features_on wish, untouched;
	struct text why = room(bytes);
	char *text = malloc(length + !length);
	static struct plan plan;

	memcpy(text, data, length);
	memset(&wish, 0x55, sizeof(wish));
	untouched = wish;
	if (!features_parse(text, length, &wish, &why)) {
		REQUIRE(!memcmp(&wish, &untouched, sizeof(wish)));
		REQUIRE(bytes < 2 || why.at[0]);
	} else {
		REQUIRE(!why.at[0] && length <= FEATURES_TEXT_MAX);
		check_options(&wish);
		check_print(&wish);
		if (plan_make(&plan, &wish, NULL, length & 1 ? ~0u : 0, &why))
			REQUIRE(!(plan.on & plan.native) && (wish.all || !(plan.on & ~wish.on)));
		else
			REQUIRE(bytes < 2 || why.at[0]);
	}
	check_sentence(&why);
	free(text);
	free(why.at);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (!size || size > 2 * FEATURES_TEXT_MAX)
		return -1;
	features(data + 1, size - 1, data[0] + 1);
	return 0;
}
