// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX files on a simulated processor: what an exit does to the guest's state, field by field.
 * Descriptor tables: test_vmx_desc.c.
 */
#include <check.h>
#include <string.h>

#include "vmxsim.h"

/* --- CPUID --- */

static void cpuid(u32 leaf, u32 subleaf)
{
	F(GUEST_RIP) = RIP0;
	V->gpr[RAX] = 0xdead00000000 | leaf;
	V->gpr[RCX] = subleaf;
	sim_exit(VMX_EXIT_CPUID);
	check_skipped(2);
}

START_TEST(cpuid_same_on_both_paths)
{
	static const u32 subleaves[] = { 0, 1, 5, ~0u };
	u32 leaf, i, out[4];

	for (leaf = 0; leaf < 0x40; leaf++) {
		for (i = 0; i < ARRAY_SIZE(subleaves); i++) {
			u32 l = (leaf & 31) | (leaf & 32 ? 0x80000000 : 0);

			F(GUEST_CR4) ^= leaf & 1 ? 0 : CR4_OSXSAVE;
			cpuid_view(V, l, subleaves[i], out);
			cpuid(l, subleaves[i]);
			ck_assert_uint_eq(V->gpr[RAX], out[CPUID_EAX]);
			ck_assert_uint_eq(V->gpr[RBX], out[CPUID_EBX]);
			ck_assert_uint_eq(V->gpr[RCX], out[CPUID_ECX]);
			ck_assert_uint_eq(V->gpr[RDX], out[CPUID_EDX]);
		}
	}
	ck_assert_uint_eq(V->exits[VMEXIT_CPUID], 0x40 * 4);
}
END_TEST

START_TEST(cpuid_view_of_intel)
{
	cpuid(1, 0);
	ck_assert_uint_eq(V->gpr[RCX], 1u << 26 | 1u << 31);
	F(GUEST_CR4) |= CR4_OSXSAVE;
	cpuid(1, 0);
	ck_assert_uint_eq(V->gpr[RCX], 3u << 26 | 1u << 31);
	cpuid(7, 0);
	ck_assert_uint_eq(V->gpr[RCX], 1u << 2);
	cpuid(7, 1);
	ck_assert_uint_eq(V->gpr[RCX], 0);
}
END_TEST

/* SDM vol. 2A, CPUID: the bit is 0 outside 64-bit mode, which the root side is never in. */
START_TEST(cpuid_says_syscall_in_64_bit_code)
{
	struct guest_segment code = { 0, 0xffffffff, 0x23, 0xcfb };

	sim.leaf80000001_edx = 1u << 11 | 1u << 20 | 1u << 29;
	cpuid(0x80000001, 0);
	ck_assert_uint_eq(V->gpr[RDX], 1u << 11 | 1u << 20 | 1u << 29);
	vmx_set_segment(V, GUEST_CS, &code);
	V->gpr[RAX] = 0x80000001;
	sim_exit(VMX_EXIT_CPUID);
	ck_assert_uint_eq(V->gpr[RDX], 1u << 20 | 1u << 29);
}
END_TEST

START_TEST(cpuid_wraps_in_32_bit_code)
{
	struct guest_segment code = { 0, 0xffffffff, 0x23, 0xcfb };

	vmx_set_segment(V, GUEST_CS, &code);
	F(GUEST_RIP) = 0xffffffff;
	sim_exit(VMX_EXIT_CPUID);
	ck_assert_uint_eq(F(GUEST_RIP), 1);
	code.attr = 0x8fb;
	vmx_set_segment(V, GUEST_CS, &code);
	F(GUEST_RIP) = 0xffff;
	sim_exit(VMX_EXIT_CPUID);
	ck_assert_uint_eq(F(GUEST_RIP), 1);
}
END_TEST

START_TEST(skipping_ends_shadows_and_traps)
{
	F(GUEST_BLOCKING) = VMX_BLOCKING_STI;
	cpuid(0, 0);
	ck_assert_uint_eq(F(GUEST_BLOCKING), 0);
	F(GUEST_BLOCKING) = VMX_BLOCKING_MOV_SS | VMX_BLOCKING_NMI;
	cpuid(0, 0);
	ck_assert_uint_eq(F(GUEST_BLOCKING), VMX_BLOCKING_NMI);
	F(GUEST_RFLAGS) |= RFLAGS_RF;
	cpuid(0, 0);
	ck_assert(!(F(GUEST_RFLAGS) & RFLAGS_RF));
	ck_assert_uint_eq(F(GUEST_PENDING_DEBUG), 0);
	/* A breakpoint that MOV SS has kept is not lost. */
	F(GUEST_PENDING_DEBUG) = 1;
	F(GUEST_RFLAGS) |= RFLAGS_TF;
	cpuid(0, 0);
	ck_assert_uint_eq(F(GUEST_PENDING_DEBUG), BIT64(14) | 1);
	F(GUEST_PENDING_DEBUG) = 0;
	F(GUEST_DEBUGCTL) = DEBUGCTL_BTF;
	cpuid(0, 0);
	ck_assert_uint_eq(F(GUEST_PENDING_DEBUG), 0);
}
END_TEST

static void wrmsr_misc(u64 value)
{
	F(GUEST_RIP) = RIP0;
	V->gpr[RCX] = 0x140;
	V->gpr[RAX] = value;
	V->gpr[RDX] = 0;
	F(EXIT_LENGTH) = 2;
	sim_exit(VMX_EXIT_WRMSR);
	check_skipped(2);
}

/* While it is asked for, the short path answers no CPUID. */
START_TEST(cpuid_that_faults)
{
	u32 leaf;

	sim_reset("umip,cpuid_fault");
	wrmsr_misc(1);
	cpuid(0, 0);
	for (leaf = 0; leaf < 0x40; leaf++) {
		sim_user();
		F(GUEST_RIP) = RIP0;
		F(GUEST_RFLAGS) = RFLAGS_FIXED;
		F(ENTRY_EVENT) = 0;
		V->gpr[RAX] = (leaf & 31) | (leaf & 32 ? 0x80000000 : 0);
		V->gpr[RBX] = 0x1234;
		sim_exit(VMX_EXIT_CPUID);
		check_fault(VECTOR_GP, 0);
		ck_assert_uint_eq(V->gpr[RBX], 0x1234);
	}
	sim_reset("umip,cpuid_fault");
	wrmsr_misc(1);
	wrmsr_misc(0);
	sim_user();
	cpuid(0, 0);
	cpuid(0x80000008, 0);
}
END_TEST

/* A rule about the kernel's page faults costs programs' nothing; nor does it hide an exception. */
START_TEST(kernel_exceptions)
{
	struct traps *t = &machine.plans[0].traps;

	/* With the bit clear it is the others that would exit (25.6.3): none are. */
	ck_assert_uint_eq(F(EXCEPTIONS), 0);
	ck_assert_uint_eq(F(PF_MASK), 0);
	ck_assert_uint_eq(F(PF_MATCH), 0);
	t->kernel_exceptions = 1u << VECTOR_PF | 1u << VECTOR_DE;
	vmx_traps(V);
	ck_assert_uint_eq(F(EXCEPTIONS), 1u << VECTOR_PF | 1u << VECTOR_DE);
	ck_assert_uint_eq(F(PF_MASK), PF_USER);
	ck_assert_uint_eq(F(PF_MATCH), 0);
	t->exceptions = 1u << VECTOR_PF;
	vmx_traps(V);
	ck_assert_uint_eq(F(PF_MASK), 0);
	/* Nobody's: it goes on to the guest as it came. */
	F(EXIT_EVENT) = FAULT(VECTOR_PF);
	F(EXIT_ERROR) = PF_WRITE;
	F(QUALIFICATION) = 0x1234;
	sim_exit(VMX_EXIT_EVENT);
	check_fault(VECTOR_PF, PF_WRITE);
	ck_assert_uint_eq(sim.cr2, 0x1234);
}
END_TEST

/* --- control registers and MSRs --- */

static void mov_to_cr(u32 cr, u64 value)
{
	F(GUEST_RIP) = RIP0;
	F(GUEST_RFLAGS) = 2;
	F(EXIT_LENGTH) = 3;
	V->gpr[RDX] = value;
	F(QUALIFICATION) = cr | RDX << 8;
	sim_exit(VMX_EXIT_CR);
}

START_TEST(virtual_cr4_bit)
{
	ck_assert_uint_eq(F(CR4_MASK), CR4_VMXE | CR4_UMIP);
	ck_assert_uint_eq(F(CR4_SHADOW), CR4_PAE | CR4_PGE);
	mov_to_cr(4, CR4_PAE | CR4_PGE | CR4_UMIP);
	check_skipped(3);
	ck_assert_uint_eq(F(GUEST_CR4), CR4_PAE | CR4_PGE | CR4_VMXE);
	ck_assert_uint_eq(F(CR4_SHADOW), CR4_PAE | CR4_PGE | CR4_UMIP);
	ck_assert_uint_eq(sim.invalidated, 0);
	mov_to_cr(4, CR4_PAE | CR4_UMIP);
	check_skipped(3);
	ck_assert_uint_eq(F(GUEST_CR4), CR4_PAE | CR4_VMXE);
	ck_assert_uint_eq(sim.invalidated, 1);
	ck_assert_uint_eq(F(CR4_SHADOW), CR4_PAE | CR4_UMIP);
	mov_to_cr(4, 0);
	check_fault(VECTOR_GP, 0);
	mov_to_cr(4, CR4_PAE);
	check_skipped(3);
	ck_assert_uint_eq(F(CR4_SHADOW), CR4_PAE);
}
END_TEST

START_TEST(cr4_without_the_feature)
{
	sim_reset("none");
	ck_assert_uint_eq(F(CR4_MASK), CR4_VMXE);
	mov_to_cr(4, CR4_PAE | CR4_UMIP | CR4_VMXE);
	check_fault(VECTOR_GP, 0);
}
END_TEST

/* As on a processor whose firmware has locked VMX off: the bit is there, VMXON raises #GP. */
START_TEST(cr4_of_a_discreet_feature)
{
	sim_reset("umip:advertise=complete");
	/* Not ours: the processor itself refuses the bit, with #GP. */
	ck_assert_uint_eq(F(CR4_MASK), CR4_VMXE);
	ck_assert(F(PROC2) & VMX_PROC2_DESC);
}
END_TEST

START_TEST(cr4_says_that_the_processor_is_taken)
{
	mov_to_cr(4, CR4_PAE | CR4_PGE | CR4_VMXE);
	check_skipped(3);
	ck_assert_uint_eq(F(CR4_SHADOW), CR4_PAE | CR4_PGE | CR4_VMXE);
	ck_assert_uint_eq(F(GUEST_CR4), CR4_PAE | CR4_PGE | CR4_VMXE);
	F(GUEST_RIP) = RIP0;
	sim_exit(VMX_EXIT_VMXON);
	check_fault(VECTOR_GP, 0);
	F(GUEST_RFLAGS) = 2;
	sim_exit(VMX_EXIT_VMCLEAR);
	ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_EXCEPTION, VECTOR_UD));
	mov_to_cr(4, CR4_PAE | CR4_PGE);
	ck_assert_uint_eq(F(CR4_SHADOW), CR4_PAE | CR4_PGE);
	ck_assert_uint_eq(F(GUEST_CR4), CR4_PAE | CR4_PGE | CR4_VMXE);
	sim_exit(VMX_EXIT_VMXON);
	ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_EXCEPTION, VECTOR_UD));
}
END_TEST

START_TEST(cr0_is_shown_as_written)
{
	mov_to_cr(0, 0x80050013); /* NE cleared */
	check_skipped(3);
	ck_assert_uint_eq(F(GUEST_CR0), 0x80050033);
	ck_assert_uint_eq(vcpu_get(V, VCPU_CR0), 0x80050013);
	mov_to_cr(0, 0x180050013);
	check_fault(VECTOR_GP, 0);
	mov_to_cr(0, 0x80050012);
	check_fault(VECTOR_GP, 0);
	/* CLTS, then LMSW, which sets PE and TS and does not clear PE. */
	mov_to_cr(0, 0x8005003b);
	F(GUEST_RIP) = RIP0;
	F(QUALIFICATION) = 2 << 4;
	sim_exit(VMX_EXIT_CR);
	check_skipped(3);
	ck_assert_uint_eq(vcpu_get(V, VCPU_CR0), 0x80050033);
	F(GUEST_RIP) = RIP0;
	F(QUALIFICATION) = 3 << 4 | 8 << 16;
	sim_exit(VMX_EXIT_CR);
	check_skipped(3);
	ck_assert_uint_eq(vcpu_get(V, VCPU_CR0), 0x80050039);
}
END_TEST

START_TEST(cr3_where_it_must_exit)
{
	mov_to_cr(3, 0x5000);
	check_skipped(3);
	ck_assert_uint_eq(F(GUEST_CR3), 0x5000);
	ck_assert_uint_eq(sim.invalidated, 1);
	mov_to_cr(3, BIT64(36));
	check_fault(VECTOR_GP, 0);
	mov_to_cr(3, CR3_PCID_NOFLUSH | 0x6001);
	check_fault(VECTOR_GP, 0);
	F(GUEST_CR4) |= CR4_PCIDE;
	mov_to_cr(3, CR3_PCID_NOFLUSH | 0x6001);
	ck_assert_uint_eq(F(GUEST_CR3), 0x6001);
	F(QUALIFICATION) = 3 | 1 << 4 | R9 << 8;
	sim_exit(VMX_EXIT_CR);
	ck_assert_uint_eq(V->gpr[R9], 0x6001);
}
END_TEST

static void rdmsr(u32 msr)
{
	F(GUEST_RIP) = RIP0;
	V->gpr[RCX] = msr;
	sim_exit(VMX_EXIT_RDMSR);
}

START_TEST(msrs_that_would_give_us_away)
{
	rdmsr(MSR_FEATURE_CONTROL);
	check_skipped(2);
	ck_assert_uint_eq(V->gpr[RAX], FEATURE_CONTROL_LOCKED | BIT64(16));
	rdmsr(0x1234);
	check_skipped(2);
	ck_assert_uint_eq(V->gpr[RAX], 0x55667788);
	ck_assert_uint_eq(V->gpr[RDX], 0x11223344);
	rdmsr(MSR_VMX_BASIC);
	check_fault(VECTOR_GP, 0);
	F(GUEST_RFLAGS) = 2;
	rdmsr(0xc0011234);
	check_fault(VECTOR_GP, 0);
}
END_TEST

START_TEST(xsetbv)
{
	V->gpr[RCX] = 0;
	V->gpr[RDX] = 0;
	V->gpr[RAX] = 7;
	sim_exit(VMX_EXIT_XSETBV);
	check_skipped(2);
	ck_assert_uint_eq(sim.xcr0, 7);
	F(GUEST_RIP) = RIP0;
	V->gpr[RAX] = 6;
	sim_exit(VMX_EXIT_XSETBV);
	check_fault(VECTOR_GP, 0);
}
END_TEST

START_TEST(instructions_that_are_not_there)
{
	static const u32 reasons[] = { VMX_EXIT_VMCLEAR, 20, 21, 22, 23, 24, 25, 26, VMX_EXIT_VMXON,
				       VMX_EXIT_INVEPT, VMX_EXIT_INVVPID, VMX_EXIT_VMFUNC,
				       VMX_EXIT_GETSEC, VMX_EXIT_VMCALL };
	u32 i, user;

	for (user = 0; user < 2; user++) {
		for (i = 0; i < ARRAY_SIZE(reasons); i++) {
			sim_exit(reasons[i]);
			ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_EXCEPTION, VECTOR_UD));
		}
		sim_user();
	}
	F(ENTRY_EVENT) = 0;
	sim_reset("umip");
	sim_exit(VMX_EXIT_INVD);
	check_skipped(2);
	ck_assert_uint_eq(sim.wbinvds, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		cpuid_same_on_both_paths, cpuid_view_of_intel, cpuid_wraps_in_32_bit_code,
		cpuid_says_syscall_in_64_bit_code,
		kernel_exceptions,
		cpuid_that_faults,
		skipping_ends_shadows_and_traps, virtual_cr4_bit, cr4_without_the_feature,
		cr4_of_a_discreet_feature, cr4_says_that_the_processor_is_taken,
		cr0_is_shown_as_written, cr3_where_it_must_exit, msrs_that_would_give_us_away,
		xsetbv, instructions_that_are_not_there,
	};

	return sim_main("vmx", tests, ARRAY_SIZE(tests));
}
