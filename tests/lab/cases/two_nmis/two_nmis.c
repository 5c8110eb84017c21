// SPDX-License-Identifier: GPL-2.0-only
/*
 * two_nmis.c - an NMI that comes while GIF is clear, and another one in its handler. The first is delivered
 * when GIF is set, and the second only when the first one's handler has ended: APM vol. 2, 8.2.3.
 *
 * A number written to `cpu` does that there; `result` then tells how many came, and how deep they were.
 */
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor.h>

#define EFER_SVME_BIT BIT_ULL(12)

static char result[64];
static int depth, deepest, count;
static struct desc_struct *table;

static void send(void)
{
	u32 id = native_apic_mem_read(APIC_ID) >> 24;

	native_apic_mem_write(APIC_ICR2, id << 24);
	native_apic_mem_write(APIC_ICR, APIC_DM_NMI);
}

static void linger(void)
{
	int i;

	for (i = 0; i < 1000; i++)
		cpu_relax();
}

/* Linux's own handler hides what this is to show. */
void two_nmis_came(void);
__visible noinline void two_nmis_came(void)
{
	depth++;
	deepest = max(deepest, depth);
	if (++count == 1) {
		send();
		linger();
	}
	depth--;
}

void two_nmis_entry(void);
asm(".pushsection .text\n"
    ".type two_nmis_entry, @function\n"
    "two_nmis_entry:\n\t"
    "push %rax\n\tpush %rcx\n\tpush %rdx\n\tpush %rsi\n\tpush %rdi\n\t"
    "push %r8\n\tpush %r9\n\tpush %r10\n\tpush %r11\n\t"
    "cld\n\tcall two_nmis_came\n\t"
    "pop %r11\n\tpop %r10\n\tpop %r9\n\tpop %r8\n\t"
    "pop %rdi\n\tpop %rsi\n\tpop %rdx\n\tpop %rcx\n\tpop %rax\n\t"
    "iretq\n"
    ".size two_nmis_entry, . - two_nmis_entry\n"
    ".popsection");

static void play(void *unused)
{
	struct desc_ptr was, own = { .size = PAGE_SIZE - 1, .address = (unsigned long)table };
	gate_desc gate;
	u64 efer;

	store_idt(&was);
	memcpy(table, (void *)was.address, min_t(size_t, was.size + 1, PAGE_SIZE));
	pack_gate(&gate, GATE_INTERRUPT, (unsigned long)two_nmis_entry, 0, 0, __KERNEL_CS);
	((gate_desc *)table)[2] = gate;
	rdmsrl(MSR_EFER, efer);
	load_idt(&own);
	wrmsrl(MSR_EFER, efer | EFER_SVME_BIT);
	asm volatile("clgi" : : : "memory");
	send();
	linger();
	if (count)
		deepest = 100;
	asm volatile("stgi" : : : "memory");
	linger();
	wrmsrl(MSR_EFER, efer);
	load_idt(&was);
}

static int set_cpu(const char *text, const struct kernel_param *param)
{
	unsigned int cpu;
	int err = kstrtouint(text, 0, &cpu);

	if (err)
		return err;
	depth = deepest = count = 0;
	err = smp_call_function_single(cpu, play, NULL, 1);
	scnprintf(result, sizeof(result), "%d came, %d deep", count, deepest);
	return err;
}

static const struct kernel_param_ops cpu_ops = { .set = set_cpu };
module_param_cb(cpu, &cpu_ops, NULL, 0200);
module_param_string(result, result, sizeof(result), 0444);

static int __init two_nmis_init(void)
{
	table = (void *)get_zeroed_page(GFP_KERNEL);
	return table ? 0 : -ENOMEM;
}

static void __exit two_nmis_exit(void)
{
	free_page((unsigned long)table);
}

module_init(two_nmis_init);
module_exit(two_nmis_exit);
MODULE_LICENSE("GPL");
