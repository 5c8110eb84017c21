// SPDX-License-Identifier: GPL-2.0-only
/*
 * guest_seals.c - the seals of guests of a hypervisor in our guest, and whose they are.
 */
#include "guest_seals.h"

#include "enlightened.h"
#include "machine.h"
#include "phys.h"
#include "string.h"

/* A token: a life, and in its lowest byte which place of the table has it. */
#define TOKEN_LIFE 8
#define DRAWN_BITS 48

void guests_lock(struct machine *m)
{
	while (__atomic_exchange_n(&m->guests.lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

void guests_unlock(struct machine *m)
{
	__atomic_store_n(&m->guests.lock, 0, __ATOMIC_RELEASE);
}

/* Control blocks may bear tokens from before this load: they shall name nobody. */
void guests_start(struct machine *m)
{
	memset(&m->guests, 0, sizeof(m->guests));
	m->guests.drawn = (siphash(m->seals.key, ~0ULL) & (BIT64(DRAWN_BITS) - 1)) + 1;
}

void guests_forget(struct machine *m)
{
	u32 i;

	guests_lock(m);
	for (i = 0; i < GUESTS_MAX; i++)
		m->guests.guest[i].born = 0;
	m->guests.count = 0;
	m->guests.seals = 0;
	guests_unlock(m);
}

static u64 draw(struct machine *m)
{
	return m->guests.drawn++;
}

struct sealer *guest_named(struct machine *m, u64 token, bool *former)
{
	u32 place = (u8)token;
	u64 life = token >> TOKEN_LIFE;
	struct sealer *g;

	if (place >= GUESTS_MAX)
		return NULL;
	g = &m->guests.guest[place];
	if (!g->born || life < g->born || life > g->life)
		return NULL;
	*former = life != g->life;
	return g;
}

u64 guest_token(const struct machine *m, const struct sealer *g)
{
	return g->life << TOKEN_LIFE | (u64)(g - m->guests.guest);
}

struct sealer *guest_on(struct machine *m, u64 root)
{
	struct sealer *g;
	u32 i;

	for (g = m->guests.guest; g < m->guests.guest + GUESTS_MAX; g++)
		for (i = 0; g->born && i < GUEST_ROOTS; i++)
			if (g->root[i] == root)
				return g;
	return NULL;
}

void guest_rootless(struct machine *m, u64 root)
{
	struct sealer *g = guest_on(m, root);
	u32 i;

	for (i = 0; g && i < GUEST_ROOTS; i++)
		if (g->root[i] == root)
			g->root[i] = GUEST_NO_ROOT;
}

bool guest_root(struct machine *m, struct sealer *g, u64 root)
{
	u32 i;

	if (guest_on(m, root) == g)
		return false;
	for (i = GUEST_ROOTS - 1; i; i--)
		g->root[i] = g->root[i - 1];
	g->root[0] = root;
	return true;
}

/* The hypervisor has given its control block's page away: it is zero, or another's. */
static bool gone(struct machine *m, const struct sealer *g)
{
	bool former;
	u64 token;

	return !phys_read(g->token, &token, sizeof(token)) || guest_named(m, token, &former) != g;
}

struct sealer *guest_new(struct machine *m, u64 root, u64 token)
{
	struct sealer *g;
	u32 i;

	for (g = m->guests.guest; g < m->guests.guest + GUESTS_MAX; g++)
		if (g->born && gone(m, g))
			guest_end(m, g);
	for (g = m->guests.guest; g < m->guests.guest + GUESTS_MAX && g->born; g++)
		;
	if (g == m->guests.guest + GUESTS_MAX)
		return NULL;
	*g = (struct sealer){ .born = draw(m), .version = draw(m), .token = token };
	g->life = g->born;
	for (i = 0; i < GUEST_ROOTS; i++)
		g->root[i] = GUEST_NO_ROOT;
	__atomic_store_n(&m->guests.count, m->guests.count + 1, __ATOMIC_RELAXED);
	guest_root(m, g, root);
	return g;
}

static void remove(struct guests *all, u32 i)
{
	all->seal[i].guest->seals--;
	all->seal[i] = all->seal[--all->seals];
}

static void remove_all(struct guests *all, const struct sealer *g)
{
	u32 i = all->seals;

	while (i--)
		if (all->seal[i].guest == g)
			remove(all, i);
}

void guest_end(struct machine *m, struct sealer *g)
{
	remove_all(&m->guests, g);
	g->born = 0;
	__atomic_store_n(&m->guests.count, m->guests.count - 1, __ATOMIC_RELAXED);
}

void guest_reset(struct machine *m, struct sealer *g)
{
	remove_all(&m->guests, g);
	g->life = draw(m);
	g->version = draw(m);
}

void guest_merge(struct machine *m, struct sealer *g, struct sealer *other)
{
	struct guests *all = &m->guests;
	u32 i;

	for (i = 0; i < all->seals; i++)
		if (all->seal[i].guest == other)
			all->seal[i].guest = g;
	g->seals += other->seals;
	g->version = draw(m);
	for (i = GUEST_ROOTS; i--;)
		if (other->root[i] != GUEST_NO_ROOT)
			guest_root(m, g, other->root[i]);
	guest_end(m, other);
}

bool guest_sealed(const struct machine *m, const struct sealer *g, u64 first, u64 last)
{
	const struct guest_seal *s = m->guests.seal;
	const struct guest_seal *end = s + m->guests.seals;

	for (; s < end; s++)
		if (s->guest == g && s->seal.first <= last && s->seal.last >= first)
			return true;
	return false;
}

u64 guest_seal(struct machine *m, struct sealer *g, u64 first, u64 pages, u64 end, u64 *handle)
{
	struct guests *all = &m->guests;
	struct seal new = { .first = first };

	if (first % PAGE_BYTES || first >= end || !pages || pages > (end - first) / PAGE_BYTES)
		return OLDGUARD_CALL_BAD;
	new.last = first + pages * PAGE_BYTES - 1;
	if (guest_sealed(m, g, new.first, new.last))
		return OLDGUARD_CALL_BAD;
	/* Of guests that have been merged one may have more than it could seal. */
	if (g->seals >= GUEST_SEALS_MAX || all->seals == GUESTS_MAX * GUEST_SEALS_MAX)
		return OLDGUARD_CALL_FULL;
	new.handle = siphash(m->seals.key, BIT64(63) | draw(m));
	all->seal[all->seals++] = (struct guest_seal){ g, new };
	g->seals++;
	g->version = draw(m);
	*handle = new.handle;
	return OLDGUARD_CALL_OK;
}

u64 guest_unseal(struct machine *m, struct sealer *g, u64 handle)
{
	struct guests *all = &m->guests;
	u32 i;

	if (m->locked)
		return OLDGUARD_CALL_REFUSED;
	for (i = 0; i < all->seals; i++)
		if (all->seal[i].guest == g && all->seal[i].seal.handle == handle)
			break;
	if (i == all->seals)
		return OLDGUARD_CALL_BAD;
	remove(all, i);
	g->version = draw(m);
	return OLDGUARD_CALL_OK;
}
