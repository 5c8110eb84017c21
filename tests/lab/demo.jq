# SPDX-License-Identifier: GPL-2.0-only
# For tests/lab/demo: the table, and the judgement. Both work on one object: before, with, after
# (what `oldguard probe --json` said), status (`oldguard status --json`), and the words of insmod,
# rmmod and the kernel's log.

# --- the table ---

def answer:
	if .outcome == "stored" and .bytes > 0
	then (if .dummy then "dummy " else "leaks " end) + (.base // .value)
	else .text end;

def umip_bit: if .leaf7 | not then "no leaf 7" elif .umip then "1" else "0" end;

def hypervisors:
	[.hypervisor_leaves[] | "\(.leaf) \(.signature)"] |
	if . == [] then "none" else join(", ") end;

def encoding: "\(.bits)-bit \(.insn) \(.form)";

def row(what; field): [what, (.before, .with, .after | field)];

def rows:
	["", "before", "with oldguard", "after rmmod"],
	row("processor"; .machine.name),
	row("kernel"; .machine.kernel),
	row("CPUID highest leaf"; "\(.machine.max_leaf)"),
	row("CPUID 7 ECX.UMIP"; .machine | umip_bit),
	row("CPUID hypervisors"; .machine | hypervisors),
	row("/proc/cpuinfo umip"; .machine.cpuinfo | "on \(.umip) of \(.cpus) CPUs"),
	(range(.before.instructions | length) as $i |
		row(.before.instructions[$i] | encoding;
		    .instructions[$i] // {text: "not run"} | answer));

def padded($width): . + " " * ($width - length);

def line($widths):
	. as $cells |
	[range(length) | . as $c | $cells[$c] | padded($widths[$c])] | join(" | ") | sub(" +$"; "");

def table:
	[rows] | (transpose | map(map(length) | max)) as $widths |
	(.[0] | line($widths)),
	($widths | map("-" * .) | join("-+-")),
	(.[1:][] | line($widths));

# --- the judgement: one line for each thing that is not as it should be ---

def five:
	[("32", "64") as $bits | ("SGDT", "SIDT", "SLDT", "SMSW", "STR") as $insn |
	 "\($bits) \($insn)"];

# All five in both kinds of code, by every user and on every CPU.
def complete($when):
	(select([.instructions[] | "\(.bits) \(.insn)"] | unique != five) |
		"\($when): not all five were run in both modes"),
	(select(.unprivileged.same != true) | "\($when): an unprivileged user gets other answers"),
	(select(.machine.cpuinfo.cpus > 1 and .other_cpus.compared != .machine.cpuinfo.cpus - 1) |
		"\($when): not every CPU was asked"),
	(select(.other_cpus.same == false) | [.other_cpus.different[].cpu | tostring] |
		"\($when): other answers on CPU \(join(", "))");

def all_but(good; $complaint):
	(.instructions | length) as $all |
	.instructions | map(select(good | not)) | select(length > 0) |
	(if length == $all then "every instruction" else map(encoding) | join(", ") end) +
	" " + $complaint;

def leaks: .outcome == "stored" and (.dummy | not) and .bytes > 0;

def blocked: .outcome == "fault" and .signal == "SIGSEGV" and .trapno == 13 and .error == 0;

# Some processors cannot stop SMSW. Where oldguard says so, it may tell what everybody knows:
# Linux's usual CR0.
def usual_cr0:
	.insn == "SMSW" and .outcome == "stored" and
	(.value == "0x80050033" or (.form == "mem" and .value == "0x33"));

def umip_status: first(.status.features[]? | select(.name == "umip")) // {};

def reasons:
	(umip_status | (.note // "") | test("SMSW is not blocked")) as $smsw_open |
	(.before |
		(select(.machine.umip) |
			"before: CPUID has UMIP already: the processor has it natively"),
		(select(.machine.cpuinfo.umip > 0) | "before: /proc/cpuinfo has umip already"),
		(all_but(leaks; "keeps its secret") | "before: " + .),
		complete("before")),
	(select(.insmod != "loaded") | "insmod: " + (.insmod | ltrimstr("insmod: "))),
	(.with |
		(select(.machine.umip | not) | "with oldguard: CPUID leaf 7 has no UMIP"),
		(.machine.cpuinfo | select(.umip != .cpus) |
			"with oldguard: /proc/cpuinfo has umip on \(.umip) of \(.cpus) CPUs"),
		(all_but(blocked or ($smsw_open and usual_cr0); "goes through") |
			"with oldguard: " + .),
		complete("with oldguard")),
	(select(.status.state != "active") |
		"oldguard status: " + (.status.state // .status.error // "no answer")),
	(umip_status.state as $state |
		select($state != "on" and ($state != "partial" or ($smsw_open | not))) |
		"oldguard status: umip is \($state // "not listed")"),
	(select(.rmmod != "unloaded") | "rmmod: " + (.rmmod | ltrimstr("rmmod: "))),
	(select(.after != .before) | "after rmmod: not the same as before"),
	(select(.trouble != "") | "the kernel complained: " + .trouble);
