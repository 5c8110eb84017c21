// SPDX-License-Identifier: GPL-2.0-only
/* The processor of vmxsim.h: what cpu.h and vmexit/vmx.h declare. */
#include "vmxsim.h"

#include <string.h>

struct sim sim;
char vmx_host_start[1], vmx_host_exit[1], aside_landing[1];

void cpu_cpuid(u32 leaf, u32 subleaf, u32 out[4])
{
	memset(out, 0, 16);
	switch (leaf) {
	case 0:
		out[CPUID_EAX] = 13;
		out[CPUID_EBX] = 0x756e6547;
		break;
	case 1:
		out[CPUID_EAX] = 0x206a7;
		out[CPUID_EDX] = sim.leaf1_edx;
		/* XSAVE, and OSXSAVE as the root side's CR4 has it: set */
		out[CPUID_ECX] = sim.leaf1_ecx | 3u << 26;
		break;
	case 7:
		if (!subleaf) {
			out[CPUID_EBX] = sim.leaf7_ebx;
			out[CPUID_ECX] = sim.leaf7_ecx;
		}
		break;
	case 0xd:
		out[CPUID_EAX] = subleaf ? 1 : 7; /* no XSAVES */
		out[CPUID_ECX] = subleaf == 1 && sim.leaf7_ebx >> 25 ? 1u << 8 : 0;
		break;
	case 0x80000000:
		out[CPUID_EAX] = 0x80000008;
		break;
	case 0x80000001:
		out[CPUID_EDX] = sim.leaf80000001_edx;
		break;
	default:
		out[CPUID_EAX] = leaf * 3 + 1;
		out[CPUID_EDX] = subleaf;
	}
}

u64 cpu_rdmsr(u32 msr)
{
	switch (msr) {
	case MSR_FEATURE_CONTROL:
		return sim.feature_control;
	case MSR_VMX_BASIC:
		return sim.basic;
	case MSR_VMX_PIN:
	case MSR_VMX_TRUE_PIN:
		return sim.pin;
	case MSR_VMX_PROC:
		return sim.proc | VMX_PROC_DEFAULT1;
	case MSR_VMX_TRUE_PROC:
		return sim.proc;
	case MSR_VMX_EXIT:
	case MSR_VMX_TRUE_EXIT:
		return sim.exit;
	case MSR_VMX_ENTRY:
	case MSR_VMX_TRUE_ENTRY:
		return sim.entry;
	case MSR_VMX_PROC2:
		return sim.proc2;
	case MSR_VMX_EPT_VPID:
		return sim.ept_vpid;
	case MSR_VMX_CR0_FIXED0:
		return CR0_PG | CR0_NE | CR0_PE;
	case MSR_VMX_CR0_FIXED1:
		return 0xffffffff;
	case MSR_VMX_CR4_FIXED0:
		return CR4_VMXE;
	case MSR_VMX_CR4_FIXED1:
		return 0x1fffff;
	case MSR_EFER:
		return sim.efer;
	case MSR_SFMASK:
		return sim.sfmask;
	case MSR_APIC_BASE:
		return sim.apic_base;
	case MSR_MISC_ENABLE:
		return sim.misc_enable;
	case MSR_RTIT_CTL:
		return sim.rtit_ctl;
	case MSR_PERF_GLOBAL_CTRL:
		return sim.perf_global;
	case MSR_PEBS_ENABLE:
		return sim.pebs_enable;
	case MSR_MTRR_CAP:
		return 0x503; /* write-combining, fixed ranges, three others */
	default:
		return msr - 0x200 < ARRAY_SIZE(sim.mtrr) ? sim.mtrr[msr - 0x200] : 0;
	}
}

/* What must never be while the root side runs: counters that count, and PEBS. */
static bool perf_write(u32 msr, u64 value)
{
	if (value & ~sim.perf_valid)
		return false;
	*(msr == MSR_PEBS_ENABLE ? &sim.pebs_enable : &sim.perf_global) = value;
	ck_assert_msg(!sim.perf_global || !sim.pebs_enable, "PEBS counts on the root side");
	return true;
}

void cpu_wrmsr(u32 msr, u64 value)
{
	if (msr == MSR_EFER)
		sim.efer = value;
	if (msr == MSR_SFMASK)
		sim.sfmask = value;
	else if (msr == MSR_PEBS_ENABLE || msr == MSR_PERF_GLOBAL_CTRL)
		ck_assert(perf_write(msr, value));
}

/* MSRs that are held for what some of their bits do. */
static u64 *bits_of(u32 msr)
{
	switch (msr) {
	case MSR_PAT: return &sim.pat;
	case MSR_MISC_ENABLE: return &sim.misc_enable;
	case 0xda0: return &sim.xss;
	case MSR_RTIT_CTL: return &sim.rtit_ctl;
	default: return NULL;
	}
}

/* 0x1234 is the one MSR that it has beyond those. */
bool cpu_rdmsr_safe(u32 msr, u64 *value)
{
	if (bits_of(msr)) {
		*value = *bits_of(msr);
		return true;
	}
	*value = msr == MSR_PEBS_ENABLE ? sim.pebs_enable : 0x1122334455667788;
	return msr == 0x1234 || msr == MSR_PEBS_ENABLE;
}

/* No memory type is larger than 6, and nothing reserved may be set: SDM vol. 3, 12.11.2. */
static bool mtrr_valid(u32 msr, u64 value)
{
	if (msr == MSR_MTRR_DEF_TYPE)
		return !(value & ~0xcffULL) && (u8)value <= 6;
	if (msr >= MSR_MTRR_FIX64K_00000)
		return true; /* no test puts a bad type there */
	return msr & 1 ? !(value & 0x7ff) : (u8)value <= 6;
}

bool cpu_wrmsr_safe(u32 msr, u64 value)
{
	if (bits_of(msr)) {
		*bits_of(msr) = value;
		return true;
	}
	if (msr == MSR_BIOS_UPDT_TRIG) {
		sim.microcode = value;
		return true;
	}
	if (msr == MSR_PEBS_ENABLE || msr == MSR_PERF_GLOBAL_CTRL)
		return perf_write(msr, value);
	if (msr == MSR_EFER && !(value & ~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))) {
		sim.efer = value;
		return true;
	}
	/* LBR, BTF and those for performance counters: SDM vol. 4, table 2-2. */
	if (msr == MSR_DEBUGCTL)
		return !(value & ~0xffc3ULL);
	if (msr - 0x200 < ARRAY_SIZE(sim.mtrr) && mtrr_valid(msr, value)) {
		sim.mtrr[msr - 0x200] = value;
		return true;
	}
	return msr == 0x1234;
}

bool cpu_xsetbv_safe(u32 index, u64 value)
{
	if (index || !(value & 1))
		return false;
	sim.xcr0 = value;
	return true;
}

void cpu_out(u16 port, u32 bytes, u32 value)
{
	(void)bytes;
	sim.port = port;
	sim.port_value = value;
}

u32 cpu_in(u16 port, u32 bytes)
{
	return bytes == 4 ? 0xa1b2c300 | port : port;
}

u64 cpu_read_cr0(void) { return sim.cr0; }
u64 cpu_read_cr2(void) { return sim.cr2; }
u64 cpu_read_cr3(void) { return 0; }
u64 cpu_read_cr4(void) { return sim.cr4; }
u64 cpu_rdtsc(void) { return 0; }
u64 cpu_read_dr6(void) { return sim.dr6; }
u64 cpu_read_dr7(void) { return 0x400; }
u64 cpu_read_flags(void) { return 2; }
void cpu_write_cr0(u64 value) { sim.cr0 = value; }
void cpu_write_cr3(u64 value)
{
	ck_assert_uint_eq(value, cpu_read_cr3());
	sim.root_flushes++;
}
void cpu_write_cr2(u64 value) { sim.cr2 = value; }
void cpu_write_cr4(u64 value) { sim.cr4 = value; }
void cpu_write_dr6(u64 value) { sim.dr6 = value; }
void cpu_write_dr7(u64 value) { (void)value; }
void cpu_wbinvd(void) { sim.wbinvds++; }
u16 cpu_read_ldtr(void) { return 0; }
u16 cpu_read_tr(void) { return 0x40; }
void cpu_read_selectors(u16 out[6]) { memset(out, 0, 12); }
void cpu_read_tables(struct table_reg *gdtr, struct table_reg *idtr)
{
	*gdtr = *idtr = (struct table_reg){ 0 };
}

u64 vmx_read(u32 field)
{
	return sim.vmcs[field];
}

void vmx_write(u32 field, u64 value)
{
	if (field == VMCS_PROC && sim.nmi_at_window_write) {
		sim.nmi_at_window_write = false;
		sim_vcpu.nmis++;
		vmx_nmi(&sim_vcpu);
	}
	sim.vmcs[field] = value;
}

bool vmx_write_checked(u32 field, u64 value)
{
	vmx_write(field, value);
	return true;
}

bool vmx_on(u64 pa) { return pa; }
void vmx_off(void) { }
bool vmx_clear(u64 pa) { return pa; }
bool vmx_load(u64 pa) { return pa; }
u64 vmx_current(void) { return 1; }
void vmx_invept_all(void) { sim.invepts++; }
void vmx_invvpid(u64 type, u64 vpid)
{
	ck_assert(type == INVVPID_ALL || vpid == VMX_OUR_VPID);
	sim.invalidated++;
}
u64 vmx_launch(void) { return 1; }
u64 vmx_hypercall(u64 number, u64 a, u64 b, u64 c) { return number + a + b + c; }
void vmx_reload(const struct vmx_reload *reload) { (void)reload; }
void vmx_raise_nmi(void) { }
void vmx_raise_machine_check(void) { }
void vmx_unblock_nmi(void) { sim.unblocked++; }
