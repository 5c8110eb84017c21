/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * svm.h - the VMCB and the exit codes: AMD APM vol. 2, appendices B and C.
 *
 * Seen by the SVM files and by their tests, by nobody else.
 */
#ifndef OLDGUARD_SVM_H
#define OLDGUARD_SVM_H

/* What svm.S needs: offsets that svm.c asserts. */
#define VMCB_RIP 0x578
#define VMCB_RSP 0x5d8
#define VMCB_RAX 0x5f8

#define SVM_SWITCH_VCPU 0
#define SVM_SWITCH_VMCB 8
#define SVM_SWITCH_CR0 16
#define SVM_SWITCH_CR3 24
#define SVM_SWITCH_CR4 32
#define SVM_SWITCH_GDTR 40
#define SVM_SWITCH_IDTR 56
#define SVM_SWITCH_RIP 72
#define SVM_SWITCH_RSP 80
#define SVM_SWITCH_RFLAGS 88
#define SVM_SWITCH_CS 96
#define SVM_SWITCH_SS 98
#define SVM_SWITCH_DS 100
#define SVM_SWITCH_ES 102
#define SVM_SWITCH_BYTES 112

#ifndef __ASSEMBLER__

#include "../guest-glue/machine.h"
#include "insn.h"

#define MSR_VM_CR 0xc0010114
#define MSR_VM_HSAVE_PA 0xc0010117
#define VM_CR_R_INIT BIT64(1)
#define VM_CR_LOCK BIT64(3)
#define VM_CR_SVMDIS BIT64(4)

/* Intercept word 3, at 0x0c. */
#define SVM_ICPT_INTR (1u << 0)
#define SVM_ICPT_NMI (1u << 1)
#define SVM_ICPT_INIT (1u << 3)
#define SVM_ICPT_STORE(table) (1u << (6 + (table)))
#define SVM_ICPT_CR0_SEL_WRITE (1u << 5)
#define SVM_ICPT_CPUID (1u << 18)
#define SVM_ICPT_INVLPGA (1u << 26)
#define SVM_ICPT_IOIO (1u << 27)
#define SVM_ICPT_MSR (1u << 28)
#define SVM_ICPT_SHUTDOWN (1u << 31)
/* Intercept word 4, at 0x10. */
#define SVM_ICPT_VMRUN (1u << 0)
#define SVM_ICPT_VMMCALL (1u << 1)
#define SVM_ICPT_VMLOAD (1u << 2)
#define SVM_ICPT_VMSAVE (1u << 3)
#define SVM_ICPT_STGI (1u << 4)
#define SVM_ICPT_CLGI (1u << 5)
#define SVM_ICPT_SKINIT (1u << 6)

#define SVM_EXIT_CR_READ(n) (0x00u + (n))
#define SVM_EXIT_CR_WRITE(n) (0x10u + (n))
#define SVM_EXIT_EXCEPTION(v) (0x40u + (v))
#define SVM_EXIT_INTR 0x60
#define SVM_EXIT_NMI 0x61
#define SVM_EXIT_INIT 0x63
#define SVM_EXIT_CR0_SEL_WRITE 0x65
#define SVM_EXIT_IDTR_READ 0x66
#define SVM_EXIT_TR_READ 0x69
#define SVM_EXIT_IDTR_WRITE 0x6a
#define SVM_EXIT_TR_WRITE 0x6d
#define SVM_EXIT_CPUID 0x72
#define SVM_EXIT_INVLPGA 0x7a
#define SVM_EXIT_IOIO 0x7b
#define SVM_EXIT_MSR 0x7c
#define SVM_EXIT_SHUTDOWN 0x7f
#define SVM_EXIT_VMRUN 0x80
#define SVM_EXIT_VMMCALL 0x81
#define SVM_EXIT_VMLOAD 0x82
#define SVM_EXIT_VMSAVE 0x83
#define SVM_EXIT_STGI 0x84
#define SVM_EXIT_CLGI 0x85
#define SVM_EXIT_SKINIT 0x86
#define SVM_EXIT_XSETBV 0x8d
#define SVM_EXIT_NPF 0x400
#define SVM_EXIT_INVALID (~0ULL)

/* TLB_CONTROL: APM vol. 2, 15.16.2. */
#define SVM_FLUSH_ALL 1
#define SVM_FLUSH_ASID 3

/* EVENTINJ and EXITINTINFO: APM vol. 2, 15.20. */
#define SVM_EVENT_VALID BIT64(31)
#define SVM_EVENT_HAS_ERROR BIT64(11)
#define SVM_EVENT_TYPE(event) ((event) >> 8 & 7)
#define SVM_EVENT_INTR 0u
#define SVM_EVENT_NMI 2u
#define SVM_EVENT_EXCEPTION 3u
#define SVM_EVENT_SOFTWARE 4u

/* EXITINFO1 of a control-register exit, with decode assists: APM vol. 2, 15.8.1. */
#define SVM_CR_IS_MOV BIT64(63)

/* CPUID without a prefix: 0F A2. */
#define SVM_CPUID_BYTES 0xa20f

/* EXITINFO1 of a nested page fault, beyond the error code: APM vol. 2, 15.25.6. */
#define SVM_NPF_WALK BIT64(33)

/* VMCB clean bits: APM vol. 2, 15.15.3. A set bit: unchanged since the last VMRUN. */
#define SVM_CLEAN_ALL 0xffffffffu
#define SVM_CLEAN_INTERCEPTS (1u << 0)
#define SVM_CLEAN_MAPS (1u << 1)
#define SVM_CLEAN_ASID (1u << 2)
#define SVM_CLEAN_TPR (1u << 3)
#define SVM_CLEAN_NP (1u << 4)
#define SVM_CLEAN_CR (1u << 5)
#define SVM_CLEAN_DR (1u << 6)
#define SVM_CLEAN_DT (1u << 7)
#define SVM_CLEAN_SEG (1u << 8)
#define SVM_CLEAN_CR2 (1u << 9)
#define SVM_CLEAN_LBR (1u << 10)

/* CPUID 0x8000000A EDX: APM vol. 3, E.4.9. */
#define SVM_HAS_NPT (1u << 0)
#define SVM_HAS_NRIP (1u << 3)
#define SVM_HAS_TSC_RATE (1u << 4)
#define SVM_HAS_CLEAN (1u << 5)
#define SVM_HAS_FLUSH_ASID (1u << 6)
#define SVM_HAS_DECODE (1u << 7)
#define SVM_HAS_PAUSE (1u << 10)
#define SVM_HAS_PAUSE_THRESHOLD (1u << 12)
#define SVM_HAS_VIRTUAL_VMLOAD (1u << 15)
#define SVM_HAS_VGIF (1u << 16)
#define SVM_HAS_VNMI (1u << 25)

struct vmcb_segment {
	u16 selector;
	u16 attr; /* descriptor bytes 5 and 6 packed into 12 bits */
	u32 limit;
	u64 base;
};

struct vmcb {
	u16 intercept_cr_read;
	u16 intercept_cr_write;
	u16 intercept_dr_read;
	u16 intercept_dr_write;
	u32 intercept_exceptions;
	u32 intercept3;
	u32 intercept4;
	u32 intercept5;
	u8 reserved018[0x03c - 0x018];
	u16 pause_threshold;
	u16 pause_count;
	u64 iopm_pa;
	u64 msrpm_pa;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control;
	u8 reserved05d[3];
	u64 virtual_interrupt;
	u64 interrupt_shadow; /* bit 0 */
	u64 exit_code;
	u64 exit_info1;
	u64 exit_info2;
	u64 exit_int_info;
	u64 nested_control; /* bit 0: nested paging */
	u64 avic_bar;
	u64 ghcb_pa;
	u64 event_inj;
	u64 nested_cr3;
	u64 lbr_control;
	u32 clean;
	u32 reserved0c4;
	u64 next_rip;
	u8 fetched_count;
	u8 fetched[15];
	u8 reserved0e0[0x3e0 - 0x0e0];
	u64 host_use[4]; /* the processor has no use for it */

	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved4a0[0x4cb - 0x4a0];
	u8 cpl;
	u32 reserved4cc;
	u64 efer;
	u8 reserved4d8[0x548 - 0x4d8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved580[0x5d8 - 0x580];
	u64 rsp;
	u8 reserved5e0[0x5f8 - 0x5e0];
	u64 rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip, cr2;
	u8 reserved648[0x668 - 0x648];
	u64 g_pat;
	u64 debugctl;
	u8 reserved678[0x1000 - 0x678];
};
static_assert(offsetof(struct vmcb, exit_code) == 0x070, "APM appendix B");
static_assert(offsetof(struct vmcb, event_inj) == 0x0a8, "APM appendix B");
static_assert(offsetof(struct vmcb, next_rip) == 0x0c8, "APM appendix B");
static_assert(offsetof(struct vmcb, host_use) == 0x3e0, "APM appendix B");
static_assert(offsetof(struct vmcb, es) == 0x400, "APM appendix B");
static_assert(offsetof(struct vmcb, cpl) == 0x4cb, "APM appendix B");
static_assert(offsetof(struct vmcb, efer) == 0x4d0, "APM appendix B");
static_assert(offsetof(struct vmcb, rip) == VMCB_RIP, "svm.S");
static_assert(offsetof(struct vmcb, rsp) == VMCB_RSP, "svm.S");
static_assert(offsetof(struct vmcb, rax) == VMCB_RAX, "svm.S");
static_assert(offsetof(struct vmcb, cr2) == 0x640, "APM appendix B");
static_assert(offsetof(struct vmcb, g_pat) == 0x668, "APM appendix B");
static_assert(sizeof(struct vmcb) == PAGE_BYTES, "APM appendix B");

/* What crossing between Linux's world and the root side loads; svm.S reads it by offset. */
struct svm_switch {
	u64 vcpu;
	u64 vmcb;
	u64 cr0, cr3, cr4;
	struct table_reg gdtr;
	u8 pad0[6];
	struct table_reg idtr;
	u8 pad1[6];
	u64 rip, rsp, rflags;
	u16 cs, ss, ds, es;
	u64 pad2;
};
static_assert(offsetof(struct svm_switch, gdtr) == SVM_SWITCH_GDTR, "svm.S");
static_assert(offsetof(struct svm_switch, idtr) == SVM_SWITCH_IDTR, "svm.S");
static_assert(offsetof(struct svm_switch, rip) == SVM_SWITCH_RIP, "svm.S");
static_assert(offsetof(struct svm_switch, cs) == SVM_SWITCH_CS, "svm.S");
static_assert(sizeof(struct svm_switch) == SVM_SWITCH_BYTES, "svm.S");

/* vmexit/svm.c */

/**
 * svm_exit() - answer one #VMEXIT; called by svm.S
 * @v: this processor, its registers but RSP and RAX saved
 *
 * Return: true to give the processor back, false to enter the guest again.
 */
bool svm_exit(struct vcpu *v);

/**
 * svm_under_delivery() - the event to be delivered again after an exit that came in between
 * @vmcb: of that exit
 *
 * Return: for EVENTINJ; 0: none, or an instruction raises it again.
 */
u64 svm_under_delivery(const struct vmcb *vmcb);

/* svm_inject_fault() - raise a fault in whom @vmcb holds, with what has been under delivery */
void svm_inject_fault(struct vcpu *v, struct vmcb *vmcb, const struct guest_fault *fault);

/* vmexit/svm_quick.c */

/**
 * svm_quick() - answer one #VMEXIT if it is of the few that must be quick; called by svm.S
 * @v: this processor; only RCX, RDX, RBX, RSI, RDI and R8 are saved
 *
 * Return: true if it is answered, false if nothing is changed and svm_exit() must do it.
 */
bool svm_quick(struct vcpu *v);

/* vmexit/svm.S */
u64 svm_launch(const struct svm_switch *sw);
u64 svm_hypercall(u64 number, u64 a, u64 b, u64 c);

/* guest-glue/svm.c */

/* CPUID 0x8000000A EDX of this machine. */
extern u32 svm_features;

void svm_leave_state(struct vcpu *v, struct svm_switch *sw);
#ifdef OLDGUARD_SIM
void svm_vmsave(u64 vmcb_pa);
void svm_swallow_init(void);
void svm_take_nmi(void);
#else
static inline void svm_vmsave(u64 vmcb_pa)
{
	asm volatile("vmsave %0" : : "a"(vmcb_pa) : "memory");
}

/*
 * An intercepted INIT stays pending, and would exit again for ever. With VM_CR.R_INIT it is turned
 * into #SX as soon as GIF is set (APM vol. 2, 15.21.8 and 15.28), which fault.c returns from.
 */
static inline void svm_swallow_init(void)
{
	asm volatile("pushfq; cli; stgi; nop; nop; clgi; popfq" : : : "memory");
}

/* An intercepted NMI stays pending in the same way (APM vol. 2, 15.13.2): fault.c counts it. */
static inline void svm_take_nmi(void)
{
	asm volatile("pushfq; cli; stgi; nop; nop; clgi; popfq" : : : "memory");
}
#endif
u64 svm_get(struct vcpu *v, enum vcpu_field field);
void svm_set(struct vcpu *v, enum vcpu_field field, u64 value);

/**
 * svm_cpuid_step() - step over a CPUID, if that is simple
 * @v: this processor
 * @vmcb: its VMCB; without NRIP its paging has four levels
 *
 * Return: false if it is not: a single step is due, the code segment is unusual, or its length
 * takes the decoder to find. Then nothing is changed.
 */
static inline bool svm_cpuid_step(struct vcpu *v, struct vmcb *vmcb)
{
	u64 next = vmcb->rip + 2;

	if (vmcb->rflags & (RFLAGS_TF | RFLAGS_RF) || !(vmcb->efer & EFER_LMA))
		return false;
	/* 64-bit code, or 32-bit code in the flat segment that everybody uses. */
	if (!(vmcb->cs.attr & SEG_LONG) && (!(vmcb->cs.attr & SEG_DB) || vmcb->cs.base))
		return false;
	if (svm_features & SVM_HAS_NRIP) {
		next = vmcb->next_rip;
		/* Whether the processor lets it wrap at 4 GiB, the manual does not say. */
		if (next >> 32 && !(vmcb->cs.attr & SEG_LONG))
			return false;
	} else if (!insn_starts(vmcb->cr3, vmcb->rip, SVM_CPUID_BYTES)) {
		return false;
	}
	v->exits[VMEXIT_CPUID]++;
	vmcb->rip = next;
	vmcb->interrupt_shadow = 0;
	return true;
}

#endif /* __ASSEMBLER__ */
#endif
