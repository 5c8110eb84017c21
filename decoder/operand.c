// SPDX-License-Identifier: GPL-2.0-only
/*
 * operand.c - where a memory operand lies, and names for reports.
 */
#include "decode.h"

u64 insn_mem_offset(const struct insn *insn, const struct insn_mem *mem, const u64 gpr[16],
		    u64 next_rip)
{
	u64 offset = mem->disp;

	if (mem->base != INSN_NO_REG)
		offset += gpr[mem->base & 15];
	if (mem->index != INSN_NO_REG)
		offset += gpr[mem->index & 15] * mem->scale;
	if (mem->rip_relative)
		offset += next_rip;
	if (mem->bit_string) {
		/* A signed bit number, in whole operands (AMD APM vol. 3, BTS). */
		u32 bits = insn->operand_size * 8;
		s64 bit = gpr[mem->bit_reg & 15] << (64 - bits);

		bit >>= 64 - bits;
		offset += (u64)(bit >> __builtin_ctz(bits)) * insn->operand_size;
	}
	if (mem->address_size == 2)
		return (u16)offset;
	return mem->address_size == 4 ? (u32)offset : offset;
}

u64 insn_offset(const struct insn *insn, const u64 gpr[16], u64 next_rip)
{
	return insn_mem_offset(insn, &insn->mem, gpr, next_rip);
}

const char *insn_op_name(enum insn_op op)
{
	static const char *const names[INSN_OP_COUNT] = {
		[INSN_OTHER] = "other", [INSN_SGDT] = "sgdt", [INSN_SIDT] = "sidt",
		[INSN_SLDT] = "sldt", [INSN_STR] = "str", [INSN_SMSW] = "smsw",
		[INSN_LGDT] = "lgdt", [INSN_LIDT] = "lidt", [INSN_LLDT] = "lldt",
		[INSN_LTR] = "ltr", [INSN_LMSW] = "lmsw", [INSN_CLTS] = "clts",
		[INSN_MOV_FROM_CR] = "mov from cr", [INSN_MOV_TO_CR] = "mov to cr",
		[INSN_MOV_FROM_DR] = "mov from dr", [INSN_MOV_TO_DR] = "mov to dr",
		[INSN_CPUID] = "cpuid", [INSN_RDMSR] = "rdmsr", [INSN_WRMSR] = "wrmsr",
		[INSN_XSETBV] = "xsetbv", [INSN_INVLPG] = "invlpg", [INSN_INVD] = "invd",
		[INSN_WBINVD] = "wbinvd", [INSN_HLT] = "hlt", [INSN_IN] = "in",
		[INSN_OUT] = "out", [INSN_INS] = "ins", [INSN_OUTS] = "outs",
		[INSN_VMCALL] = "vmcall", [INSN_VMMCALL] = "vmmcall", [INSN_VMRUN] = "vmrun",
		[INSN_VMLOAD] = "vmload", [INSN_VMSAVE] = "vmsave", [INSN_STGI] = "stgi",
		[INSN_CLGI] = "clgi", [INSN_SKINIT] = "skinit", [INSN_INVLPGA] = "invlpga",
		[INSN_VMXON] = "vmxon", [INSN_VMXOFF] = "vmxoff", [INSN_VMREAD] = "vmread",
		[INSN_VMWRITE] = "vmwrite", [INSN_VMCLEAR] = "vmclear",
		[INSN_VMPTRLD] = "vmptrld", [INSN_VMPTRST] = "vmptrst",
		[INSN_VMLAUNCH] = "vmlaunch", [INSN_VMRESUME] = "vmresume",
		[INSN_INVEPT] = "invept", [INSN_INVVPID] = "invvpid",
		[INSN_VMFUNC] = "vmfunc", [INSN_STORE] = "store",
	};

	return (u32)op < INSN_OP_COUNT && names[op] ? names[op] : "?";
}
