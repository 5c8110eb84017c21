/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One entry for each exception vector. Those without an error code push a 0 in its place (SDM
 * vol. 3, table 6-1).
 */
	.text
	.altmacro
	.macro STUB n
stub_\n:
	.if (\n != 8) && ((\n < 10) || (\n > 14)) && (\n != 17) && (\n != 21)
	push	$0
	.endif
	push	$\n
	jmp	common
	.endm
	.set	number, 0
	.rept	32
	STUB	%number
	.set	number, number + 1
	.endr

	.section .rodata
	.balign	8
	.globl	trap_stubs
trap_stubs:
	.macro STUB_AT n
	WORD	stub_\n
	.endm
	.set	number, 0
	.rept	32
	STUB_AT	%number
	.set	number, number + 1
	.endr
	.section .note.GNU-stack, "", @progbits
