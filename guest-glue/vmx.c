// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx.c - how Intel's VMX holds the guest: whether it can be used, what all processors share, the
 * MSRs that would give us away (Intel SDM vol. 3, chapters 24 to 29).
 *
 * Controls and what they need: vmx_controls.c. Fields and intercepts: vmx_fields.c. Taking
 * processors over and giving them back: vmx_take.c. INIT and start-up: vmx_reset.c.
 */
#include "../vmexit/vmx.h"

#include "vmx.h"

static bool vmx_present(void)
{
	u32 out[4];

	cpu_cpuid(1, 0, out);
	return out[CPUID_ECX] >> 5 & 1;
}

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
	return vmx_able(why);
}

/* One bit an MSR: reads of the lower half of the numbers come first (25.6.9). */
static void intercept_read(u8 *map, u32 msr)
{
	map[msr / 8] |= 1u << msr % 8;
}

/*
 * Writes of these need no intercept: IA32_FEATURE_CONTROL is locked and the others cannot be
 * written, so the processor itself says #GP.
 */
static bool vmx_build(struct machine *m, struct text *why)
{
	u8 *map = block_pages(m, 1, &m->bitmap_pa[0]);
	u32 msr;

	if (!map || (m->caps.slat && !slat_build(m))) {
		text_add(why, "the root side's block is too small");
		return false;
	}
	intercept_read(map, MSR_FEATURE_CONTROL);
	for (msr = MSR_VMX_BASIC; msr <= MSR_VMX_LAST; msr++)
		intercept_read(map, msr);
	return true;
}

/* The VMCS is the processor's own to lay out: all of it is written on that processor. */
static void vmx_build_vcpu(struct vcpu *v)
{
	(void)v;
}

static void vmx_hide(u32 leaf, u32 subleaf, u32 out[4])
{
	(void)subleaf;
	if (leaf == 1)
		out[CPUID_ECX] &= ~(1u << 5 | 1u << 6); /* VMX, SMX */
}

/* The guest is shown a processor whose firmware has locked VMX off. */
static enum msr_answer vmx_msr(struct vcpu *v, u32 msr, bool write, u64 *value)
{
	(void)v;
	if (msr >= MSR_VMX_BASIC && msr <= MSR_VMX_LAST)
		return MSR_FAULT;
	if (msr != MSR_FEATURE_CONTROL || write)
		return MSR_NATIVE;
	*value = cpu_rdmsr(MSR_FEATURE_CONTROL) & ~(FEATURE_CONTROL_VMX | FEATURE_CONTROL_VMX_SMX);
	return MSR_DONE;
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
	.traps = vmx_traps,
	.get = vmx_get,
	.set = vmx_set,
	.segment = vmx_segment,
	.hypercall = vmx_hypercall,
	.hide = vmx_hide,
	.msr = vmx_msr,
	.set_segment = vmx_set_segment,
	.insn = vmx_insn,
	.step = vmx_step,
	.nmi = vmx_nmi,
	.init = vmx_init,
	.sipi = vmx_sipi,
};
VIRT(vmx);
