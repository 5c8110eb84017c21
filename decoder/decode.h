/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decode.h - which instruction it was: Capstone behind one small call.
 *
 * The same call serves the root side (a diet Capstone built for below Linux) and user space (the
 * system's libcapstone); it answers as the hardware would, which is not always as Capstone does:
 * prefixes are read by the processor's rules before Capstone sees the bytes (see decode.c).
 */
#ifndef OLDGUARD_DECODE_H
#define OLDGUARD_DECODE_H

#include "../guest-glue/types.h"

/** enum decode_mode - default operand and address size of the code segment */
enum decode_mode {
	DECODE_16 = 16,		/* real mode, vm86, CS.D = 0 */
	DECODE_32 = 32,		/* CS.D = 1, compatibility mode too */
	DECODE_64 = 64,		/* CS.L = 1 with EFER.LMA */
};

/** enum decode_error - what decode() returns, negated */
enum decode_error {
	DECODE_OK = 0,
	DECODE_UD,		/* hardware raises #UD */
	DECODE_SHORT,		/* the instruction runs past the bytes given: fetch more, or #PF */
	DECODE_LONG,		/* over 15 bytes: #GP(0) */
	/*
	 * Neither the decoder nor the wrapper knows these bytes. Among the instructions of processors
	 * without UMIP: AVX-512's VL, BW and DQ forms, stores of theirs too; LWP; nothing that a
	 * processor intercepts.
	 */
	DECODE_UNKNOWN,
	DECODE_BROKEN,		/* not initialised, or the arena is too small (decoder_init() only) */
};

#define INSN_MAX_BYTES	15
#define INSN_NO_REG	0xff	/* in base, index, reg, rm_reg: there is none */

/** enum insn_op - what the instruction is, as far as a hypervisor cares */
enum insn_op {
	INSN_OTHER,		/* none of the below */

	/* The UMIP five, and the loads beside them (AMD APM vol. 3, ch. 4) */
	INSN_SGDT, INSN_SIDT, INSN_SLDT, INSN_STR, INSN_SMSW,
	INSN_LGDT, INSN_LIDT, INSN_LLDT, INSN_LTR, INSN_LMSW,

	INSN_CLTS, INSN_MOV_FROM_CR, INSN_MOV_TO_CR, INSN_MOV_FROM_DR, INSN_MOV_TO_DR,
	INSN_CPUID, INSN_RDMSR, INSN_WRMSR, INSN_XSETBV,
	INSN_INVLPG, INSN_INVD, INSN_WBINVD, INSN_HLT,
	INSN_IN, INSN_OUT, INSN_INS, INSN_OUTS,

	INSN_VMCALL, INSN_VMMCALL,
	/* SVM (AMD APM vol. 2, ch. 15) */
	INSN_VMRUN, INSN_VMLOAD, INSN_VMSAVE, INSN_STGI, INSN_CLGI, INSN_SKINIT, INSN_INVLPGA,
	/* VMX (Intel SDM vol. 3, ch. "VMX instruction reference") */
	INSN_VMXON, INSN_VMXOFF, INSN_VMREAD, INSN_VMWRITE, INSN_VMCLEAR, INSN_VMPTRLD,
	INSN_VMPTRST, INSN_VMLAUNCH, INSN_VMRESUME, INSN_INVEPT, INSN_INVVPID, INSN_VMFUNC,

	INSN_STORE,		/* any other instruction that writes memory: see @store */
	INSN_OP_COUNT
};

/**
 * enum insn_store - which store an INSN_STORE is
 *
 * Up to INSN_STORE_POP the guard of a protected page can emulate it from struct insn alone.
 */
enum insn_store {
	INSN_STORE_NONE,
	/* Whole new value known: @reg, or @imm if @has_imm */
	INSN_STORE_MOV,		/* MOV and MOVNTI; @high_byte tells AH, CH, DH, BH */
	INSN_STORE_MOVBE,
	INSN_STORE_MOV_SEG,	/* @reg is the segment register's number; always 2 bytes */
	INSN_STORE_STOS,	/* value rAX, honours @rep */
	INSN_STORE_MOVS,	/* value read at @src, honours @rep */
	/* Read, modify, write; the other operand is @reg, or @imm if @has_imm */
	INSN_STORE_ADD, INSN_STORE_OR, INSN_STORE_ADC, INSN_STORE_SBB,
	INSN_STORE_AND, INSN_STORE_SUB, INSN_STORE_XOR,
	INSN_STORE_INC, INSN_STORE_DEC, INSN_STORE_NOT, INSN_STORE_NEG,
	INSN_STORE_XCHG, INSN_STORE_XADD, INSN_STORE_CMPXCHG,
	INSN_STORE_BTS, INSN_STORE_BTR, INSN_STORE_BTC,
	INSN_STORE_SHIFT,	/* rotates too; the count is @imm or CL */
	INSN_STORE_SETCC,
	/* The stack; @mem is where the (first) write goes */
	INSN_STORE_PUSH, INSN_STORE_CALL,
	INSN_STORE_POP,		/* POP to memory; @mem allows for rSP having moved */
	INSN_STORE_PUSHA, INSN_STORE_CALL_FAR, INSN_STORE_ENTER,
	INSN_STORE_CMPXCHG_PAIR,	/* CMPXCHG8B and 16B */
	INSN_STORE_FPU,		/* x87, FXSAVE, XSAVE family, STMXCSR */
	INSN_STORE_VECTOR,	/* MMX, SSE, AVX, AVX-512 */
	INSN_STORE_MISC,	/* writes memory, by none of the above */
};

/** enum insn_seg - segment registers by their hardware number */
enum insn_seg { INSN_ES, INSN_CS, INSN_SS, INSN_DS, INSN_FS, INSN_GS, INSN_NO_SEG = 0xff };

/** enum insn_rep - the effective repeat prefix, where it repeats */
enum insn_rep { INSN_REP_NONE, INSN_REP, INSN_REPNE };

/**
 * struct insn_mem - a memory operand, as the hardware forms its address
 * @disp: displacement, sign-extended
 * @present: there is such an operand; the rest is valid only then
 * @segment: effective segment, enum insn_seg: the default, or the override that the mode honours
 * @base: GPR number or INSN_NO_REG
 * @index: GPR number or INSN_NO_REG
 * @scale: 1, 2, 4, 8
 * @address_size: 2, 4 or 8: the sum is truncated to that (for the stack outside 64-bit mode the
 *	code segment's size is assumed: SS.B decides, and decode() is not told it)
 * @rip_relative: the next instruction's address is added
 * @bit_string: @bit_reg / 8, rounded down to operands, is added (BTS m, r)
 * @vector_index: gathers and scatters: many addresses, insn_offset() cannot tell
 * @bit_reg: GPR number for @bit_string
 * @size: bytes at that address, 0 if only the processor's state tells (XSAVE, ENTER's frames)
 */
struct insn_mem {
	s64 disp;
	bool present;
	u8 segment;
	u8 base;
	u8 index;
	u8 scale;
	u8 address_size;
	bool rip_relative;
	bool bit_string;
	bool vector_index;
	u8 bit_reg;
	u16 size;
};

/**
 * struct insn - one decoded instruction
 * @mem: the memory operand: of a store, what is written
 * @src: a second memory operand, only read: source of MOVS, of PUSH m, of CALL m
 * @imm: immediate, sign-extended to 64 bits; I/O port of IN/OUT imm8
 * @op: enum insn_op
 * @store: enum insn_store, if @op is INSN_STORE
 * @mode: enum decode_mode it was decoded for
 * @length: bytes, 1 to 15
 * @operand_size: effective operand size in bytes, as this instruction means it
 * @address_size: effective address size in bytes
 * @reg: GPR number of the register operand, or INSN_NO_REG. Register forms of SLDT, STR, SMSW,
 *	LLDT, LTR, LMSW and MOV CR/DR: the general register
 * @rm_reg: the other general register of VMREAD's and VMWRITE's register forms, else INSN_NO_REG
 * @dest: GPR number of what the instruction computes, where it is one of MOV, MOVZX, MOVSX, MOVSXD
 *	from memory or a register, DIV, IDIV (the quotient's); else INSN_NO_REG
 * @dest_size: bytes of it that are written
 * @dest_high: @dest is AH, CH, DH, BH (and then holds 0 to 3)
 * @divides: DIV or IDIV
 * @high_byte: @reg is AH, CH, DH, BH (and then holds 0 to 3)
 * @cr: control or debug register number of MOV CR/DR
 * @has_imm: @imm is an operand
 * @lock: LOCK prefix (never set where the hardware would raise #UD)
 * @rep: enum insn_rep; only set for instructions that repeat (string instructions)
 */
struct insn {
	struct insn_mem mem;
	struct insn_mem src;
	u64 imm;
	u8 op;
	u8 store;
	u8 mode;
	u8 length;
	u8 operand_size;
	u8 address_size;
	u8 reg;
	u8 rm_reg;
	u8 dest;
	u8 dest_size;
	bool dest_high;
	bool divides;
	bool high_byte;
	u8 cr;
	bool has_imm;
	bool lock;
	u8 rep;
};

/* One per CPU; its memory is the arena's. */
struct decoder;

/** DECODER_ARENA - bytes of memory that one decoder needs; decoder_init() checks it */
#define DECODER_ARENA	(28 * 1024)

/* decoder_init() flags */
#define DECODER_LOCK_MOV_CR8	1u	/* CPUID 8000_0001 ECX[4]: LOCK MOV CR0 is MOV CR8 */
#define DECODER_BRANCH_66	2u	/* AMD: 66 makes near branches of 64-bit code 16 bits wide */

/**
 * decoder_init() - open a decoder on caller-given memory
 * @arena: DECODER_ARENA bytes or more, 16-byte aligned; it must keep its virtual address as long
 *	as the decoder lives, and belongs to one CPU
 * @bytes: its size
 * @flags: DECODER_* bits, what this processor has
 *
 * Decodes once in every mode, so that Capstone's tables are built and nothing allocates later.
 * Not for two CPUs at once: Capstone sorts a table of its own here.
 *
 * Return: the decoder, at the start of @arena; NULL if the arena is too small.
 */
struct decoder *decoder_init(void *arena, size_t bytes, u32 flags);

/** decoder_used() - bytes of the arena in use. It must not change after decoder_init(). */
size_t decoder_used(const struct decoder *d);

/** decoder_late() - allocations asked for after decoder_init(), by all decoders: always 0 */
u32 decoder_late(void);

/**
 * decode() - decode one instruction
 * @d: this CPU's decoder
 * @mode: the code segment's
 * @bytes: instruction bytes
 * @count: how many are there; over INSN_MAX_BYTES is the same as INSN_MAX_BYTES
 * @out: filled if 0 is returned, zeroed otherwise
 *
 * Return: 0, or a negated enum decode_error.
 */
int decode(struct decoder *d, enum decode_mode mode, const u8 *bytes, u32 count, struct insn *out);

/**
 * insn_offset() - effective address of a memory operand, before segmentation
 * @insn: the instruction
 * @mem: its &insn->mem or &insn->src
 * @gpr: general registers in hardware order: rax rcx rdx rbx rsp rbp rsi rdi r8 to r15
 * @next_rip: address of the following instruction, for RIP-relative operands
 *
 * Truncated to the operand's address size (AMD APM vol. 1, 2.2.4; Intel SDM vol. 1, 3.3.7).
 */
u64 insn_mem_offset(const struct insn *insn, const struct insn_mem *mem, const u64 gpr[16],
		    u64 next_rip);
u64 insn_offset(const struct insn *insn, const u64 gpr[16], u64 next_rip);

/** insn_op_name() - lower-case name of an enum insn_op, for reports */
const char *insn_op_name(enum insn_op op);

/**
 * decode_text() - an instruction as text, user space only (decode_text.c)
 * @mode: as for decode()
 * @address: its address, for relative branches
 * @bytes: instruction bytes
 * @count: how many
 * @text: where to
 * @size: room there
 *
 * Return: the instruction's length, or 0 if it cannot be decoded. @text lists the bytes if there
 * is nothing better.
 */
u32 decode_text(enum decode_mode mode, u64 address, const u8 *bytes, u32 count, char *text,
		size_t size);

#endif
