# SPDX-License-Identifier: GPL-2.0-only
# The features that are built in, one file each.
FEATURES := umip.c cr_pin.c msr_lock.c io_lock.c cpuid_fault.c exc_guard.c mem_guard.c seal.c
