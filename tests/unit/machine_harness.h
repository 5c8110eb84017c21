/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine that is built and not yet taken, for the tests of it. */
#ifndef OLDGUARD_TEST_MACHINE_HARNESS_H
#define OLDGUARD_TEST_MACHINE_HARNESS_H

#include "sim.h"

static struct machine_request request;
static char why_room[200];
static struct text why;

/* Builds with @pieces pieces and no feature; the processor is bare still. */
static inline bool build(u32 pieces, u32 cpus, u64 phys_end)
{
	struct features_on none = { 0 };

	why = (struct text){ .at = why_room, .size = sizeof(why_room) };
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(plan_make(&machine.plans[0], &none, NULL, machine.caps.facilities, &why));
	sim_block(&request, pieces);
	request.cpus = cpus;
	request.phys_end = phys_end;
	return machine_build(&request, &why);
}

#endif
