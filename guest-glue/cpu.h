/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpu.h - the architecture that both vendors share: bits, numbers, and the privileged
 * instructions as functions.
 *
 * The user-space build (OLDGUARD_SIM) declares the same functions and lets the simulated
 * processor of the tests implement them, so that no other root-side file contains an instruction
 * that a program at CPL 3 could not execute.
 */
#ifndef OLDGUARD_CPU_H
#define OLDGUARD_CPU_H

#include "types.h"

/* A guest register's place in struct vcpu's array: the number that instructions encode it with. */
enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, GPRS };

/* The order is CPUID's output order, so that it indexes an array of the four. */
#ifdef OLDGUARD_LINUX_SIDE
#define cpuid_reg cpuid_regs_idx /* Linux has the same, with the same names */
#else
enum cpuid_reg { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };
#endif

/**
 * struct table_reg - GDTR or IDTR in memory, as LGDT and SGDT see it in 64-bit mode
 * @limit: offset of the table's last byte
 * @base: linear address
 */
struct table_reg {
	u16 limit;
	u64 base;
} __attribute__((packed));

/* Linux's side reads this file for the types: it has its own names for the rest. */
#ifndef OLDGUARD_LINUX_SIDE

/* Control registers: AMD APM vol. 2, 3.1; Intel SDM vol. 3, 2.5. */
#define CR0_PE BIT64(0)
#define CR0_MP BIT64(1)
#define CR0_EM BIT64(2)
#define CR0_TS BIT64(3)
#define CR0_ET BIT64(4)
#define CR0_NE BIT64(5)
#define CR0_WP BIT64(16)
#define CR0_AM BIT64(18)
#define CR0_NW BIT64(29)
#define CR0_CD BIT64(30)
#define CR0_PG BIT64(31)

#define CR4_VME BIT64(0)
#define CR4_DE BIT64(3)
#define CR4_PSE BIT64(4)
#define CR4_PAE BIT64(5)
#define CR4_MCE BIT64(6)
#define CR4_PGE BIT64(7)
#define CR4_OSFXSR BIT64(9)
#define CR4_OSXMMEXCPT BIT64(10)
#define CR4_UMIP BIT64(11)
#define CR4_LA57 BIT64(12)
#define CR4_VMXE BIT64(13)
#define CR4_SMXE BIT64(14)
#define CR4_FSGSBASE BIT64(16)
#define CR4_PCIDE BIT64(17)
#define CR4_OSXSAVE BIT64(18)
#define CR4_SMEP BIT64(20)
#define CR4_SMAP BIT64(21)
#define CR4_PKE BIT64(22)
#define CR4_CET BIT64(23)

#define CR3_PCID_NOFLUSH BIT64(63)
#define CR3_ADDRESS 0x000ffffffffff000ULL

#define EFER_SCE BIT64(0)
#define EFER_LME BIT64(8)
#define EFER_LMA BIT64(10)
#define EFER_NXE BIT64(11)
#define EFER_SVME BIT64(12)

#define RFLAGS_FIXED BIT64(1)
#define RFLAGS_TF BIT64(8)
#define RFLAGS_IF BIT64(9)
#define RFLAGS_RF BIT64(16)
#define RFLAGS_VM BIT64(17)
#define RFLAGS_AC BIT64(18)

#define DR6_BS BIT64(14)
#define DR6_CAUSES 0xe00fULL /* B0 to B3, BD, BS, BT */
#define DEBUGCTL_BTF BIT64(1)

/* Long-mode paging-structure entries: AMD APM vol. 2, 5.3; Intel SDM vol. 3, 4.5. */
#define PTE_P BIT64(0)
#define PTE_W BIT64(1)
#define PTE_U BIT64(2)
#define PTE_A BIT64(5)
#define PTE_D BIT64(6)
#define PTE_PS BIT64(7)
#define PTE_NX BIT64(63)

#define MSR_APIC_BASE 0x0000001b
#define MSR_FEATURE_CONTROL 0x0000003a
#define MSR_BIOS_UPDT_TRIG 0x00000079
#define MSR_MTRR_CAP 0x000000fe
#define MSR_MCG_CAP 0x00000179
#define MSR_MCG_STATUS 0x0000017a
#define MSR_MC0_STATUS 0x00000401 /* four MSRs a bank */
#define MSR_SYSENTER_CS 0x00000174
#define MSR_SYSENTER_ESP 0x00000175
#define MSR_SYSENTER_EIP 0x00000176
#define MSR_DEBUGCTL 0x000001d9
#define MSR_MISC_ENABLE 0x000001a0
#define MSR_PERF_GLOBAL_CTRL 0x0000038f
#define MSR_PEBS_ENABLE 0x000003f1
#define MSR_MTRR_PHYS_BASE0 0x00000200
#define MSR_MTRR_PHYS_MASK0 0x00000201
#define MSR_MTRR_FIX64K_00000 0x00000250
#define MSR_MTRR_FIX16K_80000 0x00000258
#define MSR_MTRR_FIX16K_A0000 0x00000259
#define MSR_MTRR_FIX4K_C0000 0x00000268
#define MSR_RTIT_OUTPUT_BASE 0x00000560
#define MSR_RTIT_OUTPUT_MASK 0x00000561
#define MSR_RTIT_CTL 0x00000570
#define MSR_RTIT_CR3_MATCH 0x00000572
#define MSR_RTIT_ADDR0_A 0x00000580
#define MSR_RTIT_ADDR3_B 0x00000587
#define MSR_PAT 0x00000277
#define MSR_MTRR_DEF_TYPE 0x000002ff
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SFMASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

enum vector {
	VECTOR_DE = 0,
	VECTOR_DB = 1,
	VECTOR_NMI = 2,
	VECTOR_BP = 3,
	VECTOR_OF = 4,
	VECTOR_UD = 6,
	VECTOR_DF = 8,
	VECTOR_TS = 10,
	VECTOR_NP = 11,
	VECTOR_SS = 12,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_AC = 17,
	VECTOR_MC = 18,
	VECTOR_SX = 30,
};

#ifdef OLDGUARD_SIM

void cpu_cpuid(u32 leaf, u32 subleaf, u32 out[4]);
void cpu_cpuid_gpr(u64 *rax, u64 gpr[GPRS]);
u64 cpu_rdmsr(u32 msr);
void cpu_wrmsr(u32 msr, u64 value);
bool cpu_rdmsr_safe(u32 msr, u64 *value);
bool cpu_wrmsr_safe(u32 msr, u64 value);
bool cpu_xsetbv_safe(u32 index, u64 value);
u64 cpu_read_cr0(void);
u64 cpu_read_cr2(void);
u64 cpu_read_cr3(void);
u64 cpu_read_cr4(void);
u64 cpu_read_cr8(void);
void cpu_write_cr0(u64 value);
void cpu_write_cr3(u64 value);
void cpu_write_cr2(u64 value);
void cpu_write_cr4(u64 value);
void cpu_write_cr8(u64 value);
void cpu_wbinvd(void);
u64 cpu_read_dr6(void);
u64 cpu_read_dr7(void);
void cpu_write_dr6(u64 value);
void cpu_write_dr7(u64 value);
u64 cpu_read_flags(void);
void cpu_read_tables(struct table_reg *gdtr, struct table_reg *idtr);
void cpu_read_selectors(u16 out[6]);
u16 cpu_read_ldtr(void);
u16 cpu_read_tr(void);
void cpu_outb(u16 port, u8 value);
u8 cpu_inb(u16 port);
void cpu_out(u16 port, u32 bytes, u32 value);
u32 cpu_in(u16 port, u32 bytes);
u64 cpu_rdtsc(void);
void cpu_halt(void) __attribute__((noreturn));
#define cpu_relax() ((void)0)

#else

static inline void cpu_cpuid(u32 leaf, u32 subleaf, u32 out[4])
{
	asm volatile("cpuid"
		     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
		     : "0"(leaf), "2"(subleaf));
}

/* The same from and to registers as a guest has them; RAX lies apart from the rest. */
static inline void cpu_cpuid_gpr(u64 *rax, u64 gpr[GPRS])
{
	u64 a, b, c, d;

	asm volatile("cpuid"
		     : "=a"(a), "=b"(b), "=c"(c), "=d"(d)
		     : "0"(*rax), "2"(gpr[RCX]));
	*rax = a;
	gpr[RBX] = b;
	gpr[RCX] = c;
	gpr[RDX] = d;
}

/* Not ordered against what is around it: it is for the clock's sake, not for measuring. */
static inline u64 cpu_rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (u64)hi << 32;
}

static inline u64 cpu_rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (u64)hi << 32;
}

static inline void cpu_wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

/*
 * EXTABLE: a fault of the instruction at @from goes on at @to. The root side's own fault handler
 * looks it up (fault.c), so these work below Linux only, never on Linux's IDT.
 */
#define EXTABLE(from, to)                                                                          \
	".pushsection .root.extable, \"a\"\n\t.quad " from ", " to "\n\t.popsection\n\t"

/* Emulators never fault on an absent MSR, hardware does: an MSR that the guest names is guarded. */
static inline bool cpu_rdmsr_safe(u32 msr, u64 *value)
{
	u32 lo, hi;

	asm goto volatile("1: rdmsr\n\t" EXTABLE("1b", "%l[fault]")
			  : "=a"(lo), "=d"(hi)
			  : "c"(msr)
			  :
			  : fault);
	*value = lo | (u64)hi << 32;
	return true;
fault:
	return false;
}

static inline bool cpu_wrmsr_safe(u32 msr, u64 value)
{
	asm goto volatile("1: wrmsr\n\t" EXTABLE("1b", "%l[fault]")
			  :
			  : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
			  : "memory"
			  : fault);
	return true;
fault:
	return false;
}

/* The caller sees to CR4.OSXSAVE; a value that the processor refuses returns false. */
static inline bool cpu_xsetbv_safe(u32 index, u64 value)
{
	asm goto volatile("1: xsetbv\n\t" EXTABLE("1b", "%l[fault]")
			  :
			  : "c"(index), "a"((u32)value), "d"((u32)(value >> 32))
			  : "memory"
			  : fault);
	return true;
fault:
	return false;
}

#define CPU_READ_REG(name)                                                                         \
	static inline u64 cpu_read_##name(void)                                                    \
	{                                                                                          \
		u64 value;                                                                         \
                                                                                                   \
		asm volatile("mov %%" #name ", %0" : "=r"(value));                                 \
		return value;                                                                      \
	}
CPU_READ_REG(cr0)
CPU_READ_REG(cr2)
CPU_READ_REG(cr3)
CPU_READ_REG(cr4)
CPU_READ_REG(cr8)
CPU_READ_REG(dr6)
CPU_READ_REG(dr7)
#undef CPU_READ_REG

static inline void cpu_write_cr0(u64 value)
{
	asm volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline void cpu_write_cr3(u64 value)
{
	asm volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline void cpu_write_cr2(u64 value)
{
	asm volatile("mov %0, %%cr2" : : "r"(value));
}

static inline void cpu_write_cr4(u64 value)
{
	asm volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static inline void cpu_write_cr8(u64 value)
{
	asm volatile("mov %0, %%cr8" : : "r"(value) : "memory");
}

static inline void cpu_wbinvd(void)
{
	asm volatile("wbinvd" : : : "memory");
}

static inline void cpu_write_dr6(u64 value)
{
	asm volatile("mov %0, %%dr6" : : "r"(value));
}

static inline void cpu_write_dr7(u64 value)
{
	asm volatile("mov %0, %%dr7" : : "r"(value));
}

static inline u64 cpu_read_flags(void)
{
	u64 flags;

	asm volatile("pushfq; pop %0" : "=r"(flags) : : "memory");
	return flags;
}

static inline void cpu_read_tables(struct table_reg *gdtr, struct table_reg *idtr)
{
	asm volatile("sgdt %0" : "=m"(*gdtr));
	asm volatile("sidt %0" : "=m"(*idtr));
}

/* In the order of enum guest_seg. */
static inline void cpu_read_selectors(u16 out[6])
{
	asm volatile("mov %%es, %0" : "=m"(out[0]));
	asm volatile("mov %%cs, %0" : "=m"(out[1]));
	asm volatile("mov %%ss, %0" : "=m"(out[2]));
	asm volatile("mov %%ds, %0" : "=m"(out[3]));
	asm volatile("mov %%fs, %0" : "=m"(out[4]));
	asm volatile("mov %%gs, %0" : "=m"(out[5]));
}

static inline u16 cpu_read_ldtr(void)
{
	u16 selector;

	asm volatile("sldt %0" : "=m"(selector));
	return selector;
}

static inline u16 cpu_read_tr(void)
{
	u16 selector;

	asm volatile("str %0" : "=m"(selector));
	return selector;
}

static inline void cpu_outb(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 cpu_inb(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* The widths that IN and OUT have: 1, 2 or 4 bytes. */
static inline void cpu_out(u16 port, u32 bytes, u32 value)
{
	if (bytes == 1)
		asm volatile("outb %b0, %1" : : "a"(value), "Nd"(port));
	else if (bytes == 2)
		asm volatile("outw %w0, %1" : : "a"(value), "Nd"(port));
	else
		asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline u32 cpu_in(u16 port, u32 bytes)
{
	u32 value = 0;

	if (bytes == 1)
		asm volatile("inb %1, %b0" : "+a"(value) : "Nd"(port));
	else if (bytes == 2)
		asm volatile("inw %1, %w0" : "+a"(value) : "Nd"(port));
	else
		asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void __attribute__((noreturn)) cpu_halt(void)
{
	for (;;)
		asm volatile("cli; hlt");
}

static inline void cpu_relax(void)
{
	asm volatile("pause");
}

#endif /* OLDGUARD_SIM */
#endif /* OLDGUARD_LINUX_SIDE */
#endif
