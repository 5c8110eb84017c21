# SPDX-License-Identifier: GPL-2.0-only
# The ways in and out that an administrator would take, and those that must stay shut.
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
ok "modprobe loads it" modprobe oldguard features=umip
is "$(fact feature umip)" on "with the feature on"
is "$(answers)" fault "and programs get #GP"
fails "File exists" "it is not loaded twice" insmod ./oldguard.ko features=umip
is "$(answers)" fault "the first one goes on"

# Everybody may read the report, root alone may switch.
echo nobody:x:65534:65534::/:/bin/sh >>/etc/passwd
ok "an unprivileged user reads the report" su nobody -c "oldguard status"
fails "Permission denied" "an unprivileged user cannot switch" \
	su nobody -c 'echo none >/sys/module/oldguard/parameters/features'
is "$(fact feature umip)" on "nothing was switched"

# An open report keeps the module, and the module keeps the processors.
exec 5</dev/oldguard
fails "" "it is not unloaded under an open report" rmmod oldguard
is "$(cpu_states)" "$(words "$cpus" guest)" "each processor is still in guest mode"
exec 5<&-
ok "modprobe -r unloads it" modprobe -r oldguard
is "$(answers)" stored "afterwards programs read the tables again"
