// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID as the guest sees it, and that the quick answers are the same.
 */
#include "sim.h"

#include <string.h>

static const struct cpuid_bit extra_bits[] = {
	{ 0x80000021, 0, CPUID_EAX, 17 }, { 1, 0, CPUID_EDX, 10 }, { 7, 0, CPUID_EBX, 10 },
	{ 0xd, 1, CPUID_EAX, 31 },	  { 9, 0, CPUID_EBX, 3 },
};
static const struct feature extra = {
	.name = "extra",
	.cpuid = extra_bits,
	.cpuid_count = ARRAY_SIZE(extra_bits),
};
FEATURE(extra);

/* Two subleaves of one leaf with bits of their own. */
static const struct cpuid_bit twice_bits[] = { { 7, 0, CPUID_EBX, 11 }, { 7, 1, CPUID_EAX, 1 } };
static const struct feature twice = {
	.name = "twice",
	.cpuid = twice_bits,
	.cpuid_count = ARRAY_SIZE(twice_bits),
};
FEATURE(twice);

static void view(u32 leaf, u32 subleaf, u32 a, u32 b, u32 c, u32 d)
{
	u32 out[4];

	memset(out, 0xee, sizeof(out));
	cpuid_view(V, leaf, subleaf, out);
	ck_assert_msg(out[0] == a && out[1] == b && out[2] == c && out[3] == d,
		      "leaf %x.%x: %x %x %x %x, not %x %x %x %x", leaf, subleaf, out[0], out[1],
		      out[2], out[3], a, b, c, d);
}

static u32 seen(u32 leaf, u32 subleaf, enum cpuid_reg reg)
{
	u32 out[4];

	cpuid_view(V, leaf, subleaf, out);
	return out[reg];
}

/* The processor's own answer unchanged. */
static void same(u32 leaf, u32 subleaf)
{
	u32 out[4];

	cpu_cpuid(leaf, subleaf, out);
	view(leaf, subleaf, out[0], out[1], out[2], out[3]);
}

START_TEST(leaves_that_the_processor_lacks)
{
	sim_boot(SIM_PHENOM, "umip");
	view(0, 0, 7, 0x68747541, 0x444d4163, 0x69746e65);
	view(6, 0, 0, 0, 0, 0);
	view(7, 0, 0, 0, 4, 0);
	view(7, 1, 0, 0, 0, 0);
	view(8, 0, 0, 0, 0, 0);
	same(5, 0);
	same(0x80000000, 0);
	view(0x8000001b, 0, 0, 0, 0, 0);
	sim_boot(SIM_PHENOM, "extra");
	view(0, 0, 0xd, 0x68747541, 0x444d4163, 0x69746e65);
	ck_assert_uint_eq(seen(0x80000000, 0, CPUID_EAX), 0x80000021);
	view(0x8000001b, 0, 0, 0, 0, 0);
	view(0x80000021, 0, 1u << 17, 0, 0, 0);
	view(0x80000022, 0, 0, 0, 0, 0);
	view(9, 0, 0, 8, 0, 0);
	sim_boot(SIM_PHENOM, "none");
	same(0, 0);
	view(7, 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(bits_of_features)
{
	u32 raw[4];

	sim_boot(SIM_EPYC, "umip,extra");
	cpu_cpuid(7, 0, raw);
	view(7, 0, raw[0], raw[1] | 1u << 10, raw[2] | 4, raw[3]);
	same(7, 1);
	cpu_cpuid(0xd, 1, raw);
	view(0xd, 1, raw[0] | 1u << 31, raw[1], raw[2], raw[3]);
	same(0xd, 0);
	ck_assert(seen(1, 0, CPUID_EDX) & 1u << 10);
	sim_boot(SIM_EPYC, "none");
	same(7, 0);
	same(0xd, 1);
	ck_assert(!(seen(1, 0, CPUID_EDX) & 1u << 10));
}
END_TEST

/* Intel answers with the highest basic leaf, the raised one if it was raised. */
START_TEST(out_of_range_on_intel)
{
	u32 raw[4];

	sim_boot(SIM_INTEL, "umip");
	sim_cpuid(0, 0)[CPUID_EAX] = machine.max_basic = 5;
	memcpy(sim_cpuid(5, 0), ((u32[]){ 1, 2, 3, 4 }), 16);
	cpuid_prepare(V);
	ck_assert_uint_eq(seen(0, 0, CPUID_EAX), 7);
	view(5, 0, 1, 2, 3, 4);
	view(6, 0, 0, 0, 0, 0);
	view(7, 0, 0, 0, 4, 0);
	view(8, 0, 0, 0, 4, 0);
	view(8, 1, 0, 0, 0, 0);
	view(0x3fffffff, 0, 0, 0, 4, 0);
	view(0x80000009, 0, 0, 0, 4, 0);
	view(0xffffffff, 0, 0, 0, 4, 0);
	same(0x80000008, 0);
	sim_boot(SIM_INTEL, "none");
	cpu_cpuid(0xd, 0, raw);
	view(0xe, 0, raw[0], raw[1], raw[2], raw[3]);
	view(0x80000009, 0, raw[0], raw[1], raw[2], raw[3]);
}
END_TEST

START_TEST(discreet_features_are_not_seen)
{
	sim_boot(SIM_INTEL, "umip:advertise=complete");
	ck_assert(V->plan->on && V->plan->traps.desc_store);
	same(0, 0);
	same(7, 0);
	V->gpr[RAX] = 7;
	V->gpr[RCX] = 0;
	ck_assert(cpuid_quick(V, 0));
	ck_assert_uint_eq(V->gpr[RCX] & 4, 0);
	/* SVM has an exit for all five. */
	sim_boot(SIM_EPYC, "umip:advertise=complete");
	ck_assert_uint_eq(seen(7, 0, CPUID_ECX), 4);
}
END_TEST

START_TEST(mirrors_of_cr4)
{
	sim_boot(SIM_EPYC, "umip");
	sim_cpuid(7, 0)[CPUID_ECX] |= 8;
	/* The root side's own CR4 must not shine through, the guest's must. */
	sim.root_cr4 |= CR4_OSXSAVE | CR4_PKE;
	ck_assert(!(seen(1, 0, CPUID_ECX) & 1u << 27));
	ck_assert_uint_eq(seen(7, 0, CPUID_ECX), 8 | 4);
	sim.root_cr4 &= ~(CR4_OSXSAVE | CR4_PKE);
	C->cr4 |= CR4_OSXSAVE;
	ck_assert(seen(1, 0, CPUID_ECX) & 1u << 27);
	ck_assert_uint_eq(seen(7, 0, CPUID_ECX), 8 | 4);
	C->cr4 ^= CR4_OSXSAVE | CR4_PKE;
	ck_assert(!(seen(1, 0, CPUID_ECX) & 1u << 27));
	ck_assert_uint_eq(seen(7, 0, CPUID_ECX), 8 | 16 | 4);
	ck_assert_uint_eq(seen(7, 1, CPUID_ECX), 0);
}
END_TEST

START_TEST(extension_is_hidden)
{
	u32 raw[4];

	sim_boot(SIM_EPYC, "umip");
	cpu_cpuid(0x80000001, 0, raw);
	ck_assert(raw[2] & 4);
	view(0x80000001, 0, raw[0], raw[1], raw[2] & ~(1u << 2 | 1u << 12), raw[3]);
	view(0x8000000a, 0, 0, 0, 0, 0);
	same(0x80000008, 0);
	view(0x8000001f, 0, 5, 0x16f, 0xf, 1);
	sim_boot(SIM_INTEL, "umip");
	cpu_cpuid(1, 0, raw);
	ck_assert(raw[2] & 1u << 5);
	view(1, 0, raw[0], raw[1], (raw[2] & ~(3u << 5 | 1u << 27)) | 1u << 31, raw[3]);
}
END_TEST

START_TEST(own_leaves)
{
	u32 umip[4] = { 0x70696d75, 0, 0, 0 };
	u32 base;

	sim_boot(SIM_EPYC, "umip");
	/* Alone, and beside another hypervisor's. */
	memcpy(sim_cpuid(0x40000000, 0), ((u32[]){ 1, 2, 3, 4 }), 16);
	for (base = 0x40000000; base <= 0x40000100; base += 0x100) {
		machine.hypervisor_leaf = base;
		view(base, 0, base + 2, 0x67646c6f, 0x64726175, 0);
		view(base + 1, 0, 1, 1, 0, 0);
		view(base + 2, 0, umip[0], 0, 0, 0);
		view(base + 3, 0, 0, 0, 0, 0);
		view(base + 0xff, 0, 0, 0, 0, 0);
	}
	same(0x40000000, 0);
	ck_assert(seen(1, 0, CPUID_ECX) & 1u << 31);
	machine.hypervisor_bit = false;
	ck_assert(!(seen(1, 0, CPUID_ECX) & 1u << 31));
	/* Both features are named, in whatever order. */
	sim_boot(SIM_EPYC, "umip,extra");
	view(0x40000000, 0, 0x40000003, 0x67646c6f, 0x64726175, 0);
	view(0x40000001, 0, 1, 2, 0, 0);
	ck_assert_uint_eq(seen(0x40000002, 0, 0) + seen(0x40000003, 0, 0), 0x70696d75u + 0x72747865u);
	ck_assert_uint_eq(seen(0x40000002, 0, 1) + seen(0x40000003, 0, 1), 'a');
	sim_boot(SIM_EPYC, "none");
	view(0x40000000, 0, 0x40000001, 0x67646c6f, 0x64726175, 0);
	view(0x40000001, 0, 1, 0, 0, 0);
	view(0x40000002, 0, 0, 0, 0, 0);
}
END_TEST

/* Compares all three ways for one question; returns whether there was a quick answer. */
static bool agrees(u32 leaf, u32 subleaf, u64 cr4)
{
	u64 dirt = 0xabcdef0100000000;
	u32 slow[4], i;
	bool quick;

	cpuid_view(V, leaf, subleaf, slow);
	if (leaf < 16 && V->cpuid_plain >> leaf & 1) {
		u32 raw[4];

		cpu_cpuid(leaf, subleaf, raw);
		ck_assert_msg(!memcmp(raw, slow, 16), "leaf %x.%x is not plain", leaf, subleaf);
	}
	/* The upper halves count for nothing. */
	V->gpr[RAX] = dirt | leaf;
	V->gpr[RCX] = dirt | subleaf;
	V->gpr[RBX] = V->gpr[RDX] = dirt;
	quick = cpuid_quick(V, cr4);
	if (!quick) {
		ck_assert_uint_eq(V->gpr[RAX], dirt | leaf);
		ck_assert_uint_eq(V->gpr[RBX], dirt);
		return false;
	}
	for (i = 0; i < 4; i++)
		ck_assert_msg(V->gpr[((u8[]){ RAX, RBX, RCX, RDX })[i]] == slow[i],
			      "leaf %x.%x register %u differs", leaf, subleaf, i);
	return true;
}

static u32 agree_on_all(void)
{
	static const u64 mirrored[] = { 0, CR4_OSXSAVE, CR4_PKE, CR4_OSXSAVE | CR4_PKE };
	u64 cr4 = vcpu_get(V, VCPU_CR4) & ~(CR4_OSXSAVE | CR4_PKE);
	bool xsave = sim_cpuid(1, 0)[CPUID_ECX] >> 26 & 1;
	u32 i, j, leaf, subleaf, quick = 0;

	/* What a processor lacks, its CR4 cannot say. */
	for (j = 0; j < (xsave ? ARRAY_SIZE(mirrored) : 1); j++) {
		vcpu_set(V, VCPU_CR4, cr4 | mirrored[j]);
		for (i = 0; i < 0x400; i++) {
			leaf = (i >> 8) << 30 | (i & 0xff);
			for (subleaf = 0; subleaf < 4; subleaf++)
				quick += agrees(leaf, subleaf, cr4 | mirrored[j]);
			agrees(leaf, ~0u, cr4 | mirrored[j]);
		}
	}
	return quick;
}

START_TEST(quick_answers_are_the_same)
{
	static const char *const plans[] = {
		"none", "umip", "extra", "twice", "umip,extra", "umip,extra,twice",
	};
	u32 model, i;

	for (model = SIM_EPYC; model < SIM_MODELS; model++) {
		for (i = 0; i < ARRAY_SIZE(plans); i++) {
			sim_boot(model, plans[i]);
			sim_cpuid(7, 0)[CPUID_ECX] |= 8;
			cpuid_prepare(V);
			/* Many questions have one. */
			ck_assert_uint_gt(agree_on_all(), 70);
			machine.hypervisor_bit = false;
			machine.max_basic = sim_cpuid(0, 0)[CPUID_EAX] = 3;
			cpuid_prepare(V);
			agree_on_all();
		}
		sim_boot(model, "umip");
		vcpu_set(V, VCPU_CR4, CR4_PAE);
		ck_assert(agrees(1, 0, CR4_PAE));
		ck_assert(agrees(7, 0, CR4_PAE) == (model != SIM_PHENOM));
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		leaves_that_the_processor_lacks, bits_of_features, out_of_range_on_intel,
		discreet_features_are_not_seen,
		mirrors_of_cr4, extension_is_hidden, own_leaves, quick_answers_are_the_same,
	};

	return sim_main("cpuid", tests, ARRAY_SIZE(tests));
}
