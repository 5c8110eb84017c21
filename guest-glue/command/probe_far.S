/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs one instruction at CPL 3, in 64-bit code or in 32-bit code of the same 64-bit process. The
 * instruction was copied into a page below 4 GiB, followed by the way back; its memory operand is
 * at [RSI], its register is RAX.
 *
 * The offsets are those of struct probe_low in probe_insn.c, which asserts them.
 */
#define LOW_ENTER	0	/* far pointer to the instruction in 32-bit code */
#define LOW_LEAVE	8	/* far pointer to the 64-bit way back */
#define LOW_RSP		16
#define LOW_RETURN	24
#define LOW_RAX		32
#define LOW_OPERAND	64
#define LOW_SIZE	4096	/* the stack grows down from here */

#define USER_DS		0x2b	/* Linux's flat data segment of user programs */

	.text

/* void probe_run64(struct probe_low *low, const void *code): the code ends in RET. */
	.globl	probe_run64
	.type	probe_run64, @function
probe_run64:
	push	%rbx
	mov	%rdi, %rbx
	mov	%rsi, %rdx
	lea	LOW_OPERAND(%rdi), %rsi
	mov	LOW_RAX(%rdi), %rax
	call	*%rdx
	mov	%rax, LOW_RAX(%rbx)
	pop	%rbx
	ret
	.size	probe_run64, . - probe_run64

/*
 * void probe_run32(struct probe_low *low): goes through LOW_ENTER; the code there ends in the bytes
 * at probe_leave32. The upper halves of the general registers and all of R8 to R15 are undefined
 * after 32-bit code (Intel SDM vol. 1, 3.4.1.1; AMD APM vol. 1, 3.1.2): what has to survive lies in
 * memory.
 */
	.globl	probe_run32
	.type	probe_run32, @function
probe_run32:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, LOW_RSP(%rdi)
	lea	.Lback(%rip), %rax
	mov	%rax, LOW_RETURN(%rdi)
	/* In 64-bit code these are null, in 32-bit code a null selector faults. */
	mov	$USER_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	lea	LOW_OPERAND(%rdi), %rsi
	mov	LOW_RAX(%rdi), %rax
	lea	LOW_SIZE(%rdi), %rsp
	ljmp	*LOW_ENTER(%rdi)
.Lback:
	xor	%eax, %eax
	mov	%eax, %ds
	mov	%eax, %es
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size	probe_run32, . - probe_run32

/* Copied behind the instruction, and never run where they are. */
	.section .rodata
	.globl	probe_leave32, probe_leave32_end
	.code32
probe_leave32:
	ljmp	*LOW_LEAVE(%edi)
probe_leave32_end:
	.globl	probe_land64, probe_land64_end
	.code64
probe_land64:
	mov	%edi, %edi		/* its upper half is undefined here */
	mov	%eax, LOW_RAX(%rdi)
	mov	LOW_RSP(%rdi), %rsp
	jmp	*LOW_RETURN(%rdi)
probe_land64_end:

	.section .note.GNU-stack, "", @progbits
