/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * boot.S - a floppy that boots: loads the rest, runs the cases of real mode, and goes on to
 * protected mode. What real mode has to say is said here already.
 */
#include "layout.h"

	.code16
	.section .sector, "ax"
	.globl	_start
_start:
	ljmp	$0, $1f
1:	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	movw	$(STAGE >> 4), %di	/* segment to read to */
	movw	$1, %si			/* sector to read, counted from 0 */
	cld
next_sector:
	movw	%di, %es
	movw	%si, %ax
	xorw	%dx, %dx
	movw	$18, %cx		/* sectors a track, of two sides */
	divw	%cx
	movw	%dx, %cx
	incw	%cx
	xorw	%dx, %dx
	shrw	$1, %ax
	rclb	$1, %dh
	movb	%al, %ch
	xorb	%dl, %dl
	xorw	%bx, %bx
	movw	$0x0201, %ax
	int	$0x13
	jc	next_sector
	addw	$0x20, %di
	incw	%si
	cmpw	$SECTORS, %si
	jbe	next_sector
	ljmp	$(STAGE >> 4), $0

	.org	510
	.word	0xaa55

	.section .stage, "ax"
stage:
	movw	%cs, %ax
	movw	%ax, %ds
	xorw	%ax, %ax
	movw	%ax, %es

	/* COM1: 115200, 8N1 */
	movw	$0x3fb, %dx
	movb	$0x80, %al
	outb	%al, %dx
	movw	$0x3f8, %dx
	movb	$1, %al
	outb	%al, %dx
	incw	%dx
	xorb	%al, %al
	outb	%al, %dx
	movw	$0x3fb, %dx
	movb	$3, %al
	outb	%al, %dx

	movl	$7, %eax
	xorl	%ecx, %ecx
	cpuid
	testl	$4, %ecx		/* UMIP */
	movw	$(text_none - stage), %si
	jz	stop_here
	movl	%cr4, %eax
	orl	$BARE_CR4_UMIP, %eax
	movl	%eax, %cr4

	/* Faults come to `fault`, with %bp telling where to go on. */
	movw	$(fault - stage), %es:(6 * 4)
	movw	%cs, %es:(6 * 4 + 2)
	movw	$(fault_gp - stage), %es:(13 * 4)
	movw	%cs, %es:(13 * 4 + 2)

/* A case: its name and its bytes. */
	.macro REAL name, bytes:vararg
	movw	$(9f - stage), %bp
	movw	$(text_done - stage), %bx
	movw	$(buffer - stage), %si
	.byte	\bytes
9:	movw	$(8f - stage), %si
	call	print
	movw	%bx, %si
	call	print
	.section .stage.names, "a"
8:	.asciz	"real \name: "
	.previous
	.endm

	REAL sgdt 0x0f, 0x01, 0x04
	REAL sidt 0x0f, 0x01, 0x0c
	REAL smsw 0x0f, 0x01, 0x24
	REAL sldt 0x0f, 0x00, 0x04
	REAL str 0x0f, 0x00, 0x0c
	REAL smsw-reg 0x0f, 0x01, 0xe0
	REAL sldt-reg 0x0f, 0x00, 0xc0
	REAL str-reg 0x0f, 0x00, 0xc8
	REAL lock-sgdt 0xf0, 0x0f, 0x01, 0x04
	REAL lock-sidt 0xf0, 0x0f, 0x01, 0x0c
	REAL lock-smsw 0xf0, 0x0f, 0x01, 0x24
	REAL lock-sldt 0xf0, 0x0f, 0x00, 0x04

	/* A20 by port 0x92, then protected mode; the kernel there loads tables of its own. */
	inb	$0x92, %al
	orb	$2, %al
	outb	%al, $0x92
	lgdtl	gdt_pointer - stage
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $KERNEL32

fault_gp:
	movw	$(text_gp - stage), %bx
	jmp	1f
fault:
	movw	$(text_ud - stage), %bx
1:	addw	$6, %sp
	pushfw
	pushw	%cs
	pushw	%bp
	iretw

stop_here:
	call	print
1:	hlt
	jmp	1b

print:
	cld
1:	lodsb
	testb	%al, %al
	jz	3f
	movb	%al, %ah
	movw	$0x3fd, %dx
2:	inb	%dx, %al
	testb	$0x20, %al
	jz	2b
	movw	$0x3f8, %dx
	movb	%ah, %al
	outb	%al, %dx
	jmp	1b
3:	ret

text_done:	.asciz	"done\n"
text_ud:	.asciz	"#UD\n"
text_gp:	.asciz	"#GP\n"
text_none:	.asciz	"this processor has no UMIP\nend\n"
	.balign	8
buffer:	.skip	16
gdt:	.quad	0
	.quad	0x00cf9a000000ffff
	.quad	0x00cf92000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	STAGE + gdt - stage
