// SPDX-License-Identifier: GPL-2.0-only
/* forged.c - how the attacker runs a guest of his own: a hypervisor in a hundred lines. */
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/slab.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/trapnr.h>

#include "forged.h"

asm(".pushsection .rodata\n"
    ".globl forged_store, forged_load, forged_wrmsr, forged_rdmsr, forged_out, forged_vmsave, "
    "forged_vmload\n"
    ".globl forged_clgi, forged_cpuid, forged_end\n"
    ".code32\n"
    "forged_store: movb $0x5a, 0x2000\n\tmovb 0x2000, %bl\n\tvmmcall\n"
    "forged_load: mov $0x2000, %ecx\n1:\tor (%ecx), %ebx\n\tadd $4, %ecx\n\tcmp $0x3000, "
    "%ecx\n\tjne 1b\n\tvmmcall\n"
    "forged_wrmsr: wrmsr\n\tvmmcall\n"
    "forged_rdmsr: rdmsr\n\tvmmcall\n"
    "forged_out: out %al, %dx\n\tvmmcall\n"
    "forged_vmsave: vmsave\n\tvmmcall\n"
    "forged_vmload: vmload\n\tvmmcall\n"
    "forged_clgi: clgi\n\tstgi\n\tvmmcall\n"
    "forged_cpuid: cpuid\n\tvmmcall\n"
    "forged_end:\n"
    ".code64\n"
    ".popsection");

static u64 page(void)
{
	return get_zeroed_page(GFP_KERNEL);
}

static struct vmcb_seg flat(u16 selector, u16 attributes)
{
	return (struct vmcb_seg){ .selector = selector, .attrib = attributes, .limit = 0xffffffff };
}

static void fill_vmcb(struct forged *f)
{
	struct vmcb_control_area *c = &f->vmcb->control;
	struct vmcb_save_area *s = &f->vmcb->save;

	/* Every exception, and what else would be the end of the attacker's own machine. */
	c->intercepts[INTERCEPT_EXCEPTION] = ~0u;
	c->intercepts[INTERCEPT_WORD3] =
		BIT(INTERCEPT_INTR - 96) | BIT(INTERCEPT_NMI - 96) | BIT(INTERCEPT_SHUTDOWN - 96);
	c->intercepts[INTERCEPT_WORD4] = BIT(INTERCEPT_VMRUN - 128) | BIT(INTERCEPT_VMMCALL - 128);
	c->asid = 1;
	c->tlb_ctl = TLB_CONTROL_FLUSH_ALL_ASID;
	c->int_ctl = V_INTR_MASKING_MASK;
	c->nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
	c->nested_cr3 = __pa(f->table[0]);
	c->iopm_base_pa = __pa(f->maps);
	c->msrpm_base_pa = __pa(f->maps);
	s->cs = flat(8, 0xc9b);
	s->ds = s->es = s->ss = s->fs = s->gs = flat(16, 0xc93);
	s->efer = EFER_SVME;
	s->cr0 = X86_CR0_PE | X86_CR0_ET;
	s->dr6 = 0xffff0ff0;
	s->dr7 = 0x400;
	s->rflags = 2;
	s->rip = FORGED_CODE;
	s->g_pat = 0x0007040600070406;
}

void forged_map(struct forged *f, u64 pa)
{
	f->table[3][FORGED_TARGET / PAGE_SIZE] = pa | 7;
}

struct forged *forged_make(const u8 *code)
{
	struct forged *f = kzalloc(sizeof(*f), GFP_KERNEL);
	unsigned int i;

	if (!f)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(f->table); i++)
		f->table[i] = (u64 *)page();
	f->vmcb = (struct vmcb *)page();
	f->code = (u8 *)page();
	f->own = (u8 *)page();
	f->maps = (u8 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);
	if (!f->table[0] || !f->table[1] || !f->table[2] || !f->table[3] || !f->vmcb || !f->code ||
	    !f->own || !f->maps) {
		forged_free(f);
		return NULL;
	}
	for (i = 0; i < 3; i++)
		f->table[i][0] = __pa(f->table[i + 1]) | 7;
	f->table[3][FORGED_CODE / PAGE_SIZE] = __pa(f->code) | 7;
	forged_map(f, __pa(f->own));
	memcpy(f->code, code, forged_end - code);
	f->vmcb_pa = __pa(f->vmcb);
	fill_vmcb(f);
	return f;
}

void forged_free(struct forged *f)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(f->table); i++)
		free_page((unsigned long)f->table[i]);
	free_page((unsigned long)f->vmcb);
	free_page((unsigned long)f->code);
	free_page((unsigned long)f->own);
	free_pages((unsigned long)f->maps, 2);
	kfree(f);
}

/* The guest has all registers but RAX and RSP; those that C wants back are kept on the stack. */
static int enter(struct forged *f)
{
	int trap;

	asm volatile("push %%rbp\n\t"
		     "mov 8(%%rdi), %%rbx\n\t"
		     "mov 16(%%rdi), %%rcx\n\t"
		     "mov 24(%%rdi), %%rdx\n\t"
		     "push %%rdi\n\t"
		     "clgi\n"
		     "1:\tvmrun %%rax\n\t"
		     "mov $-1, %%eax\n"
		     "2:\tstgi\n\t"
		     "pop %%rdi\n\t"
		     "mov %%rbx, 8(%%rdi)\n\t"
		     "mov %%rcx, 16(%%rdi)\n\t"
		     "mov %%rdx, 24(%%rdi)\n\t"
		     "pop %%rbp\n" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=a"(trap)
		     : "0"(f->vmcb_pa), "D"(&f->rax)
		     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
		       "r15", "memory", "cc");
	return trap;
}

int forged_run(struct forged *f)
{
	u64 efer, hsave = 0, save = page();
	unsigned long flags;
	int trap;

	if (!save)
		return X86_TRAP_UD;
	local_irq_save(flags);
	rdmsrl(MSR_EFER, efer);
	trap = try_wrmsr(MSR_EFER, efer | EFER_SVME);
	if (trap == NO_TRAP) {
		rdmsrl(MSR_VM_HSAVE_PA, hsave);
		trap = try_wrmsr(MSR_VM_HSAVE_PA, __pa(save));
	}
	if (trap == NO_TRAP) {
		f->vmcb->save.rax = f->rax;
		f->vmcb->control.exit_code = 0;
		f->vmcb->control.exit_code_hi = 0;
		trap = enter(f);
		f->rax = f->vmcb->save.rax;
		wrmsrl(MSR_VM_HSAVE_PA, hsave);
	}
	try_wrmsr(MSR_EFER, efer);
	local_irq_restore(flags);
	free_page(save);
	return trap;
}

void forged_outcome(const struct forged *f, int trap, bool done)
{
	const struct vmcb_control_area *c = &f->vmcb->control;

	if (done)
		succeeded("exit 0x%x", c->exit_code);
	else if (trap != NO_TRAP)
		refused("%s", trap_name(trap));
	else if (c->exit_code == (u32)SVM_EXIT_ERR)
		refused("VMEXIT_INVALID");
	else if (c->exit_code == SVM_EXIT_NPF)
		refused("#NPF");
	else if (forged_came_through(f))
		ignored("the guest runs, and that is all");
	else
		refused("exit 0x%x", c->exit_code);
}
