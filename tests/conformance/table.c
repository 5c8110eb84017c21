// SPDX-License-Identifier: GPL-2.0-only
/*
 * table.c - the written differences: which cases two machines may answer differently, how, and why.
 * The file `differences` describes its own form.
 */
#include <ctype.h>
#include <err.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

#define LINES 16
#define ENTRIES 64

/* A stanza: its lines as "key" and "value". */
struct entry {
	char *key[LINES], *value[LINES];
	unsigned int lines;
	uint32_t fields;
	unsigned long used;
};

static struct entry entries[ENTRIES];
static unsigned int count;

static const char *find(const struct entry *e, const char *key)
{
	unsigned int i;

	for (i = 0; i < e->lines; i++)
		if (!strcmp(e->key[i], key))
			return e->value[i];
	return NULL;
}

/* Whether @text is in a list of patterns, separated by commas; "!" in front turns it round. */
static bool in_list(const char *list, const char *text)
{
	bool not = *list == '!';
	char *copy = strdup(list + not ), *at = copy, *word;
	bool found = false;

	while ((word = strsep(&at, ",")))
		found = found || !fnmatch(word, text, 0);
	free(copy);
	return found != not ;
}

static const char *yes(bool value)
{
	return value ? "yes" : "no";
}

/* What a case is in the words of a "case:" line. */
static bool fact(const struct conf_case *c, const char *key, char out[TEXT_MAX])
{
	const char *text = NULL;

	if (!strcmp(key, "mode"))
		text = case_mode_name[c->mode];
	else if (!strcmp(key, "way"))
		text = case_way_name[c->way];
	else if (!strcmp(key, "insn"))
		text = case_insn_name[c->insn];
	else if (!strcmp(key, "dest"))
		text = case_dest_name[c->dest];
	else if (!strcmp(key, "code"))
		text = case_code_name[c->code];
	else if (!strcmp(key, "kind"))
		text = c->mode == MODE_64 ? "none" : case_kind_name[c->kind[c->seg]];
	else if (!strcmp(key, "lock"))
		text = yes(c->lock);
	else if (!strcmp(key, "ac"))
		text = yes(c->flags & FLAG_AC);
	else if (!strcmp(key, "idle-rex"))
		text = yes(c->idle_rex);
	else if (!strcmp(key, "last-address")) /* the one that an error code looks like */
		text = yes(c->linear == (c->mode == MODE_64 ? ~0ULL : 0xffffffff));
	else if (!strcmp(key, "cs-data")) /* written through CS */
		text = yes(c->mode != MODE_64 && c->seg == SEG_CS);
	else if (!strcmp(key, "too-long"))
		text = yes(c->length > 15);
	if (text)
		strcpy(out, text);
	else if (!strcmp(key, "segments"))
		sprintf(out, "%u", c->segments);
	else if (!strcmp(key, "size"))
		sprintf(out, "%u", c->operand_size);
	else if (!strcmp(key, "address"))
		sprintf(out, "%u", c->address_size);
	else
		return false;
	return true;
}

/* A "case:" line is a row of "key=patterns", all of which must hold. */
static bool case_matches(const char *line, const struct conf_case *c, const char *name)
{
	char *copy = strdup(line), *at = copy, *word, *value;
	char text[TEXT_MAX];
	bool matches = true;

	while (matches && (word = strsep(&at, " "))) {
		if (!*word)
			continue;
		value = strchr(word, '=');
		if (!value)
			errx(2, "differences: %s: no '=' in %s", name, word);
		*value++ = 0;
		if (!fact(c, word, text))
			errx(2, "differences: %s: no such property: %s", name, word);
		matches = in_list(value, text);
	}
	free(copy);
	return matches;
}

static bool side_matches(const struct entry *e, char side, const struct conf_case *c,
			 const struct conf_record *r)
{
	char key[8] = { side, 0 };
	char text[TEXT_MAX];
	const char *list = find(e, key);

	text_event(c, r, text);
	if (list && !in_list(list, text))
		return false;
	strcat(key, "-addr");
	list = find(e, key);
	text_addr(c, r, text);
	return !list || in_list(list, text);
}

static uint32_t parse_fields(const struct entry *e)
{
	const char *list = find(e, "fields");
	uint32_t fields = 0;
	unsigned int i;

	for (i = 0; i < FIELDS; i++)
		if (list && in_list(list, field_name[i]))
			fields |= 1u << i;
	if (!fields)
		errx(2, "differences: %s: no fields", e->value[0]);
	return fields;
}

static void finish(struct entry *e, const char *where)
{
	unsigned int i;

	if (!e->lines)
		return;
	if (strcmp(e->key[0], "name") || !find(e, "where") || !find(e, "cause"))
		errx(2, "differences: an entry needs name (first), where and cause: %s",
		     e->value[0]);
	for (i = 0; i < e->lines; i++)
		if (!in_list("name,where,case,a,b,a-addr,b-addr,fields,cause", e->key[i]))
			errx(2, "differences: %s: unknown line %s", e->value[0], e->key[i]);
	e->fields = parse_fields(e);
	if (in_list(find(e, "where"), where))
		count++;
	else
		memset(e, 0, sizeof(*e));
}

void table_load(const char *path, const char *where)
{
	FILE *file = fopen(path, "r");
	struct entry *e = entries;
	char line[1000];
	char *colon;

	if (!file)
		err(2, "%s", path);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (*line == '#')
			continue;
		if (!*line) {
			finish(e, where);
			e = &entries[count];
			if (count == ENTRIES - 1)
				errx(2, "%s: too many entries", path);
			continue;
		}
		if (isspace(*line)) /* the cause goes on */
			continue;
		colon = strchr(line, ':');
		if (!colon || e->lines == LINES)
			errx(2, "%s: not understood: %s", path, line);
		*colon++ = 0;
		e->key[e->lines] = strdup(line);
		e->value[e->lines++] = strdup(colon + strspn(colon, " "));
	}
	finish(e, where);
	fclose(file);
}

uint32_t table_explain(const struct pair *p)
{
	uint32_t left = p->fields;
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct entry *e = &entries[i];
		const char *line = find(e, "case");

		if (!(e->fields & p->fields) || (line && !case_matches(line, p->c, e->value[0])) ||
		    !side_matches(e, 'a', p->c, p->a) || !side_matches(e, 'b', p->c, p->b))
			continue;
		e->used++;
		left &= ~e->fields;
	}
	return left;
}

unsigned int table_unused(void)
{
	unsigned int i, unused = 0;

	for (i = 0; i < count; i++) {
		if (entries[i].used)
			continue;
		unused++;
		printf("FAILED  the difference '%s' no longer occurs\n", entries[i].value[0]);
	}
	return unused;
}

void table_show(FILE *out)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		fprintf(out, "        %-22s %6lu  %s\n", entries[i].value[0], entries[i].used,
			find(&entries[i], "cause"));
}
