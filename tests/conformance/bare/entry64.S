/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 64-bit kernel's entry, and the way into a case and back.
 */
#include "layout.h"

	.section .entry, "ax"
	.globl	_start
_start:
	movl	$SEL_DATA0, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movq	$KERNEL_STACK_TOP, %rsp
	cld
	call	main
1:	hlt
	jmp	1b

	.text
	.globl	enter
enter:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, kernel_rsp
	/* What 32-bit code needs; 64-bit code does not look. */
	movl	$SEL_DATA3, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movq	%rdi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rbp
	addq	$8, %rsp
	popq	%rbx
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq

common:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rbx
	pushq	%rsp
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rax
	cld
	movq	kernel_rsp, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.bss
	.balign	8
kernel_rsp:
	.skip	8

#define WORD .quad
#include "stubs.S"
