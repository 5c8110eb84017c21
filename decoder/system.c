// SPDX-License-Identifier: GPL-2.0-only
/*
 * system.c - the instructions that a hypervisor intercepts, in opcode map 0F.
 */
#include "parse.h"

/* One of the registers that rm names, or memory of @size bytes. */
static void operand_rm(const struct parse *p, struct insn *insn, u16 size)
{
	if (modrm_is_mem(p))
		insn->mem.size = size;
	else
		insn->reg = (p->modrm & 7) | p->b;
}

/* 0F 00: SLDT, STR, LLDT, LTR (VERR and VERW are nobody's business) */
static void group_6(const struct parse *p, struct insn *insn)
{
	static const u8 ops[4] = { INSN_SLDT, INSN_STR, INSN_LLDT, INSN_LTR };

	if (modrm_reg(p) > 3)
		return;
	insn->op = ops[modrm_reg(p)];
	operand_rm(p, insn, 2);
	/* Memory always holds 16 bits, and the loads read no more of a register. */
	if (modrm_is_mem(p) || modrm_reg(p) >= 2)
		insn->operand_size = 2;
}

/* 0F 01 with ModRM.mod = 3: the opcode is all of ModRM */
static void group_7_register(const struct parse *p, struct insn *insn)
{
	switch (p->modrm) {
	case 0xc1: insn->op = INSN_VMCALL; return;
	case 0xc2: insn->op = INSN_VMLAUNCH; return;
	case 0xc3: insn->op = INSN_VMRESUME; return;
	case 0xc4: insn->op = INSN_VMXOFF; return;
	case 0xd1: insn->op = INSN_XSETBV; return;
	case 0xd4: insn->op = INSN_VMFUNC; return;
	case 0xd8: insn->op = INSN_VMRUN; return;
	case 0xd9: insn->op = INSN_VMMCALL; return;
	case 0xda: insn->op = INSN_VMLOAD; return;
	case 0xdb: insn->op = INSN_VMSAVE; return;
	case 0xdc: insn->op = INSN_STGI; return;
	case 0xdd: insn->op = INSN_CLGI; return;
	case 0xde: insn->op = INSN_SKINIT; return;
	case 0xdf: insn->op = INSN_INVLPGA; return;
	case 0xfc:	/* CLZERO writes the cache line at rAX */
		insn->op = INSN_STORE;
		insn->store = INSN_STORE_MISC;
		mem_at(insn, &insn->mem, p->segment == INSN_NO_SEG ? INSN_DS : p->segment, 0, 64);
		return;
	}
	if (modrm_reg(p) == 4 || modrm_reg(p) == 6) {
		insn->op = modrm_reg(p) == 4 ? INSN_SMSW : INSN_LMSW;
		operand_rm(p, insn, 2);
		if (insn->op == INSN_LMSW)
			insn->operand_size = 2;
	}
}

/* 0F 01 with a memory operand */
static void group_7_memory(const struct parse *p, struct insn *insn)
{
	static const u8 ops[8] = {
		INSN_SGDT, INSN_SIDT, INSN_LGDT, INSN_LIDT, INSN_SMSW, INSN_OTHER, INSN_LMSW,
		INSN_INVLPG,
	};
	u8 reg = modrm_reg(p);

	insn->op = ops[reg];
	if (reg <= 3) {
		/* Limit and base: the base has 64 bits in 64-bit mode, else 32 (APM vol. 3). */
		insn->mem.size = p->mode == DECODE_64 ? 10 : 6;
		if (p->mode == DECODE_64)
			insn->operand_size = 8;
		else if (reg <= 1)
			insn->operand_size = 4;
		/* LGDT and LIDT with a 16-bit operand take 24 bits of it: size 2 says so. */
	} else if (reg == 4 || reg == 6) {
		insn->mem.size = 2;
		insn->operand_size = 2;
	} else if (reg == 7) {
		insn->mem.size = 1;
	}
}

/* 0F 20 to 23: always registers, always the mode's full width (APM vol. 3, MOV CRn) */
static void mov_special(const struct parse *p, struct insn *insn)
{
	bool debug = p->opcode & 1, to = p->opcode & 2;

	if (debug)
		insn->op = to ? INSN_MOV_TO_DR : INSN_MOV_FROM_DR;
	else
		insn->op = to ? INSN_MOV_TO_CR : INSN_MOV_FROM_CR;
	insn->operand_size = p->mode == DECODE_64 ? 8 : 4;
	insn->cr = modrm_reg(p) | p->r;
	insn->reg = (p->modrm & 7) | p->b;
}

/* 0F C7 /6 and /7 with memory: the VMX pointers. The other forms are no business of ours. */
static void group_9(const struct parse *p, struct insn *insn)
{
	if (!modrm_is_mem(p))
		return;
	if (modrm_reg(p) == 6 && p->pp != PP_F2)
		insn->op = p->pp == PP_66 ? INSN_VMCLEAR :
			   p->pp == PP_F3 ? INSN_VMXON : INSN_VMPTRLD;
	else if (modrm_reg(p) == 7 && p->pp == PP_NONE)
		insn->op = INSN_VMPTRST;
	else
		return;
	insn->mem.size = 8;
	insn->operand_size = 8;
}

/* 0F 78 and 79 without a mandatory prefix (with one they are SSE4a) */
static void vm_field(const struct parse *p, struct insn *insn)
{
	if (p->pp != PP_NONE)
		return;
	insn->op = p->opcode == 0x78 ? INSN_VMREAD : INSN_VMWRITE;
	insn->operand_size = p->mode == DECODE_64 ? 8 : 4;
	insn->reg = modrm_reg(p) | p->r;
	if (modrm_is_mem(p))
		insn->mem.size = insn->operand_size;
	else
		insn->rm_reg = (p->modrm & 7) | p->b;
}

void classify_system(const struct parse *p, struct insn *insn)
{
	switch (p->opcode) {
	case 0x00: group_6(p, insn); break;
	case 0x01:
		if (modrm_is_mem(p))
			group_7_memory(p, insn);
		else
			group_7_register(p, insn);
		break;
	case 0x06: insn->op = INSN_CLTS; break;
	case 0x08: insn->op = INSN_INVD; break;
	case 0x09: insn->op = INSN_WBINVD; break;
	case 0x20: case 0x21: case 0x22: case 0x23: mov_special(p, insn); break;
	case 0x30: insn->op = INSN_WRMSR; break;
	case 0x32: insn->op = INSN_RDMSR; break;
	case 0x78: case 0x79: vm_field(p, insn); break;
	case 0xa2: insn->op = INSN_CPUID; break;
	case 0xc7: group_9(p, insn); break;
	}
}
