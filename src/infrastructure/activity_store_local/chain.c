#include "infrastructure/activity_store_local/chain.h"

#include "base/assert.h"

#include <stdlib.h>

#define UNKNOWN_BYTES UINT64_MAX

struct chain {
    struct disk_file *file;
    struct sha256 sha256;
    struct chain_end start; /* behind the header */
    uint64_t file_bytes;    /* UNKNOWN_BYTES after a write that failed */
    bool lost;              /* a sync failed */
    struct buffer bytes;    /* of the record that is appended */
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the store's chain");
}

/* Opening ----------------------------------------------------------------------------------- */

/* Reads the chain up to the end that the manifest names. */
static enum status check(const struct chain_place *place, const struct chain_end *expected,
                         struct error *err)
{
    CLEANUP(chain_reader_free) struct chain_reader *reader = NULL;
    const struct chain_record *record = NULL;
    enum status status = chain_reader_open(place, expected, &reader, err);
    do {
        status = status == STATUS_OK ? chain_reader_next(reader, &record, err) : status;
    } while (status == STATUS_OK && record != NULL);
    return status;
}

/* A chain with records that names another store got here by a mistake, and is not written over. */
static enum status check_replaceable(struct chain *chain, struct uuid store_id, struct error *err)
{
    uint8_t bytes[CHAIN_HEADER_BYTES + 1];
    uint8_t own[CHAIN_HEADER_BYTES];
    struct iovec into = {.iov_base = bytes, .iov_len = sizeof bytes};
    size_t len = 0;
    enum status status = disk_file_read(chain->file, 0, into, &len, err);
    if (status != STATUS_OK) {
        return status;
    }
    chain_header_encode(store_id, own);
    if (len < sizeof bytes || memcmp(bytes, own, sizeof own) == 0) {
        return STATUS_OK;
    }
    status = chain_header_check(bytes, store_id, err);
    ASSERT(status != STATUS_OK);
    return status;
}

static enum status write_header(struct chain *chain, struct uuid store_id, struct error *err)
{
    uint8_t header[CHAIN_HEADER_BYTES];
    struct iovec all = {.iov_base = header, .iov_len = sizeof header};
    chain_header_encode(store_id, header);
    enum status status = disk_file_write(chain->file, 0, &all, 1, err);
    if (status == STATUS_OK) {
        status = disk_file_truncate(chain->file, sizeof header, err);
    }
    if (status == STATUS_OK) {
        status = disk_file_sync(chain->file, err);
    }
    chain->file_bytes = CHAIN_HEADER_BYTES;
    return status;
}

static enum status make(struct chain *chain, const struct chain_place *place, const char *path,
                        struct error *err)
{
    enum status status = disk_open(place->disk, path, DISK_WRITE_OR_MAKE, &chain->file, err);
    if (status == STATUS_OK) {
        status = check_replaceable(chain, place->store_id, err);
    }
    if (status == STATUS_OK) {
        status = write_header(chain, place->store_id, err);
    }
    return status == STATUS_OK ? disk_sync_directory(place->disk, place->directory, err) : status;
}

static enum status take_up(struct chain *chain, const struct chain_place *place,
                           const struct chain_end *expected, const char *path, struct error *err)
{
    enum status status = check(place, expected, err);
    if (status == STATUS_OK) {
        status = disk_open(place->disk, path, DISK_WRITE, &chain->file, err);
    }
    chain->file_bytes = expected->bytes;
    return status == STATUS_OK ? disk_file_truncate(chain->file, expected->bytes, err) : status;
}

static enum status begin(struct chain *chain, const struct chain_place *place,
                         const struct chain_end *expected, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    buffer_init(&chain->bytes, CHAIN_RECORD_BYTES_MAX);
    if (sha256_init(&chain->sha256) != STATUS_OK ||
        chain_start(&chain->sha256, place->store_id, &chain->start) != STATUS_OK) {
        return no_memory(err);
    }
    enum status status = disk_path(place->directory, "chain", path, err);
    if (status != STATUS_OK) {
        return status;
    }
    return expected->records == 0 ? make(chain, place, path, err)
                                  : take_up(chain, place, expected, path, err);
}

enum status chain_open(const struct chain_place *place, const struct chain_end *expected,
                       struct chain **out_chain, struct error *err)
{
    struct chain *chain = calloc(1, sizeof *chain);
    if (chain == NULL) {
        return no_memory(err);
    }
    enum status status = begin(chain, place, expected, err);
    if (status != STATUS_OK) {
        chain_free(chain);
        return status;
    }
    *out_chain = chain;
    return STATUS_OK;
}

void chain_free(struct chain *chain)
{
    if (chain != NULL) {
        disk_file_close(chain->file);
        sha256_deinit(&chain->sha256);
        buffer_deinit(&chain->bytes);
        free(chain);
    }
}

/* Appending --------------------------------------------------------------------------------- */

static enum status write_bytes(struct chain *chain, uint64_t offset, struct error *err)
{
    struct iovec all = {.iov_base = chain->bytes.data, .iov_len = chain->bytes.len};
    enum status status = STATUS_OK;
    if (chain->file_bytes != offset) { /* a record before this one came to nothing */
        chain->file_bytes = UNKNOWN_BYTES;
        status = disk_file_truncate(chain->file, offset, err);
    }
    if (status == STATUS_OK) {
        chain->file_bytes = UNKNOWN_BYTES;
        status = disk_file_write(chain->file, offset, &all, 1, err);
    }
    if (status == STATUS_OK) {
        chain->file_bytes = offset + chain->bytes.len;
    }
    return status;
}

static struct chain_end end_to_go_on_from(const struct chain *chain, const struct chain_end *behind)
{
    return behind->records == 0 ? chain->start : *behind;
}

/* Writes a record behind `end`, and moves that behind it; a sync is still to come. */
static enum status write_record(struct chain *chain, const struct chain_record *record,
                                struct chain_end *end, struct error *err)
{
    struct chain_end next;
    if (chain->lost) {
        return error_set(err, STATUS_UNAVAILABLE, 0,
                         "the disk failed to keep the store's chain; nothing is appended until a "
                         "restart");
    }
    buffer_clear(&chain->bytes);
    if (chain_record_encode(&chain->sha256, record, end, &chain->bytes, &next) != STATUS_OK) {
        return no_memory(err);
    }
    enum status status = write_bytes(chain, end->bytes, err);
    if (status == STATUS_OK) {
        *end = next;
    }
    return status;
}

/* What was written up to `end` counts from now on. */
static enum status sync_records(struct chain *chain, const struct chain_end *end,
                                struct chain_end *out_end, struct error *err)
{
    enum status status = disk_file_sync(chain->file, err);
    chain->lost = status != STATUS_OK;
    if (status == STATUS_OK) {
        *out_end = *end;
    }
    return status;
}

static enum status append(struct chain *chain, const struct chain_end *behind,
                          const struct chain_record *record, struct chain_end *out_end,
                          struct error *err)
{
    struct chain_end end = end_to_go_on_from(chain, behind);
    enum status status = write_record(chain, record, &end, err);
    return status == STATUS_OK ? sync_records(chain, &end, out_end, err) : status;
}

enum status chain_append_seal(struct chain *chain, const struct chain_end *behind,
                              const struct chain_seal *seal, struct chain_end *out_end,
                              struct error *err)
{
    const struct chain_record record = {.kind = CHAIN_SEAL, .seal = *seal};
    return append(chain, behind, &record, out_end, err);
}

enum status chain_append_erasure(struct chain *chain, const struct chain_end *behind,
                                 const struct chain_erasure *erasure, struct chain_end *out_end,
                                 struct error *err)
{
    const struct chain_record record = {.kind = CHAIN_ERASURE, .erasure = *erasure};
    return append(chain, behind, &record, out_end, err);
}

enum status chain_append_expiry(struct chain *chain, const struct chain_end *behind,
                                const struct chain_expiry *expiry, struct chain_end *out_end,
                                struct error *err)
{
    struct chain_end end = end_to_go_on_from(chain, behind);
    struct chain_record record = {.kind = CHAIN_EXPIRY, .expiry = *expiry};
    enum status status = STATUS_OK;
    ASSERT(expiry->range_count > 0);
    for (uint32_t at = 0; status == STATUS_OK && at < expiry->range_count; at += CHAIN_RANGES_MAX) {
        uint32_t left = expiry->range_count - at;
        record.expiry.ranges = expiry->ranges + at;
        record.expiry.range_count = left < CHAIN_RANGES_MAX ? left : CHAIN_RANGES_MAX;
        record.expiry.rows = at == 0 ? expiry->rows : 0;
        status = write_record(chain, &record, &end, err);
    }
    return status == STATUS_OK ? sync_records(chain, &end, out_end, err) : status;
}

enum status chain_append_left_out(struct chain *chain, const struct chain_end *behind,
                                  const struct leaf_list *left_out, struct chain_end *out_end,
                                  struct error *err)
{
    struct chain_end end = end_to_go_on_from(chain, behind);
    enum status status = STATUS_OK;
    ASSERT(left_out->count > 0);
    for (size_t at = 0; status == STATUS_OK && at < left_out->count; at += CHAIN_LEAVES_MAX) {
        size_t left = left_out->count - at;
        const struct chain_left_out some = {
            .leaves = left_out->leaves + at,
            .leaf_count = (uint32_t)(left < CHAIN_LEAVES_MAX ? left : CHAIN_LEAVES_MAX)};
        const struct chain_record record = {.kind = CHAIN_LEFT_OUT, .left_out = some};
        status = write_record(chain, &record, &end, err);
    }
    return status == STATUS_OK ? sync_records(chain, &end, out_end, err) : status;
}
