/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * judge.h - the host's side: what the machines' records say, and whether it is right.
 */
#ifndef CONFORMANCE_JUDGE_H
#define CONFORMANCE_JUDGE_H

#include <stdio.h>

#include "record.h"

/* A block in memory, its records still packed. */
struct block {
	struct conf_block head;
	const uint8_t *records;
};

/**
 * struct stream - what one machine wrote
 * @name: of the file
 * @block: in the order in which they came
 */
struct stream {
	const char *name;
	struct block *block;
	size_t count;
};

/* Ends the program if the file is damaged, not whole, or of other cases than ours. */
void stream_load(struct stream *s, const char *path);
const struct block *stream_find(const struct stream *s, const struct conf_block *like);

/* The parts of a record that can differ. */
#define FIELD_LIST(X)                                                                              \
	X(EVENT, "event") /* signal, its code, exception number, error code */                     \
	X(ADDR, "addr")                                                                            \
	X(IP, "ip")                                                                                \
	X(RF, "rf")                                                                                \
	X(FLAGS, "flags") /* any other */                                                          \
	X(GPR, "gpr")                                                                              \
	X(SEG, "seg")                                                                              \
	X(MEMORY, "memory")                                                                        \
	X(STATE, "state")

enum field {
#define X(name, text) FIELD_##name,
	FIELD_LIST(X)
#undef X
		FIELDS
};
extern const char *const field_name[FIELDS];

/* Bit n: field n differs. */
uint32_t record_differs(const struct conf_record *a, const struct conf_record *b);

#define TEXT_MAX 600

/*
 * What ended a case, in a word or two: "done", "#GP(0)", "#PF(6):1", "SIGSEGV:2"; and the address
 * that goes with it, as seen from the operand: "0", "ip", "ea", "ea+2" or a number.
 */
void text_event(const struct conf_case *c, const struct conf_record *r, char out[TEXT_MAX]);
void text_addr(const struct conf_case *c, const struct conf_record *r, char out[TEXT_MAX]);
void text_case(const struct conf_case *c, char out[TEXT_MAX]);
void text_record(const struct conf_case *c, const struct conf_record *r, char out[TEXT_MAX]);

/**
 * struct pair - a case that two machines answered differently
 * @c: the case
 * @a: the first machine's record, or what the rules say
 * @b: the second machine's
 * @fields: what differs
 */
struct pair {
	const struct conf_case *c;
	const struct conf_record *a, *b;
	uint32_t fields;
};

/* The table of differences: see the file `differences`. */
void table_load(const char *path, const char *where);
/* Returns the fields that no entry explains. */
uint32_t table_explain(const struct pair *p);
/* Says which entries have explained nothing; returns how many. */
unsigned int table_unused(void);
void table_show(FILE *out);

/**
 * model_gp() - what the rules say of umip:mode=gp
 * @c: the case
 * @bare: what the machine does without oldguard, for what is none of the five instructions
 * @r: filled
 */
void model_gp(const struct conf_case *c, const struct conf_record *bare, struct conf_record *r);

/* The same of umip:mode=dummy (model_dummy.c). */
void model_dummy(const struct conf_case *c, const struct conf_record *bare, struct conf_record *r);

/* What both agree on: true if the instruction does not get as far as being one of the five. */
bool model_common(const struct conf_case *c, const struct conf_record *bare, struct conf_record *r);
/* A fault, under ptrace without number and error code. */
void model_fault(const struct conf_case *c, struct conf_record *r, uint8_t vector, uint16_t error);

#endif
