/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timed instructions of ticks.c, for 64-bit and for 32-bit code. Each function takes a pointer
 * and returns the ticks from the RDTSC before its instruction to the first RDTSC after it: the next
 * instruction, or the first but one of the signal handler.
 *
 * Nothing but the instruction (and the XCHG that sets CPUID's leaf) stands between the two, and
 * nothing is subtracted.
 */
#ifdef __x86_64__
#define ARGUMENT %rdi
#define LOAD_ARGUMENT
#else
#define ARGUMENT %ecx
#define LOAD_ARGUMENT mov 4(%esp), ARGUMENT
#endif

#define BEGIN(name)                                                                                \
	.globl name;                                                                               \
	.type name, @function;                                                                     \
	.balign 64;                                                                                \
	name:
#define END(name) .size name, .- name

/* on_signal() (ticks.c) takes the time at the first RDTSC from ESI and resumes at ticks_landed. */
#define TIMED(name, ...)                                                                           \
	BEGIN(name)                                                                                \
	LOAD_SAVED;                                                                                \
	LOAD_ARGUMENT;                                                                             \
	rdtsc;                                                                                     \
	mov %eax, %esi;                                                                            \
	__VA_ARGS__;                                                                               \
	rdtsc;                                                                                     \
	sub %esi, %eax;                                                                            \
	jmp ticks_landed;                                                                          \
	END(name)

/* ESI belongs to the caller in 32-bit code. There the argument moves up by the push. */
#ifdef __x86_64__
#define LOAD_SAVED
#else
#define LOAD_SAVED push %esi
#undef LOAD_ARGUMENT
#define LOAD_ARGUMENT mov 8(%esp), ARGUMENT
#endif

	.text

BEGIN(ticks_landed)
#ifndef __x86_64__
	pop %esi
#endif
	ret
END(ticks_landed)

/* The native #GP that the others are compared with: user programs have IOPL 0. */
TIMED(ticks_cli, cli)
TIMED(ticks_sidt, sidt (ARGUMENT))
TIMED(ticks_sgdt, sgdt (ARGUMENT))
TIMED(ticks_sldt, sldt (ARGUMENT))
TIMED(ticks_str, str (ARGUMENT))
TIMED(ticks_smsw, smsw (ARGUMENT))
TIMED(ticks_smsw_reg, smsw %eax)

/* The argument is the leaf here, not a pointer. */
BEGIN(ticks_cpuid)
#ifdef __x86_64__
	push	%rbx
	mov	%edi, %esi
#else
	push	%ebx
	push	%esi
	mov	12(%esp), %esi
#endif
	xor	%ecx, %ecx
	rdtsc
	xchg	%eax, %esi
	cpuid
	rdtsc
	sub	%esi, %eax
#ifdef __x86_64__
	pop	%rbx
#else
	pop	%esi
	pop	%ebx
#endif
	ret
END(ticks_cpuid)

/* Where the kernel delivers the signal: the time first, then C. */
BEGIN(ticks_on_signal)
#ifdef __x86_64__
	mov	%rdx, %r8
	rdtsc
	mov	%eax, ticks_end(%rip)
	mov	%r8, %rdx
#else
	rdtsc
	mov	%eax, ticks_end
#endif
	jmp	on_signal
END(ticks_on_signal)

	.section .note.GNU-stack, "", @progbits
