// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry: from the features that are asked for to a plan; with more features than one.
 */
#include "sim.h"

#include <string.h>

static enum verdict nothing(struct vcpu *v, struct vmexit *e)
{
	(void)v;
	(void)e;
	return VERDICT_DEFAULT;
}

#define OWNER(kind, first, last) { VMEXIT_##kind, first, last, CLAIM_OWNER, nothing, false, 0 }
#define FILTER(kind, first, last) { VMEXIT_##kind, first, last, CLAIM_FILTER, nothing, false, 0 }

/* Two that own one MSR; the second needs what is taken away where it is not wanted. */
static const struct cpuid_bit one_cpuid[] = {
	{ 0x80000021, 0, CPUID_EAX, 17 }, { 9, 1, CPUID_EDX, 31 },
};
static const struct claim one_claims[] = { OWNER(MSR_READ, 0x10, 0x20), OWNER(CPUID, 0, ~0u) };
static const struct feature one = {
	.name = "one",
	.cr4 = BIT64(15),
	.cpuid = one_cpuid,
	.cpuid_count = 2,
	.claims = one_claims,
	.claim_count = 2,
	.needs = FACILITY(MSR_BITMAP),
};
FEATURE(one);
static const struct claim two_claims[] = { OWNER(MSR_READ, 0x20, 0x30) };
static const struct feature two = {
	.name = "two",
	.claims = two_claims,
	.claim_count = 1,
	.needs = FACILITY(IO_BITMAP) | FACILITY(SLAT),
};
FEATURE(two);

/* Filters beside owners; what exits. */
static const struct claim three_claims[] = {
	FILTER(MSR_READ, 0, 0x10), FILTER(EXCEPTION, 5, 7), FILTER(CR_READ, 3, 4),
	FILTER(CR_WRITE, 0, 0), OWNER(MSR_READ, 0x21, 0x2f),
	{ VMEXIT_SMSW, 0, 0, CLAIM_FILTER, nothing, false, WHEN(0, 2) },
};
static const struct feature_option three_options[] = { { .name = "way", .max = 2 } };
static const struct feature three = {
	.name = "three",
	.claims = three_claims,
	.claim_count = ARRAY_SIZE(three_claims),
	.options = three_options,
	.option_count = 1,
	.wants = FACILITY(SLAT) | FACILITY(SMSW),
};
FEATURE(three);

/* More than a plan holds. */
static struct claim many_claims[PLAN_CLAIMS_MAX + 1];
static struct cpuid_bit wide_cpuid[PLAN_CPUID_MAX + 1];
static const struct feature many = {
	.name = "many",
	.claims = many_claims,
	.claim_count = PLAN_CLAIMS_MAX + 1,
	.needs = FACILITY(IO_BITMAP),
};
FEATURE(many);
static const struct feature wide = {
	.name = "wide",
	.cpuid = wide_cpuid,
	.cpuid_count = PLAN_CPUID_MAX + 1,
	.needs = FACILITY(IO_BITMAP),
};
FEATURE(wide);

/* Refuses only a part of the stores. */
static const struct claim part_claims[] = {
	{ VMEXIT_DESC_STORE, DESC_IDTR, DESC_LDTR, CLAIM_OWNER, nothing, true, 0 },
	{ VMEXIT_SMSW, 0, 0, CLAIM_OWNER, nothing, true, 0 },
};
static const struct feature part = { .name = "part", .claims = part_claims, .claim_count = 2 };
FEATURE(part);

static struct plan plan;
static char said[200];

static u32 index_of(const char *name)
{
	u32 i;

	for (i = 0; i < feature_count(); i++)
		if (!strcmp(feature_get(i)->name, name))
			return i;
	ck_abort_msg("no feature %s", name);
	return 0;
}
#define BIT_OF(name) (1u << index_of(name))

#define ALL_FACILITIES ((1u << FACILITY_BITS) - 1)

static bool make(const char *features, u32 facilities)
{
	struct text why = { .at = said, .size = sizeof(said) };
	struct features_on wish;
	bool done;

	said[0] = '\0';
	ck_assert_msg(features_parse(features, strlen(features), &wish, &why), "%s", said);
	memset(&plan, 0xa5, sizeof(plan));
	done = plan_make(&plan, &wish, NULL, facilities, &why);
	ck_assert(done == !why.length);
	return done;
}

/* The processor, and what features_probe(cpu_rdmsr_safe) finds of it. */
static void probe(enum sim_model model)
{
	sim_new(model);
	features_probe(cpu_rdmsr_safe);
}

START_TEST(several_features_in_one_plan)
{
	u32 i;

	probe(SIM_EPYC);
	ck_assert_uint_ge(feature_count(), 7);
	ck_assert(make("umip,three,one", ALL_FACILITIES));
	ck_assert_uint_eq(plan.on, BIT_OF("umip") | BIT_OF("three") | BIT_OF("one"));
	ck_assert_uint_eq(plan.native | plan.partial, 0);
	ck_assert_uint_eq(plan.cr4, CR4_UMIP | BIT64(15));
	ck_assert_uint_eq(plan.cpuid_count, 3);
	ck_assert_uint_eq(plan.max_basic, 9);
	ck_assert_uint_eq(plan.max_extended, 0x80000021);
	ck_assert(plan.traps.desc_store && plan.traps.smsw);
	ck_assert_uint_eq(plan.traps.cr_read, 3 << 3);
	ck_assert_uint_eq(plan.traps.cr_write, 1);
	ck_assert_uint_eq(plan.traps.exceptions, 7 << 5);
	/* By kind, filters before owners, each claim once. */
	ck_assert_uint_eq(plan.claim_count, 2 + 2 + 5);
	for (i = 0; i < VMEXIT_KINDS; i++) {
		const struct plan_span *span = &plan.spans[i];
		u32 j, end = span->first + span->filters + span->owners;

		for (j = span->first; j < end; j++) {
			ck_assert_uint_eq(plan.claims[j].claim->kind, i);
			ck_assert(plan.claims[j].claim->role ==
				  (j < span->first + span->filters ? CLAIM_FILTER : CLAIM_OWNER));
		}
	}
	ck_assert_uint_eq(plan.spans[VMEXIT_MSR_READ].filters, 1);
	ck_assert_uint_eq(plan.spans[VMEXIT_MSR_READ].owners, 2);
	i = plan.spans[VMEXIT_MSR_READ].first;
	ck_assert_uint_eq(plan.claims[i].feature, index_of("three"));
	ck_assert_uint_eq(plan.spans[VMEXIT_CPUID].owners, 1);
	ck_assert_uint_eq(plan.spans[VMEXIT_IO].filters + plan.spans[VMEXIT_IO].owners, 0);
}
END_TEST

START_TEST(none_needs_nothing)
{
	probe(SIM_EPYC);
	ck_assert(make("none", 0));
	ck_assert_uint_eq(plan.on | plan.claim_count | plan.cpuid_count | plan.max_basic, 0);
	ck_assert(!plan.traps.desc_store && !plan.traps.smsw && !plan.traps.exceptions);
}
END_TEST

START_TEST(two_owners_are_refused)
{
	bool order = index_of("one") < index_of("two");

	probe(SIM_EPYC);
	ck_assert(!make("one,two", ALL_FACILITIES));
	ck_assert_str_eq(said, order ? "two and one both own the exit msr_read" :
				       "one and two both own the exit msr_read");
	/* Where the ranges do not meet, and where one filters, it is no conflict. */
	ck_assert(make("one,three", ALL_FACILITIES));
	ck_assert(!make("two,three", ALL_FACILITIES));
}
END_TEST

START_TEST(missing_facilities_are_named)
{
	probe(SIM_EPYC);
	ck_assert(!make("one", ALL_FACILITIES & ~FACILITY(MSR_BITMAP)));
	ck_assert_str_eq(said, "one: this processor lacks MSR bitmaps");
	ck_assert(!make("two", 0));
	ck_assert_str_eq(said, "two: this processor lacks second-level paging (NPT or EPT), "
			       "I/O bitmaps");
	ck_assert(!make("umip", ALL_FACILITIES & ~FACILITY(DESC)));
	ck_assert_str_eq(said, "umip: this processor lacks descriptor-table exiting");
	/* Named beside `all`, it is still named. */
	ck_assert(!make("all,two", ALL_FACILITIES & ~FACILITY(IO_BITMAP)));
	ck_assert_str_eq(said, "two: this processor lacks I/O bitmaps");
}
END_TEST

START_TEST(wanted_facilities_make_it_partial)
{
	probe(SIM_EPYC);
	ck_assert(make("umip,three", ALL_FACILITIES & ~FACILITY(SMSW)));
	ck_assert_uint_eq(plan.partial, BIT_OF("umip") | BIT_OF("three"));
	ck_assert(make("umip,three", ALL_FACILITIES & ~FACILITY(SLAT)));
	ck_assert_uint_eq(plan.partial, BIT_OF("three"));
	ck_assert_uint_eq(plan.on, BIT_OF("umip") | BIT_OF("three"));
}
END_TEST

/* advertise=complete: on all the same, but only a whole feature makes itself known. */
START_TEST(partial_features_can_be_discreet)
{
	probe(SIM_EPYC);
	ck_assert(make("umip:advertise=complete,three", ALL_FACILITIES & ~FACILITY(SMSW)));
	ck_assert_uint_eq(plan.on, BIT_OF("umip") | BIT_OF("three"));
	ck_assert_uint_eq(plan.partial, BIT_OF("umip") | BIT_OF("three"));
	ck_assert_uint_eq(plan.discreet, BIT_OF("umip"));
	ck_assert_uint_eq(plan.cr4, 0);
	ck_assert_uint_eq(plan.cpuid_count | plan.max_basic, 0);
	ck_assert(plan.traps.desc_store);
	ck_assert_uint_eq(plan.refuser[VMEXIT_DESC_STORE], index_of("umip") + 1);
	/* What another feature advertises is its own. */
	ck_assert(make("umip:advertise=complete,one", ALL_FACILITIES & ~FACILITY(SMSW)));
	ck_assert_uint_eq(plan.cr4, BIT64(15));
	ck_assert_uint_eq(plan.cpuid_count, 2);
	/* Whole, or not asked to be discreet: as ever. */
	ck_assert(make("umip:advertise=complete", ALL_FACILITIES));
	ck_assert_uint_eq(plan.partial | plan.discreet, 0);
	ck_assert_uint_eq(plan.cr4, CR4_UMIP);
	ck_assert_uint_eq(plan.cpuid_count, 1);
	ck_assert(make("umip:advertise=always", ALL_FACILITIES & ~FACILITY(SMSW)));
	ck_assert_uint_eq(plan.discreet, 0);
	ck_assert_uint_eq(plan.cr4, CR4_UMIP);
	ck_assert_uint_eq(plan.cpuid_count, 1);
}
END_TEST

START_TEST(all_takes_what_there_is)
{
	u32 without = FACILITY(DESC) | FACILITY(SMSW) | FACILITY(SLAT);

	probe(SIM_EPYC);
	/* umip and part both own the stores: `all` is refused by that name, as a list is. */
	ck_assert(!make("all", without));
	ck_assert_ptr_nonnull(strstr(said, "both own the exit desc_store"));
	ck_assert(make("all", without & ~FACILITY(DESC)));
	ck_assert_uint_eq(plan.on, BIT_OF("three") | BIT_OF("part") | BIT_OF("cr_pin") |
					   BIT_OF("exc_guard") | BIT_OF("mem_guard") |
					   BIT_OF("seal"));
	ck_assert(plan.wish.all);
}
END_TEST

START_TEST(native_features_are_left_alone)
{
	probe(SIM_EPYC);
	sim_cpuid(7, 0)[CPUID_ECX] |= 4;
	sim_cpuid(9, 1)[CPUID_EDX] = 1u << 31;
	features_probe(cpu_rdmsr_safe);
	ck_assert(feature_native(index_of("umip")));
	/* One bit of two is not all of it; nothing advertised is not native either. */
	ck_assert(!feature_native(index_of("one")));
	ck_assert(!feature_native(index_of("three")));
	ck_assert(make("umip,three", 0));
	ck_assert_uint_eq(plan.native, BIT_OF("umip"));
	ck_assert_uint_eq(plan.on, BIT_OF("three"));
	ck_assert_uint_eq(plan.cpuid_count, 0);
	ck_assert_uint_eq(plan.cr4, 0);
	ck_assert(!plan.traps.desc_store);
	sim_cpuid(0x80000000, 0)[CPUID_EAX] = 0x80000021;
	sim_cpuid(0x80000021, 0)[CPUID_EAX] = 1u << 17;
	features_probe(cpu_rdmsr_safe);
	ck_assert(feature_native(index_of("one")));
	/* Below the leaf's number its data would be another's. */
	sim_cpuid(0x80000000, 0)[CPUID_EAX] = 0x80000020;
	sim.intel = true;
	features_probe(cpu_rdmsr_safe);
	ck_assert(!feature_native(index_of("one")));
}
END_TEST

START_TEST(claims_follow_options)
{
	probe(SIM_EPYC);
	ck_assert(make("three:way=2", ALL_FACILITIES));
	ck_assert(plan.traps.smsw);
	ck_assert_uint_eq(plan.spans[VMEXIT_SMSW].filters, 1);
	ck_assert(make("three:way=1", ALL_FACILITIES));
	ck_assert(!plan.traps.smsw);
	ck_assert_uint_eq(plan.spans[VMEXIT_SMSW].filters, 0);
}
END_TEST

/* The vendor may refuse by itself only what nobody else has a say in. */
START_TEST(refusers)
{
	probe(SIM_EPYC);
	ck_assert(make("umip", ALL_FACILITIES));
	ck_assert_uint_eq(plan.refuser[VMEXIT_DESC_STORE], index_of("umip") + 1);
	ck_assert_uint_eq(plan.refuser[VMEXIT_SMSW], index_of("umip") + 1);
	ck_assert_uint_eq(plan.refuser[VMEXIT_CPUID], 0);
	ck_assert(make("umip:mode=dummy", ALL_FACILITIES));
	ck_assert_uint_eq(plan.refuser[VMEXIT_DESC_STORE], 0);
	ck_assert_uint_eq(plan.refuser[VMEXIT_SMSW], 0);
	/* What has to be reported is seen by the handler. */
	ck_assert(make("umip:report=on", ALL_FACILITIES));
	ck_assert_uint_eq(plan.refuser[VMEXIT_DESC_STORE], 0);
	ck_assert_uint_eq(plan.refuser[VMEXIT_SMSW], 0);
	ck_assert(make("umip:report=on:report=off", ALL_FACILITIES));
	ck_assert_uint_eq(plan.refuser[VMEXIT_SMSW], index_of("umip") + 1);
	ck_assert(make("umip,three:way=2", ALL_FACILITIES));
	ck_assert_uint_eq(plan.refuser[VMEXIT_DESC_STORE], index_of("umip") + 1);
	ck_assert_uint_eq(plan.refuser[VMEXIT_SMSW], 0);
	ck_assert(make("part", ALL_FACILITIES));
	ck_assert_uint_eq(plan.refuser[VMEXIT_DESC_STORE], 0);
	ck_assert_uint_eq(plan.refuser[VMEXIT_SMSW], index_of("part") + 1);
}
END_TEST

START_TEST(who_may_report)
{
	probe(SIM_EPYC);
	ck_assert(make("umip", ALL_FACILITIES));
	ck_assert(!plan.reports);
	ck_assert(make("umip:report=on", ALL_FACILITIES));
	ck_assert(plan.reports);
	ck_assert(make("umip:mode=dummy", ALL_FACILITIES));
	ck_assert(!plan.reports);
	ck_assert(make("umip:mode=dummy:report=on", ALL_FACILITIES));
	ck_assert(plan.reports);
	ck_assert(make("umip:mode=log", ALL_FACILITIES));
	ck_assert(plan.reports);
	ck_assert(make("three:way=2", ALL_FACILITIES));
	ck_assert(!plan.reports);
}
END_TEST

/* CPUID does not announce what is only watched. */
START_TEST(silent_features)
{
	probe(SIM_EPYC);
	ck_assert(make("umip", ALL_FACILITIES));
	ck_assert_uint_eq(plan.cr4, CR4_UMIP);
	ck_assert_uint_eq(plan.cpuid_count, 1);
	ck_assert(make("umip:mode=log", ALL_FACILITIES));
	ck_assert_uint_eq(plan.on, 1u << index_of("umip"));
	ck_assert_uint_eq(plan.cr4, 0);
	ck_assert_uint_eq(plan.cpuid_count, 0);
	ck_assert_uint_eq(plan.max_basic, 0);
	ck_assert(plan.traps.desc_store && plan.traps.smsw);
}
END_TEST

START_TEST(too_much_for_one_plan)
{
	u32 i;

	for (i = 0; i <= PLAN_CLAIMS_MAX; i++)
		many_claims[i] = (struct claim)FILTER(MSR_WRITE, i, i);
	for (i = 0; i <= PLAN_CPUID_MAX; i++)
		wide_cpuid[i] = (struct cpuid_bit){ 7, 2, CPUID_EAX, i % 32 };
	probe(SIM_EPYC);
	ck_assert(!make("many", ALL_FACILITIES));
	ck_assert_str_eq(said, "many: too many claims in one plan");
	ck_assert(!make("wide", ALL_FACILITIES));
	ck_assert_str_eq(said, "wide: too many CPUID bits in one plan");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		several_features_in_one_plan, none_needs_nothing, two_owners_are_refused,
		missing_facilities_are_named, wanted_facilities_make_it_partial,
		partial_features_can_be_discreet,
		all_takes_what_there_is, native_features_are_left_alone, claims_follow_options,
		refusers, who_may_report, silent_features, too_much_for_one_plan,
	};

	return sim_main("registry", tests, ARRAY_SIZE(tests));
}
