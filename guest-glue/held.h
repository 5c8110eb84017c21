/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * held.h - MSRs by which the guest's kernel could undo the root side, and what it may do with them.
 *
 * Second-level paging stands between the guest and the block wherever an instruction accesses
 * memory. These registers go past it: they name system-physical memory that the processor itself
 * then accesses, decide what an address leads to, or take from the root side what it relies on. Each
 * vendor has a table (svm_held.c, vmx_held.c), which also says which writes exit; a write that is
 * refused raises #GP(0) and is reported.
 */
#ifndef OLDGUARD_HELD_H
#define OLDGUARD_HELD_H

#include "types.h"

struct machine;
struct vcpu;

enum held_how {
	HELD_BITS,  /* refused: a write that changes one of @bits, or of an MSR that cannot be read */
	HELD_PLACE, /* refused: a write by which what it places lies over the block */
};

/**
 * struct held_msr - some MSRs that are held in the same way
 * @first: lowest number
 * @last: highest number
 * @how: enum held_how
 * @bits: HELD_BITS: those that stay as they are; HELD_PLACE: the system-physical address
 * @bytes: HELD_PLACE: how much lies there at the most
 * @slat: only with second-level paging: without, nothing is hidden that this could reach
 */
struct held_msr {
	u32 first;
	u32 last;
	enum held_how how;
	u64 bits;
	u64 bytes;
	bool slat;
};

/**
 * msr_held() - whether a write is refused
 * @v: the processor
 * @msr: the MSR
 * @value: what is written
 */
bool msr_held(struct vcpu *v, u32 msr, u64 value);

/* held_applies() - whether an entry of the vendor's table counts on this machine. */
bool held_applies(const struct machine *m, const struct held_msr *held);

/* svm_held.c, vmx_held.c */
#define SVM_HELD 8
#define VMX_HELD 8
extern const struct held_msr svm_held[SVM_HELD], vmx_held[VMX_HELD];

#endif
