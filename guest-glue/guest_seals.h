/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guest_seals.h - pages that a guest of a hypervisor in our guest has asked us to protect. They are
 * addresses of its own, whatever memory its hypervisor puts there: remapping does not end a seal.
 *
 * Which guest a processor runs for, the vendor's file finds out and says by a token. A guest lives
 * several lives: a reset begins a new one, without seals, and what comes with the token of a former one and
 * has not been reset itself is not let go on. So nothing ends a seal that leaves the guest's programs running.
 */
#ifndef OLDGUARD_GUEST_SEALS_H
#define OLDGUARD_GUEST_SEALS_H

#include "seal.h"

#define GUESTS_MAX 16
#define GUEST_SEALS_MAX 16
#define GUEST_ROOTS 4
#define GUEST_NO_ROOT (~0ULL)

/**
 * struct sealer - a guest that has sealed something
 * @born: its first life; 0: nobody's place
 * @life: the one that it has now; no other guest has had it
 * @version: another number when its seals are others; no other guest has had it
 * @token: where one of its control blocks bears its token, as long as the guest exists
 * @root: its hypervisor's tables that it runs on, the newest one first
 * @seals: how many
 */
struct sealer {
	u64 born;
	u64 life;
	u64 version;
	u64 token;
	u64 root[GUEST_ROOTS];
	u32 seals;
};

struct guest_seal {
	struct sealer *guest;
	struct seal seal;
};

/**
 * struct guests - all of them
 * @lock: held while they are looked at or changed
 * @count: how many there are
 * @drawn: of it come lives, versions and handles
 * @guest: in no order
 * @seals: how many, of all guests
 * @seal: in no order
 */
struct guests {
	u32 lock;
	u32 count;
	u64 drawn;
	struct sealer guest[GUESTS_MAX];
	u32 seals;
	struct guest_seal seal[GUESTS_MAX * GUEST_SEALS_MAX];
};

/* guests_lock(), guests_unlock() - around all of these but guests_start() and guests_forget() */
void guests_lock(struct machine *m);
void guests_unlock(struct machine *m);

/* guests_start() - Linux's side, before any processor is taken; the seals' key is known */
void guests_start(struct machine *m);

/* guests_forget() - there are none any more */
void guests_forget(struct machine *m);

/**
 * guest_named() - whom a token names
 * @m: the machine
 * @token: from a control block: it may be anything
 * @former: gets whether it is of a life that a reset has ended
 *
 * Return: NULL: nobody.
 */
struct sealer *guest_named(struct machine *m, u64 token, bool *former);

/* guest_token() - by which it is named in this life; not 0 */
u64 guest_token(const struct machine *m, const struct sealer *g);

/* guest_on() - who runs on a root, or NULL */
struct sealer *guest_on(struct machine *m, u64 root);

/* guest_root() - it runs on a root on which nobody else does. True: that is news. */
bool guest_root(struct machine *m, struct sealer *g, u64 root);

/* guest_rootless() - nobody runs on it: it is a new one */
void guest_rootless(struct machine *m, u64 root);

/* guest_new() - a guest without seals, or NULL if there are too many */
struct sealer *guest_new(struct machine *m, u64 root, u64 token);

/* guest_end() - it is gone */
void guest_end(struct machine *m, struct sealer *g);

/* guest_reset() - its next life begins */
void guest_reset(struct machine *m, struct sealer *g);

/* guest_merge() - two have turned out to be one */
void guest_merge(struct machine *m, struct sealer *g, struct sealer *other);

/**
 * guest_seal() - seal pages of a guest
 * @m: the machine
 * @g: the guest
 * @first: address of the first
 * @pages: how many
 * @end: of the addresses that it can have
 * @handle: gets the handle
 *
 * Return: OLDGUARD_CALL_*.
 */
u64 guest_seal(struct machine *m, struct sealer *g, u64 first, u64 pages, u64 end, u64 *handle);

/* guest_unseal() - undo it; OLDGUARD_CALL_* */
u64 guest_unseal(struct machine *m, struct sealer *g, u64 handle);

/* guest_sealed() - whether some byte of a range is sealed */
bool guest_sealed(const struct machine *m, const struct sealer *g, u64 first, u64 last);

#endif
