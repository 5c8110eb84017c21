// SPDX-License-Identifier: GPL-2.0-only
#include "cases.h"

static const char *const mode_name[] = { "ring0", "ring1", "ring3", "ring3-16",
					 "vm86",  "long0", "long3", "compat3" };

static const struct bare_insn insns[] = {
	{ "sgdt", 1, 0, 0 }, { "sidt", 1, 1, 0 }, { "sldt", 0, 0, 1 },
	{ "str", 0, 1, 1 },  { "smsw", 1, 4, 1 },
};

static const char *const what_name[WHATS] = {
	"good", "register",  "hole",	      "into-hole", "read-only", "kernel-page",
	"lock", "lock-hole", "lock-register", "step",	   "too-long",	"stack-fault",
};

static void print_hex(uint64_t value)
{
	char text[17];
	char *at = text + 16;

	*at = 0;
	do
		*--at = "0123456789abcdef"[value & 15];
	while (value >>= 4);
	print(at);
}

static int has_register(enum what what)
{
	return what == REGISTER || what == LOCK_REGISTER;
}

unsigned int make_code(uint8_t *code, enum mode mode, const struct bare_insn *insn, enum what what)
{
	uint8_t *at = code;
	unsigned int i;

	if (what == LOCK || what == LOCK_HOLE || what == LOCK_REGISTER)
		*at++ = 0xf0;
	if (what == TOO_LONG)
		for (i = 0; i < 13; i++)
			*at++ = 0x3e;
	if (mode == RING3_16 && !has_register(what))
		*at++ = 0x67; /* [esi], as elsewhere */
	if (what == STACK && mode != LONG0 && mode != LONG3)
		*at++ = 0x36;
	*at++ = 0x0f;
	*at++ = insn->opcode;
	if (has_register(what))
		*at++ = 0xc0 | insn->extension << 3;
	else if (what == STACK && (mode == LONG0 || mode == LONG3))
		*at++ = 0x45 | insn->extension << 3; /* [rbp + 0] */
	else
		*at++ = (mode == VM86 ? 4 : 6) | insn->extension << 3; /* [si] or [esi] */
	if (what == STACK && (mode == LONG0 || mode == LONG3))
		*at++ = 0;
	*at = 0xcc;
	return at - code;
}

uint32_t operand_at(enum what what)
{
	switch (what) {
	case HOLE:
	case LOCK_HOLE: return USER_HOLE + 0x10;
	case INTO_HOLE: return USER_HOLE - 1;
	case READ_ONLY: return USER_READ_ONLY + 0x10;
	case KERNEL_PAGE: return USER_KERNEL + 0x10;
	case STACK: return USER_STACK_TOP; /* the first byte beyond SEL_SHORT3 */
	default: return USER_DATA + 0x10;
	}
}

void tell(const struct outcome *o, uint64_t start, unsigned int length)
{
	static const char *const name[] = {
		[1] = "#DB",  [3] = "#BP",  [6] = "#UD",  [8] = "#DF",	[10] = "#TS",
		[11] = "#NP", [12] = "#SS", [13] = "#GP", [14] = "#PF", [17] = "#AC",
	};
	unsigned int i, end = 0;

	if (o->vector == 3 && o->ip == start + length + 1) {
		print("done");
	} else {
		print(o->vector < sizeof(name) / sizeof(name[0]) && name[o->vector]
			      ? name[o->vector]
			      : "#?");
		print("(");
		print_hex(o->error);
		print(o->ip == start ? ")" : o->ip == start + length ? ") behind" : ") elsewhere");
	}
	if (o->cr2 != CR2_BEFORE) {
		print(" cr2 ");
		print_hex(o->cr2);
	}
	for (i = 0; i < 0x1000; i++)
		if (o->data[i] != FILL)
			end = i + 1;
	if (end) {
		print(" stored ");
		print_hex(end - 0x10);
	}
	end = 0;
	for (i = 0; i < o->word; i++)
		if ((uint8_t)(o->ax >> 8 * i) != FILL)
			end = i + 1;
	if (end) {
		print(" register ");
		print_hex(end);
	}
	print("\n");
}

static int makes_sense(enum mode mode, const struct bare_insn *insn, enum what what)
{
	if (has_register(what) && !insn->has_register)
		return 0;
	switch (what) {
	case STACK: /* ring 0 takes no other stack along */
		return mode == RING3 || mode == LONG3 || mode == COMPAT3 || mode == RING3_16;
	case TOO_LONG: return mode == RING3 || mode == LONG3;
	case KERNEL_PAGE: return mode != RING0 && mode != RING1 && mode != LONG0;
	case INTO_HOLE: /* the last byte of a segment that ends there, or nothing new */
		return mode != VM86;
	case STEP: /* at ring 0 the step would end in our own code */
		return mode != RING0 && mode != LONG0;
	default: return 1;
	}
}

void run_mode(enum mode mode, run_case *run)
{
	unsigned int insn, what;
	int umip;

	for (umip = 1; umip >= 0; umip--) {
		for (insn = 0; insn < sizeof(insns) / sizeof(insns[0]); insn++) {
			for (what = 0; what < WHATS; what++) {
				if (!makes_sense(mode, &insns[insn], what))
					continue;
				print(umip ? "umip " : "none ");
				print(mode_name[mode]);
				print(" ");
				print(insns[insn].name);
				print(" ");
				print(what_name[what]);
				print(": ");
				run(mode, umip, &insns[insn], what);
			}
		}
	}
}
