// SPDX-License-Identifier: GPL-2.0-only
/*
 * mtrr.c - which memory type the MTRRs give a piece of memory: Intel SDM vol. 3, 12.11; AMD APM
 * vol. 2, 7.7.
 */
#include "machine.h"
#include "string.h"

#define TYPE_UC 0
#define TYPE_WT 4
#define TYPE_WB 6

#define CAP_VARIABLE 0xffu
#define CAP_FIXED BIT64(8)
#define DEF_FIXED BIT64(10)
#define DEF_ON BIT64(11)
#define MASK_VALID BIT64(11)

#define FIXED_END 0x100000u

static const u16 fixed_msrs[MTRR_FIXED] = {
	MSR_MTRR_FIX64K_00000,	  MSR_MTRR_FIX16K_80000,    MSR_MTRR_FIX16K_A0000,
	MSR_MTRR_FIX4K_C0000,	  MSR_MTRR_FIX4K_C0000 + 1, MSR_MTRR_FIX4K_C0000 + 2,
	MSR_MTRR_FIX4K_C0000 + 3, MSR_MTRR_FIX4K_C0000 + 4, MSR_MTRR_FIX4K_C0000 + 5,
	MSR_MTRR_FIX4K_C0000 + 6, MSR_MTRR_FIX4K_C0000 + 7,
};

static bool has_mtrrs(void)
{
	u32 out[4];

	cpu_cpuid(1, 0, out);
	return out[CPUID_EDX] >> 12 & 1;
}

static u32 variable_count(u64 cap)
{
	u32 count = cap & CAP_VARIABLE;

	return count < MTRR_VARIABLE_MAX ? count : MTRR_VARIABLE_MAX;
}

void mtrr_each(void (*call)(void *data, u32 msr), void *data)
{
	u64 cap;
	u32 i;

	if (!has_mtrrs())
		return;
	cap = cpu_rdmsr(MSR_MTRR_CAP);
	call(data, MSR_MTRR_DEF_TYPE);
	for (i = 0; i < 2 * variable_count(cap); i++)
		call(data, MSR_MTRR_PHYS_BASE0 + i);
	for (i = 0; cap & CAP_FIXED && i < MTRR_FIXED; i++)
		call(data, fixed_msrs[i]);
}

bool mtrr_is(u32 msr)
{
	return (msr >= MSR_MTRR_PHYS_BASE0 && msr <= MSR_MTRR_FIX4K_C0000 + 7) ||
	       msr == MSR_MTRR_DEF_TYPE;
}

void mtrr_read(const struct machine *m, struct mtrrs *out)
{
	u64 width = BIT64(m->maxphyaddr) - 1;
	u64 cap, def;
	u32 i;

	memset(out, 0, sizeof(*out));
	if (!has_mtrrs())
		return;
	def = cpu_rdmsr(MSR_MTRR_DEF_TYPE);
	if (!(def & DEF_ON))
		return;
	cap = cpu_rdmsr(MSR_MTRR_CAP);
	out->on = true;
	out->standard = (u8)def;
	out->fixed_on = cap & CAP_FIXED && def & DEF_FIXED;
	for (i = 0; out->fixed_on && i < MTRR_FIXED; i++)
		out->fixed[i] = cpu_rdmsr(fixed_msrs[i]);
	for (i = 0; i < variable_count(cap); i++) {
		u64 mask = cpu_rdmsr(MSR_MTRR_PHYS_MASK0 + 2 * i);

		if (!(mask & MASK_VALID))
			continue;
		out->mask[out->count] = mask & width & ~(PAGE_BYTES - 1);
		out->base[out->count++] = cpu_rdmsr(MSR_MTRR_PHYS_BASE0 + 2 * i);
	}
}

/* The 88 ranges below 1 MiB: 8 of 64 KiB, 16 of 16 KiB, 64 of 4 KiB, eight in each MSR. */
static u8 fixed_type(const struct mtrrs *mtrrs, u64 pa)
{
	u32 range = pa < 0x80000   ? pa >> 16
		    : pa < 0xc0000 ? 8 + ((pa - 0x80000) >> 14)
				   : 24 + ((pa - 0xc0000) >> 12);

	return mtrrs->fixed[range / 8] >> (range % 8 * 8);
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
	const struct mtrrs *mtrrs = &m->mtrrs;
	bool found = false;
	u32 i;

	*type = TYPE_UC;
	if (!mtrrs->on)
		return true;
	if (pa < FIXED_END && mtrrs->fixed_on) {
		/* Only single pages are asked for down here: they never straddle a range. */
		*type = fixed_type(mtrrs, pa);
		return bytes == PAGE_BYTES;
	}
	for (i = 0; i < mtrrs->count; i++) {
		u64 mask = mtrrs->mask[i];

		/* Some address of ours is in this range if all mask bits above ours agree. */
		if ((pa ^ mtrrs->base[i]) & mask & ~(bytes - 1))
			continue;
		/* All are, if the mask has no bit among ours. */
		if (mask & (bytes - 1))
			return false;
		*type = found ? combine(*type, mtrrs->base[i]) : (u8)mtrrs->base[i];
		found = true;
	}
	if (!found)
		*type = mtrrs->standard;
	return true;
}
