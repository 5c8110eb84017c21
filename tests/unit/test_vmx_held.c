// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ring 0 could undo the root side with on Intel's processors: MSRs that go past EPT, processor
 * trace, VMX instructions. Refused, counted, reported; the rest is let through.
 */
#include <check.h>
#include <string.h>

#include "../../guest-glue/held.h"
#include "../../guest-glue/phys.h"
#include "vmxsim.h"

#define PT_LEAF7_EBX (1u << 25)

static u8 bitmap[PAGE_BYTES];

static void build(bool slat)
{
	struct text why = { 0 };

	machine.linux_side.tsc_hz = 1000000000;
	machine.caps.slat = slat ? "EPT" : NULL;
	machine.slat_root = 0;
	ck_assert(sim_virt()->build(&machine, &why));
	sim_virt()->maps(&machine, 0);
	memcpy(bitmap, sim_piece + machine.msr_map[0], sizeof(bitmap));
}

static bool write_exits(u32 msr)
{
	return bitmap[2048 + msr / 8] >> msr % 8 & 1;
}

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

static const struct event *last(void)
{
	return &V->ring->events[(V->ring->head - 1) % EVENT_RING];
}

START_TEST(every_msr_of_the_table)
{
	const struct held_msr *h;
	u64 count = 0;
	u32 msr;

	build(true);
	for (h = vmx_held; h < vmx_held + VMX_HELD; h++) {
		for (msr = h->first; msr <= h->last; msr++) {
			ck_assert_msg(write_exits(msr), "%x", msr);
			ck_assert_uint_eq(bitmap[msr / 8] >> msr % 8 & 1, 0);
			wrmsr(msr, h->how == HELD_PLACE ? 0x5801 : h->bits & -h->bits);
			check_fault(VECTOR_GP, 0);
			ck_assert_uint_eq(V->refused, ++count);
			ck_assert_uint_eq(V->ring->head + V->ring->suppressed, count);
			if (count > EVENT_RATE_USUAL)
				continue;
			ck_assert_uint_eq(last()->sel, msr);
			ck_assert_uint_eq(last()->feature, EVENT_CORE);
		}
	}
	ck_assert_uint_eq(count, 1 + 2 + 3 + 8 + 1 + 1 + 1 + 1);
	ck_assert_uint_eq(sim.xss | sim.pat | sim.misc_enable | sim.rtit_ctl, 0);
	/* Their other bits are the guest's. */
	wrmsr(MSR_PAT, 0x0407050600070100);
	check_skipped(2);
	ck_assert_uint_eq(sim.pat, 0x0407050600070100);
	wrmsr(MSR_MISC_ENABLE, 0x850089);
	check_skipped(2);
	wrmsr(0xda0, 1u << 11);
	check_skipped(2);
	ck_assert_uint_eq(sim.xss, 1u << 11);
	ck_assert_uint_eq(V->refused, count);
}
END_TEST

START_TEST(without_ept_trace_reaches_nothing_more)
{
	build(false);
	ck_assert(!write_exits(MSR_RTIT_CTL) && !write_exits(MSR_RTIT_OUTPUT_BASE));
	ck_assert(!write_exits(0xda0));
	ck_assert(write_exits(MSR_PAT) && write_exits(MSR_APIC_BASE));
}
END_TEST

/* A leaf's registers as the guest gets them, on the short way or the long one. */
static const u64 *cpuid(u32 leaf, u32 subleaf)
{
	F(GUEST_RIP) = RIP0;
	V->gpr[RAX] = leaf;
	V->gpr[RCX] = subleaf;
	sim_exit(VMX_EXIT_CPUID);
	return V->gpr;
}

START_TEST(processor_trace_is_not_there)
{
	struct text why = { 0 };
	bool busy;

	sim.leaf7_ebx |= PT_LEAF7_EBX | 1;
	sim_virt()->caps(&machine.caps, true);
	ck_assert(machine.hides_basic);
	cpuid_prepare(V);
	ck_assert_uint_eq(cpuid(7, 0)[RBX], 1);
	ck_assert_uint_eq(cpuid(0xd, 1)[RCX] & 1u << 8, 0);
	ck_assert_uint_eq(cpuid(0xd, 8)[RAX], 0);
	ck_assert_uint_eq(cpuid(0xd, 0)[RAX], 7);
	machine.max_basic = 0x14;
	ck_assert_uint_eq(cpuid(0x14, 0)[RAX] | cpuid(0x14, 1)[RDX], 0);
	/* A trace that runs would go on. */
	ck_assert(sim_virt()->usable(&busy, &why));
	sim.rtit_ctl = 1;
	ck_assert(!sim_virt()->usable(&busy, &why));
	ck_assert(busy);
	/* Without EPT it is the guest's own memory that it writes to. */
	sim_virt()->caps(&machine.caps, false);
	ck_assert(!machine.hides_basic);
	cpuid_prepare(V);
	ck_assert_uint_eq(cpuid(7, 0)[RBX], PT_LEAF7_EBX | 1);
	ck_assert(sim_virt()->usable(&busy, &why));
}
END_TEST

/* An update of @bytes: its header is at the end of one page, its data begins there, too. */
static u64 update(u32 bytes, bool apart)
{
	struct walk_state s = guestmem_state(PAGING_4);
	u64 data = SIM_DATA + PAGE_BYTES - 16;

	s.cr3 = F(GUEST_CR3);
	guestmem_page(SIM_DATA + PAGE_BYTES);
	guestmem_map(&s, SIM_DATA + PAGE_BYTES, 0,
		     (apart ? SIM_GDT : SIM_DATA + PAGE_BYTES) | PTE_P | PTE_W);
	guestmem_put(data - 48 + 28, 4, bytes);
	sim.microcode = 0;
	return data;
}

START_TEST(microcode_updates_are_loaded)
{
	u64 data;

	build(true);
	ck_assert(write_exits(MSR_BIOS_UPDT_TRIG));
	/* The processor would load nothing in the guest: the root side names it what it sees. */
	data = update(512, false);
	wrmsr(MSR_BIOS_UPDT_TRIG, data);
	check_skipped(2);
	ck_assert_uint_eq(sim.microcode, ROOT_PHYS + data);
	data = update(0, false);
	wrmsr(MSR_BIOS_UPDT_TRIG, data);
	ck_assert_uint_eq(sim.microcode, ROOT_PHYS + data);
	/* Not loaded, and not complained about: in pieces, too large, nothing there. */
	data = update(512, true);
	wrmsr(MSR_BIOS_UPDT_TRIG, data);
	check_skipped(2);
	ck_assert_uint_eq(sim.microcode, 0);
	data = update(5u << 20, false);
	wrmsr(MSR_BIOS_UPDT_TRIG, data);
	check_skipped(2);
	wrmsr(MSR_BIOS_UPDT_TRIG, 0x700000);
	check_skipped(2);
	ck_assert_uint_eq(sim.microcode, 0);
	ck_assert_uint_eq(V->refused, 0);
}
END_TEST

START_TEST(vmx_instructions)
{
	static const u32 reasons[] = { VMX_EXIT_VMCLEAR, VMX_EXIT_VMXON, VMX_EXIT_INVEPT,
				       VMX_EXIT_INVVPID, VMX_EXIT_VMFUNC, VMX_EXIT_GETSEC };
	u32 i;

	build(true);
	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		F(GUEST_RIP) = RIP0;
		F(GUEST_RFLAGS) = RFLAGS_FIXED;
		sim_exit(reasons[i]);
		ck_assert_uint_eq(F(ENTRY_EVENT), EVENT(VMX_EVENT_EXCEPTION, VECTOR_UD));
		ck_assert_uint_eq(V->refused, i + 1);
		ck_assert_uint_eq(last()->kind, VMEXIT_VIRT_INSN);
	}
	/* Programs get #UD from any processor. */
	sim_user();
	sim_exit(VMX_EXIT_VMXON);
	ck_assert_uint_eq(V->refused, ARRAY_SIZE(reasons));
}
END_TEST

START_TEST(hidden_memory)
{
	build(true);
	F(GUEST_RIP) = RIP0;
	F(GUEST_RFLAGS) = RFLAGS_FIXED;
	F(QUALIFICATION) = MEM_WRITE | BIT64(3) | BIT64(7) | BIT64(8);
	F(GUEST_PHYSICAL) = 0x5000;
	F(GUEST_LINEAR) = 0xffff888000005000;
	sim_exit(VMX_EXIT_EPT_VIOLATION);
	check_fault(VECTOR_GP, 0);
	ck_assert_uint_eq(V->refused, 1);
	ck_assert_uint_eq(last()->kind, VMEXIT_MEMORY);
	ck_assert_uint_eq(last()->addr, 0x5000);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_msr_of_the_table, without_ept_trace_reaches_nothing_more,
		processor_trace_is_not_there, microcode_updates_are_loaded, vmx_instructions, hidden_memory,
	};

	return sim_main("vmx_held", tests, ARRAY_SIZE(tests));
}
