/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 32-bit kernel's entry, and the way into a case and back.
 */
#include "layout.h"

	.section .entry, "ax"
	.globl	_start
_start:
	/* The boot sector's tables have one data segment, main() brings the others. */
	movl	$SEL_DATA0, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$KERNEL_STACK_TOP, %esp
	cld
	call	main
	/* On to 64-bit mode: main() has made its page tables. */
	movl	%cr0, %eax
	andl	$0x7fffffff, %eax
	movl	%eax, %cr0
	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$TABLES, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	orl	$0x100, %eax		/* LME */
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000000, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_CODE0_64, $KERNEL64

	.text
/* struct trap *enter(struct frame *f): runs the case; the trap that ends it brings us back. */
	.globl	enter
enter:
	movl	4(%esp), %eax
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	pushl	%ebp
	movl	%esp, kernel_esp
	/* IRET would take a ring 0 segment away. */
	movl	$SEL_DATA3, %ecx
	movl	%ecx, %ds
	movl	%ecx, %es
	movl	%eax, %esp
	popal
	iretl

common:
	pushal
	movl	$SEL_DATA0, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%esp, %eax
	cld
	movl	kernel_esp, %esp
	popl	%ebp
	popl	%edi
	popl	%esi
	popl	%ebx
	ret

	.bss
	.balign	4
kernel_esp:
	.skip	4

#define WORD .long
#include "stubs.S"
