// SPDX-License-Identifier: GPL-2.0-only
/*
 * asset.c - what the policy language calls registers, bits, memory and exceptions: AMD APM vol. 2,
 * 3.1, 8.2 and appendix A; Intel SDM vol. 3, 2.5 and 6.3, vol. 4.
 */
#include "asset.h"

static const char *const cr0_bits[64] = {
	[0] = "pe",  [1] = "mp",  [2] = "em",  [3] = "ts",  [4] = "et",	 [5] = "ne",
	[16] = "wp", [18] = "am", [29] = "nw", [30] = "cd", [31] = "pg",
};
static const char *const cr4_bits[64] = {
	[0] = "vme",	     [1] = "pvi",    [2] = "tsd",      [3] = "de",    [4] = "pse",
	[5] = "pae",	     [6] = "mce",    [7] = "pge",      [8] = "pce",   [9] = "osfxsr",
	[10] = "osxmmexcpt", [11] = "umip",  [12] = "la57",    [13] = "vmxe", [14] = "smxe",
	[16] = "fsgsbase",   [17] = "pcide", [18] = "osxsave", [20] = "smep", [21] = "smap",
	[22] = "pke",	     [23] = "cet",
};
static const char *const efer_bits[64] = {
	[0] = "sce",   [8] = "lme",    [10] = "lma",   [11] = "nxe",
	[12] = "svme", [13] = "lmsle", [14] = "ffxsr", [15] = "tce",
};

const struct asset_name asset_names[] = {
	{ "cr0", ASSET_CR, AREA_ADDRESS, 0, cr0_bits },
	{ "cr4", ASSET_CR, AREA_ADDRESS, 4, cr4_bits },
	{ "apic_base", ASSET_MSR, AREA_ADDRESS, 0x1b, NULL },
	{ "platform_info", ASSET_MSR, AREA_ADDRESS, 0xce, NULL },
	{ "misc_features_enables", ASSET_MSR, AREA_ADDRESS, 0x140, NULL },
	{ "sysenter_cs", ASSET_MSR, AREA_ADDRESS, 0x174, NULL },
	{ "sysenter_esp", ASSET_MSR, AREA_ADDRESS, 0x175, NULL },
	{ "sysenter_eip", ASSET_MSR, AREA_ADDRESS, 0x176, NULL },
	{ "misc_enable", ASSET_MSR, AREA_ADDRESS, 0x1a0, NULL },
	{ "debugctl", ASSET_MSR, AREA_ADDRESS, 0x1d9, NULL },
	{ "pat", ASSET_MSR, AREA_ADDRESS, 0x277, NULL },
	{ "mtrr_def_type", ASSET_MSR, AREA_ADDRESS, 0x2ff, NULL },
	{ "efer", ASSET_MSR, AREA_ADDRESS, 0xc0000080, efer_bits },
	{ "star", ASSET_MSR, AREA_ADDRESS, 0xc0000081, NULL },
	{ "lstar", ASSET_MSR, AREA_ADDRESS, 0xc0000082, NULL },
	{ "cstar", ASSET_MSR, AREA_ADDRESS, 0xc0000083, NULL },
	{ "sfmask", ASSET_MSR, AREA_ADDRESS, 0xc0000084, NULL },
	{ "fs_base", ASSET_MSR, AREA_ADDRESS, 0xc0000100, NULL },
	{ "gs_base", ASSET_MSR, AREA_ADDRESS, 0xc0000101, NULL },
	{ "kernel_gs_base", ASSET_MSR, AREA_ADDRESS, 0xc0000102, NULL },
	{ "hwcr", ASSET_MSR, AREA_ADDRESS, 0xc0010015, NULL },
	{ "rodata", ASSET_MEMORY, AREA_RODATA, 0, NULL },
	{ "text", ASSET_MEMORY, AREA_TEXT, 0, NULL },
	{ "idt", ASSET_MEMORY, AREA_IDT, 0, NULL },
	{ "tables", ASSET_MEMORY, AREA_TABLES, 0, NULL },
	{ "divide", ASSET_EXCEPTION, AREA_ADDRESS, 0, NULL },
	{ "debug", ASSET_EXCEPTION, AREA_ADDRESS, 1, NULL },
	{ "breakpoint", ASSET_EXCEPTION, AREA_ADDRESS, 3, NULL },
	{ "overflow", ASSET_EXCEPTION, AREA_ADDRESS, 4, NULL },
	{ "bound", ASSET_EXCEPTION, AREA_ADDRESS, 5, NULL },
	{ "undefined", ASSET_EXCEPTION, AREA_ADDRESS, 6, NULL },
	{ "protection", ASSET_EXCEPTION, AREA_ADDRESS, 13, NULL },
	{ "page", ASSET_EXCEPTION, AREA_ADDRESS, 14, NULL },
	{ "alignment", ASSET_EXCEPTION, AREA_ADDRESS, 17, NULL },
};
const u32 asset_name_count = ARRAY_SIZE(asset_names);

/* What stands before the name or number; control registers have none. */
static const char *const prefixes[ASSETS] = {
	[ASSET_CR] = "",	 [ASSET_MSR] = "msr:",	     [ASSET_IO] = "io:",
	[ASSET_MEMORY] = "mem:", [ASSET_EXCEPTION] = "exc:",
};

const char *asset_prefix(enum asset asset)
{
	return prefixes[asset];
}

static void print_bits(const char *const names[64], u64 mask, struct text *out)
{
	const char *between = ".";
	u32 bit;

	for (bit = 0; bit < 64; bit++) {
		if (!(mask >> bit & 1))
			continue;
		text_add(out, between);
		if (names && names[bit])
			text_add(out, names[bit]);
		else
			text_add_u64(out, bit);
		between = "+";
	}
}

/* The name of a number, or of an area. */
static const struct asset_name *find(enum asset asset, enum area area, u64 number)
{
	u32 i;

	for (i = 0; i < asset_name_count; i++) {
		const struct asset_name *n = &asset_names[i];

		if (n->asset == asset && n->area == area && n->number == number)
			return n;
	}
	return NULL;
}

void asset_print(enum asset asset, u64 number, u64 mask, struct text *out)
{
	const struct asset_name *n = find(asset, AREA_ADDRESS, number);

	text_add(out, prefixes[asset]);
	if (n)
		text_add(out, n->name);
	else
		text_add_hex(out, number);
	if (mask != ~0ULL && (asset == ASSET_CR || asset == ASSET_MSR))
		print_bits(n ? n->bits : NULL, mask, out);
}

static void print_range(u64 first, u64 last, struct text *out)
{
	text_add_hex(out, first);
	if (last == first)
		return;
	text_add(out, "-");
	text_add_hex(out, last);
}

static void print_what(const struct rule *rule, struct text *out)
{
	if (rule->area != AREA_ADDRESS) {
		text_add(out, prefixes[rule->asset]);
		text_add(out, find(rule->asset, rule->area, 0)->name);
	} else if (rule->first == rule->last) {
		asset_print(rule->asset, rule->first, rule->mask, out);
	} else {
		text_add(out, prefixes[rule->asset]);
		print_range(rule->first, rule->last, out);
		if (rule->asset == ASSET_MSR && rule->mask != ~0ULL)
			print_bits(NULL, rule->mask, out);
	}
}

static const char *const permissions[] = {
	[PERM_PINNED] = "pinned",
	[PERM_RO] = "ro",
	[PERM_NONE] = "none",
};

static const char *const actions[ACTIONS] = {
	[ACTION_ALLOW] = "allow", [ACTION_LOG] = "log",	  [ACTION_IGNORE] = "ignore",
	[ACTION_SKIP] = "skip",	  [ACTION_DENY] = "deny",
};

const char *action_name(enum action action)
{
	return actions[action];
}

void rule_print(const struct rule *rule, struct text *out)
{
	print_what(rule, out);
	text_add(out, " ");
	if (rule->permission != PERM_RIP)
		text_add(out, rule->asset == ASSET_MEMORY ? "r" : permissions[rule->permission]);
	else if (rule->rip_first == KERNEL_FIRST && rule->rip_last == ~0ULL)
		text_add(out, "kernel");
	else
		print_range(rule->rip_first, rule->rip_last, out);
	text_add(out, " ");
	text_add(out, actions[rule->action]);
	if (rule->result) {
		text_add(out, " result=");
		text_add_u64(out, rule->result);
	}
	if (rule->rate != RULE_RATE_DEFAULT) {
		text_add(out, " rate=");
		text_add_u64(out, rule->rate);
	}
}

bool rule_same(const struct rule *a, const struct rule *b)
{
	return a->asset == b->asset && a->permission == b->permission && a->action == b->action &&
	       a->area == b->area && a->rate == b->rate && a->first == b->first &&
	       a->last == b->last && a->mask == b->mask && a->result == b->result &&
	       a->rip_first == b->rip_first && a->rip_last == b->rip_last;
}
