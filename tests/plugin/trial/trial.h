/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRIAL_H
#define TRIAL_H

#include "guest-glue/types.h"

#define TRIAL_WORDS 40

struct trial {
	u64 word[TRIAL_WORDS];
};

/* trial_touch() - in another file of the plug-in */
void trial_touch(struct trial *t);

#endif
