/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * asm.h - what the assembly files share.
 */
#ifndef OLDGUARD_ASM_H
#define OLDGUARD_ASM_H

#define ROOT_CS 0x08
#define ROOT_DS 0x10
#define ROOT_TR 0x18

#ifdef __ASSEMBLER__
/* ENDBR64: Linux 6.12 calls these through pointers with indirect-branch tracking on. */
#define FUNCTION(name)                                                                             \
	.globl name;                                                                               \
	.type name, @function;                                                                     \
	.balign 16;                                                                                \
	name:                                                                                      \
	endbr64
#define END(name) .size name, .- name
#endif

#endif
