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

#include "../guest-glue/aside.h"
#include "../guest-glue/machine.h"
#include "defaults.h"
#include "insn.h"

u64 cr4_seen(struct vcpu *v)
{
	return vcpu_get(v, VCPU_CR4) | v->cr4;
}

/* Outside 64-bit mode, compatibility mode included, a move takes and gives 32 bits (APM vol. 3). */
static bool moves_64(struct vcpu *v)
{
	struct guest_segment cs;

	v->virt->segment(v, GUEST_CS, &cs);
	return vcpu_get(v, VCPU_EFER) & EFER_LMA && cs.attr & SEG_LONG;
}

enum verdict default_smsw(struct vcpu *v, struct vmexit *e)
{
	struct guest_mem mem;
	struct insn insn;
	enum verdict verdict = insn_decode_store(v, e, &mem, &insn);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	return insn_store(v, e, &mem, &insn, vcpu_get(v, VCPU_CR0));
}

/* LMSW: PE, MP, EM, TS; it can set PE and not clear it (APM vol. 3). */
static enum verdict lmsw(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
			 const struct insn *insn)
{
	u64 cr0 = vcpu_get(v, VCPU_CR0);
	u16 value = insn->mem.present ? 0 : v->gpr[insn->reg];
	u64 next = vcpu_get(v, VCPU_RIP) + insn->length;

	if (insn->mem.present) {
		switch (guest_load(mem, insn->mem.segment, insn_offset(insn, v->gpr, next), 2,
				   &value, &e->fault)) {
		case WALK_OK:
			break;
		case WALK_FAULT:
			return VERDICT_INJECT;
		default:
			return VERDICT_STOP;
		}
	}
	e->reg = REG_VALUE;
	e->value = (cr0 & ~(CR0_MP | CR0_EM | CR0_TS)) | (value & 15);
	return VERDICT_DEFAULT;
}

/* Whether an instruction does what has exited. */
static bool accesses_cr(const struct insn *insn, const struct vmexit *e)
{
	bool write = e->kind == VMEXIT_CR_WRITE;

	switch (insn->op) {
	case INSN_MOV_FROM_CR:
		return !write && insn->cr == e->sel;
	case INSN_MOV_TO_CR:
		return write && insn->cr == e->sel;
	case INSN_CLTS:
	case INSN_LMSW:
		return write && !e->sel;
	default:
		return false;
	}
}

/* Finds the operand of an access to a control register that the processor did not name. */
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
	if (!accesses_cr(&insn, e))
		return VERDICT_RETRY;
	switch (insn.op) {
	case INSN_CLTS:
		e->reg = REG_VALUE;
		e->value = vcpu_get(v, VCPU_CR0) & ~CR0_TS;
		return VERDICT_DEFAULT;
	case INSN_LMSW:
		return lmsw(v, e, &mem, &insn);
	default:
		e->reg = insn.reg;
		return VERDICT_DEFAULT;
	}
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
	case 3:
		value = vcpu_get(v, VCPU_CR3);
		break;
	case 4:
		value = cr4_seen(v);
		break;
	default:
		return VERDICT_STOP;
	}
	v->gpr[e->reg] = moves_64(v) ? value : (u32)value;
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

bool cr4_sets_virtual(const struct vcpu *v, const struct insn *insn)
{
	return insn->op == INSN_MOV_TO_CR && insn->cr == 4 && v->gpr[insn->reg] & v->plan->cr4;
}

enum verdict cr4_write(struct vcpu *v, struct vmexit *e, u64 value)
{
	u64 pretended = v->plan->cr4 | v->machine->cr4_busy;
	u64 virt = value & pretended;
	u64 real = value & ~pretended;

	if (!cr4_valid(v, real))
		return inject_error(e, VECTOR_GP, 0);
	vcpu_set(v, VCPU_CR4, real);
	/* What says that the processor is taken is to be true, then: the guest gets it. */
	if (virt & ~v->cr4 & v->machine->cr4_busy && aside_free(v))
		return aside_begin(v, e);
	if (virt != v->cr4) {
		v->cr4 = virt;
		v->virt->traps(v);
	}
	return VERDICT_NEXT;
}

/* The bits of CR0 that exist; hardware ignores the others of the lower half. */
#define CR0_BITS (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | \
		  CR0_CD | CR0_PG)

/* AMD APM vol. 2, 3.1.1; Intel SDM vol. 2, MOV to CR. */
static enum verdict cr0_write(struct vcpu *v, struct vmexit *e, u64 value)
{
	u64 now = vcpu_get(v, VCPU_CR0);
	u64 cr4 = vcpu_get(v, VCPU_CR4);
	bool paged = value & CR0_PG;
	struct guest_segment cs;

	if (value >> 32 || (paged && !(value & CR0_PE)) || (value & CR0_NW && !(value & CR0_CD)) ||
	    (cr4 & CR4_CET && !(value & CR0_WP)))
		return inject_error(e, VECTOR_GP, 0);
	value = (value & CR0_BITS) | CR0_ET;
	if (!paged && vcpu_get(v, VCPU_EFER) & EFER_LMA) {
		v->virt->segment(v, GUEST_CS, &cs);
		if (cs.attr & SEG_LONG || cr4 & CR4_PCIDE)
			return inject_error(e, VECTOR_GP, 0);
	}
	/* A change of mode is more than a register: nobody who traps CR0 can want to emulate it. */
	if ((value ^ now) & (CR0_PE | CR0_PG))
		return VERDICT_STOP;
	vcpu_set(v, VCPU_CR0, value);
	return VERDICT_NEXT;
}

/* Some processors cannot but exit; long mode only. */
static enum verdict cr3_write(struct vcpu *v, struct vmexit *e, u64 value)
{
	if (vcpu_get(v, VCPU_CR4) & CR4_PCIDE)
		value &= ~CR3_PCID_NOFLUSH;
	if (value >> v->machine->maxphyaddr)
		return inject_error(e, VECTOR_GP, 0);
	vcpu_set(v, VCPU_CR3, value);
	return VERDICT_NEXT;
}

enum verdict cr_written(struct vcpu *v, struct vmexit *e, u64 *value)
{
	enum verdict verdict = find_reg(v, e);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	*value = e->reg == REG_VALUE ? e->value : v->gpr[e->reg];
	if (!moves_64(v))
		*value = (u32)*value;
	return VERDICT_DEFAULT;
}

enum verdict default_cr_write(struct vcpu *v, struct vmexit *e)
{
	u64 value;
	enum verdict verdict = cr_written(v, e, &value);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	switch (e->sel) {
	case 0:
		return cr0_write(v, e, value);
	case 3:
		return cr3_write(v, e, value);
	case 4:
		return cr4_write(v, e, value);
	default:
		return VERDICT_STOP;
	}
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
