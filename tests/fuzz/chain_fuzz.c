/*
 * A chain of any bytes: each record that is read is written again as the same bytes, and what is
 * none is told. The first byte of the input says whether the header, and of each record the number,
 * the hash before it and the checksum are repaired, as somebody who knows the format would.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "fuzz.h"
#include "fuzz_disk.h"
#include "infrastructure/activity_store_local/chain_reader.h"

#include <stdlib.h>

enum { NUMBER_AT = 5, PREVIOUS_AT = 13 };

static const struct uuid store_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static void hash_record(struct sha256 *sha256, const uint8_t *record, size_t len,
                        uint8_t out_hash[SHA256_BYTES])
{
    sha256_begin(sha256);
    sha256_add(sha256, "\x04", 1);
    sha256_add(sha256, record, len);
    ASSERT(sha256_end(sha256, out_hash) == STATUS_OK);
}

static void repair(struct sha256 *sha256, uint8_t *bytes, size_t len)
{
    struct chain_end end;
    if (len < CHAIN_HEADER_BYTES) {
        return;
    }
    chain_header_encode(store_id, bytes);
    ASSERT(chain_start(sha256, store_id, &end) == STATUS_OK);
    while (len - end.bytes >= CHAIN_HEAD_BYTES) {
        uint8_t *record = bytes + end.bytes;
        size_t all = chain_record_bytes(little_endian_get_u32(record));
        if (all == 0 || all > len - end.bytes) {
            break;
        }
        size_t covered = all - CHAIN_CRC_BYTES;
        little_endian_put_u64(record + NUMBER_AT, ++end.records);
        memcpy(record + PREVIOUS_AT, end.hash, sizeof end.hash);
        little_endian_put_u32(record + covered, crc32c(record, covered));
        hash_record(sha256, record, covered, end.hash);
        end.bytes += all;
    }
}

static void expect_same_bytes(struct sha256 *sha256, const struct chain_record *record,
                              const struct chain_end *behind, const struct chain_end *end,
                              const uint8_t *bytes)
{
    struct buffer again;
    struct chain_end again_end;
    buffer_init(&again, CHAIN_RECORD_BYTES_MAX);
    ASSERT(chain_record_encode(sha256, record, behind, &again, &again_end) == STATUS_OK);
    ASSERT(again.len == end->bytes - behind->bytes);
    ASSERT(memcmp(again.data, bytes + behind->bytes, again.len) == 0);
    ASSERT(memcmp(again_end.hash, end->hash, sizeof end->hash) == 0);
    ASSERT(again_end.records == end->records && again_end.seals == end->seals);
    buffer_deinit(&again);
}

static enum status read_records(struct sha256 *sha256, struct chain_reader *reader,
                                const uint8_t *bytes, struct error *err)
{
    const struct chain_record *record = NULL;
    enum status status;
    do {
        struct chain_end behind = *chain_reader_end(reader);
        status = chain_reader_next(reader, &record, err);
        if (status == STATUS_OK && record != NULL) {
            expect_same_bytes(sha256, record, &behind, chain_reader_end(reader), bytes);
        }
    } while (status == STATUS_OK && record != NULL);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_disk disk;
    struct sha256 sha256;
    struct chain_reader *reader = NULL;
    struct error err = {0};
    if (size == 0) {
        return 0;
    }
    uint8_t *bytes = (uint8_t *)fuzz_copy(data + 1, size - 1, 0);
    ASSERT(sha256_init(&sha256) == STATUS_OK);
    if (data[0] % 2 == 1) {
        repair(&sha256, bytes, size - 1);
    }
    fuzz_disk_init(&disk, bytes, size - 1);
    const struct chain_place place = {&disk.disk, "store", store_id};
    enum status status = chain_reader_open(&place, NULL, &reader, &err);
    if (status == STATUS_OK) {
        status = read_records(&sha256, reader, bytes, &err);
    }
    if (status != STATUS_OK) {
        ASSERT(status == STATUS_CORRUPT || status == STATUS_INVALID);
        fuzz_expect_text(err.message);
    }
    chain_reader_free(reader);
    sha256_deinit(&sha256);
    free(bytes);
    return 0;
}
