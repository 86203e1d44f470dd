#pragma once
/*
 * Reading the bytes of a run one after the other. A run has been checked by its CRC, so what does
 * not fit is the work of a program, not of a disk; still nothing is read beyond its end: the first
 * thing that does not fit makes the reading `failed`, gives zeros from then on, and is looked at
 * once at the end. One thread at a time.
 */
#include "base/str.h"
#include "base/word.h"
#include "infrastructure/activity_store_local/bits.h"

struct reading {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct reading reading_of(const uint8_t *bytes, size_t len)
{
    return (struct reading){.at = bytes, .end = bytes + len};
}

static inline size_t reading_left(const struct reading *reading)
{
    return (size_t)(reading->end - reading->at);
}

/* Everything was there, and nothing is left over. */
static inline bool reading_is_complete(const struct reading *reading)
{
    return !reading->failed && reading->at == reading->end;
}

/* NULL when there are not so many. */
static inline const uint8_t *reading_take(struct reading *reading, uint64_t len)
{
    if (reading->failed || len > reading_left(reading)) {
        reading->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reading->at;
    reading->at += len;
    return bytes;
}

static inline uint8_t reading_u8(struct reading *reading)
{
    const uint8_t *byte = reading_take(reading, 1);
    return byte == NULL ? 0 : *byte;
}

static inline uint64_t reading_varint(struct reading *reading)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reading_u8(reading);
        uint64_t part = byte & 0x7f;
        if (reading->failed || (part << shift) >> shift != part) {
            break;
        }
        value |= part << shift;
        if (byte < 0x80) {
            bool shortest = byte != 0 || shift == 0;
            reading->failed = !shortest;
            return shortest ? value : 0;
        }
    }
    reading->failed = true;
    return 0;
}

/* Passes over so many varints without looking at what they say, eight bytes at a time: each has one
 * byte whose highest bit is not set, its last one. */
static inline void reading_skip_varints(struct reading *reading, uint32_t count)
{
    while (count > 0 && reading_left(reading) >= WORD_BYTES) {
        uint64_t ends = ~word_load((const char *)reading->at) & 0x8080808080808080u;
        uint32_t ended = (uint32_t)__builtin_popcountll(ends);
        if (ended >= count) {
            break;
        }
        count -= ended;
        reading->at += WORD_BYTES;
    }
    while (count > 0 && !reading->failed) {
        count -= reading_u8(reading) < 0x80;
    }
}

static inline int64_t reading_signed(struct reading *reading)
{
    return unzigzag(reading_varint(reading));
}

/* A varint that is at most `max`; fails beyond. */
static inline uint64_t reading_below(struct reading *reading, uint64_t max)
{
    uint64_t value = reading_varint(reading);
    reading->failed = reading->failed || value > max;
    return reading->failed ? 0 : value;
}

static inline struct str reading_text(struct reading *reading, uint64_t len)
{
    const uint8_t *bytes = reading_take(reading, len);
    return (struct str){.data = (const char *)bytes, .len = bytes == NULL ? 0 : (size_t)len};
}
