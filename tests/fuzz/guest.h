/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guest.h - any guest, made from a fuzzer's input, on the simulated processor; and the worlds
 * before and after an exit, to be compared. What the vendors share: fuzz_svm.c and fuzz_vmx.c have
 * the rest.
 *
 * The input is a struct guest_input, then pairs of a 16-bit place and a 64-bit value that are
 * written to guest-physical memory: the first places lie in the guest's code and data, then in what
 * the Linux side would stage, then in the page tables. Places from GUEST_MORE on are no places:
 * each makes one more exit, after the one that the header makes.
 */
#ifndef OLDGUARD_FUZZ_GUEST_H
#define OLDGUARD_FUZZ_GUEST_H

#include <stdio.h>
#include <stdlib.h>

#include "../unit/sim.h"
#include "require.h"

enum guest_mode {
	MODE_LONG,
	MODE_LONG_LA57,
	MODE_COMPAT_32,
	MODE_COMPAT_16,
	MODE_PAE,
	MODE_PAGED_32,
	MODE_FLAT, /* protected, no paging */
	MODE_REAL,
	MODE_VM86,
	MODES
};

/* in guest_input.flags */
#define IN_CPL 0x03
#define IN_TF 0x04
#define IN_RF 0x08
#define IN_IF 0x10
#define IN_AC 0x20
#define IN_SHADOW 0x40
#define IN_WP 0x80
/* in guest_input.more */
#define IN_CODE_16 0x01 /* protected mode without EFER.LMA: CS.D is clear */
#define IN_SMAP 0x02
#define IN_SMEP 0x04
#define IN_XSAVE 0x08
#define IN_VIRTUAL_CR4 0x10
#define IN_PENDING_NMI 0x20
#define IN_NO_NXE 0x40
#define IN_TOP 0x80 /* the code lies where the instruction pointer ends: SIM_TOP, or 0xe000 */

/**
 * struct guest_input - what makes a guest and an exit
 * @plan: which features are on
 * @mode: enum guest_mode
 * @flags: IN_*
 * @more: "
 * @facts: what the processor can do: the vendor's to read
 * @length: of the instruction, which lies at the guest's RIP
 * @exit: which exit, the vendor's to read
 * @rip: where in the two pages of code
 * @rights: four bits (present, writable, user, no-execute) for each of four pages
 * @event: vector, and type above it, of the event that was under delivery
 * @segs: of ES, DS, SS, FS, GS: bits 3:0 and 15:12 of its attributes, its limit, its base in pages
 * @gpr: each: which of a few values, and 16 more or less
 * @value: values for the vendor, and for registers
 * @insn: instruction bytes
 */
struct guest_input {
	u8 plan;
	u8 mode;
	u8 flags;
	u8 more;
	u8 facts;
	u8 length;
	u16 exit;
	u16 rip;
	u16 rights;
	u16 event;
	struct {
		u16 attr;
		u16 base;
		u32 limit;
	} __attribute__((packed)) segs[5];
	u8 gpr[GPRS];
	u64 value[3];
	u8 insn[INSN_MAX_BYTES];
} __attribute__((packed));

/**
 * struct guest - the guest's state in neutral words, legal as a processor would have it
 * @seg: segments, the system ones too
 * @cpl: privilege level
 * @shadow: of STI or MOV SS
 * @wild: page tables were written over: a walk may see another instruction than was executed
 */
struct guest {
	u64 cr0, cr3, cr4, efer, rflags, rip;
	struct guest_segment seg[SEGMENTS];
	u64 gpr[GPRS];
	u8 cpl;
	bool shadow;
	bool wild;
};

#define GUEST_PAGES 48

/* A further exit: bits 8:0 say which one, as guest_input.exit does, and the rest: */
#define GUEST_MORE 0xf000u
#define MORE_REPLAN 0x0200u /* the plan in force has become another one */
#define MORE_FOLLOW 0x0400u /* and this processor has been told */
#define MORE_NMI 0x0800u    /* an NMI has come to the root side */

/* Linear; the code once more. */
#define SIM_TOP 0xffffe000ULL

/* The guest's GDT lies in its data. */
#define GUEST_GDT (SIM_DATA + 0x800)
#define GUEST_GDT_LIMIT 0xff

/**
 * struct world - all that an exit may read and change
 * @ring: the processor's reports
 * @buckets: and what limits them
 * @memory: guest-physical pages
 */
struct world {
	struct sim sim;
	struct machine machine;
	struct vcpu vcpu;
	u8 control[PAGE_BYTES];
	u8 ring[PAGE_BYTES];
	struct event_buckets buckets;
	u8 memory[GUEST_PAGES][PAGE_BYTES];
};

/* guest_boot() - once: a machine that oldguard has taken, and page tables of all kinds */
void guest_boot(enum sim_model model);

/* guest_make() - the guest of an input, in memory too; then the vendor fills its control block */
void guest_make(const struct guest_input *in, const u8 *rest, size_t left, struct guest *g);

/* guest_guards() - whether the plan that an input chooses protects memory: then the block's tables
 * change */
bool guest_guards(const struct guest_input *in);

/* guest_guard() - take the rights that the plan in force takes; guest_make() does */
void guest_guard(void);

/* guest_replan() - put another plan in force; @follow: this processor is told */
void guest_replan(u8 which, bool follow);

/* guest_more() - the next further exit of an input, what is left of it behind; false: there is none
 */
bool guest_more(const u8 **rest, size_t *left, u16 *what, u64 *value);

/* guest_ready() - the control block is filled: what follows from that and the plan */
void guest_ready(const struct guest_input *in);

/* guest_watch() - v->plan with somebody in it who looks at every exit and answers none */
void guest_watch(void);

/* world_save(), world_restore() - the block's shared tables are not in it: see block_restore() */
void world_save(struct world *w);
void world_restore(const struct world *w);

/* world_only_bits() - whether nothing has changed in a page but accessed and dirty bits */
bool world_only_bits(u32 page, const struct world *w);

/* How many guest-physical pages there are, and from which on they are page tables. */
extern u32 world_pages, world_tables;

/* block_save() - guest_boot()'s; block_restore() - undo what slat_fill() did to the tables that all
 * processors share */
void block_save(void);
void block_restore(void);

/**
 * guest_check_memory() - assert that nothing but page tables' accessed and dirty bits has changed
 * @g: the guest
 * @w: the world before
 */
void guest_check_memory(const struct guest *g, const struct world *w);

/* guest_same() - assert that counts, registers kept by all vendors, and memory are @w's */
void guest_same(const struct guest *g, const struct world *w);

/* guest_counted() - the one kind of exit that has been counted since @w */
enum vmexit_kind guest_counted(const struct world *w);

/**
 * guest_advanced() - whether RIP has moved over one instruction
 * @g: the guest before
 * @rip: now; asserted to be one that an instruction of 1 to 15 bytes leads to, or the old one
 */
bool guest_advanced(const struct guest *g, u64 rip);

#endif
