/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * seal.h - pages that a kernel has asked us to protect: enlightened.h says how it asks.
 */
#ifndef OLDGUARD_SEAL_H
#define OLDGUARD_SEAL_H

#include "types.h"

struct machine;
struct vcpu;

#define SEALS_MAX 32

/**
 * struct seal - one request
 * @first: first byte of its pages
 * @last: and the last
 * @handle: by which it is undone
 */
struct seal {
	u64 first;
	u64 last;
	u64 handle;
};

/**
 * struct seals - all of them
 * @key: what handles are made of; random, from Linux's side, which forgets it
 * @drawn: how many handles were made
 * @count: entries of @seal
 * @seal: in no order
 * @lock: held while they change, and while a plan takes the place of another, which takes them
 * along
 */
struct seals {
	u64 key[2];
	u64 drawn;
	u32 count;
	struct seal seal[SEALS_MAX];
	u32 lock;
};

/* seal_call() - answer a call of enlightened.h; on the processor that has made it. */
u64 seal_call(struct vcpu *v, u64 number);

/* seal_covers() - whether some byte of a range is sealed */
bool seal_covers(const struct machine *m, u64 first, u64 last);

/* seal_lock(), seal_unlock() - around a change of plans */
void seal_lock(struct machine *m);
void seal_unlock(struct machine *m);

/* seal_forget() - no page is sealed any more; locked. */
void seal_forget(struct machine *m);

/* siphash() - SipHash-2-4 of one number */
u64 siphash(const u64 key[2], u64 number);

#endif
