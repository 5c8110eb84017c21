// SPDX-License-Identifier: GPL-2.0-only
/*
 * dispatch(): filters first, the strictest wins; then the one owner; then the core's default.
 */
#include "sim.h"

#include <string.h>

#define SEL 0x1b /* an MSR that exists */

static enum verdict answer[3];
static char order[16];

static u32 index_of(const char *name)
{
	u32 i;

	for (i = 0; i < feature_count(); i++)
		if (!strcmp(feature_get(i)->name, name))
			return i;
	ck_abort_msg("no feature %s", name);
	return 0;
}

/* The compiler lays them out as it likes: the filter that comes first is `a`, the other `b`. */
static bool swapped(void)
{
	return index_of("filter_a") > index_of("filter_b");
}

static enum verdict asked(u32 who, struct vmexit *e)
{
	if (who < 2)
		who ^= swapped();
	order[strlen(order)] = "abo"[who];
	/* What it leaves there must not matter unless it wins. */
	inject_error(e, VECTOR_GP, who + 1);
	return answer[who];
}

static enum verdict ask_a(struct vcpu *v, struct vmexit *e) { (void)v; return asked(0, e); }
static enum verdict ask_b(struct vcpu *v, struct vmexit *e) { (void)v; return asked(1, e); }
static enum verdict ask_o(struct vcpu *v, struct vmexit *e) { (void)v; return asked(2, e); }

#define ONE_FEATURE(symbol, role, handle)                                                          \
	static const struct claim symbol##_claims[] = {                                            \
		{ VMEXIT_MSR_READ, SEL - 1, SEL + 1, role, handle, false, 0 },                     \
		{ VMEXIT_CPUID, 0, 0, role, handle, false, 0 },                                    \
	};                                                                                         \
	static const struct feature symbol = {                                                     \
		.name = #symbol, .claims = symbol##_claims, .claim_count = 2,                      \
	};                                                                                         \
	FEATURE(symbol)
/* The owner is registered first: its place in the order comes from its role. */
ONE_FEATURE(owner, CLAIM_OWNER, ask_o);
ONE_FEATURE(filter_a, CLAIM_FILTER, ask_a);
ONE_FEATURE(filter_b, CLAIM_FILTER, ask_b);

static u64 handled(const char *name)
{
	return V->handled[index_of(name)];
}

static struct vmexit event;

static enum verdict go(enum vmexit_kind kind, u32 sel)
{
	event = (struct vmexit){ .kind = kind, .sel = sel, .len = 2, .reg = REG_UNKNOWN };
	memset(order, 0, sizeof(order));
	return dispatch(V, &event);
}

static void answers(enum verdict a, enum verdict b, enum verdict o)
{
	answer[0] = a;
	answer[1] = b;
	answer[2] = o;
}

START_TEST(filters_then_owner_then_default)
{
	sim_boot(SIM_EPYC, "owner,filter_a,filter_b");
	V->gpr[RAX] = 0;
	*sim_msr(SEL) = 0x12345678;
	answers(VERDICT_DEFAULT, VERDICT_DEFAULT, VERDICT_DEFAULT);
	ck_assert_int_eq(go(VMEXIT_MSR_READ, SEL), VERDICT_NEXT);
	ck_assert_str_eq(order, "abo");
	ck_assert_uint_eq(V->gpr[RAX], 0x12345678);
	ck_assert_uint_eq(handled("owner") + handled("filter_a") + handled("filter_b"), 0);
	ck_assert_uint_eq(V->exits[VMEXIT_MSR_READ], 1);
	answers(VERDICT_DEFAULT, VERDICT_DEFAULT, VERDICT_RETRY);
	ck_assert_int_eq(go(VMEXIT_MSR_READ, SEL), VERDICT_RETRY);
	ck_assert_uint_eq(handled("owner"), 1);
	answers(VERDICT_DEFAULT, VERDICT_INJECT, VERDICT_RETRY);
	ck_assert_int_eq(go(VMEXIT_MSR_READ, SEL), VERDICT_INJECT);
	ck_assert_str_eq(order, "ab");
	ck_assert_uint_eq(event.fault.error, 2);
	ck_assert_uint_eq(handled("owner"), 1);
	ck_assert_uint_eq(handled(swapped() ? "filter_b" : "filter_a"), 0);
	ck_assert_uint_eq(handled(swapped() ? "filter_a" : "filter_b"), 1);
	ck_assert_uint_eq(V->exits[VMEXIT_MSR_READ], 3);
}
END_TEST

START_TEST(only_what_is_claimed)
{
	sim_boot(SIM_EPYC, "owner,filter_a,filter_b");
	sim_add_msr(SEL + 2, 7);
	sim_add_msr(SEL - 2, 8);
	answers(VERDICT_STOP, VERDICT_STOP, VERDICT_STOP);
	ck_assert_int_eq(go(VMEXIT_MSR_READ, SEL + 2), VERDICT_NEXT);
	ck_assert_str_eq(order, "");
	ck_assert_uint_eq(V->gpr[RAX], 7);
	ck_assert_int_eq(go(VMEXIT_MSR_READ, SEL - 2), VERDICT_NEXT);
	ck_assert_str_eq(order, "");
	ck_assert_int_eq(go(VMEXIT_MSR_READ, SEL + 1), VERDICT_STOP);
	ck_assert_str_eq(order, "ab");
	ck_assert_int_eq(go(VMEXIT_MSR_READ, SEL - 1), VERDICT_STOP);
	ck_assert_int_eq(go(VMEXIT_MSR_WRITE, SEL), VERDICT_NEXT);
	ck_assert_str_eq(order, "");
}
END_TEST

/* From mild to strict; equals keep the first one's. */
START_TEST(the_strictest_filter_wins)
{
	static const enum verdict strict[][2] = {
		{ VERDICT_DEFAULT, VERDICT_DEFAULT }, { VERDICT_STEP, VERDICT_STEP },
		{ VERDICT_NEXT, VERDICT_RETRY },      { VERDICT_INJECT, VERDICT_INJECT },
		{ VERDICT_STOP, VERDICT_STOP },
	};
	u32 a, b;

	sim_boot(SIM_EPYC, "filter_a,filter_b");
	for (a = 0; a < ARRAY_SIZE(strict); a++) {
		for (b = 0; b < ARRAY_SIZE(strict); b++) {
			answers(strict[a][0], strict[b][1], VERDICT_DEFAULT);
			if (!a && !b)
				continue;
			ck_assert_int_eq(go(VMEXIT_MSR_READ, SEL),
					 a >= b ? strict[a][0] : strict[b][1]);
			ck_assert_str_eq(order, "ab");
			ck_assert_uint_eq(event.fault.error, a >= b ? 1 : 2);
		}
	}
}
END_TEST

START_TEST(kinds_without_an_answer_stop)
{
	static const enum vmexit_kind kinds[] = { VMEXIT_UNKNOWN };
	u32 i;

	sim_boot(SIM_EPYC, "umip");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ck_assert_int_eq(go(kinds[i], 0x60), VERDICT_STOP);
		ck_assert_uint_eq(V->exits[kinds[i]], 1);
	}
}
END_TEST

START_TEST(kinds_have_names)
{
	u32 i, j;

	for (i = 0; i < VMEXIT_KINDS; i++) {
		ck_assert_uint_gt(strlen(vmexit_kind_name(i)), 0);
		for (j = 0; j < i; j++)
			ck_assert_str_ne(vmexit_kind_name(i), vmexit_kind_name(j));
	}
	ck_assert_str_eq(vmexit_kind_name(VMEXIT_SMSW), "smsw");
}
END_TEST

/* No short way around a feature that wants to be asked. */
START_TEST(features_see_cpuid)
{
	sim_boot(SIM_EPYC, swapped() ? "filter_b" : "filter_a");
	answers(VERDICT_INJECT, VERDICT_DEFAULT, VERDICT_DEFAULT);
	memset(order, 0, sizeof(order));
	sim_at(SIM_CODE);
	sim.gpr[RAX] = 2;
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	sim_fault(SIM_CODE, VECTOR_GP, 1);
	ck_assert_str_eq(order, "a");
	answers(VERDICT_DEFAULT, VERDICT_DEFAULT, VERDICT_DEFAULT);
	sim_at(SIM_CODE);
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	sim_went_on(SIM_CODE + 2);
	ck_assert_str_eq(order, "aa");
	ck_assert_uint_eq(handled(swapped() ? "filter_b" : "filter_a"), 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		filters_then_owner_then_default, only_what_is_claimed, the_strictest_filter_wins,
		kinds_without_an_answer_stop, kinds_have_names, features_see_cpuid,
	};

	return sim_main("dispatch", tests, ARRAY_SIZE(tests));
}
