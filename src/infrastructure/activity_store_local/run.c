#include "infrastructure/activity_store_local/run.h"

#include "base/crc32c.h"
#include "base/little_endian.h"

uint32_t run_seed(struct uuid store_id, uint64_t part_number)
{
    uint8_t name[UUID_BYTES + sizeof part_number];
    memcpy(name, store_id.bytes, UUID_BYTES);
    little_endian_put_u64(name + UUID_BYTES, part_number);
    return crc32c(name, sizeof name);
}

void run_output_init(struct run_output *output, struct disk_file *file, uint32_t seed)
{
    *output = (struct run_output){.file = file, .seed = seed};
    buffer_init(&output->bytes, RUN_OUTPUT_BYTES);
}

void run_output_deinit(struct run_output *output)
{
    buffer_deinit(&output->bytes);
}

uint64_t run_output_offset(const struct run_output *output)
{
    return output->flushed + output->bytes.len;
}

enum status run_output_flush(struct run_output *output, struct error *err)
{
    if (output->bytes.len == 0) {
        return STATUS_OK;
    }
    struct iovec part = {.iov_base = output->bytes.data, .iov_len = output->bytes.len};
    enum status status = disk_file_write(output->file, output->flushed, &part, 1, err);
    if (status == STATUS_OK) {
        output->flushed += output->bytes.len;
        buffer_clear(&output->bytes);
    }
    return status;
}

enum status run_output_put(struct run_output *output, const void *bytes, size_t len,
                           struct error *err)
{
    while (len > 0) {
        size_t room = RUN_OUTPUT_BYTES - output->bytes.len;
        size_t now = len < room ? len : room;
        buffer_append(&output->bytes, bytes, now);
        if (output->bytes.failed != STATUS_OK) {
            return error_set(err, output->bytes.failed, 0, "there is no memory to write a part");
        }
        bytes = (const uint8_t *)bytes + now;
        len -= now;
        if (output->bytes.len == RUN_OUTPUT_BYTES) {
            enum status status = run_output_flush(output, err);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return STATUS_OK;
}

enum status run_output_write(struct run_output *output, const void *bytes, size_t len,
                             struct run_place *out_place, struct error *err)
{
    uint8_t crc[RUN_CRC_BYTES];
    struct run_place place = {.offset = run_output_offset(output), .length = len + RUN_CRC_BYTES};
    if (len > UINT32_MAX - RUN_CRC_BYTES) {
        return error_set(err, STATUS_TOO_LARGE, 0, "a run of a part may not have %zu bytes", len);
    }
    little_endian_put_u32(crc, crc32c_extend(output->seed, bytes, len));
    enum status status = run_output_put(output, bytes, len, err);
    if (status == STATUS_OK) {
        status = run_output_put(output, crc, sizeof crc, err);
    }
    if (status == STATUS_OK) {
        *out_place = place;
    }
    return status;
}

enum status run_read(struct disk_file *file, uint32_t seed, struct run_place place, uint8_t *into,
                     struct error *err)
{
    size_t len = 0;
    if (place.length < RUN_CRC_BYTES) {
        return error_set(err, STATUS_CORRUPT, 0, "a run at byte %llu has no room for its CRC",
                         (unsigned long long)place.offset);
    }
    struct iovec parts = {.iov_base = into, .iov_len = (size_t)place.length};
    enum status status = disk_file_read(file, place.offset, parts, &len, err);
    if (status != STATUS_OK) {
        return status;
    }
    size_t covered = (size_t)place.length - RUN_CRC_BYTES;
    uint64_t end = place.offset + place.length;
    if (len != place.length ||
        little_endian_get_u32(into + covered) != crc32c_extend(seed, into, covered)) {
        return error_set(err, STATUS_CORRUPT, 0, "the bytes %llu to %llu are damaged",
                         (unsigned long long)place.offset, (unsigned long long)end);
    }
    return STATUS_OK;
}
