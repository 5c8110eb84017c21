// SPDX-License-Identifier: GPL-2.0-only
/*
 * status.c - /dev/oldguard: the report that `oldguard status` reads. One line a fact, fields
 * between tabs; a reader skips lines that it does not know.
 */
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "glue.h"

/* The processors that are online and not held, though something is on; under guard.lock. */
static struct cpumask missing_cpus;

static unsigned int not_held(void)
{
	unsigned int cpu;

	cpumask_clear(&missing_cpus);
	for_each_online_cpu(cpu)
		if (guard.active && cpus_hold(cpu) != CPU_HELD)
			cpumask_set_cpu(cpu, &missing_cpus);
	return cpumask_weight(&missing_cpus);
}

/* What is on is not in force there. */
static const char *lapse(const char *state, struct text *note)
{
	unsigned int count = not_held();
	char list[64];

	if (!count)
		return state;
	scnprintf(list, sizeof(list), "%*pbl", cpumask_pr_args(&missing_cpus));
	text_add(note, note->length ? ", " : "");
	text_add(note, "not on CPU ");
	text_add(note, list);
	return count == num_online_cpus() ? "lapsed" : "partial";
}

static void show_feature(struct seq_file *s, u32 i)
{
	const struct feature *f = feature_get(i);
	const struct plan *plan = &guard.plan;
	u32 missing = f->needs & ~(machine.virt ? machine.caps.facilities : 0);
	const char *state = "off";
	TEXT(options, 128);
	TEXT(note, 128);
	char *words;

	if (plan->on & 1u << i) {
		state = plan->partial & 1u << i ? "partial" : "on";
		features_print(&plan->wish, 1u << i, &options);
	} else if (feature_native(i)) {
		state = "native";
		text_add(&note, "the processor has it");
	} else if (!machine.virt || missing) {
		state = "unavailable";
		text_add(&note, "this processor lacks ");
		if (machine.virt)
			facility_names(missing, &note);
		else
			text_add(&note, "SVM or VMX");
	}
	if (!note.length && f->wants & ~machine.caps.facilities)
		text_add(&note, f->partial);
	if (plan->discreet & 1u << i)
		text_add(&note, ": not advertised");
	if (plan->on & 1u << i)
		state = lapse(state, &note);
	words = strchr(options.at, ':');
	seq_printf(s, "feature\t%s\t%s\t%s\t%s\t%s\n", f->name, state, words ? words + 1 : "",
		   f->summary, note.at);
}

static void show_rules(struct seq_file *s)
{
	u32 i;

	for (i = 0; i < guard.plan.rule_count; i++) {
		TEXT(rule, 160);

		rule_print(&guard.plan.rules[i], &rule);
		seq_printf(s, "rule\t%u\t%s\t%s\n", i, rule.at,
			   i < guard.plan.policy_count ? "policy" : "feature");
	}
}

static void show_counts(struct seq_file *s, unsigned int cpu, struct vcpu_counts *counts)
{
	u64 result;
	u32 i;

	if (!cpus_call(HYPERCALL_COUNTS, cpu, __pa(counts), &result) || result != HYPERCALL_OK)
		return;
	for (i = 0; i < VMEXIT_KINDS; i++)
		if (counts->exits[i])
			seq_printf(s, "exits\t%u\t%s\t%llu\n", cpu, vmexit_kind_name(i),
				   counts->exits[i]);
	for (i = 0; i < feature_count(); i++)
		if (counts->handled[i])
			seq_printf(s, "handled\t%u\t%s\t%llu\n", cpu, feature_get(i)->name,
				   counts->handled[i]);
	if (counts->refused)
		seq_printf(s, "handled\t%u\tisolation\t%llu\n", cpu, counts->refused);
}

static void show_reports(struct seq_file *s, unsigned int cpu)
{
	u64 written, suppressed, lost;

	events_totals(cpu, &written, &suppressed, &lost);
	if (!written && !suppressed)
		return;
	seq_printf(s, "reports\t%u\twritten\t%llu\n", cpu, written);
	seq_printf(s, "reports\t%u\tsuppressed\t%llu\n", cpu, suppressed);
	seq_printf(s, "reports\t%u\tlost\t%llu\n", cpu, lost);
}

static void show_processors(struct seq_file *s, struct vcpu_counts *counts)
{
	static const char *const states[] = {
		[CPU_BARE] = "bare", [CPU_HELD] = "guest", [CPU_ASIDE] = "aside", [CPU_NATIVE] = "native",
	};
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		seq_printf(s, "cpu\t%u\t%s\n", cpu,
			   cpu_online(cpu) ? states[cpus_hold(cpu)] : "offline");
	if (guard.active)
		for_each_possible_cpu(cpu)
			show_counts(s, cpu, counts);
	for_each_possible_cpu(cpu)
		show_reports(s, cpu);
}

static void show_carrier(struct seq_file *s)
{
	bool busy, usable = false;
	TEXT(why, 160);

	if (!machine.virt)
		text_add(&why, "this processor has neither SVM nor VMX");
	else if (!guard.active)
		usable = machine_usable(&busy, &why);
	seq_printf(s, "backend\t%s\n", machine.virt ? machine.virt->name : "none");
	seq_printf(s, "kvm\t%s\n", kvm_mode_name(machine.kvm));
	if (why.length && !usable)
		seq_printf(s, "reason\t%s\n", why.at);
	seq_printf(s, "slat\t%s\n", machine.virt && machine.caps.slat ? machine.caps.slat : "none");
	if (!guard.active)
		return;
	if (!machine.caps.slat)
		seq_puts(s, "isolation\toff\tno second-level paging\n");
	else if (not_held())
		seq_printf(s, "isolation\toff\tCPU %*pbl can reach all memory\n",
			   cpumask_pr_args(&missing_cpus));
	else
		seq_puts(s, "isolation\ton\n");
	seq_printf(s, "leaf\t0x%x\n", machine.hypervisor_leaf);
}

static int status_show(struct seq_file *s, void *unused)
{
	/* Inside one page, as the root side wants it. A report without them would say that there were none. */
	struct vcpu_counts *counts = guard_step("allocating room for counts")
					     ? NULL
					     : (void *)get_zeroed_page(GFP_KERNEL);
	u64 seals;
	u32 i;

	if (!counts)
		return -ENOMEM;
	mutex_lock(&guard.lock);
	seq_puts(s, "abi\t1\n");
	seq_printf(s, "version\t%s\n", OLDGUARD_VERSION);
	seq_printf(s, "state\t%s\n",
		   !guard.active ? "idle" : stopped_any() ? "stopped" : "active");
	seq_printf(s, "locked\t%d\n", guard.locked);
	show_carrier(s);
	seq_printf(s, "memory\t%llu\n", guard.block.pieces * PIECE_BYTES);
	if (guard.error[0])
		seq_printf(s, "error\t%s\n", guard.error);
	if (guard.active)
		stopped_show(s);
	for (i = 0; i < feature_count(); i++)
		show_feature(s, i);
	if (guard.active && cpus_call(HYPERCALL_SEALS, 0, 0, &seals))
		seq_printf(s, "seals\t%llu\n", seals);
	show_rules(s);
	show_processors(s, counts);
	mutex_unlock(&guard.lock);
	free_page((unsigned long)counts);
	return 0;
}

static int status_open(struct inode *inode, struct file *file)
{
	/* The misc layer has put its own pointer there, which seq_file would complain about. */
	file->private_data = NULL;
	return guard_step("opening the device") ? -ENOMEM : single_open(file, status_show, NULL);
}

static const struct file_operations status_operations = {
	.owner = THIS_MODULE,
	.open = status_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "oldguard",
	.fops = &status_operations,
	.mode = 0444,
};

int status_init(void)
{
	return guard_step("registering the device") ? -ENOMEM : misc_register(&device);
}

void status_exit(void)
{
	misc_deregister(&device);
}
