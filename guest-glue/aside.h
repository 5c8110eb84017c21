/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aside.h - kvm=aside: whoever wants the processor's virtualisation extension gets the processor.
 *
 * The guest sees the extension. Where it switches it on (the write of a register, which exits),
 * this processor is given back: the write takes effect, and what follows is native. The way back is
 * Linux's side's: once the extension is off again it takes the processor as any other.
 *
 * No hypercall asked for it, so nobody has saved registers for us, and nobody of Linux's side knows
 * yet. So the processor arrives in Linux's world at aside_landing(), on the stack of the code that
 * did the write, which finds every register and its flags there as if the write had been all.
 */
#ifndef OLDGUARD_ASIDE_H
#define OLDGUARD_ASIDE_H

#include "types.h"

#ifndef __ASSEMBLER__
#include "../vmexit/vmexit.h"

struct machine;
struct vcpu;

/**
 * aside_free() - whether this processor may be handed over now
 * @v: the processor
 *
 * Not where it is locked, where a task relies on what only we can give (HYPERCALL_STAY), while a page
 * is sealed (whoever unseals and frees it must find somebody to ask, wherever it runs), nor where the
 * guest has set a CR4 bit that the bare processor would refuse.
 */
bool aside_free(const struct vcpu *v);

/**
 * aside_begin() - hand this processor over: the last step of the write that asks for it
 * @v: the processor; all that the write changes is changed
 * @e: the write, its length known
 *
 * Return: VERDICT_LEAVE; VERDICT_RETRY if the answer may be another one by now; VERDICT_INJECT if
 * the code that asks has no stack to land on: the write is refused.
 */
enum verdict aside_begin(struct vcpu *v, struct vmexit *e);

/**
 * aside_bar() - from now on, or no longer, no processor goes aside
 * @m: the machine
 * @bar: m->locked, m->stay or m->sealing
 * @on: which
 *
 * Return: false, with nothing changed, if one is aside already.
 */
bool aside_bar(struct machine *m, bool *bar, bool on);

/* aside_landing() - where processors arrive in Linux's world: landing.S */
extern char aside_landing[];

/* aside_landed() - the rest of it; called by landing.S, interrupts off */
void aside_landed(void);
#endif

#endif
