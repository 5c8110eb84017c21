// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the bare guest's kernel, compiled twice: 32-bit for protected and virtual-8086 mode,
 * 64-bit for the rest. It runs each case and prints one line for it; what the lines must be is in
 * `expected`.
 */
#include "bare.h"

#define CR0_PG_WP 0x80010000u
#define FLAGS_FIXED 0x2u
#define FLAGS_TF 0x100u
#define FLAGS_VM86 0x23000u /* VM, and IOPL 3: nothing of it is to fault for another reason */
#define CR2_BEFORE 0x00a5a000u
#define FILL 0xa5u

#define P_PRESENT 1u
#define P_WRITE 2u
#define P_USER 4u

enum mode { RING0, RING1, RING3, RING3_16, VM86, LONG0, LONG3, COMPAT3 };

static const char *const mode_name[] = { "ring0", "ring1", "ring3", "ring3-16",
					 "vm86",  "long0", "long3", "compat3" };

struct insn {
	const char *name;
	uint8_t opcode, extension;
	int has_register;
};

static const struct insn insns[] = {
	{ "sgdt", 1, 0, 0 }, { "sidt", 1, 1, 0 }, { "sldt", 0, 0, 1 },
	{ "str", 0, 1, 1 },  { "smsw", 1, 4, 1 },
};

enum what {
	GOOD,
	REGISTER,
	HOLE,
	INTO_HOLE,
	READ_ONLY,
	KERNEL_PAGE,
	LOCK,
	LOCK_HOLE,
	LOCK_REGISTER,
	STEP,
	TOO_LONG,
	STACK,
	WHATS
};

static const char *const what_name[WHATS] = {
	"good", "register",  "hole",	      "into-hole", "read-only", "kernel-page",
	"lock", "lock-hole", "lock-register", "step",	   "too-long",	"stack-fault",
};

static uint64_t gdt[GDT_ENTRIES] __attribute__((aligned(8)));
static uint64_t idt[VECTORS * sizeof(word) / 4] __attribute__((aligned(8)));
static uint32_t tss[26];

static void out8(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void print(const char *text)
{
	uint8_t status;

	for (; *text; text++) {
		do
			asm volatile("inb %1, %0" : "=a"(status) : "Nd"((uint16_t)0x3fd));
		while (!(status & 0x20));
		out8(0x3f8, *text);
	}
}

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

static void descriptor(unsigned int selector, uint32_t base, uint32_t limit, unsigned int attr)
{
	gdt[selector >> 3] = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
			     (uint64_t)attr << 40 | (uint64_t)(limit >> 16 & 0xf) << 48 |
			     (uint64_t)(base >> 24) << 56;
}

static void load_tables(void)
{
	struct {
		uint16_t limit;
		word base;
	} __attribute__((packed)) pointer;
	unsigned int i;

	/* Attributes: type, S, DPL, present; AVL, L, D, G. */
	descriptor(SEL_CODE0, 0, 0xfffff, 0xc09b);
	descriptor(SEL_DATA0, 0, 0xfffff, 0xc093);
	descriptor(SEL_CODE1, 0, 0xfffff, 0xc0bb);
	descriptor(SEL_DATA1, 0, 0xfffff, 0xc0b3);
	descriptor(SEL_CODE3, 0, 0xfffff, 0xc0fb);
	descriptor(SEL_DATA3, 0, 0xfffff, 0xc0f3);
	descriptor(SEL_CODE3_16, USER_CODE, 0xffff, 0x00fb);
	descriptor(SEL_SHORT3, 0, USER_STACK_TOP - 1, 0x40f3);
	descriptor(SEL_CODE0_64, 0, 0xfffff, 0xa09b);
	descriptor(SEL_CODE3_64, 0, 0xfffff, 0xa0fb);
	descriptor(SEL_TSS, (uint32_t)(word)tss, sizeof(tss) - 1, 0x0089);
	tss[1] = TRAP_STACK_TOP; /* ESP0; of the 64-bit one, the low half of RSP0 */
	if (sizeof(word) == 4)
		tss[2] = SEL_DATA0;
	for (i = 0; i < VECTORS; i++) {
		word stub = trap_stubs[i];
		uint64_t gate = (stub & 0xffff) | (uint64_t)(stub >> 16 & 0xffff) << 48 |
				0x00008e0000000000ULL;

		/* A case ends in INT3, from any ring. */
		gate |= i == 3 ? 0x600000000000ULL : 0;
		gate |= (uint64_t)(sizeof(word) == 8 ? SEL_CODE0_64 : SEL_CODE0) << 16;
		idt[i * sizeof(word) / 4] = gate;
	}
	pointer.limit = sizeof(gdt) - 1;
	pointer.base = (word)gdt;
	asm volatile("lgdt %0" : : "m"(pointer));
	pointer.limit = sizeof(idt) - 1;
	pointer.base = (word)idt;
	asm volatile("lidt %0" : : "m"(pointer));
	asm volatile("ltr %w0" : : "r"(SEL_TSS));
}

#ifdef __x86_64__
static void make_tables(void)
{
}
#else
/* What a page of the first 2 MiB may be used for. */
static uint32_t rights(uint32_t address)
{
	switch (address) {
	case USER_HOLE: return 0;
	case USER_READ_ONLY: return P_PRESENT | P_USER;
	case USER_CODE:
	case USER_DATA:
	case USER_STACK_TOP - 0x1000: return P_PRESENT | P_WRITE | P_USER;
	default: return P_PRESENT | P_WRITE;
	}
}

static void make_tables(void)
{
	uint32_t *directory = (uint32_t *)TABLES32, *table = directory + 1024;
	uint64_t *wide = (uint64_t *)TABLES;
	const uint32_t all = P_PRESENT | P_WRITE | P_USER;
	uint32_t i, cr0;

	for (i = 0; i < 1024; i++) {
		directory[i] = 0;
		table[i] = i << 12 | rights(i << 12);
	}
	directory[0] = (uint32_t)table | all;
	for (i = 0; i < 4 * 512; i++)
		wide[i] = i < 3 * 512 ? 0 : (i & 511) << 12 | rights((i & 511) << 12);
	for (i = 0; i < 3; i++)
		wide[i * 512] = (TABLES + (i + 1) * 0x1000) | all;
	asm volatile("mov %0, %%cr3" : : "r"(directory));
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_PG_WP) : "memory");
}
#endif

static void set_umip(int on)
{
	word cr4;

	asm volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 = on ? cr4 | CR4_UMIP : cr4 & ~(word)CR4_UMIP;
	asm volatile("mov %0, %%cr4" : : "r"(cr4));
}

static int has_register(enum what what)
{
	return what == REGISTER || what == LOCK_REGISTER;
}

/* Returns the instruction's length; INT3 stands behind it. */
static unsigned int make_code(enum mode mode, const struct insn *insn, enum what what)
{
	uint8_t *code = (uint8_t *)USER_CODE, *at = code;
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

static uint32_t operand(enum what what)
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

static void make_frame(struct frame *f, enum mode mode, enum what what)
{
	static const uint8_t cs[] = { SEL_CODE0, SEL_CODE1,    SEL_CODE3,    SEL_CODE3_16,
				      0,	 SEL_CODE0_64, SEL_CODE3_64, SEL_CODE3 };
	static const uint8_t ss[] = { SEL_DATA0, SEL_DATA1, SEL_DATA3, SEL_DATA3,
				      0,	 SEL_DATA0, SEL_DATA3, SEL_DATA3 };
	uint32_t to = operand(what);

	*f = (struct frame){ 0 };
	f->si = to;
	f->ax = (word)0xa5a5a5a5a5a5a5a5ULL;
	f->ip = mode == RING3_16 || mode == VM86 ? 0 : USER_CODE;
	f->cs = cs[mode];
	f->flags = FLAGS_FIXED | (what == STEP ? FLAGS_TF : 0);
	f->sp = USER_STACK_TOP;
	f->ss = ss[mode];
	if (what == STACK && mode != RING0 && mode != RING1)
		f->ss = SEL_SHORT3;
	if (sizeof(word) == 8)
		f->bp = (word)0x0000800000000000ULL; /* not canonical */
	if (mode == VM86) {
		f->flags |= FLAGS_VM86;
		f->cs = USER_CODE >> 4;
		f->ss = (USER_STACK_TOP - 0x1000) >> 4;
		f->sp = 0x1000;
		f->ds = to >> 4;
		f->si = to & 15;
	}
}

static void print_trap(const struct trap *t, word start, unsigned int length)
{
	static const char *const name[VECTORS] = {
		[1] = "#DB",  [3] = "#BP",  [6] = "#UD",  [8] = "#DF",	[10] = "#TS",
		[11] = "#NP", [12] = "#SS", [13] = "#GP", [14] = "#PF", [17] = "#AC",
	};
	const uint8_t *data = (const uint8_t *)USER_DATA;
	unsigned int i, end = 0;
	word cr2;

	if (t->vector == 3 && t->ip == start + length + 1) {
		print("done");
	} else {
		print(name[t->vector] ? name[t->vector] : "#?");
		print("(");
		print_hex(t->error);
		print(t->ip == start ? ")" : t->ip == start + length ? ") behind" : ") elsewhere");
	}
	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	if (cr2 != CR2_BEFORE) {
		print(" cr2 ");
		print_hex(cr2);
	}
	for (i = 0; i < 0x1000; i++)
		if (data[i] != FILL)
			end = i + 1;
	if (end) {
		print(" stored ");
		print_hex(end - 0x10);
	}
	end = 0;
	for (i = 0; i < sizeof(word); i++)
		if ((uint8_t)(t->ax >> 8 * i) != FILL)
			end = i + 1;
	if (end) {
		print(" register ");
		print_hex(end);
	}
	print("\n");
}

static int makes_sense(enum mode mode, const struct insn *insn, enum what what)
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

static void run_case(enum mode mode, int umip, const struct insn *insn, enum what what)
{
	uint8_t *data = (uint8_t *)USER_DATA;
	/* At ring 0 of 32-bit code the trap's frame comes right below what IRET has left. */
	static struct {
		word room[16];
		struct frame f;
	} stack;
	unsigned int length, i;
	struct trap t;
	word start;

	for (i = 0; i < 0x1000; i++)
		data[i] = FILL;
	length = make_code(mode, insn, what);
	make_frame(&stack.f, mode, what);
	start = stack.f.ip;
	print(umip ? "umip " : "none ");
	print(mode_name[mode]);
	print(" ");
	print(insn->name);
	print(" ");
	print(what_name[what]);
	print(": ");
	asm volatile("mov %0, %%cr2" : : "r"((word)CR2_BEFORE));
	set_umip(umip);
	t = *enter(&stack.f);
	set_umip(0);
	print_trap(&t, start, length);
}

static void run_mode(enum mode mode)
{
	unsigned int insn, what;
	int umip;

	for (umip = 1; umip >= 0; umip--)
		for (insn = 0; insn < sizeof(insns) / sizeof(insns[0]); insn++)
			for (what = 0; what < WHATS; what++)
				if (makes_sense(mode, &insns[insn], what))
					run_case(mode, umip, &insns[insn], what);
}

void main(void);
void main(void)
{
	const char *off = "Shutdown";
	uint8_t status;

	make_tables();
	load_tables();
	if (sizeof(word) == 4) {
		run_mode(RING0);
		run_mode(RING1);
		run_mode(RING3);
		run_mode(RING3_16);
		run_mode(VM86);
		return;
	}
	run_mode(LONG0);
	run_mode(LONG3);
	run_mode(COMPAT3);
	print("end\n");
	/* Until the line has sent it all. */
	do
		asm volatile("inb %1, %0" : "=a"(status) : "Nd"((uint16_t)0x3fd));
	while (!(status & 0x40));
	while (*off)
		out8(0x8900, *off++); /* Bochs */
	out8(0xf4, 0);		      /* QEMU's isa-debug-exit */
}
