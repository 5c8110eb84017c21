# SPDX-License-Identifier: GPL-2.0-only
#
# decoder.mk - Capstone for the root side. Included by the top-level Makefile, and usable alone:
#	make -f decoder/decoder.mk build/capstone/capstone-root.o
#
# Debian's libcapstone.a cannot run below Linux (red zone, GOT relocations, calls of libc), so its
# source package is compiled again with the root side's flags: x86 only and diet, which drops the
# strings and nothing else. The sections that decode.c cannot reach are dropped by the linker.

CAPSTONE_DIR := build/capstone
CAPSTONE_ROOT := $(CAPSTONE_DIR)/capstone-root.o
CAPSTONE_SOURCES := cs utils MCInst MCInstrDesc MCRegisterInfo SStream \
	arch/X86/X86Disassembler arch/X86/X86DisassemblerDecoder arch/X86/X86IntelInstPrinter \
	arch/X86/X86Mapping arch/X86/X86Module
CAPSTONE_OBJECTS := $(CAPSTONE_SOURCES:%=$(CAPSTONE_DIR)/obj/%.o) $(CAPSTONE_DIR)/obj/shim.o

# What decode.c calls; the rest of Capstone's interface is garbage to the linker.
CAPSTONE_ENTRIES := cs_open cs_option cs_disasm_iter cs_close
CAPSTONE_HEADERS := $(wildcard decoder/shim/*.h)

# Code below Linux: no SSE, no red zone, no call of Linux (field notes, 3.8).
ROOT_ARCH_CFLAGS ?= -std=gnu11 -O2 -ffreestanding -nostdlib -fno-pic -fno-pie -mcmodel=kernel \
	-mno-red-zone -mno-sse -mno-mmx -mno-80387 -mgeneral-regs-only -fno-stack-protector \
	-fcf-protection=none -fno-asynchronous-unwind-tables -fno-jump-tables \
	-mindirect-branch=thunk-inline -fno-strict-aliasing -fno-common

# CS_QSORT_H: keep out Capstone's own qsort(), whose licences do not go with ours. double and
# float: they are mentioned, never computed with, and no register for them may be touched;
# _GCC_MAX_ALIGN_T: stddef.h would stumble over that.
# The third party's code is not ours to make warning-free.
CAPSTONE_CFLAGS := -DCAPSTONE_HAS_X86 -DCAPSTONE_DIET -DCAPSTONE_X86_ATT_DISABLE -DCS_QSORT_H \
	-Ddouble=uint64_t -Dfloat=uint32_t -D_GCC_MAX_ALIGN_T -nostdinc -isystem decoder/shim \
	-isystem $(shell $(CC) -print-file-name=include) -I$(CAPSTONE_DIR)/src/include \
	-ffunction-sections -fdata-sections -w
CAPSTONE_MAKEFILE := $(lastword $(MAKEFILE_LIST))

$(CAPSTONE_DIR)/src/cs.c:
	decoder/fetch-capstone.sh $(CAPSTONE_DIR)

# Every output appears whole or not at all: made under a name of its own, then renamed.
$(CAPSTONE_DIR)/obj/%.o: $(CAPSTONE_DIR)/src/cs.c $(CAPSTONE_HEADERS) $(CAPSTONE_MAKEFILE)
	@mkdir -p $(@D)
	$(CC) $(ROOT_ARCH_CFLAGS) $(CAPSTONE_CFLAGS) -c $(CAPSTONE_DIR)/src/$*.c -o $@.$$$$ && \
		mv $@.$$$$ $@

$(CAPSTONE_DIR)/obj/shim.o: decoder/shim/shim.c $(CAPSTONE_HEADERS) $(CAPSTONE_MAKEFILE)
	@mkdir -p $(@D)
	$(CC) $(ROOT_ARCH_CFLAGS) -Wall -Wextra -Werror -nostdinc -isystem decoder/shim \
		-isystem $(shell $(CC) -print-file-name=include) -fno-tree-loop-distribute-patterns \
		-fno-builtin -ffunction-sections -c $< -o $@.$$$$ && mv $@.$$$$ $@

# Hidden names, so that nothing of Capstone can clash with the root side or a plug-in.
$(CAPSTONE_ROOT): $(CAPSTONE_OBJECTS)
	$(LD) -r --gc-sections $(CAPSTONE_ENTRIES:%=-u %) -o $@.$$$$ $(CAPSTONE_OBJECTS) && \
	objcopy --strip-debug $(CAPSTONE_ENTRIES:%=--keep-global-symbol=%) $@.$$$$ && \
	mv $@.$$$$ $@

# --- tests ---------------------------------------------------------------------------------------

# decoder-check: the decoder and the guest walk, in seconds; exit status tells.
# Needs check, libsubunit-dev, libcapstone-dev and libzydis-dev.
UNIT := build/unit
UNIT_CFLAGS := -O1 -g -std=gnu11 -D_GNU_SOURCE -DOLDGUARD_SIM -Wall -Wextra -Werror \
	-Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wno-missing-field-initializers -MMD -MP
UNIT_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
UNIT_LIBS := -lcheck -lsubunit -lm -lrt -lpthread
UNIT_GUEST := $(addprefix $(UNIT)/asan/,tests/unit/guestmem.o guest-glue/walk.o guest-glue/access.o)

# The decoder exactly as it runs below Linux, diet Capstone and all, under names of its own, so
# that a program of user space can hold both: its decode() is root_decode() there.
DECODER_PARTS := decode parse classify store system vector engine operand
DECODER_ROOT := $(UNIT)/root/decoder.o
WALK_ROOT := $(UNIT)/root/walk.o
ROOT_LIBC := memcpy memmove memset memcmp phys_read phys_write phys_cmpxchg

DECODER_TESTS := $(addprefix $(UNIT)/,test_walk test_access test_access_table test_fetch \
	test_decode test_decode_mended test_decode_enum test_decode_root)

.PHONY: decoder-check decoder-enum
decoder-check: $(DECODER_TESTS)
	@status=0; for test in $^; do $$test || status=1; done; exit $$status

# Every encoding that decoder-check takes a sample of: minutes of processor time.
decoder-enum: $(UNIT)/test_decode_enum $(UNIT)/test_decode_root
	$(UNIT)/test_decode_enum whole
	$(UNIT)/test_decode_root whole

$(UNIT)/asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) $(UNIT_SANITIZE) -c -o $@ $<

$(addprefix $(UNIT)/,test_access test_access_table test_fetch): \
		$(UNIT)/asan/tests/unit/access_harness.o
$(addprefix $(UNIT)/,test_walk test_access test_access_table test_fetch): $(UNIT)/%: \
		$(UNIT)/asan/tests/unit/%.o $(UNIT_GUEST)
	$(CC) $(UNIT_SANITIZE) -o $@ $^ $(UNIT_LIBS)

$(UNIT)/root/%.o: %.c $(CAPSTONE_DIR)/src/cs.c
	@mkdir -p $(@D)
	$(CC) $(ROOT_ARCH_CFLAGS) -Wall -Wextra -Werror -D_GCC_MAX_ALIGN_T -isystem decoder/shim \
		-isystem $(CAPSTONE_DIR)/src/include -MMD -MP -c -o $@ $<

$(DECODER_ROOT): $(DECODER_PARTS:%=$(UNIT)/root/decoder/%.o) $(CAPSTONE_ROOT)
$(WALK_ROOT): $(UNIT)/root/guest-glue/walk.o $(UNIT)/root/guest-glue/access.o
$(DECODER_ROOT) $(WALK_ROOT):
	$(LD) -r -o $@.$$$$ $^ && objcopy --prefix-symbols=root_ $@.$$$$ && \
	objcopy $(foreach f,$(ROOT_LIBC),--redefine-sym root_$(f)=$(f)) $@.$$$$ && mv $@.$$$$ $@

$(UNIT)/test_decode $(UNIT)/test_decode_mended: $(UNIT)/%: $(UNIT)/asan/tests/unit/%.o \
		$(addprefix $(UNIT)/asan/,tests/unit/decode_harness.o tests/unit/describe.o \
		$(DECODER_PARTS:%=decoder/%.o) decoder/decode_text.o)
	$(CC) $(UNIT_SANITIZE) -o $@ $^ -lcapstone $(UNIT_LIBS)

# Without sanitizers: millions of encodings, and code that cannot have them beside it.
$(UNIT)/plain/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -O2 -fno-pie -c -o $@ $<

$(UNIT)/test_decode_enum: $(addprefix $(UNIT)/plain/tests/unit/,test_decode_enum.o enumerate.o \
		zydis.o native.o) $(UNIT)/plain/decoder/operand.o $(DECODER_ROOT)
	$(CC) -no-pie -z noexecstack -o $@ $^ -lZydis $(UNIT_LIBS)

$(UNIT)/test_decode_root: $(addprefix $(UNIT)/plain/,tests/unit/test_decode_root.o \
		tests/unit/enumerate.o tests/unit/describe.o tests/unit/guestmem.o \
		$(DECODER_PARTS:%=decoder/%.o)) $(DECODER_ROOT) $(WALK_ROOT)
	$(CC) -no-pie -z noexecstack -o $@ $^ -lcapstone $(UNIT_LIBS)

-include $(wildcard $(UNIT)/*/*/*.d $(UNIT)/plain/tests/unit/*.d)
-include $(wildcard $(UNIT)/asan/*/*.d $(UNIT)/asan/*/*/*.d)
