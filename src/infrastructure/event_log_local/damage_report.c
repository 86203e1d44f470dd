#include "infrastructure/event_log_local/damage_report.h"

#include <stdio.h>
#include <stdlib.h>

enum { COPY_BYTES = 65536, SET_ASIDE_NAME_BYTES = 80 };

static const char set_aside_folder[] = "set-aside";

static enum status copy_range(const struct damaged_range *range, struct disk_file *target,
                              struct error *err)
{
    uint8_t *bytes = malloc(COPY_BYTES);
    if (bytes == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory to set damaged bytes aside");
    }
    enum status status = STATUS_OK;
    uint64_t at = range->from;
    while (status == STATUS_OK && at < range->to) {
        uint64_t rest = range->to - at;
        size_t len = 0;
        struct iovec into = {.iov_base = bytes,
                             .iov_len = rest < COPY_BYTES ? (size_t)rest : COPY_BYTES};
        status = disk_file_read(range->file, at, into, &len, err);
        if (status != STATUS_OK || len == 0) {
            break;
        }
        into.iov_len = len;
        status = disk_file_write(target, at - range->from, &into, 1, err);
        at += len;
    }
    free(bytes);
    return status;
}

/* The copy is there in full already, from an earlier reading of the same damage. */
static bool is_set_aside(struct disk_file *target, const struct damaged_range *range)
{
    uint64_t size = 0;
    return disk_file_size(target, &size, NULL) == STATUS_OK && size == range->to - range->from;
}

static enum status write_copy(struct damage_report *report, const struct damaged_range *range,
                              const char *folder, const char *path, struct error *err)
{
    CLEANUP(disk_file_close) struct disk_file *target = NULL;
    enum status status = disk_open(report->disk, path, DISK_WRITE_OR_MAKE, &target, err);
    if (status != STATUS_OK || is_set_aside(target, range)) {
        return status;
    }
    status = copy_range(range, target, err);
    if (status == STATUS_OK) {
        status = disk_file_sync(target, err);
    }
    if (status == STATUS_OK) {
        status = disk_sync_directory(report->disk, folder, err);
    }
    if (status == STATUS_OK) {
        status = disk_sync_directory(report->disk, report->directory, err);
    }
    if (status == STATUS_OK) {
        atomic_fetch_add(&report->set_aside, 1);
    }
    return status;
}

enum status damage_set_aside(struct damage_report *report, const struct damaged_range *range,
                             struct error *err)
{
    char folder[DISK_PATH_BYTES_MAX];
    char path[DISK_PATH_BYTES_MAX];
    char name[SET_ASIDE_NAME_BYTES];
    snprintf(name, sizeof name, "%010llu.segment.%llu-%llu", (unsigned long long)range->ordinal,
             (unsigned long long)range->from, (unsigned long long)range->to);
    enum status status = disk_path(report->directory, set_aside_folder, folder, err);
    if (status == STATUS_OK) {
        status = disk_path(folder, name, path, err);
    }
    if (status == STATUS_OK) {
        status = disk_make_directory(report->disk, folder, err);
    }
    if (status == STATUS_OK) {
        status = write_copy(report, range, folder, path, err);
    }
    return status;
}

void damage_found(struct damage_report *report, const struct damaged_range *range)
{
    struct error err;
    if (report->disk == NULL) {
        return;
    }
    bool kept = damage_set_aside(report, range, &err) == STATUS_OK;
    atomic_fetch_add(&report->ranges, 1);
    log_write(report->logger, LOG_ERROR,
              kept ? "the event log is damaged here: the bytes are set aside, all else is served"
                   : "the event log is damaged here; all else is served",
              LOG_FIELDS(log_number("segment", (int64_t)range->ordinal),
                         log_number("from_byte", (int64_t)range->from),
                         log_number("to_byte", (int64_t)range->to)));
    if (!kept) {
        log_error(report->logger, "could not set damaged bytes of the event log aside", &err);
    }
}

void damage_found_missing(struct damage_report *report, uint64_t ordinal, int64_t activities)
{
    atomic_fetch_add(&report->activities_missing, (uint64_t)activities);
    log_write(
        report->logger, LOG_ERROR, "activities are missing in the event log",
        LOG_FIELDS(log_number("segment", (int64_t)ordinal), log_number("activities", activities)));
}

void damage_found_segments_missing(struct damage_report *report, uint64_t first, uint64_t count)
{
    atomic_fetch_add(&report->segments_missing, count);
    log_write(report->logger, LOG_ERROR, "segments of the event log are missing",
              LOG_FIELDS(log_number("first", (int64_t)first), log_number("count", (int64_t)count)));
}

void damage_found_torn_tail(struct damage_report *report, const struct damaged_range *range,
                            bool kept)
{
    atomic_fetch_add(&report->torn_tails, 1);
    log_write(report->logger, kept ? LOG_WARNING : LOG_INFO,
              kept ? "cut an incomplete last commit of the event log; its bytes are in set-aside"
                   : "cut an incomplete last commit of the event log; it held no whole activity",
              LOG_FIELDS(log_number("segment", (int64_t)range->ordinal),
                         log_number("from_byte", (int64_t)range->from),
                         log_number("to_byte", (int64_t)range->to)));
}
