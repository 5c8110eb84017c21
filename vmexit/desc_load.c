// SPDX-License-Identifier: GPL-2.0-only
/*
 * desc_load.c - LGDT, LIDT, LLDT and LTR as bare hardware executes them (Intel SDM vol. 2; AMD APM
 * vol. 3, ch. 4), for processors on which they share an intercept with the stores.
 *
 * The processor has looked at the privilege level before the exit, so all of this is at CPL 0.
 */
#include "../guest-glue/machine.h"
#include "../guest-glue/phys.h"
#include "defaults.h"
#include "insn.h"

#define TYPE_LDT 0x2u
#define TYPE_TSS 0x9u	   /* 32-bit or 64-bit, not busy */
#define TYPE_TSS_BUSY 0x2u /* the bit that makes it busy */

/* A system descriptor as memory holds it; the upper half exists in long mode only. */
struct descriptor {
	u64 low, high;
};

static bool canonical(struct vcpu *v, u64 address)
{
	u32 unused = vcpu_get(v, VCPU_CR4) & CR4_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(address << unused) >> unused) == address;
}

static enum verdict verdict_of(enum walk_status status)
{
	return status == WALK_OK ? VERDICT_DEFAULT :
	       status == WALK_FAULT ? VERDICT_INJECT : VERDICT_STOP;
}

static enum verdict load_table(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
			       const struct insn *insn)
{
	bool idt = e->sel == DESC_IDTR;
	u64 next = vcpu_get(v, VCPU_RIP) + insn->length;
	enum verdict verdict;
	u16 limit = 0;
	u64 base = 0;

	verdict = verdict_of(guest_load_table(mem, insn->mem.segment,
					      insn_offset(insn, v->gpr, next), &limit, &base,
					      &e->fault));
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (insn->mode == DECODE_64 && !canonical(v, base))
		return inject_error(e, VECTOR_GP, 0);
	if (insn->mode != DECODE_64 && insn->operand_size == 2)
		base &= 0xffffff;
	vcpu_set(v, idt ? VCPU_IDTR_BASE : VCPU_GDTR_BASE, base);
	vcpu_set(v, idt ? VCPU_IDTR_LIMIT : VCPU_GDTR_LIMIT, limit);
	return VERDICT_NEXT;
}

/* The selector that LLDT or LTR names. */
static enum verdict operand(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
			    const struct insn *insn, u16 *selector)
{
	u64 next = vcpu_get(v, VCPU_RIP) + insn->length;

	if (!insn->mem.present) {
		*selector = v->gpr[insn->reg];
		return VERDICT_DEFAULT;
	}
	return verdict_of(guest_load(mem, insn->mem.segment, insn_offset(insn, v->gpr, next), 2,
				     selector, &e->fault));
}

static enum verdict read_descriptor(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
				    u16 selector, struct descriptor *d)
{
	u32 bytes = mem->walk.efer & EFER_LMA ? 16 : 8;
	u64 at = selector & ~7u;

	*d = (struct descriptor){ 0 };
	/* The GDT only, and inside it. */
	if (selector & 4 || at + bytes - 1 > vcpu_get(v, VCPU_GDTR_LIMIT))
		return inject_error(e, VECTOR_GP, selector & ~3u);
	return verdict_of(guest_load_linear(mem, vcpu_get(v, VCPU_GDTR_BASE) + at, bytes, d,
					    &e->fault));
}

static void unpack(const struct descriptor *d, u16 selector, struct guest_segment *out)
{
	out->selector = selector;
	out->attr = (d->low >> 40 & 0xff) | (d->low >> 44 & 0xf00);
	out->limit = (d->low & 0xffff) | (d->low >> 32 & 0xf0000);
	if (out->attr & SEG_GRAN)
		out->limit = out->limit << 12 | 0xfff;
	out->base = (d->low >> 16 & 0xffffff) | (d->low >> 32 & 0xff000000) | d->high << 32;
}

/* Marks the TSS busy in the guest's GDT: one locked access, as the processor does it. */
static enum verdict mark_busy(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
			      u16 selector)
{
	u64 linear = vcpu_get(v, VCPU_GDTR_BASE) + (selector & ~7u) + 4;
	enum walk_status status;
	u32 old, wanted;
	int swapped;
	u64 gpa;

	do {
		status = guest_walk(&mem->walk, linear, WALK_WRITE | WALK_SYSTEM, &gpa, &e->fault);
		if (status != WALK_OK)
			return verdict_of(status);
		if (!phys_read(gpa, &old, sizeof(old)))
			return VERDICT_STOP;
		/* Another processor has been quicker. */
		if (old >> 8 & TYPE_TSS_BUSY)
			return inject_error(e, VECTOR_GP, selector & ~3u);
		wanted = old | TYPE_TSS_BUSY << 8;
		swapped = phys_cmpxchg(gpa, sizeof(old), old, wanted);
	} while (!swapped);
	return swapped < 0 ? VERDICT_STOP : VERDICT_DEFAULT;
}

static enum verdict load_segment(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
				 const struct insn *insn)
{
	bool ldt = e->sel == DESC_LDTR;
	struct guest_segment segment = { 0 };
	struct descriptor d;
	enum verdict verdict;
	u16 selector = 0;

	/* Nobody makes these exit where LDTR and TR are in no control block (struct virt). */
	if (!v->virt->set_segment)
		return VERDICT_STOP;
	verdict = operand(v, e, mem, insn, &selector);
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	if (selector < 4) {
		if (!ldt)
			return inject_error(e, VECTOR_GP, 0);
		/* An empty LDT: what refers to it faults. */
		segment.selector = selector;
		v->virt->set_segment(v, SEG_LDTR, &segment);
		return VERDICT_NEXT;
	}
	verdict = read_descriptor(v, e, mem, selector, &d);
	if (verdict != VERDICT_DEFAULT)
		return verdict;
	unpack(&d, selector, &segment);
	if ((segment.attr & (SEG_S | SEG_TYPE)) != (ldt ? TYPE_LDT : TYPE_TSS))
		return inject_error(e, VECTOR_GP, selector & ~3u);
	if (!(segment.attr & SEG_PRESENT))
		return inject_error(e, VECTOR_NP, selector & ~3u);
	/* The upper half has no type, and its base makes a canonical address. */
	if (mem->walk.efer & EFER_LMA && (d.high >> 40 & 0x1f || !canonical(v, segment.base)))
		return inject_error(e, VECTOR_GP, selector & ~3u);
	if (!ldt) {
		verdict = mark_busy(v, e, mem, selector);
		if (verdict != VERDICT_DEFAULT)
			return verdict;
		segment.attr |= TYPE_TSS_BUSY;
	}
	v->virt->set_segment(v, ldt ? SEG_LDTR : SEG_TR, &segment);
	return VERDICT_NEXT;
}

enum verdict default_desc_load(struct vcpu *v, struct vmexit *e)
{
	static const u8 op[] = {
		[DESC_IDTR] = INSN_LIDT,
		[DESC_GDTR] = INSN_LGDT,
		[DESC_LDTR] = INSN_LLDT,
		[DESC_TR] = INSN_LTR,
	};
	struct guest_mem mem;
	struct insn insn;
	enum verdict verdict = insn_decode(v, e, &mem, &insn);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	/* Other bytes than the processor executed: somebody is changing them under us. */
	if (insn.op != op[e->sel])
		return VERDICT_RETRY;
	if (e->sel == DESC_IDTR || e->sel == DESC_GDTR)
		return load_table(v, e, &mem, &insn);
	return load_segment(v, e, &mem, &insn);
}
