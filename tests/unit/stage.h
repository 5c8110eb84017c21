/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stage.h - plans put in force as the module does it, for tests of rules.
 */
#ifndef OLDGUARD_TEST_STAGE_H
#define OLDGUARD_TEST_STAGE_H

#include <string.h>

#include "sim.h"

/* The request that stage() has made, as the root side has left it. */
#define STAGED ((struct stage_request *)(void *)guestmem_page(SIM_REQUEST))

/* stage_areas() - ask for a plan whose rules name memory; what the root side answers */
static inline u64 stage_areas(const char *list, const char *policy, const struct area_range *areas,
			      u32 area_count)
{
	struct stage_request r = {
		.length = strlen(list),
		.policy_length = strlen(policy),
		.area_count = area_count,
	};
	u32 i;

	memcpy(r.text, list, r.length);
	memcpy(r.policy, policy, r.policy_length);
	for (i = 0; i < area_count; i++)
		r.areas[i] = areas[i];
	for (i = 0; i < sizeof(r); i++)
		guestmem_page(SIM_REQUEST + i)[i % PAGE_BYTES] = ((char *)&r)[i];
	sim_at(SIM_CODE);
	return machine_call(HYPERCALL_STAGE, SIM_REQUEST, 0, 0);
}

/* stage() - the same where no rule names any */
static inline u64 stage(const char *list, const char *policy)
{
	return stage_areas(list, policy, NULL, 0);
}

/* call() - one of the other calls */
static inline u64 call(u64 number)
{
	sim_at(SIM_CODE);
	return machine_call(number, 0, 0, 0);
}

/* enforce() - a plan, and this processor follows it */
static inline void enforce(const char *list, const char *policy)
{
	ck_assert_msg(stage(list, policy) == HYPERCALL_OK, "%s; %s: %s", list, policy, STAGED->why);
	ck_assert_uint_eq(call(HYPERCALL_APPLY), HYPERCALL_OK);
}

#endif
