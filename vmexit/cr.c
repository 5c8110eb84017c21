// SPDX-License-Identifier: GPL-2.0-only
/*
 * cr.c - control registers: the moves that exit because a feature needs the intercept, and the
 * CR4 bits that exist only because a feature makes them.
 *
 * A virtual CR4 bit is never in the real register. v->cr4 holds what the guest has set of them;
 * a read shows them, a write moves them there. While none is set there is nothing to show, and
 * the intercepts stay off (Linux without INVPCID writes CR4 twice for each global TLB flush).
 * How the first setting is noticed is the processor's choice: hardware raises #GP for an
 * unsupported bit before it looks at the intercept, so default_exception() brings that #GP here;
 * an emulator, or another feature's intercept, may bring the write itself.
 */
#include "cr.h"

#include "../guest-glue/machine.h"
#include "defaults.h"
#include "insn.h"

u64 cr4_seen(struct vcpu *v)
{
	return vcpu_get(v, VCPU_CR4) | v->cr4;
}

enum verdict default_smsw(struct vcpu *v, struct vmexit *e)
{
	struct guest_mem mem;
	struct insn insn;
	enum verdict verdict = insn_decode(v, e, &mem, &insn);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (insn.op != INSN_SMSW)
		return VERDICT_STOP;
	return insn_store(v, e, &mem, &insn, vcpu_get(v, VCPU_CR0));
}

/* Finds the general register of a MOV CR that the processor did not name. */
static enum verdict find_reg(struct vcpu *v, struct vmexit *e)
{
	struct guest_mem mem;
	enum verdict verdict;
	struct insn insn;

	if (e->reg != REG_UNKNOWN)
		return insn_length(v, e);
	verdict = insn_decode(v, e, &mem, &insn);
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	/* Other bytes than the processor executed: somebody is changing them under us. */
	if (insn.op != INSN_MOV_FROM_CR && insn.op != INSN_MOV_TO_CR)
		return VERDICT_RETRY;
	e->reg = insn.reg;
	return VERDICT_DEFAULT;
}

enum verdict default_cr_read(struct vcpu *v, struct vmexit *e)
{
	enum verdict verdict = find_reg(v, e);
	u64 value;

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	switch (e->sel) {
	case 0:
		value = vcpu_get(v, VCPU_CR0);
		break;
	case 4:
		value = cr4_seen(v);
		break;
	default:
		return VERDICT_STOP;
	}
	v->gpr[e->reg] = vcpu_get(v, VCPU_EFER) & EFER_LMA ? value : (u32)value;
	return VERDICT_NEXT;
}

/* What hardware refuses with #GP(0): AMD APM vol. 2, 3.1.3; Intel SDM vol. 2, MOV to CR. */
static bool cr4_valid(struct vcpu *v, u64 value)
{
	u64 changed = value ^ vcpu_get(v, VCPU_CR4);
	bool long_mode = vcpu_get(v, VCPU_EFER) & EFER_LMA;

	if (value & ~v->machine->cr4_supported)
		return false;
	if (long_mode && (!(value & CR4_PAE) || changed & CR4_LA57))
		return false;
	if (value & changed & CR4_PCIDE && (!long_mode || vcpu_get(v, VCPU_CR3) & 0xfff))
		return false;
	return !(value & CR4_CET) || vcpu_get(v, VCPU_CR0) & CR0_WP;
}

enum verdict cr4_write(struct vcpu *v, struct vmexit *e, u64 value)
{
	u64 virt = value & v->plan->cr4;
	u64 real = value & ~v->plan->cr4;

	if (!cr4_valid(v, real))
		return inject_error(e, VECTOR_GP, 0);
	vcpu_set(v, VCPU_CR4, real);
	if (!!virt != !!v->cr4) {
		v->cr4 = virt;
		v->virt->traps(v);
	}
	v->cr4 = virt;
	return VERDICT_NEXT;
}

enum verdict default_cr_write(struct vcpu *v, struct vmexit *e)
{
	enum verdict verdict = find_reg(v, e);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (e->sel != 4)
		return VERDICT_STOP;
	return cr4_write(v, e, v->gpr[e->reg]);
}

enum verdict default_xsetbv(struct vcpu *v, struct vmexit *e)
{
	enum verdict verdict = insn_length(v, e);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (e->cpl || !cpu_xsetbv_safe(e->sel, e->value))
		return inject_error(e, VECTOR_GP, 0);
	return VERDICT_NEXT;
}
