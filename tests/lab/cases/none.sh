# SPDX-License-Identifier: GPL-2.0-only
# Without a feature the module loads, says what this processor could get, and takes nothing over.
# machine: EPYC smp=2
# machine: EPYC,-svm
# machine: max
for list in none ''; do
	if [ -n "$list" ]; then
		load none
	else
		ok "it loads without a parameter" insmod ./oldguard.ko
	fi
	is "$(fact state)" idle "${list:-no list}: idle"
	is "$(cpu_states)" "$(words "$cpus" bare)" "${list:-no list}: every processor is bare"
	is "$(cat "$features")" none "${list:-no list}: the parameter reads none"
	is "$(fact memory)" 0 "${list:-no list}: no memory is held"
	isnt "$(fact feature umip)" on "${list:-no list}: umip is not on"
	ok "${list:-no list}: the command can read the report" oldguard status
	unload
done
