// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stepping over an instruction, and finding out what it was: traps, shadows, wrapping, bytes that
 * cannot be had.
 */
#include "sim.h"

#include <string.h>

static void cpuid_with(u64 rip, u64 rflags)
{
	sim_at(rip);
	C->rflags = rflags;
	sim.gpr[RAX] = 0x80000000;
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	ck_assert_uint_eq(sim.gpr[RAX], sim_cpuid(0x80000000, 0)[CPUID_EAX]);
}

START_TEST(single_step)
{
	const u64 db = EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB);
	u32 model;

	for (model = SIM_EPYC; model <= SIM_TCG; model++) {
		sim_boot(model, "umip");
		C->dr6 = 0xffff0ff0;
		cpuid_with(SIM_CODE, RFLAGS_FIXED | RFLAGS_TF);
		ck_assert_uint_eq(C->event_inj, db);
		ck_assert_uint_eq(C->rip, SIM_CODE + 2);
		ck_assert_uint_eq(C->dr6, 0xffff0ff0 | DR6_BS);
		/* A trap: its frame has no RF, and TF as it was. */
		ck_assert_uint_eq(C->rflags, RFLAGS_FIXED | RFLAGS_TF);
		/* With BTF only branches trap. */
		*sim_msr(MSR_DEBUGCTL) = DEBUGCTL_BTF;
		C->dr6 = 0xffff0ff0;
		cpuid_with(SIM_CODE, RFLAGS_FIXED | RFLAGS_TF);
		ck_assert_uint_eq(C->event_inj, 0);
		ck_assert_uint_eq(C->rip, SIM_CODE + 2);
		ck_assert_uint_eq(C->dr6, 0xffff0ff0);
	}
}
END_TEST

START_TEST(a_fault_takes_no_step)
{
	sim_boot(SIM_EPYC, "umip");
	sim_cpl(3);
	sim_at(SIM_CODE);
	C->rflags |= RFLAGS_TF;
	EXEC(SVM_EXIT_IDTR_READ, "\x0f\x01\x0b");
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert(C->rflags & RFLAGS_TF);
	ck_assert(!(C->dr6 & DR6_BS));
}
END_TEST

START_TEST(resume_flag_ends)
{
	u32 model;

	for (model = SIM_EPYC; model <= SIM_TCG; model++) {
		sim_boot(model, "umip");
		cpuid_with(SIM_CODE, RFLAGS_FIXED | RFLAGS_RF | RFLAGS_IF);
		ck_assert_uint_eq(C->rflags, RFLAGS_FIXED | RFLAGS_IF);
		ck_assert_uint_eq(C->event_inj, 0);
		cpuid_with(SIM_CODE, RFLAGS_FIXED | RFLAGS_RF | RFLAGS_TF);
		ck_assert_uint_eq(C->rflags, RFLAGS_FIXED | RFLAGS_TF);
		ck_assert_uint_eq(C->event_inj, EVENT(SVM_EVENT_EXCEPTION, VECTOR_DB));
	}
}
END_TEST

START_TEST(interrupt_shadow_ends)
{
	u32 model, slow;

	for (model = SIM_EPYC; model <= SIM_TCG; model++) {
		sim_boot(model, "umip");
		for (slow = 0; slow < 2; slow++) {
			sim_at(SIM_CODE);
			C->interrupt_shadow = 1;
			if (slow) {
				sim.gpr[RBX] = SIM_DATA;
				EXEC(SVM_EXIT_IDTR_READ, "\x0f\x01\x0b");
			} else {
				sim.gpr[RAX] = 0;
				EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
			}
			sim_went_on(SIM_CODE + 2 + slow);
			ck_assert_uint_eq(C->interrupt_shadow, 0);
		}
		/* What is tried again is still in it. */
		sim_at(SIM_CODE);
		C->interrupt_shadow = 1;
		sim_exit(SVM_EXIT_NPF, PF_USER, 0x100000000 + SIM_PHYS_END);
		ck_assert_uint_eq(C->interrupt_shadow, 1);
	}
}
END_TEST

START_TEST(rip_wraps_as_the_segment_says)
{
	struct walk_state s;
	u32 round;

	/* Next RIPs that wrap, that do not, and none. */
	for (round = 0; round < 3; round++) {
		sim_boot(round == 2 ? SIM_TCG : SIM_EPYC, "umip");
		s = (struct walk_state){ .cr0 = C->cr0, .cr3 = C->cr3, .cr4 = C->cr4,
					 .efer = C->efer };
		/* 64 bits: none. */
		guestmem_map(&s, 0xfffff000, 0, SIM_CODE | PTE_P);
		guestmem_map(&s, 0x100000000, 0, (SIM_CODE + 0x1000) | PTE_P);
		memcpy(guestmem_page(SIM_CODE) + 0xffe, "\x0f\xa2", 2);
		C->next_rip = 0x100000000;
		sim_at(0xfffffffe);
		sim.gpr[RAX] = 0;
		sim_exit(SVM_EXIT_CPUID, 0, 0);
		sim_went_on(0x100000000);
		/* 32 */
		sim_mode(32);
		C->next_rip = round ? 0x100000000 : 0;
		sim_at(0xfffffffe);
		sim_exit(SVM_EXIT_CPUID, 0, 0);
		sim_went_on(0);
		/* 16, at the end of its 64 KiB */
		sim_mode(16);
		C->cs.base = SIM_CODE - 0xf000;
		sim_at(0xfffe);
		C->next_rip = round ? 0x10000 : 0;
		sim_exit(SVM_EXIT_CPUID, 0, 0);
		sim_went_on(0);
	}
}
END_TEST

/* --- bytes --- */

static enum verdict decoded(struct vmexit *e, struct insn *insn)
{
	struct guest_mem mem;

	*e = (struct vmexit){ 0 };
	return insn_decode(V, e, &mem, insn);
}

static void put(u64 at, const char *bytes, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		guestmem_page(at + i)[(at + i) % PAGE_BYTES] = bytes[i];
	C->rip = at;
}

START_TEST(what_cannot_be_decoded)
{
	struct insn insn;
	struct vmexit e;

	sim_boot(SIM_TCG, "umip");
	put(SIM_CODE, "\x0f\xa2", 2);
	ck_assert_int_eq(decoded(&e, &insn), VERDICT_DEFAULT);
	ck_assert_uint_eq(e.len, 2);
	ck_assert_uint_eq(insn.op, INSN_CPUID);
	/* #UD: LOCK with it */
	put(SIM_CODE, "\xf0\x0f\xa2", 3);
	ck_assert_int_eq(decoded(&e, &insn), VERDICT_INJECT);
	ck_assert_uint_eq(e.fault.vector, VECTOR_UD);
	ck_assert(!e.fault.has_error);
	/* Sixteen bytes: #GP */
	put(SIM_CODE, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x0f\xa2", 16);
	ck_assert_int_eq(decoded(&e, &insn), VERDICT_INJECT);
	ck_assert_uint_eq(e.fault.vector, VECTOR_GP);
	ck_assert(e.fault.has_error && !e.fault.error);
	/* It runs into a page that is not there: that fault, at that address. */
	put(SIM_CODE + 0x1fff, "\x0f", 1);
	ck_assert_int_eq(decoded(&e, &insn), VERDICT_INJECT);
	ck_assert_uint_eq(e.fault.vector, VECTOR_PF);
	ck_assert_uint_eq(e.fault.cr2, SIM_CODE + 0x2000);
	ck_assert_uint_eq(e.fault.error, PF_FETCH);
	/* One that ends before it is none of the fault's business. */
	put(SIM_CODE + 0x1ffe, "\x0f\xa2", 2);
	ck_assert_int_eq(decoded(&e, &insn), VERDICT_DEFAULT);
	/* Not canonical */
	C->rip = 0x0000800000000000;
	ck_assert_int_eq(decoded(&e, &insn), VERDICT_INJECT);
	ck_assert_uint_eq(e.fault.vector, VECTOR_GP);
	/* Beyond the segment */
	sim_mode(32);
	C->cs.limit = SIM_CODE + 1;
	put(SIM_CODE, "\x66\x0f\xa2", 3);
	ck_assert_int_eq(decoded(&e, &insn), VERDICT_INJECT);
	ck_assert_uint_eq(e.fault.vector, VECTOR_GP);
}
END_TEST

START_TEST(memory_that_is_not_there)
{
	struct walk_state s;
	struct insn insn;
	struct vmexit e;

	sim_boot(SIM_TCG, "umip");
	s = (struct walk_state){ .cr0 = C->cr0, .cr3 = C->cr3, .cr4 = C->cr4, .efer = C->efer };
	guestmem_map(&s, SIM_NOTHING, 0, 0x7000000 | PTE_P);
	C->rip = SIM_NOTHING;
	ck_assert_int_eq(decoded(&e, &insn), VERDICT_STOP);
	/* An instruction that goes on there */
	guestmem_map(&s, SIM_CODE + 0x2000, 0, 0x7000000 | PTE_P);
	put(SIM_CODE + 0x1fff, "\x0f", 1);
	ck_assert_int_eq(decoded(&e, &insn), VERDICT_STOP);
}
END_TEST

START_TEST(length_is_found_once)
{
	struct vmexit e = { .len = 7 };

	sim_boot(SIM_TCG, "umip");
	C->rip = SIM_NOTHING;
	ck_assert_int_eq(insn_length(V, &e), VERDICT_DEFAULT);
	ck_assert_uint_eq(e.len, 7);
	e.len = 0;
	ck_assert_int_eq(insn_length(V, &e), VERDICT_INJECT);
}
END_TEST

START_TEST(the_guest_state_that_counts)
{
	struct guest_mem mem;

	sim_boot(SIM_EPYC, "umip");
	C->rflags |= RFLAGS_AC;
	sim_cpl(3);
	insn_memory(V, &mem);
	ck_assert_uint_eq(mem.walk.cpl, 3);
	ck_assert_uint_eq(mem.walk.cr3, sim.cr3);
	ck_assert_uint_eq(mem.walk.maxphyaddr, 48);
	ck_assert(mem.walk.gbpages);
	ck_assert(mem.walk.rflags & RFLAGS_AC);
	ck_assert_uint_eq(mem.seg[GUEST_CS].attr, C->cs.attr);
	ck_assert_uint_eq(mem.seg[GUEST_SS].limit, C->ss.limit);
	sim_cpl(0);
	C->rflags |= RFLAGS_VM;
	insn_memory(V, &mem);
	ck_assert_uint_eq(mem.walk.cpl, 3);
}
END_TEST

/* FS and GS cost a VMSAVE: only an operand there is worth it. */
START_TEST(segments_of_operands_alone)
{
	struct guest_mem mem;
	struct vmexit e = { 0 };
	struct insn insn;

	sim_boot(SIM_EPYC, "umip");
	sim_at(SIM_CODE);
	sim.vmsaves = 0;
	put(SIM_CODE, "\x0f\x20\xe0", 3); /* mov cr4, rax */
	ck_assert_int_eq(insn_decode(V, &e, &mem, &insn), VERDICT_DEFAULT);
	put(SIM_CODE, "\x0f\x01\x0b", 3); /* sidt [rbx] */
	ck_assert_int_eq(insn_decode(V, &e, &mem, &insn), VERDICT_DEFAULT);
	ck_assert_uint_eq(sim.vmsaves, 0);
	ck_assert_uint_eq(mem.seg[GUEST_DS].attr, C->ds.attr);
	put(SIM_CODE, "\x64\x0f\x01\x0b", 4); /* sidt fs:[rbx] */
	ck_assert_int_eq(insn_decode(V, &e, &mem, &insn), VERDICT_DEFAULT);
	ck_assert_uint_eq(sim.vmsaves, 1);
	ck_assert_uint_eq(mem.seg[GUEST_FS].base, 0x7f0000001000);
	put(SIM_CODE, "\x65\xa4", 2); /* movs [rdi], gs:[rsi] */
	ck_assert_int_eq(insn_decode(V, &e, &mem, &insn), VERDICT_DEFAULT);
	ck_assert_uint_eq(sim.vmsaves, 2);
	ck_assert_uint_eq(mem.seg[GUEST_GS].base, 0xffff888000100000);
}
END_TEST

/* 66 before a near branch of 64-bit code: makers do not agree. */
START_TEST(branches_as_the_maker_has_them)
{
	static const struct {
		enum sim_model model;
		u32 maker;
		u8 length;
	} rounds[] = {
		{ SIM_EPYC, 0x68747541, 4 }, /* AuthenticAMD: call rel16 */
		{ SIM_EPYC, 0x6f677948, 4 }, /* HygonGenuine */
		{ SIM_INTEL, 0x756e6547, 6 }, /* GenuineIntel: call rel32 */
	};
	struct insn insn;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rounds); i++) {
		sim_new(rounds[i].model);
		sim_cpuid(0, 0)[CPUID_EBX] = rounds[i].maker;
		sim_take("umip");
		ck_assert_int_eq(decode(V->decoder, DECODE_64,
					(const u8 *)"\x66\xe8\0\0\0\0", 6, &insn), 0);
		ck_assert_uint_eq(insn.length, rounds[i].length);
	}
}
END_TEST

/* The short walk answers "no" where the whole one must be made. */
START_TEST(two_bytes_the_quick_way)
{
	struct walk_state s;
	u64 cr3;

	sim_boot(SIM_TCG, "umip");
	cr3 = C->cr3;
	s = (struct walk_state){ .cr0 = C->cr0, .cr3 = cr3, .cr4 = C->cr4, .efer = C->efer };
	put(SIM_CODE + 0xff8, "\x0f\xa2\xf4", 3);
	ck_assert(insn_starts(cr3, SIM_CODE + 0xff8, 0xa20f));
	ck_assert(insn_starts(cr3 | 0x18, SIM_CODE + 0xff8, 0xa20f));
	ck_assert(!insn_starts(cr3, SIM_CODE + 0xff8, 0xa20e));
	ck_assert(!insn_starts(cr3, SIM_CODE + 0xff9, 0xf4a2));
	put(SIM_CODE, "\x0f\xa2", 2);
	ck_assert(insn_starts(cr3, SIM_CODE, 0xa20f));
	ck_assert(!insn_starts(cr3, SIM_NOTHING, 0xa20f));
	ck_assert(!insn_starts(cr3, SIM_NOTHING, 0));
	/* PAT's bit of the last level is none that makes a page large. */
	guestmem_map(&s, SIM_NOTHING, 0, SIM_CODE | PTE_P | PTE_PS | PTE_NX);
	ck_assert(insn_starts(cr3, SIM_NOTHING, 0xa20f));
	guestmem_map(&s, SIM_NOTHING, 0, SIM_CODE);
	ck_assert(!insn_starts(cr3, SIM_NOTHING, 0xa20f));
	guestmem_map(&s, 0x40000000, 1, PTE_P | PTE_PS);
	ck_assert(!insn_starts(cr3, 0x40000000 + SIM_CODE, 0xa20f));
	ck_assert(!insn_starts(0x7000000, SIM_CODE, 0xa20f));
}
END_TEST

/* Five levels of tables are not for the short walk. */
START_TEST(five_levels)
{
	struct walk_state s;
	struct insn insn;
	struct vmexit e;

	sim_boot(SIM_TCG, "umip");
	machine.cr4_supported |= CR4_LA57;
	C->cr4 |= CR4_LA57;
	s = (struct walk_state){ .cr0 = C->cr0, .cr3 = C->cr3, .cr4 = C->cr4, .efer = C->efer };
	machine.root_cr4 |= CR4_LA57;
	machine.no_plain_cpuid = true;
	cpuid_prepare(V);
	/* Seen as four levels, these tables show another page, with another instruction in it. */
	guestmem_map(&s, 0x7000, 0, SIM_CODE | PTE_P);
	memcpy(guestmem_page(SIM_CODE), "\x66\x0f\xa2", 3);
	sim_at(0x7000);
	ck_assert_int_eq(decoded(&e, &insn), VERDICT_DEFAULT);
	sim.gpr[RAX] = 0xd;
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	sim_went_on(0x7003);
	sim.gpr[RAX] = 1;
	sim_at(0x7000);
	sim_exit(SVM_EXIT_CPUID, 0, 0);
	sim_went_on(0x7003);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		single_step, a_fault_takes_no_step, resume_flag_ends, interrupt_shadow_ends,
		rip_wraps_as_the_segment_says, what_cannot_be_decoded, memory_that_is_not_there,
		length_is_found_once, the_guest_state_that_counts, segments_of_operands_alone,
		branches_as_the_maker_has_them, two_bytes_the_quick_way, five_levels,
	};

	return sim_main("insn", tests, ARRAY_SIZE(tests));
}
