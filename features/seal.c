// SPDX-License-Identifier: GPL-2.0-only
/*
 * seal.c - kernel modules may have pages of their own protected, until they are unloaded: even code
 * in ring 0 cannot write them then (guest-glue/enlightened.h is what such a module includes).
 */
#include "enforce.h"

#include "../guest-glue/enlightened.h"
#include "../guest-glue/machine.h"

static_assert(OFFER_SEAL == OLDGUARD_OFFERS_SEAL, "CPUID tells a plan's offers as they are");

enum verdict seal_refuse(struct vcpu *v, struct vmexit *e)
{
	const struct event_reason why = {
		.action = ACTION_DENY,
		.rule = EVENT_NO_RULE,
		.rate = EVENT_RATE_USUAL,
	};

	event_report(v, e, &why);
	return inject_error(e, VECTOR_GP, 0);
}

static enum verdict seal_write(struct vcpu *v, struct vmexit *e)
{
	u64 page = e->addr & ~(PAGE_BYTES - 1);

	if (!(e->value & MEM_WRITE) || !seal_covers(v->machine, page, page))
		return VERDICT_DEFAULT;
	return seal_refuse(v, e);
}

static const struct claim seal_claims[] = {
	{ VMEXIT_MEMORY, 0, 0, CLAIM_FILTER, seal_write, .reports = true },
};

enum option { OPTION_GUESTS };
enum { GUESTS_OFF, GUESTS_ON };
static const char *const guests_choices[] = { [GUESTS_OFF] = "off", [GUESTS_ON] = "on", NULL };

/* Whether virtual machines of a hypervisor in the guest may seal pages of theirs. */
static const struct feature_option seal_options[] = {
	[OPTION_GUESTS] = {
		.name = "guests",
		.choices = guests_choices,
		.initial = GUESTS_OFF,
		.quiet = true,
	},
};

static const struct feature seal = {
	.name = "seal",
	.summary = "kernel modules can have pages of their own protected (enlightened.h)",
	.needs = FACILITY(SLAT),
	.claims = seal_claims,
	.claim_count = ARRAY_SIZE(seal_claims),
	.options = seal_options,
	.option_count = ARRAY_SIZE(seal_options),
	.offers = OFFER_SEAL,
	.guests = WHEN(OPTION_GUESTS, GUESTS_ON),
};
FEATURE(seal);
