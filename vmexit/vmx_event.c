// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_event.c - what the guest's processor is to raise on the next entry: faults, events that an
 * exit has interrupted, single steps, NMIs (Intel SDM vol. 3, 27.6 and 28.2.4).
 *
 * NMIs: one that comes to the guest exits; one that comes to the root side is counted by fault.c.
 * Either way v->nmis grows, and one is injected as soon as the guest can take it. "Can" is virtual-
 * NMI blocking, which the processor keeps as it would keep the real one (IRET ends it). The NMI
 * handler of the root side switches NMI-window exiting on by itself, so an NMI that comes after
 * the last look at v->nmis, down to VMRESUME, makes that entry exit at once.
 *
 * A machine check on the root side (fault.c) takes the same way. The guest cannot block it, so it
 * does not wait for the window: whichever exit comes first delivers it. What an entry delivers
 * already goes first and it comes next, as two events that meet do (table 6-5: it is benign); only
 * if that happens inside the guest's NMI handler does it wait for the end of that, or an exit.
 */
#include "vmx.h"

/* Contributory exceptions: SDM vol. 3, table 6-5. */
#define CONTRIBUTORY (1u << VECTOR_DE | 1u << VECTOR_TS | 1u << VECTOR_NP | 1u << VECTOR_SS | \
		      1u << VECTOR_GP)
/* Traps, and the abort: a return to them does not run the instruction again, so no RF. */
#define NO_RF (1u << VECTOR_DB | 1u << VECTOR_NMI | 1u << VECTOR_BP | 1u << VECTOR_OF | \
	       1u << VECTOR_DF | 1u << VECTOR_MC)

/* Pending debug exceptions: as in DR6, and whether a breakpoint of them is enabled (25.4.2). */
#define PENDING_ENABLED BIT64(12)

static void enter_with(u32 event, u32 error)
{
	/* No error codes in real mode (27.2.1.3). */
	if (event & VMX_EVENT_HAS_ERROR) {
		if (vmx_read(VMCS_GUEST_CR0) & CR0_PE)
			vmx_write(VMCS_ENTRY_ERROR, error);
		else
			event &= ~VMX_EVENT_HAS_ERROR;
	}
	vmx_write(VMCS_ENTRY_EVENT, event | VMX_EVENT_VALID);
}

/* --- NMIs --- */

/* Either may come at any moment. */
static bool waiting(const struct vcpu *v)
{
	return *(const volatile u32 *)&v->nmis || *(const volatile bool *)&v->machine_check;
}

/* An NMI in between may have switched the window on: v->nmis then says so. */
void vmx_proc(struct vcpu *v, u32 proc)
{
	vmx_write(VMCS_PROC, proc & ~VMX_PROC_NMI_WINDOW);
	if (waiting(v))
		vmx_write(VMCS_PROC, proc | VMX_PROC_NMI_WINDOW);
}

void vmx_nmi(struct vcpu *v)
{
	(void)v;
	vmx_write(VMCS_PROC, vmx_read(VMCS_PROC) | VMX_PROC_NMI_WINDOW);
}

static void deliver_nmi(struct vcpu *v)
{
	u32 blocking = vmx_read(VMCS_GUEST_BLOCKING);

	if (!*(volatile u32 *)&v->nmis)
		return;
	if (blocking & (VMX_BLOCKING_MOV_SS | VMX_BLOCKING_NMI) ||
	    vmx_read(VMCS_ENTRY_EVENT) & VMX_EVENT_VALID) {
		vmx_nmi(v);
		return;
	}
	/*
	 * Whether STI holds NMIs back is the processor's choice, which it made when it let this one
	 * through; an entry with both is refused by some (27.3.1.5).
	 */
	if (blocking & VMX_BLOCKING_STI)
		vmx_write(VMCS_GUEST_BLOCKING, blocking & ~VMX_BLOCKING_STI);
	enter_with(VMX_EVENT_TYPE_OF(VMX_EVENT_NMI) | VECTOR_NMI, 0);
	/* One instruction, because an NMI may come here too. */
	if (__atomic_sub_fetch(&v->nmis, 1, __ATOMIC_RELAXED))
		vmx_nmi(v);
}

void vmx_machine_check(struct vcpu *v)
{
	u32 event = vmx_read(VMCS_ENTRY_EVENT);

	/* That state takes no event (27.3.1.5); the start-up IPI's exit comes here again. */
	if (vmx_read(VMCS_GUEST_ACTIVITY) == VMX_ACTIVITY_WAIT_SIPI)
		return;
	if (event & VMX_EVENT_VALID) {
		vmx_nmi(v);
		if (VMX_EVENT_TYPE(event) != VMX_EVENT_NMI)
			return;
		/* Of two that wait the machine check comes first (table 6-2). */
		__atomic_add_fetch(&v->nmis, 1, __ATOMIC_RELAXED);
	}
	/* SDM vol. 3, 16.1: without MCE it shuts the processor down. */
	if (!(vmx_read(VMCS_GUEST_CR4) & CR4_MCE))
		machine_reset();
	v->machine_check = false;
	enter_with(VMX_EVENT_TYPE_OF(VMX_EVENT_EXCEPTION) | VECTOR_MC, 0);
}

void vmx_nmi_window(struct vcpu *v)
{
	/* First closed, then looked: one that comes in between opens it again. */
	vmx_write(VMCS_PROC, vmx_read(VMCS_PROC) & ~VMX_PROC_NMI_WINDOW);
	if (*(volatile bool *)&v->machine_check)
		vmx_machine_check(v);
	deliver_nmi(v);
}

void vmx_exit_unblocked_nmi(bool unblocked)
{
	u32 blocking;

	/* 28.2.3: the IRET that faulted runs again, and blocking lasts until then. */
	if (!unblocked || vmx_read(VMCS_VECTORING) & VMX_EVENT_VALID)
		return;
	blocking = vmx_read(VMCS_GUEST_BLOCKING);
	vmx_write(VMCS_GUEST_BLOCKING, blocking | VMX_BLOCKING_NMI);
}

/* --- single steps --- */

/*
 * As the hardware does it: the trap becomes pending (25.4.2), joins breakpoints that are pending
 * already, and sets DR6 when it is delivered.
 */
void vmx_step(struct vcpu *v, u64 causes)
{
	u64 pending = vmx_read(VMCS_GUEST_PENDING_DEBUG);

	(void)v;
	if (causes & ~DR6_BS)
		causes |= PENDING_ENABLED;
	vmx_write(VMCS_GUEST_PENDING_DEBUG, pending | causes);
}

/* --- events --- */

void vmx_redeliver(struct vcpu *v)
{
	u32 event = vmx_read(VMCS_VECTORING);
	u32 blocking;

	(void)v;
	if (!(event & VMX_EVENT_VALID))
		return;
	switch (VMX_EVENT_TYPE(event)) {
	case VMX_EVENT_NMI:
		/* Its delivery has begun the blocking that its second delivery may not find. */
		blocking = vmx_read(VMCS_GUEST_BLOCKING);
		vmx_write(VMCS_GUEST_BLOCKING, blocking & ~VMX_BLOCKING_NMI);
		break;
	case VMX_EVENT_INT_N:
	case VMX_EVENT_INT1:
	case VMX_EVENT_INT3_INTO:
		vmx_write(VMCS_ENTRY_LENGTH, vmx_read(VMCS_EXIT_LENGTH));
		break;
	}
	/* Bit 12 has a meaning in one direction only. */
	enter_with(event & ~VMX_EVENT_NMI_UNBLOCKED, vmx_read(VMCS_VECTORING_ERROR));
}

void vmx_double_fault(void)
{
	enter_with(VMX_EVENT_HAS_ERROR | VMX_EVENT_TYPE_OF(VMX_EVENT_EXCEPTION) | VECTOR_DF, 0);
}

/* A second exception before the first was delivered: SDM vol. 3, table 6-5. */
static bool makes_double_fault(u32 first, u8 second)
{
	u8 vector = (u8)first;

	if (vector > 31)
		return false;
	if (CONTRIBUTORY >> second & 1)
		return CONTRIBUTORY >> vector & 1 || vector == VECTOR_PF;
	return second == VECTOR_PF && vector == VECTOR_PF;
}

/* INT3, INTO and INT1 that were intercepted go on behind the instruction: the same event again. */
static bool inject_soft(const struct vmexit *e)
{
	u32 event = vmx_read(VMCS_EXIT_EVENT);

	if (e->kind != VMEXIT_EXCEPTION || e->fault.vector != e->sel ||
	    VMX_EVENT_TYPE(event) < VMX_EVENT_INT_N)
		return false;
	vmx_write(VMCS_ENTRY_LENGTH, vmx_read(VMCS_EXIT_LENGTH));
	enter_with(VMX_EVENT_TYPE_OF(VMX_EVENT_TYPE(event)) | e->fault.vector, 0);
	return true;
}

static void raise(const struct guest_fault *fault)
{
	u32 event = VMX_EVENT_TYPE_OF(VMX_EVENT_EXCEPTION) | fault->vector;

	/* The processor does not set RF in the flags that an injected fault pushes; we do. */
	if (!(NO_RF >> fault->vector & 1))
		vmx_write(VMCS_GUEST_RFLAGS, vmx_read(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
	enter_with(event | (fault->has_error ? VMX_EVENT_HAS_ERROR : 0), fault->error);
}

void vmx_inject(struct vcpu *v, const struct vmexit *e)
{
	const struct guest_fault *fault = &e->fault;
	u32 first = vmx_read(VMCS_VECTORING);

	if (fault->vector == VECTOR_NMI) {
		__atomic_add_fetch(&v->nmis, 1, __ATOMIC_RELAXED);
		deliver_nmi(v);
		return;
	}
	if (first & VMX_EVENT_VALID && VMX_EVENT_TYPE(first) == VMX_EVENT_EXCEPTION) {
		if ((u8)first == VECTOR_DF)
			machine_reset();
		if (makes_double_fault(first, fault->vector)) {
			vmx_double_fault();
			return;
		}
	}
	if (inject_soft(e))
		return;
	if (fault->vector == VECTOR_PF)
		v->cr2 = fault->cr2;
	raise(fault);
}
