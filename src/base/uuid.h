#pragma once
/*
 * UUIDs as 16 bytes and as their 36 characters (RFC 9562): the id of a log, the ids of activities.
 * Only the lower-case text is read, so that one value has one text. Any thread.
 */
#include "base/random.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { UUID_BYTES = 16, UUID_TEXT_BYTES = 36 };

struct uuid {
    uint8_t bytes[UUID_BYTES]; /* in network order, as RFC 9562 draws them */
};

/* Version 4: 122 random bits. */
struct uuid uuid_make_random(const struct random *random);

/* Version 8: the first bytes of a hash, but for the bits that say so. */
struct uuid uuid_from_hash(const uint8_t hash[UUID_BYTES]);

/* Writes exactly UUID_TEXT_BYTES characters, no terminator. */
void uuid_format(struct uuid uuid, char out_text[UUID_TEXT_BYTES]);

/* False unless the text is 8-4-4-4-12 lower-case hexadecimal digits; any version. */
bool uuid_parse(struct str text, struct uuid *out_uuid);

/* Version 7 of RFC 9562: 48 bits of milliseconds and 74 of randomness, of which 12 may be more of
 * the time. */
static inline bool uuid_is_version_7(struct uuid uuid)
{
    return uuid.bytes[6] >> 4 == 7 && uuid.bytes[8] >> 6 == 2;
}

static inline bool uuid_equal(struct uuid a, struct uuid b)
{
    return memcmp(a.bytes, b.bytes, UUID_BYTES) == 0;
}
