#pragma once
/*
 * A run: bytes of a part that are read at once, with a CRC-32C behind them that starts with the CRC
 * of the part's name, so that no run of another part passes for one of this. Writing goes through a
 * buffer of bounded size; one thread at a time.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/uuid.h"
#include "infrastructure/disk/disk.h"

enum { RUN_CRC_BYTES = 4, RUN_OUTPUT_BYTES = 256 * 1024 };

/* Where a run, or a section of several, stands in its file. */
struct run_place {
    uint64_t offset;
    uint64_t length; /* with the CRC */
};

/* What every CRC of a part starts with. */
uint32_t run_seed(struct uuid store_id, uint64_t part_number);

struct run_output {
    struct disk_file *file;
    uint32_t seed;
    uint64_t flushed;    /* bytes that are in the file */
    struct buffer bytes; /* behind them */
};

void run_output_init(struct run_output *output, struct disk_file *file, uint32_t seed);
void run_output_deinit(struct run_output *output);

/* Where the next run will stand. */
uint64_t run_output_offset(const struct run_output *output);

/* Writes `len` bytes and their CRC; says where. TOO_LARGE beyond 4 GiB, and what the disk says. */
MUST_USE enum status run_output_write(struct run_output *output, const void *bytes, size_t len,
                                      struct run_place *out_place, struct error *err);

/* Writes bytes that have a CRC of their own inside. */
MUST_USE enum status run_output_put(struct run_output *output, const void *bytes, size_t len,
                                    struct error *err);

MUST_USE enum status run_output_flush(struct run_output *output, struct error *err);

/* Reads a run into `into`, whose place->length bytes and BITS_SLACK_BYTES more the caller owns.
 * CORRUPT when the file ends before or the CRC does not hold; the bytes in front of the CRC are the
 * run's. */
MUST_USE enum status run_read(struct disk_file *file, uint32_t seed, struct run_place place,
                              uint8_t *into, struct error *err);
