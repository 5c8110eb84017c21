// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpus.c - every processor that is to be ours is taken, or none; one that comes online later is
 * taken as it comes.
 *
 * One CPU hotplug state does it all: installing it runs the first function on each processor in
 * turn and undoes that if one fails, removing it runs the second, and so does hotplug in between.
 * Whether a processor is ours is changed by itself only, with interrupts off (kvm=aside: aside.c), so
 * what runs there with interrupts off knows whether there is somebody to call.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <asm/tlbflush.h>

#include "glue.h"

static DEFINE_PER_CPU(enum cpu_hold, hold);

/* One processor is taken at a time, and none while @paused. */
static DEFINE_RAW_SPINLOCK(taking);
static bool paused;

/* Linux's own copy of CR4 says that the processors are taken, where KVM looks. */
static bool barred;

/* What the first processor that failed had to say. */
static char failed[200];

enum cpu_hold cpus_hold(unsigned int cpu)
{
	return READ_ONCE(per_cpu(hold, cpu));
}

void cpus_set_hold(enum cpu_hold now)
{
	this_cpu_write(hold, now);
}

bool cpus_all_held(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		if (cpus_hold(cpu) != CPU_HELD)
			return false;
	return true;
}

/* Interrupts are off. */
static bool take(unsigned int cpu, bool *busy, bool *usable, struct text *why)
{
	bool taken;

	raw_spin_lock(&taking);
	*usable = !paused && !guard_step("taking a processor") && machine_usable(busy, why);
	taken = *usable && !guard_step("entering guest mode") && machine_take(cpu);
	if (taken)
		cpus_set_hold(CPU_HELD);
	raw_spin_unlock(&taking);
	/* Seen by KVM, which looks at Linux's own copy of CR4 and then keeps away. */
	if (taken && machine.cr4_busy && (machine.kvm == KVM_HIDE || READ_ONCE(barred)))
		cr4_set_bits(machine.cr4_busy);
	return taken;
}

static int take_this(unsigned int cpu)
{
	bool busy = false, usable;
	unsigned long flags;
	TEXT(why, 160);

	if (!cpus_wanted(cpu)) {
		cpus_set_hold(CPU_NATIVE);
		return 0;
	}
	local_irq_save(flags);
	take(cpu, &busy, &usable, &why);
	if (busy && machine.kvm == KVM_ASIDE && !guard.locked)
		aside_find(cpu);
	local_irq_restore(flags);
	cpuinfo_show(cpu, &guard.plan);
	if (cpus_hold(cpu) != CPU_BARE) {
		stopped_watch();
		return 0;
	}
	if (!why.length)
		text_add(&why, usable ? "entering guest mode failed" : "it cannot be taken");
	if (busy)
		text_add(&why, ": end what uses it; KVM of 6.12 and later lets go when it is unloaded, "
			       "or is loaded with enable_virt_at_load=0");
	scnprintf(failed, sizeof(failed), "CPU %u: %s", cpu, why.at);
	if (guard.active)
		pr_err("%s: it stays offline\n", failed);
	return busy ? -EBUSY : usable ? -EIO : -EOPNOTSUPP;
}

bool cpus_retake(unsigned int cpu)
{
	bool busy, usable, taken = false;
	unsigned long flags;
	TEXT(why, 160);

	local_irq_save(flags);
	if (cpus_hold(cpu) == CPU_ASIDE)
		taken = take(cpu, &busy, &usable, &why);
	local_irq_restore(flags);
	return taken;
}

void cpus_pause(bool on)
{
	raw_spin_lock_irq(&taking);
	paused = on;
	raw_spin_unlock_irq(&taking);
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
	if (cpus_hold(cpu) == CPU_ASIDE)
		machine_set_aside(cpu, false);
	cpus_drop_this();
	cpus_set_hold(CPU_BARE);
	local_irq_restore(flags);
	aside_end(cpu);
	cpuinfo_bare(cpu);
	return 0;
}

/*
 * cpus_drop_this() - give back the processor we run on, if it is held and not locked; interrupts are off, or this is
 * an NMI's handler that does not come back.
 */
void cpus_drop_this(void)
{
	if (this_cpu_read(hold) != CPU_HELD)
		return;
	cpus_set_hold(CPU_BARE);
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

/*
 * One that is coming or going is not held, though Linux calls it online; when it is taken it follows the plan in
 * force.
 */
static void apply_this(void *unused)
{
	if (this_cpu_read(hold) == CPU_HELD)
		machine_call(HYPERCALL_APPLY, 0, 0, 0);
}

/* cpus_apply() - switch every processor that is held to the staged plan, before this returns. */
int cpus_apply(void)
{
	on_each_cpu(apply_this, NULL, 1);
	return 0;
}

struct call {
	u64 number, a, b, result;
	bool done;
};

static void call_this(void *data)
{
	struct call *c = data;

	if (this_cpu_read(hold) != CPU_HELD)
		return;
	c->result = machine_call(c->number, c->a, c->b, 0);
	c->done = true;
}

bool cpus_call(u64 number, u64 a, u64 b, u64 *result)
{
	struct call c = { .number = number, .a = a, .b = b };
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, call_this, &c, 1);
		if (!c.done)
			continue;
		*result = c.result;
		return true;
	}
	return false;
}

/**
 * cpus_more_memory() - tell the root side of RAM
 * @start: where it begins
 * @end: and ends
 *
 * Return: false if it has no room to map it. Where no processor is held nothing is to be told.
 */
bool cpus_more_memory(u64 start, u64 end)
{
	u64 result;

	return !cpus_call(HYPERCALL_MEMORY, start, end, &result) || result == HYPERCALL_OK;
}

bool cpus_call_here(u64 number, u64 a, u64 *result)
{
	struct call c = { .number = number, .a = a };
	unsigned long flags;

	local_irq_save(flags);
	call_this(&c);
	local_irq_restore(flags);
	*result = c.result;
	return c.done;
}

static void bar_this(void *unused)
{
	if (this_cpu_read(hold) != CPU_HELD)
		return;
	if (READ_ONCE(barred))
		cr4_set_bits(machine.cr4_busy);
	else
		cr4_clear_bits(machine.cr4_busy);
}

void cpus_bar(bool on)
{
	if (machine.kvm != KVM_ASIDE || !machine.cr4_busy || barred == on)
		return;
	WRITE_ONCE(barred, on);
	on_each_cpu(bar_this, NULL, 1);
}
