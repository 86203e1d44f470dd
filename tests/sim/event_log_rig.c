#include "event_log_rig.h"

#include "base/assert.h"
#include "support/thread_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t rig_now(void *context)
{
    const struct rig *rig = context;
    return __atomic_load_n(&rig->now_ns, __ATOMIC_RELAXED);
}

void rig_init(struct rig *rig, const struct disk_simulated_options *options)
{
    *rig = (struct rig){
        .segment_bytes = 1024, .log_bytes_max = 1 << 20, .now_ns = 1, .logger = &silent_logger};
    rig->disk = disk_simulated_new(options);
    rig->random = random_from_seed(&rig->generator, options->seed);
    rig->clock = (struct clock){.wall_ns = rig_now, .monotonic_ns = rig_now, .context = rig};
    collector_init(&rig->collector);
}

void rig_deinit(struct rig *rig)
{
    event_log_free(TAKE(rig->log));
    collector_deinit(&rig->collector);
    disk_simulated_free(rig->disk);
}

enum status rig_open(struct rig *rig)
{
    ASSERT(rig->log == NULL);
    const struct event_log_local_config config = {
        .disk = rig->disk,
        .directory = RIG_FOLDER,
        .segment_bytes = rig->segment_bytes,
        .log_bytes_max = rig->log_bytes_max,
        .queue_bytes_max = rig->queue_bytes_max,
        .clock = &rig->clock,
        .random = &rig->random,
        .logger = rig->logger,
    };
    rig->err = (struct error){0};
    return event_log_local_new(&config, &rig->log, &rig->err);
}

void rig_open_ok(struct rig *rig)
{
    enum status status = rig_open(rig);
    if (status != STATUS_OK) {
        fail_msg("opening: %s: %s", status_name(status), rig->err.message);
    }
}

void rig_close(struct rig *rig)
{
    event_log_free(TAKE(rig->log));
}

enum status rig_try_append(struct rig *rig, uint64_t first, size_t count)
{
    enum status status = append_and_wait(rig->log, &rig->collector, first, count);
    if (rig->collector.thread != 0) {
        thread_wait_until_asleep(rig->collector.thread);
    }
    return status;
}

void rig_append(struct rig *rig, uint64_t first, size_t count)
{
    assert_int_equal(rig_try_append(rig, first, count), STATUS_OK);
}

struct event_log_local_damage rig_damage(struct rig *rig)
{
    struct event_log_local_damage damage;
    event_log_local_describe_damage(rig->log, &damage);
    return damage;
}

/* Images ------------------------------------------------------------------------------------ */

static void add_name(void *context, const char *name)
{
    struct image *image = context;
    if (strcmp(name, "set-aside") != 0) {
        ASSERT(image->count < IMAGE_FILES_MAX);
        struct image_file *file = &image->files[image->count++];
        snprintf(file->path, sizeof file->path, RIG_FOLDER "/%.40s", name);
    }
}

static void read_file(struct disk *disk, struct image_file *image)
{
    struct disk_file *file = NULL;
    uint64_t size = 0;
    assert_int_equal(disk_open(disk, image->path, DISK_READ, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_size(file, &size, NULL), STATUS_OK);
    image->bytes = malloc((size_t)size + 1);
    ASSERT(image->bytes != NULL);
    struct iovec into = {.iov_base = image->bytes, .iov_len = (size_t)size};
    assert_int_equal(disk_file_read(file, 0, into, &image->len, NULL), STATUS_OK);
    disk_file_close(file);
}

void image_take(struct image *image, struct disk *disk)
{
    image->count = 0;
    assert_int_equal(disk_list(disk, RIG_FOLDER, add_name, image, NULL), STATUS_OK);
    for (size_t i = 0; i < image->count; i++) {
        read_file(disk, &image->files[i]);
    }
}

void put_file(struct disk *disk, const char *path, const uint8_t *bytes, size_t len)
{
    struct disk_file *file = NULL;
    assert_int_equal(disk_open(disk, path, DISK_WRITE_OR_MAKE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_truncate(file, 0, NULL), STATUS_OK);
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    assert_int_equal(disk_file_write(file, 0, &part, 1, NULL), STATUS_OK);
    assert_int_equal(disk_file_sync(file, NULL), STATUS_OK);
    disk_file_close(file);
    assert_int_equal(disk_sync_directory(disk, RIG_FOLDER, NULL), STATUS_OK);
}

void image_put(const struct image *image, struct disk *disk)
{
    assert_int_equal(disk_make_directory(disk, RIG_FOLDER, NULL), STATUS_OK);
    for (size_t i = 0; i < image->count; i++) {
        put_file(disk, image->files[i].path, image->files[i].bytes, image->files[i].len);
    }
}

void image_deinit(struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        free(image->files[i].bytes);
    }
    image->count = 0;
}

struct image_file *image_find(struct image *image, const char *path)
{
    for (size_t i = 0; i < image->count; i++) {
        if (strcmp(image->files[i].path, path) == 0) {
            return &image->files[i];
        }
    }
    fail_msg("there is no file %s", path);
    return NULL;
}

struct name_counter {
    const char *part;
    size_t count;
};

static void count_name(void *context, const char *name)
{
    struct name_counter *counter = context;
    counter->count += strstr(name, counter->part) != NULL;
}

size_t count_files(struct disk *disk, const char *folder, const char *part)
{
    struct name_counter counter = {.part = part};
    assert_int_equal(disk_list(disk, folder, count_name, &counter, NULL), STATUS_OK);
    return counter.count;
}

/* Polling ----------------------------------------------------------------------------------- */

struct number_list {
    uint64_t *numbers;
    size_t count;
    size_t max;
    int64_t last_offset;
};

static void add_number(void *context, const struct logged_activity *row)
{
    struct number_list *list = context;
    assert_true(row->position.offset > list->last_offset);
    list->last_offset = row->position.offset;
    uint64_t number = numbered_activity_number(&row->activity);
    assert_int_not_equal(number, UINT64_MAX);
    assert_true(list->count < list->max);
    list->numbers[list->count++] = number;
}

size_t poll_numbers(struct event_log *log, uint64_t *out_numbers, size_t max)
{
    struct number_list list = {.numbers = out_numbers, .max = max, .last_offset = -1};
    poll_all(log, add_number, &list);
    return list.count;
}
