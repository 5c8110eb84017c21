// SPDX-License-Identifier: GPL-2.0-only
#include "insn.h"

#include "../features/enforce.h"
#include "../guest-glue/machine.h"
#include "../guest-glue/string.h"

void insn_memory(struct vcpu *v, struct guest_mem *mem)
{
	const struct guest_segment *ss = &mem->seg[GUEST_SS];

	/* A segment that nobody asks for is an unusable one. */
	*mem = (struct guest_mem){ 0 };
	v->virt->segment(v, GUEST_CS, &mem->seg[GUEST_CS]);
	v->virt->segment(v, GUEST_SS, &mem->seg[GUEST_SS]);
	mem->walk = (struct walk_state){
		.cr0 = vcpu_get(v, VCPU_CR0),
		.cr3 = vcpu_get(v, VCPU_CR3),
		.cr4 = vcpu_get(v, VCPU_CR4),
		.efer = vcpu_get(v, VCPU_EFER),
		.rflags = vcpu_get(v, VCPU_RFLAGS),
		/* SS.DPL is the CPL (APM vol. 2, 4.8.2: conforming code keeps the caller's). */
		.cpl = ss->attr >> SEG_DPL_SHIFT & 3,
		.maxphyaddr = v->machine->maxphyaddr,
		.gbpages = v->machine->gbpages,
	};
	if (mem->walk.rflags & RFLAGS_VM)
		mem->walk.cpl = 3;
}

/* Some are dear to ask for, and most instructions have no operand that needs them. */
static void operand_segments(struct vcpu *v, const struct insn *insn, struct guest_mem *mem)
{
	if (insn->mem.present)
		v->virt->segment(v, insn->mem.segment, &mem->seg[insn->mem.segment]);
	if (insn->src.present)
		v->virt->segment(v, insn->src.segment, &mem->seg[insn->src.segment]);
}

enum verdict insn_decode(struct vcpu *v, struct vmexit *e, struct guest_mem *mem,
			 struct insn *insn)
{
	struct guest_fault fault = { 0 };
	u8 bytes[INSN_MAX_BYTES];
	u32 got = 0;

	insn_memory(v, mem);
	if (v->virt->insn && v->virt->insn(v, e, insn)) {
		insn->mode = guest_code_mode(mem);
		operand_segments(v, insn, mem);
		e->len = insn->length;
		return VERDICT_DEFAULT;
	}
	switch (guest_fetch(mem, vcpu_get(v, VCPU_RIP), bytes, &got, &fault)) {
	case WALK_OK:
		break;
	case WALK_FAULT:
		/*
		 * The processor has just executed this instruction, so it was there: another
		 * processor has unmapped it since. The fault is what a second try would give.
		 */
		e->fault = fault;
		return VERDICT_INJECT;
	default:
		/* Code of a program in memory that is none of RAM: not worth the machine. */
		return e->cpl ? inject_error(e, VECTOR_GP, 0) : VERDICT_STOP;
	}
	switch (decode(v->decoder, guest_code_mode(mem), bytes, got, insn)) {
	case 0:
		operand_segments(v, insn, mem);
		e->len = insn->length;
		return VERDICT_DEFAULT;
	case -DECODE_SHORT:
		if (!fault.vector)
			return e->cpl ? inject_error(e, VECTOR_GP, 0) : VERDICT_STOP;
		e->fault = fault;
		return VERDICT_INJECT;
	case -DECODE_UD:
		return inject(e, VECTOR_UD);
	case -DECODE_LONG:
		return inject_error(e, VECTOR_GP, 0);
	default:
		/*
		 * Not what the processor has executed. A program can do that to us by writing over
		 * its code from another thread; then the new code runs.
		 */
		return e->cpl ? VERDICT_RETRY : VERDICT_STOP;
	}
}

enum verdict insn_length(struct vcpu *v, struct vmexit *e)
{
	struct guest_mem mem;
	struct insn insn;

	return e->len ? VERDICT_DEFAULT : insn_decode(v, e, &mem, &insn);
}

enum verdict insn_skip(struct vcpu *v, struct vmexit *e)
{
	u64 rip = vcpu_get(v, VCPU_RIP) + e->len;
	u64 rflags = vcpu_get(v, VCPU_RFLAGS);
	struct guest_segment cs;

	v->virt->segment(v, GUEST_CS, &cs);
	if (!(cs.attr & SEG_LONG) || !(vcpu_get(v, VCPU_EFER) & EFER_LMA))
		rip = cs.attr & SEG_DB ? (u32)rip : (u16)rip;
	vcpu_set(v, VCPU_RIP, rip);
	vcpu_set(v, VCPU_INTR_SHADOW, 0);
	if (!(rflags & (RFLAGS_TF | RFLAGS_RF)))
		return VERDICT_RETRY;
	if (rflags & RFLAGS_RF)
		vcpu_set(v, VCPU_RFLAGS, rflags & ~RFLAGS_RF);
	/* With BTF a step ends at branches only, and nothing that we skip is one. */
	if (!(rflags & RFLAGS_TF) || vcpu_get(v, VCPU_DEBUGCTL) & DEBUGCTL_BTF)
		return VERDICT_RETRY;
	if (v->virt->step) {
		v->virt->step(v, DR6_BS);
		return VERDICT_RETRY;
	}
	vcpu_set(v, VCPU_DR6, vcpu_get(v, VCPU_DR6) | DR6_BS);
	return inject(e, VECTOR_DB);
}

static bool is_hidden(const struct machine *m, const struct guest_span *span, u32 i)
{
	return span->len[i] && block_offset(m, span->gpa[i]) != BLOCK_NONE;
}

/* What the processor's own store there would have come to (default_memory()). */
static enum verdict refuse_hidden(struct vcpu *v, struct vmexit *e, u64 gpa)
{
	struct vmexit store = *e;

	store.kind = VMEXIT_MEMORY;
	store.sel = 0;
	store.addr = gpa;
	store.value = MEM_WRITE;
	event_refused(v, &store);
	return inject_error(e, VECTOR_GP, 0);
}

/*
 * A store that memory has refused. If that was because a rule protects it, the rule decides as it
 * would if the processor had stored.
 */
static enum verdict refused(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem, u8 seg,
			    u64 offset, u32 size, const u8 *bytes)
{
	struct guest_span span = { 0 };
	enum verdict verdict;
	u32 i;

	if (guest_span(mem, seg, offset, size, 1, WALK_WRITE | WALK_PEEK, &span, &e->fault) !=
	    WALK_OK)
		return e->cpl ? inject_error(e, VECTOR_GP, 0) : VERDICT_STOP;
	for (i = 0; i < 2; i++)
		if (is_hidden(v->machine, &span, i))
			return refuse_hidden(v, e, span.gpa[i]);
	if (!(slat_guarded(v->machine, span.gpa[0]) ||
	      (span.len[1] && slat_guarded(v->machine, span.gpa[1]))))
		return e->cpl ? inject_error(e, VECTOR_GP, 0) : VERDICT_STOP;
	for (i = 0; i < 2 && span.len[i]; i++) {
		verdict = rule_store(v, e, span.gpa[i], span.len[i]);
		if (verdict != VERDICT_DEFAULT)
			return verdict;
	}
	if (phys_write_guarded(span.gpa[0], bytes, span.len[0]) &&
	    (!span.len[1] || phys_write_guarded(span.gpa[1], bytes + span.len[0], span.len[1])))
		return VERDICT_NEXT;
	return e->cpl ? inject_error(e, VECTOR_GP, 0) : VERDICT_STOP;
}

enum verdict insn_store(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
			const struct insn *insn, u64 value)
{
	u64 *reg;
	u64 next, offset;

	if (insn->mem.present) {
		next = vcpu_get(v, VCPU_RIP) + insn->length;
		offset = insn_offset(insn, v->gpr, next);
		switch (guest_store(mem, insn->mem.segment, offset, 2, &value, &e->fault)) {
		case WALK_OK:
			return VERDICT_NEXT;
		case WALK_FAULT:
			return VERDICT_INJECT;
		default:
			return refused(v, e, mem, insn->mem.segment, offset, 2,
				       (const u8 *)&value);
		}
	}
	reg = &v->gpr[insn->reg];
	switch (insn->operand_size) {
	case 2:
		*reg = (*reg & ~0xffffULL) | (u16)value;
		break;
	case 4:
		*reg = (u32)value;
		break;
	default:
		*reg = value;
	}
	return VERDICT_NEXT;
}

enum verdict insn_store_table(struct vcpu *v, struct vmexit *e, const struct guest_mem *mem,
			      const struct insn *insn, u16 limit, u64 base)
{
	u64 offset = insn_offset(insn, v->gpr, vcpu_get(v, VCPU_RIP) + insn->length);

	u8 bytes[10];

	switch (guest_store_table(mem, insn->mem.segment, offset, limit, base, &e->fault)) {
	case WALK_OK:
		return VERDICT_NEXT;
	case WALK_FAULT:
		return VERDICT_INJECT;
	default:
		memcpy(bytes, &limit, 2);
		memcpy(bytes + 2, &base, 8);
		return refused(v, e, mem, insn->mem.segment, offset,
			       guest_code_mode(mem) == 64 ? 10 : 6, bytes);
	}
}

enum verdict insn_decode_store(struct vcpu *v, struct vmexit *e, struct guest_mem *mem,
			       struct insn *insn)
{
	static const u8 ops[] = {
		[DESC_IDTR] = INSN_SIDT,
		[DESC_GDTR] = INSN_SGDT,
		[DESC_LDTR] = INSN_SLDT,
		[DESC_TR] = INSN_STR,
	};
	enum verdict verdict = insn_decode(v, e, mem, insn);

	if (verdict != VERDICT_DEFAULT)
		return verdict;
	/* Other bytes than the processor executed: somebody is changing them under us. */
	return insn->op == (e->kind == VMEXIT_SMSW ? INSN_SMSW : ops[e->sel]) ? VERDICT_DEFAULT :
										VERDICT_RETRY;
}
