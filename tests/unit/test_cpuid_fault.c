// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID faulting: its two switches, what advertises it on whose processors, and that CPUID costs
 * nothing more while nobody asks for it.
 */
#include "sim.h"

#include <string.h>

#define PLATFORM_INFO 0xce
#define MISC 0x140
#define HWCR 0xc0010015
#define USER_DIS BIT64(35)

/* Any exit, as both vendors' files hand it on. */
static enum verdict msr(enum vmexit_kind kind, u32 number, u64 value)
{
	struct vmexit e = { .kind = kind, .sel = number, .value = value, .len = 2 };
	enum verdict verdict = dispatch(V, &e);

	if (verdict == VERDICT_INJECT)
		ck_assert(e.fault.vector == VECTOR_GP && e.fault.has_error && !e.fault.error);
	return verdict;
}

static void writes(u32 number, u64 value)
{
	ck_assert_int_eq(msr(VMEXIT_MSR_WRITE, number, value), VERDICT_NEXT);
}

static void refused(u32 number, u64 value)
{
	ck_assert_int_eq(msr(VMEXIT_MSR_WRITE, number, value), VERDICT_INJECT);
}

static void reads(u32 number, u64 value)
{
	V->gpr[RAX] = V->gpr[RDX] = ~0ULL;
	ck_assert_int_eq(msr(VMEXIT_MSR_READ, number, 0), VERDICT_NEXT);
	ck_assert_uint_eq(V->gpr[RAX], (u32)value);
	ck_assert_uint_eq(V->gpr[RDX], value >> 32);
}

static bool faults(u8 cpl)
{
	struct vmexit e = { .kind = VMEXIT_CPUID, .cpl = cpl, .len = 2 };

	V->gpr[RAX] = 0;
	if (dispatch(V, &e) == VERDICT_NEXT)
		return false;
	ck_assert(e.fault.vector == VECTOR_GP && e.fault.has_error && !e.fault.error);
	return true;
}

static bool is_native(void)
{
	u32 i;

	for (i = 0; strcmp(feature_get(i)->name, "cpuid_fault"); i++)
		;
	ck_assert_uint_eq(feature_index(feature_get(i)), i);
	return feature_native(i);
}

static void change(const char *list)
{
	u32 next = !machine.current_plan;
	struct features_on wish;
	TEXT(why, 100);

	ck_assert(features_parse(list, strlen(list), &wish, &why));
	ck_assert(plan_make(&machine.plans[next], &wish, NULL, ~0u, &why));
	machine_plan_maps(&machine, next);
	machine.current_plan = next;
	plan_follow(V);
}

START_TEST(what_advertises_it)
{
	u32 out[4];

	sim_boot(SIM_PHENOM, "cpuid_fault");
	cpuid_view(V, 0x80000000, 0, out);
	ck_assert_uint_eq(out[CPUID_EAX], 0x80000021);
	cpuid_view(V, 0x80000021, 0, out);
	ck_assert_uint_eq(out[CPUID_EAX], 1u << 17);
	/* Another maker's MSR is none of ours. */
	ck_assert_int_eq(msr(VMEXIT_MSR_READ, PLATFORM_INFO, 0), VERDICT_INJECT);

	sim_boot(SIM_INTEL, "cpuid_fault");
	cpuid_view(V, 0x80000000, 0, out);
	ck_assert_uint_eq(out[CPUID_EAX], 0x80000008);
	reads(PLATFORM_INFO, BIT64(31));
	sim_add_msr(PLATFORM_INFO, 0x1080c3bf3811a00);
	reads(PLATFORM_INFO, 0x1080c3bf3811a00 | BIT64(31));
	ck_assert_int_eq(msr(VMEXIT_MSR_READ, HWCR, 0), VERDICT_INJECT);
	refused(HWCR, USER_DIS);
	ck_assert(!faults(3));
}
END_TEST

START_TEST(native_is_left_alone)
{
	sim_new(SIM_INTEL);
	sim_add_msr(PLATFORM_INFO, BIT64(31));
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_uint_eq(features_maker(), MAKER_INTEL);
	ck_assert(is_native());
	sim_add_msr(PLATFORM_INFO, ~BIT64(31));
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(!is_native());
	/* The bit that Intel has says nothing here. */
	sim_new(SIM_EPYC);
	sim_add_msr(PLATFORM_INFO, BIT64(31));
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(!is_native());
	sim_cpuid(0x80000000, 0)[CPUID_EAX] = 0x80000021;
	sim_cpuid(0x80000021, 0)[CPUID_EAX] = 1u << 17;
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(is_native());
}
END_TEST

START_TEST(misc_switch)
{
	u32 model, cpl;

	for (model = SIM_EPYC; model < SIM_MODELS; model++) {
		sim_boot(model, "cpuid_fault");
		reads(MISC, 0);
		ck_assert(!faults(3));
		writes(MISC, 1);
		reads(MISC, 1);
		for (cpl = 1; cpl < 4; cpl++)
			ck_assert(faults(cpl));
		ck_assert(!faults(0));
		writes(MISC, 1);
		ck_assert(faults(3));
		/* Reserved bits: nothing changes. */
		refused(MISC, 2);
		refused(MISC, 3);
		refused(MISC, BIT64(63));
		reads(MISC, 1);
		ck_assert(faults(3));
		writes(MISC, 0);
		reads(MISC, 0);
		ck_assert(!faults(3));
		refused(MISC, 3);
		ck_assert(!faults(3));
	}
}
END_TEST

/* Bits that the processor has there itself stay its own. */
START_TEST(misc_with_bits_of_its_own)
{
	sim_boot(SIM_INTEL, "cpuid_fault");
	sim_add_msr(MISC, 2);
	reads(MISC, 2);
	writes(MISC, 3);
	reads(MISC, 3);
	ck_assert_uint_eq(*sim_msr(MISC), 2);
	ck_assert(faults(3));
	writes(MISC, 1);
	ck_assert_uint_eq(*sim_msr(MISC), 0);
	ck_assert(faults(3));
	writes(MISC, 2);
	ck_assert_uint_eq(*sim_msr(MISC), 2);
	ck_assert(!faults(3));
}
END_TEST

START_TEST(hwcr_switch)
{
	sim_boot(SIM_EPYC, "cpuid_fault");
	sim_add_msr(HWCR, 0x1000010);
	reads(HWCR, 0x1000010);
	writes(HWCR, 0x1000010 | USER_DIS);
	ck_assert_uint_eq(*sim_msr(HWCR), 0x1000010);
	reads(HWCR, 0x1000010 | USER_DIS);
	ck_assert(faults(3));
	writes(HWCR, 0x10 | USER_DIS);
	ck_assert_uint_eq(*sim_msr(HWCR), 0x10);
	ck_assert(faults(3));
	/* Either will do; each keeps its own. */
	reads(MISC, 0);
	writes(MISC, 1);
	writes(HWCR, 0x10);
	reads(HWCR, 0x10);
	ck_assert(faults(3));
	writes(MISC, 0);
	ck_assert(!faults(3));
}
END_TEST

/* A value that the processor refuses changes nothing. */
START_TEST(refused_by_the_processor)
{
	sim_boot(SIM_EPYC, "cpuid_fault");
	refused(HWCR, 0x10 | USER_DIS);
	ck_assert(!faults(3));
	writes(HWCR, USER_DIS);
	ck_assert(faults(3));
}
END_TEST

/* --- the exits themselves --- */

static void cpuid(u32 leaf)
{
	sim_at(SIM_CODE);
	sim.gpr[RAX] = leaf;
	sim.gpr[RCX] = 0;
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
}

static void wrmsr(u32 number, u64 value)
{
	sim_cpl(0);
	sim_wrmsr(number, value);
	sim_went_on(SIM_CODE + 2);
}

START_TEST(every_leaf_faults)
{
	static const u32 leaves[] = { 0, 1, 5, 7, 0xd, 0x40000000, 0x80000000, 0x80000021, ~0u };
	u32 model, i, mode;

	for (model = SIM_EPYC; model <= SIM_PHENOM; model++) {
		sim_boot(model, "umip,cpuid_fault");
		wrmsr(MISC, 1);
		for (mode = 16; mode <= 64; mode *= 2) {
			for (i = 0; i < ARRAY_SIZE(leaves); i++) {
				sim_cpl(3);
				sim_mode(mode);
				sim_at(SIM_CODE % 0xf000);
				sim.gpr[RAX] = leaves[i];
				sim.gpr[RBX] = 0x1122334455667788;
				EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
				sim_fault(SIM_CODE % 0xf000, VECTOR_GP, 0);
				ck_assert_uint_eq(sim.gpr[RAX], leaves[i]);
				ck_assert_uint_eq(sim.gpr[RBX], 0x1122334455667788);
			}
		}
		sim_mode(64);
		sim_cpl(0);
		cpuid(0);
		sim_went_on(SIM_CODE + 2);
		wrmsr(MISC, 0);
		sim_cpl(3);
		cpuid(5);
		sim_went_on(SIM_CODE + 2);
	}
	sim_boot(SIM_TCG, "cpuid_fault");
	wrmsr(MISC, 1);
	sim_vm86();
	sim_at(0x10);
	EXEC(SVM_EXIT_CPUID, "\x0f\xa2");
	sim_fault(0x10, VECTOR_GP, 0);
}
END_TEST

/* The quick answers are there until somebody asks, and again afterwards. */
START_TEST(costs_nothing_before)
{
	struct cpuid_quick before[CPUID_QUICK_LEAVES];
	u32 model, plain;

	for (model = SIM_EPYC; model < SIM_MODELS; model++) {
		sim_boot(model, "umip,cpuid_fault");
		plain = V->cpuid_plain;
		memcpy(before, V->cpuid, sizeof(before));
		ck_assert_uint_ne(plain, 0);
		ck_assert(!V->cpuid_claimed);
		writes(MISC, 1);
		ck_assert(V->cpuid_claimed && !V->cpuid_plain);
		writes(MISC, 0);
		ck_assert_uint_eq(V->cpuid_plain, plain);
		ck_assert_mem_eq(before, V->cpuid, sizeof(before));
	}
}
END_TEST

START_TEST(with_five_levels)
{
	sim_boot(SIM_TCG, "cpuid_fault");
	machine.no_plain_cpuid = true;
	cpuid_prepare(V);
	writes(MISC, 1);
	writes(MISC, 0);
	ck_assert_uint_eq(V->cpuid_plain, 0);
}
END_TEST

/* It lasts through a change of other features, and no longer than this one. */
START_TEST(changes_of_the_plan)
{
	sim_boot(SIM_EPYC, "cpuid_fault");
	writes(MISC, 1);
	change("umip,cpuid_fault");
	ck_assert(faults(3));
	reads(MISC, 1);
	ck_assert(!V->cpuid_plain);
	change("umip");
	ck_assert(!faults(3));
	ck_assert(V->cpuid_plain);
	change("cpuid_fault");
	ck_assert(!faults(3));
	reads(MISC, 0);
	/* Taken again, too. */
	writes(MISC, 1);
	root_enter(V);
	ck_assert(!faults(3));
	reads(MISC, 0);
}
END_TEST

static bool msr_exits(u32 number, bool write)
{
	const u8 *map = block_va(&machine, machine.msr_map[machine.current_plan]);
	u32 vector = number >> 16 == 0xc001 ? 2 : number >> 16 == 0xc000 ? 1 : 0;
	u32 at = vector * 0x800 * 8 + (number & 0x1fff) * 2 + write;

	return map[at / 8] >> at % 8 & 1;
}

START_TEST(only_these_msrs_exit)
{
	sim_boot(SIM_EPYC, "cpuid_fault");
	ck_assert(msr_exits(MISC, false) && msr_exits(MISC, true));
	ck_assert(msr_exits(HWCR, false) && msr_exits(HWCR, true));
	ck_assert(!msr_exits(PLATFORM_INFO, false) && !msr_exits(PLATFORM_INFO, true));
	ck_assert(!msr_exits(MISC + 1, false) && !msr_exits(HWCR - 1, true));
	sim_boot(SIM_EPYC, "umip");
	ck_assert(!msr_exits(MISC, true) && !msr_exits(HWCR, false));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_advertises_it,	  native_is_left_alone, misc_switch,
		misc_with_bits_of_its_own, hwcr_switch,		refused_by_the_processor,
		every_leaf_faults,	  costs_nothing_before, with_five_levels,
		changes_of_the_plan,	  only_these_msrs_exit,
	};

	return sim_main("cpuid_fault", tests, ARRAY_SIZE(tests));
}
