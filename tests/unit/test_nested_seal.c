// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests of a hypervisor in the guest that seal pages of their own: what they find, and what their calls do.
 */
#include "nested_seal.h"

/* --- what it finds --- */

static void cpuid2(u32 which)
{
	sim.gpr[RAX] = which;
	sim.gpr[RCX] = 0;
	l2(SVM_EXIT_CPUID, CPUID_BYTES, 2);
}

START_TEST(it_finds_the_leaf)
{
	u32 leaf_at = 0;

	begin(ON);
	/* As enlightened.h looks for it; the others are the hypervisor's. */
	for (leaf_at = OLDGUARD_LEAF_FIRST; leaf_at < OLDGUARD_LEAF_END; leaf_at += OLDGUARD_LEAF_STEP) {
		u64 rip = A->rip;

		cpuid2(leaf_at);
		if (nested_runs()) {
			ck_assert_uint_eq(A->rip, rip + 2);
			break;
		}
		nested_exited(SVM_EXIT_CPUID);
		ck_assert_uint_eq(B->rip, rip);
		L1_VMRUN(L1_VMCB);
	}
	ck_assert_uint_eq(leaf_at, NESTED_LEAF);
	ck_assert_uint_eq(sim.gpr[RAX], NESTED_LEAF + 2);
	ck_assert_uint_eq(sim.gpr[RBX], OLDGUARD_SIGNATURE_EBX);
	ck_assert_uint_eq(sim.gpr[RCX], OLDGUARD_SIGNATURE_ECX);
	ck_assert_uint_eq(sim.gpr[RDX], 0);
	A->interrupt_shadow = 1;
	cpuid2(NESTED_LEAF + 1);
	ck_assert_uint_eq(A->interrupt_shadow, 0);
	ck_assert_uint_eq(sim.gpr[RAX], OLDGUARD_VERSION_1);
	ck_assert_uint_eq(sim.gpr[RBX], 1);
	ck_assert_uint_eq(sim.gpr[RCX], 0);
	ck_assert_uint_eq(sim.gpr[RDX], OLDGUARD_OFFERS_SEAL);
	cpuid2(NESTED_LEAF + 2);
	ck_assert(!memcmp(&sim.gpr[RAX], "seal\0\0\0", 8));
	cpuid2(NESTED_LEAF + 3);
	ck_assert_uint_eq(sim.gpr[RAX] | sim.gpr[RBX] | sim.gpr[RCX] | sim.gpr[RDX], 0);
	/* A program's is the hypervisor's. */
	A->cpl = 3;
	cpuid2(NESTED_LEAF);
	nested_exited(SVM_EXIT_CPUID);
}
END_TEST

START_TEST(ordinary_exits_stay_quick)
{
	begin(ON);
	sim.quick = 0;
	cpuid2(1);
	nested_exited(SVM_EXIT_CPUID);
	L1_VMRUN(L1_VMCB);
	sim.gpr[RAX] = 5;
	l2(SVM_EXIT_VMMCALL, VMMCALL_BYTES, 3);
	nested_exited(SVM_EXIT_VMMCALL);
	ck_assert_uint_eq(sim.quick, 2);
}
END_TEST

START_TEST(a_single_step_ends_behind_it)
{
	u64 rip;

	begin(ON);
	A->rflags |= RFLAGS_RF;
	cpuid2(NESTED_LEAF);
	ck_assert(!(A->rflags & RFLAGS_RF));
	rip = A->rip;
	A->rflags |= RFLAGS_TF;
	cpuid2(NESTED_LEAF);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->rip, rip + 2);
	ck_assert_uint_eq(A->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	ck_assert(A->dr6 & DR6_BS);
	/* Where the hypervisor wants to have them. */
	leave();
	B->intercept_exceptions = 1u << VECTOR_DB;
	B->rflags |= RFLAGS_TF;
	L1_VMRUN(L1_VMCB);
	cpuid2(NESTED_LEAF);
	nested_exited(SVM_EXIT_EXCEPTION(VECTOR_DB));
	ck_assert_uint_eq(B->rip, rip + 4);
}
END_TEST

/* Without NRIP the instruction is read through both translations. */
START_TEST(processors_that_tell_no_length)
{
	boot(SIM_TCG, ON);
	B->rip = GPA;
	B->cr0 = CR0_PE | CR0_PG;
	/* L2's tables: in the page of its code, all levels in one. */
	B->cr3 = GPA + 0x1000;
	guestmem_map(&tables, GPA + 0x1000, 0, (DATA + 0x1000) | ALL);
	guestmem_put(DATA + 0x1000, 8, (GPA + 0x1000) | ALL);
	guestmem_put(DATA + 0x1000 + (GPA >> 12 & 511) * 8, 8, GPA | ALL);
	run(L1_VMCB);
	cpuid2(NESTED_LEAF);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->rip, GPA + 2);
	ck_assert_uint_eq(sim.gpr[RBX], OLDGUARD_SIGNATURE_EBX);
	/* With a prefix it is the hypervisor's. */
	A->rip = GPA;
	sim.gpr[RAX] = OLDGUARD_CALL_SYNC;
	l2(SVM_EXIT_VMMCALL, "\x66\x0f\x01\xd9", 4);
	nested_exited(SVM_EXIT_VMMCALL);
	B->rip = GPA;
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
}
END_TEST

START_TEST(not_without_the_option)
{
	static const char *const lists[] = { "umip", "umip,seal", "umip,seal:guests=off" };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		begin(lists[i]);
		cpuid2(NESTED_LEAF);
		nested_exited(SVM_EXIT_CPUID);
		L1_VMRUN(L1_VMCB);
		sim.gpr[RAX] = OLDGUARD_CALL_SEAL;
		sim.gpr[RDI] = GPA;
		sim.gpr[RSI] = 1;
		l2(SVM_EXIT_VMMCALL, VMMCALL_BYTES, 3);
		nested_exited(SVM_EXIT_VMMCALL);
		ck_assert_uint_eq(B->rax, OLDGUARD_CALL_SEAL);
		ck_assert_uint_eq(B->rip, L2_CODE);
		ck_assert_uint_eq(machine.guests.count, 0);
		L1_VMRUN(L1_VMCB);
		ck_assert(!refused(GPA));
	}
	/* It needs a hypervisor in the guest. */
	sim_new(SIM_EPYC);
	sim_take("seal");
	ck_assert_uint_eq(stage("seal:guests=on", ""), HYPERCALL_REFUSED);
	ck_assert_str_eq(STAGED->why, "seal: for guests of the guest's it needs a hypervisor in the guest (kvm=nested)");
}
END_TEST

START_TEST(not_where_its_addresses_are_not_seen)
{
	/* Shadow paging; a processor that is never held. */
	begin(ON);
	leave();
	B->nested_control = 0;
	L1_VMRUN(L1_VMCB);
	cpuid2(NESTED_LEAF + 1);
	ck_assert_uint_eq(sim.gpr[RDX], 0);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_REFUSED);
	begin(ON);
	machine.partial = true;
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_REFUSED);
	/* Nested tables of other modes. */
	machine.partial = false;
	C->efer &= ~EFER_LMA;
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_REFUSED);
	C->efer |= EFER_LMA;
	ck_assert_uint_eq(machine.guests.count, 0);
}
END_TEST

/* --- seals --- */

START_TEST(pages_are_sealed)
{
	u64 first;
	u32 seal_index = 0;

	begin(ON);
	while (strcmp(feature_get(seal_index)->name, "seal"))
		seal_index++;
	guestmem_map(&tables, GPA + 0x1000, 0, (DATA + 0x1000) | ALL);
	ck_assert(!refused(GPA));
	ck_assert(nested_leaf(GPA) & PTE_W);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	first = handle;
	ck_assert_uint_ne(first, 0x1234);
	/* What was known is forgotten before it goes on. */
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ASID);
	ck_assert_uint_eq(nested_leaf(GPA), 0);
	ck_assert(refused(GPA));
	ck_assert(refused(GPA + 0xfff));
	ck_assert_uint_eq(V->handled[seal_index], 2);
	ck_assert_uint_eq(V->ring->head, 2);
	ck_assert_uint_eq(V->ring->events[0].addr, GPA);
	ck_assert_uint_eq(V->ring->events[0].value, MEM_WRITE | MEM_GUESTS);
	ck_assert_uint_eq(V->ring->events[0].feature, seal_index);
	{
		TEXT(text, 60);

		event_asset(&V->ring->events[0], &text);
		ck_assert_str_eq(text.at, "guest's mem:0x123000");
	}
	ck_assert(!refused(GPA + 0x1000));
	/* It can be read, and what has been read cannot be written either. */
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER, GPA);
	ck_assert_uint_eq(nested_leaf(GPA), DATA | (ALL & ~PTE_W) | PTE_A);
	ck_assert(refused(GPA));
	/* What L1 itself does with its memory is its affair. */
	ck_assert(!slat_guarded(&machine, DATA));
	ck_assert_uint_eq(unseal(first + 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(unseal(first), OLDGUARD_CALL_OK);
	ck_assert(!refused(GPA));
	ck_assert(nested_leaf(GPA) & PTE_W);
	ck_assert_uint_eq(unseal(first), OLDGUARD_CALL_BAD);
}
END_TEST

/* The other way round: the seal is there before the page is. */
START_TEST(remapping_does_not_end_it)
{
	u64 at = guestmem_entry(&tables, GPA, 0);

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	/* L1 takes the page, and is not asked about writes. */
	at = guestmem_entry(&tables, GPA, 0);
	guestmem_put(at, 8, 0);
	ck_assert(refused(GPA));
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER, GPA);
	nested_exited(SVM_EXIT_NPF);
	/* It gives another one, protects it for its own purposes, and no longer. */
	guestmem_put(at, 8, (DATA + 0x5000) | (ALL & ~PTE_W));
	B->tlb_control = SVM_FLUSH_ASID;
	L1_VMRUN(L1_VMCB);
	B->tlb_control = 0;
	ck_assert(refused(GPA));
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER, GPA);
	ck_assert_uint_eq(nested_leaf(GPA) & (CR3_ADDRESS | PTE_W), DATA + 0x5000);
	guestmem_put(at, 8, (DATA + 0x5000) | ALL);
	ck_assert(refused(GPA));
	/* The same page of L1's at another address is not sealed. */
	guestmem_map(&tables, GPA + 0x3000, 0, (DATA + 0x5000) | ALL);
	ck_assert(!refused(GPA + 0x3000));
}
END_TEST

START_TEST(large_pages_are_split)
{
	begin(ON);
	guestmem_map(&tables, 0x40000000, 1, 0x80000000 | ALL | PTE_PS);
	guestmem_map(&tables, 0x40000000 + SIZE_2M, 1, (0x80000000 + SIZE_2M) | ALL | PTE_PS);
	ck_assert(!refused(0x40003000));
	ck_assert(nested_leaf(0x40003000) & PTE_PS);
	ck_assert_uint_eq(seal(0x40003000, 1), OLDGUARD_CALL_OK);
	ck_assert(refused(0x40003008));
	ck_assert(!refused(0x40004000));
	ck_assert(!(nested_leaf(0x40004000) & PTE_PS));
	ck_assert(nested_leaf(0x40004000) & PTE_W);
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER, 0x40003000);
	ck_assert_uint_eq(nested_leaf(0x40003000), 0x80003000 | (ALL & ~PTE_W) | PTE_A);
	ck_assert(!refused(0x40000000 + SIZE_2M));
	ck_assert(nested_leaf(0x40000000 + SIZE_2M) & PTE_PS);
}
END_TEST

START_TEST(bad_ones_are_refused)
{
	struct guests before;
	static const u64 bad[][2] = {
		{ GPA + 1, 1 }, { GPA, 0 }, { GPA, ~0ULL }, { GPA, 1ULL << 52 }, { ~0xfffULL, 1 },
		{ 1ULL << 48, 1 }, { (1ULL << 48) - 0x1000, 2 }, { 0, 1ULL << 36 | 1 }, { 1ULL << 63, 1 },
		{ GPA, (1ULL << 52) + 1 },
	};
	u32 i;

	begin(ON);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_uint_eq(seal(bad[i][0], bad[i][1]), OLDGUARD_CALL_BAD);
		ck_assert_uint_eq(handle, 0x1234);
		ck_assert_uint_eq(machine.guests.count, 0);
		ck_assert_uint_eq(machine.guests.seals, 0);
	}
	ck_assert_uint_eq(unseal(0), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(GPA, 2), OLDGUARD_CALL_OK);
	before = machine.guests;
	ck_assert_uint_eq(seal(GPA - 0x1000, 2), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_BAD);
	ck_assert(!memcmp(&before, &machine.guests, sizeof(before)));
	/* All that there is; addresses of the root side's mean nothing here. */
	ck_assert_uint_eq(seal(SIM_PIECE_PA(0), 1), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(unseal(handle), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(seal(1ULL << 40, 1ULL << 35), OLDGUARD_CALL_OK);
}
END_TEST

/* What it is not to ask is what L1 gets, as without us; whatever it is, nothing of ours changes. */
START_TEST(other_calls_are_l1s)
{
	static const u64 numbers[] = {
		HYPERCALL_MAGIC ^ HYPERCALL_LEAVE, HYPERCALL_MAGIC ^ HYPERCALL_STAGE,
		HYPERCALL_MAGIC ^ HYPERCALL_APPLY, HYPERCALL_MAGIC ^ HYPERCALL_COUNTS,
		HYPERCALL_MAGIC ^ HYPERCALL_LOCK, HYPERCALL_MAGIC ^ HYPERCALL_SEALS,
		HYPERCALL_MAGIC ^ HYPERCALL_MEMORY, HYPERCALL_MAGIC ^ HYPERCALL_STAY,
		OLDGUARD_CALL_SYNC + 1, OLDGUARD_CALL_SEAL - 1, (u32)OLDGUARD_CALL_SEAL, 0, ~0ULL,
	};
	u32 i;

	begin(ON);
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		sim.gpr[RAX] = numbers[i];
		sim.gpr[RDI] = SIM_REQUEST;
		l2(SVM_EXIT_VMMCALL, VMMCALL_BYTES, 3);
		nested_exited(SVM_EXIT_VMMCALL);
		ck_assert_uint_eq(B->rax, numbers[i]);
		ck_assert_uint_eq(B->rip, L2_CODE);
		L1_VMRUN(L1_VMCB);
	}
	/* Programs', and code of 32 bits. */
	A->cpl = 3;
	sim.gpr[RAX] = OLDGUARD_CALL_SEAL;
	l2(SVM_EXIT_VMMCALL, VMMCALL_BYTES, 3);
	nested_exited(SVM_EXIT_VMMCALL);
	B->cpl = 0;
	B->cs.attr = 0x9b | SEG_DB;
	L1_VMRUN(L1_VMCB);
	sim.gpr[RAX] = OLDGUARD_CALL_SEAL;
	l2(SVM_EXIT_VMMCALL, VMMCALL_BYTES, 3);
	nested_exited(SVM_EXIT_VMMCALL);
	ck_assert_uint_eq(machine.guests.count, 0);
	ck_assert(!machine.locked);
}
END_TEST

START_TEST(there_is_an_end)
{
	u64 handles[GUEST_SEALS_MAX], last;
	u32 i;

	begin(ON);
	for (i = 0; i < GUEST_SEALS_MAX; i++) {
		ck_assert_uint_eq(seal(GPA + i * 0x2000, 1), OLDGUARD_CALL_OK);
		handles[i] = handle;
	}
	ck_assert_uint_eq(seal(GPA + i * 0x2000, 1), OLDGUARD_CALL_FULL);
	ck_assert_uint_eq(unseal(handles[3]), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(seal(GPA + i * 0x2000, 1), OLDGUARD_CALL_OK);
	last = handle;
	ck_assert(refused(GPA + i * 0x2000));
	machine.locked = true;
	ck_assert_uint_eq(unseal(last), OLDGUARD_CALL_REFUSED);
	machine.locked = false;
	for (i = 0; i < GUEST_SEALS_MAX; i++)
		ck_assert_uint_eq(unseal(handles[i]), i == 3 ? OLDGUARD_CALL_BAD : OLDGUARD_CALL_OK);
	ck_assert_uint_eq(unseal(last), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(machine.guests.seals, 0);
}
END_TEST

/* A guest of its own would write its pages past the seal. */
START_TEST(it_has_no_guests_itself)
{
	u64 rip;

	begin("umip");
	sim_exit(SVM_EXIT_VMRUN, 0, 0);
	nested_exited(SVM_EXIT_VMRUN);
	begin(ON);
	sim_exit(SVM_EXIT_VMRUN, 0, 0);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_UD));
	/* And finds that it cannot have any, before it tries. */
	sim.gpr[RCX] = MSR_VM_CR;
	sim.gpr[RDX] = 5;
	rip = A->rip;
	l2(SVM_EXIT_MSR, "\x0f\x32", 2);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->rip, rip + 2);
	ck_assert_uint_eq(sim.gpr[RAX], VM_CR_LOCK | VM_CR_SVMDIS);
	ck_assert_uint_eq(sim.gpr[RDX], 0);
	sim.gpr[RCX] = MSR_VM_CR;
	A->next_rip = A->rip + 2;
	sim_exit(SVM_EXIT_MSR, 1, 0);
	nested_exited(SVM_EXIT_MSR);
}
END_TEST

/* What L1 puts where tokens are is its affair, and harms nobody else. */
START_TEST(tokens_are_forged)
{
	static const u64 forged[] = { ~0ULL, 0xff, 0x10, 1, 0x0f, BIT64(63), 0x100 };
	u64 token;
	u32 i;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	token = B->host_use[NESTED_TOKEN];
	processor(L1_OTHER, strangers_root());
	for (i = 0; i < 2 * ARRAY_SIZE(forged); i++) {
		leave();
		vmcb(L1_OTHER)->host_use[NESTED_TOKEN] = i & 1 ? forged[i / 2] ^ token : forged[i / 2];
		run(L1_OTHER);
		ck_assert(!refused(GPA));
		ck_assert_uint_eq(machine.guests.count, 1);
	}
	run(L1_VMCB);
	ck_assert(refused(GPA));
	/* The first one's own: it is as if it were one of its. */
	leave();
	vmcb(L1_OTHER)->host_use[NESTED_TOKEN] = token;
	run(L1_OTHER);
	ck_assert(refused(GPA));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_finds_the_leaf, ordinary_exits_stay_quick, a_single_step_ends_behind_it,
		processors_that_tell_no_length, not_without_the_option,
		not_where_its_addresses_are_not_seen, pages_are_sealed, remapping_does_not_end_it,
		large_pages_are_split, bad_ones_are_refused, other_calls_are_l1s, there_is_an_end,
		it_has_no_guests_itself, tokens_are_forged,
	};

	return sim_main("nested_seal", tests, ARRAY_SIZE(tests));
}
