// SPDX-License-Identifier: GPL-2.0-only
/*
 * access.c - segmentation, alignment and the page walk put together.
 *
 * The order of the checks is that of the processor (measured on an Intel one, the manuals leave it
 * open): segment or canonical form of the first byte, alignment, canonical form of the last byte,
 * then the pages, the lower one first.
 */
#include "access.h"

#include "cpu.h"
#include "phys.h"
#include "string.h"

#define CODE_BYTES 15	/* the longest instruction */

static bool code_64(const struct guest_mem *mem)
{
	return (mem->walk.efer & EFER_LMA) && (mem->seg[GUEST_CS].attr & SEG_LONG);
}

/* Segments with descriptors: neither real nor virtual-8086 mode. */
static bool descriptors(const struct guest_mem *mem)
{
	return (mem->walk.cr0 & CR0_PE) && !(mem->walk.rflags & RFLAGS_VM);
}

u32 guest_code_mode(const struct guest_mem *mem)
{
	if (code_64(mem))
		return 64;
	return mem->seg[GUEST_CS].attr & SEG_DB ? 32 : 16;
}

static bool canonical(const struct guest_mem *mem, u64 linear)
{
	u32 unused = mem->walk.cr4 & CR4_LA57 ? 7 : 16;

	return (u64)((s64)(linear << unused) >> unused) == linear;
}

static enum walk_status raise(const struct guest_mem *mem, u8 vector, struct guest_fault *fault)
{
	/* Real mode pushes no error codes (AMD APM vol. 2, 8.2). */
	*fault = (struct guest_fault){ .vector = vector, .has_error = mem->walk.cr0 & CR0_PE };
	return WALK_FAULT;
}

static enum walk_status segment_fault(const struct guest_mem *mem, u32 seg,
				      struct guest_fault *fault)
{
	return raise(mem, seg == GUEST_SS ? VECTOR_SS : VECTOR_GP, fault);
}

/*
 * Presence, type and limit (APM vol. 2, 4.12; SDM vol. 3, 5.3 to 5.5). An operand that wraps at
 * 4 GiB is taken as beyond the limit, which SDM vol. 3, 5.3 leaves to the processor.
 */
static bool segment_allows(const struct guest_mem *mem, u32 seg, u32 offset, u32 size, u32 access)
{
	const struct guest_segment *s = &mem->seg[seg];
	u64 last = (u64)offset + size - 1;

	if (descriptors(mem)) {
		if (!(s->attr & SEG_PRESENT))
			return false;
		if (access & WALK_WRITE) {
			if ((s->attr & SEG_CODE) || !(s->attr & SEG_WRITABLE))
				return false;
		} else if ((s->attr & SEG_CODE) && !(s->attr & SEG_WRITABLE)) {
			return false;
		}
	}
	if ((s->attr & SEG_DOWN) && !(s->attr & SEG_CODE))
		return offset > s->limit && last <= (s->attr & SEG_DB ? 0xffffffff : 0xffff);
	return last <= s->limit;
}

/* All that comes before the pages: where the operand lies in linear memory. */
static enum walk_status place(const struct guest_mem *mem, u32 seg, u64 offset, u32 size,
			      u32 align, u32 access, u64 *linear, struct guest_fault *fault)
{
	bool wide = code_64(mem);

	*fault = (struct guest_fault){ 0 };
	if (wide) {
		/* FS and GS alone keep their bases (APM vol. 2, 4.5.3). */
		*linear = offset + (seg >= GUEST_FS ? mem->seg[seg].base : 0);
		if (!canonical(mem, *linear))
			return segment_fault(mem, seg, fault);
	} else {
		if (!segment_allows(mem, seg, offset, size, access))
			return segment_fault(mem, seg, fault);
		*linear = (u32)(mem->seg[seg].base + offset);
	}
	if (unlikely(mem->walk.rflags & RFLAGS_AC) && (mem->walk.cr0 & CR0_AM) &&
	    mem->walk.cpl == 3 && !(access & WALK_SYSTEM) && (*linear & (align - 1)))
		return raise(mem, VECTOR_AC, fault);
	if (wide && !canonical(mem, *linear + size - 1))
		return segment_fault(mem, seg, fault);
	return WALK_OK;
}

/* Where the page after @linear's is; outside 64-bit mode a program's addresses have 32 bits. */
static u64 next_page(const struct guest_mem *mem, u64 linear, u32 access)
{
	u64 next = (linear | (PAGE_BYTES - 1)) + 1;

	return code_64(mem) || (access & WALK_SYSTEM) ? next : (u32)next;
}

/* Both pages of an operand that crosses are judged before either gets its dirty bit. */
static enum walk_status span_pages(const struct guest_mem *mem, u64 linear, u32 size, u32 access,
				   struct guest_span *span, struct guest_fault *fault)
{
	const struct walk_state *walk = &mem->walk;
	u32 first = PAGE_BYTES - linear % PAGE_BYTES;
	enum walk_status status;
	u64 next;

	if (likely(size <= first)) {
		span->len[0] = size;
		span->len[1] = 0;
		span->gpa[1] = 0;
		return guest_walk(walk, linear, access, &span->gpa[0], fault);
	}
	span->len[0] = first;
	span->len[1] = size - first;
	next = next_page(mem, linear, access);
	status = guest_walk(walk, linear, access | WALK_PEEK, &span->gpa[0], fault);
	if (status == WALK_OK)
		status = guest_walk(walk, next, access, &span->gpa[1], fault);
	if (status == WALK_OK && !(access & WALK_PEEK))
		status = guest_walk(walk, linear, access, &span->gpa[0], fault);
	return status;
}

enum walk_status guest_span(const struct guest_mem *mem, u32 seg, u64 offset, u32 size, u32 align,
			    u32 access, struct guest_span *span, struct guest_fault *fault)
{
	enum walk_status status;
	u64 linear;

	status = place(mem, seg, offset, size, align, access, &linear, fault);
	return status == WALK_OK ? span_pages(mem, linear, size, access, span, fault) : status;
}

/* The bytes from @linear on, at most @want and none of another page. Returns how many. */
static u32 fetch_piece(const struct guest_mem *mem, u64 linear, u8 *buf, u32 want, u32 access,
		       enum walk_status *status, struct guest_fault *fault)
{
	u32 left = PAGE_BYTES - linear % PAGE_BYTES;
	u64 gpa;

	if (want > left)
		want = left;
	if (code_64(mem) && !canonical(mem, linear))
		*status = raise(mem, VECTOR_GP, fault);
	else
		*status = guest_walk(&mem->walk, linear, WALK_FETCH | access, &gpa, fault);
	if (*status != WALK_OK)
		return 0;
	if (!phys_read(gpa, buf, want)) {
		*status = WALK_NO_MEMORY;
		return 0;
	}
	return want;
}

enum walk_status guest_fetch(const struct guest_mem *mem, u64 rip, u8 buf[15], u32 *got,
			     struct guest_fault *fault)
{
	const struct guest_segment *cs = &mem->seg[GUEST_CS];
	enum walk_status status, second;
	u32 want = CODE_BYTES;
	u64 linear = rip;

	*got = 0;
	*fault = (struct guest_fault){ 0 };
	if (!code_64(mem)) {
		u32 eip = rip;

		/* CS is never taken as expanding down: in code the bit means conforming. */
		if (eip > cs->limit)
			return raise(mem, VECTOR_GP, fault);
		if (cs->limit - eip < want)
			want = cs->limit - eip + 1;
		linear = (u32)(cs->base + eip);
	}
	*got = fetch_piece(mem, linear, buf, want, 0, &status, fault);
	if (status != WALK_OK)
		return status;
	if (unlikely(*got < want)) {
		/* Peek: the processor has not come here unless the instruction does. */
		*got += fetch_piece(mem, next_page(mem, linear, 0), buf + *got, want - *got,
				    WALK_PEEK, &second, fault);
		if (second != WALK_OK)
			return WALK_OK;
	}
	/* What stopped short of 15 bytes here is the segment's end. */
	if (unlikely(*got < CODE_BYTES))
		raise(mem, VECTOR_GP, fault);
	return WALK_OK;
}

static enum walk_status span_read(const struct guest_span *span, void *buf)
{
	if (!phys_read(span->gpa[0], buf, span->len[0]))
		return WALK_NO_MEMORY;
	if (span->len[1] && !phys_read(span->gpa[1], (u8 *)buf + span->len[0], span->len[1]))
		return WALK_NO_MEMORY;
	return WALK_OK;
}

static enum walk_status span_write(const struct guest_span *span, const void *buf)
{
	/*
	 * Nothing may be written if the second piece cannot be: a compare-and-exchange writes its
	 * place in any case (APM vol. 3, CMPXCHG), here with what was there.
	 */
	if (span->len[1] && phys_cmpxchg(span->gpa[1] & ~7ULL, 8, 0, 0) < 0)
		return WALK_NO_MEMORY;
	if (!phys_write(span->gpa[0], buf, span->len[0]))
		return WALK_NO_MEMORY;
	if (span->len[1] &&
	    !phys_write(span->gpa[1], (const u8 *)buf + span->len[0], span->len[1]))
		return WALK_NO_MEMORY;
	return WALK_OK;
}

enum walk_status guest_load(const struct guest_mem *mem, u32 seg, u64 offset, u32 size, void *buf,
			    struct guest_fault *fault)
{
	struct guest_span span;
	enum walk_status status;

	status = guest_span(mem, seg, offset, size, size, WALK_READ, &span, fault);
	return status == WALK_OK ? span_read(&span, buf) : status;
}

enum walk_status guest_store(const struct guest_mem *mem, u32 seg, u64 offset, u32 size,
			     const void *buf, struct guest_fault *fault)
{
	struct guest_span span;
	enum walk_status status;

	status = guest_span(mem, seg, offset, size, size, WALK_WRITE, &span, fault);
	return status == WALK_OK ? span_write(&span, buf) : status;
}

enum walk_status guest_store_table(const struct guest_mem *mem, u32 seg, u64 offset, u16 limit,
				   u64 base, struct guest_fault *fault)
{
	u32 base_bytes = code_64(mem) ? 8 : 4;
	struct guest_span span;
	enum walk_status status;
	u8 bytes[10];
	u64 linear;

	status = place(mem, seg, offset, 2, 2, WALK_WRITE, &linear, fault);
	if (status == WALK_OK)
		status = place(mem, seg, offset + 2, base_bytes, base_bytes, WALK_WRITE, &linear,
			       fault);
	if (status == WALK_OK)
		status = guest_span(mem, seg, offset, 2 + base_bytes, 1, WALK_WRITE, &span, fault);
	if (status != WALK_OK)
		return status;
	memcpy(bytes, &limit, 2);
	memcpy(bytes + 2, &base, base_bytes);
	return span_write(&span, bytes);
}

enum walk_status guest_load_table(const struct guest_mem *mem, u32 seg, u64 offset, u16 *limit,
				  u64 *base, struct guest_fault *fault)
{
	u32 base_bytes = code_64(mem) ? 8 : 4;
	struct guest_span span;
	enum walk_status status;
	u8 bytes[10];

	status = guest_span(mem, seg, offset, 2 + base_bytes, 1, WALK_READ, &span, fault);
	if (status == WALK_OK)
		status = span_read(&span, bytes);
	if (status != WALK_OK)
		return status;
	*base = 0;
	memcpy(limit, bytes, 2);
	memcpy(base, bytes + 2, base_bytes);
	return WALK_OK;
}

enum walk_status guest_load_linear(const struct guest_mem *mem, u64 linear, u32 size, void *buf,
				   struct guest_fault *fault)
{
	struct guest_span span;
	enum walk_status status;

	*fault = (struct guest_fault){ 0 };
	status = span_pages(mem, linear, size, WALK_READ | WALK_SYSTEM, &span, fault);
	return status == WALK_OK ? span_read(&span, buf) : status;
}
