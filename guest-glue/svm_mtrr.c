// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_mtrr.c - the guest's MTRRs under nested paging. The processor applies them by itself to
 * system-physical addresses (AMD APM vol. 2, 15.25.8), but a large page, a nested one as well, must
 * not have memory of two types in it: which it then has nobody knows (7.7.5). The tables were made
 * so, and are split further where a later change asks for it.
 *
 * The tables are shared, and all processors write the same MTRRs, each for itself: the first one that
 * has the new ones in force splits, each throws out its own translations. While the MTRRs are off
 * all memory is UC and no page has two types.
 */
#include "../vmexit/svm.h"

#include "svm.h"

#define MTRRS_ON BIT64(11)

/*
 * The guest has switched its caches off for this, which an exit does not carry over: the root side
 * does what the guest has done.
 */
static bool write_uncached(u32 msr, u64 value)
{
	u64 cr0 = cpu_read_cr0();
	bool done;

	cpu_write_cr0(cr0 | CR0_CD);
	cpu_wbinvd();
	done = cpu_wrmsr_safe(msr, value);
	/* Our own translations have types in them, too; they are not global. */
	cpu_write_cr3(cpu_read_cr3());
	cpu_wbinvd();
	cpu_write_cr0(cr0);
	return done;
}

enum msr_answer svm_mtrr_write(struct vcpu *v, u32 msr, u64 value)
{
	if (!write_uncached(msr, value))
		return MSR_FAULT;
	if (cpu_rdmsr(MSR_MTRR_DEF_TYPE) & MTRRS_ON)
		slat_retype(v->machine);
	v->virt->flush(v);
	return MSR_DONE;
}
