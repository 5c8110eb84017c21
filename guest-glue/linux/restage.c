// SPDX-License-Identifier: GPL-2.0-only
/*
 * restage.c - another plan while processors are held, or would be.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/gfp.h>

#include "glue.h"

/*
 * Every processor is aside: nobody is there to be asked, and nothing in force anywhere. What they
 * come back to is built anew.
 */
static int rebuild(const struct change *c, struct text *why)
{
	unsigned int cpu;
	TEXT(again, 80);
	int error;

	events_detach();
	error = guard_build(&guard.block, &c->plan, why);
	if (error && guard_build(&guard.block, &guard.plan, &again)) {
		pr_crit("what was in force cannot be built again: no processor comes back\n");
		return error;
	}
	/* All of it is new: whose they are as well. */
	for_each_online_cpu(cpu)
		if (cpus_hold(cpu) == CPU_ASIDE)
			machine_set_aside(cpu, true);
	events_attach();
	cpus_pause(false);
	return error;
}

static int stage(struct stage_request *request, const struct change *c, struct text *why)
{
	u64 result;

	/* Somebody else in ring 0 may have staged a plan that no processor follows. */
	cpus_apply();
	if (!cpus_call(HYPERCALL_STAGE, __pa(request), 0, &result))
		return rebuild(c, why);
	if (result == HYPERCALL_OK)
		cpus_apply();
	else
		text_add(why, result == HYPERCALL_REFUSED ? request->why
							  : "the root side did not understand");
	cpus_pause(false);
	return result == HYPERCALL_OK ? 0 : guard.locked ? -EPERM : -EINVAL;
}

/* The running root side reads the texts itself: its plan is its own, whatever becomes of ours. */
int guard_restage(const struct change *c, struct text *why)
{
	const unsigned int order = get_order(sizeof(struct stage_request));
	struct stage_request *request;
	int error;

	request = guard_step("allocating the request")
			  ? NULL
			  : (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
	if (!request) {
		text_add(why, "no memory for the request");
		return -ENOMEM;
	}
	request->length = strnlen(c->list, sizeof(request->text));
	memcpy(request->text, c->list, request->length);
	request->policy_length = strnlen(c->text, sizeof(request->policy));
	memcpy(request->policy, c->text, request->policy_length);
	request->area_count = c->plan.area_count;
	memcpy(request->areas, c->plan.areas, sizeof(request->areas));
	/* None comes back, or online, halfway. */
	cpus_read_lock();
	cpus_pause(true);
	error = stage(request, c, why);
	cpus_read_unlock();
	free_pages((unsigned long)request, order);
	return error;
}
