#include "infrastructure/activity_store_local/chain_reader.h"

#include "base/little_endian.h"

#include <stdlib.h>

enum { LENGTH_BYTES = 4 };

struct chain_reader {
    struct disk_file *file; /* NULL: nothing is to be read */
    struct sha256 sha256;
    struct chain_end end;
    struct chain_end until;
    bool bounded;          /* by `until` */
    uint64_t bytes;        /* of the file that count */
    uint64_t piece_offset; /* in the file, of what `piece` begins with */
    size_t piece_len;
    struct chain_record record;
    struct chain_lists lists;
    uint8_t piece[CHAIN_RECORD_BYTES_MAX];
};

/* Opening ----------------------------------------------------------------------------------- */

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to read the store's chain");
}

static enum status measure(struct chain_reader *reader, struct error *err)
{
    uint64_t size = 0;
    enum status status = disk_file_size(reader->file, &size, err);
    if (status != STATUS_OK) {
        return status;
    }
    reader->bytes = reader->bounded ? reader->until.bytes : size;
    if (size < reader->bytes || reader->bytes < CHAIN_HEADER_BYTES) {
        return error_set(
            err, STATUS_CORRUPT, 0, "the store's chain is cut: its file has %llu bytes of %llu",
            (unsigned long long)size,
            (unsigned long long)(reader->bounded ? reader->bytes : (uint64_t)CHAIN_HEADER_BYTES));
    }
    return STATUS_OK;
}

static enum status open_file(struct chain_reader *reader, const struct chain_place *place,
                             struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    enum status status = disk_path(place->directory, "chain", path, err);
    if (status == STATUS_OK) {
        status = disk_open(place->disk, path, DISK_READ, &reader->file, err);
    }
    if (status == STATUS_NOT_FOUND && reader->bounded) {
        return error_set(err, STATUS_CORRUPT, 0,
                         "the store's chain is missing: there is no file chain in its folder");
    }
    return status == STATUS_OK ? measure(reader, err) : status;
}

static enum status check_header(struct chain_reader *reader, struct uuid store_id,
                                struct error *err)
{
    uint8_t header[CHAIN_HEADER_BYTES] = {0};
    struct iovec into = {.iov_base = header, .iov_len = sizeof header};
    size_t len = 0;
    enum status status = disk_file_read(reader->file, 0, into, &len, err);
    return status == STATUS_OK ? chain_header_check(header, store_id, err) : status;
}

static enum status begin(struct chain_reader *reader, const struct chain_place *place,
                         struct error *err)
{
    if (sha256_init(&reader->sha256) != STATUS_OK ||
        chain_start(&reader->sha256, place->store_id, &reader->end) != STATUS_OK) {
        return no_memory(err);
    }
    if (reader->bounded && reader->until.records == 0) {
        return STATUS_OK;
    }
    reader->piece_offset = CHAIN_HEADER_BYTES;
    enum status status = open_file(reader, place, err);
    return status == STATUS_OK ? check_header(reader, place->store_id, err) : status;
}

enum status chain_reader_open(const struct chain_place *place, const struct chain_end *until,
                              struct chain_reader **out_reader, struct error *err)
{
    struct chain_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return no_memory(err);
    }
    reader->bounded = until != NULL;
    reader->until = until == NULL ? reader->until : *until;
    enum status status = begin(reader, place, err);
    if (status != STATUS_OK) {
        chain_reader_free(reader);
        return status;
    }
    *out_reader = reader;
    return STATUS_OK;
}

void chain_reader_free(struct chain_reader *reader)
{
    if (reader != NULL) {
        disk_file_close(reader->file);
        sha256_deinit(&reader->sha256);
        free(reader);
    }
}

/* Reading ----------------------------------------------------------------------------------- */

static enum status corrupt(const struct chain_reader *reader, const char *what, struct error *err)
{
    return error_set(err, STATUS_CORRUPT, 0, "record %llu of the store's chain, at byte %llu, %s",
                     (unsigned long long)reader->end.records + 1,
                     (unsigned long long)reader->end.bytes, what);
}

/* Sees to it that the piece holds `len` bytes from the end of what was read. */
static enum status fetch(struct chain_reader *reader, size_t len, struct error *err)
{
    uint64_t at = reader->end.bytes;
    uint64_t left = reader->bytes - at;
    if (at + len <= reader->piece_offset + reader->piece_len) {
        return STATUS_OK;
    }
    struct iovec into = {.iov_base = reader->piece, .iov_len = sizeof reader->piece};
    into.iov_len = left < into.iov_len ? (size_t)left : into.iov_len;
    enum status status = disk_file_read(reader->file, at, into, &reader->piece_len, err);
    reader->piece_offset = at;
    if (status == STATUS_OK && reader->piece_len < len) {
        return corrupt(reader, "is cut", err);
    }
    return status;
}

static const uint8_t *next_bytes(const struct chain_reader *reader)
{
    return reader->piece + (reader->end.bytes - reader->piece_offset);
}

static enum status read_record(struct chain_reader *reader, struct error *err)
{
    enum status status = fetch(reader, LENGTH_BYTES, err);
    if (status != STATUS_OK) {
        return status;
    }
    size_t len = chain_record_bytes(little_endian_get_u32(next_bytes(reader)));
    if (len == 0) {
        return corrupt(reader, "is damaged", err);
    }
    status = fetch(reader, len, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = chain_record_decode(&reader->sha256, next_bytes(reader), &reader->lists, &reader->end,
                                 &reader->record);
    if (status == STATUS_CORRUPT) {
        return corrupt(reader, "is damaged or does not follow the one before", err);
    }
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
}

/* All was read that the manifest speaks of; now it must be what the manifest speaks of. */
static enum status check_end(const struct chain_reader *reader, struct error *err)
{
    const struct chain_end *end = &reader->end;
    const struct chain_end *until = &reader->until;
    if (!reader->bounded || until->records == 0 ||
        (end->records == until->records && end->seals == until->seals &&
         memcmp(end->hash, until->hash, sizeof end->hash) == 0)) {
        return STATUS_OK;
    }
    return error_set(err, STATUS_CORRUPT, 0,
                     "the store's chain ends with record %llu, at byte %llu, and it is not the end "
                     "that the manifest names",
                     (unsigned long long)end->records, (unsigned long long)end->bytes);
}

enum status chain_reader_next(struct chain_reader *reader, const struct chain_record **out_record,
                              struct error *err)
{
    bool more = reader->file != NULL && reader->end.bytes < reader->bytes;
    enum status status = more ? read_record(reader, err) : check_end(reader, err);
    if (status == STATUS_OK) {
        *out_record = more ? &reader->record : NULL;
    }
    return status;
}

const struct chain_end *chain_reader_end(const struct chain_reader *reader)
{
    return &reader->end;
}
