// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_lock: ports that cannot be written or not even read, whatever reaches them.
 */
#include "stage.h"

/* The processor with these features and rules. */
static void with(enum sim_model model, const char *list, const char *policy)
{
	sim_boot(model, "umip");
	enforce(list, policy);
}

static void denied(void)
{
	sim_fault(SIM_CODE, VECTOR_GP, 0);
}

#define OUT 0
#define IN 1
#define STRING 4
#define BYTES(n) ((n) << 4)

static void io(u16 port, u32 how)
{
	sim_at(SIM_CODE);
	sim_exit(SVM_EXIT_IOIO, (u64)port << 16 | how, SIM_CODE + 1);
}

static bool port_exits(u32 port)
{
	const u8 *map = block_va(&machine, block_offset(&machine, C->iopm_pa));

	return C->intercept3 & SVM_ICPT_IOIO && map[port / 8] >> port % 8 & 1;
}

START_TEST(locked_ports)
{
	u32 port, count = 0;

	with(SIM_EPYC, "io_lock", "");
	for (port = 0; port < 0x10000 + 3; port++)
		count += port_exits(port);
	ck_assert_uint_eq(count, 2);
	ck_assert(port_exits(0xb2) && port_exits(0xb3));
	io(0xb2, OUT | BYTES(1));
	denied();
	ck_assert_uint_eq(sim.ports, 0);
	sim.gpr[RAX] = ~0ULL;
	io(0xb2, IN | BYTES(1));
	sim_went_on(SIM_CODE + 1);
	ck_assert_uint_eq(sim.gpr[RAX], 0xffffffffffffffb2);
	/* One that begins below. */
	io(0xaf, OUT | BYTES(4));
	denied();
	io(0xb1, OUT | BYTES(2));
	denied();
	io(0xb2, OUT | STRING | BYTES(1));
	denied();
	enforce("io_lock:ports=reset+keyboard", "");
	ck_assert(port_exits(0xcf9) && port_exits(0x60) && port_exits(0x64) && !port_exits(0xb2));
	enforce("umip", "");
	ck_assert(!(C->intercept3 & SVM_ICPT_IOIO));
}
END_TEST

START_TEST(actions_of_port_rules)
{
	with(SIM_EPYC, "none", "io:0x80 none ignore; io:0x81 ro log; io:0xffff none deny");
	io(0x80, OUT | BYTES(1));
	sim_went_on(SIM_CODE + 1);
	ck_assert_uint_eq(sim.ports, 0);
	sim.gpr[RAX] = 0;
	io(0x80, IN | BYTES(1));
	ck_assert_uint_eq(sim.gpr[RAX], 0xff);
	io(0x80, IN | BYTES(2));
	ck_assert_uint_eq(sim.gpr[RAX], 0xffff);
	io(0x7f, IN | BYTES(4));
	ck_assert_uint_eq(sim.gpr[RAX], 0xffffffff);
	/* What is not done cannot be half done. */
	io(0x80, IN | STRING | BYTES(1));
	denied();
	sim.gpr[RAX] = 0x1234;
	io(0x81, OUT | BYTES(2));
	sim_went_on(SIM_CODE + 1);
	ck_assert_uint_eq(sim.ports, 1);
	ck_assert_uint_eq(sim.port[0], 0x81);
	ck_assert_uint_eq(sim.port_value[0], 0x1234);
	/* The last port; a wide access there reaches nothing beyond. */
	io(0xffff, OUT | BYTES(4));
	denied();
	io(0xfffe, IN | BYTES(2));
	denied();
	/* The strictest of several. */
	enforce("none", "io:0x80 none log; io:0x81 none deny; io:0x82 none ignore");
	io(0x80, OUT | BYTES(4));
	denied();
	enforce("none", "io:0-0xffff none deny");
	ck_assert(port_exits(0) && port_exits(0xffff));
	/* An exit that no rule is about any more. */
	enforce("none", "io:0x90 none allow; io:0x91 ro deny");
	io(0x91, IN | BYTES(1));
	sim_went_on(SIM_CODE + 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		locked_ports,
		actions_of_port_rules,
	};

	return sim_main("io_lock", tests, ARRAY_SIZE(tests));
}
