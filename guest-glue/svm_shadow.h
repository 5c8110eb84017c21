/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * svm_shadow.h - the memory of an L2: on which tables it runs, who it is, and which pages it has sealed.
 */
#ifndef OLDGUARD_SVM_SHADOW_H
#define OLDGUARD_SVM_SHADOW_H

#include "../vmexit/svm_nested.h"

/* --- guest-glue/svm_guests.c --- */

/* What becomes of an L2 that is to be entered. */
enum nested_entry {
	NESTED_ENTERS,
	NESTED_WAITS, /* L1 gets an exit that lets it try again */
	NESTED_ENDS,  /* another processor of its guest's has been reset: it is shut down */
};

/**
 * nested_guest() - who the L2 of nested.vmcb12 is, and by which seals it is held; before it runs, with nested.calls
 * @v: the processor
 * @entry: L1 has it run; else it goes on after an exit that was ours
 */
enum nested_entry nested_guest(struct vcpu *v, bool entry);

/* nested_guest_offered() - whether the L2 that runs may seal pages */
bool nested_guest_offered(const struct vcpu *v);

/**
 * nested_guest_call() - a call of enlightened.h, by L2
 * @v: the processor
 * @number: OLDGUARD_CALL_*; arguments are in v->gpr, which gets the handle
 */
u64 nested_guest_call(struct vcpu *v, u64 number);

/* nested_guest_sealed() - whether some byte of a range of L2-physical addresses is sealed */
bool nested_guest_sealed(const struct vcpu *v, u64 first, u64 bytes);

/* nested_guests_off() - L1 has switched SVME off here: no guest outlives the last one that does */
void nested_guests_off(struct machine *m);

/* --- guest-glue/svm_shadow.c --- */

/**
 * nested_shadow_enter() - which second-level tables L2 is to run on
 * @v: the processor
 * @asid: L1's number
 * @ncr3: L1's nested tables, or NESTED_NONE
 * @flush: VMCB12's TLB_CONTROL
 *
 * Fills VMCB02's ASID, TLB_CONTROL and nested_cr3.
 */
void nested_shadow_enter(struct vcpu *v, u32 asid, u64 ncr3, u8 flush);

/* nested_shadow_refresh() - the same before L2 goes on after an exit that was ours */
void nested_shadow_refresh(struct vcpu *v);

/* nested_shadow_drop() - forget all tables */
void nested_shadow_drop(struct nested *n);

/* nested_address() - where L1 has an L2-physical address in its own memory; false: nowhere */
bool nested_address(struct vcpu *v, u64 gpa, u64 *address);

/* What becomes of a nested page fault. */
enum nested_fault {
	NESTED_RETRY,	/* it is mapped now */
	NESTED_REFLECT, /* L1's own tables forbid it */
	NESTED_REFUSE,	/* ours do */
	NESTED_SEALED,	/* L2 has had it sealed */
};

/**
 * nested_shadow_fault() - map what L2 wants, if L1's tables and ours let it
 * @v: the processor
 * @gpa: L2-physical address
 * @error: EXITINFO1 of the exit, gets the error that L1 is to see
 * @address: gets the L1-physical address, if it is refused
 */
enum nested_fault nested_shadow_fault(struct vcpu *v, u64 gpa, u64 *error, u64 *address);

#endif
