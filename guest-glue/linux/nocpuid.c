// SPDX-License-Identifier: GPL-2.0-only
/*
 * nocpuid.c - tasks that have CPUID faulting on: Linux writes an MSR that is ours whenever it
 * switches to or from one of them, so while there are any the feature cannot go, nor the module.
 *
 * A task gets its flag, TIF_NOCPUID, by arch_prctl(ARCH_SET_CPUID) or from its parent, and loses it
 * by arch_prctl() or exec. A probe in arch_prctl() holds the module from before the flag is set;
 * once a second it is looked whether some task still has one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <uapi/asm/prctl.h>

#include "glue.h"

/* As in features/cpuid_fault.c. */
#define HWCR_CPUID_USER_DIS BIT_ULL(35)

/* For how long a task may be on its way from the probe to its flag, without being looked for. */
#define ON_ITS_WAY (HZ / 2)

static void check(struct work_struct *work);
static DECLARE_DELAYED_WORK(checking, check);

/* The probe, and whether there is one; without, the module is held while the feature is on. */
static struct kprobe probe;
static bool started, probed;

/*
 * Whether the module is held, whether processors stay (kvm=aside), and when arch_prctl() was last
 * called for it; under the lock.
 */
static DEFINE_SPINLOCK(lock);
static bool held, staying;
static unsigned long called;
static void (*module_end)(void);

/* One that has run for the last time has a flag for nothing. */
static bool counts(struct task_struct *t)
{
	return test_tsk_thread_flag(t, TIF_NOCPUID) &&
	       (READ_ONCE(t->__state) != TASK_DEAD || READ_ONCE(t->on_cpu));
}

/* Whether a task has faulting on; says which one. */
static bool used(struct text *why)
{
	struct task_struct *p, *t;
	bool found = false;

	rcu_read_lock();
	for_each_process_thread(p, t) {
		if (!counts(t))
			continue;
		if (why) {
			text_add(why, "cpuid_fault: it is on for process ");
			text_add_u64(why, task_pid_nr(t));
			text_add(why, ", ");
			text_add(why, t->comm);
		}
		found = true;
		goto out;
	}
out:
	rcu_read_unlock();
	return found;
}

bool nocpuid_stays(void)
{
	return READ_ONCE(staying);
}

bool nocpuid_stay(void)
{
	unsigned long flags;
	bool stays;

	spin_lock_irqsave(&lock, flags);
	stays = staying = held;
	spin_unlock_irqrestore(&lock, flags);
	return stays;
}

void nocpuid_suspend(void)
{
	/* Else it is the processors' own. */
	if (!READ_ONCE(started))
		return;
	clear_bit(X86_FEATURE_CPUID_FAULT, (unsigned long *)boot_cpu_data.x86_capability);
}

void nocpuid_resume(const struct plan *plan)
{
	if (!cpuinfo_adds(plan, X86_FEATURE_CPUID_FAULT) || !cpus_all_held())
		return;
	set_bit(X86_FEATURE_CPUID_FAULT, (unsigned long *)boot_cpu_data.x86_capability);
	/* One that has gone aside meanwhile has cleared it before, or is seen now. */
	smp_mb();
	if (!cpus_all_held())
		nocpuid_suspend();
}

/*
 * Before a task has its flag: with kvm=aside no processor may be bare then. Where one is, arch_prctl()
 * must say ENODEV, as it soon would anyway.
 */
static bool stay(void)
{
	u64 result;

	if (machine.kvm != KVM_ASIDE)
		return true;
	if (!cpus_call_here(HYPERCALL_STAY, 1, &result) || result != HYPERCALL_OK) {
		nocpuid_suspend();
		return false;
	}
	aside_soon();
	return true;
}

/*
 * rmmod says EBUSY of a module that has a beginning and no end. Without the reference it might
 * have looked before and call the end after.
 */
static void hold(void)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	called = jiffies;
	if (!held && try_module_get(THIS_MODULE)) {
		held = true;
		THIS_MODULE->exit = NULL;
	}
	if (!staying)
		staying = stay();
	spin_unlock_irqrestore(&lock, flags);
}

/*
 * Under guard.lock, so that nobody locks in between. Processors may go again; said under the lock, so that
 * it does not undo what hold() says just afterwards. Where this one cannot, no task gets faulting.
 */
static void let_go(void)
{
	bool was, told;
	u64 result;

	/* First: a processor that may go and is told to say that it is taken, goes. */
	cpus_bar(guard.locked);
	spin_lock_irq(&lock);
	was = held;
	held = staying = false;
	if (was && !guard.locked)
		THIS_MODULE->exit = module_end;
	told = !was || machine.kvm != KVM_ASIDE || cpus_call_here(HYPERCALL_STAY, 0, &result);
	spin_unlock_irq(&lock);
	if (!told)
		cpus_call(HYPERCALL_STAY, 0, 0, &result);
	aside_soon();
	if (was)
		module_put(THIS_MODULE);
}

static bool on_its_way(void)
{
	return !probed || time_before(jiffies, READ_ONCE(called) + ON_ITS_WAY);
}

static void check(struct work_struct *work)
{
	unsigned long again = HZ;

	if (!on_its_way() && !used(NULL)) {
		/* Whoever has it may be waiting for us to come to an end. */
		if (mutex_trylock(&guard.lock)) {
			if (!on_its_way())
				let_go();
			mutex_unlock(&guard.lock);
		} else {
			again = HZ / 10;
		}
	}
	if (READ_ONCE(held))
		schedule_delayed_work(&checking, again);
}

static int on_arch_prctl(struct kprobe *p, struct pt_regs *regs)
{
	if (regs->di == ARCH_SET_CPUID && !regs->si) {
		hold();
		schedule_delayed_work(&checking, HZ);
	}
	return 0;
}

static void start(void)
{
	int error;

	if (started)
		return;
	if (!guard.locked)
		module_end = THIS_MODULE->exit;
	probe = (struct kprobe){
		.symbol_name = "do_arch_prctl_common",
		.pre_handler = on_arch_prctl,
	};
	error = guard_step("probing arch_prctl") ? -ENOMEM : register_kprobe(&probe);
	started = true;
	probed = !error;
	if (error) {
		pr_warn("cpuid_fault: no probe (%d): the module stays while it is on\n", error);
		hold();
	}
}

/* nocpuid_stop() - nothing of this is needed any more; under guard.lock, or at the end. */
void nocpuid_stop(void)
{
	if (!started)
		return;
	if (probed)
		unregister_kprobe(&probe);
	cancel_delayed_work_sync(&checking);
	let_go();
	started = false;
}

/* Now arch_prctl() says ENODEV; who had been told otherwise has his flag when this returns. */
static void shut(void)
{
	nocpuid_suspend();
	if (on_its_way())
		synchronize_rcu_tasks();
}

/**
 * nocpuid_prepare() - before a plan comes into force
 * @now: the one in force
 * @next: the one to come
 * @why: on error, who is in the way
 *
 * Return: 0, or -EBUSY if a task has faulting on that @next has not. nocpuid_settle() must follow.
 */
int nocpuid_prepare(const struct plan *now, const struct plan *next, struct text *why)
{
	if (cpuinfo_adds(next, X86_FEATURE_CPUID_FAULT)) {
		start();
		return 0;
	}
	if (!cpuinfo_adds(now, X86_FEATURE_CPUID_FAULT))
		return 0;
	shut();
	return used(why) ? -EBUSY : 0;
}

/**
 * nocpuid_settle() - after that
 * @plan: the plan that now is in force
 */
void nocpuid_settle(const struct plan *plan)
{
	if (cpuinfo_adds(plan, X86_FEATURE_CPUID_FAULT))
		nocpuid_resume(plan);
	else
		nocpuid_stop();
}

static void switch_off(void *unused)
{
	u64 value;

	if (!rdmsrl_safe(MSR_MISC_FEATURES_ENABLES, &value) &&
	    value & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT)
		wrmsrl_safe(MSR_MISC_FEATURES_ENABLES,
			    value & ~MSR_MISC_FEATURES_ENABLES_CPUID_FAULT);
	if (boot_cpu_data.x86_vendor != X86_VENDOR_INTEL && !rdmsrl_safe(MSR_K7_HWCR, &value) &&
	    value & HWCR_CPUID_USER_DIS)
		wrmsrl_safe(MSR_K7_HWCR, value & ~HWCR_CPUID_USER_DIS);
}

/**
 * nocpuid_end() - before the processors are given back: no task has faulting on any more
 * @plan: the plan in force
 *
 * At the module's end none has, but for one that came into it; before a reboot some may.
 */
void nocpuid_end(const struct plan *plan)
{
	struct task_struct *p, *t;

	if (!cpuinfo_adds(plan, X86_FEATURE_CPUID_FAULT))
		return;
	shut();
	if (!used(NULL))
		return;
	rcu_read_lock();
	for_each_process_thread(p, t)
		clear_tsk_thread_flag(t, TIF_NOCPUID);
	rcu_read_unlock();
	on_each_cpu(switch_off, NULL, 1);
	pr_warn("cpuid_fault: taken from the programs that had it on\n");
}

/**
 * nocpuid_used() - whether a task has faulting on that the processors do not have by themselves
 * @why: if so, which one
 */
bool nocpuid_used(struct text *why)
{
	return cpuinfo_adds(&guard.plan, X86_FEATURE_CPUID_FAULT) && used(why);
}
