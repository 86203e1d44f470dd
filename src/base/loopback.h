#pragma once
/*
 * Whether a host is this machine alone. What goes there leaves it for no network, so that nobody
 * can stand in between. Any thread.
 */
#include "base/str.h"

#include <stdbool.h>

/* True for 127.0.0.0/8, ::1 (with or without brackets) and localhost; other names are not looked
 * up. */
bool loopback_is_host(struct str host);
