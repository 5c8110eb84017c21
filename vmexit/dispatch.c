// SPDX-License-Identifier: GPL-2.0-only
#include "vmexit.h"

#include "../guest-glue/machine.h"
#include "defaults.h"

static const char *const kind_names[VMEXIT_KINDS] = {
#define X(name, text) [VMEXIT_##name] = text,
	VMEXIT_KINDS_LIST(X)
#undef X
};

const char *vmexit_kind_name(enum vmexit_kind kind)
{
	return kind_names[kind];
}

/* A kind without an entry has no meaning that we could give it: the guest is stopped. */
static enum verdict (*const defaults[VMEXIT_KINDS])(struct vcpu *v, struct vmexit *e) = {
	[VMEXIT_CPUID] = default_cpuid,
	[VMEXIT_DESC_STORE] = default_desc_store,
	[VMEXIT_DESC_LOAD] = default_desc_load,
	[VMEXIT_SMSW] = default_smsw,
	[VMEXIT_CR_READ] = default_cr_read,
	[VMEXIT_CR_WRITE] = default_cr_write,
	[VMEXIT_MSR_READ] = default_msr_read,
	[VMEXIT_MSR_WRITE] = default_msr_write,
	[VMEXIT_IO] = default_io,
	[VMEXIT_EXCEPTION] = default_exception,
	[VMEXIT_MEMORY] = default_memory,
	[VMEXIT_XSETBV] = default_xsetbv,
	[VMEXIT_HYPERCALL] = default_hypercall,
	[VMEXIT_VIRT_INSN] = default_virt_insn,
	[VMEXIT_INVD] = default_invd,
	[VMEXIT_NMI] = default_nmi,
	[VMEXIT_INIT] = default_init,
	[VMEXIT_SIPI] = default_sipi,
	[VMEXIT_SHUTDOWN] = default_shutdown,
	[VMEXIT_STEP] = default_step,
};

/*
 * How strict a filter's verdict is: stopping, then a fault, then skipping, then letting it
 * through under watch. A filter that says nothing weighs nothing.
 */
static u32 weight(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_STOP:
		return 4;
	case VERDICT_INJECT:
		return 3;
	case VERDICT_NEXT:
	case VERDICT_RETRY:
		return 2;
	case VERDICT_STEP:
		return 1;
	default:
		return 0;
	}
}

static bool claims(const struct vcpu *v, const struct plan_claim *c, const struct vmexit *e)
{
	if (c->claim->asked && !(v->asked >> c->feature & 1))
		return false;
	return e->sel >= c->claim->first && e->sel <= c->claim->last;
}

static enum verdict answer(struct vcpu *v, struct vmexit *e)
{
	const struct plan_span *span = &v->plan->spans[e->kind];
	const struct plan_claim *c = &v->plan->claims[span->first];
	const struct plan_claim *owner = c + span->filters;
	const struct plan_claim *end = owner + span->owners;
	enum verdict strictest = VERDICT_DEFAULT;
	struct guest_fault fault = { 0 };
	enum verdict verdict;

	v->exits[e->kind]++;
	for (; c < owner; c++) {
		if (!claims(v, c, e))
			continue;
		e->feature = c->feature;
		verdict = c->claim->handle(v, e);
		if (verdict != VERDICT_DEFAULT)
			v->handled[c->feature]++;
		if (weight(verdict) <= weight(strictest))
			continue;
		strictest = verdict;
		fault = e->fault;
	}
	if (strictest != VERDICT_DEFAULT) {
		e->fault = fault;
		return strictest;
	}
	for (; c < end; c++) {
		if (!claims(v, c, e))
			continue;
		e->feature = c->feature;
		verdict = c->claim->handle(v, e);
		if (verdict == VERDICT_DEFAULT)
			break;
		v->handled[c->feature]++;
		return verdict;
	}
	return defaults[e->kind] ? defaults[e->kind](v, e) : VERDICT_STOP;
}

enum verdict dispatch(struct vcpu *v, struct vmexit *e)
{
	enum verdict verdict;

	/* A fault on the way to an answer is to tell what it was about. */
	*(const struct vmexit *volatile *)&v->exit = e;
	verdict = answer(v, e);
	v->exit = NULL;
	return verdict;
}

/* Each processor of a large machine may stop a few times while Linux dumps. */
#define STOPS_MAX 1000

void dispatch_stops(void)
{
	if (__atomic_add_fetch(&machine.stopped, 1, __ATOMIC_RELAXED) > STOPS_MAX)
		machine_reset();
}
