// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who a guest that has sealed pages is when its hypervisor moves it about, what ends its seals, and how what
 * runs on other processors hears of it.
 */
#include "nested_seal.h"

/* --- who it is --- */

START_TEST(all_its_processors_have_its_seals)
{
	u64 mine;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	mine = handle;
	/* The second one is known by the tables, then by itself, whatever tables it runs on. */
	run(L1_OTHER);
	ck_assert(refused(GPA));
	ck_assert_uint_eq(vmcb(L1_OTHER)->host_use[NESTED_TOKEN], B->host_use[NESTED_TOKEN]);
	leave();
	vmcb(L1_OTHER)->nested_cr3 = other_root();
	run(L1_OTHER);
	ck_assert(refused(GPA));
	run(L1_VMCB);
	ck_assert(refused(GPA));
	/* The first one comes to the new tables. */
	leave();
	B->nested_cr3 = vmcb(L1_OTHER)->nested_cr3;
	run(L1_VMCB);
	ck_assert(refused(GPA));
	ck_assert_uint_eq(machine.guests.count, 1);
	/* Any of them unseals. */
	run(L1_OTHER);
	ck_assert_uint_eq(unseal(mine), OLDGUARD_CALL_OK);
	run(L1_VMCB);
	ck_assert(!refused(GPA));
}
END_TEST

START_TEST(many_tables)
{
	u32 i;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	for (i = 0; i < 3 * GUEST_ROOTS; i++) {
		leave();
		B->nested_cr3 = other_root();
		run(L1_VMCB);
		ck_assert(refused(GPA));
	}
	/* Those that are used are known. */
	vmcb(L1_OTHER)->nested_cr3 = B->nested_cr3;
	run(L1_OTHER);
	ck_assert(refused(GPA));
}
END_TEST

START_TEST(others_have_none_of_it)
{
	u64 mine;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	mine = handle;
	processor(L1_OTHER, strangers_root());
	run(L1_OTHER);
	ck_assert(!refused(GPA));
	ck_assert_uint_eq(unseal(mine), OLDGUARD_CALL_BAD);
	/* By the same ASID, which L1 has given away anew, without a flush. */
	run(L1_VMCB);
	ck_assert(refused(GPA));
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_OK);
	run(L1_OTHER);
	ck_assert_uint_eq(seal(GPA + 0x7000, 1), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(machine.guests.count, 2);
	ck_assert_uint_eq(unseal(mine), OLDGUARD_CALL_BAD);
	ck_assert(refused(GPA + 0x7000));
	ck_assert(!refused(GPA));
	run(L1_VMCB);
	ck_assert_uint_eq(unseal(mine), OLDGUARD_CALL_OK);
}
END_TEST

/* L1 ends a machine, and its pages become another machine's. */
START_TEST(a_new_machine_has_no_seals)
{
	u64 below;
	u32 i;

	/* The VMCB: zeroed. */
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	processor(L1_VMCB, strangers_root());
	run(L1_VMCB);
	ck_assert(!refused(GPA));
	/* The root: empty when it begins, whatever VMCB it is, in the way of Linux 6.12. */
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	for (i = 0; i < 512; i++)
		guestmem_put(tables.cr3 + i * 8, 8, BIT64(63));
	processor(L1_OTHER, tables.cr3);
	run(L1_OTHER);
	guestmem_map(&tables, GPA, 0, DATA | ALL);
	ck_assert(!refused(GPA));
	run(L1_OTHER);
	ck_assert(!refused(GPA));
	/* Both. */
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	memset(guestmem_page(tables.cr3), 0, PAGE_BYTES);
	processor(L1_VMCB, tables.cr3);
	run(L1_VMCB);
	guestmem_map(&tables, GPA, 0, DATA | ALL);
	ck_assert(!refused(GPA));
	/* Again and again: none fills the table. */
	for (i = 0; i < 3 * GUESTS_MAX; i++) {
		ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
		ck_assert(refused(GPA));
		leave();
		below = guestmem_get(tables.cr3, 8);
		guestmem_put(tables.cr3, 8, 0);
		processor(L1_VMCB, tables.cr3);
		run(L1_VMCB);
		guestmem_put(tables.cr3, 8, below);
		ck_assert(!refused(GPA));
	}
}
END_TEST

START_TEST(too_many_machines)
{
	u64 at = 0x800000, i;

	begin(ON);
	for (i = 0; i <= GUESTS_MAX; i++, at += PAGE_BYTES) {
		leave();
		processor(at, strangers_root());
		L1_VMRUN(at);
		ck_assert_uint_eq(seal(GPA, 1), i < GUESTS_MAX ? OLDGUARD_CALL_OK : OLDGUARD_CALL_FULL);
	}
	ck_assert_uint_eq(machine.guests.count, GUESTS_MAX);
	/* Of one a processor is gone, and its others are there. */
	processor(0x820000, vmcb(0x804000)->nested_cr3);
	leave();
	L1_VMRUN(0x820000);
	memset(guestmem_page(0x804000), 0, PAGE_BYTES);
	leave();
	L1_VMRUN(at - PAGE_BYTES);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_FULL);
	/* One of them is gone. */
	memset(guestmem_page(0x803000), 0, PAGE_BYTES);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(machine.guests.count, GUESTS_MAX);
	ck_assert(refused(GPA));
}
END_TEST

/* A processor is started where its hypervisor has just made new tables, and is there first. */
START_TEST(who_is_started_waits_for_the_others)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	processor(L1_OTHER, guestmem_state(PAGING_4).cr3);
	start_state(L1_OTHER);
	vmcb(L1_OTHER)->event_inj = EVENT(SVM_EVENT_NMI, VECTOR_NMI);
	L1_VMRUN(L1_OTHER);
	ck_assert(!nested_runs());
	ck_assert_uint_eq(vmcb(L1_OTHER)->exit_code, SVM_EXIT_INTR);
	ck_assert_uint_eq(vmcb(L1_OTHER)->exit_int_info, EVENT(SVM_EVENT_NMI, VECTOR_NMI));
	ck_assert_uint_eq(vmcb(L1_OTHER)->event_inj, 0);
	L1_VMRUN(L1_OTHER);
	ck_assert(!nested_runs());
	B->nested_cr3 = vmcb(L1_OTHER)->nested_cr3;
	run(L1_VMCB);
	guestmem_put(B->nested_cr3, 8, guestmem_get(tables.cr3, 8));
	run(L1_OTHER);
	ck_assert(refused(GPA));
	/* Nobody comes. */
	leave();
	processor(L1_OTHER, guestmem_state(PAGING_4).cr3);
	start_state(L1_OTHER);
	L1_VMRUN(L1_OTHER);
	ck_assert(!nested_runs());
	sim.tsc += 1;
	run(L1_OTHER);
}
END_TEST

/* Two of its processors, on different tables, have both sealed before they met. */
START_TEST(two_that_meet_are_one)
{
	u64 first, third;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	first = handle;
	vmcb(L1_OTHER)->nested_cr3 = third = other_root();
	run(L1_OTHER);
	ck_assert(!refused(GPA));
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(machine.guests.count, 2);
	leave();
	vmcb(L1_OTHER)->nested_cr3 = other_root();
	run(L1_OTHER);
	leave();
	B->nested_cr3 = vmcb(L1_OTHER)->nested_cr3;
	run(L1_VMCB);
	ck_assert_uint_eq(machine.guests.count, 1);
	ck_assert(refused(GPA));
	ck_assert(refused(GPA + 0x1000));
	run(L1_OTHER);
	ck_assert(refused(GPA));
	ck_assert(refused(GPA + 0x1000));
	/* All tables of either are its. */
	processor(0x800000, third);
	run(0x800000);
	ck_assert(refused(GPA));
	ck_assert_uint_eq(unseal(first), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(unseal(first), OLDGUARD_CALL_BAD);
}
END_TEST

/* Its place is another's by now, and nobody has told this processor yet. */
START_TEST(who_is_gone_is_nobody_else)
{
	struct sealer *g;
	u64 other;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	g = N->guest;
	guest_end(&machine, g);
	ck_assert_ptr_eq(guest_new(&machine, 0x7000, 0x7000), g);
	ck_assert_uint_eq(guest_seal(&machine, g, GPA, 1, BIT64(48), &other), OLDGUARD_CALL_OK);
	ck_assert(!refused(GPA));
}
END_TEST

/* --- what ends them --- */

/* It has gone on from there to its kernel. */
static void goes_on(u64 pa)
{
	struct vmcb *b = vmcb(pa);
	u64 token = b->host_use[NESTED_TOKEN];

	if (nested_runs())
		leave();
	processor(pa, b->nested_cr3);
	b->host_use[NESTED_TOKEN] = token;
	run(pa);
}

START_TEST(a_reset_ends_them)
{
	begin(ON);
	run(L1_OTHER);
	run(L1_VMCB);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	run(L1_OTHER);
	run(L1_VMCB);
	leave();
	/* Through the quick way, too: nothing but the state has changed. */
	reset_state(L1_VMCB);
	B->clean = SVM_CLEAN_ALL & ~(SVM_CLEAN_CR | SVM_CLEAN_SEG | SVM_CLEAN_DT | SVM_CLEAN_DR);
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
	ck_assert(!refused(GPA));
	ck_assert_uint_eq(machine.guests.seals, 0);
	/* The other one starts by an IPI of its. */
	leave();
	start_state(L1_OTHER);
	L1_VMRUN(L1_OTHER);
	ck_assert(nested_runs());
	ck_assert(!refused(GPA));
	/* In its new life it seals anew, for all. */
	goes_on(L1_OTHER);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	goes_on(L1_VMCB);
	ck_assert(refused(GPA));
}
END_TEST

/* Who has sealed nothing loses nothing: its processors are none of our business. */
START_TEST(a_reset_without_seals)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	run(L1_OTHER);
	run(L1_VMCB);
	ck_assert_uint_eq(unseal(handle), OLDGUARD_CALL_OK);
	leave();
	reset_state(L1_VMCB);
	run(L1_VMCB);
	run(L1_OTHER);
	ck_assert(!refused(GPA));
}
END_TEST

/* An INIT of one processor's is no reset of the others: they do not see what becomes of the pages. */
START_TEST(nobody_survives_it)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	run(L1_OTHER);
	run(L1_VMCB);
	leave();
	reset_state(L1_VMCB);
	L1_VMRUN(L1_VMCB);
	ck_assert(!refused(GPA));
	leave();
	L1_VMRUN(L1_OTHER);
	ck_assert(!nested_runs());
	ck_assert_uint_eq(vmcb(L1_OTHER)->exit_code, SVM_EXIT_SHUTDOWN);
	ck_assert_uint_eq(C->rip, SIM_CODE + 3);
	/* Nor twice, nor after one more reset. */
	goes_on(L1_VMCB);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	reset_state(L1_VMCB);
	L1_VMRUN(L1_VMCB);
	leave();
	L1_VMRUN(L1_OTHER);
	ck_assert(!nested_runs());
	ck_assert_uint_eq(vmcb(L1_OTHER)->exit_code, SVM_EXIT_SHUTDOWN);
	/* Its hypervisor resets it, too. */
	reset_state(L1_OTHER);
	L1_VMRUN(L1_OTHER);
	ck_assert(nested_runs());
}
END_TEST

/* What L2 can make of itself is no reset, however much of one it looks like. */
START_TEST(a_reset_cannot_be_feigned)
{
	u32 i;

	for (i = 0; i < 5; i++) {
		begin(ON);
		ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
		leave();
		reset_state(L1_VMCB);
		switch (i) {
		case 0: B->tr.selector = 0x40; break;
		case 1: B->tr.base = 0x1000; break;
		case 2: B->rip = 0xfff2; break;
		case 3: B->cs.base = 0xf0000; break;
		case 4: B->cr0 |= CR0_PE; break;
		}
		L1_VMRUN(L1_VMCB);
		ck_assert(nested_runs());
		ck_assert(refused(GPA));
		/* Nor is a start-up IPI. */
		leave();
		start_state(L1_VMCB);
		L1_VMRUN(L1_VMCB);
		ck_assert(refused(GPA));
	}
}
END_TEST

START_TEST(the_option_ends_them)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	/* Another plan that has it keeps them. */
	enforce("seal:guests=on", "");
	L1_VMRUN(L1_VMCB);
	ck_assert(refused(GPA));
	leave();
	enforce("umip,seal", "");
	ck_assert_uint_eq(machine.guests.count, 0);
	L1_VMRUN(L1_VMCB);
	ck_assert(!refused(GPA));
	leave();
	enforce(ON, "");
	L1_VMRUN(L1_VMCB);
	ck_assert(!refused(GPA));
	/* And back to the quick way. */
	leave();
	enforce("umip", "");
	run(L1_VMCB);
	leave();
	B->clean = SVM_CLEAN_ALL;
	sim.quick = 0;
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(sim.quick, 1);
	/* Locked, it stays as it is. */
	leave();
	enforce(ON, "");
	machine.locked = true;
	ck_assert_uint_eq(stage("umip,seal", ""), HYPERCALL_REFUSED);
}
END_TEST

START_TEST(the_last_svme_ends_them)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert_uint_eq(machine.guests.count, 0);
	ck_assert_uint_eq(machine.guests.seals, 0);
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
	L1_VMRUN(L1_VMCB);
	ck_assert(!refused(GPA));
}
END_TEST

/* --- on another processor --- */

START_TEST(other_processors_follow)
{
	begin(ON);
	second_processor();
	L1_VMRUN(L1_OTHER);
	ck_assert(nested_runs());
	ck_assert(!refused(GPA));
	ck_assert(nested_leaf(GPA) & PTE_W);
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	sim.cpu = 1;
	/* What runs there goes by what it had, until it says that it wants to know. */
	ck_assert(nested_leaf(GPA) & PTE_W);
	ck_assert_uint_eq(call2(OLDGUARD_CALL_SYNC, 0, 0), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(nested_leaf(GPA), 0);
	ck_assert(refused(GPA));
	ck_assert(vmcb(L1_OTHER)->host_use[NESTED_TOKEN]);
	/* Or any exit of its does, ours or L1's. */
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_OK);
	sim.cpu = 1;
	ck_assert(refused(GPA + 0x1000));
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA + 0x2000, 1), OLDGUARD_CALL_OK);
	sim.cpu = 1;
	leave();
	vmcb(L1_OTHER)->clean = SVM_CLEAN_ALL;
	L1_VMRUN(L1_OTHER);
	ck_assert(refused(GPA + 0x2000));
	/* A fault that is L1's to see, and what was known is not entered again. */
	guestmem_map(&tables, GPA + 0x4000, 0, (DATA + 0x4000) | ALL);
	ck_assert(!refused(GPA + 0x4000));
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA + 0x4000, 1), OLDGUARD_CALL_OK);
	sim.cpu = 1;
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER, GPA + 0x5000);
	ck_assert_uint_eq(vmcb(L1_OTHER)->exit_code, SVM_EXIT_NPF);
	vmcb(L1_OTHER)->clean = SVM_CLEAN_ALL;
	L1_VMRUN(L1_OTHER);
	ck_assert_uint_eq(nested_leaf(GPA + 0x4000), 0);
	ck_assert(refused(GPA + 0x4000));
	/* Switched off while it had not heard of the last one yet: it goes the quick way again. */
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA + 0x5000, 1), OLDGUARD_CALL_OK);
	leave();
	sim.cpu = 1;
	leave();
	enforce("umip", "");
	L1_VMRUN(L1_OTHER);
	leave();
	vmcb(L1_OTHER)->clean = SVM_CLEAN_ALL;
	sim.quick = 0;
	L1_VMRUN(L1_OTHER);
	ck_assert_uint_eq(sim.quick, 1);
	ck_assert(!refused(GPA));
	sim.cpu = 0;
}
END_TEST

/* Both seal before either has heard of the other. */
START_TEST(both_seal_at_once)
{
	u64 first;

	begin(ON);
	second_processor();
	L1_VMRUN(L1_OTHER);
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	sim.cpu = 1;
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(machine.guests.count, 1);
	sim.cpu = 0;
	ck_assert(refused(GPA + 0x1000));
	ck_assert_uint_eq(unseal(handle), OLDGUARD_CALL_OK);
	/* One unseals what the other has sealed just now. */
	begin(ON);
	second_processor();
	L1_VMRUN(L1_OTHER);
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	first = handle;
	sim.cpu = 1;
	ck_assert_uint_eq(unseal(first), OLDGUARD_CALL_OK);
	sim.cpu = 0;
	ck_assert(!refused(GPA));
}
END_TEST

/* Two have turned out to be one, while a processor of either runs: it hears of the other's seals. */
START_TEST(who_runs_hears_of_it)
{
	u64 root;

	begin(ON);
	root = other_root();
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	second_processor();
	vmcb(L1_OTHER)->nested_cr3 = root;
	L1_VMRUN(L1_OTHER);
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_OK);
	ck_assert(!refused(GPA));
	leave();
	L1_VMRUN(L1_OTHER);
	ck_assert_uint_eq(machine.guests.count, 2);
	sim.cpu = 0;
	processor(0x800000, tables.cr3);
	vmcb(0x800000)->host_use[NESTED_TOKEN] = vmcb(L1_OTHER)->host_use[NESTED_TOKEN];
	run(0x800000);
	ck_assert_uint_eq(machine.guests.count, 1);
	sim.cpu = 1;
	leave();
	vmcb(L1_OTHER)->clean = SVM_CLEAN_ALL;
	L1_VMRUN(L1_OTHER);
	ck_assert_uint_eq(nested_leaf(GPA), 0);
	ck_assert(refused(GPA));
	sim.cpu = 0;
}
END_TEST

START_TEST(a_reset_is_told_to_who_runs)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	second_processor();
	L1_VMRUN(L1_OTHER);
	ck_assert(refused(GPA));
	sim.cpu = 0;
	leave();
	reset_state(L1_VMCB);
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
	sim.cpu = 1;
	/* An exit that L1 would not hear of, while an instruction runs without intercepts. */
	N->stepping = true;
	N->step_dr6 = 0x1230;
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER, GPA);
	ck_assert(!nested_runs());
	ck_assert(!N->stepping);
	ck_assert_uint_eq(vmcb(L1_OTHER)->dr6, 0x1230);
	ck_assert_uint_eq(vmcb(L1_OTHER)->exit_code, SVM_EXIT_SHUTDOWN);
	/* As long as SVME is set anywhere guests may come back. */
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert_uint_eq(machine.guests.count, 1);
	sim.cpu = 0;
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		all_its_processors_have_its_seals, many_tables, others_have_none_of_it,
		a_new_machine_has_no_seals, too_many_machines, who_is_started_waits_for_the_others, two_that_meet_are_one,
		who_is_gone_is_nobody_else, a_reset_ends_them, a_reset_without_seals,
		nobody_survives_it, a_reset_cannot_be_feigned, the_option_ends_them,
		the_last_svme_ends_them, other_processors_follow, both_seal_at_once,
		who_runs_hears_of_it, a_reset_is_told_to_who_runs,
	};

	return sim_main("nested_guests", tests, ARRAY_SIZE(tests));
}
