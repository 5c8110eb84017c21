// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that a kernel has sealed: the calls, what they refuse, plans that come and go, writes.
 */
#include "stage.h"

#include <string.h>

#include "../../guest-glue/enlightened.h"

#define PAGE 0x30000000ULL
#define DEVICE 0xa0000000ULL
#define PAGES(n) ((n)*PAGE_BYTES)

static u64 handle;

/* A call as an enlightened kernel makes it. */
static u64 guest_call(u64 number, u64 a, u64 b)
{
	sim_at(SIM_CODE);
	sim.gpr[RAX] = number;
	sim.gpr[RDI] = a;
	sim.gpr[RSI] = b;
	sim.gpr[RDX] = 0x1234;
	EXEC(SVM_EXIT_VMMCALL, "\x0f\x01\xd9");
	sim_went_on(SIM_CODE + 3);
	handle = sim.gpr[RDX];
	return sim.gpr[RAX];
}

static u64 seal(u64 gpa, u64 pages)
{
	return guest_call(OLDGUARD_CALL_SEAL, gpa, pages);
}

/* The guest writes there; whether that is #GP(0). */
static bool refused(u64 gpa)
{
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_NPF, 1ULL << 32 | 7, gpa);
	if (C->event_inj)
		sim_fault(SIM_CODE, VECTOR_GP, 0);
	return C->event_inj;
}

static void guarded(u64 first, u64 last, bool is)
{
	ck_assert_uint_eq(slat_guarded(&machine, first), is);
	ck_assert_uint_eq(slat_guarded(&machine, last), is);
}

START_TEST(pages_are_sealed)
{
	u64 first;

	sim_boot(SIM_EPYC, "seal");
	ck_assert_uint_eq(seal(PAGE, 3), OLDGUARD_CALL_OK);
	first = handle;
	guarded(PAGE, PAGE + PAGES(3) - 1, true);
	guarded(PAGE - 1, PAGE + PAGES(3), false);
	ck_assert(refused(PAGE));
	ck_assert(refused(PAGE + PAGES(3) - 1));
	ck_assert(!refused(PAGE + PAGES(3)));
	/* Reading is nobody's affair. */
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_NPF, 1ULL << 32 | 5, PAGE);
	ck_assert(!C->event_inj);
	ck_assert_uint_eq(seal(PAGE + PAGES(3), 1), OLDGUARD_CALL_OK);
	ck_assert_uint_ne(handle, first);
	ck_assert_uint_eq(guest_call(HYPERCALL_MAGIC ^ HYPERCALL_SEALS, 0, 0), 2);
	ck_assert_uint_eq(guest_call(OLDGUARD_CALL_UNSEAL, first, 0), OLDGUARD_CALL_OK);
	guarded(PAGE, PAGE + PAGES(3) - 1, false);
	guarded(PAGE + PAGES(3), PAGE + PAGES(4) - 1, true);
	ck_assert(!refused(PAGE));
	ck_assert_uint_eq(guest_call(OLDGUARD_CALL_UNSEAL, first, 0), OLDGUARD_CALL_BAD);
	/* Reported, once each. */
	ck_assert_uint_eq(machine_ring(0, NULL)->head, 2);
	ck_assert_uint_eq(machine_ring(0, NULL)->events[0].addr, PAGE);
	ck_assert_uint_eq(machine_ring(0, NULL)->events[0].action, ACTION_DENY);
}
END_TEST

START_TEST(bad_ones_are_refused)
{
	struct seals before;

	sim_boot(SIM_EPYC, "seal");
	/* 1 MiB that is uncached. */
	*sim_msr(MSR_MTRR_PHYS_BASE0) = DEVICE;
	*sim_msr(MSR_MTRR_PHYS_MASK0) = (BIT64(48) - (1 << 20)) | 0x800;
	mtrr_read(&machine, &machine.mtrrs);
	ck_assert_uint_eq(seal(PAGE, 2), OLDGUARD_CALL_OK);
	before = machine.seals;
	ck_assert_uint_eq(seal(PAGE + 8, 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(handle, 0x1234);
	ck_assert_uint_eq(seal(PAGE, 0), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(PAGE, ~0ULL), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(PAGE, 1ULL << 52), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(~0xfffULL, 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(SIM_PHYS_END, 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(SIM_PHYS_END - PAGE_BYTES, 2), OLDGUARD_CALL_BAD);
	/* Sealed already, in part; registers; the block. */
	ck_assert_uint_eq(seal(PAGE - PAGES(1), 2), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(PAGE + PAGES(1), 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(DEVICE, 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(DEVICE - PAGE_BYTES, 2), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(SIM_PIECE_PA(0), 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(SIM_PIECE_PA(0) - PAGE_BYTES, 2), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(guest_call(OLDGUARD_CALL_UNSEAL, 0, 0), OLDGUARD_CALL_BAD);
	ck_assert(!memcmp(&before, &machine.seals, sizeof(before)));
	guarded(PAGE - 1, PAGE + PAGES(2), false);
	ck_assert_uint_eq(seal(SIM_PHYS_END - PAGE_BYTES, 1), OLDGUARD_CALL_OK);
}
END_TEST

START_TEST(there_is_an_end)
{
	u64 handles[SEALS_MAX];
	u32 i, j;

	sim_boot(SIM_EPYC, "seal");
	for (i = 0; i < SEALS_MAX; i++) {
		ck_assert_uint_eq(seal(PAGE + PAGES(2 * i), 1), OLDGUARD_CALL_OK);
		handles[i] = handle;
		for (j = 0; j < i; j++)
			ck_assert_uint_ne(handles[j], handle);
	}
	ck_assert_uint_eq(seal(PAGE + PAGES(2 * i), 1), OLDGUARD_CALL_FULL);
	guarded(PAGE + PAGES(2 * i), PAGE + PAGES(2 * i), false);
	ck_assert_uint_eq(guest_call(OLDGUARD_CALL_UNSEAL, handles[5], 0), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(seal(PAGE + PAGES(2 * i), 1), OLDGUARD_CALL_OK);
	/* No page left to split a large one with. */
	ck_assert_uint_eq(guest_call(OLDGUARD_CALL_UNSEAL, handle, 0), OLDGUARD_CALL_OK);
	machine.next = machine.limit;
	ck_assert_uint_eq(seal(2 * PAGE + PAGE_BYTES, 1), OLDGUARD_CALL_FULL);
	guarded(2 * PAGE, 2 * PAGE + PAGE_BYTES, false);
	for (i = 0; i < SEALS_MAX; i++)
		ck_assert_uint_eq(guest_call(OLDGUARD_CALL_UNSEAL, handles[i], 0),
				  i == 5 ? OLDGUARD_CALL_BAD : OLDGUARD_CALL_OK);
	guarded(PAGE, PAGE + PAGES(2 * SEALS_MAX), false);
}
END_TEST

START_TEST(only_the_kernel_asks)
{
	sim_boot(SIM_EPYC, "seal");
	sim_at(SIM_CODE);
	sim_cpl(3);
	sim.gpr[RAX] = OLDGUARD_CALL_SEAL;
	sim.gpr[RDI] = PAGE;
	sim.gpr[RSI] = 1;
	EXEC(SVM_EXIT_VMMCALL, "\x0f\x01\xd9");
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
	guarded(PAGE, PAGE, false);
	/* Numbers beside ours are nobody's. */
	sim_cpl(0);
	sim_at(SIM_CODE);
	sim.gpr[RAX] = OLDGUARD_CALL_SYNC + 1;
	EXEC(SVM_EXIT_VMMCALL, "\x0f\x01\xd9");
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
}
END_TEST

START_TEST(others_follow)
{
	sim_boot(SIM_EPYC, "seal");
	sim.flushes = 0;
	ck_assert_uint_eq(seal(PAGE, 1), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(sim.flushes, 0);
	ck_assert_uint_eq(guest_call(OLDGUARD_CALL_SYNC, 0, 0), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(sim.flushes, 1);
}
END_TEST

START_TEST(plans_come_and_go)
{
	u64 sealed;

	sim_boot(SIM_EPYC, "umip");
	ck_assert_uint_eq(seal(PAGE, 1), OLDGUARD_CALL_REFUSED);
	enforce("umip,seal", "");
	ck_assert_uint_eq(seal(PAGE, 2), OLDGUARD_CALL_OK);
	sealed = handle;
	/* Another plan takes it along, and rules that are about the same pages come and go. */
	enforce("seal", "mem:0x30001000-0x30002fff r deny");
	guarded(PAGE, PAGE + PAGES(3) - 1, true);
	enforce("seal", "");
	guarded(PAGE, PAGE + PAGES(2) - 1, true);
	guarded(PAGE + PAGES(2), PAGE + PAGES(2), false);
	ck_assert(refused(PAGE + PAGES(1)));
	enforce("seal", "mem:0x30001000-0x30002fff r deny");
	ck_assert_uint_eq(guest_call(OLDGUARD_CALL_UNSEAL, sealed, 0), OLDGUARD_CALL_OK);
	guarded(PAGE, PAGE + PAGES(1) - 1, false);
	guarded(PAGE + PAGES(1), PAGE + PAGES(3) - 1, true);
	/* Switched off: they are over. */
	enforce("seal", "");
	ck_assert_uint_eq(seal(PAGE, 2), OLDGUARD_CALL_OK);
	sealed = handle;
	enforce("umip", "");
	guarded(PAGE, PAGE + PAGES(2) - 1, false);
	enforce("seal", "");
	guarded(PAGE, PAGE + PAGES(2) - 1, false);
	ck_assert_uint_eq(guest_call(OLDGUARD_CALL_UNSEAL, sealed, 0), OLDGUARD_CALL_BAD);
}
END_TEST

START_TEST(locked)
{
	sim_boot(SIM_EPYC, "seal");
	ck_assert_uint_eq(seal(PAGE, 1), OLDGUARD_CALL_OK);
	machine.locked = true;
	ck_assert_uint_eq(guest_call(OLDGUARD_CALL_UNSEAL, handle, 0), OLDGUARD_CALL_REFUSED);
	ck_assert(refused(PAGE));
	/* More may be sealed. */
	ck_assert_uint_eq(seal(PAGE + PAGES(1), 1), OLDGUARD_CALL_OK);
}
END_TEST

/* What the root side stores for the guest does not get there either. */
START_TEST(emulated_stores)
{
	sim_boot(SIM_EPYC, "umip:mode=dummy,seal");
	ck_assert_uint_eq(seal(SIM_DATA, 1), OLDGUARD_CALL_OK);
	memset(guestmem_page(SIM_DATA), 0, 16);
	/* The tests' memory does not know of it by itself, as phys.c does. */
	guestmem_readonly(SIM_DATA);
	sim_at(SIM_CODE);
	sim_cpl(3);
	sim.gpr[RBX] = SIM_DATA;
	EXEC(SVM_EXIT_IDTR_READ, "\x0f\x01\x0b"); /* sidt (%rbx) */
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(guestmem_page(SIM_DATA)[2], 0);
}
END_TEST

START_TEST(cpuid_tells)
{
	sim_boot(SIM_EPYC, "seal");
	sim_at(SIM_CODE);
	sim.gpr[RAX] = machine.hypervisor_leaf + 1;
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	ck_assert_uint_eq(sim.gpr[RAX], OLDGUARD_VERSION_1);
	ck_assert_uint_eq(sim.gpr[RCX], 0);
	ck_assert_uint_eq(sim.gpr[RDX], OLDGUARD_OFFERS_SEAL);
	enforce("umip", "");
	sim_at(SIM_CODE);
	sim.gpr[RAX] = machine.hypervisor_leaf + 1;
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	ck_assert_uint_eq(sim.gpr[RDX], 0);
}
END_TEST

/* The vectors that the authors published: key 00 01 ... 0f, message 00 01 ... 07. */
START_TEST(siphash_is_siphash)
{
	const u64 key[2] = { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL };

	ck_assert_uint_eq(siphash(key, 0x0706050403020100ULL), 0x93f5f5799a932462ULL);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		pages_are_sealed, bad_ones_are_refused, there_is_an_end, only_the_kernel_asks,
		others_follow,	  plans_come_and_go,	locked,		 emulated_stores,
		cpuid_tells,	  siphash_is_siphash,
	};

	return sim_main("seal", tests, ARRAY_SIZE(tests));
}
