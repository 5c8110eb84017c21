// SPDX-License-Identifier: GPL-2.0-only
/*
 * plugin.c - features from other modules.
 *
 * The root side is built once, when processors are taken. So a plug-in that comes or goes
 * meanwhile has them given back and taken again: with its image in another block, so that the old
 * one is there to go back to; without it in the same block, which cannot fail for want of memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "glue.h"
#include "plugin.h"

/* By plug-in, in the order of image_get(), which has our own image before them. */
static struct plugged {
	const struct image *image;
	struct module *module;
	bool held;
} plugged[PLUGINS_MAX];

static u32 plugins(void)
{
	return image_count() - 1;
}

/* Whether a plan names a feature of a plug-in: it would not be understood without. */
static bool needed(const struct plan *plan, u32 plugin)
{
	u32 i;

	for (i = 0; i < feature_count(); i++)
		if ((plan->on | plan->native) >> i & 1 && feature_home(i) == plugin + 1)
			return true;
	return false;
}

void plugins_settle(const struct plan *plan)
{
	u32 i;

	for (i = 0; i < plugins(); i++) {
		if (guard.locked || !plugged[i].held || needed(plan, i))
			continue;
		module_put(plugged[i].module);
		plugged[i].held = false;
	}
}

static int hold(u32 plugin, struct text *why)
{
	if (plugged[plugin].held)
		return 0;
	if (guard_step("holding a plug-in") || !try_module_get(plugged[plugin].module)) {
		text_add(why, "plug-in ");
		text_add(why, plugged[plugin].image->name);
		text_add(why, " is being unloaded");
		return -EBUSY;
	}
	plugged[plugin].held = true;
	return 0;
}

int plugins_hold(const struct plan *plan, struct text *why)
{
	int error = 0;
	u32 i;

	for (i = 0; i < plugins() && !error; i++)
		if (!plan || needed(plan, i))
			error = hold(i, why);
	if (error)
		plugins_settle(&guard.plan);
	return error;
}

void plugins_keep(void)
{
	u32 i;

	/* A new one would wait for half a minute a symbol: for us to be loaded, see life_hold(). */
	THIS_MODULE->num_gpl_syms = 0;
	for (i = 0; i < plugins(); i++)
		life_hold(plugged[i].module);
}

bool plugins_have(const struct module *module)
{
	u32 i;

	for (i = 0; i < plugins(); i++)
		if (plugged[i].module == module)
			return true;
	return false;
}

/* Not allocated: a plug-in can go where there is no memory. Under guard.lock. */
static struct change change;
static struct machine_request spare;

/* Not even what was there before can be had again. */
static void lose(const struct text *why)
{
	pr_crit("every feature is off: %s\n", why->at);
	strscpy(guard.error, why->at, sizeof(guard.error));
	guard_forget();
	guard_settle();
}

/* For a moment: what was reported is read, before features have other numbers. */
static void make_bare(void)
{
	/* A task that has just asked for faulting must not be switched to meanwhile. */
	nocpuid_end(&guard.plan);
	guard_give_back();
}

/* Brings in force what the texts say, with the plug-ins that there are now. */
static int follow(struct machine_request *block, struct text *why)
{
	int error;

	/* The processors are bare. */
	guard_probe();
	change.list = guard.list;
	change.text = guard.policy;
	error = guard_work_out(&change, why);
	if (!error && block)
		error = guard_take(block, &change.plan, why);
	if (!error)
		guard_adopt(&change);
	return error;
}

static void remove(u32 plugin)
{
	image_remove(plugged[plugin].image);
	memmove(&plugged[plugin], &plugged[plugin + 1],
		(PLUGINS_MAX - 1 - plugin) * sizeof(*plugged));
}

/* Back to what was there before the last plug-in. */
static void go_back(bool was_active)
{
	TEXT(why, 256);

	plugins_settle(&guard.plan);
	remove(plugins() - 1);
	guard_probe();
	if (was_active && guard_take(&guard.block, &guard.plan, &why))
		lose(&why);
	else if (was_active)
		events_follow(guard.plan.reports);
	guard_settle();
}

static int join(struct text *why)
{
	bool was_active = guard.active;
	int error;

	if (!was_active) {
		/* `all` may take the processors now. */
		guard_probe();
		change.list = guard.list;
		change.text = guard.policy;
		error = guard_change(&change, why);
	} else {
		error = block_alloc(&spare, why);
		if (error) {
			remove(plugins() - 1);
			return error;
		}
		make_bare();
		error = follow(&spare, why);
		if (!error)
			swap(guard.block, spare);
	}
	if (error)
		go_back(was_active);
	block_free(&spare);
	return error;
}

int oldguard_plugin_register(const struct image *image, struct module *module)
{
	TEXT(why, 256);
	bool full;
	int error;

	mutex_lock(&guard.lock);
	if (guard.locked) {
		text_add(&why, "locked: no plug-in can come");
		error = -EPERM;
	} else if (guard.plan.on && !guard.active) {
		text_add(&why, "the machine is about to sleep: no plug-in can come");
		error = -EBUSY;
	} else if (guard.active && (nocpuid_used(&why) || guests_in_the_way(&why))) {
		/* The processors would be bare for a moment. */
		error = -EBUSY;
	} else if (!image_add(image, &full, &why)) {
		error = full ? -ENOSPC : -EINVAL;
	} else {
		plugged[plugins() - 1] = (struct plugged){ image, module };
		error = join(&why);
	}
	if (error)
		guard_refuse(error, &why);
	else
		pr_info("plug-in %s is here\n", image->name);
	mutex_unlock(&guard.lock);
	return error;
}
EXPORT_SYMBOL_GPL(oldguard_plugin_register);

void oldguard_plugin_unregister(const struct image *image)
{
	struct machine_request *block = NULL;
	TEXT(why, 256);
	u32 i;

	mutex_lock(&guard.lock);
	if (guard.active) {
		block = &guard.block;
		make_bare();
	}
	for (i = 0; i < plugins(); i++)
		if (plugged[i].image == image)
			remove(i);
	if (follow(block, &why))
		lose(&why);
	pr_info("plug-in %s is gone\n", image->name);
	mutex_unlock(&guard.lock);
}
EXPORT_SYMBOL_GPL(oldguard_plugin_unregister);
