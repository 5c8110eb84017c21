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
	"error\tumip: no such option 'mood'";

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
