// SPDX-License-Identifier: GPL-2.0-only
/*
 * parse.c - the feature list that a person types, and back.
 *
 *	list    = "none" | word { "," word }
 *	word    = "all" | feature { ":" option "=" value }
 */
#include "plan.h"
#include "slice.h"

static bool parse_choice(const struct feature_option *o, struct slice value, u64 *out)
{
	u32 i;

	for (i = 0; o->choices[i]; i++) {
		if (slice_is(value, o->choices[i])) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool parse_value(const struct feature_option *o, struct slice value, u64 *out)
{
	bool more = true;
	u64 set = 0, one;

	if (!o->choices)
		return parse_number(value, out) && *out >= o->min && *out <= o->max;
	if (!o->set)
		return parse_choice(o, value, out);
	while (more) {
		if (!parse_choice(o, cut(&value, '+', &more), &one))
			return false;
		set |= 1ULL << one;
	}
	*out = set;
	return true;
}

static void list_values(const struct feature_option *o, struct text *why)
{
	u32 i;

	if (!o->choices) {
		text_add_u64(why, o->min);
		text_add(why, " to ");
		text_add_u64(why, o->max);
		return;
	}
	for (i = 0; o->choices[i]; i++) {
		text_add(why, !i ? "" : o->set ? "+" : ", ");
		text_add(why, o->choices[i]);
	}
}

static bool parse_option(const struct feature *f, struct slice word, u64 *values, struct text *why)
{
	struct slice value = word;
	bool equals;
	struct slice name = cut(&value, '=', &equals);
	u32 i;

	for (i = 0; i < f->option_count; i++)
		if (slice_is(name, f->options[i].name))
			break;
	if (i == f->option_count) {
		text_add(why, f->name);
		complain(why, ": unknown option", name);
		text_add(why, f->option_count ? " (options: " : " (it has none");
		for (i = 0; i < f->option_count; i++) {
			text_add(why, i ? ", " : "");
			text_add(why, f->options[i].name);
		}
		text_add(why, ")");
		return false;
	}
	if (!equals || !parse_value(&f->options[i], value, &values[i])) {
		text_add(why, f->name);
		text_add(why, ":");
		text_add(why, f->options[i].name);
		complain(why, equals ? ": bad value" : ": a value is missing in", equals ? value : word);
		text_add(why, " (");
		list_values(&f->options[i], why);
		text_add(why, ")");
		return false;
	}
	return true;
}

static bool parse_word(struct slice word, struct features_on *on, struct text *why)
{
	bool more;
	struct slice rest = word;
	struct slice name = cut(&rest, ':', &more);
	u32 i;

	if (slice_is(word, "all")) {
		on->all = true;
		return true;
	}
	for (i = 0; i < feature_count(); i++)
		if (slice_is(name, feature_get(i)->name))
			break;
	if (i == feature_count()) {
		complain(why, name.length ? "unknown feature" : "a feature's name is missing in",
			 name.length ? name : word);
		text_add(why, " (features: ");
		for (i = 0; i < feature_count(); i++) {
			text_add(why, feature_get(i)->name);
			text_add(why, ", ");
		}
		text_add(why, "all, none)");
		return false;
	}
	if (on->on & 1u << i) {
		complain(why, "named twice:", name);
		return false;
	}
	on->on |= 1u << i;
	while (more)
		if (!parse_option(feature_get(i), cut(&rest, ':', &more), on->options[i], why))
			return false;
	return true;
}

bool features_parse(const char *text, u32 length, struct features_on *out, struct text *why)
{
	struct slice rest = trim((struct slice){ text, length });
	struct features_on on = { 0 };
	bool more = true;
	u32 i, j;

	if (length > FEATURES_TEXT_MAX) {
		text_add(why, "the list is longer than ");
		text_add_u64(why, FEATURES_TEXT_MAX);
		text_add(why, " bytes");
		return false;
	}
	if (!rest.length) {
		text_add(why, "the list is empty (the empty list is 'none')");
		return false;
	}
	for (i = 0; i < feature_count(); i++)
		for (j = 0; j < feature_get(i)->option_count; j++)
			on.options[i][j] = feature_get(i)->options[j].initial;
	if (slice_is(rest, "none")) {
		*out = on;
		return true;
	}
	while (more)
		if (!parse_word(trim(cut(&rest, ',', &more)), &on, why))
			return false;
	*out = on;
	return true;
}

static void print_value(const struct feature_option *o, u64 value, struct text *out)
{
	bool another = false;
	u32 i;

	if (!o->choices)
		text_add_u64(out, value);
	else if (!o->set)
		text_add(out, o->choices[value]);
	for (i = 0; o->set && o->choices[i]; i++) {
		if (!(value >> i & 1))
			continue;
		text_add(out, another ? "+" : "");
		text_add(out, o->choices[i]);
		another = true;
	}
}

void features_print(const struct features_on *wish, u32 on, struct text *out)
{
	u32 i, j;

	if (!on)
		text_add(out, "none");
	for (i = 0; i < feature_count(); i++) {
		const struct feature *f = feature_get(i);

		if (!(on & 1u << i))
			continue;
		if (on & ((1u << i) - 1))
			text_add(out, ",");
		text_add(out, f->name);
		for (j = 0; j < f->option_count; j++) {
			if (f->options[j].quiet &&
			    wish->options[i][j] == f->options[j].initial)
				continue;
			text_add(out, ":");
			text_add(out, f->options[j].name);
			text_add(out, "=");
			print_value(&f->options[j], wish->options[i][j], out);
		}
	}
}
