/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a machine in Bochs comes to its kernel. Bochs has no -kernel, and there a boot loader that reads
 * through the BIOS and a kernel that unpacks itself take as long as all the rest of a boot. So Bochs
 * gets a memory that already holds everything in its place (bochs-image makes it), and what remains to
 * be done is here, in two pieces. The constants come from bochs-image.
 */

/*
 * The boot sector, at 0x7c00: starts the kernel's own real-mode code, which asks the BIOS for the
 * memory map and enters protected mode (Linux boot protocol, "Running the Kernel").
 */
	.section .sector, "ax"
	.code16
	cli
	movw	$(SETUP >> 4), %ax
	movw	%ax, %ds
	/*
	 * Only the first start finds the image whole, the kernel has used that memory since. A second
	 * start means that the machine was reset, and a reset ends it: Bochs waits on this port for
	 * this word.
	 */
	cmpl	$FRESH, STACK
	jne	was_reset
	movl	$0, STACK
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movw	$STACK, %sp
	ljmpw	$((SETUP >> 4) + 0x20), $0

was_reset:
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	$0x8900, %dx
	movw	$shutdown, %si
	movw	$8, %cx
	cld
	rep outsb
1:	hlt
	jmp	1b
shutdown:
	.ascii	"Shutdown"

	.org	510
	.word	0xaa55

/*
 * In the place of the part that unpacks the kernel: 64-bit mode on a one-to-one map, then the kernel,
 * with ESI as the real-mode code left it ("64-bit Boot Protocol").
 */
	.section .start, "ax"
	.code32
	/* The first GiB in 2 MiB pages: present, writable; PS for the last level. */
	cld
	movl	$tables, %edi
	xorl	%eax, %eax
	movl	$(3 * 4096 / 4), %ecx
	rep stosl
	movl	$(tables + 0x1000 + 3), tables
	movl	$(tables + 0x2000 + 3), tables + 0x1000
	movl	$(tables + 0x2000), %edi
	movl	$0x83, %eax
	movl	$512, %ecx
2:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	loop	2b

	movl	%cr4, %eax
	orl	$0x20, %eax		/* PAE */
	movl	%eax, %cr4
	movl	$tables, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	orl	$0x100, %eax		/* LME */
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000000, %eax	/* PG */
	movl	%eax, %cr0
	lgdt	gdt_pointer
	ljmpl	$0x10, $long_mode

	.code64
long_mode:
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$KERNEL_ENTRY, %eax
	jmp	*%rax

	.balign	8
gdt:
	.quad	0
	.quad	0
	.quad	0x00af9a000000ffff	/* __BOOT_CS 0x10: 64-bit code */
	.quad	0x00cf92000000ffff	/* __BOOT_DS 0x18 */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.balign	4096
tables:
	.skip	3 * 4096
