#include "infrastructure/event_log_local/segment_walk.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { ZERO_STEP_BYTES = 4096 };

void segment_walk_init(struct segment_walk *walk, struct uuid log_id)
{
    *walk = (struct segment_walk){.log_id = log_id, .seed = frame_seed(log_id)};
}

void segment_walk_deinit(struct segment_walk *walk)
{
    disk_file_close(TAKE(walk->file));
    free(TAKE(walk->block));
}

void segment_walk_open(struct segment_walk *walk, struct disk_file *file)
{
    disk_file_close(walk->file);
    walk->file = file;
    walk->limit = 0;
    walk->bound = 0;
    walk->at = 0;
    walk->commit_end = 0;
    walk->searching = false;
    walk->block_at = 0;
    walk->block_len = 0;
}

static enum status grow_block(struct segment_walk *walk, size_t capacity, struct error *err)
{
    if (capacity <= walk->block_capacity) {
        return STATUS_OK;
    }
    uint8_t *block = malloc(capacity);
    if (block == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory for %zu bytes of the event log",
                         capacity);
    }
    free(walk->block);
    walk->block = block;
    walk->block_capacity = capacity;
    walk->block_len = 0;
    return STATUS_OK;
}

static bool has(const struct segment_walk *walk, uint64_t at, size_t len)
{
    return at >= walk->block_at && at + len <= walk->block_at + walk->block_len;
}

/* Reads a block from `at` on that holds `len` bytes at least, unless the file ends before. */
static enum status load(struct segment_walk *walk, uint64_t at, size_t len, struct error *err)
{
    size_t wanted = len > SEGMENT_BLOCK_BYTES ? len : SEGMENT_BLOCK_BYTES;
    if (wanted > walk->limit - at) {
        wanted = (size_t)(walk->limit - at);
    }
    enum status status =
        grow_block(walk, len > SEGMENT_BLOCK_BYTES ? len : SEGMENT_BLOCK_BYTES, err);
    if (status != STATUS_OK) {
        return status;
    }
    size_t present = 0;
    walk->block_len = 0;
    struct iovec into = {.iov_base = walk->block, .iov_len = wanted};
    status = disk_file_read(walk->file, at, into, &present, err);
    if (status != STATUS_OK) {
        return status;
    }
    walk->block_at = at;
    walk->block_len = present;
    if (present < wanted) { /* somebody cut the file: what is missing shows as missing offsets */
        walk->limit = at + present;
    }
    return STATUS_OK;
}

/* What one look at a place in the file says. */
enum look { LOOK_VALID, LOOK_INVALID, LOOK_BLOCKED, LOOK_FAILED };

struct looker {
    struct segment_walk *walk;
    bool may_load;
    enum status status; /* of a failed load */
    struct error *err;
};

/* Makes `len` bytes at `at` present; INVALID when the segment ends before. */
static enum look look_at(struct looker *looker, uint64_t at, size_t len)
{
    struct segment_walk *walk = looker->walk;
    if (walk->limit < at || walk->limit - at < len) {
        return LOOK_INVALID;
    }
    if (has(walk, at, len)) {
        return LOOK_VALID;
    }
    if (!looker->may_load) {
        return LOOK_BLOCKED;
    }
    looker->status = load(walk, at, len, looker->err);
    if (looker->status != STATUS_OK) {
        return LOOK_FAILED;
    }
    return has(walk, at, len) ? LOOK_VALID : LOOK_INVALID;
}

static const uint8_t *bytes_at(const struct segment_walk *walk, uint64_t at)
{
    return walk->block + (at - walk->block_at);
}

static enum look look_for_header(struct looker *looker, uint64_t at,
                                 struct commit_header *out_header)
{
    struct segment_walk *walk = looker->walk;
    enum look look = look_at(looker, at, COMMIT_HEADER_BYTES);
    if (look != LOOK_VALID) {
        return look;
    }
    struct commit_header header;
    bool valid = commit_header_decode(bytes_at(walk, at), &header) &&
                 uuid_equal(header.log_id, walk->log_id) && header.sequence > walk->sequence &&
                 header.first_offset >= walk->next_offset &&
                 header.first_offset + header.count <= walk->bound;
    if (valid) {
        *out_header = header;
    }
    return valid ? LOOK_VALID : LOOK_INVALID;
}

/* A frame that lies before `end` and whose offset can stand here. */
static enum look look_for_frame(struct looker *looker, uint64_t end, struct walk_found *found)
{
    struct segment_walk *walk = looker->walk;
    uint64_t at = walk->at;
    if (end - at < FRAME_HEADER_BYTES) {
        return LOOK_INVALID;
    }
    enum look look = look_at(looker, at, FRAME_HEADER_BYTES);
    if (look != LOOK_VALID) {
        return look;
    }
    const uint8_t *bytes = bytes_at(walk, at);
    int64_t offset = frame_claimed_offset(bytes);
    uint32_t length = frame_claimed_length(bytes);
    if (offset < walk->next_offset || offset >= walk->bound || length < FRAME_HEADER_BYTES ||
        length > end - at) {
        return LOOK_INVALID;
    }
    look = look_at(looker, at, length);
    if (look != LOOK_VALID) {
        return look;
    }
    return frame_decode(bytes_at(walk, at), length, walk->seed, &found->row, &found->row_crc)
               ? LOOK_VALID
               : LOOK_INVALID;
}

static void take_header(struct segment_walk *walk, struct walk_found *found)
{
    found->item = WALK_HEADER;
    found->from = walk->at;
    found->missing = found->header.first_offset - walk->next_offset;
    walk->next_offset = found->header.first_offset;
    walk->sequence = found->header.sequence;
    walk->at += COMMIT_HEADER_BYTES;
    uint64_t rest = walk->limit - walk->at;
    walk->commit_end =
        walk->at + (found->header.body_bytes < rest ? found->header.body_bytes : rest);
}

static void take_frame(struct segment_walk *walk, struct walk_found *found)
{
    int64_t offset = found->row.position.offset;
    found->item = WALK_ROW;
    found->from = walk->at;
    found->missing = offset - walk->next_offset;
    walk->next_offset = offset + 1;
    walk->at += frame_claimed_length(bytes_at(walk, walk->at));
    found->to = walk->at;
}

static uint64_t region_end(const struct segment_walk *walk)
{
    return walk->commit_end != 0 ? walk->commit_end : walk->limit;
}

/* Takes the frame or the header that stands at `at`. */
static enum look take_valid(struct looker *looker, struct walk_found *found)
{
    struct segment_walk *walk = looker->walk;
    enum look look = LOOK_INVALID;
    if (walk->commit_end == 0) {
        look = look_for_header(looker, walk->at, &found->header);
        if (look == LOOK_VALID) {
            take_header(walk, found);
        }
    }
    if (look == LOOK_INVALID) {
        look = look_for_frame(looker, region_end(walk), found);
        if (look == LOOK_VALID) {
            take_frame(walk, found);
        }
    }
    return look;
}

static bool is_valid_here(struct looker *looker, enum look *out_look)
{
    struct commit_header header;
    struct walk_found found;
    *out_look = LOOK_INVALID;
    if (looker->walk->commit_end == 0) {
        *out_look = look_for_header(looker, looker->walk->at, &header);
    }
    if (*out_look == LOOK_INVALID) {
        *out_look = look_for_frame(looker, region_end(looker->walk), &found);
    }
    return *out_look == LOOK_VALID;
}

/* Neither a header nor a frame starts in zeros with zeros behind: reserved space is passed over in
 * steps. */
static uint64_t step(struct segment_walk *walk, uint64_t end)
{
    const uint8_t *bytes = bytes_at(walk, walk->at);
    if (*bytes != 0) {
        walk->damage_solid_end = walk->at + 1;
        return 1;
    }
    uint64_t rest = end - walk->at;
    if (rest < ZERO_STEP_BYTES || !has(walk, walk->at, ZERO_STEP_BYTES) ||
        memcmp(bytes, bytes + 1, ZERO_STEP_BYTES - 1) != 0) {
        return 1;
    }
    return ZERO_STEP_BYTES - FRAME_HEADER_BYTES;
}

/* Looks for the next place where something valid stands. LOOK_VALID: `found` is the damage. */
static enum look search(struct looker *looker, struct walk_found *found)
{
    struct segment_walk *walk = looker->walk;
    uint64_t end = region_end(walk);
    enum look look = LOOK_INVALID;
    while (walk->at < end && !is_valid_here(looker, &look)) {
        if (look == LOOK_INVALID) {
            look = look_at(looker, walk->at, 1);
        }
        if (look == LOOK_BLOCKED || look == LOOK_FAILED) {
            return look;
        }
        if (look == LOOK_INVALID) { /* the file was cut while it was read */
            break;
        }
        walk->at += step(walk, end);
    }
    walk->searching = false;
    found->item = WALK_DAMAGE;
    found->from = walk->damage_from;
    found->to = walk->at;
    found->solid_to = walk->damage_solid_end;
    return LOOK_VALID;
}

static void start_search(struct segment_walk *walk)
{
    walk->searching = true;
    walk->damage_from = walk->at;
    walk->damage_solid_end = walk->at;
}

enum status segment_walk_next(struct segment_walk *walk, bool may_load,
                              struct walk_found *out_found, struct error *err)
{
    struct looker looker = {.walk = walk, .may_load = may_load, .err = err};
    if (!walk->searching) {
        if (walk->commit_end != 0 && walk->at >= walk->commit_end) {
            walk->commit_end = 0;
        }
        if (walk->at >= walk->limit) {
            out_found->item = WALK_END;
            return STATUS_OK;
        }
    }
    enum look look = LOOK_INVALID;
    if (!walk->searching) {
        look = take_valid(&looker, out_found);
        if (look == LOOK_INVALID) {
            start_search(walk);
        }
    }
    if (walk->searching) {
        look = search(&looker, out_found);
    }
    if (look == LOOK_BLOCKED) {
        out_found->item = WALK_BLOCKED;
    }
    return look == LOOK_FAILED ? looker.status : STATUS_OK;
}

void segment_walk_skip_commit(struct segment_walk *walk, const struct commit_header *header)
{
    ASSERT(walk->commit_end != 0 || header->body_bytes == 0);
    if (walk->commit_end != 0) {
        walk->at = walk->commit_end;
    }
    walk->commit_end = 0;
    walk->next_offset = header->first_offset + header->count;
}
