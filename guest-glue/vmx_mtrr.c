// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_mtrr.c - the guest's MTRRs. Under EPT they have no effect on its accesses (Intel SDM vol. 3,
 * 29.3.7.2): the type is in the tables, which therefore follow each write.
 *
 * The tables are shared and MTRRs are not, but the processors of a machine must have the same ones
 * (12.11.8). So each of them writes them, in a rendezvous in which none does anything else, and a
 * processor that has not written yet may as well have the old types. The first one that has the
 * new ones in force changes the tables; each throws out its own translations as it writes, for
 * which reason nobody needs to be interrupted.
 *
 * In between, the MTRRs are off and the caches, too. Then all the processor's memory is UC
 * whatever the tables say, and they stay as they are: the others could not bear UC for memory that
 * they have in their caches. If a guest should switch the caches on before the MTRRs (Linux never
 * does), its MOV to CR0 exits and the tables become UC.
 */
#include "../vmexit/vmx.h"

#include "vmx.h"

#define MTRRS_ON BIT64(11)

static void intercept(void *map, u32 msr)
{
	vmx_intercept_write(map, msr);
}

void vmx_mtrr_intercept(u8 *map)
{
	mtrr_each(intercept, map);
}

static void follow(struct vcpu *v)
{
	slat_retype(v->machine);
	vmx_invept_all();
	if (!v->types_due)
		return;
	v->types_due = false;
	vmx_traps(v);
}

enum msr_answer vmx_mtrr_write(struct vcpu *v, u32 msr, u64 value)
{
	if (!cpu_wrmsr_safe(msr, value))
		return MSR_FAULT;
	/* Our own translations have types in them, too; they are not global. */
	cpu_write_cr3(cpu_read_cr3());
	if (cpu_rdmsr(MSR_MTRR_DEF_TYPE) & MTRRS_ON || !(cpu_read_cr0() & CR0_CD)) {
		follow(v);
	} else if (!v->types_due) {
		v->types_due = true;
		vmx_traps(v);
	}
	return MSR_DONE;
}

void vmx_mtrr_cr0(struct vcpu *v, u64 value)
{
	if (v->types_due && !(value & CR0_CD))
		follow(v);
}
