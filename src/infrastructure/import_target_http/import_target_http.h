#pragma once
/*
 * Imports through a server: posts arrays over a few connections that are kept, by libcurl. What may
 * pass (429, 503, 507, a connection that breaks) is tried again after a pause; an array that is too
 * large for the server is cut in halves. One thread.
 */
#include "application/import_target.h"
#include "base/clock.h"

struct import_target_http_config {
    const char *url;     /* http://HOST:PORT, of the service */
    const char *api_key; /* NULL: none */
    const char *ca_file; /* this and the next as in http_handle.h */
    bool unverified;
    struct import_notices *notices;
    const struct clock *clock;
    uint64_t give_up_ms; /* so long nothing may get on */
};

/* INVALID: no such URL can be. NO_MEMORY. Does not connect yet; a server that is not there when the
 * first array is sent is not waited for. */
MUST_USE enum status import_target_http_new(const struct import_target_http_config *config,
                                            struct import_target **out_target, struct error *err);
