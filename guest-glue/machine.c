// SPDX-License-Identifier: GPL-2.0-only
/*
 * machine.c - what this processor is, and the block laid out for it.
 *
 * All of it runs in Linux's world before any processor is taken. Pointers that the root side will
 * follow hold root-side addresses from the start; only this file knows where Linux sees the same
 * bytes meanwhile.
 */
#include "machine.h"

#include "../decoder/decode.h"
#include "fault.h"
#include "hypercall.h"
#include "rootmap.h"
#include "string.h"

struct machine machine;

static_assert(DECODER_ARENA <= CPU_RING - CPU_DECODER, "a decoder does not fit");
static_assert(sizeof(struct cpu_tables) <= CPU_BUCKETS - CPU_TABLES &&
		      sizeof(struct event_buckets) <= CPU_CONTROL - CPU_BUCKETS,
	      "a page is too small for tables and rate limits");
static_assert(sizeof(struct vcpu) <= CPU_TABLES - CPU_VCPU, "struct vcpu is too large");

extern const struct virt *const __start_oldguard_virts[];
extern const struct virt *const __stop_oldguard_virts[];

const struct virt *virt_find(void)
{
	const struct virt *const *p;

	for (p = __start_oldguard_virts; p < __stop_oldguard_virts; p++)
		if ((*p)->present())
			return *p;
	return NULL;
}

/* The next 0x100 step from 0x40000000 that a hypervisor above us does not use. */
static u32 free_hypervisor_leaf(void)
{
	u32 base = 0x40000000;
	u32 out[4];

	cpu_cpuid(1, 0, out);
	if (!(out[CPUID_ECX] >> 31))
		return base;
	for (; base < 0x40010000; base += 0x100) {
		cpu_cpuid(base, 0, out);
		if (out[CPUID_EAX] < base || out[CPUID_EAX] >= base + 0x100)
			break;
	}
	return base;
}

/* Which CR4 bits this processor has, by the CPUID bits that announce them. */
static u64 cr4_supported(u32 max_basic)
{
	u64 cr4 = 0;
	u32 l1[4], l7[4] = { 0 };

	cpu_cpuid(1, 0, l1);
	if (max_basic >= 7)
		cpu_cpuid(7, 0, l7);
	cr4 |= l1[CPUID_EDX] & 1u << 1 ? CR4_VME | BIT64(1) : 0;
	cr4 |= l1[CPUID_EDX] & 1u << 4 ? BIT64(2) : 0; /* TSD */
	cr4 |= l1[CPUID_EDX] & 1u << 2 ? CR4_DE : 0;
	cr4 |= l1[CPUID_EDX] & 1u << 3 ? CR4_PSE : 0;
	cr4 |= l1[CPUID_EDX] & 1u << 6 ? CR4_PAE : 0;
	cr4 |= l1[CPUID_EDX] & 1u << 7 ? CR4_MCE : 0;
	cr4 |= l1[CPUID_EDX] & 1u << 13 ? CR4_PGE : 0;
	cr4 |= BIT64(8); /* PCE */
	cr4 |= l1[CPUID_EDX] & 1u << 24 ? CR4_OSFXSR : 0;
	cr4 |= l1[CPUID_EDX] & 1u << 25 ? CR4_OSXMMEXCPT : 0;
	cr4 |= l1[CPUID_ECX] & 1u << 17 ? CR4_PCIDE : 0;
	cr4 |= l1[CPUID_ECX] & 1u << 26 ? CR4_OSXSAVE : 0;
	cr4 |= l1[CPUID_ECX] & 1u << 6 ? CR4_SMXE : 0;
	cr4 |= l7[CPUID_EBX] & 1u << 0 ? CR4_FSGSBASE : 0;
	cr4 |= l7[CPUID_EBX] & 1u << 7 ? CR4_SMEP : 0;
	cr4 |= l7[CPUID_EBX] & 1u << 20 ? CR4_SMAP : 0;
	cr4 |= l7[CPUID_ECX] & 1u << 2 ? CR4_UMIP : 0;
	cr4 |= l7[CPUID_ECX] & 1u << 3 ? CR4_PKE : 0;
	cr4 |= l7[CPUID_ECX] & 1u << 16 ? CR4_LA57 : 0;
	cr4 |= (l7[CPUID_ECX] & 1u << 7) || (l7[CPUID_EDX] & 1u << 20) ? CR4_CET : 0;
	return cr4;
}

/* What the decoder must know, beyond what all processors agree on. */
static u32 decoder_flags(void)
{
	u32 out[4], flags = 0;

	cpu_cpuid(0x80000001, 0, out);
	if (out[CPUID_ECX] >> 4 & 1)
		flags |= DECODER_LOCK_MOV_CR8;
	/* APM vol. 3, 1.2.2; the other maker's processors ignore the prefix (SDM vol. 2, CALL). */
	if (features_maker() == MAKER_AMD)
		flags |= DECODER_BRANCH_66;
	return flags;
}

void machine_show(struct machine *m)
{
	u32 out[4] = { 0 };

	out[CPUID_ECX] = ~0u;
	m->virt->hide(1, 0, out);
	m->leaf1_ecx = out[CPUID_ECX];
}

void machine_probe(bool slat, bool hypervisor_bit, msr_reader read)
{
	struct machine *m = &machine;
	u32 out[4];

	memset(m, 0, sizeof(*m));
	cpu_cpuid(0, 0, out);
	m->max_basic = out[CPUID_EAX];
	cpu_cpuid(0x80000000, 0, out);
	m->max_extended = out[CPUID_EAX];
	cpu_cpuid(0x80000001, 0, out);
	m->gbpages = out[CPUID_EDX] >> 26 & 1;
	m->maxphyaddr = 36;
	if (m->max_extended >= 0x80000008) {
		cpu_cpuid(0x80000008, 0, out);
		m->maxphyaddr = (u8)out[CPUID_EAX];
	}
	m->cr4_supported = cr4_supported(m->max_basic);
	m->hypervisor_leaf = free_hypervisor_leaf();
	m->hypervisor_bit = hypervisor_bit;
	features_probe(read);
	m->out_of_range_is_highest = features_maker() == MAKER_INTEL;
	m->syscall_in_64_only = m->out_of_range_is_highest;
	m->decoder_flags = decoder_flags();
	m->virt = virt_find();
	if (m->virt) {
		machine_show(m);
		m->virt->caps(&m->caps, slat);
	}
}

void machine_kvm(enum kvm_mode mode)
{
	machine.kvm = mode;
	if (mode == KVM_NESTED)
		machine.caps.facilities |= FACILITY(NESTED);
}

static u64 nested_pages(u32 cpus)
{
	return machine.kvm == KVM_NESTED ? 1 + cpus * machine.virt->nested_pages(cpus) : 0;
}

/*
 * The image, per-CPU areas, and the tables: the root side's map of RAM and the second-level
 * tables. Each takes a page per GiB where there are no 1 GiB pages and for the first four GiB
 * anyway. The rest is room for what is mapped later (slat_fill()).
 */
u32 machine_pieces(u32 cpus, u64 phys_end)
{
	u64 gib = machine.gbpages && machine.slat.gbpages ? 4 : (phys_end >> 30) + 4;
	u64 pages = 2 * (gib + gib / 512) + SLAT_SPARE_PAGES + 32 + nested_pages(cpus);
	u64 bytes = root_image_bytes() + pages * PAGE_BYTES + cpus % CPUS_PER_PIECE * CPU_BYTES;

	return cpus / CPUS_PER_PIECE + (bytes + PIECE_BYTES - 1) / PIECE_BYTES;
}

u64 block_offset(const struct machine *m, u64 pa)
{
	u32 i;

	for (i = 0; i < m->pieces; i++)
		if (pa - m->piece_pa[i] < PIECE_BYTES)
			return i * PIECE_BYTES + (pa - m->piece_pa[i]);
	return BLOCK_NONE;
}

bool block_overlaps(const struct machine *m, u64 pa, u64 bytes)
{
	u32 i;

	for (i = 0; i < m->pieces; i++)
		if (pa < m->piece_pa[i] + PIECE_BYTES && pa + bytes > m->piece_pa[i])
			return true;
	return false;
}

void *block_pages(struct machine *m, u32 count, u64 *pa)
{
	u64 at = m->next;

	/* Two pieces are neighbours by chance only. */
	if (at % PIECE_BYTES + count * PAGE_BYTES > PIECE_BYTES)
		at = (at / PIECE_BYTES + 1) * PIECE_BYTES;
	if (at + count * PAGE_BYTES > m->limit)
		return NULL;
	m->next = at + count * PAGE_BYTES;
	*pa = block_pa(m, at);
	return memset(block_va(m, at), 0, count * PAGE_BYTES);
}

struct vcpu *machine_vcpu(u32 cpu)
{
	return block_va(&machine, cpu_area(&machine, cpu) + CPU_VCPU);
}

const struct event_ring *machine_ring(u32 cpu, u64 *pa)
{
	u64 offset = cpu_area(&machine, cpu) + CPU_RING;

	if (pa)
		*pa = block_pa(&machine, offset);
	return block_va(&machine, offset);
}

struct vcpu *machine_root_vcpu(u32 cpu)
{
	return (struct vcpu *)(uintptr_t)(ROOT_BLOCK + cpu_area(&machine, cpu) + CPU_VCPU);
}

struct vcpu *machine_here(void)
{
	u64 offset = (uintptr_t)__builtin_frame_address(0) - ROOT_BLOCK;
	u64 piece = offset / PIECE_BYTES;
	/* Areas lie from a piece's end down, see cpu_area(). */
	u64 area = (PIECE_BYTES - 1 - offset % PIECE_BYTES) / CPU_BYTES;

	return machine_root_vcpu((machine.pieces - 1 - piece) * CPUS_PER_PIECE + area);
}

/* A processor's GDT and TSS. The TSS matters where the processor loads TR on each exit. */
static void build_tables(struct cpu_tables *t, u64 root_va, u64 stack_top)
{
	u64 base = root_va + offsetof(struct cpu_tables, tss);
	u64 limit = sizeof(t->tss) - 1;

	t->tss.rsp[0] = stack_top;
	t->tss.iomap = sizeof(t->tss);
	t->gdt[ROOT_CS / 8] = 0x00209b0000000000ULL; /* code, 64-bit, DPL 0, accessed */
	t->gdt[ROOT_DS / 8] = 0x00cf93000000ffffULL; /* data, DPL 0, accessed */
	t->gdt[ROOT_TR / 8] = limit | (base & 0xffffff) << 16 | 0x8bULL << 40 |
			      (base >> 24 & 0xff) << 56;
	t->gdt[ROOT_TR / 8 + 1] = base >> 32;
}

static void build_vcpu(struct machine *m, u32 cpu, const u64 *current_pa)
{
	u64 area = cpu_area(m, cpu);
	struct vcpu *v = machine_vcpu(cpu);

	memset(block_va(m, area), 0, CPU_BYTES);
	v->id = cpu;
	v->virt = m->virt;
	v->machine = m;
	v->plan = &m->plans[m->current_plan];
	v->control_pa = block_pa(m, area + CPU_CONTROL);
	v->control = (void *)(uintptr_t)(ROOT_BLOCK + area + CPU_CONTROL);
	v->ring = (void *)(uintptr_t)(ROOT_BLOCK + area + CPU_RING);
	v->buckets = (void *)(uintptr_t)(ROOT_BLOCK + area + CPU_BUCKETS);
	v->current_pa = current_pa ? current_pa[cpu] : 0;
	build_tables(block_va(m, area + CPU_TABLES), ROOT_BLOCK + area + CPU_TABLES,
		     ROOT_BLOCK + area + CPU_VCPU);
	m->virt->build_vcpu(v);
}

bool machine_usable(bool *busy, struct text *why)
{
	return machine.virt->usable(busy, why);
}

bool machine_take(u32 cpu)
{
	/* Not root_enter()'s to clear: an NMI may come before it. */
	machine_vcpu(cpu)->nmis = 0;
	machine_vcpu(cpu)->machine_check = false;
	return machine.virt->take(machine_vcpu(cpu));
}

u64 machine_call(u64 number, u64 a, u64 b, u64 c)
{
	return machine.virt->hypercall(HYPERCALL_MAGIC ^ number, a, b, c);
}

void machine_set_aside(u32 cpu, bool aside)
{
	machine_vcpu(cpu)->aside = aside;
}

bool machine_leave(void)
{
	if (machine_call(HYPERCALL_LEAVE, 0, 0, 0) != HYPERCALL_OK)
		return false;
	machine.virt->left();
	return true;
}

void plan_follow(struct vcpu *v)
{
	u32 i;

	v->plan = &v->machine->plans[v->machine->current_plan];
	event_forget(v);
	/* What the guest has asked a feature for lasts as long as the feature. */
	v->asked &= v->plan->on;
	/* A virtual CR4 bit goes away with its feature, as it would with the hardware. */
	v->cr4 &= v->plan->cr4 | v->machine->cr4_busy;
	for (i = 0; i < feature_count(); i++)
		if (v->plan->on >> i & 1 && feature_get(i)->apply)
			feature_get(i)->apply(v);
	cpuid_prepare(v);
	v->virt->traps(v);
	if (v->machine->slat_root)
		v->virt->flush(v);
}

/*
 * Processors are taken one after the other. The first one opens everybody's decoder: a decoder
 * stands at the addresses where it was opened, and opening is nothing for two at a time.
 */
void root_enter(struct vcpu *v)
{
	struct machine *m = v->machine;
	u32 cpu;

	for (cpu = v->decoder ? m->cpus : 0; cpu < m->cpus; cpu++) {
		u64 arena = ROOT_BLOCK + cpu_area(m, cpu) + CPU_DECODER;

		machine_root_vcpu(cpu)->decoder = decoder_init((void *)(uintptr_t)arena,
							       DECODER_ARENA, m->decoder_flags);
		if (!machine_root_vcpu(cpu)->decoder)
			root_die("a decoder does not fit its arena", cpu);
	}
	v->cr4 = 0;
	v->asked = 0;
	v->step = (struct step){ 0 };
	v->aside = false;
	v->active = 1;
	v->types_due = false;
	plan_follow(v);
}

bool machine_build(const struct machine_request *request, struct text *why)
{
	struct machine *m = &machine;
	u32 i;

	m->pieces = request->pieces;
	for (i = 0; i < m->pieces; i++) {
		m->piece_pa[i] = request->piece_pa[i];
		m->piece_va[i] = request->piece[i];
	}
	m->phys_end = request->phys_end;
	m->cpus = request->cpus;
	m->linux_side = request->linux_side;
	machine_show(m);
	m->sealing = false;
	m->seals = (struct seals){ .key = { request->key[0], request->key[1] } };
	guests_start(m);
	m->image_bytes = root_image_bytes();
	m->next = m->image_bytes;
	m->limit = cpu_area(m, m->cpus - 1);
	/*
	 * Paging, write protection, no FPU owner to disturb; no PCIDs and no global pages, so that
	 * the switch from Linux's world flushes what it left.
	 */
	m->root_cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE;
	m->root_cr4 = CR4_PAE | CR4_MCE | (cpu_read_cr4() & CR4_LA57) |
		      (m->cr4_supported & (CR4_SMEP | CR4_SMAP));
	if (m->cpus > m->pieces * CPUS_PER_PIECE || m->limit < m->image_bytes || !rootmap_build(m) || !fault_build(m)) {
		text_add(why, "the root side's block is too small");
		return false;
	}
	if (!m->virt->build(m, why))
		return false;
	if (!slat_guard_prepare(m, m->current_plan)) {
		text_add(why, "the root side's block is too small for what rules protect");
		return false;
	}
	slat_guard_apply(m, m->current_plan);
	for (i = 0; i < m->cpus; i++)
		build_vcpu(m, i, request->current_pa);
	/* The copy is what the root side finds: it has the root side's addresses. */
	for (i = 0; i < m->pieces; i++)
		m->piece_va[i] = (void *)(uintptr_t)(ROOT_BLOCK + i * PIECE_BYTES);
	root_image_copy(request->piece);
	for (i = 0; i < m->pieces; i++)
		m->piece_va[i] = request->piece[i];
	return true;
}
