# SPDX-License-Identifier: GPL-2.0-only
# A processor with neither SVM nor VMX: no feature can be had, and the reason is said.
# machine: EPYC,-svm
fails "No such device" "a feature is refused with ENODEV" insmod ./oldguard.ko features=umip
like "$(said)" "neither SVM nor VMX" "the log says why"
ok "nothing stays behind" test ! -e /dev/oldguard

load all
is "$(fact state)" idle "all takes what there is: nothing"
is "$(fact feature umip)" unavailable "the report says that umip cannot be had"
fails "No such device" "switching it on is refused, too" set_features umip
is "$(cat "$features")" none "nothing was switched"
unload
