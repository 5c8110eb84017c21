// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptor-table exits on a simulated Intel processor: the stores that programs are refused, the
 * kernel's own stores and loads.
 */
#include <check.h>
#include <string.h>

#include "vmxsim.h"

/* Instruction information: no index, base @base or none, DS, 64-bit addresses. */
static u32 info(u32 identity, u32 base)
{
	return identity << 28 | (base == 16 ? 1u << 27 : base << 23) | 1u << 22 | 3u << 15 |
	       2u << 7;
}

START_TEST(stores_refused_to_programs)
{
	static const struct {
		u32 reason, identity;
	} stores[] = { { VMX_EXIT_GDTR_IDTR, 0 }, { VMX_EXIT_GDTR_IDTR, 1 },
		       { VMX_EXIT_LDTR_TR, 0 },	  { VMX_EXIT_LDTR_TR, 1 } };
	u32 i;

	sim_user();
	for (i = 0; i < ARRAY_SIZE(stores); i++) {
		F(GUEST_RFLAGS) = RFLAGS_FIXED;
		F(ENTRY_ERROR) = 99;
		F(EXIT_INFO) = info(stores[i].identity, 16);
		sim_exit(stores[i].reason);
		ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_GP));
		ck_assert_uint_eq(F(ENTRY_ERROR), 0);
		ck_assert_uint_eq(F(GUEST_RIP), 0x401000);
		ck_assert_uint_eq(F(GUEST_RFLAGS), RFLAGS_FIXED | RFLAGS_RF);
	}
	ck_assert_uint_eq(V->exits[VMEXIT_DESC_STORE], 4);
	ck_assert_uint_eq(V->handled[machine.plans[0].refuser[VMEXIT_DESC_STORE] - 1], 4);
	ck_assert_uint_eq(guestmem_writes(), 0);
	ck_assert_uint_eq(sim.decoded, 0);
}
END_TEST

START_TEST(stores_work_in_the_kernel)
{
	u8 *data = guestmem_page(SIM_DATA);

	/* sidt -8(%rbx,%rcx,4) */
	V->gpr[RBX] = SIM_DATA;
	V->gpr[RCX] = 6;
	F(EXIT_INFO) = 1u << 28 | RBX << 23 | RCX << 18 | 3u << 15 | 2u << 7 | 2;
	F(QUALIFICATION) = -8;
	F(EXIT_LENGTH) = 5;
	sim_exit(VMX_EXIT_GDTR_IDTR);
	check_skipped(5);
	ck_assert_mem_eq(data + 16, "\xff\x0f\x00\x00\x00\x00\x00\xfe\xff\xff", 10);
	/* str (%rsp): the stack pointer is in the VMCS. */
	F(GUEST_RIP) = RIP0;
	F(EXIT_INFO) = info(1, RSP);
	F(QUALIFICATION) = 0;
	F(GUEST_SELECTOR(SEG_TR)) = 0x40;
	sim_exit(VMX_EXIT_LDTR_TR);
	check_skipped(5);
	ck_assert_uint_eq(guestmem_get(SIM_STACK + 0x800, 4), 0x40);
	ck_assert_uint_eq(sim.decoded, 0);
	/* A register's width is not told: its bytes are decoded. */
	F(EXIT_INFO) = info(0, 16) | 1u << 10;
	guestmem_page(RIP0);
	sim_exit(VMX_EXIT_LDTR_TR);
	ck_assert_uint_eq(F(ENTRY_EVENT), FAULT(VECTOR_PF));
}
END_TEST

START_TEST(store_faults_name_the_address)
{
	sim.cr2 = 0x1111;
	F(EXIT_INFO) = info(0, 16);
	F(QUALIFICATION) = 0x77000;
	sim_exit(VMX_EXIT_GDTR_IDTR);
	check_fault(VECTOR_PF, PF_WRITE);
	ck_assert_uint_eq(sim.cr2, 0x77000);
}
END_TEST

static void lgdt(u16 limit, u64 base)
{
	u8 *data = guestmem_page(SIM_DATA);

	memcpy(data, &limit, 2);
	memcpy(data + 2, &base, 8);
	F(GUEST_RIP) = RIP0;
	F(EXIT_INFO) = info(2, 16);
	F(QUALIFICATION) = SIM_DATA;
	F(EXIT_LENGTH) = 8;
	sim_exit(VMX_EXIT_GDTR_IDTR);
}

START_TEST(lgdt_loads)
{
	lgdt(0x1234, 0xffff888000001000);
	check_skipped(8);
	ck_assert_uint_eq(F(GUEST_GDTR_LIMIT), 0x1234);
	ck_assert_uint_eq(F(GUEST_GDTR_BASE), 0xffff888000001000);
	lgdt(0, 0x0000800000000000);
	check_fault(VECTOR_GP, 0);
	ck_assert_uint_eq(F(GUEST_GDTR_BASE), 0xffff888000001000);
	ck_assert_uint_eq(F(GUEST_IDTR_LIMIT), 0xfff);
	F(EXIT_INFO) |= 1u << 28;
	F(QUALIFICATION) = 0x99000;
	F(GUEST_RFLAGS) = 2;
	sim_exit(VMX_EXIT_GDTR_IDTR);
	check_fault(VECTOR_PF, 0);
}
END_TEST

/* Puts a system descriptor at 0x40 and has LLDT (2) or LTR (3) load @selector from AX. */
static void load(u32 identity, u16 selector, u64 low, u64 high)
{
	guestmem_put(SIM_GDT + 0x40, 8, low);
	guestmem_put(SIM_GDT + 0x48, 8, high);
	F(GUEST_RIP) = RIP0;
	F(GUEST_RFLAGS) = 2;
	F(EXIT_LENGTH) = 3;
	V->gpr[RAX] = selector;
	F(EXIT_INFO) = identity << 28 | 1u << 10 | RAX << 3;
	sim_exit(VMX_EXIT_LDTR_TR);
}
#define LDT 0x0000823456780fffULL
#define TSS 0x0000893456780067ULL

START_TEST(lldt_loads)
{
	load(2, 0x43, LDT, 0xffff8880);
	check_skipped(3);
	ck_assert_uint_eq(F(GUEST_SELECTOR(SEG_LDTR)), 0x43);
	ck_assert_uint_eq(F(GUEST_BASE(SEG_LDTR)), 0xffff888000345678);
	ck_assert_uint_eq(F(GUEST_LIMIT(SEG_LDTR)), 0xfff);
	ck_assert_uint_eq(F(GUEST_ATTR(SEG_LDTR)), 0x82);
	load(2, 0x44, LDT, 0);
	check_fault(VECTOR_GP, 0x44);
	load(2, 0x78, LDT, 0);
	check_fault(VECTOR_GP, 0x78);
	load(2, 0x40, TSS, 0);
	check_fault(VECTOR_GP, 0x40);
	load(2, 0x42, LDT & ~BIT64(47), 0);
	check_fault(VECTOR_NP, 0x40);
	load(2, 0x40, LDT, 0x8000);
	check_fault(VECTOR_GP, 0x40);
	load(2, 0x40, LDT, BIT64(41));
	check_fault(VECTOR_GP, 0x40);
	ck_assert_uint_eq(F(GUEST_BASE(SEG_LDTR)), 0xffff888000345678);
	load(2, 3, LDT, 0);
	check_skipped(3);
	ck_assert_uint_eq(F(GUEST_ATTR(SEG_LDTR)), VMX_ATTR_UNUSABLE);
	F(GUEST_GDTR_LIMIT) = 0x4e;
	load(2, 0x40, LDT, 0);
	check_fault(VECTOR_GP, 0x40);
}
END_TEST

START_TEST(ltr_loads_and_marks_busy)
{
	load(3, 0x40, TSS, 0xfffffe00);
	check_skipped(3);
	ck_assert_uint_eq(F(GUEST_ATTR(SEG_TR)), 0x8b);
	ck_assert_uint_eq(F(GUEST_BASE(SEG_TR)), 0xfffffe0000345678);
	ck_assert_uint_eq(guestmem_get(SIM_GDT + 0x40, 8), TSS | BIT64(41));
	load(3, 0x40, TSS | BIT64(41), 0);
	check_fault(VECTOR_GP, 0x40);
	load(3, 0, TSS, 0);
	check_fault(VECTOR_GP, 0);
	load(3, 0x40, LDT, 0);
	check_fault(VECTOR_GP, 0x40);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		stores_refused_to_programs, stores_work_in_the_kernel,
		store_faults_name_the_address, lgdt_loads, lldt_loads, ltr_loads_and_marks_busy,
	};

	return sim_main("vmx_desc", tests, ARRAY_SIZE(tests));
}
