/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault.h - exceptions on the root side itself.
 */
#ifndef OLDGUARD_FAULT_H
#define OLDGUARD_FAULT_H

/* Where struct fault_frame has what fault.S needs. */
#define FAULT_VECTOR 128
#define FAULT_RIP 144
#define FAULT_RFLAGS 160
#define FAULT_RSP 168

#ifndef __ASSEMBLER__
#include "machine.h"

/**
 * struct fault_frame - what fault.S leaves on the stack
 * @gpr: registers in hardware order (RSP's place is unused)
 * @vector: 0 to 31
 * @error: error code, 0 where the vector has none
 * @rip: the rest is the processor's frame
 */
struct fault_frame {
	u64 gpr[GPRS];
	u64 vector;
	u64 error;
	u64 rip, cs, rflags, rsp, ss;
};
static_assert(offsetof(struct fault_frame, vector) == FAULT_VECTOR, "fault.S");
static_assert(offsetof(struct fault_frame, rip) == FAULT_RIP, "fault.S");
static_assert(offsetof(struct fault_frame, rflags) == FAULT_RFLAGS, "fault.S");
static_assert(offsetof(struct fault_frame, rsp) == FAULT_RSP, "fault.S");

/**
 * fault_build() - fill the IDT
 * @m: the machine; gets its IDT's address
 *
 * Return: false if the block is full.
 */
bool fault_build(struct machine *m);

#endif
#endif
