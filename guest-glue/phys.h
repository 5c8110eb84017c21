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

#include "types.h"

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
 * Return: false if there is no writable memory at @gpa; then nothing was written.
 */
bool phys_write(u64 gpa, const void *src, u32 len);

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

#endif
