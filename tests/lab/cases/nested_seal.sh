# SPDX-License-Identifier: GPL-2.0-only
# Guests of KVM's that know of oldguard seal pages of their own, if the host lets them: nothing of theirs writes
# them, whatever KVM does with the memory behind them, until they unseal them or are reset.
# machine: EPYC
# machine: EPYC kernel=6.12
# soak: EPYC smp=2
# program: vmm/vmm.c @tests/lab/cases/vmm/build
# timeout: 400

load umip,seal kvm=nested
ok "KVM loads below oldguard" modprobe kvm_amd
guests "without the host's leave its guests find nothing" "no leaf"
ok "the host allows it" set_features umip,seal:guests=on
guests "a guest seals pages: nobody there writes them, until it unseals them" seals "seals, large pages below"
guests "a step over a call ends behind it" "seals, steps"
guests "what KVM does with the memory behind does not end it" "seals, memory let go" "seals, dirty log" \
	"seals, dirty log, large pages"
like "$(oldguard events)" "guest's mem:0x1007" "writes that were refused are reported"
guests "a reset ends it" "seals, reset"
guests "each of its processors follows" "seals, 2 processors"
guests "who has another one reset does not go on" "seals, INIT"
guests "its guests work as without it" cpuid hypercall "page tables" "2 processors"
ok "the host allows it no longer" set_features umip,seal
guests "and they find nothing" "no leaf"
set_features umip,seal:guests=on
ok "KVM goes" rmmod kvm_amd
ok "and comes without nested paging" modprobe kvm_amd npt=0
guests "where their addresses are not seen none is offered" "no seals"
rmmod kvm_amd kvm
unload

load umip kvm=hide
fails "Operation not supported" "without kvm=nested there is nobody to be allowed" set_features umip,seal:guests=on
like "$(said)" "seal: for guests of the guest's it needs a hypervisor in the guest (kvm=nested)" "the log says so"
unload
