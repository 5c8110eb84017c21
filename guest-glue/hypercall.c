// SPDX-License-Identifier: GPL-2.0-only
/*
 * hypercall.c - the calls of the Linux side, answered below it.
 */
#include "hypercall.h"

#include "../vmexit/defaults.h"
#include "../vmexit/insn.h"
#include "machine.h"
#include "phys.h"
#include "string.h"

static_assert(VMEXIT_KINDS <= COUNTS_KINDS, "struct vcpu_counts is too small");
static_assert(FEATURES_MAX <= COUNTS_FEATURES, "struct vcpu_counts is too small");
static_assert(sizeof(((struct stage_request *)0)->text) >= FEATURES_TEXT_MAX, "list too long");

/* Linux's side makes one change at a time (its mutex); a processor never sees a half-made plan. */
static u64 stage(struct vcpu *v, u64 gpa)
{
	struct machine *m = v->machine;
	/* Not on the stack: it is as large as a fifth of it, and one change is made at a time. */
	static struct stage_request request;
	static struct features_on wish;
	struct text why = { .at = request.why, .size = sizeof(request.why) };

	if (gpa % PAGE_BYTES > PAGE_BYTES - sizeof(request) ||
	    !phys_read(gpa, &request, sizeof(request)))
		return HYPERCALL_BAD;
	request.why[0] = '\0';
	if (request.length > sizeof(request.text))
		return HYPERCALL_BAD;
	if (!features_parse(request.text, request.length, &wish, &why) ||
	    !plan_make(&m->plans[!m->current_plan], &wish, m->caps.facilities, &why)) {
		if (!phys_write(gpa, &request, sizeof(request)))
			return HYPERCALL_BAD;
		return HYPERCALL_REFUSED;
	}
	m->current_plan = !m->current_plan;
	return HYPERCALL_OK;
}

static u64 apply(struct vcpu *v)
{
	v->plan = &v->machine->plans[v->machine->current_plan];
	/* A virtual CR4 bit goes away with its feature, as it would with the hardware. */
	v->cr4 &= v->plan->cr4 | v->machine->cr4_busy;
	cpuid_prepare(v);
	v->virt->traps(v);
	return HYPERCALL_OK;
}

static u64 counts(struct vcpu *v, u64 cpu, u64 gpa)
{
	struct vcpu_counts out = { 0 };
	struct vcpu *other;

	if (cpu >= v->machine->cpus || gpa % PAGE_BYTES > PAGE_BYTES - sizeof(out))
		return HYPERCALL_BAD;
	other = machine_root_vcpu(cpu);
	memcpy(out.exits, other->exits, sizeof(other->exits));
	memcpy(out.handled, other->handled, sizeof(other->handled));
	return phys_write(gpa, &out, sizeof(out)) ? HYPERCALL_OK : HYPERCALL_BAD;
}

enum verdict default_hypercall(struct vcpu *v, struct vmexit *e)
{
	u64 number = v->gpr[RAX] ^ HYPERCALL_MAGIC;
	enum verdict verdict;

	/*
	 * The processor exits before it looks at the CPL (APM vol. 2, 15.9; SDM vol. 3, 26.1.2), so
	 * we look. A call that is not ours has nobody to answer it: the instruction is undefined.
	 */
	if (e->cpl || number > HYPERCALL_COUNTS)
		return inject(e, VECTOR_UD);
	verdict = insn_length(v, e);
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	switch (number) {
	case HYPERCALL_LEAVE:
		return VERDICT_LEAVE;
	case HYPERCALL_STAGE:
		v->gpr[RAX] = stage(v, v->gpr[RDI]);
		break;
	case HYPERCALL_APPLY:
		v->gpr[RAX] = apply(v);
		break;
	default:
		v->gpr[RAX] = counts(v, v->gpr[RDI], v->gpr[RSI]);
	}
	return VERDICT_NEXT;
}
