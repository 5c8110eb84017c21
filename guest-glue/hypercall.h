/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hypercall.h - what the Linux side may ask of the root side. CPL 0 only; the number is in RAX,
 * the arguments in RDI, RSI, RDX, the answer comes in RAX. Read by both worlds.
 */
#ifndef OLDGUARD_HYPERCALL_H
#define OLDGUARD_HYPERCALL_H

#include "types.h"

#define HYPERCALL_MAGIC 0x6f6c646775000000ULL

enum hypercall {
	/* Give this processor back. */
	HYPERCALL_LEAVE,
	/*
	 * Make the other plan from a feature list. RDI: guest-physical address of a struct
	 * stage_request, inside one page. Nothing changes yet.
	 */
	HYPERCALL_STAGE,
	/* Switch this processor to the staged plan. */
	HYPERCALL_APPLY,
	/* Copy a processor's counts. RDI: processor; RSI: address of a struct vcpu_counts. */
	HYPERCALL_COUNTS,
};

enum hypercall_result {
	HYPERCALL_OK,
	HYPERCALL_REFUSED, /* stage_request.why says it */
	HYPERCALL_BAD,	   /* no such call, processor or address */
};

/**
 * struct stage_request - a feature list on its way below
 * @length: bytes of @text
 * @text: what the user typed
 * @why: on refusal, a sentence
 */
struct stage_request {
	u32 length;
	char text[1024];
	char why[256];
};

#define COUNTS_KINDS 32
#define COUNTS_FEATURES 16

/**
 * struct vcpu_counts - what a processor has counted since it was taken
 * @exits: by enum vmexit_kind
 * @handled: by feature
 */
struct vcpu_counts {
	u64 exits[COUNTS_KINDS];
	u64 handled[COUNTS_FEATURES];
};

#endif
