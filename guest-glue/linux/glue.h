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

#include "../hypercall.h"
#include "../machine.h"

/**
 * struct guard - what this side knows; under @lock
 * @lock: one change at a time
 * @plan: the features in force, worked out here as the root side works them out for itself
 * @active: processors are held
 * @ready: module_init has come to an end: the parameter file may be written
 * @hotplug: the CPU hotplug state, while @active
 * @memory: bytes of the block
 * @error: what was wrong with the last request that was refused
 */
struct guard {
	struct mutex lock;
	struct plan plan;
	bool active;
	bool ready;
	int hotplug;
	u64 memory;
	char error[256];
};

extern struct guard guard;

/**
 * guard_set() - make a feature list the one in force
 * @text: what the user typed
 *
 * All or nothing: on an error everything is as before, guard.error and the log say why.
 *
 * Return: 0, or -EINVAL for a bad list, -ENODEV or -EOPNOTSUPP for a processor that cannot, -EBUSY
 * if another hypervisor is active, -ENOMEM.
 */
int guard_set(const char *text);

/* guard_suspend() - give all processors back, to be taken again by guard_resume(). */
void guard_suspend(void);
int guard_resume(void);

/**
 * guard_step() - a step that can fail, for tests that let each one fail
 * @what: for the log
 *
 * Return: true if this is the step that fail_step= names.
 */
bool guard_step(const char *what);

/* block.c */
int block_alloc(struct machine_request *request, struct text *why);
void block_free(void);

/* cpus.c */
int cpus_take(struct text *why);
void cpus_give_back(void);
int cpus_apply(void);

/* cpuinfo.c */
void cpuinfo_show(unsigned int cpu, const struct plan *plan);
void cpuinfo_bare(unsigned int cpu);
void cpuinfo_all_bare(void);
void cpuinfo_update(const struct plan *before, const struct plan *now);

/* params.c */
extern bool param_slat, param_hypervisor_bit;
extern uint param_fail_step;
const char *param_features_initial(void);

/* status.c */
int status_init(void);
void status_exit(void);

/* life.c */
int life_init(void);
void life_exit(void);

#endif
