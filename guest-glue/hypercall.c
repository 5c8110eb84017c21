// SPDX-License-Identifier: GPL-2.0-only
/*
 * hypercall.c - the calls of the Linux side, answered below it.
 */
#include "hypercall.h"

#include "../vmexit/defaults.h"
#include "../vmexit/insn.h"
#include "aside.h"
#include "enlightened.h"
#include "machine.h"
#include "phys.h"
#include "rootmap.h"
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

/* Whether a plan has a place for what a range is about. */
static bool placed(const struct plan *plan, const struct area_range *range)
{
	u32 i;

	for (i = 0; i < plan->area_count; i++)
		if (plan->areas[i].area == range->area && plan->areas[i].linear == range->linear)
			return true;
	return false;
}

/*
 * Where memory is that is not named by its guest-physical address. What has been said before the
 * lock stays; to what has not been named yet a place can be added, which protects more and frees
 * nothing.
 */
static void place(struct machine *m, struct plan *plan, const struct stage_request *request)
{
	const struct plan *now = &m->plans[m->current_plan];
	u32 i;

	plan->area_count = 0;
	for (i = 0; m->locked && i < now->area_count; i++)
		plan->areas[plan->area_count++] = now->areas[i];
	for (i = 0; i < request->area_count && plan->area_count < AREA_RANGES_MAX; i++)
		if (!m->locked || !placed(now, &request->areas[i]))
			plan->areas[plan->area_count++] = request->areas[i];
}

static u64 refuse_stage(u64 gpa, const struct stage_request *request)
{
	return phys_write(gpa, request->why, sizeof(request->why)) ? HYPERCALL_REFUSED :
								     HYPERCALL_BAD;
}

/*
 * Whether every processor follows the plan in force, so that the other one may be made anew. Linux's
 * side sees to it; somebody else who calls us might make plans and let a processor keep an old one,
 * which is then written over under it.
 */
static bool all_follow(const struct machine *m)
{
	const struct vcpu *other;
	u32 cpu;

	for (cpu = 0; cpu < m->cpus; cpu++) {
		other = machine_root_vcpu(cpu);
		if (other->active && other->plan != &m->plans[m->current_plan])
			return false;
	}
	return true;
}

/* Makes the plan that a request asks for, where no processor looks at it. */
static bool make(struct machine *m, const struct stage_request *request, struct plan *plan,
		 struct text *why)
{
	/* Not on the stack, which they would fill; one change is made at a time. */
	static struct features_on wish;
	static struct policy policy;

	if (!all_follow(m)) {
		text_add(why, "another change has not reached every processor");
		return false;
	}
	return features_parse(request->text, request->length, &wish, why) &&
	       policy_parse(request->policy, request->policy_length, &policy, why) &&
	       plan_make(plan, &wish, &policy, m->caps.facilities, why) &&
	       (!m->locked || plan_tightens(&m->plans[m->current_plan], plan, why));
}

/* A processor never sees a half-made plan, nor one that was refused. */
static u64 stage(struct machine *m, u64 gpa)
{
	static struct stage_request request;
	static struct plan plan;
	struct text why = { .at = request.why, .size = sizeof(request.why) };
	u32 next = !m->current_plan;

	if (gpa % PAGE_BYTES || !read_pages(gpa, &request, sizeof(request)))
		return HYPERCALL_BAD;
	request.why[0] = '\0';
	if (request.length > sizeof(request.text) ||
	    request.policy_length > sizeof(request.policy) || request.area_count > AREA_RANGES_MAX)
		return HYPERCALL_BAD;
	if (!make(m, &request, &plan, &why))
		return refuse_stage(gpa, &request);
	place(m, &plan, &request);
	m->plans[next] = plan;
	/* What is sealed meanwhile would be in the old plan's pages only. */
	seal_lock(m);
	if (!slat_guard_prepare(m, next)) {
		seal_unlock(m);
		text_add(&why, "mem_guard: no memory is left to split so many pages");
		return refuse_stage(gpa, &request);
	}
	machine_plan_maps(m, next);
	/* A processor that finds it finds it whole. */
	__atomic_store_n(&m->current_plan, next, __ATOMIC_RELEASE);
	slat_guard_apply(m, next);
	if (!(plan.offers & OFFER_SEAL))
		seal_forget(m);
	seal_unlock(m);
	if (!(plan.guest_offers & OFFER_SEAL))
		guests_forget(m);
	return HYPERCALL_OK;
}

/*
 * Linux's side makes one change at a time (its mutex). Whoever else is in ring 0 may call from two
 * processors at once, and shall not get the one's request checked and the other's carried out.
 */
static u64 stage_alone(struct machine *m, u64 gpa)
{
	u64 result;

	if (__atomic_exchange_n(&m->stage_lock, 1, __ATOMIC_ACQUIRE))
		return HYPERCALL_BAD;
	result = stage(m, gpa);
	__atomic_store_n(&m->stage_lock, 0, __ATOMIC_RELEASE);
	return result;
}

/* What CPUID says follows when each processor follows the plan again. */
static u64 lock(struct machine *m)
{
	if (!m->locked && !aside_bar(m, &m->locked, true))
		return HYPERCALL_REFUSED;
	machine_show(m);
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
	out.refused = other->refused;
	return phys_write(gpa, &out, sizeof(out)) ? HYPERCALL_OK : HYPERCALL_BAD;
}

enum verdict default_hypercall(struct vcpu *v, struct vmexit *e)
{
	u64 number = v->gpr[RAX] ^ HYPERCALL_MAGIC;
	bool enlightened = v->gpr[RAX] - OLDGUARD_CALL_SEAL <=
			   OLDGUARD_CALL_SYNC - OLDGUARD_CALL_SEAL;
	enum verdict verdict;

	/*
	 * The processor exits before it looks at the CPL (APM vol. 2, 15.9; SDM vol. 3, 26.1.2), so
	 * we look. A call that is not ours has nobody to answer it: the instruction is undefined.
	 */
	if (e->cpl || (number >= HYPERCALLS && !enlightened))
		return inject(e, VECTOR_UD);
	verdict = insn_length(v, e);
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (enlightened) {
		v->gpr[RAX] = seal_call(v, v->gpr[RAX]);
		return VERDICT_NEXT;
	}
	switch (number) {
	case HYPERCALL_LEAVE:
		if (!v->machine->locked)
			return VERDICT_LEAVE;
		event_refused(v, e);
		v->gpr[RAX] = HYPERCALL_REFUSED;
		break;
	case HYPERCALL_LOCK:
		v->gpr[RAX] = lock(v->machine);
		break;
	case HYPERCALL_STAY:
		v->gpr[RAX] = aside_bar(v->machine, &v->machine->stay, v->gpr[RDI]) ?
				      HYPERCALL_OK : HYPERCALL_REFUSED;
		break;
	case HYPERCALL_STAGE:
		v->gpr[RAX] = stage_alone(v->machine, v->gpr[RDI]);
		break;
	case HYPERCALL_APPLY:
		plan_follow(v);
		v->gpr[RAX] = HYPERCALL_OK;
		break;
	case HYPERCALL_SEALS:
		v->gpr[RAX] = v->machine->seals.count;
		break;
	case HYPERCALL_MEMORY:
		v->gpr[RAX] = rootmap_more(v->machine, v->gpr[RDI], v->gpr[RSI]) ? HYPERCALL_OK :
										   HYPERCALL_REFUSED;
		break;
	default:
		v->gpr[RAX] = counts(v, v->gpr[RDI], v->gpr[RSI]);
	}
	/* Linux's side makes no such calls. */
	if (v->gpr[RAX] == HYPERCALL_BAD && number != HYPERCALL_SEALS)
		event_refused(v, e);
	return VERDICT_NEXT;
}
