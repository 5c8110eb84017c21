/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * landing.S - where a processor that goes aside arrives in Linux's world, as the code that asked for
 * it: interrupts off, the stack as aside.c has left it (struct landing).
 */
#include "asm.h"

	.text

FUNCTION(aside_landing)
	cld
	call	aside_landed
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	popfq
	ret
END(aside_landing)

	.section .note.GNU-stack, "", @progbits
