/* SPDX-License-Identifier: GPL-2.0-only */
/* What `oldguard probe` finds out: about the processor, and about the instructions UMIP blocks. */
#ifndef OLDGUARD_PROBE_H
#define OLDGUARD_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

/** struct probe_leaf - a hypervisor that names itself in CPUID */
struct probe_leaf {
	uint32_t base;
	uint32_t max;
	char signature[13];
};

#define PROBE_LEAVES 16

/**
 * struct probe_machine - the processor and the kernel as a user program sees them
 * @umip: CPUID.7.0:ECX[2]; false also where there is no leaf 7 (@max_leaf tells)
 * @hypervisor: CPUID.1:ECX[31]
 * @umip_cpus: CPUs that have the flag umip in /proc/cpuinfo
 * @cpus: CPUs in /proc/cpuinfo
 */
struct probe_machine {
	uint32_t max_leaf;
	char vendor[13];
	char name[49];
	unsigned int family, model, stepping;
	char kernel[65];
	bool umip;
	bool hypervisor;
	unsigned int nr_leaves;
	struct probe_leaf leaves[PROBE_LEAVES];
	unsigned int umip_cpus, cpus;
};

/** probe_machine() - ask the CPU that this runs on, and the kernel */
void probe_machine(struct probe_machine *m);

/** probe_signature() - do CPUID's registers at @base name a hypervisor? Then @leaf is filled in. */
bool probe_signature(struct probe_leaf *leaf, uint32_t base, uint32_t eax, uint32_t ebx,
		     uint32_t ecx, uint32_t edx);

/** probe_count_flag() - count CPUs, and those with a flag, in the text of /proc/cpuinfo */
void probe_count_flag(const char *cpuinfo, const char *flag, unsigned int *with,
		      unsigned int *cpus);

/* How an instruction stores: a descriptor-table register (limit and base), a selector, or CR0. */
enum probe_insn { PROBE_SGDT, PROBE_SIDT, PROBE_SLDT, PROBE_STR, PROBE_SMSW, PROBE_INSNS };

#define PROBE_BYTES 8

/**
 * struct probe_form - one encoding
 * @form: "mem", "r32", ...
 * @bits: 64 or 32, the code that it is run in
 * @all: only run by --all
 * @size: how many bytes the architecture stores, to memory or to the register
 */
struct probe_form {
	enum probe_insn insn;
	const char *form;
	unsigned int bits;
	bool all;
	bool memory;
	unsigned int size;
	unsigned int length;
	uint8_t bytes[PROBE_BYTES];
};

extern const struct probe_form probe_forms[];
extern const size_t probe_nr_forms;
extern const char *const probe_insn_name[PROBE_INSNS];

/**
 * enum probe_kind - how it went
 * @PROBE_STORED: the instruction ran
 * @PROBE_FAULT: a signal at the instruction
 * @PROBE_ELSEWHERE: a signal, but not at the instruction: this kind of code cannot be run here
 * @PROBE_DIED: the process ended in another way; the signal that killed it is known, or 0
 */
enum probe_kind {
	PROBE_STORED,
	PROBE_FAULT,
	PROBE_ELSEWHERE,
	PROBE_DIED,
};

/**
 * struct probe_result - what one encoding did
 * @dummy: yes if Linux's own UMIP fix-up stands in for the instruction here (probe_find_dummies())
 * @written: bytes that were really written, at @value
 * @trap: the trap number that the kernel gives to signal handlers; @error likewise
 */
struct probe_result {
	const struct probe_form *form;
	enum probe_kind kind;
	bool dummy;
	uint8_t value[16];
	unsigned int written;
	int signal, signal_code;
	unsigned int trap;
	unsigned long error;
};

/* How long an instruction may take: on a machine under test it might never end. */
extern unsigned int probe_seconds;

#define PROBE_ANY_UID ((unsigned int)-1)

/**
 * probe_run() - run one encoding in a child process
 * @uid: what the child becomes first, or PROBE_ANY_UID to leave it as it is
 */
void probe_run(struct probe_result *r, const struct probe_form *form, unsigned int uid);

/**
 * probe_find_dummies() - which of the values are Linux's dummy ones (5.10 and later, where the
 * processor has UMIP)?
 *
 * SLDT, STR and SMSW have dummy values that are also what they store natively; they count as
 * dummies only in code in which SGDT and SIDT store theirs, which no machine has natively.
 */
void probe_find_dummies(struct probe_result *r, size_t nr);

/** probe_same() - did two runs of an encoding end alike? @values: were also the values the same? */
bool probe_same(const struct probe_result *a, const struct probe_result *b, bool values);

/** probe_text() - the result in words, to be freed: "base 0x... limit 0x7f", "#GP (SIGSEGV)" */
char *probe_text(const struct probe_result *r);

/** probe_value() - what SLDT, STR or SMSW stored; probe_base(), probe_limit() for SGDT and SIDT */
uint64_t probe_value(const struct probe_result *r);
uint64_t probe_base(const struct probe_result *r);
unsigned int probe_limit(const struct probe_result *r);

/** probe_exception() - the vector's name, "#GP"; NULL where no instruction raises that one */
const char *probe_exception(unsigned int trap);

/**
 * struct probe_answers - all that one CPU said to one user
 * @cpu: which CPU
 * @uid: as whom
 */
struct probe_answers {
	unsigned int cpu;
	unsigned int uid;
	struct probe_machine machine;
	struct probe_result *results;
	size_t nr;
};

/**
 * struct probe_comparison - other answers, beside the first ones
 * @answers: the others
 * @nr: how many
 * @same: for each, whether it is like the first
 */
struct probe_comparison {
	struct probe_answers *answers;
	bool *same;
	size_t nr;
};

/**
 * probe_same_answers() - did two CPUs, or a CPU two users, give the same answers?
 * @values: the stored values must be equal, too (each CPU has a GDT of its own)
 */
bool probe_same_answers(const struct probe_answers *a, const struct probe_answers *b, bool values);

/**
 * probe_json(), probe_print() - show answers to programs and to people
 * @a: the answers
 * @users: those of an unprivileged user, if we are a privileged one
 * @cpus: those of the other CPUs, if they were asked
 */
json_t *probe_json(const struct probe_answers *a, const struct probe_comparison *users,
		   const struct probe_comparison *cpus);
void probe_print(const struct probe_answers *a, const struct probe_comparison *users,
		 const struct probe_comparison *cpus);

#endif
