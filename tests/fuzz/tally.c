// SPDX-License-Identifier: GPL-2.0-only
#include "tally.h"

#include <string.h>

/* For each exit so many inputs; of the further exits of each one, at most four. */
#define INPUTS 12
#define FURTHER 4

#define CODES_MAX 512

static struct {
	u64 code;
	u64 met;
} codes[CODES_MAX];
static u32 count;
static u64 kinds[VMEXIT_KINDS + 1][TALLY_ENDS];

void tally(u64 code, enum vmexit_kind kind, enum tally_end end)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (codes[i].code == code)
			codes[i].met++;
	kinds[kind][end]++;
}

static void tell(void)
{
	static const char *const ends[] = { "entered", "step", "stopped", "left", "halted" };
	u32 i, j, fewest = 0, missed = 0;

	for (i = 0; i < count; i++) {
		fprintf(stderr, "exit %lx: %lu\n", (unsigned long)codes[i].code,
			(unsigned long)codes[i].met);
		if (codes[i].met < codes[fewest].met)
			fewest = i;
		missed += !codes[i].met;
	}
	for (i = 0; i <= VMEXIT_KINDS; i++) {
		fprintf(stderr, "kind %s:", i < VMEXIT_KINDS ? vmexit_kind_name(i) : "(none)");
		for (j = 0; j < TALLY_ENDS; j++)
			if (kinds[i][j])
				fprintf(stderr, " %s %lu", ends[j], (unsigned long)kinds[i][j]);
		fprintf(stderr, "\n");
	}
	fprintf(stderr, "exit codes met: %u of %u, the rarest (%lx) %lu times\n", count - missed,
		count, (unsigned long)codes[fewest].code, (unsigned long)codes[fewest].met);
}

/* xorshift: the same everywhere. */
static u64 random_number(void)
{
	static u64 state = 0x6f6c646775617264;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void fill(u8 *bytes, size_t size)
{
	for (; size; size--)
		*bytes++ = random_number() >> 24;
}

void tally_sweep(int (*one)(const u8 *data, size_t size), const u16 *exits, const u64 *of,
		 u32 exit_count)
{
	u8 data[sizeof(struct guest_input) + FURTHER * 10];
	struct guest_input in;
	u32 i, n, more;

	REQUIRE(exit_count <= CODES_MAX);
	for (i = 0; i < exit_count; i++)
		codes[count++].code = of[i];
	for (i = 0; i < exit_count * INPUTS; i++) {
		fill(data, sizeof(data));
		memcpy(&in, data, sizeof(in));
		in.exit = exits[i / INPUTS];
		/* Guests as they usually are in most of them: 64-bit, their pages there. */
		if (i % 4) {
			in.mode = MODE_LONG;
			in.rights = 0;
		}
		memcpy(data, &in, sizeof(in));
		more = random_number() % (FURTHER + 1);
		for (n = 0; n < more; n++)
			data[sizeof(in) + n * 10 + 1] |= GUEST_MORE >> 8;
		one(data, sizeof(in) + more * 10);
	}
	atexit(tell);
}
