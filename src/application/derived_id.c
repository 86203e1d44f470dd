#include "application/derived_id.h"

#include <endian.h>

#define RETRY_LABEL "usertrail retry\n"
#define EVENT_LABEL "usertrail cloud event\n"

static struct str bytes_of(const uint64_t *number)
{
    return (struct str){.data = (const char *)number, .len = sizeof *number};
}

static enum status derive(const struct content_hash *hash, const struct str *parts, size_t count,
                          char out_text[UUID_TEXT_BYTES])
{
    uint8_t digest[CONTENT_HASH_BYTES];
    enum status status = hash->hash(hash->context, parts, count, digest);
    if (status == STATUS_OK) {
        uuid_format(uuid_from_hash(digest), out_text);
    }
    return status;
}

enum status derived_id_of_retry(const struct content_hash *hash,
                                const struct derived_id_retry *retry,
                                char out_text[UUID_TEXT_BYTES])
{
    const uint64_t numbers[] = {htole64(retry->key_name.len), htole64(retry->retry_key.len),
                                htole64(retry->index), htole64(retry->bytes.len)};
    const struct str parts[] = {
        STR(RETRY_LABEL), bytes_of(&numbers[0]), retry->key_name,       bytes_of(&numbers[1]),
        retry->retry_key, bytes_of(&numbers[2]), bytes_of(&numbers[3]), retry->bytes,
    };
    return derive(hash, parts, ARRAY_LENGTH(parts), out_text);
}

enum status derived_id_of_event(const struct content_hash *hash, struct str source, struct str id,
                                char out_text[UUID_TEXT_BYTES])
{
    const uint64_t numbers[] = {htole64(source.len), htole64(id.len)};
    const struct str parts[] = {
        STR(EVENT_LABEL), bytes_of(&numbers[0]), source, bytes_of(&numbers[1]), id,
    };
    return derive(hash, parts, ARRAY_LENGTH(parts), out_text);
}
