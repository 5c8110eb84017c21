// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_reset.c - INIT and start-up IPIs for a processor that is the guest's (Intel SDM vol. 3,
 * 10.1.1, table 10-1; 26.2 and 28.1 for what they do in VMX operation).
 *
 * Linux sends INIT to processors that it has given back, which is none of our business, and to
 * running ones when it shuts down or starts another kernel. The guest's processor is then what
 * INIT makes of a bare one. Real mode needs "unrestricted guest"; a processor without it is parked:
 * it halts for good, as a bare one does whose start-up IPI never comes.
 */
#include "../vmexit/vmx.h"

#include "vmx.h"

#define APIC_BASE_BSP BIT64(8)
#define ATTR_REAL 0x93u /* present, data, writable, accessed */
#define ATTR_LDT 0x82u
#define ATTR_TSS 0x8bu

static void park(void)
{
	vmx_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	/* A single step that is still due would make VM entry fail: 27.3.1.5. */
	vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmx_write(VMCS_GUEST_BLOCKING, VMX_BLOCKING_NMI);
	vmx_write(VMCS_GUEST_ACTIVITY, VMX_ACTIVITY_HLT);
}

static void reset_segments(struct vcpu *v)
{
	struct guest_segment segment = { .limit = 0xffff, .attr = ATTR_REAL };
	u32 i;

	for (i = 0; i < GUEST_SEGS; i++)
		vmx_set_segment(v, i, &segment);
	segment.attr = ATTR_LDT;
	vmx_set_segment(v, SEG_LDTR, &segment);
	segment.attr = ATTR_TSS;
	vmx_set_segment(v, SEG_TR, &segment);
	segment = (struct guest_segment){ 0xffff0000, 0xffff, 0xf000, ATTR_REAL };
	vmx_set_segment(v, GUEST_CS, &segment);
	vmx_write(VMCS_GUEST_GDTR_BASE, 0);
	vmx_write(VMCS_GUEST_IDTR_BASE, 0);
	vmx_write(VMCS_GUEST_GDTR_LIMIT, 0xffff);
	vmx_write(VMCS_GUEST_IDTR_LIMIT, 0xffff);
}

static void reset_registers(struct vcpu *v)
{
	/* CD and NW are as they were: INIT keeps them, and exits and entries do not touch them. */
	u64 cache = vmx_get(v, VCPU_CR0) & (CR0_CD | CR0_NW);
	u32 out[4];
	u32 i;

	for (i = 0; i < GPRS; i++)
		v->gpr[i] = 0;
	cpu_cpuid(1, 0, out);
	v->gpr[RDX] = out[CPUID_EAX];
	v->cr4 = 0;
	v->nmis = 0;
	vmx_set(v, VCPU_EFER, 0);
	vmx_write(VMCS_ENTRY, vmx_read(VMCS_ENTRY) & ~VMX_ENTRY_LONG_MODE);
	vmx_set(v, VCPU_CR0, cache | CR0_ET);
	vmx_set(v, VCPU_CR3, 0);
	vmx_set(v, VCPU_CR4, 0);
	vmx_set(v, VCPU_CR2, 0);
	vmx_set(v, VCPU_DR6, 0xffff0ff0);
	vmx_set(v, VCPU_DR7, 0x400);
	vmx_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	vmx_write(VMCS_GUEST_RIP, 0xfff0);
	vmx_write(VMCS_GUEST_BLOCKING, 0);
	vmx_write(VMCS_GUEST_PENDING_DEBUG, 0);
	vmx_traps(v);
}

void vmx_init(struct vcpu *v)
{
	if (!(vmx_facts.proc2 & VMX_PROC2_UNRESTRICTED)) {
		park();
		return;
	}
	reset_registers(v);
	reset_segments(v);
	/* The boot processor starts at once, the others wait. */
	vmx_write(VMCS_GUEST_ACTIVITY, cpu_rdmsr(MSR_APIC_BASE) & APIC_BASE_BSP ?
					       VMX_ACTIVITY_ACTIVE : VMX_ACTIVITY_WAIT_SIPI);
}

void vmx_sipi(struct vcpu *v, u8 vector)
{
	const struct guest_segment cs = { (u64)vector << 12, 0xffff, vector << 8, ATTR_REAL };

	vmx_set_segment(v, GUEST_CS, &cs);
	vmx_write(VMCS_GUEST_RIP, 0);
	vmx_write(VMCS_GUEST_ACTIVITY, VMX_ACTIVITY_ACTIVE);
}
