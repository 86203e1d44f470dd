#pragma once
/*
 * Tells whoever started the process, such as systemd, what state it is in: datagrams of lines
 * NAME=value to the socket that NOTIFY_SOCKET names, as sd_notify(3) describes them. A path begins
 * with a slash; with an at sign the rest is a name in the abstract namespace of Linux. Nobody need
 * listen. One thread.
 */
#include "base/clock.h"

#include <stdbool.h>

enum { SERVICE_MANAGER_STATUS_BYTES_MAX = 200 };

struct service_manager {
    int descriptor; /* -1: nobody listens */
    const struct clock *clock;
};

/* `address`: what NOTIFY_SOCKET says; NULL or empty: nobody listens. False: it names no socket that
 * can be reached; then nobody is told, either. */
bool service_manager_open(struct service_manager *manager, const char *address,
                          const struct clock *clock);
void service_manager_close(struct service_manager *manager);

/* Each says in `status`, which may be cut, what a person should know. What cannot be sent within
 * two seconds is lost. */
void service_manager_tell_starting(const struct service_manager *manager, const char *status);
void service_manager_tell_ready(const struct service_manager *manager, const char *status);
void service_manager_tell_reloading(const struct service_manager *manager, const char *status);
void service_manager_tell_stopping(const struct service_manager *manager, const char *status);
