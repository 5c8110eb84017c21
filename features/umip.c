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
 *
 * mode=log lets them through, as bare hardware executes them, and reports them: for finding out who
 * would be hurt. It does not say in CPUID that there is UMIP, because there is none. report=on
 * reports what the other modes do; without it (as it starts) refusing stays on its shortest path.
 *
 * Where SMSW cannot be blocked (VMX has no exit for it) the bit promises more than there is. Who
 * trusts it to the letter says advertise=complete: then four instructions are blocked and CPUID
 * and CR4 know of nothing.
 */
#include "feature.h"

#include "../guest-glue/machine.h"
#include "../vmexit/insn.h"

enum umip_mode { UMIP_GP, UMIP_DUMMY, UMIP_LOG };
enum umip_option { OPTION_MODE, OPTION_REPORT, OPTION_RATE, OPTION_ADVERTISE };
enum umip_advertise { ADVERTISE_ALWAYS, ADVERTISE_COMPLETE };

/* Linux's values (arch/x86/kernel/umip.c). */
#define DUMMY_GDT_BASE 0xfffffffffffe0000ULL
#define DUMMY_IDT_BASE 0xffffffffffff0000ULL
#define DUMMY_LDTR 0x50 /* of a process that has an LDT; else 0 */
#define DUMMY_TR 0x40
#define DUMMY_CR0 0x80050033

static void report(struct vcpu *v, const struct vmexit *e, enum action action)
{
	const u64 *options = v->plan->wish.options[e->feature];
	struct event_reason why = {
		.action = action,
		.rule = EVENT_NO_RULE,
		.rate = options[OPTION_RATE],
	};

	if (action == ACTION_LOG || options[OPTION_REPORT])
		event_report(v, e, &why);
}

static enum verdict umip_store(struct vcpu *v, struct vmexit *e)
{
	if (!e->cpl)
		return VERDICT_DEFAULT;
	report(v, e, ACTION_DENY);
	return inject_error(e, VECTOR_GP, 0);
}

static enum verdict umip_log(struct vcpu *v, struct vmexit *e)
{
	if (e->cpl)
		report(v, e, ACTION_LOG);
	return VERDICT_DEFAULT;
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
	report(v, e, ACTION_SKIP);
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

#define REPORTS WHEN(OPTION_REPORT, true)
#define REFUSES WHEN(OPTION_REPORT, false)
#define MODE(mode) WHEN(OPTION_MODE, mode)

static const struct claim umip_claims[] = {
	{ VMEXIT_DESC_STORE, DESC_IDTR, DESC_TR, CLAIM_OWNER, umip_store, REFUSES, MODE(UMIP_GP),
	  .reports = REPORTS },
	{ VMEXIT_SMSW, 0, 0, CLAIM_OWNER, umip_store, REFUSES, MODE(UMIP_GP), .reports = REPORTS },
	{ VMEXIT_DESC_STORE, DESC_IDTR, DESC_TR, CLAIM_OWNER, umip_dummy, false, MODE(UMIP_DUMMY),
	  .reports = REPORTS },
	{ VMEXIT_SMSW, 0, 0, CLAIM_OWNER, umip_dummy, false, MODE(UMIP_DUMMY), .reports = REPORTS },
	{ VMEXIT_DESC_STORE, DESC_IDTR, DESC_TR, CLAIM_OWNER, umip_log, false, MODE(UMIP_LOG),
	  .reports = true },
	{ VMEXIT_SMSW, 0, 0, CLAIM_OWNER, umip_log, false, MODE(UMIP_LOG), .reports = true },
};

static const char *const umip_modes[] = {
	[UMIP_GP] = "gp", [UMIP_DUMMY] = "dummy", [UMIP_LOG] = "log", NULL
};
static const char *const off_on[] = { "off", "on", NULL };

static const char *const umip_advertise[] = {
	[ADVERTISE_ALWAYS] = "always", [ADVERTISE_COMPLETE] = "complete", NULL
};

static const struct feature_option umip_options[] = {
	[OPTION_MODE] = { .name = "mode", .choices = umip_modes },
	[OPTION_REPORT] = { .name = "report", .choices = off_on, .quiet = true },
	[OPTION_RATE] = { .name = "rate", .max = EVENT_RATE_MAX, .initial = EVENT_RATE_USUAL,
			  .quiet = true },
	[OPTION_ADVERTISE] = { .name = "advertise", .choices = umip_advertise, .quiet = true },
};

static const struct feature umip = {
	.name = "umip",
	.summary = "SGDT, SIDT, SLDT, STR and SMSW outside ring 0 raise #GP",
	.cpuid = umip_cpuid,
	.cpuid_count = ARRAY_SIZE(umip_cpuid),
	.cr4 = CR4_UMIP,
	.silent = WHEN(OPTION_MODE, UMIP_LOG),
	.needs = FACILITY(DESC),
	.wants = FACILITY(SMSW),
	.partial = "SMSW is not blocked on this processor",
	.discreet = WHEN(OPTION_ADVERTISE, ADVERTISE_COMPLETE),
	.claims = umip_claims,
	.claim_count = ARRAY_SIZE(umip_claims),
	.options = umip_options,
	.option_count = ARRAY_SIZE(umip_options),
};
FEATURE(umip);
