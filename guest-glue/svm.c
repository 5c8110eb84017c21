// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm.c - how AMD's SVM holds the guest: the VMCB's fields by their neutral names, the intercepts
 * that the plan needs, the MSRs that would give us away or undo us (AMD APM vol. 2, ch. 15).
 * Taking processors over and giving them back is in svm_take.c.
 */
#include "../vmexit/svm_nested.h"

#include "../vmexit/cr.h"
#include "aside.h"
#include "held.h"
#include "svm.h"

/* Where each field lies in the VMCB, and the clean bit that covers it (APM vol. 2, 15.15.3). */
static const struct field {
	u16 offset;
	u16 bytes;
	u32 clean;
} fields[VCPU_FIELDS] = {
#define X(name, member, clean_bit)                                                                 \
	[VCPU_##name] = { offsetof(struct vmcb, member), sizeof(((struct vmcb *)0)->member),       \
			  clean_bit }
	X(RIP, rip, 0),
	X(RFLAGS, rflags, 0),
	X(CR0, cr0, SVM_CLEAN_CR),
	X(CR2, cr2, SVM_CLEAN_CR2),
	X(CR3, cr3, SVM_CLEAN_CR),
	X(CR4, cr4, SVM_CLEAN_CR),
	X(EFER, efer, SVM_CLEAN_CR),
	X(DR6, dr6, SVM_CLEAN_DR),
	X(DR7, dr7, SVM_CLEAN_DR),
	X(GDTR_BASE, gdtr.base, SVM_CLEAN_DT),
	X(GDTR_LIMIT, gdtr.limit, SVM_CLEAN_DT),
	X(IDTR_BASE, idtr.base, SVM_CLEAN_DT),
	X(IDTR_LIMIT, idtr.limit, SVM_CLEAN_DT),
	X(INTR_SHADOW, interrupt_shadow, 0),
#undef X
};

u64 svm_get(struct vcpu *v, enum vcpu_field field)
{
	const struct field *f = &fields[field];
	const char *at = (const char *)v->control + f->offset;

	if (field == VCPU_DEBUGCTL)
		/* Not switched: LBR virtualisation is off, the register is the guest's. */
		return cpu_rdmsr(MSR_DEBUGCTL);
	if (field == VCPU_INTR_SHADOW)
		return *(const u64 *)at & 1;
	return f->bytes == sizeof(u32) ? *(const u32 *)at : *(const u64 *)at;
}

/* The guest's own translations, not those of guests that it may have. */
static void flush_own(struct vmcb *vmcb)
{
	/* The first entry's flush of everything stays one. */
	if (vmcb->tlb_control != SVM_FLUSH_ALL)
		vmcb->tlb_control = svm_features & SVM_HAS_FLUSH_ASID ? SVM_FLUSH_ASID :
									SVM_FLUSH_ALL;
}

static void svm_flush(struct vcpu *v)
{
	flush_own(v->control);
	if (v->nested)
		svm_nested_flush(v);
}

#define CR4_FLUSHING (CR4_PGE | CR4_PAE | CR4_PSE | CR4_PCIDE | CR4_SMEP)

void svm_set(struct vcpu *v, enum vcpu_field field, u64 value)
{
	const struct field *f = &fields[field];
	struct vmcb *vmcb = v->control;
	char *at = (char *)vmcb + f->offset;

	if (field == VCPU_DEBUGCTL) {
		cpu_wrmsr(MSR_DEBUGCTL, value);
		return;
	}
	/* What the guest's own MOV would have flushed: APM vol. 2, 5.5.2. */
	if (field == VCPU_CR4 && (vmcb->cr4 ^ value) & CR4_FLUSHING)
		flush_own(vmcb);
	vmcb->clean &= ~f->clean;
	if (f->bytes == sizeof(u32))
		*(u32 *)at = (u32)value;
	else
		*(u64 *)at = value;
}

static void svm_segment(struct vcpu *v, u32 which, struct guest_segment *out)
{
	struct vmcb *vmcb = v->control;
	const struct vmcb_segment *const segments[SEGMENTS] = {
		[GUEST_ES] = &vmcb->es, [GUEST_CS] = &vmcb->cs, [GUEST_SS] = &vmcb->ss,
		[GUEST_DS] = &vmcb->ds, [GUEST_FS] = &vmcb->fs, [GUEST_GS] = &vmcb->gs,
		[SEG_LDTR] = &vmcb->ldtr, [SEG_TR] = &vmcb->tr,
	};
	const struct vmcb_segment *s = segments[which];

	/* These are the guest's still: VMRUN and #VMEXIT do not touch them. */
	if (which == GUEST_FS || which == GUEST_GS || which >= SEG_LDTR)
		svm_vmsave(v->control_pa);
	out->base = s->base;
	out->limit = s->limit;
	out->selector = s->selector;
	/* 12 bits packed in the VMCB; ours keep the descriptor's distances. */
	out->attr = s->attr & 0xfff;
	if (which == GUEST_SS)
		out->attr = (out->attr & ~(3u << SEG_DPL_SHIFT)) | vmcb->cpl << SEG_DPL_SHIFT;
}

static void svm_traps(struct vcpu *v)
{
	const struct traps *t = &v->plan->traps;
	struct vmcb *vmcb = v->control;
	u32 table;

	u32 plan = v->plan - v->machine->plans;
	bool cr4 = v->cr4 || t->cr_change[4];

	vmcb->msrpm_pa = block_pa(v->machine, v->machine->msr_map[plan]);
	vmcb->iopm_pa = block_pa(v->machine, v->machine->io_map[plan]);
	vmcb->intercept_cr_read = t->cr_read | (t->smsw ? 1 : 0) | (v->cr4 ? 1u << 4 : 0);
	vmcb->intercept_cr_write = t->cr_write | (cr4 ? 1u << 4 : 0);
	vmcb->intercept3 &= ~(SVM_ICPT_CR0_SEL_WRITE | SVM_ICPT_IOIO | SVM_ICPT_INTR |
			      SVM_ICPT_NMI);
	/* CLTS and the like, which a kernel may do all day, exit only where TS or MP matters. */
	if (t->cr_change[0] & (CR0_TS | CR0_MP))
		vmcb->intercept_cr_write |= 1u << 0;
	else if (t->cr_change[0])
		vmcb->intercept3 |= SVM_ICPT_CR0_SEL_WRITE;
	if (t->io.count)
		vmcb->intercept3 |= SVM_ICPT_IOIO;
	/* Hardware refuses a MOV that sets a virtual CR4 bit before it looks at the intercept. */
	vmcb->intercept_exceptions = t->exceptions | t->kernel_exceptions |
				     (v->plan->cr4 ? 1u << VECTOR_GP : 0);
	for (table = DESC_IDTR; table <= DESC_TR; table++) {
		vmcb->intercept3 &= ~SVM_ICPT_STORE(table);
		if (t->desc_store)
			vmcb->intercept3 |= SVM_ICPT_STORE(table);
	}
	if (v->step.kind) {
		vmcb->intercept3 |= SVM_ICPT_INTR | SVM_ICPT_NMI;
		vmcb->intercept_exceptions = ~(1u << VECTOR_NMI);
		if (v->step.io)
			vmcb->intercept3 &= ~SVM_ICPT_IOIO;
	}
	vmcb->clean &= ~(SVM_CLEAN_INTERCEPTS | SVM_CLEAN_MAPS);
	if (v->nested)
		svm_nested_traps(v);
}

/*
 * The view's translations have the same ASID as the usual ones: they go when it comes and when it
 * leaves. A number of its own would keep the usual ones, but then INVLPG, as the instruction that
 * is let through, would not reach them.
 */
static void svm_view(struct vcpu *v)
{
	struct vmcb *vmcb = v->control;
	struct step *s = &v->step;

	svm_traps(v);
	/* A shadow holds interrupts off until the instruction has run, when the trap comes first. */
	if (s->kind == STEP_INSN) {
		s->blocking = vmcb->interrupt_shadow;
		vmcb->interrupt_shadow = 1;
	} else if (!s->kind && s->traced && !s->done) {
		vmcb->interrupt_shadow = s->blocking;
	}
	s->pending = 0;
	if (!s->view)
		return;
	vmcb->nested_cr3 = s->kind ? s->view : v->machine->slat_root;
	vmcb->clean &= ~SVM_CLEAN_NP;
	flush_own(vmcb);
}

/* The guest is shown a processor whose firmware has switched SVM off, or one with SVM, or with less of it. */
static void svm_hide(u32 leaf, u32 subleaf, u32 out[4])
{
	(void)subleaf;
	if (machine.kvm == KVM_NESTED && leaf != 0x8000001f) {
		svm_nested_cpuid(leaf, out);
		return;
	}
	if (machine.kvm == KVM_ASIDE && !machine_hides(&machine)) {
		if (leaf == 0x80000001)
			out[CPUID_ECX] &= ~(1u << 12); /* SKINIT */
		return;
	}
	switch (leaf) {
	case 0x80000001:
		out[CPUID_ECX] &= ~(1u << 2 | 1u << 12); /* SVM, SKINIT */
		break;
	case 0x8000000a:
		out[0] = out[1] = out[2] = out[3] = 0;
		break;
	case 0x8000001f:
		out[CPUID_EAX] &= ~(1u << 1 | 1u << 3 | 1u << 4); /* SEV, SEV-ES, SEV-SNP */
		break;
	}
}

/*
 * EFER has a copy in the VMCB, with SVME set, which the guest must neither see nor change. Setting it
 * asks for the processor; where that cannot be now, it reads as set: somebody else is using SVM.
 */
static enum msr_answer msr_efer(struct vcpu *v, bool write, u64 *value)
{
	bool asks = write && *value & EFER_SVME && aside_free(v);
	bool taken = machine.kvm == KVM_ASIDE && !machine_hides(&machine) && !aside_free(v);
	u64 now = svm_get(v, VCPU_EFER);
	const struct nested *n = v->nested;
	u64 own, wanted;
	bool valid;

	if (!write) {
		*value = now;
		if (n ? !n->state : !taken)
			*value &= ~EFER_SVME;
		return MSR_DONE;
	}
	wanted = (*value & ~EFER_LMA) | (now & EFER_LMA) | EFER_SVME;
	if (*value & EFER_SVME && !n && !asks && !taken)
		return MSR_REFUSED;
	if ((wanted ^ now) & EFER_LME && svm_get(v, VCPU_CR0) & CR0_PG)
		return MSR_FAULT;
	/* Which bits exist, the processor knows: ask it, with those that we stand on kept. */
	own = cpu_rdmsr(MSR_EFER);
	valid = cpu_wrmsr_safe(MSR_EFER, wanted | own);
	cpu_wrmsr(MSR_EFER, own);
	if (!valid)
		return MSR_FAULT;
	svm_set(v, VCPU_EFER, wanted);
	if (n)
		svm_nested_efer(v, *value & EFER_SVME);
	return asks ? MSR_ASIDE : MSR_DONE;
}

/* Kept for when the processor is the guest's. A page of memory that it can address: 15.30.4. */
static enum msr_answer msr_save_area(struct vcpu *v, bool write, u64 *value)
{
	if (!write)
		*value = v->save_area;
	else if (*value % PAGE_BYTES || *value >> v->machine->maxphyaddr)
		return MSR_FAULT;
	else
		v->save_area = *value;
	return MSR_DONE;
}

static enum msr_answer svm_msr(struct vcpu *v, u32 msr, bool write, u64 *value)
{
	if (v->nested && (msr == MSR_VM_CR || msr == MSR_VM_HSAVE_PA))
		return svm_nested_msr(v, msr, write, value);
	switch (msr) {
	case MSR_EFER:
		return msr_efer(v, write, value);
	case MSR_VM_CR:
		/* Locked: writes are ignored (APM vol. 2, 15.30.1). */
		if (!write)
			*value = (cpu_rdmsr(MSR_VM_CR) & ~VM_CR_R_INIT) | VM_CR_LOCK |
				 (machine_hides(&machine) ? VM_CR_SVMDIS : 0);
		return MSR_DONE;
	case MSR_VM_HSAVE_PA:
		if (!machine_hides(&machine))
			return msr_save_area(v, write, value);
		if (write)
			return MSR_REFUSED;
		*value = 0;
		return MSR_DONE;
	default:
		/* Where none is, the processor refuses the write. */
		if (write && mtrr_is(msr) && v->machine->slat_root)
			return svm_mtrr_write(v, msr, *value);
		return MSR_NATIVE;
	}
}

static const struct virt svm = {
	.name = "AMD SVM",
	.present = svm_present,
	.usable = svm_usable,
	.caps = svm_caps,
	.build = svm_build,
	.build_vcpu = svm_build_vcpu,
	.take = svm_take,
	.left = svm_left,
	.maps = svm_maps,
	.traps = svm_traps,
	.view = svm_view,
	.flush = svm_flush,
	.get = svm_get,
	.set = svm_set,
	.segment = svm_segment,
	.call_code = 0, /* VMMCALL */
	.hypercall = svm_hypercall,
	.hide = svm_hide,
	.msr = svm_msr,
	.held = svm_held,
	.held_count = SVM_HELD,
	.nested_pages = svm_nested_pages,
};
VIRT(svm);
