#pragma once
/*
 * Who may use the service: keys, links, limits, and actions that are not recorded, as the settings
 * name them. Main's thread.
 */
#include "base/error.h"
#include "base/logger.h"
#include "infrastructure/config/settings.h"
#include "interfaces/api/api_access.h"

struct service_access {
    struct access_control control;
    struct key_ring *ring;            /* NULL: no keys are needed */
    struct viewer_links *links;       /* with a ring */
    struct rate_limiter *key_limiter; /* this and the next as long as the service: they turn on and
                                         off by themselves */
    struct rate_limiter *address_limiter;
    struct client_ranges proxies;
    struct shared_snapshot denied_actions;
    bool denies; /* there is a file of them */
    _Atomic uint64_t keys;
    _Atomic uint64_t reloads;
    _Atomic uint64_t failed_reloads;
};

/* Reads the files as serve will. INVALID. */
MUST_USE enum status service_check_access(const struct settings *settings, struct error *err);

/* What was opened is there for service_close_access also on failure. */
MUST_USE enum status service_open_access(struct service_access *access,
                                         const struct settings *settings, struct error *err);

/* Opens links for viewers, if there are keys, with the secret in this file unless the settings name
 * another one; it is made when it is missing. */
MUST_USE enum status service_open_links(struct service_access *access,
                                        const struct settings *settings,
                                        const char *own_secret_path, struct error *err);

/* Reads keys and denied actions again. What cannot be read stays as it was, which a line says, and
 * then it returns false. */
bool service_reload_access(struct service_access *access, const struct settings *settings,
                           const struct logger *logger);

/* Whether these limits can be set, with the keys that there are; has the memory for them. INVALID;
 * NO_MEMORY. */
MUST_USE enum status service_prepare_limits(struct service_access *access,
                                            const struct settings *settings, struct error *err);

/* Has them count from now on, prepared before; buckets keep what was taken out of them. */
void service_set_limits(struct service_access *access, const struct settings *settings);

/* Takes one of which nothing was opened, too. Nobody asks any more. */
void service_close_access(struct service_access *access);

/* For the API; all zero when anybody may do anything. */
struct api_access_config service_access_config(struct service_access *access);
