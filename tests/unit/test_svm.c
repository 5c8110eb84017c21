// SPDX-License-Identifier: GPL-2.0-only
/*
 * SVM's exits: what each exit code becomes, events under delivery, and the state that goes back.
 */
#include "sim.h"

#include <string.h>

/* --- instructions and what the processor tells of them --- */

static void cpuid_at(u64 rip)
{
	sim_at(rip);
	sim.gpr[RAX] = 0;
	sim.gpr[RCX] = 0;
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	ck_assert_uint_eq(sim.gpr[RBX], 0x68747541);
	ck_assert_uint_eq(sim.gpr[RCX], 0x444d4163);
	ck_assert_uint_eq(sim.gpr[RDX], 0x69746e65);
}

START_TEST(cpuid_with_and_without_next_rip)
{
	static const enum sim_model models[] = { SIM_EPYC, SIM_TCG, SIM_PHENOM };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(models); i++) {
		sim_boot(models[i], "umip");
		cpuid_at(SIM_CODE);
		sim_went_on(SIM_CODE + 2);
		ck_assert_uint_eq(sim.gpr[RAX], models[i] == SIM_PHENOM ? 7 : 0xd);
		/* Across a page, and with a prefix that takes the decoder. */
		cpuid_at(SIM_CODE + 0xfff);
		sim_went_on(SIM_CODE + 0x1001);
		sim_at(SIM_CODE);
		sim.gpr[RAX] = 0;
		EXEC(SVM_EXIT_CPUID, "\x66\x0f\xa2");
		sim_went_on(SIM_CODE + 3);
		sim_mode(32);
		cpuid_at(SIM_CODE);
		sim_went_on(SIM_CODE + 2);
		ck_assert_uint_eq(V->exits[VMEXIT_CPUID], 4);
		ck_assert_uint_eq(sim.vmsaves, models[i] == SIM_EPYC ? 1 : sim.vmsaves);
	}
}
END_TEST

/* The quick path takes nothing for granted that is not there. */
START_TEST(cpuid_where_the_short_walk_ends)
{
	struct walk_state s;

	sim_boot(SIM_TCG, "umip");
	/* A large page: the whole walk must be made. */
	s = (struct walk_state){ .cr0 = C->cr0, .cr3 = C->cr3, .cr4 = C->cr4, .efer = C->efer };
	guestmem_map(&s, 0x40000000, 1, PTE_P | PTE_W | PTE_U | PTE_PS);
	sim_at(0x40000000 + SIM_CODE);
	guestmem_page(SIM_CODE)[0] = 0x0f;
	guestmem_page(SIM_CODE)[1] = 0xa2;
	sim.gpr[RAX] = 0;
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	sim_went_on(0x40000000 + SIM_CODE + 2);
	ck_assert_uint_eq(sim.gpr[RBX], 0x68747541);
	/* The page is gone since: the guest gets the fault of a second try. */
	sim_at(SIM_NOTHING);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	sim_fault(SIM_NOTHING, VECTOR_PF, PF_FETCH);
	ck_assert_uint_eq(C->cr2, SIM_NOTHING);
	/* Other bytes by now: their length is as true as any. */
	sim_at(SIM_CODE);
	EXEC(SVM_EXIT_CPUID, "\xb8\x01\x02\x03\x04");
	sim_went_on(SIM_CODE + 5);
	/* Bytes that are none. */
	sim_at(SIM_CODE);
	EXEC(SVM_EXIT_CPUID, "\x0f\x0b");
	ck_assert_uint_ne(C->event_inj | (C->rip ^ SIM_CODE), 0);
}
END_TEST

static void on(u64 code, const char *bytes, u32 count, u64 old)
{
	sim_at(SIM_CODE);
	V->exits[VMEXIT_VIRT_INSN] = old;
	sim_exec(code, bytes, count);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
	ck_assert_uint_eq(C->rip, SIM_CODE);
	ck_assert(C->rflags & RFLAGS_RF);
	ck_assert_uint_eq(V->exits[VMEXIT_VIRT_INSN], old + 1);
}

START_TEST(svm_instructions_do_not_exist)
{
	u32 cpl;

	sim_boot(SIM_EPYC, "umip");
	for (cpl = 0; cpl < 4; cpl += 3) {
		sim_cpl(cpl);
		on(SVM_EXIT_VMRUN, "\x0f\x01\xd8", 3, 0);
		on(SVM_EXIT_VMLOAD, "\x0f\x01\xda", 3, 1);
		on(0x83, "\x0f\x01\xdb", 3, 2); /* VMSAVE */
		on(0x84, "\x0f\x01\xdc", 3, 3); /* STGI */
		on(0x85, "\x0f\x01\xdd", 3, 4); /* CLGI */
		on(SVM_EXIT_SKINIT, "\x0f\x01\xde", 3, 5);
		on(SVM_EXIT_INVLPGA, "\x0f\x01\xdf", 3, 6);
	}
}
END_TEST

START_TEST(vmmcall_of_strangers)
{
	sim_boot(SIM_EPYC, "umip");
	sim_cpl(3);
	sim_at(SIM_CODE);
	sim.gpr[RAX] = HYPERCALL_MAGIC ^ HYPERCALL_LEAVE;
	EXEC(SVM_EXIT_VMMCALL, "\x0f\x01\xd9");
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
	ck_assert(sim.held);
	sim_cpl(0);
	sim_at(SIM_CODE);
	sim.gpr[RAX] = 5;
	EXEC(SVM_EXIT_VMMCALL, "\x0f\x01\xd9");
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
	sim_at(SIM_CODE);
	sim.gpr[RAX] = HYPERCALL_MAGIC ^ HYPERCALLS;
	EXEC(SVM_EXIT_VMMCALL, "\x0f\x01\xd9");
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
	ck_assert_uint_eq(V->exits[VMEXIT_HYPERCALL], 3);
}
END_TEST

/* --- MSRs --- */

static void rdmsr(u32 msr)
{
	sim_at(SIM_CODE);
	sim.gpr[RCX] = 0xffffffff00000000 | msr;
	sim.gpr[RAX] = sim.gpr[RDX] = ~0ULL;
	EXEC(SVM_EXIT_MSR, "\x0f\x32");
}

static u64 got(void)
{
	ck_assert_uint_eq(sim.gpr[RAX] >> 32 | sim.gpr[RDX] >> 32, 0);
	return sim.gpr[RAX] | sim.gpr[RDX] << 32;
}

START_TEST(efer_without_svme)
{
	const u64 efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

	sim_boot(SIM_TCG, "umip");
	rdmsr(MSR_EFER);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(got(), efer);
	/* LMA is not the writer's. */
	sim_wrmsr(MSR_EFER, EFER_LME | EFER_NXE);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(C->efer, EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
	ck_assert_uint_eq(*sim_msr(MSR_EFER), efer | EFER_SVME);
	sim_wrmsr(MSR_EFER, EFER_LME | EFER_SVME);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	sim_wrmsr(MSR_EFER, EFER_NXE);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	sim_wrmsr(MSR_EFER, EFER_LME | BIT64(20));
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(C->efer, EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
	ck_assert_uint_eq(*sim_msr(MSR_EFER), efer | EFER_SVME);
}
END_TEST

START_TEST(svm_msrs_of_a_disabled_processor)
{
	sim_boot(SIM_EPYC, "umip");
	rdmsr(MSR_VM_CR);
	ck_assert_uint_eq(got(), VM_CR_LOCK | VM_CR_SVMDIS);
	sim_wrmsr(MSR_VM_CR, 0);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(*sim_msr(MSR_VM_CR), VM_CR_R_INIT);
	rdmsr(MSR_VM_HSAVE_PA);
	ck_assert_uint_eq(got(), 0);
	sim_wrmsr(MSR_VM_HSAVE_PA, 0x1000);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_ne(*sim_msr(MSR_VM_HSAVE_PA), 0x1000);
}
END_TEST

START_TEST(msrs_beyond_the_bitmap)
{
	sim_boot(SIM_EPYC, "umip");
	sim_add_msr(0x20001234, 0x1122334455667788);
	rdmsr(0x20001234);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(got(), 0x1122334455667788);
	sim_wrmsr(0x20001234, 0x99aabbccddeeff00);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(*sim_msr(0x20001234), 0x99aabbccddeeff00);
	rdmsr(0x20001235);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(sim.gpr[RAX], ~0ULL);
	sim_wrmsr(0x20001235, 1);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(V->exits[VMEXIT_MSR_READ], 2);
	ck_assert_uint_eq(V->exits[VMEXIT_MSR_WRITE], 2);
	/* Those that nobody has a reason to see do not exit at all. */
	C->exit_info1 = 0;
	sim.gpr[RCX] = MSR_LSTAR;
	ck_assert(!sim_exits(SVM_EXIT_MSR));
	sim.gpr[RCX] = MSR_FS_BASE;
	ck_assert(!sim_exits(SVM_EXIT_MSR));
	sim.gpr[RCX] = 0x1b;
	ck_assert(!sim_exits(SVM_EXIT_MSR));
}
END_TEST

/* The entry that maps an address, and its level. */
static u64 nested_entry(u64 gpa, u32 *level)
{
	u64 table = machine.slat_root, e;

	for (*level = machine.slat.levels;; --*level) {
		e = ((u64 *)block_va(&machine, block_offset(&machine, table)))
			[gpa / slat_bytes(*level) & 511];
		if (!(e & PTE_P) || *level == 1 || e & PTE_PS)
			return e;
		table = e & CR3_ADDRESS;
	}
}

/* APM vol. 2, 7.7.5: no large page may have two types in it, whoever changes them when. */
START_TEST(mtrrs_split_large_pages)
{
	const u64 at = 0x50100000;
	u32 level, wbinvds;
	u64 cr0;

	sim_boot(SIM_EPYC, "umip");
	nested_entry(at, &level);
	ck_assert_uint_gt(level, 1);
	cr0 = sim.cr0;
	wbinvds = sim.wbinvds;
	/* As Linux does it: off, base, mask, on. */
	sim_wrmsr(MSR_MTRR_DEF_TYPE, 6);
	sim_wrmsr(MSR_MTRR_PHYS_BASE0, at);
	sim_wrmsr(MSR_MTRR_PHYS_MASK0, (BIT64(48) - PAGE_BYTES) | BIT64(11));
	nested_entry(at, &level);
	ck_assert_uint_gt(level, 1);
	sim_wrmsr(MSR_MTRR_DEF_TYPE, 0x806);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(nested_entry(at, &level), at | machine.slat.leaf);
	ck_assert_uint_eq(level, 1);
	ck_assert_uint_eq(*sim_msr(MSR_MTRR_PHYS_BASE0), at);
	ck_assert_uint_eq(*sim_msr(MSR_MTRR_DEF_TYPE), 0x806);
	/* This processor's translations are gone, and its caches were off while it was written. */
	ck_assert_uint_eq(sim.flushes, 1 + 4);
	ck_assert_uint_eq(sim.wbinvds, wbinvds + 2 * 4);
	ck_assert_uint_eq(sim.cr0 & CR0_CD, cr0 & CR0_CD);
	/* Elsewhere pages are as large as they were; the block is hidden still. */
	nested_entry(at + 4 * PIECE_BYTES, &level);
	ck_assert_uint_gt(level, 1);
	ck_assert_uint_eq(nested_entry(SIM_PIECE_PA(0), &level) & CR3_ADDRESS, machine.zero_pa);
	/* Without nested paging the processor alone is concerned. */
	svm_features = 0;
	machine.caps.slat = NULL;
	machine.virt->maps(&machine, 0);
	C->exit_info1 = 1;
	sim.gpr[RCX] = MSR_MTRR_DEF_TYPE;
	ck_assert(!sim_exits(SVM_EXIT_MSR));
}
END_TEST

/* --- events --- */

static void exit_during(u64 event)
{
	sim_at(SIM_CODE);
	C->exit_int_info = event;
}

/* A nested fault on a device's registers is retried: the event must come again. */
static void check_again(u64 event, u64 wanted)
{
	exit_during(event);
	sim_exit(SVM_EXIT_NPF, PF_USER, 0x100000000 + SIM_PHYS_END);
	ck_assert_uint_eq(C->event_inj, wanted);
	ck_assert_uint_eq(C->rip, SIM_CODE);
	ck_assert(!(C->rflags & RFLAGS_RF));
}

START_TEST(events_under_delivery_come_again)
{
	u64 again[] = {
		EVENT(SVM_EVENT_INTR, 0x31), EVENT(SVM_EVENT_NMI, 2), FAULT(VECTOR_PF, 6),
		FAULT(VECTOR_GP, 0x18), EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD),
		EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB), FAULT(VECTOR_DF, 0),
	};
	u32 i;

	sim_boot(SIM_EPYC, "umip");
	for (i = 0; i < ARRAY_SIZE(again); i++)
		check_again(again[i], again[i]);
	/* An INT instruction runs again by itself. */
	check_again(EVENT(SVM_EVENT_SOFTWARE, 0x80), 0);
	check_again(EVENT(SVM_EVENT_EXCEPTION, VECTOR_BP), 0);
	check_again(EVENT(SVM_EVENT_EXCEPTION, VECTOR_OF), 0);
	check_again(FAULT(VECTOR_GP, 0) & ~SVM_EVENT_VALID, 0);
}
END_TEST

/* What an exception that exits becomes while @first was under delivery. */
static u64 second_exception(u64 first, u8 vector, u32 error)
{
	V->plan = &machine.plans[1];
	machine.plans[1] = machine.plans[0];
	machine.plans[1].traps.exceptions = ~0u;
	machine.plans[1].traps.exceptions &= ~(1u << VECTOR_NMI);
	V->virt->traps(V);
	exit_during(first);
	sim_exit(SVM_EXIT_EXCEPTION(vector), error, 0x7777);
	return C->event_inj;
}

START_TEST(double_faults_as_the_table_says)
{
	/* Rows and columns: benign, contributory, page fault (APM vol. 2, 8.2.9). */
	static const struct {
		u8 vector;
		u8 class;
	} all[] = { { VECTOR_DB, 0 }, { VECTOR_UD, 0 }, { VECTOR_AC, 0 }, { VECTOR_DE, 1 },
		    { VECTOR_TS, 1 }, { VECTOR_NP, 1 }, { VECTOR_SS, 1 }, { VECTOR_GP, 1 },
		    { VECTOR_PF, 2 } };
	static const bool doubles[3][3] = { { 0, 0, 0 }, { 0, 1, 0 }, { 0, 1, 1 } };
	const u64 df = FAULT(VECTOR_DF, 0);
	u32 first, second;

	sim_boot(SIM_EPYC, "umip");
	for (first = 0; first < ARRAY_SIZE(all); first++) {
		for (second = 0; second < ARRAY_SIZE(all); second++) {
			u64 event = EVENT(SVM_EVENT_EXCEPTION, all[first].vector);
			u64 is = second_exception(event, all[second].vector, 0x18);

			if (doubles[all[first].class][all[second].class])
				ck_assert_uint_eq(is, df);
			else
				ck_assert_uint_eq(is & 0xff, all[second].vector);
		}
	}
	/* An interrupt or an NMI under delivery doubles nothing. */
	ck_assert_uint_eq(second_exception(EVENT(SVM_EVENT_INTR, 13), VECTOR_GP, 0),
			  FAULT(VECTOR_GP, 0));
	ck_assert_uint_eq(second_exception(EVENT(SVM_EVENT_NMI, 2), VECTOR_PF, 2),
			  FAULT(VECTOR_PF, 2));
}
END_TEST

START_TEST(a_third_fault_is_a_reset)
{
	sim_boot(SIM_EPYC, "umip");
	ck_assert(SIM_HALTS(second_exception(FAULT(VECTOR_DF, 0), VECTOR_GP, 0)));
	ck_assert(sim_said("triple fault"));
	ck_assert_uint_eq(sim.ports, 3);
}
END_TEST

START_TEST(exceptions_go_to_the_guest)
{
	u32 vector;

	sim_boot(SIM_EPYC, "umip");
	for (vector = 0; vector < 20; vector++) {
		u64 wanted = EVENT(SVM_EVENT_EXCEPTION, vector);
		bool resumes = true;

		if (vector == VECTOR_NMI || vector == VECTOR_BP || vector == VECTOR_OF ||
		    vector == 9 || vector == 15)
			continue;
		C->cr2 = 1;
		if (0x27d00 >> vector & 1)
			wanted = FAULT(vector, 0x18);
		ck_assert_uint_eq(second_exception(0, vector, 0x18), wanted);
		ck_assert_uint_eq(C->cr2, vector == VECTOR_PF ? 0x7777 : 1);
		resumes = vector != VECTOR_DB && vector != VECTOR_DF && vector != VECTOR_MC;
		ck_assert_uint_eq(!!(C->rflags & RFLAGS_RF), resumes);
	}
}
END_TEST

START_TEST(init_is_swallowed_and_nmis_are_handed_over)
{
	sim_boot(SIM_EPYC, "umip");
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_INIT, 0, 0);
	ck_assert_uint_eq(sim.inits, 1);
	sim_went_on(SIM_CODE);
	ck_assert_uint_eq(V->exits[VMEXIT_INIT], 1);
	sim.nmi_meanwhile = true;
	sim_exit(SVM_EXIT_INIT, 0, 0);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_NMI, VECTOR_NMI));
	ck_assert_uint_eq(V->nmis, 0);
	/* It waits while another event is on its way. */
	sim.nmi_meanwhile = true;
	exit_during(EVENT(SVM_EVENT_INTR, 0x40));
	sim_exit(SVM_EXIT_INIT, 0, 0);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_INTR, 0x40));
	ck_assert_uint_eq(V->nmis, 1);
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_NPF, PF_USER, 0x100000000 + SIM_PHYS_END);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_NMI, VECTOR_NMI));
}
END_TEST

START_TEST(nmis_do_not_exit)
{
	sim_boot(SIM_EPYC, "umip");
	sim_at(SIM_CODE);
	C->intercept3 |= 2;
	sim_exit(SVM_EXIT_NMI, 0, 0);
	/* Not claimed and not ours: an exit that should not be. */
	ck_assert_uint_eq(machine.stopped, 1);
}
END_TEST

START_TEST(shutdown_resets)
{
	sim_boot(SIM_EPYC, "umip");
	ck_assert(SIM_HALTS(sim_exit(SVM_EXIT_SHUTDOWN, 0, 0)));
	ck_assert(sim_said("triple fault"));
	ck_assert(sim_said("reset has no effect"));
	ck_assert_uint_eq(V->exits[VMEXIT_SHUTDOWN], 1);
}
END_TEST

START_TEST(refused_state_dies)
{
	sim_boot(SIM_EPYC, "umip");
	ck_assert(SIM_HALTS(sim_exit(SVM_EXIT_INVALID, 0, 0)));
	ck_assert(sim_said("VMRUN refuses the guest's state (0x80050033)"));
}
END_TEST

/* --- memory --- */

START_TEST(hidden_memory_faults)
{
	static const u64 info[] = { PF_WRITE | PF_PRESENT | PF_USER,
				    PF_FETCH | PF_PRESENT | PF_USER };
	u32 i;

	sim_boot(SIM_EPYC, "umip");
	machine.linux_side.tsc_hz = 1000000000;
	for (i = 0; i < 2; i++) {
		sim_at(SIM_CODE);
		sim_exit(SVM_EXIT_NPF, BIT64(32) | info[i], SIM_PIECE_PA(0) + 0x1234);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
		ck_assert_uint_eq(machine_ring(0, NULL)->events[i].addr, SIM_PIECE_PA(0) + 0x1234);
		ck_assert_str_eq(event_kind(&machine_ring(0, NULL)->events[i]), "hidden_write");
	}
	ck_assert_uint_eq(V->exits[VMEXIT_MEMORY], 2);
	/* The serial port is slow, and the guest's: not a word. */
	ck_assert_uint_eq(sim.said, 0);
}
END_TEST

START_TEST(unmapped_memory_is_filled_in)
{
	sim_boot(SIM_EPYC, "umip");
	check_again(0, 0);
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_NPF, PF_USER, BIT64(48));
	/* No processor has such an address: nobody knows what this is. */
	ck_assert_uint_eq(C->event_inj, FAULT(VECTOR_DF, 0));
	ck_assert_uint_eq(machine.stopped, 1);
}
END_TEST

/* --- exits that should not be --- */

START_TEST(unknown_exits_stop_loudly)
{
	static const u64 codes[] = { 0x20, 0x3f, 0x60, 0x62, 0x6e, 0x70, 0x78, 0x87, 0x8d, 0x9f };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		sim_boot(SIM_EPYC, "umip");
		sim_at(SIM_CODE);
		C->intercept3 = ~0u;
		C->intercept4 = ~0u;
		C->intercept_cr_read = 0xffff;
		sim_exit(codes[i], 0x55, 0);
		ck_assert_uint_eq(C->event_inj, FAULT(VECTOR_DF, 0));
		ck_assert_uint_eq(C->rip, SIM_CODE);
		ck_assert_uint_eq(machine.stopped, 1);
		ck_assert(sim_said("an exit that nobody can answer: the guest is stopped"));
		ck_assert(sim_said("its first information word (0x55)"));
		ck_assert(sim_said("at the guest's RIP (0x10000)"));
	}
}
END_TEST

START_TEST(a_stop_without_an_end_is_a_reset)
{
	u32 i;

	sim_boot(SIM_EPYC, "umip");
	sim_at(SIM_CODE);
	C->intercept3 = ~0u;
	for (i = 0; i < 1000; i++)
		sim_exit(0x60, 0, 0);
	ck_assert(SIM_HALTS(sim_exit(0x60, 0, 0)));
	ck_assert_uint_eq(sim.ports, 3);
}
END_TEST

/* --- fields --- */

START_TEST(fields_and_segments)
{
	struct guest_segment s;
	u32 i;

	sim_boot(SIM_EPYC, "umip");
	for (i = 0; i < VCPU_FIELDS; i++) {
		u64 value = i == VCPU_INTR_SHADOW ? 1 : 0x1000 + i;

		vcpu_set(V, i, value);
		ck_assert_uint_eq(vcpu_get(V, i), value);
	}
	ck_assert_uint_eq(C->rip, 0x1000 + VCPU_RIP);
	ck_assert_uint_eq(C->gdtr.limit, 0x1000 + VCPU_GDTR_LIMIT);
	ck_assert_uint_eq(C->idtr.base, 0x1000 + VCPU_IDTR_BASE);
	ck_assert_uint_eq(*sim_msr(MSR_DEBUGCTL), 0x1000 + VCPU_DEBUGCTL);
	C->interrupt_shadow = 2;
	ck_assert_uint_eq(vcpu_get(V, VCPU_INTR_SHADOW), 0);
	/* What is not in the VMCB until it is asked for. */
	sim.vmsaves = 0;
	V->virt->segment(V, GUEST_CS, &s);
	ck_assert_uint_eq(s.attr, 0xa9b);
	ck_assert_uint_eq(sim.vmsaves, 0);
	sim.gs.base = 0x77;
	V->virt->segment(V, GUEST_GS, &s);
	ck_assert_uint_eq(s.base, 0x77);
	V->virt->segment(V, SEG_TR, &s);
	ck_assert_uint_eq(s.selector, 0x40);
	ck_assert_uint_eq(s.limit, 0x206f);
	ck_assert_uint_eq(sim.vmsaves, 2);
	C->cpl = 2;
	V->virt->segment(V, GUEST_SS, &s);
	ck_assert_uint_eq(s.attr >> SEG_DPL_SHIFT & 3, 2);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		cpuid_with_and_without_next_rip, cpuid_where_the_short_walk_ends,
		svm_instructions_do_not_exist, vmmcall_of_strangers, efer_without_svme,
		svm_msrs_of_a_disabled_processor, msrs_beyond_the_bitmap, mtrrs_split_large_pages,
		events_under_delivery_come_again, double_faults_as_the_table_says,
		a_third_fault_is_a_reset, exceptions_go_to_the_guest,
		init_is_swallowed_and_nmis_are_handed_over, nmis_do_not_exit,
		shutdown_resets, refused_state_dies, hidden_memory_faults,
		unmapped_memory_is_filled_in, unknown_exits_stop_loudly, a_stop_without_an_end_is_a_reset,
		fields_and_segments,
	};

	return sim_main("svm", tests, ARRAY_SIZE(tests));
}
