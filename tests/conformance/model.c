// SPDX-License-Identifier: GPL-2.0-only
/*
 * model.c - the rules of UMIP, said in a few lines: at CPL 3 each of the five instructions raises
 * #GP(0) before it looks at its operand, and what is #UD stays #UD (Intel SDM vol. 3, 2.5 and 6.9;
 * vol. 2, SGDT; AMD APM vol. 2, 3.1.3 and 8.2).
 */
#include <signal.h>
#include <string.h>

#include "judge.h"

#define LONGEST 15	 /* bytes of an instruction */
#define FETCH_FAULT 0x14 /* error code: a fetch by user code, nothing there */
#define KERNEL 0x80	 /* si_code SI_KERNEL */

void model_fault(const struct conf_case *c, struct conf_record *r, uint8_t vector, uint16_t error)
{
	bool traced = c->way == WAY_PTRACE || c->way == WAY_PTRACE_STEP;

	r->signal = SIGSEGV;
	r->code = KERNEL;
	r->trap = traced ? 0 : vector;
	r->error = traced ? 0 : error;
	/* Faults push RF (SDM vol. 3, 17.3.1.1; APM vol. 2, 3.1.6), and Linux shows what was
	 * pushed. */
	r->flags = FLAG_RF;
	switch (vector) {
	case 6:
		r->signal = SIGILL;
		r->code = ILL_ILLOPN;
		r->addr = c->ip;
		break;
	case 12: r->signal = SIGBUS; break;
	case 14: r->code = SEGV_MAPERR; break;
	case 17: r->signal = SIGBUS; r->code = BUS_ADRALN;
	}
	if (near_lazy(c))
		r->state |= RESIDENT_COW;
}

bool model_common(const struct conf_case *c, const struct conf_record *bare, struct conf_record *r)
{
	uint32_t room = c->arena + ARENA_CODE_END - c->code_at;

	memset(r, 0, sizeof(*r));
	if (c->insn == INSN_OTHER) {
		*r = *bare;
	} else if (room < c->length) {
		/* A missing page counts before the length does, even if it lacks the 16th byte
		 * only. */
		model_fault(c, r, 14, FETCH_FAULT);
		r->addr = c->arena + ARENA_CODE_END;
	} else if (c->length > LONGEST) {
		model_fault(c, r, 13, 0);
	} else if (c->lock) {
		model_fault(c, r, 6, 0);
	} else {
		return false;
	}
	return true;
}

void model_gp(const struct conf_case *c, const struct conf_record *bare, struct conf_record *r)
{
	if (!model_common(c, bare, r))
		model_fault(c, r, 13, 0);
}
