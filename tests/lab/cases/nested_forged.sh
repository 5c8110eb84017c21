# SPDX-License-Identifier: GPL-2.0-only
# A hostile hypervisor below oldguard: what its VMRUN names, and what its guests do for it, gets it nothing
# that it must not have. Without oldguard each attack has its way, or is one that no processor lets through.
# machine: EPYC smp=2
# prepare: make -s -f tests/attack/attack.mk attack-files
# run: --copy build/attack/hostile.ko
# timeout: 200
attack_file=/sys/module/hostile/parameters/attack

# attack WANTED NAME...: the outcome of each begins with one of the words WANTED.
attack() {
	local wanted="$1" name out

	shift
	for name; do
		echo "attack: $name" >/dev/console
		echo "nested-$name" >$attack_file
		out=$(cat $attack_file)
		case " $wanted " in
		*" ${out%%	*} "*)	echo "@@ ok $name is $out" ;;
		*)	no "$name is $wanted" "$out" ;;
		esac
	done
}

to_the_block='ncr3 table write read msrpm iopm vmcb vmcb-device clean-bits vmsave vmload hsave'
by_guests='lstar lstar-map vmload-lstar stgi-lstar svme-lstar vmsave-rodata rodata port port-map'
odd='odd-asid0 odd-vmrun odd-svme odd-nmi odd-event odd-cr4 odd-dr7 odd-masking odd-control odd-asid'

insmod ./hostile.ko
# shellcheck disable=SC2086 # words are meant
{
	attack succeeded $to_the_block $by_guests tlb l2-clgi
	attack "refused ignored" $odd
}
rmmod hostile

load all kvm=nested "policy=\"io:0x3ff ro deny\""
insmod ./hostile.ko
# An old translation may lead to the attacker's own page.
# shellcheck disable=SC2086 # words are meant
attack "refused ignored" $to_the_block $by_guests tlb l2-vmsave l2-vmload l2-clgi l2-hsave $odd
is "$(cpu_states)" "$(words "$cpus" guest)" "each processor is held"
is "$(answers 1)" fault "programs are guarded"
sleep 1
out=$(oldguard events)
like "$out" "msr:lstar deny" "who writes LSTAR through a guest or by VMLOAD is told of"
like "$out" "mem:" "and who writes constant memory"
like "$out" "io:0x3ff deny" "and who writes a locked port"
rmmod hostile
unload
