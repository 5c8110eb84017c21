// SPDX-License-Identifier: GPL-2.0-only
/*
 * plugin_module.c - Linux's side of a plug-in: its module's beginning and end.
 */
#include <linux/module.h>

#include "plugin.h"

static int __init plugin_init(void)
{
	return oldguard_plugin_register(&oldguard_image, THIS_MODULE);
}

static void __exit plugin_exit(void)
{
	oldguard_plugin_unregister(&oldguard_image);
}

module_init(plugin_init);
module_exit(plugin_exit);
MODULE_DESCRIPTION("A plug-in of oldguard");
MODULE_LICENSE("GPL");
MODULE_VERSION(OLDGUARD_VERSION);
