// SPDX-License-Identifier: GPL-2.0-only
/*
 * aside.c - the hand-over of a processor to another user of the virtualisation extension: aside.h
 * has the idea.
 */
#include "aside.h"

#include "../vmexit/insn.h"
#include "machine.h"
#include "string.h"

/* What aside_landing() pops, from the stack pointer up. */
struct landing {
	u64 gpr[GPRS - 1]; /* all but RSP, RAX last */
	u64 rflags;
	u64 rip;
};

static bool barred(const struct machine *m)
{
	return __atomic_load_n(&m->locked, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&m->stay, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&m->sealing, __ATOMIC_SEQ_CST);
}

bool aside_free(const struct vcpu *v)
{
	return v->machine->kvm == KVM_ASIDE && !barred(v->machine) && !v->cr4;
}

/*
 * Two stores and two loads, each pair in this order on both sides: a processor that goes aside and one
 * that bars it cannot both miss the other.
 */
static bool depart(struct vcpu *v)
{
	__atomic_store_n(&v->aside, true, __ATOMIC_SEQ_CST);
	if (!barred(v->machine))
		return true;
	__atomic_store_n(&v->aside, false, __ATOMIC_SEQ_CST);
	return false;
}

bool aside_bar(struct machine *m, bool *bar, bool on)
{
	u32 cpu;

	__atomic_store_n(bar, on, __ATOMIC_SEQ_CST);
	for (cpu = 0; on && cpu < m->cpus; cpu++) {
		if (!__atomic_load_n(&machine_root_vcpu(cpu)->aside, __ATOMIC_SEQ_CST))
			continue;
		__atomic_store_n(bar, false, __ATOMIC_SEQ_CST);
		return false;
	}
	return true;
}

/* Kernel code: what lies below its stack pointer is nobody's, an interrupt would use it as well. */
static bool put_landing(struct vcpu *v, const struct vmexit *e)
{
	struct landing l = {
		/* RF is over with the instruction. */
		.rflags = vcpu_get(v, VCPU_RFLAGS) & ~RFLAGS_RF,
		.rip = vcpu_get(v, VCPU_RIP) + e->len,
	};
	u64 rsp = v->gpr[RSP] - sizeof(l);
	struct guest_fault fault;
	struct guest_span span;
	struct guest_mem mem;
	u32 reg, at = GPRS - 1;

	insn_memory(v, &mem);
	if (e->cpl || guest_code_mode(&mem) != 64)
		return false;
	for (reg = RAX; reg < GPRS; reg++)
		if (reg != RSP)
			l.gpr[--at] = v->gpr[reg];
	if (guest_span(&mem, GUEST_SS, rsp, sizeof(l), 1, WALK_WRITE, &span, &fault) != WALK_OK ||
	    !phys_write(span.gpa[0], &l, span.len[0]) ||
	    (span.len[1] && !phys_write(span.gpa[1], (char *)&l + span.len[0], span.len[1])))
		return false;
	v->landing = rsp;
	return true;
}

enum verdict aside_begin(struct vcpu *v, struct vmexit *e)
{
	const struct event_reason why = {
		.action = ACTION_ALLOW,
		.rule = EVENT_NO_RULE,
		.rate = EVENT_RATE_USUAL,
	};

	/* First what is due here, then the same instruction again. */
	if (v->nmis || v->machine_check)
		return VERDICT_RETRY;
	if (!put_landing(v, e))
		return inject_error(e, VECTOR_GP, 0);
	if (!depart(v))
		return VERDICT_RETRY;
	e->feature = EVENT_KVM;
	if (v->plan->reports)
		event_report(v, e, &why);
	return VERDICT_LEAVE;
}

void aside_landed(void)
{
	if (machine.virt->landed)
		machine.virt->landed();
	machine.landed();
}
