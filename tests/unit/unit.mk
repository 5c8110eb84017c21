# SPDX-License-Identifier: GPL-2.0-only
#
# root-check: the root side's own sources in user space, on a simulated processor, under
# AddressSanitizer and UBSan; seconds. coverage: how many of its lines the unit tests reach, and
# each exit handler.
# Needs check, libsubunit-dev and libcapstone-dev. Included by the top-level Makefile.

# phys.c and string.c need privileges or stand in a C library's place: guestmem.c and libc are here.
SIM_ROOT := $(filter-out guest-glue/phys.c guest-glue/string.c,$(filter %.c,$(ROOT_SOURCES)))
SIM_PARTS := $(SIM_ROOT:.c=.o) \
	$(addprefix tests/unit/,sim.o sim_machine.o sim_main.o sim_svm.o guestmem.o)
SIM_TESTS := parse policy cr_pin msr_lock io_lock lock registry dispatch cpuid umip svm nested nested_shadow nested_umip nested_rules nested_seal nested_guests nested_machines cr machine block take slat mtrr hypercall held insn event bare plugin \
	cpuid_fault exc_guard mem_guard seal aside
SIM_LINK := -Wl,--wrap=root_image_copy -Wl,--wrap=block_pages
ROOT_TESTS := $(SIM_TESTS:%=$(UNIT)/test_%)

.PHONY: root-check coverage
root-check: $(ROOT_TESTS)
	@status=0; for test in $^; do $$test || status=1; done; exit $$status

$(UNIT)/test_bare: $(addprefix $(UNIT)/asan/tests/,unit/bare_vendor.o conformance/bare/cases.o)
$(ROOT_TESTS): $(UNIT)/%: $(UNIT)/asan/tests/unit/%.o $(SIM_PARTS:%=$(UNIT)/asan/%)
	$(CC) $(UNIT_SANITIZE) $(SIM_LINK) -o $@ $^ -lcapstone $(UNIT_LIBS)

# --- coverage ------------------------------------------------------------------------------------

# In percent of lines, what was reached when it was last looked at. Tests may not fall behind.
COVERAGE_FLOOR := 97
COVERAGE := $(UNIT)/coverage
# Those of the other tests that run the root side's own objects.
COVERAGE_TESTS = $(ROOT_TESTS) $(VMX_TESTS) $(addprefix $(UNIT)/,test_walk test_access \
	test_access_table test_fetch test_decode test_decode_mended)

# The same rules with another folder, and gcov in the place of the sanitizers.
coverage:
	@rm -f $(COVERAGE)/asan/*/*.gcda $(COVERAGE)/asan/*/*/*.gcda
	@$(MAKE) -s UNIT=$(COVERAGE) UNIT_SANITIZE='--coverage -O0' coverage-run
	@tests/unit/coverage $(COVERAGE)/asan $(COVERAGE_FLOOR) $(SIM_ROOT)

.PHONY: coverage-run
coverage-run: $(COVERAGE_TESTS)
	@for test in $^; do $$test >$(UNIT)/log 2>&1 || { cat $(UNIT)/log; exit 1; }; done

.PHONY: plugin-check steps-check
plugin-check:
	@tests/unit/test_plugin_build

steps-check:
	@tests/unit/test_fail_steps
