// SPDX-License-Identifier: GPL-2.0-only
/*
 * taker.c - another user of the virtualisation extension, which knows nothing of KVM. Writing CPUs to
 * `take` (a list: 0,1) switches it on there and uses it, `give` switches it off. `result` then tells:
 * "used", "taken" if somebody else had it already, or what was wrong, for each of them.
 *
 * The write that switches it on is made with a number of its own in every register, which must be
 * there afterwards; with interrupts on where `interrupts` says so.
 */
#include <linux/cpumask.h>
#include <linux/module.h>
#include <linux/workqueue.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>

#define EFER_SVME_BIT BIT_ULL(12)

static bool interrupts;
module_param(interrupts, bool, 0644);

static char result[256];
static DEFINE_PER_CPU(void *, region);

/* A marked register for each that the write does not use; any that has changed sets bits of @bad. */
#define MARK(reg) "mov $0x7a" #reg "51, %%r" #reg "\n\t"
#define KEPT(reg) "xor $0x7a" #reg "51, %%r" #reg "\n\tor %%r" #reg ", %[bad]\n\t"

static u64 write_efer(u64 value)
{
	u64 bad = 0, ax = (u32)value, dx = value >> 32, cx = MSR_EFER;

	asm volatile(MARK(8) MARK(9) MARK(10) MARK(11) MARK(12) MARK(13) MARK(14) MARK(15)
		     "1: wrmsr\n\tjmp 3f\n\t"
		     "2: mov $1, %[bad]\n\t"
		     "3:\n\t"
		     KEPT(8) KEPT(9) KEPT(10) KEPT(11) KEPT(12) KEPT(13) KEPT(14) KEPT(15)
		     _ASM_EXTABLE(1b, 2b)
		     : [bad] "+b"(bad), "+a"(ax), "+d"(dx), "+c"(cx)
		     :
		     : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	return bad | (ax ^ (u32)value) | (dx ^ value >> 32) | (cx ^ MSR_EFER);
}

static u64 write_cr4(u64 value)
{
	u64 bad = 0, ax = value, dx = 0x1234, cx = 0x5678;

	asm volatile(MARK(8) MARK(9) MARK(10) MARK(11) MARK(12) MARK(13) MARK(14) MARK(15)
		     "1: mov %%rax, %%cr4\n\tjmp 3f\n\t"
		     "2: mov $1, %[bad]\n\t"
		     "3:\n\t"
		     KEPT(8) KEPT(9) KEPT(10) KEPT(11) KEPT(12) KEPT(13) KEPT(14) KEPT(15)
		     _ASM_EXTABLE(1b, 2b)
		     : [bad] "+b"(bad), "+a"(ax), "+d"(dx), "+c"(cx)
		     :
		     : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	return bad | (ax ^ value) | (dx ^ 0x1234) | (cx ^ 0x5678);
}

/* Two of its instructions, which would be undefined if SVM were not the caller's. */
static const char *use_svm(void)
{
	bool undefined = true;

	asm volatile("1: clgi\n\tstgi\n\tvmsave %[page]\n\tmovb $0, %[undefined]\n"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     : [undefined] "+m"(undefined)
		     : [page] "a"(__pa(this_cpu_read(region)))
		     : "memory");
	return undefined ? "SVM's instructions are undefined" : "used";
}

static const char *take_svm(void)
{
	u64 efer, flags, bad;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME_BIT)
		return "taken";
	flags = native_save_fl();
	bad = write_efer(efer | EFER_SVME_BIT);
	if (bad == 1)
		return "refused";
	if (bad || (native_save_fl() ^ flags) & X86_EFLAGS_IF)
		return "registers have changed";
	wrmsrl(MSR_VM_HSAVE_PA, __pa(this_cpu_read(region)) + PAGE_SIZE);
	rdmsrl(MSR_EFER, efer);
	return efer & EFER_SVME_BIT ? use_svm() : "SVME is clear";
}

static void give_svm(void)
{
	u64 efer;

	rdmsrl(MSR_EFER, efer);
	wrmsrl(MSR_EFER, efer & ~EFER_SVME_BIT);
	wrmsrl(MSR_VM_HSAVE_PA, 0);
}

static const char *take_vmx(void)
{
	u64 pa = __pa(this_cpu_read(region)), basic, flags, bad;
	bool failed = true;

	if (cr4_read_shadow() & X86_CR4_VMXE || __read_cr4() & X86_CR4_VMXE)
		return "taken";
	flags = native_save_fl();
	bad = write_cr4(__read_cr4() | X86_CR4_VMXE);
	if (bad == 1)
		return "refused";
	if (bad || (native_save_fl() ^ flags) & X86_EFLAGS_IF)
		return "registers have changed";
	/* Linux writes CR4 by its own copy, which must have the bit in VMX operation. */
	cr4_set_bits(X86_CR4_VMXE);
	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	*(u32 *)this_cpu_read(region) = (u32)basic & 0x7fffffff;
	asm volatile("1: vmxon %[pa]\n\tjbe 2f\n\tmovb $0, %[failed]\n"
		     "2:\n\t" _ASM_EXTABLE(1b, 2b)
		     : [failed] "+m"(failed)
		     : [pa] "m"(pa)
		     : "memory", "cc");
	return failed ? "VMXON fails" : "used";
}

static void give_vmx(void)
{
	asm volatile("1: vmxoff\n2:\n\t" _ASM_EXTABLE(1b, 2b) : : : "memory", "cc");
	cr4_clear_bits(X86_CR4_VMXE);
}

static bool intel(void)
{
	return boot_cpu_data.x86_vendor == X86_VENDOR_INTEL;
}

/* Either is called by a kernel thread that stays on its processor. */
static long take(void *did)
{
	unsigned long flags = 0;

	if (!interrupts)
		local_irq_save(flags);
	*(const char **)did = intel() ? take_vmx() : take_svm();
	if (!interrupts)
		local_irq_restore(flags);
	return 0;
}

static long give(void *did)
{
	if (intel())
		give_vmx();
	else
		give_svm();
	*(const char **)did = "given";
	return 0;
}

static int each(const char *text, long (*act)(void *did))
{
	static struct cpumask cpus;
	int error = cpulist_parse(text, &cpus), at = 0, cpu;
	const char *did;

	for_each_cpu_and(cpu, &cpus, cpu_online_mask) {
		error = error ?: work_on_cpu(cpu, act, &did);
		at += scnprintf(result + at, sizeof(result) - at, "%s%s", at ? ", " : "", did);
	}
	return error;
}

static int set_take(const char *text, const struct kernel_param *kp)
{
	return each(text, take);
}

static int set_give(const char *text, const struct kernel_param *kp)
{
	return each(text, give);
}

static const struct kernel_param_ops take_ops = { .set = set_take };
static const struct kernel_param_ops give_ops = { .set = set_give };
module_param_cb(take, &take_ops, NULL, 0200);
module_param_cb(give, &give_ops, NULL, 0200);
module_param_string(result, result, sizeof(result), 0444);

static void free_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_pages((unsigned long)per_cpu(region, cpu), 1);
}

static int __init taker_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		per_cpu(region, cpu) = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 1);
		if (!per_cpu(region, cpu)) {
			free_regions();
			return -ENOMEM;
		}
	}
	return 0;
}

static void __exit taker_exit(void)
{
	free_regions();
}

module_init(taker_init);
module_exit(taker_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("another user of SVM or VMX, for tests");
