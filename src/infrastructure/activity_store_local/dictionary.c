#include "infrastructure/activity_store_local/dictionary.h"

#include "base/assert.h"
#include "infrastructure/activity_store_local/dictionary_pieces.h"
#include "infrastructure/activity_store_local/metadata_split.h"

#include <zdict.h>

enum {
    LEVEL = 1,          /* of the compression for which the dictionary has statistics */
    HEADER_BYTES = 1024 /* room for these in front of the pieces of text */
};

void dictionary_samples_init(struct dictionary_samples *samples)
{
    *samples = (struct dictionary_samples){.count = 0};
    buffer_init(&samples->bytes, (size_t)DICTIONARY_SAMPLES * DICTIONARY_SAMPLE_BYTES);
}

void dictionary_samples_deinit(struct dictionary_samples *samples)
{
    buffer_deinit(&samples->bytes);
}

void dictionary_samples_begin(struct dictionary_samples *samples)
{
    /* One to which nothing was added is used again: an empty sample says nothing. */
    bool used = samples->count == 0 || samples->lengths[samples->count - 1] > 0;
    if (used && samples->count < DICTIONARY_SAMPLES) {
        samples->lengths[samples->count++] = 0;
    }
}

void dictionary_samples_add(struct dictionary_samples *samples, struct str metadata)
{
    ASSERT(samples->count > 0);
    size_t *length = &samples->lengths[samples->count - 1];
    size_t room = DICTIONARY_SAMPLE_BYTES - *length;
    size_t len = metadata.len < room ? metadata.len : room;
    buffer_append(&samples->bytes, metadata.data, len);
    if (samples->bytes.failed == STATUS_OK) {
        *length += len;
    }
}

/* As the samples will be compressed: split. Those that cannot be stay as they are. */
static bool split_samples(const struct dictionary_samples *samples, struct buffer *out_bytes,
                          size_t *out_lengths)
{
    const char *at = samples->bytes.data;
    struct arena arena;
    arena_init(&arena, (size_t)4 * DICTIONARY_SAMPLE_BYTES);
    for (size_t i = 0; i < samples->count; at += samples->lengths[i], i++) {
        struct metadata_split split;
        arena_reset(&arena);
        bool is_split = metadata_split((struct str){at, samples->lengths[i]}, &arena, &split);
        if (!is_split && split.text.data == NULL) {
            split.text.len = 0; /* without memory there is a sample less */
        }
        buffer_append_str(out_bytes, split.text);
        out_lengths[i] = split.text.len;
    }
    arena_deinit(&arena);
    return out_bytes->failed == STATUS_OK;
}

static void train(const struct buffer *bytes, const size_t *lengths, size_t count,
                  struct buffer *out_dictionary)
{
    char pieces[DICTIONARY_BYTES - HEADER_BYTES];
    const ZDICT_params_t parameters = {.compressionLevel = LEVEL};
    size_t len = dictionary_pieces_choose(buffer_str(bytes), pieces, sizeof pieces);
    if (len == 0) {
        return;
    }
    len = ZDICT_finalizeDictionary(out_dictionary->data + out_dictionary->len, DICTIONARY_BYTES,
                                   pieces, len, bytes->data, lengths, (unsigned)count, parameters);
    if (!ZDICT_isError(len)) {
        out_dictionary->len += len;
    }
}

void dictionary_train(const struct dictionary_samples *samples, struct buffer *out_dictionary)
{
    size_t lengths[DICTIONARY_SAMPLES];
    struct buffer bytes;
    size_t count = samples->count;
    buffer_init(&bytes, (size_t)2 * DICTIONARY_SAMPLES * DICTIONARY_SAMPLE_BYTES);
    if (split_samples(samples, &bytes, lengths)) {
        while (count > 0 && lengths[count - 1] == 0) {
            count--;
        }
        if (count > 0 && buffer_reserve(out_dictionary, DICTIONARY_BYTES) == STATUS_OK) {
            train(&bytes, lengths, count, out_dictionary);
        }
    }
    buffer_deinit(&bytes);
}
