#include "backup_bed.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "infrastructure/activity_store_local/activity_store_local.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/folder_backup/backup_names.h"
#include "infrastructure/folder_backup/folder_names.h"
#include "infrastructure/refusal_list_local/refusal_list_local.h"
#include "support/quiet_logger.h"
#include "support/thread_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEP_ACTIVITIES = 3, ROWS_MAX = 1000, PAGE_BYTES_MAX = 1 << 20 };

static void require(enum status status, const struct error *err)
{
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), err->message);
    }
}

struct backup_bed *backup_bed_new(uint64_t seed)
{
    const struct disk_simulated_options options = {.seed = seed, .short_writes = true};
    struct backup_bed *bed = calloc(1, sizeof *bed);
    ASSERT(bed != NULL);
    bed->disk = disk_simulated_new(&options);
    bed->random = random_from_seed(&bed->seeded, seed);
    collector_init(&bed->collector);
    return bed;
}

void backup_bed_free(struct backup_bed *bed)
{
    backup_bed_end(bed);
    collector_deinit(&bed->collector);
    disk_simulated_free(bed->disk);
    free(bed);
}

static const char *path_of(const struct backup_bed *bed, const char *name)
{
    static char path[DISK_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%s", bed->folder, name);
    return path;
}

/* The store takes what the log has behind what it covers, and the log drops what is durable. */
static void store_all(struct backup_bed *bed)
{
    struct activity_batch batch;
    enum verdict verdicts[ROWS_MAX];
    struct position_set durable;
    struct error err = {0};
    require(event_log_poll(bed->log, ROWS_MAX, 0, &batch, &err), &err);
    require(activity_store_put_batch(bed->store, &batch, verdicts, &err), &err);
    require(activity_store_sync(bed->store, &err), &err);
    position_set_init(&durable);
    require(activity_store_durable_positions(bed->store, batch.log_id, &durable, &err), &err);
    require(event_log_commit(bed->log, &durable, &err), &err);
    position_set_deinit(&durable);
}

static void seek_behind_the_store(struct backup_bed *bed)
{
    struct event_log_state state;
    struct position_set durable;
    struct error err = {0};
    event_log_describe(bed->log, &state);
    position_set_init(&durable);
    require(activity_store_durable_positions(bed->store, state.log_id, &durable, &err), &err);
    require(event_log_seek(bed->log, &durable, &err), &err);
    position_set_deinit(&durable);
}

static void open_all(struct backup_bed *bed)
{
    struct error err = {0};
    require(event_log_local_new(&(struct event_log_local_config){.disk = bed->disk,
                                                                 .directory = path_of(bed, "log"),
                                                                 .segment_bytes = 1024,
                                                                 .log_bytes_max = 1 << 20,
                                                                 .clock = &clock_system,
                                                                 .random = &bed->random,
                                                                 .logger = &silent_logger},
                                &bed->log, &err),
            &err);
    require(activity_store_local_new(
                &(struct activity_store_local_config){.disk = bed->disk,
                                                      .directory = path_of(bed, "store"),
                                                      .clock = &clock_system,
                                                      .random = &bed->random,
                                                      .logger = quiet_logger(),
                                                      .merge_parts = 3},
                &bed->store, &err),
            &err);
    require(refusal_list_local_new(
                &(struct refusal_list_local_config){.disk = bed->disk,
                                                    .directory = path_of(bed, "refused"),
                                                    .bytes_max = 1 << 20,
                                                    .clock = &clock_system,
                                                    .logger = quiet_logger()},
                &bed->refusals, &err),
            &err);
}

void backup_bed_serve(struct backup_bed *bed, const char *folder)
{
    struct error err = {0};
    bed->folder = folder;
    require(disk_make_durable_directory(bed->disk, folder, &err), &err);
    open_all(bed);
    seek_behind_the_store(bed);
    store_all(bed);
}

void backup_bed_end(struct backup_bed *bed)
{
    event_log_free(TAKE(bed->log));
    activity_store_free(TAKE(bed->store));
    refusal_list_free(TAKE(bed->refusals));
}

static void refuse_one(struct backup_bed *bed)
{
    static const struct uuid other_log = {{9}};
    struct error err = {0};
    const struct refusal refusal = {.position = {.offset = (int64_t)bed->refused},
                                    .reason = STR("it is too odd"),
                                    .raw = STR("{\"userId\":\"somebody\"}")};
    require(refusal_list_add(bed->refusals, other_log, &refusal, 1, &err), &err);
    bed->refused++;
}

void backup_bed_step(struct backup_bed *bed)
{
    assert_int_equal(append_and_wait(bed->log, &bed->collector, bed->appended, STEP_ACTIVITIES),
                     STATUS_OK);
    thread_wait_until_asleep(bed->collector.thread);
    bed->appended += STEP_ACTIVITIES;
    store_all(bed);
    refuse_one(bed);
}

void backup_bed_count(struct backup_bed *bed, unsigned out_counts[BACKUP_BED_NUMBERS_MAX])
{
    struct arena arena;
    struct error err = {0};
    struct activity_page page;
    struct activity_page_request request = {.filter = activity_filter_all(),
                                            .limit = BACKUP_BED_NUMBERS_MAX,
                                            .bytes_max = PAGE_BYTES_MAX};
    memset(out_counts, 0, BACKUP_BED_NUMBERS_MAX * sizeof *out_counts);
    arena_init(&arena, 2 * PAGE_BYTES_MAX);
    require(activity_store_find(bed->store, &request, &arena, &page, &err), &err);
    for (size_t i = 0; i < page.count; i++) {
        uint64_t number = numbered_activity_number(&page.rows[i]);
        assert_true(number < BACKUP_BED_NUMBERS_MAX);
        out_counts[number]++;
    }
    arena_deinit(&arena);
}

/* --- files --- */

static uint32_t sum_file(struct backup_bed *bed, const char *path, uint32_t sum)
{
    static uint8_t bytes[1 << 20];
    CLEANUP(disk_file_close) struct disk_file *file = NULL;
    struct error err = {0};
    struct iovec into = {.iov_base = bytes, .iov_len = sizeof bytes};
    size_t len = 0;
    require(disk_open(bed->disk, path, DISK_READ, &file, &err), &err);
    require(disk_file_read(file, 0, into, &len, &err), &err);
    assert_true(len < sizeof bytes);
    return crc32c_extend(crc32c_extend(sum, path, strlen(path)), bytes, len);
}

uint32_t backup_bed_sum(struct backup_bed *bed, const char *folder)
{
    uint32_t sum = 0;
    struct error err = {0};
    for (size_t i = 0; i < BACKUP_FOLDERS; i++) {
        char path[DISK_PATH_BYTES_MAX];
        char file[DISK_PATH_BYTES_MAX];
        struct folder_names names;
        require(folder_path(folder, backup_folders[i], path, &err), &err);
        if (folder_names_list(bed->disk, path, &names, &err) != STATUS_OK) {
            continue;
        }
        for (size_t name = 0; name < names.count; name++) {
            require(disk_path(path, names.items[name], file, &err), &err);
            if (backup_care_of(backup_folders[i], names.items[name]) != BACKUP_ENTERS) {
                sum = sum_file(bed, file, sum);
            }
        }
        folder_names_deinit(&names);
    }
    return sum;
}
