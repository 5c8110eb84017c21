// SPDX-License-Identifier: GPL-2.0-only
/* kvm=nested: UMIP of the guests of a hypervisor in the guest. */
#include "nested.h"
#include "stage.h"

#define STORES (0xfu << 6)
#define UP (SVM_EXIT_IDTR_READ)

/* An L2 that has set CR4.UMIP, at a level. */
static void run_l2(enum sim_model model, u8 cpl)
{
	nested_boot(model, "umip");
	B->cr4 |= CR4_UMIP;
	B->intercept_cr_write = 1u << 4;
	B->cpl = cpl;
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
}

/* The processor starts from VMCB02, and exits. */
static void l2_exits(u64 code, u64 info1, u64 info2)
{
	A->exit_int_info = 0;
	sim_exit(code, info1, info2);
}

START_TEST(what_l2_sets_is_not_in_the_register_but_in_force)
{
	run_l2(SIM_EPYC, 3);
	ck_assert_uint_eq(A->cr4, CR4_PAE);
	ck_assert_uint_eq(A->intercept3 & STORES, STORES);
	ck_assert_uint_eq(A->intercept_cr_read, 1);
	ck_assert(!(A->clean & SVM_CLEAN_INTERCEPTS));
	l2_exits(SVM_EXIT_CPUID, 0, 0);
	nested_exited(SVM_EXIT_CPUID);
	ck_assert_uint_eq(B->cr4, CR4_PAE | CR4_UMIP);
	/* It goes, by a hypervisor that says what it has changed. */
	B->cr4 = CR4_PAE;
	B->clean = ~SVM_CLEAN_CR;
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->intercept3 & STORES, 0);
	ck_assert_uint_eq(A->intercept_cr_read, 0);
	l2_exits(SVM_EXIT_CPUID, 0, 0);
	/* And comes. */
	B->cr4 |= CR4_UMIP;
	B->clean = ~SVM_CLEAN_CR;
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(A->intercept3 & STORES, STORES);
}
END_TEST

START_TEST(without_umip_nothing_is_refused_and_nothing_lost)
{
	nested_boot(SIM_EPYC, "umip");
	enforce("none", "");
	B->cr4 |= CR4_UMIP;
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
	/* The processor would refuse it. */
	ck_assert_uint_eq(A->cr4, CR4_PAE);
	ck_assert_uint_eq(A->intercept3 & STORES, 0);
	l2_exits(SVM_EXIT_CPUID, 0, 0);
	ck_assert_uint_eq(B->cr4, CR4_PAE | CR4_UMIP);
}
END_TEST

/* A bare processor would refuse such an L2: Linux's side is told until L1 lets go of the processor. */
START_TEST(linux_knows_of_a_guest_that_needs_us)
{
	nested_boot(SIM_EPYC, "umip");
	L1_VMRUN(L1_VMCB);
	l2_exits(SVM_EXIT_CPUID, 0, 0);
	ck_assert_uint_eq(machine_ring(0, NULL)->guests_cr4, 0);
	B->cr4 |= CR4_UMIP;
	B->clean = ~SVM_CLEAN_CR;
	L1_VMRUN(L1_VMCB);
	l2_exits(SVM_EXIT_CPUID, 0, 0);
	ck_assert_uint_eq(machine_ring(0, NULL)->guests_cr4, CR4_UMIP);
	/* Another one without it, and another list of features: that one is still there. */
	L1_VMRUN(L1_OTHER);
	l2_exits(SVM_EXIT_CPUID, 0, 0);
	enforce("msr_lock", "");
	ck_assert_uint_eq(machine_ring(0, NULL)->guests_cr4, CR4_UMIP);
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert_uint_eq(machine_ring(0, NULL)->guests_cr4, 0);
}
END_TEST

START_TEST(outside_cpl_0_it_is_a_gp)
{
	static const u64 codes[] = { UP, UP + 1, UP + 2, UP + 3, SVM_EXIT_CR_READ(0) };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		run_l2(SIM_EPYC, 3);
		sim.quick = 0;
		l2_exits(codes[i], 0, 0);
		ck_assert(nested_runs());
		ck_assert_uint_eq(sim.quick, 1);
		ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0));
		ck_assert_uint_eq(A->rip, L2_CODE);
		ck_assert(A->rflags & RFLAGS_RF);
	}
	/* L1 is not asked, even where it wants to know. */
	nested_boot(SIM_EPYC, "umip");
	B->cr4 |= CR4_UMIP;
	B->cpl = 3;
	B->intercept3 |= STORES;
	B->intercept_cr_read = 1;
	L1_VMRUN(L1_VMCB);
	l2_exits(UP, 0, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0));
	l2_exits(SVM_EXIT_CR_READ(0), 0, 0);
	ck_assert(nested_runs());
	/* At CPL 0 it is. */
	A->cpl = 0;
	l2_exits(UP, 0, 0);
	nested_exited(UP);
}
END_TEST

START_TEST(at_cpl_0_it_runs_as_one_step)
{
	run_l2(SIM_EPYC, 0);
	A->dr6 = 0xffff0ff0 | 1;
	l2_exits(UP, 0, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, 0);
	ck_assert_uint_eq(A->intercept3 & STORES, 0);
	ck_assert_uint_eq(A->intercept_cr_read, 0);
	ck_assert(A->rflags & RFLAGS_TF);
	ck_assert_uint_eq(A->interrupt_shadow, 1);
	/* A nested page fault that is ours does not end it. */
	l2_exits(SVM_EXIT_NPF, 4, L2_CODE);
	ck_assert(A->rflags & RFLAGS_TF);
	A->rip = L2_CODE + 4;
	A->interrupt_shadow = 0;
	A->dr6 |= DR6_BS;
	l2_exits(SVM_EXIT_EXCEPTION(VECTOR_DB), 0, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, 0);
	ck_assert(!(A->rflags & RFLAGS_TF));
	ck_assert_uint_eq(A->dr6, 0xffff0ff0 | 1);
	ck_assert_uint_eq(A->intercept3 & STORES, STORES);
	ck_assert_uint_eq(A->rip, L2_CODE + 4);
	ck_assert_uint_eq(A->intercept_exceptions, 1u << VECTOR_GP);
}
END_TEST

START_TEST(a_step_leaves_nothing_behind)
{
	/* L1 gets an exit that comes first, with L2 as it was. */
	run_l2(SIM_EPYC, 0);
	A->interrupt_shadow = 0;
	A->virtual_interrupt |= SVM_V_NMI_PENDING;
	l2_exits(UP, 0, 0);
	ck_assert(!(A->virtual_interrupt & SVM_V_NMI_PENDING));
	l2_exits(SVM_EXIT_INTR, 0, 0);
	nested_exited(SVM_EXIT_INTR);
	ck_assert(A->virtual_interrupt & SVM_V_NMI_PENDING);
	ck_assert_uint_eq(B->rip, L2_CODE);
	ck_assert(!(B->rflags & RFLAGS_TF));
	ck_assert_uint_eq(B->interrupt_shadow, 0);
	ck_assert_uint_eq(B->dr6, 0xffff0ff0);
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(A->intercept3 & STORES, STORES);
	ck_assert_uint_eq(A->intercept_exceptions, 1u << VECTOR_GP);
	/* An exception of the instruction is L2's. */
	l2_exits(UP, 0, 0);
	l2_exits(SVM_EXIT_EXCEPTION(VECTOR_PF), 2, 0x123000);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_PF, 2));
	ck_assert_uint_eq(A->cr2, 0x123000);
	ck_assert(!(A->rflags & RFLAGS_TF));
	ck_assert_uint_eq(A->intercept3 & STORES, STORES);
	/* Or L1's, who wants it. */
	l2_exits(SVM_EXIT_CPUID, 0, 0);
	B->intercept_exceptions = 1u << VECTOR_PF;
	L1_VMRUN(L1_VMCB);
	l2_exits(UP, 0, 0);
	l2_exits(SVM_EXIT_EXCEPTION(VECTOR_PF), 2, 0x123000);
	nested_exited(SVM_EXIT_EXCEPTION(VECTOR_PF));
	ck_assert(!(B->rflags & RFLAGS_TF));
}
END_TEST

START_TEST(a_step_that_l2_takes_itself_is_reported_to_it)
{
	run_l2(SIM_EPYC, 0);
	A->rflags |= RFLAGS_TF;
	l2_exits(UP, 0, 0);
	A->rip = L2_CODE + 4;
	A->dr6 |= DR6_BS;
	l2_exits(SVM_EXIT_EXCEPTION(VECTOR_DB), 0, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	ck_assert(A->rflags & RFLAGS_TF && A->dr6 & DR6_BS);
	/* A breakpoint that its store has hit. */
	run_l2(SIM_EPYC, 0);
	l2_exits(UP, 0, 0);
	A->dr6 |= DR6_BS | 2;
	l2_exits(SVM_EXIT_EXCEPTION(VECTOR_DB), 0, 0);
	ck_assert_uint_eq(A->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	ck_assert_uint_eq(A->dr6, 0xffff0ff0 | 2);
	ck_assert(!(A->rflags & RFLAGS_TF));
}
END_TEST

/* What the processor refuses before it looks at the intercept. */
static void mov_cr4(enum sim_model model, const char *bytes, u32 len, u64 value)
{
	nested_boot(model, "umip");
	B->intercept_cr_write = 1u << 4;
	B->cr0 = CR0_PE;
	B->efer = EFER_SVME;
	B->cs = (struct vmcb_segment){ 8, 0xc9b, ~0u, 0 };
	memcpy(guestmem_page(L2_CODE), bytes, len);
	L1_VMRUN(L1_VMCB);
	sim.gpr[RDI] = value;
	sim.gpr[RAX] = value;
	l2_exits(SVM_EXIT_EXCEPTION(VECTOR_GP), 0, 0);
}

START_TEST(a_mov_to_cr4_that_is_refused_is_the_exit_that_l1_expects)
{
	mov_cr4(SIM_EPYC, "\x0f\x22\xe7\x90", 4, CR4_PAE | CR4_UMIP);
	nested_exited(SVM_EXIT_CR_WRITE(4));
	ck_assert_uint_eq(B->exit_info1, SVM_CR_IS_MOV | RDI);
	ck_assert_uint_eq(B->next_rip, L2_CODE + 3);
	ck_assert_uint_eq(B->rip, L2_CODE);
	/* RAX is in the VMCB; without decode assists L1 decodes. */
	mov_cr4(SIM_TCG, "\x0f\x22\xe0\x90", 4, CR4_PAE | CR4_UMIP);
	nested_exited(SVM_EXIT_CR_WRITE(4));
	ck_assert_uint_eq(B->exit_info1, 0);
	/* Another bit, another register, another instruction: L2's own fault. */
	mov_cr4(SIM_EPYC, "\x0f\x22\xe7\x90", 4, BIT64(30));
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0));
	mov_cr4(SIM_EPYC, "\x0f\x22\xc7\x90", 4, CR4_UMIP);
	ck_assert(nested_runs());
	mov_cr4(SIM_EPYC, "\x0f\x30\x90\x90", 4, CR4_UMIP);
	ck_assert(nested_runs());
}
END_TEST

START_TEST(a_gp_of_another_kind_keeps_its_error)
{
	run_l2(SIM_EPYC, 3);
	sim.quick = 0;
	l2_exits(SVM_EXIT_EXCEPTION(VECTOR_GP), 0x50, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(sim.quick, 1);
	ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0x50));
	A->cpl = 0;
	l2_exits(SVM_EXIT_EXCEPTION(VECTOR_GP), 0x50, 0);
	ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0x50));
	l2_exits(SVM_EXIT_CPUID, 0, 0);
	B->intercept_exceptions = 1u << VECTOR_GP;
	L1_VMRUN(L1_VMCB);
	l2_exits(SVM_EXIT_EXCEPTION(VECTOR_GP), 0x50, 0);
	nested_exited(SVM_EXIT_EXCEPTION(VECTOR_GP));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_l2_sets_is_not_in_the_register_but_in_force, linux_knows_of_a_guest_that_needs_us,
		without_umip_nothing_is_refused_and_nothing_lost,
		outside_cpl_0_it_is_a_gp,
		at_cpl_0_it_runs_as_one_step,
		a_step_leaves_nothing_behind,
		a_step_that_l2_takes_itself_is_reported_to_it,
		a_mov_to_cr4_that_is_refused_is_the_exit_that_l1_expects,
		a_gp_of_another_kind_keeps_its_error,
	};

	return sim_main("nested_umip", tests, ARRAY_SIZE(tests));
}
