/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bare_vendor.h - how test_bare.c's guest comes into a control block, exits, and what was raised.
 */
#ifndef OLDGUARD_TEST_BARE_VENDOR_H
#define OLDGUARD_TEST_BARE_VENDOR_H

#include "../conformance/bare/cases.h"
#include "sim.h"

/* The guest in neutral words. @length: of the instruction it executes; @slow: no quick answers */
struct bare_guest {
	u64 cr0, cr3, cr4, efer, rflags, rip;
	u64 gpr[GPRS];
	struct guest_segment seg[GUEST_SEGS];
	u32 length;
	u8 cpl;
	bool slow;
};

/**
 * struct bare_vendor - a simulated processor
 * @name: for people
 * @model: which
 * @smsw_exits: SMSW can be made to exit
 * @slow: svm_quick() or vmx_fast() is not asked
 * @exit: the guest executes @insn, which exits; fills in the vector (0: none), error, ip, cr2 and
 * ax
 */
struct bare_vendor {
	const char *name;
	enum sim_model model;
	bool smsw_exits;
	bool slow;
	void (*exit)(const struct bare_guest *g, const struct insn *insn, struct outcome *o);
};

#define BARE_VENDORS 4
extern const struct bare_vendor bare_vendors[BARE_VENDORS];

#endif
