// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - from a feature list to processors that are held, and the module's beginning and end.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/slab.h>

#include "glue.h"

static const struct plan nothing;

struct guard guard = { .lock = __MUTEX_INITIALIZER(guard.lock) };

bool guard_step(const char *what)
{
	if (!param_fail_step || --param_fail_step)
		return false;
	pr_warn("fail_step: %s is made to fail\n", what);
	return true;
}

/* Where the list came to an end that is no change: say it to whoever asked and to the log. */
static int refuse(int error, const struct text *why)
{
	strscpy(guard.error, why->at, sizeof(guard.error));
	pr_err("%s\n", why->at);
	return error;
}

static int release(void)
{
	if (guard.active) {
		cpus_give_back();
		block_free();
		guard.active = false;
	}
	cpuinfo_update(&guard.plan, &nothing);
	return 0;
}

/* Builds the machine below and takes every processor. The root side finds its plan in it. */
static int take(const struct plan *plan, struct text *why)
{
	struct machine_request request = { 0 };
	int error = block_alloc(&request, why);

	if (error)
		return error;
	machine.current_plan = 0;
	machine.plans[0] = *plan;
	if (guard_step("building the tables") || !machine_build(&request, why)) {
		if (!why->length)
			text_add(why, "the tables cannot be built");
		block_free();
		return -ENOMEM;
	}
	error = cpus_take(why);
	if (error) {
		block_free();
		return error;
	}
	guard.active = true;
	return 0;
}

/* The running root side reads the list itself: its plan is its own, whatever becomes of ours. */
static int restage(const char *list, struct text *why)
{
	struct stage_request *request = (void *)get_zeroed_page(GFP_KERNEL);
	u64 result;

	BUILD_BUG_ON(sizeof(*request) > PAGE_SIZE);
	if (!request || guard_step("allocating the request")) {
		free_page((unsigned long)request);
		text_add(why, "no memory");
		return -ENOMEM;
	}
	request->length = strnlen(list, sizeof(request->text));
	memcpy(request->text, list, request->length);
	result = machine_call(HYPERCALL_STAGE, __pa(request), 0, 0);
	if (result != HYPERCALL_OK) {
		text_add(why, result == HYPERCALL_REFUSED ? request->why :
							    "the root side did not understand");
		free_page((unsigned long)request);
		return -EINVAL;
	}
	free_page((unsigned long)request);
	return cpus_apply();
}

static void log_plan(const struct plan *plan)
{
	u32 i;

	for (i = 0; i < feature_count(); i++) {
		const struct feature *f = feature_get(i);

		if (plan->native & 1u << i)
			pr_info("%s: this processor has it natively, nothing to do\n", f->name);
		else if (plan->partial & 1u << i)
			pr_warn("%s: on, but %s\n", f->name, f->partial);
		else if (plan->on & 1u << i)
			pr_info("%s: on\n", f->name);
	}
	if (!plan->on)
		pr_info("no feature is on: nothing is taken over\n");
}

static int set_locked(const char *list)
{
	struct features_on wish;
	struct plan *plan;
	TEXT(why, 256);
	int error = 0;

	if (!features_parse(list, strlen(list), &wish, &why))
		return refuse(-EINVAL, &why);
	plan = kzalloc(sizeof(*plan), GFP_KERNEL);
	if (!plan || guard_step("allocating the plan")) {
		kfree(plan);
		text_add(&why, "no memory");
		return refuse(-ENOMEM, &why);
	}
	/* What would be on if this processor could do everything: native features fall out. */
	if (!plan_make(plan, &wish, ~0u, &why)) {
		error = -EINVAL;
	} else if (plan->on && !machine.virt && !wish.all) {
		text_add(&why, "this processor has neither SVM nor VMX");
		error = -ENODEV;
	} else if (!plan_make(plan, &wish, machine.virt ? machine.caps.facilities : 0, &why)) {
		error = -EOPNOTSUPP;
	} else if (!plan->on) {
		release();
	} else if (guard.active) {
		error = restage(list, &why);
	} else {
		error = take(plan, &why);
	}
	if (error) {
		kfree(plan);
		return refuse(error, &why);
	}
	cpuinfo_update(&guard.plan, plan);
	guard.plan = *plan;
	guard.error[0] = '\0';
	kfree(plan);
	log_plan(&guard.plan);
	return 0;
}

int guard_set(const char *list)
{
	int error;

	mutex_lock(&guard.lock);
	error = set_locked(list);
	mutex_unlock(&guard.lock);
	return error;
}

void guard_suspend(void)
{
	mutex_lock(&guard.lock);
	release();
	mutex_unlock(&guard.lock);
}

int guard_resume(void)
{
	TEXT(why, 256);
	int error = 0;

	mutex_lock(&guard.lock);
	if (!guard.active && guard.plan.on) {
		error = take(&guard.plan, &why);
		if (error) {
			refuse(error, &why);
			guard.plan = nothing;
		} else {
			cpuinfo_update(&nothing, &guard.plan);
		}
	}
	mutex_unlock(&guard.lock);
	return error;
}

static int __init oldguard_init(void)
{
	int error;

	machine_probe(param_slat, param_hypervisor_bit);
	if (guard_step("registering the device"))
		return -ENOMEM;
	error = status_init();
	if (error)
		return error;
	error = guard_step("registering the notifiers") ? -ENOMEM : life_init();
	if (error)
		goto no_life;
	error = guard_set(param_features_initial());
	if (error)
		goto no_features;
	mutex_lock(&guard.lock);
	guard.ready = true;
	mutex_unlock(&guard.lock);
	return 0;

no_features:
	life_exit();
no_life:
	status_exit();
	return error;
}

static void __exit oldguard_exit(void)
{
	guard_suspend();
	life_exit();
	status_exit();
}

module_init(oldguard_init);
module_exit(oldguard_exit);
MODULE_DESCRIPTION("New security features for old processors, from below the kernel");
MODULE_LICENSE("GPL");
MODULE_VERSION(OLDGUARD_VERSION);
