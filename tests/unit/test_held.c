// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ring 0 could undo the root side with on AMD's processors: MSRs, instructions, calls, stores
 * into the block that oldguard finishes. Refused, counted, reported; the rest is let through.
 */
#include "sim.h"

#include <string.h>

#include "../../guest-glue/held.h"

#define MSR_PATCH_LOADER 0xc0010020

static const struct event_ring *ring(void)
{
	return machine_ring(0, NULL);
}

static const struct event *last(void)
{
	return &ring()->events[(ring()->head - 1) % EVENT_RING];
}

static void boot(const char *features)
{
	sim_boot(SIM_EPYC, features);
	machine.linux_side.tsc_hz = 1000000000;
}

static bool write_exits(u32 msr)
{
	C->exit_info1 = 1;
	sim.gpr[RCX] = msr;
	return sim_exits(SVM_EXIT_MSR);
}

/* The refusal is a fault and reported; after a second the next one can be, too. */
static void check_refused(u8 vector, u8 kind)
{
	ck_assert_uint_eq(ring()->head, V->refused);
	ck_assert_uint_eq((u8)C->event_inj, vector);
	ck_assert_uint_eq(C->rip, SIM_CODE);
	ck_assert_uint_eq(last()->kind, kind);
	ck_assert_uint_eq(last()->feature, EVENT_CORE);
	ck_assert_uint_eq(last()->action, ACTION_DENY);
	ck_assert_str_eq(event_feature(last()), "isolation");
	sim.tsc += 1000000000;
}

START_TEST(every_msr_of_the_table)
{
	const struct held_msr *h;
	u64 over = SIM_PIECE_PA(0) + PIECE_BYTES - PAGE_BYTES;
	u64 count = 0;
	u32 msr;

	boot("umip");
	for (h = svm_held; h < svm_held + SVM_HELD; h++) {
		for (msr = h->first; msr <= h->last; msr++) {
			u64 was = h->how == HELD_PLACE ? 0 : 0x123000000;

			ck_assert_msg(write_exits(msr), "%x", msr);
			C->exit_info1 = 0;
			ck_assert(!sim_exits(SVM_EXIT_MSR));
			sim_add_msr(msr, was);
			sim_wrmsr(msr, h->how == HELD_PLACE ? over | 0x21 : was ^ (h->bits & -h->bits));
			check_refused(VECTOR_GP, VMEXIT_MSR_WRITE);
			ck_assert_uint_eq(V->refused, ++count);
			ck_assert_uint_eq(last()->sel, msr);
			ck_assert_uint_eq(*sim_msr(msr), was);
			/* What does no harm: elsewhere, or other bits, or nothing. */
			sim_wrmsr(msr, h->how == HELD_PLACE ? 0x10000021 : was ^ (~h->bits & -~h->bits));
			sim_went_on(SIM_CODE + 2);
			ck_assert_uint_eq(*sim_msr(msr), h->how == HELD_PLACE ?
				0x10000021 : was ^ (~h->bits & -~h->bits));
		}
	}
	ck_assert_uint_eq(V->refused, count);
	ck_assert_uint_eq(count, 1 + 1 + 1 + 4 + 1 + 1 + 3 + 1);
	/* One that cannot be read cannot be compared. */
	boot("umip");
	sim_wrmsr(0xc0010116, 0);
	check_refused(VECTOR_GP, VMEXIT_MSR_WRITE);
}
END_TEST

START_TEST(microcode_is_the_processors_own_business)
{
	boot("umip,msr_lock");
	ck_assert(!write_exits(MSR_PATCH_LOADER));
}
END_TEST

START_TEST(the_extension_itself)
{
	/* VMRUN, VMLOAD, VMSAVE, STGI, CLGI, SKINIT; INVLPGA. */
	static const u8 last_byte[] = { 0xd8, 0xda, 0xdb, 0xdc, 0xdd, 0xde };
	char bytes[3] = "\x0f\x01";
	u32 i;

	boot("umip");
	for (i = 0; i < ARRAY_SIZE(last_byte); i++) {
		bytes[2] = last_byte[i];
		sim_at(SIM_CODE);
		/* A forged address: the block's. */
		sim.gpr[RAX] = SIM_PIECE_PA(0);
		sim_exec(i ? SVM_EXIT_VMRUN + i + 1 : SVM_EXIT_VMRUN, bytes, 3);
		check_refused(VECTOR_UD, VMEXIT_VIRT_INSN);
		ck_assert_uint_eq(V->refused, i + 1);
	}
	sim_at(SIM_CODE);
	EXEC(SVM_EXIT_INVLPGA, "\x0f\x01\xdf");
	check_refused(VECTOR_UD, VMEXIT_VIRT_INSN);
	sim_wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
	check_refused(VECTOR_GP, VMEXIT_MSR_WRITE);
	sim_wrmsr(MSR_VM_HSAVE_PA, 0x1000);
	check_refused(VECTOR_GP, VMEXIT_MSR_WRITE);
	ck_assert_uint_eq(V->refused, ARRAY_SIZE(last_byte) + 3);
	/* A mistake is none of it: no such bit. */
	sim_wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | BIT64(20));
	ck_assert_uint_eq(V->refused, ARRAY_SIZE(last_byte) + 3);
}
END_TEST

START_TEST(a_flood_is_counted)
{
	u32 i;

	boot("umip");
	for (i = 0; i < 1000; i++) {
		sim_at(SIM_CODE);
		sim_exit(SVM_EXIT_NPF, BIT64(32) | PF_WRITE | PF_PRESENT | PF_USER,
			 SIM_PIECE_PA(0) + i % 512 * PAGE_BYTES);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
	}
	ck_assert_uint_eq(V->refused, 1000);
	ck_assert_uint_eq(ring()->head, EVENT_RATE_USUAL);
	ck_assert_uint_eq(ring()->suppressed, 1000 - EVENT_RATE_USUAL);
	ck_assert_uint_eq(sim.said, 0);
}
END_TEST

/* SIDT, where oldguard stores in the guest's place. */
START_TEST(a_store_that_oldguard_finishes)
{
	struct walk_state s;

	boot("umip");
	sim_at(SIM_CODE);
	sim.gpr[RDI] = SIM_NOTHING;
	s = guestmem_state(PAGING_4);
	s.cr3 = C->cr3;
	guestmem_map(&s, SIM_NOTHING, 0, (SIM_PIECE_PA(0) + 0x5000) | PTE_P | PTE_W | PTE_A | PTE_D);
	EXEC(SVM_EXIT_IDTR_READ, "\x0f\x01\x0f");
	check_refused(VECTOR_GP, VMEXIT_MEMORY);
	ck_assert_uint_eq(V->refused, 1);
	ck_assert_uint_eq(last()->addr, SIM_PIECE_PA(0) + 0x5000);
	ck_assert(!machine.stopped);
}
END_TEST

static void call(u64 number, u64 a, u64 b)
{
	sim_at(SIM_CODE);
	sim.gpr[RAX] = HYPERCALL_MAGIC ^ number;
	sim.gpr[RDI] = a;
	sim.gpr[RSI] = b;
	EXEC(SVM_EXIT_VMMCALL, "\x0f\x01\xd9");
}

START_TEST(calls_and_resets)
{
	boot("umip");
	/* As Linux's side makes them. */
	call(HYPERCALL_COUNTS, 0, SIM_REQUEST);
	ck_assert_uint_eq(sim.gpr[RAX], HYPERCALL_OK);
	ck_assert_uint_eq(V->refused, 0);
	call(HYPERCALL_COUNTS, 0, SIM_NOTHING);
	ck_assert_uint_eq(V->refused, 1);
	ck_assert_uint_eq(last()->kind, VMEXIT_HYPERCALL);
	call(HYPERCALL_LOCK, 0, 0);
	call(HYPERCALL_LEAVE, 0, 0);
	ck_assert_uint_eq(sim.gpr[RAX], HYPERCALL_REFUSED);
	ck_assert(sim.held);
	ck_assert_uint_eq(V->refused, 2);
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_INIT, 0, 0);
	ck_assert_uint_eq(V->refused, 3);
	ck_assert_uint_eq(last()->kind, VMEXIT_INIT);
	ck_assert_uint_eq(ring()->head, 3);
	/* The counts have it. */
	call(HYPERCALL_COUNTS, 0, SIM_REQUEST);
	ck_assert_uint_eq(((struct vcpu_counts *)guestmem_page(SIM_REQUEST))->refused, 3);
}
END_TEST

START_TEST(words)
{
	struct event event = { .feature = EVENT_CORE, .kind = VMEXIT_MEMORY, .addr = 0x40001234 };
	TEXT(asset, 80);

	ck_assert_str_eq(event_kind(&event), "hidden_write");
	event_asset(&event, &asset);
	ck_assert_str_eq(asset.at, "hidden mem:0x40001234");
	event.feature = 0;
	ck_assert_str_eq(event_kind(&event), "memory");
	ck_assert_str_eq(event_feature(&event), feature_get(0)->name);
	event.feature = EVENT_KVM + 1;
	ck_assert_ptr_null(event_feature(&event));
	event.kind = VMEXIT_KINDS;
	ck_assert_str_eq(event_kind(&event), "unknown");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_msr_of_the_table,
		microcode_is_the_processors_own_business,
		the_extension_itself,
		a_flood_is_counted,
		a_store_that_oldguard_finishes,
		calls_and_resets,
		words,
	};

	return sim_main("held", tests, ARRAY_SIZE(tests));
}
