// SPDX-License-Identifier: GPL-2.0-only
/* kvm=aside on the simulated Intel processor; what both vendors do alike is in test_aside.c. */
#include <check.h>
#include <string.h>

#include "../../guest-glue/aside.h"
#include "../../guest-glue/hypercall.h"
#include "vmxsim.h"

#define CR4_BARE (CR4_PAE | CR4_PGE)
#define TOP (SIM_STACK + 0x800)

static void aside(const char *features)
{
	sim_reset(features);
	ck_assert(machine.caps.kvm_modes >> KVM_ASIDE & 1);
	machine.kvm = KVM_ASIDE;
	machine_show(&machine);
	machine.cpus = 1;
	cpuid_prepare(V);
}

static void mov_cr4(u64 value)
{
	F(GUEST_RIP) = RIP0;
	F(EXIT_LENGTH) = 3;
	V->gpr[RBX] = value;
	F(QUALIFICATION) = 4 | RBX << 8;
	ck_assert((value ^ F(CR4_SHADOW)) & F(CR4_MASK));
	sim_exit(VMX_EXIT_CR);
}

static u64 rdmsr(u32 msr)
{
	F(GUEST_RIP) = RIP0;
	F(EXIT_LENGTH) = 2;
	V->gpr[RCX] = msr;
	sim_exit(VMX_EXIT_RDMSR);
	return (u32)V->gpr[RAX] | V->gpr[RDX] << 32;
}

static u32 leaf1_ecx(void)
{
	F(GUEST_RIP) = RIP0;
	F(EXIT_LENGTH) = 2;
	V->gpr[RAX] = 1;
	V->gpr[RCX] = 0;
	sim_exit(VMX_EXIT_CPUID);
	return V->gpr[RCX];
}

static u64 frame(u32 n)
{
	u64 value;

	memcpy(&value, guestmem_page(SIM_STACK) + F(HOST_RSP) % PAGE_BYTES + 8 * n, 8);
	return value;
}

START_TEST(what_is_seen)
{
	aside("umip");
	ck_assert_uint_eq(leaf1_ecx() >> 5 & 3, 1); /* VMX, no SMX */
	ck_assert_uint_eq(rdmsr(MSR_FEATURE_CONTROL), sim.feature_control);
	check_skipped(2);
	/* Asked of the processor: this one has it in the simulation's own way. */
	rdmsr(0x1234);
	check_skipped(2);
	ck_assert_uint_eq(F(CR4_SHADOW) & CR4_VMXE, 0);
	sim_exit(VMX_EXIT_VMXON);
	ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_EXCEPTION, VECTOR_UD));
	machine.locked = true;
	machine_show(&machine);
	cpuid_prepare(V);
	ck_assert_uint_eq(leaf1_ecx() >> 5 & 3, 0);
	ck_assert_uint_eq(rdmsr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_VMX, 0);
	rdmsr(MSR_VMX_BASIC);
	check_fault(VECTOR_GP, 0);
}
END_TEST

START_TEST(vmxe_asks_for_the_processor)
{
	u32 i;

	aside("umip");
	for (i = 0; i < GPRS; i++)
		V->gpr[i] = 0x100 + i;
	F(GUEST_RSP) = TOP;
	F(GUEST_RFLAGS) = RFLAGS_FIXED | RFLAGS_IF | RFLAGS_TF;
	F(GUEST_BLOCKING) = VMX_BLOCKING_STI;
	/* Another bit changes with it. */
	mov_cr4(CR4_PAE | CR4_VMXE);
	ck_assert(V->aside && !V->active);
	ck_assert_uint_eq(F(HOST_RIP), (uintptr_t)aside_landing);
	ck_assert_uint_eq(F(HOST_RSP), TOP - 17 * 8);
	ck_assert_uint_eq(F(HOST_CR4), CR4_PAE | CR4_VMXE);
	ck_assert_uint_eq(frame(11), CR4_PAE | CR4_VMXE); /* RBX */
	ck_assert_uint_eq(frame(14), 0x100);		  /* RAX */
	ck_assert_uint_eq(frame(0), 0x100 + R15);
	ck_assert_uint_eq(frame(15), RFLAGS_FIXED | RFLAGS_IF | RFLAGS_TF);
	ck_assert_uint_eq(frame(16), RIP0 + 3);
	/* The same instruction exits once more, and nothing may come before it. */
	ck_assert_uint_eq(F(GUEST_RIP), RIP0);
	ck_assert_uint_eq(F(GUEST_RFLAGS), RFLAGS_FIXED | RFLAGS_RF);
	ck_assert_uint_eq(F(GUEST_BLOCKING), 0);
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert_uint_eq(F(CR4_SHADOW) & CR4_VMXE, 0);
	ck_assert_uint_eq(F(CR4_MASK) & CR4_VMXE, CR4_VMXE);
}
END_TEST

/* As with kvm=hide: the bit is there, and VMXON raises #GP. */
START_TEST(who_says_no)
{
	u32 i;

	for (i = 0; i < 3; i++) {
		aside("umip");
		F(GUEST_RSP) = TOP;
		if (i == 0)
			machine.locked = true;
		else if (i == 1)
			machine.stay = true;
		else
			mov_cr4(CR4_BARE | CR4_UMIP);
		mov_cr4(CR4_BARE | CR4_VMXE | (i == 2 ? CR4_UMIP : 0));
		check_skipped(3);
		ck_assert(!V->aside && V->active);
		ck_assert(F(CR4_SHADOW) & CR4_VMXE);
		F(GUEST_RIP) = RIP0;
		sim_exit(VMX_EXIT_VMXON);
		check_fault(VECTOR_GP, 0);
		F(GUEST_RFLAGS) = 2;
	}
	/* No stack to land on. */
	aside("umip");
	F(GUEST_RSP) = 0x800;
	mov_cr4(CR4_BARE | CR4_VMXE);
	check_fault(VECTOR_GP, 0);
	ck_assert(!V->aside && V->active);
	/* An NMI that is due comes first, and the write again. */
	aside("umip");
	F(GUEST_RSP) = TOP;
	V->nmis = 1;
	mov_cr4(CR4_BARE | CR4_VMXE);
	ck_assert(!V->aside && V->active);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_is_seen,
		vmxe_asks_for_the_processor,
		who_says_no,
	};

	return sim_main("vmx_aside", tests, ARRAY_SIZE(tests));
}
