// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuinfo.c - what Linux itself thinks of its processors: the flags of /proc/cpuinfo.
 *
 * A kernel reads CPUID and some MSRs at boot and keeps its own list; the bits that features
 * advertise are added to it. A processor that comes online has read its bare CPUID and is ANDed
 * into the list of all (identify_secondary_cpu()), so the bits are set again after each.
 */
#include <linux/smp.h>

#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "glue.h"

/* Linux's number for a CPUID bit; -1: it has none. */
static int cpuid_capability(const struct cpuid_bit *bit)
{
	static const struct {
		u32 leaf, subleaf;
		enum cpuid_reg reg;
		int word;
	} words[] = {
		{ 0x00000001, 0, CPUID_EDX, CPUID_1_EDX },
		{ 0x00000001, 0, CPUID_ECX, CPUID_1_ECX },
		{ 0x00000007, 0, CPUID_EBX, CPUID_7_0_EBX },
		{ 0x00000007, 0, CPUID_ECX, CPUID_7_ECX },
		{ 0x00000007, 0, CPUID_EDX, CPUID_7_EDX },
		{ 0x80000001, 0, CPUID_EDX, CPUID_8000_0001_EDX },
		{ 0x80000001, 0, CPUID_ECX, CPUID_8000_0001_ECX },
	};
	u32 i;

	/* One that Linux has by another name, because it comes from elsewhere, too. */
	if (bit->leaf == 0x80000021 && bit->reg == CPUID_EAX && bit->bit == 17)
		return X86_FEATURE_CPUID_FAULT;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].leaf == bit->leaf && words[i].subleaf == bit->subleaf &&
		    words[i].reg == bit->reg)
			return words[i].word * 32 + bit->bit;
	return -1;
}

static int msr_capability(const struct msr_bit *bit)
{
	return bit->msr == MSR_PLATFORM_INFO && bit->bit == MSR_PLATFORM_INFO_CPUID_FAULT_BIT ?
		       X86_FEATURE_CPUID_FAULT : -1;
}

/* The @n-th bit that a plan advertises, as Linux's number or -1. */
static int capability(const struct plan *plan, u32 n)
{
	return n < plan->cpuid_count ? cpuid_capability(&plan->cpuid[n]) :
				       msr_capability(&plan->msrs[n - plan->cpuid_count]);
}

/*
 * With kvm=aside KVM would pass on to its guests what it finds here (and wants of each processor what
 * it finds of all of them), but runs them on bare processors: a guest that has set CR4.UMIP is not
 * entered there. CPUID faulting it does not look for.
 */
static bool passed_on(int bit)
{
	return machine.kvm == KVM_ASIDE && bit != X86_FEATURE_CPUID_FAULT;
}

static void set_bits(struct cpuinfo_x86 *c, const struct plan *plan, bool on)
{
	unsigned long *all = (unsigned long *)c->x86_capability;
	u32 i;

	for (i = 0; i < plan->cpuid_count + plan->msr_count; i++) {
		int bit = capability(plan, i);

		if (bit < 0 || (on && passed_on(bit)))
			continue;
		if (on)
			set_bit(bit, all);
		else
			clear_bit(bit, all);
	}
}

/**
 * cpuinfo_adds() - whether a plan gives the processors a flag
 * @plan: the plan
 * @feature: X86_FEATURE_*
 */
bool cpuinfo_adds(const struct plan *plan, int feature)
{
	u32 i;

	for (i = 0; i < plan->cpuid_count + plan->msr_count; i++)
		if (capability(plan, i) == feature)
			return true;
	return false;
}

/*
 * The extension that carries us is not there for anybody else while it does, or, with kvm=nested, not all
 * of it. CPUID says so, but KVM believes Linux's list.
 */
static const int hidden[] = {
	X86_FEATURE_SVM, X86_FEATURE_VMX,
	/* With kvm=nested these, and of the next word what CPUID does not have. */
	X86_FEATURE_SEV, X86_FEATURE_SEV_ES,
};
#define HIDDEN_WHOLE 2
#define HIDDEN_BITS (ARRAY_SIZE(hidden) + 32)
static DECLARE_BITMAP(taken_out, HIDDEN_BITS);

static int hidden_feature(u32 i)
{
	return i < ARRAY_SIZE(hidden) ? hidden[i] :
					CPUID_8000_000A_EDX * 32 + (int)(i - ARRAY_SIZE(hidden));
}

static bool hides(u32 i, u32 svm_edx)
{
	if (machine.kvm != KVM_NESTED)
		return i < HIDDEN_WHOLE;
	return i >= HIDDEN_WHOLE &&
	       (i < ARRAY_SIZE(hidden) || !(svm_edx >> (i - ARRAY_SIZE(hidden)) & 1));
}

/* On the processor itself, in guest mode. */
static void hide(struct cpuinfo_x86 *c)
{
	u32 svm_edx = boot_cpu_has(X86_FEATURE_SVM) ? cpuid_edx(0x8000000a) : 0;
	u32 i;

	for (i = 0; i < HIDDEN_BITS; i++)
		if (hides(i, svm_edx) &&
		    test_and_clear_bit(hidden_feature(i), (unsigned long *)c->x86_capability))
			__set_bit(i, taken_out);
}

static void unhide(struct cpuinfo_x86 *c)
{
	u32 i;

	for (i = 0; i < HIDDEN_BITS; i++)
		if (test_bit(i, taken_out))
			set_bit(hidden_feature(i), (unsigned long *)c->x86_capability);
}

/* cpuinfo_show() - after a processor has come online and was taken. */
void cpuinfo_show(unsigned int cpu, const struct plan *plan)
{
	if (cpus_hold(cpu) != CPU_HELD)
		return;
	set_bits(&cpu_data(cpu), plan, true);
	if (cpus_all_held())
		set_bits(&boot_cpu_data, plan, true);
	if (machine.kvm == KVM_NESTED || (machine.kvm == KVM_ASIDE && !guard.locked))
		return;
	hide(&cpu_data(cpu));
	hide(&boot_cpu_data);
}

/* cpuinfo_hide() - every processor is held, and from now on nobody gets the extension. */
void cpuinfo_hide(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		hide(&cpu_data(cpu));
	hide(&boot_cpu_data);
}

/* cpuinfo_bare() - after a processor was given back. */
void cpuinfo_bare(unsigned int cpu)
{
	unhide(&cpu_data(cpu));
}

/* cpuinfo_all_bare() - after the last one was. */
void cpuinfo_all_bare(void)
{
	unhide(&boot_cpu_data);
	bitmap_zero(taken_out, HIDDEN_BITS);
}

/**
 * cpuinfo_update() - when the features in force change
 * @before: their bits go
 * @now: their bits come
 */
void cpuinfo_update(const struct plan *before, const struct plan *now)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		set_bits(&cpu_data(cpu), before, false);
		if (cpus_hold(cpu) == CPU_HELD)
			set_bits(&cpu_data(cpu), now, true);
	}
	set_bits(&boot_cpu_data, before, false);
	if (cpus_all_held())
		set_bits(&boot_cpu_data, now, true);
}
