// SPDX-License-Identifier: GPL-2.0-only
/*
 * sealed.c - a module that has a page of its own protected: oldguard's enlightened.h is all that it
 * needs. The page holds what must not change as long as the module is there.
 *
 * /sys/module/sealed/parameters/write: read, it tells what came of writing the page, by each of its
 * addresses and on each processor; `forge` tries to unseal it by guessing.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "enlightened.h"

#define ROOTS 0x600d

static struct page *page;
static u64 handle;
static int sealed;

/* A store that may be refused: #GP(0), which goes on at 2. */
static bool poke(volatile u64 *at, u64 value)
{
	u8 refused = 1;

	asm volatile("1: movq %2, %1\n\t"
		     "movb $0, %0\n\t"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     : "+q"(refused), "=m"(*at)
		     : "r"(value));
	return !refused;
}

static void poke_here(void *written)
{
	if (poke(page_address(page), 0xbad))
		atomic_inc(written);
}

static bool poke_alias(void)
{
	u64 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	bool written = alias && poke(alias, 0xbad);

	vunmap(alias);
	return written;
}

static int write_show(char *buffer, const struct kernel_param *kp)
{
	atomic_t written = ATOMIC_INIT(0);
	bool alias = poke_alias();

	on_each_cpu(poke_here, &written, 1);
	return sysfs_emit(buffer, "processors %d, alias %d, value %llx\n", atomic_read(&written),
			  alias, *(volatile u64 *)page_address(page));
}

static const struct kernel_param_ops write_ops = { .get = write_show };
module_param_cb(write, &write_ops, NULL, 0400);

static int forge_show(char *buffer, const struct kernel_param *kp)
{
	u64 second;

	/* A wrong handle; pages that cannot be sealed: none, the same again, no RAM, unaligned. */
	return sysfs_emit(buffer, "%d %d %d %d %d\n", oldguard_unseal(handle + 1),
			  oldguard_seal(page_to_phys(page), 0, &second),
			  oldguard_seal(page_to_phys(page), 1, &second),
			  oldguard_seal(0xfee00000, 1, &second),
			  oldguard_seal(page_to_phys(page) + 8, 1, &second));
}

static const struct kernel_param_ops forge_ops = { .get = forge_show };
module_param_cb(forge, &forge_ops, NULL, 0400);

module_param(sealed, int, 0400);

static int __init sealed_init(void)
{
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	*(u64 *)page_address(page) = ROOTS;
	/* Without oldguard it does what it always did. */
	sealed = oldguard_seal(page_to_phys(page), 1, &handle);
	pr_info("sealed: %d\n", sealed);
	return 0;
}

static void __exit sealed_exit(void)
{
	int error = sealed ? 0 : oldguard_unseal(handle);

	/* Locked: nobody can ever write it again, so nobody else must get it. */
	if (error == -EPERM) {
		pr_info("sealed: it stays so\n");
		return;
	}
	pr_info("sealed: unsealed %d, then written %d\n", error, poke(page_address(page), 0));
	__free_page(page);
}

module_init(sealed_init);
module_exit(sealed_exit);
MODULE_DESCRIPTION("An enlightened module: a page of its own that cannot be written");
MODULE_LICENSE("GPL");
