// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_svm.c - any guest, any #VMEXIT: what svm_quick() and svm_exit() make of it is one of the
 * ends that an exit has, it is what a processor takes, and the quick answer is the slow one's.
 *
 * The exit is one that a processor could make: event information is well formed and comes with
 * exits that can interrupt a delivery, the next RIP is behind the instruction. The codes are any.
 */
#include <string.h>

#include "svm_input.h"
#include "tally.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define MAGIC_CALL(number) (HYPERCALL_MAGIC ^ (number))

static struct world before, after;

/* --- what came of it --- */

enum end { ENTERED, LEFT, HALTED };

static enum end run(const struct guest_input *in, u64 code, bool quick)
{
	u64 info1 = svm_info(in, code);
	/* The next RIP, with or without NRIP: APM vol. 2, 15.10.2 */
	u64 info2 = code == SVM_EXIT_IOIO ? svm_next_rip(in) : in->value[1];

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
	REQUIRE(((C->rflags ^ before.sim.was[0][0].rflags) & ~(u64)RFLAGS_RF) == 0 ||
		!before.sim.was[0][0].rflags);
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
	if (svm_has_error_code(vector) && vector != VECTOR_DF)
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
	/* A store that is dropped */
	case VMEXIT_MEMORY: return V->plan->rule_count;
	default:
		/* MOV to a CR4 that has virtual bits; what rules skip */
		return code == SVM_EXIT_EXCEPTION(VECTOR_GP) ||
		       (kind == VMEXIT_EXCEPTION && V->plan->rule_count);
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
	bool event = V->step.kind == STEP_EVENT;

	/* An event is delivered in one, in a view where no code is fetched: no trap ends it. INT n
	 * returns behind itself. */
	REQUIRE(event == !!(C->event_inj & SVM_EVENT_VALID));
	REQUIRE(event || (C->rip == g->rip && C->rflags & RFLAGS_TF));
	REQUIRE(!((C->rflags ^ before.sim.was[0][0].rflags) & ~(u64)RFLAGS_TF));
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

/* --- further exits --- */

/* What a step changes and its end puts back: intercepts, tables, and SFMASK, which only WRMSR may
 * change. */
struct view {
	u32 exceptions, intercept3;
	u64 nested_cr3, sfmask;
};

static struct view view(void)
{
	return (struct view){ C->intercept_exceptions, C->intercept3, C->nested_cr3,
			      *sim_msr(MSR_SFMASK) };
}

static void check_view(const struct view *own)
{
	struct view now = view();

	REQUIRE(now.exceptions == own->exceptions && now.intercept3 == own->intercept3);
	REQUIRE(now.nested_cr3 == machine.slat_root && now.sfmask == own->sfmask);
	REQUIRE(!V->step.io);
}

static void count_end(u64 code, enum end end)
{
	enum vmexit_kind kind = end == ENTERED ? guest_counted(&before) : VMEXIT_KINDS;

	tally(code, kind,
	      end == HALTED	? TALLY_HALTED
	      : end == LEFT	? TALLY_LEFT
	      : V->step.kind	? TALLY_STEP
	      : machine.stopped ? TALLY_STOPPED
				: TALLY_ENTERED);
	/* What nobody knows is never skipped in silence. */
	if (kind == VMEXIT_UNKNOWN)
		REQUIRE(machine.stopped && C->event_inj == FAULT(VECTOR_DF, 0));
	REQUIRE(V->plan == &machine.plans[0] || V->plan == &machine.plans[1]);
}

/*
 * The guest goes on, perhaps in a step, perhaps under another plan, and exits again: with anything,
 * the step's own end among it. Returns whether tables that all processors share may have changed.
 */
static bool go_on(struct guest_input *in, const u8 *rest, size_t left)
{
	struct view own = view();
	bool tables = false;
	u64 code, value;
	enum end end;
	u16 what;

	/* A step is in force already: what it has put aside is what the end is measured by. */
	if (V->step.kind)
		own = (struct view){ V->plan->traps.exceptions | own.exceptions, own.intercept3, 0,
				     own.sfmask };
	while (guest_more(&rest, &left, &what, &value)) {
		bool stepped = V->step.kind, replan = what & MORE_REPLAN;

		if (replan) {
			guest_replan(value >> 56, what & MORE_FOLLOW);
			tables = true;
		}
		in->exit = what & 0x100 ? RAW_CODE | (what & 0xff) : what & 0xff;
		if (stepped && what & 0x80)
			in->exit = RAW_CODE | SVM_EXIT_EXCEPTION(VECTOR_DB);
		in->value[0] = value;
		in->value[1] = SIM_DATA + (value >> 32 & 0x3ff8);
		in->event = what & 0x40 ? in->event : 0;
		if (what & MORE_NMI)
			sim.nmi_meanwhile = true;
		code = svm_code(in);
		if (stepped && code == SVM_EXIT_EXCEPTION(VECTOR_DB)) {
			C->dr6 |= DR6_BS;
			C->rip += in->length;
		}
		C->exit_int_info = svm_interrupted(in, code);
		if (svm_features & SVM_HAS_NRIP)
			C->next_rip = svm_next_rip(in);
		world_save(&before);
		end = run(in, code, what & 1);
		count_end(code, end);
		if (end != ENTERED || machine.stopped)
			break;
		tables = tables || code == SVM_EXIT_NPF;
		/* The plan decides what exits: measured anew. */
		if (replan || code == SVM_EXIT_MSR || V->plan != before.vcpu.plan)
			own = view();
		else if (!V->step.kind && !stepped)
			check_view(&own);
		if (stepped && !V->step.kind) {
			REQUIRE(C->nested_cr3 == machine.slat_root || !machine.slat_root);
			REQUIRE(!sim_exits(SVM_EXIT_INTR) && !sim_exits(SVM_EXIT_NMI));
			REQUIRE(C->intercept_exceptions == V->plan->traps.exceptions ||
				!(C->intercept_exceptions &
				  ~(V->plan->traps.exceptions | 1u << VECTOR_GP |
				    V->plan->traps.kernel_exceptions)));
			own = view();
		}
	}
	return tables;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct guest_input in;
	struct guest g;
	enum end end;
	bool tables;
	u64 code;

	if (size < sizeof(in) || size > 2048)
		return -1;
	memcpy(&in, data, sizeof(in));
	in.length = in.length % INSN_MAX_BYTES + 1;
	guest_boot(SIM_EPYC);
	guest_make(&in, data + sizeof(in), size - sizeof(in), &g);
	code = svm_code(&in);
	svm_fill(&in, &g, code);
	sim.was[0][0] = *C;
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
	count_end(code, end);
	compare(&in, &g, code, end);
	/* Second-level tables may have grown. */
	tables = code == SVM_EXIT_NPF || guest_guards(&in);
	if (end == ENTERED && !machine.stopped)
		tables |= go_on(&in, data + sizeof(in), size - sizeof(in));
	if (tables)
		block_restore();
	return 0;
}

/* APM vol. 2, appendix C, and what is not there. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const u16 others[] = { 0xffff, EXIT_BUSY, EXIT_WIDE };
	struct guest_input in = { 0 };
	u16 exits[512];
	u64 codes[512];
	u32 n = 0, i;

	(void)argc;
	(void)argv;
	for (i = 0; i <= 0xff; i++)
		exits[n++] = RAW_CODE | i;
	for (i = SVM_EXIT_NPF - 1; i <= SVM_EXIT_NPF + 4; i++)
		exits[n++] = RAW_CODE | i;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		exits[n++] = others[i];
	for (i = 0; i < n; i++) {
		in.exit = exits[i];
		codes[i] = svm_code(&in);
	}
	tally_sweep(LLVMFuzzerTestOneInput, exits, codes, n);
	return 0;
}
