#pragma once
/*
 * What SIGHUP asks for: keys, denied actions and the certificate are read again, and those settings
 * that settings_table.h names for it: the level of log lines, and limits. What is refused stays as
 * it was, of settings all of them. Main's thread.
 */
#include "service.h"

/* Counts how it went, and tells the service manager, if it knows that the service is `ready`. */
void service_reload(struct service *service, bool ready);
