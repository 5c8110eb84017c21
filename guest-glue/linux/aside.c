// SPDX-License-Identifier: GPL-2.0-only
/*
 * aside.c - kvm=aside, Linux's side: processors that another user of SVM or VMX has, and how they
 * come back (../aside.h).
 *
 * A processor goes aside by its own write of EFER.SVME or CR4.VMXE; landed() is the first that Linux's
 * side hears of it. Nothing tells when that user is done: the registers are native by then. So a timer
 * on that processor looks at the bit, every LOOK_EVERY, and takes the processor once it is clear: at the
 * latest LOOK_EVERY, and what a timer may be late, after it was cleared. The rest, flags in
 * /proc/cpuinfo and the log, is done by a work that looks at all processors at once.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/ratelimit.h>
#include <linux/timer.h>
#include <linux/workqueue.h>
#include <asm/cpufeature.h>

#include "glue.h"

#define LOOK_EVERY (HZ / 10 ?: 1)

static DEFINE_PER_CPU(struct timer_list, looking);
static DEFINE_PER_CPU(struct irq_work, heard);

static void settle(struct work_struct *work);
static DECLARE_WORK(settling, settle);

/* Those of which the log has said that they are aside, and room to find the others; under guard.lock. */
static struct cpumask said, now, changed;

static void look(struct timer_list *timer)
{
	if (cpus_retake(smp_processor_id()))
		schedule_work(&settling);
	else
		mod_timer(timer, jiffies + LOOK_EVERY);
}

static void hear(struct irq_work *work)
{
	mod_timer(this_cpu_ptr(&looking), jiffies + LOOK_EVERY);
	schedule_work(&settling);
}

/*
 * On the processor that has gone aside, in the middle of the write that has asked for it: interrupts
 * are off, and perhaps it is an NMI.
 */
static void landed(void)
{
	cpus_set_hold(CPU_ASIDE);
	/* No task may ask any more for what this processor cannot give (settle() looks afterwards). */
	smp_mb();
	nocpuid_suspend();
	irq_work_queue(this_cpu_ptr(&heard));
}

/* aside_find() - on the processor that is to be taken, interrupts off: it is somebody else's. */
void aside_find(unsigned int cpu)
{
	machine_set_aside(cpu, true);
	landed();
}

/* aside_end() - on a processor that nobody is to look at any more */
void aside_end(unsigned int cpu)
{
	irq_work_sync(per_cpu_ptr(&heard, cpu));
	timer_delete_sync(per_cpu_ptr(&looking, cpu));
}

static void name_features(struct text *out)
{
	const char *between = "";
	u32 i;

	for (i = 0; i < feature_count(); i++) {
		if (!(guard.plan.on >> i & 1))
			continue;
		text_add(out, between);
		text_add(out, feature_get(i)->name);
		between = ", ";
	}
}

/* A line for what has changed, however many processors that is; virtual machines may come and go. */
static void say(void)
{
	static DEFINE_RATELIMIT_STATE(limit, 10 * HZ, 10);
	unsigned int cpu;
	TEXT(features, 200);

	cpumask_clear(&now);
	for_each_online_cpu(cpu)
		if (cpus_hold(cpu) == CPU_ASIDE)
			cpumask_set_cpu(cpu, &now);
	if (cpumask_equal(&now, &said))
		return;
	name_features(&features);
	if (cpumask_andnot(&changed, &now, &said) && __ratelimit(&limit))
		pr_notice("CPU %*pbl: aside, another user of %s has it; not in force there meanwhile: %s\n",
			  cpumask_pr_args(&changed), machine.virt->name, features.at);
	if (cpumask_andnot(&changed, &said, &now) && guard.active && __ratelimit(&limit))
		pr_notice("CPU %*pbl: held again\n", cpumask_pr_args(&changed));
	cpumask_copy(&said, &now);
}

void aside_settle(void)
{
	if (machine.kvm != KVM_ASIDE)
		return;
	say();
	if (!guard.active)
		return;
	cpuinfo_update(&guard.plan, &guard.plan);
	nocpuid_resume(&guard.plan);
	cpus_bar(guard.locked || nocpuid_stays());
}

static void settle(struct work_struct *work)
{
	mutex_lock(&guard.lock);
	aside_settle();
	mutex_unlock(&guard.lock);
}

void aside_soon(void)
{
	if (machine.kvm == KVM_ASIDE)
		schedule_work(&settling);
}

void aside_init(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		init_irq_work(per_cpu_ptr(&heard, cpu), hear);
		timer_setup(per_cpu_ptr(&looking, cpu), look, TIMER_PINNED);
	}
	machine.landed = landed;
}

/* aside_exit() - no processor is held any more, nor aside; not under guard.lock. */
void aside_exit(void)
{
	cancel_work_sync(&settling);
}
