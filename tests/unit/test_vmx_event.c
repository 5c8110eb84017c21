// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX files on a simulated processor: NMIs, machine checks, events under delivery, INIT,
 * leaving.
 */
#include <check.h>
#include <string.h>

#include "vmxsim.h"

/* --- events --- */

#define NMI EVENT(VMX_EVENT_NMI, VECTOR_NMI)

static void nmi_exit(void)
{
	F(EXIT_EVENT) = NMI;
	F(VECTORING) = 0;
	sim_exit(VMX_EXIT_EVENT);
}

static bool window(void)
{
	return F(PROC) & VMX_PROC_NMI_WINDOW;
}

START_TEST(nmi_goes_to_the_guest)
{
	nmi_exit();
	ck_assert_uint_eq(F(ENTRY_EVENT), NMI);
	ck_assert(!window());
	ck_assert_uint_eq(V->nmis, 0);
	ck_assert_uint_eq(sim.unblocked, 1);
	/* In the guest's handler: the second one waits. */
	F(GUEST_BLOCKING) = VMX_BLOCKING_NMI;
	nmi_exit();
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert(window());
	F(GUEST_BLOCKING) = 0;
	sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(F(ENTRY_EVENT), NMI);
	ck_assert(!window());
	ck_assert_uint_eq(V->nmis, 0);
}
END_TEST

START_TEST(nmi_waits_for_mov_ss_and_not_for_sti)
{
	F(GUEST_BLOCKING) = VMX_BLOCKING_MOV_SS;
	nmi_exit();
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert_uint_eq(F(GUEST_BLOCKING), VMX_BLOCKING_MOV_SS);
	ck_assert(window());
	sim_reset("umip");
	F(GUEST_BLOCKING) = VMX_BLOCKING_STI;
	nmi_exit();
	ck_assert_uint_eq(F(ENTRY_EVENT), NMI);
	ck_assert_uint_eq(F(GUEST_BLOCKING), 0);
}
END_TEST

START_TEST(nmi_on_the_root_side)
{
	/* Two of them, as fault.c counts them. */
	V->nmis = 2;
	vmx_nmi(V);
	ck_assert(window());
	sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(F(ENTRY_EVENT), NMI);
	ck_assert(window());
	sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(F(ENTRY_EVENT), NMI);
	ck_assert(!window());
	sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
}
END_TEST

START_TEST(nmi_in_the_worst_moment)
{
	/* Between reading the controls and closing the window. */
	vmx_nmi(V);
	sim.nmi_at_window_write = true;
	sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(F(ENTRY_EVENT), NMI);
	ck_assert_uint_eq(V->nmis, 0);
	/* While other controls are replaced. */
	sim.nmi_at_window_write = true;
	sim_virt()->traps(V);
	ck_assert(window());
}
END_TEST

/* --- machine checks on the root side --- */

#define MC EVENT(VMX_EVENT_EXCEPTION, VECTOR_MC)

/* As fault.c keeps it. */
static void machine_check(void)
{
	V->machine_check = true;
	vmx_nmi(V);
	F(GUEST_CR4) |= CR4_MCE;
}

START_TEST(machine_check_goes_to_the_guest)
{
	machine_check();
	ck_assert(window());
	/* Whatever exits next, and if nothing does, the window. */
	F(EXIT_LENGTH) = 2;
	V->gpr[RCX] = 0x1234;
	sim_exit(VMX_EXIT_RDMSR);
	ck_assert_uint_eq(F(ENTRY_EVENT), MC);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0 + 2);
	ck_assert(!(F(GUEST_RFLAGS) & RFLAGS_RF));
	ck_assert(!V->machine_check);
	sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert(!window());
	machine_check();
	/* NMI blocking and shadows do not hold it back. */
	F(GUEST_BLOCKING) = VMX_BLOCKING_NMI | VMX_BLOCKING_STI;
	sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(F(ENTRY_EVENT), MC);
	ck_assert_uint_eq(F(GUEST_BLOCKING), VMX_BLOCKING_NMI | VMX_BLOCKING_STI);
}
END_TEST

START_TEST(machine_check_beside_other_events)
{
	/* The fault of the exit first, then the machine check at its handler. */
	machine_check();
	V->gpr[RCX] = 0xc0011234;
	sim_exit(VMX_EXIT_RDMSR);
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
	ck_assert(V->machine_check && window());
	sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(F(ENTRY_EVENT), MC);
	ck_assert(!window());
	/* Before an NMI, which is not lost. */
	machine_check();
	nmi_exit();
	ck_assert_uint_eq(F(ENTRY_EVENT), MC);
	ck_assert_uint_eq(V->nmis, 1);
	ck_assert(window());
	sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(F(ENTRY_EVENT), NMI);
	ck_assert_uint_eq(V->nmis, 0);
	/* Where the controls are replaced meanwhile the window stays open. */
	machine_check();
	sim_virt()->traps(V);
	ck_assert(window());
}
END_TEST

START_TEST(machine_check_of_an_entry)
{
	F(GUEST_CR4) |= CR4_MCE;
	sim_exit(VMX_REASON_ENTRY_FAILED | VMX_ENTRY_MACHINE_CHECK);
	ck_assert_uint_eq(F(ENTRY_EVENT), MC);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0);
	ck_assert(!V->machine_check);
	/* What that entry was to deliver is still there: SDM vol. 3, 27.8. */
	F(EXIT_REASON) = VMX_REASON_ENTRY_FAILED | VMX_ENTRY_MACHINE_CHECK;
	F(ENTRY_EVENT) = EVENT(VMX_EVENT_INTERRUPT, 0x30);
	vmx_exit(V);
	ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_INTERRUPT, 0x30));
	ck_assert(V->machine_check && window());
	sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(F(ENTRY_EVENT), MC);
}
END_TEST

START_TEST(machine_check_that_cannot_be_delivered)
{
	machine_check();
	F(GUEST_ACTIVITY) = VMX_ACTIVITY_WAIT_SIPI;
	vmx_machine_check(V);
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert(V->machine_check);
	sim_exit(VMX_EXIT_SIPI);
	ck_assert_uint_eq(F(ENTRY_EVENT), MC);
	/* Bare, a processor without CR4.MCE shuts down. */
	machine_check();
	F(GUEST_CR4) &= ~CR4_MCE;
	sim.may_reset = true;
	if (!setjmp(sim_reset_point))
		sim_exit(VMX_EXIT_NMI_WINDOW);
	ck_assert_uint_eq(sim.resets, 1);
}
END_TEST

static void violation(u64 address, u32 vectoring)
{
	F(GUEST_PHYSICAL) = address;
	F(QUALIFICATION) = MEM_WRITE;
	F(VECTORING) = vectoring;
	sim_exit(VMX_EXIT_EPT_VIOLATION);
}

START_TEST(events_are_delivered_again)
{
	violation(0xfee00000, EVENT(VMX_EVENT_INTERRUPT, 0x30));
	ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_INTERRUPT, 0x30));
	F(VECTORING_ERROR) = 6;
	violation(0xfee00000, FAULT(VECTOR_PF));
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_PF));
	ck_assert_uint_eq(F(ENTRY_ERROR), 6);
	violation(0xfee00000, EVENT(VMX_EVENT_INT_N, 0x80));
	ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_INT_N, 0x80));
	ck_assert_uint_eq(F(ENTRY_LENGTH), 2);
	F(GUEST_BLOCKING) = VMX_BLOCKING_NMI;
	violation(0xfee00000, NMI | VMX_EVENT_NMI_UNBLOCKED);
	ck_assert_uint_eq(F(ENTRY_EVENT), NMI);
	ck_assert_uint_eq(F(GUEST_BLOCKING), 0);
	violation(0xfee00000, 0);
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
}
END_TEST

START_TEST(faults_on_faults)
{
	/* Hidden memory: #GP, on top of what was under delivery. */
	violation(0x5000, 0);
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
	violation(0x5000, EVENT(VMX_EVENT_INTERRUPT, 0x30));
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
	violation(0x5000, EVENT(VMX_EVENT_EXCEPTION, VECTOR_UD));
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
	violation(0x5000, FAULT(VECTOR_PF));
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_DF));
	violation(0x5000, FAULT(VECTOR_NP));
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_DF));
}
END_TEST

START_TEST(iret_that_faults_keeps_nmis_blocked)
{
	F(GUEST_PHYSICAL) = 0xfee00000;
	F(QUALIFICATION) = MEM_READ | BIT64(12);
	F(VECTORING) = 0;
	sim_exit(VMX_EXIT_EPT_VIOLATION);
	ck_assert_uint_eq(F(GUEST_BLOCKING), VMX_BLOCKING_NMI);
}
END_TEST

START_TEST(unknown_exit_stops_the_guest)
{
	sim_exit(49);
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_DF));
	ck_assert(machine.stopped);
}
END_TEST

/* --- INIT, start-up, leaving --- */

START_TEST(init_and_sipi)
{
	V->gpr[RBX] = 5;
	sim_exit(VMX_EXIT_INIT);
	ck_assert_uint_eq(F(GUEST_ACTIVITY), VMX_ACTIVITY_WAIT_SIPI);
	ck_assert_uint_eq(F(GUEST_CR0), CR0_ET | CR0_NE);
	ck_assert_uint_eq(vcpu_get(V, VCPU_CR0), CR0_ET);
	ck_assert_uint_eq(F(GUEST_CR4), CR4_VMXE);
	ck_assert_uint_eq(F(GUEST_EFER), 0);
	ck_assert(!(F(ENTRY) & VMX_ENTRY_LONG_MODE));
	ck_assert_uint_eq(V->gpr[RBX], 0);
	ck_assert_uint_eq(V->gpr[RDX], 0x206a7);
	F(QUALIFICATION) = 0x9a;
	sim_exit(VMX_EXIT_SIPI);
	ck_assert_uint_eq(F(GUEST_ACTIVITY), VMX_ACTIVITY_ACTIVE);
	ck_assert_uint_eq(F(GUEST_SELECTOR(GUEST_CS)), 0x9a00);
	ck_assert_uint_eq(F(GUEST_BASE(GUEST_CS)), 0x9a000);
	ck_assert_uint_eq(F(GUEST_RIP), 0);
	ck_assert_uint_eq(F(GUEST_RSP), 0);
}
END_TEST

START_TEST(parked_without_unrestricted_guest)
{
	vmx_facts.proc2 &= ~VMX_PROC2_UNRESTRICTED;
	/* A step was due behind an STI. */
	F(GUEST_PENDING_DEBUG) = BIT64(14);
	sim_exit(VMX_EXIT_INIT);
	ck_assert_uint_eq(F(GUEST_ACTIVITY), VMX_ACTIVITY_HLT);
	ck_assert_uint_eq(F(GUEST_PENDING_DEBUG), 0);
	ck_assert(!(F(GUEST_RFLAGS) & RFLAGS_IF));
	/* Not even an NMI wakes it. */
	nmi_exit();
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
}
END_TEST

START_TEST(leaving_makes_linux_the_host)
{
	F(GUEST_BASE(GUEST_GS)) = 0xffff88800f900000;
	F(GUEST_SELECTOR(GUEST_DS)) = 0x2b;
	F(GUEST_SELECTOR(SEG_TR)) = 0x40;
	F(PROC2) |= VMX_PROC2_VPID;
	F(EXIT_LENGTH) = 3;
	V->active = 1;
	V->gpr[RAX] = 0x6f6c646775000000ULL; /* HYPERCALL_LEAVE */
	sim_exit(VMX_EXIT_VMCALL);
	ck_assert_uint_eq(V->gpr[RAX], 0);
	ck_assert_uint_eq(V->active, 0);
	/* The guest executes its VMCALL once more, and that exit arrives behind it. */
	ck_assert_uint_eq(F(GUEST_RIP), RIP0);
	ck_assert_uint_eq(F(HOST_RIP), RIP0 + 3);
	ck_assert_uint_eq(F(HOST_RSP), SIM_STACK + 0x800);
	ck_assert_uint_eq(F(HOST_CR3), F(GUEST_CR3));
	ck_assert_uint_eq(F(HOST_CR4), F(GUEST_CR4));
	ck_assert_uint_eq(F(HOST_GS_BASE), 0xffff88800f900000);
	ck_assert_uint_eq(F(HOST_SELECTOR(GUEST_CS)), 0x10);
	ck_assert_uint_eq(F(HOST_SELECTOR(GUEST_DS)), 0);
	ck_assert_uint_eq(F(HOST_TR_SELECTOR), 0x40);
	ck_assert(!(F(PROC2) & VMX_PROC2_VPID));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nmi_goes_to_the_guest, nmi_waits_for_mov_ss_and_not_for_sti, nmi_on_the_root_side,
		nmi_in_the_worst_moment, machine_check_goes_to_the_guest,
		machine_check_beside_other_events, machine_check_of_an_entry,
		machine_check_that_cannot_be_delivered, events_are_delivered_again, faults_on_faults,
		iret_that_faults_keeps_nmis_blocked, unknown_exit_stops_the_guest, init_and_sipi,
		parked_without_unrestricted_guest, leaving_makes_linux_the_host,
	};

	return sim_main("vmx_event", tests, ARRAY_SIZE(tests));
}
