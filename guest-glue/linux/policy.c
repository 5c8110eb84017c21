// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - /sys/kernel/oldguard/policy: the rules in the language of rule.h. A write replaces all
 * of them or, on an error, changes nothing.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kobject.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "glue.h"

static struct kobject *folder;

static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *attr, char *buffer)
{
	ssize_t length;

	mutex_lock(&guard.lock);
	length = sysfs_emit(buffer, "%s", guard.policy);
	mutex_unlock(&guard.lock);
	return length;
}

static ssize_t policy_store(struct kobject *kobj, struct kobj_attribute *attr, const char *text,
			    size_t length)
{
	char *copy;
	int error;

	/* Longer ones come in pieces of a page, of which the first alone would be another policy.
	 */
	if (length > POLICY_TEXT_MAX)
		return -EFBIG;
	copy = guard_step("copying the policy") ? NULL : kmemdup_nul(text, length, GFP_KERNEL);
	if (!copy) {
		pr_err("no memory for a copy of the policy\n");
		return -ENOMEM;
	}
	error = guard_set(NULL, copy);
	kfree(copy);
	return error ?: length;
}

static struct kobj_attribute policy_attribute = __ATTR(policy, 0600, policy_show, policy_store);

int policy_init(void)
{
	int error;

	folder = guard_step("making the folder")
			 ? NULL
			 : kobject_create_and_add(KBUILD_MODNAME, kernel_kobj);
	if (!folder)
		return -ENOMEM;
	error = guard_step("making the file of the policy")
			? -ENOMEM
			: sysfs_create_file(folder, &policy_attribute.attr);
	if (error)
		kobject_put(folder);
	return error;
}

void policy_exit(void)
{
	kobject_put(folder);
}
