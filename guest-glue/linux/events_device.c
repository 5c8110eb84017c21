// SPDX-License-Identifier: GPL-2.0-only
/*
 * events_device.c - /dev/oldguard-events: reports as text, a line each, fields between tabs. A
 * reader gets what is kept, then waits for more; SEEK_END skips what is there. Readers do not
 * take anything away from each other. It shows kernel addresses: root's alone.
 *
 *	event	number ns cpu pid tid comm cpl rip symbol feature rule kind sel asset addr value old
 *		action mode bytes suppressed
 *	lost	number ns cpu count	(cpu "-": by this reader, which was too slow)
 */
#include <linux/miscdevice.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "events.h"

#define LINE_MAX 768

/**
 * struct reader - an open file
 * @lock: one read at a time
 * @next: which record comes next
 * @seen: which report comes next
 * @line: room
 */
struct reader {
	struct mutex lock;
	u64 next;
	u64 seen;
	char line[LINE_MAX];
};

static size_t print_event(char *line, const struct record *record)
{
	const struct event *e = &record->event;
	int comm = strnlen(e->comm, sizeof(e->comm));
	char symbol[160] = "", rule[8] = "-";
	TEXT(asset, 80);

	/* What programs jump to says nothing of the kernel. */
	if (!e->cpl && (long)e->rip < 0)
		scnprintf(symbol, sizeof(symbol), "%pS", (void *)e->rip);
	if (e->rule != EVENT_NO_RULE)
		scnprintf(rule, sizeof(rule), "%u", e->rule);
	event_asset(e, &asset);
	return scnprintf(line, LINE_MAX,
			 "event\t%llu\t%llu\t%u\t%u\t%u\t%*pE\t%u\t0x%llx\t%s\t%s\t%s\t%s\t%u\t%"
			 "s\t0x%llx\t0x%llx\t0x%llx\t%s\t%u\t%*phN\t%llu\n",
			 record->number, record->ns, e->cpu, e->pid, e->tid, comm, e->comm, e->cpl,
			 e->rip, symbol, record->feature, rule,
			 event_kind(e), e->sel, asset.at, e->addr, e->value, e->old,
			 action_name(e->action), e->mode, min_t(int, e->len, EVENT_BYTES), e->bytes,
			 e->suppressed);
}

/* The next line for this reader, and where it stands after that. 0: nothing more. */
static size_t next_line(struct reader *reader, u64 *next, u64 *seen)
{
	struct record record;

	*next = reader->next;
	if (!events_get(next, &record))
		return 0;
	if (record.number != reader->seen) {
		*seen = record.number;
		return scnprintf(reader->line, LINE_MAX, "lost\t%llu\t%llu\t-\t%llu\n",
				 reader->seen, record.ns, record.number - reader->seen);
	}
	++*next;
	*seen = record.number + (record.lost ?: 1);
	if (record.lost)
		return scnprintf(reader->line, LINE_MAX, "lost\t%llu\t%llu\t%u\t%llu\n",
				 record.number, record.ns, record.event.cpu, record.lost);
	return print_event(reader->line, &record);
}

/* Whole lines only. */
static ssize_t read_lines(struct reader *reader, char __user *buffer, size_t size)
{
	size_t length, done = 0;
	u64 next = 0, seen = 0;

	while ((length = next_line(reader, &next, &seen))) {
		if (length > size - done)
			return done ?: -EINVAL;
		if (copy_to_user(buffer + done, reader->line, length))
			return done ?: -EFAULT;
		done += length;
		reader->next = next;
		reader->seen = seen;
	}
	return done;
}

static ssize_t device_read(struct file *file, char __user *buffer, size_t size, loff_t *unused)
{
	struct reader *reader = file->private_data;
	ssize_t done;

	do {
		if (mutex_lock_interruptible(&reader->lock))
			return -ERESTARTSYS;
		done = read_lines(reader, buffer, size);
		mutex_unlock(&reader->lock);
		if (done)
			return done;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		done = wait_event_interruptible(events_wait,
						READ_ONCE(reader->next) < events_count());
	} while (!done);
	return done;
}

static __poll_t device_poll(struct file *file, poll_table *table)
{
	struct reader *reader = file->private_data;

	poll_wait(file, &events_wait, table);
	return READ_ONCE(reader->next) < events_count() ? EPOLLIN | EPOLLRDNORM : 0;
}

static loff_t device_seek(struct file *file, loff_t offset, int whence)
{
	struct reader *reader = file->private_data;

	if (offset || (whence != SEEK_SET && whence != SEEK_END))
		return -EINVAL;
	mutex_lock(&reader->lock);
	reader->next = reader->seen = 0;
	if (whence == SEEK_END)
		reader->next = events_end(&reader->seen);
	mutex_unlock(&reader->lock);
	return 0;
}

static int device_open(struct inode *inode, struct file *file)
{
	struct reader *reader = guard_step("allocating a reader")
					? NULL
					: kzalloc(sizeof(*reader), GFP_KERNEL);

	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->lock);
	file->private_data = reader;
	/* Who opens it finds what has been reported before, and need not wait for the next poll. */
	events_drain();
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = device_open,
	.read = device_read,
	.poll = device_poll,
	.llseek = device_seek,
	.release = device_release,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "oldguard-events",
	.fops = &device_operations,
	.mode = 0400,
};

int events_device_init(void)
{
	return guard_step("registering the device of reports") ? -ENOMEM : misc_register(&device);
}

void events_device_exit(void)
{
	misc_deregister(&device);
}
