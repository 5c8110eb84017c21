// SPDX-License-Identifier: GPL-2.0-only
/*
 * quiet.c - a feature that does nothing. With it alone oldguard holds the machine and nothing else,
 * which a program must not be able to tell from the bare machine. tests/conformance/run builds it
 * in.
 */
#include "../../features/feature.h"

static const struct feature quiet = {
	.name = "quiet",
	.summary = "nothing at all, for conformance tests",
};
FEATURE(quiet);
