# SPDX-License-Identifier: GPL-2.0-only
# A processor that has UMIP itself: the load succeeds, says so, and takes nothing over.
# machine: max smp=2
# machine: EPYC-Rome kernel=6.12
# machine: corei3_cnl
before=$(answers)
load umip
like "$(said)" "umip: this processor has it natively" "the log says so"
is "$(fact state)" idle "nothing is taken over"
is "$(cpu_states)" "$(words "$cpus" bare)" "every processor is bare"
is "$(fact feature umip)" native "the report says native"
is "$(answers)" "$before" "programs get the same answers as before"
is "$(has umip)" "$cpus" "/proc/cpuinfo keeps the processor's own umip"
ok "switching it off does nothing" set_features none
ok "and on again" set_features umip
is "$(has umip)" "$cpus" "/proc/cpuinfo still has umip"
unload
is "$(has umip)" "$cpus" "unloading does not take it from the processor"
