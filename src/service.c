/* Makes what keeps activities, from the inside out, and takes all of it down again. */
#include "service.h"

#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/activity_store_memory/activity_store_memory.h"
#include "infrastructure/activity_store_tracing/activity_store_tracing.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/event_log_memory/event_log_memory.h"
#include "infrastructure/event_log_tracing/event_log_tracing.h"
#include "infrastructure/refusal_list_local/refusal_list_local.h"
#include "infrastructure/refusal_list_memory/refusal_list_memory.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define RETENTION_BYTES_MIN ((uint64_t)1 << 20)

/* --- what is refused before anything is touched --- */

static enum status check_adapters(const struct settings *settings, struct error *err)
{
    if (settings->event_log == EVENT_LOG_KAFKA) {
        return error_set(err, STATUS_INVALID, 0,
                         "--event-log kafka: this version has no Kafka event log; use local or "
                         "memory");
    }
    if (settings->store == STORE_MONGODB) {
        return error_set(err, STATUS_INVALID, 0,
                         "--store mongodb: this version has no MongoDB store; use local or memory");
    }
    if (settings->role != ROLE_ALL) {
        return error_set(
            err, STATUS_INVALID, 0,
            "--role %s: processes of their own need an event log and a store that they "
            "can share (kafka and mongodb); use --role all",
            settings->role == ROLE_API ? "api" : "worker");
    }
    return STATUS_OK;
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

static enum status check_checkpoints(const struct settings *settings, struct error *err)
{
    if (settings->checkpoint_key_file[0] == '\0' || settings->store == STORE_LOCAL) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_INVALID, 0,
                     "--checkpoint-key-file: only the local store has checkpoints to sign; use "
                     "--store local");
}

enum status service_check_settings(const struct settings *settings, struct error *err)
{
    enum status status = check_adapters(settings, err);
    status = status == STATUS_OK ? check_retention(settings, err) : status;
    return status == STATUS_OK ? check_checkpoints(settings, err) : status;
}

/* --- the machine --- */

uint64_t service_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 0;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

/* Large blocks go back to the system when they are done with, and so does what is free at the end
 * of a heap. By itself malloc raises both limits to what was freed last, and then keeps peaks for
 * good; lower ones cost page faults with every array and every head. */
void service_set_up_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 16 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 32 * 1024 * 1024);
}

/* --- the parts, from the inside out --- */

static enum status make_if_missing(const char *path, struct error *err)
{
    return access(path, F_OK) == 0 ? STATUS_OK
                                   : disk_make_durable_directory(disk_posix(), path, err);
}

/* Makes the folder and those above it that are missing. */
static enum status make_data_dir(const char *path, struct error *err)
{
    char prefix[SETTINGS_TEXT_BYTES];
    size_t len = strlen(path);
    snprintf(prefix, sizeof prefix, "%s", path);
    while (len > 1 && prefix[len - 1] == '/') {
        prefix[--len] = '\0';
    }
    for (char *slash = strchr(prefix + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        enum status status = make_if_missing(prefix, err);
        if (status != STATUS_OK) {
            return status;
        }
        *slash = '/';
    }
    return make_if_missing(prefix, err);
}

/* The adapter's own folder below the data folder, which is made. */
static enum status make_adapter_dir(const struct service *service, const char *name,
                                    char out_path[DISK_PATH_BYTES_MAX], struct error *err)
{
    const char *data_dir = service->settings.data_dir;
    enum status status = make_data_dir(data_dir, err);
    return status == STATUS_OK ? disk_path(data_dir, name, out_path, err) : status;
}

static enum status open_local_log(struct service *service, struct error *err)
{
    const struct settings *settings = &service->settings;
    char directory[DISK_PATH_BYTES_MAX];
    enum status status = make_adapter_dir(service, "log", directory, err);
    if (status == STATUS_OK) {
        status = event_log_local_new(
            &(struct event_log_local_config){
                .disk = disk_posix(),
                .directory = directory,
                .segment_bytes = settings->log_segment_bytes,
                .log_bytes_max = settings->log_bytes,
                .queue_bytes_max = settings->log_queue_bytes,
                .clock = &clock_system,
                .random = &random_system,
                .logger = &service->logger,
            },
            &service->log, err);
        service->local_log = service->log;
    }
    return status;
}

static enum status open_log(struct service *service, struct error *err)
{
    const struct settings *settings = &service->settings;
    enum status status;
    if (settings->event_log == EVENT_LOG_MEMORY) {
        status = event_log_memory_new(
            &(struct event_log_memory_config){
                .bytes_max = settings->log_bytes,
                .random = &random_system,
            },
            &service->log, err);
    } else {
        status = open_local_log(service, err);
    }
    if (status == STATUS_OK && settings->trace_ports) {
        status = event_log_tracing_new(
            &(struct event_log_tracing_config){
                .inner = service->log, .clock = &clock_system, .logger = &service->logger},
            &service->log, err);
    }
    return status;
}

static enum status open_memory_store(struct service *service, struct error *err)
{
    return activity_store_memory_new(
        &(struct activity_store_memory_config){
            .bytes_max = service->settings.store_memory_bytes,
            .clock = &clock_system,
            .random = &random_system,
        },
        &service->store, err);
}

static enum status open_local_store(struct service *service, struct error *err)
{
    char directory[DISK_PATH_BYTES_MAX];
    enum status status = make_adapter_dir(service, "store", directory, err);
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
    return status;
}

static enum status sign_checkpoint(struct checkpoint_source *source, struct buffer *out_text,
                                   struct error *err)
{
    struct service *service = CONTAINER_OF(source, struct service, checkpoints);
    return activity_store_local_checkpoint(service->local_store, out_text, err);
}

static enum status open_store(struct service *service, struct error *err)
{
    enum status status = service->settings.store == STORE_MEMORY ? open_memory_store(service, err)
                                                                 : open_local_store(service, err);
    service->checkpoints.sign = sign_checkpoint;
    if (status == STATUS_OK && service->settings.trace_ports) {
        status = activity_store_tracing_new(service->store, &service->logger, &service->store, err);
    }
    return status;
}

static enum status open_local_refusals(struct service *service, struct error *err)
{
    char directory[DISK_PATH_BYTES_MAX];
    enum status status = make_adapter_dir(service, "refused", directory, err);
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

/* The list that lasts as long as the store. */
static enum status open_refusals(struct service *service, struct error *err)
{
    if (service->settings.store == STORE_LOCAL) {
        return open_local_refusals(service, err);
    }
    return refusal_list_memory_new(
        &(struct refusal_list_memory_config){
            .bytes_max = service->settings.refused_bytes,
            .clock = &clock_system,
        },
        &service->refusals, err);
}

static enum status make_worker(struct service *service, struct error *err)
{
    struct store_activities_config config = store_activities_config_default;
    config.log = service->log;
    config.store = service->store;
    config.refusals = service->refusals;
    config.random = &random_system;
    config.logger = &service->logger;
    config.clock = &clock_system;
    config.retention_days = (unsigned)service->settings.retention_days;
    return store_activities_new(&config, &service->worker, err);
}

static void make_use_cases(struct service *service)
{
    const struct settings *settings = &service->settings;
    service->rules = (struct activity_rules){
        .user_id_code_points_max = settings->user_id_length,
        .action_code_points_max = settings->action_length,
        .metadata_bytes_max = settings->metadata_bytes,
        .metadata_depth_max = (unsigned)settings->metadata_depth,
        .timestamp_ahead_ms_max = (int64_t)settings->timestamp_ahead_ms,
    };
    record_activities_init(&service->recorder, service->log, &clock_system, &random_system);
    find_activities_init(&service->finder, &(struct find_activities_config){
                                               .store = service->store,
                                               .deadline_ms = (unsigned)settings->query_timeout_ms,
                                               .page_bytes_max = settings->page_bytes,
                                           });
    count_activities_init(&service->counter,
                          &(struct count_activities_config){
                              .store = service->store,
                              .deadline_ms = (unsigned)settings->query_timeout_ms,
                          });
    service->lister = (struct list_refusals){
        .list = service->refusals,
        .page_bytes_max = settings->page_bytes,
    };
    erase_user_init(&service->eraser, &(struct erase_user_config){
                                          .store = service->store,
                                          .log = service->log,
                                          .recorder = &service->recorder,
                                          .worker = service->worker,
                                      });
}

enum status service_open(struct service *service, struct error *err)
{
    enum status status = open_log(service, err);
    status = status == STATUS_OK ? open_store(service, err) : status;
    status = status == STATUS_OK ? open_refusals(service, err) : status;
    if (status == STATUS_OK && service->settings.role != ROLE_API) {
        status = make_worker(service, err);
    }
    if (status == STATUS_OK) {
        make_use_cases(service);
    }
    return status;
}

static void *run_worker(void *context)
{
    struct service *service = context;
    pthread_setname_np(pthread_self(), "worker");
    service->worker_status = store_activities_run(service->worker, &service->worker_err);
    if (service->worker_status != STATUS_OK) {
        kill(getpid(), SIGTERM); /* main waits for signals; it then asks why */
    }
    return NULL;
}

enum status service_start_worker(struct service *service, struct error *err)
{
    if (service->worker == NULL) {
        return STATUS_OK;
    }
    int failed = pthread_create(&service->worker_thread, NULL, run_worker, service);
    if (failed != 0) {
        return error_set_system(err, failed, "the worker's thread cannot be made");
    }
    service->worker_runs = true;
    return STATUS_OK;
}

void service_stop_worker(struct service *service)
{
    if (service->worker_runs) {
        store_activities_stop(service->worker);
        pthread_join(service->worker_thread, NULL);
        service->worker_runs = false;
    }
}

/* In this order: nobody may be called who is gone. The log's last results go to the server's
 * queues. */
void service_take_down(struct service *service)
{
    service_stop_worker(service);
    event_log_free(service->log);
    http_server_free(service->server);
    api_free(service->api);
    store_activities_free(service->worker);
    activity_store_free(service->store);
    refusal_list_free(service->refusals);
    checkpoint_signer_deinit(&service->signer);
    settings_deinit(&service->settings);
}
