// SPDX-License-Identifier: GPL-2.0-only
/* kvm=nested: rules about MSRs and ports that a hypervisor lets its guest use natively. */
#include <stdio.h>

#include "nested.h"
#include "stage.h"

#define MSR_ANY 0x48u /* KVM lets its guests have it: SPEC_CTRL */
#define BIT_OF(write) (MSR_ANY * 2 + (write))

/* What processor 0 has reported since it was last asked. */
static u32 reports(void)
{
	static u32 before;
	u32 now = V->ring->head, count = now - before;

	before = now;
	return count;
}

static void run_l2(enum sim_model model, const char *policy)
{
	nested_boot(model, "umip");
	enforce("umip", policy);
	sim_add_msr(MSR_ANY, 5);
	memset(guestmem_page(L1_MSRPM), 0, PAGE_BYTES);
	memset(guestmem_page(L1_IOPM), 0, PAGE_BYTES);
	/* L2's page is as it is. */
	B->cr0 = CR0_PE;
	B->efer = EFER_SVME;
	B->cs = (struct vmcb_segment){ 8, 0xc9b, ~0u, 0 };
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
	reports();
}

static bool map_has(u32 bit)
{
	return N->map[bit / 64] >> bit % 64 & 1;
}

static void l2_msr(bool write, u64 value)
{
	const char *code = write ? "\x66\x0f\x30" : "\x66\x0f\x32";

	memcpy(guestmem_page(L2_CODE), code, 3);
	A->exit_int_info = 0;
	A->rip = L2_CODE;
	A->next_rip = L2_CODE + 3;
	sim.gpr[RCX] = MSR_ANY;
	sim.gpr[RAX] = (u32)value;
	sim.gpr[RDX] = value >> 32;
	sim_exit(SVM_EXIT_MSR, write, 0);
}

/* The instruction runs, with its bit open, and traps. */
static void step_ends(u32 bit)
{
	ck_assert(nested_runs());
	ck_assert(N->stepping && A->rflags & RFLAGS_TF);
	ck_assert_uint_eq(A->rip, L2_CODE);
	ck_assert_uint_eq(A->event_inj, 0);
	ck_assert(!map_has(bit));
	A->rip = L2_CODE + 3;
	A->dr6 |= DR6_BS;
	sim_exit(SVM_EXIT_EXCEPTION(VECTOR_DB), 0, 0);
	ck_assert(nested_runs());
	ck_assert(!N->stepping && !(A->rflags & RFLAGS_TF));
	ck_assert_uint_eq(A->event_inj, 0);
	ck_assert(map_has(bit));
}

static void refused(u32 count)
{
	ck_assert(nested_runs());
	ck_assert(!N->stepping);
	ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0));
	ck_assert_uint_eq(A->rip, L2_CODE);
	ck_assert_uint_eq(reports(), count);
}

static void passed_over(u32 len)
{
	ck_assert(nested_runs());
	ck_assert(!N->stepping);
	ck_assert_uint_eq(A->event_inj, 0);
	ck_assert_uint_eq(A->rip, L2_CODE + len);
	ck_assert_uint_eq(reports(), 1);
}

START_TEST(what_is_logged_is_let_through)
{
	static const enum sim_model models[] = { SIM_EPYC, SIM_TCG };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(models); i++) {
		run_l2(models[i], "msr:0x48 none log");
		l2_msr(true, 7);
		step_ends(BIT_OF(1));
		ck_assert_uint_eq(reports(), 1);
		l2_msr(false, 0);
		step_ends(BIT_OF(0));
		ck_assert_uint_eq(reports(), 1);
	}
}
END_TEST

START_TEST(what_breaks_no_rule_is_let_through)
{
	/* Bit 0 may be changed, bit 1 not; all of it may be read. */
	run_l2(SIM_EPYC, "msr:0x48.1 ro deny");
	l2_msr(true, 4);
	step_ends(BIT_OF(1));
	ck_assert_uint_eq(reports(), 0);
	l2_msr(true, 6);
	refused(1);
	l2_msr(false, 0);
	ck_assert(nested_runs() && !N->stepping);
	ck_assert_uint_eq(A->event_inj, 0);
	ck_assert(!map_has(BIT_OF(0)));
	/* One that is not there is the processor's to refuse. */
	run_l2(SIM_EPYC, "msr:0x48 ro deny");
	sim.msrs--;
	l2_msr(true, 6);
	ck_assert(N->stepping);
	sim_exit(SVM_EXIT_EXCEPTION(VECTOR_GP), 0, 0);
	refused(0);
	ck_assert(map_has(BIT_OF(1)));
}
END_TEST

START_TEST(what_is_ignored_is_passed_over)
{
	static const enum sim_model models[] = { SIM_EPYC, SIM_TCG };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(models); i++) {
		run_l2(models[i], "msr:0x48 none ignore");
		A->interrupt_shadow = 1;
		l2_msr(true, 7);
		passed_over(3);
		ck_assert_uint_eq(A->interrupt_shadow, 0);
		ck_assert_uint_eq(*sim_msr(MSR_ANY), 5);
		l2_msr(false, ~0ULL);
		passed_over(3);
		ck_assert_uint_eq(A->rax, 0);
		ck_assert_uint_eq(sim.gpr[RDX], 0);
	}
	/* Its own single step is due. */
	A->rflags |= RFLAGS_TF;
	l2_msr(true, 7);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	ck_assert(A->dr6 & DR6_BS);
	ck_assert_uint_eq(A->rip, L2_CODE + 3);
	N->exceptions |= 1u << VECTOR_DB;
	l2_msr(true, 7);
	nested_exited(SVM_EXIT_EXCEPTION(VECTOR_DB));
	ck_assert_uint_eq(B->rip, L2_CODE + 3);
	/* Without a length from the processor, and other bytes by now. */
	run_l2(SIM_TCG, "msr:0x48 none ignore");
	memcpy(guestmem_page(L2_CODE), "\x0f\xa2", 2);
	sim.gpr[RCX] = MSR_ANY;
	sim_exit(SVM_EXIT_MSR, 1, 0);
	refused(0);
}
END_TEST

START_TEST(what_isolation_holds_is_refused_whatever_the_rules)
{
	static const u32 held[] = { 0xc0010111, MSR_EFER, MSR_PAT };
	char policy[64];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(held); i++) {
		snprintf(policy, sizeof(policy), "msr:%#x ro log", held[i]);
		run_l2(SIM_EPYC, policy);
		memset(guestmem_page(L1_MSRPM + PAGE_BYTES), 0, PAGE_BYTES);
		A->next_rip = L2_CODE + 2;
		sim.gpr[RCX] = held[i];
		sim.gpr[RAX] = 0x10000;
		sim_exit(SVM_EXIT_MSR, 1, 0);
		refused(held[i] == 0xc0010111);
	}
}
END_TEST

static void l2_io(u64 info)
{
	A->exit_int_info = 0;
	A->rip = L2_CODE;
	sim_exit(SVM_EXIT_IOIO, info, L2_CODE + 2);
}

#define IN 1
#define STRING 4
#define BYTE 0x10
#define LONG 0x40
#define PORT(n) ((u64)(n) << 16)
#define BIT_OF_PORT(n) (NESTED_MSR_WORDS * 64 + (n))

START_TEST(ports_go_by_their_rules)
{
	run_l2(SIM_EPYC, "io:0x70 ro log; io:0x80 ro deny; io:0x90 none ignore; io:0xffff none log");
	l2_io(PORT(0x70) | BYTE);
	step_ends(BIT_OF_PORT(0x70));
	ck_assert_uint_eq(reports(), 1);
	/* Of string instructions each round. */
	l2_io(PORT(0x70) | BYTE | STRING);
	step_ends(BIT_OF_PORT(0x70));
	ck_assert_uint_eq(reports(), 1);
	/* A read is no write. */
	l2_io(PORT(0x80) | BYTE | IN);
	step_ends(BIT_OF_PORT(0x80));
	ck_assert_uint_eq(reports(), 0);
	l2_io(PORT(0x80) | BYTE);
	refused(1);
	/* The strictest about the four. */
	l2_io(PORT(0x7e) | LONG);
	refused(1);
	l2_io(PORT(0x90) | BYTE);
	passed_over(2);
	sim.gpr[RAX] = 0x1200;
	l2_io(PORT(0x90) | BYTE | IN);
	passed_over(2);
	ck_assert_uint_eq(A->rax, 0x12ff);
	sim.gpr[RAX] = BIT64(40);
	l2_io(PORT(0x90) | LONG | IN);
	passed_over(2);
	ck_assert_uint_eq(A->rax, 0xffffffff);
	l2_io(PORT(0x90) | BYTE | STRING);
	refused(1);
}
END_TEST

START_TEST(what_comes_first_closes_what_was_opened)
{
	run_l2(SIM_EPYC, "io:0x70 ro log");
	l2_io(PORT(0x70) | BYTE);
	ck_assert(N->stepping && !map_has(BIT_OF_PORT(0x70)));
	sim_exit(SVM_EXIT_INTR, 0, 0);
	nested_exited(SVM_EXIT_INTR);
	ck_assert(map_has(BIT_OF_PORT(0x70)));
	ck_assert(!(B->rflags & RFLAGS_TF));
	L1_STGI();
	L1_VMRUN(L1_VMCB);
	l2_io(PORT(0x70) | BYTE);
	ck_assert(N->stepping);
}
END_TEST

/* What L1 has not asked for it does not get. */
START_TEST(rules_go_while_l2_runs)
{
	run_l2(SIM_EPYC, "io:0x70 ro log");
	ck_assert_uint_ne(A->iopm_pa, L1_IOPM);
	machine.plans[!machine.current_plan] = machine.plans[machine.current_plan];
	machine.current_plan = !machine.current_plan;
	machine.plans[machine.current_plan].traps.io.count = 0;
	machine_plan_maps(&machine, machine.current_plan);
	plan_follow(V);
	l2_io(PORT(0x75) | BYTE);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, 0);
	ck_assert(!map_has(BIT_OF_PORT(0x75)));
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(A->iopm_pa, L1_IOPM);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_is_logged_is_let_through,
		what_breaks_no_rule_is_let_through,
		what_is_ignored_is_passed_over,
		what_isolation_holds_is_refused_whatever_the_rules,
		ports_go_by_their_rules,
		what_comes_first_closes_what_was_opened,
		rules_go_while_l2_runs,
	};

	return sim_main("nested_rules", tests, ARRAY_SIZE(tests));
}
