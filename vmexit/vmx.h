/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmx.h - the VMCS's fields, the exit reasons and the controls: Intel SDM vol. 3, appendices A to C
 * and chapter 25.
 *
 * Seen by the VMX files and by their tests, by nobody else.
 */
#ifndef OLDGUARD_VMX_H
#define OLDGUARD_VMX_H

/* What vmx.S needs. */
#define VMCS_GUEST_RSP 0x681c
#define VMCS_GUEST_RIP 0x681e

#define VMX_RELOAD_OWN_GDTR 0
#define VMX_RELOAD_GDTR 16
#define VMX_RELOAD_IDTR 32
#define VMX_RELOAD_TR 48
#define VMX_RELOAD_LDTR 50
#define VMX_RELOAD_DS 52
#define VMX_RELOAD_ES 54
#define VMX_RELOAD_FS 56
#define VMX_RELOAD_GS 58

#ifndef __ASSEMBLER__

#include "../guest-glue/machine.h"

/* MSRs: SDM vol. 4, table 2-2; what they hold: vol. 3, appendix A. */
#define MSR_VMX_BASIC 0x480
#define MSR_VMX_PIN 0x481
#define MSR_VMX_PROC 0x482
#define MSR_VMX_EXIT 0x483
#define MSR_VMX_ENTRY 0x484
#define MSR_VMX_CR0_FIXED0 0x486
#define MSR_VMX_CR0_FIXED1 0x487
#define MSR_VMX_CR4_FIXED0 0x488
#define MSR_VMX_CR4_FIXED1 0x489
#define MSR_VMX_PROC2 0x48b
#define MSR_VMX_EPT_VPID 0x48c
#define MSR_VMX_TRUE_PIN 0x48d
#define MSR_VMX_TRUE_PROC 0x48e
#define MSR_VMX_TRUE_EXIT 0x48f
#define MSR_VMX_TRUE_ENTRY 0x490
#define MSR_VMX_LAST 0x493

#define FEATURE_CONTROL_LOCKED BIT64(0)
#define FEATURE_CONTROL_VMX_SMX BIT64(1)
#define FEATURE_CONTROL_VMX BIT64(2)

#define VMX_LEAF7_EBX_PT (1u << 25) /* processor trace */
#define VMX_BASIC_TRUE BIT64(55)

#define VMX_EPT_LEVELS_4 BIT64(6)
#define VMX_EPT_WB BIT64(14)
#define VMX_EPT_2M BIT64(16)
#define VMX_EPT_1G BIT64(17)
#define VMX_EPT_INVEPT (BIT64(20) | BIT64(26)) /* the instruction, and all contexts */
#define VMX_VPID_INVVPID (BIT64(32) | BIT64(41) | BIT64(42)) /* single and all contexts */

/* Pin-based controls: SDM vol. 3, 25.6.1. */
#define VMX_PIN_INTERRUPT (1u << 0)
#define VMX_PIN_NMI (1u << 3)
#define VMX_PIN_VIRTUAL_NMI (1u << 5)
#define VMX_PIN_DEFAULT1 0x00000016u

/* Processor-based controls: 25.6.2. */
#define VMX_PROC_CR3_LOAD (1u << 15)
#define VMX_PROC_CR3_STORE (1u << 16)
#define VMX_PROC_NMI_WINDOW (1u << 22)
#define VMX_PROC_IO_BITMAPS (1u << 25)
#define VMX_PROC_MSR_BITMAPS (1u << 28)
#define VMX_PROC_SECONDARY (1u << 31)
#define VMX_PROC_DEFAULT1 0x0401e172u /* bits 15 and 16 among them, without the TRUE MSRs */

#define VMX_PROC2_EPT (1u << 1)
#define VMX_PROC2_DESC (1u << 2)
#define VMX_PROC2_RDTSCP (1u << 3)
#define VMX_PROC2_VPID (1u << 5)
#define VMX_PROC2_UNRESTRICTED (1u << 7)
#define VMX_PROC2_INVPCID (1u << 12)
#define VMX_PROC2_XSAVES (1u << 20)
#define VMX_PROC2_USER_WAIT (1u << 26)
#define VMX_PROC2_PCONFIG (1u << 27)

/* Exit and entry controls: 25.7.1, 25.8.1. */
#define VMX_EXIT_SAVE_DEBUG (1u << 2)
#define VMX_EXIT_HOST_64 (1u << 9)
#define VMX_EXIT_SAVE_EFER (1u << 20)
#define VMX_EXIT_LOAD_EFER (1u << 21)
#define VMX_EXIT_DEFAULT1 0x00036dffu
#define VMX_ENTRY_LOAD_DEBUG (1u << 2)
#define VMX_ENTRY_LONG_MODE (1u << 9)
#define VMX_ENTRY_LOAD_EFER (1u << 15)
#define VMX_ENTRY_DEFAULT1 0x000011ffu

/* Field encodings: appendix B. A segment's fields follow each other in enum guest_seg's order. */
#define VMCS_VPID 0x0000
#define VMCS_GUEST_SELECTOR(which) (0x0800 + 2 * (which))
#define VMCS_HOST_SELECTOR(which) (0x0c00 + 2 * (which))
#define VMCS_HOST_TR_SELECTOR 0x0c0c
#define VMCS_IO_BITMAP_A 0x2000
#define VMCS_IO_BITMAP_B 0x2002
#define VMCS_MSR_BITMAP 0x2004
#define VMCS_EXIT_MSR_STORE_AREA 0x2006
#define VMCS_EXIT_MSR_LOAD_AREA 0x2008
#define VMCS_ENTRY_MSR_LOAD_AREA 0x200a
#define VMCS_EPTP 0x201a
#define VMCS_XSS_EXITING 0x202c
#define VMCS_PCONFIG_EXITING 0x203e
#define VMCS_GUEST_PHYSICAL 0x2400
#define VMCS_LINK 0x2800
#define VMCS_GUEST_DEBUGCTL 0x2802
#define VMCS_GUEST_EFER 0x2806
#define VMCS_HOST_EFER 0x2c02
#define VMCS_PIN 0x4000
#define VMCS_PROC 0x4002
#define VMCS_EXCEPTIONS 0x4004
#define VMCS_PF_MASK 0x4006
#define VMCS_PF_MATCH 0x4008
#define VMCS_CR3_TARGETS 0x400a
#define VMCS_EXIT 0x400c
#define VMCS_EXIT_MSR_STORES 0x400e
#define VMCS_EXIT_MSR_LOADS 0x4010
#define VMCS_ENTRY 0x4012
#define VMCS_ENTRY_MSR_LOADS 0x4014
#define VMCS_ENTRY_EVENT 0x4016
#define VMCS_ENTRY_ERROR 0x4018
#define VMCS_ENTRY_LENGTH 0x401a
#define VMCS_PROC2 0x401e
#define VMCS_INSTRUCTION_ERROR 0x4400
#define VMCS_EXIT_REASON 0x4402
#define VMCS_EXIT_EVENT 0x4404
#define VMCS_EXIT_ERROR 0x4406
#define VMCS_VECTORING 0x4408
#define VMCS_VECTORING_ERROR 0x440a
#define VMCS_EXIT_LENGTH 0x440c
#define VMCS_EXIT_INFO 0x440e
#define VMCS_GUEST_LIMIT(which) (0x4800 + 2 * (which))
#define VMCS_GUEST_GDTR_LIMIT 0x4810
#define VMCS_GUEST_IDTR_LIMIT 0x4812
#define VMCS_GUEST_ATTR(which) (0x4814 + 2 * (which))
#define VMCS_GUEST_BLOCKING 0x4824
#define VMCS_GUEST_ACTIVITY 0x4826
#define VMCS_GUEST_SYSENTER_CS 0x482a
#define VMCS_HOST_SYSENTER_CS 0x4c00
#define VMCS_CR0_MASK 0x6000
#define VMCS_CR4_MASK 0x6002
#define VMCS_CR0_SHADOW 0x6004
#define VMCS_CR4_SHADOW 0x6006
#define VMCS_QUALIFICATION 0x6400
#define VMCS_GUEST_LINEAR 0x640a
#define VMCS_GUEST_CR0 0x6800
#define VMCS_GUEST_CR3 0x6802
#define VMCS_GUEST_CR4 0x6804
#define VMCS_GUEST_BASE(which) (0x6806 + 2 * (which))
#define VMCS_GUEST_GDTR_BASE 0x6816
#define VMCS_GUEST_IDTR_BASE 0x6818
#define VMCS_GUEST_DR7 0x681a
#define VMCS_GUEST_RFLAGS 0x6820
#define VMCS_GUEST_PENDING_DEBUG 0x6822
#define VMCS_GUEST_SYSENTER_ESP 0x6824
#define VMCS_GUEST_SYSENTER_EIP 0x6826
#define VMCS_HOST_CR0 0x6c00
#define VMCS_HOST_CR3 0x6c02
#define VMCS_HOST_CR4 0x6c04
#define VMCS_HOST_FS_BASE 0x6c06
#define VMCS_HOST_GS_BASE 0x6c08
#define VMCS_HOST_TR_BASE 0x6c0a
#define VMCS_HOST_GDTR_BASE 0x6c0c
#define VMCS_HOST_IDTR_BASE 0x6c0e
#define VMCS_HOST_SYSENTER_ESP 0x6c10
#define VMCS_HOST_SYSENTER_EIP 0x6c12
#define VMCS_HOST_RSP 0x6c14
#define VMCS_HOST_RIP 0x6c16

/* Basic exit reasons: appendix C. */
enum vmx_reason {
	VMX_EXIT_EVENT = 0, /* an exception or an NMI */
	VMX_EXIT_INTERRUPT = 1,
	VMX_EXIT_TRIPLE_FAULT = 2,
	VMX_EXIT_INIT = 3,
	VMX_EXIT_SIPI = 4,
	VMX_EXIT_NMI_WINDOW = 8,
	VMX_EXIT_CPUID = 10,
	VMX_EXIT_GETSEC = 11,
	VMX_EXIT_INVD = 13,
	VMX_EXIT_VMCALL = 18,
	VMX_EXIT_VMCLEAR = 19,
	VMX_EXIT_VMXON = 27,
	VMX_EXIT_CR = 28,
	VMX_EXIT_IO = 30,
	VMX_EXIT_RDMSR = 31,
	VMX_EXIT_WRMSR = 32,
	VMX_ENTRY_MACHINE_CHECK = 41, /* with VMX_REASON_ENTRY_FAILED */
	VMX_EXIT_GDTR_IDTR = 46,
	VMX_EXIT_LDTR_TR = 47,
	VMX_EXIT_EPT_VIOLATION = 48,
	VMX_EXIT_INVEPT = 50,
	VMX_EXIT_INVVPID = 53,
	VMX_EXIT_XSETBV = 55,
	VMX_EXIT_VMFUNC = 59,
};
#define VMX_REASON_ENTRY_FAILED (1u << 31)

/* Interruption information, of exits, entries and vectoring alike: 25.8.3, 25.9.2, 25.9.3. */
#define VMX_EVENT_VALID (1u << 31)
#define VMX_EVENT_NMI_UNBLOCKED (1u << 12) /* exits only: IRET had ended the blocking */
#define VMX_EVENT_HAS_ERROR (1u << 11)
#define VMX_EVENT_TYPE(event) ((event) >> 8 & 7)
#define VMX_EVENT_TYPE_OF(type) ((type) << 8)
enum vmx_event_type {
	VMX_EVENT_INTERRUPT = 0,
	VMX_EVENT_NMI = 2,
	VMX_EVENT_EXCEPTION = 3,
	VMX_EVENT_INT_N = 4,
	VMX_EVENT_INT1 = 5,
	VMX_EVENT_INT3_INTO = 6,
};

/* Interruptibility state: 25.4.2. */
#define VMX_BLOCKING_STI (1u << 0)
#define VMX_BLOCKING_MOV_SS (1u << 1)
#define VMX_BLOCKING_NMI (1u << 3)

/* Activity states: 25.4.2. */
#define VMX_ACTIVITY_ACTIVE 0
#define VMX_ACTIVITY_HLT 1
#define VMX_ACTIVITY_WAIT_SIPI 3

#define VMX_ATTR_UNUSABLE (1u << 16)

/* All processors use this number: TLB tags belong to a processor (29.1). */
#define VMX_OUR_VPID 1

/**
 * struct vmx_facts - what this machine's processors can do, and what we chose of it
 * @pin: controls, as they go into each VMCS
 * @proc: "
 * @proc2: "; descriptor-table exiting comes and goes with the plan, VPID after the first exit
 * @exit: "
 * @entry: "
 * @vpid: VPIDs are used
 * @efer: EFER is switched by entries and exits
 * @pebs: the processor has PEBS (vmx_pebs.c)
 * @cr0_fixed: CR0 bits that must be 1 and that the guest is nevertheless shown as it set them
 *
 * Filled on the probing processor; each other one must be able to do the same (vmx_able()).
 */
struct vmx_facts {
	u32 pin, proc, proc2, exit, entry;
	bool vpid;
	bool efer;
	bool pebs;
	u64 cr0_fixed;
};
extern struct vmx_facts vmx_facts;

/**
 * struct vmx_reload - what a VM exit cannot load; vmx_reload() reads it by offset
 * @own_gdtr: a copy of the GDT in which the TSS is not busy
 * @gdtr: Linux's
 * @idtr: "
 * @tr: "; and so on
 */
struct vmx_reload {
	struct table_reg own_gdtr;
	u8 pad0[6];
	struct table_reg gdtr;
	u8 pad1[6];
	struct table_reg idtr;
	u8 pad2[6];
	u16 tr, ldtr, ds, es, fs, gs;
};
static_assert(offsetof(struct vmx_reload, gdtr) == VMX_RELOAD_GDTR, "vmx.S");
static_assert(offsetof(struct vmx_reload, idtr) == VMX_RELOAD_IDTR, "vmx.S");
static_assert(offsetof(struct vmx_reload, tr) == VMX_RELOAD_TR, "vmx.S");
static_assert(offsetof(struct vmx_reload, gs) == VMX_RELOAD_GS, "vmx.S");

/* vmexit/vmx.S */
u64 vmx_launch(void);
u64 vmx_hypercall(u64 number, u64 a, u64 b, u64 c);
void vmx_reload(const struct vmx_reload *reload);
void vmx_unblock_nmi(void);
void vmx_raise_nmi(void);
void vmx_raise_machine_check(void);
extern char vmx_host_start[], vmx_host_exit[];

/* vmexit/vmx.c and vmx_fast.c, called by vmx.S */
bool vmx_fast(struct vcpu *v);
void vmx_exit(struct vcpu *v);
void vmx_start(struct vcpu *v);
void vmx_resume_failed(struct vcpu *v) __attribute__((noreturn));

/* vmexit/vmx_event.c */

/**
 * vmx_inject() - raise what a verdict says, or the double fault that it makes
 * @v: the processor
 * @e: the exit, its fault filled in
 */
void vmx_inject(struct vcpu *v, const struct vmexit *e);

/* vmx_redeliver() - deliver again the event that was under delivery when the exit came. */
void vmx_redeliver(struct vcpu *v);

/* vmx_exit_unblocked_nmi() - undo what an IRET that has not completed did to NMI blocking. */
void vmx_exit_unblocked_nmi(bool unblocked);

/* vmx_double_fault() - the guest gets a double fault, which is how it is stopped. */
void vmx_double_fault(void);

/* vmx_nmi_window() - the guest can take an NMI now. */
void vmx_nmi_window(struct vcpu *v);

/* vmx_machine_check() - the guest gets the one that has come to the root side. */
void vmx_machine_check(struct vcpu *v);

/* vmx_nmi() - struct virt.nmi */
void vmx_nmi(struct vcpu *v);

/* vmx_step() - struct virt.step */
void vmx_step(struct vcpu *v, u64 causes);

/* vmx_proc() - replace processor-based controls, less the NMI window, which is vmx_event.c's. */
void vmx_proc(struct vcpu *v, u32 proc);

/* vmexit/vmx_insn.c */

/* vmx_insn() - struct virt.insn */
bool vmx_insn(struct vcpu *v, const struct vmexit *e, struct insn *insn);

/*
 * The instructions. Reading or writing a field that the processor does not have fails; fields are
 * chosen by the controls that we found, so only vmx_take() checks.
 */
#ifdef OLDGUARD_SIM

u64 vmx_read(u32 field);
void vmx_write(u32 field, u64 value);
bool vmx_write_checked(u32 field, u64 value);
bool vmx_on(u64 pa);
void vmx_off(void);
bool vmx_clear(u64 pa);
bool vmx_load(u64 pa);
u64 vmx_current(void);
void vmx_invept_all(void);
void vmx_invvpid(u64 type, u64 vpid);

#else

static inline u64 vmx_read(u32 field)
{
	u64 value;

	asm volatile("vmread %1, %0" : "=r"(value) : "r"((u64)field) : "cc");
	return value;
}

static inline void vmx_write(u32 field, u64 value)
{
	asm volatile("vmwrite %0, %1" : : "r"(value), "r"((u64)field) : "cc", "memory");
}

static inline bool vmx_write_checked(u32 field, u64 value)
{
	bool ok;

	asm volatile("vmwrite %1, %2" : "=@cca"(ok) : "r"(value), "r"((u64)field) : "memory");
	return ok;
}

/* VMfail sets CF or ZF (SDM vol. 3, 31.2): "above" is success. */
static inline bool vmx_on(u64 pa)
{
	bool ok;

	asm volatile("vmxon %1" : "=@cca"(ok) : "m"(pa) : "memory");
	return ok;
}

static inline void vmx_off(void)
{
	asm volatile("vmxoff" : : : "cc", "memory");
}

static inline bool vmx_clear(u64 pa)
{
	bool ok;

	asm volatile("vmclear %1" : "=@cca"(ok) : "m"(pa) : "memory");
	return ok;
}

static inline bool vmx_load(u64 pa)
{
	bool ok;

	asm volatile("vmptrld %1" : "=@cca"(ok) : "m"(pa) : "memory");
	return ok;
}

static inline u64 vmx_current(void)
{
	u64 pa;

	asm volatile("vmptrst %0" : "=m"(pa) : : "cc");
	return pa;
}

static inline void vmx_invept_all(void)
{
	const u64 descriptor[2] = { 0, 0 };

	asm volatile("invept %0, %1" : : "m"(descriptor), "r"(2ULL) : "cc", "memory");
}

static inline void vmx_invvpid(u64 type, u64 vpid)
{
	const u64 descriptor[2] = { vpid, 0 };

	asm volatile("invvpid %0, %1" : : "m"(descriptor), "r"(type) : "cc", "memory");
}

#endif /* OLDGUARD_SIM */

#define INVVPID_SINGLE 1
#define INVVPID_ALL 2

#endif /* __ASSEMBLER__ */
#endif
