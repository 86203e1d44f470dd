#pragma once
/*
 * By which name a client asks. A page of any site can have its own name resolve to this machine
 * (DNS rebinding) and is then taken for one of ours by the browser that shows it; what it cannot
 * choose is the Host that the browser sends. Loop thread only.
 */
#include "interfaces/api/api_private.h"

/* Whether the value of Host names this machine itself: localhost or a name below it, in any case
 * and with or without a final point, an address of 127.0.0.0/8, [::1]; with any port or none. */
bool api_host_is_loopback(struct str host);

/* Whether the request may be looked at. False when it was answered. */
bool api_host_admits(const struct api_call *call);
