// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is asked of an Intel processor before it is taken, with the sentence of each refusal; what
 * features can build on there.
 */
#include <check.h>
#include <string.h>

#include "vmxsim.h"

static char said[200];

static bool usable(bool *busy)
{
	struct text why = { .at = said, .size = sizeof(said) };

	said[0] = '\0';
	machine.caps = (struct virt_caps){ 0 };
	sim_virt()->caps(&machine.caps, true);
	return sim_virt()->usable(busy, &why);
}

/* Refused, not because somebody else is there, with exactly these words. */
static void refused(const char *sentence)
{
	bool busy = true;

	ck_assert(!usable(&busy));
	ck_assert(!busy);
	ck_assert_str_eq(said, sentence);
	sim_reset("umip");
}

START_TEST(usable_and_not)
{
	bool busy;

	ck_assert(usable(&busy));
	ck_assert_uint_eq(vmx_facts.proc & (VMX_PROC_CR3_LOAD | VMX_PROC_CR3_STORE), 0);
	ck_assert_uint_eq(vmx_facts.proc2,
			  VMX_PROC2_EPT | VMX_PROC2_RDTSCP | VMX_PROC2_UNRESTRICTED);
	ck_assert(vmx_facts.vpid && vmx_facts.efer);
	sim.cr4 |= CR4_VMXE;
	ck_assert(!usable(&busy) && busy);
	ck_assert_str_eq(said, "another hypervisor is active (CR4.VMXE is set)");
	sim_reset("umip");
	/* Locked off; inside SMX alone does not do either. Left open, it is ours to close. */
	sim.feature_control = FEATURE_CONTROL_LOCKED;
	refused("VMX is disabled by the firmware (IA32_FEATURE_CONTROL)");
	sim.feature_control = FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX_SMX;
	refused("VMX is disabled by the firmware (IA32_FEATURE_CONTROL)");
	sim.feature_control = 0;
	ck_assert(usable(&busy));
}
END_TEST

START_TEST(missing_controls_are_named)
{
	bool busy;

	sim.pin &= ~((u64)VMX_PIN_VIRTUAL_NMI << 32);
	refused("VMX: this processor lacks NMI exiting with virtual NMIs; bits 0x20");
	sim.pin &= ~((u64)VMX_PIN_NMI << 32);
	refused("VMX: this processor lacks NMI exiting with virtual NMIs; bits 0x8");
	sim.proc &= ~((u64)VMX_PROC_MSR_BITMAPS << 32);
	refused("VMX: this processor lacks MSR bitmaps; bits 0x10000000");
	sim.exit &= ~((u64)VMX_EXIT_HOST_64 << 32);
	refused("VMX: this processor lacks exit controls; bits 0x200");
	sim.entry &= ~((u64)VMX_ENTRY_LONG_MODE << 32);
	refused("VMX: this processor lacks entry controls; bits 0x200");
	/* An instruction that programs have used so far would be gone. */
	sim.proc2 &= ~((u64)VMX_PROC2_RDTSCP << 32);
	refused("VMX: this processor lacks a control that its own instructions need; bits 0x8");
	sim.proc2 &= ~((u64)VMX_PROC2_RDTSCP << 32);
	sim.leaf80000001_edx = 0;
	ck_assert(usable(&busy));
	sim_reset("umip");
	sim.leaf7_ebx = 1u << 10;
	refused("VMX: this processor lacks a control that its own instructions need; bits 0x1000");
}
END_TEST

/* What would exit all the time, and nobody would answer. */
START_TEST(forced_controls_are_named)
{
	sim.pin |= 1;
	refused("VMX: this processor forces pin-based controls; bits 0x1");
	sim.proc |= 1u << 7;
	refused("VMX: this processor forces processor-based controls; bits 0x80");
	sim.proc2 |= 1u << 6;
	refused("VMX: this processor forces secondary controls; bits 0x40");
	sim.exit |= 1u << 22;
	refused("VMX: this processor forces exit controls; bits 0x400000");
	sim.entry |= 1u << 13;
	refused("VMX: this processor forces entry controls; bits 0x2000");
}
END_TEST

START_TEST(registers_that_vmx_does_not_allow)
{
	sim.cr0 &= ~CR0_NE;
	refused("VMX: CR0 or CR4 has a bit that it does not allow");
	sim.cr0 |= BIT64(32);
	refused("VMX: CR0 or CR4 has a bit that it does not allow");
	sim.cr4 |= BIT64(24);
	refused("VMX: CR0 or CR4 has a bit that it does not allow");
}
END_TEST

/* The one that was asked first said what is to be had. */
START_TEST(processors_that_differ)
{
	bool busy;
	struct text why = { .at = said, .size = sizeof(said) };

	ck_assert(usable(&busy));
	sim.ept_vpid &= ~VMX_EPT_2M;
	ck_assert(!sim_virt()->usable(&busy, &why) && !busy);
	ck_assert_str_eq(said, "VMX: this processor has less than the first one");
	sim.ept_vpid |= VMX_EPT_2M;
	sim.ept_vpid &= ~VMX_VPID_INVVPID;
	why.length = 0;
	ck_assert(!sim_virt()->usable(&busy, &why));
	ck_assert_str_eq(said, "VMX: this processor has less than the first one");
	sim.ept_vpid |= VMX_VPID_INVVPID;
	why.length = 0;
	ck_assert(sim_virt()->usable(&busy, &why));
}
END_TEST

START_TEST(facilities)
{
	bool busy;

	ck_assert(usable(&busy));
	ck_assert_uint_eq(machine.caps.facilities, FACILITY(DESC) | FACILITY(SLAT) |
						   FACILITY(SLAT_TABLES) |
						   FACILITY(MSR_BITMAP) | FACILITY(IO_BITMAP));
	ck_assert_str_eq(machine.caps.slat, "EPT");
	sim.ept_vpid &= ~VMX_EPT_WB;
	ck_assert(usable(&busy));
	ck_assert_ptr_null(machine.caps.slat);
	ck_assert_uint_eq(vmx_facts.proc2, VMX_PROC2_RDTSCP);
	sim.proc2 &= ~((u64)VMX_PROC2_DESC << 32);
	sim.basic &= ~VMX_BASIC_TRUE;
	ck_assert(usable(&busy));
	ck_assert(!(machine.caps.facilities & FACILITY(DESC)));
	ck_assert(vmx_facts.proc & VMX_PROC_CR3_LOAD);
}
END_TEST

START_TEST(intercepts_follow_the_plan)
{
	ck_assert(F(PROC2) & VMX_PROC2_DESC);
	sim_reset("none");
	ck_assert(!(F(PROC2) & VMX_PROC2_DESC));
	ck_assert_uint_eq(F(EXCEPTIONS), 0);
	ck_assert_uint_eq(F(CR0_MASK), CR0_NE);
	machine.plans[0].traps =
		(struct traps){ .cr_write = 0x19, .exceptions = 0x40, .cr_read = 8 };
	sim_virt()->traps(V);
	ck_assert_uint_eq(F(CR0_MASK), ~0ULL);
	ck_assert_uint_eq(F(CR4_MASK), ~0ULL);
	ck_assert_uint_eq(F(EXCEPTIONS), 0x40);
	ck_assert_uint_eq(F(PROC) & 3u << 15, 3u << 15);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		usable_and_not, missing_controls_are_named, forced_controls_are_named,
		registers_that_vmx_does_not_allow, processors_that_differ, facilities,
		intercepts_follow_the_plan,
	};

	return sim_main("vmx_able", tests, ARRAY_SIZE(tests));
}
