// SPDX-License-Identifier: GPL-2.0-only
/*
 * The block that is laid out for a machine: image, page tables, descriptor tables, areas.
 */
#include "machine_harness.h"

#include <string.h>

#include "../../guest-glue/fault.h"
#include "../../guest-glue/phys.h"

#define ENTRY_ADDRESS 0x000ffffffffff000ULL

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
		entry = ((u64 *)block_va(&machine,
					 block_offset(&machine, table)))[va / bytes & 511];
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

/* RAM that comes later, some of it twice: in the window at its address, and the block stays hidden. */
static void check_more(u64 phys_end)
{
	u64 start = machine.gbpages ? 0x240000000 : phys_end, end = start + 0x50000000, flags = 0;
	u64 pa;

	ck_assert(rootmap_more(&machine, start, start + 0x8000000));
	ck_assert(rootmap_more(&machine, start + 0x1000, end));
	ck_assert(rootmap_more(&machine, 0, end));
	ck_assert_uint_eq(machine.phys_end, end);
	for (pa = 0; pa < end; pa += PIECE_BYTES)
		check_mapped(ROOT_PHYS + pa, block_offset(&machine, pa) != BLOCK_NONE ? machine.zero_pa : pa,
			     PTE_NX | (block_offset(&machine, pa) != BLOCK_NONE ? 0 : PTE_W));
	ck_assert_uint_eq(root_walk(ROOT_PHYS + end, &flags), 0);
	/* No addresses at all, and more than there is room for. */
	ck_assert(!rootmap_more(&machine, end, end));
	ck_assert(!rootmap_more(&machine, end, BIT64(machine.maxphyaddr) + 1));
	ck_assert_uint_eq(machine.phys_end, end);
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

/* --- all of it, entry by entry --- */

struct seen {
	u64 text, rodata, data, block, phys, zeros;
};

static bool between(u64 va, u64 first, u64 end)
{
	return va >= first && va < end;
}

extern char root_text_end[], root_data_end[];

/* One mapping of @bytes: what may be there, and with which rights. */
static void check_leaf(struct seen *seen, u64 va, u64 pa, u64 bytes, bool write, bool execute)
{
	u64 offset = block_offset(&machine, pa);

	ck_assert_msg(!write || !execute, "%lx is writable and executable", (unsigned long)va);
	if (between(va, ROOT_PHYS, ROOT_PHYS + machine.phys_end)) {
		ck_assert_msg(!execute, "%lx -> %lx", (unsigned long)va, (unsigned long)pa);
		if (pa == machine.zero_pa) {
			ck_assert(!write);
			ck_assert_uint_ne(block_offset(&machine, va - ROOT_PHYS), BLOCK_NONE);
			seen->zeros += bytes;
			return;
		}
		ck_assert(write);
		ck_assert_uint_eq(pa, va - ROOT_PHYS);
		ck_assert(!block_overlaps(&machine, pa, bytes));
		seen->phys += bytes;
		return;
	}
	ck_assert_uint_eq(bytes, PAGE_BYTES);
	ck_assert_uint_ne(offset, BLOCK_NONE);
	if (between(va, ROOT_BLOCK, ROOT_BLOCK + machine.pieces * PIECE_BYTES)) {
		ck_assert_uint_eq(offset, va - ROOT_BLOCK);
		ck_assert_uint_ge(offset, machine.image_bytes);
		ck_assert(write && !execute);
		seen->block += bytes;
	} else if (between(va, (uintptr_t)root_text_start, (uintptr_t)root_text_end)) {
		ck_assert(!write && execute);
		seen->text += bytes;
	} else if (between(va, (uintptr_t)root_rodata_start, (uintptr_t)root_data_start)) {
		ck_assert(!write && !execute);
		seen->rodata += bytes;
	} else {
		ck_assert(between(va, (uintptr_t)root_data_start, (uintptr_t)root_data_end));
		ck_assert(write && !execute);
		seen->data += bytes;
	}
}

static void walk_all(struct seen *seen, u64 table_pa, u32 level, u64 base, bool write, bool execute)
{
	const u64 *table = block_va(&machine, block_offset(&machine, table_pa));
	u64 bytes = PAGE_BYTES << (9 * (level - 1));
	u32 i;

	for (i = 0; i < 512; i++) {
		u64 va = base + i * bytes, e = table[i];
		bool w = write && e & PTE_W, x = execute && !(e & PTE_NX);

		if (!(e & PTE_P)) {
			ck_assert_uint_eq(e, 0);
			continue;
		}
		ck_assert(!(e & PTE_U));
		if (level == 4 && !base && i >= 256)
			va |= 0xffffULL << 48;
		if (level == 1 || e & PTE_PS)
			check_leaf(seen, va, e & ENTRY_ADDRESS & ~(bytes - 1), bytes, w, x);
		else
			walk_all(seen, e & ENTRY_ADDRESS, level - 1, va, w, x);
	}
}

static void check_everything(u64 phys_end)
{
	struct seen seen = { 0 };
	u64 held = machine.pieces * PIECE_BYTES;

	walk_all(&seen, machine.root_cr3, 4, 0, true, true);
	ck_assert_uint_eq(seen.text, 0x2000);
	ck_assert_uint_eq(seen.rodata, 0x1000);
	ck_assert_uint_eq(seen.data, 0x1000);
	/* All but the image and, below each stack, a guard. */
	ck_assert_uint_eq(seen.block, machine.limit - machine.image_bytes +
					      machine.cpus * (u64)(CPU_BYTES - PAGE_BYTES));
	ck_assert_uint_eq(seen.zeros, held);
	ck_assert_uint_eq(seen.phys, phys_end - held);
	/* Without these the rights would be for nothing. */
	ck_assert(machine.root_cr0 & CR0_WP);
}

START_TEST(no_page_is_writable_and_executable)
{
	sim_new(SIM_EPYC);
	ck_assert(build(1, 8, 6ULL << 30));
	check_everything(6ULL << 30);
	sim_new(SIM_PHENOM);
	ck_assert(build(2, 4, 6ULL << 30));
	check_everything(6ULL << 30);
	sim_new(SIM_INTEL);
	ck_assert(build(1, 2, 3ULL << 30));
	check_everything(3ULL << 30);
}
END_TEST

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
	check_more(6ULL << 30);
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
	check_more(3ULL << 30);
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
		{ SIM_EPYC, 1, 1ULL << 30 },
		{ SIM_EPYC, CPUS_PER_PIECE - 1, 5ULL << 30 },
		{ SIM_EPYC, CPUS_PER_PIECE, 1ULL << 30 },
		{ SIM_EPYC, 4 * CPUS_PER_PIECE - 4, 1ULL << 40 },
		{ SIM_PHENOM, 1, 20ULL << 30 },
		{ SIM_PHENOM, 30, 5ULL << 30 },
		{ SIM_INTEL, 2, 1ULL << 30 },
		{ SIM_INTEL, 2 * CPUS_PER_PIECE - 2, 9ULL << 30 },
	};
	u32 i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sim_new(cases[i].model);
		machine_probe(true, true, cpu_rdmsr_safe);
		ck_assert_msg(build(machine_pieces(cases[i].cpus, cases[i].end), cases[i].cpus,
				    cases[i].end),
			      "%s", why.at);
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

/* Each time that pages are asked for they are not there, once: nothing is built, and the next try succeeds. */
START_TEST(each_page_can_be_wanting)
{
	enum sim_model model;
	u32 n, asked;

	for (model = 0; model < SIM_MODELS; model++) {
		sim_new(model);
		ck_assert(build(1, 2, 3ULL << 30));
		asked = sim.pages;
		ck_assert_uint_gt(asked, 5);
		for (n = 1; n <= asked; n++) {
			sim_new(model);
			sim.no_page = n;
			ck_assert_msg(!build(1, 2, 3ULL << 30), "%u of %u", n, asked);
			ck_assert_str_eq(why.at, "the root side's block is too small");
			/* Nobody has been taken, and nothing copied that could be entered. */
			ck_assert(!sim.held && !sim.vmxon && !sim.copied.root_cr3);
			ck_assert(build(1, 2, 3ULL << 30));
		}
		ck_assert(machine_take(0));
	}
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

int main(void)
{
	const TTest *const tests[] = {
		no_page_is_writable_and_executable,
		block_is_laid_out,
		block_without_large_pages,
		five_levels,
		cpu_areas,
		pieces_are_enough_and_too_few_are_refused,
		block_pages_stay_in_a_piece,
		each_page_can_be_wanting,
		intel_block,
	};

	return sim_main("block", tests, ARRAY_SIZE(tests));
}
