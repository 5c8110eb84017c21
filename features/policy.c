// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - reads a policy: rule.h has the language.
 */
#include "asset.h"
#include "slice.h"

#define PORT_LAST 0xffffu
#define VECTOR_LAST 31u
#define MSR_LAST 0xffffffffu
#define RATE_LAST 1000000u

/* Where an error is: pointers into the text. */
struct reader {
	const char *text;
	u32 line;
	struct text *why;
};

/* "line 3, column 7: " and then a sentence about @word; returns false, to be returned. */
static bool wrong(const struct reader *r, struct slice word, const char *what)
{
	text_add(r->why, "line ");
	text_add_u64(r->why, r->line);
	text_add(r->why, ", column ");
	text_add_u64(r->why, word.at - r->text + 1);
	text_add(r->why, ": ");
	if (word.length)
		complain(r->why, what, word);
	else
		text_add(r->why, what);
	return false;
}

/* Takes the next word off the front of @s; empty at the end. */
static struct slice next_word(struct slice *s)
{
	struct slice word;

	*s = trim(*s);
	word = (struct slice){ s->at, 0 };
	while (word.length < s->length && !blank(s->at[word.length]))
		word.length++;
	s->at += word.length;
	s->length -= word.length;
	return word;
}

/* FIRST or FIRST-LAST. */
static bool read_range(struct slice s, u64 *first, u64 *last)
{
	bool range;
	struct slice low = cut(&s, '-', &range);

	if (!parse_number(low, first))
		return false;
	*last = *first;
	return !range || (parse_number(s, last) && *last >= *first);
}

/* .BIT+BIT...: names of this register, or numbers. */
static bool read_bits(struct slice s, const char *const *names, u64 *mask)
{
	bool more = true;
	u64 number;
	u32 i;

	*mask = 0;
	while (more) {
		struct slice word = cut(&s, '+', &more);

		for (i = 0; names && i < 64; i++)
			if (names[i] && slice_is(word, names[i]))
				break;
		if (names && i < 64)
			*mask |= 1ULL << i;
		else if (parse_number(word, &number) && number < 64)
			*mask |= 1ULL << number;
		else
			return false;
	}
	return true;
}

static enum asset read_prefix(struct slice *s)
{
	enum asset asset;
	u32 i;

	for (asset = ASSET_MSR; asset < ASSETS; asset++) {
		const char *prefix = asset_prefix(asset);

		for (i = 0; prefix[i] && i < s->length && s->at[i] == prefix[i]; i++)
			;
		if (prefix[i])
			continue;
		s->at += i;
		s->length -= i;
		return asset;
	}
	return ASSET_CR;
}

static bool read_asset(const struct reader *r, struct slice word, struct rule *rule)
{
	static const u64 highest[ASSETS] = {
		[ASSET_MSR] = MSR_LAST,
		[ASSET_IO] = PORT_LAST,
		[ASSET_MEMORY] = ~0ULL,
		[ASSET_EXCEPTION] = VECTOR_LAST,
	};
	const struct asset_name *name = NULL;
	struct slice rest = word;
	struct slice what;
	bool bits;
	u32 i;

	rule->asset = read_prefix(&rest);
	what = cut(&rest, '.', &bits);
	rule->mask = ~0ULL;
	for (i = 0; i < asset_name_count; i++)
		if (asset_names[i].asset == rule->asset && slice_is(what, asset_names[i].name))
			name = &asset_names[i];
	if (name) {
		rule->area = name->area;
		rule->first = rule->last = name->number;
	} else if (rule->asset == ASSET_CR || !read_range(what, &rule->first, &rule->last) ||
		   rule->last > highest[rule->asset]) {
		return wrong(r, word, "unknown asset");
	}
	if (!bits)
		return true;
	if ((rule->asset != ASSET_CR && rule->asset != ASSET_MSR) ||
	    !read_bits(rest, name ? name->bits : NULL, &rule->mask))
		return wrong(r, word, "unknown bit in");
	return true;
}

static bool read_permission(const struct reader *r, struct slice word, struct rule *rule)
{
	static const struct {
		const char *name;
		u8 permission;
		u32 assets;
	} words[] = {
		{ "pinned", PERM_PINNED, 1u << ASSET_CR | 1u << ASSET_MSR },
		{ "ro", PERM_RO,
		  1u << ASSET_CR | 1u << ASSET_MSR | 1u << ASSET_IO | 1u << ASSET_MEMORY },
		{ "r", PERM_RO,
		  1u << ASSET_CR | 1u << ASSET_MSR | 1u << ASSET_IO | 1u << ASSET_MEMORY },
		{ "none", PERM_NONE, 1u << ASSET_MSR | 1u << ASSET_IO },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!slice_is(word, words[i].name) || !(words[i].assets >> rule->asset & 1))
			continue;
		rule->permission = words[i].permission;
		return true;
	}
	if (rule->asset == ASSET_EXCEPTION) {
		rule->permission = PERM_RIP;
		rule->rip_first = KERNEL_FIRST;
		rule->rip_last = ~0ULL;
		if (slice_is(word, "kernel") || read_range(word, &rule->rip_first, &rule->rip_last))
			return true;
	}
	return wrong(r, word,
		     word.length ? "this asset has no permission" : "a permission is missing");
}

static bool read_action(const struct reader *r, struct slice word, struct rule *rule)
{
	enum action action;

	for (action = ACTION_ALLOW; action < ACTIONS; action++) {
		bool exception = rule->asset == ASSET_EXCEPTION;

		if (!slice_is(word, action_name(action)))
			continue;
		/* Nothing is written by an exception, and only there an instruction is in the way.
		 */
		if (exception ? action == ACTION_IGNORE || action == ACTION_DENY
			      : action == ACTION_SKIP)
			break;
		rule->action = action;
		return true;
	}
	return wrong(r, word, word.length ? "this asset has no action" : "an action is missing");
}

/*
 * Faults, which leave RIP at an instruction that can be stepped over: #DE, #BR, #UD, #NM, #TS, #NP,
 * #SS, #GP, #PF, #MF, #AC, #XM (APM vol. 2, table 8-1; SDM vol. 3, 6.15).
 */
#define FAULTS 0xb7ce1u
/* Those that a kernel provokes on purpose and mends: #UD, #TS, #NP, #SS, #GP, #PF. */
#define MENDED 0x7c40u

/* Whether a rule about exceptions makes sense; @word is what is to blame. */
static bool check_exception(const struct reader *r, struct slice word, const struct rule *rule)
{
	u64 vector;

	for (vector = rule->first; vector <= rule->last; vector++) {
		if (!(FAULTS >> vector & 1))
			return wrong(r, word, "no rule can be about a trap, an abort or none:");
		if (rule->action == ACTION_SKIP && MENDED >> vector & 1 &&
		    rule->rip_first == KERNEL_FIRST && rule->rip_last == ~0ULL)
			return wrong(r, word, "the kernel itself mends some of these; skip needs a "
					      "range of addresses in the place of 'kernel':");
	}
	return true;
}

static bool read_setting(const struct reader *r, struct slice word, struct rule *rule)
{
	struct slice value = word;
	bool equals;
	struct slice name = cut(&value, '=', &equals);
	u64 number;

	if (!equals || !parse_number(value, &number))
		return wrong(r, word, "this is no setting:");
	if (slice_is(name, "rate") && number <= RATE_LAST)
		rule->rate = number;
	else if (slice_is(name, "result") && rule->action == ACTION_SKIP)
		rule->result = number;
	else
		return wrong(r, word, "this rule cannot have");
	return true;
}

static bool read_rule(const struct reader *r, struct slice line, struct rule *rule)
{
	struct slice word, asset = next_word(&line);

	*rule = (struct rule){ .line = r->line, .rate = RULE_RATE_DEFAULT };
	if (!read_asset(r, asset, rule) || !read_permission(r, next_word(&line), rule) ||
	    !read_action(r, next_word(&line), rule))
		return false;
	if (rule->asset == ASSET_EXCEPTION && !check_exception(r, asset, rule))
		return false;
	for (word = next_word(&line); word.length; word = next_word(&line))
		if (!read_setting(r, word, rule))
			return false;
	return true;
}

bool policy_parse(const char *text, u32 length, struct policy *out, struct text *why)
{
	struct slice rest = { text, length };
	struct reader r = { .text = text, .line = 1, .why = why };
	bool more = true;

	out->count = 0;
	if (length > POLICY_TEXT_MAX) {
		text_add(why, "the policy is longer than ");
		text_add_u64(why, POLICY_TEXT_MAX);
		text_add(why, " bytes");
		return false;
	}
	for (; more; r.line++) {
		struct slice line = cut(&rest, '\n', &more);
		bool comment, another = true;

		r.text = line.at;
		line = cut(&line, '#', &comment);
		while (another) {
			struct slice part = trim(cut(&line, ';', &another));

			if (!part.length)
				continue;
			if (out->count == RULES_MAX)
				return wrong(&r, part, "there are too many rules before");
			if (!read_rule(&r, part, &out->rule[out->count]))
				return false;
			out->count++;
		}
	}
	return true;
}
