// SPDX-License-Identifier: GPL-2.0-only
/*
 * arena.c - the memory and the segments that cases use.
 */
#include <asm/ldt.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conform.h"

#define INT3 0xcc

enum page_use { NOTHING, PATTERN, ZEROS };

/* What can be looked at afterwards, and what it must still hold. */
static const uint8_t page_use[ARENA_END / PAGE] = {
	[ARENA_DATA / PAGE] = PATTERN,	      [ARENA_DATA / PAGE + 1] = PATTERN,
	[ARENA_READ_ONLY / PAGE] = PATTERN,   [ARENA_ALONE / PAGE] = PATTERN,
	[ARENA_BEFORE_LAZY / PAGE] = PATTERN, [ARENA_LAZY / PAGE] = ZEROS,
	[ARENA_COW / PAGE] = ZEROS,
};

static void map(uint64_t at, size_t size, int protection, int flags, int fd)
{
	void *want = (void *)(uintptr_t)at;

	if (mmap(want, size, protection, flags | MAP_FIXED_NOREPLACE, fd, 0) != want)
		err(1, "mmap of %#llx", (unsigned long long)at);
}

static void fill(uint64_t at, size_t size)
{
	uint8_t *byte = (uint8_t *)(uintptr_t)at;

	for (; size--; byte++, at++)
		*byte = arena_pattern(at);
}

void arena_map(uint64_t arena, bool shared)
{
	const int flags = MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE);
	const int rw = PROT_READ | PROT_WRITE;
	int fd = memfd_create("empty", 0);

	if (fd < 0)
		err(1, "memfd_create");
	map(arena + ARENA_CODE, ARENA_CODE_END, rw | PROT_EXEC, flags, -1);
	map(arena + ARENA_DATA, 3 * PAGE, rw, flags, -1);
	map(arena + ARENA_ALONE, PAGE, rw, flags, -1);
	map(arena + ARENA_NO_ACCESS, PAGE, PROT_NONE, flags, -1);
	map(arena + ARENA_BEFORE_LAZY, PAGE, rw, flags, -1);
	/* Neighbours in one mapping would be one transparent huge page to the kernel: apart. */
	map(arena + ARENA_LAZY, PAGE, rw, flags, -1);
	map(arena + ARENA_COW, PAGE, rw, flags, -1);
	map(arena + ARENA_PAST_END, PAGE, rw, MAP_SHARED, fd);
	close(fd);
	fill(arena + ARENA_DATA, 3 * PAGE);
	fill(arena + ARENA_ALONE, PAGE);
	fill(arena + ARENA_BEFORE_LAZY, PAGE);
	memset((void *)(uintptr_t)arena, INT3, ARENA_CODE_END);
	if (mprotect((void *)(uintptr_t)(arena + ARENA_READ_ONLY), PAGE, PROT_READ))
		err(1, "mprotect");
}

static void forget_lazy(uint64_t arena, bool shared)
{
	/* Shared memory comes back as it was unless its pages are given up. */
	sys_call(SYS_madvise, arena + ARENA_LAZY, 2 * PAGE, shared ? MADV_REMOVE : MADV_DONTNEED,
		 0);
	(void)*(volatile uint8_t *)(uintptr_t)(arena + ARENA_COW);
}

void arena_prepare(const struct conf_case *c, bool shared)
{
	uint8_t *code = (uint8_t *)(uintptr_t)c->code_at;
	uint32_t room = c->arena + ARENA_CODE_END - c->code_at;
	uint32_t i;

	for (i = 0; i < c->length && i < room; i++)
		code[i] = c->bytes[i];
	if (i < room)
		code[i] = INT3;
	if (near_lazy(c))
		forget_lazy(c->arena, shared);
}

static bool resident(uint64_t at)
{
	uint8_t there = 0;

	sys_call(SYS_mincore, at, PAGE, (long)&there, 0);
	return there & 1;
}

void arena_collect(const struct conf_case *c, struct conf_record *r)
{
	bool lazy = near_lazy(c);
	unsigned int i;

	if (lazy && resident(c->arena + ARENA_LAZY))
		r->state |= RESIDENT_LAZY;
	if (lazy && resident(c->arena + ARENA_COW))
		r->state |= RESIDENT_COW;
	for (i = 0; i < WINDOW; i++) {
		uint64_t at = c->linear - WINDOW_BEFORE + i;
		uint64_t offset = at - c->arena;
		uint8_t *byte = (uint8_t *)(uintptr_t)at;
		uint8_t expected = arena_pattern(at);

		if (offset >= ARENA_END || page_use[offset / PAGE] == NOTHING)
			continue;
		if (page_use[offset / PAGE] == ZEROS) {
			if (!(r->state & (offset < ARENA_COW ? RESIDENT_LAZY : RESIDENT_COW)))
				continue;
			expected = 0;
		}
		if (*byte == expected)
			continue;
		r->window_mask |= 1ULL << i;
		r->window[i] = *byte;
		*byte = expected;
	}
}

uint32_t arena_sweep(uint64_t arena)
{
	uint32_t stray = 0;
	uint32_t at;

	for (at = 0; at < ARENA_END; at++) {
		uint8_t *byte = (uint8_t *)(uintptr_t)(arena + at);

		if (page_use[at / PAGE] != PATTERN || *byte == arena_pattern(at))
			continue;
		stray++;
		*byte = arena_pattern(at);
	}
	return stray;
}

/* Kernels without 16-bit segments get them from the module in narrow/. */
static void narrow(unsigned int entry)
{
	int fd = open("/sys/module/narrow/parameters/entry", O_WRONLY);

	if (fd < 0 || dprintf(fd, "%u", entry) < 0)
		err(1, "a 16-bit segment: modify_ldt refuses it, and narrow.ko cannot help");
	close(fd);
}

void arena_set_ldt(uint64_t arena)
{
	uint8_t kind;

	for (kind = KIND_FIRST_LDT; kind < KINDS; kind++) {
		bool small = kind == KIND_DOWN16 || kind == KIND_CODE16;
		bool pages = kind == KIND_PAGES;
		uint32_t base, limit;
		struct user_desc entry = {
			.entry_number = kind_selector(kind, arena) >> 3,
			.seg_32bit = !small,
			.limit_in_pages = pages,
			.read_exec_only = kind == KIND_READ_ONLY,
			.useable = 1,
		};

		if (kind == KIND_DOWN || kind == KIND_DOWN16)
			entry.contents = MODIFY_LDT_CONTENTS_STACK;
		else if (kind >= KIND_CODE)
			entry.contents = MODIFY_LDT_CONTENTS_CODE;
		kind_segment(kind, arena, &base, &limit);
		entry.base_addr = base;
		entry.limit = pages ? limit >> 12 : limit;
		if (!syscall(SYS_modify_ldt, 0x11, &entry, sizeof(entry)))
			continue;
		/* It returns its error in 32 bits, which the C library does not take for one. */
		entry.seg_32bit = 1;
		if (!small || syscall(SYS_modify_ldt, 0x11, &entry, sizeof(entry)))
			errx(1, "modify_ldt: %s", case_kind_name[kind]);
		narrow(entry.entry_number);
	}
}
