// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm.c - from #VMEXIT to a neutral event, and from the verdict back to VMRUN (AMD APM vol. 2,
 * ch. 15 and appendix C).
 *
 * Speculation: the root side runs in the guest's place, as a kernel does below its programs.
 * Every indirect branch here is a retpoline, and every RET has a matching CALL made since the
 * exit, so the guest's branch history steers neither. Nothing here is secret from the guest but
 * addresses of its own machine; no barrier is paid on each exit for more.
 */
#include "svm_nested.h"

#include "insn.h"
#include "../guest-glue/rootmap.h"

/* Contributory exceptions: APM vol. 2, 8.2.9 (#DE, #TS, #NP, #SS, #GP). */
#define CONTRIBUTORY (1u << VECTOR_DE | 1u << VECTOR_TS | 1u << VECTOR_NP | 1u << VECTOR_SS | \
		      1u << VECTOR_GP)
/* Traps, and the abort: a return to them does not run the instruction again, so no RF. */
#define NO_RF (1u << VECTOR_DB | 1u << VECTOR_NMI | 1u << VECTOR_BP | 1u << VECTOR_OF | \
	       1u << VECTOR_DF | 1u << VECTOR_MC)

/* Exits that an instruction causes have the next RIP, where the processor can tell it. */
static void take_length(const struct vmcb *vmcb, struct vmexit *e)
{
	if (svm_features & SVM_HAS_NRIP)
		e->len = (u8)(vmcb->next_rip - vmcb->rip);
}

/*
 * SMSW shares its exit with MOV from CR0. At CPL 3 it can only be SMSW (the MOV is refused before
 * the intercept is looked at, APM vol. 2, table 15-7); else EXITINFO1 tells, or the bytes do.
 */
static enum verdict read_cr0(struct vcpu *v, const struct vmcb *vmcb, struct vmexit *e)
{
	enum verdict verdict;
	struct guest_mem mem;
	struct insn insn;

	if (e->cpl) {
		e->kind = VMEXIT_SMSW;
		return VERDICT_DEFAULT;
	}
	if (svm_features & SVM_HAS_DECODE) {
		if (!(vmcb->exit_info1 & SVM_CR_IS_MOV))
			e->kind = VMEXIT_SMSW;
		return VERDICT_DEFAULT;
	}
	verdict = insn_decode(v, e, &mem, &insn);
	if (verdict == VERDICT_DEFAULT && insn.op == INSN_SMSW)
		e->kind = VMEXIT_SMSW;
	return verdict;
}

static enum verdict control_register(struct vcpu *v, const struct vmcb *vmcb, struct vmexit *e)
{
	bool write = vmcb->exit_code >= SVM_EXIT_CR_WRITE(0);

	e->kind = write ? VMEXIT_CR_WRITE : VMEXIT_CR_READ;
	e->sel = vmcb->exit_code & 15;
	take_length(vmcb, e);
	if (svm_features & SVM_HAS_DECODE && vmcb->exit_info1 & SVM_CR_IS_MOV)
		e->reg = vmcb->exit_info1 & 15;
	return write || e->sel ? VERDICT_DEFAULT : read_cr0(v, vmcb, e);
}

static void nested_fault(const struct vmcb *vmcb, struct vmexit *e)
{
	e->kind = VMEXIT_MEMORY;
	e->addr = vmcb->exit_info2;
	e->value = vmcb->exit_info1 & PF_FETCH ? MEM_FETCH :
		   vmcb->exit_info1 & PF_WRITE ? MEM_WRITE : MEM_READ;
	if (vmcb->exit_info1 & SVM_NPF_WALK)
		e->value |= MEM_WALK;
	e->delivering = vmcb->exit_int_info & SVM_EVENT_VALID;
}

/* A step's own causes alone are in DR6 then: the intercept has updated it (15.12.2). */
static void exception(const struct vcpu *v, const struct vmcb *vmcb, struct vmexit *e)
{
	e->kind = VMEXIT_EXCEPTION;
	e->sel = vmcb->exit_code - SVM_EXIT_EXCEPTION(0);
	e->value = vmcb->exit_info1;
	e->addr = vmcb->exit_info2;
	e->delivering = vmcb->exit_int_info & SVM_EVENT_VALID;
	if (e->sel == VECTOR_DB && v->step.kind)
		e->value = vmcb->dr6 & DR6_CAUSES;
}

/*
 * An interrupt or an NMI, which exit from a step alone, before its instruction could run. And an NMI while a
 * hypervisor in the guest has GIF clear: it comes when GIF is set.
 */
static void came_before(const struct vcpu *v, const struct vmcb *vmcb, struct vmexit *e)
{
	bool held = vmcb->exit_code == SVM_EXIT_NMI && !svm_nested_gif(v);

	e->sel = vmcb->exit_code;
	if (!v->step.kind && !held)
		return;
	e->kind = VMEXIT_STEP;
	if (vmcb->exit_code == SVM_EXIT_NMI)
		svm_take_nmi();
}

/* EXITINFO1 of an I/O exit: APM vol. 2, 15.10.2. The next RIP is in EXITINFO2. */
static void io(struct vcpu *v, const struct vmcb *vmcb, struct vmexit *e)
{
	u64 info = vmcb->exit_info1;

	e->kind = VMEXIT_IO;
	e->sel = info >> 16 & 0xffff;
	e->addr = (info >> 4 & 7) | (info & 1 ? IO_IN : 0) | (info & 4 ? IO_STRING : 0) |
		  (info & 8 ? IO_REP : 0);
	e->value = (u32)v->gpr[RAX];
	e->len = (u8)(vmcb->exit_info2 - vmcb->rip);
}

/* Returns VERDICT_DEFAULT, or a verdict if finding out what it is ended in one. */
static enum verdict translate(struct vcpu *v, const struct vmcb *vmcb, struct vmexit *e)
{
	u64 code = vmcb->exit_code;

	e->cpl = vmcb->cpl;
	e->reg = REG_UNKNOWN;
	e->kind = VMEXIT_UNKNOWN;
	if (code < SVM_EXIT_CR_WRITE(16))
		return control_register(v, vmcb, e);
	if (code >= SVM_EXIT_EXCEPTION(0) && code <= SVM_EXIT_EXCEPTION(31)) {
		exception(v, vmcb, e);
		return VERDICT_DEFAULT;
	}
	if (code >= SVM_EXIT_IDTR_READ && code <= SVM_EXIT_TR_WRITE) {
		e->kind = code <= SVM_EXIT_TR_READ ? VMEXIT_DESC_STORE : VMEXIT_DESC_LOAD;
		e->sel = (code - SVM_EXIT_IDTR_READ) & 3;
		take_length(vmcb, e);
		return VERDICT_DEFAULT;
	}
	if (code >= SVM_EXIT_VMRUN && code <= SVM_EXIT_SKINIT) {
		e->kind = code == SVM_EXIT_VMMCALL ? VMEXIT_HYPERCALL : VMEXIT_VIRT_INSN;
		take_length(vmcb, e);
		return VERDICT_DEFAULT;
	}
	switch (code) {
	case SVM_EXIT_CPUID:
		e->kind = VMEXIT_CPUID;
		take_length(vmcb, e);
		break;
	case SVM_EXIT_MSR:
		e->kind = vmcb->exit_info1 & 1 ? VMEXIT_MSR_WRITE : VMEXIT_MSR_READ;
		e->sel = v->gpr[RCX];
		e->value = (u32)v->gpr[RAX] | v->gpr[RDX] << 32;
		take_length(vmcb, e);
		break;
	case SVM_EXIT_IOIO:
		io(v, vmcb, e);
		break;
	case SVM_EXIT_CR0_SEL_WRITE:
		e->kind = VMEXIT_CR_WRITE;
		take_length(vmcb, e);
		break;
	case SVM_EXIT_INVLPGA:
		e->kind = VMEXIT_VIRT_INSN;
		break;
	case SVM_EXIT_INTR:
	case SVM_EXIT_NMI:
		came_before(v, vmcb, e);
		break;
	case SVM_EXIT_INIT:
		svm_swallow_init();
		e->kind = VMEXIT_INIT;
		break;
	case SVM_EXIT_SHUTDOWN:
		e->kind = VMEXIT_SHUTDOWN;
		break;
	case SVM_EXIT_NPF:
		nested_fault(vmcb, e);
		if (v->nested)
			svm_nested_virtual(v, e);
		break;
	case SVM_EXIT_INVALID:
		root_die("VMRUN refuses the guest's state", vmcb->cr0);
	default:
		e->sel = (u32)code;
	}
	return VERDICT_DEFAULT;
}

/* EXITINTINFO. QEMU tells of an interrupt as an exception, of a number that no exception has. */
static u64 interrupted(const struct vmcb *vmcb)
{
	u64 event = vmcb->exit_int_info;

	if (SVM_EVENT_TYPE(event) == SVM_EVENT_EXCEPTION && (u8)event > 31)
		event &= ~(7ULL << 8);
	return event;
}

/* What raises an event itself is delivered again only by a step, which cannot trace it. */
static bool soft(u64 event)
{
	u8 vector = (u8)event;

	return event & SVM_EVENT_VALID &&
	       (SVM_EVENT_TYPE(event) == SVM_EVENT_SOFTWARE ||
		(SVM_EVENT_TYPE(event) == SVM_EVENT_EXCEPTION &&
		 (vector == VECTOR_BP || vector == VECTOR_OF)));
}

/*
 * An event that was under delivery when the exit came: APM vol. 2, 15.7.2. Instructions that raise
 * an event (INT, INT3, INTO) are not done yet and run again.
 */
u64 svm_under_delivery(const struct vmcb *vmcb)
{
	u64 event = interrupted(vmcb);

	return event & SVM_EVENT_VALID && !soft(event) ? event : 0;
}

/* The event of a step: INT n returns behind itself, so RIP goes there (APM vol. 2, 15.20). */
static bool deliver_in_step(struct vcpu *v, struct vmcb *vmcb, struct vmexit *e)
{
	vmcb->event_inj = interrupted(vmcb);
	if (!soft(vmcb->event_inj))
		return true;
	if (insn_length(v, e) != VERDICT_DEFAULT)
		return false;
	v->step.soft = e->len;
	vmcb->rip += e->len;
	vmcb->next_rip = vmcb->rip;
	return true;
}

/* A second exception before the first was delivered: APM vol. 2, 8.2.9. */
static bool makes_double_fault(u64 first, u8 second)
{
	u8 vector = (u8)first;

	if (!first || SVM_EVENT_TYPE(first) != SVM_EVENT_EXCEPTION || vector > 31 || second > 31)
		return false;
	if (CONTRIBUTORY >> second & 1)
		return CONTRIBUTORY >> vector & 1 || vector == VECTOR_PF;
	return second == VECTOR_PF && vector == VECTOR_PF;
}

void svm_inject_fault(struct vcpu *v, struct vmcb *vmcb, const struct guest_fault *fault)
{
	u64 first = svm_under_delivery(vmcb);
	u64 type = fault->vector == VECTOR_NMI ? SVM_EVENT_NMI : SVM_EVENT_EXCEPTION;

	if (first && SVM_EVENT_TYPE(first) == SVM_EVENT_EXCEPTION && (u8)first == VECTOR_DF &&
	    type == SVM_EVENT_EXCEPTION)
		machine_reset();
	if (makes_double_fault(first, fault->vector)) {
		vmcb->event_inj = SVM_EVENT_VALID | SVM_EVENT_HAS_ERROR | SVM_EVENT_EXCEPTION << 8 |
				  VECTOR_DF;
		return;
	}
	vmcb->event_inj = SVM_EVENT_VALID | type << 8 | fault->vector;
	if (fault->has_error)
		vmcb->event_inj |= SVM_EVENT_HAS_ERROR | (u64)fault->error << 32;
	if (fault->vector == VECTOR_PF)
		svm_set(v, VCPU_CR2, fault->cr2);
	/* The processor does not set RF in the flags that an injected fault pushes; we do. */
	if (!(NO_RF >> fault->vector & 1))
		vmcb->rflags |= RFLAGS_RF;
}

/* Linux dies of the double fault with a dump of its own, which is louder than anything of ours. */
static void stop_guest(struct vmcb *vmcb)
{
	dispatch_stops();
	root_say("an exit that nobody can answer: the guest is stopped; exit code", vmcb->exit_code);
	root_say("its first information word", vmcb->exit_info1);
	root_say("at the guest's RIP", vmcb->rip);
	vmcb->event_inj = SVM_EVENT_VALID | SVM_EVENT_HAS_ERROR | SVM_EVENT_EXCEPTION << 8 |
			  VECTOR_DF;
}

/* Carries out a verdict; returns true if this processor is to be given back. */
static bool apply(struct vcpu *v, struct vmcb *vmcb, struct vmexit *e, enum verdict verdict)
{
	if (verdict == VERDICT_NEXT)
		verdict = insn_skip(v, e);
	if (verdict == VERDICT_LEAVE && v->nested && !svm_nested_leave(v))
		return false;
	if (verdict == VERDICT_LEAVE) {
		insn_skip(v, e);
		return true;
	}
	if (verdict == VERDICT_STEP)
		verdict = step_begin(v, e);
	if (verdict == VERDICT_STEP && (!e->delivering || deliver_in_step(v, vmcb, e)))
		return false;
	if (verdict == VERDICT_RETRY)
		vmcb->event_inj = svm_under_delivery(vmcb);
	else if (verdict == VERDICT_INJECT)
		svm_inject_fault(v, vmcb, &e->fault);
	else
		stop_guest(vmcb);
	return false;
}

/*
 * An NMI that came in the short time when the root side lets one in (svm_swallow_init()), or while a
 * step kept it out; not in between.
 */
static void hand_over_nmi(struct vcpu *v, struct vmcb *vmcb)
{
	if (!v->nmis || vmcb->event_inj & SVM_EVENT_VALID || v->step.kind)
		return;
	if (!svm_nested_gif(v)) {
		svm_nested_hold(v);
		return;
	}
	v->nmis = 0;
	vmcb->event_inj = SVM_EVENT_VALID | SVM_EVENT_NMI << 8 | VECTOR_NMI;
}

/* The CPUID leaves that are not just the processor's own: not quick, but no roundabout way either. */
static bool cpuid_exit(struct vcpu *v, struct vmcb *vmcb)
{
	u32 out[4];

	/* svm_cpuid_step() walks four levels of tables. */
	if (vmcb->cr4 & CR4_LA57 && !(svm_features & SVM_HAS_NRIP))
		return false;
	if (v->cpuid_claimed || !svm_cpuid_step(v, vmcb))
		return false;
	v->gpr[RAX] = vmcb->rax;
	if (!cpuid_quick(v, vmcb->cr4)) {
		cpuid_view(v, vmcb->rax, v->gpr[RCX], out);
		v->gpr[RAX] = out[CPUID_EAX];
		v->gpr[RBX] = out[CPUID_EBX];
		v->gpr[RCX] = out[CPUID_ECX];
		v->gpr[RDX] = out[CPUID_EDX];
	}
	vmcb->rax = v->gpr[RAX];
	return true;
}

bool svm_exit(struct vcpu *v)
{
	struct vmcb *vmcb = v->control;
	struct vmexit e = { 0 };
	bool stepped = v->step.kind;
	enum verdict verdict;
	bool leave;

	if (vmcb->exit_code == SVM_EXIT_CPUID && cpuid_exit(v, vmcb))
		return false;
	if (v->nested && ((const struct nested *)v->nested)->state == NESTED_GUEST) {
		svm_nested_exit(v);
		return false;
	}
	if (v->nested && !stepped && svm_nested_event(v))
		return false;
	vmcb->event_inj = 0;
	v->gpr[RAX] = vmcb->rax;
	v->gpr[RSP] = vmcb->rsp;
	/* Not delivered: it is the instruction again that is to run. */
	if (stepped && soft(vmcb->exit_int_info))
		vmcb->rip -= v->step.soft;
	verdict = translate(v, vmcb, &e);
	if (unlikely(stepped))
		step_exit(v, &e);
	if (verdict == VERDICT_DEFAULT)
		verdict = v->nested && e.kind == VMEXIT_VIRT_INSN ? svm_nested_insn(v, &e) : dispatch(v, &e);
	if (unlikely(stepped) && verdict != VERDICT_STEP)
		v->step.pages = 0;
	leave = apply(v, vmcb, &e, verdict);
	hand_over_nmi(v, vmcb);
	vmcb->rax = v->gpr[RAX];
	vmcb->rsp = v->gpr[RSP];
	return leave;
}
