# SPDX-License-Identifier: GPL-2.0-only
# Readers of the report and writers of the feature list at once, on every processor.
# machine: EPYC smp=4
load umip
# They end by themselves: one that is killed leaves the write that it has begun to come later.
rm -f ./enough
workers=
for worker in 1 2 3; do
	while [ ! -e ./enough ]; do
		oldguard status >/dev/null || echo "@@ no the report can always be read"
	done &
	workers="$workers $!"
done
for worker in 1 2; do
	while [ ! -e ./enough ]; do set_features none; set_features umip; done &
	workers="$workers $!"
done
sleep 5
: >./enough
# shellcheck disable=SC2086 # words are meant
wait $workers
ok "the last list wins" set_features umip
is "$(cpu_states)" "$(words "$cpus" guest)" "each processor is in guest mode"
is "$(answers)" fault "programs get #GP"
unload
is "$(answers)" stored "programs read the tables again"
