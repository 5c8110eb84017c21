// SPDX-License-Identifier: GPL-2.0-only
/*
 * record.c - records, packed: most of a record is zero, and a small number takes one byte.
 */
#include "record.h"

#include <string.h>

struct cursor {
	const uint8_t *at, *end;
	bool bad;
};

static uint8_t *put_number(uint8_t *out, uint64_t value)
{
	for (; value > 127; value >>= 7)
		*out++ = value | 0x80;
	*out++ = value;
	return out;
}

static uint64_t take_number(struct cursor *c)
{
	uint64_t value = 0;
	unsigned int shift;

	for (shift = 0; shift < 70; shift += 7) {
		if (c->at == c->end)
			break;
		value |= (uint64_t)(*c->at & 0x7f) << shift;
		if (!(*c->at++ & 0x80))
			return value;
	}
	c->bad = true;
	return 0;
}

size_t record_pack(const struct conf_record *r, uint8_t *out)
{
	uint8_t *at = out;
	unsigned int i;

	*at++ = r->signal;
	*at++ = r->code;
	*at++ = r->trap;
	*at++ = r->state;
	at = put_number(at, r->error);
	at = put_number(at, r->addr);
	at = put_number(at, (uint32_t)r->ip << 1 ^ (uint32_t)(r->ip >> 31));
	at = put_number(at, r->flags);
	at = put_number(at, r->gpr_mask);
	for (i = 0; i < 16; i++)
		if (r->gpr_mask >> i & 1)
			at = put_number(at, r->gpr[i]);
	at = put_number(at, r->seg_mask);
	for (i = 0; i < SEGS; i++)
		if (r->seg_mask >> i & 1)
			at = put_number(at, r->seg[i]);
	at = put_number(at, r->window_mask);
	for (i = 0; i < WINDOW; i++)
		if (r->window_mask >> i & 1)
			*at++ = r->window[i];
	return at - out;
}

size_t record_unpack(struct conf_record *r, const uint8_t *in, size_t size)
{
	struct cursor c = { in, in + size, false };
	uint32_t zigzag;
	unsigned int i;

	memset(r, 0, sizeof(*r));
	if (size < 4)
		return 0;
	r->signal = *c.at++;
	r->code = *c.at++;
	r->trap = *c.at++;
	r->state = *c.at++;
	r->error = take_number(&c);
	r->addr = take_number(&c);
	zigzag = take_number(&c);
	r->ip = zigzag >> 1 ^ -(zigzag & 1);
	r->flags = take_number(&c);
	r->gpr_mask = take_number(&c);
	for (i = 0; i < 16; i++)
		if (r->gpr_mask >> i & 1)
			r->gpr[i] = take_number(&c);
	r->seg_mask = take_number(&c);
	for (i = 0; i < SEGS; i++)
		if (r->seg_mask >> i & 1)
			r->seg[i] = take_number(&c);
	r->window_mask = take_number(&c);
	for (i = 0; i < WINDOW; i++) {
		if (!(r->window_mask >> i & 1))
			continue;
		if (c.at == c.end)
			return 0;
		r->window[i] = *c.at++;
	}
	return c.bad ? 0 : c.at - in;
}

uint64_t record_hash(const uint8_t *in, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	while (size--)
		hash = (hash ^ *in++) * 0x100000001b3ULL;
	return hash;
}
