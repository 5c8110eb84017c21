// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow tables of kvm=nested: what a hypervisor's nested tables let its guest do and ours let it do,
 * and when what is known of it is forgotten.
 */
#include "nested.h"

#define ALL (PTE_P | PTE_W | PTE_U)
#define GPA 0x123000ULL
#define DATA 0x60000ULL /* L1-physical */
#define SIZE_2M (1ULL << 21)

static struct walk_state tables;

/* L1's nested tables are of its own mode: four levels here. */
static void run(const char *features)
{
	nested_boot(SIM_EPYC, features);
	tables = guestmem_state(PAGING_4);
	B->nested_control = 1;
	B->nested_cr3 = tables.cr3;
	guestmem_map(&tables, GPA, 0, DATA | ALL);
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
}

#define FINAL BIT64(32)
static void fault(u64 gpa, u64 error)
{
	sim_exit(SVM_EXIT_NPF, error | PF_USER | FINAL, gpa);
}

static void again(u32 asid, u8 flush)
{
	if (nested_runs())
		sim_exit(SVM_EXIT_CPUID, 0, 0);
	B->asid = asid;
	B->tlb_control = flush;
	L1_VMRUN(L1_VMCB);
	B->tlb_control = 0;
	ck_assert(nested_runs());
}

START_TEST(pages_are_mapped_as_l2_asks_for_them)
{
	run("umip");
	ck_assert_uint_ne(A->nested_cr3, tables.cr3);
	ck_assert_uint_eq(nested_leaf(GPA), 0);
	/* Read: not dirty yet, so the first write is to come here. */
	fault(GPA + 8, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(nested_leaf(GPA), DATA | PTE_P | PTE_U | PTE_A | PTE_D);
	ck_assert_uint_eq(guestmem_read_entry(&tables, GPA, 0), DATA | ALL | PTE_A);
	fault(GPA, PF_PRESENT | PF_WRITE);
	ck_assert_uint_eq(nested_leaf(GPA), DATA | ALL | PTE_A | PTE_D);
	ck_assert_uint_eq(guestmem_read_entry(&tables, GPA, 0), DATA | ALL | PTE_A | PTE_D);
	/* What is dirty is writable at once; types and no-execute are L1's. */
	guestmem_map(&tables, GPA + 0x1000, 0, DATA | ALL | PTE_D | PTE_NX | 0x98);
	fault(GPA + 0x1000, 0);
	ck_assert_uint_eq(nested_leaf(GPA + 0x1000), DATA | ALL | PTE_A | PTE_D | PTE_NX | 0x98);
}
END_TEST

/* A page that is missing for an event's delivery: the event comes again, once. */
START_TEST(events_come_again)
{
	const u64 events[] = {
		EVENT(SVM_EVENT_INTR, 0x30), FAULT(VECTOR_GP, 5), EVENT(SVM_EVENT_SOFTWARE, 0x80),
	};
	u32 i;

	run("umip");
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		sim_exit(SVM_EXIT_CPUID, 0, 0);
		B->event_inj = events[i];
		B->next_rip = L2_CODE + 9;
		L1_VMRUN(L1_VMCB);
		A->exit_int_info = events[i];
		fault(GPA, 0);
		ck_assert_uint_eq(A->event_inj, events[i]);
		ck_assert_uint_eq(A->next_rip, L2_CODE + 9);
		/* An INT of L2's own runs again. */
		A->exit_int_info = EVENT(SVM_EVENT_SOFTWARE, 0x81);
		fault(GPA, 0);
		ck_assert_uint_eq(A->event_inj, 0);
		A->exit_int_info = EVENT(SVM_EVENT_SOFTWARE, 0x80);
		fault(GPA, 0);
		ck_assert_uint_eq(A->event_inj, 0);
		A->exit_int_info = 0;
	}
}
END_TEST

START_TEST(what_l1_forbids_is_its_fault)
{
	static const struct {
		u64 entry, error, seen;
	} cases[] = {
		{ 0, PF_WRITE, PF_USER | PF_WRITE },
		{ DATA | PTE_P | PTE_U, PF_WRITE, PF_PRESENT | PF_USER | PF_WRITE },
		{ DATA | PTE_P | PTE_W, 0, PF_PRESENT | PF_USER },
		{ DATA | ALL | PTE_NX, PF_FETCH, PF_PRESENT | PF_USER | PF_FETCH },
		{ DATA | ALL | BIT64(50), 0, PF_PRESENT | PF_USER | PF_RSVD },
	};
	u32 i;

	run("umip");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		guestmem_map(&tables, GPA, 0, cases[i].entry);
		fault(GPA + 4, cases[i].error);
		nested_exited(SVM_EXIT_NPF);
		ck_assert_uint_eq(B->exit_info1, cases[i].seen | FINAL);
		ck_assert_uint_eq(B->exit_info2, GPA + 4);
		ck_assert_uint_eq(nested_leaf(GPA), 0);
		L1_VMRUN(L1_VMCB);
	}
	/* Beyond what four levels translate. */
	fault(BIT64(50), 0);
	nested_exited(SVM_EXIT_NPF);
	ck_assert_uint_eq(B->exit_info1, PF_USER | FINAL);
}
END_TEST

START_TEST(large_pages_where_both_have_them)
{
	run("umip");
	guestmem_map(&tables, 0x40000000, 1, 0x80000000 | ALL | PTE_PS | PTE_D);
	fault(0x40003000, 0);
	ck_assert_uint_eq(nested_leaf(0x40003000), 0x80000000 | ALL | PTE_PS | PTE_A | PTE_D);
	/* A page of 1 GiB is mapped by those of 2 MiB. */
	guestmem_map(&tables, 0x80000000, 2, 0x80000000 | ALL | PTE_PS | PTE_D);
	fault(0x80000000 + 5 * SIZE_2M + 0x777, PF_WRITE);
	ck_assert_uint_eq(nested_leaf(0x80000000 + 5 * SIZE_2M), (0x80000000 + 5 * SIZE_2M) | ALL | PTE_PS | PTE_A | PTE_D);
	/* L1 takes smaller ones: what is there goes. */
	guestmem_put(guestmem_entry(&tables, 0x40000000, 1), 8, 0);
	guestmem_map(&tables, 0x40003000, 0, DATA | ALL | PTE_D);
	fault(0x40003000, 0);
	ck_assert_uint_eq(nested_leaf(0x40003000), DATA | ALL | PTE_A | PTE_D);
	ck_assert_uint_eq(nested_leaf(0x40004000), 0);
}
END_TEST

START_TEST(the_block_is_never_mapped)
{
	u64 block = SIM_PIECE_PA(0);

	run("umip");
	guestmem_map(&tables, GPA, 0, block | ALL | PTE_D);
	fault(GPA, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(nested_leaf(GPA), machine.zero_pa | PTE_P | PTE_U | PTE_A | PTE_D | PTE_NX);
	fault(GPA, PF_PRESENT | PF_WRITE);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0));
	ck_assert_uint_eq(machine_root_vcpu(sim.cpu)->refused, 1);
	ck_assert(!(nested_leaf(GPA) & PTE_W));
	/* Nor as a part of a large page. */
	guestmem_map(&tables, 0x40000000, 1, block | ALL | PTE_PS | PTE_D);
	fault(0x40000000, 0);
	ck_assert_uint_eq(nested_leaf(0x40000000) & CR3_ADDRESS, machine.zero_pa);
	/* A fault of a double fault's delivery ends L2 alone. */
	A->exit_int_info = EVENT(SVM_EVENT_EXCEPTION, VECTOR_DF) | SVM_EVENT_HAS_ERROR;
	fault(GPA, PF_PRESENT | PF_WRITE);
	nested_exited(SVM_EXIT_SHUTDOWN);
}
END_TEST

START_TEST(protected_memory_cannot_be_written_by_l2)
{
	run("umip");
	guestmem_map(&tables, GPA, 0, DATA | ALL | PTE_D);
	fault(GPA, PF_WRITE);
	ck_assert(nested_leaf(GPA) & PTE_W);
	/* It is protected meanwhile: nothing that was known holds any more. */
	ck_assert(slat_guard_add(&machine, DATA, DATA + PAGE_BYTES - 1));
	V->virt->flush(V);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	B->clean = ~0u;
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ALL);
	ck_assert_uint_eq(nested_leaf(GPA), 0);
	fault(GPA, 0);
	ck_assert(nested_runs() && nested_leaf(GPA) && !(nested_leaf(GPA) & PTE_W));
	/* L1's VMCB cannot lie there either. */
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	L1(SVM_EXIT_VMSAVE, VMSAVE, DATA);
	ck_assert_uint_eq(sim.vmsaved, DATA);
}
END_TEST

START_TEST(what_l1_flushes_is_forgotten)
{
	u64 root;

	run("umip");
	root = A->nested_cr3;
	fault(GPA, 0);
	again(1, 0);
	ck_assert_uint_eq(A->nested_cr3, root);
	ck_assert_uint_eq(A->tlb_control, 0);
	ck_assert_uint_ne(nested_leaf(GPA), 0);
	again(1, SVM_FLUSH_ASID);
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ASID);
	ck_assert_uint_eq(nested_leaf(GPA), 0);
	fault(GPA, 0);
	/* Another ASID, other tables; the first ones are there still. */
	again(2, 0);
	ck_assert_uint_eq(A->asid, 2);
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ASID);
	ck_assert_uint_eq(nested_leaf(GPA), 0);
	again(1, 0);
	ck_assert_uint_eq(A->tlb_control, 0);
	ck_assert_uint_ne(nested_leaf(GPA), 0);
	again(2, SVM_FLUSH_ALL);
	again(1, 0);
	ck_assert_uint_eq(nested_leaf(GPA), 0);
	/* The highest number is L1's own: who has it shares one, which is flushed each time. */
	again(0x7ffe, 0);
	again(0x7fff, 0);
	ck_assert_uint_eq(A->asid, 0x7ffe);
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ASID);
	again(0x7ffe, 0);
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ASID);
	/* Other nested tables under a number that is known. */
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	B->nested_cr3 = guestmem_state(PAGING_4).cr3;
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ASID);
}
END_TEST

START_TEST(tables_without_room_are_made_anew)
{
	u64 gpa;
	u32 i;

	run("umip");
	/* Others have some; they go first. */
	fault(GPA, 0);
	again(2, 0);
	for (i = 0; i < 2 * NESTED_POOL_MAX; i++) {
		gpa = (u64)i << 30;
		guestmem_put(guestmem_entry(&tables, GPA, 0), 8, DATA | ALL);
		/* Each a table of two levels more, of the same L1 page. */
		guestmem_put(tables.cr3 + (gpa >> 39) * 8, 8, guestmem_get(tables.cr3, 8));
		guestmem_put((guestmem_get(tables.cr3, 8) & CR3_ADDRESS) + (gpa >> 30 & 511) * 8, 8,
			     guestmem_get(guestmem_get(tables.cr3, 8) & CR3_ADDRESS, 8));
		fault(gpa + GPA, 0);
		ck_assert(nested_runs());
		/* If it was not for want of pages: then at the next try. */
		if (!nested_leaf(gpa + GPA)) {
			ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ASID);
			fault(gpa + GPA, 0);
		}
		ck_assert_uint_eq(nested_leaf(gpa + GPA) & CR3_ADDRESS, DATA);
	}
	again(1, 0);
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ASID);
}
END_TEST

/* More of them than there are slots. */
START_TEST(many_asids)
{
	u32 i;

	run("umip");
	for (i = 1; i < 3 * NESTED_SLOTS; i++) {
		again(i, 0);
		fault(GPA, 0);
		ck_assert_uint_eq(A->asid, i);
		ck_assert_uint_ne(nested_leaf(GPA), 0);
	}
	again(1, 0);
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ASID);
	ck_assert_uint_eq(nested_leaf(GPA), 0);
}
END_TEST

/* Without nested tables of L1's ours are L2's, and what they lack is filled in. */
START_TEST(shadow_paging_of_l1)
{
	nested_boot(SIM_EPYC, "umip");
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(A->nested_cr3, machine.slat_root);
	ck_assert_uint_eq(A->g_pat, C->g_pat);
	fault(BIT64(33), 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, 0);
	ck_assert(sim_exits(SVM_EXIT_NPF));
	fault(SIM_PIECE_PA(0), PF_PRESENT | PF_WRITE);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		pages_are_mapped_as_l2_asks_for_them, events_come_again, what_l1_forbids_is_its_fault,
		large_pages_where_both_have_them, the_block_is_never_mapped,
		protected_memory_cannot_be_written_by_l2, what_l1_flushes_is_forgotten,
		tables_without_room_are_made_anew, many_asids, shadow_paging_of_l1,
	};

	return sim_main("nested_shadow", tests, ARRAY_SIZE(tests));
}
