// SPDX-License-Identifier: GPL-2.0-only
/*
 * scribble.c - writes where the kernel holds memory constant, for tests of mem_guard.
 *
 * A word written to /sys/module/scribble/parameters/do is done at once, and reading the file tells
 * what came of it. `page` there is the physical address of a page of the module's own.
 */
#include <linux/ctype.h>
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <asm/asm.h>
#include <asm/desc.h>

static char result[64];
static unsigned long own;

/* A store that may fault; Linux looks the address up and goes on at 2. */
static bool poke(volatile u8 *at, u8 value)
{
	bool faulted = true;

	asm volatile("1: movb %2, %1\n\t"
		     "movb $0, %0\n\t"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     : "+q"(faulted), "=m"(*at)
		     : "q"(value));
	return !faulted;
}

static void set_cr0(unsigned long value)
{
	/* Not write_cr0(), which puts WP back. */
	asm volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static bool poke_without_wp(u8 *at, u8 value)
{
	unsigned long cr0, flags;
	bool done;

	local_irq_save(flags);
	cr0 = read_cr0();
	set_cr0(cr0 & ~X86_CR0_WP);
	done = poke(at, value);
	set_cr0(cr0);
	local_irq_restore(flags);
	return done;
}

static struct page *page_of(const void *at)
{
	return pfn_to_page(slow_virt_to_phys((void *)at) >> PAGE_SHIFT);
}

static bool poke_alias(const void *at, u8 value)
{
	struct page *page = page_of(at);
	u8 *alias = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	bool done;

	if (!alias)
		return false;
	done = poke(alias + offset_in_page(at), value);
	vunmap(alias);
	return done;
}

static void tell(bool done, u8 before, const u8 *at)
{
	scnprintf(result, sizeof(result), "%s, %s", done ? "done" : "fault",
		  READ_ONCE(*at) == before ? "unchanged" : "changed");
}

/* Changes a byte in some way, tells, and puts it back if that can be done in the same way. */
static void change(const u8 *at, bool (*how)(const void *at, u8 value))
{
	u8 before = READ_ONCE(*at);

	tell(how(at, before ^ 0x55), before, at);
	if (READ_ONCE(*at) != before)
		how(at, before);
}

static bool by_wp(const void *at, u8 value) { return poke_without_wp((u8 *)at, value); }
static bool by_direct(const void *at, u8 value)
{
	return poke_without_wp(__va(slow_virt_to_phys((void *)at)), value);
}

/* The IDT's last entry, which nothing uses; the table is read-only where IDTR points. */
static const u8 *idt_byte(void)
{
	struct desc_ptr idtr;

	store_idt(&idtr);
	return (u8 *)idtr.address + 0xfd * 16 + 15;
}

/* PUSHF and POP with the stack in the page. */
static u64 pushed_flags(void *stack)
{
	unsigned long flags;
	u64 image, saved;

	local_irq_save(flags);
	asm volatile("mov %%rsp, %1\n\t"
		     "mov %2, %%rsp\n\t"
		     "pushfq\n\t"
		     "mov (%%rsp), %0\n\t"
		     "mov %1, %%rsp"
		     : "=&r"(image), "=&r"(saved)
		     : "r"((u8 *)stack + 2048)
		     : "memory", "cc");
	local_irq_restore(flags);
	return image;
}

static noinline __used void spin(void)
{
	u64 end = ktime_get_ns() + 20 * NSEC_PER_MSEC;

	while (ktime_get_ns() < end)
		;
}

/* Calls and interrupts push there for a while. */
static void live_on(void *stack)
{
	preempt_disable();
	asm volatile("mov %%rsp, %%rbx\n\t"
		     "mov %0, %%rsp\n\t"
		     "call spin\n\t"
		     "mov %%rbx, %%rsp"
		     :
		     : "r"((u8 *)stack + PAGE_SIZE)
		     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory",
		       "cc");
	preempt_enable();
}

/* Every kind of store that the page may see, with a result that only all of them together give. */
static void stores(u8 *page)
{
	u64 *word = (u64 *)(page + 256);
	u64 old = 5;
	void *to = page + 512;
	unsigned long count = 100;
	bool sum;

	*(volatile u64 *)word = 40;
	asm volatile("lock xaddq %0, %1" : "+r"(old), "+m"(*word) : : "memory", "cc");
	asm volatile("lock incq %0" : "+m"(*word) : : "memory", "cc");
	asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0x5a) : "memory");
	asm volatile("sgdt %0" : "=m"(*(u8(*)[10])(page + 1024)));
	sum = *word == 46 && old == 40 && page[512] == 0x5a && page[611] == 0x5a &&
	      !page[612] && !count;
	scnprintf(result, sizeof(result), "stores %s", sum ? "right" : "wrong");
}

static int do_set(const char *text, const struct kernel_param *kp)
{
	u8 *page = (u8 *)own;
	u64 image;

	if (sysfs_streq(text, "rodata-wp"))
		change(_ctype + 200, by_wp);
	else if (sysfs_streq(text, "rodata-direct"))
		change(_ctype + 200, by_direct);
	else if (sysfs_streq(text, "rodata-alias"))
		change(_ctype + 200, poke_alias);
	else if (sysfs_streq(text, "idt-alias"))
		change(idt_byte(), poke_alias);
	else if (sysfs_streq(text, "text-alias"))
		change((u8 *)schedule_timeout - 1, poke_alias);
	else if (sysfs_streq(text, "page-start"))
		tell(poke(page, page[0] + 1), page[0], page);
	else if (sysfs_streq(text, "page-end"))
		tell(poke(page + 4095, page[4095] + 1), page[4095], page + 4095);
	else if (sysfs_streq(text, "stores"))
		stores(page);
	else if (sysfs_streq(text, "live"))
		live_on(page), strscpy(result, "alive", sizeof(result));
	else if (sysfs_streq(text, "pushf")) {
		image = pushed_flags(page);
		scnprintf(result, sizeof(result), "TF %d", !!(image & X86_EFLAGS_TF));
	} else
		return -EINVAL;
	return 0;
}

static int do_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", result);
}

static const struct kernel_param_ops do_ops = { .set = do_set, .get = do_get };
module_param_cb(do, &do_ops, NULL, 0600);

static int page_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "0x%llx\n", (u64)__pa(own));
}
static const struct kernel_param_ops page_ops = { .get = page_get };
module_param_cb(page, &page_ops, NULL, 0400);

static int linear_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "0x%lx\n", own);
}
static const struct kernel_param_ops linear_ops = { .get = linear_get };
module_param_cb(linear, &linear_ops, NULL, 0400);

static int __init scribble_init(void)
{
	own = get_zeroed_page(GFP_KERNEL);
	return own ? 0 : -ENOMEM;
}

static void __exit scribble_exit(void)
{
	free_page(own);
}

module_init(scribble_init);
module_exit(scribble_exit);
MODULE_DESCRIPTION("writes to constant memory, for tests");
MODULE_LICENSE("GPL");
