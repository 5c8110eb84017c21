// SPDX-License-Identifier: GPL-2.0-only
/*
 * clocks.c - runs until SIGTERM and says what time did meanwhile, on every processor.
 *
 * A timer that expires each 2 ms is counted, and the clocks are compared: CLOCK_MONOTONIC with itself (never
 * backwards, whichever processor reads it), with the TSC, with CLOCK_REALTIME and with the RTC. Prints a word
 * for each that is wrong, with what was seen, or "as it should be".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/rtc.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define PERIOD 2000000LL
#define SECOND 1000000000LL

static volatile sig_atomic_t over;

static void on_term(int signal)
{
	(void)signal;
	over = 1;
}

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* Seconds since 1970 on the RTC, or -1 where there is none. */
static int64_t rtc(void)
{
	struct rtc_time t;
	struct tm tm;
	int fd = open("/dev/rtc0", O_RDONLY), error;

	if (fd < 0)
		return -1;
	error = ioctl(fd, RTC_RD_TIME, &t);
	close(fd);
	tm = (struct tm){ .tm_sec = t.tm_sec, .tm_min = t.tm_min, .tm_hour = t.tm_hour,
			  .tm_mday = t.tm_mday, .tm_mon = t.tm_mon, .tm_year = t.tm_year };
	return error ? -1 : timegm(&tm);
}

/* Two counts of the same moment: the closest of some tries, as a program can be kept from its processor in between. */
struct moment {
	int64_t monotonic;
	uint64_t tsc;
};

static struct moment moment(void)
{
	struct moment best = { 0 };
	uint64_t closest = UINT64_MAX;

	for (int i = 0; i < 50; i++) {
		uint64_t before = __rdtsc();
		int64_t at = now(CLOCK_MONOTONIC);
		uint64_t after = __rdtsc();

		if (after - before < closest) {
			closest = after - before;
			best = (struct moment){ at, before + closest / 2 };
		}
	}
	return best;
}

/* How far CLOCK_REALTIME is from where it was: 0 if it can be there, by what was read around it. */
static int64_t realtime_step(int64_t *low, int64_t *high)
{
	int64_t before = now(CLOCK_MONOTONIC);
	int64_t real = now(CLOCK_REALTIME);
	int64_t after = now(CLOCK_MONOTONIC);
	int64_t step = 0;

	if (real - after > *high)
		step = real - after - *high;
	else if (real - before < *low)
		step = *low - (real - before);
	else if (real - after > *low)
		*low = real - after;
	if (!step && real - before < *high)
		*high = real - before;
	return step;
}

static double rate(struct moment from, struct moment to)
{
	return (double)(to.tsc - from.tsc) / (to.monotonic - from.monotonic);
}

int main(void)
{
	struct itimerspec period = { .it_value.tv_nsec = PERIOD, .it_interval.tv_nsec = PERIOD };
	int64_t low = INT64_MIN, high = INT64_MAX, back = 0, step = 0, armed, last, at, before, rtc_start, rtc_took;
	uint64_t tsc_last = __rdtsc(), tsc_back = 0, count, expired = 0;
	int timer = timerfd_create(CLOCK_MONOTONIC, 0), cpu = 0, wrong = 0;
	struct moment first, second = { 0 }, end;
	cpu_set_t set;

	signal(SIGTERM, on_term);
	before = last = now(CLOCK_MONOTONIC);
	rtc_start = rtc();
	first = moment();
	armed = now(CLOCK_MONOTONIC);
	timerfd_settime(timer, 0, &period, NULL);
	at = now(CLOCK_MONOTONIC);
	rtc_took = at - before;
	for (;;) {
		int64_t seen = now(CLOCK_MONOTONIC);

		if (seen < last && last - seen > back)
			back = last - seen;
		last = seen;
		count = __rdtsc();
		if (count < tsc_last && tsc_last - count > tsc_back)
			tsc_back = tsc_last - count;
		tsc_last = count;
		seen = realtime_step(&low, &high);
		step = seen > step ? seen : step;
		if (!second.tsc && last - first.monotonic > 2 * SECOND)
			second = moment();
		/* What has expired by now is there to be read, and at most what has when it is. */
		before = now(CLOCK_MONOTONIC);
		if (read(timer, &count, sizeof(count)) == sizeof(count))
			expired += count;
		if (over)
			break;
		/* Each time on another one; offline ones refuse. */
		CPU_ZERO(&set);
		CPU_SET(cpu++ % sysconf(_SC_NPROCESSORS_CONF), &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	last = now(CLOCK_MONOTONIC);
	end = moment();
	if ((int64_t)expired < (before - at) / PERIOD || (int64_t)expired > (last - armed) / PERIOD)
		wrong = printf("timer: %lld expirations in %lld ns; ", (long long)expired, (long long)(last - at));
	if (back)
		wrong = printf("monotonic: back by %lld ns; ", (long long)back);
	if (tsc_back)
		wrong = printf("tsc: back by %llu; ", (unsigned long long)tsc_back);
	if (second.tsc && (rate(second, end) < 0.99 * rate(first, second) ||
			   rate(second, end) > 1.01 * rate(first, second)))
		wrong = printf("tsc: %f a ns, then %f; ", rate(first, second), rate(second, end));
	if (step > SECOND / 100)
		wrong = printf("realtime: a step of %lld ns; ", (long long)step);
	at = now(CLOCK_MONOTONIC);
	if (rtc_start >= 0) {
		int64_t passed = rtc() - rtc_start, took = now(CLOCK_MONOTONIC) - at + rtc_took;

		if (llabs(passed - (at - armed) / SECOND) > 3 + took / SECOND)
			wrong = printf("rtc: %lld s, monotonic %lld s; ", (long long)passed,
				       (long long)((at - armed) / SECOND));
	}
	puts(wrong ? "" : "as it should be");
	return 0;
}
