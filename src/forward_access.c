/* Opens the spill that a server left in its data folder, and the topic that settings name. */
#include "forward_access.h"

#include "infrastructure/disk/disk_posix.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/event_log_spill/moved_mark.h"
#include "infrastructure/event_log_spill/set_aside.h"
#include "infrastructure/folder_backup/folder_restore.h"
#include "service_parts.h"
#include "stop_signals.h"

#include <errno.h>
#include <unistd.h>

static struct service service; /* too large for a stack, one for the process */

static char spill_dir[DISK_PATH_BYTES_MAX];
static struct set_aside set_aside;
static struct moved_mark mark;

/* The log stays the caller's also when it cannot be read. */
static enum status look(struct event_log *log, struct forward_waiting *out_waiting,
                        struct error *err)
{
    set_aside = set_aside_in(disk_posix(), spill_dir, &service.logger);
    mark = moved_mark_of(disk_posix(), spill_dir, log, &service.logger);
    enum status status = forward_activities_look(log, out_waiting, err);
    return status == STATUS_OK ? moved_mark_pass(&mark, log, out_waiting, err) : status;
}

/* Opening would make one, and a folder that was mistyped would look as if nothing were left. */
static enum status find_spill(const char *directory, struct error *err)
{
    enum status status = folder_backup_refuse(disk_posix(), directory, err);
    status = status == STATUS_OK ? disk_path(directory, "spill", spill_dir, err) : status;
    if (status != STATUS_OK || access(spill_dir, F_OK) == 0) {
        return status;
    }
    return errno == ENOENT
               ? error_set(err, STATUS_NOT_FOUND, 0, "there is no spill in %.100s", directory)
               : error_set_system(err, errno, "cannot look for a spill in %.80s", directory);
}

static enum status open_spill(const char *directory, struct event_log **out_log,
                              struct forward_waiting *out_waiting, struct error *err)
{
    enum status status = find_spill(directory, err);
    service.logger =
        (struct logger){.clock = &clock_system, .descriptor = STDERR_FILENO, .level = LOG_WARNING};
    stop_signals_catch();
    if (status == STATUS_OK) {
        status = event_log_local_new(
            &(struct event_log_local_config){
                .disk = disk_posix(),
                .directory = spill_dir,
                .clock = &clock_system,
                .random = &random_system,
                .logger = &service.logger,
            },
            out_log, err);
    }
    return status == STATUS_OK ? look(*out_log, out_waiting, err) : status;
}

static enum status keep_moved(int64_t offset, struct error *err)
{
    return moved_mark_write(&mark, offset, err);
}

/* A last commit that a crash tore was never acknowledged. */
static bool is_damaged(struct event_log *spill)
{
    struct event_log_local_damage found;
    event_log_local_describe_damage(spill, &found);
    return found.ranges + found.activities_missing + found.segments_missing > 0;
}

static enum status read_settings(int setting_count, char **settings, struct error *err)
{
    const struct settings_sources sources = {setting_count, settings, environ};
    enum status status = settings_read(&sources, &service.settings, stderr, err);
    if (status == STATUS_OK) {
        status = service_check_settings(&service.settings, err);
    }
    if (status == STATUS_OK && service.settings.event_log != EVENT_LOG_KAFKA) {
        status = error_set(err, STATUS_INVALID, 0,
                           "a spill goes into a topic: say --event-log kafka and where it is");
    }
    return status == STATUS_OK ? service_check_clients(&service, err) : status;
}

/* The log keeps copies of what it needs of the settings. */
static enum status open_target(const char *directory, int setting_count, char **settings,
                               struct event_log **out_log, struct error *err)
{
    (void)directory;
    enum status status = read_settings(setting_count, settings, err);
    service.use = SERVICE_FORWARDS;
    if (status == STATUS_OK) {
        status = service_blame_state(service_open_log(&service, err), err);
    }
    if (status == STATUS_OK) {
        *out_log = service.log;
    }
    settings_deinit(&service.settings);
    return status;
}

static bool wants_stop(void)
{
    return stop_signals_count() > 0;
}

const struct forward_access *forward_access(void)
{
    static const struct forward_access forwarding = {
        .open_spill = open_spill,
        .keep_moved = keep_moved,
        .is_damaged = is_damaged,
        .open_target = open_target,
        .aside = &set_aside.aside,
        .wants_stop = wants_stop,
        .clock = &clock_system,
        .random = &random_system,
    };
    return &forwarding;
}
