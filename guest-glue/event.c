// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - the root side's end of the reports: rate limit, who was running, the ring.
 */
#include "event.h"

#include "../vmexit/insn.h"
#include "machine.h"
#include "string.h"

static_assert(EVENT_FEATURES >= FEATURES_MAX, "a feature without a rate limit");

/* So many may come at once after a quiet second; more would only push each other out of the ring.
 */
#define BURST_MAX 16

/*
 * A token bucket, kept as the time when the tokens taken so far would have been earned: a report
 * passes if that is not further ahead than the bucket is deep.
 */
static bool passes(struct event_bucket *b, u64 now, u32 rate, u64 hz)
{
	u64 interval, ahead;
	u32 burst;

	if (!rate)
		return false;
	interval = hz / rate;
	burst = rate < BURST_MAX ? rate : BURST_MAX;
	ahead = b->due > now ? b->due - now : 0;
	/* Further than it can be: the TSC was set back while this processor slept. */
	if (ahead > interval * burst)
		ahead = 0;
	if (ahead > interval * (burst - 1))
		return false;
	b->due = now + ahead + interval;
	return true;
}

/* Reads guest-physical memory across pages. */
static bool peek(u64 gpa, void *dst, u32 len)
{
	u32 first = PAGE_BYTES - gpa % PAGE_BYTES;

	if (first > len)
		first = len;
	return phys_read(gpa, dst, first) &&
	       (first == len || phys_read(gpa + first, (char *)dst + first, len - first));
}

/* By physical address: a program's page tables may lack what the kernel's have (KPTI). */
static bool task_place(const struct machine *m, u64 task, u64 *pa)
{
	if (task - m->linux_side.direct_map < m->phys_end) {
		*pa = task - m->linux_side.direct_map;
		return true;
	}
	*pa = m->linux_side.first_task_pa;
	return task == m->linux_side.first_task;
}

static void read_task(struct vcpu *v, struct event *event)
{
	const struct event_linux *l = &v->machine->linux_side;
	char comm[EVENT_COMM];
	u32 pid, tid;
	u64 task, pa;

	if (!v->current_pa || !peek(v->current_pa, &task, sizeof(task)) ||
	    !task_place(v->machine, task, &pa) || !peek(pa + l->pid, &pid, sizeof(pid)) ||
	    !peek(pa + l->tid, &tid, sizeof(tid)) || !peek(pa + l->comm, comm, sizeof(comm)))
		return;
	event->pid = pid;
	event->tid = tid;
	memcpy(event->comm, comm, sizeof(comm));
}

static void read_insn(struct vcpu *v, const struct vmexit *e, struct event *event)
{
	struct guest_fault fault;
	struct guest_mem mem;
	struct insn insn;
	u8 bytes[EVENT_BYTES];
	u32 got = 0;

	insn_memory(v, &mem);
	event->mode = guest_code_mode(&mem);
	if (guest_fetch(&mem, event->rip, bytes, &got, &fault) != WALK_OK)
		return;
	if (e->len && e->len <= got)
		event->len = e->len;
	else
		event->len = decode(v->decoder, event->mode, bytes, got, &insn) ? got : insn.length;
	memcpy(event->bytes, bytes, event->len);
}

/* The reader sees an odd number, or one that has changed meanwhile, or all of the report. */
static void put(struct event_ring *ring, const struct event *event)
{
	struct event *slot = &ring->events[ring->head % EVENT_RING];

	__atomic_store_n(&slot->seq, 2 * ring->head + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy((char *)slot + sizeof(slot->seq), (const char *)event + sizeof(slot->seq),
	       sizeof(*event) - sizeof(slot->seq));
	__atomic_store_n(&slot->seq, 2 * ring->head + 2, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
}

void event_report(struct vcpu *v, const struct vmexit *e, const struct event_reason *why)
{
	struct event_bucket *bucket = why->rule < EVENT_RULES ? &v->buckets->rule[why->rule]
							      : &v->buckets->feature[e->feature];
	struct event event = {
		.time = cpu_rdtsc(),
		.addr = e->addr,
		.value = e->value,
		.old = why->old,
		.cpu = v->id,
		.sel = e->sel,
		.rule = why->rule,
		.kind = e->kind,
		.feature = e->feature,
		.action = why->action,
		.cpl = e->cpl,
	};

	if (!passes(bucket, event.time, why->rate, v->machine->linux_side.tsc_hz)) {
		bucket->suppressed++;
		v->ring->suppressed++;
		return;
	}
	event.suppressed = bucket->suppressed;
	bucket->suppressed = 0;
	event.rip = vcpu_get(v, VCPU_RIP);
	read_task(v, &event);
	read_insn(v, e, &event);
	put(v->ring, &event);
}

void event_refused(struct vcpu *v, const struct vmexit *e)
{
	static const struct event_reason why = {
		.action = ACTION_DENY,
		.rule = EVENT_NO_RULE,
		.rate = EVENT_RATE_USUAL,
	};
	struct vmexit refused = *e;

	refused.feature = EVENT_CORE;
	v->refused++;
	event_report(v, &refused, &why);
}

void event_forget(struct vcpu *v)
{
	memset(v->buckets, 0, sizeof(*v->buckets));
}
