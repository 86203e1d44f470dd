#include "infrastructure/event_log_local/tail_scan.h"

#include "base/crc32c.h"
#include "base/little_endian.h"

/* The newest commit whose header was seen, and how much of it holds. */
struct newest_commit {
    bool any;
    struct commit_header header;
    uint64_t at;
    uint64_t end; /* as the header says, perhaps beyond the file */
    uint32_t frames;
    uint32_t digest;
    uint64_t solid_to; /* the last byte of anything behind `at` that is not zero */
    uint64_t frames_behind;
    bool solid_behind; /* something lies behind `end` */
};

static void see_header(struct newest_commit *newest, const struct walk_found *found)
{
    uint64_t end = found->from + COMMIT_HEADER_BYTES + found->header.body_bytes;
    *newest = (struct newest_commit){
        .any = true,
        .header = found->header,
        .at = found->from,
        .end = end,
        .solid_to = found->from + COMMIT_HEADER_BYTES,
    };
}

static void see_frame(struct newest_commit *newest, const struct walk_found *found)
{
    newest->solid_to = found->to;
    if (newest->any && found->to <= newest->end) {
        newest->frames++;
        uint8_t stored[sizeof found->row_crc];
        little_endian_put_u32(stored, found->row_crc);
        newest->digest = crc32c_extend(newest->digest, stored, sizeof stored);
    } else {
        newest->frames_behind++;
        newest->solid_behind = true;
    }
}

static void see_damage(struct newest_commit *newest, const struct walk_found *found)
{
    if (found->solid_to > found->from) {
        newest->solid_to = found->solid_to;
        newest->solid_behind = newest->solid_behind || found->solid_to > newest->end;
    }
}

static bool is_complete(const struct newest_commit *newest, uint64_t size)
{
    return newest->end <= size && newest->frames == newest->header.count &&
           newest->digest == newest->header.digest;
}

static void conclude(const struct newest_commit *newest, uint64_t size, struct tail_scan *scan)
{
    if (!newest->any) {
        scan->tail_to = newest->solid_to;
        scan->tail_frames = newest->frames_behind;
        return;
    }
    scan->sequence = newest->header.sequence;
    if (is_complete(newest, size)) {
        scan->used = newest->end;
        scan->next_offset = newest->header.first_offset + newest->header.count;
        scan->last_at = newest->at;
        scan->sealed = newest->header.count == 0;
        scan->tail_to = newest->solid_behind ? newest->solid_to : newest->end;
        scan->tail_frames = newest->frames_behind;
    } else {
        scan->used = newest->at;
        scan->next_offset = newest->header.first_offset;
        scan->last_at = newest->at;
        scan->tail_to = newest->solid_to;
        scan->tail_frames = newest->frames + newest->frames_behind;
    }
}

static void see_first_offset(struct tail_scan *scan, int64_t offset)
{
    if (scan->first_offset < 0) {
        scan->first_offset = offset;
    }
}

static enum status walk_all(struct segment_walk *walk, struct newest_commit *newest,
                            struct tail_scan *scan, struct error *err)
{
    for (;;) {
        struct walk_found found;
        enum status status = segment_walk_next(walk, true, &found, err);
        if (status != STATUS_OK || found.item == WALK_END) {
            return status;
        }
        if (found.item == WALK_HEADER) {
            see_first_offset(scan, found.header.first_offset);
            see_header(newest, &found);
        } else if (found.item == WALK_ROW) {
            see_first_offset(scan, found.row.position.offset);
            see_frame(newest, &found);
        } else if (found.item == WALK_DAMAGE) {
            see_damage(newest, &found);
        }
    }
}

static void start_walk(struct segment_walk *walk, struct uuid log_id, struct disk_file *file,
                       uint64_t size)
{
    segment_walk_init(walk, log_id);
    segment_walk_open(walk, file);
    walk->limit = size;
    walk->bound = INT64_MAX;
}

enum status tail_scan_run(struct uuid log_id, struct disk_file *file, uint64_t size,
                          struct tail_scan *out_scan, struct error *err)
{
    struct segment_walk walk;
    start_walk(&walk, log_id, file, size);
    struct newest_commit newest = {0};
    struct tail_scan scan = {.first_offset = -1};
    enum status status = walk_all(&walk, &newest, &scan, err);
    if (status == STATUS_OK) {
        conclude(&newest, size, &scan);
        *out_scan = scan;
    }
    segment_walk_deinit(&walk);
    return status;
}

enum status tail_scan_first_offset(struct uuid log_id, struct disk_file *file, uint64_t size,
                                   int64_t *offset, struct error *err)
{
    struct segment_walk walk;
    start_walk(&walk, log_id, file, size);
    walk.bound = *offset;
    struct walk_found found;
    enum status status;
    do {
        status = segment_walk_next(&walk, true, &found, err);
    } while (status == STATUS_OK && found.item == WALK_DAMAGE);
    if (status == STATUS_OK && found.item == WALK_HEADER) {
        *offset = found.header.first_offset;
    } else if (status == STATUS_OK && found.item == WALK_ROW) {
        *offset = found.row.position.offset;
    }
    segment_walk_deinit(&walk);
    return status;
}
