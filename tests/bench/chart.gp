# SPDX-License-Identifier: GPL-2.0-only
# For tests/bench/run: the two ways that matter, bare, with oldguard and in KVM's guest.
set terminal svg size 900,420 dynamic background "white"
set output svg
set datafile separator "\t"
set datafile missing "?"
set title "Ticks (one an instruction) that a user program waits"
set style data histograms
set style histogram clustered gap 1.2
set style fill solid 0.9 border -1
set boxwidth 0.9
set logscale y
set yrange [1:20000]
set xrange [-0.6:bars - 0.4]
set bmargin 3.5
set grid ytics
set key outside right top
# A bar is 1 / (3 + gap) wide.
plot data using 2:xtic(1) title "bare" linecolor rgb "#9e9e9e", \
	data using 3 title "oldguard" linecolor rgb "#2e7d32", \
	data using 4 title "KVM guest" linecolor rgb "#c62828", \
	data using ($0 - 0.24):2:2 with labels offset 0,0.6 notitle, \
	data using 0:3:3 with labels offset 0,0.6 notitle, \
	data using ($0 + 0.24):4:4 with labels offset 0,0.6 notitle
