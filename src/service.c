/* Makes what keeps activities, from the inside out, and takes all of it down again. */
#include "service.h"

#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/folder_backup/folder_restore.h"
#include "service_parts.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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
enum status service_make_adapter_dir(const struct service *service, const char *name,
                                     char out_path[DISK_PATH_BYTES_MAX], struct error *err)
{
    const char *data_dir = service->settings.data_dir;
    enum status status = make_data_dir(data_dir, err);
    status = status == STATUS_OK ? folder_backup_refuse(disk_posix(), data_dir, err) : status;
    return status == STATUS_OK ? disk_path(data_dir, name, out_path, err) : status;
}

/* MongoDB's sessions stand still between two batches, while the first is confirmed and the second
 * is read: larger batches, so that this is a small share. */
size_t service_batch_rows(const struct settings *settings)
{
    size_t rows = store_activities_config_default.batch_rows_max;
    if (settings->store == STORE_MONGODB) {
        rows *= settings->mongodb_sessions;
    }
    return rows < EVENT_LOG_POLL_ROWS_MAX ? rows : EVENT_LOG_POLL_ROWS_MAX;
}

/* With MongoDB workers of other processes may put what is waited for here. */
static enum status make_waits(struct service *service, struct error *err)
{
    return await_stored_new(
        &(struct await_stored_config){
            .log = service->log,
            .store = service->settings.store == STORE_MONGODB ? service->store : NULL,
            .moved = service->moved,
            .clock = &clock_system,
            .waits_max = AWAIT_STORED_WAITS_MAX,
            .wait_ms = AWAIT_STORED_MS,
            .look_ms = AWAIT_STORED_LOOK_MS,
        },
        &service->waits, err);
}

static enum status make_worker(struct service *service, struct error *err)
{
    struct store_activities_config config = store_activities_config_default;
    config.log = service->log;
    config.store = service->store;
    config.refusals = service->refusals;
    config.erasures = service->erasures;
    config.random = &random_system;
    config.logger = &service->logger;
    config.clock = &clock_system;
    config.progress = service->waits == NULL ? NULL : await_stored_listener(service->waits);
    config.tracer = service_tracer(service);
    config.retention_days = (unsigned)service->settings.retention_days;
    config.batch_rows_max = service_batch_rows(&service->settings);
    enum status status = store_activities_new(&config, &service->worker, err);
    if (status == STATUS_OK && service->waits != NULL) {
        await_stored_set_worker(service->waits, service->worker);
    }
    return status;
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
    summarize_user_init(&service->summarizer,
                        &(struct summarize_user_config){
                            .store = service->store,
                            .deadline_ms = (unsigned)settings->query_timeout_ms,
                        });
    service->lister = (struct list_refusals){
        .list = service->refusals,
        .page_bytes_max = settings->page_bytes,
    };
    accounting_init(&service->accounting, &(struct accounting){
                                              .log = service->log,
                                              .store = service->store,
                                              .recorder = &service->recorder,
                                              .worker = service->worker,
                                              .clock = &clock_system,
                                          });
    erase_user_init(&service->eraser, &(struct erase_user_config){
                                          .store = service->store,
                                          .refusals = service->refusals,
                                          .log = service->log,
                                          .recorder = &service->recorder,
                                          .worker = service->worker,
                                      });
}

static enum status make_resender(struct service *service, struct error *err)
{
    const struct settings *settings = &service->settings;
    const struct resend_refusals_config config = {
        .lister = &service->lister,
        .log = service->log,
        .recorder = &service->recorder,
        .clock = &clock_system,
        .topic = settings->event_log == EVENT_LOG_KAFKA ? settings->kafka_topic : NULL,
        .wait_ms = RESEND_WAIT_MS,
    };
    return resend_refusals_init(&service->resender, &config, err);
}

enum status service_open(struct service *service, struct error *err)
{
    enum status status = service_open_log(service, err);
    status = status == STATUS_OK ? service_open_store(service, err) : status;
    status = status == STATUS_OK ? service_open_refusals(service, err) : status;
    if (status == STATUS_OK && service->use == SERVICE_SERVES &&
        service->settings.role != ROLE_WORKER) {
        status = make_waits(service, err);
    }
    if (status == STATUS_OK && service->settings.role != ROLE_API) {
        status = make_worker(service, err);
    }
    if (status == STATUS_OK) {
        make_use_cases(service);
        status = make_resender(service, err);
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
        return erasure_watch_start(&service->erasure_watch, &service->eraser, err);
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
    erasure_watch_stop(&service->erasure_watch);
    if (service->waits != NULL) {
        await_stored_stop(service->waits);
    }
    live_tail_stop(service->live);
    event_log_free(service->log);
    http_server_free(service->server);
    http_tls_free(service->tls);
    api_free(service->api);
    live_tail_free(service->live);
    service_hashes_free(service->hashes);
    resend_refusals_deinit(&service->resender);
    store_activities_free(service->worker);
    await_stored_free(service->waits);
    activity_store_free(service->store);
    refusal_list_free(service->refusals);
    service_close_access(&service->access);
    checkpoint_signer_deinit(&service->signer);
    service_close_traces(&service->traces); /* last: nothing waits for a collector */
    settings_deinit(&service->settings);
}
