// SPDX-License-Identifier: GPL-2.0-only
/*
 * seal.c - the calls of an enlightened kernel: pages that it wants protected from itself.
 */
#include "seal.h"

#include "aside.h"
#include "enlightened.h"
#include "machine.h"

#define TYPE_WB 6
#define SIZE_4G (1ULL << 32)

static u64 rotate(u64 value, u32 by)
{
	return value << by | value >> (64 - by);
}

static void rounds(u64 v[4], u32 count)
{
	while (count--) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. */
u64 siphash(const u64 key[2], u64 number)
{
	u64 v[4] = { key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
		     key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL };
	const u64 end = 8ULL << 56; /* its length in bytes */

	v[3] ^= number;
	rounds(v, 2);
	v[0] ^= number;
	v[3] ^= end;
	rounds(v, 2);
	v[0] ^= end;
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void seal_lock(struct machine *m)
{
	while (__atomic_exchange_n(&m->seals.lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

void seal_unlock(struct machine *m)
{
	__atomic_store_n(&m->seals.lock, 0, __ATOMIC_RELEASE);
}

void seal_forget(struct machine *m)
{
	m->seals.count = 0;
	m->sealing = false;
}

bool seal_covers(const struct machine *m, u64 first, u64 last)
{
	const struct seals *s = &m->seals;
	u32 i;

	for (i = 0; i < s->count; i++)
		if (s->seal[i].first <= last && s->seal[i].last >= first)
			return true;
	return false;
}

/*
 * Memory, of which the firmware's MTRRs say that it is write-back, and not our own. Behind 4 GiB
 * AMD's TOM2 makes it write-back without them (APM vol. 2, 7.7.7).
 */
static bool can_be_sealed(const struct machine *m, u64 first, u64 pages)
{
	u64 gpa, end;
	u8 type;

	if (first % PAGE_BYTES || !pages || pages > m->phys_end / PAGE_BYTES)
		return false;
	end = first + pages * PAGE_BYTES;
	if (end > m->phys_end || end < first || block_overlaps(m, first, end - first))
		return false;
	for (gpa = first; gpa < end && gpa < SIZE_4G; gpa += PAGE_BYTES)
		if (!mtrr_type(m, gpa, PAGE_BYTES, &type) || type != TYPE_WB)
			return false;
	return true;
}

static u64 seal(struct machine *m, u64 first, u64 pages, u64 *handle)
{
	struct seals *s = &m->seals;
	struct seal new;

	if (!can_be_sealed(m, first, pages))
		return OLDGUARD_CALL_BAD;
	new = (struct seal){ .first = first, .last = first + pages * PAGE_BYTES - 1 };
	if (seal_covers(m, new.first, new.last))
		return OLDGUARD_CALL_BAD;
	if (s->count == SEALS_MAX || !slat_guard_add(m, new.first, new.last))
		return OLDGUARD_CALL_FULL;
	new.handle = siphash(s->key, s->drawn++);
	s->seal[s->count++] = new;
	*handle = new.handle;
	return OLDGUARD_CALL_OK;
}

static u64 unseal(struct machine *m, u64 handle)
{
	struct seals *s = &m->seals;
	struct seal old;
	u32 i;

	if (m->locked)
		return OLDGUARD_CALL_REFUSED;
	for (i = 0; i < s->count; i++)
		if (s->seal[i].handle == handle)
			break;
	if (i == s->count)
		return OLDGUARD_CALL_BAD;
	old = s->seal[i];
	s->seal[i] = s->seal[--s->count];
	slat_guard_remove(m, old.first, old.last);
	return OLDGUARD_CALL_OK;
}

u64 seal_call(struct vcpu *v, u64 number)
{
	struct machine *m = v->machine;
	u64 answer = OLDGUARD_CALL_REFUSED;

	if (number == OLDGUARD_CALL_SYNC) {
		if (m->slat_root)
			v->virt->flush(v);
		return OLDGUARD_CALL_OK;
	}
	seal_lock(m);
	if (m->plans[m->current_plan].offers & OFFER_SEAL) {
		if (number == OLDGUARD_CALL_UNSEAL)
			answer = unseal(m, v->gpr[RDI]);
		else if (!m->partial && aside_bar(m, &m->sealing, true))
			answer = seal(m, v->gpr[RDI], v->gpr[RSI], &v->gpr[RDX]);
	}
	__atomic_store_n(&m->sealing, m->seals.count, __ATOMIC_SEQ_CST);
	seal_unlock(m);
	return answer;
}
