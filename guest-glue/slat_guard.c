// SPDX-License-Identifier: GPL-2.0-only
/*
 * slat_guard.c - memory that the guest must not write: rights taken out of the second-level tables,
 * and given back.
 *
 * The tables belong to all processors. A large page that is protected in part is split, which
 * changes nothing by itself and can fail; taking rights cannot. So a plan is prepared while the old
 * one is in force still, and what has been split stays so.
 */
#include "machine.h"

u64 *slat_leaf(const struct machine *m, u64 gpa, u32 *level)
{
	u64 table = m->slat_root;
	u64 *e;

	for (*level = m->slat.levels;; --*level) {
		e = (u64 *)block_va(m, block_offset(m, table)) + (gpa / slat_bytes(*level) & 511);
		if (!*e || *level == 1 || *e & m->slat.large)
			return e;
		table = *e & CR3_ADDRESS;
	}
}

void slat_split_into(const struct machine *m, u64 leaf, u32 level, u64 *table)
{
	u64 flags = leaf & ~CR3_ADDRESS;
	u32 i;

	/* Bit 7 of the smallest pages is another one (PAT). */
	if (level == 2)
		flags &= ~m->slat.large;
	for (i = 0; i < 512; i++)
		table[i] = ((leaf & CR3_ADDRESS) + i * slat_bytes(level - 1)) | flags;
}

/* Let no page lie across @gpa. */
static bool split_at(struct machine *m, u64 gpa)
{
	u64 *e, *table;
	u32 level;
	u64 pa;

	for (;;) {
		e = slat_leaf(m, gpa, &level);
		if (!*e || gpa % slat_bytes(level) == 0)
			return true;
		table = block_pages(m, 1, &pa);
		if (!table)
			return false;
		slat_split_into(m, *e, level, table);
		/* One store: whoever walks there finds the same memory with the same rights. */
		__atomic_store_n(e, pa | m->slat.table, __ATOMIC_RELEASE);
	}
}

static void protect(struct machine *m, u64 first, u64 last, bool writable)
{
	u64 gpa = first, next;
	u32 level;
	u64 *e;

	for (; gpa <= last; gpa = next) {
		e = slat_leaf(m, gpa, &level);
		next = (gpa & ~(slat_bytes(level) - 1)) + slat_bytes(level);
		/* The block stays as it is hidden. */
		if (*e && block_offset(m, gpa) == BLOCK_NONE)
			__atomic_store_n(e, writable ? *e | m->slat.write : *e & ~m->slat.write,
					 __ATOMIC_RELAXED);
	}
}

/* The end of what the tables can map. */
static u64 last_address(const struct machine *m)
{
	return BIT64(m->maxphyaddr) - 1;
}

static bool split_edges(struct machine *m, const struct page_range *r)
{
	return split_at(m, r->first) && (r->last >= last_address(m) || split_at(m, r->last + 1));
}

bool slat_protect(struct machine *m, u64 gpa, u64 bytes, bool writable)
{
	struct page_range r = { gpa, gpa + bytes - 1 };
	bool done;

	slat_lock(m);
	done = split_edges(m, &r);
	if (done)
		protect(m, r.first, r.last, writable);
	slat_unlock(m);
	return done;
}

bool slat_guarded(const struct machine *m, u64 gpa)
{
	u32 level;
	u64 *e;

	/* Nothing is protected: not worth a walk. */
	if (!m->guard[0].count && !m->guard[1].count)
		return false;
	if (gpa >> m->maxphyaddr || block_offset(m, gpa) != BLOCK_NONE)
		return false;
	e = slat_leaf(m, gpa, &level);
	return *e && !(*e & m->slat.write);
}

/* --- a plan's pages --- */

static void add(struct page_ranges *out, const struct machine *m, u64 first, u64 last)
{
	if (first > last_address(m))
		return;
	if (last > last_address(m))
		last = last_address(m);
	out->range[out->count++] = (struct page_range){ .first = first & ~(PAGE_BYTES - 1),
							.last = last | (PAGE_BYTES - 1) };
}

static bool in_rule(const struct plan *plan, const struct area_range *area)
{
	u32 i;

	for (i = 0; i < plan->rule_count; i++)
		if (plan->rules[i].action != ACTION_ALLOW && rule_has_range(&plan->rules[i], area))
			return true;
	return false;
}

/* The pages that some rule is about, each range once. */
static void find_pages(struct machine *m, const struct plan *plan, struct page_ranges *out)
{
	const struct rule *r = plan->rules;
	u32 i;

	out->count = 0;
	for (i = 0; i < plan->area_count; i++)
		if (in_rule(plan, &plan->areas[i]))
			add(out, m, plan->areas[i].first, plan->areas[i].last);
	for (; r < plan->rules + plan->rule_count; r++)
		if (rule_is_physical(r) && r->action != ACTION_ALLOW)
			add(out, m, r->first, r->last);
	for (i = 0; plan->offers & OFFER_SEAL && i < m->seals.count; i++)
		add(out, m, m->seals.seal[i].first, m->seals.seal[i].last);
}

bool slat_guard_prepare(struct machine *m, u32 plan)
{
	struct page_ranges *guard = &m->guard[plan];
	bool done = true;
	u32 i;

	find_pages(m, &m->plans[plan], guard);
	if (!m->slat_root)
		return true;
	slat_lock(m);
	for (i = 0; done && i < guard->count; i++)
		done = split_edges(m, &guard->range[i]);
	slat_unlock(m);
	if (!done)
		guard->count = 0;
	return done;
}

/* Gives back what no range of @now has: from hole to hole. */
static void give_back(struct machine *m, const struct page_range *old,
		      const struct page_ranges *now)
{
	u64 at = old->first, end;
	u32 i;

	while (at <= old->last) {
		end = old->last;
		for (i = 0; i < now->count; i++) {
			const struct page_range *r = &now->range[i];

			if (r->first <= at && at <= r->last)
				break;
			if (r->first > at && r->first - 1 < end)
				end = r->first - 1;
		}
		if (i == now->count)
			protect(m, at, end, true);
		else
			end = now->range[i].last;
		at = end + 1;
	}
}

void slat_guard_apply(struct machine *m, u32 plan)
{
	const struct page_ranges *now = &m->guard[plan];
	struct page_ranges *old = &m->guard[!plan];
	u32 i;

	if (!m->slat_root)
		return;
	slat_lock(m);
	for (i = 0; i < now->count; i++)
		protect(m, now->range[i].first, now->range[i].last, false);
	for (i = 0; i < old->count; i++)
		give_back(m, &old->range[i], now);
	old->count = 0;
	slat_unlock(m);
}

bool slat_guard_add(struct machine *m, u64 first, u64 last)
{
	struct page_ranges *now = &m->guard[m->current_plan];
	struct page_range r = { first, last };
	bool done;

	slat_lock(m);
	done = now->count < PAGE_RANGES_MAX && split_edges(m, &r);
	if (done) {
		now->range[now->count++] = r;
		protect(m, first, last, false);
	}
	slat_unlock(m);
	return done;
}

void slat_guard_remove(struct machine *m, u64 first, u64 last)
{
	struct page_ranges *now = &m->guard[m->current_plan];
	struct page_range r = { first, last };
	u32 i;

	slat_lock(m);
	for (i = 0; i < now->count; i++)
		if (now->range[i].first == first && now->range[i].last == last)
			break;
	if (i < now->count) {
		now->range[i] = now->range[--now->count];
		give_back(m, &r, now);
	}
	slat_unlock(m);
}

bool slat_guard_again(struct machine *m, u64 gpa, u64 bytes)
{
	const struct page_ranges *now = &m->guard[m->current_plan];
	u32 i;

	for (i = 0; i < now->count; i++) {
		const struct page_range *r = &now->range[i];

		if (r->last < gpa || r->first > gpa + bytes - 1)
			continue;
		if (!split_edges(m, r))
			return false;
		protect(m, r->first, r->last, false);
	}
	return true;
}
