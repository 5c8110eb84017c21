/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.h - the tracepoint oldguard:oldguard_event: a report, for perf, bpftrace and tracefs.
 *
 * It fires when a report is taken out of its ring, in a kernel thread; what the report itself says
 * of processor, task and time is in its fields. The time is that of trace_clock=mono.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM oldguard

#if !defined(OLDGUARD_LINUX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define OLDGUARD_LINUX_TRACE_H

#include <linux/tracepoint.h>
#include <linux/version.h>

#include "../event.h"

/* Linux 6.10 knows the string by itself. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define oldguard_assign_str(name, value) __assign_str(name)
#else
#define oldguard_assign_str(name, value) __assign_str(name, value)
#endif

TRACE_EVENT(oldguard_event,

	TP_PROTO(const struct event *event, u64 ns, const char *feature, const char *asset),

	TP_ARGS(event, ns, feature, asset),

	TP_STRUCT__entry(
		__field(u64, ns)
		__field(u64, rip)
		__field(u64, addr)
		__field(u64, value)
		__field(u64, old)
		__field(u64, suppressed)
		__field(u32, cpu)
		__field(u32, pid)
		__field(u32, tid)
		__field(u32, sel)
		__field(u16, rule)
		__field(u8, kind)
		__field(u8, cpl)
		__field(u8, mode)
		__field(u8, len)
		__array(u8, bytes, EVENT_BYTES)
		__array(char, comm, EVENT_COMM)
		__string(feature, feature)
		__string(asset, asset)
		__string(action, action_name(event->action))
	),

	TP_fast_assign(
		__entry->ns = ns;
		__entry->rip = event->rip;
		__entry->addr = event->addr;
		__entry->value = event->value;
		__entry->old = event->old;
		__entry->suppressed = event->suppressed;
		__entry->cpu = event->cpu;
		__entry->pid = event->pid;
		__entry->tid = event->tid;
		__entry->sel = event->sel;
		__entry->rule = event->rule;
		__entry->kind = event->kind;
		__entry->cpl = event->cpl;
		__entry->mode = event->mode;
		__entry->len = min_t(u8, event->len, EVENT_BYTES);
		memcpy(__entry->bytes, event->bytes, EVENT_BYTES);
		memcpy(__entry->comm, event->comm, EVENT_COMM);
		__entry->comm[EVENT_COMM - 1] = '\0';
		oldguard_assign_str(feature, feature);
		oldguard_assign_str(asset, asset);
		oldguard_assign_str(action, action_name(event->action));
	),

	TP_printk("ns=%llu cpu=%u pid=%u tid=%u comm=%s cpl=%u rip=%pS feature=%s asset=%s rule=%d value=0x%llx old=0x%llx addr=0x%llx action=%s bytes=%s suppressed=%llu",
		  __entry->ns, __entry->cpu, __entry->pid, __entry->tid, __entry->comm,
		  __entry->cpl, (void *)__entry->rip, __get_str(feature), __get_str(asset),
		  __entry->rule == EVENT_NO_RULE ? -1 : __entry->rule, __entry->value,
		  __entry->old, __entry->addr, __get_str(action),
		  __print_hex_str(__entry->bytes, __entry->len), __entry->suppressed)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
