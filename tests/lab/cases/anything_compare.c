// SPDX-License-Identifier: GPL-2.0-only
/*
 * anything_compare.c - what of a held machine may differ from the bare one. All of it:
 *
 *	SGDT, SIDT, SLDT, STR, SMSW	#GP(0) at the instruction, whatever else would have come of
 *it; nothing has changed. But for #UD, which comes first.
 *	CPUID				the bits below, of these leaves, and our own leaves
 *	VMRUN and its like (AMD)	#GP(0) and not #UD: EFER.SVME is set for the processor,
 *which then looks at the privilege level before it exits (APM vol. 3, VMRUN) any RF in the flags
 *that are saved: processors set it for faults and clear it behind instructions (APM vol. 2, 3.1.6;
 *SDM vol. 3, 17.3.1.1), and so does oldguard; QEMU 7.2 by itself does neither LOCK CPUID
 *#UD, as the manuals have it; QEMU 7.2 by itself executes it
 */
#include "anything.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Any bit of a register that may differ: EAX, EBX, ECX, EDX. */
static const struct {
	uint32_t first, last, mask[4];
} cpuid_may[] = {
	/* The highest leaf, if it was below 7 */
	{ 0, 0, { ~0u } },
	/* VMX, SMX, a hypervisor is there */
	{ 1, 1, { 0, 0, 1u << 31 | 1u << 5 | 1u << 6, 0 } },
	/* UMIP */
	{ 7, 7, { 0, 0, 1u << 2, 0 } },
	{ 0x40000000, 0x4000ffff, { ~0u, ~0u, ~0u, ~0u } },
	{ 0x80000000, 0x80000000, { ~0u } },
	/* SVM, SKINIT */
	{ 0x80000001, 0x80000001, { 0, 0, 1u << 2 | 1u << 12, 0 } },
	{ 0x8000000a, 0x8000000a, { ~0u, ~0u, ~0u, ~0u } },
	/* SEV and what belongs to it */
	{ 0x8000001f, 0x8000001f, { 1u << 1 | 1u << 3 | 1u << 4 } },
	/* CPUID faulting */
	{ 0x80000021, 0x80000021, { 1u << 17 } },
};

/* The highest leaves, basic and extended: what lies behind the bare machine's, and not behind ours,
 * may be anything. */
static uint32_t bare_highest[2], held_highest[2];

static char *after(char *line, const char *word)
{
	char *at = strstr(line, word);

	return at ? at + strlen(word) : NULL;
}

/* What a register was left with; false where it is as it was. */
static int result(char *line, const char *name, unsigned long *value)
{
	char *regs = after(line, " regs"), *at = regs ? after(regs, name) : NULL;

	if (at)
		*value = strtoul(at, NULL, 16);
	return !!at;
}

/* Both have run; what they left differs in allowed bits alone. */
static int cpuid_allowed(char *bare, char *held)
{
	static const char *const names[] = { " ax=", " bx=", " cx=", " dx=" };
	char *leaf = after(bare, " leaf "), *end_bare = strstr(bare, " regs"),
	     *end_held = strstr(held, " regs");
	uint32_t number, i, j;

	if (!leaf || !end_bare || !end_held || end_bare - bare != end_held - held ||
	    memcmp(bare, held, end_bare - bare) ||
	    strcmp(strstr(bare, " data"), strstr(held, " data")))
		return 0;
	number = strtoul(leaf, NULL, 16);
	i = number >> 31;
	if (bare_highest[i] && number > bare_highest[i] && number <= held_highest[i])
		return 1;
	for (i = 0; i < sizeof(cpuid_may) / sizeof(cpuid_may[0]); i++) {
		if (number < cpuid_may[i].first || number > cpuid_may[i].last)
			continue;
		for (j = 0; j < 4; j++) {
			unsigned long a = 0, b = 0;
			int same = result(bare, names[j], &a) == result(held, names[j], &b);

			/* A register that is as it was is not told: then its value is not known. */
			if (same ? (a ^ b) & ~(unsigned long)cpuid_may[i].mask[j]
				 : !cpuid_may[i].mask[j])
				return 0;
		}
		return 1;
	}
	return 0;
}

/* SIGSEGV from the kernel, trap 13, error code 0, the instruction's own address, nothing changed.
 */
static int umip_allowed(char *bare, char *held)
{
	char *bare_rip = after(bare, " rip "), *held_rip = after(held, " rip ");

	if (!after(held, " : 11 128 at 0 trap 13 0 rip ") || !after(held, " regs - data 0 fpu ") ||
	    !held_rip)
		return 0;
	/* It ran, or its operand could not be stored; #UD would have come before. */
	return bare_rip && (!after(bare, " : 4 ") ||
			    strtoul(bare_rip, NULL, 16) != strtoul(held_rip, NULL, 16));
}

/* What comes of VMRUN and its like: #UD, then #GP. Of LOCK CPUID: something, then #UD. */
static int refused_allowed(char *bare, char *held)
{
	char *code = after(held, " any 64 "), *end = strstr(held, " : "), *at;

	if (!after(held, " regs - data 0 "))
		return 0;
	if (after(held, " cpuid "))
		return (at = strstr(held, "f0")) && at < end && after(held, " : 4 2 at ") &&
		       !after(bare, " : 4 ");
	if (!code)
		code = after(held, " any 32 ");
	if (!code || !after(bare, " : 4 2 at ") || !after(held, " : 11 128 at 0 trap 13 0 "))
		return 0;
	at = strstr(code, "0f01d");
	return at && at < end && at[5] >= '8';
}

/* Takes RF out of a line's flags. */
static void without_rf(char *line, char *out)
{
	char *flags = after(line, " flags "), *rest;

	strcpy(out, line);
	if (flags) {
		unsigned long value = strtoul(flags, &rest, 16);

		sprintf(out + (flags - line), "%lx%s", value & ~0x10000UL, rest);
	}
}

/* Leaves 0 and 0x80000000 say it. */
static void note_highest(char *line, uint32_t *highest)
{
	char *leaf = after(line, " leaf ");
	unsigned long number = leaf ? strtoul(leaf, NULL, 16) : 1, value;

	if ((number == 0 || number == 0x80000000) && result(line, " ax=", &value))
		highest[number >> 31] = value;
}

int anything_compare(const char *bare_name, const char *held_name)
{
	unsigned int cases = 0, umip = 0, cpuid = 0, flag = 0, refused = 0, differ = 0;
	FILE *bare = fopen(bare_name, "r"), *held = fopen(held_name, "r");
	static char a[1024], b[1024], bare_line[1024], held_line[1024];

	if (!bare || !held)
		return 2;
	while (fgets(a, sizeof(a), bare))
		note_highest(a, bare_highest);
	while (fgets(b, sizeof(b), held))
		note_highest(b, held_highest);
	rewind(bare);
	rewind(held);
	while (fgets(bare_line, sizeof(a), bare)) {
		if (!fgets(held_line, sizeof(b), held))
			return 2;
		cases++;
		without_rf(bare_line, a);
		without_rf(held_line, b);
		if (!strcmp(a, b))
			flag += strcmp(bare_line, held_line) != 0;
		else if (after(a, " umip ") && umip_allowed(a, b))
			umip++;
		else if (after(a, " cpuid ") && cpuid_allowed(a, b))
			cpuid++;
		else if (refused_allowed(a, b))
			refused++;
		else if (differ++ < 20)
			printf("- %s+ %s", bare_line, held_line);
	}
	printf("%u cases, UMIP made %u #GP, CPUID's allowed bits differ in %u, RF in %u, VM "
	       "instructions and LOCK CPUID in %u; "
	       "others differ in %u\n",
	       cases, umip, cpuid, flag, refused, differ);
	return differ || !cases || fgets(b, sizeof(b), held);
}
