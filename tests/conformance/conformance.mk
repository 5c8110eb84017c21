# SPDX-License-Identifier: GPL-2.0-only
#
# make conformance: emulated UMIP against native UMIP, against the rules and, switched off, against no
# oldguard at all; make conformance-quick: a part of the cases; make conformance-mutations: whether
# conformance notices a broken oldguard. Include this, or use it alone from the top folder:
# make -f tests/conformance/conformance.mk conformance
#
# Needs gcc with gcc-multilib, and what tests/lab/run needs.

CONFORMANCE_DIR := tests/conformance
CONFORMANCE_OUT := build/conformance
CONFORMANCE_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -Wshadow -D_GNU_SOURCE
# No thread-local storage is there while cases run, so the compiler must not use it either.
CONFORMANCE_GUEST_CFLAGS := -fno-pie -static -no-pie -fno-stack-protector -fcf-protection=none
CONFORMANCE_CASE := $(addprefix $(CONFORMANCE_DIR)/,record.c case.c place.c form.c)
CONFORMANCE_GUEST := $(addprefix $(CONFORMANCE_DIR)/,conform.c drive.c trace.c regs.c arena.c)
CONFORMANCE_HOST := $(addprefix $(CONFORMANCE_DIR)/,judge.c table.c stream.c text.c model.c model_dummy.c)
CONFORMANCE_HEADERS := $(addprefix $(CONFORMANCE_DIR)/,case.h record.h conform.h judge.h)
CONFORMANCE_FILES := $(addprefix $(CONFORMANCE_OUT)/,conform64 conform32 judge narrow.ko bare.img)

.PHONY: conformance conformance-quick conformance-mutations conformance-files
conformance: conformance-files
	@$(CONFORMANCE_DIR)/run

conformance-quick: conformance-files
	@$(CONFORMANCE_DIR)/run --quick

conformance-mutations: conformance-files
	@$(CONFORMANCE_DIR)/mutate

conformance-files: $(CONFORMANCE_FILES)

$(CONFORMANCE_OUT)/conform%: $(CONFORMANCE_GUEST) $(CONFORMANCE_CASE) $(CONFORMANCE_HEADERS)
	@mkdir -p $(@D)
	$(CC) -m$* $(CONFORMANCE_CFLAGS) $(CONFORMANCE_GUEST_CFLAGS) -o $@ \
		$(CONFORMANCE_GUEST) $(CONFORMANCE_CASE) -lpthread

$(CONFORMANCE_OUT)/judge: $(CONFORMANCE_HOST) $(CONFORMANCE_CASE) $(CONFORMANCE_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CONFORMANCE_CFLAGS) -o $@ $(CONFORMANCE_HOST) $(CONFORMANCE_CASE)

# A module of its own for the machines: Kbuild writes beside the sources, so it gets a copy.
$(CONFORMANCE_OUT)/narrow.ko: $(CONFORMANCE_DIR)/narrow/narrow.c $(CONFORMANCE_DIR)/narrow/Kbuild
	@mkdir -p $(CONFORMANCE_OUT)/narrow
	@tests/lab/fetch-kernel 6.1
	@cp $^ $(CONFORMANCE_OUT)/narrow/
	$(MAKE) -s -C build/kernel/6.1/headers M=$(abspath $(CONFORMANCE_OUT)/narrow) modules
	@cp $(CONFORMANCE_OUT)/narrow/narrow.ko $@

$(CONFORMANCE_OUT)/bare.img: $(wildcard $(CONFORMANCE_DIR)/bare/*)
	@mkdir -p $(CONFORMANCE_OUT)/bare
	$(CONFORMANCE_DIR)/bare/assemble $(CONFORMANCE_OUT)/bare
	@mv $(CONFORMANCE_OUT)/bare/bare.img $@
