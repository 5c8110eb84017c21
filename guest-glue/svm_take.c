// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_take.c - from a bare AMD processor to a guest and back: what it can, the control blocks, the
 * state that crosses (AMD APM vol. 2, ch. 15).
 */
#include "../vmexit/svm_nested.h"

#include "aside.h"
#include "held.h"
#include "string.h"
#include "svm.h"

#define MSR_SYSCFG 0xc0010010
#define SYSCFG_SME BIT64(23)

#define MSRPM_PAGES 2
/* 64 Ki ports and the three behind the last that a wide access reaches: APM vol. 2, 15.10.1. */
#define IOPM_PAGES 3

u32 svm_features;

bool svm_present(void)
{
	u32 out[4];

	cpu_cpuid(0x80000000, 0, out);
	if (out[CPUID_EAX] < 0x8000000a)
		return false;
	cpu_cpuid(0x80000001, 0, out);
	return out[CPUID_ECX] >> 2 & 1;
}

/* With SME on, memory is encrypted unless a page-table bit says otherwise; ours do not know it. */
static bool memory_encrypted(void)
{
	u32 out[4];

	cpu_cpuid(0x80000000, 0, out);
	if (out[CPUID_EAX] < 0x8000001f)
		return false;
	cpu_cpuid(0x8000001f, 0, out);
	return out[CPUID_EAX] & 1 && cpu_rdmsr(MSR_SYSCFG) & SYSCFG_SME;
}

bool svm_usable(bool *busy, struct text *why)
{
	*busy = false;
	if (cpu_rdmsr(MSR_VM_CR) & VM_CR_SVMDIS) {
		text_add(why, "SVM is disabled by the firmware (VM_CR.SVMDIS)");
		return false;
	}
	/* One that has no guest running at the moment, as it cannot have here, can go on below us. */
	if (cpu_rdmsr(MSR_EFER) & EFER_SVME && machine.kvm != KVM_NESTED) {
		*busy = true;
		text_add(why, "another hypervisor is active (EFER.SVME is set)");
		return false;
	}
	if (memory_encrypted()) {
		text_add(why, "memory encryption (SME) is on");
		return false;
	}
	return true;
}

void svm_caps(struct virt_caps *caps, bool slat_wanted)
{
	u32 out[4];

	cpu_cpuid(0x8000000a, 0, out);
	svm_features = out[CPUID_EDX];
	*caps = (struct virt_caps){
		.facilities = FACILITY(DESC) | FACILITY(SMSW) | FACILITY(MSR_BITMAP) |
			      FACILITY(IO_BITMAP),
		.kvm_modes = 1u << KVM_HIDE | 1u << KVM_ASIDE |
			     (svm_nested_caps() ? 1u << KVM_NESTED : 0),
	};
	if (slat_wanted && svm_features & SVM_HAS_NPT) {
		caps->facilities |= FACILITY(SLAT);
		caps->slat = "NPT";
		/* A nested walk is a user access: APM vol. 2, 15.25.5. Types: the MTRRs' (15.25.8). */
		machine.slat = (struct slat_format){
			.table = PTE_P | PTE_W | PTE_U | PTE_A,
			.leaf = PTE_P | PTE_W | PTE_U | PTE_A | PTE_D,
			.large = PTE_PS,
			.hidden = PTE_P | PTE_U | PTE_A | PTE_NX,
			.write = PTE_W,
			.no_execute = PTE_NX,
			.gbpages = machine.gbpages,
		};
	}
}

/* Two bits an MSR, read and write, in three vectors of 8192 MSRs: APM vol. 2, 15.11. */
static void intercept_msrs(u8 *map, const struct trap_range *range)
{
	static const u32 vectors[] = { 0, 0xc0000000, 0xc0010000 };
	u32 bits = (range->read ? 1u : 0) | (range->write ? 2u : 0);
	struct trap_range part;
	u32 i, msr, at;

	/* Those that the map does not reach always exit. */
	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		if (!trap_range_within(range, vectors[i], vectors[i] + 0x1fff, &part))
			continue;
		for (msr = part.first; msr <= part.last; msr++) {
			at = i * 0x800 * 8 + (msr - vectors[i]) * 2;
			map[at / 8] |= bits << at % 8;
		}
	}
}

static void intercept_mtrr(void *map, u32 msr)
{
	const struct trap_range mtrr = { msr, msr, false, true };

	intercept_msrs(map, &mtrr);
}

void svm_maps(struct machine *m, u32 plan)
{
	const struct trap_ranges *msrs = &m->plans[plan].traps.msr;
	static const struct trap_range own[] = {
		{ MSR_EFER, MSR_EFER, true, true },
		{ MSR_VM_CR, MSR_VM_CR, true, true },
		{ MSR_VM_HSAVE_PA, MSR_VM_HSAVE_PA, true, true },
	};
	u8 *map = block_va(m, m->msr_map[plan]);
	u32 i;

	memset(map, 0, MSRPM_PAGES * PAGE_BYTES);
	for (i = 0; i < ARRAY_SIZE(own); i++)
		intercept_msrs(map, &own[i]);
	if (m->caps.slat)
		mtrr_each(intercept_mtrr, map);
	for (i = 0; i < SVM_HELD; i++) {
		const struct trap_range held = { svm_held[i].first, svm_held[i].last, false, true };

		if (held_applies(m, &svm_held[i]))
			intercept_msrs(map, &held);
	}
	for (i = 0; i < msrs->count; i++)
		intercept_msrs(map, &msrs->range[i]);
}

bool svm_build(struct machine *m, struct text *why)
{
	/* Nested tables have as many levels as the root side's own: APM vol. 2, 15.25.3. */
	m->slat.levels = m->root_cr4 & CR4_LA57 ? 5 : 4;
	/* svm_cpuid_step() walks four levels of tables. */
	m->no_plain_cpuid = m->root_cr4 & CR4_LA57 && !(svm_features & SVM_HAS_NRIP);
	if (!machine_maps(m, MSRPM_PAGES, IOPM_PAGES) || (m->caps.slat && !slat_build(m)) ||
	    (m->kvm == KVM_NESTED && !svm_nested_build(m))) {
		text_add(why, "the root side's block is too small");
		return false;
	}
	return true;
}

/* Where this side sees a processor's VMCB, for as long as Linux's side builds it. */
static struct vmcb *vmcb_of(const struct vcpu *v)
{
	return block_va(&machine, cpu_area(&machine, v->id) + CPU_CONTROL);
}

void svm_build_vcpu(struct vcpu *v)
{
	struct vmcb *vmcb = vmcb_of(v);

	vmcb->intercept3 = SVM_ICPT_INIT | SVM_ICPT_CPUID | SVM_ICPT_INVLPGA | SVM_ICPT_MSR |
			   SVM_ICPT_SHUTDOWN;
	vmcb->intercept4 = SVM_ICPT_VMRUN | SVM_ICPT_VMMCALL | SVM_ICPT_VMLOAD | SVM_ICPT_VMSAVE |
			   SVM_ICPT_STGI | SVM_ICPT_CLGI | SVM_ICPT_SKINIT;
	vmcb->asid = 1;
	if (machine.caps.slat) {
		vmcb->nested_control = 1;
		vmcb->nested_cr3 = machine.slat_root;
	}
	if (machine.nested)
		svm_nested_build_vcpu(v, vmcb);
}

/* The hidden part of a segment register, out of the descriptor tables. */
static void read_segment(struct vmcb_segment *s, u16 selector, const struct table_reg *gdtr,
			 u64 ldt)
{
	u64 d;

	*s = (struct vmcb_segment){ .selector = selector };
	if (selector < 4)
		return;
	d = *(const u64 *)(uintptr_t)((selector & 4 ? ldt : gdtr->base) + (selector & ~7));
	s->attr = (d >> 40 & 0xff) | (d >> 44 & 0xf00);
	s->limit = (d & 0xffff) | (d >> 32 & 0xf0000);
	if (s->attr & SEG_GRAN)
		s->limit = s->limit << 12 | 0xfff;
	s->base = (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000);
}

/* The processor as it is becomes the guest; RIP, RSP and RAX are svm_launch()'s to fill in. */
static void read_state(struct vmcb *vmcb, u64 vmcb_pa)
{
	struct table_reg gdtr, idtr;
	u16 selectors[6];
	u64 ldt;

	/* Fills in FS, GS, TR and LDTR; only the LDT's base is of use here. */
	svm_vmsave(vmcb_pa);
	ldt = vmcb->ldtr.base;
	cpu_read_tables(&gdtr, &idtr);
	cpu_read_selectors(selectors);
	read_segment(&vmcb->es, selectors[GUEST_ES], &gdtr, ldt);
	read_segment(&vmcb->cs, selectors[GUEST_CS], &gdtr, ldt);
	read_segment(&vmcb->ss, selectors[GUEST_SS], &gdtr, ldt);
	read_segment(&vmcb->ds, selectors[GUEST_DS], &gdtr, ldt);
	vmcb->gdtr.base = gdtr.base;
	vmcb->gdtr.limit = gdtr.limit;
	vmcb->idtr.base = idtr.base;
	vmcb->idtr.limit = idtr.limit;
	vmcb->cpl = 0;
	vmcb->efer = cpu_rdmsr(MSR_EFER);
	vmcb->cr0 = cpu_read_cr0();
	vmcb->cr2 = cpu_read_cr2();
	vmcb->cr3 = cpu_read_cr3();
	vmcb->cr4 = cpu_read_cr4();
	vmcb->dr6 = cpu_read_dr6();
	vmcb->dr7 = cpu_read_dr7();
	vmcb->rflags = cpu_read_flags();
	vmcb->g_pat = cpu_rdmsr(MSR_PAT);
	vmcb->interrupt_shadow = 0;
	vmcb->event_inj = 0;
	vmcb->clean = 0;
	/* What an earlier guest has left in the TLB under our number goes. */
	vmcb->tlb_control = SVM_FLUSH_ALL;
}

bool svm_take(struct vcpu *v)
{
	u64 area = cpu_area(&machine, v->id);
	struct vmcb *vmcb = vmcb_of(v);
	struct svm_switch sw = {
		.vcpu = ROOT_BLOCK + area + CPU_VCPU,
		.vmcb = (uintptr_t)vmcb,
		.cr0 = machine.root_cr0,
		.cr3 = machine.root_cr3,
		.cr4 = machine.root_cr4,
		.gdtr = { sizeof(((struct cpu_tables *)0)->gdt) - 1,
			  ROOT_BLOCK + area + CPU_TABLES },
		.idtr = { IDT_BYTES - 1, machine.idt },
	};

	if (v->nested)
		svm_nested_take(v);
	cpu_wrmsr(MSR_EFER, cpu_rdmsr(MSR_EFER) | EFER_SVME);
	v->save_area = cpu_rdmsr(MSR_VM_HSAVE_PA);
	cpu_wrmsr(MSR_VM_HSAVE_PA, block_pa(&machine, area + CPU_SAVE));
	cpu_wrmsr(MSR_VM_CR, cpu_rdmsr(MSR_VM_CR) | VM_CR_R_INIT);
	read_state(vmcb, v->control_pa);
	/* The root side's tables have NX bits, whatever Linux was told to do without. */
	cpu_wrmsr(MSR_EFER, cpu_rdmsr(MSR_EFER) | EFER_NXE);
	return svm_launch(&sw);
}

/* SVM stays on: the guest has just switched it on. The rest is as it was before we came. */
static void land(const struct vcpu *v, struct svm_switch *sw)
{
	sw->rip = (uintptr_t)aside_landing;
	sw->rsp = v->landing;
	sw->rflags = RFLAGS_FIXED;
	cpu_wrmsr(MSR_VM_CR, cpu_rdmsr(MSR_VM_CR) & ~VM_CR_R_INIT);
	cpu_wrmsr(MSR_VM_HSAVE_PA, v->save_area);
}

/**
 * svm_leave_state() - collect what giving the processor back must load; called by svm.S
 * @v: the processor
 * @sw: filled
 *
 * What does not change under the code that is still to run is loaded here.
 */
void svm_leave_state(struct vcpu *v, struct svm_switch *sw)
{
	const struct vmcb *vmcb = v->control;

	v->active = 0;
	*sw = (struct svm_switch){
		.cr0 = vmcb->cr0,
		.cr3 = vmcb->cr3,
		.cr4 = vmcb->cr4,
		.gdtr = { vmcb->gdtr.limit, vmcb->gdtr.base },
		.idtr = { vmcb->idtr.limit, vmcb->idtr.base },
		.rip = vmcb->rip,
		.rsp = vmcb->rsp,
		.rflags = vmcb->rflags,
		.cs = vmcb->cs.selector,
		.ss = vmcb->ss.selector,
		.ds = vmcb->ds.selector,
		.es = vmcb->es.selector,
	};
	cpu_wrmsr(MSR_EFER, vmcb->efer);
	/* With nested paging the guest's writes to its PAT went to the VMCB (15.25.9). */
	if (vmcb->nested_control & 1)
		cpu_wrmsr(MSR_PAT, vmcb->g_pat);
	cpu_write_cr2(vmcb->cr2);
	cpu_write_dr6(vmcb->dr6);
	cpu_write_dr7(vmcb->dr7);
	if (v->aside)
		land(v, sw);
	if (v->nested)
		svm_nested_left(v);
}

void svm_left(void)
{
	cpu_wrmsr(MSR_VM_CR, cpu_rdmsr(MSR_VM_CR) & ~VM_CR_R_INIT);
	/* A hypervisor in the guest goes on with what svm_nested_left() has loaded. */
	if (machine.kvm == KVM_NESTED &&
	    block_offset(&machine, cpu_rdmsr(MSR_VM_HSAVE_PA)) == BLOCK_NONE)
		return;
	cpu_wrmsr(MSR_VM_HSAVE_PA, 0);
	cpu_wrmsr(MSR_EFER, cpu_rdmsr(MSR_EFER) & ~EFER_SVME);
}
