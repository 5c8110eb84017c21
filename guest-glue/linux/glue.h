/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * glue.h - the module on Linux's side: its files among themselves.
 *
 * Everything here runs in the kernel that is, or will be, the guest. It allocates, asks, counts
 * and explains; what happens below is the root side's, reached by machine.h and hypercall.h.
 */
#ifndef OLDGUARD_LINUX_GLUE_H
#define OLDGUARD_LINUX_GLUE_H

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/version.h>

#include "../hypercall.h"
#include "../machine.h"

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define timer_delete_sync del_timer_sync
#endif

/**
 * struct guard - what this side knows; under @lock
 * @lock: one change at a time
 * @plan: the features in force, worked out here as the root side works them out for itself
 * @list: the feature list that it was made from
 * @policy: the policy that it was made from
 * @active: processors are held
 * @locked: nothing is given back any more, plans only tighten
 * @ready: module_init has come to an end: the parameter file may be written
 * @leaving: the module goes: nothing is changed any more
 * @hotplug: the CPU hotplug state, while @active
 * @block: the root side's memory, while @active
 * @error: what was wrong with the last request that was refused
 */
struct guard {
	struct mutex lock;
	struct plan plan;
	char list[FEATURES_TEXT_MAX + 1];
	char policy[POLICY_TEXT_MAX + 1];
	bool active;
	bool locked;
	bool ready;
	bool leaving;
	int hotplug;
	struct machine_request block;
	char error[256];
};

extern struct guard guard;

/**
 * struct change - a change on its way: the texts, what they say, and the plan that comes of them
 * @list: a feature list
 * @text: a policy
 * @wish: what @list says
 * @policy: what @text says
 * @plan: what comes of it
 */
struct change {
	const char *list;
	const char *text;
	struct features_on wish;
	struct policy policy;
	struct plan plan;
};

/**
 * guard_set() - make a feature list and a policy the ones in force
 * @list: what the user typed; NULL: as it is
 * @policy: what the user wrote; NULL: as it is
 *
 * All or nothing: on an error everything is as before, guard.error and the log say why.
 *
 * Return: 0, or -EINVAL for a bad list, -ENODEV or -EOPNOTSUPP for a processor that cannot, -EBUSY
 * if another hypervisor is active or a task uses a feature that is to go, -ENOMEM, -EIO if a
 * processor has stopped.
 */
int guard_set(const char *list, const char *policy);

/**
 * guard_lock() - the fuse: from now on rules and features only tighten, until the next boot
 *
 * Return: 0, or -EINVAL if nothing is on that could be locked.
 */
int guard_lock(void);

/**
 * guard_suspend() - give all processors back, to be taken again by guard_resume()
 *
 * Return: 0, or -EBUSY if it is locked.
 */
int guard_suspend(void);
int guard_resume(void);

/*
 * The steps of a change, for what makes one; guard.lock is held. An error comes with a sentence.
 */

/* guard_work_out() - what two texts say; the plug-ins that it takes are held then, too. */
int guard_work_out(struct change *c, struct text *why);

/* guard_change() - guard_work_out(), and bring it in force: all or nothing. */
int guard_change(struct change *c, struct text *why);

/* guard_build() - build the machine in this block; processors are bare, or aside and kept there. */
int guard_build(struct machine_request *block, const struct plan *plan, struct text *why);

/* guard_restage() - bring a plan in force where processors are held, or aside (restage.c). */
int guard_restage(const struct change *c, struct text *why);

/* guard_take() - build the machine in this block and take every processor; they are bare. */
int guard_take(struct machine_request *block, const struct plan *plan, struct text *why);

/* guard_give_back() - every processor, where they are held; the block remains. */
void guard_give_back(void);

/* guard_settle() - after a change, or one that was refused. */
void guard_settle(void);

/* guard_adopt() - a change is in force. */
void guard_adopt(const struct change *c);

/* guard_forget() - nothing is in force and no processor held: the block goes. */
void guard_forget(void);

/* guard_probe() - find out what the processors have by themselves; they are bare. */
void guard_probe(void);

/* guard_refuse() - say to the log and in guard.error why something is refused; returns @error. */
int guard_refuse(int error, const struct text *why);

/**
 * guard_step() - a step that can fail, for tests that let each one fail
 * @what: for the log
 *
 * Return: true if this is the step that fail_step= names.
 */
bool guard_step(const char *what);

/* block.c */
int block_alloc(struct machine_request *request, struct text *why);
void block_free(struct machine_request *request);

/* block_ram_end() - end of RAM in bytes; what the firmware keeps for itself in between counts as well. */
u64 block_ram_end(void);

/* cpus.c */

/* Whose a processor is. */
enum cpu_hold {
	CPU_BARE,   /* nobody's, or offline */
	CPU_HELD,   /* the guest runs under us there */
	CPU_ASIDE,  /* another user's of the extension (kvm=aside) */
	CPU_NATIVE, /* left alone for good (cpus=) */
};

int cpus_take(struct text *why);
void cpus_give_back(void);
int cpus_apply(void);
void cpus_drop_this(void);
bool cpus_more_memory(u64 start, u64 end);
enum cpu_hold cpus_hold(unsigned int cpu);

/* cpus_set_hold() - of the processor that we run on, interrupts off */
void cpus_set_hold(enum cpu_hold now);

/* cpus_all_held() - whether every processor that is online is held */
bool cpus_all_held(void);

/* cpus_retake() - take the processor we run on, which is aside, if it is free again */
bool cpus_retake(unsigned int cpu);

/* cpus_pause() - while it is on, no processor is taken */
void cpus_pause(bool on);

/**
 * cpus_call() - call the root side on some processor that is held
 * @number: enum hypercall
 * @a: its arguments
 * @b: "
 * @result: what it answers
 *
 * Return: false, with nothing called, if no processor is held.
 */
bool cpus_call(u64 number, u64 a, u64 b, u64 *result);

/* cpus_call_here() - the same on the processor we run on, in whatever context; false: it is not held */
bool cpus_call_here(u64 number, u64 a, u64 *result);

/*
 * cpus_bar() - kvm=aside: let Linux's own copy of CR4 say, or no longer, that processors are taken; only
 * while the root side hands none over, which would otherwise take it for somebody who asks
 */
void cpus_bar(bool on);

/* aside.c; guard.lock is held for the settling */
void aside_init(void);
void aside_exit(void);
void aside_find(unsigned int cpu);
void aside_end(unsigned int cpu);

/* aside_settle() - flags and the log follow what processors are aside now; aside_soon(): in a moment */
void aside_settle(void);
void aside_soon(void);

/* crash.c; crash_init() after crash_module() hears of modules. */
void crash_init(void);

/* crash_held() - processors are held from now on, or no longer; guard.lock is held. */
void crash_held(bool on);

/* crash_module() - a module comes or goes */
void crash_module(unsigned long action, const struct module *module);

/* cpuinfo.c */
void cpuinfo_show(unsigned int cpu, const struct plan *plan);
void cpuinfo_bare(unsigned int cpu);
void cpuinfo_all_bare(void);
void cpuinfo_hide(void);
void cpuinfo_update(const struct plan *before, const struct plan *now);
bool cpuinfo_adds(const struct plan *plan, int feature);

/* nocpuid.c */
int nocpuid_prepare(const struct plan *now, const struct plan *next, struct text *why);
void nocpuid_settle(const struct plan *plan);
void nocpuid_end(const struct plan *plan);
bool nocpuid_used(struct text *why);
void nocpuid_stop(void);

/* nocpuid_stay() - what machine_build() is to be told: whether a task has faulting on, or may have */
bool nocpuid_stay(void);

/* nocpuid_stays() - whether the root side knows of one (machine.stay) */
bool nocpuid_stays(void);

/* nocpuid_suspend() - from now on no task can switch faulting on: some processor lacks it; any context */
void nocpuid_suspend(void);

/* nocpuid_resume() - they can again, if every processor is held */
void nocpuid_resume(const struct plan *plan);

/* guests.c */

/**
 * guests_in_the_way() - whether a virtual machine has on what the bare processor lacks; under guard.lock
 * @why: if so, what; or NULL
 */
bool guests_in_the_way(struct text *why);

/* guests_watch() - the processors have been taken, or are about to be given back: whether the module is to be held */
void guests_watch(bool on);

/* params.c */
extern bool param_slat, param_hypervisor_bit;
extern uint param_fail_step;
extern enum kvm_mode param_kvm;

/* cpus_wanted() - whether a processor is to be ours: cpus= */
bool cpus_wanted(unsigned int cpu);

/* cpus_all_wanted() - whether all are */
bool cpus_all_wanted(void);

/* kvm_mode_name() - a mode as users type it */
const char *kvm_mode_name(enum kvm_mode mode);

const char *param_features_initial(void);
const char *param_policy_initial(void);
extern bool param_lock;

/* policy.c */
int policy_init(void);
void policy_exit(void);

/* plugin.c */

/**
 * plugins_hold() - keep the modules of plug-ins that a plan names
 * @plan: the plan, not yet guard.plan; NULL: keep all of them
 * @why: on error, which one is about to go
 *
 * Return: 0 or -EBUSY.
 */
int plugins_hold(const struct plan *plan, struct text *why);

/* plugins_keep() - let none of their modules be unloaded any more, and none come; after plugins_hold(NULL). */
void plugins_keep(void);

/* plugins_have() - whether a module is one of theirs */
bool plugins_have(const struct module *module);

/* plugins_settle() - let those go that this plan, the one in force, does not name. */
void plugins_settle(const struct plan *plan);

/* areas.c */
bool areas_find(struct plan *plan, struct text *why);

/* status.c */
int status_init(void);
void status_exit(void);

/* stopped.c */
struct seq_file;

/*
 * stopped_watch() - this processor looks after the others from now on, once it is taken;
 * stopped_unwatch() - no longer, before it is given back. Both on that processor, preemption off for
 * the first; the second may sleep.
 */
void stopped_watch(void);
void stopped_unwatch(unsigned int cpu);

/* stopped_any() - whether a processor has stopped below; stopped_show() - status: which, and why. */
bool stopped_any(void);
void stopped_show(struct seq_file *s);

/* events.c */
int events_init(void);
void events_exit(void);

/* events_request() - tell machine_build() where Linux keeps who is running. */
void events_request(struct machine_request *request);

/* events_room() - room for reports, before a plan that makes some; 0 or -ENOMEM. */
int events_room(void);

/* events_attach() - there are rings now; events_detach() - there will be none: read them out. */
void events_attach(void);
void events_detach(void);

/* events_follow() - look at the rings regularly, or no longer; guard.lock is held. */
void events_follow(bool on);

/* events_kick() - there is something in a ring: take it out soon. In any context. */
void events_kick(void);

/* events_totals() - what a processor has reported since the module was loaded. */
void events_totals(unsigned int cpu, u64 *written, u64 *suppressed, u64 *lost);

/* life.c */
int life_init(void);
void life_hold(struct module *module);
void life_exit(void);

#endif
