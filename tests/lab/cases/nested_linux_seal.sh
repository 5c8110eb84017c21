# SPDX-License-Identifier: GPL-2.0-only
# Below oldguard and KVM, a stock Debian has a module that knows of oldguard: with the host's leave its page is
# sealed there as on the host itself, on each of its processors, until the module goes or the machine is reset.
# soak: EPYC smp=2
# prepare: tests/lab/guest-tree 6.1
# run: --mem 1024 --tree build/lab/guest-6.1
# module: sealed
# timeout: 500

mkdir -p /tmp/guest/bin /tmp/guest/proc /tmp/guest/dev /tmp/guest/sys
cp /bin/busybox ./sealed.ko /tmp/guest/bin
cat >/tmp/guest/init <<'END'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
insmod /bin/sealed.ko
cd /sys/module/sealed/parameters
echo "GUEST sealed $(cat sealed)"
echo "GUEST write $(cat write)"
grep reset /proc/cmdline && reboot -f
rmmod sealed
dmesg | grep 'sealed: un'
poweroff -f
END
chmod +x /tmp/guest/init
(cd /tmp/guest && find . | cpio -o -H newc) >/tmp/guest.cpio 2>/dev/null

# linux WORD OPTION...: that guest, as in nested_linux.sh.
linux() {
	local word="$1"

	shift
	exec qemu-system-x86_64 -accel kvm -cpu host,-xsaves -M microvm,auto-kernel-cmdline=off -m 128 \
		-nodefaults -no-user-config -display none -serial stdio \
		-kernel /guest/vmlinuz -initrd /tmp/guest.cpio -append "console=ttyS0 quiet panic=-1 idle=poll \
		noxsaves tsc=reliable no_timer_check nokaslr cryptomgr.notests initcall_blacklist=cmos_init \
		reboot=t $word" "$@" </dev/null >/tmp/linux 2>&1
}

# once OPTION...: what it prints until it is off.
once() {
	(linux once -no-reboot "$@") &
	waited=0
	while kill -0 $! 2>/dev/null && [ $waited -lt 150 ]; do
		sleep 1
		waited=$((waited + 1))
	done
	kill -KILL $! 2>/dev/null
	wait $! 2>/dev/null
	out=$(tr -d '\r' </tmp/linux)
}

load umip,seal kvm=nested
ok "KVM loads below oldguard" modprobe kvm_amd
once
like "$out" "GUEST sealed -19" "without the host's leave its module finds none (ENODEV)"
like "$out" "GUEST write processors 1, alias 1, value bad" "and anybody there can write its page"
ok "the host allows it" set_features umip,seal:guests=on
once -smp 2
like "$out" "GUEST sealed 0" "its module's page is sealed"
like "$out" "GUEST write processors 0, alias 0, value 600d" "no processor of its can write it, by whatever address"
like "$out" "sealed: unsealed 0, then written 1" "when the module goes, the page can be written"
like "$(oldguard events)" "guest's mem:" "the host reads what was refused"

(linux reset -smp 2) &
waited=0
until [ "$(grep -c 'GUEST sealed 0' /tmp/linux)" -ge 3 ] || [ $waited -ge 200 ]; do
	sleep 1
	waited=$((waited + 1))
done
kill -KILL $!
wait $! 2>/dev/null
is "$(grep -c 'GUEST sealed [^0]' /tmp/linux)" 0 "after a reset it comes up, and seals the same page again"
[ $waited -lt 200 ] || no "it is reset and comes up" "$(tail -20 /tmp/linux)"
ok "KVM goes" rmmod kvm_amd kvm
# It had UMIP on, see guests.c.
sleep 0.5
unload
