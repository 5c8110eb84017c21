// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_take.c - from a bare Intel processor to a guest and back (Intel SDM vol. 3, 25.4, 25.5, 27,
 * 28.5; what the two ways have in common: vmx.S).
 */
#include "../vmexit/vmx.h"

#include "aside.h"
#include "string.h"
#include "vmx.h"

/* Writes a field; a processor that lacks it makes *ok false. */
static void put(bool *ok, u32 field, u64 value)
{
	*ok = vmx_write_checked(field, value) && *ok;
}

static void put_controls(bool *ok)
{
	const struct vmx_facts *f = &vmx_facts;

	put(ok, VMCS_PIN, f->pin);
	put(ok, VMCS_PROC, f->proc);
	put(ok, VMCS_EXIT, f->exit);
	put(ok, VMCS_ENTRY, f->entry);
	/* VPIDs from the first exit on: vmx_start(). */
	if (f->proc & VMX_PROC_SECONDARY)
		put(ok, VMCS_PROC2, f->proc2);
	/* Nothing saved or restored: nothing exits. */
	if (f->proc2 & VMX_PROC2_XSAVES)
		put(ok, VMCS_XSS_EXITING, 0);
	if (f->proc2 & VMX_PROC2_PCONFIG)
		put(ok, VMCS_PCONFIG_EXITING, 0);
	if (f->proc2 & VMX_PROC2_EPT)
		put(ok, VMCS_EPTP, vmx_eptp(machine.slat_root));
	put(ok, VMCS_MSR_BITMAP, block_pa(&machine, machine.msr_map[machine.current_plan]));
	put(ok, VMCS_EXCEPTIONS, 0);
	put(ok, VMCS_PF_MASK, 0);
	put(ok, VMCS_PF_MATCH, 0);
	put(ok, VMCS_CR3_TARGETS, 0);
	put(ok, VMCS_ENTRY_EVENT, 0);
	put(ok, VMCS_LINK, ~0ULL);
}

/* What every exit loads: the root side. */
static void put_host(bool *ok, const struct vcpu *v)
{
	u64 area = ROOT_BLOCK + cpu_area(&machine, v->id);
	u64 cr4 = machine.root_cr4 | CR4_VMXE;
	u32 i;

	/* The root side executes the guest's XSETBV. */
	if (machine.cr4_supported & CR4_OSXSAVE)
		cr4 |= CR4_OSXSAVE;
	put(ok, VMCS_HOST_CR0, machine.root_cr0);
	put(ok, VMCS_HOST_CR3, machine.root_cr3);
	put(ok, VMCS_HOST_CR4, cr4);
	for (i = 0; i < GUEST_SEGS; i++)
		put(ok, VMCS_HOST_SELECTOR(i), i == GUEST_CS ? ROOT_CS :
					       i <= GUEST_DS ? ROOT_DS : 0);
	put(ok, VMCS_HOST_TR_SELECTOR, ROOT_TR);
	put(ok, VMCS_HOST_FS_BASE, 0);
	put(ok, VMCS_HOST_GS_BASE, 0);
	put(ok, VMCS_HOST_TR_BASE, area + CPU_TABLES + offsetof(struct cpu_tables, tss));
	put(ok, VMCS_HOST_GDTR_BASE, area + CPU_TABLES + offsetof(struct cpu_tables, gdt));
	put(ok, VMCS_HOST_IDTR_BASE, machine.idt);
	put(ok, VMCS_HOST_SYSENTER_CS, 0);
	put(ok, VMCS_HOST_SYSENTER_ESP, 0);
	put(ok, VMCS_HOST_SYSENTER_EIP, 0);
	if (vmx_facts.efer)
		put(ok, VMCS_HOST_EFER, cpu_rdmsr(MSR_EFER) | EFER_NXE);
	/* The exit's stack pointer: pushes then fill the register array from its end. */
	put(ok, VMCS_HOST_RSP, area + CPU_VCPU + offsetof(struct vcpu, control_pa));
	put(ok, VMCS_HOST_RIP, (uintptr_t)vmx_host_start);
}
static_assert(offsetof(struct vcpu, control_pa) == GPRS * sizeof(u64), "vmx.S");

/* The hidden part of a segment register, out of the descriptor tables. */
static void read_segment(struct guest_segment *s, u16 selector, u64 gdt, u64 ldt)
{
	const u64 *at = (const u64 *)(uintptr_t)((selector & 4 ? ldt : gdt) + (selector & ~7));
	u64 d;

	*s = (struct guest_segment){ .selector = selector };
	if (selector < 4)
		return;
	d = *at;
	s->attr = (d >> 40 & 0xff) | (d >> 44 & 0xf00);
	s->limit = (d & 0xffff) | (d >> 32 & 0xf0000);
	if (s->attr & SEG_GRAN)
		s->limit = s->limit << 12 | 0xfff;
	s->base = (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000);
	if (!(s->attr & SEG_S))
		s->base |= at[1] << 32;
}

static void put_segments(struct vcpu *v, u64 gdt)
{
	struct guest_segment s;
	u16 selectors[GUEST_SEGS];
	u64 ldt;
	u32 i;

	read_segment(&s, cpu_read_ldtr(), gdt, 0);
	vmx_set_segment(v, SEG_LDTR, &s);
	ldt = s.base;
	read_segment(&s, cpu_read_tr(), gdt, ldt);
	vmx_set_segment(v, SEG_TR, &s);
	cpu_read_selectors(selectors);
	for (i = 0; i < GUEST_SEGS; i++) {
		read_segment(&s, selectors[i], gdt, ldt);
		if (i == GUEST_FS)
			s.base = cpu_rdmsr(MSR_FS_BASE);
		else if (i == GUEST_GS)
			s.base = cpu_rdmsr(MSR_GS_BASE);
		vmx_set_segment(v, i, &s);
	}
}

/* The processor as it is becomes the guest; RIP and RSP are vmx_launch()'s to fill in. */
static void put_guest(bool *ok, struct vcpu *v)
{
	struct table_reg gdtr, idtr;
	u64 cr4 = cpu_read_cr4();

	cpu_read_tables(&gdtr, &idtr);
	put_segments(v, gdtr.base);
	put(ok, VMCS_GUEST_GDTR_BASE, gdtr.base);
	put(ok, VMCS_GUEST_GDTR_LIMIT, gdtr.limit);
	put(ok, VMCS_GUEST_IDTR_BASE, idtr.base);
	put(ok, VMCS_GUEST_IDTR_LIMIT, idtr.limit);
	put(ok, VMCS_GUEST_CR0, cpu_read_cr0());
	put(ok, VMCS_CR0_MASK, vmx_facts.cr0_fixed);
	put(ok, VMCS_CR0_SHADOW, cpu_read_cr0());
	put(ok, VMCS_GUEST_CR3, cpu_read_cr3());
	put(ok, VMCS_GUEST_CR4, cr4);
	put(ok, VMCS_CR4_MASK, CR4_VMXE);
	put(ok, VMCS_CR4_SHADOW, cr4 & ~CR4_VMXE);
	put(ok, VMCS_GUEST_DR7, cpu_read_dr7());
	put(ok, VMCS_GUEST_DEBUGCTL, cpu_rdmsr(MSR_DEBUGCTL));
	if (vmx_facts.efer)
		put(ok, VMCS_GUEST_EFER, cpu_rdmsr(MSR_EFER));
	put(ok, VMCS_GUEST_SYSENTER_CS, cpu_rdmsr(MSR_SYSENTER_CS));
	put(ok, VMCS_GUEST_SYSENTER_ESP, cpu_rdmsr(MSR_SYSENTER_ESP));
	put(ok, VMCS_GUEST_SYSENTER_EIP, cpu_rdmsr(MSR_SYSENTER_EIP));
	/* Interrupts off, as they are; vmx_launch() restores the flags itself. */
	put(ok, VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	put(ok, VMCS_GUEST_BLOCKING, 0);
	put(ok, VMCS_GUEST_ACTIVITY, VMX_ACTIVITY_ACTIVE);
	put(ok, VMCS_GUEST_PENDING_DEBUG, 0);
	*ok = vmx_pebs_take(v) && *ok;
}

static bool launch(struct vcpu *v)
{
	bool ok = vmx_clear(v->control_pa) && vmx_load(v->control_pa);

	if (!ok)
		return false;
	/* What an earlier guest has left in the TLB under our numbers goes: 29.4.3. */
	if (vmx_facts.proc2 & VMX_PROC2_EPT)
		vmx_invept_all();
	if (vmx_facts.vpid)
		vmx_invvpid(INVVPID_ALL, 0);
	put_controls(&ok);
	put_host(&ok, v);
	put_guest(&ok, v);
	if (ok && vmx_launch())
		return true;
	root_say("VMLAUNCH fails; instruction error", vmx_read(VMCS_INSTRUCTION_ERROR));
	vmx_clear(v->control_pa);
	return false;
}

/* vmx_left() loads TR out of a copy of the GDT, which must reach that far. */
#define GDT_COPY_ENTRIES 64

bool vmx_take(struct vcpu *v)
{
	u64 area = cpu_area(&machine, v->id);
	u32 revision = cpu_rdmsr(MSR_VMX_BASIC) & 0x7fffffff;
	u64 control = cpu_rdmsr(MSR_FEATURE_CONTROL);

	if (cpu_read_tr() / 8 >= GDT_COPY_ENTRIES - 1)
		return false;
	if (!(control & FEATURE_CONTROL_LOCKED))
		cpu_wrmsr(MSR_FEATURE_CONTROL,
			  control | FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX);
	*(u32 *)block_va(&machine, area + CPU_SAVE) = revision;
	*(u32 *)block_va(&machine, area + CPU_CONTROL) = revision;
	cpu_write_cr4(cpu_read_cr4() | CR4_VMXE);
	if (vmx_on(block_pa(&machine, area + CPU_SAVE))) {
		if (launch(v))
			return true;
		vmx_off();
	}
	cpu_write_cr4(cpu_read_cr4() & ~CR4_VMXE);
	return false;
}

/*
 * The instruction that runs once more is not a VMCALL in code of ours: nothing may come before it,
 * no interrupt, no trap, no breakpoint on it (RF); what it pushes and loads is the landing's.
 */
static void land(void)
{
	u64 flags = vmx_read(VMCS_GUEST_RFLAGS);

	vmx_write(VMCS_GUEST_RFLAGS, (flags & ~(RFLAGS_IF | RFLAGS_TF)) | RFLAGS_RF);
	vmx_write(VMCS_GUEST_BLOCKING, vmx_read(VMCS_GUEST_BLOCKING) &
					       ~(VMX_BLOCKING_STI | VMX_BLOCKING_MOV_SS));
	vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
}

void vmx_leave(struct vcpu *v, u32 len)
{
	struct guest_segment s;
	u32 i;

	v->active = 0;
	vmx_write(VMCS_HOST_CR0, vmx_read(VMCS_GUEST_CR0));
	vmx_write(VMCS_HOST_CR3, vmx_read(VMCS_GUEST_CR3));
	vmx_write(VMCS_HOST_CR4, vmx_read(VMCS_GUEST_CR4));
	/* Host selectors have RPL 0 or are null (27.2.3): vmx_left() loads the others. */
	for (i = 0; i < GUEST_SEGS; i++)
		vmx_write(VMCS_HOST_SELECTOR(i), i == GUEST_CS || i == GUEST_SS ?
							 vmx_read(VMCS_GUEST_SELECTOR(i)) : 0);
	vmx_write(VMCS_HOST_FS_BASE, vmx_read(VMCS_GUEST_BASE(GUEST_FS)));
	vmx_write(VMCS_HOST_GS_BASE, vmx_read(VMCS_GUEST_BASE(GUEST_GS)));
	vmx_segment(v, SEG_TR, &s);
	vmx_write(VMCS_HOST_TR_SELECTOR, s.selector);
	vmx_write(VMCS_HOST_TR_BASE, s.base);
	vmx_write(VMCS_HOST_GDTR_BASE, vmx_read(VMCS_GUEST_GDTR_BASE));
	vmx_write(VMCS_HOST_IDTR_BASE, vmx_read(VMCS_GUEST_IDTR_BASE));
	vmx_write(VMCS_HOST_SYSENTER_CS, vmx_read(VMCS_GUEST_SYSENTER_CS));
	vmx_write(VMCS_HOST_SYSENTER_ESP, vmx_read(VMCS_GUEST_SYSENTER_ESP));
	vmx_write(VMCS_HOST_SYSENTER_EIP, vmx_read(VMCS_GUEST_SYSENTER_EIP));
	if (vmx_facts.efer)
		vmx_write(VMCS_HOST_EFER, vmx_read(VMCS_GUEST_EFER));
	vmx_write(VMCS_HOST_RSP, v->aside ? v->landing : vmx_read(VMCS_GUEST_RSP));
	vmx_write(VMCS_HOST_RIP, v->aside ? (uintptr_t)aside_landing :
					    vmx_read(VMCS_GUEST_RIP) + len);
	/* That entry and exit throw out what number 0 has in the TLB, the root side's: 29.4.3.1 */
	if (vmx_facts.vpid)
		vmx_write(VMCS_PROC2, vmx_read(VMCS_PROC2) & ~VMX_PROC2_VPID);
	vmx_pebs_leave();
	if (v->aside)
		land();
	else
		v->gpr[RAX] = 0;
}

/* Whose VMCS it is: nobody has told us our number. */
static struct vcpu *owner(u64 control_pa)
{
	u32 cpu;

	for (cpu = 0; cpu < machine.cpus; cpu++)
		if (machine_vcpu(cpu)->control_pa == control_pa)
			return machine_vcpu(cpu);
	return NULL;
}

/*
 * The last exit of all. Whatever caused it, it has arrived where the VMCALL would have; an NMI is
 * not Linux's yet then, nor one that came to the root side before.
 */
static bool nmi_is_due(const struct vcpu *v)
{
	u32 event = vmx_read(VMCS_EXIT_EVENT);

	if (v && v->nmis)
		return true;
	return (u32)vmx_read(VMCS_EXIT_REASON) == VMX_EXIT_EVENT &&
	       VMX_EVENT_TYPE(event) == VMX_EVENT_NMI;
}

/* What the exit into Linux's world has left undone: 28.5. */
static void reload(void)
{
	u64 gdt[GDT_COPY_ENTRIES];
	u64 user_gs = cpu_rdmsr(MSR_KERNEL_GS_BASE);
	struct vmx_reload r = {
		.gdtr = { vmx_read(VMCS_GUEST_GDTR_LIMIT), vmx_read(VMCS_GUEST_GDTR_BASE) },
		.idtr = { vmx_read(VMCS_GUEST_IDTR_LIMIT), vmx_read(VMCS_GUEST_IDTR_BASE) },
		.tr = vmx_read(VMCS_GUEST_SELECTOR(SEG_TR)),
		.ldtr = vmx_read(VMCS_GUEST_SELECTOR(SEG_LDTR)),
		.ds = vmx_read(VMCS_GUEST_SELECTOR(GUEST_DS)),
		.es = vmx_read(VMCS_GUEST_SELECTOR(GUEST_ES)),
		.fs = vmx_read(VMCS_GUEST_SELECTOR(GUEST_FS)),
		.gs = vmx_read(VMCS_GUEST_SELECTOR(GUEST_GS)),
	};
	u32 bytes = r.gdtr.limit + 1u < sizeof(gdt) ? r.gdtr.limit + 1u : sizeof(gdt);

	memcpy(gdt, (const void *)(uintptr_t)r.gdtr.base, bytes);
	gdt[r.tr / 8] &= ~(2ULL << 40);
	r.own_gdtr = (struct table_reg){ bytes - 1, (uintptr_t)gdt };
	vmx_reload(&r);
	if (r.fs)
		cpu_wrmsr(MSR_FS_BASE, vmx_read(VMCS_GUEST_BASE(GUEST_FS)));
	if (r.gs)
		cpu_wrmsr(MSR_KERNEL_GS_BASE, user_gs);
	cpu_write_dr7(vmx_read(VMCS_GUEST_DR7));
	if (vmx_read(VMCS_GUEST_DEBUGCTL))
		cpu_wrmsr(MSR_DEBUGCTL, vmx_read(VMCS_GUEST_DEBUGCTL));
}

void vmx_left(void)
{
	u64 current = vmx_current();
	const struct vcpu *v = owner(current);
	bool nmi = nmi_is_due(v);

	reload();
	/* The processor may hold parts of the VMCS: to memory with them, before it is Linux's. */
	vmx_clear(current);
	vmx_off();
	if (!v || !v->aside)
		cpu_write_cr4(cpu_read_cr4() & ~CR4_VMXE);
	if (v && v->machine_check)
		vmx_raise_machine_check();
	if (nmi)
		vmx_raise_nmi();
}
