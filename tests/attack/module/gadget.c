// SPDX-License-Identifier: GPL-2.0-only
/*
 * gadget.c - one instruction of the kernel's own code, whatever follows it there: with the trap
 * flag set it is over after that one, and the debug exception brings us back.
 */
#include <linux/kdebug.h>
#include <linux/notifier.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <asm/trapnr.h>

#include "hostile.h"

static unsigned long gadget, way_back;
static int trap;

static int on_die(struct notifier_block *nb, unsigned long what, void *data)
{
	struct die_args *args = data;

	if (!gadget || (what != DIE_DEBUG && what != DIE_GPF))
		return NOTIFY_DONE;
	/* The first step is the jump there. */
	if (what == DIE_DEBUG && args->regs->ip == gadget)
		return NOTIFY_STOP;
	trap = what == DIE_DEBUG ? NO_TRAP : args->trapnr;
	args->regs->ip = way_back;
	args->regs->flags &= ~X86_EFLAGS_TF;
	gadget = 0;
	return NOTIFY_STOP;
}

static struct notifier_block die_block = { .notifier_call = on_die, .priority = INT_MAX };

int one_step(unsigned long at, unsigned long value)
{
	gadget = at;
	asm volatile("movq $1f, %[back]\n\t"
		     "pushfq\n\t"
		     "orq %[tf], (%%rsp)\n\t"
		     "popfq\n\t" ANNOTATE_RETPOLINE_SAFE "jmp *%[at]\n"
		     "1:\n"
		     : [back] "=m"(way_back)
		     : [at] "r"(at), "D"(value), [tf] "i"(X86_EFLAGS_TF)
		     : "memory", "cc");
	return trap;
}

int gadget_init(void)
{
	return register_die_notifier(&die_block);
}

void gadget_exit(void)
{
	unregister_die_notifier(&die_block);
}
