/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nested_seal.h - virtual machines of a hypervisor in the simulated guest, and what they do with pages that they
 * have sealed.
 */
#ifndef OLDGUARD_TEST_NESTED_SEAL_H
#define OLDGUARD_TEST_NESTED_SEAL_H

#include "nested.h"
#include "stage.h"

#include "../../guest-glue/enlightened.h"

#define ALL (PTE_P | PTE_W | PTE_U | PTE_D)
#define GPA 0x123000ULL
#define DATA 0x60000ULL /* L1-physical */
#define SIZE_2M (1ULL << 21)
#define ON "umip,seal:guests=on"
#define CPUID_BYTES "\x0f\xa2"
#define VMMCALL_BYTES "\x0f\x01\xd9"

static struct walk_state tables;
static u64 handle;

static inline struct vmcb *vmcb(u64 pa)
{
	return (void *)guestmem_page(pa);
}

/* A processor of a virtual machine as KVM makes it: of zeros, then what this one is to be. */
static inline void processor(u64 pa, u64 ncr3)
{
	struct vmcb *b = vmcb(pa);

	nested_vmcb(pa);
	b->nested_control = 1;
	b->nested_cr3 = ncr3;
	b->cs.attr = 0x9b | SEG_LONG;
	b->tr.selector = 0x40;
}

static inline void boot(enum sim_model model, const char *features)
{
	nested_boot(model, features);
	tables = guestmem_state(PAGING_4);
	guestmem_map(&tables, GPA, 0, DATA | ALL);
	processor(L1_VMCB, tables.cr3);
	processor(L1_OTHER, tables.cr3);
}

/* It exits to L1. */
static inline void leave(void)
{
	sim.gpr[RAX] = 0;
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	ck_assert(!nested_runs());
}

static inline void run(u64 pa)
{
	if (nested_runs())
		leave();
	L1_VMRUN(pa);
	ck_assert(nested_runs());
}

static inline void begin(const char *features)
{
	boot(SIM_EPYC, features);
	run(L1_VMCB);
}

/* L2 executes something that exits. */
static inline void l2(u64 code, const char *bytes, u32 count)
{
	memcpy(guestmem_page(DATA), bytes, count);
	A->next_rip = A->rip + count;
	sim_exit(code, 0, 0);
}

/* A call of L2's that is ours. */
static inline u64 call2(u64 number, u64 a, u64 b)
{
	u64 rip = A->rip;

	sim.gpr[RAX] = number;
	sim.gpr[RDI] = a;
	sim.gpr[RSI] = b;
	sim.gpr[RDX] = 0x1234;
	l2(SVM_EXIT_VMMCALL, VMMCALL_BYTES, 3);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->rip, rip + 3);
	ck_assert_uint_eq(A->event_inj, 0);
	handle = sim.gpr[RDX];
	return sim.gpr[RAX];
}

static inline u64 seal(u64 gpa, u64 pages)
{
	return call2(OLDGUARD_CALL_SEAL, gpa, pages);
}

static inline u64 unseal(u64 which)
{
	return call2(OLDGUARD_CALL_UNSEAL, which, 0);
}

/* L2 writes there; whether that is #GP(0). Else it is mapped, and the write done. */
static inline bool refused(u64 gpa)
{
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER | PF_WRITE, gpa);
	ck_assert(nested_runs());
	if (A->event_inj)
		ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0));
	return A->event_inj;
}

/* Other nested tables of the same machine: the root is new, below it is what was. */
static inline u64 other_root(void)
{
	u64 root = guestmem_state(PAGING_4).cr3;

	guestmem_put(root, 8, guestmem_get(tables.cr3, 8));
	return root;
}

/* Another machine: other tables, no token. */
static inline u64 strangers_root(void)
{
	struct walk_state s = guestmem_state(PAGING_4);

	guestmem_map(&s, GPA, 0, (DATA + 0x8000) | ALL);
	return s.cr3;
}

static inline void second_processor(void)
{
	sim.cpu = 1;
	ck_assert(machine_take(1));
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
}

/* As it is after a reset, and after a start-up IPI. */
static inline void reset_state(u64 pa)
{
	struct vmcb *b = vmcb(pa);

	b->clean = 0;
	b->cr0 = 0x60000010;
	b->cr3 = 0;
	b->efer = EFER_SVME;
	b->cs = (struct vmcb_segment){ 0xf000, 0x9b, 0xffff, 0xffff0000 };
	b->tr = (struct vmcb_segment){ 0, 0x8b, 0xffff, 0 };
	b->rip = 0xfff0;
}

static inline void start_state(u64 pa)
{
	reset_state(pa);
	vmcb(pa)->cs = (struct vmcb_segment){ 0x900, 0x9b, 0xffff, 0x9000 };
	vmcb(pa)->rip = 0;
}

#endif
