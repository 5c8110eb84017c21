/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events.h - reports on Linux's side: events.c takes them out of the rings and keeps the latest,
 * events_device.c gives them to whoever reads.
 */
#ifndef OLDGUARD_LINUX_EVENTS_H
#define OLDGUARD_LINUX_EVENTS_H

#include <linux/wait.h>

#include "glue.h"

/**
 * struct record - something that readers are told
 * @number: how many reports came before it, those that were lost counted, too
 * @ns: time of CLOCK_MONOTONIC
 * @lost: so many reports of processor event.cpu were overwritten before they were read; 0: it is a
 *	report, @event
 * @event: the report
 * @feature: the name of the feature that made it: a plug-in's may be gone when it is read
 */
struct record {
	u64 number;
	u64 ns;
	u64 lost;
	struct event event;
	char feature[17];
};

/**
 * events_get() - a record, or the oldest after it that is still kept
 * @next: which, as events_count() counts; gets which was found
 * @out: the record
 *
 * Return: false if there is none yet.
 */
bool events_get(u64 *next, struct record *out);

/* events_drain() - take what the rings hold now. */
void events_drain(void);

/* events_count() - how many records there were so far. */
u64 events_count(void);

/* events_end() - the same, and how many reports those were. */
u64 events_end(u64 *reports);

/* events_wait - woken when there are more */
extern wait_queue_head_t events_wait;

/* events_device.c */
int events_device_init(void);
void events_device_exit(void);

#endif
