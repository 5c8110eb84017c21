# SPDX-License-Identifier: GPL-2.0-only
#
# The oldguard command: one static executable, so that it runs in any initramfs or container; and
# its tests, under AddressSanitizer and UBSan. Include this, or use it alone from the top folder:
# make -f guest-glue/command/command.mk
#
# Needs gcc, libc6-dev and libjansson-dev; command-check also check, libsubunit-dev and jq. Capstone is
# the one that the module is built with, x86 alone and with its words: Debian's library would make
# the executable three times as large.

OLDGUARD_VERSION ?= 0.1.0

COMMAND_DIR := guest-glue/command
COMMAND_OBJ := build/command
COMMAND_SRC := main say table report status list switch policy probe probe_show probe_machine probe_insn \
	probe_forms probe_far events event_line

CAPSTONE_DIR ?= build/capstone
COMMAND_CAPSTONE_SRC := cs utils MCInst MCInstrDesc MCRegisterInfo SStream arch/X86/X86Disassembler \
	arch/X86/X86DisassemblerDecoder arch/X86/X86IntelInstPrinter arch/X86/X86Mapping \
	arch/X86/X86Module

COMMAND_CFLAGS := -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wno-missing-field-initializers -Wmissing-prototypes -Wshadow \
	-D_GNU_SOURCE -DOLDGUARD_VERSION='"$(OLDGUARD_VERSION)"' -I$(COMMAND_DIR) -MMD -MP
COMMAND_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# What it shares with the root side: the policy's parser and printer, the decoder.
COMMAND_SHARED := features/policy features/asset guest-glue/text $(addprefix decoder/,decode parse \
	classify store system vector engine operand decode_text)
COMMAND_SHARED_CFLAGS := -DOLDGUARD_SIM -isystem $(CAPSTONE_DIR)/src/include
# Capstone itself is not ours to sanitize, nor to make warning-free.
COMMAND_CAPSTONE := $(COMMAND_CAPSTONE_SRC:%=$(COMMAND_OBJ)/capstone/%.o)

COMMAND_OBJS := $(COMMAND_SRC:%=$(COMMAND_OBJ)/%.o) $(COMMAND_SHARED:%=$(COMMAND_OBJ)/shared/%.o)
COMMAND_ASAN_OBJS := $(COMMAND_SRC:%=$(COMMAND_OBJ)/asan/%.o) \
	$(COMMAND_SHARED:%=$(COMMAND_OBJ)/shared/asan/%.o)
# A test program brings its own main().
COMMAND_TEST_OBJS := $(filter-out %/main.o,$(COMMAND_ASAN_OBJS))
COMMAND_TESTS := $(addprefix $(COMMAND_OBJ)/,test_command test_command_policy test_report test_probe)

.PHONY: command command-check
command: build/tools/oldguard

build/tools/oldguard: $(COMMAND_OBJS) $(COMMAND_CAPSTONE)
	@mkdir -p $(@D)
	$(CC) -static -no-pie -Wl,--gc-sections -o $@ $^ -ljansson

$(COMMAND_OBJ)/%.o: $(COMMAND_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) -fno-pie -c -o $@ $<

$(COMMAND_OBJ)/shared/asan/%.o: %.c | $(CAPSTONE_DIR)/src/cs.c
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) $(COMMAND_SHARED_CFLAGS) $(COMMAND_SANITIZE) -c -o $@ $<

$(COMMAND_OBJ)/shared/%.o: %.c | $(CAPSTONE_DIR)/src/cs.c
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) $(COMMAND_SHARED_CFLAGS) -fno-pie -c -o $@ $<

$(COMMAND_OBJ)/%.o: $(COMMAND_DIR)/%.S
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) -fno-pie -c -o $@ $<

$(COMMAND_OBJ)/capstone/%.o: $(CAPSTONE_DIR)/src/cs.c
	@mkdir -p $(@D)
	$(CC) -O2 -w -DCAPSTONE_HAS_X86 -DCAPSTONE_X86_ATT_DISABLE -DCAPSTONE_USE_SYS_DYN_MEM \
		-I$(CAPSTONE_DIR)/src/include -ffunction-sections -fdata-sections \
		-c -o $@ $(CAPSTONE_DIR)/src/$*.c

$(COMMAND_OBJ)/asan/%.o: $(COMMAND_DIR)/%.c
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) $(COMMAND_SANITIZE) -c -o $@ $<

$(COMMAND_OBJ)/asan/%.o: $(COMMAND_DIR)/%.S
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) -c -o $@ $<

$(COMMAND_OBJ)/asan/test_%.o: tests/unit/test_%.c
	@mkdir -p $(@D)
	$(CC) $(COMMAND_CFLAGS) $(COMMAND_SANITIZE) -c -o $@ $<

$(COMMAND_TESTS): $(COMMAND_OBJ)/%: $(COMMAND_OBJ)/asan/%.o $(COMMAND_TEST_OBJS) $(COMMAND_CAPSTONE)
	$(CC) $(COMMAND_SANITIZE) -o $@ $^ -ljansson -lcheck -lsubunit -lm -lrt -lpthread

$(COMMAND_OBJ)/oldguard-asan: $(COMMAND_ASAN_OBJS) $(COMMAND_CAPSTONE)
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

# Used alone: where Capstone's source comes from.
ifndef CAPSTONE_SOURCES
include decoder/decoder.mk
endif
