# SPDX-License-Identifier: GPL-2.0-only
#
# make plugin PLUGIN=FOLDER: the features in FOLDER/*.c as a module of their own, named after the
# folder, for the running kernel (KDIR=) or for one of the lab's (KERNEL=). It lands in
# build/plugin/NAME/.
#
# They are compiled as the root side is and linked by the same script. What they call of the root
# side is renamed to what oldguard.ko exports, so that Linux's module loader connects the two:
# memcpy() of a plug-in is oldguard_memcpy(), never Linux's. What plugin.symbols does not list
# would be Linux's: that ends the build.

PLUGIN_NAME := $(notdir $(abspath $(PLUGIN)))
PLUGIN_DIR := $(BUILD)/plugin/$(PLUGIN_NAME)
PLUGIN_SOURCES := $(if $(PLUGIN),$(wildcard $(PLUGIN)/*.c))
PLUGIN_OBJECTS := $(patsubst $(PLUGIN)/%.c,$(PLUGIN_DIR)/%.o,$(PLUGIN_SOURCES))
PLUGIN_KERNEL := $(or $(KERNEL),own)
PLUGIN_KDIR = $(if $(KERNEL),$(BUILD)/kernel/$(KERNEL)/headers,$(KDIR))

# A plug-in and the oldguard.ko that takes it must have been made from the same headers.
ROOT_HEADERS := $(wildcard features/*.h vmexit/*.h decoder/*.h guest-glue/*.h)
ROOT_ABI = $(shell cat $(ROOT_HEADERS) | cksum | cut -d ' ' -f 1)
# $(1): the module's name
IMAGE_CFLAGS = -DOLDGUARD_ABI=$(ROOT_ABI)UL -DOLDGUARD_IMAGE='"$(1)"'

$(BUILD)/root/guest-glue/image.o: CFLAGS_guest-glue_image = $(call IMAGE_CFLAGS,oldguard)
$(BUILD)/root/guest-glue/image.o: $(ROOT_HEADERS)

# oldguard_NAME for each NAME that plug-ins may call: beside it in our image, exported by a file of
# the module, and what the plug-in's own calls become.
$(BUILD)/root/plugin.lds: plugin.symbols
	@mkdir -p $(@D)
	@sed 's/.*/oldguard_& = &;/' $< >$@

$(BUILD)/root/plugin.rename: plugin.symbols
	@mkdir -p $(@D)
	@sed 's/.*/& oldguard_&/' $< >$@

$(BUILD)/root/exports.c: plugin.symbols
	@mkdir -p $(@D)
	@{ echo '#include <linux/export.h>'; \
	sed 's/.*/extern void oldguard_&(void);\nEXPORT_SYMBOL_GPL(oldguard_&);/' $<; } >$@

.PHONY: plugin plugin-root
plugin: plugin-root
	$(if $(KERNEL),@$(MAKE) lab-files,@$(MAKE) module)
	$(call build_module,$(PLUGIN_DIR)/$(PLUGIN_KERNEL),$(PLUGIN_KDIR),$(PLUGIN_DIR)/root.o, \
		PLUGIN_NAME=$(PLUGIN_NAME) \
		KBUILD_EXTRA_SYMBOLS=$(abspath $(BUILD)/module/$(PLUGIN_KERNEL)/Module.symvers))
	@echo "$(PLUGIN_DIR)/$(PLUGIN_KERNEL)/$(PLUGIN_NAME).ko"

plugin-root:
	@[ -n "$(PLUGIN_SOURCES)" ] || { echo "PLUGIN=$(PLUGIN): no such folder, or no *.c in it" >&2; exit 1; }
	@[ -z "$$(echo '$(PLUGIN_NAME)' | tr -d 'a-z0-9_')" ] || \
		{ echo "$(PLUGIN_NAME): a module's name is lower case, digits, underscores" >&2; exit 1; }
	@$(MAKE) $(PLUGIN_DIR)/root.o

ifneq ($(PLUGIN_SOURCES),)
$(PLUGIN_DIR)/%.o: $(PLUGIN)/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(ROOT_CFLAGS) -I. -c $< -o $@

$(PLUGIN_DIR)/oldguard_image.o: guest-glue/image.c Makefile $(ROOT_HEADERS)
	@mkdir -p $(@D)
	@$(CC) $(ROOT_CFLAGS) $(call IMAGE_CFLAGS,$(PLUGIN_NAME)) -c $< -o $@

$(PLUGIN_DIR)/root.o: $(PLUGIN_OBJECTS) $(PLUGIN_DIR)/oldguard_image.o root.lds plugin.symbols \
		$(BUILD)/root/plugin.rename
	@echo "  LD      $@"
	@$(LD) -r -T root.lds -o $@.all $(PLUGIN_OBJECTS) $(PLUGIN_DIR)/oldguard_image.o
	@missing=$$(nm -u $@.all | awk '{ print $$2 }' | grep -vxFf plugin.symbols); \
	if [ -n "$$missing" ]; then \
		echo "$(PLUGIN_NAME) calls what the root side does not offer (plugin.symbols):" $$missing >&2; \
		exit 1; \
	fi
	@objcopy --redefine-syms=$(BUILD)/root/plugin.rename \
		--keep-global-symbol=oldguard_image $@.all $@

-include $(wildcard $(PLUGIN_DIR)/*.d)
endif
