// SPDX-License-Identifier: GPL-2.0-only
/*
 * engine.c - Capstone opened on an arena, and its operands in hardware numbers.
 */
#include "engine.h"

/* The decoder being opened: Capstone's memory functions are global and know no handle. */
static struct decoder *opening;
static u32 late;

#ifdef OLDGUARD_SIM
/*
 * The full Capstone of user space borrows memory for a moment to print an alias, does not look
 * whether it got it (AAM and AAD crashed), and gives it back before it asks again.
 */
static void *borrow(size_t bytes)
{
	static _Thread_local u8 scratch[256];

	return bytes <= sizeof(scratch) ? scratch : NULL;
}
#else
static void *borrow(size_t bytes)
{
	(void)bytes;
	return NULL;
}
#endif

static void *arena_malloc(size_t bytes)
{
	void *at;

	if (!opening) {
		at = borrow(bytes);
		late += !at;
		return at;
	}
	bytes = (bytes + 15) & ~(size_t)15;
	if (bytes > opening->size - opening->used)
		return NULL;
	at = (u8 *)opening + opening->used;
	opening->used += bytes;
	return at;
}

static void *arena_calloc(size_t count, size_t size)
{
	u8 *at = arena_malloc(count * size);
	size_t i;

	for (i = 0; at && i < count * size; i++)
		at[i] = 0;
	return at;
}

/* Capstone 4.0.2 grows nothing on the way through cs_disasm_iter(): refusing is enough. */
static void *arena_realloc(void *at, size_t bytes)
{
	(void)at;
	(void)bytes;
	late++;
	return NULL;
}

/* A handle lives as long as its arena: nothing to give back. */
static void arena_free(void *at)
{
	(void)at;
}

static int no_text(char *text, size_t size, const char *format, va_list values)
{
	(void)format;
	(void)values;
	if (size)
		text[0] = '\0';
	return 0;
}

#ifdef OLDGUARD_SIM
#include <stdio.h>
#define engine_vsnprintf vsnprintf	/* user space wants the text */
#else
#define engine_vsnprintf no_text
#endif

static cs_mode engine_mode(u32 mode)
{
	return mode == DECODE_64 ? CS_MODE_64 : mode == DECODE_32 ? CS_MODE_32 : CS_MODE_16;
}

bool engine_run(struct decoder *d, u32 mode, const u8 *bytes, size_t count, u64 address)
{
	if (d->mode != mode) {
		if (cs_option(d->handle, CS_OPT_MODE, engine_mode(mode)) != CS_ERR_OK)
			return false;
		d->mode = mode;
	}
	return cs_disasm_iter(d->handle, &bytes, &count, &address, d->insn);
}

/* Every table that Capstone builds on first use is built by these. */
static bool warm_up(struct decoder *d)
{
	static const u8 code[16] = { 0xec };	/* IN AL, DX: its implied registers are looked up */
	static const u8 modes[] = { DECODE_16, DECODE_32, DECODE_64 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		if (!engine_run(d, modes[i], code, 15, 0) || d->insn->size != 1)
			return false;
	return true;
}

struct decoder *decoder_init(void *arena, size_t bytes, u32 flags)
{
	cs_opt_mem memory = {
		.malloc = arena_malloc, .calloc = arena_calloc, .realloc = arena_realloc,
		.free = arena_free, .vsnprintf = engine_vsnprintf,
	};
	struct decoder *d = arena;
	bool good = false;

	(void)no_text;
	if (((uintptr_t)arena & 15) || bytes < sizeof(*d) + 16)
		return NULL;
	*d = (struct decoder){ .flags = flags, .size = bytes };
	d->used = (sizeof(*d) + 15) & ~(size_t)15;
	if (cs_option(0, CS_OPT_MEM, (size_t)&memory) != CS_ERR_OK)
		return NULL;
	opening = d;
	d->insn = arena_calloc(1, sizeof(*d->insn));
	d->detail = arena_calloc(1, sizeof(*d->detail));
	/*
	 * Capstone does not look at what its allocator returns everywhere: be sure beforehand
	 * that the arena has room for what it takes, which the tests measure.
	 */
	if (d->insn && d->detail && d->size >= DECODER_ARENA) {
		d->insn->detail = d->detail;
		d->mode = DECODE_64;
		good = cs_open(CS_ARCH_X86, CS_MODE_64, &d->handle) == CS_ERR_OK &&
		       cs_option(d->handle, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK && warm_up(d);
	}
	opening = NULL;
	return good ? d : NULL;
}

size_t decoder_used(const struct decoder *d)
{
	return d->used;
}

u32 decoder_late(void)
{
	return late;
}

#define GPR(name, number) [X86_REG_##name] = (number) + 1
static const u8 gpr_numbers[X86_REG_ENDING] = {
	GPR(RAX, 0), GPR(RCX, 1), GPR(RDX, 2), GPR(RBX, 3),
	GPR(RSP, 4), GPR(RBP, 5), GPR(RSI, 6), GPR(RDI, 7),
	GPR(EAX, 0), GPR(ECX, 1), GPR(EDX, 2), GPR(EBX, 3),
	GPR(ESP, 4), GPR(EBP, 5), GPR(ESI, 6), GPR(EDI, 7),
	GPR(BX, 3), GPR(BP, 5), GPR(SI, 6), GPR(DI, 7),
	GPR(R8, 8), GPR(R9, 9), GPR(R10, 10), GPR(R11, 11),
	GPR(R12, 12), GPR(R13, 13), GPR(R14, 14), GPR(R15, 15),
	GPR(R8D, 8), GPR(R9D, 9), GPR(R10D, 10), GPR(R11D, 11),
	GPR(R12D, 12), GPR(R13D, 13), GPR(R14D, 14), GPR(R15D, 15),
};

static u8 gpr_number(u32 reg)
{
	u8 number = reg < X86_REG_ENDING ? gpr_numbers[reg] : 0;

	return number ? number - 1 : INSN_NO_REG;
}

bool engine_memory(const struct decoder *d, const struct parse *p, const struct insn *insn,
		   struct insn_mem *mem)
{
	const cs_x86 *x86 = &d->detail->x86;
	u32 i;

	for (i = 0; i < x86->op_count; i++) {
		const cs_x86_op *op = &x86->operands[i];

		if (op->type != X86_OP_MEM)
			continue;
		mem->present = true;
		mem->base = gpr_number(op->mem.base);
		mem->index = gpr_number(op->mem.index);
		mem->scale = mem->index == INSN_NO_REG ? 1 : op->mem.scale;
		mem->disp = op->mem.disp;
		mem->address_size = insn->address_size;
		mem->rip_relative = op->mem.base == X86_REG_RIP || op->mem.base == X86_REG_EIP;
		/* rSP and rBP as base mean the stack segment (AMD APM vol. 1, 2.2.3). */
		if (p->segment != INSN_NO_SEG)
			mem->segment = p->segment;
		else
			mem->segment = mem->base == 4 || mem->base == 5 ? INSN_SS : INSN_DS;
		if (!mem->size)
			mem->size = op->size;
		return true;
	}
	return false;
}
