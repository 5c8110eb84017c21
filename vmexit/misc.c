// SPDX-License-Identifier: GPL-2.0-only
/*
 * misc.c - the core's answers that need no file of their own.
 */
#include "../guest-glue/aside.h"
#include "../guest-glue/held.h"
#include "../guest-glue/machine.h"
#include "cr.h"
#include "defaults.h"
#include "insn.h"
#include "msr.h"

enum verdict default_cpuid(struct vcpu *v, struct vmexit *e)
{
	enum verdict verdict = insn_length(v, e);
	u32 out[4];

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	cpuid_view(v, v->gpr[RAX], v->gpr[RCX], out);
	v->gpr[RAX] = out[CPUID_EAX];
	v->gpr[RBX] = out[CPUID_EBX];
	v->gpr[RCX] = out[CPUID_ECX];
	v->gpr[RDX] = out[CPUID_EDX];
	return VERDICT_NEXT;
}

/*
 * An MSR that exits though no feature has an answer: the vendor's own, or one that nobody claims
 * (the bitmaps do not reach all numbers). Then the processor decides: it may not exist.
 */
bool msr_get(struct vcpu *v, u32 msr, u64 *value)
{
	switch (v->virt->msr(v, msr, false, value)) {
	case MSR_NATIVE:
		return cpu_rdmsr_safe(msr, value);
	case MSR_DONE:
		return true;
	default:
		return false;
	}
}

enum verdict default_msr_read(struct vcpu *v, struct vmexit *e)
{
	enum verdict verdict = insn_length(v, e);
	u64 value = 0;

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (!msr_get(v, e->sel, &value))
		return inject_error(e, VECTOR_GP, 0);
	v->gpr[RAX] = (u32)value;
	v->gpr[RDX] = value >> 32;
	return VERDICT_NEXT;
}

enum verdict default_msr_write(struct vcpu *v, struct vmexit *e)
{
	enum verdict verdict = insn_length(v, e);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (msr_held(v, e->sel, e->value)) {
		event_refused(v, e);
		return inject_error(e, VECTOR_GP, 0);
	}
	switch (v->virt->msr(v, e->sel, true, &e->value)) {
	case MSR_NATIVE:
		if (cpu_wrmsr_safe(e->sel, e->value))
			break;
		return inject_error(e, VECTOR_GP, 0);
	case MSR_REFUSED:
		event_refused(v, e);
		/* fall through */
	case MSR_FAULT:
		return inject_error(e, VECTOR_GP, 0);
	case MSR_ASIDE:
		return aside_begin(v, e);
	case MSR_DONE:
		break;
	}
	return VERDICT_NEXT;
}

/*
 * Exceptions are intercepted for a reason of somebody's; to everybody else they are the guest's.
 * One reason is ours: hardware answers a MOV that sets a virtual CR4 bit with #GP(0), and that
 * move has to succeed.
 */
enum verdict default_exception(struct vcpu *v, struct vmexit *e)
{
	struct guest_mem mem;
	struct vmexit write;
	struct insn insn;

	if (e->sel == VECTOR_GP && !e->cpl && !e->value && v->plan->cr4) {
		write = *e;
		if (insn_decode(v, &write, &mem, &insn) == VERDICT_DEFAULT &&
		    cr4_sets_virtual(v, &insn)) {
			e->len = insn.length;
			return cr4_write(v, e, v->gpr[insn.reg]);
		}
	}
	e->fault = (struct guest_fault){
		.vector = e->sel,
		.has_error = 0x27d00 >> e->sel & 1, /* #DF, #TS, #NP, #SS, #GP, #PF, #AC */
		.error = e->value,
		.cr2 = e->addr,
	};
	return VERDICT_INJECT;
}

/* The guest sees no virtualisation extension, so its instructions do not exist (#UD). */
enum verdict default_virt_insn(struct vcpu *v, struct vmexit *e)
{
	/* Programs could not execute them on any processor. */
	if (!e->cpl)
		event_refused(v, e);
	return e->value ? inject_error(e, VECTOR_GP, 0) : inject(e, VECTOR_UD);
}

/*
 * The caches hold lines of the root side's own that memory does not have yet: they must not be
 * thrown away. Writing them back first is within what INVD promises, which is nothing.
 */
enum verdict default_invd(struct vcpu *v, struct vmexit *e)
{
	enum verdict verdict = insn_length(v, e);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (e->cpl)
		return inject_error(e, VECTOR_GP, 0);
	cpu_wbinvd();
	return VERDICT_NEXT;
}

/*
 * An INIT for a processor that we hold: nobody but Linux's own start-up of a processor that it
 * has taken offline sends one, and that processor we have given back before. Where the vendor
 * cannot do with it what hardware does it is dropped (the vendor file sees to it that it is not
 * pending any more) and counted. So it is once the machine is locked: a processor that starts anew
 * has none of the bits that were pinned.
 */
enum verdict default_init(struct vcpu *v, struct vmexit *e)
{
	if (v->machine->locked)
		event_refused(v, e);
	else if (v->virt->init)
		v->virt->init(v);
	return VERDICT_RETRY;
}

enum verdict default_sipi(struct vcpu *v, struct vmexit *e)
{
	if (v->virt->sipi)
		v->virt->sipi(v, e->sel);
	return VERDICT_RETRY;
}

enum verdict default_nmi(struct vcpu *v, struct vmexit *e)
{
	(void)v;
	return inject(e, VECTOR_NMI);
}

/*
 * Guest-physical memory that the second-level tables do not give: our own block, whose reads they
 * answer with zeros, or a device's registers that were not known when the tables were made.
 */
enum verdict default_memory(struct vcpu *v, struct vmexit *e)
{
	if (block_offset(v->machine, e->addr) != BLOCK_NONE) {
		event_refused(v, e);
		return inject_error(e, VECTOR_GP, 0);
	}
	/*
	 * The tables change before a processor is told of its new plan, which it may not be able to
	 * hear of at once: then it learns of it here. If it has it, rights are just being given back.
	 */
	if (slat_guarded(v->machine, e->addr) && e->value & MEM_WRITE) {
		if (v->plan != &v->machine->plans[v->machine->current_plan])
			plan_follow(v);
		return VERDICT_RETRY;
	}
	return slat_fill(v->machine, e->addr) ? VERDICT_RETRY : VERDICT_STOP;
}

/* A triple fault ends a bare machine: chipset reset, and if that does nothing, a halt. */
enum verdict default_shutdown(struct vcpu *v, struct vmexit *e)
{
	(void)v;
	(void)e;
	machine_reset();
}
