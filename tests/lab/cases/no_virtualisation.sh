# SPDX-License-Identifier: GPL-2.0-only
# A processor with neither SVM nor VMX: no feature can be had, and the reason is said.
# machine: EPYC,-svm
fails "No such device" "a feature is refused with ENODEV" insmod ./oldguard.ko features=umip
like "$(said)" "neither SVM nor VMX" "the log says why"
ok "nothing stays behind" test ! -e /dev/oldguard

load all
is "$(fact state)" idle "all takes what there is: nothing"
is "$(awk -F '\t' '$1 == "feature" { print $3 }' /dev/oldguard | sort -u)" unavailable \
	"the report says that no feature can be had"
fails "No such device" "switching it on is refused, too" set_features umip
is "$(cat "$features")" none "nothing was switched"
unload
for list in all,umip all,cr_pin; do
	fails "No such device" "$list: what is named is refused" insmod ./oldguard.ko features=$list
done
is "$(answers)" stored "and nothing stays behind"
