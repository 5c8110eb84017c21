# SPDX-License-Identifier: GPL-2.0-only
# For tests/bench/dear: counts the instructions of the root side in an emulator's trace.
#
# QEMU prints a block of instructions when it translates it ("IN:", the lines, an empty line),
# "Trace ...[cs_base/pc/...]" when it executes it, "Stopped execution ... [pc]" when it then did not,
# "vmexit(CODE" and "vmrun!" (SVM alone). Bochs prints each instruction as it executes it.

# What an instruction is, in AT&T's or Intel's words; "" where it costs nothing special.
function class(text) {
	sub(/^lock[a-z]* +/, "", text)
	if (text ~ /^(vmload|vmsave|wrmsr|rdmsr|vmread|vmwrite|cpuid|rdtsc|xsetbv|wbinvd|invd|stgi|clgi)/) {
		match(text, /^[a-z]+/)
		text = substr(text, 1, RLENGTH)
		return text ~ /^vm(read|write)q$/ ? substr(text, 1, length(text) - 1) : text
	}
	if (text ~ /^mov[a-z]* .*, *%cr3/ || text ~ /^mov cr3,/)
		return "cr3_write"
	if (text ~ /^mov[a-z]* .*, *%cr[0-9]/ || text ~ /^mov cr[0-9],/ || text ~ /^(clts|lmsw)/)
		return "cr_write"
	if (text ~ /^mov[a-z]* .*, *%d[br][0-9]/ || text ~ /^mov dr[0-9],/)
		return "dr_write"
	if (text ~ /^inv(lpg|pcid|ept|vpid)/)
		return "tlb_flush"
	# TLB_CONTROL of the VMCB (APM vol. 2, appendix B): a store there, but of 0, asks for a flush.
	if (text ~ /^mov[bl] +[^,]*, *0x5c\(%r/)
		return text ~ /^mov[bl] +\$0,/ ? "" : "tlb_flush"
	if (text ~ /^mov (byte|dword) ptr [a-z]+:\[r[0-9a-z]+\+92\],/)
		return text ~ /, *0x0+ *$/ ? "" : "tlb_flush"
	if (text ~ /^vm(ptrld|ptrst|clear)/)
		return "vmcs_switch"
	if (text ~ /^(lgdt|lidt|lldt|ltr)/)
		return "table_load"
	if (text ~ /^(lfence|mfence|sfence|serialize)/)
		return "fence"
	return text ~ /^iret/ ? "iret" : ""
}

function path_of(code) {
	return code == "00000072" ? "cpuid" : code == "00000066" ? "sidt" : ""
}

# A whole way from exit to entry.
function way(path, instructions, classes,    key) {
	key = instructions " " classes
	if (path != "" && ++times[path, key] > best[path]) {
		best[path] = times[path, key]
		usual[path] = key
	}
}

# --- Bochs: only the root side's code segment is 0008 ---

/^\(0\)\.\[[0-9]+\] / {
	text = $0
	sub(/^.*\(unk\. ctxt\): /, "", text)
	sub(/ *; [0-9a-f]+$/, "", text)
	if (/ 0008:f+/) {
		inside = 1
		instructions++
		name = class(text)
		if (name != "")
			classes = classes name " "
	} else {
		if (inside)
			way(path, instructions, classes)
		inside = instructions = 0
		classes = path = ""
		if (/ 0033:/ && text ~ /^(cpuid|sidt)/)
			path = substr(text, 1, 1) == "c" ? "cpuid" : "sidt"
	}
	next
}

# --- QEMU ---

/^IN:/ { translated = listed = 0; names = ""; next }
/^0x[0-9a-f]+: / {
	if (!translated)
		translated = substr($1, 3, length($1) - 3)
	text = $0
	sub(/^0x[0-9a-f]+:  ([0-9a-f][0-9a-f] )+ */, "", text)
	# The bytes of a long instruction go on in a second line without text.
	if (text == "" || text ~ /^[0-9a-f][0-9a-f]$/)
		next
	listed++
	name = class(text)
	if (name != "")
		names = names name " "
	size[translated] = listed
	dear[translated] = names
	next
}
/^Trace / {
	split($0, part, "/")
	pc = part[2]
	last_instructions = instructions
	last_classes = classes
	if (inside) {
		instructions += size[pc]
		classes = classes dear[pc]
	}
	next
}
/^Stopped execution/ { instructions = last_instructions; classes = last_classes; next }
/vmexit\(/ {
	match($0, /vmexit\([0-9a-f]+/)
	path = path_of(substr($0, RSTART + 7, 8))
	inside = 1
	instructions = 0
	classes = ""
	next
}
/vmrun!/ {
	if (inside)
		way(path, instructions, classes)
	inside = 0
}

END {
	always = split("vmload vmsave wrmsr rdmsr cr3_write tlb_flush vmread vmwrite", name_of)
	for (i = 1; i <= 2; i++) {
		path = i == 1 ? "cpuid" : "sidt"
		if (!(path in usual)) {
			print "dear: no " path " in the trace" >"/dev/stderr"
			exit 1
		}
		n = split(usual[path], word, " ")
		print "= dear." path ".instructions " word[1] " instructions"
		split("", count)
		for (j = 1; j <= always; j++)
			count[name_of[j]] = 0
		for (j = 2; j <= n; j++)
			count[word[j]]++
		for (j = 1; j <= always; j++)
			print "= dear." path "." name_of[j], count[name_of[j]], "instructions"
		for (name in count) {
			known = 0
			for (j = 1; j <= always; j++)
				known += name_of[j] == name
			if (!known)
				print "= dear." path "." name, count[name], "instructions"
		}
	}
}
