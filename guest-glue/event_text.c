// SPDX-License-Identifier: GPL-2.0-only
/*
 * event_text.c - reports in words, for Linux's side.
 */
#include "event.h"

#include "../features/plan.h"
#include "../vmexit/vmexit.h"

const char *event_feature(const struct event *event)
{
	if (event->feature == EVENT_CORE)
		return "isolation";
	if (event->feature == EVENT_KVM)
		return "kvm";
	return event->feature < feature_count() ? feature_get(event->feature)->name : NULL;
}

static bool is_hidden(const struct event *event)
{
	return event->feature == EVENT_CORE && event->kind == VMEXIT_MEMORY;
}

const char *event_kind(const struct event *event)
{
	if (is_hidden(event))
		return "hidden_write";
	return event->kind < VMEXIT_KINDS ? vmexit_kind_name(event->kind) : "unknown";
}

/* Assets that rules can name are called what rules call them. */
static void print_cr(const struct event *event, struct text *out)
{
	u64 changed = event->old ^ event->value;

	if (event->sel == 0 || event->sel == 4) {
		asset_print(ASSET_CR, event->sel, changed ? changed : ~0ULL, out);
		return;
	}
	text_add(out, "cr");
	text_add_u64(out, event->sel);
}

void event_asset(const struct event *event, struct text *out)
{
	static const char *const stores[] = { "sidt", "sgdt", "sldt", "str" };
	static const char *const loads[] = { "lidt", "lgdt", "lldt", "ltr" };

	switch (event->kind) {
	case VMEXIT_DESC_STORE: text_add(out, stores[event->sel & 3]); break;
	case VMEXIT_DESC_LOAD: text_add(out, loads[event->sel & 3]); break;
	case VMEXIT_CR_READ:
	case VMEXIT_CR_WRITE:
		print_cr(event, out);
		break;
	case VMEXIT_MSR_READ:
	case VMEXIT_MSR_WRITE:
		asset_print(ASSET_MSR, event->sel, ~0ULL, out);
		break;
	case VMEXIT_IO:
		asset_print(ASSET_IO, event->sel, ~0ULL, out);
		break;
	case VMEXIT_EXCEPTION:
		asset_print(ASSET_EXCEPTION, event->sel, ~0ULL, out);
		break;
	case VMEXIT_MEMORY:
		if (is_hidden(event))
			text_add(out, "hidden ");
		if (event->value & MEM_GUESTS)
			text_add(out, "guest's ");
		asset_print(ASSET_MEMORY, event->addr, ~0ULL, out);
		break;
	case VMEXIT_XSETBV:
		text_add(out, "xcr");
		text_add_u64(out, event->sel);
		break;
	default:
		text_add(out, event_kind(event));
	}
}
