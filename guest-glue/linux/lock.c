// SPDX-License-Identifier: GPL-2.0-only
/*
 * lock.c - blowing the fuse.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>

#include "glue.h"

/* The promise is about the machine: it can be made only where every processor is ours. */
static bool all_ours(struct text *why)
{
	unsigned int cpu;

	for_each_present_cpu(cpu) {
		bool wanted = cpus_wanted(cpu);

		if (wanted && cpus_hold(cpu) != CPU_ASIDE)
			continue;
		text_add(why, "it cannot be locked: CPU ");
		text_add_u64(why, cpu);
		text_add(why, wanted ? " is aside, another user of the extension has it" :
				       " stays native (cpus=)");
		return false;
	}
	return true;
}

static int lock(struct text *why)
{
	u64 result;

	if (!cpus_call(HYPERCALL_LOCK, 0, 0, &result) || result != HYPERCALL_OK) {
		text_add(why, "it cannot be locked: a processor is aside");
		return -EBUSY;
	}
	guard.locked = true;
	life_hold(THIS_MODULE);
	plugins_keep();
	if (machine.kvm == KVM_ASIDE) {
		/* From now on it is kvm=hide. */
		cpus_bar(true);
		cpus_apply();
		cpuinfo_hide();
	}
	pr_notice("locked until the next boot\n");
	return 0;
}

int guard_lock(void)
{
	TEXT(why, 120);
	int error = 0;

	mutex_lock(&guard.lock);
	if (!guard.active) {
		text_add(&why, "no feature is on: there is nothing to lock");
		error = guard_refuse(-EINVAL, &why);
	} else if (!guard.locked && !try_module_get(THIS_MODULE)) {
		text_add(&why, "the module is being unloaded");
		error = guard_refuse(-EBUSY, &why);
	} else if (!guard.locked && (!all_ours(&why) || plugins_hold(NULL, &why) || lock(&why))) {
		plugins_settle(&guard.plan);
		module_put(THIS_MODULE);
		error = guard_refuse(-EBUSY, &why);
	}
	mutex_unlock(&guard.lock);
	return error;
}
