/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - what all processors share below Linux, and the block of memory that holds it.
 *
 * The block is one piece of memory of 2 MiB, or several for many processors, allocated by the
 * Linux side and filled in Linux's world before anybody enters it. Offsets count through the
 * pieces as if they were one:
 *
 *	image		the root side's sections and plug-ins', copied page by page
 *	pages		a bump allocator: page tables, bitmaps, zero page
 *	CPU areas	one a possible processor, CPU_BYTES each, none across two pieces
 *
 * The root side's page tables map the module's link addresses onto the image, the whole block
 * once more at ROOT_BLOCK (less what must not be written there), and guest-physical memory as the
 * guest sees it at ROOT_PHYS.
 */
#ifndef OLDGUARD_MACHINE_H
#define OLDGUARD_MACHINE_H

#include "asm.h"
#include "guest_seals.h"
#include "seal.h"
#include "slat.h"
#include "vcpu.h"

#define PIECE_BYTES (2ULL << 20)
#define PIECES_MAX 64

/* Root-side address of the block: PML4 slot 64, far from any that Linux gives a module. */
#define ROOT_BLOCK 0x0000200000000000ULL

/*
 * One processor's area. The host-save page or VMXON region is reached by physical address only,
 * so it needs no mapping and its place serves as the guard page under the stack.
 */
#define CPU_SAVE 0x0000 /* host-save area or VMXON region; unmapped: guard */
#define CPU_STACK 0x1000
#define CPU_STACK_BYTES 0x2000
#define CPU_VCPU 0x3000 /* struct vcpu, at the stack's top */
#define CPU_TABLES 0x4000 /* GDT, TSS */
#define CPU_BUCKETS 0x4400 /* struct event_buckets */
#define CPU_CONTROL 0x5000 /* VMCB or VMCS */
#define CPU_DECODER 0x6000
#define CPU_RING 0xe000 /* struct event_ring: the one page of the block that the guest can read */
#define CPU_BYTES 0xf000
#define CPUS_PER_PIECE (PIECE_BYTES / CPU_BYTES)

/* One in force, one that is being made. */
#define PLANS 2

#define IDT_BYTES (32 * 16) /* the processor's own vectors */

/* The TSS of 64-bit mode: AMD APM vol. 2, 12.2.5; Intel SDM vol. 3, 7.7. */
struct root_tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 iomap;
} __attribute__((packed));

/**
 * struct cpu_tables - a processor's own descriptor tables
 * @gdt: null, code, data, and the TSS's two halves
 * @tss: the TSS
 * @vendor: small tables of the vendor's own
 */
struct cpu_tables {
	u64 gdt[5];
	struct root_tss tss;
	u64 vendor[8] __attribute__((aligned(16)));
};

/* What other users of the processor's virtualisation extension get: the parameter kvm=. */
enum kvm_mode {
	KVM_HIDE,   /* a processor without it */
	KVM_ASIDE,  /* a processor that we give back while they have it */
	KVM_NESTED, /* it works, for a guest of ours */
	KVM_MODES
};

/**
 * struct machine - shared state, inside the image
 * @virt: the vendor
 * @caps: what it offers
 * @plans: two, so that one can be made while the other is in force
 * @current_plan: index of the one in force, or that processors are switching to
 * @hypervisor_leaf: base of our CPUID range
 * @hypervisor_bit: whether CPUID.1:ECX[31] is set in the view
 * @kvm: what KVM and the like get; one of @caps.kvm_modes, set before machine_build()
 * @max_basic: the processor's own highest basic leaf
 * @max_extended: the processor's own highest extended leaf
 * @leaf1_ecx: CPUID.1:ECX bits that the vendor lets the guest see
 * @hides_basic: it hides something in basic leaves, too, besides leaf 1
 * @no_plain_cpuid: no basic leaf may be called plain (vcpu.cpuid_plain)
 * @out_of_range_is_highest: Intel's rule for leaves beyond the highest
 * @syscall_in_64_only: CPUID says SYSCALL in 64-bit mode only: Intel's rule
 * @maxphyaddr: physical-address bits
 * @decoder_flags: DECODER_* bits, what this processor's instruction set has
 * @cr4_supported: CR4 bits that the processor has, from its CPUID
 * @cr4_busy: CR4 bits by which hypervisors tell each other that a processor is taken; the guest
 *	can set them and reads them back
 * @gbpages: 1 GiB pages in ordinary page tables
 * @piece_pa: the block: system-physical address of each piece
 * @piece_va: where this side sees it: the copy that Linux sees has Linux's addresses
 * @pieces: how many
 * @image_bytes: of the image at the block's start
 * @next: bump allocator: offset of the next free page
 * @limit: and where it ends
 * @cpus: number of CPU areas, from the block's end down
 * @phys_end: end of RAM; ROOT_PHYS is mapped up to here, less what was no RAM when the machine was built
 * @root_cr0: the root side's control registers
 * @root_cr3: "
 * @root_cr4: "
 * @idt: ROOT_BLOCK address of the IDT
 * @zero_pa: a page of zeros: what the guest reads of the block
 * @slat: form of the second-level tables
 * @slat_root: their root, 0 without
 * @slat_lock: taken to change them
 * @mtrrs: what their types were made of
 * @guard: memory that each plan protects
 * @seals: memory that a kernel has asked us to protect
 * @guests: what guests of a hypervisor in the guest have asked for
 * @view_pa: the pages of the view for single instructions
 * @view_used: how many of them it has taken
 * @view_lock: held by the processor whose view it is
 * @msr_map: the vendor's MSR bitmap for each plan, offsets into the block
 * @io_map: a bit for each port, for each plan; offsets into the block
 * @nested: for each processor, where its part for a hypervisor in the guest is; offsets into the
 *	block; Linux's side, NULL without kvm=nested
 * @locked: from now on plans only tighten and no processor is given back
 * @stay: no processor goes aside: a task relies on what only we can give
 * @sealing: the same: a page is sealed
 * @partial: some processor of the machine is never held: nothing can be sealed
 * @landed: Linux's side's, told on a processor that has gone aside; called in Linux's world only
 * @linux_side: where Linux keeps who is running
 * @stage_lock: taken while a plan is made
 * @stopped: how often a processor has stopped the guest; the reason is on the console
 */
struct machine {
	const struct virt *virt;
	struct virt_caps caps;
	struct plan plans[PLANS];
	u32 current_plan;
	u32 hypervisor_leaf;
	bool hypervisor_bit;
	enum kvm_mode kvm;
	u32 max_basic;
	u32 max_extended;
	u32 leaf1_ecx;
	bool hides_basic;
	bool no_plain_cpuid;
	bool out_of_range_is_highest;
	bool syscall_in_64_only;
	u8 maxphyaddr;
	u32 decoder_flags;
	u64 cr4_supported;
	u64 cr4_busy;
	bool gbpages;
	u64 piece_pa[PIECES_MAX];
	void *piece_va[PIECES_MAX];
	u32 pieces;
	u64 image_bytes;
	u64 next;
	u64 limit;
	u32 cpus;
	u64 phys_end;
	u64 root_cr0;
	u64 root_cr3;
	u64 root_cr4;
	u64 idt;
	u64 zero_pa;
	struct slat_format slat;
	u64 slat_root;
	u32 slat_lock;
	struct mtrrs mtrrs;
	struct page_ranges guard[PLANS];
	struct seals seals;
	struct guests guests;
	u64 view_pa;
	u32 view_used;
	u32 view_lock;
	u64 msr_map[PLANS];
	u64 io_map[PLANS];
	u32 *nested;
	bool locked;
	bool stay;
	bool sealing;
	bool partial;
	void (*landed)(void);
	struct event_linux linux_side;
	u32 stage_lock;
	u32 stopped;
};

/* The one machine. Linux's world sees a dead copy of it once the image is copied. */
extern struct machine machine;

/**
 * struct machine_request - what the Linux side tells machine_build()
 * @piece: where Linux sees each piece of the block
 * @piece_pa: its system-physical address, a multiple of PIECE_BYTES
 * @pieces: how many
 * @cpus: possible processors: ids 0 to cpus - 1
 * @phys_end: end of RAM
 * @current_pa: for each processor, the physical address of Linux's pointer to the task that runs
 *	there; NULL: reports do not say who it was
 * @linux_side: where Linux keeps who is running
 * @key: random; for seals
 */
struct machine_request {
	void *piece[PIECES_MAX];
	u64 piece_pa[PIECES_MAX];
	u32 pieces;
	u32 cpus;
	u64 phys_end;
	u64 *current_pa;
	struct event_linux linux_side;
	u64 key[2];
};

/**
 * machine_pieces() - how many pieces the block must have
 * @cpus: possible processors
 * @phys_end: end of RAM in bytes
 *
 * After machine_probe().
 *
 * Return: pieces of PIECE_BYTES; more than PIECES_MAX: this machine is too large.
 */
u32 machine_pieces(u32 cpus, u64 phys_end);

/**
 * machine_probe() - find the vendor and what this processor can do
 * @slat: whether second-level paging is wanted
 * @hypervisor_bit: whether the view may set CPUID.1:ECX[31]
 * @read: reads an MSR that may not exist; Linux's, whose fault handler is in force yet
 *
 * Linux's side, any processor. Fills machine.virt (NULL: none), caps and the CPUID facts.
 */
void machine_probe(bool slat, bool hypervisor_bit, msr_reader read);

/* machine_kvm() - what users of the processor's virtualisation extension are to get: before plans are made */
void machine_kvm(enum kvm_mode mode);

/**
 * machine_build() - lay out the block: page tables, descriptor tables, control blocks, image
 * @request: what Linux knows
 * @why: on error, what is wrong
 *
 * Linux's side, before any processor is taken; machine.plans[machine.current_plan] is made.
 * The image is copied last, so everything the root side will find in its own data is in it.
 *
 * Return: false if the block is too small or the vendor refuses.
 */
bool machine_build(const struct machine_request *request, struct text *why);

/*
 * The vendor's functions for Linux's side, which calls them by these names alone: a processor
 * with indirect-branch tracking would refuse a call through struct virt that Linux's compiler made.
 */

/* machine_usable() - struct virt.usable of the processor we run on. */
bool machine_usable(bool *busy, struct text *why);

/**
 * machine_take() - make the processor we run on the guest
 * @cpu: its id; interrupts are off and this is not the time of another one's taking
 *
 * Return: true in guest mode, false with nothing changed.
 */
bool machine_take(u32 cpu);

/* machine_leave() - give back the processor we run on; interrupts are off. False: locked. */
bool machine_leave(void);

/* machine_call() - call the root side: enum hypercall; returns enum hypercall_result. */
u64 machine_call(u64 number, u64 a, u64 b, u64 c);

/**
 * machine_set_aside() - a processor is found to be somebody else's, or is no longer
 * @cpu: the one we run on, bare
 * @aside: which; true comes back to false by itself when the processor is taken
 */
void machine_set_aside(u32 cpu, bool aside);

/* machine_hides() - whether the guest sees a processor without the virtualisation extension. */
static inline bool machine_hides(const struct machine *m)
{
	return m->kvm == KVM_HIDE || (m->kvm == KVM_ASIDE && m->locked);
}

/* machine_show() - work out again what the guest sees of the extension in CPUID.1. */
void machine_show(struct machine *m);

/**
 * machine_vcpu() - a processor's struct vcpu where Linux's world sees it
 * @cpu: id
 */
struct vcpu *machine_vcpu(u32 cpu);

/**
 * machine_ring() - a processor's reports, for Linux's side: to be read only
 * @cpu: id
 * @pa: if not NULL, gets the page's physical address
 */
const struct event_ring *machine_ring(u32 cpu, u64 *pa);

/* machine_root_vcpu() - struct vcpu where the root side sees it. */
struct vcpu *machine_root_vcpu(u32 cpu);

/**
 * root_enter() - the root side's first act on a processor; called by the vendor's files
 * @v: the processor
 */
void root_enter(struct vcpu *v);

/**
 * plan_follow() - let a processor follow the plan that is in force; on that processor
 * @v: the processor
 */
void plan_follow(struct vcpu *v);

/* machine_here() - this processor's struct vcpu, from the root stack it runs on. */
struct vcpu *machine_here(void);

/**
 * block_pages() - take zeroed pages of the block
 * @m: the machine
 * @count: pages, contiguous also in system-physical memory
 * @pa: gets their system-physical address
 *
 * On either side; the caller sees to it that one processor at a time asks.
 *
 * Return: where this side sees them, or NULL if the block is full.
 */
void *block_pages(struct machine *m, u32 count, u64 *pa);

/**
 * machine_maps() - allocate the bitmaps of every plan; Linux's side, called by the vendor's build
 * @m: the machine
 * @msr_pages: of the vendor's MSR bitmap
 * @io_pages: of its I/O bitmap, a bit a port from bit 0 on
 *
 * Return: false if the block is full.
 */
bool machine_maps(struct machine *m, u32 msr_pages, u32 io_pages);

/* machine_plan_maps() - fill the bitmaps of a plan that has been made and is not yet in force. */
void machine_plan_maps(struct machine *m, u32 plan);

/* block_pa() - system-physical address of an offset into the block. */
static inline u64 block_pa(const struct machine *m, u64 offset)
{
	return m->piece_pa[offset / PIECE_BYTES] + offset % PIECE_BYTES;
}

/* block_va() - where this side sees an offset into the block. */
static inline void *block_va(const struct machine *m, u64 offset)
{
	return (char *)m->piece_va[offset / PIECE_BYTES] + offset % PIECE_BYTES;
}

/**
 * block_offset() - where in the block a system-physical address lies
 * @m: the machine
 * @pa: the address
 *
 * Return: the offset, or BLOCK_NONE if it is not in the block.
 */
u64 block_offset(const struct machine *m, u64 pa);
#define BLOCK_NONE (~0ULL)

/* block_overlaps() - whether a range of system-physical memory has a piece of the block in it. */
bool block_overlaps(const struct machine *m, u64 pa, u64 bytes);

/* cpu_area() - the area of a processor, as an offset into the block. */
static inline u64 cpu_area(const struct machine *m, u32 cpu)
{
	return (m->pieces - cpu / CPUS_PER_PIECE) * PIECE_BYTES -
	       (cpu % CPUS_PER_PIECE + 1) * CPU_BYTES;
}

/**
 * root_die() - the root side itself is broken or lost: say so on the serial port and stop
 * @what: sentence
 * @value: a number that goes with it
 */
void root_die(const char *what, u64 value) __attribute__((noreturn));

/**
 * root_say() - a line on the serial port; the root side goes on
 * @what: sentence
 * @value: a number that goes with it
 */
void root_say(const char *what, u64 value);

/* machine_reset() - reset the whole machine, as a triple fault does on bare hardware. */
void machine_reset(void) __attribute__((noreturn));

#endif
