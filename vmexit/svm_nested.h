/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * svm_nested.h - a hypervisor that the guest runs itself (kvm=nested): KVM in the Linux that we hold.
 *
 * Three parties: we, our guest (L1), and its guests (L2). L1's own state is in the VMCB that it
 * always has, VMCB01; its VMRUN names a VMCB of its making, VMCB12, which is copied into VMCB02, checked
 * and run. What exits from L2 and is L1's by VMCB12 is copied back and L1 goes on behind its VMRUN; the
 * rest is ours. VMCB01.exit_code is VMRUN for as long as L2 runs.
 *
 * L1 has the processor's ASIDs by their own numbers, less the highest one, which is L1's own.
 */
#ifndef OLDGUARD_SVM_NESTED_H
#define OLDGUARD_SVM_NESTED_H

#include "svm.h"

#include "../guest-glue/enlightened.h"
#include "../guest-glue/phys.h"

/* VMCB offset 0x60: APM vol. 2, appendix B. */
#define SVM_V_TPR 0xfULL
#define SVM_V_GIF BIT64(9)
#define SVM_V_NMI_PENDING BIT64(11)
#define SVM_V_NMI_MASK BIT64(12)
#define SVM_V_INTR_MASKING BIT64(24)
#define SVM_V_GIF_ENABLE BIT64(25)
#define SVM_V_NMI_ENABLE BIT64(26)
/* What L1 may use of it on any processor: V_TPR, V_IRQ, its priority, V_IGN_TPR, V_INTR_MASKING, the vector. */
#define SVM_VIRTUAL_INTERRUPT 0xff011f01ffULL
#define SVM_VIRTUAL_INTERRUPT_OUT 0x1ffULL /* what #VMEXIT writes back */

/* What we intercept of any L2, whatever L1 does; but for what is virtual for it, see take_virtual(). */
#define NESTED_ICPT3 (SVM_ICPT_INIT | SVM_ICPT_SHUTDOWN | SVM_ICPT_INVLPGA | SVM_ICPT_MSR)
#define NESTED_ICPT4 (SVM_ICPT_VMRUN | SVM_ICPT_VMLOAD | SVM_ICPT_VMSAVE | SVM_ICPT_STGI | SVM_ICPT_CLGI | \
		      SVM_ICPT_SKINIT)

/* The clean bits of state that is copied without being looked at. */
#define NESTED_CLEAN_CONTROLS (SVM_CLEAN_INTERCEPTS | SVM_CLEAN_MAPS | SVM_CLEAN_ASID | SVM_CLEAN_NP | SVM_CLEAN_LBR)
#define NESTED_CLEAN_STATE (SVM_CLEAN_CR | SVM_CLEAN_DR | SVM_CLEAN_DT | SVM_CLEAN_SEG)

#define NESTED_NONE (~0ULL)

/* Exit codes below this, all but those of nested page faults and of refused VMRUNs: APM vol. 2, appendix C. */
#define NESTED_CODES 256

/*
 * What L1's GIF is, and how it is kept: APM vol. 2, 15.17. While it is clear, interrupts are held back as
 * a guest's are whose hypervisor has RFLAGS.IF clear (15.21.1), with CR8 in V_TPR, and an NMI exits and is kept.
 * What else GIF holds back (SMI, debug traps, machine checks) comes as if it were set; an INIT never comes.
 *
 * A virtual GIF (15.33.2) holds back virtual interrupts alone. So with it L1 clears and sets GIF without an
 * exit, and the first interrupt or NMI that comes tells by an exit of its own that it matters.
 */
enum nested_gif {
	GIF_SET,   /* interrupts and NMIs are L1's, as without a hypervisor in it; CLGI exits */
	GIF_CLEAR, /* STGI exits */
	GIF_WATCH, /* V_GIF tells; what comes exits */
	NESTED_GIFS
};

enum nested_state {
	NESTED_OFF,   /* L1's EFER.SVME is clear */
	NESTED_ON,    /* it is set */
	NESTED_GUEST, /* L2 runs */
};

/* L1's intercepts by which these differ, but for @window. */
#define NESTED_GIF_ICPT3 (SVM_ICPT_INTR | SVM_ICPT_NMI)
#define NESTED_GIF_ICPT4 (SVM_ICPT_STGI | SVM_ICPT_CLGI)
#define NESTED_CR8 (1u << 8)

/* A few addresses that L1 uses for its VMCBs again and again. */
#define NESTED_GOOD 16
#define NESTED_GOOD_INDEX(pa) ((pa) / PAGE_BYTES % NESTED_GOOD)

/* VMRUN, VMLOAD, VMSAVE, STGI, CLGI without a prefix: 0F 01 and a third byte. */
#define NESTED_INSN_BYTES 3
#define NESTED_PLAIN (SVM_EXIT_CLGI - SVM_EXIT_VMRUN + 1)
#define NESTED_PLAIN_INDEX(code) ((code) - SVM_EXIT_VMRUN)

/* Words of our bitmaps for L2 in which something is open: see nested_map_*(). */
#define NESTED_OPEN 24
#define NESTED_MSR_WORDS (2 * PAGE_BYTES / 8)
#define NESTED_IO_WORDS (3 * PAGE_BYTES / 8)

/* The MSRs that VMLOAD loads and rules can lock; the first of them change by WRMSR and VMLOAD alone. */
#define NESTED_SWAPPED 10
#define NESTED_WRITTEN 7

/* VMCB offset 0xb8: virtual VMLOAD and VMSAVE, through the second-level tables (15.33.1). */
#define SVM_VIRTUAL_VMLOAD BIT64(1)

/* Shadow tables: one set for an ASID at a time. */
#define NESTED_SLOTS 8
#define NESTED_POOL_MAX 128
#define NESTED_FIXED_PAGES 7 /* struct nested, VMCB02, two bitmaps of 2 and 3 pages */
#define NESTED_POOL_END 0xffff

/* nested.stale */
#define NESTED_STALE_TABLES (1u << 0) /* no translation of an L2's holds any more */
#define NESTED_STALE_GUESTS (1u << 1) /* seals of guests, or what is known of guests, have changed */

/* Of L2, the next after those that KVM, Hyper-V's leaves before KVM's, and Xen's before both take. */
#define NESTED_LEAF 0x40000400u
#define NESTED_LEAVES 0x100u

/* The last word for the host's use: the first three may be Hyper-V's enlightenments. */
#define NESTED_TOKEN 3

/**
 * struct nested_slot - the shadow tables of one ASID
 * @asid: the processor's number; 0: the slot is free
 * @l1_asid: by which L1 calls it
 * @ncr3: the nested tables that it stands for; NESTED_NONE: L1 has none
 * @version: of the seals that they were made with; 0: none
 * @used: when it was run last
 * @first: its pages in the pool, the root first; NESTED_POOL_END: none
 * @last: "
 */
struct nested_slot {
	u32 asid;
	u32 l1_asid;
	u64 ncr3;
	u64 version;
	u64 used;
	u16 first;
	u16 last;
};

/**
 * struct nested - what one processor keeps of L1's doings as a hypervisor
 * @vmcb: VMCB02
 * @vmcb_pa: its address, @own_pa: VMCB01's
 * @vmcb12: where we see the VMCB that L1 has run, or runs
 * @vmcb12_pa: its address
 * @built_pa: the VMCB12 of which VMCB02 was made last; NESTED_NONE: all of it is to be copied
 * @state: enum nested_state
 * @gif: how its global interrupt flag is kept
 * @vgif: the processor has a virtual one, and L1 may set GIF without our knowing
 * @came: an interrupt or NMI has exited: it is pending for the time when L1 sets GIF
 * @stale: NESTED_STALE_*: what L2 is not to be entered with; other processors set it, too
 * @own_io: L2's I/O goes by our bitmap, not by L1's
 * @npt: L1 has nested tables for this L2
 * @virtual_gif: SVM_V_GIF_ENABLE, if L1 has given this L2 a virtual one
 * @virtual_in, @virtual_out: what L1 may use of VMCB offset 0x60, but for that bit, and what is written back of it
 * @leaving: the TLB has been flushed for giving the processor back
 * @dirty: VMCB01 has changed, or its TLB is to be flushed, while L2 runs
 * @injected: the event that L1 has L2 take at its VMRUN; 0 when it has been delivered
 * @window: intercepts that L1 does not have while GIF is clear
 * @own_icpt3, @own_icpt4, @own_cr_write: L1's intercepts for each of enum nested_gif
 * @own_varies: the last two are not the same for all of them
 * @tpr: the processor's CR8 while V_TPR is L1's
 * @hsave: L1's VM_HSAVE_PA
 * @asids: how many ASIDs the processor has
 * @icpt3, @icpt4: what L1 intercepts of this L2
 * @exceptions, @cr_read, @cr_write: "
 * @ours: L2's exits that svm_nested_exit() has to look at, by their codes; those beyond are so, too
 * @virtual_cr4: bits that are not to reach the register: what plan.cr4 is or has been, as L1 may go on giving its
 *	guests what it has once found
 * @cr4: those that L2 has set
 * @umip_wanted: CR4.UMIP in plan.cr4
 * @umip: L2's is set, and its intercepts are
 * @stepping: L2 runs one instruction without them
 * @calls: L2 may seal pages: its CPUID and VMMCALL may be ours
 * @asks: neither, or else exits that are L1's have to be looked at
 * @step_open: with bits of our bitmaps open that are to be closed again
 * @step_tf, @step_shadow, @step_dr6, @step_nmi: what of L2's is not as it was meanwhile
 * @msrpm: L1's MSR bitmap; NESTED_NONE: nothing is open
 * @iopm: L1's I/O bitmap, or NESTED_NONE
 * @good: addresses at which a VMCB may lie; the newer one first
 * @plain: where L1's code has been seen to have these instructions without a prefix since it set EFER.SVME: for
 *	processors that do not tell a length. A hypervisor that is changed for another clears SVME
 * @map: our bitmaps for L2: MSRs, then ports
 * @map_pa: their address
 * @open: words of it in which a bit is clear
 * @opened: how many
 * @locked: which of the MSRs that VMLOAD loads have a rule; bits by nested_swapped[]
 * @held: what L1 had in them when it cleared GIF
 * @held_writes: how many WRMSRs of L1's had exited when that was read; NESTED_NONE: it is to be read again
 * @guest: who L2 is, if it has sealed pages; else NULL
 * @version: of its seals; 0: none
 * @born: its struct sealer.born
 * @waits_pa: a VMCB12 that L1 is to run again a little later; NESTED_NONE: none is
 * @waits_since: TSC when it was first
 * @slot: shadow tables
 * @current: that of the L2 that runs, or ran last
 * @clock: counts what runs
 * @pool: the pages: offsets into the block
 * @next: the list that a page is in
 * @pool_free: its free ones
 * @pool_pages: how many there are
 */
struct nested {
	struct vmcb *vmcb;
	u64 vmcb_pa;
	u64 own_pa;
	struct vmcb *vmcb12;
	u64 vmcb12_pa;
	u64 built_pa;
	u8 state;
	bool vgif;
	bool came;
	u8 gif;
	u8 stale;
	bool own_io;
	bool npt;
	bool leaving;
	bool dirty;
	u64 injected;
	u64 virtual_gif;
	u64 virtual_in;
	u64 virtual_out;
	u32 window;
	u32 own_icpt3[NESTED_GIFS];
	u32 own_icpt4[NESTED_GIFS];
	u16 own_cr_write[NESTED_GIFS];
	bool own_varies;
	u64 tpr;
	u64 hsave;
	u32 asids;
	u32 icpt3;
	u32 icpt4;
	u32 exceptions;
	u16 cr_read;
	u16 cr_write;
	u64 ours[NESTED_CODES / 64];
	u64 virtual_cr4;
	u64 cr4;
	u64 umip_wanted;
	bool umip;
	union {
		struct {
			bool stepping;
			bool calls;
		};
		u16 asks;
	};
	bool step_open;
	bool step_tf;
	u64 step_shadow;
	u64 step_dr6;
	u64 step_nmi;
	u64 msrpm;
	u64 iopm;
	u64 good[NESTED_GOOD][2];
	u64 plain[NESTED_PLAIN][2];
	u64 *map;
	u64 map_pa;
	u32 opened;
	u16 open[NESTED_OPEN];
	u32 locked;
	u64 held[NESTED_SWAPPED];
	u64 held_writes;
	struct sealer *guest;
	u64 version;
	u64 born;
	u64 waits_pa;
	u64 waits_since;
	struct nested_slot slot[NESTED_SLOTS];
	struct nested_slot *current;
	u64 clock;
	u32 pool[NESTED_POOL_MAX];
	u16 next[NESTED_POOL_MAX];
	u16 pool_free;
	u16 pool_pages;
};
static_assert(sizeof(struct nested) <= PAGE_BYTES, "struct nested has a page");

extern const u32 nested_swapped[NESTED_SWAPPED];

/* The instructions that stand for L1's: on the address that L1 has given. */
#ifdef OLDGUARD_SIM
void svm_vmload(u64 vmcb_pa);
void svm_invlpga(u64 linear, u32 asid);
void svm_sti(void);
void svm_cli(void);
#else
static inline void svm_vmload(u64 vmcb_pa)
{
	asm volatile("vmload %0" : : "a"(vmcb_pa) : "memory");
}

static inline void svm_invlpga(u64 linear, u32 asid)
{
	asm volatile("invlpga %0, %1" : : "a"(linear), "c"(asid) : "memory");
}

/* GIF is clear: nothing comes of it before VMRUN. */
static inline void svm_sti(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void svm_cli(void)
{
	asm volatile("cli" : : : "memory");
}
#endif

/* --- vmexit/svm_nested_quick.c --- */

/**
 * svm_nested_quick() - the exits that KVM's way from L2 to L2 is made of; svm_quick()'s rules are its
 * @v: the processor; the exit is one of CPL 0, or L2's
 * @own: VMCB01
 * @n: what @v keeps of L1's doings
 * @code: VMCB01's exit code
 *
 * Return: true if it is answered, false if svm_exit() must do it.
 */
bool svm_nested_quick(struct vcpu *v, struct vmcb *own, struct nested *n, u64 code);

/* --- vmexit/svm_nested.c --- */

/* svm_nested_exit() - answer an exit of L2's. */
void svm_nested_exit(struct vcpu *v);

/**
 * svm_nested_insn() - an instruction of L1's that belongs to SVM: VMEXIT_VIRT_INSN
 * @v: the processor
 * @e: the exit
 *
 * Return: a verdict for L1. After VERDICT_NEXT of VMRUN it is L2 that runs.
 */
enum verdict svm_nested_insn(struct vcpu *v, struct vmexit *e);

/* svm_nested_gif() - whether L1 takes events now; it is no hypervisor without kvm=nested */
bool svm_nested_gif(const struct vcpu *v);

/**
 * svm_nested_event() - an exit that tells nothing but that L1's GIF matters now, or that its CR8 does
 * @v: the processor; no step is under way
 *
 * Return: false if it is another one.
 */
bool svm_nested_event(struct vcpu *v);

/**
 * svm_nested_virtual() - a fault that a virtual VMLOAD or VMSAVE of L1's has met in our second-level tables
 * @v: the processor, after a nested page fault of L1's
 * @e: the exit; becomes what it were without a virtual one
 */
void svm_nested_virtual(struct vcpu *v, struct vmexit *e);

/* svm_nested_check_msrs() - L1's GIF has been set: what VMLOAD has made of locked MSRs goes by the rules */
void svm_nested_check_msrs(struct vcpu *v);

/* svm_nested_hold() - an NMI waits on the root side for L1 to set GIF */
void svm_nested_hold(struct vcpu *v);

/* What becomes of an exit of L2's. */
enum nested_answer {
	PASS,	 /* whoever is asked next decides */
	L1S,	 /* L1 gets it */
	AGAIN,	 /* L2 goes on where it is */
	REFUSED, /* L2 gets #GP(0), or #UD of what it does not have */
	RAISED,	 /* L2 gets what is in VMCB02.event_inj */
};

/* nested_find_ours() - after a change of what we intercept of L2 */
void nested_find_ours(struct nested *n);
/* nested_open() - let L2 have what a bit of our bitmaps is about: MSRs', then ports' */
void nested_open(struct nested *n, u32 bit);

/* nested_close_all() - let our bitmaps for L2 have nothing open */
void nested_close_all(struct nested *n);

/* --- vmexit/svm_nested_seal.c --- */

/* nested_seal_exit() - answer an exit by which L2 seals pages; else PASS */
enum nested_answer nested_seal_exit(struct vcpu *v, struct nested *n, struct vmcb *c);

/* nested_seal_write() - L2 has written a page that it has sealed */
enum nested_answer nested_seal_write(struct vcpu *v, const struct vmcb *c);

/* --- vmexit/svm_nested_umip.c --- */

/* nested_umip_intercepts() - after a change of L2's virtual CR4 bits, or of what L1 or we intercept */
void nested_umip_intercepts(struct nested *n);

/* nested_umip_exit() - answer an exit that there is because of virtual CR4 bits; else PASS */
enum nested_answer nested_umip_exit(struct vcpu *v, struct nested *n, struct vmcb *c);

/* nested_step() - let L2 run one instruction without UMIP's intercepts, and trap behind it */
enum nested_answer nested_step(struct nested *n, struct vmcb *c);

/* nested_code_byte() - a byte of L2's instruction, or of what follows; false if it is not to be had */
bool nested_code_byte(struct vcpu *v, const struct vmcb *c, u32 offset, u8 *byte);

/* nested_step_undone() - the instruction that L2 runs without intercepts has not run: nothing is left of the step */
void nested_step_undone(struct nested *n);

/* --- vmexit/svm_nested_rules.c --- */

/* nested_skip() - an instruction of L2's has been done, or dropped: L2 is at @rip behind it, and its own single step ends */
enum nested_answer nested_skip(const struct nested *n, struct vmcb *c, u64 rip);

/* nested_rule_msr() - L2 accesses an MSR that L1 lets it have natively, and the plan traps; @bit of our bitmap */
enum nested_answer nested_rule_msr(struct vcpu *v, struct nested *n, struct vmcb *c, u32 bit);

/* nested_rule_io() - the same of ports; @plan: L1's own bitmap */
enum nested_answer nested_rule_io(struct vcpu *v, struct nested *n, struct vmcb *c, const u64 *plan);

/* --- guest-glue/svm_nested.c --- */

/* svm_nested_caps() - whether this processor can do kvm=nested */
bool svm_nested_caps(void);

/* svm_nested_pages() - pages of the block that each processor needs for it */
u32 svm_nested_pages(u32 cpus);

/* svm_nested_build() - every processor's part; Linux's side. False if the block is full. */
bool svm_nested_build(struct machine *m);

/* svm_nested_build_vcpu() - where a processor finds its part, and what it does to VMCB01 */
void svm_nested_build_vcpu(struct vcpu *v, struct vmcb *vmcb);

/* svm_nested_take() - a processor is to be taken: it may have a hypervisor; Linux's side */
void svm_nested_take(const struct vcpu *v);

/* svm_nested_leave() - false: its TLB is flushed by one more VMRUN before it is given back */
bool svm_nested_leave(struct vcpu *v);

/* svm_nested_left() - load what L1 has as a hypervisor; on the root side, when it is given back */
void svm_nested_left(struct vcpu *v);

/* svm_nested_flush() - our own second-level tables have changed */
void svm_nested_flush(struct vcpu *v);

/* svm_nested_traps() - after svm_traps(): the plan has changed, or a step has begun or ended */
void svm_nested_traps(struct vcpu *v);

/* svm_nested_cpuid() - the leaves of SVM as L1 sees them; @out is the processor's own answer */
void svm_nested_cpuid(u32 leaf, u32 out[4]);

/* svm_nested_efer() - L1's EFER.SVME has a new value */
void svm_nested_efer(struct vcpu *v, bool svme);

/* svm_nested_msr() - VM_CR and VM_HSAVE_PA as L1 has them */
enum msr_answer svm_nested_msr(struct vcpu *v, u32 msr, bool write, u64 *value);

#endif
