// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_vmx.c - any guest, any VM exit: what vmx_fast() and vmx_exit() make of it is one of the ends
 * that an exit has, VM entry takes it, and the fast answer is the slow one's.
 *
 * The exit is one that a processor could make: what it tells is well formed (Intel SDM vol.
 * 3, 28.2), and an event under delivery comes with exits that can interrupt one. The reasons are
 * any.
 */
#include <string.h>

#include "tally.h"
#include "vmx_input.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct fields fresh_fields, fields_before, fields_after;
static struct world before, after;

/* --- what came of it --- */

enum end { ENTERED, LEFT, HALTED };

/* What vmx_fast() leaves to the other it has not begun. */
static void answer(bool fast)
{
	struct vcpu vcpu = *V;

	if (fast) {
		if (vmx_fast(V))
			return;
		fields_save(&fields_after);
		REQUIRE(!memcmp(&fields_after, &fields_before, sizeof(fields_after)));
		REQUIRE(!memcmp(&vcpu, V, sizeof(vcpu)));
	}
	vmx_exit(V);
}

static enum end run(bool fast)
{
	u32 i;

	if (SIM_HALTS(answer(fast)))
		return HALTED;
	for (i = 0; i < GPRS; i++)
		sim.gpr[i] = i == RSP ? vmx_read(VMCS_GUEST_RSP) : V->gpr[i];
	return V->active ? ENTERED : LEFT;
}

/* 27.2.1.3 and 27.3.1.5: what VM entry would refuse. */
static void check_entry(void)
{
	u32 event = vmx_read(VMCS_ENTRY_EVENT), type = VMX_EVENT_TYPE(event);
	u32 blocking = vmx_read(VMCS_GUEST_BLOCKING), activity = vmx_read(VMCS_GUEST_ACTIVITY);
	u64 rflags = vmx_read(VMCS_GUEST_RFLAGS);
	bool step = rflags & RFLAGS_TF && !(vmx_read(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF);
	u8 vector = event;

	REQUIRE((blocking & 3) != 3 && !(blocking & ~0xfu));
	REQUIRE(!(blocking & VMX_BLOCKING_STI) || rflags & RFLAGS_IF);
	if (blocking & 3 || activity == VMX_ACTIVITY_HLT)
		REQUIRE((vmx_read(VMCS_GUEST_PENDING_DEBUG) >> 14 & 1) == step);
	if (vmx_read(VMCS_PROC) & VMX_PROC_NMI_WINDOW)
		REQUIRE(vmx_read(VMCS_PIN) & VMX_PIN_VIRTUAL_NMI);
	if (!(event & VMX_EVENT_VALID))
		return;
	REQUIRE(activity == VMX_ACTIVITY_ACTIVE);
	REQUIRE(type != 1 && type != 7 && !(event & 0x7ffff000));
	REQUIRE(type != VMX_EVENT_NMI || vector == VECTOR_NMI);
	REQUIRE(type != VMX_EVENT_EXCEPTION || (vector < 32 && vector != VECTOR_NMI));
	REQUIRE(!!(event & VMX_EVENT_HAS_ERROR) ==
		(type == VMX_EVENT_EXCEPTION && vmx_read(VMCS_GUEST_CR0) & CR0_PE &&
		 vmx_has_error_code(vector)));
	if (event & VMX_EVENT_HAS_ERROR)
		REQUIRE(!(vmx_read(VMCS_ENTRY_ERROR) >> 16));
	if (type >= VMX_EVENT_INT_N)
		REQUIRE(vmx_read(VMCS_ENTRY_LENGTH) >= 1 &&
			vmx_read(VMCS_ENTRY_LENGTH) <= INSN_MAX_BYTES);
	if (type == VMX_EVENT_INTERRUPT)
		REQUIRE(rflags & RFLAGS_IF && !(blocking & 3));
	if (type == VMX_EVENT_NMI)
		REQUIRE(!(blocking & (VMX_BLOCKING_NMI | VMX_BLOCKING_MOV_SS | VMX_BLOCKING_STI)));
}

/* Fields that an answer has no business with. INIT and SIPI make another guest. */
static void check_untouched(enum vmexit_kind kind)
{
	static const u16 may_change[] = {
		VMCS_ENTRY_EVENT,  VMCS_ENTRY_ERROR,	VMCS_ENTRY_LENGTH,
		VMCS_PROC,	   VMCS_PROC2,		VMCS_EXCEPTIONS,
		VMCS_CR0_MASK,	   VMCS_CR0_SHADOW,	VMCS_CR4_MASK,
		VMCS_CR4_SHADOW,   VMCS_GUEST_RIP,	VMCS_GUEST_RSP,
		VMCS_GUEST_RFLAGS, VMCS_GUEST_BLOCKING, VMCS_GUEST_PENDING_DEBUG,
		VMCS_GUEST_CR0,	   VMCS_GUEST_CR3,	VMCS_GUEST_CR4,
	};
	static const u16 loaded[] = {
		VMCS_GUEST_GDTR_BASE,	       VMCS_GUEST_GDTR_LIMIT,
		VMCS_GUEST_IDTR_BASE,	       VMCS_GUEST_IDTR_LIMIT,
		VMCS_GUEST_SELECTOR(SEG_LDTR), VMCS_GUEST_LIMIT(SEG_LDTR),
		VMCS_GUEST_ATTR(SEG_LDTR),     VMCS_GUEST_BASE(SEG_LDTR),
		VMCS_GUEST_SELECTOR(SEG_TR),   VMCS_GUEST_LIMIT(SEG_TR),
		VMCS_GUEST_ATTR(SEG_TR),       VMCS_GUEST_BASE(SEG_TR),
	};
	struct fields was = fields_before, now;
	bool other_guest = kind == VMEXIT_INIT || kind == VMEXIT_SIPI;
	u32 width, type, i;

	fields_save(&now);
	for (i = 0; i < ARRAY_SIZE(may_change); i++)
		*field_in(&was, may_change[i]) = vmx_read(may_change[i]);
	for (i = 0; kind == VMEXIT_DESC_LOAD && i < ARRAY_SIZE(loaded); i++)
		*field_in(&was, loaded[i]) = vmx_read(loaded[i]);
	for (width = 0; width < 4; width++)
		for (type = 0; type < 4; type++)
			if (!other_guest || type == TYPE_EXIT || type == TYPE_HOST)
				REQUIRE(!memcmp(was.field[width][type], now.field[width][type],
						sizeof(now.field[width][type])));
	if (kind != VMEXIT_INIT)
		REQUIRE(!((vmx_read(VMCS_GUEST_RFLAGS) ^
			   *field_in(&fields_before, VMCS_GUEST_RFLAGS)) &
			  ~(u64)RFLAGS_RF));
}

static void check_fault(const struct guest *g, u32 event)
{
	u8 vector = event;

	REQUIRE(vmx_read(VMCS_GUEST_RIP) == g->rip);
	REQUIRE(!memcmp(sim.gpr, g->gpr, sizeof(sim.gpr)));
	if (VMX_EVENT_TYPE(event) != VMX_EVENT_EXCEPTION)
		return;
	if (vector != VECTOR_PF)
		REQUIRE(sim.cr2 == before.sim.cr2);
	if (vmx_has_error_code(vector) && vector != VECTOR_DF)
		REQUIRE(vmx_read(VMCS_GUEST_RFLAGS) & RFLAGS_RF);
	guest_check_memory(g, &before);
}

static bool may_advance(enum vmexit_kind kind)
{
	switch (kind) {
	case VMEXIT_CPUID:
	case VMEXIT_DESC_STORE:
	case VMEXIT_DESC_LOAD:
	case VMEXIT_CR_READ:
	case VMEXIT_CR_WRITE:
	case VMEXIT_MSR_READ:
	case VMEXIT_MSR_WRITE:
	case VMEXIT_XSETBV:
	case VMEXIT_IO:
	case VMEXIT_HYPERCALL:
	case VMEXIT_INVD: return true;
	/* A store that is dropped, an instruction that is skipped */
	case VMEXIT_MEMORY:
	case VMEXIT_EXCEPTION: return V->plan->rule_count;
	default: return false;
	}
}

/* INIT parks a processor that cannot run real mode: it is halted for good. */
static void check_reset(enum vmexit_kind kind)
{
	u32 activity = vmx_read(VMCS_GUEST_ACTIVITY);
	u64 rip = vmx_read(VMCS_GUEST_RIP);

	REQUIRE(!(vmx_read(VMCS_ENTRY_EVENT) & VMX_EVENT_VALID));
	if (kind == VMEXIT_SIPI)
		REQUIRE(rip == 0 && activity == VMX_ACTIVITY_ACTIVE);
	else
		REQUIRE(activity == VMX_ACTIVITY_HLT || rip == 0xfff0);
}

/* One instruction, or the delivery of one event, is let through: all that could come instead exits.
 */
static void check_step(const struct guest *g)
{
	bool event = V->step.kind == STEP_EVENT;

	REQUIRE(vmx_read(VMCS_GUEST_RIP) == g->rip);
	REQUIRE(event == !!(vmx_read(VMCS_ENTRY_EVENT) & VMX_EVENT_VALID));
	REQUIRE(event || vmx_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF);
	REQUIRE(((u32)vmx_read(VMCS_EXCEPTIONS) | 1u << VECTOR_NMI) == ~0u &&
		vmx_read(VMCS_PIN) & VMX_PIN_INTERRUPT);
	REQUIRE(!memcmp(sim.gpr, g->gpr, sizeof(sim.gpr)));
	guest_check_memory(g, &before);
}

static void check_entered(const struct guest *g, u32 reason)
{
	enum vmexit_kind kind = guest_counted(&before);
	u32 event = vmx_read(VMCS_ENTRY_EVENT);

	check_entry();
	if (!V->step.kind)
		check_untouched(kind);
	if (V->step.kind) {
		check_step(g);
		return;
	}
	if (kind == VMEXIT_KINDS)
		REQUIRE(reason == VMX_EXIT_NMI_WINDOW ||
			reason == (VMX_REASON_ENTRY_FAILED | VMX_ENTRY_MACHINE_CHECK));
	if (kind == VMEXIT_INIT || kind == VMEXIT_SIPI) {
		check_reset(kind);
		return;
	}
	REQUIRE(vmx_read(VMCS_GUEST_ACTIVITY) == VMX_ACTIVITY_ACTIVE);
	if (machine.stopped) {
		REQUIRE((u8)event == VECTOR_DF && event & VMX_EVENT_VALID);
		REQUIRE(vmx_read(VMCS_GUEST_RIP) == g->rip);
		return;
	}
	if (guest_advanced(g, vmx_read(VMCS_GUEST_RIP))) {
		REQUIRE(may_advance(kind));
		REQUIRE(!(vmx_read(VMCS_GUEST_BLOCKING) &
			  (VMX_BLOCKING_STI | VMX_BLOCKING_MOV_SS)));
		REQUIRE(!(vmx_read(VMCS_GUEST_RFLAGS) & RFLAGS_RF));
		REQUIRE(!(event & VMX_EVENT_VALID));
		if (g->rflags & RFLAGS_TF)
			REQUIRE(vmx_read(VMCS_GUEST_PENDING_DEBUG) & BIT64(14));
		return;
	}
	/* The event that was under delivery is delivered again as it was. */
	if (event & VMX_EVENT_VALID && event != vmx_read(VMCS_VECTORING))
		check_fault(g, event);
	else
		REQUIRE(!memcmp(sim.gpr, g->gpr, sizeof(sim.gpr)));
}

static void compare(const struct guest_input *in, const struct guest *g, enum end end, bool tables)
{
	struct fields slow;

	world_save(&after);
	fields_save(&fields_after);
	if (tables)
		block_restore();
	world_restore(&before);
	if (tables && guest_guards(in))
		guest_guard();
	fields_restore(&fields_before);
	REQUIRE(run(false) == end);
	if (end == HALTED)
		return;
	guest_same(g, &after);
	fields_save(&slow);
	REQUIRE(!memcmp(&slow, &fields_after, sizeof(slow)));
}

/* --- further exits --- */

/* What a step changes and its end puts back. */
struct view {
	u64 exceptions, pin, proc, eptp, sfmask;
};

static struct view view(void)
{
	return (struct view){ vmx_read(VMCS_EXCEPTIONS), vmx_read(VMCS_PIN),
			      vmx_read(VMCS_PROC) & ~VMX_PROC_NMI_WINDOW, vmx_read(VMCS_EPTP),
			      *sim_msr(MSR_SFMASK) };
}

static void count_end(u32 reason, enum end end)
{
	enum vmexit_kind kind = end == ENTERED ? guest_counted(&before) : VMEXIT_KINDS;

	tally(reason, kind,
	      end == HALTED	? TALLY_HALTED
	      : end == LEFT	? TALLY_LEFT
	      : V->step.kind	? TALLY_STEP
	      : machine.stopped ? TALLY_STOPPED
				: TALLY_ENTERED);
	/* What nobody knows is never skipped in silence. */
	if (kind == VMEXIT_UNKNOWN)
		REQUIRE(machine.stopped &&
			(vmx_read(VMCS_ENTRY_EVENT) & 0x800007ff) ==
				(VMX_EVENT_VALID | VMX_EVENT_TYPE_OF(VMX_EVENT_EXCEPTION) |
				 VECTOR_DF));
	REQUIRE(V->plan == &machine.plans[0] || V->plan == &machine.plans[1]);
}

/*
 * The guest goes on, perhaps in a step, perhaps under another plan, and exits again: with anything,
 * the step's own end among it. Returns whether tables that all processors share may have changed.
 */
static bool go_on(struct guest_input *in, const u8 *rest, size_t left)
{
	struct view own = { 0 }, now;
	bool tables = false, known = !V->step.kind;
	u64 value;
	enum end end;
	u32 reason, i;
	u16 what;

	if (known)
		own = view();
	while (guest_more(&rest, &left, &what, &value)) {
		bool stepped = V->step.kind, replan = what & MORE_REPLAN;

		if (replan) {
			guest_replan(value >> 56, what & MORE_FOLLOW);
			tables = true;
			known = false;
		}
		in->exit = what & 0x100 ? 0x8000 | (what & 0x7f) : what & 0x7f;
		in->value[0] = value;
		in->value[1] = SIM_DATA + (value >> 32 & 0x3ff8);
		in->value[2] = value >> 16;
		/* The single-step trap: an exception, of vector 1, whose cause is BS. */
		if (stepped && what & 0x80) {
			in->exit = 0x8000 | VMX_EXIT_EVENT;
			in->value[1] = BIT64(14);
			in->value[2] = VECTOR_DB;
		}
		reason = exit_reason(in);
		vmx_exit_again(in, reason);
		if (stepped && what & 0x80)
			vmx_write(VMCS_GUEST_RIP, vmx_read(VMCS_GUEST_RIP) + in->length);
		if (what & MORE_NMI) {
			V->nmis = 1;
			vmx_nmi(V);
		}
		for (i = 0; i < GPRS; i++)
			V->gpr[i] = i == RSP ? 0xdeadbeefdeadbeef : sim.gpr[i];
		world_save(&before);
		fields_save(&fields_before);
		end = run(what & 1);
		count_end(reason, end);
		if (end != ENTERED || machine.stopped)
			break;
		check_entry();
		tables = tables || reason == VMX_EXIT_EPT_VIOLATION || reason == VMX_EXIT_WRMSR;
		if (reason == VMX_EXIT_WRMSR || V->plan != before.vcpu.plan)
			known = false;
		if (V->step.kind)
			continue;
		REQUIRE((vmx_read(VMCS_EPTP) & CR3_ADDRESS) == machine.slat_root && !V->step.io);
		REQUIRE(!(vmx_read(VMCS_PIN) & VMX_PIN_INTERRUPT));
		now = view();
		if (known)
			REQUIRE(now.exceptions == own.exceptions && now.pin == own.pin &&
				now.proc == own.proc && now.eptp == own.eptp &&
				now.sfmask == own.sfmask);
		own = now;
		known = true;
	}
	return tables;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static bool booted;
	struct guest_input in;
	struct guest g;
	enum end end;
	bool tables;
	u32 reason;

	if (size < sizeof(in) || size > 2048)
		return -1;
	memcpy(&in, data, sizeof(in));
	in.length = in.length % INSN_MAX_BYTES + 1;
	if (!booted) {
		guest_boot(SIM_INTEL);
		fields_save(&fresh_fields);
		booted = true;
	}
	fields_restore(&fresh_fields);
	guest_make(&in, data + sizeof(in), size - sizeof(in), &g);
	reason = exit_reason(&in);
	/* Second-level tables may grow, be split, or follow an MTRR. */
	tables = reason == VMX_EXIT_EPT_VIOLATION ||
		 (reason == VMX_EXIT_WRMSR && (u32)g.gpr[RCX] - 0x200 < 0x100);
	vmx_fill(&in, &g, reason);
	world_save(&before);
	fields_save(&fields_before);
	end = run(true);
	if (end == HALTED)
		REQUIRE(reason & VMX_REASON_ENTRY_FAILED || reason == VMX_EXIT_TRIPLE_FAULT ||
			(u8)vmx_read(VMCS_VECTORING) == VECTOR_DF);
	else if (end == LEFT)
		REQUIRE(reason == VMX_EXIT_VMCALL && !g.cpl &&
			g.gpr[RAX] == (HYPERCALL_MAGIC ^ HYPERCALL_LEAVE));
	else
		check_entered(&g, reason);
	count_end(reason, end);
	compare(&in, &g, end, tables);
	tables |= guest_guards(&in);
	if (end == ENTERED && !machine.stopped)
		tables |= go_on(&in, data + sizeof(in), size - sizeof(in));
	if (tables)
		block_restore();
	return 0;
}

/* SDM vol. 3, appendix C, and what is not there. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const u16 others[] = { EXIT_ENTRY_STATE, EXIT_ENTRY_MSRS, EXIT_ENTRY_MACHINE_CHECK };
	struct guest_input in = { 0 };
	u16 exits[512];
	u64 codes[512];
	u32 n = 0, i;

	(void)argc;
	(void)argv;
	for (i = 0; i <= 0xff; i++)
		exits[n++] = 0x8000 | i;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		exits[n++] = others[i];
	for (i = 0; i < n; i++) {
		in.exit = exits[i];
		codes[i] = exit_reason(&in);
	}
	tally_sweep(LLVMFuzzerTestOneInput, exits, codes, n);
	return 0;
}
