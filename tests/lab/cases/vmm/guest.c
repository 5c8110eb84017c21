// SPDX-License-Identifier: GPL-2.0-only
/* guest.c - what vmm.c's guest is and does by itself: exceptions, ring 3, instructions that exit.
 */
#include "guest.h"
#include "trap.h"

const char *said;
uint64_t ask, answer;
volatile uint64_t counts[GUEST_CPUS];
volatile uint32_t ticks, nmis, ipis, stop, ready;
void (*volatile second_life)(void);
void (*volatile other)(void);
uint64_t guest_gdt[16];
struct gate guest_idt[256];
struct tss guest_tss[GUEST_CPUS];
struct trapped trapped;

enum { DE = 0, DB = 1, NMI = 2, BP = 3, UD = 6, GP = 13, PF = 14 };

static volatile uint32_t *const apic = (void *)0xfee00000ull;

void guest_setup(unsigned cpu);
void guest_trap(struct frame *f);

void guest_setup(unsigned cpu)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr = { sizeof(guest_gdt) - 1, (uintptr_t)guest_gdt },
				  idtr = { sizeof(guest_idt) - 1, (uintptr_t)guest_idt };

	asm volatile("lgdt %0\n\tlidt %1\n\tltr %w2"
		     :
		     : "m"(gdtr), "m"(idtr), "r"(SEL_TSS + 16 * cpu)
		     : "memory");
	asm volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%ss" : : "r"(SEL_DATA) : "memory");
}

void guest_trap(struct frame *f)
{
	static char what[] = "exception 000 that nobody expects";

	if (trapped.go_on && f->vector < 32 && f->vector != NMI) {
		trapped.vector = f->vector;
		trapped.error = f->error;
		trapped.rip = f->rip;
		trapped.cr2 = READ_REG(cr2);
		f->rip = trapped.go_on;
		/* At whatever level it came, it goes on there. */
		trapped.go_on = 0;
		f->rflags &= ~0x100ull;
		return;
	}
	switch (f->vector) {
	case NMI: nmis++; return;
	case 0x40: /* the timer */ ticks++; break;
	case 0x41: ipis++; break;
	case 0x42: /* a stranger's page-table edit */
		invlpg(GUEST_PAGE(1));
		__atomic_add_fetch(&ipis, 1, __ATOMIC_SEQ_CST);
		break;
	case 0x50: /* from outside, without an APIC */ ticks++; return;
	default:
		what[10] = '0' + f->vector / 100;
		what[11] = '0' + f->vector / 10 % 10;
		what[12] = '0' + f->vector % 10;
		answer = f->rip;
		must_at(false, what);
	}
	if (rdmsr(0x1b) & 0x400)
		wrmsr(0x80b, 0);
	else
		apic[0xb0 / 4] = 0;
}

void g_traps(void)
{
	unsigned i, n;

	must(TRAP("ud2") == UD);
	must(TRAP("xor %%edx, %%edx\n\tdiv %[zero]", [zero] "r"(0)) == DE);
	must(TRAP("int3") == BP);
	must(TRAP("mov (%[hole]), %%eax", [hole] "r"(GUEST_HOLE)) == PF);
	must(trapped.cr2 == GUEST_HOLE && trapped.error == 0);
	must(TRAP("mov %%eax, (%[hole])", [hole] "r"(GUEST_HOLE + 8)) == PF);
	must(trapped.cr2 == GUEST_HOLE + 8 && trapped.error == 2);
	must(TRAP("mov (%[far]), %%eax", [far] "r"(1ull << 62)) == GP);
	must(trapped.error == 0);
	must(TRAP("mov %[bad], %%cr4", [bad] "r"(READ_REG(cr4) | 1ull << 30)) == GP);
	must(TRAP("mov %w[bad], %%fs", [bad] "r"(0x78)) == GP);
	must(trapped.error == 0x78);
	/* A trap after one instruction. */
	must(TRAP("pushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tnop\n\tnop", ) == DB);
	/* Over an instruction that exits. */
	must(TRAP("pushf\n\torl $0x100, (%%rsp)\n\txor %%eax, %%eax\n\tpopf\n\tcpuid\n\tnop", ) ==
	     DB);
	/* Many, with exits between. */
	for (i = n = 0; i < 1000; i++) {
		n += TRAP("ud2") == UD;
		if (i % 100 == 0)
			in32(PORT_ECHO);
	}
	must(n == 1000);
}

static void u_code(void)
{
	must(TRAP("cli") == GP);
	must(TRAP("hlt") == GP);
	must(TRAP("mov %%cr0, %%rax", ) == GP);
	must(TRAP("mov $0x10, %%ecx\n\trdmsr", ) == GP);
	must(TRAP("ud2") == UD);
	asm volatile("syscall" : : : "rcx", "r11", "memory");
	asm volatile("xor %%eax, %%eax\n\tcpuid" : : : "eax", "ebx", "ecx", "edx");
	user_back();
}

/* A program at CPL 3 may use the port on which it says what is wrong. */
void g_user(void)
{
	unsigned i;

	wrmsr(0xc0000081, (uint64_t)(SEL_USER_DATA - 8) << 48 | (uint64_t)SEL_CODE << 32);
	wrmsr(0xc0000082, (uintptr_t)syscall_entry);
	wrmsr(0xc0000084, 0x200);
	asm volatile("pushf\n\torl $0x3000, (%%rsp)\n\tpopf" : : : "memory");
	for (i = 0; i < 10; i++)
		run_user(u_code);
	must(counts[0] == 10);
}

/* The five instructions; each tells how it ended. */
static unsigned five(unsigned which)
{
	static uint8_t to[16];

	switch (which) {
	case 0: return TRAP("sgdt %[to]", [to] "m"(to));
	case 1: return TRAP("sidt %[to]", [to] "m"(to));
	case 2: return TRAP("sldt %%eax", [to] "m"(to));
	case 3: return TRAP("str %[to]", [to] "m"(to));
	case 4: return TRAP("smsw %%eax", [to] "m"(to));
	default: return TRAP("smsw %[to]", [to] "m"(to));
	}
}

static void u_five(void)
{
	unsigned i;

	for (i = 0; i < 6; i++)
		must(five(i) == answer);
	user_back();
}

/* It has come from KVM, and KVM has it from oldguard: what CR4 says is so, outside CPL 0. */
void g_umip(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { 0 };
	uint64_t cr4 = READ_REG(cr4);
	uint32_t out[4], i, round;

	cpuid(7, 0, out);
	must(out[2] >> 2 & 1);
	/* Where it tells what is wrong. */
	asm volatile("pushf\n\torl $0x3000, (%%rsp)\n\tpopf" : : : "memory");
	for (round = 0; round < 5; round++) {
		answer = NO_TRAP;
		run_user(u_five);
		WRITE_REG(cr4, cr4 | 1 << 11);
		must(READ_REG(cr4) == (cr4 | 1 << 11));
		answer = GP;
		run_user(u_five);
		for (i = 0; i < 6; i++)
			must(five(i) == NO_TRAP);
		asm volatile("sidt %0" : "=m"(idtr));
		must(idtr.base == (uintptr_t)guest_idt && idtr.limit == sizeof(guest_idt) - 1);
		/* With another bit of CR4's, and across exits. */
		WRITE_REG(cr4, READ_REG(cr4) ^ 1 << 7);
		in32(PORT_ECHO);
		must(READ_REG(cr4) == ((cr4 | 1 << 11) ^ 1 << 7));
		run_user(u_five);
		WRITE_REG(cr4, cr4);
		must(READ_REG(cr4) == cr4);
	}
}

/* The host has put a leaf of its own there. */
void g_cpuid(void)
{
	uint32_t out[4];

	cpuid(0x40000000, 0, out);
	must(out[0] == 0x40000001 && out[1] == 0x6d6d7600 && out[2] == 0x01020304 &&
	     out[3] == 0xfffefdfc);
	cpuid(1, 0, out);
	must(out[2] >> 31 == 1);
	host(0);
	must((out[3] & answer) == out[3]);
}

void g_cpuid_loop(void)
{
	uint32_t out[4];
	unsigned i;

	for (i = 0; i < 2000; i++)
		cpuid(i & 1, 0, out);
}

/* For the host to step through. */
void g_few(void)
{
	uint32_t out[4];
	unsigned i;

	for (i = 0; i < 100; i++)
		cpuid(i & 1, 0, out);
}

void g_ports(void)
{
	static const char text[] = "forty-two characters that go out one by on";
	static char back[sizeof(text)];
	uint32_t value;
	uint64_t count = sizeof(text) - 1;
	const char *from = text;
	char *to = back;
	unsigned i;

	out32(PORT_ECHO, 0x12345678);
	must(in32(PORT_ECHO) == ~0x12345678u);
	asm volatile("outw %w0, %1" : : "a"(0xabcd), "Nd"((uint16_t)PORT_ECHO));
	asm volatile("inw %1, %w0" : "=a"(value) : "Nd"((uint16_t)PORT_ECHO), "0"(0xffff0000));
	must(value == 0xffff5432);
	asm volatile("outb %b0, %1" : : "a"(0x0f), "Nd"((uint16_t)PORT_ECHO));
	asm volatile("inb %1, %b0" : "=a"(value) : "Nd"((uint16_t)PORT_ECHO), "0"(0));
	must(value == 0xf0);
	asm volatile("cld\n\trep outsb" : "+S"(from), "+c"(count) : "d"(PORT_ECHO) : "memory");
	must(count == 0 && from == text + sizeof(text) - 1);
	count = 4;
	asm volatile("cld\n\trep insb" : "+D"(to), "+c"(count) : "d"(PORT_ECHO) : "memory");
	must(count == 0 && back[0] == (char)~'n' && back[3] == back[0]);
	for (i = 0; i < 500; i++) {
		out32(PORT_ECHO, i);
		must(in32(PORT_ECHO) == ~i);
	}
}

void g_mmio(void)
{
	uint64_t i;

	for (i = 0; i < 200; i++) {
		*at(GUEST_MMIO + 8 * i) = i;
		must(*at(GUEST_MMIO + 8 * i) == ~(uint32_t)i);
	}
	*(volatile uint64_t *)(GUEST_MMIO + 0x1000ull) = 0x1122334455667788;
	must(*(volatile uint64_t *)(GUEST_MMIO + 0x1000ull) == ~0x1122334455667788ull);
	*(volatile uint8_t *)(GUEST_MMIO + 0x2000ull) = 5;
	must(*(volatile uint8_t *)(GUEST_MMIO + 0x2000ull) == 0xfa);
}

/* Registers that VMRUN and VMLOAD switch, and those that KVM answers. */
void g_msrs(void)
{
	static const struct {
		uint32_t msr;
		uint64_t value;
	} set[] = {
		{ 0xc0000081, 0x0013000800000000 }, { 0xc0000082, 0xffffffff81234567 },
		{ 0xc0000083, 0xffffffff81765432 }, { 0xc0000084, 0x47700 },
		{ 0xc0000100, 0x00007f0123456789 }, { 0xc0000101, 0xffff888001234567 },
		{ 0xc0000102, 0xffff888007654321 }, { 0x174, 0x18 },
		{ 0x175, 0xffffc90000001000 },	    { 0x176, 0xffffffff81111111 },
		{ 0x277, 0x0007040600070406 },	    { 0xc0000103, 3 },
	};
	uint64_t before, tsc;
	unsigned i, round;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < sizeof(set) / sizeof(set[0]); i++)
			wrmsr(set[i].msr, set[i].value);
		in32(PORT_ECHO);
		for (i = 0; i < sizeof(set) / sizeof(set[0]); i++)
			must(rdmsr(set[i].msr) == set[i].value);
	}
	asm volatile("rdtscp" : "=c"(i) : : "rax", "rdx");
	must(i == 3);
	must(try_wrmsr(0xc0000080, 1ull << 20) == GP);
	must(try_wrmsr(0x277, 2) == GP); /* no such type of memory */
	must(try_rdmsr(0x12345) == GP);
	before = rdmsr(0x10);
	for (i = 0; i < 100; i++) {
		tsc = rdmsr(0x10);
		must(tsc >= before);
		before = tsc;
	}
	/* XCR0 is not there before OSXSAVE. */
	must(TRAP("xor %%ecx, %%ecx\n\txgetbv", ) == UD);
}

void g_fpu(void)
{
	uint64_t low, high, i;

	asm volatile("movq %0, %%xmm7\n\tmovq %0, %%xmm15\n\tpunpcklqdq %%xmm15, %%xmm15"
		     :
		     : "r"(0x1122334455667788));
	asm volatile("fninit\n\tfldpi");
	for (i = 0; i < 50; i++) {
		in32(PORT_ECHO);
		asm volatile("movq %%xmm7, %0\n\tmovq %%xmm15, %1" : "=r"(low), "=r"(high));
		must(low == 0x1122334455667788 && high == low);
	}
	asm volatile("fstpl %0" : "=m"(low));
	must(low == 0x400921fb54442d18);
	/* CR0.TS: the guest's own #NM. */
	WRITE_REG(cr0, READ_REG(cr0) | 8);
	must(TRAP("fldpi") == 7);
	asm volatile("clts");
	must(TRAP("fldpi") == NO_TRAP);
}

/* DR7 is written right before it is to work: QEMU's VMRUN loads it (APM vol. 2, 15.5.1) and arms
 * nothing. */
void g_debug(void)
{
	const uint64_t writes_of_4 = 0x000d0401;
	unsigned i;

	WRITE_REG(dr0, GUEST_PAGE(1) + 16);
	for (i = 0; i < 20; i++) {
		WRITE_REG(dr7, writes_of_4);
		in32(PORT_ECHO);
		must(READ_REG(dr0) == GUEST_PAGE(1) + 16);
		must(READ_REG(dr7) == writes_of_4);
		WRITE_REG(dr7, 0x400);
		WRITE_REG(dr7, writes_of_4);
		must(TRAP("movl $1, 16(%[page])", [page] "r"((uint64_t)GUEST_PAGE(1))) == DB);
		must(READ_REG(dr6) & 1);
		WRITE_REG(dr6, 0xffff0ff0);
		must(TRAP("movl $1, 32(%[page])", [page] "r"((uint64_t)GUEST_PAGE(1))) == NO_TRAP);
	}
	WRITE_REG(dr7, 0x400);
}

void g_hypercall(void)
{
	uint64_t result = 12345; /* no such call: -KVM_ENOSYS */
	unsigned i, swaps, gif;
	uint32_t out[4];

	for (i = 0; i < 20; i++) {
		result = 12345;
		asm volatile("vmmcall"
			     : "+a"(result)
			     : "b"(0ull), "c"(0ull), "d"(0ull), "S"(0ull)
			     : "memory");
		must(result == (uint64_t)-1000);
	}
	/*
	 * Its own virtualisation extension: not for this guest. But what the processor has as a virtual one, which
	 * CPUID tells, KVM lets any guest execute.
	 */
	cpuid(0x8000000a, 0, out);
	swaps = out[3] >> 15 & 1 ? NO_TRAP : UD;
	gif = out[3] >> 16 & 1 ? NO_TRAP : UD;
	must(TRAP("mov %[page], %%rax\n\tvmrun", [page] "r"((uint64_t)GUEST_PAGE(9))) == UD);
	must(TRAP("mov %[page], %%rax\n\tvmsave", [page] "r"((uint64_t)GUEST_PAGE(9))) == swaps);
	must(TRAP("mov %[page], %%rax\n\tvmload", [page] "r"((uint64_t)GUEST_PAGE(9))) == swaps);
	must(TRAP("clgi") == gif);
	must(TRAP("stgi") == gif);
	must(TRAP("mov %[page], %%rax\n\txor %%ecx, %%ecx\n\tinvlpga", [page] "r"(
									       (uint64_t)GUEST_PAGE(
										       9))) == UD);
}

void g_triple(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = { 0, 0 };

	asm volatile("lidt %0\n\tud2" : : "m"(idtr));
}

void g_long(void)
{
	uint32_t out[4];

	/* It has come from real mode through every mode. */
	cpuid(0, 0, out);
	must(READ_REG(cr0) & 1ull << 31 && rdmsr(0xc0000080) & 1 << 10);
	must(TRAP("ud2") == UD);
	if (second_life)
		second_life();
}
