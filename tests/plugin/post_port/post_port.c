// SPDX-License-Identifier: GPL-2.0-only
/*
 * post_port.c - a plug-in to begin with: port 0x80, at which firmware shows how far it has come and
 * to which old kernels write only to pass the time.
 *
 * What is written no longer reaches the bus, where a card may show it to whoever stands there; it
 * is kept, and read back. With mode=refuse, programs that have the port open get #GP.
 */
#include "features/feature.h"
#include "guest-glue/vcpu.h"
#include "vmexit/insn.h"

#define POST_PORT 0x80

enum mode { MODE_KEEP, MODE_REFUSE };

/* A plug-in's data is all processors'. */
static u32 kept;

static enum verdict post_port_io(struct vcpu *v, struct vmexit *e)
{
	/* Data of INS and OUTS is in memory: the core's own way, to the bus, will do. */
	if (e->addr & IO_STRING)
		return VERDICT_DEFAULT;
	if (e->addr & IO_IN)
		io_result(v, e, __atomic_load_n(&kept, __ATOMIC_RELAXED));
	else
		__atomic_store_n(&kept, e->value, __ATOMIC_RELAXED);
	return VERDICT_NEXT;
}

static enum verdict post_port_refuse(struct vcpu *v, struct vmexit *e)
{
	(void)v;
	return e->cpl ? inject_error(e, VECTOR_GP, 0) : VERDICT_DEFAULT;
}

static const struct claim post_port_claims[] = {
	{ VMEXIT_IO, POST_PORT, POST_PORT, CLAIM_FILTER, post_port_refuse,
	  .when = WHEN(0, MODE_REFUSE) },
	{ VMEXIT_IO, POST_PORT, POST_PORT, CLAIM_OWNER, post_port_io },
};

static const char *const post_port_modes[] = {
	[MODE_KEEP] = "keep",
	[MODE_REFUSE] = "refuse",
	NULL,
};

static const struct feature_option post_port_options[] = {
	{ .name = "mode", .choices = post_port_modes },
};

static const struct feature post_port = {
	.name = "post_port",
	.summary = "what is written to port 0x80 is kept from the bus, and read back",
	.needs = FACILITY(IO_BITMAP),
	.claims = post_port_claims,
	.claim_count = ARRAY_SIZE(post_port_claims),
	.options = post_port_options,
	.option_count = ARRAY_SIZE(post_port_options),
};
FEATURE(post_port);
