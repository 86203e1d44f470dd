#include "infrastructure/activity_store_local/dictionary.h"

#include "base/assert.h"

#include <zdict.h>

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

void dictionary_train(const struct dictionary_samples *samples, struct buffer *out_dictionary)
{
    size_t count = samples->count;
    if (count > 0 && samples->lengths[count - 1] == 0) {
        count--;
    }
    if (count == 0 || buffer_reserve(out_dictionary, DICTIONARY_BYTES) != STATUS_OK) {
        return;
    }
    size_t len = ZDICT_trainFromBuffer(out_dictionary->data + out_dictionary->len, DICTIONARY_BYTES,
                                       samples->bytes.data, samples->lengths, (unsigned)count);
    if (!ZDICT_isError(len)) {
        out_dictionary->len += len;
    }
}
