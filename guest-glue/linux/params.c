// SPDX-License-Identifier: GPL-2.0-only
/*
 * params.c - module parameters.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "glue.h"

bool param_slat = true;
module_param_named(slat, param_slat, bool, 0444);
MODULE_PARM_DESC(slat, "use second-level paging (NPT, EPT) where there is some; it hides oldguard's memory (default: 1)");

bool param_hypervisor_bit = true;
module_param_named(hypervisor_bit, param_hypervisor_bit, bool, 0444);
MODULE_PARM_DESC(hypervisor_bit, "set CPUID.1:ECX[31] while active (default: 1)");

uint param_fail_step;
module_param_named(fail_step, param_fail_step, uint, 0600);
MODULE_PARM_DESC(fail_step, "for tests: let the n-th step that can fail do so (default: 0, none)");

enum kvm_mode param_kvm;

static const char *const kvm_names[KVM_MODES] = {
	[KVM_HIDE] = "hide",
	[KVM_ASIDE] = "aside",
	[KVM_NESTED] = "nested",
};

const char *kvm_mode_name(enum kvm_mode mode)
{
	return kvm_names[mode];
}

static int kvm_store(const char *text, const struct kernel_param *kp)
{
	int mode = text ? sysfs_match_string(kvm_names, text) : -EINVAL;

	if (mode < 0) {
		pr_err("kvm=%s: it can be hide, aside or nested\n", text ?: "");
		return mode;
	}
	param_kvm = mode;
	return 0;
}

static int kvm_show(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", kvm_names[param_kvm]);
}

static const struct kernel_param_ops kvm_ops = {
	.set = kvm_store,
	.get = kvm_show,
};
module_param_cb(kvm, &kvm_ops, NULL, 0444);
MODULE_PARM_DESC(kvm, "what KVM and the like get: hide (default), a processor without SVM and VMX; aside, the bare processor while they use it; nested, SVM or VMX below ours");

/* Without cpus= all of them. */
static struct cpumask wanted;
static bool wanted_said;

bool cpus_wanted(unsigned int cpu)
{
	return !wanted_said || cpumask_test_cpu(cpu, &wanted);
}

bool cpus_all_wanted(void)
{
	return !wanted_said || cpumask_subset(cpu_present_mask, &wanted);
}

static int cpus_store(const char *text, const struct kernel_param *kp)
{
	if (!text || cpulist_parse(text, &wanted) ||
	    !cpumask_intersects(&wanted, cpu_possible_mask)) {
		pr_err("cpus=%s: it must be a list of processors, as 0-3,6\n", text ?: "");
		return -EINVAL;
	}
	wanted_said = true;
	return 0;
}

static int cpus_show(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%*pbl\n",
			  cpumask_pr_args(wanted_said ? &wanted : cpu_possible_mask));
}

static const struct kernel_param_ops cpus_ops = {
	.set = cpus_store,
	.get = cpus_show,
};
module_param_cb(cpus, &cpus_ops, NULL, 0444);
MODULE_PARM_DESC(cpus, "the processors to take, by numbers (0-3,6); others stay native for good (default: all)");

/* What the command line says comes before module_init, which then reads it. */
static char *initial, *initial_policy;

const char *param_features_initial(void)
{
	return initial ?: "none";
}

const char *param_policy_initial(void)
{
	return initial_policy ?: "";
}

static int keep(char **where, const char *text, size_t most)
{
	kfree(*where);
	*where = guard_step("keeping a parameter") ? NULL : kstrndup(text, most, GFP_KERNEL);
	if (*where)
		return 0;
	pr_err("no memory to keep a parameter\n");
	return -ENOMEM;
}

static int features_store(const char *text, const struct kernel_param *kp)
{
	if (!text)
		return -EINVAL;
	if (guard.ready)
		return guard_set(text, NULL);
	/* One byte more than is allowed, so that the parser can complain. */
	return keep(&initial, text, FEATURES_TEXT_MAX + 1);
}

static int features_show(char *buffer, const struct kernel_param *kp)
{
	struct text out = { .at = buffer, .size = PAGE_SIZE - 1 };

	mutex_lock(&guard.lock);
	features_print(&guard.plan.wish, guard.plan.on | guard.plan.native, &out);
	mutex_unlock(&guard.lock);
	text_add(&out, "\n");
	return out.length;
}

static void text_free(void *where)
{
	kfree(*(char **)where);
	*(char **)where = NULL;
}

static const struct kernel_param_ops features_ops = {
	.set = features_store,
	.get = features_show,
	.free = text_free,
};
module_param_cb(features, &features_ops, &initial, 0644);
MODULE_PARM_DESC(features, "features by comma, options by colon (umip:mode=gp); all; none (default)");

/* Later changes go through /sys/kernel/oldguard/policy, which has room for them. */
static int policy_store(const char *text, const struct kernel_param *kp)
{
	if (!text || guard.ready)
		return -EINVAL;
	return keep(&initial_policy, text, POLICY_TEXT_MAX + 1);
}

static const struct kernel_param_ops policy_ops = {
	.set = policy_store,
	.free = text_free,
};
module_param_cb(policy, &policy_ops, &initial_policy, 0);
MODULE_PARM_DESC(policy, "rules, by semicolon: cr4.smep pinned deny; msr:lstar ro log (default: none)");

bool param_lock;

static int lock_store(const char *text, const struct kernel_param *kp)
{
	bool wanted;
	int error = kstrtobool(text ?: "1", &wanted);

	if (error)
		return error;
	if (!guard.ready) {
		param_lock = wanted;
		return 0;
	}
	if (wanted)
		return guard_lock();
	return guard.locked ? -EPERM : 0;
}

static int lock_show(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", guard.locked);
}

static const struct kernel_param_ops lock_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = lock_store,
	.get = lock_show,
};
module_param_cb(lock, &lock_ops, NULL, 0644);
MODULE_PARM_DESC(lock, "1: until the next boot, features and rules only tighten and nothing is given back (default: 0)");
