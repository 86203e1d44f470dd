/* Opens the store, and the list of what it refuses. */
#include "base/backoff.h"
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/activity_store_memory/activity_store_memory.h"
#include "infrastructure/activity_store_mongodb/activity_store_mongodb.h"
#include "infrastructure/activity_store_tracing/activity_store_tracing.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/refusal_list_local/refusal_list_local.h"
#include "infrastructure/refusal_list_memory/refusal_list_memory.h"
#include "infrastructure/refusal_list_mongodb/refusal_list_mongodb.h"
#include "service_parts.h"

#include <time.h>

enum { RETRY_MS_MIN = 100, RETRY_MS_MAX = 2000 };

static enum status open_memory_store(struct service *service, struct error *err)
{
    enum status status = activity_store_memory_new(
        &(struct activity_store_memory_config){
            .bytes_max = service->settings.store_memory_bytes,
            .clock = &clock_system,
            .random = &random_system,
        },
        &service->store, err);
    if (status == STATUS_OK) {
        service->erasures = activity_store_memory_erasures(service->store);
    }
    return status;
}

static enum status open_local_store(struct service *service, struct error *err)
{
    char directory[DISK_PATH_BYTES_MAX];
    enum status status = service_make_adapter_dir(service, "store", directory, err);
    if (status == STATUS_OK) {
        status = activity_store_local_new(
            &(struct activity_store_local_config){
                .disk = disk_posix(),
                .directory = directory,
                .clock = &clock_system,
                .random = &random_system,
                .logger = &service->logger,
                .bytes_max = service->settings.retention_bytes,
                .signer = service->signer.key == NULL ? NULL : &service->signer,
                .background = true,
            },
            &service->store, err);
        service->local_store = service->store;
    }
    if (status == STATUS_OK) {
        service->erasures = activity_store_local_erasures(service->store);
    }
    return status;
}

static enum status sign_checkpoint(struct checkpoint_source *source, struct buffer *out_text,
                                   struct error *err)
{
    struct service *service = CONTAINER_OF(source, struct service, checkpoints);
    return activity_store_local_checkpoint(service->local_store, out_text, err);
}

/* A process that only accepts and answers does not need the store for the first of both. */
static bool connects_later(const struct service *service)
{
    return service->use == SERVICE_SERVES && service->settings.role == ROLE_API;
}

static enum status open_mongodb_store(struct service *service, struct error *err)
{
    const struct settings *settings = &service->settings;
    enum status status = activity_store_mongodb_new(
        &(struct activity_store_mongodb_config){
            .uri = settings->mongodb_uri,
            .sessions = (unsigned)settings->mongodb_sessions,
            .connects_later = connects_later(service),
            .retention_days = (unsigned)settings->retention_days,
            .clock = &clock_system,
            .random = &random_system,
            .logger = &service->logger,
        },
        &service->store, err);
    if (status == STATUS_OK) {
        service->erasures = activity_store_mongodb_erasures(service->store);
    }
    return status;
}

static void tell_of_mongodb(struct service *service, const struct error *err)
{
    log_write(&service->logger, LOG_WARNING,
              "MongoDB cannot be used yet; the start waits for it, up to --connect-timeout",
              LOG_FIELDS(log_text("reason", str_from(err->message))));
}

static enum status name_mongodb_uri(enum status status, struct error *err)
{
    struct error cause = *err;
    return error_set(err, status, 0, "look at mongodb-uri: %s", cause.message);
}

/* A server that is just starting, beside us, is given its time. */
static enum status wait_for_mongodb_store(struct service *service, struct error *err)
{
    uint64_t deadline_ms = clock_monotonic_ms(&clock_system) + service->settings.connect_timeout_ms;
    enum status status = open_mongodb_store(service, err);
    for (unsigned failures = 0; status == STATUS_UNAVAILABLE || status == STATUS_TIMED_OUT;
         failures++) {
        if (clock_monotonic_ms(&clock_system) >= deadline_ms) {
            return name_mongodb_uri(status, err);
        }
        if (failures == 0) {
            tell_of_mongodb(service, err);
        }
        unsigned ms = backoff_ms(&random_system, RETRY_MS_MIN, RETRY_MS_MAX, failures);
        struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
        nanosleep(&pause, NULL);
        status = open_mongodb_store(service, err);
    }
    return status;
}

static enum status open_store_adapter(struct service *service, struct error *err)
{
    switch ((enum settings_store)service->settings.store) {
    case STORE_MEMORY:
        return open_memory_store(service, err);
    case STORE_MONGODB:
        return wait_for_mongodb_store(service, err);
    case STORE_LOCAL:
    default:
        return open_local_store(service, err);
    }
}

enum status service_open_store(struct service *service, struct error *err)
{
    enum status status = open_store_adapter(service, err);
    service->checkpoints.sign = sign_checkpoint;
    if (status == STATUS_OK && service->settings.trace_ports) {
        status = activity_store_tracing_new(service->store, &service->logger, &service->store, err);
    }
    return status;
}

static enum status open_local_refusals(struct service *service, struct error *err)
{
    char directory[DISK_PATH_BYTES_MAX];
    enum status status = service_make_adapter_dir(service, "refused", directory, err);
    if (status == STATUS_OK) {
        status = refusal_list_local_new(
            &(struct refusal_list_local_config){
                .disk = disk_posix(),
                .directory = directory,
                .bytes_max = service->settings.refused_bytes,
                .clock = &clock_system,
                .logger = &service->logger,
            },
            &service->refusals, err);
    }
    return status;
}

static enum status open_memory_refusals(struct service *service, struct error *err)
{
    return refusal_list_memory_new(
        &(struct refusal_list_memory_config){
            .bytes_max = service->settings.refused_bytes,
            .clock = &clock_system,
        },
        &service->refusals, err);
}

static enum status open_mongodb_refusals(struct service *service, struct error *err)
{
    return refusal_list_mongodb_new(
        &(struct refusal_list_mongodb_config){
            .uri = service->settings.mongodb_uri,
            .bytes_max = service->settings.refused_bytes,
            .connects_later = connects_later(service),
            .clock = &clock_system,
        },
        &service->refusals, err);
}

/* The list that lasts as long as the store. */
static enum status open_list(struct service *service, struct error *err)
{
    switch ((enum settings_store)service->settings.store) {
    case STORE_MEMORY:
        return open_memory_refusals(service, err);
    case STORE_MONGODB:
        return open_mongodb_refusals(service, err);
    case STORE_LOCAL:
    default:
        return open_local_refusals(service, err);
    }
}

/* A worker that reads from Kafka sends there what it refuses; a replay only lists it again. */
enum status service_open_refusals(struct service *service, struct error *err)
{
    bool sends = service->kafka_log != NULL && service->use == SERVICE_SERVES &&
                 service->settings.role != ROLE_API;
    enum status status = open_list(service, err);
    return status == STATUS_OK && sends ? service_send_refused(service, err) : status;
}
