/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * svm.S - the four places where a C compiler cannot stand: into the guest, out of it, from
 * Linux's world into the root side, and back.
 *
 * Between #VMEXIT and VMRUN the global interrupt flag is clear (AMD APM vol. 2, 15.17), so no
 * interrupt, NMI, SMI or INIT comes while the root side runs. FS, GS, TR, LDTR and the syscall
 * MSRs are the guest's all the time: nothing here uses them, so nothing saves them (no VMSAVE, no
 * VMLOAD on the way of an exit).
 */
#include "svm.h"
#include "../guest-glue/asm.h"

	.text

/* u64 svm_launch(const struct svm_switch *sw): returns 1, as the guest. */
FUNCTION(svm_launch)
	pushfq
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	SVM_SWITCH_VMCB(%rdi), %rax
	mov	%rsp, VMCB_RSP(%rax)
	lea	.Llaunched(%rip), %rcx
	mov	%rcx, VMCB_RIP(%rax)
	movq	$1, VMCB_RAX(%rax)
	mov	SVM_SWITCH_VCPU(%rdi), %rbx
	mov	SVM_SWITCH_CR0(%rdi), %r12
	mov	SVM_SWITCH_CR3(%rdi), %r13
	mov	SVM_SWITCH_CR4(%rdi), %r14
	clgi
	lgdt	SVM_SWITCH_GDTR(%rdi)
	lidt	SVM_SWITCH_IDTR(%rdi)
	/*
	 * CR4 first: the root side has neither PCIDE nor PGE, and clearing PGE throws out Linux's
	 * global translations. This text has the same address on both sides of the CR3 write.
	 */
	mov	%r14, %cr4
	mov	%r13, %cr3
	mov	%r12, %cr0
	mov	%rbx, %rsp
	mov	$ROOT_DS, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	push	$ROOT_CS
	lea	1f(%rip), %rax
	push	%rax
	lretq
1:	mov	%rbx, %rdi
	call	root_enter
	jmp	.Lresume
.Llaunched:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	popfq
	ret
END(svm_launch)

/*
 * The loop. RSP is the struct vcpu's address, whose first member is the array of registers; the
 * root stack grows down from it. RSP and RAX of the guest are in the VMCB.
 *
 * What the C ABI makes a function keep, and R9 to R11, still hold the guest's values when
 * svm_quick() returns: these registers are neither saved before it nor loaded after it.
 */
#define REG(n) 8 * (n)(%rsp)
FUNCTION(svm_run)
.Lresume:
	mov	REG(15), %r15
	mov	REG(14), %r14
	mov	REG(13), %r13
	mov	REG(12), %r12
	mov	REG(11), %r11
	mov	REG(10), %r10
	mov	REG(9), %r9
	mov	REG(5), %rbp
.Lresume_quick:
	mov	REG(8), %r8
	mov	REG(7), %rdi
	mov	REG(6), %rsi
	mov	REG(3), %rbx
	mov	REG(2), %rdx
	mov	REG(1), %rcx
	mov	REG(16), %rax		/* vcpu.control_pa */
	vmrun	%rax
	mov	%rcx, REG(1)
	mov	%rdx, REG(2)
	mov	%rbx, REG(3)
	mov	%rsi, REG(6)
	mov	%rdi, REG(7)
	mov	%r8, REG(8)
	mov	%rsp, %rdi
	call	svm_quick
	test	%al, %al
	jnz	.Lresume_quick
	mov	%rbp, REG(5)
	mov	%r9, REG(9)
	mov	%r10, REG(10)
	mov	%r11, REG(11)
	mov	%r12, REG(12)
	mov	%r13, REG(13)
	mov	%r14, REG(14)
	mov	%r15, REG(15)
	mov	%rsp, %rdi
	call	svm_exit
	test	%al, %al
	jz	.Lresume

	/* Give the processor back: everything of the guest's, then GIF, then its own flags. */
	mov	%rsp, %rdi
	sub	$SVM_SWITCH_BYTES, %rsp
	mov	%rsp, %rsi
	call	svm_leave_state
	lgdt	SVM_SWITCH_GDTR(%rsp)
	lidt	SVM_SWITCH_IDTR(%rsp)
	mov	SVM_SWITCH_CR0(%rsp), %r8
	mov	SVM_SWITCH_CR3(%rsp), %r9
	mov	SVM_SWITCH_CR4(%rsp), %r10
	mov	SVM_SWITCH_RIP(%rsp), %r11
	mov	SVM_SWITCH_RFLAGS(%rsp), %r12
	movzwl	SVM_SWITCH_CS(%rsp), %r13d
	movzwl	SVM_SWITCH_SS(%rsp), %r14d
	movzwl	SVM_SWITCH_DS(%rsp), %r15d
	movzwl	SVM_SWITCH_ES(%rsp), %ebx
	mov	SVM_SWITCH_RSP(%rsp), %rsi
	/* CR4.PCIDE can be set only while CR3 names no PCID (APM vol. 2, 5.5.1). */
	mov	%r9, %rax
	and	$~0xfff, %rax
	mov	%rax, %cr3
	mov	%r10, %cr4
	mov	%r9, %cr3
	mov	%r8, %cr0
	mov	%rsi, %rsp
	push	%r13
	lea	1f(%rip), %rax
	push	%rax
	lretq
1:	mov	%r14d, %ss
	mov	%r15d, %ds
	mov	%ebx, %es
	push	%r11
	push	%r12
	xor	%eax, %eax
	stgi
	popfq
	ret
END(svm_run)

/*
 * u64 svm_hypercall(u64 number, u64 a, u64 b, u64 c): runs in the guest. The saved registers are
 * for the call that gives the processor back, after which only RSP is as before.
 */
FUNCTION(svm_hypercall)
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	vmmcall
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret
END(svm_hypercall)

	.section .note.GNU-stack, "", @progbits
