/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdint.h>
#define PRIu64 "lu"
#define PRIx64 "lx"
