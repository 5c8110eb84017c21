// SPDX-License-Identifier: GPL-2.0-only
/*
 * mtrr.c - which memory type the MTRRs give a piece of memory: Intel SDM vol. 3, 12.11; AMD APM
 * vol. 2, 7.7.
 */
#include "machine.h"

#define TYPE_UC 0
#define TYPE_WT 4
#define TYPE_WB 6

#define CAP_VARIABLE 0xffu
#define CAP_FIXED BIT64(8)
#define DEF_FIXED BIT64(10)
#define DEF_ON BIT64(11)
#define MASK_VALID BIT64(11)

#define FIXED_END 0x100000u

/* The 88 ranges below 1 MiB: 8 of 64 KiB, 16 of 16 KiB, 64 of 4 KiB, eight in each MSR. */
static u8 fixed_type(u64 pa)
{
	u32 msr, index;

	if (pa < 0x80000) {
		msr = MSR_MTRR_FIX64K_00000;
		index = pa >> 16;
	} else if (pa < 0xc0000) {
		msr = MSR_MTRR_FIX16K_80000;
		index = (pa - 0x80000) >> 14;
	} else {
		msr = MSR_MTRR_FIX4K_C0000;
		index = (pa - 0xc0000) >> 12;
	}
	return cpu_rdmsr(msr + index / 8) >> (index % 8 * 8);
}

/* Where two variable ranges overlap: SDM vol. 3, 12.11.4.1. What it leaves undefined is UC here. */
static u8 combine(u8 a, u8 b)
{
	if (a == b)
		return a;
	if ((a == TYPE_WT && b == TYPE_WB) || (a == TYPE_WB && b == TYPE_WT))
		return TYPE_WT;
	return TYPE_UC;
}

bool mtrr_type(const struct machine *m, u64 pa, u64 bytes, u8 *type)
{
	u64 width = BIT64(m->maxphyaddr) - 1;
	bool found = false;
	u64 cap, def;
	u32 i, count;
	u32 out[4];

	*type = TYPE_UC;
	cpu_cpuid(1, 0, out);
	if (!(out[CPUID_EDX] & 1u << 12))
		return true;
	def = cpu_rdmsr(MSR_MTRR_DEF_TYPE);
	if (!(def & DEF_ON))
		return true;
	cap = cpu_rdmsr(MSR_MTRR_CAP);
	if (pa < FIXED_END && cap & CAP_FIXED && def & DEF_FIXED) {
		/* Only single pages are asked for down here: they never straddle a range. */
		*type = fixed_type(pa);
		return bytes == PAGE_BYTES;
	}
	count = cap & CAP_VARIABLE;
	for (i = 0; i < count; i++) {
		u64 mask = cpu_rdmsr(MSR_MTRR_PHYS_MASK0 + 2 * i);
		u64 base, inside;

		if (!(mask & MASK_VALID))
			continue;
		base = cpu_rdmsr(MSR_MTRR_PHYS_BASE0 + 2 * i);
		mask &= width & ~(PAGE_BYTES - 1);
		/* Some address of ours is in this range if all mask bits above ours agree. */
		if ((pa ^ base) & mask & ~(bytes - 1))
			continue;
		/* All are, if the mask has no bit among ours. */
		inside = mask & (bytes - 1);
		if (inside)
			return false;
		*type = found ? combine(*type, base) : (u8)base;
		found = true;
	}
	if (!found)
		*type = (u8)def;
	return true;
}
