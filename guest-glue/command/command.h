/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the subcommands of `oldguard` share. A subcommand is one file with one function, named in
 * the table of main.c.
 */
#ifndef OLDGUARD_COMMAND_H
#define OLDGUARD_COMMAND_H

#include <stdbool.h>
#include <stdarg.h>
#include <jansson.h>

/* Where the module shows itself; the options --device and --parameter name other files. */
#define OLDGUARD_DEVICE "/dev/oldguard"
#define OLDGUARD_EVENTS "/dev/oldguard-events"
#define OLDGUARD_MODULE "/sys/module/oldguard"
#define OLDGUARD_PARAMETER OLDGUARD_MODULE "/parameters/features"
#define OLDGUARD_LOCK OLDGUARD_MODULE "/parameters/lock"
#define OLDGUARD_POLICY "/sys/kernel/oldguard/policy"

/**
 * struct command - a subcommand
 * @name: the word that users type
 * @summary: one line for `oldguard --help`
 * @run: gets its own arguments, argv[0] being "oldguard NAME"; returns the exit status (1: failed)
 */
struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
};

int status_command(int argc, char **argv);
int probe_command(int argc, char **argv);
int enable_command(int argc, char **argv);
int disable_command(int argc, char **argv);
int policy_command(int argc, char **argv);
int lock_command(int argc, char **argv);
int events_command(int argc, char **argv);

/**
 * say_json() - print an object and drop the reference to it
 * @object: what to print, indented, on standard output
 */
void say_json(json_t *object);

/**
 * say_error() - the one way to say that a subcommand failed
 * @json: an object with the member "error" on standard output rather than a line on standard error
 * @more: further members of that object, or NULL; the reference is taken
 *
 * Return: 1, the exit status of a failure.
 */
int say_error(bool json, json_t *more, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * text() - a formatted string in memory of its own
 *
 * Return: the string, to be freed; never NULL, the process ends when memory does.
 */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * grow() - make room for one more element at the end of an array
 * @array: the array or NULL
 * @count: how many elements it holds
 * @size: of one element
 *
 * Return: the array, moved perhaps; never NULL.
 */
void *grow(void *array, size_t count, size_t size);

#endif
