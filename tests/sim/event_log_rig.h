#pragma once
/*
 * A local event log on a simulated disk with everything that tests turn: the disk, the clock, the
 * seed, images of its files. One thread at a time.
 */
#include "contract/event_log_contract_support.h"
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/event_log_local/event_log_local.h"

struct rig {
    struct disk *disk;
    struct event_log *log; /* NULL while it is closed */
    struct collector collector;
    struct random_seeded generator;
    struct random random;
    uint64_t now_ns; /* the log's clock */
    struct clock clock;
    uint64_t segment_bytes;
    uint64_t log_bytes_max;
    size_t queue_bytes_max;
    const struct logger *logger; /* silent unless a test reads lines */
    struct error err;            /* of the last open */
};

#define RIG_FOLDER "log"

void rig_init(struct rig *rig, const struct disk_simulated_options *options);
void rig_deinit(struct rig *rig);

MUST_USE enum status rig_open(struct rig *rig);
void rig_open_ok(struct rig *rig);
void rig_close(struct rig *rig);

/* Appends, waits and expects OK. When they return the log's thread sleeps: what it does ahead of
 * the next append is done, and the disk's next operation is that append's. */
void rig_append(struct rig *rig, uint64_t first, size_t count);
MUST_USE enum status rig_try_append(struct rig *rig, uint64_t first, size_t count);

struct event_log_local_damage rig_damage(struct rig *rig);

/* The files of the folder, without those below it. */
enum { IMAGE_FILES_MAX = 64 };

struct image_file {
    char path[64];
    uint8_t *bytes;
    size_t len;
};

struct image {
    struct image_file files[IMAGE_FILES_MAX];
    size_t count;
};

void image_take(struct image *image, struct disk *disk);
void image_put(const struct image *image, struct disk *disk);
void image_deinit(struct image *image);
struct image_file *image_find(struct image *image, const char *path);

/* Replaces or makes one file, durably. */
void put_file(struct disk *disk, const char *path, const uint8_t *bytes, size_t len);

/* How many files `folder` holds whose name contains `part`. */
size_t count_files(struct disk *disk, const char *folder, const char *part);

/* The numbers that polling gives, which must rise and be whole; at most `max`. */
size_t poll_numbers(struct event_log *log, uint64_t *out_numbers, size_t max);
