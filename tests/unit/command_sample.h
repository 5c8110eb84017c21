/* SPDX-License-Identifier: GPL-2.0-only */
/* For the tests of the oldguard command: a report as the module makes it, and files for it. */
#ifndef OLDGUARD_COMMAND_SAMPLE_H
#define OLDGUARD_COMMAND_SAMPLE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Out of order, with a line of an unknown type, and without an end to its last line. */
static const char sample[] =
	"cpu\t1\tguest\n"
	"abi\t1\n"
	"version\t0.1.0\n"
	"state\tactive\n"
	"weather\tfine\tall\tday\tand\tthe\tnext\ttoo\n"
	"locked\t0\n"
	"backend\tAMD SVM\n"
	"kvm\thide\n"
	"slat\tNPT\n"
	"isolation\toff\tno second-level paging\n"
	"leaf\t0x40000100\n"
	"memory\t3407872\n"
	"feature\tumip\ton\tmode=gp\thides tables from users\t\n"
	"feature\tmsr_lock\toff\t\tchosen MSRs become read-only\tneeds bitmap\n"
	"rule\t0\tcr4.smep pinned deny\tpolicy\n"
	"rule\t1\tmsr:0x174-0x176 ro log\tfeature\n"
	"cpu\t0\tguest\n"
	"cpu\t2\toffline\n"
	"exits\t0\tcpuid\t1200\n"
	"exits\t1\tcpuid\t34\n"
	"exits\t1\tdesc_store\t12345678901\n"
	"handled\t0\tumip\t7\n"
	"stopped\t1\tvector 14, RIP 0x1234; stack: 0\n"
	"reports\t0\twritten\t3\n"
	"reports\t0\tsuppressed\t4\n"
	"reports\t1\twritten\t20\n"
	"reports\t1\tlost\t2\n"
	"error\tumip: no such option 'mood'";

/* What /dev/oldguard-events gives, with a line of an unknown type and one that is none. */
static const char sample_events[] =
	"event\t7\t12345678901\t1\t4711\t4711\tnosy\t3\t0x401500\t\tumip\t-\tdesc_store\t0\tsidt\t"
	"0x0\t0x0\t0x0\tlog\t64\t0f014c2406\t92\n"
	"lost\t8\t13000000000\t1\t5\n"
	"weather\tfine\n"
	"event\t9\t14000001000\t0\t12\t13\tkworker/0:1\t0\t0xffffffff81012345\t"
	"native_write_cr4+0x5/0x60\tcr_pin\t2\tcr_write\t4\tcr4\t0x0\t0x6f0\t0x1006f0\tdeny\t64\t"
	"0f22e7\t0\n"
	"event\t10\tnever\n"
	"lost\t11\t15000000000\t-\t30\n"
	"event\t12\t16000000000\t0\t0\t0\t\t3\t0x1000\t\tumip\t-\tsmsw\t0\tsmsw\t0x0\t0x0\t0x0\t"
	"deny\t16\t\t0\n"
	"event\t13\t16000000000\t0\t1\t1\tb\xc3\xb6se\\n\t3\t0x1000\t\tumip\t-\tdesc_store\t1\tsgdt\t"
	"0x0\t0x0\t0x0\tskip\t32\t0fffff\t0\n";

static inline char *file_with(const char *content)
{
	char *path = strdup("/tmp/test_command.XXXXXX");
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, strlen(content)), strlen(content));
	close(fd);
	return path;
}

static inline void drop(char *path)
{
	unlink(path);
	free(path);
}

#endif
