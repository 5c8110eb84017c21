// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lock: which plans may follow another, and calls of somebody who wants a looser one.
 */
#include "stage.h"

static char said[256];

static void make(struct plan *plan, const char *list, const char *policy)
{
	struct text why = { .at = said, .size = sizeof(said) };
	struct features_on wish;
	static struct policy rules;

	said[0] = '\0';
	ck_assert_msg(features_parse(list, strlen(list), &wish, &why), "%s: %s", list, said);
	ck_assert_msg(policy_parse(policy, strlen(policy), &rules, &why), "%s: %s", policy, said);
	ck_assert_msg(plan_make(plan, &wish, &rules, ~0u, &why), "%s", said);
}

#define STAY(rule) "locked, this rule must stay, behind no looser one: " rule

START_TEST(what_is_tighter)
{
	static const struct {
		const char *list, *policy, *next_list, *next_policy, *sentence;
	} cases[] = {
		{ "umip", "", "umip", "", NULL },
		{ "umip", "", "umip,cr_pin", "", NULL },
		{ "umip,cr_pin", "", "umip", "", "cr_pin: locked, it cannot be switched off" },
		{ "umip", "", "none", "", "umip: locked, it cannot be switched off" },
		{ "umip", "", "umip:mode=dummy", "",
		  "umip: locked, its options cannot be changed" },
		{ "cr_pin:pin=wp", "", "cr_pin", "",
		  "cr_pin: locked, its options cannot be changed" },
		{ "none", "msr:lstar ro deny", "none", "msr:lstar ro deny", NULL },
		{ "none", "msr:lstar ro deny", "none", " ;msr:lstar   ro deny # the same", NULL },
		{ "none", "msr:lstar ro deny", "none", "",
		  "msr_lock: locked, it cannot be switched off" },
		{ "msr_lock", "msr:lstar ro deny", "msr_lock", "", STAY("msr:lstar ro deny") },
		{ "none", "msr:lstar ro log", "none", "msr:lstar ro deny",
		  STAY("msr:lstar ro log") },
		{ "none", "msr:lstar ro log", "none", "msr:lstar ro deny; msr:lstar ro log", NULL },
		{ "none", "msr:lstar ro deny", "none", "msr:lstar ro log; msr:lstar ro deny",
		  STAY("msr:lstar ro deny") },
		{ "none", "msr:lstar ro deny", "none", "msr:lstar ro allow; msr:lstar ro deny",
		  STAY("msr:lstar ro deny") },
		/* What comes behind them is about what was free. */
		{ "none", "msr:lstar ro deny", "none", "msr:lstar ro deny; msr:star ro allow",
		  NULL },
		/* Denying, but less. */
		{ "none", "msr:lstar none deny", "none", "msr:lstar ro deny; msr:lstar none deny",
		  STAY("msr:lstar none deny") },
		{ "none", "msr:lstar none log", "none", "msr:lstar ro deny; msr:lstar none log",
		  STAY("msr:lstar none log") },
		{ "none", "msr:lstar none allow", "none", "msr:lstar ro deny; msr:lstar none allow",
		  NULL },
		{ "none", "io:0x60-0x64 none deny", "none",
		  "io:0x64-0x70 ro deny; io:0x60-0x64 none deny", STAY("io:0x60-0x64 none deny") },
		{ "none", "io:0x60-0x64 none deny", "none",
		  "io:0x65-0x70 ro deny; io:0x60-0x64 none deny", NULL },
		{ "none", "io:0x60-0x64 none deny", "none",
		  "io:0x50-0x5f ro deny; io:0x60-0x64 none deny", NULL },
		{ "none", "cr4.smep ro deny", "none", "cr4.smep+smap pinned deny; cr4.smep ro deny",
		  STAY("cr4.smep ro deny") },
		{ "none", "cr4.smep ro deny", "none", "cr4.smap pinned deny; cr4.smep ro deny",
		  NULL },
		{ "none", "cr4.smep pinned deny", "none", "cr4.smep ro deny; cr4.smep pinned deny",
		  NULL },
		{ "none", "cr4.smep pinned ignore", "none",
		  "cr4.smep pinned deny; cr4.smep pinned ignore", NULL },
		/* Rules that stay and come later count as well; and those of features. */
		{ "none", "io:1 ro deny; io:2 none deny", "none",
		  "io:2 ro deny; io:1 ro deny; io:2 none deny", STAY("io:0x1 ro deny") },
		{ "none", "io:1 ro deny; io:2 none deny", "none", "io:2 none deny; io:1 ro deny",
		  STAY("io:0x2 none deny") },
		{ "msr_lock", "", "msr_lock", "msr:efer.13 ro deny", NULL },
		{ "msr_lock", "", "msr_lock", "msr:lstar pinned deny", STAY("msr:star-") },
		{ "none", "io:1 ro deny rate=5", "none", "io:1 ro deny",
		  STAY("io:0x1 ro deny rate=5") },
	};
	static struct plan now, next;
	u32 i;

	sim_new(SIM_EPYC);
	features_probe(cpu_rdmsr_safe);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text why = { .at = said, .size = sizeof(said) };
		bool tighter;

		make(&now, cases[i].list, cases[i].policy);
		make(&next, cases[i].next_list, cases[i].next_policy);
		said[0] = '\0';
		tighter = plan_tightens(&now, &next, &why);
		ck_assert_msg(tighter == !cases[i].sentence, "case %u: %s", i, said);
		ck_assert(tighter == !why.length);
		/* A range of MSRs has no name. */
		if (cases[i].sentence && !strstr(cases[i].sentence, "star-"))
			ck_assert_str_eq(said, cases[i].sentence);
	}
}
END_TEST

/* More than a plan holds is an error, not a rule that is missing. */
START_TEST(what_a_plan_does_not_hold)
{
	static struct policy policy;
	static struct plan plan;
	struct features_on wish;
	TEXT(why, 100);
	u32 i;

	sim_new(SIM_EPYC);
	features_probe(cpu_rdmsr_safe);
	ck_assert(features_parse("none", 4, &wish, &why));
	ck_assert(policy_parse("msr:0x10 none deny", 18, &policy, &why));
	policy.count = RULES_MAX;
	for (i = 1; i < RULES_MAX; i++)
		policy.rule[i] = policy.rule[0];
	/* Reads and writes of each. */
	ck_assert(!plan_make(&plan, &wish, &policy, ~0u, &why));
	ck_assert_str_eq(why.at, "msr_lock: too many ranges in one plan");
	why.length = 0;
	for (i = 0; i < RULES_MAX; i++)
		policy.rule[i].permission = PERM_RO;
	ck_assert(plan_make(&plan, &wish, &policy, ~0u, &why));
	ck_assert(features_parse("msr_lock", 8, &wish, &why));
	ck_assert(!plan_make(&plan, &wish, &policy, ~0u, &why));
	ck_assert_str_eq(why.at, "msr_lock: too many rules in one plan");
}
END_TEST

static bool lstar_can_be_written(void)
{
	sim_at(SIM_CODE);
	sim.gpr[RCX] = MSR_LSTAR;
	C->exit_info1 = 1;
	if (!sim_exits(SVM_EXIT_MSR))
		return true;
	sim.gpr[RAX] = ++*sim_msr(MSR_LSTAR);
	sim.gpr[RDX] = 0;
	--*sim_msr(MSR_LSTAR);
	C->next_rip = C->rip + 2;
	sim_exit(SVM_EXIT_MSR, 1, 0);
	return !C->event_inj;
}

START_TEST(locked)
{
	sim_boot(SIM_EPYC, "msr_lock");
	ck_assert_uint_eq(call(HYPERCALL_LOCK), HYPERCALL_OK);
	/* Twice is once. */
	ck_assert_uint_eq(call(HYPERCALL_LOCK), HYPERCALL_OK);
	ck_assert(machine.locked);
	sim_at(SIM_CODE);
	ck_assert(!machine_leave());
	sim_went_on(SIM_CODE + 3);
	ck_assert(sim.held && V->active);
	ck_assert_uint_eq(stage("umip", ""), HYPERCALL_REFUSED);
	ck_assert_str_eq(STAGED->why, "msr_lock: locked, it cannot be switched off");
	ck_assert_uint_eq(machine.current_plan, 0);
	ck_assert_uint_eq(stage("msr_lock", "msr:lstar ro allow"), HYPERCALL_REFUSED);
	ck_assert(!lstar_can_be_written());
	enforce("msr_lock,umip", "io:0x80 ro deny");
	ck_assert(!lstar_can_be_written());
	ck_assert_uint_eq(stage("msr_lock,umip", ""), HYPERCALL_REFUSED);
	/* From ring 3 nothing. */
	sim_cpl(3);
	sim_at(SIM_CODE);
	sim.gpr[RAX] = HYPERCALL_MAGIC ^ HYPERCALL_LEAVE;
	EXEC(SVM_EXIT_VMMCALL, "\x0f\x01\xd9");
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
}
END_TEST

/* A plan that is not followed, and the next one made in the place of what is. */
START_TEST(a_plan_that_is_followed_is_not_written_over)
{
	static struct plan before;

	sim_boot(SIM_EPYC, "msr_lock");
	call(HYPERCALL_LOCK);
	ck_assert_uint_eq(stage("msr_lock,umip", ""), HYPERCALL_OK);
	ck_assert_ptr_eq(V->plan, &machine.plans[0]);
	before = *V->plan;
	ck_assert_uint_eq(stage("umip", ""), HYPERCALL_REFUSED);
	ck_assert_str_eq(STAGED->why, "another change has not reached every processor");
	ck_assert_mem_eq(V->plan, &before, sizeof(before));
	ck_assert(!lstar_can_be_written());
	/* Another processor that lags behind counts as well, one that is not held does not. */
	call(HYPERCALL_APPLY);
	machine_root_vcpu(1)->plan = &machine.plans[0];
	machine_root_vcpu(1)->active = 1;
	ck_assert_uint_eq(stage("msr_lock,umip,cr_pin", ""), HYPERCALL_REFUSED);
	machine_root_vcpu(1)->active = 0;
	/* A plan that is refused leaves no trace in the one that is not in force. */
	before = machine.plans[0];
	ck_assert_uint_eq(stage("none", ""), HYPERCALL_REFUSED);
	ck_assert_mem_eq(&machine.plans[0], &before, sizeof(before));
	ck_assert_uint_eq(stage("msr_lock,umip,cr_pin", ""), HYPERCALL_OK);
}
END_TEST

START_TEST(one_stages_at_a_time)
{
	sim_boot(SIM_EPYC, "none");
	machine.stage_lock = 1;
	ck_assert_uint_eq(stage("umip", ""), HYPERCALL_BAD);
	ck_assert_uint_eq(machine.current_plan, 0);
	machine.stage_lock = 0;
	ck_assert_uint_eq(stage("umip", ""), HYPERCALL_OK);
	ck_assert_uint_eq(machine.stage_lock, 0);
	ck_assert_uint_eq(call(HYPERCALL_APPLY), HYPERCALL_OK);
	ck_assert_uint_eq(stage("nothing", ""), HYPERCALL_REFUSED);
	ck_assert_uint_eq(machine.stage_lock, 0);
}
END_TEST

/* Where named memory is, is said before the lock. */
START_TEST(areas_stay)
{
	struct stage_request *r;

	sim_boot(SIM_EPYC, "none");
	stage("umip", "");
	r = STAGED;
	r->area_count = 1;
	r->areas[0] = (struct area_range){ AREA_TEXT, 0x1000, 0x1fff };
	call(HYPERCALL_APPLY);
	ck_assert_uint_eq(machine_call(HYPERCALL_STAGE, SIM_REQUEST, 0, 0), HYPERCALL_OK);
	call(HYPERCALL_APPLY);
	ck_assert_uint_eq(V->plan->area_count, 1);
	call(HYPERCALL_LOCK);
	r->areas[0].first = 0x9000;
	ck_assert_uint_eq(machine_call(HYPERCALL_STAGE, SIM_REQUEST, 0, 0), HYPERCALL_OK);
	call(HYPERCALL_APPLY);
	ck_assert_uint_eq(V->plan->areas[0].first, 0x1000);
	r->area_count = 0;
	ck_assert_uint_eq(machine_call(HYPERCALL_STAGE, SIM_REQUEST, 0, 0), HYPERCALL_OK);
	call(HYPERCALL_APPLY);
	ck_assert_uint_eq(V->plan->area_count, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_is_tighter,
		what_a_plan_does_not_hold,
		locked,
		a_plan_that_is_followed_is_not_written_over,
		one_stages_at_a_time,
		areas_stay,
	};

	return sim_main("lock", tests, ARRAY_SIZE(tests));
}
