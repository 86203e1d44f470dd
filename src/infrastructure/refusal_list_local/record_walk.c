#include "infrastructure/refusal_list_local/record_walk.h"

#include <stdlib.h>

enum { WINDOW_BYTES = 1 << 20 };

void record_walk_init(struct record_walk *walk, struct disk_file *file, uint64_t number,
                      uint64_t size)
{
    *walk = (struct record_walk){.file = file, .number = number, .size = size};
}

void record_walk_deinit(struct record_walk *walk)
{
    free(walk->window);
}

static bool holds(const struct record_walk *walk, uint64_t at, size_t len)
{
    return at >= walk->window_at && at - walk->window_at <= walk->window_len &&
           walk->window_len - (size_t)(at - walk->window_at) >= len;
}

static enum status load(struct record_walk *walk, uint64_t at, size_t len, struct error *err)
{
    size_t capacity = len > WINDOW_BYTES ? len : WINDOW_BYTES;
    if (capacity > walk->window_capacity) {
        uint8_t *window = realloc(walk->window, capacity);
        if (window == NULL) {
            return error_set(err, STATUS_NO_MEMORY, 0,
                             "there is no memory to read the refused list");
        }
        walk->window = window;
        walk->window_capacity = capacity;
    }
    walk->window_len = 0;
    walk->window_at = at;
    struct iovec into = {.iov_base = walk->window, .iov_len = capacity};
    return disk_file_read(walk->file, at, into, &walk->window_len, err);
}

/* The bytes [at, at + len), or NULL in *out_bytes when the file ends before. */
static enum status look(struct record_walk *walk, uint64_t at, uint64_t len,
                        const uint8_t **out_bytes, struct error *err)
{
    *out_bytes = NULL;
    if (at > walk->size || len > walk->size - at) {
        return STATUS_OK;
    }
    enum status status =
        holds(walk, at, (size_t)len) ? STATUS_OK : load(walk, at, (size_t)len, err);
    if (status == STATUS_OK && holds(walk, at, (size_t)len)) {
        *out_bytes = walk->window + (at - walk->window_at);
    }
    return status;
}

/* Whether a record stands there; its length then, else 0. */
static enum status try_record(struct record_walk *walk, uint64_t at, struct record *out_record,
                              uint64_t *out_length, struct error *err)
{
    const uint8_t *bytes;
    *out_length = 0;
    enum status status = look(walk, at, RECORD_HEADER_BYTES, &bytes, err);
    uint64_t length = status == STATUS_OK && bytes != NULL ? record_claimed_length(bytes) : 0;
    if (length == 0) {
        return status;
    }
    status = look(walk, at, length, &bytes, err);
    struct record_place place = {walk->number, at};
    if (status == STATUS_OK && bytes != NULL &&
        record_decode(bytes, (size_t)length, place, out_record)) {
        *out_length = length;
    }
    return status;
}

/* What stands behind a whole record is no message's, and when nothing of this format follows it is
 * no damage to one byte either. */
static enum status refuse_newer(struct record_walk *walk, struct error *err)
{
    enum { MAGIC_BYTES = 4 };
    const uint8_t *bytes;
    enum status status = look(walk, walk->at, MAGIC_BYTES, &bytes, err);
    if (status == STATUS_OK && bytes != NULL && record_is_newer(bytes)) {
        status = error_set(err, STATUS_INVALID, 0,
                           "the refused list was written by a newer version of this program; use "
                           "that version");
    }
    return status;
}

static enum status pass_damage(struct record_walk *walk, struct record_found *out_found,
                               struct error *err)
{
    enum status status = STATUS_OK;
    uint64_t at = walk->at;
    uint64_t length = 0;
    while (status == STATUS_OK && length == 0 && at < walk->size) {
        at++;
        status = try_record(walk, at, &out_found->record, &length, err);
    }
    if (status == STATUS_OK && at == walk->size) {
        status = refuse_newer(walk, err);
    }
    if (status == STATUS_OK) {
        out_found->item = RECORD_DAMAGE;
        out_found->from = walk->at;
        out_found->to = at;
        walk->at = at;
    }
    return status;
}

enum status record_walk_next(struct record_walk *walk, struct record_found *out_found,
                             struct error *err)
{
    uint64_t length;
    if (walk->at >= walk->size) {
        out_found->item = RECORD_END;
        return STATUS_OK;
    }
    enum status status = try_record(walk, walk->at, &out_found->record, &length, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (length == 0) {
        return pass_damage(walk, out_found, err);
    }
    out_found->item = RECORD_FOUND;
    out_found->from = walk->at;
    out_found->to = walk->at + length;
    walk->at = out_found->to;
    return STATUS_OK;
}
