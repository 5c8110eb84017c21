// SPDX-License-Identifier: GPL-2.0-only
/*
 * step.c - one instruction under a wider view; step.h has the idea. The single-step trap: AMD APM
 * vol. 2, 13.1.4; Intel SDM vol. 3, 17.3.1.4.
 */
#include "insn.h"

#include "../guest-glue/machine.h"
#include "defaults.h"

#define DR6_B 0xfu
#define DR7_ENABLED(dr7, n) ((dr7) >> 2 * (n)&3)

/* --- the instruction --- */

static bool prefix(u8 byte, bool wide)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x66:
	case 0x67:
	case 0xf0:
	case 0xf2:
	case 0xf3: return true;
	default: return wide && (byte & 0xf0) == 0x40;
	}
}

/* The few whose opcode matters, which the decoder does not tell apart. */
static enum step_flow flow(struct vcpu *v)
{
	u8 code[INSN_MAX_BYTES + 2] = { 0 };
	struct guest_fault fault;
	struct guest_mem mem;
	u32 got, i = 0;

	insn_memory(v, &mem);
	if (guest_fetch(&mem, v->step.rip, code, &got, &fault) != WALK_OK)
		return STEP_PLAIN;
	while (i < got && prefix(code[i], guest_code_mode(&mem) == 64))
		i++;
	switch (code[i]) {
	case 0x9c: return STEP_STORES_FLAGS;
	case 0x9d:
	case 0xcf: return STEP_LOADS_FLAGS;
	case 0x17: return STEP_SHADOW;
	case 0x8e: return (code[i + 1] >> 3 & 7) == GUEST_SS ? STEP_SHADOW : STEP_PLAIN;
	case 0x0f: break;
	default: return STEP_PLAIN;
	}
	switch (code[i + 1]) {
	case 0x05: return STEP_SYSCALL;
	case 0x07: return STEP_LOADS_FLAGS;
	case 0x21:
	case 0x23: return STEP_MOVES_DR;
	case 0xb2: return STEP_SHADOW; /* LSS */
	default: return STEP_PLAIN;
	}
}

/* With BTF a step ends at branches only. A jump to the next instruction is not told from none. */
static bool branched(struct vcpu *v)
{
	u64 moved = vcpu_get(v, VCPU_RIP) - v->step.rip;

	return moved && moved != v->step.length;
}

/* PUSHF has stored our TF where the guest has none: bit 0 of the image's second byte. */
static void mend_image(struct vcpu *v)
{
	u64 rsp = v->gpr[RSP];
	struct guest_fault fault;
	struct guest_span span;
	struct guest_mem mem;
	u64 at;
	u8 byte;

	insn_memory(v, &mem);
	if (guest_code_mode(&mem) != 64)
		rsp = mem.seg[GUEST_SS].attr & SEG_DB ? (u32)rsp : (u16)rsp;
	if (guest_span(&mem, GUEST_SS, rsp, 2, 1, WALK_WRITE | WALK_PEEK, &span, &fault) != WALK_OK)
		return;
	at = span.len[1] ? span.gpa[1] : span.gpa[0] + 1;
	if (phys_read(at, &byte, 1)) {
		byte &= ~(RFLAGS_TF >> 8);
		phys_write_guarded(at, &byte, 1);
	}
}

/* --- beginning --- */

/* Pages that the same instruction was given before, and the one that it asks for now. */
static bool open_pages(struct vcpu *v, const struct vmexit *e, bool again)
{
	struct step *s = &v->step;
	struct machine *m = v->machine;
	u32 i;

	if (!again)
		s->pages = 0;
	if (s->pages == STEP_PAGES_MAX)
		return false;
	s->page[s->pages++] = e->addr;
	s->view = slat_view_open(m, s->kind == STEP_INSN);
	for (i = 0; i < s->pages; i++) {
		if (slat_view_add(m, s->page[i]))
			continue;
		slat_view_close(m);
		s->view = 0;
		s->pages = 0;
		return false;
	}
	return true;
}

static void trace(struct vcpu *v)
{
	struct step *s = &v->step;

	s->debugctl = vcpu_get(v, VCPU_DEBUGCTL);
	if (s->debugctl & DEBUGCTL_BTF) {
		struct vmexit e = { .cpl = 3 };

		s->length = insn_length(v, &e) == VERDICT_DEFAULT ? e.len : 0;
		vcpu_set(v, VCPU_DEBUGCTL, s->debugctl & ~DEBUGCTL_BTF);
	}
	vcpu_set(v, VCPU_RFLAGS, s->rflags | RFLAGS_TF);
	/* Causes stay in DR6 until software clears them: what is there afterwards shall be new. */
	s->dr6 = vcpu_get(v, VCPU_DR6);
	if (s->flow != STEP_MOVES_DR)
		vcpu_set(v, VCPU_DR6, s->dr6 & ~DR6_CAUSES);
	if (s->flow != STEP_SYSCALL)
		return;
	/* A mask that clears TF would let the kernel run on. */
	s->sfmask = cpu_rdmsr(MSR_SFMASK);
	cpu_wrmsr(MSR_SFMASK, s->sfmask & ~RFLAGS_TF);
}

/*
 * MOV SS and its like write one thing: the descriptor's accessed bit (APM vol. 2, 4.7). There is no
 * trap behind them, so that is done for them.
 */
static enum verdict mark_accessed(struct vmexit *e)
{
	u64 at = (e->addr & ~7ULL) + 5;
	u8 byte;

	if (e->kind != VMEXIT_MEMORY || e->value & MEM_WALK || !phys_read(at, &byte, 1))
		return inject_error(e, VECTOR_GP, 0);
	byte |= SEG_ACCESSED;
	return phys_write_guarded(at, &byte, 1) ? VERDICT_RETRY : VERDICT_STOP;
}

enum verdict step_begin(struct vcpu *v, struct vmexit *e)
{
	struct step *s = &v->step;
	u64 rip = vcpu_get(v, VCPU_RIP);
	bool again = s->pages && s->rip == rip;

	if (e->kind != VMEXIT_MEMORY && e->kind != VMEXIT_IO)
		return VERDICT_STOP;
	s->rip = rip;
	s->rflags = vcpu_get(v, VCPU_RFLAGS);
	s->flow = e->delivering ? STEP_PLAIN : flow(v);
	s->view = 0;
	s->soft = 0;
	s->done = false;
	s->io = e->kind == VMEXIT_IO;
	if (s->flow == STEP_SHADOW)
		return mark_accessed(e);
	s->kind = e->delivering ? STEP_EVENT : STEP_INSN;
	s->traced = s->kind == STEP_INSN;
	if (!s->io && !open_pages(v, e, again)) {
		s->kind = STEP_OFF;
		return inject_error(e, VECTOR_GP, 0);
	}
	if (s->kind == STEP_INSN)
		trace(v);
	v->virt->view(v);
	return VERDICT_STEP;
}

/* --- end --- */

static bool at_its_end(const struct step *s, const struct vmexit *e)
{
	if (s->kind == STEP_EVENT)
		return e->kind == VMEXIT_MEMORY && e->value & MEM_FETCH && !e->delivering;
	return e->kind == VMEXIT_EXCEPTION && e->sel == VECTOR_DB && e->value & DR6_BS;
}

static void restore_flags(struct vcpu *v)
{
	struct step *s = &v->step;
	u64 own = s->rflags & RFLAGS_TF;
	u64 now = vcpu_get(v, VCPU_RFLAGS);

	if (s->done && s->flow == STEP_LOADS_FLAGS)
		own = now & RFLAGS_TF;
	else if (s->done && s->flow == STEP_SYSCALL)
		own &= ~s->sfmask;
	vcpu_set(v, VCPU_RFLAGS, (now & ~RFLAGS_TF) | own);
	if (s->done && s->flow == STEP_STORES_FLAGS && !own)
		mend_image(v);
	if (s->flow != STEP_SYSCALL)
		return;
	cpu_wrmsr(MSR_SFMASK, s->sfmask);
	if (s->done)
		v->gpr[R11] = (v->gpr[R11] & ~RFLAGS_TF) | (s->rflags & RFLAGS_TF);
}

/* Whether the guest has set a breakpoint that was hit: others tell of themselves, too. */
static bool breakpoint(struct vcpu *v, u64 causes)
{
	u64 dr7 = vcpu_get(v, VCPU_DR7);
	u32 n;

	for (n = 0; n < 4; n++)
		if (causes >> n & 1 && DR7_ENABLED(dr7, n))
			return true;
	return false;
}

/* The guest's own single step and its breakpoints, as if TF had been its own matter. */
static void debug_due(struct vcpu *v, struct vmexit *e, u64 causes)
{
	struct step *s = &v->step;
	bool step = s->rflags & RFLAGS_TF;
	u64 shown;

	causes |= s->pending;
	if (s->flow == STEP_SYSCALL && s->sfmask & RFLAGS_TF)
		step = false;
	if (s->debugctl & DEBUGCTL_BTF && !branched(v))
		step = false;
	if (s->flow != STEP_MOVES_DR)
		vcpu_set(v, VCPU_DR6, s->dr6);
	else if (!(s->dr6 & DR6_BS))
		vcpu_set(v, VCPU_DR6, vcpu_get(v, VCPU_DR6) & ~DR6_BS);
	e->fault.vector = 0;
	if (!step && !breakpoint(v, causes))
		return;
	shown = (causes & DR6_B) | (step ? DR6_BS : 0);
	/* The trap clears it (APM vol. 2, 13.1.1.5; SDM vol. 3, 17.4.1). */
	if (s->debugctl & DEBUGCTL_BTF)
		vcpu_set(v, VCPU_DEBUGCTL, s->debugctl & ~DEBUGCTL_BTF);
	if (v->virt->step) {
		v->virt->step(v, shown);
		return;
	}
	vcpu_set(v, VCPU_DR6, vcpu_get(v, VCPU_DR6) | shown);
	e->fault = (struct guest_fault){ .vector = VECTOR_DB };
}

static void untrace(struct vcpu *v, struct vmexit *e)
{
	struct step *s = &v->step;
	u64 causes = e->value;

	restore_flags(v);
	if (s->debugctl & DEBUGCTL_BTF)
		vcpu_set(v, VCPU_DEBUGCTL, s->debugctl);
	if (s->done) {
		debug_due(v, e, causes);
		return;
	}
	if (s->flow != STEP_MOVES_DR)
		vcpu_set(v, VCPU_DR6, s->dr6);
	/* A debug exception of another kind is the guest's, with what it puts into DR6. */
	if (e->kind == VMEXIT_EXCEPTION && e->sel == VECTOR_DB)
		vcpu_set(v, VCPU_DR6, vcpu_get(v, VCPU_DR6) | causes);
}

void step_exit(struct vcpu *v, struct vmexit *e)
{
	struct step *s = &v->step;

	s->done = at_its_end(s, e);
	s->kind = STEP_OFF;
	s->io = false;
	if (s->view)
		slat_view_close(v->machine);
	/* What it was given is remembered while it asks for more. */
	if (e->kind != VMEXIT_MEMORY || s->done)
		s->pages = 0;
	v->virt->view(v);
	s->view = 0;
	if (s->traced)
		untrace(v, e);
	s->cut = e->kind == VMEXIT_STEP || e->kind == VMEXIT_NMI;
	if (s->done) {
		e->kind = VMEXIT_STEP;
		e->sel = 0;
	}
}

bool step_again(struct vcpu *v, const struct vmexit *e)
{
	const struct step *s = &v->step;

	return s->cut && s->rip == vcpu_get(v, VCPU_RIP) && s->page[0] == e->addr;
}

enum verdict default_step(struct vcpu *v, struct vmexit *e)
{
	(void)v;
	return e->fault.vector == VECTOR_DB ? VERDICT_INJECT : VERDICT_RETRY;
}
