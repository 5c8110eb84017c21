/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What runs inside the small KVM guest: 32-bit protected mode without paging, at CPL 3. It times
 * the instructions that ticks.S times, in the same way, and writes the ticks to memory.
 */
#include "kvmguest.h"

	.section .rodata
	.code32
	.globl	kvmguest_code, kvmguest_code_end, kvmguest_fault, kvmguest_done
kvmguest_code:
	mov	$GUEST_TICKS, %edi
	mov	$ROUNDS, %ebp
1:	xor	%esi, %esi
	xor	%ecx, %ecx
	rdtsc
	xchg	%eax, %esi
	cpuid
	rdtsc
	sub	%esi, %eax
	mov	%eax, (%edi)
	add	$4, %edi
	dec	%ebp
	jnz	1b

	/* EBX is where kvmguest_fault goes on. */
	mov	$ROUNDS, %ebp
	mov	$GUEST_CODE + 3f - kvmguest_code, %ebx
2:	rdtsc
	mov	%eax, %esi
	cli
3:	dec	%ebp
	jnz	2b

	mov	$ROUNDS, %ebp
	mov	$GUEST_CODE + 5f - kvmguest_code, %ebx
4:	rdtsc
	mov	%eax, %esi
	sidt	GUEST_OPERAND
5:	dec	%ebp
	jnz	4b
	int	$GUEST_DONE

/* CPL 0: the #GP handler, then what INT GUEST_DONE comes to. */
kvmguest_fault:
	rdtsc
	sub	%esi, %eax
	mov	%eax, (%edi)
	add	$4, %edi
	add	$4, %esp
	mov	%ebx, (%esp)
	iret
kvmguest_done:
	hlt
kvmguest_code_end:

	.section .note.GNU-stack, "", @progbits
