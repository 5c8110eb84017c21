/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmexit.h - what happened, in words that belong to no vendor.
 *
 * A vendor file translates the processor's exit into a struct vmexit; dispatch() finds who
 * answers; the vendor file carries out the verdict. One trip, no way back up.
 */
#ifndef OLDGUARD_VMEXIT_H
#define OLDGUARD_VMEXIT_H

#include "../guest-glue/cpu.h"
#include "../guest-glue/walk.h"

struct vcpu;

/* The kinds of exit. `sel` says which register, MSR, vector or port within a kind. */
#define VMEXIT_KINDS_LIST(X)                                                                       \
	X(UNKNOWN, "unknown")       /* sel: the processor's own exit code */                       \
	X(CPUID, "cpuid")                                                                          \
	X(DESC_STORE, "desc_store") /* sel: enum desc_table; SGDT, SIDT, SLDT, STR */              \
	X(DESC_LOAD, "desc_load")   /* sel: enum desc_table; LGDT, LIDT, LLDT, LTR */              \
	X(SMSW, "smsw")                                                                            \
	X(CR_READ, "cr_read")       /* sel: control register number */                             \
	X(CR_WRITE, "cr_write")     /* sel: control register number; CLTS and LMSW are writes;     \
				       value: what is written, with reg REG_VALUE */               \
	X(MSR_READ, "msr_read")     /* sel: MSR number */                                          \
	X(MSR_WRITE, "msr_write")   /* sel: MSR number; value: what is written */                  \
	X(IO, "io")                 /* sel: port; addr: IO_*; value: what OUT writes */            \
	X(EXCEPTION, "exception")   /* sel: vector; value: error code; addr: CR2 of a #PF; #DB,    \
				       value: its causes, as DR6 has them */                       \
	X(MEMORY, "memory")         /* addr: guest-physical address; value: access (MEM_*) */      \
	X(XSETBV, "xsetbv")         /* sel: XCR number; value: what is written */                  \
	X(HYPERCALL, "hypercall")                                                                  \
	X(VIRT_INSN, "virt_insn")   /* an instruction of the hidden virtualisation extension;      \
				       value: not 0 if it raises #GP(0) and not #UD */             \
	X(INVD, "invd")                                                                            \
	X(NMI, "nmi")                                                                              \
	X(INIT, "init")                                                                            \
	X(SIPI, "sipi")             /* sel: the vector it brings */                                \
	X(SHUTDOWN, "shutdown")     /* a triple fault */                                           \
	X(STEP, "step")             /* the instruction let through by VERDICT_STEP has run; sel: not \
				       0 if something came before it, and it has not */            \
	X(NESTED, "nested")         /* of a guest of a hypervisor in the guest: counted only */

enum vmexit_kind {
#define X(name, text) VMEXIT_##name,
	VMEXIT_KINDS_LIST(X)
#undef X
	VMEXIT_KINDS
};

/* Which table register an instruction stores or loads; the order is that of SVM's exit codes. */
enum desc_table { DESC_IDTR, DESC_GDTR, DESC_LDTR, DESC_TR };

#ifndef OLDGUARD_LINUX_SIDE /* Linux has the same names for something else */
#define MEM_READ BIT64(0)
#define MEM_WRITE BIT64(1)
#define MEM_FETCH BIT64(2)
#define MEM_WALK BIT64(3)   /* by the walk of the guest's page tables; on some processors a write */
#define MEM_LINEAR BIT64(4) /* vmexit.linear is known */
#define MEM_GUESTS BIT64(5) /* vmexit.addr is one of a guest of the guest's */
#endif

/* An I/O instruction: its size in bytes in bits 2:0, and what it is. */
#define IO_SIZE(addr) ((u32)(addr) & 7)
#define IO_IN BIT64(3)
#define IO_STRING BIT64(4) /* INS, OUTS: the data is in memory, not in vmexit.value */
#define IO_REP BIT64(5)

enum verdict {
	VERDICT_DEFAULT, /* not mine after all: the core's own answer for this kind */
	VERDICT_NEXT,	 /* emulated: go on behind the instruction */
	VERDICT_RETRY,	 /* go on at the guest's RIP as it now is */
	VERDICT_INJECT,	 /* raise vmexit.fault */
	VERDICT_STEP,	 /* run this one instruction natively, then trap again */
	VERDICT_STOP,	 /* nobody knows what this is: stop the guest, loudly */
	VERDICT_LEAVE,	 /* give this processor back to the guest */
};

/**
 * struct vmexit - one exit
 * @kind: what happened
 * @cpl: privilege level it happened at, 0 to 3
 * @len: bytes of the instruction, 0 where the processor did not say (insn_length() finds it)
 * @feature: index of the feature whose handler is asked: dispatch()'s to fill in
 * @delivering: of an exception, or MEMORY: it came while an event was being delivered, not of an instruction
 * @reg: register operand where the processor told it, or REG_UNKNOWN, or REG_VALUE
 * @sel: which one, see the kinds
 * @value: what is written, the error code, …; see the kinds
 * @addr: the address that goes with it; see the kinds
 * @linear: MEMORY: the linear address, with MEM_LINEAR
 * @fault: what VERDICT_INJECT raises
 */
struct vmexit {
	enum vmexit_kind kind;
	u8 cpl;
	u8 len;
	bool delivering;
	u8 reg;
	u8 feature;
	u32 sel;
	u64 value;
	u64 addr;
	u64 linear;
	struct guest_fault fault;
};

#define REG_UNKNOWN 0xff
#define REG_VALUE 0xfe /* none: the operand is in value */

/**
 * dispatch() - find who answers an exit, and let it
 * @v: the processor it happened on
 * @e: what happened; the handlers may fill in len, reg and fault
 *
 * Filters come first (the strictest verdict wins), then the one owner, then the core's default.
 *
 * Return: a verdict, never VERDICT_DEFAULT.
 */
enum verdict dispatch(struct vcpu *v, struct vmexit *e);

/**
 * dispatch_stops() - the guest is being stopped by a double fault
 *
 * Its handler of that may make such an exit, too, and again, without an end: then the machine is reset, as by a triple
 * fault on bare hardware.
 */
void dispatch_stops(void);

/**
 * vmexit_kind_name() - a kind in the words of `oldguard status`
 * @kind: below VMEXIT_KINDS
 */
const char *vmexit_kind_name(enum vmexit_kind kind);

/* Verdict helpers: fill in @e->fault and say VERDICT_INJECT. */
static inline enum verdict inject(struct vmexit *e, u8 vector)
{
	e->fault = (struct guest_fault){ .vector = vector };
	return VERDICT_INJECT;
}

static inline enum verdict inject_error(struct vmexit *e, u8 vector, u32 error)
{
	e->fault = (struct guest_fault){ .vector = vector, .has_error = true, .error = error };
	return VERDICT_INJECT;
}

#endif
