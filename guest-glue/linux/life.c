// SPDX-License-Identifier: GPL-2.0-only
/*
 * life.c - what the machine goes through: processors are given back before a reboot, a kexec or a
 * sleep, because the kernel or firmware that comes next knows nothing of us, and taken again when
 * it was a sleep. A kernel that is about to make place for a hibernated one gives them back, too.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include "glue.h"

/*
 * What is locked is not given back: a reset or the power switch ends it, but a kernel that would
 * begin in the place of this one (kexec) would begin as a guest. The firmware starts it instead.
 */
static int on_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	if (guard_suspend() && data && !strcmp(data, "kexec reboot")) {
		pr_emerg("locked: a reset takes the place of kexec\n");
		emergency_restart();
	}
	return NOTIFY_DONE;
}

static bool somebody_needs_us(struct text *why)
{
	bool needs;

	mutex_lock(&guard.lock);
	needs = nocpuid_used(why) || guests_in_the_way(why);
	mutex_unlock(&guard.lock);
	return needs;
}

static int on_sleep(struct notifier_block *nb, unsigned long action, void *data)
{
	TEXT(why, 100);

	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		/* Its processors are bare meanwhile. */
		if (somebody_needs_us(&why)) {
			pr_warn("the machine stays awake: %s\n", why.at);
			return notifier_from_errno(-EBUSY);
		}
		if (guard_suspend()) {
			pr_warn("the machine stays awake: locked\n");
			return notifier_from_errno(-EBUSY);
		}
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		guard_resume();
		break;
	}
	return NOTIFY_DONE;
}

/*
 * life_hold() - let nobody unload a module any more, ours or a plug-in's: rmmod says EBUSY of one that has a beginning
 * and no end, unless it is to force it; and of one that is still being loaded, whatever it is told.
 */
void life_hold(struct module *module)
{
	module->exit = NULL;
	module->state = MODULE_STATE_COMING;
}

/*
 * Memory that comes online can soon hold page tables and code, which the root side has to read. Not under guard.lock,
 * whose holder may wait for processors that memory hotplug keeps: while processors are being taken guard_take() looks
 * for memory that came meanwhile.
 */
static int on_memory(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct memory_notify *memory = data;
	u64 start, end;

	if (action != MEM_GOING_ONLINE)
		return NOTIFY_DONE;
	start = PFN_PHYS(memory->start_pfn);
	end = start + PFN_PHYS(memory->nr_pages);
	if (cpus_more_memory(start, end))
		return NOTIFY_OK;
	pr_err("memory at 0x%llx stays offline: no room to map it below\n", start);
	return NOTIFY_BAD;
}

/* Locked at load, it was held before Linux called it loaded. */
static int on_module(struct notifier_block *nb, unsigned long action, void *data)
{
	crash_module(action, data);
	if (action == MODULE_STATE_LIVE && guard.locked &&
	    (data == THIS_MODULE || plugins_have(data)))
		life_hold(data);
	return NOTIFY_DONE;
}

static struct notifier_block module_block = { .notifier_call = on_module };
static struct notifier_block reboot_block = { .notifier_call = on_reboot };
static struct notifier_block sleep_block = { .notifier_call = on_sleep };
static struct notifier_block memory_block = { .notifier_call = on_memory };

int life_init(void)
{
	int error = guard_step("asking to be told of reboots")
			    ? -ENOMEM
			    : register_reboot_notifier(&reboot_block);

	if (error)
		return error;
	error = guard_step("asking to be told of sleep") ? -ENOMEM
							 : register_pm_notifier(&sleep_block);
	if (error)
		goto no_sleep;
	error = guard_step("asking to be told of memory")
			? -ENOMEM
			: register_memory_notifier(&memory_block);
	if (error)
		goto no_memory;
	error = guard_step("asking to be told of modules")
			? -ENOMEM
			: register_module_notifier(&module_block);
	if (!error) {
		crash_init();
		return 0;
	}
	unregister_memory_notifier(&memory_block);
no_memory:
	unregister_pm_notifier(&sleep_block);
no_sleep:
	unregister_reboot_notifier(&reboot_block);
	return error;
}

void life_exit(void)
{
	unregister_module_notifier(&module_block);
	unregister_memory_notifier(&memory_block);
	unregister_pm_notifier(&sleep_block);
	unregister_reboot_notifier(&reboot_block);
}
