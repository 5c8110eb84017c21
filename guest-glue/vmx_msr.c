// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_msr.c - the MSRs that the guest may not have as the processor has them: the extension's own,
 * and those that an exit replaces by the root side's, so that the guest's value is in the VMCS
 * (Intel SDM vol. 3, 25.4.1, 28.5.1).
 */
#include "../vmexit/vmx.h"

#include "vmx.h"

/* The field that holds a guest's MSR; 0: none does. */
static u32 msr_field(u32 msr)
{
	switch (msr) {
	case MSR_SYSENTER_CS: return VMCS_GUEST_SYSENTER_CS;
	case MSR_SYSENTER_ESP: return VMCS_GUEST_SYSENTER_ESP;
	case MSR_SYSENTER_EIP: return VMCS_GUEST_SYSENTER_EIP;
	case MSR_FS_BASE: return VMCS_GUEST_BASE(GUEST_FS);
	case MSR_GS_BASE: return VMCS_GUEST_BASE(GUEST_GS);
	case MSR_DEBUGCTL: return VMCS_GUEST_DEBUGCTL;
	case MSR_EFER: return vmx_facts.efer ? VMCS_GUEST_EFER : 0;
	default: return 0;
	}
}

/* Whether the processor takes a value: it is asked, with what we stand on kept. */
static bool accepted(u32 msr, u64 value, u64 kept)
{
	u64 own = cpu_rdmsr(msr);
	bool valid = cpu_wrmsr_safe(msr, value | (own & kept));

	cpu_wrmsr(msr, own);
	return valid;
}

/* What WRMSR checks (SDM vol. 4, table 2-2); an EFER gets the LMA that it has. */
static bool acceptable(struct vcpu *v, u32 msr, u64 *value)
{
	u32 unused = 64 - (vcpu_get(v, VCPU_CR4) & CR4_LA57 ? 57 : 48);
	u64 efer;

	switch (msr) {
	case MSR_SYSENTER_CS: *value = (u32)*value; return true;
	case MSR_DEBUGCTL: return accepted(msr, *value, 0);
	case MSR_EFER:
		efer = vcpu_get(v, VCPU_EFER);
		if ((*value ^ efer) & EFER_LME && vcpu_get(v, VCPU_CR0) & CR0_PG)
			return false;
		*value = (*value & ~EFER_LMA) | (efer & EFER_LMA);
		return accepted(msr, *value, EFER_NXE | EFER_LME | EFER_LMA);
	default: return (u64)((s64)(*value << unused) >> unused) == *value;
	}
}

/* The guest is shown a processor whose firmware has locked VMX off, or one with VMX. */
enum msr_answer vmx_msr(struct vcpu *v, u32 msr, bool write, u64 *value)
{
	u32 field = msr_field(msr);

	if (field && !write) {
		*value = vmx_read(field);
		return MSR_DONE;
	}
	if (field) {
		if (!acceptable(v, msr, value))
			return MSR_FAULT;
		vmx_write(field, *value);
		return MSR_DONE;
	}
	if (msr >= MSR_VMX_BASIC && msr <= MSR_VMX_LAST)
		return machine_hides(&machine) ? MSR_FAULT : MSR_NATIVE;
	/* Where none is, the processor refuses the write. */
	if (write && mtrr_is(msr) && v->machine->slat_root)
		return vmx_mtrr_write(v, msr, *value);
	if (write && msr == MSR_BIOS_UPDT_TRIG)
		return vmx_microcode_load(v, *value);
	if (msr != MSR_FEATURE_CONTROL || write)
		return vmx_pebs_msr(v, msr, write, value);
	*value = cpu_rdmsr(MSR_FEATURE_CONTROL);
	if (machine_hides(&machine))
		*value &= ~(FEATURE_CONTROL_VMX | FEATURE_CONTROL_VMX_SMX);
	return MSR_DONE;
}
