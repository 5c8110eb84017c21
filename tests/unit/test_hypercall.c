// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls of Linux's side: staging a feature list, switching to it, counts, bad addresses.
 */
#include "sim.h"

#include <string.h>

/* Stages @text from @gpa as the module does; the answer. */
static u64 stage_at(u64 gpa, const char *text)
{
	struct stage_request r = { .length = strlen(text) };
	u32 i;

	memcpy(r.text, text, r.length);
	memset(r.why, 'x', sizeof(r.why));
	for (i = 0; i < sizeof(r); i++)
		guestmem_page(gpa + i)[(gpa + i) % PAGE_BYTES] = ((char *)&r)[i];
	sim_at(SIM_CODE);
	return machine_call(HYPERCALL_STAGE, gpa, 0, 0);
}

static const char *why_at(u64 gpa)
{
	struct stage_request *r = (void *)guestmem_page(gpa);

	ck_assert_ptr_nonnull(memchr(r->why, 0, sizeof(r->why)));
	return r->why;
}

static u64 call(u64 number, u64 a, u64 b)
{
	sim_at(SIM_CODE);
	return machine_call(number, a, b, 0);
}

START_TEST(staging_and_applying)
{
	sim_boot(SIM_EPYC, "none");
	ck_assert_uint_eq(stage_at(SIM_REQUEST, "umip"), HYPERCALL_OK);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(machine.current_plan, 1);
	/* Made, but not in force here yet. */
	ck_assert_ptr_eq(V->plan, &machine.plans[0]);
	ck_assert(!sim_exits(SVM_EXIT_IDTR_READ));
	ck_assert_uint_eq(call(HYPERCALL_APPLY, 0, 0), HYPERCALL_OK);
	ck_assert_ptr_eq(V->plan, &machine.plans[1]);
	ck_assert(sim_exits(SVM_EXIT_IDTR_READ));
	ck_assert_uint_eq(V->plan->cr4, CR4_UMIP);
	/* Its CPUID bit, and gone again. */
	sim_at(SIM_CODE);
	sim.gpr[RAX] = 7;
	sim.gpr[RCX] = 0;
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	ck_assert_uint_eq(sim.gpr[RCX], 4);
	V->cr4 = CR4_UMIP;
	ck_assert_uint_eq(stage_at(SIM_REQUEST, "none\n"), HYPERCALL_OK);
	ck_assert_uint_eq(machine.current_plan, 0);
	ck_assert_uint_eq(call(HYPERCALL_APPLY, 0, 0), HYPERCALL_OK);
	ck_assert(!sim_exits(SVM_EXIT_IDTR_READ));
	ck_assert(!sim_exits(SVM_EXIT_CR_READ(4)));
	ck_assert_uint_eq(V->cr4, 0);
	sim_at(SIM_CODE);
	sim.gpr[RAX] = 7;
	sim.gpr[RCX] = 0;
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	ck_assert_uint_eq(sim.gpr[RCX], 0);
}
END_TEST

START_TEST(a_refusal_changes_nothing)
{
	sim_boot(SIM_EPYC, "umip");
	ck_assert_uint_eq(stage_at(SIM_REQUEST, "umip:mode=no"), HYPERCALL_REFUSED);
	sim_went_on(SIM_CODE + 3);
	ck_assert_ptr_nonnull(strstr(why_at(SIM_REQUEST), "umip:mode: bad value 'no'"));
	ck_assert_uint_eq(stage_at(SIM_REQUEST, ""), HYPERCALL_REFUSED);
	ck_assert_str_eq(why_at(SIM_REQUEST), "the list is empty (the empty list is 'none')");
	machine.caps.facilities &= ~FACILITY(DESC);
	ck_assert_uint_eq(stage_at(SIM_REQUEST, "umip"), HYPERCALL_REFUSED);
	ck_assert_str_eq(why_at(SIM_REQUEST),
			 "umip: this processor lacks descriptor-table exiting");
	ck_assert_uint_eq(machine.current_plan, 0);
	ck_assert_uint_eq(call(HYPERCALL_APPLY, 0, 0), HYPERCALL_OK);
	ck_assert(sim_exits(SVM_EXIT_IDTR_READ));
}
END_TEST

START_TEST(bad_requests)
{
	struct stage_request *r;

	sim_boot(SIM_EPYC, "none");
	/* Whole pages, all of them there. */
	ck_assert_uint_eq(stage_at(SIM_REQUEST, "umip"), HYPERCALL_OK);
	ck_assert_uint_eq(call(HYPERCALL_APPLY, 0, 0), HYPERCALL_OK);
	ck_assert_uint_eq(stage_at(SIM_REQUEST + 8, "umip"), HYPERCALL_BAD);
	ck_assert_uint_eq(call(HYPERCALL_STAGE, 0x7000000, 0), HYPERCALL_BAD);
	ck_assert_uint_eq(call(HYPERCALL_STAGE, ~0ULL, 0), HYPERCALL_BAD);
	ck_assert_uint_eq(call(HYPERCALL_STAGE, ~0xfffULL, 0), HYPERCALL_BAD);
	/* A length beyond the text */
	ck_assert_uint_eq(stage_at(SIM_REQUEST, "umip"), HYPERCALL_OK);
	ck_assert_uint_eq(call(HYPERCALL_APPLY, 0, 0), HYPERCALL_OK);
	r = (void *)guestmem_page(SIM_REQUEST);
	r->length = sizeof(r->text) + 1;
	ck_assert_uint_eq(call(HYPERCALL_STAGE, SIM_REQUEST, 0), HYPERCALL_BAD);
	r->length = ~0u;
	ck_assert_uint_eq(call(HYPERCALL_STAGE, SIM_REQUEST, 0), HYPERCALL_BAD);
	/* Full, without an end */
	memset(r->text, ' ', sizeof(r->text));
	memcpy(r->text + sizeof(r->text) - 4, "umip", 4);
	r->length = sizeof(r->text);
	ck_assert_uint_eq(call(HYPERCALL_STAGE, SIM_REQUEST, 0), HYPERCALL_OK);
	ck_assert_uint_eq(call(HYPERCALL_APPLY, 0, 0), HYPERCALL_OK);
	/* More of the others than there is room for */
	r->policy_length = POLICY_TEXT_MAX + 2;
	ck_assert_uint_eq(call(HYPERCALL_STAGE, SIM_REQUEST, 0), HYPERCALL_BAD);
	r->policy_length = 0;
	r->area_count = AREA_RANGES_MAX + 1;
	ck_assert_uint_eq(call(HYPERCALL_STAGE, SIM_REQUEST, 0), HYPERCALL_BAD);
	/* A refusal that cannot be written down */
	guestmem_readonly(SIM_READONLY);
	ck_assert_uint_eq(stage_at(SIM_READONLY, "nothing"), HYPERCALL_BAD);
	ck_assert_uint_eq(machine.stopped, 0);
}
END_TEST

START_TEST(counts)
{
	const u64 last = PAGE_BYTES - sizeof(struct vcpu_counts);
	struct vcpu_counts *c;

	sim_boot(SIM_EPYC, "umip");
	sim_cpl(3);
	sim_at(SIM_CODE);
	EXEC(SVM_EXIT_IDTR_READ, "\x0f\x01\x0b");
	sim_cpl(0);
	machine_root_vcpu(1)->exits[VMEXIT_MEMORY] = 0x1122334455667788;
	ck_assert_uint_eq(call(HYPERCALL_COUNTS, 0, SIM_REQUEST + last), HYPERCALL_OK);
	c = (void *)(guestmem_page(SIM_REQUEST) + last);
	ck_assert_uint_eq(c->exits[VMEXIT_DESC_STORE], 1);
	ck_assert_uint_eq(c->exits[VMEXIT_HYPERCALL], 1);
	ck_assert_mem_eq(c->handled, V->handled, sizeof(c->handled));
	ck_assert_uint_eq(call(HYPERCALL_COUNTS, 1, SIM_REQUEST), HYPERCALL_OK);
	c = (void *)guestmem_page(SIM_REQUEST);
	ck_assert_uint_eq(c->exits[VMEXIT_MEMORY], 0x1122334455667788);
	ck_assert_uint_eq(c->exits[VMEXIT_HYPERCALL], 0);
	ck_assert_uint_eq(call(HYPERCALL_COUNTS, 2, SIM_REQUEST), HYPERCALL_BAD);
	ck_assert_uint_eq(call(HYPERCALL_COUNTS, BIT64(32), SIM_REQUEST), HYPERCALL_BAD);
	ck_assert_uint_eq(call(HYPERCALL_COUNTS, 0, SIM_REQUEST + last + 1), HYPERCALL_BAD);
	ck_assert_uint_eq(call(HYPERCALL_COUNTS, 0, 0x7000000), HYPERCALL_BAD);
	guestmem_readonly(SIM_READONLY);
	ck_assert_uint_eq(call(HYPERCALL_COUNTS, 0, SIM_READONLY), HYPERCALL_BAD);
	ck_assert_uint_eq(V->exits[VMEXIT_HYPERCALL], 7);
}
END_TEST

START_TEST(length_on_either_processor)
{
	sim_boot(SIM_TCG, "none");
	ck_assert_uint_eq(stage_at(SIM_REQUEST, "umip"), HYPERCALL_OK);
	sim_went_on(SIM_CODE + 3);
	/* The instruction is gone since. */
	sim_at(SIM_NOTHING);
	sim.gpr[RAX] = HYPERCALL_MAGIC ^ HYPERCALL_APPLY;
	sim_exit(SVM_EXIT_VMMCALL, 0, 0);
	sim_fault(SIM_NOTHING, VECTOR_PF, PF_FETCH);
}
END_TEST

START_TEST(more_memory)
{
	sim_boot(SIM_EPYC, "none");
	ck_assert_uint_eq(call(HYPERCALL_MEMORY, SIM_PHYS_END, SIM_PHYS_END + PIECE_BYTES), HYPERCALL_OK);
	ck_assert_uint_eq(machine.phys_end, SIM_PHYS_END + PIECE_BYTES);
	ck_assert_uint_eq(call(HYPERCALL_MEMORY, SIM_PHYS_END, SIM_PHYS_END), HYPERCALL_REFUSED);
	ck_assert_uint_eq(call(HYPERCALL_MEMORY, 0, ~0ULL), HYPERCALL_REFUSED);
	ck_assert_uint_eq(machine.phys_end, SIM_PHYS_END + PIECE_BYTES);
	/* No room for a table. */
	machine.next = machine.limit;
	ck_assert_uint_eq(call(HYPERCALL_MEMORY, BIT64(39), BIT64(39) + PIECE_BYTES), HYPERCALL_REFUSED);
	ck_assert_uint_eq(machine.phys_end, SIM_PHYS_END + PIECE_BYTES);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		staging_and_applying, a_refusal_changes_nothing, bad_requests, counts,
		length_on_either_processor, more_memory,
	};

	return sim_main("hypercall", tests, ARRAY_SIZE(tests));
}
