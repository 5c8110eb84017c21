// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring_write.c - a hostile kernel module: tries to forge reports. It finds oldguard's rings by the
 * function that finds them for oldguard, and writes to the page of each processor, through the
 * direct map and through an alias of its own.
 *
 * Loading it says in the log, for each way, "ring_write: WAY CPU: refused" or "written".
 */
#include <linux/cpumask.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>
#include <asm/asm.h>

/* Returns whether the store went through without a fault, and changed what is there. */
static bool put(u64 *at, u64 value)
{
	/* clang-format off */
	asm goto("1: movq %1, %0\n" _ASM_EXTABLE(1b, %l[fault])
		 : : "m"(*at), "r"(value) : "memory" : fault);
	/* clang-format on */
	return READ_ONCE(*at) == value;
fault:
	return false;
}

static void try(const char *way, unsigned int cpu, u64 *ring)
{
	unsigned int i;
	bool written = false;

	for (i = 0; i < PAGE_SIZE / sizeof(*ring); i += 5)
		written |= put(&ring[i], ~ring[i]);
	pr_info("ring_write: %s %u: %s\n", way, cpu, written ? "written" : "refused");
}

static int __init ring_write_init(void)
{
	struct kprobe probe = { .symbol_name = "machine_ring" };
	u64 *(*machine_ring)(u32 cpu, u64 * pa);
	int error = register_kprobe(&probe);
	unsigned int cpu;

	if (error)
		return error;
	machine_ring = (void *)probe.addr;
	unregister_kprobe(&probe);
	for_each_online_cpu (cpu) {
		u64 pa, *ring = machine_ring(cpu, &pa), *alias;
		struct page *page = pfn_to_page(pa >> PAGE_SHIFT);

		try("direct", cpu, ring);
		alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
		if (!alias)
			return -ENOMEM;
		try("alias", cpu, alias);
		vunmap(alias);
	}
	return 0;
}

static void __exit ring_write_exit(void)
{
}

module_init(ring_write_init);
module_exit(ring_write_exit);
MODULE_DESCRIPTION("Tries to forge oldguard's reports");
MODULE_LICENSE("GPL");
