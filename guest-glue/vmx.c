// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx.c - how Intel's VMX holds the guest: whether it can be used, what all processors share, the
 * MSRs that would give us away (Intel SDM vol. 3, chapters 24 to 29).
 *
 * Controls and what they need: vmx_controls.c. Fields and intercepts: vmx_fields.c. Taking
 * processors over and giving them back: vmx_take.c. INIT and start-up: vmx_reset.c.
 */
#include "../vmexit/vmx.h"

#include "enlightened.h"
#include "held.h"
#include "string.h"
#include "vmx.h"

static bool vmx_present(void)
{
	u32 out[4];

	cpu_cpuid(1, 0, out);
	return out[CPUID_ECX] >> 5 & 1;
}

#define RTIT_CTL_TRACES BIT64(0)
#define XFEATURE_PT 8

/*
 * Firmware that has left IA32_FEATURE_CONTROL open leaves the choice to the system (24.7):
 * vmx_take() makes it, for good, as KVM would.
 */
static bool vmx_usable(bool *busy, struct text *why)
{
	u64 control = cpu_rdmsr(MSR_FEATURE_CONTROL);

	*busy = false;
	if (cpu_read_cr4() & CR4_VMXE) {
		*busy = true;
		text_add(why, "another hypervisor is active (CR4.VMXE is set)");
		return false;
	}
	if (control & FEATURE_CONTROL_LOCKED && !(control & FEATURE_CONTROL_VMX)) {
		text_add(why, "VMX is disabled by the firmware (IA32_FEATURE_CONTROL)");
		return false;
	}
	/* It would go on writing while we run. */
	if (machine.hides_basic && cpu_rdmsr(MSR_RTIT_CTL) & RTIT_CTL_TRACES) {
		*busy = true;
		text_add(why, "somebody traces this processor (Intel PT)");
		return false;
	}
	return vmx_able(why);
}

/* One bit an MSR: reads of the lower and the upper numbers, then writes (25.6.9). */
static void intercept_msrs(u8 *map, const struct trap_range *range)
{
	static const u32 halves[] = { 0, 0xc0000000 };
	struct trap_range part;
	u32 i, msr, at;

	/* Those that the map does not reach always exit. */
	for (i = 0; i < ARRAY_SIZE(halves); i++) {
		if (!trap_range_within(range, halves[i], halves[i] + 0x1fff, &part))
			continue;
		for (msr = part.first; msr <= part.last; msr++) {
			at = i * 1024 * 8 + msr - halves[i];
			map[at / 8] |= (range->read ? 1u : 0) << at % 8;
			map[2048 + at / 8] |= (range->write ? 1u : 0) << at % 8;
		}
	}
}

/* Writes of the lower half are the third quarter. */
void vmx_intercept_write(u8 *map, u32 msr)
{
	map[2048 + msr / 8] |= 1u << msr % 8;
}

/*
 * Writes of our own need no intercept: IA32_FEATURE_CONTROL is locked and the others cannot be
 * written, so the processor itself says #GP.
 */
static void vmx_maps(struct machine *m, u32 plan)
{
	const struct trap_ranges *msrs = &m->plans[plan].traps.msr;
	static const struct trap_range own[] = {
		{ MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, true, false },
		{ MSR_BIOS_UPDT_TRIG, MSR_BIOS_UPDT_TRIG, false, true },
		{ MSR_VMX_BASIC, MSR_VMX_LAST, true, false },
	};
	u8 *map = block_va(m, m->msr_map[plan]);
	u32 i;

	memset(map, 0, PAGE_BYTES);
	for (i = 0; i < ARRAY_SIZE(own); i++)
		intercept_msrs(map, &own[i]);
	for (i = 0; i < VMX_HELD; i++) {
		const struct trap_range held = { vmx_held[i].first, vmx_held[i].last, false, true };

		if (held_applies(m, &vmx_held[i]))
			intercept_msrs(map, &held);
	}
	for (i = 0; i < msrs->count; i++)
		intercept_msrs(map, &msrs->range[i]);
	if (m->caps.slat)
		vmx_mtrr_intercept(map);
	if (vmx_facts.pebs)
		vmx_intercept_write(map, MSR_PEBS_ENABLE);
}

static bool vmx_build(struct machine *m, struct text *why)
{
	if (!machine_maps(m, 1, 2) || (m->caps.slat && !slat_build(m))) {
		text_add(why, "the root side's block is too small");
		return false;
	}
	return true;
}

/* The VMCS is the processor's own to lay out: all of it is written on that processor. */
static void vmx_build_vcpu(struct vcpu *v)
{
	(void)v;
}

/* Processor trace writes past EPT, so with EPT there is none (vmx_held.c): 33.3.1. */
static void hide_trace(u32 leaf, u32 subleaf, u32 out[4])
{
	if (leaf == 7 && !subleaf)
		out[CPUID_EBX] &= ~VMX_LEAF7_EBX_PT;
	else if (leaf == 0xd && subleaf == 1)
		out[CPUID_ECX] &= ~(1u << XFEATURE_PT);
	else if (leaf == 0x14 || (leaf == 0xd && subleaf == XFEATURE_PT))
		out[0] = out[1] = out[2] = out[3] = 0;
}

static void vmx_hide(u32 leaf, u32 subleaf, u32 out[4])
{
	if (leaf == 1)
		out[CPUID_ECX] &= machine_hides(&machine) ? ~(1u << 5 | 1u << 6) : ~(1u << 6); /* VMX, SMX */
	else if (machine.hides_basic)
		hide_trace(leaf, subleaf, out);
}

static const struct virt vmx = {
	.name = "Intel VMX",
	.present = vmx_present,
	.usable = vmx_usable,
	.caps = vmx_caps,
	.build = vmx_build,
	.build_vcpu = vmx_build_vcpu,
	.take = vmx_take,
	.left = vmx_left,
	.landed = vmx_left,
	.maps = vmx_maps,
	.traps = vmx_traps,
	.view = vmx_view,
	.flush = vmx_flush,
	.get = vmx_get,
	.set = vmx_set,
	.segment = vmx_segment,
	.call_code = OLDGUARD_BY_VMCALL,
	.hypercall = vmx_hypercall,
	.hide = vmx_hide,
	.msr = vmx_msr,
	.held = vmx_held,
	.held_count = VMX_HELD,
	.set_segment = vmx_set_segment,
	.insn = vmx_insn,
	.step = vmx_step,
	.nmi = vmx_nmi,
	.init = vmx_init,
	.sipi = vmx_sipi,
};
VIRT(vmx);
