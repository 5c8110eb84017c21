// SPDX-License-Identifier: GPL-2.0-only
/*
 * text.c - cases and records in words.
 */
#include <signal.h>
#include <string.h>

#include "judge.h"

const char *const field_name[FIELDS] = {
#define X(name, text) [FIELD_##name] = text,
	FIELD_LIST(X)
#undef X
};

static const char *const exception[] = {
	[1] = "#DB",  [3] = "#BP",  [6] = "#UD",  [8] = "#DF",	[11] = "#NP",
	[12] = "#SS", [13] = "#GP", [14] = "#PF", [17] = "#AC",
};
static const char *const register_name[] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
};
static const char *const segment_name[SEGS] = { "es", "cs", "ss", "ds", "fs", "gs" };

/* Appends to a text of TEXT_MAX; what does not fit is cut off. */
#define ADD(out, ...)                                                                              \
	do {                                                                                       \
		size_t used_ = strlen(out);                                                        \
		snprintf((out) + used_, TEXT_MAX - used_, __VA_ARGS__);                            \
	} while (0)

uint32_t record_differs(const struct conf_record *a, const struct conf_record *b)
{
	uint32_t fields = 0, flags = a->flags ^ b->flags;

	if (a->signal != b->signal || a->code != b->code || a->trap != b->trap ||
	    a->error != b->error)
		fields |= 1u << FIELD_EVENT;
	if (a->addr != b->addr)
		fields |= 1u << FIELD_ADDR;
	if (a->ip != b->ip)
		fields |= 1u << FIELD_IP;
	if (flags & FLAG_RF)
		fields |= 1u << FIELD_RF;
	if (flags & ~FLAG_RF)
		fields |= 1u << FIELD_FLAGS;
	if (a->gpr_mask != b->gpr_mask || memcmp(a->gpr, b->gpr, sizeof(a->gpr)))
		fields |= 1u << FIELD_GPR;
	if (a->seg_mask != b->seg_mask || memcmp(a->seg, b->seg, sizeof(a->seg)))
		fields |= 1u << FIELD_SEG;
	if (a->window_mask != b->window_mask || memcmp(a->window, b->window, sizeof(a->window)))
		fields |= 1u << FIELD_MEMORY;
	if (a->state != b->state)
		fields |= 1u << FIELD_STATE;
	return fields;
}

/* Ended by the INT3 behind the instruction. */
static bool is_done(const struct conf_case *c, const struct conf_record *r)
{
	return r->signal == SIGTRAP && r->ip == c->length + 1 && (r->trap == 3 || !r->trap) &&
	       r->code == 0x80;
}

static const char *signal_name(int number)
{
	static char text[16];

	switch (number) {
	case SIGSEGV: return "SIGSEGV";
	case SIGILL: return "SIGILL";
	case SIGTRAP: return "SIGTRAP";
	case SIGBUS: return "SIGBUS";
	case SIGFPE: return "SIGFPE";
	default: snprintf(text, sizeof(text), "signal%d", number); return text;
	}
}

void text_event(const struct conf_case *c, const struct conf_record *r, char out[TEXT_MAX])
{
	*out = 0;
	if (is_done(c, r)) {
		ADD(out, "done");
		return;
	}
	if (r->trap < sizeof(exception) / sizeof(exception[0]) && exception[r->trap])
		ADD(out, "%s(%x)", exception[r->trap], r->error);
	else if (r->trap)
		ADD(out, "trap%u(%x)", r->trap, r->error);
	ADD(out, ":%s:%x", signal_name(r->signal), r->code);
}

void text_addr(const struct conf_case *c, const struct conf_record *r, char out[TEXT_MAX])
{
	int64_t from_operand = r->addr - c->linear;

	if (!r->addr)
		strcpy(out, "0");
	else if (r->addr == c->ip + r->ip)
		strcpy(out, "ip");
	else if (!from_operand)
		strcpy(out, "ea");
	else if (from_operand > -WINDOW_BEFORE && from_operand < WINDOW)
		sprintf(out, "ea%+d", (int)from_operand);
	else if (r->addr == c->arena + ARENA_CODE_END)
		strcpy(out, "code-end");
	else
		sprintf(out, "%#llx", (unsigned long long)r->addr);
}

void text_case(const struct conf_case *c, char out[TEXT_MAX])
{
	unsigned int i;

	*out = 0;
	ADD(out, "%s-bit %s, %s:", case_mode_name[c->mode], case_way_name[c->way],
	    case_insn_name[c->insn]);
	for (i = 0; i < c->length; i++)
		ADD(out, " %02x", c->bytes[i]);
	if (c->dest == DEST_NONE) {
		ADD(out, "; to %s", register_name[c->reg]);
	} else {
		ADD(out, "; to %s, %s:%#llx = %#llx", case_dest_name[c->dest], segment_name[c->seg],
		    (unsigned long long)c->offset, (unsigned long long)c->linear);
		if (c->mode != MODE_64)
			ADD(out, ", a segment of kind %s", case_kind_name[c->kind[c->seg]]);
	}
	ADD(out, "; flags %#x, code %s", c->flags, case_code_name[c->code]);
}

void text_record(const struct conf_case *c, const struct conf_record *r, char out[TEXT_MAX])
{
	char word[TEXT_MAX];
	unsigned int i;

	text_event(c, r, out);
	text_addr(c, r, word);
	ADD(out, " addr %s ip%+d flags^%x", word, r->ip, r->flags);
	for (i = 0; i < 16; i++)
		if (r->gpr_mask >> i & 1)
			ADD(out, " %s %#llx->%#llx", register_name[i],
			    (unsigned long long)c->gpr[i], (unsigned long long)r->gpr[i]);
	for (i = 0; i < SEGS; i++)
		if (r->seg_mask >> i & 1)
			ADD(out, " %s->%#x", segment_name[i], r->seg[i]);
	for (i = 0; i < WINDOW; i++) {
		if (!(r->window_mask >> i & 1))
			continue;
		if (!i || !(r->window_mask >> (i - 1) & 1))
			ADD(out, " ea%+d:", (int)i - WINDOW_BEFORE);
		ADD(out, "%02x", r->window[i]);
	}
	if (r->state & RESIDENT_LAZY)
		ADD(out, " lazy-there");
	if (r->state & RESIDENT_COW)
		ADD(out, " cow-there");
	if (r->state & CR2_CHANGED)
		ADD(out, " cr2-changed");
}
