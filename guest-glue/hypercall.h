/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hypercall.h - what the Linux side may ask of the root side. CPL 0 only; the number is in RAX,
 * the arguments in RDI, RSI, RDX, the answer comes in RAX. Read by both worlds.
 */
#ifndef OLDGUARD_HYPERCALL_H
#define OLDGUARD_HYPERCALL_H

#include "../features/plan.h"

#define HYPERCALL_MAGIC 0x6f6c646775000000ULL

enum hypercall {
	/* Give this processor back. */
	HYPERCALL_LEAVE,
	/*
	 * Make the other plan from a feature list and a policy. RDI: guest-physical address of a
	 * struct stage_request, page-aligned. Nothing changes yet.
	 */
	HYPERCALL_STAGE,
	/* Switch this processor to the staged plan. */
	HYPERCALL_APPLY,
	/* Copy a processor's counts. RDI: processor; RSI: address of a struct vcpu_counts. */
	HYPERCALL_COUNTS,
	/*
	 * From now on plans only tighten, HYPERCALL_LEAVE is refused, and no processor goes aside.
	 * Refused while one is.
	 */
	HYPERCALL_LOCK,
	/* How many seals there are: the answer. */
	HYPERCALL_SEALS,
	/* There is more RAM. RDI: where it begins; RSI: where it ends. Refused if the block is full. */
	HYPERCALL_MEMORY,
	/* RDI: whether processors have to stay: none goes aside then. Refused while one is. */
	HYPERCALL_STAY,
	HYPERCALLS
};

enum hypercall_result {
	HYPERCALL_OK,
	HYPERCALL_REFUSED, /* stage_request.why says it; or it is locked */
	HYPERCALL_BAD,	   /* no such call, processor or address */
};

/**
 * struct stage_request - a feature list and a policy on their way below
 * @why: on refusal, a sentence: all that is written back
 * @length: bytes of @text
 * @policy_length: bytes of @policy
 * @area_count: entries of @areas
 * @areas: where named memory is
 * @text: the feature list that the user typed
 * @policy: the policy that the user wrote
 */
struct stage_request {
	char why[256];
	u32 length;
	u32 policy_length;
	u32 area_count;
	struct area_range areas[AREA_RANGES_MAX];
	char text[FEATURES_TEXT_MAX];
	char policy[POLICY_TEXT_MAX + 1];
};

#define COUNTS_KINDS 32
#define COUNTS_FEATURES 16

/**
 * struct vcpu_counts - what a processor has counted since it was taken
 * @exits: by enum vmexit_kind
 * @handled: by feature
 * @refused: what would have undone the root side
 */
struct vcpu_counts {
	u64 exits[COUNTS_KINDS];
	u64 handled[COUNTS_FEATURES];
	u64 refused;
};

#endif
