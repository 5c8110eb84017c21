// SPDX-License-Identifier: GPL-2.0-only
/*
 * msrs.c - where system calls go, whether pages can be closed to execution, of which type memory is.
 */
#include <linux/irqflags.h>
#include <asm/msr.h>

#include "hostile.h"

/*
 * Writes, reads back and restores without touching memory in between: without EFER.NXE every page
 * that has the NX bit, the stack's among them, is one with a reserved bit.
 */
static int try_for_a_moment(u32 msr, u64 was, u64 value, u64 *seen)
{
	u32 low = was, high = was >> 32, upper = value >> 32;
	int trap;

	asm volatile("1: wrmsr\n\t"
		     "rdmsr\n\t"
		     "xchg %%eax, %[low]\n\t"
		     "xchg %%edx, %[high]\n\t"
		     "wrmsr\n\t"
		     "mov $-1, %%eax\n"
		     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap), [low] "+r"(low), [high] "+r"(high), "+d"(upper)
		     : "c"(msr), "a"((u32)value)
		     : "memory");
	*seen = low | (u64)high << 32;
	return trap;
}

#define MSR_BITS(msr, bits) ((unsigned long)(bits) << 32 | (msr))

static void rewrite(const struct attack *a)
{
	u32 msr = a->arg;
	u64 was, seen, value;
	unsigned long flags;
	int trap;

	local_irq_save(flags);
	if (rdmsrl_safe(msr, &was)) {
		local_irq_restore(flags);
		impossible("there is no MSR 0x%x", msr);
		return;
	}
	value = was ^ a->arg >> 32;
	trap = try_for_a_moment(msr, was, value, &seen);
	local_irq_restore(flags);
	came_of(trap, seen == value);
}

const struct attack msr_attacks[] = {
	{ "lstar", rewrite, MSR_BITS(MSR_LSTAR, 0x40) },
	{ "cstar", rewrite, MSR_BITS(MSR_CSTAR, 0x40) },
	{ "star", rewrite, MSR_BITS(MSR_STAR, 0x40) },
	{ "sfmask", rewrite, MSR_BITS(MSR_SYSCALL_MASK, X86_EFLAGS_IF) },
	{ "sysenter-cs", rewrite, MSR_BITS(MSR_IA32_SYSENTER_CS, 0x40) },
	{ "sysenter-esp", rewrite, MSR_BITS(MSR_IA32_SYSENTER_ESP, 0x40) },
	{ "sysenter-eip", rewrite, MSR_BITS(MSR_IA32_SYSENTER_EIP, 0x40) },
	{ "efer-nxe", rewrite, MSR_BITS(MSR_EFER, EFER_NX) },
	{ "efer-sce", rewrite, MSR_BITS(MSR_EFER, EFER_SCE) },
	/* Write-back becomes uncacheable. */
	{ "vmx-pat", rewrite, MSR_BITS(MSR_IA32_CR_PAT, 6) },
	{}
};
