// SPDX-License-Identifier: GPL-2.0-only
/*
 * PEBS in the guest: the simulated processor fails a test in which counters count on the root side
 * while PEBS is on (vmxsim.c); here is what the guest sees of it, which is nothing.
 */
#include <check.h>

#include "vmxsim.h"

#define COUNTERS 0x70000000fULL

/* A processor that has it; taken with these values in the MSRs. */
static void boot(u64 enabled, u64 counting)
{
	sim_reset("umip");
	sim.leaf1_edx |= 1u << 21;
	sim.perf_valid = COUNTERS;
	sim_virt()->caps(&machine.caps, true);
	sim.pebs_enable = enabled;
	sim.perf_global = counting;
	ck_assert(vmx_facts.pebs);
	ck_assert(vmx_pebs_take(V));
}

static void access(u32 reason, u32 msr, u64 value)
{
	F(GUEST_RIP) = RIP0;
	V->gpr[RCX] = msr;
	V->gpr[RAX] = (u32)value;
	V->gpr[RDX] = value >> 32;
	sim_exit(reason);
}

static void wrmsr(u32 msr, u64 value)
{
	access(VMX_EXIT_WRMSR, msr, value);
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
}

static u64 rdmsr(u32 msr)
{
	access(VMX_EXIT_RDMSR, msr, 0);
	return (u32)V->gpr[RAX] | V->gpr[RDX] << 32;
}

START_TEST(who_has_it)
{
	sim.leaf1_edx |= 1u << 21;
	ck_assert(!vmx_facts.pebs);
	ck_assert(vmx_pebs_present());
	sim.misc_enable = BIT64(12);
	ck_assert(!vmx_pebs_present());
	sim.misc_enable = 0;
	machine.max_basic = 9;
	ck_assert(!vmx_pebs_present());
	machine.max_basic = 13;
	sim.leaf1_edx &= ~(1u << 21);
	ck_assert(!vmx_pebs_present());
}
END_TEST

START_TEST(only_its_switch_exits)
{
	const u8 *map = sim_piece + machine.msr_map[0];

	boot(0, 0);
	sim_virt()->maps(&machine, 0);
	ck_assert_uint_eq(map[2048 + 0x3f1 / 8], 1u << (0x3f1 & 7));
	ck_assert_uint_eq(map[2048 + 0x38f / 8], 0);
	ck_assert_uint_eq(map[0x3f1 / 8], 0);
	vmx_facts.pebs = false;
	sim_virt()->maps(&machine, 0);
	ck_assert_uint_eq(map[2048 + 0x3f1 / 8], 0);
}
END_TEST

START_TEST(a_profiler_begins_and_ends)
{
	boot(0, 5);
	/* Off, exits have nothing to do. */
	sim_exit(VMX_EXIT_CPUID);
	ck_assert_uint_eq(F(EXIT_MSR_STORES) + F(EXIT_MSR_LOADS) + F(ENTRY_MSR_LOADS), 0);
	ck_assert_uint_eq(sim.perf_global, 5);
	wrmsr(MSR_PEBS_ENABLE, 1);
	ck_assert_uint_eq(sim.pebs_enable, 1);
	ck_assert_uint_eq(sim.perf_global, 5);
	ck_assert_uint_eq(F(EXIT_MSR_LOADS), 1);
	/* Without an exit the guest changes what counts, and finds it as it left it. */
	sim.perf_global = COUNTERS;
	sim_exit(VMX_EXIT_CPUID);
	ck_assert_uint_eq(sim.perf_global, COUNTERS);
	sim.perf_global = 0;
	sim_exit(VMX_EXIT_CPUID);
	ck_assert_uint_eq(sim.perf_global, 0);
	sim.perf_global = 3;
	wrmsr(MSR_PEBS_ENABLE, 3);
	ck_assert_uint_eq(sim.pebs_enable, 3);
	ck_assert_uint_eq(sim.perf_global, 3);
	ck_assert_uint_eq(rdmsr(MSR_PEBS_ENABLE), 3);
	wrmsr(MSR_PEBS_ENABLE, 0);
	ck_assert_uint_eq(sim.pebs_enable, 0);
	ck_assert_uint_eq(sim.perf_global, 3);
	ck_assert_uint_eq(F(EXIT_MSR_STORES) + F(EXIT_MSR_LOADS) + F(ENTRY_MSR_LOADS), 0);
}
END_TEST

START_TEST(values_that_the_processor_refuses)
{
	u32 on;

	for (on = 0; on < 2; on++) {
		boot(on, 7);
		access(VMX_EXIT_WRMSR, MSR_PEBS_ENABLE, BIT64(60));
		ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
		ck_assert_uint_eq(sim.pebs_enable, on);
		ck_assert_uint_eq(sim.perf_global, 7);
		ck_assert_uint_eq(F(ENTRY_MSR_LOADS), on);
	}
}
END_TEST

/* A profiler that was there before us, and stays. */
START_TEST(taken_and_given_back_meanwhile)
{
	boot(1, 0xf);
	ck_assert_uint_eq(F(ENTRY_MSR_LOADS), 1);
	sim_exit(VMX_EXIT_CPUID);
	ck_assert_uint_eq(sim.perf_global, 0xf);
	F(EXIT_LENGTH) = 3;
	V->gpr[RAX] = 0x6f6c646775000000ULL; /* HYPERCALL_LEAVE */
	sim_exit(VMX_EXIT_VMCALL);
	ck_assert_uint_eq(sim.perf_global, 0xf);
	/* The exit that arrives in Linux's world leaves it. */
	ck_assert_uint_eq(F(EXIT_MSR_STORES) + F(EXIT_MSR_LOADS), 0);
}
END_TEST

/* It exits where a feature watches it: then it is the guest's value that is meant. */
START_TEST(the_global_switch_under_watch)
{
	boot(0, 7);
	wrmsr(MSR_PERF_GLOBAL_CTRL, 0);
	ck_assert_uint_eq(sim.perf_global, 0);
	boot(1, 7);
	ck_assert_uint_eq(rdmsr(MSR_PERF_GLOBAL_CTRL), 7);
	wrmsr(MSR_PERF_GLOBAL_CTRL, 0xf);
	ck_assert_uint_eq(sim.perf_global, 0xf);
	ck_assert_uint_eq(sim.pebs_enable, 1);
	access(VMX_EXIT_WRMSR, MSR_PERF_GLOBAL_CTRL, BIT64(40));
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
	ck_assert_uint_eq(sim.perf_global, 0xf);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		who_has_it, only_its_switch_exits, a_profiler_begins_and_ends,
		values_that_the_processor_refuses, taken_and_given_back_meanwhile,
		the_global_switch_under_watch,
	};

	return sim_main("vmx_pebs", tests, ARRAY_SIZE(tests));
}
