# SPDX-License-Identifier: GPL-2.0-only
# slat=0 does without second-level paging, hypervisor_bit=0 without the hypervisor bit of CPUID; kvm= has
# three words.
# machine: EPYC smp=2
# machine: zambezi
load umip slat=0
is "$(fact slat)" none "slat=0: no second-level paging"
is "$(fact isolation)" off "slat=0: the report says that isolation is off"
is "$(answers)" fault "slat=0: programs get #GP"
unload
load umip hypervisor_bit=0
is "$(answers)" fault "hypervisor_bit=0: programs get #GP"
is "$(cat /sys/module/oldguard/parameters/hypervisor_bit)" N "hypervisor_bit=0: the parameter says so"
unload
load umip
is "$(fact slat)" NPT "second-level paging is used where there is some"
is "$(fact isolation)" on "with it oldguard's memory is hidden"
unload
for mode in show '' HIDE hide,nested; do
	dmesg -c >/dev/null
	fails "Invalid argument" "kvm=$mode: EINVAL" insmod ./oldguard.ko kvm=$mode
	like "$(said)" "kvm=$mode: it can be hide, aside or nested" "kvm=$mode: the log says what can be"
done
load umip kvm=hide
is "$(fact kvm)" hide "the report says kvm=hide"
is "$(cat /sys/module/oldguard/parameters/kvm)" hide "so does the parameter"
fails "Permission denied" "which is said once" sh -c 'echo nested >/sys/module/oldguard/parameters/kvm'
unload
load umip
is "$(fact kvm)" hide "kvm=hide is the default"
unload
