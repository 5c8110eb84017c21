// SPDX-License-Identifier: GPL-2.0-only
/*
 * umip.c - User-Mode Instruction Prevention: SGDT, SIDT, SLDT, STR and SMSW outside CPL 0 raise
 * #GP(0), so that a program cannot read where the kernel keeps its tables.
 *
 * Intel SDM vol. 3, 2.5 (CR4.UMIP) and AMD APM vol. 2, 3.1.3. The #GP comes before the operand is
 * touched: no #PF, no CR2. Protection does not wait for the guest to set CR4.UMIP: a kernel that
 * booted without the feature never does, and its own CR4 pinning would undo it.
 *
 * mode=dummy is what programs see on a processor with UMIP below Linux 5.10 and later, which
 * answers the #GP with values that tell nothing, so that Wine and DOS emulators live on. A kernel
 * that booted without UMIP does not do that, so we do.
 */
#include "feature.h"

#include "../guest-glue/machine.h"
#include "../vmexit/insn.h"

enum umip_mode { UMIP_GP, UMIP_DUMMY };

/* Linux's values (arch/x86/kernel/umip.c). */
#define DUMMY_GDT_BASE 0xfffffffffffe0000ULL
#define DUMMY_IDT_BASE 0xffffffffffff0000ULL
#define DUMMY_LDTR 0x50 /* of a process that has an LDT; else 0 */
#define DUMMY_TR 0x40
#define DUMMY_CR0 0x80050033

static enum verdict umip_store(struct vcpu *v, struct vmexit *e)
{
	(void)v;
	return e->cpl ? inject_error(e, VECTOR_GP, 0) : VERDICT_DEFAULT;
}

static u64 dummy_value(struct vcpu *v, const struct vmexit *e)
{
	struct guest_segment ldtr;

	if (e->kind == VMEXIT_SMSW)
		return DUMMY_CR0;
	if (e->sel == DESC_TR)
		return DUMMY_TR;
	v->virt->segment(v, SEG_LDTR, &ldtr);
	return ldtr.selector ? DUMMY_LDTR : 0;
}

static enum verdict umip_dummy(struct vcpu *v, struct vmexit *e)
{
	struct guest_mem mem;
	enum verdict verdict;
	struct insn insn;
	u64 value;

	if (!e->cpl)
		return VERDICT_DEFAULT;
	verdict = insn_decode_store(v, e, &mem, &insn);
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (e->kind == VMEXIT_DESC_STORE && (e->sel == DESC_GDTR || e->sel == DESC_IDTR))
		return insn_store_table(v, e, &mem, &insn, 0,
					e->sel == DESC_GDTR ? DUMMY_GDT_BASE : DUMMY_IDT_BASE);
	value = dummy_value(v, e);
	/* Linux leaves the upper half alone where the processor would clear it. */
	if (!insn.mem.present && insn.operand_size == 4) {
		insn.operand_size = 8;
		value = (v->gpr[insn.reg] & ~0xffffffffULL) | value;
	}
	return insn_store(v, e, &mem, &insn, value);
}

static const struct cpuid_bit umip_cpuid[] = {
	{ .leaf = 7, .subleaf = 0, .reg = CPUID_ECX, .bit = 2 },
};

static const struct claim umip_claims[] = {
	{ VMEXIT_DESC_STORE, DESC_IDTR, DESC_TR, CLAIM_OWNER, umip_store, true, WHEN(0, UMIP_GP) },
	{ VMEXIT_SMSW, 0, 0, CLAIM_OWNER, umip_store, true, WHEN(0, UMIP_GP) },
	{ VMEXIT_DESC_STORE, DESC_IDTR, DESC_TR, CLAIM_OWNER, umip_dummy, false,
	  WHEN(0, UMIP_DUMMY) },
	{ VMEXIT_SMSW, 0, 0, CLAIM_OWNER, umip_dummy, false, WHEN(0, UMIP_DUMMY) },
};

static const char *const umip_modes[] = { [UMIP_GP] = "gp", [UMIP_DUMMY] = "dummy", NULL };

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
