/* SPDX-License-Identifier: GPL-2.0-only */
#define INT_MAX __INT_MAX__
#define INT_MIN (-INT_MAX - 1)
#define UINT_MAX (INT_MAX * 2U + 1U)
#define LONG_MIN (-__LONG_MAX__ - 1L)
