// SPDX-License-Identifier: GPL-2.0-only
/*
 * list.c - the features that there are, ours and plug-ins', and which of them the processor has by
 * itself.
 */
#include "plan.h"

#include "../guest-glue/image.h"

static u32 features_of(const struct image *image)
{
	return image->features_end - image->features;
}

u32 feature_count(void)
{
	u32 i, all = 0;

	for (i = 0; i < image_count(); i++)
		all += features_of(image_get(i));
	return all;
}

const struct feature *feature_get(u32 index)
{
	const struct image *image = image_get(0);
	u32 i;

	for (i = 1; index >= features_of(image); i++) {
		index -= features_of(image);
		image = image_get(i);
	}
	return image->features[index];
}

u32 feature_index(const struct feature *feature)
{
	u32 i;

	for (i = 0; feature_get(i) != feature; i++)
		;
	return i;
}

u32 feature_home(u32 index)
{
	u32 i;

	for (i = 0; index >= features_of(image_get(i)); i++)
		index -= features_of(image_get(i));
	return i;
}

void facility_names(u32 missing, struct text *out)
{
	static const char *const names[FACILITY_BITS] = {
#define X(name, text) [FACILITY_BIT_##name] = text,
		FACILITY_LIST(X)
#undef X
	};
	const char *comma = "";
	u32 i;

	for (i = 0; i < FACILITY_BITS; i++) {
		if (!(missing & 1u << i))
			continue;
		text_add(out, comma);
		text_add(out, names[i]);
		comma = ", ";
	}
}

/* A bit for each feature, as features_probe() found it. */
static u32 native;
static enum maker maker;

bool feature_ours(u8 whose)
{
	return whose == MAKER_ANY || whose == maker;
}

static bool advertised(const struct feature *f, msr_reader read)
{
	u32 found = 0;
	u32 out[4];
	u64 value;
	u32 i;

	for (i = 0; i < f->cpuid_count; i++) {
		const struct cpuid_bit *bit = &f->cpuid[i];

		if (!feature_ours(bit->maker))
			continue;
		/* Beyond the highest leaf, Intel answers with another leaf's data. */
		cpu_cpuid(bit->leaf & 0x80000000, 0, out);
		if (out[CPUID_EAX] < bit->leaf)
			return false;
		cpu_cpuid(bit->leaf, bit->subleaf, out);
		if (!(out[bit->reg] >> bit->bit & 1))
			return false;
		found++;
	}
	for (i = 0; i < f->msr_count; i++) {
		const struct msr_bit *bit = &f->msrs[i];

		if (!feature_ours(bit->maker))
			continue;
		if (!read(bit->msr, &value) || !(value >> bit->bit & 1))
			return false;
		found++;
	}
	return found;
}

enum maker features_maker(void)
{
	return maker;
}

void features_probe(msr_reader read)
{
	u32 out[4];
	u32 i;

	cpu_cpuid(0, 0, out);
	/* AMD's way is everybody's but Intel's: "Genu". */
	maker = out[CPUID_EBX] == 0x756e6547 ? MAKER_INTEL : MAKER_AMD;
	native = 0;
	for (i = 0; i < feature_count(); i++)
		if (advertised(feature_get(i), read))
			native |= 1u << i;
}

bool feature_native(u32 index)
{
	return native >> index & 1;
}
