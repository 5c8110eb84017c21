// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs an instruction for real, in a child process of its own, and says what became of it. Each
 * encoding runs twice, onto zeros and onto ones: what is then equal is what the instruction wrote.
 */
#include <err.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include "command.h"
#include "probe.h"

#define LOW_PAGE 4096
#define USER_CS 0x33 /* Linux's 64-bit and 32-bit code segments of user programs */
#define USER32_CS 0x23

unsigned int probe_seconds = 10;

struct far_pointer {
	uint32_t offset;
	uint16_t selector;
	uint16_t unused;
};

/* The data page below 4 GiB; probe_far.S knows the offsets. */
struct probe_low {
	struct far_pointer enter, leave;
	uint64_t rsp, back, rax;
	uint8_t unused[24];
	uint8_t operand[64];
	uint8_t stack[LOW_PAGE - 128];
};

_Static_assert(offsetof(struct probe_low, leave) == 8 && offsetof(struct probe_low, rsp) == 16 &&
		       offsetof(struct probe_low, back) == 24 &&
		       offsetof(struct probe_low, rax) == 32 &&
		       offsetof(struct probe_low, operand) == 64 &&
		       sizeof(struct probe_low) == LOW_PAGE,
	       "probe_far.S");

void probe_run64(struct probe_low *low, const void *code);
void probe_run32(struct probe_low *low);
extern const char probe_leave32[], probe_leave32_end[], probe_land64[], probe_land64_end[];

/* What the child tells the parent, in shared memory: it may end at any moment. */
static struct probe_result *shared;
static const uint8_t *code_start;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *c = context;
	const void *rip = (void *)c->uc_mcontext.gregs[REG_RIP];

	shared->kind = rip == code_start ? PROBE_FAULT : PROBE_ELSEWHERE;
	shared->signal = signal;
	shared->signal_code = info->si_code;
	shared->trap = c->uc_mcontext.gregs[REG_TRAPNO];
	shared->error = c->uc_mcontext.gregs[REG_ERR];
	_exit(0);
}

static void catch_signals(void)
{
	static const int caught[] = { SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP };
	static uint8_t stack[65536];
	struct sigaction action = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};

	sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaction(caught[i], &action, NULL);
	signal(SIGALRM, SIG_DFL);
	alarm(probe_seconds);
}

static void *low_page(int protection)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT;
	void *page = mmap(NULL, LOW_PAGE, protection, flags, -1, 0);

	if (page == MAP_FAILED)
		_exit(1);
	return page;
}

/* The instruction, the way back, and in the data page the far pointers to both. */
static void lay_out(const struct probe_form *form, struct probe_low *low, uint8_t *code)
{
	uint8_t *at = mempcpy(code, form->bytes, form->length);

	code_start = code;
	if (form->bits == 64) {
		*at = 0xc3; /* RET */
	} else {
		at = mempcpy(at, probe_leave32, probe_leave32_end - probe_leave32);
		low->enter = (struct far_pointer){ (uintptr_t)code, USER32_CS, 0 };
		low->leave = (struct far_pointer){ (uintptr_t)at, USER_CS, 0 };
		memcpy(at, probe_land64, probe_land64_end - probe_land64);
	}
	if (mprotect(code, LOW_PAGE, PROT_READ | PROT_EXEC))
		_exit(1);
}

static void run_onto(const struct probe_form *form, struct probe_low *low, const uint8_t *code,
		     int fill, uint8_t value[16])
{
	memset(low->operand, fill, sizeof(low->operand));
	memset(&low->rax, fill, sizeof(low->rax));
	if (form->bits == 64)
		probe_run64(low, code);
	else
		probe_run32(low);
	if (form->memory) {
		memcpy(value, low->operand, 16);
	} else {
		memset(value, fill, 16);
		/* In 32-bit code nobody sees the upper half. */
		memcpy(value, &low->rax, form->bits / 8);
	}
}

static void __attribute__((noreturn)) child(const struct probe_form *form, unsigned int uid)
{
	struct probe_low *low = low_page(PROT_READ | PROT_WRITE);
	uint8_t *code = low_page(PROT_READ | PROT_WRITE);
	uint8_t zeros[16], ones[16];

	if (uid != PROBE_ANY_UID && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
		_exit(1);
	lay_out(form, low, code);
	catch_signals();
	run_onto(form, low, code, 0x00, zeros);
	run_onto(form, low, code, 0xff, ones);
	while (shared->written < 16 && zeros[shared->written] == ones[shared->written])
		shared->written++;
	memcpy(shared->value, zeros, 16);
	shared->kind = PROBE_STORED;
	_exit(0);
}

void probe_run(struct probe_result *r, const struct probe_form *form, unsigned int uid)
{
	int status = 0;
	pid_t pid;

	if (!shared) {
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (shared == MAP_FAILED)
			err(1, "mmap");
	}
	*shared = (struct probe_result){ .form = form, .kind = PROBE_DIED };
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid)
		child(form, uid);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		shared->kind = PROBE_DIED;
		shared->signal = WTERMSIG(status);
	}
	*r = *shared;
}

static bool is_table(const struct probe_result *r)
{
	return r->form->insn == PROBE_SGDT || r->form->insn == PROBE_SIDT;
}

unsigned int probe_limit(const struct probe_result *r)
{
	return r->value[0] | r->value[1] << 8;
}

static uint64_t little_endian(const uint8_t *bytes, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, bytes, size);
	return value;
}

uint64_t probe_base(const struct probe_result *r)
{
	return little_endian(r->value + 2, r->form->size - 2);
}

uint64_t probe_value(const struct probe_result *r)
{
	return little_endian(r->value, r->form->size);
}

/* Linux's dummy values (arch/x86/kernel/umip.c and Documentation/x86 of 5.10 and later). */
static bool equals_dummy(const struct probe_result *r)
{
	uint64_t mask = r->form->bits == 64 ? ~0ull : 0xffffffffull;

	if (r->kind != PROBE_STORED)
		return false;
	switch (r->form->insn) {
	case PROBE_SGDT:
		return !probe_limit(r) && probe_base(r) == (0xfffffffffffe0000ull & mask);
	case PROBE_SIDT:
		return !probe_limit(r) && probe_base(r) == (0xffffffffffff0000ull & mask);
	case PROBE_SLDT:
		return probe_value(r) == 0 || probe_value(r) == 0x50;
	case PROBE_STR:
		return probe_value(r) == 0x40;
	case PROBE_SMSW:
		return probe_value(r) == (r->form->size == 2 ? 0x0033 : 0x80050033);
	default:
		return false;
	}
}

void probe_find_dummies(struct probe_result *r, size_t nr)
{
	for (unsigned int bits = 32; bits <= 64; bits += 32) {
		bool fixed_up[PROBE_INSNS] = { 0 };

		for (size_t i = 0; i < nr; i++)
			if (r[i].form->bits == bits && is_table(&r[i]) && equals_dummy(&r[i]))
				fixed_up[r[i].form->insn] = true;
		for (size_t i = 0; i < nr; i++)
			if (r[i].form->bits == bits)
				r[i].dummy = fixed_up[PROBE_SGDT] && fixed_up[PROBE_SIDT] &&
					     equals_dummy(&r[i]);
	}
}

bool probe_same(const struct probe_result *a, const struct probe_result *b, bool values)
{
	if (a->form != b->form || a->kind != b->kind)
		return false;
	if (a->kind != PROBE_STORED)
		return a->signal == b->signal && a->signal_code == b->signal_code &&
		       a->trap == b->trap && a->error == b->error;
	if (a->dummy != b->dummy || a->written != b->written)
		return false;
	return !values || !memcmp(a->value, b->value, a->form->size);
}

const char *probe_exception(unsigned int trap)
{
	static const char *const name[] = {
		[0] = "#DE",  [1] = "#DB",  [3] = "#BP",  [6] = "#UD",	[7] = "#NM",  [10] = "#TS",
		[11] = "#NP", [12] = "#SS", [13] = "#GP", [14] = "#PF", [17] = "#AC", [21] = "#CP",
	};

	return trap < sizeof(name) / sizeof(name[0]) ? name[trap] : NULL;
}

char *probe_text(const struct probe_result *r)
{
	const char *abbreviation, *exception;

	switch (r->kind) {
	case PROBE_STORED:
		if (!r->written)
			return text("stored nothing");
		if (is_table(r))
			return text("base 0x%llx limit 0x%x", (unsigned long long)probe_base(r),
				    probe_limit(r));
		return text("0x%0*llx", (int)(2 * (r->form->size > 4 ? 4 : r->form->size)),
			    (unsigned long long)probe_value(r));
	case PROBE_FAULT:
	case PROBE_ELSEWHERE:
		exception = probe_exception(r->trap);
		abbreviation = sigabbrev_np(r->signal);
		if (r->kind == PROBE_ELSEWHERE)
			return text("not reached: %s (SIG%s)", exception ?: "?",
				    abbreviation ?: "?");
		if (r->error)
			return text("%s(0x%lx) (SIG%s)", exception ?: "?", r->error,
				    abbreviation ?: "?");
		return text("%s (SIG%s)", exception ?: "?", abbreviation ?: "?");
	default:
		if (r->signal == SIGALRM)
			return text("no end within %u s", probe_seconds);
		if (r->signal)
			return text("killed by SIG%s", sigabbrev_np(r->signal) ?: "?");
		return text("could not be run");
	}
}
