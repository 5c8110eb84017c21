// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine: what is found of a processor, the block that is laid out for it, processors taken
 * and given back, exceptions on the root side.
 */
#include "sim.h"

#include <string.h>

#include "../../guest-glue/fault.h"
#include "../../guest-glue/phys.h"
#include "../../guest-glue/vmx.h"

#define ENTRY_ADDRESS 0x000ffffffffff000ULL

static struct machine_request request;
static char why_room[200];
static struct text why;

/* Builds with @pieces pieces and no feature; the processor is bare still. */
static bool build(u32 pieces, u32 cpus, u64 phys_end)
{
	struct features_on none = { 0 };

	why = (struct text){ .at = why_room, .size = sizeof(why_room) };
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(plan_make(&machine.plans[0], &none, NULL, machine.caps.facilities, &why));
	sim_block(&request, pieces);
	request.cpus = cpus;
	request.phys_end = phys_end;
	return machine_build(&request, &why);
}

/* --- what is found --- */

START_TEST(probe_finds_the_processor)
{
	sim_new(SIM_EPYC);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_str_eq(machine.virt->name, "AMD SVM");
	ck_assert_str_eq(machine.caps.slat, "NPT");
	ck_assert_uint_eq(machine.caps.facilities,
			  FACILITY(DESC) | FACILITY(SMSW) | FACILITY(SLAT) |
				  FACILITY(MSR_BITMAP) | FACILITY(IO_BITMAP));
	ck_assert_uint_eq(machine.max_basic, 0xd);
	ck_assert_uint_eq(machine.max_extended, 0x8000001f);
	ck_assert_uint_eq(machine.maxphyaddr, 48);
	ck_assert(machine.gbpages && machine.slat.gbpages);
	ck_assert(!machine.out_of_range_is_highest);
	ck_assert_uint_eq(machine.leaf1_ecx, ~0u);
	ck_assert_uint_eq(machine.decoder_flags, DECODER_LOCK_MOV_CR8 | DECODER_BRANCH_66);
	ck_assert_uint_eq(svm_features, 0xff);
	machine_probe(false, true, cpu_rdmsr_safe);
	ck_assert_ptr_null(machine.caps.slat);
	ck_assert(!(machine.caps.facilities & FACILITY(SLAT)));

	sim_new(SIM_PHENOM);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_uint_eq(machine.max_basic, 5);
	ck_assert(!machine.gbpages);
	sim_cpuid(0x80000000, 0)[CPUID_EAX] = 0x80000007;
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_ptr_null(machine.virt);
	ck_assert_uint_eq(machine.maxphyaddr, 36);

	sim_new(SIM_INTEL);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_str_eq(machine.virt->name, "Intel VMX");
	ck_assert_uint_eq(machine.leaf1_ecx, ~(3u << 5));
	ck_assert(machine.out_of_range_is_highest);
	sim_cpuid(1, 0)[CPUID_ECX] &= ~(1u << 5);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_ptr_null(machine.virt);
}
END_TEST

/* Each CR4 bit exists if the CPUID bit says so that the manuals name. */
START_TEST(probe_finds_cr4_bits)
{
	static const struct {
		u32 leaf, reg, bit;
		u64 cr4;
	} bits[] = {
		{ 1, CPUID_EDX, 1, CR4_VME | BIT64(1) }, { 1, CPUID_EDX, 2, CR4_DE },
		{ 1, CPUID_EDX, 3, CR4_PSE },		 { 1, CPUID_EDX, 4, BIT64(2) },
		{ 1, CPUID_EDX, 6, CR4_PAE },		 { 1, CPUID_EDX, 7, CR4_MCE },
		{ 1, CPUID_EDX, 13, CR4_PGE },		 { 1, CPUID_EDX, 24, CR4_OSFXSR },
		{ 1, CPUID_EDX, 25, CR4_OSXMMEXCPT },	 { 1, CPUID_ECX, 6, CR4_SMXE },
		{ 1, CPUID_ECX, 17, CR4_PCIDE },	 { 1, CPUID_ECX, 26, CR4_OSXSAVE },
		{ 7, CPUID_EBX, 0, CR4_FSGSBASE },	 { 7, CPUID_EBX, 7, CR4_SMEP },
		{ 7, CPUID_EBX, 20, CR4_SMAP },		 { 7, CPUID_ECX, 2, CR4_UMIP },
		{ 7, CPUID_ECX, 3, CR4_PKE },		 { 7, CPUID_ECX, 7, CR4_CET },
		{ 7, CPUID_ECX, 16, CR4_LA57 },		 { 7, CPUID_EDX, 20, CR4_CET },
	};
	u32 i, *leaf;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		sim_new(SIM_EPYC);
		memset(sim_cpuid(1, 0), 0, 16);
		memset(sim_cpuid(7, 0), 0, 16);
		machine_probe(true, true, cpu_rdmsr_safe);
		ck_assert_uint_eq(machine.cr4_supported, BIT64(8)); /* PCE: always there */
		leaf = sim_cpuid(bits[i].leaf, 0);
		leaf[bits[i].reg] = 1u << bits[i].bit;
		machine_probe(true, true, cpu_rdmsr_safe);
		ck_assert_uint_eq(machine.cr4_supported, BIT64(8) | bits[i].cr4);
		/* What lies beyond the highest leaf means nothing. */
		sim_cpuid(0, 0)[CPUID_EAX] = 6;
		machine_probe(true, true, cpu_rdmsr_safe);
		ck_assert_uint_eq(machine.cr4_supported,
				  BIT64(8) | (bits[i].leaf == 7 ? 0 : bits[i].cr4));
	}
}
END_TEST

START_TEST(own_leaf_range_is_a_free_one)
{
	u32 *leaf1;

	sim_new(SIM_EPYC);
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_uint_eq(machine.hypervisor_leaf, 0x40000000);
	leaf1 = sim_cpuid(1, 0);
	leaf1[CPUID_ECX] |= 1u << 31;
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_uint_eq(machine.hypervisor_leaf, 0x40000000);
	sim_cpuid(0x40000000, 0)[CPUID_EAX] = 0x4000000c;
	sim_cpuid(0x40000100, 0)[CPUID_EAX] = 0x40000101;
	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert_uint_eq(machine.hypervisor_leaf, 0x40000200);
}
END_TEST

START_TEST(unusable_processors_say_why)
{
	bool busy;

	sim_new(SIM_EPYC);
	machine_probe(true, true, cpu_rdmsr_safe);
	why = (struct text){ .at = why_room, .size = sizeof(why_room) };
	ck_assert(machine_usable(&busy, &why) && !busy);
	*sim_msr(MSR_VM_CR) = VM_CR_SVMDIS;
	ck_assert(!machine_usable(&busy, &why) && !busy);
	ck_assert_str_eq(why.at, "SVM is disabled by the firmware (VM_CR.SVMDIS)");
	*sim_msr(MSR_VM_CR) = 0;
	*sim_msr(MSR_EFER) |= EFER_SVME;
	why.length = 0;
	ck_assert(!machine_usable(&busy, &why) && busy);
	ck_assert_str_eq(why.at, "another hypervisor is active (EFER.SVME is set)");
	*sim_msr(MSR_EFER) &= ~EFER_SVME;
	*sim_msr(0xc0010010) = BIT64(23);
	why.length = 0;
	ck_assert(!machine_usable(&busy, &why) && !busy);
	ck_assert_str_eq(why.at, "memory encryption (SME) is on");
	/* The MSR bit means something only where CPUID has SME. */
	sim_cpuid(0x8000001f, 0)[CPUID_EAX] = 0;
	ck_assert(machine_usable(&busy, &why));
	sim_cpuid(0x80000000, 0)[CPUID_EAX] = 0x8000001e;
	ck_assert(machine_usable(&busy, &why));
}
END_TEST

/* --- the block --- */

/* The root side's own map: what @va leads to, its rights in @flags; 0 if it is not mapped. */
static u64 root_walk(u64 va, u64 *flags)
{
	u32 level = machine.root_cr4 & CR4_LA57 ? 5 : 4;
	u64 table = machine.root_cr3, writable = PTE_W;
	u64 entry, bytes;

	for (;; level--) {
		bytes = PAGE_BYTES << (9 * (level - 1));
		/* Every table lies in the block. */
		ck_assert_uint_ne(block_offset(&machine, table), BLOCK_NONE);
		entry = ((u64 *)block_va(&machine, block_offset(&machine, table)))[va / bytes & 511];
		if (!(entry & PTE_P))
			return 0;
		ck_assert(!(entry & PTE_U));
		writable &= entry;
		if (level == 1 || entry & PTE_PS)
			break;
		table = entry & ENTRY_ADDRESS;
	}
	*flags = (entry & PTE_NX) | writable;
	return (entry & ENTRY_ADDRESS & ~(bytes - 1)) | (va & (bytes - 1));
}

static void check_mapped(u64 va, u64 pa, u64 flags)
{
	u64 got = 0;

	ck_assert_uint_eq(root_walk(va, &got), pa);
	ck_assert_uint_eq(got, flags);
}

extern char root_text_start[], root_rodata_start[], root_data_start[];

static void check_image(void)
{
	u64 pa = SIM_PIECE_PA(0);
	u8 *at = request.piece[0];

	check_mapped((uintptr_t)root_text_start, pa, 0);
	check_mapped((uintptr_t)root_text_start + 0x1fff, pa + 0x1fff, 0);
	check_mapped((uintptr_t)root_rodata_start, pa + 0x2000, PTE_NX);
	check_mapped((uintptr_t)root_data_start, pa + 0x3000, PTE_NX | PTE_W);
	ck_assert_uint_eq(at[0], 0x11);
	ck_assert_uint_eq(at[0x1fff], 0x11);
	ck_assert_uint_eq(at[0x2000], 0x22);
	ck_assert_uint_eq(at[0x3fff], 0x33);
}

/* Guest-physical memory: itself, but zeros that cannot be written where the block is. */
static void check_window(u64 phys_end)
{
	u64 pa, flags = 0;

	for (pa = 0x200; pa < phys_end; pa += PIECE_BYTES) {
		bool ours = block_offset(&machine, pa) != BLOCK_NONE;

		check_mapped(ROOT_PHYS + pa, ours ? machine.zero_pa + 0x200 : pa,
			     PTE_NX | (ours ? 0 : PTE_W));
	}
	ck_assert_uint_eq(root_walk(ROOT_PHYS + phys_end, &flags), 0);
}

static void check_block(void)
{
	u64 at, flags;
	u32 cpu;

	for (at = machine.image_bytes; at < machine.limit; at += PAGE_BYTES)
		check_mapped(ROOT_BLOCK + at, block_pa(&machine, at), PTE_NX | PTE_W);
	/* The image's text can be reached at its own address alone. */
	ck_assert_uint_eq(root_walk(ROOT_BLOCK, &flags), 0);
	for (cpu = 0; cpu < machine.cpus; cpu++) {
		u64 area = cpu_area(&machine, cpu);

		ck_assert_uint_eq(area / PIECE_BYTES, (area + CPU_BYTES - 1) / PIECE_BYTES);
		ck_assert_uint_eq(root_walk(ROOT_BLOCK + area + CPU_SAVE, &flags), 0);
		for (at = area + CPU_STACK; at < area + CPU_BYTES; at += PAGE_BYTES)
			check_mapped(ROOT_BLOCK + at, block_pa(&machine, at), PTE_NX | PTE_W);
	}
}

static void check_idt(void)
{
	u16 *gate = (void *)(uintptr_t)machine.idt;
	extern char root_fault_entries[];
	u32 i;

	for (i = 0; i < 32; i++, gate += 8) {
		u64 at = gate[0] | (u64)gate[3] << 16 | (u64)gate[4] << 32 | (u64)gate[5] << 48;

		ck_assert_uint_eq(at, (uintptr_t)root_fault_entries + 16 * i);
		ck_assert_uint_eq(gate[1], ROOT_CS);
		ck_assert_uint_eq(gate[2], 0x8e00);
	}
}

START_TEST(block_is_laid_out)
{
	sim_new(SIM_EPYC);
	ck_assert(build(4, 80, 6ULL << 30));
	check_image();
	check_block();
	check_window(6ULL << 30);
	check_idt();
	ck_assert_uint_eq(machine.root_cr4, CR4_PAE | CR4_MCE | CR4_SMEP | CR4_SMAP);
	/* The copy knows the root side's addresses, Linux's side goes on with its own. */
	ck_assert_ptr_eq(sim.copied.piece_va[3], (void *)(ROOT_BLOCK + 3 * PIECE_BYTES));
	ck_assert_ptr_eq(machine.piece_va[3], request.piece[3]);
	ck_assert_uint_eq(sim.copied.slat_root, machine.slat_root);
	ck_assert_uint_eq(sim.copied.root_cr3, machine.root_cr3);
}
END_TEST

START_TEST(block_without_large_pages)
{
	sim_new(SIM_PHENOM);
	ck_assert(build(2, 4, 6ULL << 30));
	check_image();
	check_block();
	check_window(6ULL << 30);
}
END_TEST

START_TEST(five_levels)
{
	sim_new(SIM_EPYC);
	sim_cpuid(7, 0)[CPUID_ECX] |= 1u << 16;
	sim.cr4 |= CR4_LA57;
	ck_assert(build(1, 2, 3ULL << 30));
	ck_assert(machine.root_cr4 & CR4_LA57);
	ck_assert_uint_eq(machine.slat.levels, 5);
	check_image();
	check_block();
	check_window(3ULL << 30);
}
END_TEST

START_TEST(cpu_areas)
{
	struct cpu_tables *t;
	struct vcpu *v;
	u32 cpu;
	u64 tss;

	sim_new(SIM_EPYC);
	ck_assert(build(4, 80, 1ULL << 30));
	for (cpu = 0; cpu < 80; cpu++) {
		v = machine_root_vcpu(cpu);
		ck_assert_uint_eq(v->id, cpu);
		ck_assert_uint_eq(machine_vcpu(cpu)->id, cpu);
		ck_assert_ptr_eq(v->machine, &machine);
		ck_assert_ptr_eq(v->plan, &machine.plans[0]);
		ck_assert_ptr_eq(v->control, (char *)v - CPU_VCPU + CPU_CONTROL);
		ck_assert_uint_eq(v->control_pa,
				  block_pa(&machine, (uintptr_t)v->control - ROOT_BLOCK));
		t = (void *)((char *)v - CPU_VCPU + CPU_TABLES);
		tss = (t->gdt[3] >> 16 & 0xffffff) | (t->gdt[3] >> 56) << 24 | t->gdt[4] << 32;
		ck_assert_uint_eq(tss, (uintptr_t)&t->tss);
		ck_assert_uint_eq(t->gdt[3] & 0xffff, sizeof(t->tss) - 1);
		ck_assert_uint_eq(t->gdt[3] >> 40 & 0xff, 0x8b);
		ck_assert_uint_eq(t->tss.rsp[0], (uintptr_t)v);
	}
}
END_TEST

START_TEST(pieces_are_enough_and_too_few_are_refused)
{
	static const struct {
		enum sim_model model;
		u32 cpus;
		u64 end;
	} cases[] = {
		{ SIM_EPYC, 1, 1ULL << 30 },	{ SIM_EPYC, CPUS_PER_PIECE - 1, 5ULL << 30 },
		{ SIM_EPYC, CPUS_PER_PIECE, 1ULL << 30 },	{ SIM_EPYC, 4 * CPUS_PER_PIECE - 4, 1ULL << 40 },
		{ SIM_PHENOM, 1, 20ULL << 30 }, { SIM_PHENOM, 30, 5ULL << 30 },
		{ SIM_INTEL, 2, 1ULL << 30 },	{ SIM_INTEL, 2 * CPUS_PER_PIECE - 2, 9ULL << 30 },
	};
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sim_new(cases[i].model);
		machine_probe(true, true, cpu_rdmsr_safe);
		ck_assert_msg(build(machine_pieces(cases[i].cpus, cases[i].end), cases[i].cpus,
				    cases[i].end), "%s", why.at);
		/* What is left is room for slat_fill(). */
		ck_assert_uint_le(machine.next + SLAT_SPARE_PAGES * PAGE_BYTES, machine.limit);
	}
	sim_new(SIM_PHENOM);
	ck_assert(!build(1, 2, 800ULL << 30));
	ck_assert_str_eq(why.at, "the root side's block is too small");
	ck_assert(!build(1, CPUS_PER_PIECE - 1, 1ULL << 30));
	ck_assert(!build(1, CPUS_PER_PIECE + 1, 1ULL << 30));
	ck_assert_str_eq(why.at, "the root side's block is too small");
	/* Wherever the room ends, a sentence is the end of it. */
	for (i = CPUS_PER_PIECE - 7, j = 0; i < CPUS_PER_PIECE - 1; i++) {
		sim_new(SIM_EPYC);
		if (!build(1, 1 + i, 3ULL << 30)) {
			ck_assert_str_eq(why.at, "the root side's block is too small");
			j++;
		}
	}
	ck_assert_uint_gt(j, 0);
	ck_assert_uint_lt(j, 6);
}
END_TEST

START_TEST(block_pages_stay_in_a_piece)
{
	void *at;
	u64 pa;

	sim_new(SIM_EPYC);
	ck_assert(build(3, CPUS_PER_PIECE, 1ULL << 30));
	machine.next = PIECE_BYTES - PAGE_BYTES;
	at = block_pages(&machine, 2, &pa);
	ck_assert_uint_eq(pa, SIM_PIECE_PA(1));
	ck_assert_ptr_eq(at, request.piece[1]);
	machine.next = machine.limit - PAGE_BYTES;
	memset(block_va(&machine, machine.next), 0xee, 16);
	at = block_pages(&machine, 1, &pa);
	ck_assert_ptr_nonnull(at);
	ck_assert_mem_eq(at, "\0\0\0\0", 4);
	ck_assert_ptr_null(block_pages(&machine, 1, &pa));
	ck_assert(block_overlaps(&machine, SIM_PIECE_PA(1) - 1, 2));
	ck_assert(!block_overlaps(&machine, SIM_PIECE_PA(1) - 1, 1));
	ck_assert(block_overlaps(&machine, SIM_PIECE_PA(1) + PIECE_BYTES - 1, 1));
	ck_assert(!block_overlaps(&machine, SIM_PIECE_PA(1) + PIECE_BYTES, 1));
	ck_assert_uint_eq(block_offset(&machine, SIM_PIECE_PA(2)), 2 * PIECE_BYTES);
	ck_assert_uint_eq(block_offset(&machine, SIM_PIECE_PA(2) - 1), BLOCK_NONE);
}
END_TEST

/* --- on the root stack --- */

/* Calls @function on a root stack whose next push goes below @top. */
static u64 call_on(u64 top, void *function, const void *argument)
{
	u64 result;

	asm volatile("mov %%rsp, %%rbx\n\tmov %[top], %%rsp\n\tcall *%[function]\n\t"
		     "mov %%rbx, %%rsp"
		     : "=a"(result), "+D"(argument)
		     : [top] "r"(top), [function] "r"(function)
		     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
	return result;
}

static u64 stack_top(u32 cpu)
{
	return (uintptr_t)machine_root_vcpu(cpu);
}

START_TEST(every_stack_knows_its_processor)
{
	static const u32 counts[] = { 1, 2, CPUS_PER_PIECE - 1, CPUS_PER_PIECE, CPUS_PER_PIECE + 1,
				      2 * CPUS_PER_PIECE, 80 };
	u32 i, cpu, pieces;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		sim_new(SIM_EPYC);
		machine_probe(true, true, cpu_rdmsr_safe);
		pieces = machine_pieces(counts[i], 1ULL << 30);
		ck_assert(build(pieces, counts[i], 1ULL << 30));
		for (cpu = 0; cpu < counts[i]; cpu++) {
			u64 v = stack_top(cpu);

			ck_assert_uint_eq(call_on(v, machine_here, NULL), v);
			ck_assert_uint_eq(call_on(v - CPU_STACK_BYTES + 512, machine_here, NULL),
					  v);
		}
	}
}
END_TEST

void root_fault(struct fault_frame *frame);

/* Whether an exception on that stack stops the processor; longjmp() leaves that stack behind. */
static bool halts_on(u64 top, struct fault_frame *frame)
{
	bool halted = SIM_HALTS(call_on(top, root_fault, frame));

	return halted;
}

START_TEST(exceptions_below)
{
	struct fault_frame frame = { .vector = VECTOR_NMI, .rip = 0x1234 };

	sim_new(SIM_EPYC);
	ck_assert(build(3, 40, 1ULL << 30));
	call_on(stack_top(39), root_fault, &frame);
	ck_assert_uint_eq(machine_root_vcpu(39)->nmis, 1);
	ck_assert_uint_eq(machine_root_vcpu(38)->nmis, 0);
	frame.vector = VECTOR_DB;
	root_fault(&frame);
	frame.vector = VECTOR_SX;
	root_fault(&frame);
	ck_assert_uint_eq(frame.rip, 0x1234);
	frame.vector = VECTOR_GP;
	frame.rip = 0x1111;
	root_fault(&frame);
	ck_assert_uint_eq(frame.rip, 0x2222);
	frame.rip = 0x1111;
	frame.vector = VECTOR_PF;
	root_fault(&frame);
	ck_assert_uint_eq(frame.rip, 0x2222);
	ck_assert_uint_eq(sim.said, 0);
	/* A place without a fix-up, and a vector that is none of theirs. */
	ck_assert(SIM_HALTS(root_fault(&frame)));
	ck_assert(sim_said("fault on the root side: vector 14, error 0x0, CR2 0x1234"));
	ck_assert_uint_eq(machine.stopped, 1);
	frame.rip = 0x1111;
	frame.vector = VECTOR_UD;
	ck_assert(SIM_HALTS(root_fault(&frame)));
	ck_assert(sim_said("vector 6"));
}
END_TEST

START_TEST(machine_checks_below)
{
	struct fault_frame frame = { .vector = VECTOR_MC, .rip = 0x1234 };

	sim_boot(SIM_INTEL, "none");
	sim_add_msr(MSR_MCG_STATUS, 5);
	call_on(stack_top(0), root_fault, &frame);
	ck_assert(V->machine_check);
	ck_assert(sim_vmcs[VMCS_PROC] & VMX_PROC_NMI_WINDOW);
	ck_assert_uint_eq(V->nmis, 0);
	ck_assert_uint_eq(sim.said, 0);
	/* What it interrupted is lost: all that the banks know, and an end. */
	V->machine_check = false;
	*sim_msr(MSR_MCG_STATUS) = 4;
	sim_add_msr(MSR_MCG_CAP, 3);
	sim_add_msr(0x401, 0);
	sim_add_msr(0x405, 0xbe00000000800400);
	sim_add_msr(0x406, 0x12345000);
	ck_assert(halts_on(stack_top(0), &frame));
	ck_assert(!V->machine_check);
	ck_assert(sim_said("cannot go on; status (0x4)"));
	ck_assert(sim_said("machine check; bank (0x1)"));
	ck_assert(sim_said("its status (0xbe00000000800400)"));
	ck_assert(sim_said("its address (0x12345000)"));
	ck_assert(!sim_said("bank (0x0)") && !sim_said("bank (0x2)"));
	ck_assert(sim_said("fault on the root side: vector 18"));
	/* On SVM it cannot come. */
	sim_boot(SIM_EPYC, "none");
	sim_add_msr(MSR_MCG_STATUS, 5);
	ck_assert(halts_on(stack_top(0), &frame));
	ck_assert(sim_said("vector 18"));
}
END_TEST

START_TEST(reset_tries_every_way)
{
	static const u16 ports[] = { 0xcf9, 0xcf9, 0x64 };

	sim_new(SIM_EPYC);
	ck_assert(SIM_HALTS(machine_reset()));
	ck_assert(sim_said("triple fault"));
	ck_assert_uint_eq(sim.ports, 3);
	ck_assert_mem_eq(sim.port, ports, sizeof(ports));
	ck_assert_uint_eq(sim.port_value[0], 0x02);
	ck_assert_uint_eq(sim.port_value[1], 0x06);
	ck_assert_uint_eq(sim.port_value[2], 0xfe);
}
END_TEST

/* --- taking and giving back --- */

START_TEST(take_makes_the_processor_the_guest)
{
	const struct svm_switch *sw = &sim.entered;
	u64 area;

	sim_boot(SIM_EPYC, "none");
	area = ROOT_BLOCK + cpu_area(&machine, 0);
	ck_assert_uint_eq(V->active, 1);
	ck_assert_uint_eq(sw->vcpu, (uintptr_t)V);
	ck_assert_uint_eq(sw->cr3, machine.root_cr3);
	ck_assert_uint_eq(sw->gdtr.base, area + CPU_TABLES);
	ck_assert_uint_eq(sw->gdtr.limit, 39);
	ck_assert_uint_eq(sw->idtr.base, machine.idt);
	ck_assert_uint_eq(sw->idtr.limit, 32 * 16 - 1);
	ck_assert_uint_eq(*sim_msr(MSR_VM_HSAVE_PA),
			  block_pa(&machine, cpu_area(&machine, 0) + CPU_SAVE));
	ck_assert_uint_eq(C->cr0, sim.cr0);
	ck_assert_uint_eq(C->cr2, 0x1234);
	ck_assert_uint_eq(C->cr3, sim.cr3);
	ck_assert_uint_eq(C->cr4, sim.cr4);
	ck_assert_uint_eq(C->dr6, 0xffff0ff0);
	ck_assert_uint_eq(C->dr7, 0x400);
	ck_assert_uint_eq(C->efer, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
	ck_assert_uint_eq(C->g_pat, *sim_msr(MSR_PAT));
	ck_assert_uint_eq(C->cs.attr, 0xa9b);
	ck_assert_uint_eq(C->cs.limit, 0xffffffff);
	ck_assert_uint_eq(C->cs.selector, 0x10);
	ck_assert_uint_eq(C->ss.attr, 0xc93);
	ck_assert_uint_eq(C->ds.attr, 0);
	ck_assert_uint_eq(C->tr.selector, 0x40);
	ck_assert_uint_eq(C->gdtr.base, (uintptr_t)sim.gdt);
	ck_assert_uint_eq(C->idtr.limit, 0xfff);
	ck_assert_uint_eq(C->nested_control, 1);
	ck_assert_uint_eq(C->nested_cr3, machine.slat_root);
	ck_assert_uint_eq(C->cpl, 0);
	ck_assert_uint_eq(C->intercept3, SVM_ICPT_INIT | SVM_ICPT_CPUID | SVM_ICPT_INVLPGA |
						 SVM_ICPT_MSR | SVM_ICPT_SHUTDOWN);
	ck_assert_uint_eq(C->intercept4, 0x7f);
	ck_assert_uint_eq(C->intercept_cr_read | C->intercept_cr_write | C->intercept_exceptions, 0);
}
END_TEST

START_TEST(segments_out_of_the_tables)
{
	/* A 16-bit data segment in the LDT, byte-granular; the root side reads the LDT as Linux. */
	static const u64 ldt[2] = { 0, 0x12409334567889abULL };

	sim_new(SIM_EPYC);
	ck_assert(build(1, 1, 1ULL << 30));
	sim.ldtr.base = (uintptr_t)ldt;
	sim.selectors[GUEST_DS] = 0xf;
	sim.selectors[GUEST_ES] = 3;
	ck_assert(machine_take(0));
	ck_assert_uint_eq(C->ds.selector, 0xf);
	ck_assert_uint_eq(C->ds.limit, 0x089ab);
	ck_assert_uint_eq(C->ds.base, 0x12345678);
	ck_assert_uint_eq(C->ds.attr, 0x493);
	ck_assert_uint_eq(C->es.selector, 3);
	ck_assert_uint_eq(C->es.attr, 0);
}
END_TEST

START_TEST(leave_gives_everything_back)
{
	sim_boot(SIM_EPYC, "umip");
	/* What the guest has changed meanwhile is in the VMCB. */
	C->cr0 ^= CR0_AM;
	C->cr2 = 0x5678;
	C->cr3 += 7;
	C->cr4 |= CR4_DE;
	C->dr6 = 0xffff4ff0;
	C->dr7 = 0x401;
	C->g_pat = 0x0606060606060606;
	C->efer &= ~EFER_SCE;
	C->gdtr.limit = 0x77;
	C->idtr.base = 0xfffffe0000001000;
	sim_at(SIM_CODE);
	C->rflags |= BIT64(6);
	sim.gpr[RBX] = 99;
	machine_leave();
	ck_assert(!sim.held);
	ck_assert_uint_eq(V->active, 0);
	ck_assert_uint_eq(sim.entered.rip, SIM_CODE + 3);
	ck_assert_uint_eq(sim.entered.rsp, C->rsp);
	ck_assert_uint_eq(sim.entered.rflags, RFLAGS_FIXED | BIT64(6));
	ck_assert_uint_eq(sim.entered.cs, 0x10);
	ck_assert_uint_eq(sim.entered.ss, 0x18);
	ck_assert_uint_eq(sim.cr0, 0x80050033 ^ CR0_AM);
	ck_assert_uint_eq(sim.cr2, 0x5678);
	ck_assert_uint_eq(sim.cr3 & 0xfff, 7);
	ck_assert_uint_eq(sim.cr4, C->cr4);
	ck_assert_uint_eq(sim.dr6, 0xffff4ff0);
	ck_assert_uint_eq(sim.dr7, 0x401);
	ck_assert_uint_eq(*sim_msr(MSR_PAT), 0x0606060606060606);
	ck_assert_uint_eq(*sim_msr(MSR_EFER), EFER_LME | EFER_LMA | EFER_NXE);
	ck_assert_uint_eq(*sim_msr(MSR_VM_CR), 0);
	ck_assert_uint_eq(*sim_msr(MSR_VM_HSAVE_PA), 0);
	ck_assert_uint_eq(sim.gdtr.limit, 0x77);
	ck_assert_uint_eq(sim.idtr.base, 0xfffffe0000001000);
	/* And it can be taken again. */
	ck_assert(machine_take(0));
	ck_assert_uint_eq(V->active, 1);
}
END_TEST

START_TEST(the_first_processor_opens_every_decoder)
{
	struct decoder *first, *second;

	sim_boot(SIM_EPYC, "none");
	first = machine_root_vcpu(0)->decoder;
	second = machine_root_vcpu(1)->decoder;
	ck_assert_ptr_eq(first, (char *)machine_root_vcpu(0) - CPU_VCPU + CPU_DECODER);
	ck_assert_ptr_eq(second, (char *)machine_root_vcpu(1) - CPU_VCPU + CPU_DECODER);
	memset(second, 0xaa, 16); /* would not be there after another opening */
	sim.cpu = 1;
	sim.held = false;
	*sim_msr(MSR_EFER) &= ~EFER_SVME;
	ck_assert(machine_take(1));
	ck_assert_ptr_eq(V->decoder, second);
	ck_assert_mem_eq(second, "\xaa\xaa", 2);
	ck_assert_uint_eq(sim.entered.vcpu, (uintptr_t)V);
}
END_TEST

START_TEST(intel_block)
{
	u8 *map;

	sim_new(SIM_INTEL);
	ck_assert(build(1, 2, 3ULL << 30));
	check_image();
	check_block();
	check_window(3ULL << 30);
	map = block_va(&machine, machine.msr_map[0]);
	ck_assert_uint_eq(map[0x3a / 8], 1u << (0x3a % 8));
	ck_assert_uint_eq(map[0x480 / 8], 0xff);
	ck_assert(machine.slat.typed);
	ck_assert_uint_eq(machine_call(HYPERCALL_APPLY, 1, 2, 4), HYPERCALL_MAGIC ^ 5);
}
END_TEST

/* --- the same on Intel --- */

START_TEST(intel_take_and_leave)
{
	u64 area;

	sim_boot(SIM_INTEL, "umip");
	area = ROOT_BLOCK + cpu_area(&machine, 0);
	ck_assert(sim.vmxon && V->active);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_CR3], machine.root_cr3);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_RSP], area + CPU_VCPU + GPRS * 8);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_GDTR_BASE], area + CPU_TABLES);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_IDTR_BASE], machine.idt);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_RIP], (uintptr_t)vmx_host_exit);
	ck_assert_uint_eq(sim_vmcs[VMCS_EPTP], machine.slat_root | 6 | 3 << 3);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_CR3], sim.cr3);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_SELECTOR(SEG_TR)], 0x40);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_BASE(SEG_TR)], 0xfffffe0000000300);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_LIMIT(SEG_TR)], 0x206f);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_BASE(SEG_LDTR)], 0xffff888000002000);
	ck_assert_uint_eq(sim_vmcs[VMCS_GUEST_IDTR_LIMIT], 0xfff);
	ck_assert_uint_eq(sim_vmcs[VMCS_LINK], ~0ULL);
	/* What the guest has changed meanwhile is what the last exit loads. */
	sim_vmcs[VMCS_GUEST_CR3] = 0x7000;
	sim_vmcs[VMCS_GUEST_RIP] = 0x1000;
	sim_vmcs[VMCS_GUEST_RSP] = 0x2000;
	sim_vmcs[VMCS_GUEST_DR7] = 0x401;
	sim_vmcs[VMCS_GUEST_DEBUGCTL] = 2;
	sim_vmcs[VMCS_GUEST_SELECTOR(GUEST_FS)] = 0x18;
	sim_vmcs[VMCS_GUEST_BASE(GUEST_FS)] = 0x7777;
	sim_vmcs[VMCS_EXIT_REASON] = VMX_EXIT_VMCALL;
	vmx_leave(V, 3);
	ck_assert(!V->active);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_CR3], 0x7000);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_RIP], 0x1003);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_RSP], 0x2000);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_SELECTOR(GUEST_CS)], 0x10);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_SELECTOR(GUEST_FS)], 0);
	ck_assert_uint_eq(sim_vmcs[VMCS_HOST_TR_BASE], 0xfffffe0000000300);
	machine.virt->left();
	ck_assert(!sim.vmxon);
	ck_assert_uint_eq(sim.cr4 & CR4_VMXE, 0);
	/* TR is loaded out of a copy in which the TSS is not busy; Linux's own table stays. */
	ck_assert_uint_eq(sim.reload_tss, 0x000089000300206f);
	ck_assert_uint_eq(sim.gdt[8], 0x00008b000300206f);
	ck_assert_uint_eq(sim.reload.gdtr.base, (uintptr_t)sim.gdt);
	ck_assert_uint_eq(sim.reload.idtr.limit, 0xfff);
	ck_assert_uint_eq(sim.reload.ldtr, 0x50);
	ck_assert_uint_eq(*sim_msr(MSR_FS_BASE), 0x7777);
	ck_assert_uint_eq(sim.dr7, 0x401);
	ck_assert_uint_eq(*sim_msr(MSR_DEBUGCTL), 2);
	ck_assert_uint_eq(sim.nmis, 0);
	/* An NMI that the last exit brought, or that was due before, is Linux's. */
	sim_vmcs[VMCS_EXIT_REASON] = VMX_EXIT_EVENT;
	sim_vmcs[VMCS_EXIT_EVENT] = VMX_EVENT_VALID | VMX_EVENT_TYPE_OF(VMX_EVENT_NMI) | 2;
	machine.virt->left();
	ck_assert_uint_eq(sim.nmis, 1);
	sim_vmcs[VMCS_EXIT_REASON] = VMX_EXIT_VMCALL;
	V->nmis = 1;
	machine.virt->left();
	ck_assert_uint_eq(sim.nmis, 2);
	/* A machine check opens the same window, and is none. */
	V->nmis = 0;
	ck_assert_uint_eq(sim.machine_checks, 0);
	V->machine_check = true;
	sim_vmcs[VMCS_PROC] |= VMX_PROC_NMI_WINDOW;
	machine.virt->left();
	ck_assert_uint_eq(sim.nmis, 2);
	ck_assert_uint_eq(sim.machine_checks, 1);
}
END_TEST

START_TEST(intel_refuses_and_changes_nothing)
{
	u64 cr4;

	sim_new(SIM_INTEL);
	ck_assert(build(1, 2, 1ULL << 30));
	cr4 = sim.cr4;
	sim.launch_fails = true;
	ck_assert(!machine_take(0));
	ck_assert(sim_said("VMLAUNCH fails"));
	ck_assert(!sim.vmxon && sim.cr4 == cr4 && !V->active);
	sim.launch_fails = false;
	sim.lacks = VMCS_EPTP;
	ck_assert(!machine_take(0));
	ck_assert(!sim.vmxon && sim.cr4 == cr4);
	sim.lacks = 0;
	sim.tr.selector = 63 * 8;
	ck_assert(!machine_take(0));
	sim.tr.selector = 0x40;
	/* Firmware that has left the choice to us. */
	*sim_msr(MSR_FEATURE_CONTROL) = 0;
	ck_assert(machine_take(0));
	ck_assert_uint_eq(*sim_msr(MSR_FEATURE_CONTROL),
			  FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_VMX);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		probe_finds_the_processor, probe_finds_cr4_bits, own_leaf_range_is_a_free_one,
		unusable_processors_say_why, block_is_laid_out, block_without_large_pages,
		five_levels, cpu_areas, pieces_are_enough_and_too_few_are_refused,
		block_pages_stay_in_a_piece, every_stack_knows_its_processor, exceptions_below,
		machine_checks_below,
		reset_tries_every_way, take_makes_the_processor_the_guest,
		segments_out_of_the_tables, leave_gives_everything_back,
		the_first_processor_opens_every_decoder, intel_block,
		intel_take_and_leave, intel_refuses_and_changes_nothing,
	};

	return sim_main("machine", tests, ARRAY_SIZE(tests));
}
