/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * oldguard.h - oldguard as an attacker sees it who has its sources: its calls, and the parts of its
 * module that live in Linux's world.
 */
#ifndef OLDGUARD_ATTACK_OLDGUARD_H
#define OLDGUARD_ATTACK_OLDGUARD_H

#include "guest-glue/linux/glue.h"

/**
 * oldguard_call() - call the root side
 * @number: enum hypercall
 * @a: first argument
 * @b: second argument
 * @result: enum hypercall_result
 *
 * Return: false if there is nobody.
 */
bool oldguard_call(u64 number, u64 a, u64 b, u64 *result);

#endif
