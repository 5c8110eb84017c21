# SPDX-License-Identifier: GPL-2.0-only
#
# The oldguard command: one static executable, so that it runs in any initramfs or container; and
# its tests, under AddressSanitizer and UBSan. Include this, or use it alone from the top folder:
# make -f guest-glue/command/command.mk
#
# Needs gcc, libc6-dev and libjansson-dev; command-check also check, libsubunit-dev and jq.

OLDGUARD_VERSION ?= 0.1.0

COMMAND_DIR := guest-glue/command
COMMAND_OBJ := build/command
COMMAND_SRC := main say table report status list switch policy probe probe_show probe_machine probe_insn \
	probe_forms probe_far

COMMAND_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wno-missing-field-initializers -Wmissing-prototypes -Wshadow \
	-D_GNU_SOURCE -DOLDGUARD_VERSION='"$(OLDGUARD_VERSION)"' -I$(COMMAND_DIR) -MMD -MP
COMMAND_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# What it shares with the root side: the policy's parser and printer.
COMMAND_SHARED := features/policy features/asset guest-glue/text

COMMAND_OBJS := $(COMMAND_SRC:%=$(COMMAND_OBJ)/%.o) $(COMMAND_SHARED:%=$(COMMAND_OBJ)/shared/%.o)
COMMAND_ASAN_OBJS := $(COMMAND_SRC:%=$(COMMAND_OBJ)/asan/%.o) \
	$(COMMAND_SHARED:%=$(COMMAND_OBJ)/shared/asan/%.o)
# A test program brings its own main().
COMMAND_TEST_OBJS := $(filter-out %/main.o,$(COMMAND_ASAN_OBJS))
COMMAND_TESTS := $(addprefix $(COMMAND_OBJ)/,test_command test_command_policy test_report test_probe)

.PHONY: command command-check
command: build/tools/oldguard

build/tools/oldguard: $(COMMAND_OBJS)
	@mkdir -p $(@D)
	$(CC) -static -no-pie -o $@ $^ -ljansson

$(COMMAND_OBJ)/%.o: $(COMMAND_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) -fno-pie -c -o $@ $<

$(COMMAND_OBJ)/shared/asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) $(COMMAND_SANITIZE) -c -o $@ $<

$(COMMAND_OBJ)/shared/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) -fno-pie -c -o $@ $<

$(COMMAND_OBJ)/%.o: $(COMMAND_DIR)/%.S
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) -fno-pie -c -o $@ $<

$(COMMAND_OBJ)/asan/%.o: $(COMMAND_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) $(COMMAND_SANITIZE) -c -o $@ $<

$(COMMAND_OBJ)/asan/%.o: $(COMMAND_DIR)/%.S
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) -c -o $@ $<

$(COMMAND_OBJ)/asan/test_%.o: tests/unit/test_%.c
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) $(COMMAND_SANITIZE) -c -o $@ $<

$(COMMAND_TESTS): $(COMMAND_OBJ)/%: $(COMMAND_OBJ)/asan/%.o $(COMMAND_TEST_OBJS)
	$(CC) $(COMMAND_SANITIZE) -o $@ $^ -ljansson -lcheck -lsubunit -lm -lrt -lpthread

$(COMMAND_OBJ)/oldguard-asan: $(COMMAND_ASAN_OBJS)
	$(CC) $(COMMAND_SANITIZE) -o $@ $^ -ljansson

# The parts, and the whole twice: the sanitized one, then the very file that users get.
command-check: $(COMMAND_TESTS) $(COMMAND_OBJ)/oldguard-asan build/tools/oldguard
	$(COMMAND_OBJ)/test_report
	$(COMMAND_OBJ)/test_probe
	OLDGUARD_COMMAND=$(COMMAND_OBJ)/oldguard-asan $(COMMAND_OBJ)/test_command
	OLDGUARD_COMMAND=build/tools/oldguard $(COMMAND_OBJ)/test_command
	OLDGUARD_COMMAND=$(COMMAND_OBJ)/oldguard-asan $(COMMAND_OBJ)/test_command_policy
	OLDGUARD_COMMAND=build/tools/oldguard $(COMMAND_OBJ)/test_command_policy
	tests/unit/test_demo

-include $(wildcard $(addprefix $(COMMAND_OBJ)/,*.d asan/*.d shared/*/*.d shared/asan/*/*.d))
