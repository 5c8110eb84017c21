# SPDX-License-Identifier: GPL-2.0-only
#
# root-check: the root side's own sources in user space, on a simulated processor, under
# AddressSanitizer and UBSan; seconds. coverage: how many of its lines the unit tests reach.
# Needs check, libsubunit-dev and libcapstone-dev. Included by the top-level Makefile.

# phys.c and string.c need privileges or stand in a C library's place: guestmem.c and libc are here.
SIM_ROOT := $(filter-out guest-glue/phys.c guest-glue/string.c,$(filter %.c,$(ROOT_SOURCES)))
SIM_PARTS := $(SIM_ROOT:.c=.o) $(addprefix tests/unit/,sim.o sim_svm.o guestmem.o)
SIM_TESTS := parse registry dispatch cpuid umip svm cr machine slat mtrr hypercall insn
SIM_LINK := -Wl,--wrap=root_image_copy
ROOT_TESTS := $(SIM_TESTS:%=$(UNIT)/test_%)

.PHONY: root-check coverage
root-check: $(ROOT_TESTS)
	@status=0; for test in $^; do $$test || status=1; done; exit $$status

$(ROOT_TESTS): $(UNIT)/%: $(UNIT)/asan/tests/unit/%.o $(SIM_PARTS:%=$(UNIT)/asan/%)
	$(CC) $(UNIT_SANITIZE) $(SIM_LINK) -o $@ $^ -lcapstone $(UNIT_LIBS)

