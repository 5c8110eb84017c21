// SPDX-License-Identifier: GPL-2.0-only
/*
 * judge.c - are the records right?
 *
 *	judge gp WHERE TABLE BARE RECORDS	against the rules of umip:mode=gp
 *	judge dummy WHERE TABLE BARE RECORDS	against those of umip:mode=dummy
 *	judge same WHERE TABLE A B		two machines' against each other
 *	judge count A				what there is in one
 *	judge groups A B			unequal cases by kind, for people who extend the
 *table
 *
 * Differences that TABLE explains for WHERE are allowed, but each of its entries must occur. Closes
 *with "N passed, N failed": a block of cases or a difference is one.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

#define SHOWN 12

/* A set of 64-bit hashes. */
struct set {
	uint64_t *slot;
	size_t size, used;
};

static struct set cases, encodings, states, outcomes;
static unsigned long passed, failed, shown;
static bool groups;
static void (*rules)(const struct conf_case *c, const struct conf_record *bare,
		     struct conf_record *r);

static void set_add(struct set *s, uint64_t key)
{
	size_t i, old = s->size;
	uint64_t *from = s->slot;

	key |= !key;
	if (s->used * 2 >= s->size) {
		s->size = old ? old * 2 : 1024;
		s->used = 0;
		s->slot = calloc(s->size, sizeof(*s->slot));
		if (!s->slot)
			err(2, "calloc");
		for (i = 0; i < old; i++)
			if (from[i])
				set_add(s, from[i]);
		free(from);
	}
	for (i = key % s->size; s->slot[i]; i = (i + 1) % s->size)
		if (s->slot[i] == key)
			return;
	s->slot[i] = key;
	s->used++;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	return hash * 31 + record_hash(bytes, size);
}

static void count_case(const struct conf_case *c, const struct conf_record *r)
{
	uint64_t encoding = mix(c->mode, c->bytes, c->length), state;
	char text[TEXT_MAX];

	state = mix(c->way << 8 | c->mode, &c->dest, sizeof(c->dest));
	state = mix(state, c->kind, sizeof(c->kind));
	state = mix(state, c->gpr, sizeof(c->gpr));
	state = mix(state, &c->flags, sizeof(c->flags));
	state = mix(state, &c->code_at, sizeof(c->code_at));
	set_add(&encodings, encoding);
	set_add(&states, state);
	set_add(&cases, encoding * 0x9e3779b97f4a7c15ULL ^ state);
	text_event(c, r, text);
	state = mix(r->ip, text, strlen(text));
	text_addr(c, r, text);
	state = mix(state, text, strlen(text));
	state = mix(state, &r->window_mask, sizeof(r->window_mask));
	set_add(&outcomes, mix(state, &r->gpr_mask, sizeof(r->gpr_mask)));
}

static void show_pair(const struct pair *p, uint32_t left, const struct conf_block *head,
		      uint32_t i)
{
	char text[TEXT_MAX], event[TEXT_MAX], other[TEXT_MAX], from[TEXT_MAX], to[TEXT_MAX];
	unsigned int field;

	if (groups) {
		text_event(p->c, p->a, event);
		text_event(p->c, p->b, other);
		text_addr(p->c, p->a, from);
		text_addr(p->c, p->b, to);
		printf("%s %s %s dest=%s kind=%s lock=%d segs=%d code=%s | %s @%s | %s @%s |",
		       case_mode_name[p->c->mode], case_way_name[p->c->way],
		       case_insn_name[p->c->insn], case_dest_name[p->c->dest],
		       case_kind_name[p->c->mode == MODE_64 ? 0 : p->c->kind[p->c->seg]],
		       p->c->lock, p->c->segments, case_code_name[p->c->code], event, from, other,
		       to);
		for (field = 0; field < FIELDS; field++)
			if (left >> field & 1)
				printf(" %s", field_name[field]);
		printf("\n");
		return;
	}
	if (shown++ >= SHOWN)
		return;
	text_case(p->c, text);
	printf("FAILED  %s %u/%u: %s\n", conf_suites[head->suite].name, head->thread, i, text);
	text_record(p->c, p->a, text);
	printf("        %-8s  %s\n", rules ? "the rule" : "one", text);
	text_record(p->c, p->b, text);
	printf("        %-8s  %s\n        unexplained:", rules ? "seen" : "other", text);
	for (field = 0; field < FIELDS; field++)
		if (left >> field & 1)
			printf(" %s", field_name[field]);
	printf("\n");
}

/* Returns whether the two are as they should be; @b may be @a, to count only. */
static bool judge_block(const struct block *a, const struct block *b)
{
	const struct conf_block *head = &a->head;
	size_t at_a = 0, at_b = 0, length_a, length_b;
	struct conf_record one, other, rule;
	struct conf_case c;
	bool good = true;
	uint32_t i, left;

	if (a->head.stray != b->head.stray) {
		printf("FAILED  %s %u/%u: %u and %u bytes changed that no case should touch\n",
		       conf_suites[head->suite].name, head->thread, head->first, a->head.stray,
		       b->head.stray);
		good = false;
	}
	for (i = head->first; i < head->first + head->count; i++) {
		struct pair p = { .c = &c, .a = &one, .b = &other };

		case_make(&c, head->seed, head->suite, head->thread, i);
		length_a = record_unpack(&one, a->records + at_a, head->bytes - at_a);
		length_b = record_unpack(&other, b->records + at_b, b->head.bytes - at_b);
		if (!length_a || !length_b)
			errx(2, "%s: case %u is not whole", conf_suites[head->suite].name, i);
		at_a += length_a;
		at_b += length_b;
		if (rules) {
			rules(&c, &one, &rule);
			p.a = &rule;
		}
		count_case(&c, &other);
		p.fields = record_differs(p.a, p.b);
		left = p.fields ? table_explain(&p) : 0;
		if (!left)
			continue;
		good = false;
		show_pair(&p, left, head, i);
	}
	return good;
}

static void judge(const struct stream *a, const struct stream *b)
{
	size_t i;

	if (a->count != b->count) {
		printf("FAILED  %zu and %zu blocks\n", a->count, b->count);
		failed++;
	}
	for (i = 0; i < a->count; i++) {
		const struct block *other = stream_find(b, &a->block[i].head);

		if (other && judge_block(&a->block[i], other)) {
			passed++;
			continue;
		}
		failed++;
		if (!other)
			printf("FAILED  no block %s %u/%u\n",
			       conf_suites[a->block[i].head.suite].name, a->block[i].head.thread,
			       a->block[i].head.first);
	}
	if (shown > SHOWN)
		printf("        ... and %lu cases more\n", shown - SHOWN);
}

static void print_counts(void)
{
	printf("%zu cases, %zu encodings, %zu states, %zu outcomes\n", cases.used, encodings.used,
	       states.used, outcomes.used);
}

int main(int argc, char **argv)
{
	struct stream a, b;

	if (argc == 6 && !strcmp(argv[1], "gp"))
		rules = model_gp;
	else if (argc == 6 && !strcmp(argv[1], "dummy"))
		rules = model_dummy;
	if (rules || (argc == 6 && !strcmp(argv[1], "same"))) {
		table_load(argv[3], argv[2]);
		stream_load(&a, argv[4]);
		stream_load(&b, argv[5]);
		judge(&a, &b);
		failed += table_unused();
		table_show(stdout);
		print_counts();
		printf("%lu passed, %lu failed\n", passed, failed);
		return failed ? 1 : 0;
	}
	groups = argc == 4 && !strcmp(argv[1], "groups");
	if (groups || (argc == 3 && !strcmp(argv[1], "count"))) {
		stream_load(&a, argv[2]);
		stream_load(&b, argv[groups ? 3 : 2]);
		judge(&a, &b);
		if (!groups)
			print_counts();
		return 0;
	}
	errx(2, "usage: judge gp|dummy|same WHERE TABLE A B; judge count A; judge groups A B");
}
