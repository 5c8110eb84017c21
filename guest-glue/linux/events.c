// SPDX-License-Identifier: GPL-2.0-only
/*
 * events.c - takes reports out of the processors' rings while something may report, and keeps the
 * latest of them for readers.
 *
 * Nothing here waits for anybody: a ring that fills faster than it is looked at, and a reader that
 * falls behind, lose reports, and are told how many.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "events.h"

#include "trace.h"

#define KEPT 512
#define EACH_SECOND 16
#define SAY_EVERY (10 * HZ)

/**
 * struct ring_reader - how far a processor's ring was read
 * @next: number of the report that comes next
 * @written: reports of earlier rings: each taking of the processors makes new ones
 * @suppressed: the same of those that the rate limit held back
 * @lost: overwritten before they were read
 */
struct ring_reader {
	u64 next;
	u64 written;
	u64 suppressed;
	u64 lost;
};

/* @lock is for all below it; taken for moments only, and inside guard.lock. */
static struct {
	struct mutex lock;
	struct ring_reader *rings;
	struct record *kept;
	u64 count;
	u64 reports;
	bool attached;
	bool following;
	u64 unsaid;
	unsigned long say_next;
	struct delayed_work work;
} events = { .lock = __MUTEX_INITIALIZER(events.lock) };

DECLARE_WAIT_QUEUE_HEAD(events_wait);

/* --- for readers --- */

u64 events_count(void)
{
	return READ_ONCE(events.count);
}

u64 events_end(u64 *reports)
{
	u64 count;

	mutex_lock(&events.lock);
	count = events.count;
	*reports = events.reports;
	mutex_unlock(&events.lock);
	return count;
}

bool events_get(u64 *next, struct record *out)
{
	bool there;

	mutex_lock(&events.lock);
	there = *next < events.count;
	if (there) {
		if (events.count > KEPT)
			*next = max(*next, events.count - KEPT);
		*out = events.kept[*next % KEPT];
	}
	mutex_unlock(&events.lock);
	return there;
}

void events_totals(unsigned int cpu, u64 *written, u64 *suppressed, u64 *lost)
{
	const struct ring_reader *r = &events.rings[cpu];

	mutex_lock(&events.lock);
	*written = r->written;
	*suppressed = r->suppressed;
	*lost = r->lost;
	if (events.attached) {
		*written += READ_ONCE(machine_ring(cpu, NULL)->head);
		*suppressed += READ_ONCE(machine_ring(cpu, NULL)->suppressed);
	}
	mutex_unlock(&events.lock);
}

/* --- out of the rings --- */

static void keep(struct record *record)
{
	record->number = events.reports;
	events.reports += record->lost ?: 1;
	events.kept[events.count % KEPT] = *record;
	WRITE_ONCE(events.count, events.count + 1);
}

/* At most a line in ten seconds, however many there are. */
static void say(const struct event *event)
{
	TEXT(asset, 80);

	if (time_before(jiffies, events.say_next))
		return;
	event_asset(event, &asset);
	pr_notice("reports: %llu, the last: %s by process %u (%*pE), CPL %u: %s; oldguard events "
		  "tells all\n",
		  events.unsaid, asset.at, event->pid,
		  (int)strnlen(event->comm, sizeof(event->comm)), event->comm, event->cpl,
		  action_name(event->action));
	events.unsaid = 0;
	events.say_next = jiffies + SAY_EVERY;
}

static void take_loss(unsigned int cpu, u64 lost)
{
	struct record record = { .ns = ktime_get_ns(), .lost = lost, .event.cpu = cpu };

	if (!lost)
		return;
	events.rings[cpu].lost += lost;
	keep(&record);
}

static void take_event(unsigned int cpu, const struct event *event)
{
	struct record record = { .event = *event };
	u64 now = rdtsc_ordered();
	u64 ago = now > event->time ? now - event->time : 0;
	const char *feature = event_feature(event);
	TEXT(asset, 80);

	/* The ring is ours alone where there is second-level paging, and else as good as anybody's.
	 */
	if (!feature || event->action >= ACTIONS ||
	    event->kind >= VMEXIT_KINDS) {
		take_loss(cpu, 1);
		return;
	}
	record.ns = ktime_get_ns() - mul_u64_u32_div(ago, USEC_PER_SEC, tsc_khz ?: USEC_PER_SEC);
	strscpy(record.feature, feature, sizeof(record.feature));
	keep(&record);
	if (trace_oldguard_event_enabled()) {
		event_asset(event, &asset);
		trace_oldguard_event(event, record.ns, record.feature, asset.at);
	}
	events.unsaid++;
	say(event);
}

/* Returns false if the root side writes there, or has already written over it. */
static bool copy_event(const struct event_ring *ring, u64 number, struct event *out)
{
	const struct event *slot = &ring->events[number % EVENT_RING];
	u64 seq = 2 * number + 2;

	if (smp_load_acquire(&slot->seq) != seq)
		return false;
	*out = *slot;
	smp_rmb();
	return READ_ONCE(slot->seq) == seq;
}

static void drain_ring(unsigned int cpu)
{
	const struct event_ring *ring = machine_ring(cpu, NULL);
	struct ring_reader *r = &events.rings[cpu];
	u64 head = smp_load_acquire(&ring->head);
	struct event event;
	u64 lost = 0;

	if (head - r->next > EVENT_RING) {
		lost = head - EVENT_RING - r->next;
		r->next = head - EVENT_RING;
	}
	for (; r->next != head; r->next++) {
		if (!copy_event(ring, r->next, &event)) {
			lost++;
			continue;
		}
		take_loss(cpu, lost);
		lost = 0;
		take_event(cpu, &event);
	}
	take_loss(cpu, lost);
}

void events_drain(void)
{
	unsigned int cpu;
	u64 before;

	mutex_lock(&events.lock);
	before = events.count;
	if (events.attached)
		for_each_possible_cpu (cpu)
			drain_ring(cpu);
	if (events.count != before)
		wake_up_interruptible_all(&events_wait);
	mutex_unlock(&events.lock);
}

static void poll(struct work_struct *work)
{
	events_drain();
	if (READ_ONCE(events.following))
		schedule_delayed_work(&events.work, HZ / EACH_SECOND ?: 1);
}

void events_kick(void)
{
	schedule_delayed_work(&events.work, 0);
}

/* --- beginning and end --- */

/* Physical address of a per-CPU variable, wherever the allocator has put it. */
static u64 percpu_pa(const void *address)
{
	if (is_vmalloc_addr(address))
		return page_to_phys(vmalloc_to_page(address)) + offset_in_page(address);
	return __pa(address);
}

static struct task_struct **running(unsigned int cpu)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
	return per_cpu_ptr(&pcpu_hot.current_task, cpu);
#else
	return per_cpu_ptr(&current_task, cpu);
#endif
}

void events_request(struct machine_request *request)
{
	unsigned int cpu;

	for_each_possible_cpu (cpu)
		request->current_pa[cpu] = percpu_pa(running(cpu));
	request->linux_side = (struct event_linux){
		.tsc_hz = (tsc_khz ?: USEC_PER_SEC) * 1000ULL,
		.direct_map = PAGE_OFFSET,
		.first_task = (uintptr_t)&init_task,
		.first_task_pa = __pa(&init_task),
		.pid = offsetof(struct task_struct, tgid),
		.tid = offsetof(struct task_struct, pid),
		.comm = offsetof(struct task_struct, comm),
	};
	BUILD_BUG_ON(sizeof_field(struct task_struct, comm) != EVENT_COMM);
}

int events_room(void)
{
	if (!events.kept)
		events.kept = guard_step("allocating room for reports")
				      ? NULL
				      : vzalloc(array_size(KEPT, sizeof(*events.kept)));
	return events.kept ? 0 : -ENOMEM;
}

void events_attach(void)
{
	mutex_lock(&events.lock);
	events.attached = true;
	mutex_unlock(&events.lock);
}

void events_follow(bool on)
{
	WRITE_ONCE(events.following, on);
	cancel_delayed_work_sync(&events.work);
	if (events.kept)
		events_drain();
	if (on)
		schedule_delayed_work(&events.work, 0);
}

void events_detach(void)
{
	unsigned int cpu;

	events_follow(false);
	mutex_lock(&events.lock);
	for_each_possible_cpu (cpu) {
		struct ring_reader *r = &events.rings[cpu];

		r->written += machine_ring(cpu, NULL)->head;
		r->suppressed += machine_ring(cpu, NULL)->suppressed;
		r->next = 0;
	}
	events.attached = false;
	mutex_unlock(&events.lock);
}

int events_init(void)
{
	int error;

	INIT_DELAYED_WORK(&events.work, poll);
	events.say_next = jiffies;
	events.rings = guard_step("allocating the readers of rings")
			       ? NULL
			       : kcalloc(nr_cpu_ids, sizeof(*events.rings), GFP_KERNEL);
	if (!events.rings)
		return -ENOMEM;
	error = events_device_init();
	if (error)
		kfree(events.rings);
	return error;
}

void events_exit(void)
{
	events_device_exit();
	vfree(events.kept);
	kfree(events.rings);
}
