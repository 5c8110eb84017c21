# SPDX-License-Identifier: GPL-2.0-only
# A plug-in comes, works below Linux, stays while it is used, and goes; the others' work goes on.
# machine: EPYC smp=2
# machine: EPYC smp=2 kernel=6.12
# machine: EPYC,-npt
# machine: corei7_sandy_bridge_2600k
# program: port.c
# plugin: tests/plugin/post_port
# plugin: tests/plugin/trial

state() {
	fact feature "$1"
}

# What the hardware's port holds while none of ours is on.
ok "port 0x80 can be written" ./port 0x80 0x11
bus=$(./port 0x80)

load none
ok "a plug-in comes where nothing is held" insmod ./post_port.ko
is "$(state post_port)" off "status shows its feature"
ok "it is switched on" set_features post_port
is "$(cpu_states)" "$(words "$cpus" guest)" "by that the processors are taken"
is "$(./port 0x80)" 00 "the port is the feature's: its data starts as it was compiled"
ok "it is written" ./port 0x80 0x55
is "$(./port 0x80)" 55 "what is written is read back"
is "$(cpuid_name 2)" post_port "CPUID names it"
fails "Resource temporarily unavailable" "its module is held" rmmod post_port
ok "its option is another" set_features post_port:mode=refuse
./port 0x80 >/dev/null
is $? 3 "as the option says, programs are refused"
ok "all is switched off" set_features none
is "$(./port 0x80)" "$bus" "nothing of it has reached the hardware"
ok "then it can go" rmmod post_port
is "$(state post_port)" "" "status no longer shows it"
fails "Invalid argument" "nor does the list know it" set_features post_port
unload

load umip
before=$(answers)
ok "a plug-in comes while processors are held" insmod ./post_port.ko
is "$(cpu_states)" "$(words "$cpus" guest)" "they are held again"
is "$(answers)" "$before" "what is on goes on"
is "$(has umip)" "$cpus" "and is in /proc/cpuinfo"
ok "a second one comes" insmod ./trial.ko
fails "Resource temporarily unavailable" "oldguard itself is held by them" rmmod oldguard
ok "both are switched on" set_features umip,post_port,trial
is "$(cpuid_name 4)" trial "CPUID names the last one"
./port 0x80 0x33
is "$(./port 0x80)" 33 "the first one works"
is "$(./port 0x84)" 1f "so does all that a plug-in may rely on"
ok "the first one is switched off" set_features umip,trial
ok "and goes" rmmod post_port
is "$(state trial)" on "the second one stays, with another number"
is "$(./port 0x84)" 1f "and works"
is "$(./port 0x80)" "$bus" "the port is the hardware's again"
is "$(answers)" "$before" "umip is on"
ok "all: also plug-ins' features" set_features all
is "$(state trial)" on "this one"
ok "one that comes now is on at once" insmod ./post_port.ko
is "$(state post_port)" on "as all says"
fails "Resource temporarily unavailable" "and is held" rmmod post_port
ok "they are off" set_features umip
ok "one goes while processors are held" rmmod post_port
ok "the other one, too" rmmod trial
is "$(answers)" "$before" "oldguard goes on"
unload

load umip
first=$(free_kib)
# A block that stayed would be 2 MiB each time.
for i in 1 2 3 4 5; do
	insmod ./post_port.ko || give_up "round $i"
	set_features umip,post_port && set_features umip && rmmod post_port || give_up "round $i"
done
ok "coming and going keeps no memory" test $((first - $(free_kib))) -lt 6144
unload
