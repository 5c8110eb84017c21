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

/**
 * struct traps - the intercepts that a plan needs, beyond those that hold the guest at all
 * @desc_store: SGDT, SIDT, SLDT, STR
 * @smsw: SMSW
 * @cr_read: bit n: MOV from CRn
 * @cr_write: bit n: MOV to CRn
 * @exceptions: bit n: vector n
 */
struct traps {
	bool desc_store;
	bool smsw;
	u16 cr_read;
	u16 cr_write;
	u32 exceptions;
};

/**
 * struct plan - see above
 * @wish: what it was made from
 * @on: features that are on (`all` resolved, native ones left out)
 * @native: features asked for that the processor has itself
 * @partial: features that are on but lack a facility they want
 * @cr4: CR4 bits that exist because of features
 * @traps: what must exit
 * @refuser: by kind, 1 + the feature that refuses every such exit outside ring 0 (struct
 *	claim.refuses), where nobody else has a say; else 0
 * @claims: sorted by kind, filters before owners
 * @spans: where each kind's claims are
 * @cpuid: bits to set in the guest's view
 * @max_basic: highest basic leaf that @cpuid needs, 0 if none
 * @max_extended: highest extended leaf that @cpuid needs, 0 if none
 */
struct plan {
	struct features_on wish;
	u32 on;
	u32 native;
	u32 partial;
	u64 cr4;
	struct traps traps;
	u8 refuser[VMEXIT_KINDS];
	struct plan_claim claims[PLAN_CLAIMS_MAX];
	u32 claim_count;
	struct plan_span spans[VMEXIT_KINDS];
	struct cpuid_bit cpuid[PLAN_CPUID_MAX];
	u32 cpuid_count;
	u32 max_basic;
	u32 max_extended;
};

/* The registry: every feature that a file registered by FEATURE(). */
u32 feature_count(void);
const struct feature *feature_get(u32 index);

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
 * @facilities: what this processor can make exit (FACILITY())
 * @why: on error, a sentence that names the feature and what is missing
 *
 * Return: true, or false with @why filled in.
 */
bool plan_make(struct plan *plan, const struct features_on *wish, u32 facilities,
	       struct text *why);

/**
 * features_probe() - learn which features the processor has by itself
 *
 * On the bare processor: once it is held, CPUID as Linux sees it has our own bits, too.
 */
void features_probe(void);

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
