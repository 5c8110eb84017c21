/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * types.h - the integer types of both worlds.
 *
 * The root side includes nothing of Linux; the few headers that cross the border (the ABI, the
 * block's layout) are read by both, so the names must mean the same on either side.
 */
#ifndef OLDGUARD_TYPES_H
#define OLDGUARD_TYPES_H

#ifdef OLDGUARD_LINUX_SIDE
#include <linux/types.h>
#include <linux/stddef.h>
#include <linux/build_bug.h>
#include <asm/processor.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define static_assert _Static_assert
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#endif

#define BIT64(n) (1ULL << (n))
#define PAGE_BYTES 4096ULL

#endif
