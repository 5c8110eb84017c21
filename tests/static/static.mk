# SPDX-License-Identifier: GPL-2.0-only
#
# static: what reads the sources without running them (tests/static/check), and whether it would
# notice anything (selftest). Needs sparse, clang-tidy, cppcheck and shellcheck. Included by the top-level Makefile.

.PHONY: static static-flags
# The Linux side is looked at with the flags that Kbuild compiled it with.
static: packages
	@tests/lab/build 6.1
	@{ tests/static/check; tests/static/selftest; } | awk ' \
		/^[0-9]+ passed, [0-9]+ failed$$/ { sums++; passed += $$1; failed += $$3; next } \
		{ print; fflush() } \
		END { failed += 2 - sums; print passed + 0 " passed, " failed + 0 " failed"; exit failed > 0 }'

# FILE, then what it is compiled with, without what gcc alone knows and without quotes.
NOT_GCC := -Werror -MMD -MP -Wframe-larger-than=% -mindirect-branch=% -fno-jump-tables -ffixed-% \
	-fcall-used-% -fno-tree-% -Wa,% -DOLDGUARD_VERSION=%
static-flags:
	@$(foreach c,$(filter %.c,$(ROOT_SOURCES)),echo '$(c) $(filter-out $(NOT_GCC),$(ROOT_CFLAGS) \
		$(CFLAGS_$(subst /,_,$(basename $(c)))))';)
	@$(foreach c,$(wildcard $(COMMAND_SRC:%=$(COMMAND_DIR)/%.c)),echo '$(c) $(filter-out $(NOT_GCC), \
		$(COMMAND_CFLAGS))';)

# How much code is trusted: a table. Capstone's files are those that are compiled, and their headers.
.PHONY: tcb tcb-capstone
tcb: packages $(ROOT)
	@tests/static/tcb
tcb-capstone:
	@$(foreach s,$(CAPSTONE_SOURCES),echo $(CAPSTONE_DIR)/src/$(s).c;)
	@cd $(CAPSTONE_DIR) && $(CC) $(ROOT_ARCH_CFLAGS) $(patsubst $(CAPSTONE_DIR)/%,%,$(subst -isystem decoder,-isystem \
		$(abspath decoder),$(subst -I$(CAPSTONE_DIR)/,-I,$(CAPSTONE_CFLAGS)))) -MM $(CAPSTONE_SOURCES:%=src/%.c) | \
		tr ' \\' '\n\n' | grep '^src/.*\.h$$' | xargs realpath --relative-to=$(abspath .) | sort -u
