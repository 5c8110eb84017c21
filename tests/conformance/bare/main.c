// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the bare guest's kernel, compiled twice: 32-bit for protected and virtual-8086 mode,
 * 64-bit for the rest. It runs each case and prints one line for it; what the lines must be is in
 * `expected`.
 */
#include "bare.h"
#include "cases.h"

#define CR0_PG_WP 0x80010000u
#define FLAGS_FIXED 0x2u
#define FLAGS_TF 0x100u
#define FLAGS_VM86 0x23000u /* VM, and IOPL 3: nothing of it is to fault for another reason */

#define P_PRESENT 1u
#define P_WRITE 2u
#define P_USER 4u

static uint64_t gdt[GDT_ENTRIES] __attribute__((aligned(8)));
static uint64_t idt[VECTORS * sizeof(word) / 4] __attribute__((aligned(8)));
static uint32_t tss[26];

static void out8(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

void print(const char *text)
{
	uint8_t status;

	for (; *text; text++) {
		do
			asm volatile("inb %1, %0" : "=a"(status) : "Nd"((uint16_t)0x3fd));
		while (!(status & 0x20));
		out8(0x3f8, *text);
	}
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
	cr4 = on ? cr4 | BARE_CR4_UMIP : cr4 & ~(word)BARE_CR4_UMIP;
	asm volatile("mov %0, %%cr4" : : "r"(cr4));
}

static void make_frame(struct frame *f, enum mode mode, enum what what)
{
	static const uint8_t cs[] = { SEL_CODE0, SEL_CODE1,    SEL_CODE3,    SEL_CODE3_16,
				      0,	 SEL_CODE0_64, SEL_CODE3_64, SEL_CODE3 };
	static const uint8_t ss[] = { SEL_DATA0, SEL_DATA1, SEL_DATA3, SEL_DATA3,
				      0,	 SEL_DATA0, SEL_DATA3, SEL_DATA3 };
	uint32_t to = operand_at(what);

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

static void run_one(enum mode mode, int umip, const struct bare_insn *insn, enum what what)
{
	uint8_t *data = (uint8_t *)USER_DATA;
	/* At ring 0 of 32-bit code the trap's frame comes right below what IRET has left. */
	static struct {
		word room[16];
		struct frame f;
	} stack;
	struct outcome outcome = { .word = sizeof(word), .data = data };
	unsigned int length, i;
	struct trap t;
	word start, cr2;

	for (i = 0; i < 0x1000; i++)
		data[i] = FILL;
	length = make_code((uint8_t *)USER_CODE, mode, insn, what);
	make_frame(&stack.f, mode, what);
	start = stack.f.ip;
	asm volatile("mov %0, %%cr2" : : "r"((word)CR2_BEFORE));
	set_umip(umip);
	t = *enter(&stack.f);
	set_umip(0);
	asm volatile("mov %%cr2, %0" : "=r"(cr2));
	outcome.vector = t.vector;
	outcome.error = t.error;
	outcome.ip = t.ip;
	outcome.cr2 = cr2;
	outcome.ax = t.ax;
	tell(&outcome, start, length);
}

void main(void);
void main(void)
{
	const char *off = "Shutdown";
	uint8_t status;

	make_tables();
	load_tables();
	if (sizeof(word) == 4) {
		run_mode(RING0, run_one);
		run_mode(RING1, run_one);
		run_mode(RING3, run_one);
		run_mode(RING3_16, run_one);
		run_mode(VM86, run_one);
		return;
	}
	run_mode(LONG0, run_one);
	run_mode(LONG3, run_one);
	run_mode(COMPAT3, run_one);
	print("end\n");
	/* Until the line has sent it all. */
	do
		asm volatile("inb %1, %0" : "=a"(status) : "Nd"((uint16_t)0x3fd));
	while (!(status & 0x40));
	while (*off)
		out8(0x8900, *off++); /* Bochs */
	out8(0xf4, 0);		      /* QEMU's isa-debug-exit */
}
