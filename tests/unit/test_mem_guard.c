// SPDX-License-Identifier: GPL-2.0-only
/*
 * Protected memory under SVM: rights in the tables, each action, and the step that lets one
 * instruction through: what it shows of itself to the guest, which shall be nothing.
 */
#include "stage.h"

#include <string.h>

#include "../../features/enforce.h"

#define PAGE2 (SIM_DATA + PAGE_BYTES)
#define WRITE (PF_PRESENT | PF_WRITE | PF_USER)
#define FETCH (PF_PRESENT | PF_FETCH | PF_USER)
#define DB SVM_EXIT_EXCEPTION(VECTOR_DB)

/* A plan whose rules name memory, and the processor follows. */
static u64 set(const char *features, const char *policy, const struct area_range *areas,
	       u32 area_count)
{
	u64 answer = stage_areas(features, policy, areas, area_count);

	if (answer == HYPERCALL_OK)
		machine_call(HYPERCALL_APPLY, 0, 0, 0);
	return answer;
}

static void rules(const char *policy)
{
	ck_assert_msg(set("none", policy, NULL, 0) == HYPERCALL_OK, "%s", STAGED->why);
}

static void boot(const char *policy)
{
	sim_boot(SIM_EPYC, "none");
	*sim_msr(MSR_DEBUGCTL) = 0;
	rules(policy);
	sim.flushes = 0;
	sim_at(SIM_CODE);
}

static u64 leaf(u64 root, u64 gpa, u64 *bytes)
{
	u32 level = machine.slat.levels;
	u64 e;

	for (;; level--) {
		*bytes = slat_bytes(level);
		e = ((u64 *)block_va(&machine, block_offset(&machine, root)))[gpa / *bytes & 511];
		if (!e || level == 1 || e & machine.slat.large)
			return e;
		root = e & CR3_ADDRESS;
	}
}

static bool writable(u64 root, u64 gpa)
{
	u64 bytes;
	u64 e = leaf(root, gpa, &bytes);

	ck_assert_uint_eq((e & CR3_ADDRESS) + (gpa & (bytes - 1)), gpa);
	return e & machine.slat.write;
}

static u64 page_bytes(u64 gpa)
{
	u64 bytes;

	leaf(machine.slat_root, gpa, &bytes);
	return bytes;
}

/* --- rights --- */

/* Each page that a split wants is not there, once: the change is refused, and the one in force goes on. */
START_TEST(each_split_can_fail)
{
	const char *more = "mem:0x20000-0x20fff r deny; mem:0x40301000-0x40301fff r deny; mem:0x80001000 r log";
	u32 n, asked;

	boot("mem:0x20000-0x20fff r deny");
	sim.pages = 0;
	rules(more);
	asked = sim.pages;
	ck_assert_uint_gt(asked, 1);
	for (n = 1; n <= asked; n++) {
		boot("mem:0x20000-0x20fff r deny");
		sim.pages = 0;
		sim.no_page = n;
		ck_assert_uint_eq(set("none", more, NULL, 0), HYPERCALL_REFUSED);
		ck_assert_str_eq(STAGED->why, "mem_guard: no memory is left to split so many pages");
		ck_assert(!writable(machine.slat_root, SIM_DATA));
		ck_assert(writable(machine.slat_root, 0x40301000));
		ck_assert(writable(machine.slat_root, 0x80001000));
		ck_assert_uint_eq(V->plan->rule_count, 1);
		rules(more);
		ck_assert(!writable(machine.slat_root, 0x40301000));
	}
}
END_TEST

START_TEST(large_pages_are_split_where_rules_end)
{
	u64 root, next;

	sim_boot(SIM_EPYC, "none");
	root = machine.slat_root;
	ck_assert_uint_eq(page_bytes(0x2000000), 1 << 30);
	rules("mem:0x2001000-0x25fffff r deny");
	ck_assert(writable(root, 0x2000000) && writable(root, 0x2000fff));
	ck_assert(!writable(root, 0x2001000) && !writable(root, 0x25fffff));
	ck_assert(writable(root, 0x2600000));
	ck_assert_uint_eq(page_bytes(0x2001000), PAGE_BYTES);
	/* What lies inside stays large. */
	ck_assert_uint_eq(page_bytes(0x2200000), 2 << 20);
	ck_assert_uint_eq(page_bytes(0x2600000), 2 << 20);
	/* Another rule: what both protect, what is given back, what is new; nothing is split anew.
	 */
	next = machine.next;
	rules("mem:0x2400000-0x25fffff r log\nmem:0x2002004 r deny");
	ck_assert_uint_eq(machine.next, next);
	ck_assert(writable(root, 0x2001000) && writable(root, 0x2003000));
	ck_assert(!writable(root, 0x2002000));
	ck_assert(writable(root, 0x23fffff) && !writable(root, 0x2400000));
	rules("");
	ck_assert(writable(root, 0x2002000) && writable(root, 0x2400000));
	ck_assert(!slat_guarded(&machine, 0x2002000));
}
END_TEST

START_TEST(the_block_and_devices)
{
	u64 root, bytes;

	boot("mem:0-0xffffffffff r deny");
	root = machine.slat_root;
	/* Read-only for another reason, and to stay so. */
	ck_assert(!slat_guarded(&machine, SIM_PIECE_PA(0)));
	ck_assert(!writable(root, 0xfee00000));
	/* What is mapped later is protected, too. */
	ck_assert_uint_eq(leaf(root, 100ULL << 30, &bytes), 0);
	ck_assert(slat_fill(&machine, 100ULL << 30));
	ck_assert(!writable(root, 100ULL << 30));
	rules("");
	ck_assert(writable(root, 100ULL << 30) && writable(root, 0xfee00000));
	ck_assert(!(leaf(root, SIM_PIECE_PA(0), &bytes) & machine.slat.write));
	/* Filling again changes nothing of a table that is there. */
	rules("mem:0x20000 r deny");
	ck_assert(slat_fill(&machine, 0x20000));
	ck_assert(!writable(root, 0x20000));
	ck_assert(slat_protect(&machine, 0x20000, PAGE_BYTES, true) && writable(root, 0x20000));
	ck_assert(slat_protect(&machine, 0x21000, PAGE_BYTES, false) && !writable(root, 0x21000));
}
END_TEST

START_TEST(a_full_block_refuses_the_rules)
{
	boot("mem:0x20000 r deny");
	machine.next = machine.limit;
	ck_assert_uint_eq(set("none", "mem:0x7200000 r deny", NULL, 0), HYPERCALL_REFUSED);
	ck_assert_ptr_nonnull(strstr(STAGED->why, "mem_guard: no memory"));
	ck_assert(!writable(machine.slat_root, 0x20000));
	ck_assert(writable(machine.slat_root, 0x7200000));
	ck_assert(!slat_protect(&machine, 0x7201000, PAGE_BYTES, false));
}
END_TEST

START_TEST(areas_by_name_and_by_linear_address)
{
	static const struct area_range areas[] = {
		{ AREA_RODATA, 0x3000000, 0x3001fff, 0 },
		{ AREA_ADDRESS, 0x5000000, 0x5000fff, 0xffffffffc0000000 },
		{ AREA_ADDRESS, 0x4000000, 0x4000fff, 0xffffffffc0001000 },
	};
	const char *policy = "mem:rodata r deny\nmem:0xffffffffc0000ff0-0xffffffffc000100f r log";
	const struct plan *plan;

	sim_boot(SIM_EPYC, "none");
	ck_assert_uint_eq(set("none", policy, areas, 3), HYPERCALL_OK);
	plan = &machine.plans[machine.current_plan];
	ck_assert(!writable(machine.slat_root, 0x3001000));
	ck_assert(!writable(machine.slat_root, 0x5000000));
	ck_assert(!writable(machine.slat_root, 0x4000000));
	ck_assert_ptr_eq(rule_memory(plan, 0x3000000, 0x3000000), &plan->rules[0]);
	ck_assert_ptr_null(rule_memory(plan, 0x3002000, 0x3002007));
	ck_assert_ptr_null(rule_memory(plan, 0x5000fe8, 0x5000fef));
	ck_assert_ptr_eq(rule_memory(plan, 0x5000fe9, 0x5000ff0), &plan->rules[1]);
	ck_assert_ptr_eq(rule_memory(plan, 0x400000f, 0x400000f), &plan->rules[1]);
	ck_assert_ptr_null(rule_memory(plan, 0x4000010, 0x4000010));
	/* Locked: what has been said stays, what is new is heard. */
	machine.locked = true;
	ck_assert_uint_eq(set("none", policy, areas + 1, 1), HYPERCALL_OK);
	ck_assert(!writable(machine.slat_root, 0x3001000));
	ck_assert(!writable(machine.slat_root, 0x4000000));
}
END_TEST

START_TEST(tables_need_a_processor_that_reads_them)
{
	sim_boot(SIM_EPYC, "none");
	ck_assert_uint_eq(set("none", "mem:tables r deny", NULL, 0), HYPERCALL_REFUSED);
	ck_assert_ptr_nonnull(
		strstr(STAGED->why, "mem:tables: this processor lacks second-level paging"));
	ck_assert_uint_eq(set("mem_guard:areas=tables", "", NULL, 0), HYPERCALL_REFUSED);
	ck_assert_uint_eq(set("mem_guard", "", NULL, 0), HYPERCALL_OK);
	machine.caps.facilities &= ~FACILITY(SLAT);
	ck_assert_uint_eq(set("mem_guard", "", NULL, 0), HYPERCALL_REFUSED);
	ck_assert_ptr_nonnull(
		strstr(STAGED->why, "mem_guard: this processor lacks second-level paging"));
}
END_TEST

/* --- actions --- */

/* MOV [RAX], CL */
static void store(u64 at)
{
	memcpy(guestmem_page(SIM_CODE), "\x88\x08", 2);
	sim.gpr[RAX] = at;
	sim_exit(SVM_EXIT_NPF, WRITE, at);
}

static bool stepping(void)
{
	return C->nested_cr3 != machine.slat_root;
}

/* The single-step trap, with what else the processor has put into DR6. */
static void trap(u64 rip, u64 others)
{
	C->rip = rip;
	C->dr6 |= DR6_BS | others;
	sim_exit(DB, 0, 0);
}

START_TEST(denied)
{
	boot("mem:0x20000-0x20fff r deny");
	store(SIM_DATA + 8);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert(!stepping());
	ck_assert_uint_eq(V->handled[V->plan->claims[0].feature], 1);
	ck_assert_uint_eq(V->ring->head, 1);
	ck_assert_uint_eq(V->ring->events[0].addr, SIM_DATA + 8);
	/* While an event is delivered: the double fault of a stack that is not there. */
	sim_at(SIM_CODE);
	C->exit_int_info = FAULT(VECTOR_PF, 0);
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA + 8);
	ck_assert_uint_eq((u8)C->event_inj, VECTOR_DF);
}
END_TEST

START_TEST(ignored)
{
	boot("mem:0x20000-0x20fff r ignore");
	store(SIM_DATA + 8);
	sim_went_on(SIM_CODE + 2);
	ck_assert(!stepping());
	/* An event cannot do without its frame. */
	sim_at(SIM_CODE);
	C->exit_int_info = EVENT(SVM_EVENT_INTR, 0xec);
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA + 8);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
}
END_TEST

START_TEST(logged_and_let_through)
{
	u64 dr6, at = SIM_CODE;

	boot("mem:0x20000-0x20fff r log");
	C->interrupt_shadow = 1;
	dr6 = C->dr6 |= DR6_BS | 2;
	store(SIM_DATA + 8);
	ck_assert(stepping());
	ck_assert(writable(C->nested_cr3, SIM_DATA) && !writable(machine.slat_root, SIM_DATA));
	ck_assert(writable(C->nested_cr3, PAGE2) && writable(C->nested_cr3, 0x7000000));
	ck_assert_uint_eq(C->rip, at);
	ck_assert_uint_eq(C->event_inj, 0);
	ck_assert(C->rflags & RFLAGS_TF);
	ck_assert_uint_eq(C->dr6 & DR6_CAUSES, 0);
	ck_assert_uint_eq(C->interrupt_shadow, 1);
	/* Whatever comes, exits. */
	ck_assert(sim_exits(SVM_EXIT_INTR) && sim_exits(SVM_EXIT_NMI));
	ck_assert_uint_eq(C->intercept_exceptions | 1u << VECTOR_NMI, ~0u);
	ck_assert_uint_eq(sim.flushes, 1);
	trap(SIM_CODE + 2, 0);
	sim_went_on(SIM_CODE + 2);
	ck_assert(!stepping() && !(C->rflags & RFLAGS_TF));
	ck_assert_uint_eq(C->dr6, dr6);
	ck_assert(!sim_exits(SVM_EXIT_INTR) && !sim_exits(SVM_EXIT_NMI));
	ck_assert_uint_eq(C->intercept_exceptions, 0);
	ck_assert_uint_eq(sim.flushes, 2);
	ck_assert_uint_eq(machine.view_lock, 0);
	ck_assert_uint_eq(V->exits[VMEXIT_STEP], 1);
	ck_assert_uint_eq(V->ring->head, 1);
}
END_TEST

START_TEST(beside_a_rule)
{
	boot("mem:0x20010-0x20017 r deny");
	store(SIM_DATA + 0xf);
	ck_assert(stepping());
	trap(SIM_CODE + 2, 0);
	sim_at(SIM_CODE);
	store(SIM_DATA + 0x18);
	ck_assert(stepping());
	trap(SIM_CODE + 2, 0);
	ck_assert_uint_eq(V->ring->head, 0);
	/* MOV [RAX], RCX reaches in from below. */
	sim_at(SIM_CODE);
	memcpy(guestmem_page(SIM_CODE), "\x48\x89\x08", 3);
	sim.gpr[RAX] = SIM_DATA + 9;
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA + 9);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	/* The first rule decides. */
	boot("mem:0x20010 r allow\nmem:0x20000-0x20fff r deny");
	store(SIM_DATA + 0x10);
	ck_assert(stepping());
	trap(SIM_CODE + 2, 0);
	ck_assert_uint_eq(V->ring->head, 0);
	sim_at(SIM_CODE);
	store(SIM_DATA + 0x11);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
}
END_TEST

/* What the root side stores for the guest goes by the rules as well. */
START_TEST(emulated_stores)
{
	boot("mem:0x20010-0x20017 r deny\nmem:0x21000-0x21fff r log\nmem:0x22000-0x22fff r ignore");
	ck_assert_uint_eq(set("umip",
			      "mem:0x20010-0x20017 r deny\nmem:0x21000 r log\n"
			      "mem:0x22000-0x22fff r ignore",
			      NULL, 0),
			  HYPERCALL_OK);
	guestmem_readonly(SIM_DATA);
	guestmem_readonly(PAGE2);
	/* SGDT [RAX] */
	sim_at(SIM_CODE);
	sim.gpr[RAX] = SIM_DATA + 8;
	EXEC(SVM_EXIT_IDTR_READ + 1, "\x0f\x01\x00");
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(guestmem_get(SIM_DATA + 8, 8), 0);
	sim_at(SIM_CODE);
	sim.gpr[RAX] = SIM_DATA + 0x18;
	EXEC(SVM_EXIT_IDTR_READ + 1, "\x0f\x01\x00");
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(guestmem_get(SIM_DATA + 0x18, 4) & 0xffff, C->gdtr.limit);
	/* Across two pages, of which one has a rule that lets it through. */
	sim_at(SIM_CODE);
	sim.gpr[RAX] = PAGE2 - 4;
	EXEC(SVM_EXIT_IDTR_READ + 1, "\x0f\x01\x00");
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(guestmem_get(PAGE2 - 2, 2) | guestmem_get(PAGE2, 4) << 16,
			  C->gdtr.base & 0xffffffffffff);
}
END_TEST

/* --- steps --- */

START_TEST(the_guests_own_single_step)
{
	boot("mem:0x20000-0x20fff r log");
	C->rflags |= RFLAGS_TF;
	store(SIM_DATA);
	trap(SIM_CODE + 2, 0);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	ck_assert(C->dr6 & DR6_BS && C->rflags & RFLAGS_TF);
	ck_assert_uint_eq(C->rip, SIM_CODE + 2);
	/* At branches only. */
	sim_at(SIM_CODE);
	C->rflags |= RFLAGS_TF;
	C->dr6 = 0xffff0ff0;
	*sim_msr(MSR_DEBUGCTL) = DEBUGCTL_BTF | 1;
	store(SIM_DATA);
	ck_assert_uint_eq(*sim_msr(MSR_DEBUGCTL), 1);
	trap(SIM_CODE + 2, 0);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(*sim_msr(MSR_DEBUGCTL), DEBUGCTL_BTF | 1);
	ck_assert_uint_eq(C->dr6, 0xffff0ff0);
	sim_at(SIM_CODE);
	C->rflags |= RFLAGS_TF;
	store(SIM_DATA);
	trap(SIM_CODE + 9, 0);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	ck_assert_uint_eq(*sim_msr(MSR_DEBUGCTL), 1);
}
END_TEST

START_TEST(the_guests_breakpoints)
{
	boot("mem:0x20000-0x20fff r log");
	C->dr7 = 0x400 | 1;
	C->clean &= ~SVM_CLEAN_DR;
	store(SIM_DATA);
	trap(SIM_CODE + 2, 1);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	ck_assert_uint_eq(C->dr6 & DR6_CAUSES, 1);
	ck_assert(!(C->rflags & RFLAGS_TF));
	/* One that is not on does not count. */
	sim_at(SIM_CODE);
	C->dr6 = 0xffff0ff0;
	store(SIM_DATA);
	trap(SIM_CODE + 2, 2);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(C->dr6, 0xffff0ff0);
	/* Before the instruction: it has not run, and is not through. */
	sim_at(SIM_CODE);
	store(SIM_DATA);
	C->dr6 |= 1;
	sim_exit(DB, 0, 0);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	ck_assert_uint_eq(C->dr6 & DR6_CAUSES, 1);
	ck_assert_uint_eq(C->rip, SIM_CODE);
	ck_assert(!stepping());
}
END_TEST

START_TEST(what_comes_before_the_instruction)
{
	boot("mem:0x20000-0x20fff r log");
	C->interrupt_shadow = 1;
	store(SIM_DATA);
	sim_exit(SVM_EXIT_INTR, 0, 0);
	sim_went_on(SIM_CODE);
	ck_assert(!stepping() && !(C->rflags & RFLAGS_TF));
	ck_assert_uint_eq(C->interrupt_shadow, 1);
	store(SIM_DATA);
	ck_assert(stepping());
	sim_exit(SVM_EXIT_NMI, 0, 0);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_NMI, VECTOR_NMI));
	ck_assert_uint_eq(C->rip, SIM_CODE);
	ck_assert(!stepping() && !(C->rflags & RFLAGS_TF));
	ck_assert_uint_eq(V->nmis, 0);
	/* One that came to the root side before waits for the end. */
	sim_at(SIM_CODE);
	V->nmis = 1;
	store(SIM_DATA);
	ck_assert_uint_eq(C->event_inj, 0);
	trap(SIM_CODE + 2, 0);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_NMI, VECTOR_NMI));
}
END_TEST

START_TEST(an_instruction_that_faults)
{
	boot("mem:0x20000-0x20fff r log");
	store(SIM_DATA);
	sim_exit(SVM_EXIT_EXCEPTION(VECTOR_PF), PF_WRITE, 0x12345);
	sim_fault(SIM_CODE, VECTOR_PF, PF_WRITE);
	ck_assert_uint_eq(C->cr2, 0x12345);
	ck_assert(!stepping() && !(C->rflags & RFLAGS_TF));
	/* Or that exits for a reason of its own. */
	sim_at(SIM_CODE);
	store(SIM_DATA);
	sim.gpr[RAX] = 0;
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	sim_went_on(SIM_CODE + 2);
	ck_assert(!stepping() && !(C->rflags & RFLAGS_TF));
	/* As a program: the short cuts have to see that it is a step. */
	ck_assert_uint_eq(set("umip", "mem:0x20000-0x20fff r log", NULL, 0), HYPERCALL_OK);
	sim_at(SIM_CODE);
	sim_cpl(3);
	store(SIM_DATA);
	ck_assert(stepping());
	EXEC(SVM_EXIT_IDTR_READ, "\x0f\x01\x08");
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert(!stepping() && !(C->rflags & RFLAGS_TF));
}
END_TEST

START_TEST(two_pages)
{
	u32 i;

	boot("mem:0x20000-0x21fff r log");
	store(SIM_DATA);
	ck_assert(!writable(C->nested_cr3, PAGE2));
	sim_exit(SVM_EXIT_NPF, WRITE, PAGE2);
	ck_assert(stepping());
	ck_assert(writable(C->nested_cr3, SIM_DATA) && writable(C->nested_cr3, PAGE2));
	trap(SIM_CODE + 2, 0);
	ck_assert(!stepping());
	/* The next one begins with none. */
	sim_at(SIM_CODE);
	store(PAGE2);
	ck_assert(!writable(C->nested_cr3, SIM_DATA));
	trap(SIM_CODE + 2, 0);
	/* The second may not be written. */
	boot("mem:0x20000 r log\nmem:0x21000-0x21fff r deny");
	/* However often it is tried, the first is not given twice. */
	for (i = 0; i <= STEP_PAGES_MAX; i++) {
		sim_at(SIM_CODE);
		store(SIM_DATA);
		ck_assert(stepping());
		ck_assert_uint_eq(V->step.pages, 1);
		sim_exit(SVM_EXIT_NPF, WRITE, PAGE2);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
		ck_assert(!stepping() && !(C->rflags & RFLAGS_TF));
	}
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA);
	ck_assert(stepping() && !writable(C->nested_cr3, PAGE2));
	trap(SIM_CODE + 2, 0);
	/* More than there is room for. */
	boot("mem:0x1000000-0x5fffffff r log");
	sim_at(SIM_CODE);
	for (i = 1; i <= STEP_PAGES_MAX; i++) {
		sim_exit(SVM_EXIT_NPF, WRITE, i * 0x1000000);
		ck_assert(stepping() && writable(C->nested_cr3, i * 0x1000000));
		ck_assert(writable(C->nested_cr3, 0x1000000));
	}
	sim_exit(SVM_EXIT_NPF, WRITE, i * 0x1000000);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(machine.view_lock, 0);
}
END_TEST

START_TEST(instructions_that_see_flags)
{
	u64 stack = PAGE2 + 0x100;

	boot("mem:0x20000-0x20fff r log");
	/* PUSHF */
	memcpy(guestmem_page(SIM_CODE), "\x66\x9c", 2);
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA);
	sim.gpr[RSP] = stack;
	guestmem_put(stack, 8, 0x302);
	trap(SIM_CODE + 2, 0);
	ck_assert_uint_eq(guestmem_get(stack, 8), 0x202);
	sim_at(SIM_CODE);
	C->rflags |= RFLAGS_TF;
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA);
	guestmem_put(stack, 8, 0x302);
	trap(SIM_CODE + 2, 0);
	ck_assert_uint_eq(guestmem_get(stack, 8), 0x302);
	/* POPF sets it: the first trap is the one behind the next instruction. */
	sim_at(SIM_CODE);
	memcpy(guestmem_page(SIM_CODE), "\x9d", 1);
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA);
	trap(SIM_CODE + 1, 0);
	ck_assert_uint_eq(C->event_inj, 0);
	ck_assert(C->rflags & RFLAGS_TF);
	/* POPF clears it: there is a trap still. */
	sim_at(SIM_CODE);
	C->rflags |= RFLAGS_TF;
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA);
	C->rflags &= ~RFLAGS_TF;
	trap(SIM_CODE + 1, 0);
	ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	ck_assert(!(C->rflags & RFLAGS_TF));
	/* SYSCALL */
	sim_at(SIM_CODE);
	memcpy(guestmem_page(SIM_CODE), "\x0f\x05", 2);
	*sim_msr(MSR_SFMASK) = 0x47700;
	C->rflags |= RFLAGS_TF;
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA);
	ck_assert_uint_eq(*sim_msr(MSR_SFMASK), 0x47600);
	sim.gpr[R11] = 0x302;
	trap(0xffffffff81000000, 0);
	ck_assert_uint_eq(*sim_msr(MSR_SFMASK), 0x47700);
	ck_assert_uint_eq(C->event_inj, 0);
	ck_assert(!(C->rflags & RFLAGS_TF) && sim.gpr[R11] & RFLAGS_TF);
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA);
	sim.gpr[R11] = 0x302;
	trap(0xffffffff81000000, 0);
	ck_assert_uint_eq(sim.gpr[R11], 0x202);
	/* One that has not run has lost nothing. */
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA);
	sim_exit(SVM_EXIT_INTR, 0, 0);
	ck_assert_uint_eq(*sim_msr(MSR_SFMASK), 0x47700);
	/* MOV DR6, RAX */
	sim_at(SIM_CODE);
	memcpy(guestmem_page(SIM_CODE), "\x0f\x23\xf0", 3);
	C->dr6 = 0xffff0ff0;
	C->clean &= ~SVM_CLEAN_DR;
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA);
	C->dr6 = 0xffff0ff8;
	trap(SIM_CODE + 3, 0);
	ck_assert_uint_eq(C->dr6, 0xffff0ff8);
}
END_TEST

/* MOV SS has no trap behind it: what it writes is written for it. */
START_TEST(mov_ss_is_not_traced)
{
	boot("mem:0x20000 r deny");
	memcpy(guestmem_page(SIM_CODE), "\x8e\xd0", 2);
	guestmem_put(SIM_DATA + 0x18, 8, 0x00cf92000000ffffULL);
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA + 0x1c);
	sim_went_on(SIM_CODE);
	ck_assert(!stepping());
	ck_assert_uint_eq(guestmem_get(SIM_DATA + 0x18, 8), 0x00cf93000000ffffULL);
}
END_TEST

START_TEST(delivery_of_an_event)
{
	u64 event = EVENT(SVM_EVENT_INTR, 0xec), bytes;

	boot("mem:0x20000-0x20fff r log");
	C->exit_int_info = event;
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA + 0xff8);
	ck_assert(stepping() && writable(C->nested_cr3, SIM_DATA));
	ck_assert_uint_eq(C->event_inj, event);
	ck_assert(!(C->rflags & RFLAGS_TF));
	/* Nothing can be fetched, from nowhere. */
	ck_assert(((u64 *)block_va(&machine, block_offset(&machine, C->nested_cr3)))[0] & PTE_NX);
	(void)leaf(C->nested_cr3, SIM_CODE, &bytes);
	C->exit_int_info = 0;
	C->rip = 0xffffffff81000000;
	sim_exit(SVM_EXIT_NPF, FETCH, SIM_CODE);
	sim_went_on(0xffffffff81000000);
	ck_assert(!stepping());
	/* Into the next page: with both. */
	sim_at(SIM_CODE);
	rules("mem:0x20000-0x21fff r log");
	sim_at(SIM_CODE);
	C->exit_int_info = event;
	sim_exit(SVM_EXIT_NPF, WRITE, PAGE2);
	C->exit_int_info = event;
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA + 0xff8);
	ck_assert(writable(C->nested_cr3, SIM_DATA) && writable(C->nested_cr3, PAGE2));
	ck_assert_uint_eq(C->event_inj, event);
	C->exit_int_info = 0;
	sim_exit(SVM_EXIT_NPF, FETCH, SIM_CODE);
	ck_assert(!stepping());
	/* QEMU calls an interrupt an exception. */
	sim_at(SIM_CODE);
	C->exit_int_info = EVENT(SVM_EVENT_EXCEPTION, 0xec);
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA + 0xff8);
	ck_assert_uint_eq(C->event_inj, event);
	C->exit_int_info = 0;
	sim_exit(SVM_EXIT_NPF, FETCH, SIM_CODE);
}
END_TEST

START_TEST(delivery_of_int_n)
{
	u64 event = EVENT(SVM_EVENT_SOFTWARE, 0x80);

	boot("mem:0x20000-0x21fff r log");
	memcpy(guestmem_page(SIM_CODE), "\xcd\x80", 2);
	C->exit_int_info = event;
	sim_exit(SVM_EXIT_NPF, WRITE, PAGE2);
	ck_assert_uint_eq(C->event_inj, event);
	ck_assert_uint_eq(C->rip, SIM_CODE + 2);
	/* Not delivered yet: it is INT that goes on. */
	C->exit_int_info = event;
	sim_exit(SVM_EXIT_NPF, WRITE, SIM_DATA + 0xff8);
	ck_assert_uint_eq(C->rip, SIM_CODE + 2);
	C->exit_int_info = event;
	sim_exit(SVM_EXIT_EXCEPTION(VECTOR_GP), 0x402, 0);
	ck_assert_uint_eq(C->event_inj, FAULT(VECTOR_GP, 0x402));
	ck_assert_uint_eq(C->rip, SIM_CODE);
	ck_assert(!stepping());
}
END_TEST

START_TEST(walks_that_write)
{
	const u64 walk = WRITE | SVM_NPF_WALK;

	/* A page that holds page tables, by its address: each walk is a write here (15.25.5). */
	boot("mem:0x20000-0x20fff r deny");
	memcpy(guestmem_page(SIM_CODE), "\x90", 1);
	sim_exit(SVM_EXIT_NPF, walk, SIM_DATA + 8);
	ck_assert(stepping());
	ck_assert_uint_eq(V->ring->head, 0);
	trap(SIM_CODE + 1, 0);
	sim_went_on(SIM_CODE + 1);
	/* The instruction that walks through it must not write it. */
	sim_at(SIM_CODE);
	memcpy(guestmem_page(SIM_CODE), "\x88\x08", 2);
	sim.gpr[RAX] = SIM_DATA + 16;
	sim_exit(SVM_EXIT_NPF, walk, SIM_DATA + 8);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
}
END_TEST

START_TEST(a_processor_that_has_not_heard_yet)
{
	boot("");
	ck_assert_uint_eq(stage_areas("none", "mem:0x20000-0x20fff r deny", NULL, 0), HYPERCALL_OK);
	sim_at(SIM_CODE);
	store(SIM_DATA);
	sim_went_on(SIM_CODE);
	ck_assert_ptr_eq(V->plan, &machine.plans[machine.current_plan]);
	store(SIM_DATA);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
}
END_TEST

START_TEST(string_io)
{
	/* OUTSB to port 0x80: EXITINFO1 is the port, 64-bit addresses, a byte, a string. */
	const u64 outs = 0x80ULL << 16 | 1 << 9 | 1 << 4 | 1 << 2;

	boot("io:0x80 none log");
	memcpy(guestmem_page(SIM_CODE), "\x6e", 1);
	sim_exit(SVM_EXIT_IOIO, outs, SIM_CODE + 1);
	ck_assert_uint_eq(C->rip, SIM_CODE);
	ck_assert(!stepping() && C->rflags & RFLAGS_TF && !sim_exits(SVM_EXIT_IOIO));
	trap(SIM_CODE + 1, 0);
	sim_went_on(SIM_CODE + 1);
	ck_assert(sim_exits(SVM_EXIT_IOIO));
	ck_assert_uint_eq(sim.flushes, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_split_can_fail,
		large_pages_are_split_where_rules_end,
		the_block_and_devices,
		a_full_block_refuses_the_rules,
		areas_by_name_and_by_linear_address,
		tables_need_a_processor_that_reads_them,
		denied,
		ignored,
		logged_and_let_through,
		beside_a_rule,
		emulated_stores,
		the_guests_own_single_step,
		the_guests_breakpoints,
		what_comes_before_the_instruction,
		an_instruction_that_faults,
		two_pages,
		instructions_that_see_flags,
		mov_ss_is_not_traced,
		delivery_of_an_event,
		delivery_of_int_n,
		walks_that_write,
		a_processor_that_has_not_heard_yet,
		string_io,
	};

	return sim_main("mem_guard", tests, ARRAY_SIZE(tests));
}
