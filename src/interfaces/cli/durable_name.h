#pragma once
/*
 * Makes the name of a file durable, which syncing the file does not. Any thread.
 */
#include "base/error.h"

/* Syncs the folder that `path` lies in. UNAVAILABLE, NO_SPACE, NO_MEMORY. */
MUST_USE enum status durable_name_sync(const char *path, struct error *err);
