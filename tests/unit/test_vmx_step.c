// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps under VMX: what the VMCS holds while one instruction runs under a wider view, and
 * afterwards.
 */
#include <check.h>
#include <string.h>

#include "vmxsim.h"

#define DB EVENT(VMX_EVENT_EXCEPTION, VECTOR_DB)
#define WRITTEN (MEM_WRITE | BIT64(7) | BIT64(8))
#define DR6 0xffff0ff0ULL
#define SHADOW (VMX_BLOCKING_STI | VMX_BLOCKING_MOV_SS)

static void policy(const char *text)
{
	static struct event_buckets buckets;
	static struct event_ring ring;
	struct features_on none = { 0 };
	struct policy rules;
	TEXT(why, 200);

	sim_reset("none");
	ck_assert(policy_parse(text, strlen(text), &rules, &why));
	ck_assert_msg(plan_make(&machine.plans[0], &none, &rules, machine.caps.facilities, &why),
		      "%s", why.at);
	machine.linux_side.tsc_hz = 1000000;
	machine.slat_root = 0x55000;
	V->buckets = &buckets;
	V->ring = &ring;
	sim_virt()->traps(V);
	sim.guarded = SIM_DATA;
	sim.dr6 = DR6;
	F(PIN) = vmx_facts.pin;
	F(EPTP) = machine.slat_root | 0x1e;
	F(QUALIFICATION) = WRITTEN;
	F(GUEST_PHYSICAL) = SIM_DATA + 8;
	F(GUEST_LINEAR) = 0xffff888000020008;
}

static void write_exit(void)
{
	F(VECTORING) = 0;
	sim_exit(VMX_EXIT_EPT_VIOLATION);
}

static void trap(u64 causes)
{
	F(EXIT_EVENT) = DB;
	F(QUALIFICATION) = causes;
	F(GUEST_RIP) = RIP0 + 3;
	sim_exit(VMX_EXIT_EVENT);
}

static bool tf(void)
{
	return F(GUEST_RFLAGS) & RFLAGS_TF;
}

static void check_closed(void)
{
	ck_assert_uint_eq(sim.view, 0);
	ck_assert_uint_eq(F(EPTP), machine.slat_root | 0x1e);
	ck_assert_uint_eq(F(PIN), vmx_facts.pin);
	ck_assert_uint_eq(F(EXCEPTIONS), 0);
	ck_assert_uint_eq(V->step.kind, STEP_OFF);
}

START_TEST(logged_and_let_through)
{
	policy("mem:0x20000-0x20fff r log");
	sim.dr6 = DR6 | DR6_BS;
	write_exit();
	ck_assert_uint_eq(sim.view, 1);
	ck_assert(sim.view_fetch && sim.view_pages == 1 && sim.view_page[0] == SIM_DATA + 8);
	ck_assert_uint_eq(F(EPTP), SIM_VIEW | 0x1e);
	ck_assert_uint_eq(sim.invepts, 1);
	ck_assert(tf());
	ck_assert_uint_eq(F(PIN), vmx_facts.pin | VMX_PIN_INTERRUPT);
	ck_assert_uint_eq(F(EXCEPTIONS) | 1u << VECTOR_NMI, ~0u);
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0);
	trap(DR6_BS);
	check_closed();
	ck_assert(!tf());
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert_uint_eq(F(GUEST_PENDING_DEBUG), 0);
	ck_assert_uint_eq(sim.dr6, DR6 | DR6_BS);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0 + 3);
	ck_assert_uint_eq(V->ring->head, 1);
	ck_assert_uint_eq(V->exits[VMEXIT_STEP], 1);
}
END_TEST

START_TEST(denied)
{
	policy("mem:0x20000-0x20fff r deny");
	write_exit();
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
	ck_assert_uint_eq(sim.view, 0);
	/* A walk that sets an accessed bit in what is no page table of anybody's. */
	policy("mem:rodata r deny");
	machine.plans[0].areas[0] =
		(struct area_range){ AREA_RODATA, SIM_DATA, SIM_DATA + 0xfff, 0 };
	machine.plans[0].area_count = 1;
	F(QUALIFICATION) = MEM_WRITE | BIT64(7);
	write_exit();
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
	/* In the kernel's tables it is let through, without a word. */
	policy("mem:tables r deny");
	machine.plans[0].areas[0] =
		(struct area_range){ AREA_TABLES, SIM_DATA, SIM_DATA + 0xfff, 0 };
	machine.plans[0].area_count = 1;
	V->ring->head = 0;
	F(QUALIFICATION) = MEM_WRITE | BIT64(7);
	write_exit();
	ck_assert_uint_eq(sim.view, 1);
	ck_assert_uint_eq(V->ring->head, 0);
	trap(DR6_BS);
	check_closed();
	/* And a store to them is not. */
	F(GUEST_RIP) = RIP0;
	F(QUALIFICATION) = WRITTEN;
	write_exit();
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
}
END_TEST

START_TEST(shadows_and_pending_traps_wait)
{
	static const u32 shadows[] = { VMX_BLOCKING_STI, VMX_BLOCKING_MOV_SS };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(shadows); i++) {
		policy("mem:0x20000-0x20fff r log");
		F(GUEST_BLOCKING) = shadows[i] | VMX_BLOCKING_NMI;
		F(GUEST_PENDING_DEBUG) = BIT64(12) | 1;
		write_exit();
		/* 27.3.1.5: with TF and a shadow there would have to be a pending BS. */
		ck_assert_uint_eq(F(GUEST_BLOCKING), VMX_BLOCKING_NMI);
		ck_assert_uint_eq(F(GUEST_PENDING_DEBUG), 0);
		/* Something came first: as it was. */
		sim_exit(VMX_EXIT_INTERRUPT);
		check_closed();
		ck_assert_uint_eq(F(GUEST_BLOCKING), shadows[i] | VMX_BLOCKING_NMI);
		ck_assert_uint_eq(F(GUEST_PENDING_DEBUG), BIT64(12) | 1);
		ck_assert(!tf());
		ck_assert_uint_eq(F(ENTRY_EVENT), 0);
		ck_assert_uint_eq(F(GUEST_RIP), RIP0);
		/* It has run: the shadow is over, and the breakpoint is told if it is on. */
		F(QUALIFICATION) = WRITTEN;
		F(GUEST_DR7) = 0x400 | 1;
		write_exit();
		trap(DR6_BS);
		ck_assert_uint_eq(F(GUEST_BLOCKING) & SHADOW, 0);
		ck_assert_uint_eq(F(GUEST_PENDING_DEBUG), BIT64(12) | 1);
		ck_assert_uint_eq(sim.dr6, DR6);
	}
	/* STI was the instruction: what the exit has saved stays. */
	policy("mem:0x20000-0x20fff r log");
	write_exit();
	F(GUEST_BLOCKING) = VMX_BLOCKING_STI;
	trap(DR6_BS);
	ck_assert_uint_eq(F(GUEST_BLOCKING), VMX_BLOCKING_STI);
}
END_TEST

START_TEST(the_guests_own_single_step)
{
	policy("mem:0x20000-0x20fff r log");
	F(GUEST_RFLAGS) |= RFLAGS_TF;
	write_exit();
	trap(DR6_BS);
	check_closed();
	ck_assert(tf());
	/* Pending, so that it joins what else is, and is right with a shadow (27.3.1.5). */
	ck_assert_uint_eq(F(GUEST_PENDING_DEBUG), DR6_BS);
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert_uint_eq(sim.dr6, DR6);
	policy("mem:0x20000-0x20fff r log");
	F(GUEST_RFLAGS) |= RFLAGS_TF;
	F(GUEST_DEBUGCTL) = DEBUGCTL_BTF;
	write_exit();
	ck_assert_uint_eq(F(GUEST_DEBUGCTL), 0);
	trap(DR6_BS);
	/* Nobody knows how long it was: it counts as a branch, and the trap clears BTF. */
	ck_assert_uint_eq(F(GUEST_DEBUGCTL), 0);
	ck_assert_uint_eq(F(GUEST_PENDING_DEBUG), DR6_BS);
	/* A breakpoint before the instruction is the guest's at once. */
	policy("mem:0x20000-0x20fff r log");
	write_exit();
	trap(1);
	check_closed();
	ck_assert_uint_eq(F(ENTRY_EVENT), DB);
	ck_assert_uint_eq(sim.dr6, DR6 | 1);
	ck_assert(!tf());
}
END_TEST

START_TEST(nmis)
{
	policy("mem:0x20000-0x20fff r log");
	write_exit();
	F(EXIT_EVENT) = EVENT(VMX_EVENT_NMI, VECTOR_NMI);
	sim_exit(VMX_EXIT_EVENT);
	check_closed();
	ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_NMI, VECTOR_NMI));
	ck_assert_uint_eq(F(GUEST_RIP), RIP0);
	ck_assert(!tf());
	/* One that comes to the root side while the step is made ready. */
	F(QUALIFICATION) = WRITTEN;
	sim.nmi_at_window_write = true;
	write_exit();
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert(F(PROC) & VMX_PROC_NMI_WINDOW);
	sim_exit(VMX_EXIT_NMI_WINDOW);
	check_closed();
	ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_NMI, VECTOR_NMI));
	ck_assert(!tf());
	ck_assert_uint_eq(V->nmis, 0);
}
END_TEST

START_TEST(an_instruction_that_faults)
{
	policy("mem:0x20000-0x20fff r log");
	write_exit();
	F(EXIT_EVENT) = FAULT(VECTOR_PF);
	F(EXIT_ERROR) = PF_WRITE;
	F(QUALIFICATION) = 0x12345;
	sim_exit(VMX_EXIT_EVENT);
	check_closed();
	ck_assert(!tf());
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_PF));
	ck_assert_uint_eq(F(ENTRY_ERROR), PF_WRITE);
	ck_assert_uint_eq(sim.cr2, 0x12345);
}
END_TEST

START_TEST(delivery_of_an_event)
{
	u32 event = EVENT(VMX_EVENT_INT_N, 0x80);

	policy("mem:0x20000-0x20fff r log");
	F(VECTORING) = event;
	F(EXIT_LENGTH) = 2;
	sim_exit(VMX_EXIT_EPT_VIOLATION);
	ck_assert(sim.view && !sim.view_fetch);
	ck_assert(!tf());
	ck_assert_uint_eq(F(ENTRY_EVENT), event);
	ck_assert_uint_eq(F(ENTRY_LENGTH), 2);
	F(VECTORING) = 0;
	F(QUALIFICATION) = MEM_FETCH | BIT64(7) | BIT64(8);
	F(GUEST_PHYSICAL) = 0x1000000;
	F(GUEST_RIP) = RIP0 + 0x100;
	sim_exit(VMX_EXIT_EPT_VIOLATION);
	check_closed();
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0 + 0x100);
}
END_TEST

START_TEST(string_io)
{
	policy("io:0x80 none log");
	/* OUTSB */
	F(QUALIFICATION) = 0x80ULL << 16 | 1 << 4;
	F(EXIT_LENGTH) = 1;
	sim_exit(VMX_EXIT_IO);
	ck_assert(tf());
	ck_assert(!(F(PROC) & VMX_PROC_IO_BITMAPS));
	ck_assert_uint_eq(sim.view, 0);
	ck_assert_uint_eq(F(EPTP), machine.slat_root | 0x1e);
	trap(DR6_BS);
	check_closed();
	ck_assert(F(PROC) & VMX_PROC_IO_BITMAPS);
	ck_assert(!tf());
}
END_TEST

START_TEST(programs_in_a_step)
{
	policy("mem:0x20000-0x20fff r log");
	sim_user();
	V->plan = &machine.plans[0];
	machine.plans[0].refuser[VMEXIT_DESC_STORE] = 1;
	write_exit();
	ck_assert(tf());
	/* The short cut would leave TF in the flags that its fault pushes. */
	F(EXIT_INFO) = 0;
	sim_exit(VMX_EXIT_GDTR_IDTR);
	check_closed();
	ck_assert(!tf());
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		logged_and_let_through,	    denied,    shadows_and_pending_traps_wait,
		the_guests_own_single_step, nmis,      an_instruction_that_faults,
		delivery_of_an_event,	    string_io, programs_in_a_step,
	};

	return sim_main("vmx_step", tests, ARRAY_SIZE(tests));
}
