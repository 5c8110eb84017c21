/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - the guest's own page tables, walked as the hardware does.
 *
 * Needed where the root side touches memory for the guest: fetching an instruction that the
 * processor did not hand over, storing the result of one that we emulate. Neutral of vendor.
 */
#ifndef OLDGUARD_WALK_H
#define OLDGUARD_WALK_H

#include "types.h"

/**
 * struct guest_fault - an exception to be raised in the guest
 * @cr2: new CR2, for vector 14 only
 * @error: error code, if @has_error
 * @vector: 12 #SS, 13 #GP, 14 #PF, 17 #AC
 * @has_error: the vector pushes an error code
 */
struct guest_fault {
	u64 cr2;
	u32 error;
	u8 vector;
	bool has_error;
};

/** #PF error code bits (AMD APM vol. 2, 8.4.2; Intel SDM vol. 3, 4.7) */
#define PF_PRESENT	BIT64(0)
#define PF_WRITE	BIT64(1)
#define PF_USER		BIT64(2)
#define PF_RSVD		BIT64(3)
#define PF_FETCH	BIT64(4)
#define PF_PKEY		BIT64(5)

/**
 * struct walk_state - the registers that decide a page walk
 * @cr0: PG, PE, WP
 * @cr3: guest CR3
 * @cr4: PSE, PAE, LA57, SMEP, SMAP, PKE
 * @efer: LMA, NXE
 * @rflags: AC, for SMAP
 * @pdptes: the four PDPTEs of PAE paging if the processor keeps them (VMX with EPT), else NULL
 *	and they are read from memory (SVM with nested paging, AMD APM vol. 2, 15.25.10)
 * @pkru: guest PKRU, looked at only with CR4.PKE
 * @cpl: current privilege level
 * @maxphyaddr: physical address width, from CPUID
 * @gbpages: 1 GiB pages exist (CPUID 8000_0001 EDX[26])
 */
struct walk_state {
	u64 cr0, cr3, cr4, efer;
	u64 rflags;
	const u64 *pdptes;
	u32 pkru;
	u8 cpl;
	u8 maxphyaddr;
	bool gbpages;
};

/* What the access is */
#define WALK_READ	0u
#define WALK_WRITE	1u
#define WALK_FETCH	2u
#define WALK_SYSTEM	4u	/* implicit supervisor access: to the GDT, LDT, IDT or TSS */
#define WALK_PEEK	8u	/* change nothing: leave accessed and dirty bits alone */

/** enum walk_status - what guest_walk() and the calls of access.h return */
enum walk_status {
	WALK_OK,
	WALK_FAULT,		/* the guest gets *fault */
	WALK_NO_MEMORY,		/* a paging structure or the page has no memory behind it */
};

/**
 * guest_walk() - translate a linear address of the guest
 * @state: the guest's registers
 * @linear: canonical linear address; outside long mode only its low 32 bits count
 * @access: WALK_* bits
 * @gpa: the guest-physical address, if WALK_OK
 * @fault: vector 14, error code and CR2, if WALK_FAULT
 *
 * Sets accessed and dirty bits as a processor does: atomically, and only once the whole walk has
 * been found to allow the access (dirty on the leaf only, for writes only).
 *
 * Return: enum walk_status.
 */
enum walk_status guest_walk(const struct walk_state *state, u64 linear, u32 access, u64 *gpa,
			    struct guest_fault *fault);

/**
 * struct walk_page - what the tables say of the page that a walk has found
 * @entry: the entry that maps it, as it is after the walk
 * @shift: its size
 * @writable: all entries allow writing
 * @no_execute: an entry forbids fetching
 */
struct walk_page {
	u64 entry;
	u32 shift;
	bool writable;
	bool no_execute;
};

/* guest_walk_page() - guest_walk(), and what it has found if WALK_OK */
enum walk_status guest_walk_page(const struct walk_state *state, u64 linear, u32 access, u64 *gpa,
				 struct walk_page *page, struct guest_fault *fault);

#endif
