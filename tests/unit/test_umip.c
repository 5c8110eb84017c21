// SPDX-License-Identifier: GPL-2.0-only
/*
 * UMIP: outside CPL 0 the five instructions raise #GP(0) and touch nothing; at CPL 0, and for
 * programs while the feature is off, they do what bare hardware does.
 */
#include "sim.h"

#include <string.h>

#define IDTR SVM_EXIT_IDTR_READ
#define GDTR (SVM_EXIT_IDTR_READ + 1)
#define LDTR (SVM_EXIT_IDTR_READ + 2)
#define TR SVM_EXIT_TR_READ
#define CR0 SVM_EXIT_CR_READ(0)

static const struct five {
	u64 code;
	const char *bytes; /* with (%rbx) */
	enum vmexit_kind kind;
} five[] = {
	{ GDTR, "\x0f\x01\x03", VMEXIT_DESC_STORE }, { IDTR, "\x0f\x01\x0b", VMEXIT_DESC_STORE },
	{ LDTR, "\x0f\x00\x03", VMEXIT_DESC_STORE }, { TR, "\x0f\x00\x0b", VMEXIT_DESC_STORE },
	{ CR0, "\x0f\x01\x23", VMEXIT_SMSW },
};

static void run(const struct five *f)
{
	sim_exec(f->code, f->bytes, 3);
}

static u32 umip_index(void)
{
	u32 i;

	for (i = 0; i < feature_count(); i++)
		if (!strcmp(feature_get(i)->name, "umip"))
			return i;
	ck_abort_msg("no umip");
	return 0;
}

START_TEST(programs_get_gp)
{
	static const u32 modes[] = { 64, 32, 16 };
	u32 model, i, cpl, mode, count;

	for (model = SIM_EPYC; model <= SIM_PHENOM; model++) {
		sim_boot(model, "umip");
		count = 0;
		for (mode = 0; mode < ARRAY_SIZE(modes); mode++) {
			for (cpl = 1; cpl < 4; cpl++) {
				for (i = 0; i < ARRAY_SIZE(five); i++) {
					sim_cpl(cpl);
					sim_mode(modes[mode]);
					sim_at(SIM_CODE % 0xf000);
					/* No #PF of the operand comes first, and no CR2. */
					sim.gpr[RBX] = SIM_NOTHING;
					C->cr2 = 1;
					run(&five[i]);
					sim_fault(SIM_CODE % 0xf000, VECTOR_GP, 0);
					ck_assert_uint_eq(C->cr2, 1);
					ck_assert_uint_eq(sim.gpr[RBX], SIM_NOTHING);
					ck_assert_uint_eq(V->handled[umip_index()], ++count);
				}
			}
		}
		ck_assert_uint_eq(V->exits[VMEXIT_DESC_STORE], 9 * 4);
		ck_assert_uint_eq(V->exits[VMEXIT_SMSW], 9);
		ck_assert_uint_eq(guestmem_writes(), 0);
	}
}
END_TEST

/* SLDT and STR are #UD there, before any exit: the processor's own. */
START_TEST(vm86_gets_gp)
{
	u32 i;

	sim_boot(SIM_TCG, "umip");
	sim_vm86();
	for (i = 0; i < ARRAY_SIZE(five); i++) {
		if (five[i].code == LDTR || five[i].code == TR)
			continue;
		sim_at(0x10);
		run(&five[i]);
		sim_fault(0x10, VECTOR_GP, 0);
	}
	ck_assert_uint_eq(V->handled[umip_index()], 3);
}
END_TEST

/* An event that was under delivery is part of the verdict: both paths know it. */
START_TEST(gp_while_a_fault_is_delivered)
{
	sim_boot(SIM_EPYC, "umip");
	sim_cpl(3);
	sim_at(SIM_CODE);
	C->exit_int_info = FAULT(VECTOR_PF, 4);
	run(&five[0]);
	ck_assert_uint_eq(C->event_inj, FAULT(VECTOR_DF, 0));
	ck_assert_uint_eq(V->handled[umip_index()], 1);
}
END_TEST

/* Processors differ in what they answer without asking the feature; its own answer is the same. */
START_TEST(the_handler_says_the_same)
{
	struct vmexit e;
	u32 cpl, sel;

	sim_boot(SIM_TCG, "umip");
	for (cpl = 1; cpl < 4; cpl++) {
		for (sel = DESC_IDTR; sel <= DESC_TR + 1; sel++) {
			e = (struct vmexit){ .kind = VMEXIT_DESC_STORE, .cpl = cpl, .sel = sel };
			if (sel > DESC_TR)
				e = (struct vmexit){ .kind = VMEXIT_SMSW, .cpl = cpl };
			ck_assert_int_eq(dispatch(V, &e), VERDICT_INJECT);
			ck_assert_uint_eq(e.fault.vector, VECTOR_GP);
			ck_assert(e.fault.has_error && !e.fault.error);
		}
	}
	ck_assert_uint_eq(V->handled[umip_index()], 15);
}
END_TEST

START_TEST(off_means_no_intercepts)
{
	u32 i;

	sim_boot(SIM_EPYC, "none");
	for (i = 0; i < ARRAY_SIZE(five); i++)
		ck_assert(!sim_exits(five[i].code));
	ck_assert(!sim_exits(SVM_EXIT_EXCEPTION(VECTOR_GP)));
	sim_boot(SIM_EPYC, "umip");
	for (i = 0; i < ARRAY_SIZE(five); i++)
		ck_assert(sim_exits(five[i].code));
	/* And nothing but what is needed. */
	ck_assert_uint_eq(C->intercept_cr_read, 1);
	ck_assert_uint_eq(C->intercept_cr_write, 0);
	ck_assert_uint_eq(C->intercept_exceptions, 1u << VECTOR_GP);
	ck_assert_uint_eq(C->intercept3 >> 6 & 0xff, 0xf);
}
END_TEST

/* --- as on bare hardware: memory --- */

static u8 *data(u64 at)
{
	return guestmem_page(at) + at % PAGE_BYTES;
}

static void filled(u64 at)
{
	memset(data(at & ~0xfffULL), 0xcc, PAGE_BYTES);
}

/* Executes at @rip with RBX @rbx and checks that @bytes and no more were stored there. */
static void stores(const struct five *f, u64 rip, u64 rbx, const char *bytes, u32 count)
{
	filled(SIM_DATA);
	sim_at(rip);
	sim.gpr[RBX] = rbx;
	run(f);
	sim_went_on(rip + 3);
	ck_assert_mem_eq(data(rbx), bytes, count);
	ck_assert_uint_eq(data(rbx)[-1], 0xcc);
	ck_assert_uint_eq(data(rbx)[count], 0xcc);
}

static void set_tables(void)
{
	C->gdtr = (struct vmcb_segment){ .limit = 0x7f, .base = 0xfffffe1122334455 };
	C->idtr = (struct vmcb_segment){ .limit = 0xfff, .base = 0xfffffe66778899aa };
}

#define GDTR_STORED "\x7f\x00\x55\x44\x33\x22\x11\xfe\xff\xff"
#define IDTR_STORED "\xff\x0f\xaa\x99\x88\x77\x66\xfe\xff\xff"

START_TEST(kernel_stores)
{
	u32 model;

	for (model = SIM_EPYC; model <= SIM_PHENOM; model++) {
		sim_boot(model, "umip");
		set_tables();
		sim_mode(64);
		stores(&five[0], SIM_CODE, SIM_DATA + 0x101, GDTR_STORED, 10);
		stores(&five[1], SIM_CODE, SIM_DATA + 0x101, IDTR_STORED, 10);
		stores(&five[2], SIM_CODE, SIM_DATA + 0x101, "\x50\x00", 2);
		stores(&five[3], SIM_CODE, SIM_DATA + 0x101, "\x40\x00", 2);
		stores(&five[4], SIM_CODE, SIM_DATA + 0x101, "\x33\x00", 2);
		sim_mode(32);
		sim.gpr[RBX] |= BIT64(40); /* the upper half does not count */
		stores(&five[0], SIM_CODE, SIM_DATA + 8, GDTR_STORED, 6);
		stores(&five[1], SIM_CODE, SIM_DATA + 8, IDTR_STORED, 6);
		stores(&five[3], SIM_CODE, SIM_DATA + 8, "\x40\x00", 2);
		stores(&five[4], SIM_CODE, SIM_DATA + 8, "\x33\x00", 2);
		ck_assert_uint_eq(V->handled[umip_index()], 0);
	}
}
END_TEST

START_TEST(operands_find_their_place)
{
	sim_boot(SIM_TCG, "umip");
	set_tables();
	sim_mode(64);
	filled(SIM_DATA);
	/* sidt 0x10(%rip) from two pages below: RIP-relative */
	sim_at(SIM_CODE + 0x100);
	EXEC(IDTR, "\x0f\x01\x0d\x00\xff\x00\x00");
	sim_went_on(SIM_CODE + 0x107);
	ck_assert_mem_eq(data(SIM_DATA + 7), IDTR_STORED, 10);
	/* sidt %gs:-8(%rbx,%rcx,8): the base that VMSAVE knows */
	filled(SIM_DATA);
	sim.gs.base = SIM_DATA;
	sim.gpr[RBX] = 8;
	sim.gpr[RCX] = 5;
	sim_at(SIM_CODE);
	EXEC(IDTR, "\x65\x0f\x01\x4c\xcb\xf8");
	sim_went_on(SIM_CODE + 6);
	ck_assert_mem_eq(data(SIM_DATA + 40), IDTR_STORED, 10);
	/* str (%rsp): RSP is in the VMCB, RAX too */
	sim.gpr[RSP] = SIM_DATA + 0x200;
	sim_at(SIM_CODE);
	EXEC(TR, "\x0f\x00\x0c\x24");
	ck_assert_mem_eq(data(SIM_DATA + 0x200), "\x40\x00\xcc", 3);
	sim.gpr[RAX] = SIM_DATA + 0x300;
	sim_at(SIM_CODE);
	EXEC(LDTR, "\x0f\x00\x00");
	ck_assert_mem_eq(data(SIM_DATA + 0x300), "\x50\x00\xcc", 3);
	/* across two pages */
	filled(SIM_DATA + 0x1000);
	sim.gpr[RBX] = SIM_DATA + 0xffd;
	sim_at(SIM_CODE);
	run(&five[1]);
	sim_went_on(SIM_CODE + 3);
	ck_assert_mem_eq(data(SIM_DATA + 0xffd), IDTR_STORED, 3);
	ck_assert_mem_eq(data(SIM_DATA + 0x1000), &IDTR_STORED[3], 7);
	ck_assert_uint_eq(data(SIM_DATA + 0x1000)[7], 0xcc);
}
END_TEST

/* --- as on bare hardware: registers --- */

static u64 to_register(u64 code, const char *bytes, u32 count, u32 reg)
{
	sim_at(SIM_CODE);
	sim.gpr[reg] = 0x1122334455667788;
	sim_exec(code, bytes, count);
	sim_went_on(SIM_CODE + count);
	return sim.gpr[reg];
}
#define TO_REGISTER(code, bytes, reg) to_register(code, bytes, sizeof(bytes) - 1, reg)

START_TEST(register_forms)
{
	u32 model;

	for (model = SIM_EPYC; model <= SIM_PHENOM; model++) {
		sim_boot(model, "umip");
		C->cr0 = 0x80050033 | CR0_TS;
		sim_mode(64);
		/* 16 bits keep the rest; 32 and 64 zero-extend, SMSW has all of CR0 */
		ck_assert_uint_eq(TO_REGISTER(TR, "\x66\x0f\x00\xc8", RAX), 0x1122334455660040);
		ck_assert_uint_eq(TO_REGISTER(TR, "\x0f\x00\xc8", RAX), 0x40);
		ck_assert_uint_eq(TO_REGISTER(TR, "\x48\x0f\x00\xc8", RAX), 0x40);
		ck_assert_uint_eq(TO_REGISTER(LDTR, "\x66\x41\x0f\x00\xc7", R15),
				  0x1122334455660050);
		ck_assert_uint_eq(TO_REGISTER(LDTR, "\x41\x0f\x00\xc7", R15), 0x50);
		ck_assert_uint_eq(TO_REGISTER(LDTR, "\x0f\x00\xc4", RSP), 0x50);
		ck_assert_uint_eq(TO_REGISTER(CR0, "\x66\x0f\x01\xe1", RCX), 0x112233445566003b);
		ck_assert_uint_eq(TO_REGISTER(CR0, "\x0f\x01\xe1", RCX), 0x8005003b);
		ck_assert_uint_eq(TO_REGISTER(CR0, "\x48\x0f\x01\xe1", RCX), 0x8005003b);
		/* MOV from CR0 shares SMSW's exit. */
		ck_assert_uint_eq(TO_REGISTER(CR0, "\x0f\x20\xc2", RDX), 0x8005003b);
		ck_assert_uint_eq(TO_REGISTER(CR0, "\x41\x0f\x20\xc1", R9), 0x8005003b);
		ck_assert_uint_eq(TO_REGISTER(CR0, "\x0f\x20\xc4", RSP), 0x8005003b);
		ck_assert_uint_eq(V->exits[VMEXIT_SMSW], 3);
		ck_assert_uint_eq(V->exits[VMEXIT_CR_READ], 3);
		ck_assert_uint_eq(V->handled[umip_index()], 0);
	}
}
END_TEST

/* --- faults of the emulated store: nothing half written --- */

static void fails(const struct five *f, u64 rbx, u8 vector, u32 error)
{
	u32 before = guestmem_writes();

	sim_at(SIM_CODE);
	sim.gpr[RBX] = rbx;
	C->cr2 = 1;
	run(f);
	sim_fault(SIM_CODE, vector, error);
	if (vector != VECTOR_PF)
		ck_assert_uint_eq(C->cr2, 1);
	ck_assert_uint_eq(guestmem_writes(), before);
}

START_TEST(faults_of_the_kernel)
{
	u32 i;

	sim_boot(SIM_TCG, "umip");
	sim_mode(64);
	/* Let code and data have their accessed and dirty bits. */
	for (i = 0; i < ARRAY_SIZE(five); i++) {
		sim_at(SIM_CODE);
		sim.gpr[RBX] = SIM_DATA + 0xffc;
		run(&five[i]);
		sim.gpr[RBX] = SIM_DATA + 0x1ff0;
		sim_at(SIM_CODE);
		run(&five[i]);
	}
	for (i = 0; i < ARRAY_SIZE(five); i++) {
		fails(&five[i], SIM_NOTHING + 0x20, VECTOR_PF, PF_WRITE);
		ck_assert_uint_eq(C->cr2, SIM_NOTHING + 0x20);
		fails(&five[i], SIM_READONLY, VECTOR_PF, PF_WRITE | PF_PRESENT);
		ck_assert_uint_eq(C->cr2, SIM_READONLY);
		fails(&five[i], 0x0000800000000000, VECTOR_GP, 0);
		/* The first page would do, the second is not there. */
		fails(&five[i], SIM_DATA + 0x1fff, VECTOR_PF, PF_WRITE | PF_PRESENT);
		ck_assert_uint_eq(C->cr2, SIM_READONLY);
	}
	/* (%rsp) is in the stack segment */
	sim.gpr[RSP] = 0x0000800000000000;
	sim_at(SIM_CODE);
	EXEC(TR, "\x0f\x00\x0c\x24");
	sim_fault(SIM_CODE, VECTOR_SS, 0);
}
END_TEST

START_TEST(faults_of_segments)
{
	sim_boot(SIM_TCG, "umip");
	sim_mode(32);
	stores(&five[3], SIM_CODE, SIM_DATA + 8, "\x40\x00", 2);
	C->ds.limit = SIM_DATA + 9;
	stores(&five[3], SIM_CODE, SIM_DATA + 8, "\x40\x00", 2);
	fails(&five[3], SIM_DATA + 9, VECTOR_GP, 0);
	fails(&five[1], SIM_DATA + 8, VECTOR_GP, 0);
	C->ds.limit = 0xffffffff;
	C->ds.attr = 0xcf1; /* read-only */
	fails(&five[3], SIM_DATA + 8, VECTOR_GP, 0);
	C->ds.attr = 0;
	fails(&five[3], SIM_DATA + 8, VECTOR_GP, 0);
	C->ss.limit = 0x100;
	sim.gpr[RSP] = 0x100;
	sim_at(SIM_CODE);
	EXEC(TR, "\x0f\x00\x0c\x24");
	sim_fault(SIM_CODE, VECTOR_SS, 0);
}
END_TEST

START_TEST(memory_that_is_not_there_stops)
{
	struct walk_state s;

	sim_boot(SIM_TCG, "umip");
	s = (struct walk_state){ .cr0 = C->cr0, .cr3 = C->cr3, .cr4 = C->cr4, .efer = C->efer };
	guestmem_map(&s, SIM_NOTHING, 0, 0x7000000 | PTE_P | PTE_W | PTE_U);
	sim_at(SIM_CODE);
	sim.gpr[RBX] = SIM_NOTHING;
	run(&five[3]);
	ck_assert_uint_eq(machine.stopped, 1);
	machine.stopped = 0;
	sim_at(SIM_CODE);
	run(&five[0]);
	ck_assert_uint_eq(machine.stopped, 1);
}
END_TEST

/* Bytes that another processor has changed since: tried again, never taken for something else. */
START_TEST(changed_bytes_are_tried_again)
{
	sim_boot(SIM_TCG, "umip");
	sim_at(SIM_CODE);
	sim.gpr[RBX] = SIM_DATA;
	sim_exec(IDTR, "\x0f\x00\x0b", 3); /* STR */
	sim_went_on(SIM_CODE);
	sim_exec(TR, "\x90", 1);
	sim_went_on(SIM_CODE);
	sim_exec(CR0, "\x0f\x00\x0b", 3);
	sim_went_on(SIM_CODE);
	/* The accessed bits of the code's four entries; nothing more. */
	ck_assert_uint_eq(guestmem_writes(), 4);
	sim_at(SIM_NOTHING);
	sim_exit(IDTR, 0, 0);
	sim_fault(SIM_NOTHING, VECTOR_PF, PF_FETCH);
	sim_at(SIM_NOTHING);
	sim_exit(CR0, 0, 0);
	sim_fault(SIM_NOTHING, VECTOR_PF, PF_FETCH);
}
END_TEST

/* --- mode=dummy: what Linux gives programs on a processor with UMIP --- */

START_TEST(dummy_values)
{
	sim_boot(SIM_TCG, "umip:mode=dummy");
	set_tables();
	sim_cpl(3);
	sim_mode(64);
	stores(&five[0], SIM_CODE, SIM_DATA + 8, "\0\0\0\0\xfe\xff\xff\xff\xff\xff", 10);
	stores(&five[1], SIM_CODE, SIM_DATA + 8, "\0\0\0\0\xff\xff\xff\xff\xff\xff", 10);
	stores(&five[2], SIM_CODE, SIM_DATA + 8, "\x50\0", 2);
	stores(&five[3], SIM_CODE, SIM_DATA + 8, "\x40\0", 2);
	stores(&five[4], SIM_CODE, SIM_DATA + 8, "\x33\0", 2);
	sim.ldtr.selector = 0;
	stores(&five[2], SIM_CODE, SIM_DATA + 8, "\0\0", 2);
	sim_mode(32);
	stores(&five[0], SIM_CODE, SIM_DATA + 8, "\0\0\0\0\xfe\xff", 6);
	sim_mode(64);
	/* Registers as Linux writes them: the upper half stays. */
	ck_assert_uint_eq(TO_REGISTER(TR, "\x66\x0f\x00\xc8", RAX), 0x1122334455660040);
	ck_assert_uint_eq(TO_REGISTER(TR, "\x0f\x00\xc8", RAX), 0x1122334400000040);
	ck_assert_uint_eq(TO_REGISTER(TR, "\x48\x0f\x00\xc8", RAX), 0x40);
	ck_assert_uint_eq(TO_REGISTER(CR0, "\x0f\x01\xe1", RCX), 0x1122334480050033);
	ck_assert_uint_eq(V->handled[umip_index()], 11);
	/* The destination's faults are the program's. */
	fails(&five[1], SIM_NOTHING, VECTOR_PF, PF_WRITE | PF_USER);
	/* The kernel sees what there is. */
	sim_cpl(0);
	C->cr0 = 0x80050033 | CR0_TS;
	ck_assert_uint_eq(TO_REGISTER(CR0, "\x0f\x01\xe1", RCX), 0x8005003b);
	stores(&five[0], SIM_CODE, SIM_DATA + 8, GDTR_STORED, 10);
}
END_TEST

/* A program that changes its code under the exit costs itself only. */
START_TEST(dummy_for_changed_code)
{
	struct walk_state s;

	sim_boot(SIM_TCG, "umip:mode=dummy");
	sim_cpl(3);
	s = (struct walk_state){ .cr0 = C->cr0, .cr3 = C->cr3, .cr4 = C->cr4, .efer = C->efer };
	sim_at(SIM_CODE);
	sim_exec(IDTR, "\x90", 1);
	sim_went_on(SIM_CODE);
	guestmem_map(&s, SIM_NOTHING, 0, 0x7000000 | PTE_P | PTE_W | PTE_U);
	sim_at(SIM_NOTHING);
	sim_exit(IDTR, 0, 0);
	ck_assert_uint_eq(machine.stopped, 0);
	sim_at(SIM_CODE);
	sim.gpr[RBX] = SIM_NOTHING;
	run(&five[1]);
	ck_assert_uint_eq(machine.stopped, 0);
}
END_TEST

/* --- reports --- */

static const struct event *last_event(void)
{
	const struct event_ring *ring = machine_ring(0, NULL);

	ck_assert_uint_ne(ring->head, 0);
	return &ring->events[(ring->head - 1) % EVENT_RING];
}

static u64 reports(void)
{
	return machine_ring(0, NULL)->head;
}

/* mode=log: what bare hardware does, and a report of it. */
START_TEST(log_lets_through)
{
	u32 i;

	sim_boot(SIM_TCG, "umip:mode=log");
	machine.linux_side.tsc_hz = 1000000000;
	set_tables();
	sim_cpl(3);
	sim_mode(64);
	stores(&five[0], SIM_CODE, SIM_DATA + 8, GDTR_STORED, 10);
	ck_assert_uint_eq(reports(), 1);
	ck_assert_uint_eq(last_event()->action, ACTION_LOG);
	ck_assert_uint_eq(last_event()->feature, umip_index());
	ck_assert_uint_eq(last_event()->rule, EVENT_NO_RULE);
	ck_assert_uint_eq(last_event()->sel, DESC_GDTR);
	ck_assert_uint_eq(last_event()->rip, SIM_CODE);
	ck_assert_uint_eq(last_event()->len, 3);
	ck_assert_mem_eq(last_event()->bytes, "\x0f\x01\x03", 4);
	C->cr0 = 0x80050033 | CR0_TS;
	ck_assert_uint_eq(TO_REGISTER(CR0, "\x0f\x01\xe1", RCX), 0x8005003b);
	ck_assert_uint_eq(last_event()->kind, VMEXIT_SMSW);
	ck_assert_uint_eq(reports(), 2);
	/* A bad destination faults, and is told all the same. */
	fails(&five[1], SIM_NOTHING, VECTOR_PF, PF_WRITE | PF_USER);
	ck_assert_uint_eq(reports(), 3);
	/* The kernel's own are nobody's business. */
	sim_cpl(0);
	for (i = 0; i < ARRAY_SIZE(five); i++) {
		sim_at(SIM_CODE);
		sim.gpr[RBX] = SIM_DATA;
		run(&five[i]);
		sim_went_on(SIM_CODE + 3);
	}
	ck_assert_uint_eq(reports(), 3);
	/* No virtual CR4 bit: no #GP to look at. */
	ck_assert(!sim_exits(SVM_EXIT_EXCEPTION(VECTOR_GP)));
}
END_TEST

/* The modes that do not let through: as without reports, and reported. */
START_TEST(the_other_modes_report_if_told)
{
	static const struct {
		const char *features;
		enum action action;
	} modes[] = { { "umip:report=on", ACTION_DENY }, { "umip:mode=dummy:report=on", ACTION_SKIP } };
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		sim_boot(SIM_EPYC, modes[i].features);
		machine.linux_side.tsc_hz = 1000000000;
		for (j = 0; j < ARRAY_SIZE(five); j++) {
			sim_cpl(3);
			sim_at(SIM_CODE);
			sim.gpr[RBX] = SIM_DATA;
			run(&five[j]);
			if (modes[i].action == ACTION_DENY)
				sim_fault(SIM_CODE, VECTOR_GP, 0);
			else
				sim_went_on(SIM_CODE + 3);
			ck_assert_uint_eq(reports(), j + 1);
			ck_assert_uint_eq(last_event()->action, modes[i].action);
			ck_assert_uint_eq(last_event()->kind, five[j].kind);
			ck_assert_uint_eq(last_event()->cpl, 3);
			ck_assert_uint_eq(V->handled[umip_index()], j + 1);
		}
	}
	sim_boot(SIM_EPYC, "umip");
	sim_cpl(3);
	sim_at(SIM_CODE);
	run(&five[0]);
	ck_assert_uint_eq(reports(), 0);
}
END_TEST

START_TEST(the_rate_is_the_users)
{
	static const struct {
		const char *features;
		u32 passed;
	} rates[] = { { "umip:mode=log", 10 }, { "umip:mode=log:rate=3", 3 },
		      { "umip:mode=log:rate=0", 0 }, { "umip:report=on:rate=1", 1 } };
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		sim_boot(SIM_EPYC, rates[i].features);
		machine.linux_side.tsc_hz = 1000000000;
		sim_cpl(3);
		for (j = 0; j < 50; j++) {
			sim_at(SIM_CODE);
			sim.gpr[RBX] = SIM_DATA;
			run(&five[j % ARRAY_SIZE(five)]);
		}
		ck_assert_uint_eq(reports(), rates[i].passed);
		ck_assert_uint_eq(machine_ring(0, NULL)->suppressed, 50 - rates[i].passed);
	}
}
END_TEST

/* --- native, partial --- */

START_TEST(native_umip_is_left_alone)
{
	sim_new(SIM_EPYC);
	sim_cpuid(7, 0)[CPUID_ECX] |= 4;
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(feature_native(umip_index()));
	sim_cpuid(7, 0)[CPUID_ECX] = 0;
	ck_assert(feature_native(umip_index())); /* as it was then */
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(!feature_native(umip_index()));
	/* Leaf 7's data means nothing on a processor that ends before it. */
	sim_new(SIM_INTEL);
	sim_cpuid(0, 0)[CPUID_EAX] = 5;
	sim_cpuid(5, 0)[CPUID_ECX] = ~0u;
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(!feature_native(umip_index()));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		programs_get_gp, vm86_gets_gp, gp_while_a_fault_is_delivered,
		the_handler_says_the_same, off_means_no_intercepts, kernel_stores, operands_find_their_place, register_forms,
		faults_of_the_kernel, faults_of_segments, memory_that_is_not_there_stops,
		changed_bytes_are_tried_again, dummy_values,
		dummy_for_changed_code, log_lets_through, the_other_modes_report_if_told,
		the_rate_is_the_users, native_umip_is_left_alone,
	};

	return sim_main("umip", tests, ARRAY_SIZE(tests));
}
