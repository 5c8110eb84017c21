// SPDX-License-Identifier: GPL-2.0-only
/* Shows what `oldguard probe` found out, to programs and to people. */
#include <stdlib.h>
#include <string.h>
#include "command.h"
#include "probe.h"
#include "table.h"

static json_t *hex(unsigned long long value)
{
	return json_sprintf("0x%llx", value);
}

static void put_stored(json_t *object, const struct probe_result *r)
{
	if (r->form->insn == PROBE_SGDT || r->form->insn == PROBE_SIDT) {
		json_object_set_new(object, "base", hex(probe_base(r)));
		json_object_set_new(object, "limit", hex(probe_limit(r)));
	} else {
		json_object_set_new(object, "value", hex(probe_value(r)));
	}
	json_object_set_new(object, "bytes", json_integer(r->written));
	json_object_set_new(object, "dummy", json_boolean(r->dummy));
}

static void put_signal(json_t *object, const struct probe_result *r)
{
	const char *exception = probe_exception(r->trap);

	if (r->signal)
		json_object_set_new(object, "signal",
				    json_sprintf("SIG%s", sigabbrev_np(r->signal) ?: "?"));
	if (r->kind == PROBE_DIED)
		return;
	json_object_set_new(object, "code", json_integer(r->signal_code));
	json_object_set_new(object, "trapno", json_integer(r->trap));
	json_object_set_new(object, "exception", exception ? json_string(exception) : json_null());
	json_object_set_new(object, "error", json_integer((json_int_t)r->error));
}

static json_t *result_json(const struct probe_result *r)
{
	static const char *const outcome[] = {
		[PROBE_STORED] = "stored",
		[PROBE_FAULT] = "fault",
		[PROBE_ELSEWHERE] = "not reached",
		[PROBE_DIED] = "died",
	};
	char *words = probe_text(r);
	json_t *object = json_pack("{s:s, s:s, s:i, s:s, s:s}",
				   "insn", probe_insn_name[r->form->insn],
				   "form", r->form->form,
				   "bits", r->form->bits,
				   "outcome", outcome[r->kind],
				   "text", words);

	free(words);
	if (r->kind == PROBE_STORED)
		put_stored(object, r);
	else
		put_signal(object, r);
	return object;
}

static json_t *machine_json(const struct probe_machine *m)
{
	json_t *leaves = json_array();
	json_t *object = json_pack("{s:s, s:s, s:i, s:i, s:i, s:s, s:I, s:b, s:b, s:b}",
				   "name", m->name,
				   "vendor", m->vendor,
				   "family", m->family,
				   "model", m->model,
				   "stepping", m->stepping,
				   "kernel", m->kernel,
				   "max_leaf", (json_int_t)m->max_leaf,
				   "leaf7", m->max_leaf >= 7,
				   "umip", m->umip,
				   "hypervisor", m->hypervisor);

	for (unsigned int i = 0; i < m->nr_leaves; i++)
		json_array_append_new(leaves, json_pack("{s:o, s:o, s:s}",
							"leaf", hex(m->leaves[i].base),
							"max", hex(m->leaves[i].max),
							"signature", m->leaves[i].signature));
	json_object_set_new(object, "hypervisor_leaves", leaves);
	json_object_set_new(object, "cpuinfo",
			    json_pack("{s:i, s:i}", "umip", m->umip_cpus, "cpus", m->cpus));
	return object;
}

static json_t *results_json(const struct probe_answers *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->nr; i++)
		json_array_append_new(list, result_json(&a->results[i]));
	return list;
}

/* Those that differ are given whole, the others are only counted. */
static json_t *comparison_json(const struct probe_comparison *c, bool by_cpu)
{
	json_t *list = json_array();
	bool same = true;

	for (size_t i = 0; i < c->nr; i++) {
		const struct probe_answers *a = &c->answers[i];

		same &= c->same[i];
		if (c->same[i])
			continue;
		json_array_append_new(list, json_pack("{s:i, s:o, s:o}",
						      by_cpu ? "cpu" : "uid",
						      by_cpu ? a->cpu : a->uid,
						      "machine", machine_json(&a->machine),
						      "instructions", results_json(a)));
	}
	return json_pack("{s:b, s:I, s:o}",
			 "same", same,
			 "compared", (json_int_t)c->nr,
			 "different", list);
}

json_t *probe_json(const struct probe_answers *a, const struct probe_comparison *users,
		   const struct probe_comparison *cpus)
{
	json_t *object = json_pack("{s:o, s:i, s:i, s:o}",
				   "machine", machine_json(&a->machine),
				   "cpu", a->cpu,
				   "uid", a->uid,
				   "instructions", results_json(a));

	if (users->nr)
		json_object_set_new(object, "unprivileged", comparison_json(users, false));
	if (cpus->nr)
		json_object_set_new(object, "other_cpus", comparison_json(cpus, true));
	return object;
}

static void print_machine(const struct probe_machine *m)
{
	printf("processor      %s (%s, family %u model %u stepping %u)\n", m->name, m->vendor,
	       m->family, m->model, m->stepping);
	printf("kernel         %s\n", m->kernel);
	printf("CPUID          highest leaf %u; ", m->max_leaf);
	if (m->max_leaf >= 7)
		printf("leaf 7 ECX.UMIP %d\n", m->umip);
	else
		printf("no leaf 7, so no UMIP bit\n");
	printf("hypervisor     bit %s", m->hypervisor ? "set" : "clear");
	for (unsigned int i = 0; i < m->nr_leaves; i++)
		printf("; 0x%x \"%s\"", m->leaves[i].base, m->leaves[i].signature);
	printf("\n/proc/cpuinfo  umip on %u of %u CPUs\n", m->umip_cpus, m->cpus);
}

static void result_cell(struct table *t, const struct probe_result *r)
{
	char *words;

	if (!r) {
		table_cell(t, "%s", "");
		return;
	}
	words = probe_text(r);
	if (r->kind != PROBE_STORED || !r->written)
		table_cell(t, "%s", words);
	else
		table_cell(t, "%s %s", r->dummy ? "dummy value" : "stores", words);
	free(words);
}

static const struct probe_result *same_encoding(const struct probe_answers *a,
						const struct probe_result *like, unsigned int bits)
{
	for (size_t i = 0; i < a->nr; i++)
		if (a->results[i].form->bits == bits &&
		    a->results[i].form->insn == like->form->insn &&
		    !strcmp(a->results[i].form->form, like->form->form))
			return &a->results[i];
	return NULL;
}

/* Encodings down, in the order in which they were run; the two kinds of code side by side. */
static void print_results(const struct probe_answers *a)
{
	struct table t = { .columns = 4 };

	table_cell(&t, "INSTRUCTION");
	table_cell(&t, "OPERAND");
	table_cell(&t, "64-BIT CODE");
	table_cell(&t, "32-BIT CODE");
	for (int insn = 0; insn < PROBE_INSNS; insn++)
		for (size_t i = 0; i < a->nr; i++) {
			const struct probe_result *r = &a->results[i];
			const struct probe_result *wide = same_encoding(a, r, 64);

			/* One that exists in both was shown with the 64-bit one. */
			if (r->form->insn != (enum probe_insn)insn || (wide && wide != r))
				continue;
			table_cell(&t, "%s", probe_insn_name[insn]);
			table_cell(&t, "%s", r->form->form);
			result_cell(&t, wide);
			result_cell(&t, same_encoding(a, r, 32));
		}
	table_print(&t, stdout);
}

static void print_sum(const struct probe_answers *a)
{
	unsigned int blocked = 0, dummies = 0, stored = 0;

	for (size_t i = 0; i < a->nr; i++) {
		const struct probe_result *r = &a->results[i];

		blocked += r->kind == PROBE_FAULT && r->trap == 13;
		dummies += r->kind == PROBE_STORED && r->dummy;
		stored += r->kind == PROBE_STORED && !r->dummy;
	}
	printf("%zu encodings on CPU %u as uid %u: %u raise #GP, %u get a dummy value from the "
	       "kernel, %u store the real one",
	       a->nr, a->cpu, a->uid, blocked, dummies, stored);
	if (blocked + dummies + stored < a->nr)
		printf(", %zu end otherwise", a->nr - blocked - dummies - stored);
	putchar('\n');
}

static void print_comparison(const struct probe_comparison *c, bool by_cpu)
{
	size_t same = 0;

	for (size_t i = 0; i < c->nr; i++)
		same += c->same[i];
	if (by_cpu && c->nr)
		printf("%zu of %zu other CPUs answer the same\n", same, c->nr);
	for (size_t i = 0; i < c->nr; i++) {
		if (!by_cpu && c->same[i])
			printf("as uid %u: the same\n", c->answers[i].uid);
		if (c->same[i])
			continue;
		printf("\nNot the same:\n");
		print_machine(&c->answers[i].machine);
		print_results(&c->answers[i]);
		print_sum(&c->answers[i]);
	}
}

void probe_print(const struct probe_answers *a, const struct probe_comparison *users,
		 const struct probe_comparison *cpus)
{
	print_machine(&a->machine);
	putchar('\n');
	print_results(a);
	putchar('\n');
	print_sum(a);
	print_comparison(users, false);
	print_comparison(cpus, true);
}
