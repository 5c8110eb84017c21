# SPDX-License-Identifier: GPL-2.0-only
# KVM below oldguard: its guests use what a guest can use, every mode, exceptions, ports, MSRs, page tables,
# memory that comes and goes beneath them, timers, NMIs, several processors. What they find without oldguard
# they find with it. One that is killed is gone; features come and go while one runs.
# machine: EPYC smp=2
# soak: EPYC smp=4 parallel
# soak: EPYC smp=2 kernel=6.12
# soak: EPYC,+vgif,+v-vmsave-vmload smp=2
# program: vmm/vmm.c @tests/lab/cases/vmm/build
# timeout: 400

# spin [CPUS [umip]]: one that never ends, as process $spinning.
spin() {
	./vmm spin "$@" >/tmp/spin 2>&1 &
	spinning=$!
	until grep -q spinning /tmp/spin; do
		sleep 0.1
	done
	sleep 0.5
}

ok "KVM loads" modprobe kvm_amd
guests "its guests work without oldguard" exceptions "ring 3" "page tables"
rmmod kvm_amd kvm

load all kvm=nested
ok "KVM loads below oldguard" modprobe kvm_amd
guests "its guests work there, with nested paging"
guests "what the processor lacks and oldguard gives they have as well" umip
guests "and guests of their own" "a guest of its own"
isnt "$(exits_of nested)" 0 "they are guests of a guest"
spin 1 umip
isnt "$(set_features none 2>&1)" "" "while one has UMIP on no processor is given back"
is "$(cpu_states)" "$(words "$cpus" guest)" "none has been"
like "$(said)" "a virtual machine has umip on: end it first, or unload KVM" "the log says why"
ok "another list of features does" set_features umip,cr_pin
sleep 0.5
isnt "$(rmmod oldguard 2>&1)" "" "nor does the module go"
kill -KILL $spinning
wait $spinning 2>/dev/null
# KVM of 6.12 keeps the processors while it is there.
ok "when it has ended and KVM is gone" rmmod kvm_amd
ok "they are given back" set_features none
set_features all
ok "KVM comes again" modprobe kvm_amd
spin 2
ok "features go while one runs" set_features none
ok "and come" set_features all
is "$(answers $((cpus - 1)))" fault "programs beside it are guarded"
unload
ok "oldguard can go beneath it" kill -0 $spinning
load all kvm=nested
ok "and come again" kill -0 $spinning
kill -KILL $spinning
wait $spinning 2>/dev/null
guests "after one has been killed the next runs" "cpuid" "apic timer"
ok "KVM goes" rmmod kvm_amd
ok "and comes without nested paging" modprobe kvm_amd npt=0
guests "its guests work without nested paging" exceptions "ring 3" "page tables" "memory let go" "dirty log" msrs \
	"2 processors"
unload
guests "oldguard goes before KVM: its guests go on without" "ring 3" "page tables" "apic timer"
rmmod kvm_amd kvm
