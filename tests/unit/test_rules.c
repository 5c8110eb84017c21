// SPDX-License-Identifier: GPL-2.0-only
/*
 * The features that go by rules: cr_pin, msr_lock, io_lock. What exits, and what comes of it.
 */
#include "stage.h"

#define NOW 0x80050033ULL
#define AM BIT64(18)

/* The processor with these features and rules; CR4 has MCE, CR0 has WP and AM. */
static void with(enum sim_model model, const char *list, const char *policy)
{
	sim_boot(model, "umip");
	enforce(list, policy);
}

/* --- cr_pin --- */

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

static void denied(void)
{
	sim_fault(SIM_CODE, VECTOR_GP, 0);
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
	enforce("none", "cr0.wp pinned ignore; msr:lstar ro ignore");
	sim_at(SIM_NOTHING);
	sim.gpr[RCX] = MSR_LSTAR;
	sim.gpr[RAX] = 1;
	sim_exit(SVM_EXIT_MSR, 1, 0);
	sim_fault(SIM_NOTHING, VECTOR_PF, PF_FETCH);
}
END_TEST

/* --- msr_lock --- */

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

/* --- io_lock --- */

#define OUT 0
#define IN 1
#define STRING 4
#define BYTES(n) ((n) << 4)

static void io(u16 port, u32 how)
{
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_IOIO, (u64)port << 16 | how, SIM_CODE + 1);
}

static bool port_exits(u32 port)
{
	const u8 *map = block_va(&machine, block_offset(&machine, C->iopm_pa));

	return C->intercept3 & SVM_ICPT_IOIO && map[port / 8] >> port % 8 & 1;
}

START_TEST(locked_ports)
{
	u32 port, count = 0;

	with(SIM_EPYC, "io_lock", "");
	for (port = 0; port < 0x10000 + 3; port++)
		count += port_exits(port);
	ck_assert_uint_eq(count, 2);
	ck_assert(port_exits(0xb2) && port_exits(0xb3));
	io(0xb2, OUT | BYTES(1));
	denied();
	ck_assert_uint_eq(sim.ports, 0);
	sim.gpr[RAX] = ~0ULL;
	io(0xb2, IN | BYTES(1));
	sim_went_on(SIM_CODE + 1);
	ck_assert_uint_eq(sim.gpr[RAX], 0xffffffffffffffb2);
	/* One that begins below. */
	io(0xaf, OUT | BYTES(4));
	denied();
	io(0xb1, OUT | BYTES(2));
	denied();
	io(0xb2, OUT | STRING | BYTES(1));
	denied();
	enforce("io_lock:ports=reset+keyboard", "");
	ck_assert(port_exits(0xcf9) && port_exits(0x60) && port_exits(0x64) && !port_exits(0xb2));
	enforce("umip", "");
	ck_assert(!(C->intercept3 & SVM_ICPT_IOIO));
}
END_TEST

START_TEST(actions_of_port_rules)
{
	with(SIM_EPYC, "none", "io:0x80 none ignore; io:0x81 ro log; io:0xffff none deny");
	io(0x80, OUT | BYTES(1));
	sim_went_on(SIM_CODE + 1);
	ck_assert_uint_eq(sim.ports, 0);
	sim.gpr[RAX] = 0;
	io(0x80, IN | BYTES(1));
	ck_assert_uint_eq(sim.gpr[RAX], 0xff);
	io(0x80, IN | BYTES(2));
	ck_assert_uint_eq(sim.gpr[RAX], 0xffff);
	io(0x7f, IN | BYTES(4));
	ck_assert_uint_eq(sim.gpr[RAX], 0xffffffff);
	/* What is not done cannot be half done. */
	io(0x80, IN | STRING | BYTES(1));
	denied();
	sim.gpr[RAX] = 0x1234;
	io(0x81, OUT | BYTES(2));
	sim_went_on(SIM_CODE + 1);
	ck_assert_uint_eq(sim.ports, 1);
	ck_assert_uint_eq(sim.port[0], 0x81);
	ck_assert_uint_eq(sim.port_value[0], 0x1234);
	/* The last port; a wide access there reaches nothing beyond. */
	io(0xffff, OUT | BYTES(4));
	denied();
	io(0xfffe, IN | BYTES(2));
	denied();
	/* The strictest of several. */
	enforce("none", "io:0x80 none log; io:0x81 none deny; io:0x82 none ignore");
	io(0x80, OUT | BYTES(4));
	denied();
	enforce("none", "io:0-0xffff none deny");
	ck_assert(port_exits(0) && port_exits(0xffff));
	/* An exit that no rule is about any more. */
	enforce("none", "io:0x90 none allow; io:0x91 ro deny");
	io(0x91, IN | BYTES(1));
	sim_went_on(SIM_CODE + 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		pinned_bits_stay,
		cr4_pins_follow_what_is_set,
		actions_of_cr_rules,
		lmsw_and_clts,
		moves_of_32_bit_code,
		code_that_is_gone,
		locked_msrs,
		actions_of_msr_rules,
		msr_rules_go_by_bits,
		msr_ranges_at_the_maps_edges,
		apic_base,
		locked_ports,
		actions_of_port_rules,
	};

	return sim_main("rules", tests, ARRAY_SIZE(tests));
}
