#include "base/uuid.h"

#include "base/digits.h"
#include "base/little_endian.h"

/* The places of hyphens in the second and the third word of the text: of 01234567-89ab-cdef-0123-
 * 456789abcdef these are "-89ab-cd" and "ef-0123-". */
static const uint64_t hyphens_second = (uint64_t)'-' | (uint64_t)'-' << 40;
static const uint64_t hyphens_third = (uint64_t)'-' << 16 | (uint64_t)'-' << 56;

static void set_version(struct uuid *uuid, uint8_t version)
{
    uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | version << 4);
    uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

struct uuid uuid_make_random(const struct random *random)
{
    struct uuid uuid;
    random_fill(random, uuid.bytes, sizeof uuid.bytes);
    set_version(&uuid, 4);
    return uuid;
}

struct uuid uuid_from_hash(const uint8_t hash[UUID_BYTES])
{
    struct uuid uuid;
    memcpy(uuid.bytes, hash, sizeof uuid.bytes);
    set_version(&uuid, 8);
    return uuid;
}

void uuid_format(struct uuid uuid, char out_text[UUID_TEXT_BYTES])
{
    uint64_t second = digits_of_hex(little_endian_get_u32(uuid.bytes + 4));
    uint64_t third = digits_of_hex(little_endian_get_u32(uuid.bytes + 8));
    uint64_t last = digits_of_hex(little_endian_get_u32(uuid.bytes + 12));
    word_store(out_text, digits_of_hex(little_endian_get_u32(uuid.bytes)));
    word_store(out_text + 8, hyphens_second | (second & UINT32_MAX) << 8 | second >> 32 << 48);
    word_store(out_text + 16, hyphens_third | second >> 48 | (third & UINT32_MAX) << 24);
    word_store(out_text + 24, third >> 32 | last << 32);
    little_endian_put_u32(out_text + 32, (uint32_t)(last >> 32));
}

bool uuid_parse(struct str text, struct uuid *out_uuid)
{
    struct uuid uuid;
    if (text.len != UUID_TEXT_BYTES) {
        return false;
    }
    uint64_t second = word_load(text.data + 8);
    uint64_t third = word_load(text.data + 16);
    uint64_t fourth = word_load(text.data + 24);
    uint64_t last = little_endian_get_u32(text.data + 32);
    uint64_t wrong = ((second ^ hyphens_second) & UINT64_C(0x0000ff00000000ff)) |
                     ((third ^ hyphens_third) & UINT64_C(0xff00000000ff0000));
    wrong |= digits_parse_eight(word_load(text.data), uuid.bytes);
    wrong |= digits_parse_eight((second >> 8 & UINT32_MAX) | second >> 48 << 32 | third << 48,
                                uuid.bytes + 4);
    wrong |= digits_parse_eight((third >> 24 & UINT32_MAX) | fourth << 32, uuid.bytes + 8);
    wrong |= digits_parse_eight(fourth >> 32 | last << 32, uuid.bytes + 12);
    if (wrong == 0) {
        *out_uuid = uuid;
    }
    return wrong == 0;
}
