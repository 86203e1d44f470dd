#pragma once
/*
 * The dictionary with which a part's metadata is compressed, made from samples of it: pieces
 * of them and zstd's statistics. A sample is the metadata of PAGE_BLOCK_ROWS neighbouring rows, as
 * it will be compressed. One thread at a time.
 */
#include "base/buffer.h"
#include "infrastructure/activity_store_local/page.h"

enum {
    DICTIONARY_BYTES = 32 * 1024,
    /* Blocks spread over the part; training takes about 25 us for each, and four times as many
     * make what is compressed less than 1 % smaller. */
    DICTIONARY_SAMPLES = 300,
    DICTIONARY_SAMPLE_BYTES = 8 * 1024, /* what is longer is cut */
    DICTIONARY_ROWS_MIN = 1024 /* smaller parts have none: it would be larger than what it spares */
};

struct dictionary_samples {
    struct buffer bytes; /* one sample behind the other */
    size_t lengths[DICTIONARY_SAMPLES];
    size_t count;
};

void dictionary_samples_init(struct dictionary_samples *samples);
void dictionary_samples_deinit(struct dictionary_samples *samples);

/* Every how many blocks of `block_count` one is to be a sample, so that they are spread evenly and
 * there is room for all. At least 1. */
static inline uint32_t dictionary_blocks_between(uint32_t block_count)
{
    uint32_t between = (block_count + DICTIONARY_SAMPLES - 1) / DICTIONARY_SAMPLES;
    return between == 0 ? 1 : between;
}

/* Begins a sample; beyond DICTIONARY_SAMPLES the last one goes on. */
void dictionary_samples_begin(struct dictionary_samples *samples);

/* Adds the metadata of a row to the sample that was begun last. What there is no room or memory for
 * is left out. */
void dictionary_samples_add(struct dictionary_samples *samples, struct str metadata);

/* Trains; appends nothing when the samples are too short, or without memory: the part
 * then has no dictionary. */
void dictionary_train(const struct dictionary_samples *samples, struct buffer *out_dictionary);
