#include "service_access.h"

#include "base/clock.h"
#include "domain/denied_actions.h"
#include "infrastructure/disk/small_file.h"
#include "infrastructure/key_file/key_file.h"
#include "infrastructure/key_file/key_ring_file.h"
#include "infrastructure/viewer_link/viewer_link_hmac.h"

enum { DENY_FILE_BYTES_MAX = 64 * 1024 * 1024 };

/* --- what is read --- */

static enum status load_denied(const char *path, struct denied_actions **out_denied,
                               struct error *err)
{
    struct buffer text;
    struct error wrong;
    buffer_init(&text, DENY_FILE_BYTES_MAX);
    enum status status = small_file_read(path, SMALL_FILE_OURS, &text, err);
    if (status == STATUS_OK) {
        status = denied_actions_parse(buffer_str(&text), out_denied, &wrong);
        if (status != STATUS_OK) {
            error_set(err, status, 0, "the deny file %.60s: %s", path, wrong.message);
        }
    }
    buffer_deinit(&text);
    return status;
}

static enum status read_proxies(const struct settings *settings, struct client_ranges *out_proxies,
                                struct error *err)
{
    struct error wrong;
    enum status status =
        client_ranges_parse(str_from(settings->trusted_proxies), out_proxies, &wrong);
    return status == STATUS_OK ? STATUS_OK
                               : error_set(err, status, 0, "--trusted-proxies: %s", wrong.message);
}

static enum status check_keys(const struct settings *settings, struct error *err)
{
    struct key_list keys;
    if (settings->keys_file[0] == '\0') {
        return STATUS_OK;
    }
    enum status status = key_file_load(settings->keys_file, &keys, err);
    if (status == STATUS_OK) {
        key_list_deinit(&keys);
    }
    return status;
}

static enum status check_denied(const struct settings *settings, struct error *err)
{
    struct denied_actions *denied = NULL;
    if (settings->deny_file[0] == '\0') {
        return STATUS_OK;
    }
    enum status status = load_denied(settings->deny_file, &denied, err);
    denied_actions_free(denied);
    return status;
}

static enum status check_secret(const struct settings *settings, struct error *err)
{
    struct viewer_links *links = NULL;
    if (settings->viewer_secret_file[0] == '\0') {
        return STATUS_OK;
    }
    enum status status = viewer_link_hmac_new(settings->viewer_secret_file, 1, &links, err);
    viewer_link_hmac_free(links);
    return status;
}

static enum status check_limits(const struct settings *settings, bool keys, struct error *err)
{
    if (settings->limit_key_rate > 0 && !keys) {
        return error_set(err, STATUS_INVALID, 0,
                         "--limit-key-rate: there are no keys to limit; use --keys-file, or "
                         "--limit-address-rate");
    }
    return STATUS_OK;
}

enum status service_check_access(const struct settings *settings, struct error *err)
{
    struct client_ranges proxies;
    enum status status = read_proxies(settings, &proxies, err);
    status =
        status == STATUS_OK ? check_limits(settings, settings->keys_file[0] != '\0', err) : status;
    status = status == STATUS_OK ? check_keys(settings, err) : status;
    status = status == STATUS_OK ? check_denied(settings, err) : status;
    return status == STATUS_OK ? check_secret(settings, err) : status;
}

/* --- making it --- */

static enum status open_keys(struct service_access *access, const struct settings *settings,
                             struct error *err)
{
    if (settings->keys_file[0] == '\0') {
        return STATUS_OK;
    }
    enum status status =
        key_ring_file_new(settings->keys_file, (unsigned)settings->threads, &access->ring, err);
    if (status == STATUS_OK) {
        access->control.keys = access->ring;
        atomic_store(&access->keys, key_ring_file_count(access->ring));
    }
    return status;
}

enum status service_open_links(struct service_access *access, const struct settings *settings,
                               const char *own_secret_path, struct error *err)
{
    bool own = settings->viewer_secret_file[0] == '\0';
    enum status status =
        own ? viewer_link_make_secret(own_secret_path, &random_system, err) : STATUS_OK;
    if (status == STATUS_OK) {
        status = viewer_link_hmac_new(own ? own_secret_path : settings->viewer_secret_file,
                                      (unsigned)settings->threads, &access->links, err);
    }
    access->control.links = access->links;
    return status;
}

static enum status open_denied(struct service_access *access, const struct settings *settings,
                               struct error *err)
{
    struct denied_actions *denied = NULL;
    if (settings->deny_file[0] == '\0') {
        return STATUS_OK;
    }
    if (shared_snapshot_init(&access->denied_actions, (unsigned)settings->threads) != STATUS_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the denied actions");
    }
    access->denies = true;
    enum status status = load_denied(settings->deny_file, &denied, err);
    if (status == STATUS_OK) {
        denied_actions_free(shared_snapshot_replace(&access->denied_actions, denied));
    }
    return status;
}

/* Without a limit yet. */
static enum status make_limiters(struct service_access *access, struct error *err)
{
    enum status status = rate_limiter_new(&random_system, &access->key_limiter);
    if (status == STATUS_OK) {
        status = rate_limiter_new(&random_system, &access->address_limiter);
    }
    return status == STATUS_OK ? STATUS_OK
                               : error_set(err, status, 0, "there is no memory for limits");
}

enum status service_open_access(struct service_access *access, const struct settings *settings,
                                struct error *err)
{
    enum status status = read_proxies(settings, &access->proxies, err);
    status = status == STATUS_OK ? open_keys(access, settings, err) : status;
    status = status == STATUS_OK ? open_denied(access, settings, err) : status;
    status = status == STATUS_OK ? make_limiters(access, err) : status;
    status = status == STATUS_OK ? service_prepare_limits(access, settings, err) : status;
    if (status == STATUS_OK) {
        service_set_limits(access, settings);
    }
    return status;
}

void service_close_access(struct service_access *access)
{
    key_ring_file_free(access->ring);
    viewer_link_hmac_free(access->links);
    rate_limiter_free(access->key_limiter);
    rate_limiter_free(access->address_limiter);
    if (access->denies) {
        denied_actions_free(shared_snapshot_replace(&access->denied_actions, NULL));
    }
    shared_snapshot_deinit(&access->denied_actions);
}

struct api_access_config service_access_config(struct service_access *access)
{
    return (struct api_access_config){
        .control = access->ring == NULL ? NULL : &access->control,
        .key_limiter = access->key_limiter,
        .address_limiter = access->address_limiter,
        .proxies = &access->proxies,
        .denied_actions = access->denies ? &access->denied_actions : NULL,
        .reloads = &access->reloads,
        .failed_reloads = &access->failed_reloads,
        .keys = &access->keys,
    };
}

/* --- limits --- */

static enum status reserve(struct rate_limiter *limiter, uint64_t per_second)
{
    return per_second == 0 ? STATUS_OK : rate_limiter_reserve(limiter);
}

enum status service_prepare_limits(struct service_access *access, const struct settings *settings,
                                   struct error *err)
{
    enum status status = check_limits(settings, access->ring != NULL, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = reserve(access->key_limiter, settings->limit_key_rate);
    if (status == STATUS_OK) {
        status = reserve(access->address_limiter, settings->limit_address_rate);
    }
    return status == STATUS_OK ? STATUS_OK
                               : error_set(err, status, 0, "there is no memory for the limits");
}

/* No burst: that of a second. */
static struct rate_limit limit_of(uint64_t per_second, uint64_t burst)
{
    return (struct rate_limit){per_second, burst == 0 ? per_second : burst};
}

void service_set_limits(struct service_access *access, const struct settings *settings)
{
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    rate_limiter_set_limit(access->key_limiter,
                           limit_of(settings->limit_key_rate, settings->limit_key_burst), now_ns);
    rate_limiter_set_limit(access->address_limiter,
                           limit_of(settings->limit_address_rate, settings->limit_address_burst),
                           now_ns);
}

/* --- again --- */

static bool reload_keys(struct service_access *access, const struct logger *logger)
{
    struct error err;
    if (access->ring == NULL) {
        return true;
    }
    if (key_ring_file_reload(access->ring, &err) != STATUS_OK) {
        log_error(logger, "the keys stay as they were", &err);
        return false;
    }
    size_t count = key_ring_file_count(access->ring);
    atomic_store(&access->keys, count);
    log_write(logger, LOG_INFO, "the keys were read again",
              LOG_FIELDS(log_number("keys", (int64_t)count)));
    return true;
}

static bool reload_denied(struct service_access *access, const struct settings *settings,
                          const struct logger *logger)
{
    struct denied_actions *denied = NULL;
    struct error err;
    if (!access->denies) {
        return true;
    }
    if (load_denied(settings->deny_file, &denied, &err) != STATUS_OK) {
        log_error(logger, "the denied actions stay as they were", &err);
        return false;
    }
    size_t count = denied_actions_count(denied);
    denied_actions_free(shared_snapshot_replace(&access->denied_actions, denied));
    log_write(logger, LOG_INFO, "the denied actions were read again",
              LOG_FIELDS(log_number("rules", (int64_t)count)));
    return true;
}

bool service_reload_access(struct service_access *access, const struct settings *settings,
                           const struct logger *logger)
{
    bool keys = reload_keys(access, logger);
    bool denied = reload_denied(access, settings, logger);
    if (access->ring == NULL && !access->denies) {
        log_write(logger, LOG_INFO, "there is nothing to read again", LOG_NO_FIELDS);
    }
    atomic_fetch_add(keys && denied ? &access->reloads : &access->failed_reloads, 1);
    return keys && denied;
}
