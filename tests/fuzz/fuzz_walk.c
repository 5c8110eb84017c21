// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_walk.c - any registers, any page tables: nothing is touched but what may be.
 *
 * The input is a struct input, then pairs of a 16-bit place and a 64-bit value that make memory:
 * 16 pages, which hold tables and data alike, so that tables may point at themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "../../guest-glue/access.h"
#include "require.h"
#include "../../guest-glue/cpu.h"
#include "../../guest-glue/phys.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define PAGES 16
#define MEMORY (PAGES * PAGE_BYTES)

struct __attribute__((packed)) input {
	u8 op;		/* which call, and how memory is addressed */
	u8 bits;	/* cpl, gbpages, which segment */
	u8 width;	/* of physical addresses */
	u8 readonly;	/* a page that cannot be written */
	u16 size;
	u16 cs_attr, ds_attr;
	u32 cr0, cr4, efer, rflags, pkru, limit;
	u64 cr3, linear, base;
	u64 value;
};

static u8 memory[MEMORY], before[MEMORY];
static u32 readonly_page;
static bool writes_allowed;
static struct guest_mem mem;

static u8 *range(u64 gpa, u32 len)
{
	REQUIRE(len && len <= PAGE_BYTES && gpa % PAGE_BYTES + len <= PAGE_BYTES);
	return gpa < MEMORY ? memory + gpa : NULL;
}

bool phys_read(u64 gpa, void *dst, u32 len)
{
	u8 *at = range(gpa, len);

	if (at)
		memcpy(dst, at, len);
	return at;
}

bool phys_write(u64 gpa, const void *src, u32 len)
{
	u8 *at = range(gpa, len);

	REQUIRE(writes_allowed);
	if (!at || gpa / PAGE_BYTES == readonly_page)
		return false;
	memcpy(at, src, len);
	return true;
}

int phys_cmpxchg(u64 gpa, u32 size, u64 old, u64 new)
{
	u64 seen = 0;
	u8 *at;

	REQUIRE((size == 4 || size == 8) && gpa % size == 0);
	at = range(gpa, size);
	if (!at || gpa / PAGE_BYTES == readonly_page)
		return -1;
	memcpy(&seen, at, size);
	if (seen != old)
		return 0;
	/* Accessed and dirty bits, nothing else */
	REQUIRE(((old ^ new) & ~(PTE_A | PTE_D)) == 0 && (old & ~new) == 0);
	memcpy(at, &new, size);
	return 1;
}

static void make(const struct input *in, const u8 *rest, size_t left)
{
	u32 i;

	memset(memory, 0, sizeof(memory));
	for (; left >= 10; left -= 10, rest += 10) {
		u16 place;

		memcpy(&place, rest, 2);
		memcpy(memory + place % (MEMORY - 8), rest + 2, 8);
	}
	readonly_page = in->readonly;
	mem = (struct guest_mem){
		.walk = {
			.cr0 = in->cr0, .cr3 = in->cr3, .cr4 = in->cr4, .efer = in->efer,
			.rflags = in->rflags, .pkru = in->pkru, .cpl = in->bits & 3,
			.maxphyaddr = 32 + in->width % 21, .gbpages = in->bits & 4,
		},
	};
	for (i = 0; i < GUEST_SEGS; i++)
		mem.seg[i] = (struct guest_segment){
			.base = in->base, .limit = in->limit, .attr = in->ds_attr,
		};
	mem.seg[GUEST_CS].attr = in->cs_attr;
}

static void check_fault(const struct guest_fault *fault)
{
	switch (fault->vector) {
	case VECTOR_PF:
		REQUIRE(fault->has_error && fault->error < 64);
		REQUIRE(!(fault->error & PF_RSVD) || (fault->error & PF_PRESENT));
		break;
	case VECTOR_SS:
	case VECTOR_GP:
	case VECTOR_AC:
		REQUIRE(fault->has_error == !!(mem.walk.cr0 & CR0_PE) && fault->error == 0);
		break;
	default:
		abort();
	}
}

static void check(enum walk_status status, const struct guest_fault *fault)
{
	REQUIRE(status <= WALK_NO_MEMORY);
	if (status == WALK_FAULT)
		check_fault(fault);
}

/* A look changes nothing, and the walk itself then finds the same. */
static void walk(const struct input *in)
{
	u32 access = in->size & (WALK_WRITE | WALK_FETCH | WALK_SYSTEM);
	struct guest_fault fault = { 0 }, second = { 0 };
	enum walk_status peek, real;
	u64 gpa = 0, again = 0;

	if ((access & WALK_WRITE) && (access & WALK_FETCH))
		access &= ~WALK_FETCH;
	peek = guest_walk(&mem.walk, in->linear, access | WALK_PEEK, &gpa, &fault);
	check(peek, &fault);
	REQUIRE(!memcmp(memory, before, MEMORY));
	real = guest_walk(&mem.walk, in->linear, access, &again, &second);
	check(real, &second);
	if (peek == WALK_FAULT)
		REQUIRE(real == WALK_FAULT && !memcmp(&fault, &second, sizeof(fault)));
	if (real == WALK_OK)
		REQUIRE(peek == WALK_OK && gpa == again);
	/* Tables that hold themselves can turn bad by the bits that the walk sets in them. */
	if (real == WALK_FAULT && peek != WALK_OK)
		REQUIRE(!memcmp(memory, before, MEMORY));
}

static void fetch(const struct input *in)
{
	struct guest_fault fault;
	u32 got = 99;
	u8 bytes[15];
	enum walk_status status = guest_fetch(&mem, in->linear, bytes, &got, &fault);

	check(status, &fault);
	REQUIRE(got <= 15 && (status == WALK_OK) == (got > 0));
	if (status == WALK_OK && fault.vector)
		check_fault(&fault);
	REQUIRE(got < 15 || !fault.vector);
}

static void span(const struct input *in, u32 seg)
{
	u32 size = in->size % PAGE_BYTES + 1, align = 1u << (in->size >> 12 & 3);
	struct guest_span span;
	struct guest_fault fault;
	enum walk_status status;

	status = guest_span(&mem, seg, in->linear, size, align,
			    in->op & 0x80 ? WALK_WRITE | WALK_PEEK : WALK_READ | WALK_PEEK, &span,
			    &fault);
	check(status, &fault);
	REQUIRE(!memcmp(memory, before, MEMORY));
	if (status != WALK_OK)
		return;
	REQUIRE(span.len[0] && span.len[0] + span.len[1] == size);
	REQUIRE(span.gpa[0] % PAGE_BYTES + span.len[0] <= PAGE_BYTES);
	REQUIRE(!span.len[1] || (span.gpa[1] % PAGE_BYTES == 0 && span.len[1] <= PAGE_BYTES));
}

static void copy(const struct input *in, u32 seg)
{
	u32 size = 1u << (in->size & 3);
	struct guest_fault fault;
	enum walk_status status;
	u64 value = in->value, base;
	u16 limit;

	check(guest_load(&mem, seg, in->linear, size, &value, &fault), &fault);
	check(guest_load_table(&mem, seg, in->linear, &limit, &base, &fault), &fault);
	check(guest_load_linear(&mem, in->linear, size, &value, &fault), &fault);
	writes_allowed = true;
	if (in->op & 0x80)
		status = guest_store_table(&mem, seg, in->linear, in->size, in->value, &fault);
	else
		status = guest_store(&mem, seg, in->linear, size, &in->value, &fault);
	check(status, &fault);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in;
	u32 seg;

	if (size < sizeof(in) || size > 4096)
		return -1;
	memcpy(&in, data, sizeof(in));
	make(&in, data + sizeof(in), size - sizeof(in));
	memcpy(before, memory, MEMORY);
	writes_allowed = false;
	seg = (in.bits >> 3) % GUEST_SEGS;
	switch (in.op & 3) {
	case 0: walk(&in); break;
	case 1: fetch(&in); break;
	case 2: span(&in, seg); break;
	case 3: copy(&in, seg); break;
	}
	return 0;
}
