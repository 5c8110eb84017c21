// SPDX-License-Identifier: GPL-2.0-only
/*
 * msr_lock: MSRs that are read-only or not even that; which of them exit; the APIC's base.
 */
#include "stage.h"

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

static bool msr_exits(u32 msr, bool write)
{
	sim.gpr[RCX] = msr;
	C->exit_info1 = write;
	return sim_exits(SVM_EXIT_MSR);
}

static void wrmsr(u32 msr, u64 value)
{
	sim_at(SIM_CODE);
	sim.gpr[RCX] = msr;
	sim.gpr[RAX] = 0xabcd00000000 | (u32)value;
	sim.gpr[RDX] = 0x123400000000 | value >> 32;
	guestmem_page(SIM_CODE)[0] = 0x0f;
	guestmem_page(SIM_CODE)[1] = 0x30;
	C->next_rip = C->rip + 2;
	sim_exit(SVM_EXIT_MSR, 1, 0);
}

static u64 rdmsr(u32 msr)
{
	sim_at(SIM_CODE);
	sim.gpr[RCX] = msr;
	sim.gpr[RAX] = sim.gpr[RDX] = ~0ULL;
	guestmem_page(SIM_CODE)[0] = 0x0f;
	guestmem_page(SIM_CODE)[1] = 0x32;
	C->next_rip = C->rip + 2;
	sim_exit(SVM_EXIT_MSR, 0, 0);
	return sim.gpr[RAX] | sim.gpr[RDX] << 32;
}

START_TEST(locked_msrs)
{
	static const u32 locked[] = { MSR_STAR,	       MSR_LSTAR,	MSR_CSTAR,
				      MSR_SFMASK,      MSR_SYSENTER_CS, MSR_SYSENTER_ESP,
				      MSR_SYSENTER_EIP };
	const u64 efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	u32 model, i;

	for (model = SIM_EPYC; model <= SIM_TCG; model++) {
		with(model, "msr_lock", "");
		for (i = 0; i < ARRAY_SIZE(locked); i++) {
			sim_add_msr(locked[i], 0x1122334455667788);
			ck_assert(!msr_exits(locked[i], false));
			wrmsr(locked[i], 0x1122334455667789);
			denied();
			wrmsr(locked[i], 0x1122334455667788 ^ BIT64(63));
			denied();
			wrmsr(locked[i], 0x1122334455667788);
			sim_went_on(SIM_CODE + 2);
			ck_assert_uint_eq(*sim_msr(locked[i]), 0x1122334455667788);
		}
		ck_assert(!msr_exits(MSR_KERNEL_GS_BASE, true));
		ck_assert(!msr_exits(MSR_SYSENTER_CS - 1, true));
		ck_assert(!msr_exits(MSR_SYSENTER_EIP + 1, true));
		/* Of EFER some bits; LMA and what does not exist are the processor's matter. */
		wrmsr(MSR_EFER, efer & ~EFER_NXE);
		denied();
		wrmsr(MSR_EFER, efer & ~EFER_SCE);
		denied();
		wrmsr(MSR_EFER, efer & ~EFER_LMA);
		sim_went_on(SIM_CODE + 2);
		wrmsr(MSR_EFER, efer | BIT64(40));
		denied();
		ck_assert_uint_eq(rdmsr(MSR_EFER), efer);
	}
	/* Chosen ones. */
	enforce("msr_lock:msrs=efer", "");
	ck_assert(!msr_exits(MSR_LSTAR, true));
	wrmsr(MSR_EFER, efer & ~EFER_NXE);
	denied();
}
END_TEST

START_TEST(actions_of_msr_rules)
{
	sim_boot(SIM_EPYC, "umip");
	sim_add_msr(MSR_LSTAR, 5);
	enforce("none", "msr:lstar ro ignore");
	wrmsr(MSR_LSTAR, 6);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 5);
	enforce("none", "msr:lstar ro log");
	wrmsr(MSR_LSTAR, 6);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 6);
	/* In front of the feature's own; then nothing needs to exit for it. */
	enforce("msr_lock", "msr:lstar ro allow");
	wrmsr(MSR_LSTAR, 7);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(*sim_msr(MSR_LSTAR), 7);
	enforce("none", "msr:lstar ro allow");
	ck_assert(!msr_exits(MSR_LSTAR, true));
	/* Set bits stay set, others can be. */
	enforce("none", "msr:lstar.0+1+2+3 pinned deny");
	wrmsr(MSR_LSTAR, 0x1f);
	sim_went_on(SIM_CODE + 2);
	wrmsr(MSR_LSTAR, 0x0f);
	sim_went_on(SIM_CODE + 2);
	wrmsr(MSR_LSTAR, 0x0e);
	denied();
	/* Not even read. */
	enforce("none", "msr:lstar none deny");
	ck_assert(msr_exits(MSR_LSTAR, false));
	rdmsr(MSR_LSTAR);
	denied();
	wrmsr(MSR_LSTAR, 0x0f);
	denied();
	enforce("none", "msr:lstar none ignore");
	ck_assert_uint_eq(rdmsr(MSR_LSTAR), 0);
	sim_went_on(SIM_CODE + 2);
	enforce("none", "msr:lstar none log");
	ck_assert_uint_eq(rdmsr(MSR_LSTAR), 0x0f);
	/* Where there is none there is nothing to protect. */
	enforce("none", "msr:0x1234 none ignore");
	rdmsr(0x1234);
	denied();
	wrmsr(0x1234, 1);
	denied();
}
END_TEST

/* A rule about some bits says nothing about the others of the same register. */
START_TEST(msr_rules_go_by_bits)
{
	const u64 efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

	with(SIM_EPYC, "msr_lock", "msr:efer.13 ro deny");
	wrmsr(MSR_EFER, efer & ~EFER_NXE);
	denied();
	enforce("none", "msr:efer.nxe ro ignore; msr:efer.sce ro deny");
	wrmsr(MSR_EFER, efer & ~EFER_NXE);
	sim_went_on(SIM_CODE + 2);
	wrmsr(MSR_EFER, efer & ~(EFER_NXE | EFER_SCE));
	denied();
	sim_add_msr(MSR_LSTAR, 5);
	/* A bit that nobody may see hides the register, unless that bit is another rule's. */
	enforce("none", "msr:lstar.0 ro deny; msr:lstar.0+1 none ignore; msr:lstar.1 none deny");
	ck_assert_uint_eq(rdmsr(MSR_LSTAR), 0);
	sim_went_on(SIM_CODE + 2);
	enforce("none", "msr:lstar.0 ro deny; msr:lstar.0 none deny");
	ck_assert_uint_eq(rdmsr(MSR_LSTAR), 5);
	enforce("none", "msr:lstar.2 none ignore; msr:lstar.0 none deny");
	rdmsr(MSR_LSTAR);
	denied();
}
END_TEST

START_TEST(msr_ranges_at_the_maps_edges)
{
	static const u32 in[] = { 0x1ff0,     0x1fff,	  0x2000,     0xc0000000,
				  0xc0001fff, 0xc0002000, 0xc0010000, 0xc0011fff };
	u32 i;

	with(SIM_EPYC, "none", "msr:0x1ff0-0x2010 ro deny");
	ck_assert(!msr_exits(0x1fef, true));
	ck_assert(msr_exits(0x1ff0, true) && msr_exits(0x1fff, true));
	ck_assert(!msr_exits(0x1fff, false));
	ck_assert(!msr_exits(0xc0000000, true) && !msr_exits(0xc0010000, true));
	enforce("none", "msr:0xbfffffff-0xc0000000 none deny; msr:0xc0011fff ro deny");
	ck_assert(msr_exits(0xc0000000, true) && msr_exits(0xc0000000, false));
	ck_assert(!msr_exits(0xc0000001, true) && !msr_exits(0x1fff, true));
	ck_assert(msr_exits(0xc0011fff, true) && !msr_exits(0xc0011fff, false));
	ck_assert(!msr_exits(0xc0011ffe, true));
	enforce("none", "msr:0-0xffffffff none deny");
	for (i = 0; i < ARRAY_SIZE(in); i++)
		ck_assert(msr_exits(in[i], true) && msr_exits(in[i], false));
	ck_assert_uint_eq(V->plan->traps.msr.count, 2);
	/* The old map has nothing of it. */
	enforce("none", "msr:0x10 ro deny");
	ck_assert(!msr_exits(0x11, true) && msr_exits(0x10, true));
	/* Our own ways stay closed. */
	ck_assert(msr_exits(MSR_EFER, false) && msr_exits(MSR_VM_HSAVE_PA, true));
	ck_assert(msr_exits(MSR_APIC_BASE, true) && !msr_exits(MSR_APIC_BASE, false));
}
END_TEST

/* The local APIC may be anywhere but over the root side's memory. */
START_TEST(apic_base)
{
	const u64 pa = SIM_PIECE_PA(0);

	with(SIM_EPYC, "umip", "");
	wrmsr(MSR_APIC_BASE, 0xfee00900);
	sim_went_on(SIM_CODE + 2);
	ck_assert_uint_eq(*sim_msr(MSR_APIC_BASE), 0xfee00900);
	wrmsr(MSR_APIC_BASE, pa | 0x900);
	denied();
	wrmsr(MSR_APIC_BASE, (pa + PIECE_BYTES - PAGE_BYTES) | 0xfff);
	denied();
	wrmsr(MSR_APIC_BASE, (pa - PAGE_BYTES) | 0x900);
	sim_went_on(SIM_CODE + 2);
	wrmsr(MSR_APIC_BASE, (pa + PIECE_BYTES) | 0x900);
	sim_went_on(SIM_CODE + 2);
}
END_TEST

START_TEST(code_that_is_gone)
{
	with(SIM_TCG, "none", "msr:lstar ro ignore");
	sim_at(SIM_NOTHING);
	sim.gpr[RCX] = MSR_LSTAR;
	sim.gpr[RAX] = 1;
	sim_exit(SVM_EXIT_MSR, 1, 0);
	sim_fault(SIM_NOTHING, VECTOR_PF, PF_FETCH);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		locked_msrs,
		actions_of_msr_rules,
		msr_rules_go_by_bits,
		msr_ranges_at_the_maps_edges,
		apic_base,
		code_that_is_gone,
	};

	return sim_main("msr_lock", tests, ARRAY_SIZE(tests));
}
