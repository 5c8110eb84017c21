/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * access.h - the guest's memory by segment and offset, with every fault the hardware would raise.
 *
 * A store is all or nothing: both pages of one that crosses are walked before a byte is written.
 */
#ifndef OLDGUARD_ACCESS_H
#define OLDGUARD_ACCESS_H

#include "walk.h"

/** enum guest_seg - segment registers by their hardware number, the same as enum insn_seg */
enum guest_seg { GUEST_ES, GUEST_CS, GUEST_SS, GUEST_DS, GUEST_FS, GUEST_GS, GUEST_SEGS };

/* struct guest_segment.attr: descriptor bits 40-47 and 52-55, packed (AMD APM vol. 2, 4.7) */
#define SEG_TYPE	0x00fu
#define SEG_ACCESSED	0x001u
#define SEG_WRITABLE	0x002u	/* data; readable for code */
#define SEG_DOWN	0x004u	/* data: expands down; conforming for code */
#define SEG_CODE	0x008u
#define SEG_S		0x010u	/* code or data, no system segment */
#define SEG_DPL_SHIFT	5
#define SEG_PRESENT	0x080u	/* clear it for an unusable (null) segment */
#define SEG_LONG	0x200u
#define SEG_DB		0x400u
#define SEG_GRAN	0x800u

/**
 * struct guest_segment - a segment register with its hidden part
 * @base: linear base; all 64 bits count for FS and GS in 64-bit mode
 * @limit: in bytes, already scaled by the granularity bit
 * @selector: visible part
 * @attr: SEG_* bits; without SEG_PRESENT the segment is unusable
 */
struct guest_segment {
	u64 base;
	u32 limit;
	u16 selector;
	u16 attr;
};

/**
 * struct guest_mem - all that decides an access to guest memory
 * @walk: registers for the page walk
 * @seg: segment registers
 */
struct guest_mem {
	struct walk_state walk;
	struct guest_segment seg[GUEST_SEGS];
};

/**
 * struct guest_span - where an operand lies: one piece, or two if it crosses a page
 * @gpa: guest-physical address of each piece
 * @len: its length; len[1] is 0 if there is one piece
 */
struct guest_span {
	u64 gpa[2];
	u32 len[2];
};

/** guest_code_mode() - 16, 32 or 64: how the code at CS:RIP is decoded (enum decode_mode) */
u32 guest_code_mode(const struct guest_mem *mem);

/**
 * guest_fetch() - the bytes of the instruction at CS:RIP
 * @mem: guest state
 * @rip: instruction pointer
 * @buf: room for 15 bytes
 * @got: how many bytes were read
 * @fault: why there are fewer than 15
 *
 * Fewer than 15 bytes are no fault in themselves: raise *fault only if the decoder says that the
 * instruction goes on (DECODE_SHORT).
 *
 * Return: WALK_OK with *got from 1 to 15; else *got is 0 and WALK_FAULT or WALK_NO_MEMORY. With
 * fewer than 15 bytes and fault->vector 0, there is no memory behind the next page.
 */
enum walk_status guest_fetch(const struct guest_mem *mem, u64 rip, u8 buf[15], u32 *got,
			     struct guest_fault *fault);

/**
 * guest_span() - check an access of the running program and find its guest-physical place
 * @mem: guest state
 * @seg: enum guest_seg, the effective segment
 * @offset: effective address, already truncated to the address size
 * @size: bytes, 1 to 4096
 * @align: natural alignment for #AC at CPL 3: the operand's size; 1 if it is never checked
 * @access: WALK_READ or WALK_WRITE; WALK_PEEK and WALK_SYSTEM as for guest_walk()
 * @span: the place, if WALK_OK
 * @fault: the exception, if WALK_FAULT
 *
 * For callers that need more than a copy: an atomic read-modify-write, a store under a guard.
 */
enum walk_status guest_span(const struct guest_mem *mem, u32 seg, u64 offset, u32 size, u32 align,
			    u32 access, struct guest_span *span, struct guest_fault *fault);

/** guest_load() - read an operand: 1, 2, 4, 8 bytes, aligned to that or #AC; see guest_span() */
enum walk_status guest_load(const struct guest_mem *mem, u32 seg, u64 offset, u32 size, void *buf,
			    struct guest_fault *fault);

/** guest_store() - write an operand of such a size, all or nothing; see guest_span() */
enum walk_status guest_store(const struct guest_mem *mem, u32 seg, u64 offset, u32 size,
			     const void *buf, struct guest_fault *fault);

/**
 * guest_store_table() - store a pseudo-descriptor as SGDT and SIDT do
 * @limit: 16 bits, stored first
 * @base: stored after it: 8 bytes in 64-bit mode, 4 otherwise, whatever the operand size
 *
 * Two stores for the alignment check (Intel SDM vol. 3, 3.5.1: an address that is 2 modulo 4
 * never raises #AC in 32-bit code), one store for everything else: all or nothing.
 */
enum walk_status guest_store_table(const struct guest_mem *mem, u32 seg, u64 offset, u16 limit,
				   u64 base, struct guest_fault *fault);

/** guest_load_table() - read the operand of LGDT and LIDT; no #AC, they are for CPL 0 */
enum walk_status guest_load_table(const struct guest_mem *mem, u32 seg, u64 offset, u16 *limit,
				  u64 *base, struct guest_fault *fault);

/**
 * guest_load_linear() - read at a linear address as the processor itself does
 * @linear: canonical linear address
 *
 * For descriptors in the GDT and LDT: a supervisor access whatever the CPL (WALK_SYSTEM).
 */
enum walk_status guest_load_linear(const struct guest_mem *mem, u64 linear, u32 size, void *buf,
				   struct guest_fault *fault);

#endif
