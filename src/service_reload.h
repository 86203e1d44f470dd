#pragma once
/*
 * What SIGHUP asks for: keys, denied actions, the certificate and the level of log lines are read
 * again. What is refused stays as it was. Main's thread.
 */
#include "service.h"

/* Counts how it went, and tells the service manager, if it knows that the service is `ready`. */
void service_reload(struct service *service, bool ready);
