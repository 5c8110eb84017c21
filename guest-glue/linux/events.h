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
 * @ns: time of CLOCK_MONOTONIC
 * @lost: so many reports of processor event.cpu were overwritten before they were read; 0: it is a
 *	report, @event
 * @event: the report
 */
struct record {
	u64 ns;
	u64 lost;
	struct event event;
};

/**
 * events_get() - the record with a number, or the oldest after it that is still kept
 * @next: its number; gets the number of what was found
 * @out: the record
 *
 * Return: false if there is none yet.
 */
bool events_get(u64 *next, struct record *out);

/* events_count() - how many there were so far: the number that the next one will have. */
u64 events_count(void);

/* events_wait - woken when there are more */
extern wait_queue_head_t events_wait;

/* events_device.c */
int events_device_init(void);
void events_device_exit(void);

#endif
