// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - from a feature list to processors that are held, and the module's beginning and end.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/random.h>
#include <linux/slab.h>

#include "glue.h"

static const struct plan nothing;

struct guard guard = { .lock = __MUTEX_INITIALIZER(guard.lock), .list = "none" };

bool guard_step(const char *what)
{
	if (!param_fail_step || --param_fail_step)
		return false;
	pr_warn("fail_step: %s is made to fail\n", what);
	return true;
}

int guard_refuse(int error, const struct text *why)
{
	strscpy(guard.error, why->at, sizeof(guard.error));
	pr_err("%s\n", why->at);
	return error;
}

void guard_give_back(void)
{
	u64 seals;

	if (cpus_call(HYPERCALL_SEALS, 0, 0, &seals) && seals)
		pr_warn("what modules have sealed can be written again\n");
	guests_watch(false);
	crash_held(false);
	cpus_give_back();
	events_detach();
	guard.active = false;
}

static void release(void)
{
	if (guard.active) {
		nocpuid_end(&guard.plan);
		guard_give_back();
		block_free(&guard.block);
	}
	cpuinfo_update(&guard.plan, &nothing);
	aside_settle();
}

void guard_forget(void)
{
	block_free(&guard.block);
	cpuinfo_update(&guard.plan, &nothing);
	guard.plan = nothing;
	/* Nobody is to read of rules that are not in force, nor get them back with the next change. */
	strscpy(guard.list, "none", sizeof(guard.list));
	guard.policy[0] = '\0';
}

int guard_build(struct machine_request *block, const struct plan *plan, struct text *why)
{
	bool built;

	events_request(block);
	machine.current_plan = 0;
	machine.plans[0] = *plan;
	machine.stay = nocpuid_stay();
	machine.partial = !cpus_all_wanted();
	get_random_bytes(block->key, sizeof(block->key));
	built = !guard_step("building the tables") && machine_build(block, why);
	/* From now on the root side's alone. */
	memzero_explicit(block->key, sizeof(block->key));
	memzero_explicit(machine.seals.key, sizeof(machine.seals.key));
	if (!built) {
		if (!why->length)
			text_add(why, "the tables cannot be built");
		return -ENOMEM;
	}
	return 0;
}

int guard_take(struct machine_request *block, const struct plan *plan, struct text *why)
{
	int error = guard_build(block, plan, why);

	if (!error)
		error = cpus_take(why);
	if (error)
		return error;
	/* Memory may have come meanwhile; what comes from now on on_memory() tells of. */
	if (block_ram_end() > block->phys_end &&
	    !cpus_more_memory(block->phys_end, block_ram_end())) {
		text_add(why, "memory has come meanwhile that the root side has no room to map");
		cpus_give_back();
		return -ENOMEM;
	}
	guard.active = true;
	crash_held(true);
	events_attach();
	guests_watch(true);
	return 0;
}

static int take(const struct plan *plan, struct text *why)
{
	int error = block_alloc(&guard.block, why);

	if (error)
		return error;
	error = guard_take(&guard.block, plan, why);
	if (error)
		block_free(&guard.block);
	else if (!machine.caps.slat)
		pr_warn("isolation is off: without second-level paging this kernel can read and change what runs below it\n");
	return error;
}

static void log_plan(const struct plan *plan)
{
	u32 i;

	for (i = 0; i < feature_count(); i++) {
		const struct feature *f = feature_get(i);

		if (plan->native & 1u << i)
			pr_info("%s: this processor has it natively, nothing to do\n", f->name);
		else if (plan->partial & 1u << i)
			pr_warn("%s: on, but %s%s\n", f->name, f->partial,
				plan->discreet & 1u << i ? ": not advertised" : "");
		else if (plan->on & 1u << i)
			pr_info("%s: on\n", f->name);
	}
	if (!plan->on)
		pr_info("no feature is on: nothing is taken over\n");
}

/* What processors that can do less, or nothing, get of a change: an error, or the plan for them. */
static int fit(struct change *c, struct text *why)
{
	u32 native;

	/* What would be on if this processor could do everything: native features fall out. */
	if (!plan_make(&c->plan, &c->wish, &c->policy, ~0u, why))
		return -EINVAL;
	if (!machine.virt) {
		if (c->wish.on & c->plan.on || c->policy.count || (c->plan.on && !c->wish.all)) {
			text_add(why, "this processor has neither SVM nor VMX");
			return -ENODEV;
		}
		/* `all` is what it can get, and nothing can be had without a way to hold it. */
		native = c->plan.native;
		memset(&c->plan, 0, sizeof(c->plan));
		c->plan.wish = c->wish;
		c->plan.native = native;
		return 0;
	}
	if (!plan_make(&c->plan, &c->wish, &c->policy, machine.caps.facilities, why))
		return -EOPNOTSUPP;
	return areas_find(&c->plan, why) ? 0 : -EINVAL;
}

int guard_work_out(struct change *c, struct text *why)
{
	int error;

	/* The change would wait for it for ever. */
	if (guard.active && stopped_any()) {
		text_add(why, "a processor has stopped below Linux: nothing can be changed any more");
		return -EIO;
	}
	if (!features_parse(c->list, strlen(c->list), &c->wish, why) ||
	    !policy_parse(c->text, strlen(c->text), &c->policy, why))
		return -EINVAL;
	error = fit(c, why);
	if (error)
		return error;
	if (guard.locked && !plan_tightens(&guard.plan, &c->plan, why))
		return -EPERM;
	if (!c->plan.on && guests_in_the_way(why))
		return -EBUSY;
	if (c->plan.on && events_room()) {
		text_add(why, "no memory for reports");
		return -ENOMEM;
	}
	error = plugins_hold(&c->plan, why);
	return error ?: nocpuid_prepare(&guard.plan, &c->plan, why);
}

/* What the plan in force has no use for goes; what it needs is there again. */
void guard_settle(void)
{
	plugins_settle(&guard.plan);
	nocpuid_settle(&guard.plan);
}

void guard_adopt(const struct change *c)
{
	events_follow(c->plan.reports);
	cpuinfo_update(&guard.plan, &c->plan);
	guard.plan = c->plan;
	aside_settle();
	strscpy(guard.list, c->list, sizeof(guard.list));
	strscpy(guard.policy, c->text, sizeof(guard.policy));
	guard_settle();
}

int guard_change(struct change *c, struct text *why)
{
	int error = guard_work_out(c, why);

	if (!error && !c->plan.on)
		release();
	else if (!error)
		error = guard.active ? guard_restage(c, why) : take(&c->plan, why);
	if (error)
		guard_settle();
	else
		guard_adopt(c);
	return error;
}

int guard_set(const char *list, const char *policy)
{
	struct change *c;
	TEXT(why, 256);
	int error;

	mutex_lock(&guard.lock);
	if (guard.leaving) {
		mutex_unlock(&guard.lock);
		return -ENODEV;
	}
	c = guard_step("allocating the plan") ? NULL : kzalloc(sizeof(*c), GFP_KERNEL);
	if (c) {
		c->list = list ?: guard.list;
		c->text = policy ?: guard.policy;
		error = guard_change(c, &why);
	} else {
		text_add(&why, "no memory for the plan");
		error = -ENOMEM;
	}
	kfree(c);
	if (error) {
		guard_refuse(error, &why);
	} else {
		guard.error[0] = '\0';
		log_plan(&guard.plan);
	}
	mutex_unlock(&guard.lock);
	return error;
}

int guard_suspend(void)
{
	int error = 0;

	mutex_lock(&guard.lock);
	if (guard.locked)
		error = -EBUSY;
	else
		release();
	mutex_unlock(&guard.lock);
	return error;
}

int guard_resume(void)
{
	TEXT(why, 256);
	int error = 0;

	mutex_lock(&guard.lock);
	if (!guard.active && guard.plan.on && !guard.leaving) {
		error = take(&guard.plan, &why);
		if (error) {
			guard_refuse(error, &why);
			guard_forget();
			guard_settle();
		} else {
			events_follow(guard.plan.reports);
			cpuinfo_update(&nothing, &guard.plan);
			aside_settle();
		}
	}
	mutex_unlock(&guard.lock);
	return error;
}

/* The module's files are there until its memory goes: what is written to them must not take a processor any more. */
static void leave(void)
{
	mutex_lock(&guard.lock);
	guard.leaving = true;
	mutex_unlock(&guard.lock);
	guard_suspend();
	nocpuid_stop();
	aside_exit();
}

static bool read_msr(u32 msr, u64 *value)
{
	return !rdmsrl_safe(msr, value);
}

void guard_probe(void)
{
	features_probe(read_msr);
}

static int __init begin(const char *what, int (*init)(void))
{
	int error = init();

	if (error)
		pr_err("%s cannot be set up: error %d\n", what, error);
	return error;
}

/* The mode is said once, at load; how far a vendor has come with it, the vendor knows. */
static int choose_kvm(void)
{
	TEXT(why, 120);

	machine_kvm(param_kvm);
	if (machine.virt ? machine.caps.kvm_modes >> param_kvm & 1 : param_kvm != KVM_NESTED)
		return 0;
	text_add(&why, "kvm=");
	text_add(&why, kvm_mode_name(param_kvm));
	text_add(&why, machine.virt ? ": cannot be had with " : ": this processor has neither ");
	text_add(&why, machine.virt ? machine.virt->name : "SVM nor VMX");
	return guard_refuse(machine.virt ? -EOPNOTSUPP : -ENODEV, &why);
}

static int __init oldguard_init(void)
{
	int error;

	machine_probe(param_slat, param_hypervisor_bit, read_msr);
	error = choose_kvm();
	if (error)
		return error;
	aside_init();
	error = begin("/dev/oldguard", status_init);
	if (error)
		return error;
	error = begin("/dev/oldguard-events", events_init);
	if (error)
		goto no_events;
	error = begin("what is told of reboots, sleep and modules", life_init);
	if (error)
		goto no_life;
	error = begin("/sys/kernel/oldguard", policy_init);
	if (error)
		goto no_policy;
	error = guard_set(param_features_initial(), param_policy_initial());
	if (!error && param_lock)
		error = guard_lock();
	if (error)
		goto no_features;
	mutex_lock(&guard.lock);
	guard.ready = true;
	mutex_unlock(&guard.lock);
	return 0;

no_features:
	leave();
	policy_exit();
no_policy:
	life_exit();
no_life:
	events_exit();
no_events:
	status_exit();
	return error;
}

static void __exit oldguard_exit(void)
{
	leave();
	policy_exit();
	life_exit();
	events_exit();
	status_exit();
}

module_init(oldguard_init);
module_exit(oldguard_exit);
MODULE_DESCRIPTION("New security features for old processors, from below the kernel");
MODULE_LICENSE("GPL");
MODULE_VERSION(OLDGUARD_VERSION);
