#include "base/uuid.h"

#include "base/word.h"

#include <endian.h>

/* The text has hyphens behind its digits 8, 12, 16 and 20. */
enum { DIGITS = 2 * UUID_BYTES, DIGITS_AT_ONCE = 8 };

struct uuid uuid_make_random(const struct random *random)
{
    struct uuid uuid;
    random_fill(random, uuid.bytes, sizeof uuid.bytes);
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

/* Eight digits at a time, each in a byte of a word, without a branch: the digits of an id are
 * random and branches on them are guessed wrong. */
static void format_digits(const uint8_t bytes[DIGITS_AT_ONCE / 2], char out_digits[DIGITS_AT_ONCE])
{
    uint32_t packed;
    memcpy(&packed, bytes, sizeof packed);
    uint64_t word = be32toh(packed);
    word = (word | word << 16) & UINT64_C(0x0000ffff0000ffff);
    word = (word | word << 8) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word | word << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = (word + word_of_each(6)) >> 4 & word_of_each(1);
    word += word_of_each('0') + letters * ('a' - '0' - 10);
    word = htobe64(word);
    memcpy(out_digits, &word, sizeof word);
}

/* The other way; anything that is no digit makes something else than its value. */
static void parse_digits(const char digits[DIGITS_AT_ONCE], uint8_t out_bytes[DIGITS_AT_ONCE / 2])
{
    uint64_t word = be64toh(htole64(word_load(digits)));
    word = (word & word_of_each(0x0f)) + (word >> 6 & word_of_each(1)) * 9;
    word = (word | word >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word | word >> 8) & UINT64_C(0x0000ffff0000ffff);
    uint32_t packed = htobe32((uint32_t)(word | word >> 16));
    memcpy(out_bytes, &packed, sizeof packed);
}

void uuid_format(struct uuid uuid, char out_text[UUID_TEXT_BYTES])
{
    char digits[DIGITS];
    for (size_t i = 0; i < DIGITS; i += DIGITS_AT_ONCE) {
        format_digits(uuid.bytes + i / 2, digits + i);
    }
    memcpy(out_text, digits, 8);
    out_text[8] = '-';
    memcpy(out_text + 9, digits + 8, 4);
    out_text[13] = '-';
    memcpy(out_text + 14, digits + 12, 4);
    out_text[18] = '-';
    memcpy(out_text + 19, digits + 16, 4);
    out_text[23] = '-';
    memcpy(out_text + 24, digits + 20, 12);
}

/* What was read is written again, so that only the one text of an UUID is taken for it. */
bool uuid_parse(struct str text, struct uuid *out_uuid)
{
    char digits[DIGITS];
    char again[UUID_TEXT_BYTES];
    struct uuid uuid;
    if (text.len != UUID_TEXT_BYTES) {
        return false;
    }
    memcpy(digits, text.data, 8);
    memcpy(digits + 8, text.data + 9, 4);
    memcpy(digits + 12, text.data + 14, 4);
    memcpy(digits + 16, text.data + 19, 4);
    memcpy(digits + 20, text.data + 24, 12);
    for (size_t i = 0; i < DIGITS; i += DIGITS_AT_ONCE) {
        parse_digits(digits + i, uuid.bytes + i / 2);
    }
    uuid_format(uuid, again);
    if (memcmp(again, text.data, UUID_TEXT_BYTES) != 0) {
        return false;
    }
    *out_uuid = uuid;
    return true;
}
