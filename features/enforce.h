/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * enforce.h - what the features that go by rules share.
 */
#ifndef OLDGUARD_ENFORCE_H
#define OLDGUARD_ENFORCE_H

#include "../guest-glue/vcpu.h"

/**
 * rule_find() - the rule that decides about a number
 * @v: the processor
 * @asset: the kind
 * @number: which one
 *
 * Return: the first rule in force that covers it, or NULL: it is the guest's own affair.
 */
const struct rule *rule_find(const struct vcpu *v, enum asset asset, u64 number);

/**
 * rule_memory() - the rule that decides about some bytes of memory
 * @plan: the plan
 * @first: guest-physical address of the first byte
 * @last: of the last one
 *
 * Return: the first rule that is about any of them, or NULL.
 */
const struct rule *rule_memory(const struct plan *plan, u64 first, u64 last);

/**
 * rule_store() - let the rules about memory decide of a store that the root side makes for the guest
 * @v: the processor
 * @e: the exit for whose instruction it is; gets a fault
 * @gpa: guest-physical address
 * @len: bytes, in one page
 *
 * Return: VERDICT_DEFAULT to store, VERDICT_NEXT not to, VERDICT_INJECT.
 */
enum verdict rule_store(struct vcpu *v, struct vmexit *e, u64 gpa, u32 len);

/**
 * rule_broken() - bits by which a change of a register breaks a rule
 * @rule: the rule
 * @old: the register's value
 * @value: what it would become
 * @pinned: bits that were set when the rule came into force, for PERM_PINNED
 *
 * Return: the bits, 0 if there are none.
 */
u64 rule_broken(const struct rule *rule, u64 old, u64 value, u64 pinned);

/**
 * rule_strictest() - the rule that a write of a register breaks
 * @v: the processor
 * @asset: the kind
 * @number: which one
 * @old: the register's value
 * @value: what it would become
 * @pinned: as in rule_broken()
 *
 * Each bit goes by the first rule about it. Several may be broken then, and the strictest counts.
 *
 * Return: NULL if none is.
 */
const struct rule *rule_strictest(const struct vcpu *v, enum asset asset, u64 number, u64 old,
				  u64 value, u64 pinned);

/**
 * rule_hiding() - the rule that a read of an MSR breaks
 * @v: the processor
 * @msr: which
 *
 * Return: the strictest of the rules that hide a bit and are the first about it, or NULL.
 */
const struct rule *rule_hiding(const struct vcpu *v, u32 msr);

/**
 * rule_port() - the rule that an I/O instruction breaks
 * @v: the processor
 * @port: the first port
 * @io: IO_SIZE and IO_IN, as in struct vmexit's addr
 *
 * Return: the strictest of the rules about the ports that it reaches, or NULL.
 */
const struct rule *rule_port(const struct vcpu *v, u32 port, u64 io);

/**
 * rule_enforce() - carry out the action of a rule that has been broken, and report it
 * @v: the processor
 * @e: the exit; gets the fault
 * @rule: of v->plan
 * @old: what was there before
 *
 * Return: VERDICT_DEFAULT to let it through, VERDICT_NEXT to go on without it, VERDICT_INJECT.
 */
enum verdict rule_enforce(struct vcpu *v, struct vmexit *e, const struct rule *rule, u64 old);

/**
 * seal_refuse() - refuse a write to a sealed page (guest-glue/seal.h), and report it
 * @v: the processor
 * @e: the exit; gets the fault
 *
 * Return: VERDICT_INJECT.
 */
enum verdict seal_refuse(struct vcpu *v, struct vmexit *e);

#endif
