// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - writing an attack's name to /sys/module/hostile/parameters/attack makes it; reading
 * tells what came of it, a word and after a tab the details.
 */
#include <linux/module.h>
#include <asm/trapnr.h>

#include "hostile.h"

static const struct attack *const tables[] = {
	register_attacks,  msr_attacks,	  port_attacks, memory_attacks,
	hypercall_attacks, block_attacks, sweep_attacks, virt_attacks, nested_attacks,
};

static char result[256] = "none\t";

#define RESULT(name)                                                                               \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		strscpy(result, #name "\t", sizeof(result));                                       \
		va_start(args, format);                                                            \
		vscnprintf(result + sizeof(#name), sizeof(result) - sizeof(#name), format, args);  \
		va_end(args);                                                                      \
	}
RESULT(succeeded)
RESULT(refused)
RESULT(ignored)
RESULT(impossible)

const char *trap_name(int trap)
{
	switch (trap) {
	case X86_TRAP_UD: return "#UD";
	case X86_TRAP_GP: return "#GP";
	case X86_TRAP_PF: return "#PF";
	default: return "another exception";
	}
}

void came_of(int trap, bool changed)
{
	if (changed)
		succeeded("%s", trap == NO_TRAP ? "" : "in spite of an exception");
	else if (trap == NO_TRAP)
		ignored("no exception, no change");
	else
		refused("%s", trap_name(trap));
}

static int attack_set(const char *text, const struct kernel_param *kp)
{
	const struct attack *a;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		for (a = tables[i]; a->name; a++) {
			if (!sysfs_streq(text, a->name))
				continue;
			impossible("it has said nothing");
			a->run(a);
			return 0;
		}
	}
	return -ENOENT;
}

static int attack_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", result);
}

static const struct kernel_param_ops attack_ops = { .set = attack_set, .get = attack_get };
module_param_cb(attack, &attack_ops, NULL, 0600);

static int __init hostile_init(void)
{
	return gadget_init();
}

static void __exit hostile_exit(void)
{
	gadget_exit();
}

module_init(hostile_init);
module_exit(hostile_exit);
MODULE_DESCRIPTION("Attacks from ring 0, for tests of oldguard");
MODULE_LICENSE("GPL");
