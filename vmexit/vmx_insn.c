// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmx_insn.c - the operand of an instruction that exited, from the VM-exit instruction information
 * and the exit qualification (Intel SDM vol. 3, 28.2.5, tables 28-8 and 28-9), so that its bytes
 * need neither be fetched nor decoded.
 */
#include "vmx.h"

#include "insn.h"

#define INFO_SCALE(info) (1u << ((info) & 3))
#define INFO_ADDRESS_SIZE(info) (2u << ((info) >> 7 & 7))
#define INFO_SEGMENT(info) ((info) >> 15 & 7)
#define INFO_INDEX(info) ((info) >> 18 & 15)
#define INFO_NO_INDEX (1u << 22)
#define INFO_BASE(info) ((info) >> 23 & 15)
#define INFO_NO_BASE (1u << 27)
#define INFO_IDENTITY(info) ((info) >> 28 & 3)
/* GDTR and IDTR only. */
#define INFO_OPERAND_32 (1u << 11)
/* LDTR and TR only. */
#define INFO_IS_REGISTER (1u << 10)
#define INFO_REGISTER(info) ((info) >> 3 & 15)

static void memory_operand(u32 info, struct insn_mem *mem)
{
	*mem = (struct insn_mem){
		.present = true,
		/* With RIP-relative addressing it is the address itself (28.2.1). */
		.disp = vmx_read(VMCS_QUALIFICATION),
		.segment = INFO_SEGMENT(info),
		.base = info & INFO_NO_BASE ? INSN_NO_REG : INFO_BASE(info),
		.index = info & INFO_NO_INDEX ? INSN_NO_REG : INFO_INDEX(info),
		.scale = INFO_SCALE(info),
		.address_size = INFO_ADDRESS_SIZE(info),
	};
}

bool vmx_insn(struct vcpu *v, const struct vmexit *e, struct insn *insn)
{
	static const u8 tables[] = { INSN_SGDT, INSN_SIDT, INSN_LGDT, INSN_LIDT };
	static const u8 segments[] = { INSN_SLDT, INSN_STR, INSN_LLDT, INSN_LTR };
	bool table = e->sel == DESC_IDTR || e->sel == DESC_GDTR;
	u32 info;

	(void)v;
	if (e->kind != VMEXIT_DESC_STORE && e->kind != VMEXIT_DESC_LOAD)
		return false;
	info = vmx_read(VMCS_EXIT_INFO);
	/* How much of its register SLDT or STR replaces depends on a prefix that is not told. */
	if (!table && info & INFO_IS_REGISTER && e->kind == VMEXIT_DESC_STORE)
		return false;
	*insn = (struct insn){
		.op = (table ? tables : segments)[INFO_IDENTITY(info)],
		.length = vmx_read(VMCS_EXIT_LENGTH),
		.operand_size = table && info & INFO_OPERAND_32 ? 4 : 2,
		.address_size = INFO_ADDRESS_SIZE(info),
		.reg = INSN_NO_REG,
		.rm_reg = INSN_NO_REG,
		.dest = INSN_NO_REG,
	};
	if (!table && info & INFO_IS_REGISTER)
		insn->reg = INFO_REGISTER(info);
	else
		memory_operand(info, &insn->mem);
	insn->mem.size = table ? 10 : 2;
	return true;
}
