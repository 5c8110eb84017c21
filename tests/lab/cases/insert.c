// SPDX-License-Identifier: GPL-2.0-only
/*
 * insert FILE [PARAMETERS]: loads a kernel module by one call; busybox insmod tries another way after an error,
 * and a step that is made to fail once then does not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = argc == 2 || argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || syscall(SYS_finit_module, fd, argc == 3 ? argv[2] : "", 0)) {
		perror("insert");
		return 1;
	}
	return 0;
}
