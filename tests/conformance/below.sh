# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# For the machine's shell: the cases in a Linux that is a guest of KVM's below oldguard, with Debian's QEMU
# and kernel (tests/lab/guest-tree). What that Linux has found comes out through memory that it does not use
# itself: its serial line is slow.

# memory of that guest, and where Linux leaves 16 of it alone, in MiB
below_memory=192
below_hole=128

# below_pack: what it boots into.
below_pack() {
	mkdir -p /tmp/below/bin /tmp/below/proc /tmp/below/dev /tmp/below/sys
	cp /bin/busybox /lab/oldguard /lab/conform64 /lab/narrow.ko /tmp/below/bin
	cat >/tmp/below/init <<-'END_INIT'
	#!/bin/busybox sh
	/bin/busybox --install -s /bin
	mount -t proc none /proc
	mount -t sysfs none /sys
	mount -t devtmpfs none /dev
	for word in $(cat /proc/cmdline); do
		case $word in
		part=* | seed=*) options="$options --$(echo $word | tr = ' ')" ;;
		suites=*) suites=$(echo ${word#suites=} | tr , ' ') ;;
		hole=*) hole=${word#hole=} ;;
		esac
	done
	mkdir -p /tmp && cd /tmp
	insmod /bin/narrow.ko
	for suite in $suites; do
		conform64 $options --suite $suite || echo "GUEST $suite: $?" >&2
	done >cases.rec
	echo "GUEST done"
	oldguard probe --cpu 0 | sed -n '/encodings/,$p' >probe.rec
	dmesg | grep -E 'BUG:|Oops|lockup'
	tar cf records *.rec && dd if=records of=/dev/mem bs=4096 seek=$((hole * 256)) conv=notrunc 2>/dev/null
	echo "GUEST end: $?"
	poweroff -f
	END_INIT
	chmod +x /tmp/below/init
	(cd /tmp/below && find . | cpio -o -H newc) >/tmp/below.cpio 2>/dev/null
}

# below NAME PART SEED SUITE,...: runs them; the records become NAME.rec and NAME-probe.rec.
below() {
	[ -e /tmp/below.cpio ] || below_pack
	rm -f /tmp/memory
	timeout 1200 qemu-system-x86_64 -accel kvm -cpu host,-xsaves -M microvm,auto-kernel-cmdline=off,memory-backend=ram \
		-m $below_memory -object memory-backend-file,id=ram,size=${below_memory}M,mem-path=/tmp/memory,share=on \
		-nodefaults -no-user-config -display none -no-reboot -serial stdio -kernel /guest/vmlinuz-6.1 \
		-initrd /tmp/below.cpio -append "console=ttyS0 quiet panic=-1 idle=poll noxsaves tsc=reliable no_timer_check \
		nokaslr cryptomgr.notests initcall_blacklist=cmos_init memmap=16M\$${below_hole}M hole=$below_hole part=$2 seed=$3 \
		suites=$4" </dev/null 2>&1 | tr -d '\r'
	tail -c +$((below_hole * 1048576 + 1)) /tmp/memory | tar xf - cases.rec probe.rec || return
	rm -f /tmp/memory
	mv cases.rec "$1.rec" && mv probe.rec "$1-probe.rec"
}
