// SPDX-License-Identifier: GPL-2.0-only
/*
 * regs.c - registers to and from a signal's context, and what changed in them.
 */
#include "conform.h"

#include <string.h>

/* In the order of the registers' numbers. */
#ifdef __x86_64__
static const uint8_t context_gpr[16] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8,	 REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};
#define GPRS 16
#else
static const uint8_t context_gpr[8] = {
	REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI,
};
static const uint8_t context_seg[SEGS] = { REG_ES, REG_CS, REG_SS, REG_DS, REG_FS, REG_GS };
#define GPRS 8
#endif

void regs_of_case(const struct conf_case *c, struct regs *r)
{
	unsigned int i;

	memcpy(r->gpr, c->gpr, sizeof(r->gpr));
	r->ip = c->ip;
	r->flags = c->flags;
	memset(r->seg, 0, sizeof(r->seg));
	if (c->mode == MODE_64) {
		r->seg[SEG_CS] = SEL_CODE64;
		r->seg[SEG_SS] = SEL_DATA;
		return;
	}
	for (i = 0; i < SEGS; i++)
		r->seg[i] = kind_selector(c->kind[i], c->arena);
	if (c->kind[SEG_CS] == KIND_FLAT)
		r->seg[SEG_CS] = SEL_CODE32;
}

#ifdef __x86_64__
/* One word of a context holds CS, GS, FS and SS; the other two are no part of it. */
static void segs_from_context(struct regs *r, const greg_t *reg)
{
	r->seg[SEG_CS] = reg[REG_CSGSFS];
	r->seg[SEG_SS] = reg[REG_CSGSFS] >> 48;
}

static void segs_to_context(const struct regs *r, greg_t *reg)
{
	reg[REG_CSGSFS] = r->seg[SEG_CS] | (uint64_t)r->seg[SEG_SS] << 48;
}
#define REG_IP REG_RIP
#else
static void segs_from_context(struct regs *r, const greg_t *reg)
{
	unsigned int i;

	for (i = 0; i < SEGS; i++)
		r->seg[i] = reg[context_seg[i]];
}

static void segs_to_context(const struct regs *r, greg_t *reg)
{
	unsigned int i;

	for (i = 0; i < SEGS; i++)
		reg[context_seg[i]] = r->seg[i];
}
#define REG_IP REG_EIP
#endif

void regs_from_context(struct regs *r, const ucontext_t *context)
{
	const greg_t *reg = context->uc_mcontext.gregs;
	unsigned int i;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < GPRS; i++)
		r->gpr[i] = (unsigned long)reg[context_gpr[i]];
	r->ip = (unsigned long)reg[REG_IP];
	r->flags = reg[REG_EFL];
	segs_from_context(r, reg);
}

void regs_to_context(const struct regs *r, ucontext_t *context)
{
	greg_t *reg = context->uc_mcontext.gregs;
	unsigned int i;

	for (i = 0; i < GPRS; i++)
		reg[context_gpr[i]] = r->gpr[i];
	reg[REG_IP] = r->ip;
	reg[REG_EFL] = r->flags;
	segs_to_context(r, reg);
}

/* A null selector with any RPL is null: IRET makes 0 of it (SDM vol. 2, IRET). */
static uint16_t plain(uint16_t selector)
{
	return selector < 4 ? 0 : selector;
}

void regs_compare(const struct regs *before, const struct regs *after, struct conf_record *rec)
{
	unsigned int i;

	rec->ip = after->ip - before->ip;
	rec->flags = after->flags ^ before->flags;
	for (i = 0; i < GPRS; i++) {
		if (after->gpr[i] == before->gpr[i])
			continue;
		rec->gpr_mask |= 1u << i;
		rec->gpr[i] = after->gpr[i];
	}
	for (i = 0; i < SEGS; i++) {
		if (plain(after->seg[i]) == plain(before->seg[i]))
			continue;
		rec->seg_mask |= 1u << i;
		rec->seg[i] = after->seg[i];
	}
}
