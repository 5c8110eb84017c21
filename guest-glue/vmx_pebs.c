// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_pebs.c - the guest's performance counters must not write records while the root side runs.
 *
 * What an exit does about debug stores (Intel SDM vol. 3, 28.5.1): it clears IA32_DEBUGCTL, so BTS
 * ends there and the next entry begins it again. PEBS it leaves alone. A counter goes on, at the
 * root side's CPL 0 too, and a counter that has overflowed writes its record at the next such
 * event (20.6.2.4), to the linear address that Linux has put into IA32_DS_AREA: in the root side's
 * page tables, where that is nothing or something else.
 *
 * So while IA32_PEBS_ENABLE is not 0 the root side runs with IA32_PERF_GLOBAL_CTRL = 0: a counter
 * that does not count has no next event. The MSR areas of the VMCS do it (25.7.2, 25.8.2), at
 * each exit and entry and for every value that the guest ever writes; the guest's value is stored
 * where the entry loads it from. Only writes of IA32_PEBS_ENABLE exit, which are those of a
 * profiler that begins and ends, and where no profiler uses PEBS no exit does any of this.
 */
#include "../vmexit/vmx.h"

#include "vmx.h"

#define PEBS_UNAVAILABLE BIT64(12)

/* Table 25-15. */
struct msr_entry {
	u32 msr;
	u32 reserved;
	u64 value;
};

/**
 * struct pebs_area - in struct cpu_tables
 * @guest: exits store the guest's value here, entries load it
 * @root: exits load this
 */
struct pebs_area {
	struct msr_entry guest;
	struct msr_entry root;
};
static_assert(sizeof(struct pebs_area) <= sizeof(((struct cpu_tables *)0)->vendor), "no room");

/* Counters that one MSR stops come with version 2 of the performance monitoring. */
bool vmx_pebs_present(void)
{
	u32 out[4];

	cpu_cpuid(1, 0, out);
	if (!(out[CPUID_EDX] >> 21 & 1) || machine.max_basic < 0xa)
		return false;
	cpu_cpuid(0xa, 0, out);
	return (u8)out[CPUID_EAX] >= 2 && !(cpu_rdmsr(MSR_MISC_ENABLE) & PEBS_UNAVAILABLE);
}

static u64 area_offset(const struct vcpu *v)
{
	return cpu_area(&machine, v->id) + CPU_TABLES + offsetof(struct cpu_tables, vendor);
}

/* In either world. */
static struct pebs_area *area_of(const struct vcpu *v)
{
	return block_va(&machine, area_offset(v));
}

bool vmx_pebs_take(struct vcpu *v)
{
	u64 pa = block_pa(&machine, area_offset(v));
	u64 guest = pa + offsetof(struct pebs_area, guest);
	u64 root = pa + offsetof(struct pebs_area, root);
	bool on = vmx_facts.pebs && cpu_rdmsr(MSR_PEBS_ENABLE);

	*area_of(v) = (struct pebs_area){
		.guest = { .msr = MSR_PERF_GLOBAL_CTRL,
			   .value = on ? cpu_rdmsr(MSR_PERF_GLOBAL_CTRL) : 0 },
		.root = { .msr = MSR_PERF_GLOBAL_CTRL },
	};
	return vmx_write_checked(VMCS_EXIT_MSR_STORE_AREA, guest) &&
	       vmx_write_checked(VMCS_EXIT_MSR_LOAD_AREA, root) &&
	       vmx_write_checked(VMCS_ENTRY_MSR_LOAD_AREA, guest) &&
	       vmx_write_checked(VMCS_EXIT_MSR_STORES, on) &&
	       vmx_write_checked(VMCS_EXIT_MSR_LOADS, on) &&
	       vmx_write_checked(VMCS_ENTRY_MSR_LOADS, on);
}

/* The last entry still loads the guest's value, and the exit behind it leaves it there. */
void vmx_pebs_leave(void)
{
	vmx_write(VMCS_EXIT_MSR_STORES, 0);
	vmx_write(VMCS_EXIT_MSR_LOADS, 0);
}

static void switching(bool on)
{
	vmx_write(VMCS_EXIT_MSR_STORES, on);
	vmx_write(VMCS_EXIT_MSR_LOADS, on);
	vmx_write(VMCS_ENTRY_MSR_LOADS, on);
}

/* @was: the counters are stopped already. PEBS is never on while they run. */
static enum msr_answer write_enable(struct vcpu *v, bool was, u64 value)
{
	struct pebs_area *area = area_of(v);
	bool done, on;

	if (!was) {
		area->guest.value = cpu_rdmsr(MSR_PERF_GLOBAL_CTRL);
		cpu_wrmsr(MSR_PERF_GLOBAL_CTRL, 0);
	}
	done = cpu_wrmsr_safe(MSR_PEBS_ENABLE, value);
	on = done ? value != 0 : was;
	if (!on)
		cpu_wrmsr(MSR_PERF_GLOBAL_CTRL, area->guest.value);
	if (on != was)
		switching(on);
	return done ? MSR_DONE : MSR_FAULT;
}

/* The processor says whether the value is a good one; PEBS is off while it may count. */
static enum msr_answer write_global(struct vcpu *v, u64 value)
{
	u64 enabled = cpu_rdmsr(MSR_PEBS_ENABLE);
	bool done;

	cpu_wrmsr(MSR_PEBS_ENABLE, 0);
	done = cpu_wrmsr_safe(MSR_PERF_GLOBAL_CTRL, value);
	cpu_wrmsr(MSR_PERF_GLOBAL_CTRL, 0);
	cpu_wrmsr(MSR_PEBS_ENABLE, enabled);
	if (!done)
		return MSR_FAULT;
	area_of(v)->guest.value = value;
	return MSR_DONE;
}

enum msr_answer vmx_pebs_msr(struct vcpu *v, u32 msr, bool write, u64 *value)
{
	bool on;

	if (!vmx_facts.pebs || (msr != MSR_PEBS_ENABLE && msr != MSR_PERF_GLOBAL_CTRL))
		return MSR_NATIVE;
	on = vmx_read(VMCS_ENTRY_MSR_LOADS);
	if (msr == MSR_PEBS_ENABLE)
		return write ? write_enable(v, on, *value) : MSR_NATIVE;
	/* It exits only if a feature wants to see it. */
	if (!on)
		return MSR_NATIVE;
	if (write)
		return write_global(v, *value);
	*value = area_of(v)->guest.value;
	return MSR_DONE;
}
