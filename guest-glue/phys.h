/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * phys.h - how the root side reads and writes guest-physical memory.
 *
 * Guest-physical and system-physical addresses are the same number here; the root side's window
 * onto them shows what the guest would see (its own block reads as zeros), so that a page walk
 * made on the guest's behalf cannot be led into hidden memory. An address with nothing behind it
 * makes the call return false; it never faults.
 */
#ifndef OLDGUARD_PHYS_H
#define OLDGUARD_PHYS_H

#include "cpu.h"

/*
 * Root-side addresses of the window: PML4 slot 128, far from any that Linux gives a module. The
 * guest-physical address space is larger on paper than any machine of these processors.
 */
#define ROOT_PHYS 0x0000400000000000ULL
#define ROOT_PHYS_MAX (64ULL << 40)

/**
 * phys_read() - copy guest-physical memory out
 * @gpa: guest-physical address; the range must not cross a 4 KiB page
 * @dst: where to
 * @len: bytes, 1 to 4096
 *
 * Return: false if there is no memory at @gpa.
 */
bool phys_read(u64 gpa, void *dst, u32 len);

/**
 * phys_write() - copy into guest-physical memory
 * @gpa: guest-physical address; the range must not cross a 4 KiB page
 * @src: where from
 * @len: bytes, 1 to 4096
 *
 * Memory that the guest cannot write because a rule protects it is not writable here either: what
 * the root side does for the guest it must not do instead of it.
 *
 * Return: false if there is no writable memory at @gpa; then nothing was written.
 */
bool phys_write(u64 gpa, const void *src, u32 len);

/* phys_write_guarded() - the same after a rule has been asked: protected memory is written, too */
bool phys_write_guarded(u64 gpa, const void *src, u32 len);

/**
 * phys_cmpxchg() - atomically replace a paging-structure entry (to set its A and D bits)
 * @gpa: guest-physical address, aligned to @size
 * @size: 4 or 8 bytes
 * @old: the value expected
 * @new: the value to store if it is still @old
 *
 * Return: 1 if replaced, 0 if the entry held something else, -1 if there is no memory.
 */
int phys_cmpxchg(u64 gpa, u32 size, u64 old, u64 new);

/**
 * phys_at() - where the root side sees a page of guest-physical memory
 * @pa: in RAM (below machine.phys_end), and not the block's
 */
#ifdef OLDGUARD_SIM
void *phys_at(u64 pa);
#else
static inline void *phys_at(u64 pa)
{
	return (void *)(uintptr_t)(ROOT_PHYS + pa);
}
#endif

/**
 * phys_load() - read eight bytes of the window, in the fewest instructions
 * @at: ROOT_PHYS + guest-physical address of 52 bits (beyond the window nothing is mapped), in one
 *	page; read by one load if it is a multiple of 8
 * @value: what is there
 *
 * Return: false if there is no memory.
 */
#ifdef OLDGUARD_SIM
static inline bool phys_load(u64 at, u64 *value)
{
	return phys_read(at - ROOT_PHYS, value, sizeof(*value));
}
#else
static inline bool phys_load(u64 at, u64 *value)
{
	u64 loaded;

	asm goto volatile("1: mov %[at], %[loaded]\n\t" EXTABLE("1b", "%l[fault]")
			  : [loaded] "=r"(loaded)
			  : [at] "m"(*(const volatile u64 *)(uintptr_t)at)
			  :
			  : fault);
	*value = loaded;
	return true;
fault:
	return false;
}
#endif

#endif
