// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim.c - the bare processor; sim.h says what for.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

struct sim sim;

u32 *sim_cpuid(u32 leaf, u32 subleaf)
{
	struct sim_leaf *l;

	for (l = sim.leaf; l < sim.leaf + sim.leaves; l++)
		if (l->leaf == leaf && l->subleaf == subleaf)
			return l->out;
	ck_assert(sim.leaves < SIM_LEAVES);
	*l = (struct sim_leaf){ leaf, subleaf, { 0 } };
	sim.leaves++;
	return l->out;
}

void cpu_cpuid(u32 leaf, u32 subleaf, u32 out[4])
{
	u32 basic = sim_cpuid(0, 0)[CPUID_EAX], extended = sim_cpuid(0x80000000, 0)[CPUID_EAX];
	struct sim_leaf *l;

	sim.cpuids++;
	if (sim.intel && ((leaf < 0x40000000 && leaf > basic) || leaf > extended))
		leaf = basic;
	memset(out, 0, 16);
	if ((leaf < 0x40000000 && leaf > basic) || leaf > extended)
		return;
	for (l = sim.leaf; l < sim.leaf + sim.leaves; l++) {
		/* Only some leaves look at ECX. */
		bool same = l->subleaf == subleaf || (leaf != 7 && leaf != 0xd);

		if (l->leaf == leaf && same) {
			memcpy(out, l->out, 16);
			break;
		}
	}
	if (leaf == 1 && cpu_read_cr4() & CR4_OSXSAVE)
		out[CPUID_ECX] |= 1u << 27;
	if (leaf == 7 && !subleaf && cpu_read_cr4() & CR4_PKE)
		out[CPUID_ECX] |= 1u << 4;
}

void cpu_cpuid_gpr(u64 *rax, u64 gpr[GPRS])
{
	u32 out[4];

	cpu_cpuid(*rax, gpr[RCX], out);
	*rax = out[CPUID_EAX];
	gpr[RBX] = out[CPUID_EBX];
	gpr[RCX] = out[CPUID_ECX];
	gpr[RDX] = out[CPUID_EDX];
}

u64 *sim_msr(u32 msr)
{
	u32 i;

	for (i = 0; i < sim.msrs; i++)
		if (sim.msr[i].msr == msr)
			return &sim.msr[i].value;
	return NULL;
}

void sim_add_msr(u32 msr, u64 value)
{
	if (!sim_msr(msr)) {
		ck_assert(sim.msrs < SIM_MSRS);
		sim.msr[sim.msrs++].msr = msr;
	}
	*sim_msr(msr) = value;
}

bool cpu_rdmsr_safe(u32 msr, u64 *value)
{
	u64 *at = sim_msr(msr);

	if (at)
		*value = *at;
	return at;
}

bool cpu_wrmsr_safe(u32 msr, u64 value)
{
	u64 *at = sim_msr(msr);

	if (!at || (msr == MSR_EFER && value & ~sim.efer_valid))
		return false;
	*at = value;
	return true;
}

u64 cpu_rdmsr(u32 msr)
{
	u64 value = 0;

	ck_assert_msg(cpu_rdmsr_safe(msr, &value), "#GP below: RDMSR %x", msr);
	return value;
}

void cpu_wrmsr(u32 msr, u64 value)
{
	ck_assert_msg(cpu_wrmsr_safe(msr, value), "#GP below: WRMSR %x", msr);
}

bool cpu_xsetbv_safe(u32 index, u64 value)
{
	if (index || !(value & 1))
		return false;
	sim.xcr0 = value;
	return true;
}

u64 cpu_read_cr0(void) { return sim.held ? machine.root_cr0 : sim.cr0; }
u64 cpu_read_cr2(void) { return sim.cr2; }
u64 cpu_read_cr3(void) { return sim.held ? sim.root_cr3 : sim.cr3; }
u64 cpu_read_cr4(void) { return sim.held ? sim.root_cr4 : sim.cr4; }
u64 cpu_read_cr8(void) { return sim.cr8; }
u64 cpu_read_dr6(void) { return sim.dr6; }
u64 cpu_read_dr7(void) { return sim.dr7; }
u64 cpu_rdtsc(void) { return sim.tsc; }
u64 cpu_read_flags(void) { return sim.rflags; }
void cpu_write_cr0(u64 value) { sim.cr0 = value; }
void cpu_write_cr3(u64 value) { ck_assert_uint_eq(value, cpu_read_cr3()); }
void cpu_write_cr2(u64 value) { sim.cr2 = value; }
void cpu_write_cr4(u64 value) { sim.cr4 = value; }
void cpu_write_cr8(u64 value) { sim.cr8 = value; }
void cpu_write_dr6(u64 value) { sim.dr6 = value; }
void cpu_write_dr7(u64 value) { sim.dr7 = value; }
void cpu_wbinvd(void) { sim.wbinvds++; }
u16 cpu_read_ldtr(void) { return sim.ldtr.selector; }
u16 cpu_read_tr(void) { return sim.tr.selector; }
void cpu_read_selectors(u16 out[6]) { memcpy(out, sim.selectors, sizeof(sim.selectors)); }

void cpu_read_tables(struct table_reg *gdtr, struct table_reg *idtr)
{
	*gdtr = sim.gdtr;
	*idtr = sim.idtr;
}

void cpu_outb(u16 port, u8 value)
{
	if (port == 0x3f8) {
		if (sim.said < sizeof(sim.serial) - 1)
			sim.serial[sim.said++] = value;
		return;
	}
	ck_assert(sim.ports < ARRAY_SIZE(sim.port));
	sim.port[sim.ports] = port;
	sim.port_value[sim.ports++] = value;
}

u8 cpu_inb(u16 port)
{
	return port == 0x3fd ? 0x20 : 0xff;
}

void cpu_out(u16 port, u32 bytes, u32 value)
{
	ck_assert(bytes == 1 || bytes == 2 || bytes == 4);
	ck_assert(sim.ports < ARRAY_SIZE(sim.port));
	sim.port[sim.ports] = port;
	sim.port_value[sim.ports++] = bytes == 4 ? value : value & ((1u << bytes * 8) - 1);
}

u32 cpu_in(u16 port, u32 bytes)
{
	u32 value = 0xa1b2c300 | (port & 0xff);

	return bytes == 4 ? value : value & ((1u << bytes * 8) - 1);
}

void cpu_halt(void)
{
	if (sim.can_halt) {
		sim.can_halt = false;
		longjmp(sim.halt, 1);
	}
	ck_abort_msg("the root side has stopped the processor: %s", sim.serial);
	abort();
}

bool sim_said(const char *what)
{
	return strstr(sim.serial, what);
}

/* --- VMX, as far as taking and giving back goes: test_vmx.c has the exits --- */

char vmx_host_start[1], vmx_host_exit[1], aside_landing[1];
u64 sim_vmcs[0x8000];

u64 vmx_read(u32 field) { return sim_vmcs[field]; }
void vmx_write(u32 field, u64 value) { sim_vmcs[field] = value; }
void vmx_off(void) { sim.vmxon = false; }
bool vmx_clear(u64 pa) { return sim.vmxon && pa; }
bool vmx_load(u64 pa) { return sim.vmxon && pa; }
u64 vmx_current(void) { return V->control_pa; }
void vmx_invept_all(void) { }
void vmx_invvpid(u64 type, u64 vpid) { (void)type; (void)vpid; }
u64 vmx_hypercall(u64 number, u64 a, u64 b, u64 c)
{
	return number == (HYPERCALL_MAGIC ^ HYPERCALL_LEAVE) ? 0 : number ^ a ^ b ^ c;
}
void vmx_unblock_nmi(void) { }
void vmx_raise_nmi(void) { sim.nmis++; }
void vmx_raise_machine_check(void) { sim.machine_checks++; }

bool vmx_write_checked(u32 field, u64 value)
{
	vmx_write(field, value);
	return field != sim.lacks;
}

/* SDM vol. 3, 24.8 and the description of VMXON. */
bool vmx_on(u64 pa)
{
	u32 *region = block_va(&machine, block_offset(&machine, pa));

	ck_assert(cpu_read_cr4() & CR4_VMXE);
	ck_assert(cpu_rdmsr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_LOCKED);
	ck_assert_uint_eq(*region, cpu_rdmsr(MSR_VMX_BASIC) & 0x7fffffff);
	sim.vmxon = true;
	return true;
}

u64 vmx_launch(void)
{
	if (sim.launch_fails)
		return 0;
	vmx_start(V);
	return 1;
}

void vmx_reload(const struct vmx_reload *reload)
{
	sim.reload = *reload;
	sim.reload_tss = ((const u64 *)(uintptr_t)reload->own_gdtr.base)[reload->tr / 8];
}
