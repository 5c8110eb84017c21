// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests of a hypervisor in the guest that seal pages of their own: what they find, what their calls
 * do, who they are when their hypervisor moves them about, and what ends a seal.
 */
#include "nested.h"
#include "stage.h"

#include "../../guest-glue/enlightened.h"

#define ALL (PTE_P | PTE_W | PTE_U | PTE_D)
#define GPA 0x123000ULL
#define DATA 0x60000ULL /* L1-physical */
#define SIZE_2M (1ULL << 21)
#define ON "umip,seal:guests=on"
#define CPUID_BYTES "\x0f\xa2"
#define VMMCALL_BYTES "\x0f\x01\xd9"

static struct walk_state tables;
static u64 handle;

static struct vmcb *vmcb(u64 pa)
{
	return (void *)guestmem_page(pa);
}

/* A processor of a virtual machine as KVM makes it: of zeros, then what this one is to be. */
static void processor(u64 pa, u64 ncr3)
{
	struct vmcb *b = vmcb(pa);

	nested_vmcb(pa);
	b->nested_control = 1;
	b->nested_cr3 = ncr3;
	b->cs.attr = 0x9b | SEG_LONG;
	b->tr.selector = 0x40;
}

static void boot(enum sim_model model, const char *features)
{
	nested_boot(model, features);
	tables = guestmem_state(PAGING_4);
	guestmem_map(&tables, GPA, 0, DATA | ALL);
	processor(L1_VMCB, tables.cr3);
	processor(L1_OTHER, tables.cr3);
}

/* It exits to L1. */
static void leave(void)
{
	sim.gpr[RAX] = 0;
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	ck_assert(!nested_runs());
}

static void run(u64 pa)
{
	if (nested_runs())
		leave();
	L1_VMRUN(pa);
	ck_assert(nested_runs());
}

static void begin(const char *features)
{
	boot(SIM_EPYC, features);
	run(L1_VMCB);
}

/* L2 executes something that exits. */
static void l2(u64 code, const char *bytes, u32 count)
{
	memcpy(guestmem_page(DATA), bytes, count);
	A->next_rip = A->rip + count;
	sim_exit(code, 0, 0);
}

/* A call of L2's that is ours. */
static u64 call2(u64 number, u64 a, u64 b)
{
	u64 rip = A->rip;

	sim.gpr[RAX] = number;
	sim.gpr[RDI] = a;
	sim.gpr[RSI] = b;
	sim.gpr[RDX] = 0x1234;
	l2(SVM_EXIT_VMMCALL, VMMCALL_BYTES, 3);
	ck_assert(nested_runs());
	ck_assert_uint_eq(A->rip, rip + 3);
	ck_assert_uint_eq(A->event_inj, 0);
	handle = sim.gpr[RDX];
	return sim.gpr[RAX];
}

static u64 seal(u64 gpa, u64 pages)
{
	return call2(OLDGUARD_CALL_SEAL, gpa, pages);
}

static u64 unseal(u64 which)
{
	return call2(OLDGUARD_CALL_UNSEAL, which, 0);
}

/* L2 writes there; whether that is #GP(0). Else it is mapped, and the write done. */
static bool refused(u64 gpa)
{
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER | PF_WRITE, gpa);
	ck_assert(nested_runs());
	if (A->event_inj)
		ck_assert_uint_eq(A->event_inj, FAULT(VECTOR_GP, 0));
	return A->event_inj;
}

static u64 leaf(u64 gpa)
{
	u64 table = A->nested_cr3;
	u32 level;

	for (level = machine.slat.levels;; level--) {
		u64 e = ((u64 *)block_va(&machine, block_offset(&machine, table)))[gpa / slat_bytes(level) & 511];

		if (!e || level == 1 || e & PTE_PS)
			return e;
		table = e & CR3_ADDRESS;
	}
}

/* Other nested tables of the same machine: the root is new, below it is what was. */
static u64 other_root(void)
{
	u64 root = guestmem_state(PAGING_4).cr3;

	guestmem_put(root, 8, guestmem_get(tables.cr3, 8));
	return root;
}

/* Another machine: other tables, no token. */
static u64 strangers_root(void)
{
	struct walk_state s = guestmem_state(PAGING_4);

	guestmem_map(&s, GPA, 0, (DATA + 0x8000) | ALL);
	return s.cr3;
}

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
	ck_assert(leaf(GPA) & PTE_W);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	first = handle;
	ck_assert_uint_ne(first, 0x1234);
	/* What was known is forgotten before it goes on. */
	ck_assert_uint_eq(A->tlb_control, SVM_FLUSH_ASID);
	ck_assert_uint_eq(leaf(GPA), 0);
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
	ck_assert_uint_eq(leaf(GPA), DATA | (ALL & ~PTE_W) | PTE_A);
	ck_assert(refused(GPA));
	/* What L1 itself does with its memory is its affair. */
	ck_assert(!slat_guarded(&machine, DATA));
	ck_assert_uint_eq(unseal(first + 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(unseal(first), OLDGUARD_CALL_OK);
	ck_assert(!refused(GPA));
	ck_assert(leaf(GPA) & PTE_W);
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
	ck_assert_uint_eq(leaf(GPA) & (CR3_ADDRESS | PTE_W), DATA + 0x5000);
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
	ck_assert(leaf(0x40003000) & PTE_PS);
	ck_assert_uint_eq(seal(0x40003000, 1), OLDGUARD_CALL_OK);
	ck_assert(refused(0x40003008));
	ck_assert(!refused(0x40004000));
	ck_assert(!(leaf(0x40004000) & PTE_PS));
	ck_assert(leaf(0x40004000) & PTE_W);
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER, 0x40003000);
	ck_assert_uint_eq(leaf(0x40003000), 0x80003000 | (ALL & ~PTE_W) | PTE_A);
	ck_assert(!refused(0x40000000 + SIZE_2M));
	ck_assert(leaf(0x40000000 + SIZE_2M) & PTE_PS);
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

/* --- who it is --- */

START_TEST(all_its_processors_have_its_seals)
{
	u64 mine;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	mine = handle;
	/* The second one is known by the tables, then by itself, whatever tables it runs on. */
	run(L1_OTHER);
	ck_assert(refused(GPA));
	ck_assert_uint_eq(vmcb(L1_OTHER)->host_use[NESTED_TOKEN], B->host_use[NESTED_TOKEN]);
	leave();
	vmcb(L1_OTHER)->nested_cr3 = other_root();
	run(L1_OTHER);
	ck_assert(refused(GPA));
	run(L1_VMCB);
	ck_assert(refused(GPA));
	/* The first one comes to the new tables. */
	leave();
	B->nested_cr3 = vmcb(L1_OTHER)->nested_cr3;
	run(L1_VMCB);
	ck_assert(refused(GPA));
	ck_assert_uint_eq(machine.guests.count, 1);
	/* Any of them unseals. */
	run(L1_OTHER);
	ck_assert_uint_eq(unseal(mine), OLDGUARD_CALL_OK);
	run(L1_VMCB);
	ck_assert(!refused(GPA));
}
END_TEST

START_TEST(many_tables)
{
	u32 i;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	for (i = 0; i < 3 * GUEST_ROOTS; i++) {
		leave();
		B->nested_cr3 = other_root();
		run(L1_VMCB);
		ck_assert(refused(GPA));
	}
	/* Those that are used are known. */
	vmcb(L1_OTHER)->nested_cr3 = B->nested_cr3;
	run(L1_OTHER);
	ck_assert(refused(GPA));
}
END_TEST

START_TEST(others_have_none_of_it)
{
	u64 mine;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	mine = handle;
	processor(L1_OTHER, strangers_root());
	run(L1_OTHER);
	ck_assert(!refused(GPA));
	ck_assert_uint_eq(unseal(mine), OLDGUARD_CALL_BAD);
	/* By the same ASID, which L1 has given away anew, without a flush. */
	run(L1_VMCB);
	ck_assert(refused(GPA));
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_OK);
	run(L1_OTHER);
	ck_assert_uint_eq(seal(GPA + 0x7000, 1), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(machine.guests.count, 2);
	ck_assert_uint_eq(unseal(mine), OLDGUARD_CALL_BAD);
	ck_assert(refused(GPA + 0x7000));
	ck_assert(!refused(GPA));
	run(L1_VMCB);
	ck_assert_uint_eq(unseal(mine), OLDGUARD_CALL_OK);
}
END_TEST

/* L1 ends a machine, and its pages become another machine's. */
START_TEST(a_new_machine_has_no_seals)
{
	u64 below;
	u32 i;

	/* The VMCB: zeroed. */
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	processor(L1_VMCB, strangers_root());
	run(L1_VMCB);
	ck_assert(!refused(GPA));
	/* The root: empty when it begins, whatever VMCB it is. */
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	memset(guestmem_page(tables.cr3), 0, PAGE_BYTES);
	processor(L1_OTHER, tables.cr3);
	run(L1_OTHER);
	guestmem_map(&tables, GPA, 0, DATA | ALL);
	ck_assert(!refused(GPA));
	run(L1_OTHER);
	ck_assert(!refused(GPA));
	/* Both. */
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	memset(guestmem_page(tables.cr3), 0, PAGE_BYTES);
	processor(L1_VMCB, tables.cr3);
	run(L1_VMCB);
	guestmem_map(&tables, GPA, 0, DATA | ALL);
	ck_assert(!refused(GPA));
	/* Again and again: none fills the table. */
	for (i = 0; i < 3 * GUESTS_MAX; i++) {
		ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
		ck_assert(refused(GPA));
		leave();
		below = guestmem_get(tables.cr3, 8);
		guestmem_put(tables.cr3, 8, 0);
		processor(L1_VMCB, tables.cr3);
		run(L1_VMCB);
		guestmem_put(tables.cr3, 8, below);
		ck_assert(!refused(GPA));
	}
}
END_TEST

START_TEST(too_many_machines)
{
	u64 at = 0x100000, i;

	begin(ON);
	for (i = 0; i <= GUESTS_MAX; i++, at += PAGE_BYTES) {
		leave();
		processor(at, strangers_root());
		L1_VMRUN(at);
		ck_assert_uint_eq(seal(GPA, 1), i < GUESTS_MAX ? OLDGUARD_CALL_OK : OLDGUARD_CALL_FULL);
	}
	ck_assert_uint_eq(machine.guests.count, GUESTS_MAX);
	/* One of them is gone. */
	memset(guestmem_page(0x103000), 0, PAGE_BYTES);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(machine.guests.count, GUESTS_MAX);
	ck_assert(refused(GPA));
}
END_TEST

/* Two of its processors, on different tables, have both sealed before they met. */
START_TEST(two_that_meet_are_one)
{
	u64 first, third;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	first = handle;
	vmcb(L1_OTHER)->nested_cr3 = third = other_root();
	run(L1_OTHER);
	ck_assert(!refused(GPA));
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(machine.guests.count, 2);
	leave();
	vmcb(L1_OTHER)->nested_cr3 = other_root();
	run(L1_OTHER);
	leave();
	B->nested_cr3 = vmcb(L1_OTHER)->nested_cr3;
	run(L1_VMCB);
	ck_assert_uint_eq(machine.guests.count, 1);
	ck_assert(refused(GPA));
	ck_assert(refused(GPA + 0x1000));
	run(L1_OTHER);
	ck_assert(refused(GPA));
	ck_assert(refused(GPA + 0x1000));
	/* All tables of either are its. */
	processor(0x100000, third);
	run(0x100000);
	ck_assert(refused(GPA));
	ck_assert_uint_eq(unseal(first), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(unseal(first), OLDGUARD_CALL_BAD);
}
END_TEST

/* Its place is another's by now, and nobody has told this processor yet. */
START_TEST(who_is_gone_is_nobody_else)
{
	struct guest *g;
	u64 other;

	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	g = N->guest;
	guest_end(&machine, g);
	ck_assert_ptr_eq(guest_new(&machine, 0x7000, 0x7000), g);
	ck_assert_uint_eq(guest_seal(&machine, g, GPA, 1, BIT64(48), &other), OLDGUARD_CALL_OK);
	ck_assert(!refused(GPA));
}
END_TEST

/* --- what ends them --- */

static void reset_state(u64 pa)
{
	struct vmcb *b = vmcb(pa);

	b->clean = 0;
	b->cr0 = 0x60000010;
	b->cr3 = 0;
	b->efer = EFER_SVME;
	b->cs = (struct vmcb_segment){ 0xf000, 0x9b, 0xffff, 0xffff0000 };
	b->tr = (struct vmcb_segment){ 0, 0x8b, 0xffff, 0 };
	b->rip = 0xfff0;
}

static void start_state(u64 pa)
{
	reset_state(pa);
	vmcb(pa)->cs = (struct vmcb_segment){ 0x900, 0x9b, 0xffff, 0x9000 };
	vmcb(pa)->rip = 0;
}

/* It has gone on from there to its kernel. */
static void goes_on(u64 pa)
{
	struct vmcb *b = vmcb(pa);
	u64 token = b->host_use[NESTED_TOKEN];

	if (nested_runs())
		leave();
	processor(pa, b->nested_cr3);
	b->host_use[NESTED_TOKEN] = token;
	run(pa);
}

START_TEST(a_reset_ends_them)
{
	begin(ON);
	run(L1_OTHER);
	run(L1_VMCB);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	run(L1_OTHER);
	run(L1_VMCB);
	leave();
	/* Through the quick way, too: nothing but the state has changed. */
	reset_state(L1_VMCB);
	B->clean = SVM_CLEAN_ALL & ~(SVM_CLEAN_CR | SVM_CLEAN_SEG | SVM_CLEAN_DT | SVM_CLEAN_DR);
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
	ck_assert(!refused(GPA));
	ck_assert_uint_eq(machine.guests.seals, 0);
	/* The other one starts by an IPI of its. */
	leave();
	start_state(L1_OTHER);
	L1_VMRUN(L1_OTHER);
	ck_assert(nested_runs());
	ck_assert(!refused(GPA));
	/* In its new life it seals anew, for all. */
	goes_on(L1_OTHER);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	goes_on(L1_VMCB);
	ck_assert(refused(GPA));
}
END_TEST

/* Who has sealed nothing loses nothing: its processors are none of our business. */
START_TEST(a_reset_without_seals)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	run(L1_OTHER);
	run(L1_VMCB);
	ck_assert_uint_eq(unseal(handle), OLDGUARD_CALL_OK);
	leave();
	reset_state(L1_VMCB);
	run(L1_VMCB);
	run(L1_OTHER);
	ck_assert(!refused(GPA));
}
END_TEST

/* An INIT of one processor's is no reset of the others: they do not see what becomes of the pages. */
START_TEST(nobody_survives_it)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	run(L1_OTHER);
	run(L1_VMCB);
	leave();
	reset_state(L1_VMCB);
	L1_VMRUN(L1_VMCB);
	ck_assert(!refused(GPA));
	leave();
	L1_VMRUN(L1_OTHER);
	ck_assert(!nested_runs());
	ck_assert_uint_eq(vmcb(L1_OTHER)->exit_code, SVM_EXIT_SHUTDOWN);
	ck_assert_uint_eq(C->rip, SIM_CODE + 3);
	/* Nor twice, nor after one more reset. */
	goes_on(L1_VMCB);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	reset_state(L1_VMCB);
	L1_VMRUN(L1_VMCB);
	leave();
	L1_VMRUN(L1_OTHER);
	ck_assert(!nested_runs());
	ck_assert_uint_eq(vmcb(L1_OTHER)->exit_code, SVM_EXIT_SHUTDOWN);
	/* Its hypervisor resets it, too. */
	reset_state(L1_OTHER);
	L1_VMRUN(L1_OTHER);
	ck_assert(nested_runs());
}
END_TEST

/* What L2 can make of itself is no reset, however much of one it looks like. */
START_TEST(a_reset_cannot_be_feigned)
{
	u32 i;

	for (i = 0; i < 5; i++) {
		begin(ON);
		ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
		leave();
		reset_state(L1_VMCB);
		switch (i) {
		case 0: B->tr.selector = 0x40; break;
		case 1: B->tr.base = 0x1000; break;
		case 2: B->rip = 0xfff2; break;
		case 3: B->cs.base = 0xf0000; break;
		case 4: B->cr0 |= CR0_PE; break;
		}
		L1_VMRUN(L1_VMCB);
		ck_assert(nested_runs());
		ck_assert(refused(GPA));
		/* Nor is a start-up IPI. */
		leave();
		start_state(L1_VMCB);
		L1_VMRUN(L1_VMCB);
		ck_assert(refused(GPA));
	}
}
END_TEST

START_TEST(the_option_ends_them)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	/* Another plan that has it keeps them. */
	enforce("seal:guests=on", "");
	L1_VMRUN(L1_VMCB);
	ck_assert(refused(GPA));
	leave();
	enforce("umip,seal", "");
	ck_assert_uint_eq(machine.guests.count, 0);
	L1_VMRUN(L1_VMCB);
	ck_assert(!refused(GPA));
	leave();
	enforce(ON, "");
	L1_VMRUN(L1_VMCB);
	ck_assert(!refused(GPA));
	/* And back to the quick way. */
	leave();
	enforce("umip", "");
	run(L1_VMCB);
	leave();
	B->clean = SVM_CLEAN_ALL;
	sim.quick = 0;
	L1_VMRUN(L1_VMCB);
	ck_assert_uint_eq(sim.quick, 1);
	/* Locked, it stays as it is. */
	leave();
	enforce(ON, "");
	machine.locked = true;
	ck_assert_uint_eq(stage("umip,seal", ""), HYPERCALL_REFUSED);
}
END_TEST

START_TEST(the_last_svme_ends_them)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	leave();
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert_uint_eq(machine.guests.count, 0);
	ck_assert_uint_eq(machine.guests.seals, 0);
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
	L1_VMRUN(L1_VMCB);
	ck_assert(!refused(GPA));
}
END_TEST

/* --- on another processor --- */

static void second_processor(void)
{
	sim.cpu = 1;
	ck_assert(machine_take(1));
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
}

START_TEST(other_processors_follow)
{
	begin(ON);
	second_processor();
	L1_VMRUN(L1_OTHER);
	ck_assert(nested_runs());
	ck_assert(!refused(GPA));
	ck_assert(leaf(GPA) & PTE_W);
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	sim.cpu = 1;
	/* What runs there goes by what it had, until it says that it wants to know. */
	ck_assert(leaf(GPA) & PTE_W);
	ck_assert_uint_eq(call2(OLDGUARD_CALL_SYNC, 0, 0), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(leaf(GPA), 0);
	ck_assert(refused(GPA));
	ck_assert(vmcb(L1_OTHER)->host_use[NESTED_TOKEN]);
	/* Or any exit of its does, ours or L1's. */
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_OK);
	sim.cpu = 1;
	ck_assert(refused(GPA + 0x1000));
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA + 0x2000, 1), OLDGUARD_CALL_OK);
	sim.cpu = 1;
	leave();
	vmcb(L1_OTHER)->clean = SVM_CLEAN_ALL;
	L1_VMRUN(L1_OTHER);
	ck_assert(refused(GPA + 0x2000));
	/* A fault that is L1's to see, and what was known is not entered again. */
	guestmem_map(&tables, GPA + 0x4000, 0, (DATA + 0x4000) | ALL);
	ck_assert(!refused(GPA + 0x4000));
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA + 0x4000, 1), OLDGUARD_CALL_OK);
	sim.cpu = 1;
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER, GPA + 0x5000);
	ck_assert_uint_eq(vmcb(L1_OTHER)->exit_code, SVM_EXIT_NPF);
	vmcb(L1_OTHER)->clean = SVM_CLEAN_ALL;
	L1_VMRUN(L1_OTHER);
	ck_assert_uint_eq(leaf(GPA + 0x4000), 0);
	ck_assert(refused(GPA + 0x4000));
	/* Switched off while it had not heard of the last one yet: it goes the quick way again. */
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA + 0x5000, 1), OLDGUARD_CALL_OK);
	leave();
	sim.cpu = 1;
	leave();
	enforce("umip", "");
	L1_VMRUN(L1_OTHER);
	leave();
	vmcb(L1_OTHER)->clean = SVM_CLEAN_ALL;
	sim.quick = 0;
	L1_VMRUN(L1_OTHER);
	ck_assert_uint_eq(sim.quick, 1);
	ck_assert(!refused(GPA));
	sim.cpu = 0;
}
END_TEST

/* Both seal before either has heard of the other. */
START_TEST(both_seal_at_once)
{
	u64 first;

	begin(ON);
	second_processor();
	L1_VMRUN(L1_OTHER);
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	sim.cpu = 1;
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_BAD);
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_OK);
	ck_assert_uint_eq(machine.guests.count, 1);
	sim.cpu = 0;
	ck_assert(refused(GPA + 0x1000));
	ck_assert_uint_eq(unseal(handle), OLDGUARD_CALL_OK);
	/* One unseals what the other has sealed just now. */
	begin(ON);
	second_processor();
	L1_VMRUN(L1_OTHER);
	sim.cpu = 0;
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	first = handle;
	sim.cpu = 1;
	ck_assert_uint_eq(unseal(first), OLDGUARD_CALL_OK);
	sim.cpu = 0;
	ck_assert(!refused(GPA));
}
END_TEST

/* Two have turned out to be one, while a processor of either runs: it hears of the other's seals. */
START_TEST(who_runs_hears_of_it)
{
	u64 root;

	begin(ON);
	root = other_root();
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	second_processor();
	vmcb(L1_OTHER)->nested_cr3 = root;
	L1_VMRUN(L1_OTHER);
	ck_assert_uint_eq(seal(GPA + 0x1000, 1), OLDGUARD_CALL_OK);
	ck_assert(!refused(GPA));
	leave();
	L1_VMRUN(L1_OTHER);
	ck_assert_uint_eq(machine.guests.count, 2);
	sim.cpu = 0;
	processor(0x100000, tables.cr3);
	vmcb(0x100000)->host_use[NESTED_TOKEN] = vmcb(L1_OTHER)->host_use[NESTED_TOKEN];
	run(0x100000);
	ck_assert_uint_eq(machine.guests.count, 1);
	sim.cpu = 1;
	leave();
	vmcb(L1_OTHER)->clean = SVM_CLEAN_ALL;
	L1_VMRUN(L1_OTHER);
	ck_assert_uint_eq(leaf(GPA), 0);
	ck_assert(refused(GPA));
	sim.cpu = 0;
}
END_TEST

START_TEST(a_reset_is_told_to_who_runs)
{
	begin(ON);
	ck_assert_uint_eq(seal(GPA, 1), OLDGUARD_CALL_OK);
	second_processor();
	L1_VMRUN(L1_OTHER);
	ck_assert(refused(GPA));
	sim.cpu = 0;
	leave();
	reset_state(L1_VMCB);
	L1_VMRUN(L1_VMCB);
	ck_assert(nested_runs());
	sim.cpu = 1;
	/* An exit that L1 would not hear of. */
	sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_USER | PF_WRITE, GPA);
	ck_assert(!nested_runs());
	ck_assert_uint_eq(vmcb(L1_OTHER)->exit_code, SVM_EXIT_SHUTDOWN);
	/* As long as SVME is set anywhere guests may come back. */
	nested_efer(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert_uint_eq(machine.guests.count, 1);
	sim.cpu = 0;
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_finds_the_leaf, ordinary_exits_stay_quick, a_single_step_ends_behind_it,
		processors_that_tell_no_length, not_without_the_option, not_where_its_addresses_are_not_seen,
		pages_are_sealed, remapping_does_not_end_it, large_pages_are_split, bad_ones_are_refused,
		other_calls_are_l1s, there_is_an_end, it_has_no_guests_itself, tokens_are_forged,
		all_its_processors_have_its_seals, many_tables, others_have_none_of_it,
		a_new_machine_has_no_seals, too_many_machines, two_that_meet_are_one, who_is_gone_is_nobody_else,
		a_reset_ends_them, a_reset_without_seals, nobody_survives_it, a_reset_cannot_be_feigned, the_option_ends_them,
		the_last_svme_ends_them, other_processors_follow, both_seal_at_once, who_runs_hears_of_it, a_reset_is_told_to_who_runs,
	};

	return sim_main("nested_seal", tests, ARRAY_SIZE(tests));
}
