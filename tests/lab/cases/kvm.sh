# SPDX-License-Identifier: GPL-2.0-only
# KVM and oldguard want the same of the processor: whoever comes second is refused, cleanly.
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
load umip
fails "" "kvm_amd is refused while a feature is on" modprobe kvm_amd
ok "the machine is still held" test "$(cpu_states)" = "$(words "$cpus" guest)"
unload
ok "kvm_amd loads afterwards" modprobe kvm_amd
rmmod kvm_amd kvm
