/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plan.h - the features that are on, worked out: who handles what, what CPUID says, what must
 * trap.
 *
 * A plan is made whole from the text that the user typed, checked whole, and never edited: a
 * change makes another plan and each processor switches to it by one pointer, so every processor
 * runs either the old one or the new one and a refusal has nothing to undo.
 */
#ifndef OLDGUARD_PLAN_H
#define OLDGUARD_PLAN_H

#include "feature.h"
#include "../guest-glue/text.h"

#define PLAN_CLAIMS_MAX 64
#define PLAN_CPUID_MAX 32
#define PLAN_MSRS_MAX 8
#define FEATURES_TEXT_MAX 1024

/**
 * struct features_on - what the user's text asks for
 * @on: bit n: registered feature n is asked for
 * @all: the word `all`: whatever this processor can get
 * @options: the value of each option
 */
struct features_on {
	u32 on;
	bool all;
	u64 options[FEATURES_MAX][FEATURE_OPTIONS_MAX];
};

#define AREA_RANGES_MAX 64

/**
 * struct area_range - where a piece of memory is that rules do not name by guest-physical address
 * @area: enum area; AREA_ADDRESS: what is linear memory of the kernel's
 * @first: its first byte: guest-physical, whole pages, from Linux's side
 * @last: its last byte
 * @linear: linear address of @first, for AREA_ADDRESS
 */
struct area_range {
	u32 area;
	u64 first;
	u64 last;
	u64 linear;
};

/**
 * rule_has_range() - whether a rule is about some of a range
 * @rule: the rule
 * @range: the range
 */
static inline bool rule_has_range(const struct rule *rule, const struct area_range *range)
{
	if (rule->asset != ASSET_MEMORY || rule->area != range->area || rule_is_physical(rule))
		return false;
	return range->area != AREA_ADDRESS ||
	       (range->linear <= rule->last &&
		range->linear + (range->last - range->first) >= rule->first);
}

/* A claim of an enabled feature, with the feature it belongs to for the counts. */
struct plan_claim {
	const struct claim *claim;
	u32 feature;
};

/* Where the claims of one kind lie in plan.claims: filters first, then owners. */
struct plan_span {
	u8 first;
	u8 filters;
	u8 owners;
};

#define TRAP_RANGES_MAX 64
#define CRS 5

/* MSRs or ports that exit. */
struct trap_range {
	u32 first;
	u32 last;
	bool read;
	bool write;
};

/**
 * trap_range_within() - the part of a range that lies between two numbers
 * @range: the range
 * @first: the lowest number
 * @last: the highest
 * @out: the part
 *
 * Return: false if there is none.
 */
static inline bool trap_range_within(const struct trap_range *range, u32 first, u32 last,
				     struct trap_range *out)
{
	*out = *range;
	if (out->first < first)
		out->first = first;
	if (out->last > last)
		out->last = last;
	return out->first <= out->last;
}

/* Ranges, in no order; they may overlap. */
struct trap_ranges {
	u32 count;
	struct trap_range range[TRAP_RANGES_MAX];
};

/**
 * struct traps - the intercepts that a plan needs, beyond those that hold the guest at all
 * @desc_store: SGDT, SIDT, SLDT, STR
 * @smsw: SMSW
 * @cr_read: bit n: MOV from CRn
 * @cr_write: bit n: every write of CRn
 * @cr_change: bits of CRn whose change must exit, whether or not other writes do
 * @exceptions: bit n: vector n
 * @kernel_exceptions: the same, of interest at CPL 0 only
 * @msr: MSRs
 * @io: ports; `read` is IN, `write` is OUT, which a processor may be unable to tell apart
 */
struct traps {
	bool desc_store;
	bool smsw;
	u16 cr_read;
	u16 cr_write;
	u64 cr_change[CRS];
	u32 exceptions;
	u32 kernel_exceptions;
	struct trap_ranges msr;
	struct trap_ranges io;
};

/**
 * struct plan - see above
 * @wish: what it was made from
 * @on: features that are on (`all` resolved, native ones left out)
 * @native: features asked for that the processor has itself
 * @partial: features that are on but lack a facility they want
 * @discreet: those of them that nothing advertises (struct feature.discreet)
 * @cr4: CR4 bits that exist because of features
 * @traps: what must exit
 * @offers: OFFER_* of the features that are on
 * @guest_offers: those of them that are for guests of a hypervisor in the guest, too
 * @reports: some handler may report
 * @refuser: by kind, 1 + the feature that refuses every such exit outside ring 0 (struct
 *	claim.refuses), where nobody else has a say; else 0
 * @claims: sorted by kind, filters before owners
 * @spans: where each kind's claims are
 * @cpuid: bits to set in the guest's view
 * @max_basic: highest basic leaf that @cpuid needs, 0 if none
 * @max_extended: highest extended leaf that @cpuid needs, 0 if none
 * @msrs: MSR bits that advertise features
 * @rules: in force, the first that fits decides: the policy's, then the features' own
 * @rule_count: how many
 * @policy_count: how many of them are the policy's
 * @areas: where named memory is; not plan_make()'s to fill
 * @area_count: entries of @areas
 */
struct plan {
	struct features_on wish;
	u32 on;
	u32 native;
	u32 partial;
	u32 discreet;
	u64 cr4;
	struct traps traps;
	u32 offers;
	u32 guest_offers;
	bool reports;
	u8 refuser[VMEXIT_KINDS];
	struct plan_claim claims[PLAN_CLAIMS_MAX];
	u32 claim_count;
	struct plan_span spans[VMEXIT_KINDS];
	struct cpuid_bit cpuid[PLAN_CPUID_MAX];
	u32 cpuid_count;
	u32 max_basic;
	u32 max_extended;
	struct msr_bit msrs[PLAN_MSRS_MAX];
	u32 msr_count;
	struct rule rules[RULES_MAX];
	u32 rule_count;
	u32 policy_count;
	struct area_range areas[AREA_RANGES_MAX];
	u32 area_count;
};

/* Every feature that a file registered by FEATURE(), ours first, then those of plug-ins. */
u32 feature_count(void);
const struct feature *feature_get(u32 index);

/* feature_home() - which image a feature is in, as image_get() counts */
u32 feature_home(u32 index);

/* feature_ours() - whether an entry of a feature's table, by its maker, is about this processor */
bool feature_ours(u8 whose);

/* feature_index() - which one a registered feature is */
u32 feature_index(const struct feature *feature);

/**
 * features_parse() - read a feature list: `none`, `all`, or `name[:option=value]...` by comma
 * @text: what the user typed; not changed
 * @length: its bytes, without a final NUL
 * @out: the result; untouched on error
 * @why: on error, a sentence that names the wrong word
 *
 * Return: true, or false with @why filled in.
 */
bool features_parse(const char *text, u32 length, struct features_on *out, struct text *why);

/**
 * features_print() - the same text back: what the parameter file reads
 * @wish: features and options
 * @on: the features to name
 * @out: where to
 */
void features_print(const struct features_on *wish, u32 on, struct text *out);

/**
 * plan_make() - work out a plan
 * @plan: the result; undefined on error
 * @wish: what is asked for
 * @policy: rules of the user's; their features are on, too. NULL: none
 * @facilities: what this processor can make exit (FACILITY())
 * @why: on error, a sentence that names the feature and what is missing
 *
 * Return: true, or false with @why filled in.
 */
bool plan_make(struct plan *plan, const struct features_on *wish, const struct policy *policy,
	       u32 facilities, struct text *why);

/**
 * plan_tightens() - whether one plan is at least as strict as another in every way
 * @now: the one in force
 * @next: the one that is to follow
 * @why: if not, a sentence
 *
 * The features that are on stay on with their options, its rules stay in their order, and what
 * comes before one of them only denies, and permits no more than it.
 */
bool plan_tightens(const struct plan *now, const struct plan *next, struct text *why);

/* Reads an MSR; false if it does not exist. */
typedef bool (*msr_reader)(u32 msr, u64 *value);

/**
 * features_probe() - learn which features the processor has by itself
 * @read: reads MSRs there
 *
 * On the bare processor: once it is held, CPUID as Linux sees it has our own bits, too.
 */
void features_probe(msr_reader read);

/* features_maker() - whose processor features_probe() found: enum maker, never MAKER_ANY */
enum maker features_maker(void);

/**
 * feature_native() - whether the processor has a feature by itself
 * @index: which feature, as feature_get() counts
 *
 * Return: true if it advertises something and the bare processor's CPUID had all of it when
 * features_probe() looked.
 */
bool feature_native(u32 index);

/**
 * facility_names() - missing facilities in words
 * @missing: FACILITY() bits
 * @out: where to
 */
void facility_names(u32 missing, struct text *out);

#endif
