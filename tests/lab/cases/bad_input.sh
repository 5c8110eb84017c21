# SPDX-License-Identifier: GPL-2.0-only
# What nobody can mean is refused by name, at load and at run time, and changes nothing.
# machine: EPYC smp=2

# refuse LIST MESSAGE SENTENCE: both ways.
refuse() {
	dmesg -c >/dev/null
	fails "Invalid argument" "at load: $3: EINVAL" insmod ./oldguard.ko features="$1"
	like "$(said)" "$2" "at load: $3: the log says what is wrong"
	load umip
	dmesg -c >/dev/null
	fails "Invalid argument" "at run time: $3: EINVAL" set_features "$1"
	like "$(said)" "$2" "at run time: $3: the log says what is wrong"
	like "$(fact error)" "$2" "at run time: $3: the report says it, too"
	is "$(cat "$features")" umip:mode=gp "at run time: $3: nothing was switched"
	is "$(answers)" fault "at run time: $3: UMIP is still there"
	unload
}

refuse nonesuch "unknown feature 'nonesuch'" "an unknown feature"
refuse umip,nonesuch "unknown feature 'nonesuch'" "an unknown feature behind a good one"
refuse UMIP "unknown feature 'UMIP'" "capital letters"
refuse umip:colour=red "umip: unknown option 'colour'" "an unknown option"
refuse umip:mode=nonesuch "umip:mode: bad value 'nonesuch'" "a value that the option does not have"
refuse umip:mode "a value is missing" "an option without a value"
refuse umip: "unknown option ''" "a colon and no option"
refuse umip,umip "named twice: 'umip'" "a feature twice"
refuse umip, "name is missing" "a comma at the end"
refuse ,umip "name is missing" "a comma at the start"
refuse umip,none "none" "none together with a feature"
refuse "" "the empty list is 'none'" "an empty list"
refuse "umip,$(printf %02000d 1)" "longer than" "a list that is too long"
fails "" "a list longer than any kernel buffer" insmod ./oldguard.ko features="$(printf %0100000d 1)"
is "$(answers)" stored "nothing stays behind"

fails "" "an unknown parameter's value is refused" insmod ./oldguard.ko slat=maybe
ok "the module is not there" test ! -e /sys/module/oldguard/parameters
