/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmxsim.h - an Intel processor for tests, as far as the VMX files look at one: CPUID, MSRs,
 * control registers and a VMCS that keeps what is written to it. The machine around it (the
 * block, the decoder) is a stand-in.
 */
#ifndef OLDGUARD_TEST_VMXSIM_H
#define OLDGUARD_TEST_VMXSIM_H

#include <check.h>
#include <setjmp.h>

#include "../../guest-glue/vmx.h"
#include "../../vmexit/vmx.h"
#include "guestmem.h"

#define SIM_STACK 0x10000ULL /* linear, mapped onto itself */
#define SIM_DATA 0x20000ULL
#define SIM_GDT 0x30000ULL
#define SIM_PIECE 0x40000000ULL /* physical */
#define SIM_VIEW 0x77000ULL /* root of the view for a step */

struct sim {
	u64 vmcs[0x8000];
	u32 leaf1_edx, leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf80000001_edx;
	u64 pin, proc, proc2, exit, entry, ept_vpid, basic; /* capability MSRs */
	u64 feature_control, efer, apic_base;
	u64 cr0, cr2, cr4, dr6;
	u32 decoded;	 /* calls of decode() */
	u32 invalidated; /* TLB invalidations */
	u32 retyped;	 /* slat_retype() */
	u32 invepts;
	u32 root_flushes; /* CR3 loads on the root side */
	u64 misc_enable, perf_global, pebs_enable, perf_valid;
	u64 mtrr[0x100]; /* from MSR 0x200 on */
	u32 unblocked;	 /* vmx_unblock_nmi() */
	u32 wbinvds;
	u16 port;
	u32 port_value;
	u32 resets; /* machine_reset(), where the test allows it */
	bool may_reset;
	bool nmi_at_window_write; /* an NMI comes to the root side before VMWRITE of PROC */
	u64 xcr0, sfmask, pat, xss, rtit_ctl, microcode;
	u64 guarded; /* the page that a rule protects */
	u32 view, view_fetch, view_pages;
	u64 view_page[8];
};
extern struct sim sim;
extern jmp_buf sim_reset_point;
extern struct vcpu sim_vcpu;
extern u8 sim_piece[PIECE_BYTES]; /* the block, at SIM_PIECE; a bitmap at its start */

/* Short names for what the tests say in every line. */
#define V (&sim_vcpu)
#define F(field) sim.vmcs[VMCS_##field]
#define RIP0 0xffffffff81000000ULL
#define EVENT(type, vector) (VMX_EVENT_VALID | VMX_EVENT_TYPE_OF(type) | (vector))
#define FAULT(vector) (EVENT(VMX_EVENT_EXCEPTION, vector) | VMX_EVENT_HAS_ERROR)

/* sim_reset() - Sandy Bridge, a 64-bit guest at CPL 0, umip on if @features says so */
void sim_reset(const char *features);

/* sim_exit() - a VM exit, with what vmx.S does around it; fills in nothing but the reason */
void sim_exit(u32 reason);

/* sim_user() - the guest runs at CPL 3 */
void sim_user(void);

/* check_fault() - assert that this fault is raised, at RIP0, nothing skipped */
void check_fault(u32 vector, u32 error);

/* check_skipped() - assert that the guest goes on behind an instruction of @len bytes at RIP0 */
void check_skipped(u32 len);

/* sim_main() - run @count tests, umip on at the start of each; a program's exit status */
int sim_main(const char *name, const TTest *const tests[], u32 count);

/* sim_virt() - the vendor's table */
const struct virt *sim_virt(void);

#endif
