# SPDX-License-Identifier: GPL-2.0-only
# For tests/bench/run: from "= MACHINE KEY VALUE UNIT" lines to build/bench.json, and from that to
# the table and to the chart's data.
#
# build/bench.json:
#   schema       1
#   date, commit of the run
#   machines     by id: model, emulator, tick, kernel, cpu, cpus
#   figures      by "MACHINE.KEY": value, unit; all that was measured
#   comparisons  id, machine, what, unit, bare, oldguard, bare_ratio (oldguard / bare),
#                peer, peer_value, peer_source (measured: in this run; quoted: earlier, see there),
#                peer_ratio (peer_value / oldguard), limit, met; null where there is none
#   missed       ids whose limit was missed or whose figure is missing

def lines($mark): $records | split("\n") | map(select(startswith($mark + " ")) | split(" "));

def machines:
	reduce lines("@")[] as $l ({}; .[$l[1]][$l[2]] = ($l[3:] | join(" ")));

def figures:
	reduce lines("=")[] as $l ({}; .["\($l[1]).\($l[2])"] = {value: ($l[3] | tonumber), unit: $l[4]});

# --- what is compared with what; . is the figures ---

def value($key): .[$key].value;

def less($a; $b): if $a != null and $b != null then $a - $b else null end;

# The sum of some; null if one is missing.
def sum($keys): [.[$keys[]].value] | if any(. == null) then null else add end;

def quotient($a; $b):
	if $a != null and $b != null and $b != 0 then $a / $b * 1000 | round / 1000 else null end;

def rounds:
	("svm", "vmx") as $m |
	("64", "32") as $bits |
	({"64": "", "32": ", 32-bit code"}[$bits]) as $code |
	(value("\($m).kvm.cpuid32.median")) as $kvm |
	(("umip", "all") as $on |
	 {id: "\($m).cpuid\($bits).\($on)", machine: $m, what: "CPUID, features=\($on)\($code)",
	  unit: "ticks", limit: 120, bare: value("\($m).ticks.bare.cpuid\($bits).median"),
	  oldguard: value("\($m).ticks.\($on).cpuid\($bits).median"),
	  peer: "KVM's guest", peer_value: $kvm, peer_source: "measured"}),
	# It mirrors the guest's registers. Nobody promised it: the limit is that of tests/bench/ticks.
	{id: "\($m).cpuid_leaf7_\($bits)", machine: $m, what: "CPUID leaf 7\($code)", unit: "ticks",
	 limit: 200, bare: value("\($m).ticks.bare.cpuid_leaf7_\($bits).median"),
	 oldguard: value("\($m).ticks.umip.cpuid_leaf7_\($bits).median"),
	 peer: "KVM's guest", peer_value: $kvm, peer_source: "measured"};

# Thin hypervisors that were measured earlier, in Bochs too, but on corei7_haswell_4770 and with a
# measurement that costs 7 ticks bare, where ours costs 3.
def others:
	({name: "intel/vbh", ticks: 157}, {name: "ksm", ticks: 146}) as $other |
	{id: "vmx.cpuid64.\($other.name | split("/")[-1])", machine: "vmx",
	 what: "CPUID beside \($other.name) (less what it takes bare)", unit: "ticks",
	 oldguard: less(value("vmx.ticks.umip.cpuid64.median"); value("vmx.ticks.bare.cpuid64.median")),
	 peer: $other.name, peer_value: ($other.ticks - 7), peer_source: "quoted"};

def more($m; $when; $what; $bits):
	less(value("\($m).ticks.\($when).\($what)\($bits).fault.median");
	     value("\($m).ticks.bare.cli\($bits).fault.median"));

def refusals:
	("svm", "vmx") as $m |
	("64", "32") as $bits |
	({"64": "", "32": ", 32-bit code"}[$bits]) as $code |
	("sidt", "sgdt", "sldt", "str", "smsw") as $insn |
	# SMSW has no exit on Intel.
	select($m == "svm" or $insn != "smsw") |
	{id: "\($m).\($insn)\($bits)", machine: $m,
	 what: "\($insn | ascii_upcase) refused, over a native #GP\($code)", unit: "ticks", limit: 100,
	 bare: null, oldguard: more($m; "umip"; $insn; $bits),
	 peer: (if $m == "svm" then "KVM cannot" else "KVM's guest" end),
	 peer_value: (if $insn == "sidt" then less(value("\($m).kvm.sidt32.fault.median");
			value("\($m).kvm.cli32.fault.median")) else null end),
	 peer_source: "measured"};

# KVM below us: what bare is here is KVM on the bare processor. svmv has virtual VMLOAD, VMSAVE and GIF. For locked
# MSRs nobody promised anything: the limits are those of tests/bench/ticks.
def nested:
	({svm: {ticks: 700, all: 800, exits: 6, exits_all: 6, insns: "CLGI, VMLOAD, VMRUN, VMSAVE, VMLOAD, STGI"},
	  svmv: {ticks: 400, all: 600, exits: 2, exits_all: 3, insns: "VMRUN, STGI"}} | to_entries[]) as $of |
	$of.key as $m | $of.value as $limit |
	{id: "\($m).nested.cpuid32", machine: $m, what: "CPUID in a guest of KVM\u0027s, kvm=nested", unit: "ticks",
	 bare: value("\($m).kvm.cpuid32.median"), oldguard: value("\($m).nested.cpuid32.median")},
	(("nested", "nested_all") as $key |
	 ({nested: "", nested_all: ", features=all"}[$key]) as $words |
	 {id: "\($m).\($key).more", machine: $m, what: "  more than bare\($words)", unit: "ticks",
	  limit: ({nested: $limit.ticks, nested_all: $limit.all}[$key]), bare: null,
	  oldguard: less(value("\($m).\($key).cpuid32.median"); value("\($m).kvm.cpuid32.median"))},
	 {id: "\($m).\($key).exits", machine: $m, unit: "exits",
	  limit: ({nested: $limit.exits, nested_all: $limit.exits_all}[$key]), bare: null,
	  what: (if $key == "nested" then "  exits of \($limit.insns) for it"
		 else "  exits of the like for it\($words)" end),
	  oldguard: value("\($m).\($key).exits.insns")}),
	{id: "\($m).nested.sidt32", machine: $m, unit: "ticks", limit: 100, bare: null,
	 what: "SIDT refused in a guest of KVM\u0027s, over a native #GP",
	 oldguard: less(value("\($m).nested.sidt32.fault.median"); value("\($m).kvm.cli32.fault.median")),
	 peer: "KVM cannot"};

def native_fault:
	("svm", "vmx") as $m |
	{id: "\($m).cli64", machine: $m, what: "a program's own #GP (CLI), more than bare", unit: "ticks",
	 oldguard: more($m; "umip"; "cli"; "64")};

# VMLOAD, VMSAVE, WRMSR, CR3 writes and flushes are all that must not be there.
def dear:
	("svm", "vmx") as $m |
	("cpuid", "sidt") as $path |
	{id: "\($m).\($path).instructions", machine: $m, what: "instructions of the root side, \($path)",
	 unit: "instructions", oldguard: value("\($m).dear.\($path).instructions")},
	{id: "\($m).\($path).dear", machine: $m, unit: "instructions", limit: 0,
	 what: "VMLOAD, VMSAVE, WRMSR, CR3 write, flush, \($path)",
	 oldguard: sum(["vmload", "vmsave", "wrmsr", "cr3_write", "tlb_flush"] |
		map("\($m).dear.\($path).\(.)"))},
	(select($m == "vmx") | ("vmread", "vmwrite") as $insn |
	 {id: "vmx.\($path).\($insn)", machine: $m, what: "\($insn | ascii_upcase), \($path)",
	  unit: "instructions", oldguard: value("vmx.dear.\($path).\($insn)")});

def exits:
	("svm", "svm4", "vmx") as $m |
	{id: "\($m).exits.idle", machine: $m, what: "exits in 10 idle seconds", unit: "exits",
	 limit: 0, oldguard: value("\($m).exits.idle.total")},
	{id: "\($m).exits.loop", machine: $m, what: "exits in a loop of fork, mmap, timers", unit: "exits",
	 limit: 0, oldguard: value("\($m).exits.loop.total")},
	{id: "\($m).exits.cr", machine: $m, what: "CR3, CR4 exits: idle, that loop, execs", unit: "exits",
	 limit: 0, oldguard: sum(["idle", "loop", "exec"] | map("\($m).exits.\(.).cr"))},
	(("loop", "files") as $work |
	 ({loop: "fork, mmap, timers", files: "file copies"}[$work]) as $words |
	 value("\($m).exits_all.\($work).total") as $total |
	 (value("\($m).exits_all.\($work).cr_write") // 0) as $cr |
	 # Linux writes CR4 twice for each flush of global translations where it has no INVPCID: told,
	 # and not promised away.
	 {id: "\($m).exits_all.\($work)", machine: $m, unit: "exits", limit: 0,
	  what: "exits in a loop of \($words), features=all", oldguard: less($total; $cr)},
	 {id: "\($m).exits_all.\($work).cr4", machine: $m, unit: "exits",
	  what: "  and CR4 writes of Linux in it",
	  oldguard: (if $total == null then null else $cr end)}),
	(to_entries[] | select(.key | test("^\($m)\\.exits\\.exec\\..*\\.rate$")) |
	 {id: .key, machine: $m, what: "exits of an exec: \(.key | split(".")[3])", unit: "exits/exec",
	  oldguard: .value.value});

def ms($key): value($key) | if . then . / 100 | round / 10 else null end;

def loading:
	("load", "unload") as $way |
	{id: "svm4.\($way)", machine: "svm4", what: "\($way), 4 CPUs, wall time, best", unit: "ms", limit: 50,
	 # Bare is the module that takes nothing over: what Linux itself does for any module.
	 bare: ms("svm4.module.none.\($way).min"), oldguard: ms("svm4.module.umip.\($way).min")};

def memory:
	{id: "svm4.memory", machine: "svm4", what: "memory in all, 4 CPUs, 4 GiB", unit: "KiB",
	 limit: 4096, oldguard: value("svm4.module.umip.memory.median"),
	 peer: "ksm, 2 CPUs", peer_value: 9216, peer_source: "quoted"},
	{id: "svm8.memory_per_cpu", machine: "svm8", what: "memory for each further CPU", unit: "KiB",
	 limit: 64, oldguard: (less(value("svm8.module.umip.memory.median");
		value("svm4.module.umip.memory.median")) | if . then . / 4 else . end)};

def services:
	. as $f | to_entries[] |
	select(.key | test("^[a-z0-9]+\\.(costs|lmbench)\\.bare\\.")) |
	(.key | split(".")) as $k |
	{id: "\($k[0]).\($k[1]).\($k[3])", machine: $k[0], what: "\($k[1]): \($k[3] | gsub("_"; " "))",
	 unit: .value.unit, bare: .value.value,
	 oldguard: ($f | value("\($k[0]).\($k[1]).umip.\($k[3])"))};

def whole:
	{id, machine, what, unit, bare, oldguard, bare_ratio: quotient(.oldguard; .bare), peer,
	 peer_value, peer_source: (if .peer_value then .peer_source else null end),
	 peer_ratio: quotient(.peer_value; .oldguard), limit,
	 met: (if .limit == null or .oldguard == null then null else .oldguard <= .limit end)};

# A vendor that was left out, or a part that was not run, is not missing.
def report:
	machines as $machines | figures as $figures |
	[$figures | rounds, others, refusals, nested, native_fault, dear, exits, loading, memory, services | whole |
	 select(.machine as $m | .oldguard != null or $machines[$m] != null)] as $all |
	{schema: 1, date: $date, commit: $commit, machines: $machines, figures: $figures,
	 comparisons: $all,
	 missed: [$all[] | select(.limit != null and (.met | not)) | .id]};

# --- the table; . is the report ---

def text: if . == null then "-" elif type == "number" then . * 100 | round / 100 | tostring else . end;

# Nothing times a string is null.
def padded($width; $right):
	(" " * ([$width - length, 0] | max) // "") as $space | if $right then $space + . else . + $space end;

def cells:
	[.what, (.bare | text), (.oldguard | text),
	 (if .limit == null then "" else "<= \(.limit)" end),
	 (if .met == false then "MISSED" elif .met then "ok"
	  elif .limit != null then "missing" else "" end),
	 (if .peer_value then "\(.peer) \(.peer_value | text)" + (if .peer_source == "quoted"
		then " (quoted)" else "" end)
	  elif .peer == "KVM cannot" then .peer else "" end),
	 (if .peer_ratio then "\(.peer_ratio | . * 10 | round / 10)x"
	  elif .bare_ratio and .limit == null then "\(.bare_ratio) of bare" else "" end),
	 .unit];

def row: [
	(.[0] | padded(45; false)), (.[1] | padded(10; true)), (.[2] | padded(10; true)),
	(.[3] | padded(8; true)), (.[4] | padded(7; false)), (.[5] | padded(20; false)),
	(.[6] | padded(14; false)), .[7]] | join(" ") | sub(" +$"; "");

def table:
	. as $r |
	($r.comparisons | map(.machine) | unique[]) as $m |
	($r.machines[$m] // {}) as $machine |
	"",
	"\($machine.cpu // $m): \($machine.model // "?") in \($machine.emulator // "?"), \($machine.cpus // "?") CPU(s), Linux \($machine.kernel // "?"); a tick is \($machine.tick // "?")",
	(["", "bare", "oldguard", "target", "", "peer", "ratio", "unit"] | row),
	($r.comparisons[] | select(.machine == $m) | cells | row);

# --- the chart: what, bare, oldguard, peer ---

def chart:
	"what\tbare\toldguard\tKVM",
	(.comparisons[] | select(.id | test("^(svm|vmx)\\.(cpuid64\\.umip|sidt64)$")) |
	 select(.oldguard != null) |
	 ["\"" + (if .machine == "svm" then "AMD SVM\\n" else "Intel VMX\\n" end) +
	  (if .id | test("cpuid") then "CPUID" else "SIDT refused" end) + "\"",
	  (.bare // "?"), .oldguard, (.peer_value // "?")] | map(tostring) | join("\t"));
