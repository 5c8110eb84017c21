// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_svm.c - any guest, any #VMEXIT: what svm_quick() and svm_exit() make of it is one of the
 * ends that an exit has, it is what a processor takes, and the quick answer is the slow one's.
 *
 * The exit is one that a processor could make: event information is well formed and comes with
 * exits that can interrupt a delivery, the next RIP is behind the instruction. The codes are any.
 */
#include <string.h>

#include "guest.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define RAW_CODE 0x8000u /* in guest_input.exit: the lower bits are the exit code itself */
#define MAGIC_CALL(number) (HYPERCALL_MAGIC ^ (number))

static struct world before, after;

/* --- the exit --- */

static u64 exit_code(const struct guest_input *in)
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

	if (in->exit == 0xffff)
		return SVM_EXIT_INVALID;
	if (in->exit & RAW_CODE)
		return in->exit & 0x7ff;
	return codes[in->exit % ARRAY_SIZE(codes)];
}

static bool is_exception(u64 code)
{
	return code >= SVM_EXIT_EXCEPTION(0) && code <= SVM_EXIT_EXCEPTION(31);
}

static bool has_error_code(u8 vector)
{
	return 0x27d00u >> vector & 1;
}

/* The event that was under delivery: APM vol. 2, 15.7.2. */
static u64 interrupted(const struct guest_input *in, u64 code)
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
	if (type == SVM_EVENT_EXCEPTION && C->cr0 & CR0_PE && has_error_code(vector))
		event |= SVM_EVENT_HAS_ERROR | in->value[2] << 32;
	return event;
}

static struct vmcb_segment vmcb_segment(const struct guest_segment *s)
{
	return (struct vmcb_segment){ s->selector, s->attr, s->limit, s->base };
}

/* Whether a processor lets it wrap, the manual does not say. */
static u64 next_rip(const struct guest_input *in)
{
	u64 next = C->rip + in->length;

	if (C->cs.attr & SEG_LONG || in->facts & 8)
		return next;
	return C->cs.attr & SEG_DB ? (u32)next : (u16)next;
}

static void fill(const struct guest_input *in, const struct guest *g, u64 code)
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
	c->exit_int_info = interrupted(in, code);
	c->next_rip = 0;
	if (svm_features & SVM_HAS_NRIP)
		c->next_rip = next_rip(in);
	guest_ready(in);
	if (in->more & IN_PENDING_NMI)
		sim.nmi_meanwhile = true;
}

static u64 exit_info(const struct guest_input *in, u64 code)
{
	if (is_exception(code))
		return has_error_code(code - SVM_EXIT_EXCEPTION(0)) ? (u32)in->value[0] : 0;
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

/* --- what came of it --- */

enum end { ENTERED, LEFT, HALTED };

static enum end run(const struct guest_input *in, u64 code, bool quick)
{
	u64 info1 = exit_info(in, code);
	/* The next RIP, with or without NRIP: APM vol. 2, 15.10.2 */
	u64 info2 = code == SVM_EXIT_IOIO ? next_rip(in) : in->value[1];

	if (SIM_HALTS(sim_vmexit(code, info1, info2, quick)))
		return HALTED;
	return sim.held ? ENTERED : LEFT;
}

/* APM vol. 2, appendix B, less what an answer may change. */
static void check_untouched(void)
{
	struct vmcb now = *C, was;

	memcpy(&was, before.control, sizeof(was));
	was.exit_code = now.exit_code;
	was.exit_info1 = now.exit_info1;
	was.exit_info2 = now.exit_info2;
#define MAY_CHANGE(field) memcpy(&was.field, &now.field, sizeof(was.field))
	MAY_CHANGE(intercept_cr_read);
	MAY_CHANGE(intercept_cr_write);
	MAY_CHANGE(intercept_exceptions);
	MAY_CHANGE(intercept3);
	MAY_CHANGE(tlb_control);
	MAY_CHANGE(interrupt_shadow);
	MAY_CHANGE(event_inj);
	MAY_CHANGE(clean);
	MAY_CHANGE(cr0);
	MAY_CHANGE(cr2);
	MAY_CHANGE(cr3);
	MAY_CHANGE(cr4);
	MAY_CHANGE(efer);
	MAY_CHANGE(dr6);
	MAY_CHANGE(gdtr);
	MAY_CHANGE(idtr);
	MAY_CHANGE(rflags);
	MAY_CHANGE(rip);
	MAY_CHANGE(rsp);
	MAY_CHANGE(rax);
#undef MAY_CHANGE
	REQUIRE(!memcmp(&was, &now, sizeof(was)));
	REQUIRE(!(C->interrupt_shadow & ~1ULL) && !(C->tlb_control & ~3));
	REQUIRE(((C->rflags ^ before.sim.was.rflags) & ~(u64)RFLAGS_RF) == 0 ||
		!before.sim.was.rflags);
}

static void check_fault(const struct guest *g, u64 event)
{
	u8 vector = event;

	REQUIRE(SVM_EVENT_TYPE(event) == SVM_EVENT_EXCEPTION ||
		SVM_EVENT_TYPE(event) == SVM_EVENT_NMI);
	REQUIRE(C->rip == g->rip);
	REQUIRE(!memcmp(sim.gpr, before.sim.gpr, sizeof(sim.gpr)));
	REQUIRE(C->interrupt_shadow == g->shadow);
	REQUIRE(C->dr6 == ((struct vmcb *)before.control)->dr6);
	if (vector != VECTOR_PF)
		REQUIRE(C->cr2 == ((struct vmcb *)before.control)->cr2);
	/* A fault's frame has RF, a trap's has not: APM vol. 2, 13.1.4. */
	if (has_error_code(vector) && vector != VECTOR_DF)
		REQUIRE(C->rflags & RFLAGS_RF);
	guest_check_memory(g, &before);
}

/* Instructions whose exit may end with the guest behind them. */
static bool may_advance(enum vmexit_kind kind, u64 code)
{
	switch (kind) {
	case VMEXIT_CPUID:
	case VMEXIT_DESC_STORE:
	case VMEXIT_DESC_LOAD:
	case VMEXIT_SMSW:
	case VMEXIT_CR_READ:
	case VMEXIT_CR_WRITE:
	case VMEXIT_MSR_READ:
	case VMEXIT_MSR_WRITE:
	case VMEXIT_HYPERCALL:
	case VMEXIT_IO: return true;
	default:
		/* MOV to a CR4 that has virtual bits */
		return code == SVM_EXIT_EXCEPTION(VECTOR_GP);
	}
}

/* Then the length is that of the bytes found, whatever the processor has said of those it executed.
 */
static bool decoded(enum vmexit_kind kind)
{
	return kind != VMEXIT_CPUID && kind != VMEXIT_MSR_READ && kind != VMEXIT_MSR_WRITE &&
	       kind != VMEXIT_HYPERCALL;
}

/* One instruction is let through: it is to run, and all that could come instead exits. */
static void check_step(const struct guest *g)
{
	REQUIRE(C->rip == g->rip && C->rflags & RFLAGS_TF && !(C->event_inj & SVM_EVENT_VALID));
	REQUIRE(!((C->rflags ^ before.sim.was.rflags) & ~(u64)RFLAGS_TF));
	REQUIRE((C->intercept_exceptions | 1u << VECTOR_NMI) == ~0u);
	REQUIRE(sim_exits(SVM_EXIT_INTR) && sim_exits(SVM_EXIT_NMI));
	REQUIRE(!memcmp(sim.gpr, before.sim.gpr, sizeof(sim.gpr)));
	guest_check_memory(g, &before);
}

static void check_entered(const struct guest *g, u64 code)
{
	enum vmexit_kind kind = guest_counted(&before);
	u64 event = C->event_inj & SVM_EVENT_VALID ? C->event_inj : 0;
	u64 pending = ((struct vmcb *)before.control)->exit_int_info;
	const u64 double_fault = FAULT(VECTOR_DF, 0);

	if (V->step.kind) {
		check_step(g);
		return;
	}
	check_untouched();
	if (machine.stopped) {
		REQUIRE(event == double_fault && C->rip == g->rip);
		return;
	}
	/* Finding out what it was may have ended it: then nobody was asked. */
	if (kind == VMEXIT_KINDS)
		REQUIRE(code == SVM_EXIT_CR_READ(0) && !(svm_features & SVM_HAS_DECODE));
	if (guest_advanced(g, C->rip)) {
		REQUIRE(may_advance(kind, code));
		REQUIRE(!C->interrupt_shadow && !(C->rflags & RFLAGS_RF));
		if (svm_features & SVM_HAS_NRIP && !decoded(kind))
			REQUIRE((u16)C->rip == (u16)C->next_rip);
		if (event && event != pending) {
			REQUIRE(event == EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
			REQUIRE(C->dr6 & DR6_BS && g->rflags & RFLAGS_TF);
		}
		return;
	}
	if (event && event != pending)
		check_fault(g, event);
	/* Tried again. */
	if (!event || event == pending)
		REQUIRE(!memcmp(sim.gpr, before.sim.gpr, sizeof(sim.gpr)));
}

/* The long way, with somebody looking on, so that nothing is answered before dispatch(). */
static void compare(const struct guest_input *in, const struct guest *g, u64 code, enum end end)
{
	bool advanced = end == ENTERED && C->rip != g->rip;
	enum end slow;

	world_save(&after);
	world_restore(&before);
	guest_watch();
	slow = run(in, code, false);
	/*
	 * Where CPUID's bytes were looked at, the long way may find that they cannot be fetched: no
	 * processor had executed them.
	 */
	if (code == SVM_EXIT_CPUID && !(svm_features & SVM_HAS_NRIP) && advanced &&
	    (g->wild || C->rip == g->rip))
		return;
	REQUIRE(slow == end);
	if (end == HALTED)
		return;
	guest_same(g, &after);
	REQUIRE(!memcmp(C, after.control, sizeof(struct vmcb)));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct guest_input in;
	struct guest g;
	enum end end;
	u64 code;

	if (size < sizeof(in) || size > 2048)
		return -1;
	memcpy(&in, data, sizeof(in));
	in.length = in.length % INSN_MAX_BYTES + 1;
	guest_boot(SIM_EPYC);
	guest_make(&in, data + sizeof(in), size - sizeof(in), &g);
	code = exit_code(&in);
	fill(&in, &g, code);
	sim.was = *C;
	world_save(&before);
	end = run(&in, code, true);
	if (end == HALTED)
		REQUIRE(code == SVM_EXIT_INVALID || code == SVM_EXIT_SHUTDOWN ||
			(u8)C->exit_int_info == VECTOR_DF);
	else if (end == LEFT)
		REQUIRE(code == SVM_EXIT_VMMCALL && !g.cpl &&
			g.gpr[RAX] == MAGIC_CALL(HYPERCALL_LEAVE));
	else
		check_entered(&g, code);
	compare(&in, &g, code, end);
	/* Second-level tables may have grown. */
	if (code == SVM_EXIT_NPF)
		block_restore();
	return 0;
}
