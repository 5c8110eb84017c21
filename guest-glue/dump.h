/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dump.h - what a processor that stops below Linux leaves behind: a record on the page of its
 * reports, which Linux's side can read from any other processor.
 */
#ifndef OLDGUARD_DUMP_H
#define OLDGUARD_DUMP_H

#include "cpu.h"

#define DUMP_STACK 16
#define DUMP_NO_VECTOR 0xffffffffu

enum dump_state {
	ROOT_DUMP_NONE,
	ROOT_DUMP_BEGUN, /* a fault from here on is one of the dump's own making */
	ROOT_DUMP_THERE,
};

/**
 * struct root_dump - why a processor has stopped
 * @state: enum dump_state
 * @value: a number that goes with @what
 * @vector: the exception, or DUMP_NO_VECTOR: the root side has given up by itself
 * @exit: enum vmexit_kind of the exit that was being answered; VMEXIT_KINDS: none was
 * @sel: struct vmexit.sel of that
 * @addr: struct vmexit.addr of that
 * @guest_rip: where the guest was
 * @error: the exception's error code
 * @cr2: after a page fault: the address
 * @rip: the root side's registers
 * @rsp: "
 * @rflags: "
 * @gpr: " in hardware order
 * @stack: what lies at @rsp, as far as the stack goes
 * @offset: where @rip is in the text of @image
 * @image: name of the image, empty if it is in none
 * @what: a sentence
 */
struct root_dump {
	u64 state;
	u64 value;
	u32 vector;
	u32 exit;
	u32 sel;
	u32 reserved0;
	u64 addr;
	u64 guest_rip;
	u64 error;
	u64 cr2;
	u64 rip;
	u64 rsp;
	u64 rflags;
	u64 gpr[GPRS];
	u64 stack[DUMP_STACK];
	u64 offset;
	char image[24];
	char what[96];
	u64 reserved1[5];
};
static_assert(sizeof(struct root_dump) == 512, "a part of struct event_ring");

struct fault_frame;

/**
 * dump_write() - record why this processor stops, and let the others know; root side
 * @frame: the exception, or NULL
 * @what: a sentence
 * @value: a number that goes with it
 *
 * Does nothing off the root side's stacks, or if there is a record already.
 */
void dump_write(const struct fault_frame *frame, const char *what, u64 value);

#endif
