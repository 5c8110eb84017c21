// SPDX-License-Identifier: GPL-2.0-only
/*
 * sound.c - whether a feature's table makes sense, and lies where the root side will see it. Ours
 * are looked at by the unit tests, a plug-in's when it registers.
 */
#include "sound.h"

#define NAME_MAX 16 /* of a CPUID leaf */
#define CR_LAST 15
#define VECTOR_LAST 31

static bool within(const struct image *image, const void *at, u64 bytes)
{
	return !image || image_holds(image, at, bytes);
}

static bool within_text(const struct image *image, const void *at)
{
	return !image || ((const char *)at >= image->part[IMAGE_TEXT] &&
			  (const char *)at < image->end[IMAGE_TEXT]);
}

/* A string, with its end, that is not empty. */
static bool string(const struct image *image, const char *at)
{
	if (!at || !within(image, at, 1) || !*at)
		return false;
	while (*at)
		if (!within(image, ++at, 1))
			return false;
	return true;
}

static bool table(const struct image *image, const void *at, u32 count, u64 bytes)
{
	return !count || (at && within(image, at, count * bytes));
}

static bool name(const struct image *image, const char *at)
{
	u32 i;

	if (!string(image, at))
		return false;
	for (i = 0; at[i]; i++)
		if (!((at[i] >= 'a' && at[i] <= 'z') || (at[i] >= '0' && at[i] <= '9') ||
		      at[i] == '_'))
			return false;
	return i <= NAME_MAX;
}

static bool bits(const struct image *image, const struct feature *f)
{
	u32 i;

	if (!table(image, f->cpuid, f->cpuid_count, sizeof(*f->cpuid)) ||
	    !table(image, f->msrs, f->msr_count, sizeof(*f->msrs)))
		return false;
	for (i = 0; i < f->cpuid_count; i++)
		if (f->cpuid[i].reg > CPUID_EDX || f->cpuid[i].bit > 31 ||
		    f->cpuid[i].maker > MAKER_AMD || f->cpuid[i].leaf & 0x7fff0000)
			return false;
	for (i = 0; i < f->msr_count; i++)
		if (f->msrs[i].bit > 63 || f->msrs[i].maker > MAKER_AMD)
			return false;
	return true;
}

static bool choices(const struct image *image, const struct feature_option *o)
{
	u32 count;

	for (count = 0;; count++) {
		if (!within(image, &o->choices[count], sizeof(*o->choices)) || count > 64)
			return false;
		if (!o->choices[count])
			break;
		if (!string(image, o->choices[count]))
			return false;
	}
	if (o->set)
		return count == 64 || !(o->initial >> count);
	return o->initial < count;
}

static bool options(const struct image *image, const struct feature *f)
{
	u32 i;

	if (f->option_count > FEATURE_OPTIONS_MAX ||
	    !table(image, f->options, f->option_count, sizeof(*f->options)))
		return false;
	for (i = 0; i < f->option_count; i++) {
		const struct feature_option *o = &f->options[i];

		if (!name(image, o->name))
			return false;
		if (o->choices ? !choices(image, o)
			       : o->set || o->initial < o->min || o->initial > o->max)
			return false;
	}
	return true;
}

/* true, false or WHEN() of an option that there is */
static bool condition(const struct feature *f, u32 when)
{
	return when & WHEN(0, 0) ? (when >> 16 & 0x7fff) < f->option_count : when <= true;
}

/* The highest `sel` that a kind has; the registry makes a trap of each. */
static u32 last_sel(enum vmexit_kind kind)
{
	switch (kind) {
	case VMEXIT_CR_READ:
	case VMEXIT_CR_WRITE: return CR_LAST;
	case VMEXIT_EXCEPTION: return VECTOR_LAST;
	default: return ~0u;
	}
}

static bool claims(const struct image *image, const struct feature *f)
{
	u32 i;

	if (!table(image, f->claims, f->claim_count, sizeof(*f->claims)))
		return false;
	for (i = 0; i < f->claim_count; i++) {
		const struct claim *c = &f->claims[i];

		if ((u32)c->kind >= VMEXIT_KINDS || (u32)c->role > CLAIM_OWNER || !c->handle ||
		    !within_text(image, c->handle) || c->first > c->last ||
		    c->last > last_sel(c->kind))
			return false;
		if (!condition(f, c->when) || !condition(f, c->refuses) ||
		    !condition(f, c->reports) || c->when == true)
			return false;
		if (c->maker > MAKER_AMD)
			return false;
		if ((c->by_rules && !f->asset) || (c->asked && c->kind != VMEXIT_CPUID))
			return false;
	}
	return true;
}

static bool rules(const struct image *image, const struct feature *f)
{
	u32 i;

	if ((u32)f->asset >= ASSETS || f->rule_count > RULES_MAX || (f->rule_count && !f->asset) ||
	    !table(image, f->rules, f->rule_count, sizeof(*f->rules)))
		return false;
	for (i = 0; i < f->rule_count; i++)
		if (f->rules[i].asset != f->asset || f->rules[i].action >= ACTIONS ||
		    f->rules[i].permission > PERM_RIP || f->rules[i].area >= AREAS ||
		    f->rules[i].first > f->rules[i].last)
			return false;
	if (!f->rule_choice)
		return true;
	if (!f->option_count || !f->options[0].set ||
	    !table(image, f->rule_choice, f->rule_count, sizeof(*f->rule_choice)))
		return false;
	for (i = 0; i < f->rule_count; i++)
		if (f->rule_choice[i] > 63)
			return false;
	return true;
}

const char *feature_unsound(const struct feature *f, const struct image *image)
{
	const u32 known = (1u << FACILITY_BITS) - 1;

	if (!within(image, f, sizeof(*f)))
		return "its table is not in the image";
	if (!name(image, f->name))
		return "it has no name of lower case, digits and underscores";
	if (!string(image, f->summary))
		return "it has no summary";
	if ((f->needs | f->wants) & ~known)
		return "it needs a facility that there is not";
	if (image && f->offers)
		return "it offers calls, which are not a plug-in's to answer";
	if (f->wants && !string(image, f->partial))
		return "what it lacks without what it wants is not said";
	if (!bits(image, f))
		return "its CPUID or MSR bits are not right";
	if (!options(image, f))
		return "its options are not right";
	if (!rules(image, f))
		return "its rules are not right";
	if (!claims(image, f) || !condition(f, f->silent))
		return "its claims are not right";
	if (f->apply && !within_text(image, f->apply))
		return "its apply() is not in the image's text";
	return NULL;
}
