# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What run and mutate share: machines that run the cases, and copies of the project that differ from it.

conformance=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$conformance/../.." && pwd)
out=$top/build/conformance
kernel=6.1
passed=0 failed=0

# With the seconds since the start, so that a run's log says where its time goes.
say() {
	echo "== $* ($SECONDS s)"
}

# verdict STATUS TEXT
verdict() {
	if [[ $1 == 0 ]]; then
		passed=$((passed + 1))
		echo "ok      $2"
	else
		failed=$((failed + 1))
		echo "FAILED  $2"
	fi
}

# Takes over the count that a judge closes with.
add_counts() {
	local last

	last=$(tail -n 1 "$1")
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
	else
		failed=$((failed + 1))
	fi
}

close() {
	echo "$passed passed, $failed failed"
	((failed == 0))
	exit
}

# copy_tree DIR: the project as it is, to be changed; what was fetched is shared.
copy_tree() {
	mkdir -p "$1"
	tar -C "$top" --exclude=./build --exclude=./.git -cf - . | tar -C "$1" -xf -
	mkdir -p "$1/build"
	ln -sfn "$top/build/kernel" "$1/build/kernel"
	ln -sfn "$top/build/capstone" "$1/build/capstone"
}

# build_tree DIR MODULE [make arguments...]: MODULE becomes that tree's oldguard.ko.
build_tree() {
	local dir=$1 module=$2

	shift 2
	# To make a file more does not count as a reason to link again.
	rm -f "$dir/build/root/root.o"
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$dir" lab-files KERNEL=$kernel "$@" \
		</dev/null >"$dir/build/log" 2>&1 && cp "$dir/build/module/$kernel/oldguard.ko" "$module"
}

# What a guest of a guest gets: some suites, and of them every so many-th block. None of 32 bits: in QEMU 7.2 no such
# guest comes back from their segments, with KVM alone neither.
few=plain64,step64 few_part=4096
# shellcheck disable=SC2016,SC2034 # for the machine's shell
below='. ./below.sh
insmod product.ko features=umip kvm=nested; modprobe kvm_amd
below nested $few_part $seed $few
rmmod kvm_amd kvm; rmmod oldguard'

# machine NAME CPU SECONDS COPIES SHELL: boots CPU with the case programs and the files of COPIES (one a line)
# and runs SHELL, in which `pass FILE [PART]` runs the cases and `few FILE` some blocks of some suites. The files come
# back to $out/NAME/. What SHELL says is in $out/NAME/said.
machine() {
	local name=$1 cpu=$2 seconds=$3 copies=$4 shell=$5 dir=$out/$1 args=(--smp 2) file

	rm -rf "$dir"
	mkdir -p "$dir"
	# 32-bit programs then enter the kernel by INT 0x80: see sys_call() in conform.h.
	[[ $name != *bochs ]] || args=(--smp 1 --append vdso32=0)
	# The guest below it is slow, and its timer is not: by the clock it would do nothing but answer that.
	[[ $name != nested* ]] || args=(--icount --mem 1024 --tree "$top/build/lab/guest-6.1" --copy "$conformance/below.sh")
	while read -r file; do
		[[ -z $file ]] || args+=(--copy "$file")
	done <<<"$copies"
	# shellcheck disable=SC2154 # seed and part are run's
	shell="set -e
pass() { ./conform64 --part \${2:-$part} --seed $seed >\$1; ./conform32 --part \${2:-$part} --seed $seed >>\$1; }
few_part=$few_part few=$few seed=$seed
few() { for suite in \$(echo \$few | tr , ' '); do ./conform64 --part \$few_part --seed \$seed --suite \$suite; done >\$1; }
features=/sys/module/oldguard/parameters/features
insmod narrow.ko
dmesg -c >/dev/null
$shell
dmesg | grep -E 'BUG:|WARNING:|Oops|lockup' || true
tar cf - *.rec | gzip -1 >records
echo @@records
base64 records"
	# The serial lines of Bochs do not carry every byte.
	if ! OLDGUARD_LAB_NO_BUILD=1 "$top/tests/lab/run" --cpu "$cpu" --kernel $kernel \
			--timeout "$seconds" --copy "$out/conform64" --copy "$out/conform32" \
			--copy "$out/narrow.ko" "${args[@]}" -- "$shell" >"$dir/all" 2>"$dir/err"; then
		sed 's/^/        /' "$dir/err"
		sed '/^@@records$/,$d' "$dir/all" | head -c 2000 | tr -cd '[:print:]\n' | sed 's/^/        /'
		return 1
	fi
	sed '/^@@records$/,$d' "$dir/all" >"$dir/said"
	sed '0,/^@@records$/d' "$dir/all" | tr -d '\r' | base64 -d | gzip -dc | tar -C "$dir" -xf -
	rm "$dir/all"
}
