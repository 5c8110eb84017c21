/* SPDX-License-Identifier: GPL-2.0-only */
/* guest.S - where the guest of vmm.c starts, how it takes exceptions, and its modes before long mode. */
	.text

/* Each vector: an error code where the processor pushes none, its number. */
	.globl	guest_vectors
	.balign	16
guest_vectors:
	vector = 0
	.rept	256
	.balign	16
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	push	$0
	.endif
	push	$vector
	jmp	common
	vector = vector + 1
	.endr

common:	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	and	$-16, %rsp
	call	guest_trap
	mov	%rbp, %rsp
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
	add	$16, %rsp
	iretq

/* RDI: what to do; RSI: number of the processor. */
	.globl	guest_cpu
guest_cpu:
	mov	%rdi, %rbx
	mov	%esi, %edi
	call	guest_setup
	call	*%rbx
	xor	%eax, %eax
	out	%al, $0xf4
1:	hlt
	jmp	1b

/* void run_user(void (*function)(void)): at CPL 3, until it calls user_back(). */
	.globl	run_user
run_user:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, kernel_stack
	mov	%rsp, %rax
	sub	$0x8000, %rax		/* the lower half of this stack */
	and	$-16, %rax
	sub	$8, %rax
	pushq	$0x23
	push	%rax
	pushq	$0x202
	pushq	$0x2b
	push	%rdi
	iretq

	.globl	user_back
user_back:
	int	$0x80

/* INT 0x80, to the one who has called run_user(). */
	.globl	user_done
user_done:
	mov	kernel_stack, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.globl	syscall_entry
syscall_entry:
	incq	counts
	sysretq

	.bss
	.balign	8
kernel_stack:
	.skip	8

/* Copied to GUEST_REAL. Real mode, then protected mode without paging, then PAE, then long mode. */
	.section .rodata
	.code16
	.globl	real_start, real_end
	.balign	16
real_start:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %ss
	mov	$0x7000, %sp
	/* An interrupt through the real-mode table at 0. */
	movw	$0x8000 + 2f - real_start, 0x21 * 4
	movw	$0, 0x21 * 4 + 2
	int	$0x21
	cmpw	$0x1234, %bx
	jne	4f
	/* Division by 0, through its vector. */
	movw	$0x8000 + 3f - real_start, 0
	movw	$0, 2
	xor	%cx, %cx
	div	%cx
	cmpw	$0x4321, %bx
	jne	4f
	pushf
	pop	%ax
	/* CPUID and MSRs in 16-bit mode. */
	xor	%eax, %eax
	cpuid
	mov	$0x10, %ecx
	rdmsr
	/* Virtual-8086-like string output. */
	mov	$0x8000 + 5f - real_start, %si
	mov	$3, %cx
	mov	$0xe0, %dx
	cld
	rep outsb
	/* SMSW, SGDT: nothing blocks them here. */
	smsw	%ax
	sgdt	0x500
	lgdtl	%ds:0x8000 + gdtr - real_start
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$0x18, $protected_start
2:	mov	$0x1234, %bx
	iret
3:	mov	$0x4321, %bx
	mov	%sp, %bp
	addw	$2, (%bp)
	iret
4:	mov	$1, %al
	out	%al, $0xf4
	hlt
5:	.ascii	"abc"
	.balign	4
gdtr:	.word	16 * 8 - 1
	.long	guest_gdt
real_end:

	.text
	.code32
	.globl	protected_start
protected_start:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$0x210000, %esp
	/* Paging of two levels, 4 MiB pages, then off again. */
	mov	$0x180000, %edi
	xor	%ecx, %ecx
1:	mov	%ecx, %eax
	shl	$22, %eax
	or	$0x87, %eax
	mov	%eax, (%edi,%ecx,4)
	inc	%ecx
	cmp	$1024, %ecx
	jne	1b
	mov	$0x10, %eax		/* PSE */
	mov	%eax, %cr4
	mov	%edi, %cr3
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	movl	$0x55aa1234, 0x1000000
	cmpl	$0x55aa1234, 0x1000000
	jne	9f
	xor	%eax, %eax
	cpuid
	/* 4 KiB pages now: another meaning of the same address. */
	xor	%ecx, %ecx
2:	mov	%ecx, %eax
	shl	$12, %eax
	or	$7, %eax
	mov	%eax, 0x181000(,%ecx,4)
	inc	%ecx
	cmp	$1024, %ecx
	jne	2b
	movl	$0x1001000 | 7, 0x182000
	movl	$0x182000 | 7, 16(%edi)	/* 16 MiB */
	movl	$0x181000 | 7, (%edi)
	mov	%edi, %cr3
	movl	$0x77, 0x1000000
	movl	$0x1000000 | 7, 0x182000
	invlpg	0x1000000
	cmpl	$0x55aa1234, 0x1000000
	jne	9f
	mov	%cr0, %eax
	and	$0x7fffffff, %eax
	mov	%eax, %cr0
	cmpl	$0x77, 0x1001000
	jne	9f
	/* PAE, three levels: the pointer table's entries are read when CR3 is written. */
	mov	$0x183000, %edi
	movl	$0x184001, (%edi)
	movl	$0, 4(%edi)
	movl	$0x185001, 8(%edi)
	movl	$0, 12(%edi)
	movl	$0, 16(%edi)
	movl	$0, 20(%edi)
	movl	$0, 24(%edi)
	movl	$0, 28(%edi)
	xor	%ecx, %ecx
3:	mov	%ecx, %eax
	shl	$21, %eax
	or	$0x87, %eax
	mov	%eax, 0x184000(,%ecx,8)
	movl	$0, 0x184004(,%ecx,8)
	mov	%eax, 0x185000(,%ecx,8)
	movl	$0, 0x185004(,%ecx,8)
	inc	%ecx
	cmp	$512, %ecx
	jne	3b
	mov	$0x20, %eax		/* PAE */
	mov	%eax, %cr4
	mov	%edi, %cr3
	mov	%cr0, %eax
	or	$0x80000000, %eax
	mov	%eax, %cr0
	cmpl	$0x55aa1234, 0x41000000
	jne	9f
	mov	%cr0, %eax
	and	$0x7fffffff, %eax
	mov	%eax, %cr0
	/* Long mode. */
	mov	$0x100000, %eax
	mov	%eax, %cr3
	mov	$0x6a0, %eax		/* PAE, PGE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x901, %eax		/* NXE, LME, SCE */
	wrmsr
	mov	%cr0, %eax
	or	$0x80010021, %eax	/* PG, WP, NE, PE */
	mov	%eax, %cr0
	ljmp	$0x08, $4f
9:	mov	$1, %al
	out	%al, $0xf4
	hlt
	.code64
4:	xor	%esi, %esi
	mov	$g_long, %edi
	jmp	guest_cpu

/* Copied to page 9 for a start-up IPI: straight to long mode; EAX of each is found by its APIC's number. */
	.section .rodata
	.code16
	.globl	real_trampoline, real_trampoline_end
	.balign	16
real_trampoline:
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	%ds:0x9000 + 1f - real_trampoline
	mov	$0x6a0, %eax
	mov	%eax, %cr4
	mov	$0x100000, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x901, %eax
	wrmsr
	mov	$0x80010021, %eax
	mov	%eax, %cr0
	ljmpl	$0x08, $trampoline_long
	.balign	4
1:	.word	16 * 8 - 1
	.long	guest_gdt
real_trampoline_end:

	.text
	.code64
trampoline_long:
	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	/* xAPIC's ID register. */
	mov	$0xfee00020, %eax
	mov	(%rax), %esi
	shr	$24, %esi
	mov	%esi, %eax
	inc	%eax
	shl	$16, %eax
	lea	0x200000(%rax), %rsp
	mov	$g_smp_other, %edi
	jmp	guest_cpu

	.section .note.GNU-stack, "", @progbits
