/*
 * A segment of the event log of any bytes: it is walked to its end without a step back, and a log
 * that finds it opens, hands out rows by rising offsets, and takes more behind them. The first byte
 * of the input says whether the checksums of headers and frames are repaired where there is a
 * header.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "fuzz.h"
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/event_log_local/event_log_local.h"
#include "infrastructure/event_log_local/log_id.h"
#include "infrastructure/event_log_local/segment_walk.h"
#include "infrastructure/event_log_local/tail_scan.h"
#include "support/quiet_logger.h"

#include <stdlib.h>

enum { FRAME_LENGTH_AT = 12, FRAME_CRC_AT = 8, LOG_BYTES = 1 << 20, SEGMENT_BYTES = 128 << 10 };

#define SEGMENT_PATH "log/0000000001.segment"

static const struct uuid log_id = {{1, 2, 3, 4, 5, 6, 0x47, 8, 0x89}};

/* The frames behind a header, as far as their lengths make sense; says how long they are. */
static size_t repair_frames(uint8_t *bytes, size_t len, uint32_t most, struct commit_header *header)
{
    size_t at = 0;
    header->count = 0;
    header->digest = 0;
    while (header->count < most && len - at >= FRAME_HEADER_BYTES) {
        uint8_t *frame = bytes + at;
        size_t length = frame_claimed_length(frame);
        if (length < FRAME_HEADER_BYTES || length > len - at) {
            break;
        }
        uint32_t crc =
            crc32c_extend(frame_seed(log_id), frame + FRAME_LENGTH_AT, length - FRAME_LENGTH_AT);
        little_endian_put_u32(frame + FRAME_CRC_AT, crc);
        frame_stamp(frame, frame_claimed_offset(frame), &header->digest);
        at += length;
        header->count++;
    }
    return at;
}

/* Where the magic of a header stands, the header and its frames get right checksums. */
static void repair(uint8_t *bytes, size_t len)
{
    static const uint8_t magic[] = {0xf8, 'U', 'T', 1};
    for (size_t at = 0; at + COMMIT_HEADER_BYTES <= len;) {
        uint8_t *start = bytes + at;
        struct commit_header header = {.log_id = log_id,
                                       .sequence = little_endian_get_u64(start + 24),
                                       .first_offset = (int64_t)little_endian_get_u64(start + 32),
                                       .written_at_ms = (int64_t)little_endian_get_u64(start + 48)};
        if (memcmp(start, magic, sizeof magic) != 0) {
            at++;
            continue;
        }
        at += COMMIT_HEADER_BYTES;
        size_t body =
            repair_frames(bytes + at, len - at, little_endian_get_u32(start + 44), &header);
        header.body_bytes = (uint32_t)body;
        commit_header_encode(&header, start);
        at += body;
    }
}

static struct disk *make_disk(const uint8_t *bytes, size_t len)
{
    const struct disk_simulated_options options = {.seed = 1};
    struct disk *disk = disk_simulated_new(&options);
    struct disk_file *file = NULL;
    struct iovec all = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    ASSERT(disk != NULL && disk_make_directory(disk, "log", NULL) == STATUS_OK);
    const struct log_identity identity = {log_id, LOG_ID_FORMAT_TRACES};
    ASSERT(log_id_write(disk, "log", &identity, NULL) == STATUS_OK);
    ASSERT(disk_open(disk, SEGMENT_PATH, DISK_MAKE, &file, NULL) == STATUS_OK);
    ASSERT(len == 0 || disk_file_write(file, 0, &all, 1, NULL) == STATUS_OK);
    ASSERT(disk_file_sync(file, NULL) == STATUS_OK);
    disk_file_close(file);
    ASSERT(disk_sync_directory(disk, "log", NULL) == STATUS_OK);
    return disk;
}

static struct disk_file *open_segment(struct disk *disk)
{
    struct disk_file *file = NULL;
    ASSERT(disk_open(disk, SEGMENT_PATH, DISK_READ, &file, NULL) == STATUS_OK);
    return file;
}

static void expect_row(const struct activity *activity)
{
    ASSERT(activity->id.len <= UINT8_MAX && activity->user_id.len <= UINT16_MAX);
    ASSERT(activity->metadata.len <= SEGMENT_BLOCK_BYTES);
}

/* Every step leads on. */
static void walk(struct disk *disk, size_t len)
{
    struct segment_walk walk;
    struct walk_found found = {0};
    uint64_t steps = 0;
    int64_t offset = INT64_MIN;
    segment_walk_init(&walk, log_id);
    segment_walk_open(&walk, open_segment(disk));
    walk.limit = len;
    walk.bound = INT64_MAX;
    do {
        ASSERT(segment_walk_next(&walk, true, &found, NULL) == STATUS_OK);
        ASSERT(found.from <= len && found.missing >= 0 && steps++ <= len + 1);
        if (found.item == WALK_ROW) {
            ASSERT(found.row.position.offset > offset);
            offset = found.row.position.offset;
            expect_row(&found.row.activity);
        }
    } while (found.item != WALK_END);
    segment_walk_deinit(&walk);
}

static void scan(struct disk *disk, size_t len)
{
    struct tail_scan scanned;
    ASSERT(tail_scan_run(log_id, open_segment(disk), len, &scanned, NULL) == STATUS_OK);
    ASSERT(scanned.used <= len && scanned.tail_to <= len);
}

/* Rows until there are no more. */
static void poll_rows(struct event_log *log, size_t len)
{
    struct activity_batch batch = {0};
    int64_t offset = -1;
    size_t rows = 0;
    do {
        enum status status = event_log_poll(log, 100, 0, &batch, NULL);
        ASSERT(status == STATUS_OK);
        for (size_t i = 0; i < batch.count; i++) {
            ASSERT(batch.rows[i].position.offset > offset);
            offset = batch.rows[i].position.offset;
        }
        rows += batch.count;
        ASSERT(rows <= len / FRAME_HEADER_BYTES);
    } while (batch.count > 0);
}

static void open_log(struct disk *disk, size_t len)
{
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 1);
    const struct event_log_local_config config = {.disk = disk,
                                                  .directory = "log",
                                                  .segment_bytes = SEGMENT_BYTES,
                                                  .log_bytes_max = LOG_BYTES,
                                                  .clock = &clock_system,
                                                  .random = &random,
                                                  .logger = quiet_logger()};
    struct event_log *log = NULL;
    struct error err = {0};
    enum status status = event_log_local_new(&config, &log, &err);
    if (status == STATUS_OK) {
        poll_rows(log, len);
        event_log_free(log);
    } else {
        ASSERT(status == STATUS_CORRUPT);
        fuzz_expect_text(err.message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    uint8_t *bytes = (uint8_t *)fuzz_copy(data + 1, size - 1, 0);
    size_t len = size - 1;
    if (data[0] % 2 == 1) {
        repair(bytes, len);
    }
    struct disk *disk = make_disk(bytes, len);
    walk(disk, len);
    scan(disk, len);
    open_log(disk, len);
    disk_simulated_free(disk);
    free(bytes);
    return 0;
}
