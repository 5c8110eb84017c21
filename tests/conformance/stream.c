// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream.c - what a machine wrote, taken apart and checked.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

static uint8_t *load(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t got;

	if (!file)
		err(2, "%s", path);
	*size = 0;
	do {
		data = realloc(data, *size + (1 << 20));
		if (!data)
			err(2, "realloc");
		got = fread(data + *size, 1, 1 << 20, file);
		*size += got;
	} while (got);
	fclose(file);
	return data;
}

void stream_load(struct stream *s, const char *path)
{
	size_t size, at = 0;
	uint8_t *data = load(path, &size);
	struct block *b;

	*s = (struct stream){ .name = path };
	while (at < size) {
		s->block = realloc(s->block, (s->count + 1) * sizeof(*s->block));
		if (!s->block)
			err(2, "realloc");
		b = &s->block[s->count++];
		if (size - at < sizeof(b->head))
			errx(2, "%s: cut off at %zu", path, at);
		memcpy(&b->head, data + at, sizeof(b->head));
		at += sizeof(b->head);
		b->records = data + at;
		if (b->head.magic != BLOCK_MAGIC || b->head.suite >= conf_suite_count ||
		    b->head.bytes > size - at)
			errx(2, "%s: damaged at %zu", path, at);
		if (record_hash(b->records, b->head.bytes) != b->head.hash)
			errx(2, "%s: block %zu is damaged", path, s->count);
		at += b->head.bytes;
	}
	if (!s->count)
		errx(2, "%s: empty", path);
}

const struct block *stream_find(const struct stream *s, const struct conf_block *like)
{
	size_t i;

	for (i = 0; i < s->count; i++) {
		const struct conf_block *head = &s->block[i].head;

		if (head->suite == like->suite && head->thread == like->thread &&
		    head->first == like->first && head->count == like->count &&
		    head->seed == like->seed)
			return &s->block[i];
	}
	return NULL;
}
