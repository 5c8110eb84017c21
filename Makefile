# SPDX-License-Identifier: GPL-2.0-only
#
#	make			the module for the running kernel (or KDIR=), and the oldguard command
#	make install		both, where modprobe and the shell find them
#	make plugin PLUGIN=FOLDER	the features in FOLDER as a module of their own
#	make demo		an emulated old processor before and after (CPU=, KERNEL=, SMP=)
#	make check		every test
#	make unit static lab fuzz-quick conformance-quick	parts of it
#	make nested		KVM below oldguard: its guests, forged ones, a whole Linux; what takes long, too
#	make attack		a hostile kernel module and programs against what is locked
#	make conformance	emulated UMIP against native, 110000 cases, in QEMU and Bochs
#	make debug-kernel-check	lab cases on a Linux with KASAN, lockdep, kmemleak; builds it first, which takes long
#	make matrix		what each feature is on every processor model that boots; 10 minutes
#	make soak		hours of load, storms and reloads (SOAK_MINUTES=240), and what else takes long
#	make coverage tcb	lines that unit tests reach; lines and bytes that must be trusted
#	make bench fuzz		figures; fuzzers for as long as FUZZ_SECONDS says
#
# Everything that is made lands in build/.

MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

OLDGUARD_VERSION := 0.1.0
export OLDGUARD_VERSION

BUILD := build
KDIR ?= /lib/modules/$(shell uname -r)/build
DESTDIR ?=
PREFIX ?= /usr/local

include features/features.mk

# --- the root side -----------------------------------------------------------------------------

# Code that runs below Linux: none of its registers to disturb (no SSE), no red zone under the
# stack, nothing of Linux called behind our back (no thunks, no stack protector, no __fentry__).
ROOT_ARCH_CFLAGS := -std=gnu11 -O2 -ffreestanding -nostdlib -fno-pic -fno-pie -mcmodel=kernel \
	-mno-red-zone -mgeneral-regs-only -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-jump-tables -mindirect-branch=thunk-inline \
	-fno-strict-aliasing -fno-common
# A feature's tables leave out what they do not need at the end of an entry.
WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wvla \
	-Wno-missing-field-initializers
ROOT_CFLAGS := $(ROOT_ARCH_CFLAGS) $(WARNINGS) -nostdinc \
	-isystem $(shell $(CC) -print-file-name=include) -Wframe-larger-than=2048 -MMD -MP

ROOT_SOURCES := \
	$(addprefix features/,registry.c list.c sound.c parse.c policy.c asset.c enforce.c $(FEATURES)) $(EXTRA_FEATURES) \
	$(addprefix vmexit/,dispatch.c cr.c desc.c desc_load.c io.c misc.c insn.c step.c svm.c svm_quick.c svm_nested.c svm_nested_exit.c svm_nested_umip.c svm_nested_rules.c svm_nested_seal.c svm_nested_quick.c svm.S vmx.c vmx_fast.c \
		vmx_event.c vmx_insn.c vmx.S) \
	$(addprefix decoder/,decode.c parse.c classify.c store.c system.c vector.c engine.c operand.c) \
	$(addprefix guest-glue/,machine.c maps.c image.c images.c rootmap.c slat.c seal.c guest_seals.c slat_guard.c slat_view.c mtrr.c fault.c dump.c fault.S aside.c landing.S \
		phys.c walk.c access.c cpuid.c event.c event_text.c held.c hypercall.c text.c string.c svm.c svm_held.c svm_mtrr.c svm_take.c svm_nested.c svm_shadow.c svm_guests.c \
		vmx.c vmx_held.c vmx_controls.c vmx_fields.c vmx_microcode.c vmx_mtrr.c vmx_pebs.c vmx_take.c vmx_msr.c vmx_reset.c)
ROOT_OBJECTS := $(patsubst %.c,$(BUILD)/root/%.o,$(filter %.c,$(ROOT_SOURCES))) \
	$(patsubst %.S,$(BUILD)/root/%_S.o,$(filter %.S,$(ROOT_SOURCES)))
ROOT := $(BUILD)/root/root.o

include guest-glue/plugin.mk
include decoder/decoder.mk
include guest-glue/command/command.mk
include tests/unit/vmx.mk
include tests/unit/unit.mk
include tests/bench/bench.mk
include tests/fuzz/fuzz.mk
include tests/conformance/conformance.mk
include tests/attack/attack.mk
include tests/static/static.mk

$(BUILD)/root/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(ROOT_CFLAGS) $(CFLAGS_$(subst /,_,$*)) -c $< -o $@

$(BUILD)/root/%_S.o: %.S Makefile
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(CC) $(ROOT_CFLAGS) -c $< -o $@

# The compiler must not turn memcpy() into a call of itself.
CFLAGS_guest-glue_string := -fno-builtin -fno-tree-loop-distribute-patterns
# svm_quick() runs before svm.S has saved these.
CFLAGS_vmexit_svm_quick := -ffixed-r9 -ffixed-r10 -ffixed-r11 -fcall-used-rbx
CFLAGS_vmexit_svm_nested_quick := $(CFLAGS_vmexit_svm_quick)
# Capstone's headers ask for more of a C library than a compiler brings.
CFLAGS_decoder_engine := -isystem decoder/shim -isystem $(CAPSTONE_DIR)/src/include -D_GCC_MAX_ALIGN_T
CFLAGS_decoder_decode := $(CFLAGS_decoder_engine)
CFLAGS_decoder_operand := $(CFLAGS_decoder_engine)
$(BUILD)/root/decoder/engine.o $(BUILD)/root/decoder/decode.o $(BUILD)/root/decoder/operand.o: \
	| $(CAPSTONE_DIR)/src/cs.c

# One object, of which Linux's side sees what root.symbols names, plug-ins what plugin.symbols
# names. A symbol that it does not have itself would be Linux's: that ends the build.
$(ROOT): $(ROOT_OBJECTS) $(CAPSTONE_ROOT) root.lds root.symbols $(BUILD)/root/plugin.lds
	@echo "  LD      $@"
	@$(LD) -r -T root.lds -o $@.all $(ROOT_OBJECTS) $(CAPSTONE_ROOT) $(BUILD)/root/plugin.lds
	@missing=$$(nm -u $@.all | awk '{ print $$2 }'); \
	if [ -n "$$missing" ]; then \
		echo "the root side calls what it does not have:" $$missing >&2; exit 1; \
	fi
	@objcopy --wildcard --keep-global-symbols=root.symbols \
		--keep-global-symbol='oldguard_*' $@.all $@

$(BUILD)/root/checked: $(BUILD)/root/vmexit/svm_quick.o $(BUILD)/root/vmexit/svm_nested_quick.o
	@if objdump -d --no-show-raw-insn $^ | grep -E 'call|%r(9|10|11)[^0-9]'; then \
		echo "svm_quick() uses what svm.S has not saved" >&2; exit 1; \
	fi
	@touch $@
$(ROOT): | $(BUILD)/root/checked

-include $(wildcard $(BUILD)/root/*/*.d)

# --- the module ----------------------------------------------------------------------------------

# Kbuild makes its files beside the sources: each kernel gets a copy of the few that it compiles.
MODULE_FILES := Kbuild $(wildcard guest-glue/linux/*.[ch] guest-glue/*.h features/*.h vmexit/*.h \
	decoder/*.h)

# $(1): folder, $(2): kernel headers, $(3): root side, $(4): more for Kbuild
define build_module
	@mkdir -p $(1)
	@cp -pu --parents $(MODULE_FILES) $(1)
	@cp -pu $(BUILD)/root/exports.c $(1)/guest-glue/linux
	@cmp -s $(3) $(1)/root.o_shipped || cp $(3) $(1)/root.o_shipped
	@# modpost asks what it was made from, for a checksum of the sources.
	@touch $(1)/.root.o.cmd
	@$(MAKE) -s -C $(2) M=$(abspath $(1)) $(4) modules
endef

.PHONY: all module command lab-files install
all: module command

module: $(ROOT) $(BUILD)/root/exports.c
	@[ -e $(KDIR)/Makefile ] || { \
		echo "no kernel headers at $(KDIR): apt-get install linux-headers-$$(uname -r), or KDIR=" >&2; \
		exit 1; }
	$(call build_module,$(BUILD)/module/own,$(KDIR),$(ROOT))

# What tests/lab/run packs for KERNEL=6.1, 6.12 or debug.
lab-files: $(ROOT) $(BUILD)/root/exports.c command
	$(call build_module,$(BUILD)/module/$(KERNEL),$(BUILD)/kernel/$(KERNEL)/headers,$(ROOT), \
		$(if $(filter debug,$(KERNEL)),UBSAN_SANITIZE=y))

install: all
	$(MAKE) -C $(KDIR) M=$(abspath $(BUILD)/module/own) INSTALL_MOD_PATH=$(DESTDIR) modules_install
	install -D -m 755 $(BUILD)/tools/oldguard $(DESTDIR)$(PREFIX)/sbin/oldguard

# --- tests ---------------------------------------------------------------------------------------

.PHONY: demo check unit lab nested debug-kernel-check matrix soak packages clean
packages:
	@tests/lab/install-packages

demo: packages
	@CPU='$(CPU)' KERNEL='$(KERNEL)' SMP='$(SMP)' tests/lab/demo

# Each part closes with "N passed, N failed"; the sum is the last line.
check: packages
	@tests/check unit static fuzz-quick ticks lab conformance-quick attack

unit: packages
	@tests/check unit

lab: packages
	@tests/check lab

# On the machines of make check and on those of make soak.
nested: packages
	@tests/check nested nested-soak

debug-kernel-check: packages
	@tests/lab/check-debug

matrix: packages
	@tests/lab/matrix

# Six machines, two at a time.
SOAK_MINUTES ?= 240
soak: packages
	@SOAK_SECONDS=$$(($(SOAK_MINUTES) * 20)) tests/lab/check --soak

clean:
	rm -rf $(BUILD)/root $(BUILD)/module $(BUILD)/plugin $(BUILD)/tools $(BUILD)/command $(BUILD)/unit
