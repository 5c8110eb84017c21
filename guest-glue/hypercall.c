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
static bool read_pages(u64 gpa, void *to, u64 bytes)
{
	u64 part;

	for (; bytes; bytes -= part) {
		part = bytes < PAGE_BYTES ? bytes : PAGE_BYTES;
		if (!phys_read(gpa, to, part))
			return false;
		gpa += part;
		to = (char *)to + part;
	}
	return true;
}

/* Where named memory is: what has been said before the lock stays. */
static void place(struct machine *m, struct plan *plan, const struct stage_request *request)
{
	const struct plan *now = &m->plans[m->current_plan];
	u32 i;

	plan->area_count = m->locked ? now->area_count : request->area_count;
	for (i = 0; i < plan->area_count; i++)
		plan->areas[i] = m->locked ? now->areas[i] : request->areas[i];
}

/* Linux's side makes one change at a time (its mutex); a processor never sees a half-made plan. */
static u64 stage(struct vcpu *v, u64 gpa)
{
	struct machine *m = v->machine;
	struct plan *plan = &m->plans[!m->current_plan];
	/* Not on the stack, which they would fill; one change is made at a time. */
	static struct stage_request request;
	static struct features_on wish;
	static struct policy policy;
	struct text why = { .at = request.why, .size = sizeof(request.why) };

	if (gpa % PAGE_BYTES || !read_pages(gpa, &request, sizeof(request)))
		return HYPERCALL_BAD;
	request.why[0] = '\0';
	if (request.length > sizeof(request.text) ||
	    request.policy_length > sizeof(request.policy) || request.area_count > AREA_RANGES_MAX)
		return HYPERCALL_BAD;
	if (!features_parse(request.text, request.length, &wish, &why) ||
	    !policy_parse(request.policy, request.policy_length, &policy, &why) ||
	    !plan_make(plan, &wish, &policy, m->caps.facilities, &why) ||
	    (m->locked && !plan_tightens(&m->plans[m->current_plan], plan, &why))) {
		if (!phys_write(gpa, request.why, sizeof(request.why)))
			return HYPERCALL_BAD;
		return HYPERCALL_REFUSED;
	}
	place(m, plan, &request);
	machine_plan_maps(m, !m->current_plan);
	m->current_plan = !m->current_plan;
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
	if (e->cpl || number >= HYPERCALLS)
		return inject(e, VECTOR_UD);
	verdict = insn_length(v, e);
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	switch (number) {
	case HYPERCALL_LEAVE:
		if (!v->machine->locked)
			return VERDICT_LEAVE;
		v->gpr[RAX] = HYPERCALL_REFUSED;
		break;
	case HYPERCALL_LOCK:
		v->machine->locked = true;
		v->gpr[RAX] = HYPERCALL_OK;
		break;
	case HYPERCALL_STAGE:
		v->gpr[RAX] = stage(v, v->gpr[RDI]);
		break;
	case HYPERCALL_APPLY:
		plan_follow(v);
		v->gpr[RAX] = HYPERCALL_OK;
		break;
	default:
		v->gpr[RAX] = counts(v, v->gpr[RDI], v->gpr[RSI]);
	}
	return VERDICT_NEXT;
}
