/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * layout.h - the bare guest's memory, all of it below 640 KiB and mapped one to one.
 */
#ifndef BARE_LAYOUT_H
#define BARE_LAYOUT_H

/* The floppy: a boot sector, then what is loaded from STAGE on, the two kernels at fixed places. */
#define STAGE 0x10000
#define KERNEL32 0x12000
#define KERNEL64 0x18000
#define LOADED_END 0x20000
#define SECTORS ((LOADED_END - STAGE) / 512)

#define TABLES 0x30000 /* page tables of the 64-bit kernel */
#define TABLES32 0x38000
#define USER_CODE 0x40000
#define USER_DATA 0x41000
#define USER_HOLE 0x42000 /* not present */
#define USER_READ_ONLY 0x43000
#define USER_KERNEL 0x44000 /* supervisor only */
#define USER_STACK_TOP 0x46000
#define KERNEL_STACK_TOP 0x58000
#define TRAP_STACK_TOP 0x5c000

#define BARE_CR4_UMIP 0x800

/* Selectors. The data segment of ring 3 serves the kernel, too. */
#define SEL_CODE0 0x08
#define SEL_DATA0 0x10
#define SEL_CODE1 0x19
#define SEL_DATA1 0x21
#define SEL_CODE3 0x2b
#define SEL_DATA3 0x33
#define SEL_CODE3_16 0x3b
#define SEL_SHORT3 0x43 /* ends behind the stack */
#define SEL_CODE0_64 0x48
#define SEL_CODE3_64 0x53
#define SEL_TSS 0x58
#define GDT_ENTRIES 13

#endif
