/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guest.h - what runs inside the virtual machines of vmm.c. The program's own image is copied into
 * the guest's memory at the same addresses, and all of the guest's addresses are mapped to
 * themselves: a function, a table or a sentence has the same address on both sides, a variable has
 * a copy in each.
 */
#ifndef VMM_GUEST_H
#define VMM_GUEST_H

#include <stdbool.h>
#include <stdint.h>

/* Guest-physical memory. */
#define GUEST_BYTES (20u << 20)
#define GUEST_REAL 0x8000u     /* code that starts in 16-bit mode */
#define GUEST_TABLES 0x100000u /* page tables */
#define GUEST_STACKS 0x200000u /* one of 64 KiB a processor, user's in its lower half */
#define GUEST_PAGES 0x1000000u /* 2 MiB of pages to play with, mapped by 4 KiB */
#define GUEST_PAGE(n) (GUEST_PAGES + (n)*4096u)
#define GUEST_WINDOW 0x1400000u /* a second memory slot can be put here */
#define GUEST_MMIO 0xd0000000u	/* nothing is there */
#define GUEST_ROM 0xffff0000u	/* 64 KiB that end where a reset begins */
#define GUEST_HOLE 0x7000000000 /* not mapped */

#define GUEST_CPUS 4

enum port {
	PORT_END = 0xf4,  /* a byte: 0, the guest is done; 1, `said` says what is wrong */
	PORT_ECHO = 0xe0, /* the host gives back what was written, inverted */
	PORT_HOST = 0xe8, /* let the host act: GUEST's `ask` */
};

enum selector {
	SEL_CODE = 0x08,
	SEL_DATA = 0x10,
	SEL_CODE32 = 0x18,
	SEL_USER_DATA = 0x23,
	SEL_USER = 0x2b,
	SEL_TSS = 0x30
};

struct frame {
	uint64_t r[15]; /* r15 first, rax last */
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

struct gate {
	uint16_t low, selector, flags, middle;
	uint32_t high, zero;
} __attribute__((packed));

struct tss {
	uint32_t zero;
	uint64_t rsp[3], zero2, ist[7];
	uint8_t rest[16];
} __attribute__((packed));

extern const char *said;
extern uint64_t ask, answer;
extern volatile uint64_t counts[GUEST_CPUS];
extern volatile uint32_t ticks, nmis, ipis, stop, ready;
extern void (*volatile second_life)(void); /* where the first processor goes after a reset */
extern void (*volatile other)(void);	   /* what the others do instead of counting */

extern uint64_t guest_gdt[16];
extern struct gate guest_idt[256];
extern struct tss guest_tss[GUEST_CPUS];
extern const char guest_vectors[]; /* guest.S: 16 bytes each */
extern const char real_start[], real_end[], real_trampoline[], real_trampoline_end[];

/* guest.S */
void guest_cpu(void); /* in: RDI where to go, RSI number of the processor */
void run_user(void (*function)(void));
void user_back(void);
void syscall_entry(void);

/* What a guest does: at CPL 0, in long mode, on the first processor. */
void g_traps(void);
void g_user(void);
void g_umip(void);
void g_cpuid(void);
void g_cpuid_loop(void);
void g_few(void);
void g_ports(void);
void g_mmio(void);
void g_msrs(void);
void g_fpu(void);
void g_debug(void);
void g_tables(void);
void g_pcid(void);
void g_dontneed(void);
void g_dirty(void);
void g_slots(void);
void g_read_only(void);
void g_apic_timer(void);
void g_x2apic_timer(void);
void g_tpr(void);
void g_interrupts(void);
void g_nmis(void);
void g_hypercall(void);
void g_triple(void);
void g_svm(void);
void g_smp(void);
void g_smp_other(void);
void g_spin(void);
void g_spin_umip(void);
void g_long(void);
void g_no_leaf(void);
void g_no_seals(void);
void g_seals(void);
void g_seals_step(void);
void g_seals_dontneed(void);
void g_seals_dirty(void);
void g_seals_reset(void);
void g_seals_smp(void);
void g_seals_init(void);

#endif
