// SPDX-License-Identifier: GPL-2.0-only
/*
 * guests.c - virtual machines of the kernel's own hypervisor (kvm=nested) that have set a CR4 bit which only we
 * make: CR4.UMIP. A bare processor would refuse to run such a one again (APM vol. 2, 15.5.1: a reserved bit), so while
 * there is one the processors are not given back, and the module is held.
 *
 * Nobody tells when a machine ends. It counts until its hypervisor lets go of the processor on which it ran:
 * KVM of Linux 6.1 does so when it has no machine left, that of 6.12 when it is unloaded.
 */
#include <linux/module.h>
#include <linux/workqueue.h>

#include "glue.h"

/* How long one may have the bit before the module is held. */
#define LOOK (HZ / 4)

static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(looking, look);
static bool held;

bool guests_in_the_way(struct text *why)
{
	unsigned int cpu;

	if (!guard.active || machine.kvm != KVM_NESTED)
		return false;
	for_each_online_cpu(cpu) {
		if (!READ_ONCE(machine_ring(cpu, NULL)->guests_cr4))
			continue;
		if (why)
			text_add(why, "a virtual machine has umip on: end it first, or unload KVM");
		return true;
	}
	return false;
}

static void hold(bool hold)
{
	if (hold && !held) {
		held = try_module_get(THIS_MODULE);
	} else if (!hold && held) {
		held = false;
		module_put(THIS_MODULE);
	}
}

static void look(struct work_struct *work)
{
	/* Whoever has it may be waiting for us to come to an end. */
	if (mutex_trylock(&guard.lock)) {
		hold(guests_in_the_way(NULL));
		mutex_unlock(&guard.lock);
	}
	schedule_delayed_work(&looking, LOOK);
}

void guests_watch(bool on)
{
	if (machine.kvm != KVM_NESTED)
		return;
	if (on) {
		schedule_delayed_work(&looking, LOOK);
	} else {
		cancel_delayed_work_sync(&looking);
		hold(false);
	}
}
