// SPDX-License-Identifier: GPL-2.0-only
/*
 * The feature list that a person types: every error has its sentence, and what is printed reads
 * back as what was typed.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

static const char *const shapes[] = { "round", "square", NULL };
static const struct feature_option alpha_options[] = {
	{ .name = "level", .min = 3, .max = 9, .initial = 5 },
	{ .name = "shape", .choices = shapes, .initial = 1 },
};
static const struct feature alpha = {
	.name = "alpha",
	.options = alpha_options,
	.option_count = ARRAY_SIZE(alpha_options),
};
FEATURE(alpha);
static const struct feature beta = { .name = "beta" };
FEATURE(beta);

static struct features_on on;
static char said[400];

static u32 bit(const char *name)
{
	u32 i;

	for (i = 0; i < feature_count(); i++)
		if (!strcmp(feature_get(i)->name, name))
			return 1u << i;
	ck_abort_msg("no feature %s", name);
	return 0;
}

static u64 *options(const char *name)
{
	return on.options[__builtin_ctz(bit(name))];
}

/* In memory that ends with the text, so that a byte too many is seen. */
static bool parse_n(const char *text, u32 length)
{
	struct text why = { .at = said, .size = sizeof(said) };
	char *copy = malloc(length ? length : 1);
	bool done;

	memset(said, 0, sizeof(said));
	memcpy(copy, text, length);
	done = features_parse(copy, length, &on, &why);
	ck_assert(done ? !why.length : why.length);
	free(copy);
	return done;
}

static bool parse(const char *text)
{
	return parse_n(text, strlen(text));
}

static void refused(const char *text, const char *sentence)
{
	struct features_on before;

	memset(&on, 0xa5, sizeof(on));
	before = on;
	ck_assert_msg(!parse(text), "'%s' is taken", text);
	ck_assert_str_eq(said, sentence);
	ck_assert_mem_eq(&on, &before, sizeof(on));
}

/* Errors that list all features. */
static void unknown(const char *text, const char *sentence)
{
	TEXT(whole, 400);
	u32 i;

	text_add(&whole, sentence);
	text_add(&whole, " (features: ");
	for (i = 0; i < feature_count(); i++) {
		text_add(&whole, feature_get(i)->name);
		text_add(&whole, ", ");
	}
	text_add(&whole, "all, none)");
	refused(text, whole.at);
}

START_TEST(lists)
{
	static const char *const none[] = { "none", " none\n", "\tnone \t" };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		ck_assert(parse(none[i]));
		ck_assert(!on.on && !on.all);
	}
	ck_assert(parse("all"));
	ck_assert(!on.on && on.all);
	ck_assert(parse("beta\n"));
	ck_assert_uint_eq(on.on, bit("beta"));
	ck_assert(!on.all);
	ck_assert(parse(" umip , alpha\t,beta "));
	ck_assert_uint_eq(on.on, bit("alpha") | bit("beta") | bit("umip"));
	ck_assert(parse("beta,all"));
	ck_assert(on.on == bit("beta") && on.all);
}
END_TEST

START_TEST(options_and_their_initial_values)
{
	ck_assert(parse("none"));
	ck_assert_uint_eq(options("alpha")[0], 5);
	ck_assert_uint_eq(options("alpha")[1], 1);
	ck_assert_uint_eq(options("umip")[0], 0);
	ck_assert(parse("alpha:level=9"));
	ck_assert_uint_eq(options("alpha")[0], 9);
	ck_assert_uint_eq(options("alpha")[1], 1);
	ck_assert(parse("all,umip:mode=dummy,alpha:shape=round:level=003"));
	ck_assert_uint_eq(options("alpha")[0], 3);
	ck_assert_uint_eq(options("alpha")[1], 0);
	ck_assert_uint_eq(options("umip")[0], 1);
	ck_assert(on.all);
}
END_TEST

START_TEST(every_error_has_its_sentence)
{
	refused("", "the list is empty (the empty list is 'none')");
	refused(" \n\t ", "the list is empty (the empty list is 'none')");
	unknown("umipp", "unknown feature 'umipp'");
	unknown("umi", "unknown feature 'umi'");
	unknown("beta,UMIP", "unknown feature 'UMIP'");
	unknown("none,beta", "unknown feature 'none'");
	unknown("all:level=3", "unknown feature 'all'");
	unknown("um ip", "unknown feature 'um ip'");
	unknown("beta,", "a feature's name is missing in ''");
	unknown(",beta", "a feature's name is missing in ''");
	unknown("beta,,umip", "a feature's name is missing in ''");
	unknown(":mode=gp", "a feature's name is missing in ':mode=gp'");
	refused("beta,umip,beta", "named twice: 'beta'");
	refused("beta:x=1", "beta: unknown option 'x' (it has none)");
	refused("beta:", "beta: unknown option '' (it has none)");
	refused("alpha:levels=3", "alpha: unknown option 'levels' (options: level, shape)");
	refused("alpha:level=3:", "alpha: unknown option '' (options: level, shape)");
	refused("alpha:level", "alpha:level: a value is missing in 'level' (3 to 9)");
	refused("alpha:shape", "alpha:shape: a value is missing in 'shape' (round, square)");
	refused("alpha:shape=oval", "alpha:shape: bad value 'oval' (round, square)");
	refused("alpha:shape=", "alpha:shape: bad value '' (round, square)");
	refused("alpha:level=2", "alpha:level: bad value '2' (3 to 9)");
	refused("alpha:level=10", "alpha:level: bad value '10' (3 to 9)");
	refused("alpha:level=", "alpha:level: bad value '' (3 to 9)");
	refused("alpha:level=5x", "alpha:level: bad value '5x' (3 to 9)");
	refused("alpha:level=-5", "alpha:level: bad value '-5' (3 to 9)");
	/* 5 beyond 64 bits */
	refused("alpha:level=18446744073709551621",
		"alpha:level: bad value '18446744073709551621' (3 to 9)");
	refused("umip:mode=drop", "umip:mode: bad value 'drop' (gp, dummy, log)");
}
END_TEST

START_TEST(strange_words_are_quoted_safely)
{
	unknown("a\x01\x7f\xff", "unknown feature 'a\?\?\?'");
	unknown("0123456789012345678901234567890123456789",
		"unknown feature '0123456789012345678901234567890123456789'");
	unknown("0123456789012345678901234567890123456789x",
		"unknown feature '0123456789012345678901234567890123456789...'");
	/* A name does not end where a NUL is. */
	ck_assert(!parse_n("beta\0", 5));
	ck_assert(!parse_n("beta\0\0\0\0\0\0\0\0", 12));
	ck_assert(!parse_n("none\0x", 6));
	ck_assert(!parse_n("alpha:level\0=5", 14));
	ck_assert(!parse_n("alpha:shape=round\0", 18));
}
END_TEST

START_TEST(length_has_an_end)
{
	char text[FEATURES_TEXT_MAX + 2];

	memset(text, ' ', sizeof(text));
	memcpy(text, "beta", 4);
	ck_assert(parse_n(text, FEATURES_TEXT_MAX));
	ck_assert(!parse_n(text, FEATURES_TEXT_MAX + 1));
	ck_assert_str_eq(said, "the list is longer than 1024 bytes");
}
END_TEST

/* A sentence that does not fit is cut, never longer. */
START_TEST(sentences_are_cut)
{
	char room[12] = "###########";
	struct text why = { .at = room, .size = 8 };

	ck_assert(!features_parse("nonsense", 8, &on, &why));
	ck_assert_str_eq(room, "unknown");
	ck_assert_str_eq(room + 8, "###");
	ck_assert_uint_le(why.length, 8);
}
END_TEST

static void round_trip(void)
{
	struct features_on wish = on;
	TEXT(text, 400);

	features_print(&wish, wish.on, &text);
	ck_assert_msg(parse(text.at), "'%s': %s", text.at, said);
	ck_assert_uint_eq(on.on, wish.on);
	for (u32 i = 0; i < feature_count(); i++)
		if (wish.on & 1u << i)
			ck_assert_mem_eq(on.options[i], wish.options[i], sizeof(on.options[i]));
}

START_TEST(printed_lists_read_back)
{
	TEXT(text, 400);

	ck_assert(parse("none"));
	features_print(&on, on.on, &text);
	ck_assert_str_eq(text.at, "none");
	text.length = 0;
	ck_assert(parse("beta,alpha:level=7"));
	features_print(&on, on.on, &text);
	ck_assert_str_eq(text.at, bit("alpha") < bit("beta") ? "alpha:level=7:shape=square,beta" :
							       "beta,alpha:level=7:shape=square");
	ck_assert(parse("umip:mode=dummy,alpha:shape=round,beta"));
	round_trip();
	/* Some options are named only where they are not as they start. */
	text.length = 0;
	ck_assert(parse("umip:rate=10:report=off"));
	features_print(&on, on.on, &text);
	ck_assert_str_eq(text.at, "umip:mode=gp");
	text.length = 0;
	ck_assert(parse("umip:rate=1000000:mode=log:report=on"));
	features_print(&on, on.on, &text);
	ck_assert_str_eq(text.at, "umip:mode=log:report=on:rate=1000000");
	round_trip();
	ck_assert(!parse("umip:rate=1000001"));
	ck_assert(!parse("umip:report=1"));
}
END_TEST

START_TEST(random_lists)
{
	static const char *const words[] = {
		"none", "all", "umip", "alpha", "beta", "mode", "level", "shape", "gp", "dummy",
		"round", "square", "3", "9", "10", ",", ":", "=", " ", "\n", "x", "\xff",
		":level=5", ":shape=round", "umip:mode=gp", ",beta", ":rate=0",
	};
	u32 seed = 1, i, j, taken = 0, length;
	char text[400];

	for (i = 0; i < 50000; i++) {
		length = 0;
		seed = seed * 1664525 + 1013904223;
		for (j = seed >> 29; j < 8; j++) {
			const char *word;

			seed = seed * 1664525 + 1013904223;
			word = words[(seed >> 16) % ARRAY_SIZE(words)];
			memcpy(text + length, word, strlen(word));
			length += strlen(word);
			/* Now and then a byte of it changes. */
			if (seed >> 28 == 5 && length)
				text[(seed >> 8) % length] = seed >> 20;
		}
		if (parse_n(text, length)) {
			taken++;
			round_trip();
		}
	}
	ck_assert_uint_gt(taken, 1000);
	ck_assert_uint_lt(taken, 40000);
}
END_TEST

START_TEST(numbers_in_text)
{
	TEXT(text, 100);

	text_add_u64(&text, 0);
	text_add(&text, " ");
	text_add_u64(&text, ~0ULL);
	text_add(&text, " ");
	text_add_hex(&text, 0);
	text_add(&text, " ");
	text_add_hex(&text, 0xfedcba9876543210);
	ck_assert_str_eq(text.at, "0 18446744073709551615 0x0 0xfedcba9876543210");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		lists, options_and_their_initial_values, every_error_has_its_sentence,
		strange_words_are_quoted_safely, length_has_an_end, sentences_are_cut,
		printed_lists_read_back, random_lists, numbers_in_text,
	};

	return sim_main("parse", tests, ARRAY_SIZE(tests));
}
