// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx.c - from a VM exit to a neutral event, and from the verdict back to VMRESUME (Intel SDM
 * vol. 3, chapters 26 to 28).
 *
 * Speculation: the root side runs in the guest's place, as a kernel does below its programs.
 * Every indirect branch here is a retpoline, and every RET has a matching CALL made since the
 * exit, few enough to fit the return stack, so the guest's branch history steers neither and the
 * return stack is not stuffed. Nothing here is secret from the guest but addresses of its own
 * machine, and what an exit from a program touches is that program's own registers: neither the
 * L1 cache nor the buffers are cleared on the way back (Linux clears them where it returns to
 * programs, as on the bare machine).
 *
 * CR2 and DR6 belong to no VMCS field: they stay in the registers. A fault that the root side
 * has expected (phys.c) overwrites CR2, hence v->cr2.
 */
#include "vmx.h"

#include "insn.h"
#include "../guest-glue/vmx.h"

#define EVENT_VECTOR(event) ((u8)(event))
/* B0 to B3, BD, BS. */
#define DEBUG_CAUSES 0x600fu

/* An exception that somebody intercepts, or an NMI: 28.2.2. */
static void event_exit(const struct vcpu *v, struct vmexit *e)
{
	u32 event = vmx_read(VMCS_EXIT_EVENT);

	if (VMX_EVENT_TYPE(event) == VMX_EVENT_NMI) {
		vmx_unblock_nmi();
		e->kind = VMEXIT_NMI;
		return;
	}
	vmx_exit_unblocked_nmi(event & VMX_EVENT_NMI_UNBLOCKED && EVENT_VECTOR(event) != VECTOR_DF);
	e->kind = VMEXIT_EXCEPTION;
	e->sel = EVENT_VECTOR(event);
	e->delivering = vmx_read(VMCS_VECTORING) & VMX_EVENT_VALID;
	if (event & VMX_EVENT_HAS_ERROR)
		e->value = vmx_read(VMCS_EXIT_ERROR);
	if (e->sel == VECTOR_PF)
		e->addr = vmx_read(VMCS_QUALIFICATION);
	/* What delivering it would have put into DR6, and an exit does not: 28.2.1. */
	if (e->sel == VECTOR_DB) {
		e->value = vmx_read(VMCS_QUALIFICATION) & DEBUG_CAUSES;
		if (!v->step.kind)
			cpu_write_dr6(cpu_read_dr6() | e->value);
	}
}

/* 28.2.1, table 28-3. */
static void control_register(struct vcpu *v, struct vmexit *e)
{
	enum { MOV_TO, MOV_FROM, CLTS, LMSW };
	u64 qualification = vmx_read(VMCS_QUALIFICATION);
	u64 cr0;

	e->sel = qualification & 15;
	e->kind = VMEXIT_CR_WRITE;
	switch (qualification >> 4 & 3) {
	case MOV_TO:
		e->reg = qualification >> 8 & 15;
		e->value = v->gpr[e->reg];
		break;
	case MOV_FROM:
		e->kind = VMEXIT_CR_READ;
		e->reg = qualification >> 8 & 15;
		break;
	case CLTS:
		e->reg = REG_VALUE;
		e->value = vcpu_get(v, VCPU_CR0) & ~CR0_TS;
		break;
	case LMSW:
		/* PE, MP, EM, TS; it can set PE and not clear it. */
		e->reg = REG_VALUE;
		cr0 = vcpu_get(v, VCPU_CR0);
		e->value = (cr0 & ~(CR0_MP | CR0_EM | CR0_TS)) | (qualification >> 16 & 15);
		break;
	}
}

/* 28.2.5: which of the four it was, in the instruction information's bits 29:28. */
static void descriptor_table(u32 reason, struct vmexit *e)
{
	u32 identity = vmx_read(VMCS_EXIT_INFO) >> 28;

	e->kind = identity & 2 ? VMEXIT_DESC_LOAD : VMEXIT_DESC_STORE;
	if (reason == VMX_EXIT_GDTR_IDTR)
		e->sel = identity & 1 ? DESC_IDTR : DESC_GDTR;
	else
		e->sel = identity & 1 ? DESC_TR : DESC_LDTR;
}

/* 28.2.1, table 28-5. */
static void io(struct vcpu *v, struct vmexit *e)
{
	u64 qualification = vmx_read(VMCS_QUALIFICATION);

	e->kind = VMEXIT_IO;
	e->sel = qualification >> 16 & 0xffff;
	e->addr = (qualification & 7) + 1;
	e->addr |= (qualification & 8 ? IO_IN : 0) | (qualification & 16 ? IO_STRING : 0) |
		   (qualification & 32 ? IO_REP : 0);
	e->value = (u32)v->gpr[RAX];
}

#define QUAL_LINEAR BIT64(7)	 /* the guest's linear address is known */
#define QUAL_TRANSLATED BIT64(8) /* and it was its translation that was accessed, not a table */

static void ept_violation(struct vmexit *e)
{
	u64 qualification = vmx_read(VMCS_QUALIFICATION);

	vmx_exit_unblocked_nmi(qualification & VMX_EVENT_NMI_UNBLOCKED);
	e->kind = VMEXIT_MEMORY;
	e->addr = vmx_read(VMCS_GUEST_PHYSICAL);
	/* Table 28-7 has the MEM_* bits in the same places. */
	e->value = qualification & (MEM_READ | MEM_WRITE | MEM_FETCH);
	e->delivering = vmx_read(VMCS_VECTORING) & VMX_EVENT_VALID;
	if (!(qualification & QUAL_LINEAR))
		return;
	e->value |= MEM_LINEAR | (qualification & QUAL_TRANSLATED ? 0 : MEM_WALK);
	e->linear = vmx_read(VMCS_GUEST_LINEAR);
}

/* Exits that no instruction caused have no length: 28.2.5. */
static bool caused_by_instruction(enum vmexit_kind kind)
{
	switch (kind) {
	case VMEXIT_EXCEPTION:
	case VMEXIT_MEMORY:
	case VMEXIT_NMI:
	case VMEXIT_INIT:
	case VMEXIT_SIPI:
	case VMEXIT_SHUTDOWN:
	case VMEXIT_STEP:
	case VMEXIT_UNKNOWN:
		return false;
	default:
		return true;
	}
}

static void translate(struct vcpu *v, u32 reason, struct vmexit *e)
{
	e->kind = VMEXIT_UNKNOWN;
	e->reg = REG_UNKNOWN;
	switch (reason) {
	case VMX_EXIT_CPUID:
		e->kind = VMEXIT_CPUID;
		break;
	case VMX_EXIT_GDTR_IDTR:
	case VMX_EXIT_LDTR_TR:
		descriptor_table(reason, e);
		break;
	case VMX_EXIT_EVENT:
		event_exit(v, e);
		break;
	case VMX_EXIT_CR:
		control_register(v, e);
		break;
	case VMX_EXIT_IO:
		io(v, e);
		break;
	case VMX_EXIT_RDMSR:
	case VMX_EXIT_WRMSR:
		e->kind = reason == VMX_EXIT_WRMSR ? VMEXIT_MSR_WRITE : VMEXIT_MSR_READ;
		e->sel = v->gpr[RCX];
		e->value = (u32)v->gpr[RAX] | v->gpr[RDX] << 32;
		break;
	case VMX_EXIT_XSETBV:
		e->kind = VMEXIT_XSETBV;
		e->sel = v->gpr[RCX];
		e->value = (u32)v->gpr[RAX] | v->gpr[RDX] << 32;
		break;
	case VMX_EXIT_EPT_VIOLATION:
		ept_violation(e);
		break;
	case VMX_EXIT_VMCALL:
		e->kind = VMEXIT_HYPERCALL;
		break;
	case VMX_EXIT_VMCLEAR ... VMX_EXIT_VMXON:
	case VMX_EXIT_INVEPT:
	case VMX_EXIT_INVVPID:
	case VMX_EXIT_VMFUNC:
	case VMX_EXIT_GETSEC:
		e->kind = VMEXIT_VIRT_INSN;
		/* VMXON on a processor whose firmware has locked VMX off: SDM vol. 3, 31.3. */
		if (reason == VMX_EXIT_VMXON)
			e->value = v->cr4 & CR4_VMXE;
		break;
	case VMX_EXIT_INVD:
		e->kind = VMEXIT_INVD;
		break;
	case VMX_EXIT_INTERRUPT:
	case VMX_EXIT_NMI_WINDOW:
		/* From a step alone, before its instruction could run. */
		e->sel = reason;
		if (v->step.kind)
			e->kind = VMEXIT_STEP;
		break;
	case VMX_EXIT_INIT:
		e->kind = VMEXIT_INIT;
		break;
	case VMX_EXIT_SIPI:
		e->kind = VMEXIT_SIPI;
		e->sel = vmx_read(VMCS_QUALIFICATION) & 0xff;
		break;
	case VMX_EXIT_TRIPLE_FAULT:
		e->kind = VMEXIT_SHUTDOWN;
		break;
	default:
		e->sel = reason;
	}
	/* SS.DPL is the CPL: 25.4.1. */
	e->cpl = vmx_read(VMCS_GUEST_ATTR(GUEST_SS)) >> SEG_DPL_SHIFT & 3;
	if (caused_by_instruction(e->kind))
		e->len = vmx_read(VMCS_EXIT_LENGTH);
}

/* Linux dies of the double fault with a dump of its own, which is louder than anything of ours. */
static void stop_guest(u32 reason)
{
	dispatch_stops();
	root_say("an exit that nobody can answer: the guest is stopped; exit reason", reason);
	root_say("its qualification", vmx_read(VMCS_QUALIFICATION));
	root_say("at the guest's RIP", vmx_read(VMCS_GUEST_RIP));
	vmx_double_fault();
}

static void apply(struct vcpu *v, u32 reason, struct vmexit *e, enum verdict verdict)
{
	if (verdict == VERDICT_STEP)
		verdict = step_begin(v, e);
	switch (verdict) {
	case VERDICT_NEXT:
		insn_skip(v, e);
		break;
	case VERDICT_STEP:
	case VERDICT_RETRY:
		vmx_redeliver(v);
		break;
	case VERDICT_INJECT:
		vmx_inject(v, e);
		break;
	case VERDICT_LEAVE:
		vmx_leave(v, e->len);
		break;
	default:
		stop_guest(reason);
	}
}

/**
 * vmx_exit() - answer one VM exit; called by vmx.S
 * @v: this processor, its registers but RSP saved
 */
void vmx_exit(struct vcpu *v)
{
	u32 reason = vmx_read(VMCS_EXIT_REASON);
	struct vmexit e = { 0 };
	bool stepped = v->step.kind;
	enum verdict verdict;
	u64 rsp;

	if (unlikely(reason & VMX_REASON_ENTRY_FAILED)) {
		/* The entry has not happened, nothing of the guest is changed: 27.8, 27.9. */
		if (reason != (VMX_REASON_ENTRY_FAILED | VMX_ENTRY_MACHINE_CHECK))
			root_die("VM entry refuses the guest's state; exit reason", reason);
		v->machine_check = true;
		vmx_machine_check(v);
		return;
	}
	if (unlikely(reason == VMX_EXIT_NMI_WINDOW) && !stepped) {
		vmx_nmi_window(v);
		return;
	}
	rsp = vmx_read(VMCS_GUEST_RSP);
	v->gpr[RSP] = rsp;
	v->cr2 = cpu_read_cr2();
	translate(v, reason, &e);
	if (unlikely(stepped))
		step_exit(v, &e);
	verdict = dispatch(v, &e);
	if (unlikely(stepped) && verdict != VERDICT_STEP)
		v->step.pages = 0;
	apply(v, reason, &e, verdict);
	/* What has kept the step from beginning. */
	if (unlikely(stepped) && reason == VMX_EXIT_NMI_WINDOW)
		vmx_nmi_window(v);
	if (v->gpr[RSP] != rsp)
		vmx_write(VMCS_GUEST_RSP, v->gpr[RSP]);
	if (cpu_read_cr2() != v->cr2)
		cpu_write_cr2(v->cr2);
	/* vmx_left() sees to it where the guest is no guest any more. */
	if (unlikely(v->machine_check) && v->active)
		vmx_machine_check(v);
}

/**
 * vmx_start() - what the first exit of a processor is for; called by vmx.S
 * @v: this processor
 *
 * That entry and that exit went without VPIDs, so they have thrown out every translation of
 * Linux's that was made under number 0 (29.4.3.1), which from here on is the root side's.
 */
void vmx_start(struct vcpu *v)
{
	/* While every processor was aside, nobody has seen Linux write its MTRRs. */
	if (v->machine->slat_root)
		slat_retype(v->machine);
	root_enter(v);
	vmx_write(VMCS_HOST_RIP, (uintptr_t)vmx_host_exit);
	if (vmx_facts.vpid) {
		vmx_write(VMCS_VPID, VMX_OUR_VPID);
		vmx_write(VMCS_PROC2, vmx_read(VMCS_PROC2) | VMX_PROC2_VPID);
	}
}

void vmx_resume_failed(struct vcpu *v)
{
	(void)v;
	root_die("VMRESUME fails; instruction error", vmx_read(VMCS_INSTRUCTION_ERROR));
}
