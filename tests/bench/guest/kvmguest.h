/* SPDX-License-Identifier: GPL-2.0-only */
/* Where things are in the small KVM guest's memory; for C and assembly. */
#ifndef KVMGUEST_H
#define KVMGUEST_H

#define GUEST_MEMORY 0x10000
#define GUEST_GDT 0x1000
#define GUEST_IDT 0x1800
#define GUEST_TSS 0x2000
#define GUEST_STACK 0x4000 /* CPL 0, grows down */
#define GUEST_CODE 0x5000
#define GUEST_OPERAND 0x6000
#define GUEST_TICKS 0x8000

#define GUEST_DONE 0x80 /* interrupt vector that ends the run */
#define ROUNDS 301	/* of each instruction */

#endif
