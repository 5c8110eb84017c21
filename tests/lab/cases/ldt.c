// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs do with tables of their own: an LDT (modify_ldt; the kernel's LLDT at each switch
 * between two of them), I/O ports (ioperm and iopl; the bitmap of the TSS). One line each; the same
 * with oldguard and without.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <err.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELECTOR (1 << 3 | 7) /* entry 1 of the LDT, ring 3 */
#define POST_CODE 0x80

static sigjmp_buf fault;

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

/* A data segment whose first word is @value. Its base must be below 4 GiB. */
static void make_segment(unsigned int value)
{
	unsigned int *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct user_desc desc = { .entry_number = 1, .limit = 4095, .seg_32bit = 1 };

	if (at == MAP_FAILED)
		err(1, "mmap");
	*at = value;
	desc.base_addr = (unsigned long)at;
	if (syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)))
		err(1, "modify_ldt");
}

static unsigned int read_segment(void)
{
	unsigned int value;

	asm volatile("mov %1, %%gs\n\tmovl %%gs:0, %0\n\tmov %2, %%gs"
		     : "=&r"(value) : "r"(SELECTOR), "r"(0) : "memory");
	return value;
}

/* Reads its segment when the other one has read his; both stop at the first wrong value. */
static int player(unsigned int n, int pipes[2][2])
{
	char ball = 0;

	make_segment(0x1000 + n);
	for (int i = 0; i < 100; i++) {
		if ((n || i) && read(pipes[n][0], &ball, 1) != 1)
			return 1;
		if (read_segment() != 0x1000 + n)
			return 1;
		/* The last one has nobody to wait for him. */
		if ((!n || i < 99) && write(pipes[!n][1], &ball, 1) != 1)
			return 1;
	}
	return 0;
}

/* Two on one processor, each with an LDT of its own: how many have read wrong values. */
static int take_turns(void)
{
	int wrong = 0, status, pipes[2][2];
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (pipe(pipes[0]) || pipe(pipes[1]))
		err(1, "pipe");
	for (unsigned int n = 0; n < 2; n++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid)
			continue;
		close(pipes[n][1]);
		close(pipes[!n][0]);
		_exit(player(n, pipes));
	}
	for (int i = 0; i < 4; i++)
		close(pipes[i / 2][i % 2]);
	while (wait(&status) > 0)
		wrong += status != 0;
	return wrong;
}

static void write_port(const char *when, int answer)
{
	const char *volatile what = "refused";

	if (!sigsetjmp(fault, 1)) {
		outb(0x55, POST_CODE);
		what = "done";
	}
	printf("%s: %d, port: %s\n", when, answer, what);
}

int main(void)
{
	unsigned char ldt[16];

	signal(SIGSEGV, on_fault);
	make_segment(0x12345678);
	printf("own segment: %x\n", read_segment());
	printf("LDT read back: %ld bytes\n", syscall(SYS_modify_ldt, 0, ldt, sizeof(ldt)));
	printf("two LDTs in turns: %d wrong\n", take_turns());
	write_port("without leave", 0);
	write_port("ioperm", ioperm(POST_CODE, 1, 1));
	write_port("ioperm off", ioperm(POST_CODE, 1, 0));
	write_port("iopl", iopl(3));
	write_port("iopl off", iopl(0));
	return 0;
}
