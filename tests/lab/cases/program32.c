// SPDX-License-Identifier: GPL-2.0-only
/* A small 32-bit program: runs one instruction and says what became of it. */
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static sigjmp_buf back;

static void on_fault(int signal)
{
	siglongjmp(back, signal);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "hello";
	unsigned char table[6];
	unsigned int a, b, c, d;

	signal(SIGSEGV, on_fault);
	signal(SIGILL, on_fault);
	switch (sigsetjmp(back, 1)) {
	case 0:
		break;
	case SIGSEGV:
		return puts("fault") < 0;
	default:
		return puts("other") < 0;
	}
	if (!strcmp(what, "sidt")) {
		asm volatile("sidt %0" : "=m"(table));
		puts("stored");
	} else if (!strcmp(what, "sldt")) {
		asm volatile("sldt %0" : "=r"(a));
		puts("stored");
	} else if (!strcmp(what, "cpuid")) {
		puts(__get_cpuid_count(7, 0, &a, &b, &c, &d) && c & 4 ? "umip" : "none");
	} else {
		puts("hello");
	}
	return 0;
}
