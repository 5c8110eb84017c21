/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold in a fuzzer: where it does not, the condition is named and the run ends. */
#ifndef OLDGUARD_FUZZ_REQUIRE_H
#define OLDGUARD_FUZZ_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
