// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_policy.c - any text as a policy: it is taken whole or refused with a sentence that names a
 * line and a column of the text; what is printed of the rules reads back as the same rules, and so
 * does the plan that they make. First byte: how much room the sentence has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../features/plan.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* A rule in words: its longest form, with two numbers of 64 bits twice. */
#define RULE_TEXT 256

/* A block of its own, so that reading or writing beyond its end is found. */
static struct text room(u32 bytes)
{
	struct text t = { .at = malloc(bytes), .size = bytes };

	REQUIRE(t.at);
	memset(t.at, 0x77, bytes);
	t.at[0] = '\0';
	return t;
}

/* "line 3, column 7: ...": both exist. */
static void check_place(const char *text, u32 length, const char *why)
{
	u32 line = 0, column = 0, width = 0, i;
	int colon = 0;

	if (length > POLICY_TEXT_MAX)
		return;
	REQUIRE(sscanf(why, "line %u, column %u%n", &line, &column, &colon) == 2);
	REQUIRE(why[colon] == ':' && strlen(why + colon) > 2);
	REQUIRE(line && column);
	for (i = 0; i < length && line > 1; i++)
		line -= text[i] == '\n';
	REQUIRE(line == 1);
	while (i + width < length && text[i + width] != '\n')
		width++;
	/* What is missing is missing behind the last word. */
	REQUIRE(column <= width + 1);
}

static void check_sentence(const struct text *why)
{
	u32 i;

	REQUIRE(memchr(why->at, 0, why->size));
	for (i = 0; why->at[i]; i++)
		REQUIRE(why->at[i] >= ' ' && why->at[i] <= '~');
}

static void check_rule(const struct rule *r)
{
	REQUIRE(r->asset > ASSET_NONE && r->asset < ASSETS && r->permission <= PERM_RIP);
	REQUIRE(r->action < ACTIONS && r->area < AREAS && r->first <= r->last);
	REQUIRE(r->rip_first <= r->rip_last && r->line);
	REQUIRE((r->action == ACTION_SKIP) <= (r->asset == ASSET_EXCEPTION));
}

/* What is printed is read back; where lines are short enough for the language, all of it together,
 * too. */
static void check_print(const struct policy *policy)
{
	static struct policy again;
	struct text out = room(RULE_TEXT), why = room(256);
	u32 i;

	for (i = 0; i < policy->count; i++) {
		out.length = 0;
		out.at[0] = '\0';
		check_rule(&policy->rule[i]);
		rule_print(&policy->rule[i], &out);
		REQUIRE(strlen(out.at) + 1 < RULE_TEXT);
		if (!policy_parse(out.at, strlen(out.at), &again, &why)) {
			fprintf(stderr, "'%s': %s\n", out.at, why.at);
			abort();
		}
		REQUIRE(again.count == 1 && rule_same(&again.rule[0], &policy->rule[i]));
		REQUIRE(again.rule[0].rate == policy->rule[i].rate);
	}
	free(out.at);
	free(why.at);
}

static void check_plan(const struct policy *policy, u32 facilities)
{
	static const struct features_on none;
	static struct plan plan, other;
	struct text why = room(256);

	if (!plan_make(&plan, &none, policy, facilities, &why)) {
		REQUIRE(why.at[0]);
	} else {
		REQUIRE(plan.policy_count == policy->count && plan.rule_count <= RULES_MAX);
		REQUIRE(plan.claim_count <= PLAN_CLAIMS_MAX &&
			plan.traps.msr.count <= TRAP_RANGES_MAX &&
			plan.traps.io.count <= TRAP_RANGES_MAX);
		/* As strict as itself. */
		other = plan;
		REQUIRE(plan_tightens(&plan, &other, &why));
	}
	free(why.at);
}

static void parse(const u8 *data, u32 length, u32 bytes)
{
	static struct policy policy;
	struct text why = room(bytes);
	char *text = malloc(length + !length);

	memcpy(text, data, length);
	if (policy_parse(text, length, &policy, &why)) {
		REQUIRE(!why.at[0] && length <= POLICY_TEXT_MAX && policy.count <= RULES_MAX);
		check_print(&policy);
		check_plan(&policy, length & 1 ? ~0u : ~FACILITY(SLAT));
	} else {
		REQUIRE(bytes < 2 || why.at[0]);
		if (bytes > 64)
			check_place(text, length, why.at);
	}
	REQUIRE(!memcmp(text, data, length));
	check_sentence(&why);
	free(text);
	free(why.at);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (!size || size > POLICY_TEXT_MAX + 64)
		return -1;
	parse(data + 1, size - 1, data[0] + 1);
	return 0;
}
