/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nested.h - a hypervisor in the simulated guest, for the tests of kvm=nested: where its memory lies, and
 * what it does.
 */
#ifndef OLDGUARD_TEST_NESTED_H
#define OLDGUARD_TEST_NESTED_H

#include <string.h>

#include "../../vmexit/svm_nested.h"
#include "sim.h"

#define L1_VMCB 0x50000ULL
#define L1_OTHER 0x51000ULL /* another VMCB, and where L1 saves its own */
#define L1_MSRPM 0x52000ULL
#define L1_IOPM 0x54000ULL
#define L2_CODE 0x7000ULL

#define N ((struct nested *)V->nested)
#define B ((struct vmcb *)(void *)guestmem_page(L1_VMCB)) /* VMCB12 */
#define A (N->vmcb)					  /* VMCB02 */

#define VMRUN "\x0f\x01\xd8"
#define VMLOAD "\x0f\x01\xda"
#define VMSAVE "\x0f\x01\xdb"
#define STGI "\x0f\x01\xdc"
#define CLGI "\x0f\x01\xdd"

/* nested_boot() - a machine with kvm=nested whose guest has set EFER.SVME, and a VMCB that can be run */
static inline void nested_vmcb(u64 pa)
{
	struct vmcb *b = (void *)guestmem_page(pa);

	memset(b, 0, sizeof(*b));
	b->intercept3 = SVM_ICPT_INTR | SVM_ICPT_NMI | SVM_ICPT_CPUID | SVM_ICPT_MSR | SVM_ICPT_IOIO |
			SVM_ICPT_SHUTDOWN;
	b->intercept4 = SVM_ICPT_VMRUN | SVM_ICPT_VMMCALL;
	b->msrpm_pa = L1_MSRPM;
	b->iopm_pa = L1_IOPM;
	b->asid = 1;
	b->virtual_interrupt = SVM_V_INTR_MASKING;
	b->efer = EFER_SVME | EFER_LME | EFER_LMA;
	b->cr0 = CR0_PG | CR0_PE;
	b->cr4 = CR4_PAE;
	b->dr6 = 0xffff0ff0;
	b->dr7 = 0x400;
	b->rflags = RFLAGS_FIXED;
	b->rip = L2_CODE;
	b->rsp = 0x8000;
	b->rax = 0x1111;
}

static inline void nested_efer(u64 value)
{
	sim_at(SIM_CODE);
	sim.gpr[RCX] = MSR_EFER;
	sim.gpr[RAX] = (u32)value;
	sim.gpr[RDX] = value >> 32;
	C->exit_info1 = 1;
	C->next_rip = SIM_CODE + 2;
	memcpy(guestmem_page(SIM_CODE), "\x0f\x30", 2);
	sim_exit(SVM_EXIT_MSR, 1, 0);
}

static inline void nested_prepare(void)
{
	u64 at;

	for (at = L1_MSRPM; at < L1_IOPM + 3 * PAGE_BYTES; at += PAGE_BYTES)
		memset(guestmem_page(at), 0xff, PAGE_BYTES);
	nested_vmcb(L1_VMCB);
	nested_vmcb(L1_OTHER);
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
	sim_went_on(SIM_CODE + 2);
}

static inline void nested_boot(enum sim_model model, const char *features)
{
	sim_new(model);
	sim.kvm = KVM_NESTED;
	sim_take(features);
	nested_prepare();
}

/* L1 executes one of its instructions at SIM_CODE. */
#define L1(code, bytes, operand)                                                                   \
	do {                                                                                       \
		sim_at(SIM_CODE);                                                                  \
		sim.gpr[RAX] = (operand);                                                          \
		EXEC(code, bytes);                                                                 \
	} while (0)
#define L1_CLGI() L1(SVM_EXIT_CLGI, CLGI, 0)
#define L1_STGI() L1(SVM_EXIT_STGI, STGI, 0)
#define L1_VMRUN(pa) L1(SVM_EXIT_VMRUN, VMRUN, pa)

static inline bool nested_runs(void)
{
	return sim_current() == A;
}

/* The shadow tables' leaf for an address; 0: none. */
static inline u64 nested_leaf(u64 gpa)
{
	u64 table = A->nested_cr3;
	u32 level;

	for (level = machine.slat.levels;; level--) {
		u64 e = ((u64 *)block_va(&machine, block_offset(&machine, table)))[gpa / slat_bytes(level) & 511];

		if (!e || level == 1 || e & PTE_PS)
			return e;
		table = e & CR3_ADDRESS;
	}
}

/* L2 has exited to L1, which goes on behind its VMRUN. */
static inline void nested_exited(u64 code)
{
	ck_assert(!nested_runs());
	ck_assert_uint_eq(B->exit_code, code);
	ck_assert_uint_eq(C->rip, SIM_CODE + 3);
	ck_assert_uint_eq(C->dr7, 0x400);
	ck_assert_uint_eq(sim.gpr[RAX], L1_VMCB);
	ck_assert(!svm_nested_gif(V));
}

#endif
