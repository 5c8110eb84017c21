// SPDX-License-Identifier: GPL-2.0-only
#include "guestmem.h"

#include <stdlib.h>
#include <string.h>

#include "../../guest-glue/phys.h"

#define PAGES 128
#define TABLES 0x100000ULL	/* page tables are taken from here up */

/* Each page is a heap block of its own, so that AddressSanitizer guards its ends. */
static struct {
	u64 gpa;
	u8 *bytes;
	bool readonly;
} pages[PAGES];
static u32 page_count, writes;
static u64 next_table;
static void (*race_hook)(u64 gpa);

void guestmem_reset(void)
{
	while (page_count)
		free(pages[--page_count].bytes);
	memset(pages, 0, sizeof(pages));
	next_table = TABLES;
	race_hook = NULL;
	writes = 0;
}

static int find(u64 gpa)
{
	u32 i;

	for (i = 0; i < page_count; i++)
		if (pages[i].gpa == gpa - gpa % PAGE_BYTES)
			return i;
	return -1;
}

u8 *guestmem_page(u64 gpa)
{
	int i = find(gpa);

	if (i < 0) {
		if (page_count == PAGES)
			abort();
		i = page_count++;
		pages[i].gpa = gpa - gpa % PAGE_BYTES;
		pages[i].bytes = calloc(1, PAGE_BYTES);
		pages[i].readonly = false;
	}
	return pages[i].bytes;
}

void guestmem_readonly(u64 gpa)
{
	guestmem_page(gpa);
	pages[find(gpa)].readonly = true;
}

u64 guestmem_get(u64 gpa, u32 size)
{
	u64 value = 0;

	memcpy(&value, guestmem_page(gpa) + gpa % PAGE_BYTES, size);
	return value;
}

void guestmem_put(u64 gpa, u32 size, u64 value)
{
	memcpy(guestmem_page(gpa) + gpa % PAGE_BYTES, &value, size);
}

u32 guestmem_count(void)
{
	return page_count;
}

u8 *guestmem_nth(u32 n)
{
	return pages[n].bytes;
}

u32 guestmem_writes(void)
{
	return writes;
}

void guestmem_race(void (*race)(u64 gpa))
{
	race_hook = race;
}

/* As phys.h says: no range crosses a page. A caller that lets one is caught here. */
static u8 *range(u64 gpa, u32 len, bool write)
{
	int i = find(gpa);

	if (!len || gpa % PAGE_BYTES + len > PAGE_BYTES)
		abort();
	if (i < 0 || (write && pages[i].readonly))
		return NULL;
	return pages[i].bytes + gpa % PAGE_BYTES;
}

void *phys_at(u64 pa)
{
	return guestmem_page(pa);
}

bool phys_read(u64 gpa, void *dst, u32 len)
{
	u8 *at = range(gpa, len, false);

	if (at)
		memcpy(dst, at, len);
	return at;
}

bool phys_write(u64 gpa, const void *src, u32 len)
{
	u8 *at = range(gpa, len, true);

	if (at) {
		memcpy(at, src, len);
		writes++;
	}
	return at;
}

/* What a rule protects is not known here: such a page is one for reading alone. */
bool phys_write_guarded(u64 gpa, const void *src, u32 len)
{
	u8 *at = range(gpa, len, false);

	if (at) {
		memcpy(at, src, len);
		writes++;
	}
	return at;
}

int phys_cmpxchg(u64 gpa, u32 size, u64 old, u64 new)
{
	u64 seen = 0;
	u8 *at;

	if (gpa % size || (size != 4 && size != 8))
		abort();
	if (race_hook)
		race_hook(gpa);
	at = range(gpa, size, true);
	if (!at)
		return -1;
	memcpy(&seen, at, size);
	if (seen != old)
		return 0;
	memcpy(at, &new, size);
	writes += old != new;
	return 1;
}

static u32 entry_size(const struct walk_state *s)
{
	return s->cr4 & CR4_PAE ? 8 : 4;
}

u32 guestmem_top(const struct walk_state *s)
{
	if (s->efer & EFER_LMA)
		return s->cr4 & CR4_LA57 ? 4 : 3;
	return s->cr4 & CR4_PAE ? 2 : 1;
}

struct walk_state guestmem_state(enum paging paging)
{
	static const u64 cr4[PAGINGS] = {
		[PAGING_32] = CR4_PSE, [PAGING_PAE] = CR4_PAE, [PAGING_4] = CR4_PAE,
		[PAGING_5] = CR4_PAE | CR4_LA57,
	};
	struct walk_state s = {
		.cr0 = CR0_PE | CR0_PG | CR0_WP, .cr4 = cr4[paging], .maxphyaddr = 40,
		.gbpages = true,
	};

	s.efer = paging >= PAGING_4 ? EFER_LMA | EFER_LME | EFER_NXE : EFER_NXE;
	s.cr3 = next_table;
	next_table += PAGE_BYTES;
	guestmem_page(s.cr3);
	return s;
}

u64 guestmem_entry(const struct walk_state *s, u64 linear, u32 level)
{
	u32 size = entry_size(s), bits = size == 8 ? 9 : 10, at = guestmem_top(s);
	u64 table = s->cr3 & (s->efer & EFER_LMA ? CR3_ADDRESS : size == 8 ? ~31U : ~0xfffU);
	u64 entry, gpa;

	if (!(s->efer & EFER_LMA))
		linear = (u32)linear;
	for (;; at--) {
		gpa = table + (linear >> (12 + at * bits)) % (1u << bits) * size;
		if (at == level)
			return gpa;
		entry = guestmem_get(gpa, size);
		if (!(entry & PTE_P)) {
			entry = next_table | PTE_P;
			/* PAE's PDPTEs have no rights. */
			if (guestmem_top(s) != 2 || at != 2)
				entry |= PTE_W | PTE_U;
			guestmem_page(next_table);
			next_table += PAGE_BYTES;
			guestmem_put(gpa, size, entry);
		}
		table = entry & (size == 8 ? CR3_ADDRESS : 0xfffff000);
	}
}

u64 guestmem_map(const struct walk_state *s, u64 linear, u32 level, u64 leaf)
{
	u64 gpa = guestmem_entry(s, linear, level);

	guestmem_put(gpa, entry_size(s), leaf);
	return gpa;
}

u64 guestmem_read_entry(const struct walk_state *s, u64 linear, u32 level)
{
	return guestmem_get(guestmem_entry(s, linear, level), entry_size(s));
}
