// SPDX-License-Identifier: GPL-2.0-only
/*
 * block.c - memory for the root side.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "glue.h"

#define PIECE_ORDER (ilog2(PIECE_BYTES) - PAGE_SHIFT)

static int highest(struct resource *res, void *end)
{
	*(u64 *)end = max_t(u64, *(u64 *)end, res->end + 1);
	return 0;
}

u64 block_ram_end(void)
{
	u64 end = 0;

	walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, -1, &end,
			    highest);
	return ALIGN(end, PIECE_BYTES);
}

/**
 * block_alloc() - allocate the block
 * @request: filled for machine_build()
 * @why: on error, what is wrong
 *
 * Return: 0 or -ENOMEM.
 */
int block_alloc(struct machine_request *request, struct text *why)
{
	u32 i;

	*request = (struct machine_request){ .cpus = nr_cpu_ids, .phys_end = block_ram_end() };
	request->pieces = machine_pieces(request->cpus, request->phys_end);
	if (request->pieces > PIECES_MAX) {
		text_add(why, "this machine is too large: the root side's block would be too");
		request->pieces = 0;
		return -ENOMEM;
	}
	request->current_pa = guard_step("allocating the list of processors")
				      ? NULL
				      : kcalloc(request->cpus, sizeof(*request->current_pa),
						GFP_KERNEL);
	if (!request->current_pa) {
		block_free(request);
		text_add(why, "no memory for the list of processors");
		return -ENOMEM;
	}
	for (i = 0; i < request->pieces; i++) {
		/* A block of this order is aligned to its size. */
		struct page *piece = guard_step("allocating the block")
					     ? NULL
					     : alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN |
								   __GFP_RETRY_MAYFAIL,
							   PIECE_ORDER);

		if (!piece) {
			block_free(request);
			text_add(why, "no 2 MiB of contiguous memory for the root side");
			return -ENOMEM;
		}
		request->piece[i] = page_address(piece);
		request->piece_pa[i] = page_to_phys(piece);
	}
	return 0;
}

/* block_free() - free a block, if it is one; no processor runs on it. */
void block_free(struct machine_request *request)
{
	u32 i;

	for (i = 0; i < request->pieces && request->piece[i]; i++)
		__free_pages(virt_to_page(request->piece[i]), PIECE_ORDER);
	kfree(request->current_pa);
	*request = (struct machine_request){ 0 };
}
