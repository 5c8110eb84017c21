/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vcpu.h - one processor of the guest, and the one set of names by which shared code reaches it.
 */
#ifndef OLDGUARD_VCPU_H
#define OLDGUARD_VCPU_H

#include "access.h"
#include "cpu.h"
#include "event.h"
#include "../features/plan.h"
#include "../vmexit/step.h"
#include "../vmexit/vmexit.h"

struct machine;
struct decoder;
struct insn;
struct virt;

/* What of the guest a vendor keeps in its control block and shared code asks for by name. */
enum vcpu_field {
	VCPU_RIP,
	VCPU_RFLAGS,
	VCPU_CR0,
	VCPU_CR2,
	VCPU_CR3,
	VCPU_CR4,
	VCPU_EFER,
	VCPU_DR6,
	VCPU_DR7,
	VCPU_GDTR_BASE,
	VCPU_GDTR_LIMIT,
	VCPU_IDTR_BASE,
	VCPU_IDTR_LIMIT,
	VCPU_INTR_SHADOW, /* STI or MOV SS just before: 0 or 1 */
	VCPU_DEBUGCTL,
	VCPU_FIELDS
};

/* The system segments, after the six of enum guest_seg. */
enum vcpu_segment { SEG_LDTR = GUEST_SEGS, SEG_TR, SEGMENTS };

/* Leaves 0 to 15 and 0x80000000 to 0x8000000f can have a quick answer. */
#define CPUID_QUICK_LEAVES 32
#define CPUID_NOT_QUICK 0x7ffffff0u /* leaf bits that are clear in these */
#define CPUID_QUICK_INDEX(leaf) (((leaf) & 15) | ((leaf) >> 27 & 16))

/**
 * struct cpuid_quick - how the guest's view of a leaf differs from the processor's answer
 * @mask: bits of the subleaf that matter
 * @subleaf: what they must be; a value outside @mask: no quick answer
 * @keep_ecx: bits of ECX that are not cleared
 * @cr4: CR4 bit that @mirror_ecx shows
 * @mirror_ecx: "
 * @set: bits to set, in the order of enum cpuid_reg
 */
struct cpuid_quick {
	u32 mask;
	u32 subleaf;
	u32 keep_ecx;
	u32 cr4;
	u32 mirror_ecx;
	u32 set[4];
};

/* What makes answers quick while no feature is asked: vcpu.cpuid_plain, and of each its rule. */
struct cpuid_unasked {
	u32 plain;
	u32 mask[CPUID_QUICK_LEAVES];
	u32 subleaf[CPUID_QUICK_LEAVES];
};

/**
 * struct vcpu - the root side's half of a processor
 * @gpr: the guest's registers while it is out; run.S reaches it with the stack pointer, so first
 * @control_pa: system-physical address of the VMCB or VMCS; run.S, so second
 * @control: the same where the root side can touch it
 * @virt: the vendor
 * @machine: what all processors share
 * @plan: the features in force here
 * @decoder: Capstone, one handle a processor
 * @nested: what the vendor keeps of a hypervisor in the guest; NULL without kvm=nested
 * @cr4: virtual CR4 bits that the guest has set; the real register never has them
 * @cr2: the guest's CR2, where no control block keeps it
 * @id: Linux's number
 * @active: the guest runs under us on this processor
 * @aside: it is, or is about to be, another user's of the extension
 * @landing: the stack pointer that it arrives there with
 * @save_area: where the guest wants its own hypervisor's state to go, if the processor asks
 * @asked: a bit for each feature whose CPUID claim is heard (struct claim.asked)
 * @cpuid_fault: cpuid_fault's switches that are on
 * @cpuid_claimed: some feature answers CPUID here: no quick answers
 * @pinned: bits of CR0 and CR4 that were set when a plan with cr_pin came into force
 * @types_due: the guest has switched its MTRRs off while its caches are off; what types it gives
 *	its memory next has to be looked at by the time it switches either on
 * @step: an instruction that is let through
 * @nmis: NMIs that came on the root side and that the guest is still to get
 * @machine_check: one came on the root side, and the guest is still to get it
 * @exits: how many of each kind
 * @handled: how many exits each feature answered
 * @exit: the exit that is being answered, for a dump; NULL: none, or one with a short way
 * @refused: how many acts were refused that would have undone the root side
 * @ring: where its reports go
 * @buckets: the rate limits of its reports
 * @current_pa: guest-physical address of Linux's pointer to the task that runs here; 0: not known
 * @cpuid_plain: bit n: the view of basic leaf n is just the processor's answer
 * @cpuid: quick answers to CPUID
 * @cpuid_unasked: what cpuid_hear() puts back into these two
 *
 * It stands at the top of this processor's root stack, which grows down from it.
 */
struct vcpu {
	u64 gpr[GPRS];
	u64 control_pa;
	void *control;
	const struct virt *virt;
	struct machine *machine;
	const struct plan *plan;
	struct decoder *decoder;
	void *nested;
	u64 cr4;
	u64 cr2;
	u32 id;
	u32 active;
	bool aside;
	u64 landing;
	u64 save_area;
	u32 asked;
	u8 cpuid_fault;
	bool cpuid_claimed;
	bool types_due;
	bool machine_check;
	u64 pinned[CRS];
	struct step step;
	u32 nmis;
	u64 exits[VMEXIT_KINDS];
	u64 handled[FEATURES_MAX];
	const struct vmexit *exit;
	u64 refused;
	struct event_ring *ring;
	struct event_buckets *buckets;
	u64 current_pa;
	u32 cpuid_plain;
	struct cpuid_quick cpuid[CPUID_QUICK_LEAVES];
	struct cpuid_unasked cpuid_unasked;
};

/**
 * struct virt_caps - what the vendor found on this processor
 * @facilities: FACILITY() bits that features can build on
 * @kvm_modes: a bit for each enum kvm_mode that it can do here
 * @slat: name of the second-level paging that is to be used, or NULL
 */
struct virt_caps {
	u32 facilities;
	u32 kvm_modes;
	const char *slat;
};

/* What a vendor says of an MSR. */
enum msr_answer {
	MSR_NATIVE,  /* nothing of mine: the processor's own */
	MSR_DONE,
	MSR_FAULT,   /* #GP(0) */
	MSR_REFUSED, /* the same, and it is reported */
	MSR_ASIDE,   /* done, and it asks for this processor: aside.h */
};

struct held_msr;

/**
 * struct virt - a vendor's way to hold a guest: one constant table for each, found by probing
 * @name: for people
 * @present: whether this processor has it at all
 * @usable: whether it can be used on this processor now; runs on Linux's side, interrupts off;
 *	false with *@busy set if somebody else uses it, and @why says what is wrong
 * @caps: what features can build on; called after @usable, on Linux's side
 * @build: fill the shared tables of the block (bitmaps, second-level tables); Linux's side, once
 * @build_vcpu: fill one processor's control block; Linux's side, on any processor
 * @take: make the caller the guest; on the processor itself, Linux's side, interrupts off;
 *	returns true in guest mode; false: nothing changed
 * @left: on the processor itself after VERDICT_LEAVE, Linux's side: switch the extension off
 * @landed: the same in aside_landing(), where it stays on; NULL: there is nothing left to do
 * @maps: fill the MSR bitmap of a plan
 * @traps: set the intercepts that v->plan and v->cr4 need
 * @view: let intercepts and second-level tables be as v->step says, after a change of it. When a
 *	step begins, the vendor keeps what would hold its trap back in @blocking and @pending, and
 *	gives it back after a step that was not done
 * @flush: this processor's translations are old: the second-level tables have changed
 * @get: read a field
 * @set: write a field
 * @segment: read a segment register: enum guest_seg or enum vcpu_segment
 * @hypercall: call the root side from the guest, CPL 0
 * @call_code: by which instruction, as CPUID tells enlightened kernels
 * @hide: take this vendor's own extension out of a CPUID leaf
 * @msr: answer the guest's access to an MSR that belongs to the extension, or that the control
 *	block holds: @value is written or filled
 * @held: MSRs that the guest may not write as it likes (held.h)
 * @held_count: entries of @held
 *
 * The rest may be NULL:
 * @nested_pages: pages of the block for each processor with kvm=nested, which is in
 *	virt_caps.kvm_modes then
 * @set_segment: write a segment register; needed where instructions that load one exit
 * @insn: what the processor has told of the instruction that exited, enough to do without its
 *	bytes: true with all but @insn->mode filled in, false if they must be decoded
 * @step: an emulated instruction ran with TF set: make the single-step trap pending, or the debug
 *	exception with these causes. Without it the exception is injected
 * @nmi: v->nmis has grown, or v->machine_check is set, on the root side at any time; called by the
 *	event itself. Without it neither comes there
 * @init: an INIT has come; without it, it is dropped
 * @sipi: a start-up IPI has come while @init had the processor wait for one
 */
struct virt {
	const char *name;
	bool (*present)(void);
	bool (*usable)(bool *busy, struct text *why);
	void (*caps)(struct virt_caps *caps, bool slat_wanted);
	bool (*build)(struct machine *m, struct text *why);
	void (*build_vcpu)(struct vcpu *v);
	bool (*take)(struct vcpu *v);
	void (*left)(void);
	void (*landed)(void);
	void (*maps)(struct machine *m, u32 plan);
	void (*traps)(struct vcpu *v);
	void (*view)(struct vcpu *v);
	void (*flush)(struct vcpu *v);
	u64 (*get)(struct vcpu *v, enum vcpu_field field);
	void (*set)(struct vcpu *v, enum vcpu_field field, u64 value);
	void (*segment)(struct vcpu *v, u32 which, struct guest_segment *out);
	u64 (*hypercall)(u64 number, u64 a, u64 b, u64 c);
	u32 call_code;
	void (*hide)(u32 leaf, u32 subleaf, u32 out[4]);
	enum msr_answer (*msr)(struct vcpu *v, u32 msr, bool write, u64 *value);
	const struct held_msr *held;
	u32 held_count;
	u32 (*nested_pages)(u32 cpus);
	void (*set_segment)(struct vcpu *v, u32 which, const struct guest_segment *segment);
	bool (*insn)(struct vcpu *v, const struct vmexit *e, struct insn *insn);
	void (*step)(struct vcpu *v, u64 causes);
	void (*nmi)(struct vcpu *v);
	void (*init)(struct vcpu *v);
	void (*sipi)(struct vcpu *v, u8 vector);
};

/* Registers a vendor: its address joins the table that virt_find() walks. */
#define VIRT(symbol)                                                                               \
	static const struct virt *const symbol##_registered                                        \
		__attribute__((section("oldguard_virts"), used, aligned(8))) = &(symbol)

/**
 * virt_find() - the vendor of the processor we run on
 *
 * Return: NULL if it has no virtualisation extension that we know.
 */
const struct virt *virt_find(void);

static inline u64 vcpu_get(struct vcpu *v, enum vcpu_field field)
{
	return v->virt->get(v, field);
}

static inline void vcpu_set(struct vcpu *v, enum vcpu_field field, u64 value)
{
	v->virt->set(v, field, value);
}

/* cpuid_view() - CPUID as the guest is to see it on this processor. */
void cpuid_view(struct vcpu *v, u32 leaf, u32 subleaf, u32 out[4]);

/* cpuid_prepare() - make the quick answers for v->plan; on the processor itself. */
void cpuid_prepare(struct vcpu *v);

/* cpuid_hear() - v->asked has changed. */
void cpuid_hear(struct vcpu *v);

#ifndef OLDGUARD_LINUX_SIDE
/**
 * cpuid_quick() - answer a CPUID that has a quick answer
 * @v: the processor, the guest's RAX, RBX, RCX, RDX in v->gpr
 * @cr4: the guest's CR4
 *
 * Return: false, with nothing changed, if cpuid_view() must be asked, or a feature.
 */
static inline bool cpuid_quick(struct vcpu *v, u64 cr4)
{
	u32 leaf = v->gpr[RAX];
	u32 subleaf = v->gpr[RCX];
	const struct cpuid_quick *q;
	u32 out[4];

	if (leaf & CPUID_NOT_QUICK)
		return false;
	q = &v->cpuid[CPUID_QUICK_INDEX(leaf)];
	if ((subleaf & q->mask) != q->subleaf)
		return false;
	cpu_cpuid(leaf, subleaf, out);
	out[CPUID_ECX] &= q->keep_ecx;
	if (cr4 & q->cr4)
		out[CPUID_ECX] |= q->mirror_ecx;
	v->gpr[RAX] = out[CPUID_EAX] | q->set[CPUID_EAX];
	v->gpr[RBX] = out[CPUID_EBX] | q->set[CPUID_EBX];
	v->gpr[RCX] = out[CPUID_ECX] | q->set[CPUID_ECX];
	v->gpr[RDX] = out[CPUID_EDX] | q->set[CPUID_EDX];
	return true;
}
#endif

#endif
