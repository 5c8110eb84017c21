/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmx.S - the places where a C compiler cannot stand: into the guest, out of it, and what remains
 * to be loaded when Linux has its processor back.
 *
 * A VM entry and a VM exit each switch the whole state in one step (Intel SDM vol. 3, 27.3 and
 * 28.5), NMIs included, so both ways between Linux's world and the root side go through them:
 *
 *	taking	Linux itself launches. The guest is Linux as it stands, the next exit finds the root
 *		side's state in the host fields.
 *	leaving	the root side writes Linux's state to the host fields and lets the guest execute its
 *		VMCALL once more: that exit arrives in Linux's world, behind the VMCALL.
 *
 * The root side's CR0, CR3, CR4, GDT, IDT, TR and stack are the host fields of the VMCS: no code
 * here loads them. Interrupts stay off (an exit clears RFLAGS); NMIs come and are kept (fault.c).
 */
#include "vmx.h"
#include "../guest-glue/asm.h"

	.text

/* u64 vmx_launch(void): 1 as the guest, 0 if the processor refuses (VMfail). */
FUNCTION(vmx_launch)
	pushfq
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	$VMCS_GUEST_RSP, %eax
	vmwrite	%rsp, %rax
	lea	.Llaunched(%rip), %rcx
	mov	$VMCS_GUEST_RIP, %eax
	vmwrite	%rcx, %rax
	vmlaunch
	xor	%eax, %eax
	jmp	.Lreturn
.Llaunched:
	/* It exits: the root side begins now, and not in the middle of something else. */
	xor	%eax, %eax
	cpuid
	mov	$1, %eax
.Lreturn:
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	popfq
	ret
END(vmx_launch)

/*
 * The exit has loaded RSP with the address behind the register array of struct vcpu; the root
 * stack grows down from the array's start. RSP moves first: an NMI uses what lies below it.
 * Saved at once is what a C function may change, and RBX; the rest if vmx_exit() is to see it.
 */
	.macro	save_volatile
	sub	$8 * 16, %rsp
	mov	%rax, 8 * 0(%rsp)
	mov	%rcx, 8 * 1(%rsp)
	mov	%rdx, 8 * 2(%rsp)
	mov	%rbx, 8 * 3(%rsp)
	mov	%rsi, 8 * 6(%rsp)
	mov	%rdi, 8 * 7(%rsp)
	mov	%r8, 8 * 8(%rsp)
	mov	%r9, 8 * 9(%rsp)
	mov	%r10, 8 * 10(%rsp)
	mov	%r11, 8 * 11(%rsp)
	mov	%rsp, %rdi
	.endm

	.macro	save_others
	mov	%rbp, 8 * 5(%rsp)
	mov	%r12, 8 * 12(%rsp)
	mov	%r13, 8 * 13(%rsp)
	mov	%r14, 8 * 14(%rsp)
	mov	%r15, 8 * 15(%rsp)
	mov	%rsp, %rdi
	.endm

/* The first exit of a processor. */
FUNCTION(vmx_host_start)
	save_volatile
	save_others
	call	vmx_start
	mov	%rsp, %rdi
	jmp	.Lexit
END(vmx_host_start)

/* Every other exit. */
FUNCTION(vmx_host_exit)
	save_volatile
	call	vmx_fast
	test	%al, %al
	jz	.Lslow
.Lenter:
	mov	8 * 0(%rsp), %rax
	mov	8 * 1(%rsp), %rcx
	mov	8 * 2(%rsp), %rdx
	mov	8 * 3(%rsp), %rbx
	mov	8 * 6(%rsp), %rsi
	mov	8 * 7(%rsp), %rdi
	mov	8 * 8(%rsp), %r8
	mov	8 * 9(%rsp), %r9
	mov	8 * 10(%rsp), %r10
	mov	8 * 11(%rsp), %r11
	add	$8 * 16, %rsp
	vmresume
	/* Still here: it failed. */
	sub	$8 * 16, %rsp
	mov	%rsp, %rdi
	call	vmx_resume_failed
	ud2
.Lslow:
	save_others
.Lexit:
	call	vmx_exit
	mov	8 * 5(%rsp), %rbp
	mov	8 * 12(%rsp), %r12
	mov	8 * 13(%rsp), %r13
	mov	8 * 14(%rsp), %r14
	mov	8 * 15(%rsp), %r15
	jmp	.Lenter
END(vmx_host_exit)

/*
 * u64 vmx_hypercall(u64 number, u64 a, u64 b, u64 c): runs in the guest. The call that gives the
 * processor back returns behind the VMCALL as well, with every register as it was.
 */
FUNCTION(vmx_hypercall)
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	vmcall
	ret
END(vmx_hypercall)

/*
 * void vmx_reload(const struct vmx_reload *): what the exit into Linux's world has left undone
 * (SDM vol. 3, 28.5.2): limits, LDTR, and selectors that a host field cannot hold.
 *
 * LTR wants a TSS that is not busy and marks it busy; Linux's GDT may be mapped read-only. So TR is
 * loaded out of a copy, and the descriptor in Linux's own GDT, busy as it is, stays untouched.
 */
FUNCTION(vmx_reload)
	lgdt	VMX_RELOAD_OWN_GDTR(%rdi)
	movzwl	VMX_RELOAD_TR(%rdi), %eax
	ltr	%ax
	lgdt	VMX_RELOAD_GDTR(%rdi)
	lidt	VMX_RELOAD_IDTR(%rdi)
	lldt	VMX_RELOAD_LDTR(%rdi)
	movzwl	VMX_RELOAD_DS(%rdi), %eax
	mov	%eax, %ds
	movzwl	VMX_RELOAD_ES(%rdi), %eax
	mov	%eax, %es
	movzwl	VMX_RELOAD_FS(%rdi), %eax
	test	%eax, %eax
	jz	1f
	mov	%eax, %fs
1:	movzwl	VMX_RELOAD_GS(%rdi), %eax
	test	%eax, %eax
	jz	2f
	/*
	 * Loading GS replaces the base. Linux's NMI entry tells by the base whose it is, so it is
	 * the program's that gets replaced; the caller writes that one again.
	 */
	swapgs
	mov	%eax, %gs
	swapgs
2:	ret
END(vmx_reload)

/*
 * void vmx_unblock_nmi(void): an exit by NMI leaves NMIs blocked (SDM vol. 3, 28.5.5) until the
 * next IRET: this one goes nowhere. From here on the root side's own handler takes them.
 */
FUNCTION(vmx_unblock_nmi)
	mov	%rsp, %rax
	push	$ROOT_DS
	push	%rax
	pushfq
	push	$ROOT_CS
	lea	1f(%rip), %rcx
	push	%rcx
	iretq
1:	ret
END(vmx_unblock_nmi)

/* void vmx_raise_nmi(void): Linux's own NMI handler, whose IRET also ends NMI blocking. */
FUNCTION(vmx_raise_nmi)
	int	$2
	ret
END(vmx_raise_nmi)

/* void vmx_raise_machine_check(void): the same for a machine check; it has no error code. */
FUNCTION(vmx_raise_machine_check)
	int	$18
	ret
END(vmx_raise_machine_check)

	.section .note.GNU-stack, "", @progbits
