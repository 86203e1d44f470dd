/*
 * Where imported activities go. Into a folder that nobody holds by the parts that serve has, too;
 * else to the server whose address stands in the folder's lock.
 */
#include "import_access.h"

#include "infrastructure/crypto/sha256.h"
#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/import_state_file/import_state_file.h"
#include "infrastructure/import_target_http/import_target_http.h"
#include "infrastructure/import_target_local/import_target_local.h"
#include "server_access.h"
#include "service.h"
#include "service_parts.h"
#include "stop_signals.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { CATCH_UP_LOOK_MS = 2, FLAGS_MAX = 4, NAME_BYTES = 128 };

/* Too large for a stack, one for the process. */
static struct service service;
static bool opened; /* the service, whole or in part */
static struct sha256 sha256;
static char name[NAME_BYTES];

static enum import_wish wish(void)
{
    unsigned count = stop_signals_count();
    return count < IMPORT_STOP_NOW ? (enum import_wish)count : IMPORT_STOP_NOW;
}

/* --- into the folder itself --- */

/* One that cannot be read is a wrong setting, as it is for serve. */
static enum status read_key(struct error *err)
{
    struct error why;
    const struct settings *settings = &service.settings;
    enum status status = checkpoint_signer_init(&service.signer, settings->checkpoint_key_file,
                                                settings->checkpoint_name, &why);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    return error_set(err, status == STATUS_NO_MEMORY ? status : STATUS_INVALID, why.cause, "%s",
                     why.message);
}

static enum status read_settings(const struct import_destination *destination, struct error *err)
{
    char *flags[FLAGS_MAX] = {
        (char *)(uintptr_t) "--data-dir", (char *)(uintptr_t)destination->data_dir,
        (char *)(uintptr_t) "--config", (char *)(uintptr_t)destination->config};
    const struct settings_sources sources = {destination->config == NULL ? 2 : FLAGS_MAX, flags,
                                             environ};
    enum status status = settings_read(&sources, &service.settings, stderr, err);
    if (status == STATUS_OK) {
        status = service_check_settings(&service.settings, err);
    }
    if (status == STATUS_OK && service.settings.event_log != EVENT_LOG_LOCAL) {
        status = error_set(err, STATUS_INVALID, 0,
                           "importing into a folder needs --event-log local; a log in memory ends "
                           "with the import");
    }
    status = status == STATUS_OK ? service_check_clients(&service, err) : status;
    return status == STATUS_OK ? read_key(err) : status;
}

/* What the log held before has its verdicts first, so that those of the import can be told apart. A
 * store that takes nothing for so long will not take what is imported, either. */
static enum status wait_until_caught_up(uint64_t give_up_ms, struct error *err)
{
    struct store_activities_state state;
    const struct timespec pause = {.tv_nsec = CATCH_UP_LOOK_MS * 1000000L};
    uint64_t pending_min = UINT64_MAX;
    uint64_t progressed_ms = 0;
    do {
        uint64_t now_ms = clock_monotonic_ms(&clock_system);
        store_activities_describe(service.worker, &state);
        if (state.pending < pending_min) {
            pending_min = state.pending;
            progressed_ms = now_ms;
        }
        if (!state.caught_up && now_ms - progressed_ms >= give_up_ms) {
            return error_set(err, STATUS_UNAVAILABLE, 0,
                             "the store does not take what is in the event log already: %.100s",
                             state.reason[0] == '\0' ? "it is busy" : state.reason);
        }
    } while (!state.caught_up && state.condition != WORKER_FAILED && wish() == IMPORT_GO_ON &&
             nanosleep(&pause, NULL) == 0);
    return STATUS_OK;
}

/* For people; checkpoints of the chain are for them, too, when there is a key to sign them. */
static void init_logger(void)
{
    service.logger = (struct logger){.clock = &clock_system,
                                     .descriptor = STDERR_FILENO,
                                     .format = LOG_FORMAT_TEXT,
                                     .level = service.signer.key == NULL ? LOG_WARNING : LOG_INFO};
}

static enum status open_folder(const struct import_destination *destination,
                               struct import_target **out_target, struct error *err)
{
    const struct settings *settings = &service.settings;
    init_logger();
    service_set_up_memory();
    (void)service_raise_descriptor_limit(); /* each part of the store takes one */
    opened = true;
    stop_signals_block();
    enum status status = service_open(&service, err);
    status = status == STATUS_OK ? service_start_worker(&service, err) : status;
    stop_signals_unblock();
    status = service_blame_state(status, err);
    if (status == STATUS_OK) {
        status = wait_until_caught_up(destination->give_up_ms, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    snprintf(name, sizeof name, "the folder %.100s", destination->data_dir);
    return import_target_local_new(
        &(struct import_target_local_config){
            .name = name,
            .recorder = &service.recorder,
            .worker = service.worker,
            .rules = &service.rules,
            .clock = &clock_system,
            .notices = destination->notices,
            .line_bytes_max = settings->activity_bytes,
            .give_up_ms = destination->give_up_ms,
        },
        out_target, err);
}

static void close_folder(void)
{
    if (opened) {
        service_take_down(&service);
        service = (struct service){0};
        opened = false;
    }
}

/* --- to a server --- */

/* `own`: it is the server of this machine's folder. */
static enum status open_server(const char *url, bool own,
                               const struct import_destination *destination,
                               struct import_target **out_target, struct error *err)
{
    static char api_key[SERVER_KEY_BYTES_MAX + 1];
    enum status status = server_read_key(destination->api_key_file, api_key, err);
    if (status != STATUS_OK) {
        return status;
    }
    return import_target_http_new(
        &(struct import_target_http_config){
            .url = url,
            .api_key = api_key[0] == '\0' ? NULL : api_key,
            .ca_file = destination->ca_file,
            .unverified = own,
            .notices = destination->notices,
            .clock = &clock_system,
            .give_up_ms = destination->give_up_ms,
        },
        out_target, err);
}

/* The one that holds the folder, if it says where it is; else `err` stays as it is. */
static enum status open_holder(const struct import_destination *destination,
                               struct import_target **out_target, struct error *err)
{
    static char url[SERVER_URL_BYTES];
    struct error unknown;
    if (server_find_url(destination->data_dir, url, &unknown) != STATUS_OK) {
        return STATUS_BUSY;
    }
    return open_server(url, true, destination, out_target, err);
}

/* --- what the command sees --- */

static enum status open_target(const struct import_destination *destination,
                               struct import_target **out_target, struct error *err)
{
    if (sha256_init(&sha256) != STATUS_OK) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for an import");
    }
    stop_signals_catch();
    if (destination->server != NULL) {
        return open_server(destination->server, false, destination, out_target, err);
    }
    enum status status = read_settings(destination, err);
    if (status == STATUS_OK) {
        status = open_folder(destination, out_target, err);
    }
    if (status == STATUS_BUSY) {
        close_folder();
        status = open_holder(destination, out_target, err);
    }
    return status;
}

/* The log is gone before its listener. */
static enum status close_target(struct import_target *target, struct error *err)
{
    enum status status = STATUS_OK;
    if (opened) {
        service_stop_worker(&service);
        status = service.worker_status;
        if (status != STATUS_OK) {
            error_set(err, status, 0,
                      "not all is in the store yet, the rest is safe in the event log: %.90s",
                      service.worker_err.message);
        }
    }
    close_folder();
    import_target_free(target);
    sha256_deinit(&sha256);
    return status;
}

static enum status load_state(const char *path, struct import_state *out_state, struct error *err)
{
    return import_state_file_load(disk_posix(), path, out_state, err);
}

static enum status save_state(const char *path, const struct import_state *state, struct error *err)
{
    return import_state_file_save(disk_posix(), path, state, err);
}

static enum status remove_state(const char *path, struct error *err)
{
    return import_state_file_remove(disk_posix(), path, err);
}

const struct import_access *import_access(void)
{
    static const struct content_hash hash = {sha256_of_parts, &sha256};
    static const struct import_access access = {
        .open = open_target,
        .close = close_target,
        .wish = wish,
        .load_state = load_state,
        .save_state = save_state,
        .remove_state = remove_state,
        .hash = &hash,
        .clock = &clock_system,
    };
    return &access;
}
