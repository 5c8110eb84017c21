// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_nested_rules.c - MSRs and ports that a hypervisor in our guest lets its own guest use natively, and
 * that a rule is about: what the rule says of L1 it says of L2.
 *
 * What is let through runs natively, as one step (svm_nested_umip.c) with our bitmap open: so it has the
 * processor's own faults, and string instructions need nobody who decodes them.
 */
#include "svm_nested.h"

#include "insn.h"

#include "../features/enforce.h"
#include "../guest-glue/held.h"

#define IO_PORTS 0x10000

/* Without a next RIP from the processor the bytes tell: prefixes, then RDMSR or WRMSR. 0: they are not there. */
static u32 msr_insn_length(struct vcpu *v, const struct vmcb *c)
{
	u8 byte = 0;
	u32 i;

	if (svm_features & SVM_HAS_NRIP)
		return (u8)(c->next_rip - c->rip);
	for (i = 0; i < INSN_MAX_BYTES - 1; i++) {
		if (!nested_code_byte(v, c, i, &byte))
			return 0;
		if (byte == 0x0f)
			break;
	}
	if (byte != 0x0f || !nested_code_byte(v, c, i + 1, &byte) || (byte != 0x30 && byte != 0x32))
		return 0;
	return i + 2;
}

enum nested_answer nested_skip(const struct nested *n, struct vmcb *c, u64 rip)
{
	c->rip = rip;
	if (!(c->efer & EFER_LMA && c->cs.attr & SEG_LONG))
		c->rip = (u32)rip;
	c->interrupt_shadow = 0;
	c->rflags &= ~RFLAGS_RF;
	if (!(c->rflags & RFLAGS_TF))
		return AGAIN;
	c->dr6 |= DR6_BS;
	c->clean &= ~SVM_CLEAN_DR;
	if (n->exceptions >> VECTOR_DB & 1) {
		c->exit_code = SVM_EXIT_EXCEPTION(VECTOR_DB);
		c->exit_info1 = c->exit_info2 = 0;
		return L1S;
	}
	c->event_inj = SVM_EVENT_VALID | SVM_EVENT_EXCEPTION << 8 | VECTOR_DB;
	return RAISED;
}

/* What becomes of it by the rule that it breaks, if it breaks one. */
static enum verdict enforce(struct vcpu *v, struct vmexit *e, const struct rule *rule, u64 old)
{
	const struct plan *plan = v->plan;

	e->feature = plan->claims[plan->spans[e->kind].first].feature;
	return rule ? rule_enforce(v, e, rule, old) : VERDICT_DEFAULT;
}

/*
 * What the processor has of these is not L2's, or what L1 writes does not go to the processor either. EFER and
 * PAT are L2's in its VMCB.
 */
static bool never_native(const struct vcpu *v, u32 number, bool write)
{
	if (number == MSR_EFER || number == MSR_PAT || number == MSR_VM_CR || number == MSR_VM_HSAVE_PA)
		return true;
	return write && mtrr_is(number) && v->machine->slat_root;
}

enum nested_answer nested_rule_msr(struct vcpu *v, struct nested *n, struct vmcb *c, u32 bit)
{
	bool write = c->exit_info1 & 1;
	struct vmexit e = {
		.kind = write ? VMEXIT_MSR_WRITE : VMEXIT_MSR_READ,
		.cpl = c->cpl,
		.sel = v->gpr[RCX],
		.len = msr_insn_length(v, c),
		.value = (u32)c->rax | v->gpr[RDX] << 32,
	};
	const struct rule *rule;
	u64 old = 0;

	if (c->cpl || !e.len)
		return REFUSED;
	if (write && msr_held(v, e.sel, e.value)) {
		event_refused(v, &e);
		return REFUSED;
	}
	/* Not there: #GP, which the processor raises itself. A plug-in has claimed it: nobody asks that one. */
	rule = rule_find(v, ASSET_MSR, e.sel);
	if (!rule)
		return REFUSED;
	if (never_native(v, e.sel, write)) {
		if (rule->action == ACTION_DENY)
			enforce(v, &e, rule, 0);
		return REFUSED;
	}
	rule = NULL;
	if (cpu_rdmsr_safe(e.sel, &old))
		rule = write ? rule_strictest(v, ASSET_MSR, e.sel, old, e.value, old) : rule_hiding(v, e.sel);
	switch (enforce(v, &e, rule, old)) {
	case VERDICT_DEFAULT:
		nested_open(n, bit);
		n->step_open = true;
		return nested_step(n, c);
	case VERDICT_NEXT:
		if (!write)
			c->rax = v->gpr[RDX] = 0;
		return nested_skip(n, c, c->rip + e.len);
	default:
		return REFUSED;
	}
}

/* How IN of ones fills RAX: io_result(). */
static void read_ones(struct vmcb *c, u32 size)
{
	if (size < 4)
		c->rax |= (1u << 8 * size) - 1;
	else
		c->rax = ~0u;
}

enum nested_answer nested_rule_io(struct vcpu *v, struct nested *n, struct vmcb *c, const u64 *plan)
{
	u64 info = c->exit_info1;
	u32 size = info >> 4 & 7, port = info >> 16 & 0xffff, i;
	struct vmexit e = {
		.kind = VMEXIT_IO,
		.cpl = c->cpl,
		.sel = port,
		.addr = size | (info & 1 ? IO_IN : 0) | (info & 4 ? IO_STRING : 0) | (info & 8 ? IO_REP : 0),
		.value = (u32)c->rax,
		.len = (u8)(c->exit_info2 - c->rip),
	};

	for (i = port; i < port + size && i < IO_PORTS; i++)
		if (plan[i / 64] >> i % 64 & 1 && !rule_find(v, ASSET_IO, i))
			return REFUSED;
	switch (enforce(v, &e, rule_port(v, port, e.addr), 0)) {
	case VERDICT_DEFAULT:
		for (i = port; i < port + size; i++)
			nested_open(n, NESTED_MSR_WORDS * 64 + i);
		n->step_open = true;
		return nested_step(n, c);
	case VERDICT_NEXT:
		/* As in io_lock.c. */
		if (e.addr & IO_STRING)
			return REFUSED;
		if (e.addr & IO_IN)
			read_ones(c, size);
		return nested_skip(n, c, c->rip + e.len);
	default:
		return REFUSED;
	}
}
