// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine: what is found of a processor.
 */
#include "machine_harness.h"

/* --- what is found --- */

START_TEST(probe_finds_the_processor)
{
	sim_new(SIM_EPYC);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_str_eq(machine.virt->name, "AMD SVM");
	ck_assert_str_eq(machine.caps.slat, "NPT");
	ck_assert_uint_eq(machine.caps.facilities, FACILITY(DESC) | FACILITY(SMSW) |
							   FACILITY(SLAT) | FACILITY(MSR_BITMAP) |
							   FACILITY(IO_BITMAP));
	ck_assert_uint_eq(machine.max_basic, 0xd);
	ck_assert_uint_eq(machine.max_extended, 0x8000001f);
	ck_assert_uint_eq(machine.maxphyaddr, 48);
	ck_assert(machine.gbpages && machine.slat.gbpages);
	ck_assert(!machine.out_of_range_is_highest);
	ck_assert_uint_eq(machine.leaf1_ecx, ~0u);
	ck_assert_uint_eq(machine.decoder_flags, DECODER_LOCK_MOV_CR8 | DECODER_BRANCH_66);
	ck_assert_uint_eq(svm_features, 0xff);
	machine_probe(false, true, cpu_rdmsr_safe);
	ck_assert_ptr_null(machine.caps.slat);
	ck_assert(!(machine.caps.facilities & FACILITY(SLAT)));

	sim_new(SIM_PHENOM);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_uint_eq(machine.max_basic, 5);
	ck_assert(!machine.gbpages);
	sim_cpuid(0x80000000, 0)[CPUID_EAX] = 0x80000007;
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_ptr_null(machine.virt);
	ck_assert_uint_eq(machine.maxphyaddr, 36);

	sim_new(SIM_INTEL);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_str_eq(machine.virt->name, "Intel VMX");
	ck_assert_uint_eq(machine.leaf1_ecx, ~(3u << 5));
	ck_assert(machine.out_of_range_is_highest);
	sim_cpuid(1, 0)[CPUID_ECX] &= ~(1u << 5);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_ptr_null(machine.virt);
}
END_TEST

/* Each CR4 bit exists if the CPUID bit says so that the manuals name. */
START_TEST(probe_finds_cr4_bits)
{
	static const struct {
		u32 leaf, reg, bit;
		u64 cr4;
	} bits[] = {
		{ 1, CPUID_EDX, 1, CR4_VME | BIT64(1) },
		{ 1, CPUID_EDX, 2, CR4_DE },
		{ 1, CPUID_EDX, 3, CR4_PSE },
		{ 1, CPUID_EDX, 4, BIT64(2) },
		{ 1, CPUID_EDX, 6, CR4_PAE },
		{ 1, CPUID_EDX, 7, CR4_MCE },
		{ 1, CPUID_EDX, 13, CR4_PGE },
		{ 1, CPUID_EDX, 24, CR4_OSFXSR },
		{ 1, CPUID_EDX, 25, CR4_OSXMMEXCPT },
		{ 1, CPUID_ECX, 6, CR4_SMXE },
		{ 1, CPUID_ECX, 17, CR4_PCIDE },
		{ 1, CPUID_ECX, 26, CR4_OSXSAVE },
		{ 7, CPUID_EBX, 0, CR4_FSGSBASE },
		{ 7, CPUID_EBX, 7, CR4_SMEP },
		{ 7, CPUID_EBX, 20, CR4_SMAP },
		{ 7, CPUID_ECX, 2, CR4_UMIP },
		{ 7, CPUID_ECX, 3, CR4_PKE },
		{ 7, CPUID_ECX, 7, CR4_CET },
		{ 7, CPUID_ECX, 16, CR4_LA57 },
		{ 7, CPUID_EDX, 20, CR4_CET },
	};
	u32 i, *leaf;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		sim_new(SIM_EPYC);
		memset(sim_cpuid(1, 0), 0, 16);
		memset(sim_cpuid(7, 0), 0, 16);
		machine_probe(true, true, cpu_rdmsr_safe);
		ck_assert_uint_eq(machine.cr4_supported, BIT64(8)); /* PCE: always there */
		leaf = sim_cpuid(bits[i].leaf, 0);
		leaf[bits[i].reg] = 1u << bits[i].bit;
		machine_probe(true, true, cpu_rdmsr_safe);
		ck_assert_uint_eq(machine.cr4_supported, BIT64(8) | bits[i].cr4);
		/* What lies beyond the highest leaf means nothing. */
		sim_cpuid(0, 0)[CPUID_EAX] = 6;
		machine_probe(true, true, cpu_rdmsr_safe);
		ck_assert_uint_eq(machine.cr4_supported,
				  BIT64(8) | (bits[i].leaf == 7 ? 0 : bits[i].cr4));
	}
}
END_TEST

START_TEST(own_leaf_range_is_a_free_one)
{
	u32 *leaf1;

	sim_new(SIM_EPYC);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_uint_eq(machine.hypervisor_leaf, 0x40000000);
	leaf1 = sim_cpuid(1, 0);
	leaf1[CPUID_ECX] |= 1u << 31;
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_uint_eq(machine.hypervisor_leaf, 0x40000000);
	sim_cpuid(0x40000000, 0)[CPUID_EAX] = 0x4000000c;
	sim_cpuid(0x40000100, 0)[CPUID_EAX] = 0x40000101;
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_uint_eq(machine.hypervisor_leaf, 0x40000200);
}
END_TEST

START_TEST(unusable_processors_say_why)
{
	bool busy;

	sim_new(SIM_EPYC);
	machine_probe(true, true, cpu_rdmsr_safe);
	why = (struct text){ .at = why_room, .size = sizeof(why_room) };
	ck_assert(machine_usable(&busy, &why) && !busy);
	*sim_msr(MSR_VM_CR) = VM_CR_SVMDIS;
	ck_assert(!machine_usable(&busy, &why) && !busy);
	ck_assert_str_eq(why.at, "SVM is disabled by the firmware (VM_CR.SVMDIS)");
	*sim_msr(MSR_VM_CR) = 0;
	*sim_msr(MSR_EFER) |= EFER_SVME;
	why.length = 0;
	ck_assert(!machine_usable(&busy, &why) && busy);
	ck_assert_str_eq(why.at, "another hypervisor is active (EFER.SVME is set)");
	*sim_msr(MSR_EFER) &= ~EFER_SVME;
	*sim_msr(0xc0010010) = BIT64(23);
	why.length = 0;
	ck_assert(!machine_usable(&busy, &why) && !busy);
	ck_assert_str_eq(why.at, "memory encryption (SME) is on");
	/* The MSR bit means something only where CPUID has SME. */
	sim_cpuid(0x8000001f, 0)[CPUID_EAX] = 0;
	ck_assert(machine_usable(&busy, &why));
	sim_cpuid(0x80000000, 0)[CPUID_EAX] = 0x8000001e;
	ck_assert(machine_usable(&busy, &why));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		probe_finds_the_processor,
		probe_finds_cr4_bits,
		own_leaf_range_is_a_free_one,
		unusable_processors_say_why,
	};

	return sim_main("machine", tests, ARRAY_SIZE(tests));
}
