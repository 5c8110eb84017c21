# SPDX-License-Identifier: GPL-2.0-only
#
# make bench: the project's figures, its peers' and the ratios; build/bench.json, build/bench.svg.
# BENCH_STRICT=1 fails if a target is missed. Include this, or use it alone from the top folder:
# make -f tests/bench/bench.mk bench
#
# Needs gcc with gcc-multilib, jq and gnuplot, and what tests/lab/run needs.

BENCH_DIR := tests/bench/guest
BENCH_OUT := build/bench
BENCH_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -Wshadow -D_GNU_SOURCE \
	-fno-pie -static -no-pie -fcf-protection=none
BENCH_PROGRAMS := $(addprefix $(BENCH_OUT)/,ticks64 ticks32 kvmguest exits moduletime paths costs)

.PHONY: bench bench-check bench-programs
bench: bench-programs
	@tests/bench/run

# For make check: does the bench see what it should, and are the ticks within their limits.
bench-check: bench-programs
	@tests/bench/check

bench-programs: $(BENCH_PROGRAMS)

$(BENCH_OUT)/ticks%: $(BENCH_DIR)/ticks.c $(BENCH_DIR)/ticks.S
	@mkdir -p $(@D)
	$(CC) -m$* $(BENCH_CFLAGS) -o $@ $(filter %.c %.S,$^)

$(BENCH_OUT)/kvmguest: $(BENCH_DIR)/kvmguest_code.S $(BENCH_DIR)/kvmguest.h

$(BENCH_OUT)/%: $(BENCH_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -o $@ $(filter %.c %.S,$^)
