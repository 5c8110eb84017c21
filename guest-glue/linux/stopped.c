// SPDX-License-Identifier: GPL-2.0-only
/*
 * stopped.c - a processor that has stopped below Linux cannot tell anybody; another one does. What it
 * has left behind is said once, as an emergency, and `oldguard status` shows it.
 *
 * A timer on each processor, because any of them may be the one that is left, looks once a second at
 * one word of that processor's own page. Where there is a report that nobody polls for, the same
 * timer sees to it that it is told.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/timer.h>

#include "events.h"

static DEFINE_PER_CPU(struct timer_list, watch);
static DEFINE_PER_CPU(u64, looked_at);

/* Where it is: while the block is built anew (restage.c), machine_ring() does not say. */
static DEFINE_PER_CPU(const struct event_ring *, ring_here);
static struct cpumask told;

/* A copy of a processor's dump, with strings that end; false: there is none. */
static bool get_dump(unsigned int cpu, struct root_dump *out)
{
	const struct root_dump *dump = &machine_ring(cpu, NULL)->dump;

	if (smp_load_acquire(&dump->state) != ROOT_DUMP_THERE)
		return false;
	*out = *dump;
	out->image[sizeof(out->image) - 1] = '\0';
	out->what[sizeof(out->what) - 1] = '\0';
	return true;
}

/* Lines without their ends, told apart by @part. */
#define PARTS 4

static int print_cause(char *line, size_t size, const struct root_dump *d)
{
	int n = scnprintf(line, size, "%*pE", (int)strlen(d->what), d->what);

	if (d->vector == DUMP_NO_VECTOR)
		return n + scnprintf(line + n, size - n, " (0x%llx)", d->value);
	n += scnprintf(line + n, size - n, ": vector %u, error 0x%llx, CR2 0x%llx, RIP 0x%llx",
		       d->vector, d->error, d->cr2, d->rip);
	if (*d->image)
		n += scnprintf(line + n, size - n, ", in %*pE at 0x%llx (%pS)",
			       (int)strlen(d->image), d->image, d->offset, (void *)d->rip);
	return n;
}

static int print_exit(char *line, size_t size, const struct root_dump *d)
{
	return scnprintf(line, size, "while it answered %s 0x%x, address 0x%llx, of the guest at 0x%llx (%pS)",
			 d->exit < VMEXIT_KINDS ? vmexit_kind_name(d->exit) : "an exit that is not known,",
			 d->sel, d->addr, d->guest_rip, (void *)d->guest_rip);
}

static int print_words(char *line, size_t size, const char *name, const u64 *words, u32 count)
{
	int n = scnprintf(line, size, "%s", name);
	u32 i;

	for (i = 0; i < count; i++)
		n += scnprintf(line + n, size - n, " %llx", words[i]);
	return n;
}

static int print_part(char *line, size_t size, const struct root_dump *d, u32 part)
{
	bool fault = d->vector != DUMP_NO_VECTOR;

	switch (part) {
	case 0: return print_cause(line, size, d);
	case 1: return print_exit(line, size, d);
	case 2: return fault ? print_words(line, size, "registers from RAX on:", d->gpr, GPRS) : 0;
	default: return fault ? print_words(line, size, "stack:", d->stack, DUMP_STACK) : 0;
	}
}

static void tell(unsigned int cpu, const struct root_dump *d)
{
	char line[400];
	u32 part;

	for (part = 0; part < PARTS; part++)
		if (print_part(line, sizeof(line), d, part))
			pr_emerg("CPU %u has stopped below Linux: %s\n", cpu, line);
}

static void tell_all(void)
{
	struct root_dump dump;
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (get_dump(cpu, &dump) && !cpumask_test_and_set_cpu(cpu, &told))
			tell(cpu, &dump);
}

/* Anything in the ring that was not there when we looked last. */
static void look(struct timer_list *timer)
{
	const struct event_ring *ring = __this_cpu_read(ring_here);
	u64 head = READ_ONCE(ring->head);

	if (READ_ONCE(ring->stopped))
		tell_all();
	if (head != __this_cpu_read(looked_at)) {
		__this_cpu_write(looked_at, head);
		events_kick();
	}
	mod_timer(timer, round_jiffies(jiffies + HZ));
}

void stopped_watch(void)
{
	struct timer_list *timer = this_cpu_ptr(&watch);

	__this_cpu_write(looked_at, 0);
	__this_cpu_write(ring_here, machine_ring(smp_processor_id(), NULL));
	timer_setup(timer, look, TIMER_PINNED);
	mod_timer(timer, round_jiffies(jiffies + HZ));
}

void stopped_unwatch(unsigned int cpu)
{
	timer_delete_sync(per_cpu_ptr(&watch, cpu));
}

bool stopped_any(void)
{
	return READ_ONCE(machine_ring(0, NULL)->stopped);
}

void stopped_show(struct seq_file *s)
{
	/* Too large for the stack; guard.lock is held. */
	static struct root_dump dump;
	/* Everybody may read the status; addresses are for those who may read the log. */
	bool all = file_ns_capable(s->file, &init_user_ns, CAP_SYSLOG);
	char line[400];
	unsigned int cpu;
	u32 part;

	tell_all();
	for_each_possible_cpu(cpu) {
		if (!get_dump(cpu, &dump))
			continue;
		seq_printf(s, "stopped\t%u\t", cpu);
		if (!all)
			seq_printf(s, "%*pE", (int)strlen(dump.what), dump.what);
		for (part = 0; all && part < PARTS; part++)
			if (print_part(line, sizeof(line), &dump, part))
				seq_printf(s, "%s%s", part ? "; " : "", line);
		seq_putc(s, '\n');
	}
}
