/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BARE_H
#define BARE_H

#include <stddef.h>
#include <stdint.h>

#include "layout.h"

typedef uintptr_t word;

/* What enter() loads: registers as the assembly pops them, then what IRET pops. */
struct frame {
#ifdef __x86_64__
	word r15, r14, r13, r12, r11, r10, r9, r8;
#endif
	word di, si, bp, unused, bx, dx, cx, ax;
	word ip, cs, flags, sp, ss;
	word es, ds, fs, gs; /* of virtual-8086 mode */
};

/* What a trap left behind: the same, with its number and error code between. */
struct trap {
#ifdef __x86_64__
	word r15, r14, r13, r12, r11, r10, r9, r8;
#endif
	word di, si, bp, unused, bx, dx, cx, ax;
	word vector, error;
	word ip, cs, flags, sp, ss;
};

/* entry.S */
struct trap *enter(struct frame *f);
extern const word trap_stubs[];
#define VECTORS 32

#endif
