// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that rules are about: what is intercepted, what is skipped with which result, and what
 * stays the guest's.
 */
#include "sim.h"

#include <string.h>

#define FILL 0x1122334455667788ULL

/* The same machine with other features and rules. */
static void change(const char *list, const char *rules)
{
	u32 next = !machine.current_plan;
	struct features_on wish;
	struct policy policy;
	TEXT(why, 200);

	ck_assert(features_parse(list, strlen(list), &wish, &why));
	ck_assert_msg(policy_parse(rules, strlen(rules), &policy, &why), "%s", why.at);
	ck_assert_msg(plan_make(&machine.plans[next], &wish, &policy, ~0u, &why), "%s", why.at);
	machine_plan_maps(&machine, next);
	machine.current_plan = next;
	plan_follow(V);
}

static void refused(const char *rules, const char *why_not)
{
	struct policy policy;
	TEXT(why, 200);

	ck_assert(!policy_parse(rules, strlen(rules), &policy, &why));
	ck_assert_msg(strstr(why.at, why_not), "%s", why.at);
}

static void fill(void)
{
	u32 i;

	for (i = 0; i < GPRS; i++)
		sim.gpr[i] = FILL;
}

/* The instruction at SIM_CODE raises an exception. */
static void raises(u8 vector, u64 error, u64 cr2, const char *bytes, u32 count)
{
	sim_at(SIM_CODE);
	memcpy(guestmem_page(SIM_CODE), bytes, count);
	sim_exit(SVM_EXIT_EXCEPTION(vector), error, cr2);
}
#define RAISES(vector, error, cr2, bytes) raises(vector, error, cr2, bytes, sizeof(bytes) - 1)

#define HERE "0x10000-0x10fff"

/* Skipped, and these registers have changed to these values; nothing else. */
static void skipped(u32 count, u64 rax, u64 rdx)
{
	u32 i;

	sim_went_on(SIM_CODE + count);
	ck_assert_uint_eq(sim.gpr[RAX], rax);
	ck_assert_uint_eq(sim.gpr[RDX], rdx);
	for (i = 0; i < GPRS; i++)
		if (i != RAX && i != RDX)
			ck_assert_uint_eq(sim.gpr[i], FILL);
	fill();
}

START_TEST(divisions)
{
	u32 model;

	for (model = SIM_EPYC; model <= SIM_PHENOM; model++) {
		sim_boot(model, "none");
		change("none", "exc:divide " HERE " skip result=0xaabbccddeeff0123");
		fill();
		RAISES(VECTOR_DE, 0, 0, "\xf6\xf1"); /* div cl */
		skipped(2, 0x1122334455660023, FILL);
		RAISES(VECTOR_DE, 0, 0, "\xf6\x3b"); /* idiv byte (rbx) */
		skipped(2, 0x1122334455660023, FILL);
		RAISES(VECTOR_DE, 0, 0, "\x66\xf7\xf1");
		skipped(3, 0x1122334455660123, 0x1122334455660000);
		RAISES(VECTOR_DE, 0, 0, "\xf7\xf1");
		skipped(2, 0xeeff0123, 0);
		RAISES(VECTOR_DE, 0, 0, "\xf7\xf9");
		skipped(2, 0xeeff0123, 0);
		RAISES(VECTOR_DE, 0, 0, "\x49\xf7\x77\x10"); /* div qword 0x10(r15) */
		skipped(4, 0xaabbccddeeff0123, 0);
	}
}
END_TEST

START_TEST(by_name)
{
	sim_boot(SIM_EPYC, "exc_guard");
	ck_assert_uint_eq(C->intercept_exceptions, 1u << VECTOR_DE);
	fill();
	/* Its rule is about the kernel's half; this is not there. */
	RAISES(VECTOR_DE, 0, 0, "\xf7\xf1");
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DE));
	change("exc_guard", "exc:divide " HERE " skip");
	RAISES(VECTOR_DE, 0, 0, "\xf7\xf1");
	skipped(2, 0, 0);
	change("exc_guard:divide=log", "");
	ck_assert_uint_eq(V->plan->rule_count, 1);
	ck_assert_uint_eq(V->plan->rules[0].action, ACTION_LOG);
	change("umip", "");
	ck_assert_uint_eq(C->intercept_exceptions, 1u << VECTOR_GP);
}
END_TEST

/* A #PF's address and error code go on to a guest that is to get it. */
static void is_the_guests(u8 vector, u64 error, u64 cr2)
{
	if (vector == VECTOR_DE)
		ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DE));
	else
		ck_assert_uint_eq(C->event_inj, FAULT(vector, error));
	if (vector == VECTOR_PF)
		ck_assert_uint_eq(C->cr2, cr2);
	ck_assert_uint_eq(C->rip, SIM_CODE);
	ck_assert(C->rflags & RFLAGS_RF);
	ck_assert_uint_eq(sim.gpr[RAX], FILL);
	C->rflags &= ~RFLAGS_RF;
}

START_TEST(what_stays_the_guests)
{
	sim_boot(SIM_EPYC, "none");
	change("none", "exc:divide " HERE " skip; exc:page " HERE " skip result=5");
	fill();
	/* A program's. */
	sim_cpl(3);
	RAISES(VECTOR_DE, 0, 0, "\xf7\xf1");
	is_the_guests(VECTOR_DE, 0, 0);
	RAISES(VECTOR_PF, PF_USER | PF_WRITE, 0x123456, "\x89\x07");
	is_the_guests(VECTOR_PF, PF_USER | PF_WRITE, 0x123456);
	sim_cpl(0);
	/* Code that is not there is no instruction. */
	RAISES(VECTOR_PF, PF_FETCH, SIM_CODE, "\x8b\x07");
	is_the_guests(VECTOR_PF, PF_FETCH, SIM_CODE);
	/* Bytes that none of us knows. */
	RAISES(VECTOR_PF, 0, 0x10, "\x0f\x0b");
	is_the_guests(VECTOR_PF, 0, 0x10);
	/* Raised by the delivery of another event. */
	sim_at(SIM_CODE);
	memcpy(guestmem_page(SIM_CODE), "\x8b\x07", 2);
	C->exit_int_info = EVENT(SVM_EVENT_INTR, 0x20);
	sim_exit(SVM_EXIT_EXCEPTION(VECTOR_PF), PF_WRITE, 0xfff8);
	is_the_guests(VECTOR_PF, PF_WRITE, 0xfff8);
	/* From elsewhere. */
	change("none", "exc:page 0x11000-0x11fff skip");
	RAISES(VECTOR_PF, 0, 0x10, "\x8b\x07");
	is_the_guests(VECTOR_PF, 0, 0x10);
	/* Allowed by the first rule that fits. */
	change("none", "exc:page 0x10000 allow; exc:page " HERE " skip");
	RAISES(VECTOR_PF, 0, 0x10, "\x8b\x07");
	is_the_guests(VECTOR_PF, 0, 0x10);
	change("none", "exc:page " HERE " log");
	RAISES(VECTOR_PF, 0, 0x10, "\x8b\x07");
	is_the_guests(VECTOR_PF, 0, 0x10);
	ck_assert_uint_eq(machine.stopped, 0);
}
END_TEST

START_TEST(loads_and_stores)
{
	u32 writes;

	sim_boot(SIM_EPYC, "none");
	change("none", "exc:page " HERE " skip result=0xaabbccddeeff8123");
	fill();
	C->cr2 = 1;
	RAISES(VECTOR_PF, 0, 0x10, "\x8b\x07"); /* mov eax, (rdi) */
	skipped(2, 0xeeff8123, FILL);
	RAISES(VECTOR_PF, 0, 0x10, "\x48\x8b\x17"); /* mov rdx, (rdi) */
	skipped(3, FILL, 0xaabbccddeeff8123);
	RAISES(VECTOR_PF, 0, 0x10, "\x66\x8b\x07");
	skipped(3, 0x1122334455668123, FILL);
	RAISES(VECTOR_PF, 0, 0x10, "\x8a\x07"); /* mov al */
	skipped(2, 0x1122334455667723, FILL);
	RAISES(VECTOR_PF, 0, 0x10, "\x8a\x27"); /* mov ah */
	skipped(2, 0x1122334455662388, FILL);
	RAISES(VECTOR_PF, 0, 0x10, "\x0f\xb6\x07"); /* movzx eax, byte */
	skipped(3, 0xeeff8123, FILL);
	RAISES(VECTOR_PF, 0, 0x10, "\x48\x0f\xbf\x17"); /* movsx rdx, word */
	skipped(4, FILL, 0xaabbccddeeff8123);
	RAISES(VECTOR_PF, 0, 0x10, "\x48\x63\x07"); /* movsxd */
	skipped(3, 0xaabbccddeeff8123, FILL);
	RAISES(VECTOR_PF, 0, 0x10, "\x48\xa1\1\2\3\4\5\6\7\x08");
	skipped(10, 0xaabbccddeeff8123, FILL);
	/* A register that needs REX. */
	RAISES(VECTOR_PF, 0, 0x10, "\x44\x8b\x37"); /* mov r14d, (rdi) */
	ck_assert_uint_eq(sim.gpr[R14], 0xeeff8123);
	sim.gpr[R14] = FILL;
	skipped(3, FILL, FILL);
	RAISES(VECTOR_PF, 0, 0x10, "\x40\x8a\x37"); /* mov sil, (rdi) */
	ck_assert_uint_eq(sim.gpr[RSI], 0x1122334455667723);
	sim.gpr[RSI] = FILL;
	skipped(3, FILL, FILL);
	/* Stores and what is more than a load are dropped. */
	writes = guestmem_writes();
	RAISES(VECTOR_PF, PF_WRITE, 0x10, "\x89\x07");
	skipped(2, FILL, FILL);
	RAISES(VECTOR_PF, 0, 0x10, "\x03\x07"); /* add eax, (rdi) */
	skipped(2, FILL, FILL);
	RAISES(VECTOR_PF, 0, 0x10, "\xf3\x0f\xb8\x07"); /* popcnt */
	skipped(4, FILL, FILL);
	RAISES(VECTOR_PF, 0, 0x10, "\xf6\x07\x01"); /* test byte (rdi), 1 */
	skipped(3, FILL, FILL);
	ck_assert_uint_eq(guestmem_writes(), writes);
	/* The guest has not seen the fault. */
	ck_assert_uint_eq(C->cr2, 1);
}
END_TEST

/* A step that is due comes behind the instruction that was skipped. */
START_TEST(single_steps)
{
	sim_boot(SIM_EPYC, "none");
	change("none", "exc:divide " HERE " skip");
	fill();
	sim_at(SIM_CODE);
	memcpy(guestmem_page(SIM_CODE), "\xf7\xf1", 2);
	C->rflags |= RFLAGS_TF;
	sim_exit(SVM_EXIT_EXCEPTION(VECTOR_DE), 0, 0);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	ck_assert(C->dr6 & DR6_BS);
	ck_assert_uint_eq(C->rip, SIM_CODE + 2);
	ck_assert_uint_eq(sim.gpr[RAX], 0);
}
END_TEST

/* The #GP by which hardware answers a virtual CR4 bit is none that a rule is about. */
START_TEST(virtual_cr4_bit)
{
	sim_boot(SIM_EPYC, "none");
	change("umip", "exc:protection " HERE " skip result=1");
	fill();
	sim.gpr[RAX] = C->cr4 | CR4_UMIP;
	RAISES(VECTOR_GP, 0, 0, "\x0f\x22\xe0");
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(V->cr4, CR4_UMIP);
	fill();
	RAISES(VECTOR_GP, 0, 0, "\x8b\x07");
	skipped(2, 1, FILL);
	/* A program's is answered at once, as without the rule. */
	sim_cpl(3);
	RAISES(VECTOR_GP, 0x50, 0, "\x8b\x07");
	is_the_guests(VECTOR_GP, 0x50, 0);
}
END_TEST

START_TEST(rules_that_make_no_sense)
{
	sim_boot(SIM_EPYC, "none");
	refused("exc:page kernel skip", "line 1, column 1: the kernel itself mends");
	refused("exc:protection kernel skip", "column 1: the kernel itself mends");
	refused("exc:undefined kernel skip", "kernel itself");
	refused("exc:0-6 kernel skip", "abort");
	refused("exc:5-6 kernel skip", "kernel itself");
	refused("exc:page 0x8000000000000000-0xffffffffffffffff skip", "kernel itself");
	refused("exc:divide kernel skip\n exc:8 kernel log", "line 2, column 2: no rule can be about");
	refused("exc:debug kernel log", "no rule can");
	refused("exc:breakpoint kernel log", "no rule can");
	refused("exc:2 kernel log", "no rule can");
	refused("exc:18 kernel log", "no rule can");
	refused("exc:31 kernel log", "no rule can");
	refused("exc:divide kernel deny", "no action");
	change("none", "exc:page kernel log; exc:5 kernel skip; exc:16-17 kernel skip; "
		       "exc:19 kernel skip; exc:page 0xffffffff81000000 skip; "
		       "exc:undefined kernel allow");
	ck_assert_uint_eq(C->intercept_exceptions,
			  1u << VECTOR_PF | 1u << 5 | 3u << 16 | 1u << 19);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		divisions,    by_name,	       what_stays_the_guests,
		loads_and_stores, single_steps, virtual_cr4_bit,
		rules_that_make_no_sense,
	};

	return sim_main("exc_guard", tests, ARRAY_SIZE(tests));
}
