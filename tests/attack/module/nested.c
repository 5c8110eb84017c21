// SPDX-License-Identifier: GPL-2.0-only
/*
 * nested.c - VMRUN in the hands of the attacker (kvm=nested): control blocks that lie, guests that
 * reach for what the attacker himself must not touch. Without oldguard each does what it is meant
 * to do, to a page of the attacker's own.
 */
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/trapnr.h>

#include "forged.h"
#include "oldguard.h"

enum { AT_NCR3, AT_TABLE, AT_WRITE, AT_READ, AT_MSRPM, AT_IOPM, AT_VMCB, AT_DEVICE_VMCB };
enum { BY_CLEARED, BY_MAP, BY_CLEAN_BITS };
enum { GIF_SET, GIF_BY_STGI, GIF_BY_SVME };

#define WITH(f, guest)                                                                             \
	struct forged *f = forged_make(guest);                                                     \
                                                                                                   \
	if (!f) {                                                                                  \
		impossible("no memory");                                                           \
		return;                                                                            \
	}

/* What only the guest can tell: the byte that it has read back. */
static bool stored(const struct forged *f)
{
	return forged_came_through(f) && (u8)f->rbx == FORGED_MARK;
}

/* Something of VMRUN's that lies in oldguard's memory. */
static void point(const struct attack *a)
{
	WITH(f, a->arg == AT_READ    ? forged_load
		: a->arg == AT_MSRPM ? forged_rdmsr
		: a->arg == AT_IOPM  ? forged_out
				     : forged_store);
	struct vmcb_control_area *c = &f->vmcb->control;
	u64 target;
	int trap;

	switch (a->arg) {
	case AT_NCR3:
		target = block_or(f->table[0]);
		c->nested_cr3 = target;
		break;
	case AT_TABLE:
		target = block_or(f->table[3]);
		f->table[2][0] = target | 7;
		break;
	case AT_WRITE:
	case AT_READ:
		memset(f->own, 1, PAGE_SIZE);
		forged_map(f, block_or(f->own));
		break;
	case AT_MSRPM:
		c->intercepts[INTERCEPT_WORD3] |= BIT(INTERCEPT_MSR_PROT - 96);
		c->msrpm_base_pa = block_or(f->maps);
		f->rcx = MSR_IA32_SYSENTER_EIP;
		break;
	case AT_IOPM:
		c->intercepts[INTERCEPT_WORD3] |= BIT(INTERCEPT_IOIO_PROT - 96);
		c->iopm_base_pa = block_or(f->maps);
		f->rdx = 0x80;
		break;
	case AT_VMCB: f->vmcb_pa = block_or(f->vmcb); break;
	case AT_DEVICE_VMCB:
		if (block_or(NULL))
			f->vmcb_pa = 0xfec00000;
		break;
	}
	trap = forged_run(f);
	switch (a->arg) {
	case AT_READ: forged_outcome(f, trap, forged_came_through(f) && f->rbx); break;
	case AT_MSRPM:
	case AT_IOPM: forged_outcome(f, trap, forged_came_through(f)); break;
	default: forged_outcome(f, trap, stored(f)); break;
	}
	forged_free(f);
}

/*
 * What the processor may have kept from the first time: an entry of the guest's TLB, or fields that
 * the clean bits say to be the same.
 */
static void second_time(const struct attack *a)
{
	WITH(f, forged_store);
	struct vmcb_control_area *c = &f->vmcb->control;
	u8 *other = (u8 *)get_zeroed_page(GFP_KERNEL);
	u64 target = block_or(other);
	int trap = forged_run(f);

	if (!stored(f) || !other) {
		impossible("a guest does not run at all: exit 0x%x", c->exit_code);
	} else {
		f->own[0] = 0;
		f->vmcb->save.rip = FORGED_CODE;
		f->rbx = 0;
		forged_map(f, target);
		c->tlb_ctl = a->arg == BY_CLEAN_BITS ? TLB_CONTROL_FLUSH_ALL_ASID
						     : TLB_CONTROL_DO_NOTHING;
		if (a->arg == BY_CLEAN_BITS) {
			c->msrpm_base_pa = c->iopm_base_pa = target;
			c->clean = ~0u;
		}
		trap = forged_run(f);
		/* An old translation leads to the attacker's own page. */
		forged_outcome(f, trap, stored(f) && !f->own[0]);
	}
	free_page((unsigned long)other);
	forged_free(f);
}

/* The guest writes what its owner must not: an MSR, with nothing in its way but oldguard. */
static void l2_wrmsr(const struct attack *a, u32 msr, u64 value)
{
	WITH(f, forged_wrmsr);
	u64 was = 0, now = 0;
	int trap;

	if (a->arg == BY_MAP)
		f->vmcb->control.intercepts[INTERCEPT_WORD3] |= BIT(INTERCEPT_MSR_PROT - 96);
	rdmsrl_safe(msr, &was);
	f->rcx = msr;
	f->rax = (u32)value;
	f->rdx = value >> 32;
	trap = forged_run(f);
	rdmsrl_safe(msr, &now);
	if (now != was)
		try_wrmsr(msr, was);
	forged_outcome(f, trap, now == value && now != was);
	forged_free(f);
}

static void l2_lstar(const struct attack *a)
{
	u64 was;

	rdmsrl(MSR_LSTAR, was);
	/* Nobody makes a system call here before it is as it was. */
	l2_wrmsr(a, MSR_LSTAR, was + 16);
}

/* VMLOAD takes ten registers at once, the entry points of system calls among them. */
static void vmload_lstar(const struct attack *a)
{
	WITH(f, forged_store);
	unsigned long flags;
	u64 was, now, efer;
	int trap;

	local_irq_save(flags);
	rdmsrl(MSR_EFER, efer);
	trap = try_wrmsr(MSR_EFER, efer | EFER_SVME);
	rdmsrl(MSR_LSTAR, was);
	now = was;
	if (trap == NO_TRAP) {
		asm volatile("vmsave" : : "a"(__pa(f->vmcb)) : "memory");
		f->vmcb->save.lstar = was + 16;
		if (a->arg != GIF_SET)
			asm volatile("clgi");
		asm volatile("1: vmload\n\tmov $-1, %%eax\n2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
			     : "=a"(trap)
			     : "a"(__pa(f->vmcb))
			     : "memory");
		if (a->arg == GIF_BY_SVME)
			try_wrmsr(MSR_EFER, efer & ~EFER_SVME);
		else if (a->arg == GIF_BY_STGI)
			asm volatile("stgi");
		rdmsrl(MSR_LSTAR, now);
		/* Without oldguard it is clear still. */
		if (a->arg == GIF_BY_SVME && try_wrmsr(MSR_EFER, efer | EFER_SVME) == NO_TRAP)
			asm volatile("stgi");
	}
	if (now != was)
		try_wrmsr(MSR_LSTAR, was);
	try_wrmsr(MSR_EFER, efer);
	local_irq_restore(flags);
	came_of(trap, now != was);
	forged_free(f);
}

/* The same with the address in oldguard's memory, which VMSAVE would write and VMLOAD tell. */
static void l1_swap(const struct attack *a)
{
	WITH(f, forged_store);
	u64 target = block_or(f->own), efer;
	unsigned long flags;
	int trap;

	local_irq_save(flags);
	rdmsrl(MSR_EFER, efer);
	trap = try_wrmsr(MSR_EFER, efer | EFER_SVME);
	if (trap == NO_TRAP && a->arg)
		asm volatile("1: vmsave\n\tmov $-1, %%eax\n2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
			     : "=a"(trap)
			     : "a"(target)
			     : "memory");
	else if (trap == NO_TRAP) {
		/* Without oldguard what was saved there, so that nothing changes. */
		if (target == __pa(f->own))
			asm volatile("vmsave" : : "a"(target) : "memory");
		asm volatile("1: vmload\n\tmov $-1, %%eax\n2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
			     : "=a"(trap)
			     : "a"(target)
			     : "memory");
	}
	try_wrmsr(MSR_EFER, efer);
	local_irq_restore(flags);
	came_of(trap, trap == NO_TRAP);
	forged_free(f);
}

/* VMSAVE writes constant memory of the kernel, or what lies there already: by its physical address. */
static void vmsave_rodata(const struct attack *a)
{
	u8 *at = (u8 *)(find("__start_rodata") & PAGE_MASK);
	u64 pa = slow_virt_to_phys(at), efer;
	struct page *page = pfn_to_page(PHYS_PFN(pa));
	u8 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	u8 *was = (u8 *)get_zeroed_page(GFP_KERNEL);
	unsigned long flags;
	bool changed;
	int trap;

	if (!alias || !was) {
		impossible("no memory");
	} else {
		local_irq_save(flags);
		memcpy(was, at, PAGE_SIZE);
		rdmsrl(MSR_EFER, efer);
		trap = try_wrmsr(MSR_EFER, efer | EFER_SVME);
		if (trap == NO_TRAP)
			asm volatile("1: vmsave\n\tmov $-1, %%eax\n2:\n" _ASM_EXTABLE_FAULT(1b, 2b)
				     : "=a"(trap)
				     : "a"(pa)
				     : "memory");
		changed = memcmp(was, at, PAGE_SIZE);
		if (changed)
			memcpy(alias, was, PAGE_SIZE);
		try_wrmsr(MSR_EFER, efer);
		local_irq_restore(flags);
		came_of(trap, changed);
	}
	vunmap(alias);
	free_page((unsigned long)was);
}

/* In the guest they take system-physical addresses, if nobody intercepts them. */
static void l2_swap(const struct attack *a)
{
	WITH(f, a->arg ? forged_vmsave : forged_vmload);
	int trap;

	/* FS, GS, TR and the like of the attacker's, for the guest to load again. */
	asm volatile("" : : : "memory");
	f->rax = block_or(f->own);
	if (!a->arg && f->rax == __pa(f->own)) {
		u64 efer;

		rdmsrl(MSR_EFER, efer);
		wrmsrl(MSR_EFER, efer | EFER_SVME);
		asm volatile("vmsave" : : "a"(f->rax) : "memory");
		wrmsrl(MSR_EFER, efer);
	}
	trap = forged_run(f);
	forged_outcome(f, trap, forged_came_through(f));
	forged_free(f);
}

static void l2_clgi(const struct attack *a)
{
	WITH(f, forged_clgi);
	int trap = forged_run(f);

	/* It comes back by itself only if its STGI works, too. */
	forged_outcome(f, trap, forged_came_through(f));
	forged_free(f);
}

/* Where #VMEXIT finds its host's state again, and what of it would be written. */
static void hsave(const struct attack *a)
{
	u8 *own = (u8 *)get_zeroed_page(GFP_KERNEL);
	u64 efer, was = 0, target;
	unsigned long flags;
	int trap;

	if (!own)
		return;
	target = block_or(own);
	local_irq_save(flags);
	rdmsrl(MSR_EFER, efer);
	try_wrmsr(MSR_EFER, efer | EFER_SVME);
	rdmsrl_safe(MSR_VM_HSAVE_PA, &was);
	trap = try_wrmsr(MSR_VM_HSAVE_PA, target);
	if (trap == NO_TRAP)
		wrmsrl(MSR_VM_HSAVE_PA, was);
	try_wrmsr(MSR_EFER, efer);
	local_irq_restore(flags);
	free_page((unsigned long)own);
	came_of(trap, trap == NO_TRAP);
}

static void l2_hsave(const struct attack *a)
{
	u8 *own = (u8 *)get_zeroed_page(GFP_KERNEL);

	if (own)
		l2_wrmsr(a, MSR_VM_HSAVE_PA, block_or(own));
	free_page((unsigned long)own);
}

/* Constant memory of the kernel, which the guest maps for itself. */
static void l2_rodata(const struct attack *a)
{
	WITH(f, forged_store);
	/* A page of nothing but names; the byte is a name's first. */
	u8 *at = (u8 *)(find("__start_rodata") & PAGE_MASK);
	u8 was = *at;
	int trap;

	forged_map(f, slow_virt_to_phys(at));
	trap = forged_run(f);
	forged_outcome(f, trap, *at == FORGED_MARK && was != FORGED_MARK);
	if (*at != was) {
		/* Put back in the same way. */
		f->code[6] = was;
		f->vmcb->save.rip = FORGED_CODE;
		forged_run(f);
	}
	forged_free(f);
}

/* The scratch register of a serial line that the rules lock. */
static void l2_port(const struct attack *a)
{
	WITH(f, forged_out);
	u8 was = inb(0x3ff), now;
	int trap;

	if (a->arg == BY_MAP)
		f->vmcb->control.intercepts[INTERCEPT_WORD3] |= BIT(INTERCEPT_IOIO_PROT - 96);
	f->rdx = 0x3ff;
	f->rax = (u8)~was;
	trap = forged_run(f);
	now = inb(0x3ff);
	if (now != was)
		outb(was, 0x3ff);
	forged_outcome(f, trap, now == (u8)~was);
	forged_free(f);
}

/* The processor itself refuses these, or the attacker has them anyway: the machine lives on. */
static void odd(const struct attack *a)
{
	WITH(f, forged_cpuid);
	struct vmcb_control_area *c = &f->vmcb->control;
	unsigned long flags, i;
	int trap;

	switch (a->arg) {
	case 0: c->asid = 0; break;
	case 1: c->intercepts[INTERCEPT_WORD4] &= ~BIT(INTERCEPT_VMRUN - 128); break;
	case 2: f->vmcb->save.efer = 0; break;
	case 3: c->event_inj = SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_EXEPT | 2; break;
	case 4: c->event_inj = SVM_EVTINJ_VALID | 1 << 8 | 3; break;
	case 5: f->vmcb->save.cr4 = ~0ull; break;
	case 6: f->vmcb->save.dr7 = ~0ull; break;
	case 7:
		c->intercepts[INTERCEPT_WORD3] = BIT(INTERCEPT_SHUTDOWN - 96);
		c->int_ctl = 0;
		break;
	case 8:
		c->nested_ctl = ~0ull & ~SVM_NESTED_CTL_SEV_ES_ENABLE & ~SVM_NESTED_CTL_SEV_ENABLE;
		break;
	case 9: c->asid = ~0u; break;
	}
	/* Nothing of the guest's interrupts is held back in the seventh. */
	for (i = 0; i < 20; i++) {
		f->vmcb->save.rip = FORGED_CODE;
		local_irq_save(flags);
		trap = forged_run(f);
		local_irq_restore(flags);
	}
	if (trap == NO_TRAP && forged_came_through(f))
		ignored("the guest runs, and that is all");
	else
		forged_outcome(f, trap, false);
	forged_free(f);
}

const struct attack nested_attacks[] = { { "nested-ncr3", point, AT_NCR3 },
					 { "nested-table", point, AT_TABLE },
					 { "nested-write", point, AT_WRITE },
					 { "nested-read", point, AT_READ },
					 { "nested-msrpm", point, AT_MSRPM },
					 { "nested-iopm", point, AT_IOPM },
					 { "nested-vmcb", point, AT_VMCB },
					 { "nested-vmcb-device", point, AT_DEVICE_VMCB },
					 { "nested-tlb", second_time, BY_MAP },
					 { "nested-clean-bits", second_time, BY_CLEAN_BITS },
					 { "nested-lstar", l2_lstar, BY_CLEARED },
					 { "nested-lstar-map", l2_lstar, BY_MAP },
					 { "nested-vmload-lstar", vmload_lstar, GIF_SET },
					 { "nested-stgi-lstar", vmload_lstar, GIF_BY_STGI },
					 { "nested-svme-lstar", vmload_lstar, GIF_BY_SVME },
					 { "nested-vmsave-rodata", vmsave_rodata },
					 { "nested-vmsave", l1_swap, 1 },
					 { "nested-vmload", l1_swap, 0 },
					 { "nested-l2-vmsave", l2_swap, 1 },
					 { "nested-l2-vmload", l2_swap, 0 },
					 { "nested-l2-clgi", l2_clgi },
					 { "nested-hsave", hsave },
					 { "nested-l2-hsave", l2_hsave, BY_CLEARED },
					 { "nested-rodata", l2_rodata },
					 { "nested-port", l2_port, BY_CLEARED },
					 { "nested-port-map", l2_port, BY_MAP },
					 { "nested-odd-asid0", odd, 0 },
					 { "nested-odd-vmrun", odd, 1 },
					 { "nested-odd-svme", odd, 2 },
					 { "nested-odd-nmi", odd, 3 },
					 { "nested-odd-event", odd, 4 },
					 { "nested-odd-cr4", odd, 5 },
					 { "nested-odd-dr7", odd, 6 },
					 { "nested-odd-masking", odd, 7 },
					 { "nested-odd-control", odd, 8 },
					 { "nested-odd-asid", odd, 9 },
					 {} };
