// SPDX-License-Identifier: GPL-2.0-only
/* What the processor and the kernel say about themselves to a user program. */
#include <cpuid.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "probe.h"

#define HYPERVISOR_FIRST 0x40000000u
#define HYPERVISOR_LAST 0x4000ff00u
#define HYPERVISOR_STEP 0x100u

static void put(char *to, uint32_t word)
{
	memcpy(to, &word, sizeof(word));
}

bool probe_signature(struct probe_leaf *leaf, uint32_t base, uint32_t eax, uint32_t ebx,
		     uint32_t ecx, uint32_t edx)
{
	size_t length;

	memset(leaf, 0, sizeof(*leaf));
	leaf->base = base;
	leaf->max = eax;
	put(leaf->signature, ebx);
	put(leaf->signature + 4, ecx);
	put(leaf->signature + 8, edx);
	/*
	 * A leaf that nobody answers holds zeros on AMD and the highest basic leaf's data on Intel.
	 * Neither is a word of twelve characters with the highest leaf of this range beside it (0
	 * there is KVM's old habit).
	 */
	if (eax && (eax < base || eax >= base + 0x10000))
		return false;
	length = strlen(leaf->signature);
	for (size_t i = 0; i < 12; i++)
		if (i < length ? !isprint((unsigned char)leaf->signature[i]) : leaf->signature[i])
			return false;
	return length >= 3;
}

static void find_leaves(struct probe_machine *m)
{
	for (uint32_t base = HYPERVISOR_FIRST; base <= HYPERVISOR_LAST; base += HYPERVISOR_STEP) {
		struct probe_leaf *leaf = &m->leaves[m->nr_leaves];
		uint32_t eax, ebx, ecx, edx;

		__cpuid(base, eax, ebx, ecx, edx);
		if (!probe_signature(leaf, base, eax, ebx, ecx, edx))
			continue;
		/* QEMU and others answer every step alike: that is one hypervisor, at the first. */
		if (m->nr_leaves && !memcmp(leaf->signature, leaf[-1].signature, 12) &&
		    leaf->max == leaf[-1].max)
			continue;
		if (++m->nr_leaves == PROBE_LEAVES)
			return;
	}
}

static void name_processor(struct probe_machine *m)
{
	uint32_t max, ebx, ecx, edx, word[12];
	char *name = (char *)word;
	size_t length;

	__cpuid(0x80000000, max, ebx, ecx, edx);
	if (max < 0x80000004 || max > 0x8000ffff) {
		strcpy(m->name, "unnamed");
		return;
	}
	for (int i = 0; i < 3; i++)
		__cpuid(0x80000002 + i, word[4 * i], word[4 * i + 1], word[4 * i + 2],
			word[4 * i + 3]);
	length = strnlen(name, sizeof(word));
	while (length && isspace((unsigned char)*name)) {
		name++;
		length--;
	}
	while (length && isspace((unsigned char)name[length - 1]))
		length--;
	snprintf(m->name, sizeof(m->name), "%.*s", (int)length, length ? name : "");
}

void probe_count_flag(const char *cpuinfo, const char *flag, unsigned int *with, unsigned int *cpus)
{
	size_t length = strlen(flag);

	*with = *cpus = 0;
	for (const char *line = cpuinfo; line; line = strchr(line, '\n'), line += line != NULL) {
		const char *end = strchrnul(line, '\n'), *word = line;

		if (!strncmp(line, "processor\t", 10))
			++*cpus;
		if (strncmp(line, "flags\t", 6))
			continue;
		for (word += strcspn(word, ":"); word < end; word += strcspn(word, " \n")) {
			word += strspn(word, ": ");
			if (!strncmp(word, flag, length) && strchr(" \n", word[length])) {
				++*with;
				break;
			}
		}
	}
}

static void count_umip(struct probe_machine *m)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char *cpuinfo = NULL;
	size_t size = 0;

	if (!file)
		return;
	if (getdelim(&cpuinfo, &size, '\0', file) > 0)
		probe_count_flag(cpuinfo, "umip", &m->umip_cpus, &m->cpus);
	free(cpuinfo);
	fclose(file);
}

void probe_machine(struct probe_machine *m)
{
	uint32_t eax, ebx, ecx, edx;
	struct utsname kernel;

	memset(m, 0, sizeof(*m));
	__cpuid(0, m->max_leaf, ebx, ecx, edx);
	put(m->vendor, ebx);
	put(m->vendor + 4, edx);
	put(m->vendor + 8, ecx);
	__cpuid(1, eax, ebx, ecx, edx);
	m->hypervisor = ecx >> 31;
	m->stepping = eax & 0xf;
	m->model = eax >> 4 & 0xf;
	m->family = eax >> 8 & 0xf;
	/* Extended models: family 6 on Intel, 15 on both (either manual's CPUID.1:EAX). */
	if (m->family == 15 || (m->family == 6 && strcmp(m->vendor, "AuthenticAMD")))
		m->model |= eax >> 12 & 0xf0;
	if (m->family == 15)
		m->family += eax >> 20 & 0xff;
	if (m->max_leaf >= 7) {
		__cpuid_count(7, 0, eax, ebx, ecx, edx);
		m->umip = ecx >> 2 & 1;
	}
	find_leaves(m);
	name_processor(m);
	if (!uname(&kernel))
		snprintf(m->kernel, sizeof(m->kernel), "%s", kernel.release);
	count_umip(m);
}
