/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plugin.h - what oldguard.ko exports to the modules of plug-ins, beside plugin.symbols.
 */
#ifndef OLDGUARD_LINUX_PLUGIN_H
#define OLDGUARD_LINUX_PLUGIN_H

#include "../image.h"

struct module;

/**
 * oldguard_plugin_register() - make a plug-in's features ones that can be switched on
 * @image: the plug-in's root part
 * @module: the module; held while one of its features is on
 *
 * Where processors are held they are given back and taken again with the image below: all or
 * nothing. The log says what is wrong.
 *
 * Return: 0; -EPERM: locked; -EINVAL: its tables are not sound; -ENOSPC: there are PLUGINS_MAX; or
 * what taking the processors can fail with.
 */
int oldguard_plugin_register(const struct image *image, struct module *module);

/**
 * oldguard_plugin_unregister() - undo it; no feature of the plug-in is on, or the module would be
 *	held
 * @image: the plug-in's root part
 */
void oldguard_plugin_unregister(const struct image *image);

#endif
