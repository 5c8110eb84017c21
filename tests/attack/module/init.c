// SPDX-License-Identifier: GPL-2.0-only
/*
 * init.c - an INIT for another processor: it would begin anew, nobody's guest.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <asm/apic.h>
#include <asm/smp.h>

#include "hostile.h"

static unsigned long beats;

static int beat(void *unused)
{
	while (!kthread_should_stop()) {
		WRITE_ONCE(beats, beats + 1);
		cond_resched();
	}
	return 0;
}

static bool beats_on(void)
{
	unsigned long before = READ_ONCE(beats);

	mdelay(200);
	return READ_ONCE(beats) != before;
}

static void send_init(const struct attack *a)
{
	struct apic **use = (void *)find("apic");
	unsigned int cpu = cpumask_last(cpu_online_mask);
	struct task_struct *heart;

	if (!use || !cpu) {
		impossible("there is no other processor");
		return;
	}
	heart = kthread_create(beat, NULL, "heart");
	if (IS_ERR(heart))
		return;
	kthread_bind(heart, cpu);
	wake_up_process(heart);
	msleep(50);
	(*use)->icr_write(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT,
			  per_cpu(x86_cpu_to_apicid, cpu));
	mdelay(50);
	if (!beats_on()) {
		succeeded("CPU %u is gone", cpu);
		return;
	}
	kthread_stop(heart);
	refused("CPU %u goes on", cpu);
}

const struct attack init_attacks[] = { { "init-ipi", send_init }, {} };
