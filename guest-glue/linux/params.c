// SPDX-License-Identifier: GPL-2.0-only
/*
 * params.c - module parameters.
 */
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

/* What the command line says comes before module_init, which then reads it. */
static char *initial;

const char *param_features_initial(void)
{
	return initial ?: "none";
}

static int features_store(const char *text, const struct kernel_param *kp)
{
	if (!text)
		return -EINVAL;
	if (guard.ready)
		return guard_set(text);
	kfree(initial);
	/* One byte more than is allowed, so that the parser can complain. */
	initial = kstrndup(text, FEATURES_TEXT_MAX + 1, GFP_KERNEL);
	return initial ? 0 : -ENOMEM;
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

static void features_free(void *unused)
{
	kfree(initial);
	initial = NULL;
}

static const struct kernel_param_ops features_ops = {
	.set = features_store,
	.get = features_show,
	.free = features_free,
};
module_param_cb(features, &features_ops, NULL, 0644);
MODULE_PARM_DESC(features, "features by comma, options by colon (umip:mode=gp); all; none (default)");
