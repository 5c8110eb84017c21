/* SPDX-License-Identifier: GPL-2.0-only */
/* trap.h - instructions of vmm.c's guest, and what comes of those that raise an exception. */
#ifndef VMM_TRAP_H
#define VMM_TRAP_H

#include "guest.h"

struct trapped {
	volatile uint64_t go_on; /* where, if an exception comes; 0: none is expected */
	volatile uint64_t vector, error, cr2, rip;
};
extern struct trapped trapped;

#define NO_TRAP 999u

/* TRAP("instruction", inputs...): its exception, or NO_TRAP. */
#define TRAP(insn, ...)                                                                            \
	({                                                                                         \
		trapped.vector = NO_TRAP;                                                          \
		asm volatile("lea 1f(%%rip), %%r11\n\t"                                            \
			     "mov %%r11, %[go_on]\n\t" insn "\n"                                   \
			     "1:\n\t"                                                              \
			     "movq $0, %[go_on]"                                                   \
			     : [go_on] "=m"(trapped.go_on)                                         \
			     : __VA_ARGS__                                                         \
			     : "rax", "rbx", "rcx", "rdx", "r11", "memory", "cc");                 \
		(unsigned)trapped.vector;                                                          \
	})

/* must() - what should hold; the guest ends here if it does not */
static inline void end(uint8_t how)
{
	for (;;)
		asm volatile("outb %0, %1\n\thlt"
			     :
			     : "a"(how), "Nd"((uint16_t)PORT_END)
			     : "memory");
}

static inline void must_at(bool holds, const char *what)
{
	if (holds)
		return;
	said = what;
	end(1);
}
#define must(condition) must_at(condition, #condition)

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (uint64_t)high << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr"
		     :
		     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
		     : "memory");
}

static inline unsigned try_rdmsr(uint32_t msr)
{
	return TRAP("mov %[msr], %%ecx\n\trdmsr", [msr] "r"(msr));
}

static inline unsigned try_wrmsr(uint32_t msr, uint64_t value)
{
	return TRAP("mov %[msr], %%ecx\n\tmov %k[value], %%eax\n\tmov %[value], %%rdx\n\tshr $32, "
		    "%%rdx\n\twrmsr",
		    [msr] "r"(msr), [value] "r"(value));
}

#define READ_REG(reg)                                                                              \
	({                                                                                         \
		uint64_t value_;                                                                   \
		asm volatile("mov %%" #reg ", %0" : "=r"(value_) : : "memory");                    \
		value_;                                                                            \
	})
#define WRITE_REG(reg, value) asm volatile("mov %0, %%" #reg : : "r"((uint64_t)(value)) : "memory")

static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	asm volatile("cpuid"
		     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
		     : "a"(leaf), "c"(subleaf));
}

static inline volatile uint32_t *at(uint64_t address)
{
	return (volatile uint32_t *)address;
}

static inline void invlpg(uint64_t address)
{
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void out32(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" : : "a"(value), "d"(port) : "memory");
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;

	asm volatile("inl %1, %0" : "=a"(value) : "d"(port) : "memory");
	return value;
}

/* host() - have the host do something: what, each check agrees with its own */
static inline uint64_t host(uint64_t what)
{
	ask = what;
	out32(PORT_HOST, 0);
	return answer;
}

/* entry() - the page-table entry of a page of GUEST_PAGE() */
static inline volatile uint64_t *entry(uint64_t address)
{
	return (volatile uint64_t *)(GUEST_TABLES + 0x6000ull) + (address - GUEST_PAGES) / 4096;
}

#endif
