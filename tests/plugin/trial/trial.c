// SPDX-License-Identifier: GPL-2.0-only
/*
 * trial.c - a plug-in for the tests: port 0x84, which nothing has, reads as a bit for each of the
 * things that a plug-in relies on and that are as they should be. A write to port 0x85 is a
 * blunder: the plug-in's own code then reads where nothing is.
 */
#include "features/feature.h"
#include "guest-glue/string.h"
#include "guest-glue/vcpu.h"
#include "trial.h"
#include "vmexit/insn.h"

#define TRIAL_PORT 0x84
#define TRIAL_BLUNDER_PORT 0x85

/* Constants with addresses in them, set right where the module was loaded. */
static const char *const words[] = { "to", "and fro" };
static u32 before = 0x12345678;
static u8 zeros[PAGE_BYTES];

/* A fault of our own is caught: nothing is behind this address. */
static bool fix_up_works(void)
{
	u64 value;

	return !phys_load(ROOT_PHYS + ROOT_PHYS_MAX, &value);
}

/* So is one of a function that oldguard has, and what is there is found. */
static bool calls_work(struct vcpu *v)
{
	struct guest_fault fault;
	struct guest_mem mem;
	u8 bytes[16];
	u32 got = 0;

	insn_memory(v, &mem);
	return !phys_read(ROOT_PHYS_MAX, bytes, sizeof(bytes)) &&
	       guest_fetch(&mem, vcpu_get(v, VCPU_RIP), bytes, &got, &fault) == WALK_OK && got;
}

/* By names that are not Linux's. */
static bool copies_work(void)
{
	struct trial big, other;

	memset(&big, 0, sizeof(big));
	big.word[0] = 7;
	memcpy(&other, &big, sizeof(other));
	trial_touch(&other);
	return other.word[0] == 8 && other.word[TRIAL_WORDS - 1] == 1 && big.word[1] == 0;
}

static bool data_works(void)
{
	static u32 reads;

	return before == 0x12345678 && !zeros[PAGE_BYTES - 1] &&
	       __atomic_add_fetch(&reads, 1, __ATOMIC_RELAXED) >= 1;
}

static enum verdict trial_io(struct vcpu *v, struct vmexit *e)
{
	u32 good = 0;

	if (e->addr & IO_STRING || !(e->addr & IO_IN))
		return VERDICT_DEFAULT;
	good |= fix_up_works() << 0;
	good |= calls_work(v) << 1;
	good |= copies_work() << 2;
	good |= data_works() << 3;
	good |= !memcmp(words[1], "and", 3) << 4;
	io_result(v, e, good);
	return VERDICT_NEXT;
}

static enum verdict trial_blunder(struct vcpu *v, struct vmexit *e)
{
	u64 value;

	(void)v;
	if (e->addr & IO_IN)
		return VERDICT_DEFAULT;
	asm volatile("mov (%1), %0" : "=r"(value) : "r"(0xbad0ULL));
	return value ? VERDICT_NEXT : VERDICT_DEFAULT;
}

static const struct claim trial_claims[] = {
	{ VMEXIT_IO, TRIAL_BLUNDER_PORT, TRIAL_BLUNDER_PORT, CLAIM_OWNER, trial_blunder },
	{ VMEXIT_IO, TRIAL_PORT, TRIAL_PORT, CLAIM_OWNER, trial_io },
};

static const struct feature trial = {
	.name = "trial",
	.summary = "port 0x84 tells what of a plug-in works",
	.needs = FACILITY(IO_BITMAP),
	.claims = trial_claims,
	.claim_count = ARRAY_SIZE(trial_claims),
};
FEATURE(trial);
