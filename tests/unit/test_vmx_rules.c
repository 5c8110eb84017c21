// SPDX-License-Identifier: GPL-2.0-only
/*
 * The features that go by rules, on VMX: only changes of pinned bits exit, locked MSRs that are in
 * the VMCS, ports. And what a locked machine does with an INIT.
 */
#include <check.h>
#include <string.h>

#include "../../guest-glue/hypercall.h"
#include "vmxsim.h"

#define NOW 0x80050033ULL
#define AM BIT64(18)
#define CR4_NOW (CR4_PAE | CR4_PGE)

static void with(const char *list, const char *policy)
{
	static struct policy rules;
	struct features_on wish;
	TEXT(why, 200);
	u32 i;

	ck_assert_msg(features_parse(list, strlen(list), &wish, &why), "%s", why.at);
	ck_assert_msg(policy_parse(policy, strlen(policy), &rules, &why), "%s", why.at);
	ck_assert_msg(plan_make(&machine.plans[0], &wish, &rules, machine.caps.facilities, &why),
		      "%s", why.at);
	for (i = 0; i < feature_count(); i++)
		if (V->plan->on >> i & 1 && feature_get(i)->apply)
			feature_get(i)->apply(V);
	sim_virt()->traps(V);
}

/* As the processor would: no exit unless a bit of the mask changes, seen from the shadow. */
static bool mov_cr(u32 cr, u64 value)
{
	u64 mask = cr ? F(CR4_MASK) : F(CR0_MASK), shadow = cr ? F(CR4_SHADOW) : F(CR0_SHADOW);

	F(GUEST_RIP) = RIP0;
	F(GUEST_RFLAGS) = RFLAGS_FIXED;
	F(ENTRY_EVENT) = 0;
	if (!((value ^ shadow) & mask))
		return false;
	F(EXIT_LENGTH) = 3;
	F(QUALIFICATION) = cr | R8 << 8;
	V->gpr[R8] = value;
	sim_exit(VMX_EXIT_CR);
	return true;
}

static void denied(void)
{
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
	ck_assert_uint_eq(F(ENTRY_ERROR), 0);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0);
}

static void done(u32 length)
{
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0 + length);
}

START_TEST(pinned_bits_stay)
{
	with("cr_pin", "");
	ck_assert_uint_eq(F(CR0_MASK), CR0_WP | CR0_NE);
	ck_assert_uint_eq(F(CR4_MASK), CR4_VMXE | CR4_SMEP | CR4_SMAP | CR4_UMIP);
	ck_assert(!mov_cr(0, NOW ^ AM));
	ck_assert(!mov_cr(4, CR4_PAE));
	ck_assert(mov_cr(0, NOW & ~CR0_WP));
	denied();
	ck_assert(mov_cr(0, NOW & ~(CR0_WP | AM)));
	denied();
	ck_assert_uint_eq(F(GUEST_CR0), NOW);
	ck_assert_uint_eq(F(CR0_SHADOW), NOW);
	/* NE is ours to keep, not pinned: shown as written, set below. */
	ck_assert(mov_cr(0, NOW & ~(CR0_NE | AM)));
	done(3);
	ck_assert_uint_eq(vcpu_get(V, VCPU_CR0), NOW & ~(CR0_NE | AM));
	ck_assert_uint_eq(F(GUEST_CR0), NOW & ~AM);
	ck_assert(mov_cr(0, NOW & ~(CR0_NE | CR0_WP)));
	denied();
}
END_TEST

START_TEST(cr4_pins)
{
	machine.cr4_supported |= CR4_SMEP | CR4_SMAP;
	F(GUEST_CR4) |= CR4_SMEP | CR4_SMAP;
	with("cr_pin", "");
	ck_assert_uint_eq(V->pinned[4], CR4_NOW | CR4_SMEP | CR4_SMAP);
	ck_assert(mov_cr(4, CR4_NOW | CR4_SMAP));
	denied();
	ck_assert(mov_cr(4, CR4_PAE | CR4_SMEP));
	denied();
	ck_assert_uint_eq(F(GUEST_CR4), CR4_NOW | CR4_SMEP | CR4_SMAP | CR4_VMXE);
	ck_assert_uint_eq(F(CR4_SHADOW), CR4_NOW | CR4_SMEP | CR4_SMAP);
	ck_assert_uint_eq(sim.invalidated, 0);
	ck_assert(!mov_cr(4, CR4_PAE | CR4_SMEP | CR4_SMAP));
	with("none", "cr4.smep pinned ignore");
	ck_assert(mov_cr(4, CR4_PAE | CR4_SMAP));
	done(3);
	ck_assert_uint_eq(F(GUEST_CR4), CR4_NOW | CR4_SMEP | CR4_SMAP | CR4_VMXE);
	with("none", "cr4.smep pinned log");
	ck_assert(mov_cr(4, CR4_NOW | CR4_SMAP));
	done(3);
	ck_assert_uint_eq(F(CR4_SHADOW), CR4_NOW | CR4_SMAP);
	/* Set again, and pinned only when the plan comes into force the next time. */
	ck_assert(mov_cr(4, CR4_NOW | CR4_SMAP | CR4_SMEP));
	done(3);
}
END_TEST

START_TEST(lmsw_and_clts)
{
	with("none", "cr0.mp pinned deny; cr0.ts ro deny");
	ck_assert_uint_eq(F(CR0_MASK), CR0_MP | CR0_TS | CR0_NE);
	F(GUEST_RIP) = RIP0;
	/* LMSW without MP. */
	F(QUALIFICATION) = 3 << 4 | CR0_PE << 16;
	sim_exit(VMX_EXIT_CR);
	denied();
	/* The same, from memory (bit 6). */
	F(QUALIFICATION) = 3 << 4 | 1 << 6 | (CR0_TS | CR0_MP) << 16;
	sim_exit(VMX_EXIT_CR);
	denied();
	F(GUEST_RFLAGS) = RFLAGS_FIXED;
	F(EXIT_LENGTH) = 3;
	F(QUALIFICATION) = 3 << 4 | (CR0_EM | CR0_MP) << 16;
	sim_exit(VMX_EXIT_CR);
	done(3);
	ck_assert_uint_eq(vcpu_get(V, VCPU_CR0), NOW | CR0_EM);
	ck_assert(!mov_cr(0, NOW));
	vcpu_set(V, VCPU_CR0, NOW | CR0_TS);
	F(GUEST_RIP) = RIP0;
	F(QUALIFICATION) = 2 << 4;
	sim_exit(VMX_EXIT_CR);
	denied();
}
END_TEST

START_TEST(moves_of_32_bit_code)
{
	struct guest_segment code = { 0, 0xffffffff, 0x10, 0xc9b };

	with("cr_pin", "");
	vmx_set_segment(V, GUEST_CS, &code);
	ck_assert(mov_cr(0, 0xdead000000000000 | (NOW & ~CR0_WP)));
	denied();
	ck_assert(mov_cr(0, 0xdead000000000000 | (NOW & ~CR0_NE)));
	ck_assert_uint_eq(F(ENTRY_EVENT), 0);
	ck_assert_uint_eq(vcpu_get(V, VCPU_CR0), NOW & ~CR0_NE);
}
END_TEST

static void wrmsr(u32 msr, u64 value)
{
	F(GUEST_RIP) = RIP0;
	F(GUEST_RFLAGS) = RFLAGS_FIXED;
	F(EXIT_LENGTH) = 2;
	V->gpr[RCX] = msr;
	V->gpr[RAX] = (u32)value;
	V->gpr[RDX] = value >> 32;
	sim_exit(VMX_EXIT_WRMSR);
}

START_TEST(locked_msrs)
{
	F(GUEST_SYSENTER_EIP) = 0xffffffff81800000;
	F(GUEST_SYSENTER_CS) = 0x10;
	F(GUEST_EFER) = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	with("msr_lock", "");
	wrmsr(MSR_SYSENTER_EIP, 0xffffffff81800040);
	denied();
	wrmsr(MSR_SYSENTER_EIP, 0xffffffff81800000);
	done(2);
	wrmsr(MSR_SYSENTER_CS, 0x18);
	denied();
	wrmsr(MSR_EFER, EFER_LME | EFER_LMA | EFER_NXE);
	denied();
	wrmsr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA);
	denied();
	ck_assert_uint_eq(F(GUEST_EFER), EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
	/* What is let through is checked as the processor would. */
	with("none", "msr:sysenter_eip ro log; msr:sysenter_esp ro ignore");
	wrmsr(MSR_SYSENTER_EIP, 0x0000800000000000);
	denied();
	wrmsr(MSR_SYSENTER_EIP, 0xffff7fffffffffff);
	denied();
	wrmsr(MSR_SYSENTER_EIP, 0xffff800000000000);
	done(2);
	ck_assert_uint_eq(F(GUEST_SYSENTER_EIP), 0xffff800000000000);
	/* What is dropped is not even looked at. */
	wrmsr(MSR_SYSENTER_ESP, 0x0000800000000000);
	done(2);
	ck_assert_uint_eq(F(GUEST_SYSENTER_ESP), 0);
	with("none", "msr:sysenter_eip none ignore");
	F(GUEST_RIP) = RIP0;
	V->gpr[RCX] = MSR_SYSENTER_EIP;
	sim_exit(VMX_EXIT_RDMSR);
	done(2);
	ck_assert_uint_eq(V->gpr[RAX] | V->gpr[RDX], 0);
}
END_TEST

START_TEST(reported_writes_are_checked)
{
	u64 efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

	F(GUEST_EFER) = sim.efer = efer;
	with("none", "msr:efer ro log; msr:0x1d9 ro log");
	/* LMA is not written at all, LME not while paging is on, and what is reserved never. */
	wrmsr(MSR_EFER, efer & ~EFER_LMA);
	done(2);
	ck_assert_uint_eq(F(GUEST_EFER), efer);
	wrmsr(MSR_EFER, efer & ~EFER_LME);
	denied();
	wrmsr(MSR_EFER, efer | BIT64(1));
	denied();
	ck_assert_uint_eq(F(GUEST_EFER), efer);
	wrmsr(MSR_EFER, efer & ~EFER_SCE);
	done(2);
	ck_assert_uint_eq(F(GUEST_EFER), efer & ~EFER_SCE);
	wrmsr(MSR_DEBUGCTL, 1);
	done(2);
	ck_assert_uint_eq(F(GUEST_DEBUGCTL), 1);
	wrmsr(MSR_DEBUGCTL, BIT64(40));
	denied();
	ck_assert_uint_eq(F(GUEST_DEBUGCTL), 1);
	/* What was tried out on the processor is as it was. */
	ck_assert_uint_eq(sim.efer, efer);
}
END_TEST

START_TEST(apic_base)
{
	wrmsr(MSR_APIC_BASE, 0x5900);
	denied();
	/* Elsewhere the processor is asked, which has none here. */
	wrmsr(MSR_APIC_BASE, 0x7900);
	denied();
	ck_assert_uint_eq(V->exits[VMEXIT_MSR_WRITE], 2);
}
END_TEST

static void io(u16 port, u32 bytes, u32 how)
{
	F(GUEST_RIP) = RIP0;
	F(GUEST_RFLAGS) = RFLAGS_FIXED;
	F(EXIT_LENGTH) = 1;
	F(QUALIFICATION) = (bytes - 1) | how | (u64)port << 16;
	sim_exit(VMX_EXIT_IO);
}

START_TEST(locked_ports)
{
	with("io_lock", "io:0x80 none ignore; io:0xffff none deny");
	ck_assert(F(PROC) & VMX_PROC_IO_BITMAPS);
	io(0xb2, 1, 0);
	denied();
	io(0xb1, 2, 0);
	denied();
	io(0xaf, 4, 0);
	denied();
	io(0xb2, 1, 16 | 32);
	denied();
	sim.port = 0;
	io(0x80, 1, 0);
	done(1);
	ck_assert_uint_eq(sim.port, 0);
	V->gpr[RAX] = 0;
	io(0x80, 2, 8);
	done(1);
	ck_assert_uint_eq(V->gpr[RAX], 0xffff);
	io(0x80, 1, 8 | 16);
	denied();
	io(0xfffe, 4, 8);
	denied();
	io(0xffff, 4, 8);
	denied();
	/* By its neighbours, or an exit whose rule is gone: done for the guest. */
	V->gpr[RAX] = 0x77;
	io(0xb4, 1, 0);
	done(1);
	ck_assert_uint_eq(sim.port, 0xb4);
	with("umip", "");
	ck_assert(!(F(PROC) & VMX_PROC_IO_BITMAPS));
}
END_TEST

/* A processor that begins anew has nothing pinned: a locked machine does not let it. */
START_TEST(init_of_a_locked_machine)
{
	with("cr_pin", "");
	machine.locked = true;
	F(GUEST_RIP) = RIP0;
	sim_exit(VMX_EXIT_INIT);
	ck_assert_uint_eq(F(GUEST_RIP), RIP0);
	ck_assert_uint_eq(F(GUEST_CR0), NOW);
	ck_assert_uint_eq(F(GUEST_ACTIVITY), VMX_ACTIVITY_ACTIVE);
	ck_assert_uint_eq(V->exits[VMEXIT_INIT], 1);
	machine.locked = false;
	sim_exit(VMX_EXIT_INIT);
	ck_assert_uint_ne(F(GUEST_RIP), RIP0);
}
END_TEST

START_TEST(locked_calls)
{
	machine.locked = true;
	F(GUEST_RIP) = RIP0;
	F(EXIT_LENGTH) = 3;
	V->gpr[RAX] = HYPERCALL_MAGIC ^ HYPERCALL_LEAVE;
	sim_exit(VMX_EXIT_VMCALL);
	done(3);
	ck_assert_uint_eq(V->gpr[RAX], HYPERCALL_REFUSED);
	sim_user();
	V->gpr[RAX] = HYPERCALL_MAGIC ^ HYPERCALL_LEAVE;
	sim_exit(VMX_EXIT_VMCALL);
	ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_EXCEPTION, VECTOR_UD));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		pinned_bits_stay, cr4_pins,  lmsw_and_clts, moves_of_32_bit_code,
		locked_msrs,	  apic_base, locked_ports,  init_of_a_locked_machine,
		reported_writes_are_checked,
		locked_calls,
	};

	return sim_main("vmx_rules", tests, ARRAY_SIZE(tests));
}
