// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy language: what a rule says, every error with its line and column, and what is printed
 * reads back as what was written.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../features/asset.h"

static struct policy policy;
static char said[300];

/* In memory that ends with the text, so that a byte too many is seen. */
static bool parse_n(const char *text, u32 length)
{
	struct text why = { .at = said, .size = sizeof(said) };
	char *copy = malloc(length ? length : 1);
	bool done;

	memset(said, 0, sizeof(said));
	memcpy(copy, text, length);
	done = policy_parse(copy, length, &policy, &why);
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
	ck_assert_msg(!parse(text), "'%s' is taken", text);
	ck_assert_str_eq(said, sentence);
}

static const struct rule *only(const char *text)
{
	ck_assert_msg(parse(text), "%s: %s", text, said);
	ck_assert_uint_eq(policy.count, 1);
	return &policy.rule[0];
}

static const char *printed(const struct rule *rule)
{
	struct text out = { .at = said, .size = sizeof(said) };

	said[0] = '\0';
	rule_print(rule, &out);
	return said;
}

START_TEST(what_rules_say)
{
	const struct rule *r = only("cr4.smep pinned deny");

	ck_assert(r->asset == ASSET_CR && r->first == 4 && r->last == 4);
	ck_assert_uint_eq(r->mask, CR4_SMEP);
	ck_assert(r->permission == PERM_PINNED && r->action == ACTION_DENY);
	ck_assert(r->line == 1 && r->rate == RULE_RATE_DEFAULT);
	r = only("cr0.wp+am+ts ro log rate=5");
	ck_assert_uint_eq(r->mask, CR0_WP | BIT64(18) | CR0_TS);
	ck_assert(r->rate == 5 && r->permission == PERM_RO && r->action == ACTION_LOG);
	r = only("cr4.63+0 ro deny");
	ck_assert_uint_eq(r->mask, BIT64(63) | 1);
	ck_assert_uint_eq(only("cr0 ro ignore")->mask, ~0ULL);
	r = only("msr:0x10-0x1f none ignore");
	ck_assert(r->first == 0x10 && r->last == 0x1f && r->permission == PERM_NONE);
	r = only("msr:0xffffffff.5+6 pinned deny");
	ck_assert(r->first == 0xffffffff && r->mask == (3ULL << 5));
	r = only("io:0-65535 none deny");
	ck_assert(r->first == 0 && r->last == 0xffff);
	r = only("mem:rodata r deny");
	ck_assert(r->area == AREA_RODATA && r->permission == PERM_RO);
	r = only("mem:0-0xffffffffffffffff r log");
	ck_assert(r->area == AREA_ADDRESS && r->first == 0 && r->last == ~0ULL);
	r = only("exc:divide kernel skip result=0x10");
	ck_assert(r->asset == ASSET_EXCEPTION && r->first == 0 && r->result == 16);
	ck_assert(r->rip_first == KERNEL_FIRST && r->rip_last == ~0ULL);
	r = only("exc:14 0x1000-0x1fff log rate=1000000");
	ck_assert(r->first == 14 && r->rip_first == 0x1000 && r->rip_last == 0x1fff);
	ck_assert(r->permission == PERM_RIP && r->rate == 1000000);
}
END_TEST

START_TEST(lines_comments_and_blanks)
{
	ck_assert(parse(""));
	ck_assert_uint_eq(policy.count, 0);
	ck_assert(parse(" \n\t\r\n# nothing\n;;\n"));
	ck_assert_uint_eq(policy.count, 0);
	ck_assert(parse("\n\tio:0x64   none\tdeny # a comment; with a semicolon\r\n;"
			"msr:lstar ro log;cr0.wp pinned deny\n\nmsr:star ro deny"));
	ck_assert_uint_eq(policy.count, 4);
	ck_assert_uint_eq(policy.rule[0].line, 2);
	ck_assert_uint_eq(policy.rule[1].line, 3);
	ck_assert_uint_eq(policy.rule[2].line, 3);
	ck_assert_uint_eq(policy.rule[3].line, 5);
	/* A newline in a word's place is none: each line is its own. */
	refused("msr:lstar ro\ndeny", "line 1, column 13: an action is missing");
}
END_TEST

START_TEST(errors_name_line_and_column)
{
	static const struct {
		const char *text, *sentence;
	} wrong[] = {
		{ "foo", "line 1, column 1: unknown asset 'foo'" },
		{ "\n  cr3 ro deny", "line 2, column 3: unknown asset 'cr3'" },
		{ "cr0-cr4 ro deny", "line 1, column 1: unknown asset 'cr0-cr4'" },
		{ "msr: ro deny", "line 1, column 1: unknown asset 'msr:'" },
		{ "msr:star- ro deny", "line 1, column 1: unknown asset 'msr:star-'" },
		{ "msr:2-1 ro deny", "line 1, column 1: unknown asset 'msr:2-1'" },
		{ "msr:1-2-3 ro deny", "line 1, column 1: unknown asset 'msr:1-2-3'" },
		{ "msr:0x100000000 ro deny", "line 1, column 1: unknown asset 'msr:0x100000000'" },
		{ "io:0xffff-0x10000 ro deny",
		  "line 1, column 1: unknown asset 'io:0xffff-0x10000'" },
		{ "exc:32 kernel log", "line 1, column 1: unknown asset 'exc:32'" },
		{ "mem:0x10000000000000000 r deny",
		  "line 1, column 1: unknown asset 'mem:0x10000000000000000'" },
		{ "io:lstar ro deny", "line 1, column 1: unknown asset 'io:lstar'" },
		{ "cr4.wp pinned deny", "line 1, column 1: unknown bit in 'cr4.wp'" },
		{ "cr0. ro deny", "line 1, column 1: unknown bit in 'cr0.'" },
		{ "cr0.wp+ ro deny", "line 1, column 1: unknown bit in 'cr0.wp+'" },
		{ "cr0.64 ro deny", "line 1, column 1: unknown bit in 'cr0.64'" },
		{ "io:0x64.1 ro deny", "line 1, column 1: unknown bit in 'io:0x64.1'" },
		{ "mem:text.wp r deny", "line 1, column 1: unknown bit in 'mem:text.wp'" },
		{ "msr:lstar", "line 1, column 10: a permission is missing" },
		{ "msr:lstar rw deny", "line 1, column 11: this asset has no permission 'rw'" },
		{ "cr0.wp none deny", "line 1, column 8: this asset has no permission 'none'" },
		{ "io:1 pinned deny", "line 1, column 6: this asset has no permission 'pinned'" },
		{ "mem:text none deny", "line 1, column 10: this asset has no permission 'none'" },
		{ "exc:divide ro log", "line 1, column 12: this asset has no permission 'ro'" },
		{ "exc:divide 5-4 log", "line 1, column 12: this asset has no permission '5-4'" },
		{ "msr:lstar ro", "line 1, column 13: an action is missing" },
		{ "; msr:lstar ro # deny", "line 1, column 15: an action is missing" },
		{ "msr:lstar ro skip", "line 1, column 14: this asset has no action 'skip'" },
		{ "msr:lstar ro Deny", "line 1, column 14: this asset has no action 'Deny'" },
		{ "exc:page kernel deny", "line 1, column 17: this asset has no action 'deny'" },
		{ "exc:page kernel ignore",
		  "line 1, column 17: this asset has no action 'ignore'" },
		{ "io:1 ro deny now", "line 1, column 14: this is no setting: 'now'" },
		{ "io:1 ro deny rate=", "line 1, column 14: this is no setting: 'rate='" },
		{ "io:1 ro deny rate=0x", "line 1, column 14: this is no setting: 'rate=0x'" },
		{ "io:1 ro deny rate=1000001",
		  "line 1, column 14: this rule cannot have 'rate=1000001'" },
		{ "io:1 ro deny result=1", "line 1, column 14: this rule cannot have 'result=1'" },
		{ "exc:0 kernel log result=1",
		  "line 1, column 18: this rule cannot have 'result=1'" },
		{ "io:1 ro deny =5", "line 1, column 14: this rule cannot have '=5'" },
		{ "cr0.wp pinned deny\n\n\x01 ro deny", "line 3, column 1: unknown asset '?'" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		refused(wrong[i].text, wrong[i].sentence);
}
END_TEST

START_TEST(limits)
{
	static char text[POLICY_TEXT_MAX + 2];
	char sentence[100];
	u32 i;

	memset(text, ' ', sizeof(text));
	ck_assert(parse_n(text, POLICY_TEXT_MAX));
	ck_assert(!parse_n(text, POLICY_TEXT_MAX + 1));
	ck_assert_str_eq(said, "the policy is longer than 4095 bytes");
	text[0] = '\0';
	for (i = 0; i < RULES_MAX; i++)
		strcat(text, "io:1 ro deny\n");
	ck_assert(parse(text));
	ck_assert_uint_eq(policy.count, RULES_MAX);
	strcat(text, "\n  io:1 ro deny");
	snprintf(sentence, sizeof(sentence),
		 "line %u, column 3: there are too many rules before 'io:1 ro deny'",
		 RULES_MAX + 2);
	refused(text, sentence);
}
END_TEST

/* Every asset that has a name, with every permission and action that it can have. */
START_TEST(print_and_parse_again)
{
	static const char *const permissions[] = { "pinned", "ro",	  "r",	 "none",
						   "kernel", "0x10-0x20", "0x30" };
	static const char *const actions[] = { "allow", "log", "ignore", "skip", "deny" };
	static const char *const settings[] = { "", " rate=0", " rate=77", " result=5" };
	static const char *const numbers[] = {
		"msr:0x1234",
		"msr:0x10-0x20",
		"msr:0xc0000080.0+11",
		"msr:0x17.63",
		"io:0-0xffff",
		"io:0x80",
		"mem:0x1000-0x1fff",
		"mem:0",
		"exc:9",
		"msr:0x1-0x2.3",
		"cr0",
		"cr4.63",
		"cr0.wp+pg+63",
		"msr:efer.nxe+sce",
	};
	u32 taken = 0, i, p, a, s;
	char text[sizeof(said)];

	for (i = 0; i < asset_name_count + ARRAY_SIZE(numbers); i++) {
		for (p = 0; p < ARRAY_SIZE(permissions); p++) {
			for (a = 0; a < ARRAY_SIZE(actions); a++) {
				for (s = 0; s < ARRAY_SIZE(settings); s++) {
					const struct asset_name *n = &asset_names[i];
					struct rule rule;

					snprintf(text, sizeof(text), "%s%s %s %s%s",
						 i < asset_name_count ? asset_prefix(n->asset) : "",
						 i < asset_name_count
							 ? n->name
							 : numbers[i - asset_name_count],
						 permissions[p], actions[a], settings[s]);
					if (!parse(text))
						continue;
					taken++;
					rule = policy.rule[0];
					snprintf(text, sizeof(text), "%s", printed(&rule));
					ck_assert_msg(parse(text), "%s: %s", text, said);
					ck_assert_msg(rule_same(&policy.rule[0], &rule), "%s",
						      text);
					ck_assert_str_eq(printed(&policy.rule[0]), text);
				}
			}
		}
	}
	ck_assert_uint_gt(taken, 1000);
}
END_TEST

START_TEST(rules_that_differ)
{
	static const char *const differ[] = {
		"msr:0x10 none deny",	   "msr:0x10 none log",
		"msr:0x10 ro deny",	   "msr:0x11 none deny",
		"msr:0x10-0x11 none deny", "msr:0x10.1 none deny",
		"io:0x10 none deny",	   "msr:0x10 none deny rate=1",
		"exc:0 kernel skip",	   "exc:0 kernel skip result=1",
		"exc:0 0-1 skip",	   "exc:0 0-2 skip",
		"exc:0 1-2 skip",	   "mem:text r deny",
		"mem:rodata r deny",
	};
	struct rule rules[ARRAY_SIZE(differ)];
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(differ); i++)
		rules[i] = *only(differ[i]);
	for (i = 0; i < ARRAY_SIZE(differ); i++)
		for (j = 0; j < ARRAY_SIZE(differ); j++)
			ck_assert(rule_same(&rules[i], &rules[j]) == (i == j));
	/* Where it stood is no part of what it says. */
	rules[1] = rules[0];
	rules[1].line = 7;
	ck_assert(rule_same(&rules[0], &rules[1]));
}
END_TEST

START_TEST(assets_in_words)
{
	static const struct {
		enum asset asset;
		u64 number, mask;
		const char *words;
	} all[] = {
		{ ASSET_CR, 0, CR0_WP, "cr0.wp" },
		{ ASSET_CR, 4, ~0ULL, "cr4" },
		{ ASSET_MSR, 0xc0000082, ~0ULL, "msr:lstar" },
		{ ASSET_MSR, 0xc0000080, BIT64(11) | 1, "msr:efer.sce+nxe" },
		{ ASSET_MSR, 0x10, BIT64(5), "msr:0x10.5" },
		{ ASSET_IO, 0x64, ~0ULL, "io:0x64" },
		{ ASSET_MEMORY, 0x1000, ~0ULL, "mem:0x1000" },
		{ ASSET_EXCEPTION, 14, ~0ULL, "exc:page" },
		{ ASSET_EXCEPTION, 9, 1, "exc:0x9" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		TEXT(out, 60);

		asset_print(all[i].asset, all[i].number, all[i].mask, &out);
		ck_assert_str_eq(out.at, all[i].words);
	}
	ck_assert_str_eq(action_name(ACTION_SKIP), "skip");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_rules_say,	 lines_comments_and_blanks, errors_name_line_and_column,
		limits,		 print_and_parse_again,	    rules_that_differ,
		assets_in_words,
	};

	return sim_main("policy", tests, ARRAY_SIZE(tests));
}
