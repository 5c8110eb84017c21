// SPDX-License-Identifier: GPL-2.0-only
/*
 * blunder.c - a kernel module that makes mistakes. Writing a word to its parameter `make` makes
 * one: divide8, divide16, divide32, divide64, idivide32, load8, load64, store, add, wild.
 * `result` then tells what the registers of the result hold, `where` at which address the
 * instructions of load8, load64, store, add and wild are.
 *
 * Without somebody who guards against it, the kernel kills the task that has written.
 */
#include <linux/module.h>

static u64 result[2];

#define FILL 0x1122334455667788ULL

static noinline void divide(unsigned int bits)
{
	u64 a = FILL, d = FILL;

	switch (bits) {
	case 8:
		asm volatile("divb %b2" : "+a"(a) : "d"(d), "c"(0ULL) : "cc");
		break;
	case 16:
		asm volatile("divw %w2" : "+a"(a), "+d"(d) : "c"(0ULL) : "cc");
		break;
	case 32:
		asm volatile("divl %k2" : "+a"(a), "+d"(d) : "c"(0ULL) : "cc");
		break;
	case 64:
		asm volatile("divq %2" : "+a"(a), "+d"(d) : "c"(0ULL) : "cc");
		break;
	default:
		asm volatile("idivl %k2" : "+a"(a), "+d"(d) : "c"(0ULL) : "cc");
	}
	result[0] = a;
	result[1] = d;
}

/* Where each of them is. */
extern const char at_load8[], at_load64[], at_store[], at_add[], at_wild[];

static noinline void load8(u64 address)
{
	u64 value = FILL;

	asm volatile("at_load8: movb (%1), %b0" : "+b"(value) : "D"(address));
	result[0] = value;
}

static noinline void load64(u64 address)
{
	u64 value = FILL;

	asm volatile("at_load64: movq (%1), %0" : "+r"(value) : "D"(address));
	result[0] = value;
}

static noinline void wild(u64 address)
{
	u64 value = FILL;

	asm volatile("at_wild: movzwl (%1), %k0" : "+r"(value) : "D"(address));
	result[0] = value;
}

static noinline void store(u64 address)
{
	result[0] = FILL;
	asm volatile("at_store: movl $1, (%0)" : : "D"(address) : "memory");
}

static noinline void add(u64 address)
{
	asm volatile("at_add: addl %k0, (%0)" : : "D"(address) : "memory");
	result[0] = FILL;
}

static int make_set(const char *text, const struct kernel_param *kp)
{
	result[0] = result[1] = 0;
	if (sysfs_streq(text, "divide8"))
		divide(8);
	else if (sysfs_streq(text, "divide16"))
		divide(16);
	else if (sysfs_streq(text, "divide32"))
		divide(32);
	else if (sysfs_streq(text, "divide64"))
		divide(64);
	else if (sysfs_streq(text, "idivide32"))
		divide(0);
	else if (sysfs_streq(text, "load8"))
		load8(0x10);
	else if (sysfs_streq(text, "load64"))
		load64(0x10);
	else if (sysfs_streq(text, "store"))
		store(0x10);
	else if (sysfs_streq(text, "add"))
		add(0x10);
	else if (sysfs_streq(text, "wild"))
		wild(0x8000000000000000ULL);
	else
		return -EINVAL;
	return 0;
}

static int result_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%llx %llx\n", result[0], result[1]);
}

static int where_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "load8 0x%lx\nload64 0x%lx\nstore 0x%lx\nadd 0x%lx\nwild 0x%lx\n",
			  (unsigned long)at_load8, (unsigned long)at_load64,
			  (unsigned long)at_store, (unsigned long)at_add, (unsigned long)at_wild);
}

static const struct kernel_param_ops make_ops = { .set = make_set };
static const struct kernel_param_ops result_ops = { .get = result_get };
static const struct kernel_param_ops where_ops = { .get = where_get };
module_param_cb(make, &make_ops, NULL, 0200);
module_param_cb(result, &result_ops, NULL, 0400);
module_param_cb(where, &where_ops, NULL, 0400);

MODULE_DESCRIPTION("mistakes in kernel mode, for tests");
MODULE_LICENSE("GPL");
