// SPDX-License-Identifier: GPL-2.0-only
/*
 * crash.c - a panic starts the crash kernel without a word to any notifier, but every processor calls one function on
 * the way there, most of them in an NMI, and none comes back; so does an emergency restart. There it is given back.
 *
 * Linux keeps one such function, and complains of a second. It is KVM's where KVM is loaded, which asks for it when its
 * first machine starts: so ours goes when KVM comes. KVM's switches the extension off, where it is KVM's (kvm=aside).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kexec.h>
#include <linux/mutex.h>
#include <linux/reboot.h>
#include <asm/reboot.h>

#include "glue.h"

#ifdef OLDGUARD_HAS_EMERGENCY
static DEFINE_MUTEX(lock);
static bool held, kvm, told;

/*
 * Under the lock a crash kernel would begin as a guest whose registers it cannot set up: the firmware starts instead.
 */
static void on_emergency(void)
{
	static atomic_t restarting;

	cpus_drop_this();
	/* The restart comes here again. */
	if (!guard.locked || !oops_in_progress || !kexec_crash_loaded() || atomic_xchg(&restarting, 1))
		return;
	pr_emerg("locked: a reset takes the place of the crash kernel\n");
	emergency_restart();
}

static void tell(void)
{
	bool wanted = held && !kvm;

	if (wanted && !told)
		cpu_emergency_register_virt_callback(on_emergency);
	else if (!wanted && told)
		cpu_emergency_unregister_virt_callback(on_emergency);
	told = wanted;
}

void crash_init(void)
{
	kvm = __symbol_get("kvm_get_kvm");
	if (kvm)
		__symbol_put("kvm_get_kvm");
}

void crash_held(bool on)
{
	mutex_lock(&lock);
	held = on;
	tell();
	mutex_unlock(&lock);
}

void crash_module(unsigned long action, const struct module *module)
{
	if (strcmp(module->name, "kvm") || action == MODULE_STATE_LIVE)
		return;
	mutex_lock(&lock);
	kvm = action == MODULE_STATE_COMING;
	tell();
	mutex_unlock(&lock);
}
#else
void crash_init(void)
{
}

void crash_held(bool on)
{
}

void crash_module(unsigned long action, const struct module *module)
{
}
#endif
