// SPDX-License-Identifier: GPL-2.0-only
/*
 * narrow.c - makes a segment in the LDT of the process that asks a 16-bit one. Debian's kernels are
 * built without CONFIG_X86_16BIT: modify_ldt() refuses such segments, though the processor has
 * them.
 *
 * Writing an entry's number to /sys/module/narrow/parameters/entry clears its D/B bit.
 */
#include <linux/module.h>
#include <linux/sched.h>
#include <asm/mmu_context.h>

static int entry_set(const char *text, const struct kernel_param *kp)
{
	struct ldt_struct *ldt;
	unsigned int entry;
	int error = kstrtouint(text, 0, &entry);

	if (error)
		return error;
	down_read(&current->mm->context.ldt_usr_sem);
	ldt = current->mm->context.ldt;
	if (ldt && entry < ldt->nr_entries)
		ldt->entries[entry].d = 0;
	else
		error = -ERANGE;
	up_read(&current->mm->context.ldt_usr_sem);
	return error;
}

static const struct kernel_param_ops entry_ops = { .set = entry_set };
module_param_cb(entry, &entry_ops, NULL, 0200);

MODULE_DESCRIPTION("16-bit LDT segments for conformance tests");
MODULE_LICENSE("GPL");
