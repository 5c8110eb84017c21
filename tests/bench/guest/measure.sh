#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# measure.sh PART...: runs parts of the bench in the machine, bare and under oldguard, in one boot.
# Figures are printed as "= KEY VALUE UNIT" lines.

fail() {
	echo "measure.sh: $*" >&2
	exit 1
}

ticks() {
	./ticks64 "$1" && ./ticks32 "$1" || fail "ticks $1"
}

# The peer: KVM's guest, on the same processor and kernel. Where KVM is missing, no figures.
kvm() {
	for module in kvm_amd kvm_intel; do
		if modprobe $module 2>/dev/null; then
			./kvmguest || echo "measure.sh: kvmguest failed" >&2
			modprobe -r $module
			return
		fi
	done
	echo "measure.sh: no KVM on this processor" >&2
}

# nested KEY FEATURES: the same below oldguard, and how many of KVM's own instructions exit for one exit of its
# guest: CLGI, VMLOAD, VMRUN, then VMSAVE, VMLOAD, STGI. Where a virtual GIF, VMLOAD and VMSAVE take the others: VMRUN
# and STGI. Of its guest's 301 CLI and 301 SIDT (kvmguest.h) KVM does not hear.
nested() {
	insmod ./oldguard.ko features="$2" kvm=nested && modprobe kvm_amd || fail "nested"
	./kvmguest | sed "s/^= kvm\./= $1./"
	awk -F '\t' -v key="$1" '$1 == "exits" { n[$3] += $4 }
		END { printf "= %s.exits.insns %.2f exits\n", key, n["virt_insn"] / (n["nested"] - 602) }' /dev/oldguard
	modprobe -r kvm_amd && rmmod oldguard || fail "nested"
}

# "= lmbench.WHEN.WHAT MICROSECONDS us" from what each program says in its own words.
lmbench_one() {
	when=$1 what=$2
	shift 2
	program=/lmbench/$1
	shift
	timeout 20 "$program" "$@" 2>&1 | head -c 2000 | awk -v key="lmbench.$when.$what" '
		/microseconds/ { for (i = 2; i <= NF; i++) if ($i ~ /^microseconds/) us = $(i - 1) }
		/^[0-9.]+ [0-9.]+$/ { us = $2 }	# lat_mmap: size, time
		END { if (us == "") exit 1; print "= " key, us, "us" }' ||
		echo "measure.sh: lmbench $what has no result" >&2
}

# Without -N, and without lat_pipe, lat_unix and lat_ctx: the two processes of those sometimes lose
# each other in lmbench 3.0-a9 (bare as well) and never end. Ours (costs.c) does what they would.
lmbench() {
	export ENOUGH=10000 TIMING_O=0 LOOP_O=0
	for call in null read write; do
		lmbench_one "$1" $call lat_syscall $call
	done
	lmbench_one "$1" stat lat_syscall stat /tmp/file
	lmbench_one "$1" open lat_syscall open /tmp/file
	lmbench_one "$1" signal_install lat_sig install
	lmbench_one "$1" signal_catch lat_sig catch
	lmbench_one "$1" page_fault lat_pagefault /tmp/file
	lmbench_one "$1" mmap lat_mmap 1M /tmp/file
	lmbench_one "$1" fork lat_proc fork
	lmbench_one "$1" exec lat_proc exec
}

# Wall time on a machine that others use: bare and deprivileged take turns.
lmbench_turns() {
	[ -e /lmbench ] || return 0
	cp /lmbench/hello /tmp/hello
	dd if=/dev/zero of=/tmp/file bs=1M count=4 2>/dev/null
	for turn in $(seq "${TURNS:-1}"); do
		echo "measure.sh: lmbench, turn $turn" >&2
		lmbench bare
		under umip
		lmbench umip
		bare
	done
}

costs() {
	./costs "$1" || fail "costs $1"
}

exits() {
	# shellcheck disable=SC2086 # two numbers
	set -- ${EXITS:-10 200 100}
	./exits idle "$1" && ./exits loop "$2" && ./exits exec "$3" || fail "exits"
}

# Every feature that this processor can get, on and not violated.
exits_all() {
	# shellcheck disable=SC2086 # numbers
	set -- ${EXITS:-10 200 100}
	./exits loop "$2" exits_all && ./exits files "$2" exits_all || fail "exits with all features"
}

under() {
	insmod ./oldguard.ko features="$1" || fail "oldguard with features=$1"
}

bare() {
	rmmod oldguard || fail "rmmod"
}

for part; do
	case $part in
	kvm)	kvm ;;
	nested)	nested nested umip; nested nested_all all ;;
	lmbench) lmbench_turns ;;
	ticks)	ticks bare; under umip; ticks umip; bare; under all; ticks all; bare; ticks after ;;
	costs)	costs bare; under umip; costs umip; bare ;;
	exits)	under umip; exits; bare; under all; exits_all; bare ;;
	paths)	under umip; ./paths || fail "paths"; bare ;;
	module)	for on in none umip; do
			./moduletime $on "${CYCLES:-7}" ./oldguard.ko features=$on || fail "moduletime"
		done ;;
	*)	fail "no part $part" ;;
	esac
done
