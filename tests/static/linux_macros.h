/* SPDX-License-Identifier: GPL-2.0-only */
/* Linux's loops, for cppcheck, which does not read Linux's headers. */
#define for_each_possible_cpu(cpu) for (cpu = 0; cpu < 4; cpu++)
#define for_each_online_cpu(cpu) for (cpu = 0; cpu < 4; cpu++)
#define for_each_process_thread(p, t) for (p = t = 0; p; p++)
