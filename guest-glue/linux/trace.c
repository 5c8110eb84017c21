// SPDX-License-Identifier: GPL-2.0-only
/*
 * trace.c - the tracepoint's own code, which Linux's headers make here. Apart, because with it they
 * bring names that ours have, too.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
