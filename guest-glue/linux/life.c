// SPDX-License-Identifier: GPL-2.0-only
/*
 * life.c - what the machine goes through: processors are given back before a reboot, a kexec or a
 * sleep, because the kernel or firmware that comes next knows nothing of us, and taken again when
 * it was a sleep.
 */
#include <linux/reboot.h>
#include <linux/suspend.h>

#include "glue.h"

static int on_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	guard_suspend();
	return NOTIFY_DONE;
}

static int on_sleep(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
		guard_suspend();
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
		guard_resume();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = { .notifier_call = on_reboot };
static struct notifier_block sleep_block = { .notifier_call = on_sleep };

int life_init(void)
{
	int error = register_reboot_notifier(&reboot_block);

	if (error)
		return error;
	error = register_pm_notifier(&sleep_block);
	if (error)
		unregister_reboot_notifier(&reboot_block);
	return error;
}

void life_exit(void)
{
	unregister_pm_notifier(&sleep_block);
	unregister_reboot_notifier(&reboot_block);
}
