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

#define FEATURES_MAX 16
#define FEATURE_OPTIONS_MAX 4

/* What the processor under us can make exit. A feature says which of them it needs. */
#define FACILITY_LIST(X)                                                                           \
	X(DESC, "descriptor-table exiting")                                                        \
	X(SMSW, "SMSW exiting")                                                                    \
	X(SLAT, "second-level paging (NPT or EPT)")                                                \
	X(MSR_BITMAP, "MSR bitmaps")                                                               \
	X(IO_BITMAP, "I/O bitmaps")

enum facility_bit {
#define X(name, text) FACILITY_BIT_##name,
	FACILITY_LIST(X)
#undef X
	FACILITY_BITS
};
#define FACILITY(name) (1u << FACILITY_BIT_##name)

/**
 * struct cpuid_bit - one bit that advertises a feature
 * @leaf: CPUID leaf; the view raises the highest leaf if the processor stops below
 * @subleaf: CPUID subleaf
 * @reg: which of the four outputs
 * @bit: 0 to 31
 */
struct cpuid_bit {
	u32 leaf;
	u32 subleaf;
	enum cpuid_reg reg;
	u8 bit;
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
 * @refuses: an owner's: outside ring 0 @handle does nothing but raise #GP(0), so that a vendor file
 *	may do that by itself, sooner, and count it
 * @when: WHEN(index of an option, value): claimed only if it has that value; WHEN_EVER: always
 */
struct claim {
	enum vmexit_kind kind;
	u32 first;
	u32 last;
	enum claim_role role;
	enum verdict (*handle)(struct vcpu *v, struct vmexit *e);
	bool refuses;
	u32 when;
};

#define WHEN_EVER 0
#define WHEN(option, value) (1u << 31 | (option) << 16 | (value))

/**
 * struct feature_option - a word after the colon: name=value
 * @name: what the user types
 * @choices: NULL-terminated words, the value is the index; or NULL for a number
 * @min: lowest number
 * @max: highest number
 * @initial: the value where the user does not say
 */
struct feature_option {
	const char *name;
	const char *const *choices;
	u64 min;
	u64 max;
	u64 initial;
};

/**
 * struct feature - a virtual CPU feature
 * @name: what the user types; lower case, digits, underscore
 * @summary: one line for `oldguard status`
 * @cpuid: bits that advertise it; a processor that has them all natively is left alone
 * @cpuid_count: entries of @cpuid
 * @cr4: CR4 bits that it makes exist; the guest can set them and reads them back
 * @needs: facilities without which it cannot be had
 * @wants: facilities without which it is partial
 * @partial: what `status` then says
 * @claims: exits it handles
 * @claim_count: entries of @claims
 * @options: options it takes
 * @option_count: entries of @options, at most FEATURE_OPTIONS_MAX
 */
struct feature {
	const char *name;
	const char *summary;
	const struct cpuid_bit *cpuid;
	u32 cpuid_count;
	u64 cr4;
	u32 needs;
	u32 wants;
	const char *partial;
	const struct claim *claims;
	u32 claim_count;
	const struct feature_option *options;
	u32 option_count;
};

/* Registers a feature: its address joins the table that the registry walks. */
#define FEATURE(symbol)                                                                            \
	static const struct feature *const symbol##_registered                                     \
		__attribute__((section("oldguard_features"), used, aligned(8))) = &(symbol)

#endif
