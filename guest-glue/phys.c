// SPDX-License-Identifier: GPL-2.0-only
/*
 * phys.c - guest-physical memory through the root side's window at ROOT_PHYS. Where nothing is
 * mapped, or the guest may only read (its view of the block), the access faults and the fault
 * handler brings it to the label.
 */
#include "phys.h"

#include "machine.h"

static bool in_window(u64 gpa, u32 len)
{
	return gpa < ROOT_PHYS_MAX && gpa % PAGE_BYTES + len <= PAGE_BYTES;
}

/* REP MOVSB resumes where it faulted, but a range inside one page faults on its first byte. */
static bool copy(void *dst, const void *src, u64 len)
{
	asm goto volatile("1: rep movsb\n\t" EXTABLE("1b", "%l[fault]")
			  : "+D"(dst), "+S"(src), "+c"(len)
			  :
			  : "memory"
			  : fault);
	return true;
fault:
	return false;
}

bool phys_read(u64 gpa, void *dst, u32 len)
{
	u64 both;

	if (!in_window(gpa, len))
		return false;
	if ((len != 4 && len != 8) || gpa % len)
		return copy(dst, (const void *)(uintptr_t)(ROOT_PHYS + gpa), len);
	/* Paging-structure entries among them: by one load. */
	if (!phys_load(ROOT_PHYS + (gpa & ~7ULL), &both))
		return false;
	if (len == 8)
		*(u64 *)dst = both;
	else
		*(u32 *)dst = both >> (gpa & 4) * 8;
	return true;
}

bool phys_write_guarded(u64 gpa, const void *src, u32 len)
{
	return in_window(gpa, len) && copy((void *)(uintptr_t)(ROOT_PHYS + gpa), src, len);
}

bool phys_write(u64 gpa, const void *src, u32 len)
{
	return !slat_guarded(&machine, gpa) && phys_write_guarded(gpa, src, len);
}

int phys_cmpxchg(u64 gpa, u32 size, u64 old, u64 new)
{
	void *at = (void *)(uintptr_t)(ROOT_PHYS + gpa);
	u64 seen = old;

	if (!in_window(gpa, size) || slat_guarded(&machine, gpa))
		return -1;
	if (size == sizeof(u32))
		asm goto volatile("1: lock cmpxchgl %k[new], %[at]\n\t" EXTABLE("1b", "%l[fault]")
				  : "+a"(seen), [at] "+m"(*(u32 *)at)
				  : [new] "r"(new)
				  : "memory", "cc"
				  : fault);
	else
		asm goto volatile("1: lock cmpxchgq %[new], %[at]\n\t" EXTABLE("1b", "%l[fault]")
				  : "+a"(seen), [at] "+m"(*(u64 *)at)
				  : [new] "r"(new)
				  : "memory", "cc"
				  : fault);
	return seen == old;
fault:
	return -1;
}
