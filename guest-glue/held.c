// SPDX-License-Identifier: GPL-2.0-only
#include "held.h"

#include "machine.h"

bool held_applies(const struct machine *m, const struct held_msr *held)
{
	return !held->slat || m->caps.slat;
}

static bool refused(const struct machine *m, const struct held_msr *held, u32 msr, u64 value)
{
	u64 now;

	if (held->how == HELD_PLACE)
		return block_overlaps(m, value & held->bits, held->bytes);
	return !cpu_rdmsr_safe(msr, &now) || (now ^ value) & held->bits;
}

bool msr_held(struct vcpu *v, u32 msr, u64 value)
{
	const struct held_msr *held = v->virt->held;
	const struct held_msr *end = held + v->virt->held_count;

	for (; held < end; held++)
		if (msr >= held->first && msr <= held->last)
			return held_applies(v->machine, held) &&
			       refused(v->machine, held, msr, value);
	return false;
}
