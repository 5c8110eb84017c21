/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * feature.h - what a virtual CPU feature is: one constant table.
 *
 * The README's page "write your own feature" walks through it. A feature names what it claims;
 * the registry turns the features that are on into a plan (plan.h), and the vendor file switches
 * exactly the intercepts that the plan needs.
 */
#ifndef OLDGUARD_FEATURE_H
#define OLDGUARD_FEATURE_H

#include "../vmexit/vmexit.h"
#include "rule.h"

#define FEATURES_MAX 16
#define FEATURE_OPTIONS_MAX 4

/* What the processor under us can make exit. A feature says which of them it needs. */
#define FACILITY_LIST(X)                                                                           \
	X(DESC, "descriptor-table exiting")                                                        \
	X(SMSW, "SMSW exiting")                                                                    \
	X(SLAT, "second-level paging (NPT or EPT)")                                                \
	X(MSR_BITMAP, "MSR bitmaps")                                                               \
	X(IO_BITMAP, "I/O bitmaps")                                                                \
	X(SLAT_TABLES, "second-level paging that lets the guest's page tables be read only (EPT)")  \
	X(NESTED, "a hypervisor in the guest (kvm=nested)")

enum facility_bit {
#define X(name, text) FACILITY_BIT_##name,
	FACILITY_LIST(X)
#undef X
	FACILITY_BITS
};
#define FACILITY(name) (1u << FACILITY_BIT_##name)

/* What a kernel may call for while a feature is on (guest-glue/enlightened.h), as CPUID tells it. */
#define OFFER_SEAL (1u << 0)

/* Processors' makers advertise some features in different ways. */
enum maker { MAKER_ANY, MAKER_INTEL, MAKER_AMD };

/**
 * struct cpuid_bit - one bit that advertises a feature
 * @leaf: CPUID leaf; the view raises the highest leaf if the processor stops below
 * @subleaf: CPUID subleaf
 * @reg: which of the four outputs
 * @bit: 0 to 31
 * @maker: on whose processors
 */
struct cpuid_bit {
	u32 leaf;
	u32 subleaf;
	enum cpuid_reg reg;
	u8 bit;
	u8 maker;
};

/**
 * struct msr_bit - one bit of an MSR that advertises a feature; the feature answers its reads
 * @msr: the MSR
 * @bit: 0 to 63
 * @maker: on whose processors
 */
struct msr_bit {
	u32 msr;
	u8 bit;
	u8 maker;
};

enum claim_role {
	CLAIM_FILTER, /* looks first; VERDICT_DEFAULT lets the exit pass on */
	CLAIM_OWNER,  /* emulates; at most one enabled feature may own an exit */
};

/**
 * struct claim - an exit that a feature wants to see
 * @kind: the kind
 * @first: lowest `sel` claimed
 * @last: highest `sel` claimed, at least @first
 * @role: filter or owner
 * @handle: called below Linux, interrupts off; must not block
 * @refuses: true, or WHEN() it is true: outside ring 0 an owner's @handle does nothing but raise
 *	#GP(0), so that a vendor file may do that by itself, sooner, and count it
 * @when: WHEN(index of an option, value): claimed only if it has that value; WHEN_EVER: always
 * @by_rules: only what the plan's rules about the feature's asset name exits, not @first to @last
 * @asked: CPUID only: heard while the feature's bit in vcpu.asked is set (cpuid_hear()), so that
 *	it costs nothing before somebody asks for it
 * @reports: true, or WHEN() it is true: @handle may call event_report()
 * @maker: on whose processors
 */
struct claim {
	enum vmexit_kind kind;
	u32 first;
	u32 last;
	enum claim_role role;
	enum verdict (*handle)(struct vcpu *v, struct vmexit *e);
	u32 refuses;
	u32 when;
	bool by_rules;
	bool asked;
	u32 reports;
	u8 maker;
};

#define WHEN_EVER 0
#define WHEN(option, value) (1u << 31 | (option) << 16 | (value))

/**
 * struct feature_option - a word after the colon: name=value
 * @name: what the user types
 * @choices: NULL-terminated words, the value is the index; or NULL for a number
 * @set: any of @choices, joined by '+'; the value has a bit for each
 * @min: lowest number
 * @max: highest number
 * @initial: the value where the user does not say
 * @quiet: a list that is printed names it only where its value is another
 */
struct feature_option {
	const char *name;
	const char *const *choices;
	bool set;
	u64 min;
	u64 max;
	u64 initial;
	bool quiet;
};

/**
 * struct feature - a virtual CPU feature
 * @name: what the user types; lower case, digits, underscore
 * @summary: one line for `oldguard status`
 * @cpuid: bits that advertise it; a processor that has them all natively is left alone
 * @cpuid_count: entries of @cpuid
 * @msrs: the same in MSRs
 * @msr_count: entries of @msrs
 * @cr4: CR4 bits that it makes exist; the guest can set them and reads them back
 * @silent: WHEN() an option has a value with which neither @cpuid nor @cr4 is there
 * @needs: facilities without which it cannot be had
 * @wants: facilities without which it is partial
 * @partial: what `status` then says
 * @discreet: the same as @silent, only where the feature is partial
 * @claims: exits it handles
 * @claim_count: entries of @claims
 * @options: options it takes
 * @option_count: entries of @options, at most FEATURE_OPTIONS_MAX
 * @asset: what the rules are about that it enforces: such a rule in the policy switches it on
 * @rules: its own rules, where it was asked for by name; they come after the policy's
 * @rule_count: entries of @rules
 * @rule_choice: rule n's choice of the feature's first option, a set: the bit that it goes by;
 *	NULL: all of them
 * @offers: OFFER_*: calls that it answers
 * @guests: WHEN() an option has a value with which guests of a hypervisor in the guest may make them, too
 * @apply: called on each processor when a plan with the feature comes into force there
 */
struct feature {
	const char *name;
	const char *summary;
	const struct cpuid_bit *cpuid;
	u32 cpuid_count;
	const struct msr_bit *msrs;
	u32 msr_count;
	u64 cr4;
	u32 silent;
	u32 needs;
	u32 wants;
	const char *partial;
	u32 discreet;
	const struct claim *claims;
	u32 claim_count;
	const struct feature_option *options;
	u32 option_count;
	enum asset asset;
	const struct rule *rules;
	u32 rule_count;
	const u8 *rule_choice;
	u32 offers;
	u32 guests;
	void (*apply)(struct vcpu *v);
};

/* Registers a feature: its address joins the table that the registry walks. */
#define FEATURE(symbol)                                                                            \
	static const struct feature *const symbol##_registered                                     \
		__attribute__((section("oldguard_features"), used, aligned(8))) = &(symbol)

#endif
