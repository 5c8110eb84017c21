// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk.c - the guest's page tables (AMD APM vol. 2, ch. 5; Intel SDM vol. 3, ch. 4).
 *
 * Three steps: descend() reads the entries, allowed() judges the access by what they say together,
 * mark() sets accessed and dirty bits. An entry that another processor changes between the first
 * step and the last sends the walk back to its start.
 */
#include "walk.h"

#include "cpu.h"
#include "phys.h"

#define LEVELS 5

/*
 * How often a walk may start again. Each time takes another processor that changed an entry in
 * those few instructions, so only a guest that works at it comes here; it must not keep us.
 */
#define WALK_TRIES 256

#define PTE_PSE_HIGH 0x001fe000ULL	/* bits 39:32 of a 4 MiB page's address (APM vol. 2, 5.2.2) */
#define PDPTE_PAE_RESERVED 0x1e6ULL	/* bits 8:5 and 2:1 */
#define PKEY_SHIFT 59
#define PKRU_AD 1u
#define PKRU_WD 2u

/**
 * struct walk - one walk under way; the arrays are by level, 0 being the one that maps 4 KiB
 * @at: where an entry lies
 * @entry: what it held
 * @reserved: bits that no entry may have set
 * @address: of the page
 * @access: WALK_* bits
 * @size: of an entry, 4 or 8 bytes
 * @from: uppermost level with accessed bits (PAE's PDPTEs have none)
 * @leaf: level of the entry that maps the page
 * @page_shift: the page's size
 * @user: all entries allow CPL 3
 * @writable: all entries allow writing
 * @no_execute: an entry forbids fetching
 */
struct walk {
	const struct walk_state *state;
	u64 linear;
	u64 at[LEVELS];
	u64 entry[LEVELS];
	u64 reserved;
	u64 address;
	u32 access;
	u32 size;
	u32 from;
	u32 leaf;
	u32 page_shift;
	bool user;
	bool writable;
	bool no_execute;
};

static bool long_mode(const struct walk_state *s)
{
	return s->efer & EFER_LMA;
}

/* Bits @from to @to, none if @from is above. */
static u64 bits(u32 from, u32 to)
{
	return from > to ? 0 : (~0ULL >> (63 - (to - from))) << from;
}

static bool by_user(const struct walk *w)
{
	return w->state->cpl == 3 && !(w->access & WALK_SYSTEM);
}

static enum walk_status page_fault(const struct walk *w, u64 error, struct guest_fault *fault)
{
	const struct walk_state *s = w->state;

	if (w->access & WALK_WRITE)
		error |= PF_WRITE;
	if (by_user(w))
		error |= PF_USER;
	/* Told only where fetches can be forbidden (SDM vol. 3, 4.7). */
	if ((w->access & WALK_FETCH) &&
	    ((s->cr4 & CR4_SMEP) || ((s->cr4 & CR4_PAE) && (s->efer & EFER_NXE))))
		error |= PF_FETCH;
	*fault = (struct guest_fault){
		.cr2 = w->linear, .error = error, .vector = VECTOR_PF, .has_error = true,
	};
	return WALK_FAULT;
}

/*
 * An entry's reserved bits at @level, 0 being the one that maps 4 KiB. AMD also reserves bit 8
 * of the two upper levels where Intel ignores it; it is ignored here.
 */
static u64 reserved_bits(const struct walk *w, u32 level, bool large)
{
	const struct walk_state *s = w->state;
	u64 reserved = w->reserved;

	if (w->size == 4)
		return large ? bits(s->maxphyaddr < 40 ? s->maxphyaddr - 19 : 21, 21) : 0;
	if (!long_mode(s) && level == 2)
		return bits(s->maxphyaddr, 63) | PDPTE_PAE_RESERVED;
	if (level >= 3 || (level == 2 && !s->gbpages))
		reserved |= PTE_PS;
	if (large)
		reserved |= bits(13, level == 2 ? 29 : 20);
	return reserved;
}

static bool is_large(const struct walk *w, u32 level, u64 entry)
{
	if (!(entry & PTE_PS) || level == 0 || level > 2)
		return false;
	if (w->size == 4)
		return w->state->cr4 & CR4_PSE;
	return level == 1 || long_mode(w->state);
}

static void take_leaf(struct walk *w, u32 level, u64 entry)
{
	u32 index_bits = w->size == 4 ? 10 : 9;

	w->leaf = level;
	w->page_shift = 12 + level * index_bits;
	if (w->size == 4 && level == 1)
		w->address = (entry & 0xffc00000) | (entry & PTE_PSE_HIGH) << 19;
	else
		w->address = entry & bits(w->page_shift, 51);
}

static enum walk_status descend(struct walk *w, u32 top, struct guest_fault *fault)
{
	const struct walk_state *s = w->state;
	u32 index_bits = w->size == 4 ? 10 : 9, level = top;
	u64 table, entry;

	w->user = true;
	w->writable = true;
	w->no_execute = false;
	table = s->cr3 & (long_mode(s) ? CR3_ADDRESS : w->size == 8 ? 0xffffffe0 : 0xfffff000);
	for (;; level--) {
		u64 index = w->linear >> (12 + level * index_bits) & bits(0, index_bits - 1);
		bool pdpte = w->size == 8 && !long_mode(s) && level == 2;
		bool large;

		if (pdpte && s->pdptes) {
			entry = s->pdptes[index & 3];
			/* The processor has checked these when it loaded them. */
			if (!(entry & PTE_P))
				return page_fault(w, 0, fault);
			table = entry & bits(12, 51);
			continue;
		}
		w->at[level] = table + index * w->size;
		entry = 0;	/* of 4 bytes the upper half stays 0 */
		if (!phys_read(w->at[level], &entry, w->size))
			return WALK_NO_MEMORY;
		w->entry[level] = entry;
		if (!(entry & PTE_P))
			return page_fault(w, 0, fault);
		large = is_large(w, level, entry);
		if (entry & reserved_bits(w, level, large))
			return page_fault(w, PF_PRESENT | PF_RSVD, fault);
		if (!pdpte) {
			w->user = w->user && (entry & PTE_U);
			w->writable = w->writable && (entry & PTE_W);
			w->no_execute = w->no_execute || (entry & PTE_NX);
		}
		if (level == 0 || large)
			break;
		table = entry & (w->size == 8 ? bits(12, 51) : 0xfffff000);
	}
	take_leaf(w, level, entry);
	return WALK_OK;
}

/* Protection keys: data of user pages in long mode only (SDM vol. 3, 4.6.2; APM vol. 2, 5.6.7) */
static bool key_forbids(const struct walk *w)
{
	const struct walk_state *s = w->state;
	u32 rights;

	if (!(s->cr4 & CR4_PKE) || !long_mode(s) || !w->user || (w->access & WALK_FETCH))
		return false;
	rights = s->pkru >> (2 * (w->entry[w->leaf] >> PKEY_SHIFT & 15));
	if (rights & PKRU_AD)
		return true;
	return (rights & PKRU_WD) && (w->access & WALK_WRITE) &&
	       (by_user(w) || (s->cr0 & CR0_WP));
}

/* SDM vol. 3, 4.6.1; APM vol. 2, 5.6 */
static bool allowed(const struct walk *w)
{
	const struct walk_state *s = w->state;

	if ((w->access & WALK_FETCH) && w->no_execute)
		return false;
	if (by_user(w))
		return w->user && (w->writable || !(w->access & WALK_WRITE));
	if (w->user) {
		if (w->access & WALK_FETCH) {
			if (s->cr4 & CR4_SMEP)
				return false;
		} else if (s->cr4 & CR4_SMAP) {
			/* RFLAGS.AC opens explicit accesses only. */
			if ((w->access & WALK_SYSTEM) || !(s->rflags & RFLAGS_AC))
				return false;
		}
	}
	return w->writable || !(w->access & WALK_WRITE) || !(s->cr0 & CR0_WP);
}

/* Returns as phys_cmpxchg(): 0 if an entry has changed since it was read. */
static int mark(const struct walk *w)
{
	u32 level = w->from + 1;

	while (level-- > w->leaf) {
		u64 set = PTE_A;
		int done;

		if (level == w->leaf && (w->access & WALK_WRITE))
			set |= PTE_D;
		if ((w->entry[level] & set) == set)
			continue;
		done = phys_cmpxchg(w->at[level], w->size, w->entry[level],
				    w->entry[level] | set);
		if (done != 1)
			return done;
	}
	return 1;
}

enum walk_status guest_walk(const struct walk_state *state, u64 linear, u32 access, u64 *gpa,
			    struct guest_fault *fault)
{
	struct walk_page page;

	return guest_walk_page(state, linear, access, gpa, &page, fault);
}

static void tell(const struct walk *w, struct walk_page *page)
{
	*page = (struct walk_page){
		.entry = w->entry[w->leaf] | (w->access & WALK_WRITE ? PTE_D : 0),
		.shift = w->page_shift,
		.writable = w->writable,
		.no_execute = w->no_execute,
	};
}

enum walk_status guest_walk_page(const struct walk_state *state, u64 linear, u32 access, u64 *gpa,
				 struct walk_page *page, struct guest_fault *fault)
{
	struct walk w = { .state = state, .linear = linear, .access = access, .size = 8 };
	enum walk_status status;
	u32 top, tries;
	int marked = 1;
	bool key;

	if (!long_mode(state))
		w.linear = (u32)linear;
	if (!(state->cr0 & CR0_PG)) {
		*gpa = w.linear;
		return WALK_OK;
	}
	if (long_mode(state)) {
		top = state->cr4 & CR4_LA57 ? 4 : 3;
		w.from = top;
		w.reserved = bits(state->maxphyaddr, 51);
	} else if (state->cr4 & CR4_PAE) {
		top = 2;
		w.from = 1;
		w.reserved = bits(state->maxphyaddr, 62);
	} else {
		top = 1;
		w.from = 1;
		w.size = 4;
	}
	if (!(state->efer & EFER_NXE))
		w.reserved |= PTE_NX;

	for (tries = 0; tries < WALK_TRIES; tries++) {
		status = descend(&w, top, fault);
		if (status != WALK_OK)
			return status;
		/* A key's bit is told beside whatever else forbids (SDM vol. 3, 4.7). */
		key = key_forbids(&w);
		if (key || !allowed(&w))
			return page_fault(&w, PF_PRESENT | (key ? PF_PKEY : 0), fault);
		if (!(access & WALK_PEEK))
			marked = mark(&w);
		if (marked < 0)
			return WALK_NO_MEMORY;
		if (marked) {
			*gpa = w.address | (w.linear & bits(0, w.page_shift - 1));
			tell(&w, page);
			return WALK_OK;
		}
	}
	return WALK_NO_MEMORY;
}
