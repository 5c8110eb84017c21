/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rule.h - the policy language: a rule is an asset, a permission and an action, one a line.
 *
 *	policy     = line { newline line } ; a ';' may stand for a newline
 *	line       = [ rule ] [ "#" comment ]
 *	rule       = asset permission action { word "=" number }
 *
 *	cr4.smep pinned deny		cr0.wp+am pinned log rate=5
 *	msr:lstar ro log		msr:efer.nxe ro deny		msr:0x10-0x1f none ignore
 *	io:0x64 none deny		io:0xcf8-0xcff ro log
 *	mem:rodata r deny		mem:0xffffffff81000000-0xffffffff81000fff r log
 *	exc:divide kernel skip result=0	exc:page 0xffffffffc0000000-0xffffffffc0000fff skip
 *
 * The first rule that fits decides; what none fits is the guest's own affair. This file and its
 * parser know nothing of processors and machines: the oldguard command reads policies with them.
 */
#ifndef OLDGUARD_RULE_H
#define OLDGUARD_RULE_H

#include "../guest-glue/text.h"

/* The kernel's half of the address space: memory from here up is meant by linear addresses. */
#define KERNEL_FIRST 0x8000000000000000ULL

#define RULES_MAX 48
/* A sysfs file is written in pieces of a page: a policy has to fit into one, with its end. */
#define POLICY_TEXT_MAX 4095

enum asset { ASSET_NONE, ASSET_CR, ASSET_MSR, ASSET_IO, ASSET_MEMORY, ASSET_EXCEPTION, ASSETS };

/* What the guest may do. */
enum permission {
	PERM_PINNED, /* set bits stay set */
	PERM_RO,     /* read, not change; memory: `r` */
	PERM_NONE,   /* neither */
	PERM_RIP,    /* exceptions: raised by an instruction in [rip_first, rip_last] */
};

/* What happens where it does more; the order is from loose to strict. */
enum action {
	ACTION_ALLOW,
	ACTION_LOG,    /* report, and let it through */
	ACTION_IGNORE, /* a write is dropped, a read gives ones (an MSR: zeros); the guest goes on */
	ACTION_SKIP,   /* exceptions: the instruction is stepped over, its result is `result` */
	ACTION_DENY,   /* #GP(0) */
	ACTIONS
};

/* Memory that has a name: Linux's side knows where it is. */
enum area { AREA_ADDRESS, AREA_RODATA, AREA_TEXT, AREA_IDT, AREA_TABLES, AREAS };

#define RULE_RATE_DEFAULT 10

/**
 * struct rule - one line of a policy
 * @asset: enum asset
 * @permission: enum permission
 * @action: enum action
 * @area: enum area, of memory that is named; AREA_ADDRESS: it is at @first to @last
 * @line: where it stood in the text, from 1; 0: a feature's own
 * @rate: reports a second and processor, at the most
 * @first: lowest number: control register, MSR, port, address, vector
 * @last: highest number, at least @first
 * @mask: bits of the register that the rule is about
 * @result: of a skipped instruction
 * @rip_first: where the instruction lies that raises the exception
 * @rip_last: its last byte
 */
struct rule {
	u8 asset;
	u8 permission;
	u8 action;
	u8 area;
	u32 line;
	u32 rate;
	u64 first;
	u64 last;
	u64 mask;
	u64 result;
	u64 rip_first;
	u64 rip_last;
};

/**
 * struct policy - the rules of a text, in its order
 * @count: how many
 * @rule: the rules
 */
struct policy {
	u32 count;
	struct rule rule[RULES_MAX];
};

/**
 * policy_parse() - read a policy
 * @text: what the user typed; not changed
 * @length: its bytes, without a final NUL
 * @out: the result; undefined on error
 * @why: on error, a sentence that begins with line and column
 *
 * Return: true, or false with @why filled in.
 */
bool policy_parse(const char *text, u32 length, struct policy *out, struct text *why);

/**
 * rule_print() - a rule as policy_parse() reads it, without a newline
 * @rule: the rule
 * @out: where to
 */
void rule_print(const struct rule *rule, struct text *out);

/**
 * asset_print() - the asset of a rule, or of an event, in the policy's words
 * @asset: the kind
 * @number: which one: control register, MSR, port, address, vector
 * @mask: bits of a register, ~0: all of it
 * @out: where to
 */
void asset_print(enum asset asset, u64 number, u64 mask, struct text *out);

/**
 * rule_covers() - whether a rule is about a number
 * @rule: the rule
 * @asset: the kind
 * @number: which one
 */
static inline bool rule_covers(const struct rule *rule, enum asset asset, u64 number)
{
	return rule->asset == asset && number >= rule->first && number <= rule->last;
}

/* rule_is_physical() - whether a rule is about guest-physical memory, by number */
static inline bool rule_is_physical(const struct rule *rule)
{
	return rule->asset == ASSET_MEMORY && rule->area == AREA_ADDRESS &&
	       rule->first < KERNEL_FIRST;
}

/* rule_same() - whether two rules say the same, wherever they stood */
bool rule_same(const struct rule *a, const struct rule *b);

/* action_name() - an action's word */
const char *action_name(enum action action);

#endif
