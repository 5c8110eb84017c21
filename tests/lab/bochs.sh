# shellcheck shell=bash disable=SC2034,SC2154 # part of run, which sets the variables and reads ours
# SPDX-License-Identifier: GPL-2.0-only
# The Bochs back end of run: Intel machines with VMX, and an SVM that is not QEMU's.

bochs_has_model() {
	local list

	list=$(bochs --help cpu 2>&1 </dev/null || true)
	grep -q '^Supported CPU models' <<<"$list" || fail "bochs does not tell its models: $list"
	grep -qxF "$1" <<<"$list"
}

bochs_check() {
	((${#flags[@]} == 0)) ||
		usage_error "--cpu $cpu: Bochs models take no flags, only QEMU's do"
	((allow_reboot == 0)) || usage_error "--allow-reboot: a machine in Bochs boots once"
	[[ $machine$parallel == pc0 && -z $nmi_every$wake_every$disk && ${#qemu_words[@]} == 0 ]] ||
		usage_error "--machine, --parallel, --nmi-every, --wake-every, --qemu, --disk: not with Bochs"
	((smp <= 8)) || usage_error "--smp $smp: at most 8 with Bochs"
}

# What Linux needs to start on models whose CPUID says more than they can.
bochs_quirks() {
	case $model in
	phenom_8650_toliman)		echo ' clearcpuid=popcnt' ;;
	corei7_icelake_u | tigerlake)	echo ' clearcpuid=fsrm' ;;
	esac
}

bochs_config() {
	cat >"$dir/bochsrc" <<END
display_library: term
config_interface: textconfig
romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
memory: host=${mem:-256}, guest=${mem:-256}
cpu: model=$model, count=$smp, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
clock: sync=none, time0=1600000000
optramimage1: file=memory, address=0
floppya: 1_44=floppy, status=inserted
boot: floppy
log: bochs.log
panic: action=fatal
error: action=report
com1: enabled=1, mode=file, dev=console
com2: enabled=1, mode=file, dev=out
com3: enabled=1, mode=file, dev=status
END
	# This build starts in its debugger: "c" continues.
	(cat "$dir/memory.rc"; echo c) >"$dir/rc"
}

bochs_kill() {
	# Bochs catches the milder signals and stays.
	[[ ! -s $dir/bochs.pid ]] || kill -KILL "$(<"$dir/bochs.pid")" 2>/dev/null || true
}

# A reset ends the machine: on SVM models bochs-boot.S sees to that, on VMX models Bochs itself panics.
bochs_boot() {
	local base

	if ! base=$("$lab/bochs-image" base "$kernel") || ! cp "$base/floppy" "$dir/floppy" ||
			! "$lab/bochs-image" run "$base" "$dir/initrd" "$cmdline$(bochs_quirks)$append" \
			"$dir/memory"; then
		reason='cannot make the image that Bochs boots from'
		return
	fi
	bochs_config
	# It insists on a terminal, even to show nothing. script(1) does not notice that its child was
	# killed, only that it ended: hence a shell between the two.
	# shellcheck disable=SC2016 # $$ is the innermost shell's, which becomes Bochs
	run_bounded "${timeout:-400}" env -C "$dir" TERM=vt100 script -qfc \
		'sh -c "echo \$\$ >bochs.pid; exec bochs -q -f bochsrc -rc rc"; true' /dev/null \
		</dev/null >"$dir/emulator.log" 2>&1
	bochs_kill
}

bochs_tripled() {
	grep -qs '3rd ([0-9]*) exception with no resolution' "$dir/bochs.log"
}

bochs_explain() {
	local kept=$top/build/lab/bochs-$model-$$.log

	find "$top/build/lab" -maxdepth 1 -name 'bochs-*.log' -mtime +1 -delete 2>/dev/null || true
	if [[ -f $dir/bochs.log ]]; then
		cp "$dir/bochs.log" "$kept"
		echo "lab: Bochs' own log is kept in $kept; from it:"
		grep -E '^[0-9]*p|>>PANIC<<|VMENTER FAIL|VMFAIL|SVM.*(invalid|fail)' "$kept" | tail -n 10 || true
	else
		tail -n 5 "$dir/emulator.log"
	fi
}
