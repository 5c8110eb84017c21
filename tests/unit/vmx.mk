# SPDX-License-Identifier: GPL-2.0-only
# vmx-check: the VMX files on a simulated processor, in a second. Needs check and libsubunit-dev.

VMX_TEST := $(addprefix $(UNIT)/asan/,$(addprefix tests/unit/,vmxsim.o vmxsim_cpu.o guestmem.o) \
	$(addprefix vmexit/,dispatch.o cr.o desc.o desc_load.o io.o misc.o insn.o step.o vmx.o vmx_fast.o \
		vmx_event.o vmx_insn.o) \
	$(addprefix guest-glue/,aside.o vmx.o held.o vmx_held.o vmx_microcode.o vmx_controls.o vmx_fields.o vmx_mtrr.o vmx_pebs.o vmx_take.o vmx_msr.o \
		vmx_reset.o cpuid.o mtrr.o event.o hypercall.o seal.o guest_seals.o images.o text.o walk.o access.o) \
	$(addprefix features/,registry.o list.o sound.o parse.o policy.o asset.o enforce.o $(FEATURES:.c=.o)) decoder/operand.o)

VMX_TESTS := $(addprefix $(UNIT)/,test_vmx test_vmx_desc test_vmx_event test_vmx_able test_vmx_mtrr test_vmx_pebs test_vmx_held test_vmx_rules test_vmx_step test_vmx_aside)

.PHONY: vmx-check
vmx-check: $(VMX_TESTS)
	@status=0; for test in $^; do $$test || status=1; done; exit $$status

$(VMX_TESTS): $(UNIT)/%: $(UNIT)/asan/tests/unit/%.o $(VMX_TEST)
	$(CC) $(UNIT_SANITIZE) -o $@ $^ $(UNIT_LIBS)
