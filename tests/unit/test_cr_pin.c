// SPDX-License-Identifier: GPL-2.0-only
/*
 * cr_pin: bits of CR0 and CR4 that stay, however a guest comes to write them.
 */
#include "stage.h"

#define NOW 0x80050033ULL
#define AM BIT64(18)

/* The processor with these features and rules. */
static void with(enum sim_model model, const char *list, const char *policy)
{
	sim_boot(model, "umip");
	enforce(list, policy);
}

static void denied(void)
{
	sim_fault(SIM_CODE, VECTOR_GP, 0);
}

/* Whichever exit writes of CR0 make here. */
static u64 cr0_exit(void)
{
	return C->intercept3 & SVM_ICPT_CR0_SEL_WRITE ? SVM_EXIT_CR0_SEL_WRITE
						      : SVM_EXIT_CR_WRITE(0);
}

static void mov_cr(u32 cr, u64 value)
{
	char bytes[] = "\x0f\x22\xc2";

	sim_at(SIM_CODE);
	sim.gpr[RDX] = value;
	bytes[2] |= cr << 3;
	sim_exec(cr ? SVM_EXIT_CR_WRITE(cr) : cr0_exit(), bytes, 3);
}

START_TEST(pinned_bits_stay)
{
	u32 model;

	for (model = SIM_EPYC; model <= SIM_PHENOM; model++) {
		with(model, "cr_pin", "");
		/* Neither TS nor MP matters: what a kernel does all day costs nothing. */
		ck_assert(C->intercept3 & SVM_ICPT_CR0_SEL_WRITE);
		ck_assert_uint_eq(C->intercept_cr_write & 1, 0);
		mov_cr(0, NOW & ~CR0_WP);
		denied();
		ck_assert_uint_eq(C->cr0, NOW);
		/* Nothing of a write that asks for more than that. */
		mov_cr(0, NOW & ~(CR0_WP | AM));
		denied();
		ck_assert_uint_eq(C->cr0, NOW);
		mov_cr(0, (NOW & ~CR0_WP) | CR0_TS);
		denied();
		ck_assert_uint_eq(C->cr0, NOW);
		mov_cr(0, NOW & ~AM);
		sim_went_on(SIM_CODE + 3);
		ck_assert_uint_eq(C->cr0, NOW & ~AM);
		/* What hardware refuses by itself is no matter of the rule's. */
		mov_cr(0, NOW | BIT64(32));
		denied();
	}
}
END_TEST

START_TEST(cr4_pins_follow_what_is_set)
{
	u64 base;

	sim_boot(SIM_EPYC, "umip");
	base = C->cr4;
	enforce("umip,cr_pin", "");
	/* Not set when it came into force: set and taken back, as a kernel's own pinning does. */
	mov_cr(4, base | CR4_SMEP);
	sim_went_on(SIM_CODE + 3);
	mov_cr(4, base);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(C->cr4, base);
	/* The virtual bit as well. */
	mov_cr(4, base | CR4_UMIP);
	ck_assert_uint_eq(V->cr4, CR4_UMIP);
	mov_cr(4, base);
	ck_assert_uint_eq(V->cr4, 0);
	mov_cr(4, base | CR4_UMIP | CR4_SMEP);
	call(HYPERCALL_APPLY);
	ck_assert_uint_eq(V->pinned[4], base | CR4_UMIP | CR4_SMEP);
	mov_cr(4, base | CR4_SMEP);
	denied();
	mov_cr(4, base | CR4_UMIP);
	denied();
	mov_cr(4, (base ^ CR4_DE) | CR4_SMEP);
	denied();
	mov_cr(4, (base ^ CR4_DE) | CR4_UMIP | CR4_SMEP);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(C->cr4, (base ^ CR4_DE) | CR4_SMEP);
	ck_assert_uint_eq(V->cr4, CR4_UMIP);
	/* Chosen bits only. */
	enforce("umip,cr_pin:pin=wp", "");
	ck_assert_uint_eq(V->plan->traps.cr_change[4], 0);
	ck_assert_uint_eq(V->plan->traps.cr_change[0], CR0_WP);
}
END_TEST

START_TEST(actions_of_cr_rules)
{
	with(SIM_TCG, "none", "cr0.wp pinned ignore");
	mov_cr(0, NOW & ~(CR0_WP | AM));
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(C->cr0, NOW);
	enforce("none", "cr0.wp pinned log");
	mov_cr(0, NOW & ~CR0_WP);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(C->cr0, NOW & ~CR0_WP);
	C->cr0 = NOW;
	/* The first rule about a bit counts for that bit, whatever comes later. */
	enforce("cr_pin", "cr0.wp pinned allow");
	mov_cr(0, NOW & ~CR0_WP);
	sim_went_on(SIM_CODE + 3);
	C->cr0 = NOW;
	/* Of two that are broken the stricter one, in either order. */
	enforce("none", "cr0.wp pinned ignore; cr0.am pinned deny");
	mov_cr(0, NOW & ~(CR0_WP | AM));
	denied();
	enforce("none", "cr0.am pinned deny; cr0.wp pinned ignore");
	mov_cr(0, NOW & ~(CR0_WP | AM));
	denied();
	mov_cr(0, NOW & ~CR0_WP);
	sim_went_on(SIM_CODE + 3);
	ck_assert_uint_eq(C->cr0, NOW);
	/* Read-only in both directions. */
	enforce("none", "cr0.cd ro deny");
	mov_cr(0, NOW | BIT64(30));
	denied();
}
END_TEST

#define LMSW_DX "\x0f\x01\xf2"
#define LMSW_MEM "\x0f\x01\x33" /* (%rbx) */
#define CLTS "\x0f\x06"

START_TEST(lmsw_and_clts)
{
	u32 model;

	for (model = SIM_EPYC; model <= SIM_TCG; model++) {
		with(model, "cr_pin", "");
		/* LMSW does not reach WP; without PE in its operand PE stays. */
		sim_at(SIM_CODE);
		sim.gpr[RDX] = 0;
		EXEC(SVM_EXIT_CR0_SEL_WRITE, LMSW_DX);
		sim_went_on(SIM_CODE + 3);
		ck_assert_uint_eq(C->cr0, NOW & ~CR0_MP);
		C->cr0 = NOW;
		/* With TS or MP in a rule every write exits, CLTS too. */
		enforce("cr_pin", "cr0.mp pinned deny; cr0.ts ro deny");
		ck_assert_uint_eq(C->intercept_cr_write & 1, 1);
		ck_assert(!(C->intercept3 & SVM_ICPT_CR0_SEL_WRITE));
		sim_at(SIM_CODE);
		sim.gpr[RDX] = 0;
		EXEC(SVM_EXIT_CR_WRITE(0), LMSW_DX);
		denied();
		sim_at(SIM_CODE);
		guestmem_page(SIM_DATA)[0] = CR0_MP | CR0_TS | CR0_PE;
		sim.gpr[RBX] = SIM_DATA;
		EXEC(SVM_EXIT_CR_WRITE(0), LMSW_MEM);
		denied();
		guestmem_page(SIM_DATA)[0] = CR0_MP | CR0_EM;
		sim_at(SIM_CODE);
		EXEC(SVM_EXIT_CR_WRITE(0), LMSW_MEM);
		sim_went_on(SIM_CODE + 3);
		ck_assert_uint_eq(C->cr0, NOW | CR0_EM);
		C->cr0 = NOW;
		/* Nothing to clear. */
		sim_at(SIM_CODE);
		EXEC(SVM_EXIT_CR_WRITE(0), CLTS);
		sim_went_on(SIM_CODE + 2);
		C->cr0 = NOW | CR0_TS;
		sim_at(SIM_CODE);
		EXEC(SVM_EXIT_CR_WRITE(0), CLTS);
		denied();
		enforce("none", "cr0.ts pinned ignore");
		sim_at(SIM_CODE);
		EXEC(SVM_EXIT_CR_WRITE(0), CLTS);
		sim_went_on(SIM_CODE + 2);
		ck_assert_uint_eq(C->cr0, NOW | CR0_TS);
	}
}
END_TEST

/* A move outside 64-bit mode takes 32 bits, whatever is above them in the register. */
START_TEST(moves_of_32_bit_code)
{
	u32 model;

	for (model = SIM_EPYC; model <= SIM_TCG; model++) {
		with(model, "cr_pin", "");
		sim_mode(32);
		mov_cr(0, 0xdead000000000000 | (NOW & ~CR0_WP));
		denied();
		mov_cr(0, 0xdead000000000000 | (NOW & ~AM));
		sim_went_on(SIM_CODE + 3);
		ck_assert_uint_eq(C->cr0, NOW & ~AM);
		sim_mode(64);
		mov_cr(0, 0xdead000000000000 | (NOW & ~AM));
		denied();
	}
}
END_TEST

START_TEST(code_that_is_gone)
{
	with(SIM_TCG, "cr_pin", "");
	sim_at(SIM_NOTHING);
	sim_exit(SVM_EXIT_CR0_SEL_WRITE, 0, 0);
	sim_fault(SIM_NOTHING, VECTOR_PF, PF_FETCH);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		pinned_bits_stay, cr4_pins_follow_what_is_set, actions_of_cr_rules,
		lmsw_and_clts,	  moves_of_32_bit_code,	       code_that_is_gone,
	};

	return sim_main("cr_pin", tests, ARRAY_SIZE(tests));
}
