// SPDX-License-Identifier: GPL-2.0-only
/*
 * port NUMBER [VALUE]: reads a byte from an I/O port and prints it, or writes one. Exits with 3 if
 * the instruction is refused.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <unistd.h>

static void refused(int signal)
{
	(void)signal;
	_exit(3);
}

int main(int argc, char **argv)
{
	unsigned int port = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;

	if (argc < 2 || argc > 3 || ioperm(port, 1, 1))
		return 2;
	signal(SIGSEGV, refused);
	if (argc == 3)
		outb(strtoul(argv[2], NULL, 0), port);
	else
		printf("%02x\n", inb(port));
	return 0;
}
