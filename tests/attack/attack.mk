# SPDX-License-Identifier: GPL-2.0-only
#
# make attack: a hostile kernel module and hostile programs in emulated machines, with oldguard's
# features off, when they must succeed, and with them on and locked, when they must fail. A table of
# it lands in build/attack.md and build/attack.json. Include this, or use it alone from the top folder.

ATTACK_DIR := tests/attack
ATTACK_OUT := build/attack
# Kbuild makes its files beside the sources: it gets copies, with the headers that it includes.
ATTACK_SOURCES := $(wildcard $(ATTACK_DIR)/module/*)
ATTACK_HEADERS := $(wildcard guest-glue/linux/*.h guest-glue/*.h features/*.h vmexit/*.h decoder/*.h)

.PHONY: attack attack-files
attack: attack-files
	@$(ATTACK_DIR)/run

attack-files: $(ATTACK_OUT)/hostile.ko $(ATTACK_OUT)/hostile

$(ATTACK_OUT)/hostile.ko: $(ATTACK_SOURCES) $(ATTACK_HEADERS)
	@mkdir -p $(ATTACK_OUT)/tree
	@tests/lab/fetch-kernel 6.1
	@cp -pu --parents $^ $(ATTACK_OUT)/tree
	$(MAKE) -s -C build/kernel/6.1/headers M=$(abspath $(ATTACK_OUT)/tree/$(ATTACK_DIR)/module) modules
	@cp $(ATTACK_OUT)/tree/$(ATTACK_DIR)/module/hostile.ko $@

$(ATTACK_OUT)/hostile: $(ATTACK_DIR)/hostile.c
	@mkdir -p $(ATTACK_OUT)
	$(CC) -O2 -g -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -static -o $@ $<
