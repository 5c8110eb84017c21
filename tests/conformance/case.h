/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * case.h - one conformance case: an instruction, the registers and segments it runs with, and the
 * memory it points at. A case is made from (seed, suite, index) alone, so the program that runs it
 * and the host that judges it each make their own copy and only results travel.
 */
#ifndef CONFORMANCE_CASE_H
#define CONFORMANCE_CASE_H

#include <stdbool.h>
#include <stdint.h>

#define CASE_SEED 20090528ULL

/*
 * What a case uses lies in one arena a thread, below 2 GiB so that a disp32 alone can reach it.
 * The offsets are from its start; what no line names is not mapped.
 */
#define ARENA_BASE 0x20000000ULL
#define ARENA_STRIDE 0x100000ULL
#define ARENA_CODE 0x0000 /* two pages, readable, writable and executable; nothing behind them */
#define ARENA_CODE_END 0x2000
#define ARENA_DATA 0x10000	  /* two pages, writable */
#define ARENA_READ_ONLY 0x12000	  /* one page, right behind */
#define ARENA_ALONE 0x14000	  /* a writable page between two holes */
#define ARENA_NO_ACCESS 0x16000	  /* PROT_NONE */
#define ARENA_BEFORE_LAZY 0x17000 /* writable */
#define ARENA_LAZY 0x18000	  /* never touched before a case */
#define ARENA_COW 0x19000	  /* read once, so that it is the zero page until written to */
#define ARENA_PAST_END 0x1a000	  /* of a file: mapped, no page behind it */
#define ARENA_END 0x1b000

#define PAGE 4096u

enum case_mode { MODE_64, MODE_32, MODE_16, MODES };

/* How the instruction is run. */
enum case_way {
	WAY_PLAIN,	 /* by a return from a signal handler */
	WAY_STEP,	 /* the same with TF set */
	WAY_HANDLER,	 /* the same while a signal handler is active */
	WAY_PTRACE,	 /* PTRACE_CONT */
	WAY_PTRACE_STEP, /* PTRACE_SINGLESTEP */
	WAY_THREADS,	 /* plain, on several threads at a time, the process having an LDT */
	WAYS
};

enum case_insn { INSN_SGDT, INSN_SIDT, INSN_SLDT, INSN_STR, INSN_SMSW, INSN_OTHER, INSNS };

/* What the memory operand points at. */
#define DEST_LIST(X)                                                                               \
	X(NONE, "none") /* a register operand */                                                   \
	X(GOOD, "good")                                                                            \
	X(CROSS, "cross") /* from a writable page into a writable one */                           \
	X(READ_ONLY, "read-only")                                                                  \
	X(INTO_READ_ONLY, "into-read-only")                                                        \
	X(HOLE, "hole")                                                                            \
	X(INTO_HOLE, "into-hole")                                                                  \
	X(OUT_OF_HOLE, "out-of-hole")                                                              \
	X(NO_ACCESS, "no-access")                                                                  \
	X(LAZY, "lazy")                                                                            \
	X(INTO_LAZY, "into-lazy")                                                                  \
	X(OUT_OF_LAZY, "out-of-lazy") /* from the lazy page into the copy-on-write one */          \
	X(COW, "cow")                                                                              \
	X(PAST_END, "past-end")                                                                    \
	X(ZERO_PAGE, "zero-page") /* around address 0 */                                           \
	X(TOP, "top")		  /* wraps at the end of the address space */                      \
	X(NON_CANONICAL, "non-canonical")                                                          \
	X(EDGE, "edge") /* at and across the end of the canonical lower half */                    \
	X(KERNEL, "kernel")                                                                        \
	X(LIMIT, "limit") /* around the segment's limit */

enum case_dest {
#define X(name, text) DEST_##name,
	DEST_LIST(X)
#undef X
		DESTS
};

enum case_seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEGS };

/* What a segment register holds outside 64-bit code. The LDT ones are per arena. */
#define KIND_LIST(X)                                                                               \
	X(FLAT, "flat")                                                                            \
	X(NULL, "null")                                                                            \
	X(BASED, "based")   /* 64 KiB */                                                           \
	X(SHORT, "short")   /* ends amid the writable pages */                                     \
	X(PAGES, "pages")   /* page-granular, ends behind the writable pages */                    \
	X(DOWN, "down")	    /* expands down */                                                     \
	X(DOWN16, "down16") /* the same, up to 64 KiB only */                                      \
	X(READ_ONLY, "ro")                                                                         \
	X(CODE, "code")	    /* readable code */                                                    \
	X(CODE32, "code32") /* for CS: 32-bit code, base not 0 */                                  \
	X(CODE16, "code16") /* for CS: 16-bit code */

enum case_kind {
#define X(name, text) KIND_##name,
	KIND_LIST(X)
#undef X
		KINDS
};
#define KIND_FIRST_LDT KIND_BASED
#define LDT_PER_ARENA (KINDS - KIND_FIRST_LDT)

#define SEL_NULL 3 /* what Linux makes of 0 for a program */
#define SEL_DATA 0x2b
#define SEL_CODE32 0x23
#define SEL_CODE64 0x33

/* Where the instruction's bytes lie. */
enum case_code {
	CODE_INSIDE,
	CODE_CROSS, /* over a page boundary */
	CODE_LAST,  /* its last byte is the last one before a hole */
	CODE_CUT,   /* a part of it is in that hole */
	CODES
};

#define FLAG_TF 0x100u
#define FLAG_RF 0x10000u
#define FLAG_AC 0x40000u

#define BYTES_MAX 20

/**
 * struct conf_case - everything that decides what a case does
 * @mode: of the code
 * @way: how it is run
 * @insn: which
 * @dest: what the operand was aimed at
 * @code: where the bytes lie
 * @kind: of each segment register, outside 64-bit code
 * @seg: the operand's segment as hardware means it
 * @operand_size: 2, 4 or 8
 * @address_size: 2, 4 or 8
 * @lock: has a LOCK prefix
 * @segments: how many segment prefixes it has
 * @idle_rex: has a REX that does nothing, because another prefix follows it
 * @reg: register operand, if @dest is DEST_NONE
 * @length: of @bytes
 * @bytes: the instruction
 * @gpr: registers before it, in the order of their numbers
 * @flags: the same
 * @arena: address of the arena
 * @code_at: linear address of the first byte
 * @ip: the same in the code segment
 * @offset: of the operand in its segment, cut to the address size
 * @linear: its linear address
 */
struct conf_case {
	uint8_t mode, way, insn, dest, code;
	uint8_t kind[SEGS];
	uint8_t seg;
	uint8_t operand_size, address_size;
	bool lock, idle_rex;
	uint8_t segments;
	uint8_t reg;
	uint8_t length;
	uint8_t bytes[BYTES_MAX];
	uint64_t gpr[16];
	uint32_t flags;
	uint64_t arena, code_at, ip, offset, linear;
};

/**
 * struct conf_suite - cases of one mode, run in one way
 * @name: for people and the table of differences
 * @bits: which of the two programs runs it
 * @count: cases, of each thread
 * @threads: at a time
 */
struct conf_suite {
	const char *name;
	uint8_t bits, mode, way, threads;
	uint32_t count;
};

extern const struct conf_suite conf_suites[];
extern const unsigned int conf_suite_count;
extern const char *const case_insn_name[INSNS];
extern const char *const case_dest_name[DESTS];
extern const char *const case_kind_name[KINDS];
extern const char *const case_mode_name[MODES];
extern const char *const case_way_name[WAYS];
extern const char *const case_code_name[CODES];

/* Bytes that the instruction stores, or 0 for a register operand. */
uint32_t case_store_size(const struct conf_case *c);

/* FS and GS bases that 64-bit code runs with. */
static inline uint64_t arena_fs(uint64_t arena)
{
	return arena - 0x40000;
}

static inline uint64_t arena_gs(uint64_t arena)
{
	return arena + 0x2340;
}

/* What the arena's bytes hold before a case; none of them is likely in an address, a selector or
 * CR0. */
static inline uint8_t arena_pattern(uint64_t address)
{
	return 0xa0 + (address & 15);
}

/* Whether a case may reach the pages that nobody has touched. */
static inline bool near_lazy(const struct conf_case *c)
{
	return c->linear - (c->arena + ARENA_BEFORE_LAZY) < ARENA_PAST_END - ARENA_BEFORE_LAZY + 64;
}

/**
 * kind_segment() - where a segment lies
 * @kind: enum case_kind
 * @arena: address of the arena
 * @base: filled
 * @limit: filled: last offset inside, or for those that expand down the last one outside
 */
void kind_segment(uint8_t kind, uint64_t arena, uint32_t *base, uint32_t *limit);

/* The selector of a kind in the arena's part of the LDT. */
uint16_t kind_selector(uint8_t kind, uint64_t arena);

/**
 * case_make() - make a case
 * @c: filled
 * @seed: of the whole run
 * @suite: index in conf_suites
 * @thread: which
 * @index: below the suite's count
 */
void case_make(struct conf_case *c, uint64_t seed, unsigned int suite, unsigned int thread,
	       uint32_t index);

/* For case.c: form.c makes the instruction's bytes and aims it, place.c chooses where to. */
struct random {
	uint64_t state;
};
uint64_t random_next(struct random *r);
static inline uint32_t random_below(struct random *r, uint32_t n)
{
	return (random_next(r) >> 32) % n;
}
void place_code(struct conf_case *c, struct random *r);
uint64_t place_operand(struct conf_case *c, struct random *r);
void form_make(struct conf_case *c, struct random *r, uint32_t combination);
extern const uint32_t form_combinations[MODES];

#endif
