/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * step.h - VERDICT_STEP: one instruction of the guest's runs natively under a wider view of this
 * processor alone. Either an intercept is off (string I/O), or pages that others cannot write are
 * writable.
 *
 * A step ends with the next exit, whatever that is, and until then nothing but the instruction
 * runs: interrupts, NMIs and every exception exit. The usual end is the single-step trap that our
 * TF makes. If the exit is another one, the instruction has not run to its end and the guest is as
 * it was before the step; the exit then means what it always means, and if the guest goes on the
 * instruction begins anew. One that reaches a second protected page so gets both.
 *
 * An event whose delivery writes a protected page has no instruction that could be traced. It is
 * delivered in a view in which no code can be fetched: that ends it.
 */
#ifndef OLDGUARD_STEP_H
#define OLDGUARD_STEP_H

#include "vmexit.h"

struct vcpu;
struct vmexit;

enum step_kind {
	STEP_OFF,
	STEP_INSN,  /* an instruction, traced by TF */
	STEP_EVENT, /* the delivery of an event */
};

/* What the instruction does with the flag that we trace it by. */
enum step_flow {
	STEP_PLAIN,
	STEP_LOADS_FLAGS,  /* POPF, IRET, SYSRET: TF is what they load */
	STEP_STORES_FLAGS, /* PUSHF */
	STEP_SYSCALL,	   /* saves the flags in R11 and masks them */
	STEP_SHADOW,	   /* MOV SS, POP SS: no trap behind them */
	STEP_MOVES_DR,	   /* may be DR6 */
};

/* As many as a view has room for in the worst case. */
#define STEP_PAGES_MAX 4

/**
 * struct step - a step under way on a processor
 * @kind: enum step_kind; vendor files make intercepts and view be as this and the next two say
 * @io: I/O does not exit
 * @view: root of the second-level tables, 0: the ones that all have
 * @traced: of kind STEP_INSN, also while it ends
 * @done: it has come to its end; else the guest goes back to how it was
 * @flow: enum step_flow
 * @rip: where the instruction is; of the last step, too
 * @rflags: the guest's own
 * @debugctl: "
 * @dr6: "
 * @sfmask: "
 * @blocking: the vendor's: interruptibility of the guest before the step
 * @pending: the vendor's: debug exceptions that were pending before the step
 * @length: of the instruction, where BTF makes it matter
 * @soft: SVM: how far RIP has been moved for the delivery of INT n
 * @cut: something came before the instruction could run: it will be met again
 * @pages: how many pages the instruction at @rip has been given so far
 * @page: which
 */
struct step {
	u8 kind;
	bool io;
	bool traced;
	bool done;
	u8 flow;
	u64 view;
	u64 rip;
	u64 rflags;
	u64 debugctl;
	u64 dr6;
	u64 sfmask;
	u64 blocking;
	u64 pending;
	bool cut;
	u32 length;
	u32 soft;
	u32 pages;
	u64 page[STEP_PAGES_MAX];
};

/**
 * step_begin() - carry out VERDICT_STEP
 * @v: the processor
 * @e: the exit, of kind MEMORY or IO; gets a fault
 *
 * Return: VERDICT_STEP: the vendor file enters the guest, delivering again the event that was under
 * delivery if @e->delivering; VERDICT_RETRY: that was all, go on; VERDICT_INJECT: it cannot be let
 * through; VERDICT_STOP: nothing to step about such an exit.
 */
enum verdict step_begin(struct vcpu *v, struct vmexit *e);

/**
 * step_exit() - the guest has exited from a step
 * @v: the processor
 * @e: the exit; becomes one of kind STEP if that was the step's own end, with the fault that is due
 *
 * Afterwards the guest has its own flags, view and intercepts, and @e is to be dispatched.
 */
void step_exit(struct vcpu *v, struct vmexit *e);

/* step_again() - whether @e is the write of an instruction that a step was cut short of before */
bool step_again(struct vcpu *v, const struct vmexit *e);

#endif
