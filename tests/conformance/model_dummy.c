// SPDX-License-Identifier: GPL-2.0-only
/*
 * model_dummy.c - what umip:mode=dummy must do: the values of Linux's own fix-up
 * (Documentation/x86, "UMIP", and what programs see on 5.10 and later), put where bare hardware
 * would put the real ones and with the faults that bare hardware has (Intel SDM vol. 3, ch. 4 to 6;
 * AMD APM vol. 2, ch. 4, 5, 8).
 */
#include <signal.h>
#include <string.h>

#include "judge.h"

#define VECTOR_SS 12
#define VECTOR_GP 13
#define VECTOR_PF 14
#define VECTOR_AC 17
#define WRITE_ABSENT 6 /* error codes: a write by user code; to nothing, to what is there */
#define WRITE_PRESENT 7
#define FETCH_FAULT 0x14
#define USER_END 0x7ffffffff000ULL /* Linux's TASK_SIZE_MAX: beyond, it tells "present" always */

static uint64_t dummy_value(const struct conf_case *c)
{
	/* The process has an LDT if it ever asked for one. */
	bool ldt = c->mode != MODE_64 || c->way == WAY_THREADS;

	switch (c->insn) {
	case INSN_SGDT: return 0xfffffffffffe0000;
	case INSN_SIDT: return 0xffffffffffff0000;
	case INSN_SLDT: return ldt ? 0x50 : 0;
	case INSN_STR: return 0x40;
	default: return 0x80050033;
	}
}

static bool canonical(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* Whether a segment lets @size bytes be written (SDM vol. 3, 5.3 to 5.5). */
static bool segment_allows(const struct conf_case *c, uint64_t offset, uint32_t size)
{
	uint64_t last = offset + size - 1;
	uint32_t base, limit;

	kind_segment(c->kind[c->seg], c->arena, &base, &limit);
	if (c->seg == SEG_CS)
		return false;
	switch (c->kind[c->seg]) {
	case KIND_NULL:
	case KIND_READ_ONLY:
	case KIND_CODE: return false;
	case KIND_DOWN: return offset > limit && last <= 0xffffffff;
	case KIND_DOWN16: return offset > limit && last <= 0xffff;
	default: return last <= limit;
	}
}

/* One store of the instruction: returns the vector that stops it before any page is looked at, or
 * 0. */
static uint8_t before_pages(const struct conf_case *c, uint32_t from, uint32_t size)
{
	uint8_t fault = c->seg == SEG_SS ? VECTOR_SS : VECTOR_GP;
	uint64_t linear = c->linear + from;

	if (c->mode == MODE_64 ? !canonical(linear) : !segment_allows(c, c->offset + from, size))
		return fault;
	if (c->flags & FLAG_AC && linear & (size - 1))
		return VECTOR_AC;
	return c->mode == MODE_64 && !canonical(linear + size - 1) ? fault : 0;
}

/* Fills in the fault of the page at @linear; false if there is none. */
static bool page_fault(const struct conf_case *c, uint64_t linear, struct conf_record *r)
{
	uint64_t offset = linear - c->arena;

	if (offset >= ARENA_END)
		offset = ARENA_ALONE + PAGE; /* some hole */
	switch (offset & ~(uint64_t)(PAGE - 1)) {
	case ARENA_CODE:
	case ARENA_CODE + PAGE:
	case ARENA_DATA:
	case ARENA_DATA + PAGE:
	case ARENA_ALONE:
	case ARENA_BEFORE_LAZY:
	case ARENA_LAZY:
	case ARENA_COW: return false;
	case ARENA_READ_ONLY:
		model_fault(c, r, VECTOR_PF, WRITE_PRESENT);
		r->code = SEGV_ACCERR;
		break;
	case ARENA_NO_ACCESS:
		model_fault(c, r, VECTOR_PF, WRITE_ABSENT);
		r->code = SEGV_ACCERR;
		break;
	case ARENA_PAST_END:
		model_fault(c, r, VECTOR_PF, WRITE_ABSENT);
		r->signal = SIGBUS;
		r->code = BUS_ADRERR;
		break;
	default: model_fault(c, r, VECTOR_PF, linear < USER_END ? WRITE_ABSENT : WRITE_PRESENT);
	}
	r->addr = linear;
	return true;
}

static void store(const struct conf_case *c, struct conf_record *r, const uint8_t *bytes,
		  uint32_t size)
{
	uint32_t i;

	for (i = 0; i < size; i++) {
		uint64_t at = c->linear + i;
		uint64_t page = (at - c->arena) & ~(uint64_t)(PAGE - 1);
		bool zeros = page == ARENA_LAZY || page == ARENA_COW;

		if (page == ARENA_LAZY)
			r->state |= RESIDENT_LAZY;
		/* Code pages are not looked at. */
		if (page < ARENA_CODE_END || bytes[i] == (zeros ? 0 : arena_pattern(at)))
			continue;
		r->window_mask |= 1ULL << (WINDOW_BEFORE + i);
		r->window[WINDOW_BEFORE + i] = bytes[i];
	}
}

/* Returns whether it came to an end without a fault. */
static bool to_memory(const struct conf_case *c, struct conf_record *r, uint64_t value)
{
	bool table = c->insn == INSN_SGDT || c->insn == INSN_SIDT;
	uint32_t size = case_store_size(c);
	uint64_t next_page = (c->linear | (PAGE - 1)) + 1;
	uint8_t bytes[10] = { 0 };
	uint8_t vector;

	vector = before_pages(c, 0, 2);
	/* The limit and the base are two stores (SDM vol. 2, SGDT). */
	if (!vector && table)
		vector = before_pages(c, 2, size - 2);
	if (vector) {
		model_fault(c, r, vector, 0);
		return false;
	}
	if (page_fault(c, c->linear, r))
		return false;
	if (c->linear + size > next_page && page_fault(c, next_page, r))
		return false;
	memcpy(bytes + (table ? 2 : 0), &value, table ? size - 2 : 2);
	store(c, r, bytes, size);
	return true;
}

/* The fix-up writes as many bytes as the operand has, so 32 bits leave the upper half alone. */
static void to_register(const struct conf_case *c, struct conf_record *r, uint64_t value)
{
	uint64_t now = c->gpr[c->reg];

	memcpy(&now, &value, c->operand_size);
	if (now == c->gpr[c->reg])
		return;
	r->gpr_mask = 1u << c->reg;
	r->gpr[c->reg] = now;
}

/* What comes behind the instruction: the step, or INT3, or the end of the page. */
static void behind(const struct conf_case *c, struct conf_record *r)
{
	bool traced = c->way == WAY_PTRACE || c->way == WAY_PTRACE_STEP;

	if (near_lazy(c))
		r->state |= RESIDENT_COW;
	r->ip = c->length;
	if (c->way == WAY_STEP || c->way == WAY_PTRACE_STEP) {
		r->signal = SIGTRAP;
		r->code = TRAP_TRACE;
		r->trap = traced ? 0 : 1;
		r->addr = c->ip + c->length;
	} else if (c->code == CODE_LAST) {
		model_fault(c, r, VECTOR_PF, FETCH_FAULT);
		r->addr = c->arena + ARENA_CODE_END;
	} else {
		r->signal = SIGTRAP;
		r->code = 0x80;
		r->trap = traced ? 0 : 3;
		r->ip++;
	}
}

void model_dummy(const struct conf_case *c, const struct conf_record *bare, struct conf_record *r)
{
	uint64_t value = dummy_value(c);

	if (model_common(c, bare, r))
		return;
	if (c->dest == DEST_NONE)
		to_register(c, r, value);
	else if (!to_memory(c, r, value))
		return;
	behind(c, r);
}
