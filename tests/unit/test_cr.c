// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control registers: CR4 bits that only a feature makes exist, and the moves that exit.
 */
#include "sim.h"

#include <string.h>

#define MOV_CR4_RDX "\x0f\x22\xe2"
#define MOV_RDX_CR4 "\x0f\x20\xe2"

/* The guest's MOV to CR4 as hardware executes it: #GP for an unknown bit before the intercept. */
static void hardware_write(u64 value)
{
	u32 i;

	sim_at(SIM_CODE);
	sim.gpr[RDX] = value;
	for (i = 0; i < 3; i++)
		guestmem_page(SIM_CODE)[i] = MOV_CR4_RDX[i];
	if (value & ~machine.cr4_supported && sim_exits(SVM_EXIT_EXCEPTION(VECTOR_GP)))
		sim_exit(SVM_EXIT_EXCEPTION(VECTOR_GP), 0, 0);
	else if (sim_exits(SVM_EXIT_CR_WRITE(4)))
		EXEC(SVM_EXIT_CR_WRITE(4), MOV_CR4_RDX);
	else
		ck_abort_msg("nothing exits");
}

/* As an emulator does: the intercept comes first. */
static void emulator_write(u64 value)
{
	sim_at(SIM_CODE);
	sim.gpr[RDX] = value;
	if (!sim_exits(SVM_EXIT_CR_WRITE(4)))
		C->intercept_cr_write |= 1u << 4;
	EXEC(SVM_EXIT_CR_WRITE(4), MOV_CR4_RDX);
}

static u64 seen(void)
{
	if (!sim_exits(SVM_EXIT_CR_READ(4)))
		return C->cr4;
	sim_at(SIM_CODE);
	EXEC(SVM_EXIT_CR_READ(4), MOV_RDX_CR4);
	sim_went_on(SIM_CODE + 3);
	return sim.gpr[RDX];
}

static void check_virtual_bit(void (*write)(u64), enum sim_model model)
{
	u64 base;

	sim_boot(model, "umip");
	base = C->cr4;
	ck_assert_uint_eq(C->intercept_cr_write >> 4 & 1, 0);
	write(base | CR4_UMIP);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(C->cr4, base);
	ck_assert_uint_eq(V->cr4, CR4_UMIP);
	ck_assert_uint_eq(seen(), base | CR4_UMIP);
	ck_assert(sim_exits(SVM_EXIT_CR_WRITE(4)));
	/* Another bit beside it; then without it, and the intercepts go. */
	write((base | CR4_DE) | CR4_UMIP);
	ck_assert_uint_eq(C->cr4, base | CR4_DE);
	ck_assert_uint_eq(seen(), base | CR4_DE | CR4_UMIP);
	write(base);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(seen(), base);
	ck_assert_uint_eq(V->cr4, 0);
	ck_assert(!sim_exits(SVM_EXIT_CR_WRITE(4)));
	ck_assert(!sim_exits(SVM_EXIT_CR_READ(4)));
}

START_TEST(virtual_bit_in_either_order)
{
	u32 model;

	for (model = SIM_EPYC; model <= SIM_PHENOM; model++) {
		check_virtual_bit(hardware_write, model);
		check_virtual_bit(emulator_write, model);
	}
}
END_TEST

START_TEST(without_the_feature_it_is_gp)
{
	sim_boot(SIM_EPYC, "none");
	/* Hardware raises it by itself: no exit. */
	ck_assert(!sim_exits(SVM_EXIT_EXCEPTION(VECTOR_GP)));
	emulator_write(C->cr4 | CR4_UMIP);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(V->cr4, 0);
}
END_TEST

START_TEST(other_gps_stay_gps)
{
	static const char *const other[] = { "\x0f\x22\xda", "\x0f\x32\x90", "\x0f\x20\xe2" };
	u64 base;
	u32 i;

	sim_boot(SIM_TCG, "umip");
	base = C->cr4;
	/* A program cannot write CR4. */
	sim_cpl(3);
	hardware_write(base | CR4_UMIP);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(V->cr4, 0);
	sim_cpl(0);
	/* A bit that does not exist beside it, or alone. */
	hardware_write(base | CR4_UMIP | BIT64(30));
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	hardware_write(base | BIT64(30));
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	ck_assert_uint_eq(V->cr4, 0);
	/* Other instructions. */
	for (i = 0; i < ARRAY_SIZE(other); i++) {
		sim_at(SIM_CODE);
		memcpy(guestmem_page(SIM_CODE), other[i], 3);
		sim.gpr[RDX] = CR4_UMIP;
		sim_exit(SVM_EXIT_EXCEPTION(VECTOR_GP), 0, 0);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
	}
	/* With an error code it was no MOV to CR4. */
	sim_at(SIM_CODE);
	memcpy(guestmem_page(SIM_CODE), MOV_CR4_RDX, 3);
	sim.gpr[RDX] = base | CR4_UMIP;
	sim_exit(SVM_EXIT_EXCEPTION(VECTOR_GP), 0x18, 0);
	sim_fault(SIM_CODE, VECTOR_GP, 0x18);
	/* Code that is gone by now. */
	sim_at(SIM_NOTHING);
	sim_exit(SVM_EXIT_EXCEPTION(VECTOR_GP), 0, 0);
	sim_fault(SIM_NOTHING, VECTOR_GP, 0);
}
END_TEST

START_TEST(flushes_as_the_mov_would)
{
	u64 base;
	u32 i;
	const u64 flushing[] = { CR4_PGE, CR4_PSE, CR4_SMEP };
	u32 model;

	for (model = SIM_EPYC; model <= SIM_TCG; model++) {
		sim_boot(model, "umip");
		base = C->cr4;
		emulator_write(base | CR4_UMIP);
		sim.flushes = 0;
		/* The code lies on a user page: with SMEP it could not be fetched to be decoded. */
		for (i = 0; i < ARRAY_SIZE(flushing) - (model == SIM_TCG); i++) {
			emulator_write(base ^ flushing[i]);
			ck_assert_uint_eq(C->tlb_control,
					  model == SIM_EPYC ? SVM_FLUSH_ASID : SVM_FLUSH_ALL);
			ck_assert_uint_eq(sim.flushes, 2 * i + 1);
			emulator_write(base);
			ck_assert_uint_eq(sim.flushes, 2 * i + 2);
		}
		sim.flushes = 0;
		emulator_write(base | CR4_DE | CR4_UMIP);
		ck_assert_uint_eq(sim.flushes, 0);
		/* Once only. */
		emulator_write((base ^ CR4_PGE) | CR4_UMIP);
		(void)seen();
		ck_assert_uint_eq(sim.flushes, 1);
	}
}
END_TEST

START_TEST(cr4_values_that_hardware_refuses)
{
	u64 base;

	sim_boot(SIM_EPYC, "umip");
	machine.cr4_supported |= CR4_PCIDE | CR4_LA57 | CR4_CET;
	base = C->cr4;
	emulator_write((base & ~CR4_PAE) | CR4_UMIP);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	emulator_write(base | CR4_LA57 | CR4_UMIP);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	emulator_write(base | CR4_VMXE);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	emulator_write(base | BIT64(40));
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	C->cr3 |= 8;
	emulator_write(base | CR4_PCIDE);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	C->cr3 &= ~8ULL;
	emulator_write(base | CR4_PCIDE);
	sim_went_on(SIM_CODE + 3);
	/* Only setting it is bound to CR3. */
	C->cr3 |= 8;
	emulator_write(base | CR4_PCIDE | CR4_DE);
	sim_went_on(SIM_CODE + 3);
	C->cr3 &= ~8ULL;
	C->cr0 &= ~CR0_WP;
	emulator_write(base | CR4_CET);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	C->cr0 |= CR0_WP;
	emulator_write(base | CR4_CET);
	sim_went_on(SIM_CODE + 3);
	/* Compatibility mode: 32 bits of the register. */
	sim_mode(32);
	C->efer &= ~EFER_LMA;
	emulator_write(BIT64(40) | CR4_PAE);
	ck_assert_uint_eq(C->event_inj, 0);
	ck_assert_uint_eq(C->cr4, CR4_PAE);
}
END_TEST

/* --- moves that a feature might trap --- */

static void write_to(u32 cr, u64 value)
{
	char bytes[] = "\x0f\x22\xc2";

	sim_at(SIM_CODE);
	sim.gpr[RDX] = value;
	bytes[2] |= cr << 3;
	C->intercept_cr_write |= 1u << cr;
	sim_exec(SVM_EXIT_CR_WRITE(cr), bytes, 3);
}

static u64 read_from(u32 cr)
{
	char bytes[] = "\x41\x0f\x20\xc2"; /* to R10 */

	sim_at(SIM_CODE);
	bytes[3] |= cr << 3;
	C->intercept_cr_read |= 1u << cr;
	sim_exec(SVM_EXIT_CR_READ(cr), bytes, 4);
	sim_went_on(SIM_CODE + 4);
	return sim.gpr[R10];
}

START_TEST(cr0_writes)
{
	u64 now = 0x80050033;
	u32 model;

	for (model = SIM_EPYC; model <= SIM_TCG; model++) {
		sim_boot(model, "umip");
		write_to(0, now | CR0_TS);
		sim_went_on(SIM_CODE + 3);
		ck_assert_uint_eq(C->cr0, now | CR0_TS);
		/* Bits that do not exist are ignored, ET is always set. */
		write_to(0, (now & ~CR0_ET) | BIT64(9));
		sim_went_on(SIM_CODE + 3);
		ck_assert_uint_eq(C->cr0, now);
		write_to(0, now | BIT64(32));
		sim_fault(SIM_CODE, VECTOR_GP, 0);
		write_to(0, now & ~CR0_PE);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
		write_to(0, now | CR0_NW);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
		write_to(0, now | CR0_NW | CR0_CD);
		sim_went_on(SIM_CODE + 3);
		write_to(0, now & ~CR0_PG);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
		sim_mode(32);
		write_to(0, now & ~CR0_PG);
		ck_assert_uint_eq(machine.stopped, 1);
		machine.stopped = 0;
		machine.cr4_supported |= CR4_PCIDE | CR4_CET;
		C->cr4 |= CR4_PCIDE;
		write_to(0, now & ~CR0_PG);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
		C->cr4 ^= CR4_PCIDE | CR4_CET;
		write_to(0, now & ~CR0_WP);
		sim_fault(SIM_CODE, VECTOR_GP, 0);
		ck_assert_uint_eq(machine.stopped, 0);
	}
}
END_TEST

START_TEST(cr3_writes)
{
	sim_boot(SIM_EPYC, "umip");
	write_to(3, 0x123000);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(C->cr3, 0x123000);
	write_to(3, BIT64(48));
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	write_to(3, CR3_PCID_NOFLUSH | 0x124000);
	sim_fault(SIM_CODE, VECTOR_GP, 0);
	machine.cr4_supported |= CR4_PCIDE;
	C->cr4 |= CR4_PCIDE;
	write_to(3, CR3_PCID_NOFLUSH | 0x124001);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(C->cr3, 0x124001);
}
END_TEST

START_TEST(reads)
{
	sim_boot(SIM_EPYC, "umip");
	ck_assert_uint_eq(read_from(0), C->cr0);
	ck_assert_uint_eq(read_from(3), sim.cr3);
	ck_assert_uint_eq(read_from(4), sim.cr4);
	/* Those that no feature can trap have no answer. */
	sim_at(SIM_CODE);
	C->intercept_cr_read |= 1u << 2;
	EXEC(SVM_EXIT_CR_READ(2), "\x0f\x20\xd2");
	ck_assert_uint_eq(machine.stopped, 1);
	machine.stopped = 0;
	sim_at(SIM_CODE);
	C->intercept_cr_write |= 1u << 8;
	EXEC(SVM_EXIT_CR_WRITE(8), "\x44\x0f\x22\xc2");
	ck_assert_uint_eq(machine.stopped, 1);
	/* 32 bits outside long mode */
	sim_vm86();
	C->rflags &= ~RFLAGS_VM;
	C->cpl = 0;
	C->cr3 = 0x1122334455667000;
	sim_at(0);
	sim.gpr[RBX] = ~0ULL;
	EXEC(SVM_EXIT_CR_READ(3), "\x0f\x20\xdb");
	ck_assert_uint_eq(C->event_inj, 0);
	ck_assert_uint_eq(sim.gpr[RBX], 0x55667000);
}
END_TEST

/* CLTS and LMSW come as writes of CR0; without their value nobody can carry them out. */
START_TEST(moves_that_are_none)
{
	sim_boot(SIM_TCG, "umip");
	sim_at(SIM_CODE);
	C->intercept_cr_write |= 1;
	EXEC(SVM_EXIT_CR_WRITE(0), "\x0f\x0b");
	ck_assert_uint_eq(C->rip, SIM_CODE);
	sim_at(SIM_NOTHING);
	sim_exit(SVM_EXIT_CR_WRITE(0), 0, 0);
	sim_fault(SIM_NOTHING, VECTOR_PF, PF_FETCH);
	sim_at(SIM_NOTHING);
	C->intercept_cr_read |= 1u << 4;
	sim_exit(SVM_EXIT_CR_READ(4), 0, 0);
	sim_fault(SIM_NOTHING, VECTOR_PF, PF_FETCH);
}
END_TEST

/* Another processor writes over the code: what stands there now is none of this exit's. */
START_TEST(moves_that_are_others)
{
	static const struct {
		u32 code;
		const char *bytes;
	} others[] = {
		{ SVM_EXIT_CR_READ(0), "\x0f\x06\x90" }, /* clts */
		{ SVM_EXIT_CR_READ(0), "\x0f\x01\xf0" }, /* lmsw ax */
		{ SVM_EXIT_CR_READ(0), "\x0f\x22\xc0" }, /* mov rax, cr0 */
		{ SVM_EXIT_CR_READ(4), "\x0f\x20\xd8" }, /* mov cr3, rax */
		{ SVM_EXIT_CR_WRITE(0), "\x0f\x20\xc0" },
		{ SVM_EXIT_CR_WRITE(4), "\x0f\x22\xc0" },
		{ SVM_EXIT_CR_WRITE(4), "\x0f\x06\x90" },
	};
	u64 cr0, cr4;
	u32 i;

	sim_boot(SIM_TCG, "umip");
	C->intercept_cr_read = C->intercept_cr_write = 0x11;
	cr0 = C->cr0;
	cr4 = C->cr4;
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		sim_at(SIM_CODE);
		sim.gpr[RAX] = 0x1234;
		sim_exec(others[i].code, others[i].bytes, 3);
		sim_went_on(SIM_CODE);
		ck_assert_uint_eq(sim.gpr[RAX], 0x1234);
		ck_assert_uint_eq(C->cr0, cr0);
		ck_assert_uint_eq(C->cr4, cr4);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		virtual_bit_in_either_order, without_the_feature_it_is_gp, other_gps_stay_gps,
		flushes_as_the_mov_would, cr4_values_that_hardware_refuses, cr0_writes, cr3_writes,
		reads, moves_that_are_none, moves_that_are_others,
	};

	return sim_main("cr", tests, ARRAY_SIZE(tests));
}
