// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_nested.c - SVM as the guest has it with kvm=nested: what CPUID and the MSRs say, where the state of
 * each processor lies, and how a hypervisor in the guest comes under us and out again. Its state is its own
 * all the time: VM_HSAVE_PA and EFER.SVME are all that the bare processor has of it, too.
 */
#include "../vmexit/svm_nested_ways.h"

#include "string.h"
#include "svm.h"
#include "svm_shadow.h"

/* CPUID 0x8000000A EDX: what L1 may have of the processor's, and what needs nothing of it. */
#define OFFERED (SVM_HAS_NPT | SVM_HAS_NRIP | SVM_HAS_TSC_RATE | SVM_HAS_FLUSH_ASID | SVM_HAS_DECODE | \
		 SVM_HAS_PAUSE | SVM_HAS_PAUSE_THRESHOLD | SVM_HAS_VIRTUAL_VMLOAD | SVM_HAS_VGIF | SVM_HAS_VNMI)

#define ICPT_STORES (SVM_ICPT_STORE(DESC_IDTR) | SVM_ICPT_STORE(DESC_GDTR) | SVM_ICPT_STORE(DESC_LDTR) | \
		     SVM_ICPT_STORE(DESC_TR))

#define ICPT_SWAPS (SVM_ICPT_VMLOAD | SVM_ICPT_VMSAVE)
#define OWN_ICPT4 (SVM_ICPT_VMRUN | SVM_ICPT_VMMCALL | ICPT_SWAPS | NESTED_GIF_ICPT4 | SVM_ICPT_SKINIT)

static u32 asids(void)
{
	u32 out[4];

	cpu_cpuid(0x8000000a, 0, out);
	return out[CPUID_EBX];
}

/* One ASID for L1 itself, one at the least for what it runs, and one that is shared. */
bool svm_nested_caps(void)
{
	return asids() > 3;
}

void svm_nested_cpuid(u32 leaf, u32 out[4])
{
	switch (leaf) {
	case 0x80000001:
		out[CPUID_ECX] &= ~(1u << 12); /* SKINIT */
		break;
	case 0x8000000a:
		out[CPUID_EBX] -= 1;
		out[CPUID_ECX] = 0;
		out[CPUID_EDX] = (out[CPUID_EDX] & OFFERED) | SVM_HAS_CLEAN;
		break;
	}
}

/* Many processors: less for each. It is for tables, which are made again when there is no room. */
static u32 pool_pages(u32 cpus)
{
	return cpus <= 32 ? NESTED_POOL_MAX : NESTED_POOL_MAX / 4;
}

u32 svm_nested_pages(u32 cpus)
{
	return NESTED_FIXED_PAGES + pool_pages(cpus);
}

/* Where Linux's side sees a processor's part. */
static struct nested *nested_of(const struct vcpu *v)
{
	return block_va(&machine, (u64)(uintptr_t)v->nested - ROOT_BLOCK);
}

static void *root_view(const struct machine *m, u64 pa)
{
	return (void *)(uintptr_t)(ROOT_BLOCK + block_offset(m, pa));
}

static bool build_one(struct machine *m, u32 cpu)
{
	u64 pa, page;
	struct nested *n = block_pages(m, 1, &pa);
	u32 i;

	if (!n || !block_pages(m, 1, &n->vmcb_pa) || !block_pages(m, 5, &n->map_pa))
		return false;
	m->nested[cpu] = block_offset(m, pa);
	n->vmcb = root_view(m, n->vmcb_pa);
	n->map = root_view(m, n->map_pa);
	n->asids = asids();
	n->virtual_in = SVM_VIRTUAL_INTERRUPT;
	n->virtual_out = SVM_VIRTUAL_INTERRUPT_OUT;
	if (svm_features & SVM_HAS_VGIF) {
		n->virtual_in |= SVM_V_GIF;
		n->virtual_out |= SVM_V_GIF;
	}
	if (svm_features & SVM_HAS_VNMI) {
		n->virtual_in |= SVM_V_NMI_PENDING | SVM_V_NMI_MASK | SVM_V_NMI_ENABLE;
		n->virtual_out |= SVM_V_NMI_PENDING | SVM_V_NMI_MASK;
	}
	n->pool_pages = m->caps.slat ? pool_pages(m->cpus) : 0;
	for (i = 0; i < n->pool_pages; i++) {
		if (!block_pages(m, 1, &page))
			return false;
		n->pool[i] = block_offset(m, page);
	}
	return true;
}

bool svm_nested_build(struct machine *m)
{
	u64 pa;
	u32 cpu;

	m->nested = block_pages(m, 1, &pa);
	if (!m->nested || m->cpus > PAGE_BYTES / sizeof(m->nested[0]))
		return false;
	for (cpu = 0; cpu < m->cpus; cpu++)
		if (!build_one(m, cpu))
			return false;
	return true;
}

void svm_nested_build_vcpu(struct vcpu *v, struct vmcb *vmcb)
{
	struct nested *n;

	v->nested = (void *)(uintptr_t)(ROOT_BLOCK + machine.nested[v->id]);
	n = nested_of(v);
	n->own_pa = v->control_pa;
	vmcb->asid = n->asids - 1;
}

void svm_nested_take(const struct vcpu *v)
{
	struct nested *n = nested_of(v);

	memset(block_va(&machine, block_offset(&machine, n->map_pa)), 0xff, 5 * PAGE_BYTES);
	n->gif = GIF_SET;
	n->vgif = false;
	n->came = false;
	n->state = cpu_rdmsr(MSR_EFER) & EFER_SVME ? NESTED_ON : NESTED_OFF;
	n->hsave = cpu_rdmsr(MSR_VM_HSAVE_PA);
	n->stale = 0;
	n->leaving = false;
	n->dirty = false;
	n->opened = 0;
	n->locked = 0;
	n->own_varies = false;
	n->virtual_cr4 = 0;
	n->asks = 0;
	n->step_open = false;
	n->guest = NULL;
	n->version = 0;
	n->waits_pa = NESTED_NONE;
	n->built_pa = NESTED_NONE;
	nested_forget_good(n);
	memset(n->plain, 0xff, sizeof(n->plain));
	nested_shadow_drop(n);
}

/* Which of the MSRs that VMLOAD loads the plan wants to hear of. */
static u32 find_locked(const struct traps *t)
{
	const struct trap_range *r = t->msr.range;
	u32 i, locked = 0;

	for (; r < t->msr.range + t->msr.count; r++)
		for (i = 0; i < NESTED_SWAPPED; i++)
			if (r->write && r->first <= nested_swapped[i] && nested_swapped[i] <= r->last)
				locked |= 1u << i;
	return locked;
}

/*
 * L1's SVM instructions that exit, by its GIF. Where VMLOAD and VMSAVE go through our second-level tables L1
 * may execute them, as long as they exist for it; but not VMLOAD while GIF is set and rules are about what it
 * loads, and neither in a step, in which the tables are others.
 */
static void own_instructions(struct vcpu *v)
{
	struct nested *n = v->nested;
	struct vmcb *own = v->control;
	bool on = svm_features & SVM_HAS_VIRTUAL_VMLOAD && v->machine->caps.slat && n->state;
	u32 gif;

	for (gif = 0; gif < NESTED_GIFS; gif++)
		n->own_icpt4[gif] = on ? OWN_ICPT4 & ~ICPT_SWAPS : OWN_ICPT4;
	if (n->locked)
		n->own_icpt4[GIF_SET] |= SVM_ICPT_VMLOAD;
	if (n->vgif)
		n->own_icpt4[GIF_WATCH] &= ~NESTED_GIF_ICPT4;
	n->own_varies = n->vgif || (on && n->locked);
	own->intercept4 = n->own_icpt4[n->gif] | (v->step.kind ? ICPT_SWAPS : 0);
	own->lbr_control = on ? SVM_VIRTUAL_VMLOAD : 0;
	own->clean &= ~(SVM_CLEAN_INTERCEPTS | SVM_CLEAN_LBR);
}

void svm_nested_flush(struct vcpu *v)
{
	struct nested *n = v->nested;

	__atomic_fetch_or(&n->stale, NESTED_STALE_TABLES, __ATOMIC_SEQ_CST);
	n->dirty |= n->state == NESTED_GUEST;
	/* What could be written by us may be protected now. */
	nested_forget_good(n);
	n->built_pa = NESTED_NONE;
}

void svm_nested_traps(struct vcpu *v)
{
	struct nested *n = v->nested;
	struct vmcb *own = v->control;
	u32 locked = find_locked(&v->plan->traps);
	bool vgif = svm_features & SVM_HAS_VGIF && !locked;
	u32 base = own->intercept3 & ~NESTED_GIF_ICPT3;
	u32 i;

	/*
	 * Between CLGI and STGI an ordinary hypervisor has no program run, and KVM reads GDTR each time:
	 * what does nothing but refuse programs is not asked then.
	 */
	n->window = v->plan->refuser[VMEXIT_DESC_STORE] ? own->intercept3 & ICPT_STORES : 0;
	n->own_icpt3[GIF_SET] = base;
	n->own_icpt3[GIF_CLEAR] = (base & ~n->window) | SVM_ICPT_NMI;
	n->own_icpt3[GIF_WATCH] = base | NESTED_GIF_ICPT3;
	n->own_cr_write[GIF_SET] = n->own_cr_write[GIF_CLEAR] = own->intercept_cr_write;
	n->own_cr_write[GIF_WATCH] = own->intercept_cr_write | NESTED_CR8;
	/* What follows from a rule about these MSRs is looked at when L1 sets GIF. */
	if (n->gif == GIF_WATCH && !vgif && svm_nested_gif(v))
		nested_gif_set(n, own);
	else if (n->gif == GIF_WATCH && !vgif)
		nested_gif_clear(n, own);
	n->vgif = vgif;
	/* Those that VMLOAD has changed already are L2's until STGI: what they are now is all there is. */
	for (i = 0; i < NESTED_SWAPPED; i++)
		if (n->gif != GIF_SET && (locked & ~n->locked) >> i & 1)
			n->held[i] = cpu_rdmsr(nested_swapped[i]);
	n->locked = locked;
	n->held_writes = NESTED_NONE;
	own_instructions(v);
	own->intercept3 = n->own_icpt3[n->gif] | (v->step.kind ? NESTED_GIF_ICPT3 : 0);
	own->intercept_cr_write = n->own_cr_write[n->gif];
	/* Taken anew after it has been bare. */
	if (n->state == NESTED_OFF)
		v->ring->guests_cr4 = 0;
	n->virtual_cr4 |= v->plan->cr4;
	n->umip_wanted = v->plan->cr4 & CR4_UMIP;
	/* VMCB02 has our map until it is made anew. */
	n->own_io = v->plan->traps.io.count || (n->state == NESTED_GUEST && n->own_io);
	n->calls = v->plan->guest_offers;
	if (!n->calls) {
		n->guest = NULL;
		n->version = 0;
		__atomic_fetch_and(&n->stale, (u8)~NESTED_STALE_GUESTS, __ATOMIC_SEQ_CST);
	}
	n->built_pa = NESTED_NONE;
	n->dirty |= n->state == NESTED_GUEST;
	nested_close_all(n);
}

/* Without SVME there is no GIF that could stay clear. */
void svm_nested_efer(struct vcpu *v, bool svme)
{
	struct nested *n = v->nested;

	n->state = svme ? NESTED_ON : NESTED_OFF;
	memset(n->plain, 0xff, sizeof(n->plain));
	if (!svme && n->gif != GIF_SET) {
		nested_gif_set(n, v->control);
		svm_nested_check_msrs(v);
	}
	own_instructions(v);
	if (svme)
		return;
	v->ring->guests_cr4 = 0;
	nested_guests_off(v->machine);
}

/*
 * L1's own: SVM is there and not locked. What L1 writes to VM_CR has no effect, as when it is locked
 * (15.30.1). No processor reads VM_HSAVE_PA's page but the one that L1 is given back to.
 */
enum msr_answer svm_nested_msr(struct vcpu *v, u32 msr, bool write, u64 *value)
{
	struct nested *n = v->nested;

	if (msr == MSR_VM_CR) {
		if (!write)
			*value = cpu_rdmsr(MSR_VM_CR) & ~VM_CR_R_INIT;
		return MSR_DONE;
	}
	if (!write) {
		*value = n->hsave;
		return MSR_DONE;
	}
	if (*value % PAGE_BYTES || *value >> v->machine->maxphyaddr ||
	    block_offset(v->machine, *value) != BLOCK_NONE)
		return MSR_FAULT;
	n->hsave = *value;
	return MSR_DONE;
}

/*
 * Under the ASIDs that L1 has given its guests, the TLB has what our tables say, and where those lie.
 * One more VMRUN throws it all out; what L1 itself leaves there by then has a number that it never uses.
 */
bool svm_nested_leave(struct vcpu *v)
{
	struct nested *n = v->nested;
	struct vmcb *own = v->control;

	/* The bare processor has it set, and so has this one when it is taken again. */
	if (n->gif != GIF_SET)
		nested_gif_set(n, own);
	if (n->leaving)
		return true;
	n->leaving = true;
	own->tlb_control = SVM_FLUSH_ALL;
	return false;
}

/* svm_left(), on Linux's side, leaves alone what is in use: a VM_HSAVE_PA that is not ours tells it. */
void svm_nested_left(struct vcpu *v)
{
	const struct nested *n = v->nested;

	if (n->state)
		cpu_wrmsr(MSR_VM_HSAVE_PA, n->hsave);
}
