// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuinfo.c - what Linux itself thinks of its processors: the flags of /proc/cpuinfo.
 *
 * A kernel reads CPUID at boot and keeps its own list; the bits that features advertise are added
 * to it. A processor that comes online has read its bare CPUID and is ANDed into the list of all
 * (identify_secondary_cpu()), so the bits are set again after each.
 */
#include <linux/smp.h>

#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "glue.h"

/* Linux's word of capability bits for a CPUID output register; -1: it has none. */
static int capability_word(const struct cpuid_bit *bit)
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

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].leaf == bit->leaf && words[i].subleaf == bit->subleaf &&
		    words[i].reg == bit->reg)
			return words[i].word;
	return -1;
}

static void set_bits(struct cpuinfo_x86 *c, const struct plan *plan, bool on)
{
	u32 i;

	for (i = 0; i < plan->cpuid_count; i++) {
		int word = capability_word(&plan->cpuid[i]);
		unsigned long *all = (unsigned long *)c->x86_capability;

		if (word < 0)
			continue;
		if (on)
			set_bit(word * 32 + plan->cpuid[i].bit, all);
		else
			clear_bit(word * 32 + plan->cpuid[i].bit, all);
	}
}

/*
 * The extension that carries us is not there for anybody else while it does. CPUID says so, but
 * KVM (6.12) believes Linux's list.
 */
static const int hidden[] = { X86_FEATURE_SVM, X86_FEATURE_VMX };
static DECLARE_BITMAP(taken_out, ARRAY_SIZE(hidden));

static void hide(struct cpuinfo_x86 *c)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(hidden); i++)
		if (test_and_clear_bit(hidden[i], (unsigned long *)c->x86_capability))
			__set_bit(i, taken_out);
}

static void unhide(struct cpuinfo_x86 *c)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(hidden); i++)
		if (test_bit(i, taken_out))
			set_bit(hidden[i], (unsigned long *)c->x86_capability);
}

/* cpuinfo_show() - after a processor has come online and was taken. */
void cpuinfo_show(unsigned int cpu, const struct plan *plan)
{
	set_bits(&cpu_data(cpu), plan, true);
	set_bits(&boot_cpu_data, plan, true);
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
	bitmap_zero(taken_out, ARRAY_SIZE(hidden));
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
		set_bits(&cpu_data(cpu), now, true);
	}
	set_bits(&boot_cpu_data, before, false);
	set_bits(&boot_cpu_data, now, true);
}
