// SPDX-License-Identifier: GPL-2.0-only
/*
 * zydis.c - struct insn checked against Zydis, member by member. Addresses are compared as
 * numbers, formed by each decoder's own function from the same registers.
 */
#include "zydis.h"

#define RUNTIME 0x7654321ULL

const char *const difference_names[DIFFERENCES] = {
	[AGREED] = "none", [ONLY_OURS] = "Zydis refuses", [ONLY_ZYDIS] = "we refuse",
	[TOO_LONG] = "over 15 bytes", [LENGTH] = "length", [OPERATION] = "operation",
	[STORE] = "kind of store", [WRITES] = "writes memory", [ADDRESS] = "address",
	[SEGMENT] = "segment", [MEMORY_SIZE] = "size in memory", [SOURCE] = "source in memory",
	[REGISTER] = "register", [IMMEDIATE] = "immediate", [OPERAND_SIZE] = "operand size",
	[ADDRESS_SIZE] = "address size", [LOCK_PREFIX] = "LOCK", [REPEAT] = "repeat",
};

#define OP(mnemonic, op) [ZYDIS_MNEMONIC_##mnemonic] = INSN_##op
static const u8 op_of[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
	OP(SGDT, SGDT), OP(SIDT, SIDT), OP(SLDT, SLDT), OP(STR, STR), OP(SMSW, SMSW),
	OP(LGDT, LGDT), OP(LIDT, LIDT), OP(LLDT, LLDT), OP(LTR, LTR), OP(LMSW, LMSW),
	OP(CLTS, CLTS), OP(CPUID, CPUID), OP(RDMSR, RDMSR), OP(WRMSR, WRMSR),
	OP(XSETBV, XSETBV), OP(INVLPG, INVLPG), OP(INVD, INVD), OP(WBINVD, WBINVD), OP(HLT, HLT),
	OP(IN, IN), OP(OUT, OUT), OP(INSB, INS), OP(INSW, INS), OP(INSD, INS),
	OP(OUTSB, OUTS), OP(OUTSW, OUTS), OP(OUTSD, OUTS), OP(VMCALL, VMCALL),
	OP(VMMCALL, VMMCALL), OP(VMRUN, VMRUN), OP(VMLOAD, VMLOAD), OP(VMSAVE, VMSAVE),
	OP(STGI, STGI), OP(CLGI, CLGI), OP(SKINIT, SKINIT), OP(INVLPGA, INVLPGA),
	OP(VMXON, VMXON), OP(VMXOFF, VMXOFF), OP(VMREAD, VMREAD), OP(VMWRITE, VMWRITE),
	OP(VMCLEAR, VMCLEAR), OP(VMPTRLD, VMPTRLD), OP(VMPTRST, VMPTRST),
	OP(VMLAUNCH, VMLAUNCH), OP(VMRESUME, VMRESUME), OP(INVEPT, INVEPT),
	OP(INVVPID, INVVPID), OP(VMFUNC, VMFUNC),
};

/* Kinds of store by mnemonic, as far as it tells; 0: one of the kinds that only say "it writes" */
#define KIND(mnemonic, kind) [ZYDIS_MNEMONIC_##mnemonic] = INSN_STORE_##kind
#define SHIFT(mnemonic) KIND(mnemonic, SHIFT)
#define SET(condition) KIND(SET##condition, SETCC)
static const u8 kind_of[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
	KIND(MOVNTI, MOV), KIND(MOVBE, MOVBE), KIND(STOSB, STOS), KIND(STOSW, STOS),
	KIND(STOSD, STOS), KIND(STOSQ, STOS), KIND(MOVSB, MOVS), KIND(MOVSW, MOVS),
	KIND(MOVSQ, MOVS), KIND(ADD, ADD), KIND(OR, OR), KIND(ADC, ADC), KIND(SBB, SBB),
	KIND(AND, AND), KIND(SUB, SUB), KIND(XOR, XOR), KIND(INC, INC), KIND(DEC, DEC),
	KIND(NOT, NOT), KIND(NEG, NEG), KIND(XCHG, XCHG), KIND(XADD, XADD),
	KIND(CMPXCHG, CMPXCHG), KIND(BTS, BTS), KIND(BTR, BTR), KIND(BTC, BTC),
	SHIFT(ROL), SHIFT(ROR), SHIFT(RCL), SHIFT(RCR), SHIFT(SHL), SHIFT(SHR), SHIFT(SAR),
	SHIFT(SHLD), SHIFT(SHRD), SET(O), SET(NO), SET(B), SET(NB), SET(Z), SET(NZ), SET(BE),
	SET(NBE), SET(S), SET(NS), SET(P), SET(NP), SET(L), SET(NL), SET(LE), SET(NLE),
	KIND(PUSH, PUSH), KIND(PUSHF, PUSH), KIND(PUSHFD, PUSH), KIND(PUSHFQ, PUSH),
	KIND(POP, POP), KIND(PUSHA, PUSHA), KIND(PUSHAD, PUSHA), KIND(ENTER, ENTER),
	KIND(CMPXCHG8B, CMPXCHG_PAIR), KIND(CMPXCHG16B, CMPXCHG_PAIR),
};

static ZydisDecoder decoders[3];
static ZydisRegisterContext registers;
static u64 gpr[16];

static const ZydisDecoder *decoder_for(enum decode_mode mode)
{
	static bool ready;
	u32 i;

	if (!ready) {
		ZydisDecoderInit(&decoders[0], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
		ZydisDecoderInit(&decoders[1], ZYDIS_MACHINE_MODE_LEGACY_32,
				 ZYDIS_STACK_WIDTH_32);
		ZydisDecoderInit(&decoders[2], ZYDIS_MACHINE_MODE_LEGACY_16,
				 ZYDIS_STACK_WIDTH_16);
		for (i = 0; i < 16; i++) {
			gpr[i] = 0xfedcba9876543210 * (2 * i + 1) + 0x123456789;
			registers.values[ZYDIS_REGISTER_RAX + i] = gpr[i];
			registers.values[ZYDIS_REGISTER_EAX + i] = (u32)gpr[i];
			registers.values[ZYDIS_REGISTER_AX + i] = (u16)gpr[i];
		}
		ready = true;
	}
	return &decoders[mode == DECODE_64 ? 0 : mode == DECODE_32 ? 1 : 2];
}

static const ZydisDecodedOperand *memory(const struct opinion *z, bool written)
{
	u32 i;

	for (i = 0; i < z->insn.operand_count; i++) {
		const ZydisDecodedOperand *op = &z->operands[i];

		/* BNDSTX's and the gathers' types are not MEM: one address cannot tell them. */
		if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || op->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
			continue;
		if (!written == !(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			return op;
	}
	return NULL;
}

/* Operands that are addressed without being accessed count for us as memory operands, too. */
static const ZydisDecodedOperand *any_memory(const struct opinion *z)
{
	u32 i;

	for (i = 0; i < z->insn.operand_count; i++)
		if (z->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    z->operands[i].visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN)
			return &z->operands[i];
	return NULL;
}

static bool on_stack(const struct insn *insn)
{
	switch (insn->store) {
	case INSN_STORE_PUSH: case INSN_STORE_CALL: case INSN_STORE_PUSHA:
	case INSN_STORE_CALL_FAR: case INSN_STORE_ENTER:
		return insn->op == INSN_STORE;
	}
	return false;
}

static u8 segment_of(const ZydisDecodedOperand *op)
{
	return op->mem.segment - ZYDIS_REGISTER_ES;
}

static bool same_address(const struct insn *insn, const struct insn_mem *mem,
			 const struct opinion *z, const ZydisDecodedOperand *op)
{
	struct insn_mem plain = *mem;
	ZyanU64 address = 0;

	/* What is no part of the operand's notation, but of where the processor goes */
	if (plain.bit_string)
		plain.bit_string = false;
	if (insn->op == INSN_STORE && insn->store == INSN_STORE_POP && plain.base == 4)
		plain.disp -= insn->operand_size;
	if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddressEx(&z->insn, op, RUNTIME, &registers, &address)))
		return false;
	return insn_mem_offset(insn, &plain, gpr, RUNTIME + insn->length) == address;
}

static bool same_register(const struct insn *insn, ZydisRegister reg)
{
	ZydisRegisterClass class = ZydisRegisterGetClass(reg);
	u8 id = ZydisRegisterGetId(reg);
	bool high = class == ZYDIS_REGCLASS_GPR8 && reg >= ZYDIS_REGISTER_AH &&
		    reg <= ZYDIS_REGISTER_BH;

	if (class == ZYDIS_REGCLASS_GPR8 && !high && reg >= ZYDIS_REGISTER_SPL)
		id = reg - ZYDIS_REGISTER_SPL + 4;	/* after AH to BH in Zydis' order */
	else if (high)
		id = reg - ZYDIS_REGISTER_AH;
	return insn->reg == id && insn->high_byte == high;
}

static enum difference compare_store(const struct insn *insn, const struct opinion *z,
				     const ZydisDecodedOperand *written)
{
	u8 kind = kind_of[z->insn.mnemonic];

	if (z->insn.mnemonic == ZYDIS_MNEMONIC_MOVSD && z->insn.opcode == 0xa5)
		kind = INSN_STORE_MOVS;
	if (z->insn.mnemonic == ZYDIS_MNEMONIC_MOV)
		kind = z->insn.opcode == 0x8c ? INSN_STORE_MOV_SEG : INSN_STORE_MOV;
	if (z->insn.mnemonic == ZYDIS_MNEMONIC_CALL)
		kind = z->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ? INSN_STORE_CALL_FAR :
									   INSN_STORE_CALL;
	if (kind ? insn->store != kind : insn->store < INSN_STORE_FPU)
		return STORE;
	if (insn->store == INSN_STORE_ENTER)
		return insn->mem.size == 0 ? AGREED : MEMORY_SIZE;
	if (insn->mem.size != written->size / 8 && insn->mem.size)
		return MEMORY_SIZE;
	return AGREED;
}

/* The general register, and the immediate, that go with a store or a system instruction */
/* Where the result goes, of those few that tell it. */
static enum difference compare_dest(const struct insn *insn, const struct opinion *z)
{
	const ZydisDecodedOperand *to = &z->operands[0];
	bool divides = z->insn.mnemonic == ZYDIS_MNEMONIC_DIV ||
		       z->insn.mnemonic == ZYDIS_MNEMONIC_IDIV;
	bool moves = z->insn.mnemonic == ZYDIS_MNEMONIC_MOVZX ||
		     z->insn.mnemonic == ZYDIS_MNEMONIC_MOVSX ||
		     z->insn.mnemonic == ZYDIS_MNEMONIC_MOVSXD ||
		     (z->insn.mnemonic == ZYDIS_MNEMONIC_MOV &&
		      ((z->insn.opcode & 0xfe) == 0x8a || (z->insn.opcode & 0xfe) == 0xa0));
	struct insn as_reg = { .reg = insn->dest, .high_byte = insn->dest_high };

	if (insn->divides != divides || (insn->dest != INSN_NO_REG) != (moves || divides))
		return REGISTER;
	if (insn->dest == INSN_NO_REG)
		return AGREED;
	if (insn->dest_size != to->size / 8)
		return OPERAND_SIZE;
	return divides ? (insn->dest ? REGISTER : AGREED) :
	       same_register(&as_reg, to->reg.value) ? AGREED : REGISTER;
}

static enum difference compare_operands(const struct insn *insn, const struct opinion *z)
{
	const ZydisDecodedOperand *reg = NULL, *imm = NULL, *special = NULL;
	u32 i;

	for (i = 0; i < z->insn.operand_count_visible; i++) {
		const ZydisDecodedOperand *op = &z->operands[i];

		if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			imm = op;
		if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
			continue;
		switch (ZydisRegisterGetClass(op->reg.value)) {
		case ZYDIS_REGCLASS_GPR8: case ZYDIS_REGCLASS_GPR16:
		case ZYDIS_REGCLASS_GPR32: case ZYDIS_REGCLASS_GPR64:
			reg = op;
			break;
		default:
			special = op;
		}
	}
	if (insn->op == INSN_IN || insn->op == INSN_OUT)
		return imm && (!insn->has_imm || (u8)insn->imm != (u8)imm->imm.value.u) ? IMMEDIATE :
											 AGREED;
	if (special && (insn->op == INSN_MOV_TO_CR || insn->op == INSN_MOV_FROM_CR ||
			insn->op == INSN_MOV_TO_DR || insn->op == INSN_MOV_FROM_DR) &&
	    insn->cr != ZydisRegisterGetId(special->reg.value))
		return REGISTER;
	if (special && insn->op == INSN_STORE && insn->store == INSN_STORE_MOV_SEG &&
	    insn->reg != special->reg.value - ZYDIS_REGISTER_ES)
		return REGISTER;
	if (insn->op == INSN_STORE && insn->store > INSN_STORE_POP)
		return AGREED;
	/* The count in CL and the register of a shift by one are not told apart: see decode.h. */
	if (insn->op == INSN_STORE && insn->store == INSN_STORE_SHIFT && reg &&
	    reg->reg.value == ZYDIS_REGISTER_CL)
		reg = NULL;
	if (insn->op == INSN_VMREAD || insn->op == INSN_VMWRITE)
		reg = &z->operands[insn->op == INSN_VMREAD ? 1 : 0];
	switch (insn->op) {
	case INSN_VMRUN: case INSN_VMLOAD: case INSN_VMSAVE: case INSN_INVLPGA: case INSN_SKINIT:
		return AGREED;	/* rAX always: not told */
	}
	if (reg && !same_register(insn, reg->reg.value))
		return REGISTER;
	if (insn->rm_reg != INSN_NO_REG &&
	    insn->rm_reg != ZydisRegisterGetId(z->operands[insn->op == INSN_VMREAD ? 0 : 1].reg.value))
		return REGISTER;
	if (insn->op == INSN_STORE && insn->store != INSN_STORE_CALL &&
	    z->insn.mnemonic != ZYDIS_MNEMONIC_CALL) {
		u64 mask = insn->operand_size == 8 ? ~0ULL : (1ULL << 8 * insn->operand_size) - 1;

		if (!!imm != insn->has_imm)
			return IMMEDIATE;
		if (imm && (insn->store == INSN_STORE_SHIFT || z->operands[1].size == 8))
			mask = 0xff;
		if (imm && ((insn->imm ^ imm->imm.value.u) & mask))
			return IMMEDIATE;
	}
	return AGREED;
}

static bool register_form(const struct insn *insn)
{
	return !insn->mem.present &&
	       (insn->op == INSN_SLDT || insn->op == INSN_STR || insn->op == INSN_SMSW);
}

enum difference zydis_compare(enum decode_mode mode, const u8 bytes[15], int ours,
			      const struct insn *insn, struct opinion *z)
{
	const ZydisDecodedOperand *written, *read, *any;
	enum difference difference;
	ZyanStatus status;
	u8 op;

	status = ZydisDecoderDecodeFull(decoder_for(mode), bytes, INSN_MAX_BYTES, &z->insn,
					z->operands);
	z->valid = ZYAN_SUCCESS(status);
	if (ours == -DECODE_LONG || status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ||
	    status == ZYDIS_STATUS_NO_MORE_DATA)
		return (ours == -DECODE_LONG) == !z->valid ? AGREED : TOO_LONG;
	if (ours || !z->valid)
		return !ours ? ONLY_OURS : z->valid ? ONLY_ZYDIS : AGREED;
	if (insn->length != z->insn.length)
		return LENGTH;

	written = memory(z, true);
	read = memory(z, false);
	any = any_memory(z);
	op = op_of[z->insn.mnemonic];
	if (z->insn.mnemonic == ZYDIS_MNEMONIC_MOV && z->insn.opcode_map == ZYDIS_OPCODE_MAP_0F)
		op = INSN_MOV_FROM_CR + (z->insn.opcode & 2 ? 1 : 0) + (z->insn.opcode & 1 ? 2 : 0);
	if (op == INSN_OTHER && written)
		op = INSN_STORE;
	if (insn->op != op)
		return (insn->op == INSN_STORE) != (op == INSN_STORE) ? WRITES : OPERATION;
	if (op == INSN_OTHER)
		return compare_dest(insn, z);
	if (op == INSN_STORE) {
		difference = compare_store(insn, z, written);
		if (difference)
			return difference;
	}
	if (!on_stack(insn)) {
		const ZydisDecodedOperand *it = op == INSN_STORE || op == INSN_INS ? written : any;

		if (op == INSN_OUTS)
			it = read;
		if (insn->mem.present != !!it)
			return ADDRESS;
		if (it && !same_address(insn, &insn->mem, z, it))
			return ADDRESS;
		if (it && insn->mem.segment != segment_of(it))
			return SEGMENT;
		if (insn->src.present &&
		    (!read || !same_address(insn, &insn->src, z, read) ||
		     insn->src.segment != segment_of(read) || insn->src.size != read->size / 8))
			return SOURCE;
	} else if (insn->src.present != !!read ||
		   (read && (!same_address(insn, &insn->src, z, read) ||
			     insn->src.segment != segment_of(read) ||
			     insn->src.size != read->size / 8))) {
		return SOURCE;
	}
	difference = compare_operands(insn, z);
	if (difference)
		return difference;
	if (register_form(insn) && insn->operand_size != z->operands[0].size / 8)
		return OPERAND_SIZE;
	if (insn->address_size != z->insn.address_width / 8)
		return ADDRESS_SIZE;
	if (insn->lock != !!(z->insn.attributes & ZYDIS_ATTRIB_HAS_LOCK))
		return LOCK_PREFIX;
	if ((insn->rep != INSN_REP_NONE) !=
	    !!(z->insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE |
				     ZYDIS_ATTRIB_HAS_REPNE)))
		return REPEAT;
	return AGREED;
}
