// SPDX-License-Identifier: GPL-2.0-only
#include "svm_input.h"

u64 svm_code(const struct guest_input *in)
{
	static const u16 codes[] = {
		SVM_EXIT_CPUID,
		SVM_EXIT_IDTR_READ,
		SVM_EXIT_IDTR_READ + 1,
		SVM_EXIT_IDTR_READ + 2,
		SVM_EXIT_TR_READ,
		SVM_EXIT_CR_READ(0),
		SVM_EXIT_CR_READ(3),
		SVM_EXIT_CR_READ(4),
		SVM_EXIT_CR_WRITE(0),
		SVM_EXIT_CR_WRITE(3),
		SVM_EXIT_CR_WRITE(4),
		SVM_EXIT_EXCEPTION(VECTOR_GP),
		SVM_EXIT_EXCEPTION(VECTOR_PF),
		SVM_EXIT_EXCEPTION(VECTOR_UD),
		SVM_EXIT_EXCEPTION(VECTOR_DB),
		SVM_EXIT_EXCEPTION(VECTOR_BP),
		SVM_EXIT_EXCEPTION(VECTOR_SS),
		SVM_EXIT_MSR,
		SVM_EXIT_VMMCALL,
		SVM_EXIT_VMRUN,
		SVM_EXIT_SKINIT,
		SVM_EXIT_INVLPGA,
		SVM_EXIT_NPF,
		SVM_EXIT_INIT,
		SVM_EXIT_SHUTDOWN,
		SVM_EXIT_NMI,
		SVM_EXIT_IOIO,
		SVM_EXIT_XSETBV,
		SVM_EXIT_CR0_SEL_WRITE,
	};

	switch (in->exit) {
	case 0xffff: return SVM_EXIT_INVALID;
	case EXIT_BUSY: return ~1ULL;
	/* Nobody is to look at the lower half alone. */
	case EXIT_WIDE: return BIT64(32) | SVM_EXIT_CPUID;
	}
	if (in->exit & RAW_CODE)
		return in->exit & 0x7ff;
	return codes[in->exit % ARRAY_SIZE(codes)];
}

static bool is_exception(u64 code)
{
	return code >= SVM_EXIT_EXCEPTION(0) && code <= SVM_EXIT_EXCEPTION(31);
}

bool svm_has_error_code(u8 vector)
{
	return 0x27d00u >> vector & 1;
}

/* The event that was under delivery: APM vol. 2, 15.7.2. */
u64 svm_interrupted(const struct guest_input *in, u64 code)
{
	static const u8 types[] = { SVM_EVENT_INTR, SVM_EVENT_NMI, SVM_EVENT_EXCEPTION,
				    SVM_EVENT_SOFTWARE };
	u32 type = types[in->event >> 8 & 3];
	u8 vector = in->event;
	u64 event;

	if (!(in->event & 0x8000) ||
	    !(is_exception(code) || code == SVM_EXIT_NPF || code == SVM_EXIT_SHUTDOWN))
		return 0;
	if (type == SVM_EVENT_NMI)
		vector = VECTOR_NMI;
	if (type == SVM_EVENT_EXCEPTION) {
		vector &= 31;
		if (vector == VECTOR_NMI)
			return 0;
	}
	event = SVM_EVENT_VALID | type << 8 | vector;
	/* Real mode has no error codes. */
	if (type == SVM_EVENT_EXCEPTION && C->cr0 & CR0_PE && svm_has_error_code(vector))
		event |= SVM_EVENT_HAS_ERROR | in->value[2] << 32;
	return event;
}

static struct vmcb_segment vmcb_segment(const struct guest_segment *s)
{
	return (struct vmcb_segment){ s->selector, s->attr, s->limit, s->base };
}

/* Whether a processor lets it wrap, the manual does not say. */
u64 svm_next_rip(const struct guest_input *in)
{
	u64 next = C->rip + in->length;

	if (C->cs.attr & SEG_LONG || in->facts & 8)
		return next;
	return C->cs.attr & SEG_DB ? (u32)next : (u16)next;
}

void svm_fill(const struct guest_input *in, const struct guest *g, u64 code)
{
	struct vmcb *c = C;

	/* All but ASID flushing, which decides nothing else. */
	svm_features = SVM_HAS_NPT | SVM_HAS_CLEAN | (in->facts & 1 ? SVM_HAS_NRIP : 0) |
		       (in->facts & 2 ? SVM_HAS_DECODE : 0) |
		       (in->facts & 4 ? SVM_HAS_FLUSH_ASID : 0);
	c->cr0 = g->cr0;
	c->cr3 = g->cr3;
	c->cr4 = g->cr4;
	c->efer = g->efer | EFER_SVME;
	c->rflags = g->rflags;
	c->rip = g->rip;
	c->cpl = g->cpl;
	c->interrupt_shadow = g->shadow;
	c->cr2 = sim.cr2;
	c->es = vmcb_segment(&g->seg[GUEST_ES]);
	c->cs = vmcb_segment(&g->seg[GUEST_CS]);
	c->ss = vmcb_segment(&g->seg[GUEST_SS]);
	c->ds = vmcb_segment(&g->seg[GUEST_DS]);
	sim.fs = c->fs = vmcb_segment(&g->seg[GUEST_FS]);
	sim.gs = c->gs = vmcb_segment(&g->seg[GUEST_GS]);
	sim.ldtr = c->ldtr = vmcb_segment(&g->seg[SEG_LDTR]);
	sim.tr = c->tr = vmcb_segment(&g->seg[SEG_TR]);
	c->gdtr = (struct vmcb_segment){ .limit = GUEST_GDT_LIMIT, .base = GUEST_GDT };
	c->exit_int_info = svm_interrupted(in, code);
	c->next_rip = 0;
	if (svm_features & SVM_HAS_NRIP)
		c->next_rip = svm_next_rip(in);
	guest_ready(in);
	if (in->more & IN_PENDING_NMI)
		sim.nmi_meanwhile = true;
}

u64 svm_info(const struct guest_input *in, u64 code)
{
	if (is_exception(code))
		return svm_has_error_code(code - SVM_EXIT_EXCEPTION(0)) ? (u32)in->value[0] : 0;
	if (code == SVM_EXIT_MSR || code == SVM_EXIT_NPF)
		return in->value[0] & 0x1f;
	/* Port, one of three sizes, direction, string, repeated */
	if (code == SVM_EXIT_IOIO)
		return (in->value[0] & 0xffff000d) | 0x10 << in->value[0] % 3;
	/* Nothing is told where decode assists are not. */
	if (code < SVM_EXIT_CR_WRITE(16) && svm_features & SVM_HAS_DECODE)
		return in->value[0] & (SVM_CR_IS_MOV | 15);
	return 0;
}
