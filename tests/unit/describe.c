// SPDX-License-Identifier: GPL-2.0-only
#include "describe.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const stores[] = {
	"?", "mov", "movbe", "mov seg", "stos", "movs", "add", "or", "adc", "sbb", "and", "sub",
	"xor", "inc", "dec", "not", "neg", "xchg", "xadd", "cmpxchg", "bts", "btr", "btc", "shift",
	"setcc", "push", "call", "pop", "pusha", "call far", "enter", "cmpxchg pair", "fpu",
	"vector", "misc",
};
_Static_assert(ARRAY_SIZE(stores) == INSN_STORE_MISC + 1, "a kind of store has no name");

struct line {
	char *text;
	size_t size, used;
};

static void __attribute__((format(printf, 2, 3))) add(struct line *l, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	if (l->used < l->size)
		l->used += vsnprintf(l->text + l->used, l->size - l->used, format, values);
	va_end(values);
}

static void memory(struct line *l, const struct insn *insn, const struct insn_mem *mem)
{
	static const char *const segments[] = { "es", "cs", "ss", "ds", "fs", "gs" };
	bool first = true;

	add(l, " %s:[", mem->segment < 6 ? segments[mem->segment] : "?");
	if (mem->rip_relative) {
		add(l, "rip");
		first = false;
	}
	if (mem->base != INSN_NO_REG) {
		add(l, "%u", mem->base);
		first = false;
	}
	if (mem->index != INSN_NO_REG) {
		add(l, "%s%u*%u", first ? "" : "+", mem->index, mem->scale);
		first = false;
	}
	if (mem->bit_string)
		add(l, "+bit %u", mem->bit_reg);
	if (mem->vector_index)
		add(l, "+vector");
	if (mem->disp || first)
		add(l, first ? "%#llx" : "%+lld", (long long)mem->disp);
	add(l, "]/%u", mem->size);
	if (mem->address_size != insn->address_size)
		add(l, "@%u", mem->address_size);
}

void describe(const struct insn *insn, char *text, size_t size)
{
	struct line l = { .text = text, .size = size };

	if (insn->op == INSN_STORE)
		add(&l, "%s", insn->store < ARRAY_SIZE(stores) ? stores[insn->store] : "?");
	else
		add(&l, "%s", insn_op_name(insn->op));
	add(&l, " %u o%u a%u", insn->length, insn->operand_size, insn->address_size);
	if (insn->mem.present)
		memory(&l, insn, &insn->mem);
	if (insn->reg != INSN_NO_REG)
		add(&l, " r%u%s", insn->reg, insn->high_byte ? "h" : "");
	if (insn->dest != INSN_NO_REG)
		add(&l, " to r%u%s/%u%s", insn->dest, insn->dest_high ? "h" : "",
		    insn->dest_size, insn->divides ? " divides" : "");
	if (insn->rm_reg != INSN_NO_REG)
		add(&l, " rm%u", insn->rm_reg);
	if (insn->op >= INSN_MOV_FROM_CR && insn->op <= INSN_MOV_TO_DR)
		add(&l, " cr%u", insn->cr);
	if (insn->has_imm)
		add(&l, " imm %lld", (long long)insn->imm);
	if (insn->src.present) {
		add(&l, " src");
		memory(&l, insn, &insn->src);
	}
	if (insn->lock)
		add(&l, " lock");
	if (insn->rep)
		add(&l, insn->rep == INSN_REP ? " rep" : " repne");
}
