// SPDX-License-Identifier: GPL-2.0-only
/*
 * virt.c - the processor's virtualisation extension, by which one would get below oldguard or at
 * its memory: on, used, and off again.
 */
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/svm.h>
#include <asm/trapnr.h>

#include "hostile.h"

#define TRY(insn, ...)                                                                             \
	({                                                                                         \
		int trap_;                                                                         \
                                                                                                   \
		asm volatile("1: " insn "\n\t"                                                     \
			     "mov $-1, %%eax\n"                                                    \
			     "2:\n" _ASM_EXTABLE_FAULT(1b, 2b)                                     \
			     : "=a"(trap_)                                                         \
			     : __VA_ARGS__                                                         \
			     : "memory", "cc");                                                    \
		trap_;                                                                             \
	})

enum insn { SVM_EFER, SVM_VMSAVE, SVM_VMLOAD, SVM_CLGI, SVM_HSAVE, VMX_CR4, VMX_VMXON, VMX_VMREAD };

static int svm_use(enum insn insn, u64 pa)
{
	u64 was;
	int trap;

	switch (insn) {
	case SVM_VMSAVE: return TRY("vmsave", "a"(pa));
	case SVM_VMLOAD:
		/* What VMSAVE has put there, so that nothing changes. */
		trap = TRY("vmsave", "a"(pa));
		return trap == NO_TRAP ? TRY("vmload", "a"(pa)) : trap;
	case SVM_CLGI:
		trap = TRY("clgi", "D"(0));
		if (trap == NO_TRAP)
			asm volatile("stgi");
		return trap;
	case SVM_HSAVE:
		if (rdmsrl_safe(MSR_VM_HSAVE_PA, &was))
			return X86_TRAP_GP;
		trap = try_wrmsr(MSR_VM_HSAVE_PA, pa);
		if (trap == NO_TRAP)
			wrmsrl(MSR_VM_HSAVE_PA, was);
		return trap;
	default: return NO_TRAP;
	}
}

static void use_svm(const struct attack *a)
{
	unsigned long page = get_zeroed_page(GFP_KERNEL), flags;
	u64 was, now;
	int trap;

	if (!page)
		return;
	local_irq_save(flags);
	rdmsrl(MSR_EFER, was);
	trap = try_wrmsr(MSR_EFER, was | EFER_SVME);
	rdmsrl(MSR_EFER, now);
	/* Without it on they do not exist; the attacker tries all the same. */
	if (a->arg != SVM_EFER)
		trap = svm_use(a->arg, __pa(page));
	if (now != was)
		try_wrmsr(MSR_EFER, was);
	local_irq_restore(flags);
	free_page(page);
	came_of(trap, trap == NO_TRAP && (a->arg != SVM_EFER || now & EFER_SVME));
}

/* VMXON wants a region with the revision, and IA32_FEATURE_CONTROL to allow it. */
static bool vmxon_region(unsigned long page)
{
	u64 basic, control;

	if (rdmsrl_safe(MSR_IA32_VMX_BASIC, &basic) || rdmsrl_safe(MSR_IA32_FEAT_CTL, &control))
		return false;
	*(u32 *)page = basic & 0x7fffffff;
	if (!(control & FEAT_CTL_LOCKED))
		wrmsrl(MSR_IA32_FEAT_CTL,
		       control | FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX);
	return true;
}

static void use_vmx(const struct attack *a)
{
	unsigned long page = get_zeroed_page(GFP_KERNEL), vmcs = get_zeroed_page(GFP_KERNEL), flags;
	unsigned long cr4, field = 0;
	u64 on_pa = __pa(page), vmcs_pa = __pa(vmcs);
	int on, trap;

	if (!page || !vmcs)
		return;
	local_irq_save(flags);
	vmxon_region(page);
	*(u32 *)vmcs = *(u32 *)page;
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	TRY("mov %[cr4], %%cr4", [cr4] "r"(cr4 | X86_CR4_VMXE));
	on = trap = TRY("vmxon %[pa]", [pa] "m"(on_pa));
	if (a->arg == VMX_VMREAD) {
		/* Below us, if we are a guest, this would be oldguard's own. */
		if (on == NO_TRAP) {
			TRY("vmclear %[pa]", [pa] "m"(vmcs_pa));
			TRY("vmptrld %[pa]", [pa] "m"(vmcs_pa));
		}
		/* The host's RIP. */
		trap = TRY("vmread %[field], %[value]", [field] "r"(0x6c16UL), [value] "r"(field));
	}
	if (on == NO_TRAP)
		TRY("vmxoff", "D"(0));
	TRY("mov %[cr4], %%cr4", [cr4] "r"(cr4));
	local_irq_restore(flags);
	free_page(page);
	free_page(vmcs);
	came_of(trap, trap == NO_TRAP);
}

/* VMXOFF at a guess: it would end the root mode that we are under. */
static void try_vmxoff(const struct attack *a)
{
	unsigned long page = get_zeroed_page(GFP_KERNEL), cr4, flags;
	u64 on_pa = __pa(page);
	int trap;

	if (!page)
		return;
	local_irq_save(flags);
	vmxon_region(page);
	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	TRY("mov %[cr4], %%cr4", [cr4] "r"(cr4 | X86_CR4_VMXE));
	TRY("vmxon %[pa]", [pa] "m"(on_pa));
	trap = TRY("vmxoff", "D"(0));
	TRY("mov %[cr4], %%cr4", [cr4] "r"(cr4));
	local_irq_restore(flags);
	free_page(page);
	came_of(trap, trap == NO_TRAP);
}

const struct attack virt_attacks[] = { { "svm-efer", use_svm, SVM_EFER },
				       { "svm-vmsave", use_svm, SVM_VMSAVE },
				       { "svm-vmload", use_svm, SVM_VMLOAD },
				       { "svm-clgi", use_svm, SVM_CLGI },
				       { "svm-hsave", use_svm, SVM_HSAVE },
				       { "vmx-vmxon", use_vmx, VMX_VMXON },
				       { "vmx-vmread", use_vmx, VMX_VMREAD },
				       { "vmx-vmxoff", try_vmxoff },
				       {} };
