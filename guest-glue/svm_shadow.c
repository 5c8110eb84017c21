// SPDX-License-Identifier: GPL-2.0-only
/*
 * svm_shadow.c - the second-level tables for guests of a hypervisor in the guest: what its nested tables
 * say and ours say, combined (AMD APM vol. 2, 15.25).
 *
 * L1 changes its tables without an exit, so looking at them is not enough: L2 runs on tables of ours that
 * are filled as it faults, and forgotten when L1 has the TLB flushed, as a TLB would be. Each processor
 * has its own, one set for an ASID, and a pool of pages for them.
 */
#include "svm_shadow.h"
#include "../vmexit/svm_nested_ways.h"

#include "string.h"

#define SIZE_4K_SHIFT 12

static u64 page_pa(const struct nested *n, u16 page)
{
	return block_pa(&machine, n->pool[page]);
}

static u64 *page_va(const struct nested *n, u16 page)
{
	return block_va(&machine, n->pool[page]);
}

void nested_shadow_drop(struct nested *n)
{
	u32 i;

	for (i = 0; i < NESTED_SLOTS; i++)
		n->slot[i] = (struct nested_slot){ .first = NESTED_POOL_END };
	for (i = 0; i < n->pool_pages; i++)
		n->next[i] = i + 1 < n->pool_pages ? i + 1 : NESTED_POOL_END;
	n->pool_free = n->pool_pages ? 0 : NESTED_POOL_END;
	n->current = NULL;
}

/* The TLB may know its pages: they are used anew by tables of other ASIDs alone, or after a flush. */
static void drop(struct nested *n, struct nested_slot *s)
{
	if (s->first != NESTED_POOL_END) {
		n->next[s->last] = n->pool_free;
		n->pool_free = s->first;
	}
	*s = (struct nested_slot){ .first = NESTED_POOL_END };
}

/* The tables go, what they stand for stays. */
static void drop_tables(struct nested *n)
{
	struct nested_slot s = *n->current;

	drop(n, n->current);
	s.first = NESTED_POOL_END;
	*n->current = s;
}

/* The slot that has waited longest, other than @s; NULL: none has pages. */
static struct nested_slot *oldest(struct nested *n, const struct nested_slot *s)
{
	struct nested_slot *found = NULL;
	u32 i;

	for (i = 0; i < NESTED_SLOTS; i++)
		if (&n->slot[i] != s && n->slot[i].first != NESTED_POOL_END &&
		    (!found || n->slot[i].used < found->used))
			found = &n->slot[i];
	return found;
}

/* A page for a slot's tables; NESTED_POOL_END: others have none that could be taken. */
static u16 take_page(struct nested *n, struct nested_slot *s)
{
	struct nested_slot *old;
	u16 page;

	if (n->pool_free == NESTED_POOL_END) {
		old = oldest(n, s);
		if (!old)
			return NESTED_POOL_END;
		drop(n, old);
	}
	page = n->pool_free;
	n->pool_free = n->next[page];
	n->next[page] = NESTED_POOL_END;
	if (s->first == NESTED_POOL_END)
		s->first = page;
	else
		n->next[s->last] = page;
	s->last = page;
	memset(page_va(n, page), 0, PAGE_BYTES);
	return page;
}

/* VMCB02 gets what the slot stands for; a slot without a root yet gets one, and an empty TLB. */
static void use(struct nested *n, struct nested_slot *s, u8 flush)
{
	struct vmcb *vmcb = n->vmcb;
	u64 root = machine.slat_root;

	if (s->ncr3 != NESTED_NONE && machine.caps.slat) {
		if (s->first == NESTED_POOL_END) {
			take_page(n, s);
			if (!flush)
				flush = SVM_FLUSH_ASID;
		}
		root = page_pa(n, s->first);
	} else if (s->ncr3 != NESTED_NONE) {
		root = s->ncr3;
	}
	s->used = ++n->clock;
	n->current = s;
	if (vmcb->nested_cr3 != root || vmcb->asid != s->asid)
		vmcb->clean &= ~(SVM_CLEAN_NP | SVM_CLEAN_ASID);
	vmcb->nested_cr3 = root;
	vmcb->asid = s->asid;
	if (flush)
		vmcb->tlb_control = flush == SVM_FLUSH_ALL || !(svm_features & SVM_HAS_FLUSH_ASID) ?
					    SVM_FLUSH_ALL : SVM_FLUSH_ASID;
}

static struct nested_slot *find(struct nested *n, u32 asid)
{
	u32 i;

	for (i = 0; i < NESTED_SLOTS; i++)
		if (n->slot[i].asid == asid)
			return &n->slot[i];
	return NULL;
}

/* One that is free, or has waited longest. */
static struct nested_slot *fresh(struct nested *n)
{
	struct nested_slot *found = n->slot;
	u32 i;

	for (i = 0; i < NESTED_SLOTS; i++)
		if (n->slot[i].used < found->used)
			found = &n->slot[i];
	drop(n, found);
	return found;
}

/*
 * L1 may flush by ASID whatever the processor can, and an ASID that L1 has given away anew without
 * a flush, or that two of its numbers share, is flushed by us.
 */
void nested_shadow_enter(struct vcpu *v, u32 asid, u64 ncr3, u8 flush)
{
	struct nested *n = v->nested;
	u32 own = nested_asid(n, asid);
	struct nested_slot *s;

	n->vmcb->tlb_control = 0;
	if (n->stale & NESTED_STALE_TABLES || flush == SVM_FLUSH_ALL) {
		__atomic_fetch_and(&n->stale, (u8)~NESTED_STALE_TABLES, __ATOMIC_SEQ_CST);
		flush = SVM_FLUSH_ALL;
		nested_shadow_drop(n);
	}
	s = find(n, own);
	if (s && (flush || s->l1_asid != asid || s->ncr3 != ncr3 || s->version != n->version)) {
		drop(n, s);
		s = NULL;
	}
	if (!s) {
		if (!flush)
			flush = SVM_FLUSH_ASID;
		s = fresh(n);
		s->asid = own;
		s->l1_asid = asid;
		s->ncr3 = ncr3;
		s->version = n->version;
	}
	use(n, s, flush);
}

void nested_shadow_refresh(struct vcpu *v)
{
	struct nested *n = v->nested;
	struct nested_slot s;

	if (n->stale & NESTED_STALE_TABLES || n->current->version != n->version) {
		s = *n->current;
		nested_shadow_enter(v, s.l1_asid, s.ncr3, 0);
	} else if (n->current->ncr3 != NESTED_NONE && n->current->first == NESTED_POOL_END) {
		use(n, n->current, SVM_FLUSH_ASID);
	}
}

/* L1's nested paging is of the mode that L1 is in, and all its accesses are a user's (15.25.3, 15.25.5). */
static enum walk_status walk(struct vcpu *v, u64 gpa, u32 access, u64 *address,
			     struct walk_page *page, struct guest_fault *fault)
{
	const struct nested *n = v->nested;
	const struct vmcb *own = v->control;
	const struct walk_state state = {
		.cr0 = CR0_PG | CR0_PE | CR0_WP,
		.cr3 = n->current->ncr3,
		.cr4 = own->cr4 & (CR4_PAE | CR4_PSE | CR4_LA57),
		.efer = own->efer,
		.cpl = 3,
		.maxphyaddr = v->machine->maxphyaddr,
		.gbpages = v->machine->gbpages,
	};
	u32 width = !(own->efer & EFER_LMA) ? 32 : own->cr4 & CR4_LA57 ? 57 : 48;

	if (gpa >> width) {
		*fault = (struct guest_fault){ .error = PF_USER };
		return WALK_FAULT;
	}
	return guest_walk_page(&state, gpa, access, address, page, fault);
}

bool nested_address(struct vcpu *v, u64 gpa, u64 *address)
{
	const struct nested *n = v->nested;
	struct guest_fault fault;
	struct walk_page page;

	*address = gpa;
	return !n->npt || walk(v, gpa, WALK_READ | WALK_PEEK, address, &page, &fault) == WALK_OK;
}

/* Our own entry for an L1-physical address; made if nobody has asked for it before. */
static bool own_leaf(struct machine *m, u64 address, u64 *entry, u32 *level)
{
	u64 *e = slat_leaf(m, address, level);

	if (!*e && slat_fill(m, address))
		e = slat_leaf(m, address, level);
	*entry = __atomic_load_n(e, __ATOMIC_RELAXED);
	return *entry;
}

/* The entry of the shadow tables for @gpa at @level; NULL: there are no pages. */
static u64 *entry(struct nested *n, u64 gpa, u32 level)
{
	u64 *table = page_va(n, n->current->first);
	u32 l;

	for (l = machine.slat.levels; l > level; l--) {
		u64 *e = &table[gpa / slat_bytes(l) & 511];
		u16 page;

		/* A large page of before, where a small one is due: its table begins empty. */
		if (!*e || *e & machine.slat.large) {
			page = take_page(n, n->current);
			if (page == NESTED_POOL_END)
				return NULL;
			*e = page_pa(n, page) | machine.slat.table;
		}
		table = block_va(&machine, block_offset(&machine, *e & CR3_ADDRESS));
	}
	return &table[gpa / slat_bytes(level) & 511];
}

/* L1's memory type of the page, in the place where a page of @level has it: PWT, PCD, PAT. */
static u64 type(const struct walk_page *page, u32 level)
{
	u64 pat = page->entry >> (page->shift > SIZE_4K_SHIFT ? 12 : 7) & 1;

	return (page->entry & (BIT64(3) | BIT64(4))) | pat << (level > 1 ? 12 : 7);
}

/* Whether L2 has sealed some of the page at @gpa of that level. */
static bool sealed(const struct vcpu *v, u64 gpa, u32 level)
{
	u64 bytes = slat_bytes(level);

	return nested_guest_sealed(v, gpa & ~(bytes - 1), bytes);
}

static void install(struct vcpu *v, u64 gpa, u64 address, const struct walk_page *page, u64 own, u32 own_level)
{
	struct nested *n = v->nested;
	const struct machine *m = v->machine;
	/* 2 MiB at the most, where both have that much and none of it is sealed. */
	u32 level = page->shift >= 21 && own_level >= 2 && !sealed(v, gpa, 2) ? 2 : 1;
	u64 mask = slat_bytes(level) - 1;
	u64 target = (own & CR3_ADDRESS & ~(slat_bytes(own_level) - 1)) |
		     (address & (slat_bytes(own_level) - 1) & ~mask);
	u64 leaf = target | m->slat.leaf | (level > 1 ? m->slat.large : 0) | type(page, level);
	u64 *e;

	/* A page that L2 has not written is not dirty in L1's tables: its first write has to come here. */
	if (!page->writable || !(page->entry & PTE_D) || !(own & m->slat.write) ||
	    (level == 1 && sealed(v, gpa, 1)))
		leaf &= ~m->slat.write;
	if (page->no_execute || own & m->slat.no_execute)
		leaf |= m->slat.no_execute;
	e = entry(n, gpa, level);
	if (!e) {
		/* All of it has been this L2's: begin anew. */
		drop_tables(n);
		return;
	}
	/* A table may be there, of small pages that L1 has joined meanwhile: its pages go with the slot. */
	__atomic_store_n(e, leaf, __ATOMIC_RELAXED);
}

enum nested_fault nested_shadow_fault(struct vcpu *v, u64 gpa, u64 *error, u64 *address)
{
	u64 had = *error;
	u32 access = had & PF_FETCH ? WALK_FETCH : had & PF_WRITE ? WALK_WRITE : WALK_READ;
	struct guest_fault fault = { .error = PF_USER };
	struct walk_page page;
	u32 level;
	u64 own;

	if (access == WALK_WRITE && sealed(v, gpa, 1))
		return NESTED_SEALED;
	if (walk(v, gpa, access, address, &page, &fault) != WALK_OK) {
		/* Where L1's tables lead to no memory, nothing is present. */
		*error = (had & ~0xffffffffULL) | fault.error;
		return NESTED_REFLECT;
	}
	if (!own_leaf(v->machine, *address, &own, &level) ||
	    (access == WALK_WRITE && !(own & v->machine->slat.write)) ||
	    (access == WALK_FETCH && own & v->machine->slat.no_execute))
		return NESTED_REFUSE;
	install(v, gpa, *address, &page, own, level);
	return NESTED_RETRY;
}
