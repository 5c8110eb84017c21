/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event.h - reports: what the root side tells Linux's side of what features and rules have seen.
 *
 * Each processor has one page for them, a ring that the root side writes and the guest can only
 * read: with second-level tables a write of the guest's is a write to hidden memory. Nobody ever
 * waits for the reader. What it comes too late for it knows by the numbers, and what the rate limit
 * held back is counted on the same page: executions are reports written plus reports suppressed.
 */
#ifndef OLDGUARD_EVENT_H
#define OLDGUARD_EVENT_H

#include "../features/rule.h"
#include "dump.h"
#include "types.h"

struct text;
struct vcpu;
struct vmexit;

#define EVENT_BYTES 15 /* the longest instruction */
#define EVENT_COMM 16
#define EVENT_NO_RULE 0xffff

/**
 * struct event - one report
 * @seq: 2n + 1 while the n-th report of this ring, counted from 0, is written here, then 2n + 2
 * @time: TSC
 * @rip: the guest's instruction pointer
 * @addr: struct vmexit.addr
 * @value: struct vmexit.value: what is written
 * @old: what is there, where that is known
 * @suppressed: earlier reports of the same rule (or feature) here that the rate limit held back
 *	since the last one that it let pass
 * @cpu: Linux's number of the processor
 * @pid: the running process (Linux's thread group id)
 * @tid: its thread
 * @sel: struct vmexit.sel
 * @rule: index of the rule, or EVENT_NO_RULE
 * @kind: enum vmexit_kind
 * @feature: index of the feature, EVENT_CORE or EVENT_KVM
 * @action: enum action
 * @cpl: privilege level
 * @mode: how the code is decoded: 16, 32, 64
 * @len: bytes of the instruction; 0: they could not be read
 * @bytes: the instruction; all that could be read if nobody knows its length
 * @comm: the thread's name as Linux has it, perhaps without a NUL at its end; empty: unknown, and
 *	then pid and tid mean nothing
 */
struct event {
	u64 seq;
	u64 time;
	u64 rip;
	u64 addr;
	u64 value;
	u64 old;
	u64 suppressed;
	u32 cpu;
	u32 pid;
	u32 tid;
	u32 sel;
	u16 rule;
	u8 kind;
	u8 feature;
	u8 action;
	u8 cpl;
	u8 mode;
	u8 len;
	u8 bytes[EVENT_BYTES + 1];
	char comm[EVENT_COMM];
	u64 reserved[2];
};
static_assert(sizeof(struct event) == 128, "Linux's side and the root side count in these");

#define EVENT_RING 27 /* and the rest of struct event_ring: one page */

/**
 * struct event_ring - one processor's page
 * @head: reports written so far; the n-th is at n % EVENT_RING
 * @suppressed: reports held back so far
 * @stopped: some processor, perhaps this one, has stopped below Linux: look for its dump
 * @guests_cr4: bits of CR4 that only we make, and that guests of a hypervisor in the guest have been run with here
 *	since that took this processor
 * @events: the reports
 * @dump: why this one has stopped
 */
struct event_ring {
	u64 head;
	u64 suppressed;
	u64 stopped;
	u64 guests_cr4;
	u64 reserved[12];
	struct event events[EVENT_RING];
	struct root_dump dump;
};
static_assert(sizeof(struct event_ring) == PAGE_BYTES, "a ring is a page");

/**
 * struct event_linux - where Linux keeps who is running; it tells at load
 * @tsc_hz: ticks of the TSC in a second, not 0
 * @direct_map: linear address at which Linux maps physical memory from 0 on: where tasks are
 * @first_task: the one task that is in the kernel's image and not there
 * @first_task_pa: its physical address
 * @pid: offsets into a task: of the thread group id,
 * @tid: of the thread's id,
 * @comm: and of its name, EVENT_COMM bytes
 */
struct event_linux {
	u64 tsc_hz;
	u64 direct_map;
	u64 first_task;
	u64 first_task_pa;
	u32 pid;
	u32 tid;
	u32 comm;
};

/*
 * The rate limit's memory: a bucket for each rule, as far as they go, and one for each feature for
 * what it reports by itself and for the rules beyond. Private to the root side.
 */
#define EVENT_RULES RULES_MAX
#define EVENT_FEATURES 16

/* In the place of a feature: nobody's rule, but what the root side itself does not let happen to it. */
#define EVENT_CORE EVENT_FEATURES
/* And a processor that goes to somebody else: aside.h. */
#define EVENT_KVM (EVENT_FEATURES + 1)

/**
 * struct event_bucket - one rate limit
 * @due: TSC at which the last report that was let pass would be due, if they came evenly
 * @suppressed: held back since then
 */
struct event_bucket {
	u64 due;
	u64 suppressed;
};

struct event_buckets {
	struct event_bucket rule[EVENT_RULES];
	struct event_bucket feature[EVENT_FEATURES + 2]; /* and EVENT_CORE's, EVENT_KVM's */
};

/**
 * struct event_reason - why something is reported
 * @action: enum action: what is done about it
 * @rule: index of the rule, EVENT_NO_RULE if it is the feature's own doing
 * @rate: reports a second that this rule, or feature, may make on each processor; 0: none, they are
 *	counted only
 * @old: what the write would replace, where that is known
 */
struct event_reason {
	u8 action;
	u16 rule;
	u32 rate;
	u64 old;
};

#define EVENT_RATE_MAX 1000000
#define EVENT_RATE_USUAL 10

/**
 * event_report() - report an exit
 * @v: the processor
 * @e: the exit, as a handler gets it; its len is used if it is known
 * @why: what to say of it
 *
 * For handlers. Changes nothing of the guest and cannot fail: what cannot be read stays empty.
 */
void event_report(struct vcpu *v, const struct vmexit *e, const struct event_reason *why);

/**
 * event_refused() - count and report what would have undone the root side, and was refused
 * @v: the processor
 * @e: the exit
 *
 * At most EVENT_RATE_USUAL reports a second and processor, as for rules; all are counted.
 */
void event_refused(struct vcpu *v, const struct vmexit *e);

/**
 * event_feature() - who has made a report: the feature's name, "isolation" or "kvm"
 * @event: the report
 *
 * Return: NULL if there is nobody of that number.
 */
const char *event_feature(const struct event *event);

/* event_kind() - the kind of exit in words, "hidden_write" for a write to hidden memory */
const char *event_kind(const struct event *event);

/**
 * event_asset() - what was touched, in the words of rules, where they have one: cr4.smep, msr:lstar, sidt
 * @event: the report
 * @out: where to
 */
void event_asset(const struct event *event, struct text *out);

/* event_forget() - all rate limits of a processor start anew: rules have other numbers now. */
void event_forget(struct vcpu *v);

#endif
