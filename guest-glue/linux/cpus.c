// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpus.c - every processor is taken, or none; one that comes online later is taken as it comes.
 *
 * One CPU hotplug state does it all: installing it runs the first function on each processor in
 * turn and undoes that if one fails, removing it runs the second, and so does hotplug in between.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/tlbflush.h>

#include "glue.h"

/* What the first processor that failed had to say. */
static char failed[200];

/* This processor is held: for whoever comes by an NMI and must not ask the root side. */
static DEFINE_PER_CPU(bool, held);

static int take_this(unsigned int cpu)
{
	bool busy = false, usable, taken;
	unsigned long flags;
	TEXT(why, 160);

	local_irq_save(flags);
	usable = !guard_step("taking a processor") && machine_usable(&busy, &why);
	taken = usable && !guard_step("entering guest mode") && machine_take(cpu);
	/* Seen by KVM, which looks at Linux's own copy of CR4 and then keeps away. */
	if (taken && machine.cr4_busy)
		cr4_set_bits(machine.cr4_busy);
	if (taken)
		stopped_watch();
	this_cpu_write(held, taken);
	local_irq_restore(flags);
	if (taken) {
		cpuinfo_show(cpu, &guard.plan);
		return 0;
	}
	if (!why.length)
		text_add(&why, usable ? "entering guest mode failed" : "it cannot be taken");
	scnprintf(failed, sizeof(failed), "CPU %u: %s", cpu, why.at);
	if (guard.active)
		pr_err("%s: it stays offline\n", failed);
	return busy ? -EBUSY : usable ? -EIO : -EOPNOTSUPP;
}

static int give_back_this(unsigned int cpu)
{
	unsigned long flags;

	/* Hotplug then puts everything back as it was: the processor stays online. */
	if (guard.locked) {
		pr_warn("CPU %u stays online: locked\n", cpu);
		return -EBUSY;
	}
	stopped_unwatch(cpu);
	local_irq_save(flags);
	cpus_drop_this();
	local_irq_restore(flags);
	cpuinfo_bare(cpu);
	return 0;
}

/*
 * cpus_drop_this() - give back the processor we run on, if it is held and not locked; interrupts are off, or this is
 * an NMI's handler that does not come back.
 */
void cpus_drop_this(void)
{
	if (!this_cpu_read(held))
		return;
	this_cpu_write(held, false);
	if (machine.cr4_busy)
		cr4_clear_bits(machine.cr4_busy);
	machine_leave();
}

/**
 * cpus_take() - take every processor that is online, and from now on every one that comes
 * @why: on error, which processor failed and why; the others are given back by then
 */
int cpus_take(struct text *why)
{
	int state;

	failed[0] = '\0';
	state = guard_step("adding a hotplug state")
			? -ENOSPC
			: cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "oldguard:guest", take_this,
					    give_back_this);
	if (state < 0) {
		cpuinfo_all_bare();
		text_add(why, failed[0] ? failed : "CPU hotplug refuses another state");
		return state;
	}
	guard.hotplug = state;
	return 0;
}

/* cpus_give_back() - every processor is bare again afterwards. */
void cpus_give_back(void)
{
	cpuhp_remove_state(guard.hotplug);
	cpuinfo_all_bare();
}

static void apply_this(void *unused)
{
	machine_call(HYPERCALL_APPLY, 0, 0, 0);
}

/* cpus_apply() - switch every processor to the staged plan, before this returns. */
int cpus_apply(void)
{
	on_each_cpu(apply_this, NULL, 1);
	return 0;
}

/**
 * cpus_more_memory() - tell the root side of RAM
 * @start: where it begins
 * @end: and ends
 *
 * Return: false if it has no room to map it. Where the processor that we run on is not held nothing is to be told.
 */
bool cpus_more_memory(u64 start, u64 end)
{
	unsigned long flags;
	bool done = true;

	local_irq_save(flags);
	if (this_cpu_read(held))
		done = machine_call(HYPERCALL_MEMORY, start, end, 0) == HYPERCALL_OK;
	local_irq_restore(flags);
	return done;
}
