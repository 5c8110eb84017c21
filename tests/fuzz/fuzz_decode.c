// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_decode.c - any bytes into decode(). First byte: mode and flags; the rest: instruction.
 */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "../../decoder/decode.h"
#include "require.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct decoder *decoder_for(u32 flags)
{
	static alignas(16) u8 arenas[4][DECODER_ARENA];
	static struct decoder *decoders[4];

	flags &= 3;
	if (!decoders[flags])
		decoders[flags] = decoder_init(arenas[flags], DECODER_ARENA, flags);
	REQUIRE(decoders[flags]);
	return decoders[flags];
}

/* From a block of its own, so that reading behind the bytes is found. */
static int decode_copy(struct decoder *d, enum decode_mode mode, const u8 *bytes, u32 count,
		       struct insn *out)
{
	u8 *copy = malloc(count ? count : 1);
	int status;

	memcpy(copy, bytes, count);
	memset(out, 0x77, sizeof(*out));
	status = decode(d, mode, copy, count, out);
	free(copy);
	return status;
}

static void check_memory(const struct insn *insn, const struct insn_mem *mem)
{
	static const u64 gpr[16] = { ~0ULL, 1ULL << 63, ~0ULL >> 1, 0x123456789abcdef };
	u64 offset;

	if (!mem->present)
		return;
	REQUIRE(mem->segment <= INSN_GS);
	REQUIRE(mem->base < 16 || mem->base == INSN_NO_REG);
	REQUIRE(mem->index < 16 || mem->index == INSN_NO_REG);
	REQUIRE(mem->scale == 1 || mem->scale == 2 || mem->scale == 4 || mem->scale == 8);
	REQUIRE(mem->address_size == 2 || mem->address_size == 4 || mem->address_size == 8);
	REQUIRE(insn->mode == DECODE_64 || mem->address_size != 8);
	REQUIRE(!mem->rip_relative || (insn->mode == DECODE_64 && mem->base == INSN_NO_REG));
	REQUIRE(!mem->bit_string || mem->bit_reg < 16);
	offset = insn_mem_offset(insn, mem, gpr, 0xfffffffffffffff0);
	REQUIRE(mem->address_size == 8 || offset >> (8 * mem->address_size) == 0);
}

static void check(const struct insn *insn, enum decode_mode mode, u32 count)
{
	REQUIRE(insn->length >= 1 && insn->length <= INSN_MAX_BYTES && insn->length <= count);
	REQUIRE(insn->mode == mode);
	REQUIRE(insn->op < INSN_OP_COUNT && insn->store <= INSN_STORE_MISC);
	REQUIRE((insn->op == INSN_STORE) == (insn->store != INSN_STORE_NONE));
	REQUIRE(insn->operand_size == 1 || insn->operand_size == 2 || insn->operand_size == 4 ||
		insn->operand_size == 8);
	REQUIRE(mode == DECODE_64 || insn->address_size != 8);
	REQUIRE(insn->reg < 16 || insn->reg == INSN_NO_REG);
	REQUIRE(!insn->high_byte || insn->reg < 4);
	REQUIRE(insn->dest < 16 || insn->dest == INSN_NO_REG);
	REQUIRE(insn->dest == INSN_NO_REG || insn->op == INSN_OTHER);
	REQUIRE(insn->dest != INSN_NO_REG || (!insn->divides && !insn->dest_high));
	REQUIRE(insn->cr < 16);
	/* A store says where it goes, and LOCK is for stores or CR8. */
	REQUIRE(insn->op != INSN_STORE || insn->mem.present);
	REQUIRE(!insn->lock || insn->op == INSN_STORE || insn->cr == 8);
	check_memory(insn, &insn->mem);
	check_memory(insn, &insn->src);
	REQUIRE(insn_op_name(insn->op)[0] != '?');
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const enum decode_mode modes[] = { DECODE_64, DECODE_32, DECODE_16, DECODE_64 };
	static const struct insn nothing;
	struct insn insn, again;
	enum decode_mode mode;
	struct decoder *d;
	size_t used;
	u8 more[32];
	char text[64];
	int status;
	u32 count;

	if (!size || size > 40)
		return -1;
	mode = modes[data[0] & 3];
	d = decoder_for(data[0] >> 2);
	used = decoder_used(d);
	count = size - 1;
	data++;
	status = decode_copy(d, mode, data, count, &insn);
	REQUIRE(status <= 0 && status > -DECODE_BROKEN);
	if (status) {
		REQUIRE(!memcmp(&insn, &nothing, sizeof(insn)));
		REQUIRE(status != -DECODE_LONG || count >= INSN_MAX_BYTES);
		REQUIRE(status != -DECODE_SHORT || count < INSN_MAX_BYTES);
	} else {
		check(&insn, mode, count);
		/* What follows decides nothing; what is missing is missed. */
		memset(more, 0xf3, sizeof(more));
		memcpy(more, data, insn.length);
		REQUIRE(!decode_copy(d, mode, more, sizeof(more), &again));
		REQUIRE(!memcmp(&insn, &again, sizeof(insn)));
		REQUIRE(!decode_copy(d, mode, data, insn.length, &again));
		REQUIRE(!memcmp(&insn, &again, sizeof(insn)));
		REQUIRE(decode_copy(d, mode, data, insn.length - 1, &again) == -DECODE_SHORT);
	}
	decode_text(mode, 0xffffffff81000000, data, count, text, sizeof(text));
	REQUIRE(memchr(text, 0, sizeof(text)));
	REQUIRE(decoder_used(d) == used && decoder_late() == 0);
	return 0;
}
