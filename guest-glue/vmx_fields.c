// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_fields.c - the VMCS's fields by their neutral names, and the intercepts that the plan needs
 * (Intel SDM vol. 3, 25.4, 25.6).
 *
 * A CR bit of which the guest/host mask has a 1 is ours: the guest reads it from the shadow, and a
 * MOV that would change it there exits, before the processor looks whether the bit exists (26.1.1:
 * a fault-like exit comes before #GP, privilege apart). So a virtual CR4 bit needs no #GP
 * intercept, and a MOV that changes no such bit costs nothing.
 */
#include "../vmexit/vmx.h"

#include "../vmexit/cr.h"
#include "vmx.h"

static const u16 fields[VCPU_FIELDS] = {
	[VCPU_RIP] = VMCS_GUEST_RIP,
	[VCPU_RFLAGS] = VMCS_GUEST_RFLAGS,
	[VCPU_CR3] = VMCS_GUEST_CR3,
	[VCPU_DR7] = VMCS_GUEST_DR7,
	[VCPU_GDTR_BASE] = VMCS_GUEST_GDTR_BASE,
	[VCPU_GDTR_LIMIT] = VMCS_GUEST_GDTR_LIMIT,
	[VCPU_IDTR_BASE] = VMCS_GUEST_IDTR_BASE,
	[VCPU_IDTR_LIMIT] = VMCS_GUEST_IDTR_LIMIT,
	[VCPU_DEBUGCTL] = VMCS_GUEST_DEBUGCTL,
};

static u64 guest_cr0(void)
{
	u64 mask = vmx_read(VMCS_CR0_MASK);

	return (vmx_read(VMCS_GUEST_CR0) & ~mask) | (vmx_read(VMCS_CR0_SHADOW) & mask);
}

static u64 guest_efer(void)
{
	u64 efer;

	if (vmx_facts.efer)
		return vmx_read(VMCS_GUEST_EFER);
	/* The register as it is, but the exit has set LMA for us. */
	efer = cpu_rdmsr(MSR_EFER);
	return vmx_read(VMCS_ENTRY) & VMX_ENTRY_LONG_MODE ? efer : efer & ~EFER_LMA;
}

u64 vmx_get(struct vcpu *v, enum vcpu_field field)
{
	switch (field) {
	case VCPU_CR0:
		return guest_cr0();
	case VCPU_CR2:
		return v->cr2;
	case VCPU_CR4:
		return vmx_read(VMCS_GUEST_CR4) & ~CR4_VMXE;
	case VCPU_EFER:
		return guest_efer();
	case VCPU_DR6:
		return cpu_read_dr6();
	case VCPU_INTR_SHADOW:
		return vmx_read(VMCS_GUEST_BLOCKING) & (VMX_BLOCKING_STI | VMX_BLOCKING_MOV_SS) ?
			       1 : 0;
	default:
		return vmx_read(fields[field]);
	}
}

/* What the guest's own MOV would have thrown out; without VPIDs each entry does it. */
static void flush(void)
{
	if (vmx_facts.vpid)
		vmx_invvpid(INVVPID_SINGLE, VMX_OUR_VPID);
}

static void set_blocking(u64 value)
{
	const u32 both = VMX_BLOCKING_STI | VMX_BLOCKING_MOV_SS;
	u32 now = vmx_read(VMCS_GUEST_BLOCKING);

	if (value)
		vmx_write(VMCS_GUEST_BLOCKING, (now & ~both) | VMX_BLOCKING_STI);
	else if (now & both)
		vmx_write(VMCS_GUEST_BLOCKING, now & ~both);
}

/* Entries and exits leave CD and NW alone (27.3.2.1, 28.5.1): they are the register's. */
static void set_cache_bits(u64 value)
{
	const u64 cache = CR0_CD | CR0_NW;
	u64 now = cpu_read_cr0();

	if ((now ^ value) & cache)
		cpu_write_cr0((now & ~cache) | (value & cache));
}

#define CR4_FLUSHING (CR4_PGE | CR4_PAE | CR4_PSE | CR4_PCIDE | CR4_SMEP)

void vmx_set(struct vcpu *v, enum vcpu_field field, u64 value)
{
	switch (field) {
	case VCPU_CR0:
		set_cache_bits(value);
		vmx_mtrr_cr0(v, value);
		vmx_write(VMCS_GUEST_CR0, value | vmx_facts.cr0_fixed);
		vmx_write(VMCS_CR0_SHADOW, value);
		break;
	case VCPU_CR2:
		v->cr2 = value;
		break;
	case VCPU_CR3:
		vmx_write(VMCS_GUEST_CR3, value);
		flush();
		break;
	case VCPU_CR4:
		if ((vmx_read(VMCS_GUEST_CR4) ^ value) & CR4_FLUSHING)
			flush();
		vmx_write(VMCS_GUEST_CR4, value | CR4_VMXE);
		vmx_write(VMCS_CR4_SHADOW, value | v->cr4);
		break;
	case VCPU_EFER:
		if (vmx_facts.efer)
			vmx_write(VMCS_GUEST_EFER, value);
		else
			cpu_wrmsr(MSR_EFER, value);
		break;
	case VCPU_DR6:
		cpu_write_dr6(value);
		break;
	case VCPU_INTR_SHADOW:
		set_blocking(value);
		break;
	default:
		vmx_write(fields[field], value);
	}
}

/*
 * Bits 7:0 as in a descriptor; its bits 55:52 are at 15:12 here (25.4.1). An unusable register
 * keeps its DPL, which of SS is the CPL.
 */
void vmx_segment(struct vcpu *v, u32 which, struct guest_segment *out)
{
	u32 attr = vmx_read(VMCS_GUEST_ATTR(which));

	(void)v;
	out->base = vmx_read(VMCS_GUEST_BASE(which));
	out->limit = vmx_read(VMCS_GUEST_LIMIT(which));
	out->selector = vmx_read(VMCS_GUEST_SELECTOR(which));
	out->attr = (attr & 0xff) | (attr >> 4 & 0xf00);
	if (attr & VMX_ATTR_UNUSABLE)
		out->attr &= ~SEG_PRESENT;
}

void vmx_set_segment(struct vcpu *v, u32 which, const struct guest_segment *segment)
{
	u32 attr = (segment->attr & 0xff) | (segment->attr & 0xf00) << 4;

	(void)v;
	if (!(segment->attr & SEG_PRESENT))
		attr = (attr & 3u << SEG_DPL_SHIFT) | VMX_ATTR_UNUSABLE;
	vmx_write(VMCS_GUEST_BASE(which), segment->base);
	vmx_write(VMCS_GUEST_LIMIT(which), segment->limit);
	vmx_write(VMCS_GUEST_SELECTOR(which), segment->selector);
	vmx_write(VMCS_GUEST_ATTR(which), attr);
}

/*
 * CR0 and CR4 reads never exit: the mask and the shadow answer them. What a plan traps of the two
 * exits when it changes.
 */
void vmx_traps(struct vcpu *v)
{
	const struct traps *t = &v->plan->traps;
	u32 plan = v->plan - v->machine->plans;
	u64 io_map = block_pa(v->machine, v->machine->io_map[plan]);
	u64 cr0 = guest_cr0();
	u64 cr0_mask;
	u32 kernel = t->kernel_exceptions & ~t->exceptions;
	u32 proc = vmx_facts.proc;
	u32 proc2;

	vmx_write(VMCS_MSR_BITMAP, block_pa(v->machine, v->machine->msr_map[plan]));
	if (t->cr_write & 1u << 0)
		cr0_mask = ~0ULL;
	else
		cr0_mask = vmx_facts.cr0_fixed | t->cr_change[0] | (v->types_due ? CR0_CD : 0);
	vmx_write(VMCS_CR0_MASK, cr0_mask);
	vmx_write(VMCS_CR0_SHADOW, cr0);
	vmx_write(VMCS_CR4_MASK,
		  t->cr_write & 1u << 4 ? ~0ULL : CR4_VMXE | v->plan->cr4 | t->cr_change[4]);
	vmx_write(VMCS_CR4_SHADOW, cr4_seen(v));
	vmx_write(VMCS_EXCEPTIONS, v->step.kind ? ~(1u << VECTOR_NMI) :
						  t->exceptions | t->kernel_exceptions);
	/*
	 * With the bit of #PF set, those exit whose error code has these bits so; with it clear, all the
	 * others, which must be none (25.6.3). U/S is set in a program's.
	 */
	vmx_write(VMCS_PF_MASK, !v->step.kind && kernel >> VECTOR_PF & 1 ? PF_USER : 0);
	vmx_write(VMCS_PF_MATCH, 0);
	if (t->cr_write & 1u << 3)
		proc |= VMX_PROC_CR3_LOAD;
	if (t->cr_read & 1u << 3)
		proc |= VMX_PROC_CR3_STORE;
	if (t->io.count && !v->step.io) {
		proc |= VMX_PROC_IO_BITMAPS;
		vmx_write(VMCS_IO_BITMAP_A, io_map);
		vmx_write(VMCS_IO_BITMAP_B, io_map + PAGE_BYTES);
	}
	vmx_proc(v, proc);
	if (vmx_facts.proc & VMX_PROC_SECONDARY) {
		proc2 = vmx_read(VMCS_PROC2) & ~VMX_PROC2_DESC;
		vmx_write(VMCS_PROC2, t->desc_store ? proc2 | VMX_PROC2_DESC : proc2);
	}
}

void vmx_flush(struct vcpu *v)
{
	(void)v;
	vmx_invept_all();
}

u64 vmx_eptp(u64 root)
{
	/* Write-back paging structures, four levels: 25.6.11. */
	return root | 6 | (4 - 1) << 3;
}

/*
 * A trap of TF's would wait for the end of a shadow, an entry with both would have to have it
 * pending (27.3.1.5). So there is no shadow, and what was pending waits here.
 */
static void hold_back(struct step *s)
{
	const u32 shadow = VMX_BLOCKING_STI | VMX_BLOCKING_MOV_SS;
	u32 blocking = vmx_read(VMCS_GUEST_BLOCKING);

	s->blocking = blocking & shadow;
	s->pending = vmx_read(VMCS_GUEST_PENDING_DEBUG);
	vmx_write(VMCS_GUEST_BLOCKING, blocking & ~shadow);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
}

static void let_go(struct step *s)
{
	if (s->done) {
		/* What it has caused itself comes with the step's end, and with what waits here. */
		vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
		return;
	}
	vmx_write(VMCS_GUEST_BLOCKING, vmx_read(VMCS_GUEST_BLOCKING) | s->blocking);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, s->pending);
}

/*
 * Translations have the number of the tables that they were made of (29.4.3). Those of the view,
 * which changes each time, go when it comes. The others stay as valid as they are: what the guest's
 * own instruction invalidates, it invalidates for all tables (29.4.3.1).
 */
void vmx_view(struct vcpu *v)
{
	struct step *s = &v->step;

	vmx_traps(v);
	vmx_write(VMCS_PIN, vmx_facts.pin | (s->kind ? VMX_PIN_INTERRUPT : 0));
	if (s->kind == STEP_INSN)
		hold_back(s);
	else if (s->kind == STEP_EVENT)
		s->blocking = s->pending = 0;
	else if (s->traced)
		let_go(s);
	if (!s->view)
		return;
	vmx_write(VMCS_EPTP, vmx_eptp(s->kind ? s->view : v->machine->slat_root));
	if (s->kind)
		vmx_invept_all();
}
