// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's MTRRs under VMX: which writes exit, and when the second-level tables follow.
 */
#include <check.h>
#include <string.h>

#include "../../guest-glue/held.h"
#include "vmxsim.h"

static u8 bitmap[PAGE_BYTES];

static void build(bool slat)
{
	struct text why = { 0 };

	machine.caps.slat = slat ? "EPT" : NULL;
	machine.slat_root = 0;
	ck_assert(sim_virt()->build(&machine, &why));
	sim_virt()->maps(&machine, 0);
	memcpy(bitmap, sim_piece + machine.msr_map[0], sizeof(bitmap));
}

/* Those that are held for another reason have tests of their own. */
static bool held(u32 msr)
{
	u32 i;

	for (i = 0; i < VMX_HELD; i++)
		if (msr >= vmx_held[i].first && msr <= vmx_held[i].last)
			return held_applies(&machine, &vmx_held[i]);
	return false;
}

static bool write_exits(u32 msr)
{
	return bitmap[2048 + msr / 8] >> msr % 8 & 1;
}

START_TEST(writes_that_exit)
{
	u32 msr, count = 0;

	build(true);
	/* Three variable ranges, eleven MSRs of fixed ones, the default. */
	for (msr = 0; msr < 0x2000; msr++)
		count += write_exits(msr) && !held(msr) && msr != MSR_BIOS_UPDT_TRIG;
	ck_assert_uint_eq(count, 6 + 11 + 1);
	for (msr = 0x200; msr <= 0x205; msr++)
		ck_assert(write_exits(msr));
	for (msr = 0x268; msr <= 0x26f; msr++)
		ck_assert(write_exits(msr));
	ck_assert(write_exits(0x250) && write_exits(0x258) && write_exits(0x259));
	ck_assert(write_exits(0x2ff));
	/* Reading them costs nothing; writing the rest neither. */
	ck_assert(!write_exits(0x206));
	ck_assert_uint_eq(bitmap[0x200 / 8], 0);
	/* Without EPT the processor applies them itself. */
	build(false);
	for (msr = 0; msr < 0x2000; msr++)
		ck_assert(write_exits(msr) == (held(msr) || msr == MSR_BIOS_UPDT_TRIG));
}
END_TEST

static void wrmsr(u32 msr, u64 value)
{
	F(GUEST_RIP) = RIP0;
	V->gpr[RCX] = msr;
	V->gpr[RAX] = 0xabcd00000000 | (u32)value;
	V->gpr[RDX] = 0xabcd00000000 | value >> 32;
	sim_exit(VMX_EXIT_WRMSR);
}

static void check_done(u32 retyped, u32 invepts)
{
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0 + 2);
	ck_assert_uint_eq(sim.retyped, retyped);
	ck_assert_uint_eq(sim.invepts, invepts);
}

START_TEST(tables_follow)
{
	build(true);
	wrmsr(0x200, 0xc0000001);
	check_done(1, 1);
	ck_assert_uint_eq(sim.mtrr[0], 0xc0000001);
	wrmsr(0x201, 0xfc0000800);
	check_done(2, 2);
	ck_assert_uint_eq(sim.mtrr[1], 0xfc0000800);
	/* Our own translations go, too. */
	ck_assert_uint_eq(sim.root_flushes, 2);
	/* Off, with the caches on: all is UC now. */
	wrmsr(0x2ff, 0);
	check_done(3, 3);
	ck_assert(!V->types_due);
	wrmsr(0x26f, 0x0606060606060606);
	check_done(4, 4);
	ck_assert_uint_eq(V->exits[VMEXIT_MSR_WRITE], 4);
}
END_TEST

START_TEST(bad_values_fault)
{
	build(true);
	wrmsr(0x200, 7);
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
	ck_assert_uint_eq(F(ENTRY_ERROR), 0);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0);
	wrmsr(0x2ff, 0x100);
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
	ck_assert_uint_eq(sim.retyped + sim.invepts, 0);
	ck_assert_uint_eq(sim.mtrr[0xff], 0xc06);
}
END_TEST

/* As Linux does it: caches off, MTRRs off, change, MTRRs on, caches on. */
START_TEST(the_rendezvous)
{
	build(true);
	sim.cr0 |= CR0_CD;
	F(GUEST_CR0) |= CR0_CD;
	wrmsr(0x2ff, 0);
	check_done(0, 0);
	ck_assert_uint_eq(F(CR0_MASK), CR0_NE | CR0_CD);
	ck_assert_uint_eq(vcpu_get(V, VCPU_CR0), 0x80050033 | CR0_CD);
	wrmsr(0x202, 0xd0000001);
	wrmsr(0x203, 0xfff000800);
	check_done(0, 0);
	wrmsr(0x2ff, 0xc06);
	check_done(1, 1);
	/* The caches may come back without an exit. */
	ck_assert_uint_eq(F(CR0_MASK), CR0_NE);
	ck_assert_uint_eq(sim.root_flushes, 4);
}
END_TEST

START_TEST(caches_before_mtrrs)
{
	build(true);
	sim.cr0 |= CR0_CD;
	F(GUEST_CR0) |= CR0_CD;
	wrmsr(0x2ff, 0);
	/* MOV to CR0 that clears CD exits, by its bit of the mask. */
	F(GUEST_RIP) = RIP0;
	F(EXIT_LENGTH) = 3;
	F(QUALIFICATION) = 0 | 0 << 4 | RBX << 8;
	V->gpr[RBX] = 0x80050033;
	sim_exit(VMX_EXIT_CR);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0 + 3);
	ck_assert_uint_eq(sim.retyped, 1);
	ck_assert_uint_eq(sim.invepts, 1);
	ck_assert_uint_eq(F(CR0_MASK), CR0_NE);
	ck_assert_uint_eq(vcpu_get(V, VCPU_CR0), 0x80050033);
	/* No entry loads CD: the register itself has it. */
	ck_assert_uint_eq(sim.cr0 & CR0_CD, 0);
}
END_TEST

/* What is trapped for a feature's sake must still reach the register. */
START_TEST(cache_bits_of_a_trapped_cr0)
{
	machine.plans[0].traps.cr_write = 1;
	sim_virt()->traps(V);
	F(EXIT_LENGTH) = 3;
	F(QUALIFICATION) = 0 | 0 << 4 | RBX << 8;
	V->gpr[RBX] = 0x80050033 | CR0_CD | CR0_NW;
	sim_exit(VMX_EXIT_CR);
	ck_assert_uint_eq(sim.cr0, 0x80050033 | CR0_CD | CR0_NW);
	V->gpr[RBX] = 0x80050033 | CR0_CD;
	sim_exit(VMX_EXIT_CR);
	ck_assert_uint_eq(sim.cr0, 0x80050033 | CR0_CD);
	ck_assert_uint_eq(sim.retyped, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		writes_that_exit, tables_follow, bad_values_fault, the_rendezvous,
		caches_before_mtrrs, cache_bits_of_a_trapped_cr0,
	};

	return sim_main("vmx_mtrr", tests, ARRAY_SIZE(tests));
}
