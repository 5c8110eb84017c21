// SPDX-License-Identifier: GPL-2.0-only
/*
 * umip.c - User-Mode Instruction Prevention: SGDT, SIDT, SLDT, STR and SMSW outside CPL 0 raise
 * #GP(0), so that a program cannot read where the kernel keeps its tables.
 *
 * Intel SDM vol. 3, 2.5 (CR4.UMIP) and AMD APM vol. 2, 3.1.3. The #GP comes before the operand is
 * touched: no #PF, no CR2. Protection does not wait for the guest to set CR4.UMIP: a kernel that
 * booted without the feature never does, and its own CR4 pinning would undo it.
 */
#include "feature.h"

static enum verdict umip_store(struct vcpu *v, struct vmexit *e)
{
	(void)v;
	return e->cpl ? inject_error(e, VECTOR_GP, 0) : VERDICT_DEFAULT;
}

static const struct cpuid_bit umip_cpuid[] = {
	{ .leaf = 7, .subleaf = 0, .reg = CPUID_ECX, .bit = 2 },
};

static const struct claim umip_claims[] = {
	{ VMEXIT_DESC_STORE, DESC_IDTR, DESC_TR, CLAIM_OWNER, umip_store, true, WHEN_EVER },
	{ VMEXIT_SMSW, 0, 0, CLAIM_OWNER, umip_store, true, WHEN_EVER },
};

static const char *const umip_modes[] = { "gp", NULL };

static const struct feature_option umip_options[] = {
	{ .name = "mode", .choices = umip_modes },
};

static const struct feature umip = {
	.name = "umip",
	.summary = "SGDT, SIDT, SLDT, STR and SMSW outside ring 0 raise #GP",
	.cpuid = umip_cpuid,
	.cpuid_count = ARRAY_SIZE(umip_cpuid),
	.cr4 = CR4_UMIP,
	.needs = FACILITY(DESC),
	.wants = FACILITY(SMSW),
	.partial = "SMSW is not blocked on this processor",
	.claims = umip_claims,
	.claim_count = ARRAY_SIZE(umip_claims),
	.options = umip_options,
	.option_count = ARRAY_SIZE(umip_options),
};
FEATURE(umip);
