/* What settings cannot be meant, told before anything is touched. */
#include "infrastructure/activity_store_mongodb/activity_store_mongodb.h"
#include "service.h"
#include "service_parts.h"

#define RETENTION_BYTES_MIN ((uint64_t)1 << 20)
#define SPILL_BYTES_MIN     ((uint64_t)1 << 20)

static enum status check_role(const struct settings *settings, struct error *err)
{
    bool shared = settings->event_log == EVENT_LOG_KAFKA && settings->store == STORE_MONGODB;
    if (settings->role == ROLE_ALL || shared) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, 0,
                     "--role %s: processes of their own need an event log and a store that they "
                     "can share: --event-log kafka --store mongodb; or use --role all",
                     settings->role == ROLE_API ? "api" : "worker");
}

/* A size without its unit would remove nearly everything. */
static enum status check_retention(const struct settings *settings, struct error *err)
{
    if (settings->retention_bytes == 0 || settings->retention_bytes >= RETENTION_BYTES_MIN) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, 0,
                     "--retention-bytes %llu: must be 0 (no limit) or at least 1MiB",
                     (unsigned long long)settings->retention_bytes);
}

static enum status check_spill(const struct settings *settings, struct error *err)
{
    if (settings->spill_bytes == 0 || settings->spill_bytes >= SPILL_BYTES_MIN) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, 0,
                     "--spill-bytes %llu: must be 0 (no such place) or at least 1MiB",
                     (unsigned long long)settings->spill_bytes);
}

enum status service_check_settings(const struct settings *settings, struct error *err)
{
    enum status status = check_role(settings, err);
    status = status == STATUS_OK ? check_retention(settings, err) : status;
    return status == STATUS_OK ? check_spill(settings, err) : status;
}

enum status service_check_clients(struct service *service, struct error *err)
{
    enum status status = STATUS_OK;
    if (service->settings.event_log == EVENT_LOG_KAFKA) {
        status = service_check_kafka(service, err);
    }
    if (status == STATUS_OK && service->settings.store == STORE_MONGODB) {
        status = activity_store_mongodb_check(service->settings.mongodb_uri, err);
    }
    return status;
}

enum status service_blame_state(enum status status, struct error *err)
{
    if (status != STATUS_INVALID) {
        return status;
    }
    err->status = STATUS_UNAVAILABLE;
    return STATUS_UNAVAILABLE;
}
