// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plug-ins below Linux: their images in the block, their features behind ours, their fix-ups, and
 * what of their tables is refused.
 */
#include "sim.h"

#include <string.h>

#include "../../features/sound.h"
#include "../../guest-glue/fault.h"
#include "../../guest-glue/image.h"

/* What a plug-in's module looks like when Linux has loaded it: whole pages. */
struct plug {
	u8 text[PAGE_BYTES];
	union {
		struct {
			struct image image;
			struct extable extable[2];
			const struct feature *table[FEATURES_MAX];
			struct feature feature[FEATURES_MAX];
			struct claim claim[2];
			struct cpuid_bit cpuid[1];
			struct msr_bit msr[1];
			struct feature_option option[2];
			struct rule rule[1];
			u8 choice[1];
			const char *choices[3];
			char name[FEATURES_MAX][8];
			char summary[8];
			char yes[4], no[4];
		};
		u8 rodata[2 * PAGE_BYTES];
	};
	u8 data[PAGE_BYTES];
};

static struct plug plugs[PLUGINS_MAX + 1] __attribute__((aligned(PAGE_BYTES)));
static char said[200];

/* A plug-in with so many features, each with a claim, an option and a CPUID bit. */
static const struct image *make(struct plug *p, char letter, u32 features)
{
	u32 i;

	memset(p, 0, sizeof(*p));
	memset(p->text, letter, sizeof(p->text));
	memset(p->data, letter, sizeof(p->data));
	p->image = (struct image){
		.abi = oldguard_image.abi,
		.name = p->name[0],
		.part = { (char *)p->text, (char *)p->rodata, (char *)p->data },
		.end = { (char *)p->rodata, (char *)p->data, (char *)(p + 1) },
		.extable = p->extable,
		.extable_end = p->extable + 2,
		.features = p->table,
		.features_end = p->table + features,
	};
	p->extable[0] = (struct extable){ (uintptr_t)&p->text[1], (uintptr_t)&p->text[8] };
	p->extable[1] = (struct extable){ (uintptr_t)&p->text[2], (uintptr_t)&p->text[9] };
	strcpy(p->summary, "words");
	strcpy(p->yes, "yes");
	strcpy(p->no, "no");
	p->choices[0] = p->no;
	p->choices[1] = p->yes;
	p->option[0] = (struct feature_option){ .name = p->yes, .choices = p->choices };
	p->option[1] = (struct feature_option){ .name = p->no, .max = 9, .initial = 9 };
	p->claim[0] = (struct claim){ VMEXIT_EXCEPTION,	 0, 31, CLAIM_FILTER, (void *)&p->text[16],
				      .when = WHEN(0, 1) };
	p->claim[1] = (struct claim){ VMEXIT_MSR_READ, 0, ~0u, CLAIM_OWNER, (void *)p->text };
	p->cpuid[0] = (struct cpuid_bit){ 7, 0, CPUID_EDX, 31 };
	p->rule[0] = (struct rule){ .asset = ASSET_IO, .action = ACTION_DENY };
	for (i = 0; i < features; i++) {
		p->name[i][0] = letter;
		p->name[i][1] = 'a' + i;
		p->table[i] = &p->feature[i];
		p->feature[i] = (struct feature){
			.name = p->name[i],
			.summary = p->summary,
			.cpuid = p->cpuid,
			.cpuid_count = 1,
			.claims = p->claim,
			.claim_count = 2,
			.options = p->option,
			.option_count = 2,
		};
	}
	return &p->image;
}

static bool add(const struct image *image, bool *full)
{
	struct text why = { .at = said, .size = sizeof(said) };
	bool added;

	said[0] = '\0';
	added = image_add(image, full, &why);
	ck_assert(added == !why.length);
	return added;
}

static bool adds(const struct image *image)
{
	bool full;

	return add(image, &full);
}

START_TEST(features_come_behind_ours)
{
	const u32 own = feature_count();
	const struct image *x = make(&plugs[0], 'x', 2), *y = make(&plugs[1], 'y', 1);
	struct features_on wish;
	TEXT(why, 100);
	TEXT(list, 100);

	ck_assert(adds(x));
	ck_assert(adds(y));
	ck_assert_uint_eq(image_count(), 3);
	ck_assert_ptr_eq(image_get(0), &oldguard_image);
	ck_assert_uint_eq(feature_count(), own + 3);
	ck_assert_str_eq(feature_get(0)->name, oldguard_image.features[0]->name);
	ck_assert_str_eq(feature_get(own)->name, "xa");
	ck_assert_str_eq(feature_get(own + 1)->name, "xb");
	ck_assert_str_eq(feature_get(own + 2)->name, "ya");
	ck_assert_uint_eq(feature_home(own - 1), 0);
	ck_assert_uint_eq(feature_home(own + 1), 1);
	ck_assert_uint_eq(feature_home(own + 2), 2);
	ck_assert(features_parse("ya:yes=yes", 10, &wish, &why));
	ck_assert_uint_eq(wish.on, 1u << (own + 2));
	/* Those of a later one move up. */
	image_remove(x);
	ck_assert_uint_eq(feature_count(), own + 1);
	ck_assert_str_eq(feature_get(own)->name, "ya");
	ck_assert(features_parse("ya:yes=yes", 10, &wish, &why));
	features_print(&wish, wish.on, &list);
	ck_assert_str_eq(list.at, "ya:yes=yes:no=9");
	image_remove(y);
	ck_assert_uint_eq(feature_count(), own);
}
END_TEST

START_TEST(native_is_asked_again)
{
	const u32 own = feature_count();

	sim_new(SIM_EPYC);
	make(&plugs[0], 'x', 1);
	ck_assert(adds(&plugs[0].image));
	features_probe(cpu_rdmsr_safe);
	ck_assert(!feature_native(own));
	sim_cpuid(7, 0)[CPUID_EDX] |= 1u << 31;
	features_probe(cpu_rdmsr_safe);
	ck_assert(feature_native(own));
}
END_TEST

static struct machine_request request;

static bool build(u32 pieces)
{
	static const struct features_on none;
	TEXT(why, 200);

	machine_probe(true, true, cpu_rdmsr_safe);
	ck_assert(plan_make(&machine.plans[0], &none, NULL, machine.caps.facilities, &why));
	sim_block(&request, pieces);
	/* Pieces are neighbours by chance only. */
	if (pieces > 1) {
		void *piece = request.piece[0];

		request.piece[0] = request.piece[1];
		request.piece[1] = piece;
		request.piece_pa[0] = SIM_PIECE_PA(1);
		request.piece_pa[1] = SIM_PIECE_PA(0);
	}
	request.cpus = 2;
	request.phys_end = SIM_PHYS_END;
	return machine_build(&request, &why);
}

/* What the root side sees at an address, by its own tables; 0: nothing. */
static u64 root_entry(u64 va)
{
	u64 *table = block_va(&machine, block_offset(&machine, machine.root_cr3));
	u32 shift;

	for (shift = 39; shift > 12; shift -= 9) {
		u64 e = table[va >> shift & 511];

		if (!(e & PTE_P) || e & PTE_PS)
			return 0;
		table = block_va(&machine, block_offset(&machine, e & CR3_ADDRESS));
	}
	return table[va >> 12 & 511];
}

static void mapped(const void *at, u64 offset, u64 rights)
{
	u64 e = root_entry((uintptr_t)at);

	ck_assert(e & PTE_P);
	ck_assert_uint_eq(e & (PTE_W | PTE_NX | PTE_U), rights);
	ck_assert_uint_eq(e & CR3_ADDRESS, block_pa(&machine, offset));
}

START_TEST(image_is_laid_out)
{
	const u64 own = 4 * PAGE_BYTES;
	struct plug *p = &plugs[0];
	u32 i;

	sim_new(SIM_EPYC);
	ck_assert_uint_eq(root_image_bytes(), own);
	for (i = 0; i < 2; i++)
		ck_assert(adds(make(&plugs[i], 'x' + i, 1)));
	ck_assert_uint_eq(root_image_bytes(), own + 8 * PAGE_BYTES);
	ck_assert(build(1));
	ck_assert_uint_eq(machine.image_bytes, own + 8 * PAGE_BYTES);
	for (i = 0; i < 2; i++, p++) {
		u64 at = own + i * 4 * PAGE_BYTES;

		mapped(p->text, at, 0);
		mapped(p->rodata, at + PAGE_BYTES, PTE_NX);
		mapped(p->rodata + PAGE_BYTES, at + 2 * PAGE_BYTES, PTE_NX);
		mapped(p->data, at + 3 * PAGE_BYTES, PTE_NX | PTE_W);
		ck_assert(!memcmp(block_va(&machine, at), p, sizeof(*p)));
	}
	/* By its own address alone, and nobody else's tables are in the way. */
	ck_assert(!(root_entry(ROOT_BLOCK + own) & PTE_P));
	ck_assert(root_entry(ROOT_BLOCK + own + 8 * PAGE_BYTES) & PTE_P);
	/* Once it is gone, the next block does not have it. */
	image_remove(&plugs[0].image);
	ck_assert(build(1));
	ck_assert(!(root_entry((uintptr_t)plugs[0].text) & PTE_P));
	mapped(plugs[1].text, own, 0);
}
END_TEST

/* An image that does not end in the block's first piece. */
START_TEST(large_image)
{
	static u8 large[PIECE_BYTES + PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
	struct plug *p = &plugs[0];
	struct image *image = &p->image;
	u64 offset = 4 * PAGE_BYTES + PAGE_BYTES + 2 * PAGE_BYTES;

	sim_new(SIM_EPYC);
	make(p, 'x', 1);
	memset(large, 0x5a, sizeof(large));
	large[sizeof(large) - 1] = 0xa5;
	image->part[IMAGE_DATA] = (char *)large;
	image->end[IMAGE_DATA] = (char *)large + sizeof(large);
	ck_assert(adds(image));
	ck_assert(!build(1));
	ck_assert(build(machine_pieces(2, SIM_PHYS_END)));
	mapped(large, offset, PTE_NX | PTE_W);
	mapped(large + sizeof(large) - PAGE_BYTES, offset + sizeof(large) - PAGE_BYTES,
	       PTE_NX | PTE_W);
	ck_assert_uint_eq(*(u8 *)block_va(&machine, offset + sizeof(large) - 1), 0xa5);
	ck_assert_uint_eq(*(u8 *)block_va(&machine, offset), 0x5a);
}
END_TEST

bool root_fault(struct fault_frame *frame);

START_TEST(faults_are_fixed_up)
{
	struct fault_frame frame = { .vector = VECTOR_GP };
	struct plug *p = &plugs[1];

	sim_boot(SIM_EPYC, "umip");
	ck_assert(adds(make(&plugs[0], 'x', 1)));
	ck_assert(adds(make(p, 'y', 1)));
	frame.rip = (uintptr_t)&p->text[2];
	root_fault(&frame);
	ck_assert_uint_eq(frame.rip, (uintptr_t)&p->text[9]);
	/* Ours still are. */
	frame.rip = 0x1111;
	root_fault(&frame);
	ck_assert_uint_eq(frame.rip, 0x2222);
	/* What is not expected is told with the plug-in's name. */
	frame.rip = (uintptr_t)&p->text[3];
	ck_assert(SIM_HALTS(root_fault(&frame)));
	ck_assert(sim_said("in the text of ya at 0x3"));
	image_remove(&p->image);
	frame.rip = (uintptr_t)&p->text[2];
	ck_assert(SIM_HALTS(root_fault(&frame)));
}
END_TEST

START_TEST(there_is_an_end)
{
	u32 i;
	bool full;

	for (i = 0; i < PLUGINS_MAX; i++)
		ck_assert(add(make(&plugs[i], 'u' + i, 1), &full) && !full);
	ck_assert(!add(make(&plugs[i], 'u' + i, 1), &full) && full);
	ck_assert_str_eq(said, "plug-in ya: there are as many plug-ins as can be");
	image_remove(&plugs[1].image);
	ck_assert(adds(&plugs[i].image));
	image_remove(&plugs[2].image);
	ck_assert(!add(make(&plugs[2], 'w', FEATURES_MAX), &full) && !full);
	ck_assert_str_eq(said, "plug-in wa: there are as many features as can be");
	/* Exactly as many as can be. */
	i = FEATURES_MAX - feature_count();
	ck_assert(!adds(make(&plugs[2], 'w', i + 1)));
	ck_assert(adds(make(&plugs[2], 'w', i)));
}
END_TEST

#define REFUSED(statement, sentence)                                                               \
	do {                                                                                       \
		const struct image *image = make(p, 'x', 2);                                       \
                                                                                                   \
		(void)image;                                                                       \
		statement;                                                                         \
		ck_assert(!adds(&p->image));                                                       \
		ck_assert_str_eq(said, sentence);                                                  \
		ck_assert_uint_eq(image_count(), 1);                                               \
	} while (0)

START_TEST(images_are_looked_at)
{
	struct plug *p = &plugs[0];

	REFUSED(p->image.abi++, "the plug-in was made for another oldguard");
	REFUSED(p->image.part[IMAGE_DATA]++, "plug-in xa: its sections are not whole pages");
	REFUSED(p->image.end[IMAGE_TEXT]--, "plug-in xa: its sections are not whole pages");
	REFUSED(p->image.end[IMAGE_TEXT] = p->image.part[IMAGE_TEXT] - PAGE_BYTES,
		"plug-in xa: its sections are not whole pages");
	REFUSED(p->image.features_end = p->table, "plug-in xa: it has no feature");
	REFUSED(p->image.features_end = p->table - 1,
		"plug-in xa: its tables are not in its sections");
	REFUSED(p->image.features = plugs[1].table,
		"plug-in xa: its tables are not in its sections");
	REFUSED(p->image.extable = oldguard_image.extable,
		"plug-in xa: its tables are not in its sections");
	REFUSED(p->image.name = "me", "plug-in me: its tables are not in its sections");
	REFUSED(strcpy(p->name[1], "umip"), "plug-in xa: umip: there is a feature of this name");
	REFUSED(strcpy(p->name[1], "xa"), "plug-in xa: xa: there is a feature of this name");
	REFUSED(strcpy(p->name[0], "all"), "plug-in all: all: there is a feature of this name");
	REFUSED(strcpy(p->name[0], "none"), "plug-in none: none: there is a feature of this name");
}
END_TEST

#define UNSOUND(statement, sentence) REFUSED(statement, "plug-in xa: " sentence)
#define NAME "it has no name of lower case, digits and underscores"
#define OPTIONS "its options are not right"
#define CLAIMS "its claims are not right"
#define RULES "its rules are not right"
#define BITS "its CPUID or MSR bits are not right"

START_TEST(tables_are_looked_at)
{
	static const struct feature elsewhere;
	struct plug *p = &plugs[0];
	struct feature *f = &p->feature[1];

	UNSOUND(p->table[1] = &elsewhere, "its table is not in the image");
	UNSOUND(f->name = NULL, NAME);
	UNSOUND(f->name = "outside", NAME);
	UNSOUND(p->name[1][0] = '\0', NAME);
	UNSOUND(p->name[1][0] = 'X', NAME);
	UNSOUND(p->name[1][1] = '-', NAME);
	UNSOUND(memset(p->name[1], 'x', 17), NAME);
	UNSOUND(f->summary = NULL, "it has no summary");
	UNSOUND(f->summary = "outside", "it has no summary");
	UNSOUND(f->needs = 1u << FACILITY_BITS, "it needs a facility that there is not");
	UNSOUND(f->offers = OFFER_SEAL, "it offers calls, which are not a plug-in's to answer");
	UNSOUND(f->wants = FACILITY(SLAT), "what it lacks without what it wants is not said");
	UNSOUND(f->cpuid = (void *)&elsewhere, BITS);
	UNSOUND(f->cpuid_count = 10000, BITS);
	UNSOUND(p->cpuid[0].bit = 32, BITS);
	UNSOUND(p->cpuid[0].reg = CPUID_EDX + 1, BITS);
	UNSOUND(p->cpuid[0].maker = MAKER_AMD + 1, BITS);
	UNSOUND(p->cpuid[0].leaf = 0x40000000, BITS);
	UNSOUND(f->msr_count = 1, BITS);
	UNSOUND((f->msr_count = 1, f->msrs = p->msr, p->msr[0].bit = 64), BITS);
	UNSOUND(f->option_count = FEATURE_OPTIONS_MAX + 1, OPTIONS);
	UNSOUND(f->options = NULL, OPTIONS);
	UNSOUND(p->option[0].name = NULL, OPTIONS);
	UNSOUND(p->option[0].initial = 2, OPTIONS);
	UNSOUND(p->choices[1] = "outside", OPTIONS);
	UNSOUND((p->option[0].set = true, p->option[0].initial = 4), OPTIONS);
	UNSOUND(p->option[1].set = true, OPTIONS);
	UNSOUND(p->option[1].initial = 10, OPTIONS);
	UNSOUND(p->option[1].min = 10, OPTIONS);
	UNSOUND(f->asset = ASSETS, RULES);
	UNSOUND((f->rule_count = 1, f->rules = p->rule), RULES);
	UNSOUND((f->asset = ASSET_IO, f->rule_count = 1), RULES);
	UNSOUND((f->asset = ASSET_MSR, f->rule_count = 1, f->rules = p->rule), RULES);
	UNSOUND((f->asset = ASSET_IO, f->rule_count = 1, f->rules = p->rule,
		 p->rule[0].action = ACTIONS),
		RULES);
	UNSOUND((f->asset = ASSET_IO, f->rule_count = 1, f->rules = p->rule,
		 f->rule_choice = p->choice),
		RULES);
	UNSOUND((f->asset = ASSET_IO, f->rule_count = 1, f->rules = p->rule,
		 f->rule_choice = p->choice, p->option[0].set = true, p->choice[0] = 64),
		RULES);
	UNSOUND(f->claims = NULL, CLAIMS);
	UNSOUND(p->claim[0].kind = VMEXIT_KINDS, CLAIMS);
	UNSOUND(p->claim[0].role = CLAIM_OWNER + 1, CLAIMS);
	UNSOUND(p->claim[0].handle = NULL, CLAIMS);
	/* Not even its own data: that cannot be executed. */
	UNSOUND(p->claim[0].handle = (void *)p->data, CLAIMS);
	UNSOUND(p->claim[0].last = 32, CLAIMS);
	UNSOUND((p->claim[1].kind = VMEXIT_CR_WRITE), CLAIMS);
	UNSOUND((p->claim[1].first = 2, p->claim[1].last = 1), CLAIMS);
	UNSOUND(p->claim[0].when = WHEN(2, 0), CLAIMS);
	UNSOUND(p->claim[0].when = true, CLAIMS);
	UNSOUND(p->claim[1].refuses = WHEN(2, 0), CLAIMS);
	UNSOUND(p->claim[1].reports = 2, CLAIMS);
	UNSOUND(f->silent = WHEN(2, 0), CLAIMS);
	UNSOUND(p->claim[1].maker = MAKER_AMD + 1, CLAIMS);
	UNSOUND(p->claim[0].by_rules = true, CLAIMS);
	UNSOUND(p->claim[0].asked = true, CLAIMS);
	UNSOUND(f->apply = (void *)p->rodata, "its apply() is not in the image's text");
	make(p, 'x', 2);
	p->rule[0].asset = f->asset = ASSET_IO;
	f->rules = p->rule;
	f->rule_count = 1;
	f->rule_choice = p->choice;
	p->option[0].set = true;
	p->option[0].initial = 3;
	f->wants = FACILITY(SLAT);
	f->partial = p->summary;
	f->msrs = p->msr;
	f->msr_count = 1;
	f->silent = WHEN(1, 3);
	p->claim[1].refuses = true;
	p->claim[1].reports = WHEN(0, 1);
	f->apply = (void *)&p->text[PAGE_BYTES - 1];
	ck_assert_msg(adds(&p->image), "%s", said);
}
END_TEST

START_TEST(ours_are_sound)
{
	u32 i;

	for (i = 0; i < feature_count(); i++)
		ck_assert_msg(!feature_unsound(feature_get(i), NULL), "%s: %s",
			      feature_get(i)->name, feature_unsound(feature_get(i), NULL));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		features_come_behind_ours,
		native_is_asked_again,
		image_is_laid_out,
		large_image,
		faults_are_fixed_up,
		there_is_an_end,
		images_are_looked_at,
		tables_are_looked_at,
		ours_are_sound,
	};

	return sim_main("plugin", tests, ARRAY_SIZE(tests));
}
