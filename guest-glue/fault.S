/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault.S - the root side's exception entries: push what is missing, call root_fault().
 */
#include "asm.h"
#include "fault.h"

	.text

	.balign 16
	.globl root_fault_entries
root_fault_entries:
	.set	vector, 0
	.rept	32
	.balign 16
	endbr64
	/* #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC, #SX bring an error code. */
	.if ((0x60227d00 >> vector) & 1) == 0
	push	$0
	.endif
	push	$vector
	jmp	fault_common
	.set	vector, vector + 1
	.endr

fault_common:
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%r11
	push	%r10
	push	%r9
	push	%r8
	push	%rdi
	push	%rsi
	push	%rbp
	push	$0
	push	%rbx
	push	%rdx
	push	%rcx
	push	%rax
	cld
	mov	%rsp, %rdi
	/* The frame is 8 modulo 16 or not, as the interrupted code was: align for the C ABI. */
	mov	%rsp, %rbx
	and	$~15, %rsp
	call	root_fault
	mov	%rbx, %rsp
	test	%al, %al
	jz	1f
	/*
	 * Back without IRET: RIP and RFLAGS go below what was interrupted, whose stack has no red zone. This
	 * may be the same stack, and they may lie where the frame has SS and RSP. In @vector is where they are.
	 */
	mov	FAULT_RSP(%rsp), %rax
	mov	FAULT_RIP(%rsp), %rcx
	mov	FAULT_RFLAGS(%rsp), %rdx
	mov	%rcx, -8(%rax)
	mov	%rdx, -16(%rax)
	sub	$16, %rax
	mov	%rax, FAULT_VECTOR(%rsp)
1:	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rbx
	pop	%rbp
	pop	%rbp
	pop	%rsi
	pop	%rdi
	pop	%r8
	pop	%r9
	pop	%r10
	pop	%r11
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	cmpq	$31, (%rsp)
	ja	1f
	add	$16, %rsp
	iretq
1:	mov	(%rsp), %rsp
	popfq
	ret

	.section .note.GNU-stack, "", @progbits
