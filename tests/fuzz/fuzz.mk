# SPDX-License-Identifier: GPL-2.0-only
#
# fuzz.mk - libFuzzer programs. A fuzzer is one file, tests/fuzz/NAME.c, with seeds in
# tests/fuzz/corpus/NAME/: add NAME to FUZZERS, and to NAME_SOURCES what it needs beside itself,
# NAME_LIBS what it links. Needs clang and its sanitizers' run-time library. Included by the
# top-level Makefile.
#
#	make fuzz-quick		a fixed number of inputs each
#	make fuzz		FUZZ_SECONDS each; finds stay in build/fuzz/
#	make fuzz-programs	any instructions of programs, on a machine that is held and on the bare one; SEED=, COUNT=, CPU=

FUZZERS += fuzz_decode fuzz_walk fuzz_parse fuzz_policy fuzz_hypercall fuzz_svm fuzz_vmx fuzz_nested

fuzz_decode_SOURCES := $(addprefix decoder/,decode.c parse.c classify.c store.c system.c vector.c \
	engine.c operand.c decode_text.c)
fuzz_decode_LIBS := -lcapstone
fuzz_walk_SOURCES := guest-glue/walk.c guest-glue/access.c
# The whole root side on the simulated processor of the unit tests.
FUZZ_GUEST := $(SIM_ROOT) $(addprefix tests/unit/,sim.c sim_machine.c sim_svm.c guestmem.c) \
	$(addprefix tests/fuzz/,guest.c world.c assert.c)
fuzz_parse_SOURCES := $(FUZZ_GUEST)
fuzz_parse_LIBS := $(SIM_LINK) -lcapstone
fuzz_policy_SOURCES := $(FUZZ_GUEST)
fuzz_policy_LIBS := $(SIM_LINK) -lcapstone
# It writes over what has just been read.
fuzz_hypercall_SOURCES := $(FUZZ_GUEST)
fuzz_hypercall_LIBS := $(SIM_LINK) -Wl,--wrap=phys_read -Wl,--wrap=event_refused -lcapstone
fuzz_svm_SOURCES := $(FUZZ_GUEST) tests/fuzz/tally.c tests/fuzz/svm_input.c
fuzz_svm_LIBS := $(SIM_LINK) -lcapstone
fuzz_vmx_SOURCES := $(FUZZ_GUEST) tests/fuzz/tally.c tests/fuzz/vmx_input.c
fuzz_vmx_LIBS := $(SIM_LINK) -lcapstone
fuzz_nested_SOURCES := $(FUZZ_GUEST)
fuzz_nested_LIBS := $(SIM_LINK) -lcapstone

FUZZ := build/fuzz
comma := ,
FUZZ_CC ?= clang
FUZZ_CFLAGS := -O1 -g -std=gnu11 -D_GNU_SOURCE -DOLDGUARD_SIM -Wall -Wextra -Werror -Wno-missing-field-initializers \
	-fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
# So many inputs where NAME_RUNS does not say otherwise.
FUZZ_RUNS ?= 200000
fuzz_hypercall_RUNS ?= 15000
# Each input is several exits.
fuzz_svm_RUNS ?= 120000
fuzz_vmx_RUNS ?= 120000
# Each is up to a hundred operations, and begins with a copy of the block.
fuzz_nested_RUNS ?= 6000
FUZZ_JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 600
FUZZ_FLAGS := -timeout=10 -rss_limit_mb=1024 -print_final_stats=0 -verbosity=0

.PHONY: fuzz fuzz-quick
# The same seed from the same corpus: what is green today is green tomorrow. fuzz goes on where it
# stopped. New inputs go to the first folder, never to the seeds.
fuzz-quick: FUZZ_LIMIT = -seed=1 -runs=$(or $($(1)_RUNS),$(FUZZ_RUNS))
fuzz: FUZZ_LIMIT = -max_total_time=$(FUZZ_SECONDS)
fuzz-quick fuzz: $(FUZZERS:%=$(FUZZ)/%)
	@[ $@ = fuzz ] || rm -rf $(FUZZ)/$@.d
	@printf '%s\n' $(foreach fuzzer,$(FUZZERS),'$(fuzzer) $(FUZZ_FLAGS) $(call FUZZ_LIMIT,$(fuzzer))') | \
		xargs -P $(FUZZ_JOBS) -L 1 tests/fuzz/one $(FUZZ) $(FUZZ)/$@.d | \
		awk '{ print; fflush() } /: no find/ { passed++ } /: a find, / { failed++ } \
			END { failed = failed + 0; \
			if (passed + failed != $(words $(FUZZERS))) failed++; \
			print passed + 0 " passed, " failed " failed"; exit failed != 0 }'

.PHONY: fuzz-programs
fuzz-programs:
	@tests/fuzz/programs $(or $(SEED),$(shell date +%s)) $(or $(COUNT),100000) $(or $(CPU),EPYC$(comma)-smap)

$(FUZZ)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

define fuzz_program
$$(FUZZ)/$(1): $$(patsubst %.c,$$(FUZZ)/obj/%.o,tests/fuzz/$(1).c $$($(1)_SOURCES))
	$$(FUZZ_CC) $$(FUZZ_CFLAGS) -o $$@ $$^ $$($(1)_LIBS)
endef
$(foreach fuzzer,$(FUZZERS),$(eval $(call fuzz_program,$(fuzzer))))

-include $(wildcard $(FUZZ)/obj/*/*.d $(FUZZ)/obj/*/*/*.d)
