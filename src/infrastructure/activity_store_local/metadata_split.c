#include "infrastructure/activity_store_local/metadata_split.h"

#include "infrastructure/activity_store_local/reading.h"

#include <string.h>

enum { NUMBER_DIGITS_MAX = 9, NUMBER_BYTES_MAX = 5, RUN_MAX = 2 * SPLIT_HEX_MAX };

enum { DIGIT = 1, HEX_LETTER = 2, WORD = 4, CONTROL = 8, HEX = DIGIT | HEX_LETTER };

/* What a byte can be part of; for the table's sake in one letter. */
enum { C = CONTROL, D = DIGIT, H = HEX_LETTER | WORD, W = WORD };

/* clang-format off */
static const uint8_t classes[256] = {
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    D, D, D, D, D, D, D, D, D, D, 0, 0, 0, 0, 0, 0,
    0, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, 0, 0, 0, 0, W,
    0, H, H, H, H, H, H, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, 0, 0, 0, 0, 0,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
    W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W,
};
/* clang-format on */

static unsigned class_of(char c)
{
    return classes[(unsigned char)c];
}

/* Where splitting stands; the outputs have room for the worst case. */
struct splitting {
    const char *at;
    const char *end;
    char *text;
    uint8_t *digits;
    uint8_t *numbers;
};

static unsigned digit_value(char c)
{
    return ((unsigned)c & 0x0f) + ((unsigned)c >> 6) * 9;
}

/* Takes the run of hexadecimal digits that begins here, if it is worth it. */
static bool take_hex(struct splitting *splitting)
{
    const char *end = splitting->at;
    unsigned seen = 0;
    while (end < splitting->end && end - splitting->at < RUN_MAX && (class_of(*end) & HEX) != 0) {
        seen |= class_of(*end++);
    }
    size_t pairs = (size_t)(end - splitting->at) / 2;
    if (pairs < SPLIT_HEX_MIN || (seen & HEX_LETTER) == 0) {
        return false;
    }
    *splitting->text++ = (char)pairs;
    for (size_t i = 0; i < pairs; i++, splitting->at += 2) {
        *splitting->digits++ =
            (uint8_t)(digit_value(splitting->at[0]) << 4 | digit_value(splitting->at[1]));
    }
    return true;
}

static bool take_number(struct splitting *splitting, bool behind_word)
{
    const char *at = splitting->at;
    const char *end = at;
    uint32_t value = 0;
    while (end < splitting->end && end - at < NUMBER_DIGITS_MAX && (class_of(*end) & DIGIT) != 0) {
        value = value * 10 + ((unsigned)*end++ & 0x0f);
    }
    if (end == at || behind_word || (*at == '0' && end - at > 1)) {
        return false;
    }
    *splitting->text++ = SPLIT_NUMBER;
    for (; value >= 0x80; value >>= 7) {
        *splitting->numbers++ = (uint8_t)(value | 0x80);
    }
    *splitting->numbers++ = (uint8_t)value;
    splitting->at = end;
    return true;
}

static bool has_controls(struct str plain)
{
    unsigned seen = 0;
    for (size_t i = 0; i < plain.len; i++) {
        seen |= class_of(plain.data[i]);
    }
    return (seen & CONTROL) != 0;
}

static void split(struct splitting *splitting)
{
    unsigned before = 0;
    while (splitting->at < splitting->end) {
        unsigned class = class_of(*splitting->at);
        if ((class & HEX) == 0) {
            *splitting->text++ = *splitting->at++;
        } else if (take_hex(splitting) || take_number(splitting, (before & WORD) != 0)) {
            class = DIGIT;
        } else { /* one digit or letter decides for the whole of its word */
            do {
                *splitting->text++ = *splitting->at++;
            } while (splitting->at < splitting->end && (class_of(*splitting->at) & HEX) != 0);
            class = WORD;
        }
        before = class;
    }
}

bool metadata_split(struct str plain, struct arena *arena, struct metadata_split *out_split)
{
    *out_split = (struct metadata_split){0};
    if (has_controls(plain)) {
        out_split->text = plain;
        return false;
    }
    /* A number has at least one digit and takes at most one byte more than it has digits; it leaves
     * a byte in the text. */
    char *text = arena_allocate(arena, 2 * plain.len + 1);
    uint8_t *numbers = arena_allocate(arena, plain.len + 1);
    uint8_t *digits = arena_allocate(arena, plain.len / 2 + 1);
    if (text == NULL || numbers == NULL || digits == NULL) {
        return false;
    }
    struct splitting splitting = {.at = plain.data,
                                  .end = plain.data + plain.len,
                                  .text = text,
                                  .digits = digits,
                                  .numbers = numbers};
    split(&splitting);
    size_t text_len = (size_t)(splitting.text - text);
    size_t number_bytes = (size_t)(splitting.numbers - numbers);
    memcpy(splitting.text, numbers, number_bytes);
    *out_split = (struct metadata_split){
        .text = {text, text_len + number_bytes},
        .numbers_at = text_len,
        .digits = {(const char *)digits, (size_t)(splitting.digits - digits)}};
    return true;
}

/* Joining ----------------------------------------------------------------------------------- */

struct joining {
    struct reading numbers;
    struct reading digits;
    char *into;
    char *end;
};

static bool put_number(struct joining *joining)
{
    char digits[10];
    size_t len = 0;
    uint64_t value = reading_below(&joining->numbers, 999999999);
    do {
        digits[len++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    if (joining->numbers.failed || (size_t)(joining->end - joining->into) < len) {
        return false;
    }
    while (len > 0) {
        *joining->into++ = digits[--len];
    }
    return true;
}

static bool put_hex(struct joining *joining, size_t pairs)
{
    const uint8_t *bytes = reading_take(&joining->digits, pairs);
    if (bytes == NULL || (size_t)(joining->end - joining->into) < 2 * pairs) {
        return false;
    }
    for (size_t i = 0; i < pairs; i++) {
        *joining->into++ = "0123456789abcdef"[bytes[i] >> 4];
        *joining->into++ = "0123456789abcdef"[bytes[i] & 0x0f];
    }
    return true;
}

static bool put_byte(struct joining *joining, unsigned char byte)
{
    if (byte == SPLIT_NUMBER) {
        return put_number(joining);
    }
    if (byte < 32) {
        return byte >= SPLIT_HEX_MIN && put_hex(joining, byte);
    }
    if (joining->into == joining->end) {
        return false;
    }
    *joining->into++ = (char)byte;
    return true;
}

bool metadata_join(const struct metadata_split *split, char *into, size_t len)
{
    if (split->numbers_at > split->text.len) {
        return false;
    }
    struct joining joining = {
        .numbers = reading_of((const uint8_t *)split->text.data + split->numbers_at,
                              split->text.len - split->numbers_at),
        .digits = reading_of((const uint8_t *)split->digits.data, split->digits.len),
        .into = into,
        .end = into + len};
    bool fine = true;
    for (size_t i = 0; fine && i < split->numbers_at; i++) {
        fine = put_byte(&joining, (unsigned char)split->text.data[i]);
    }
    return fine && joining.into == joining.end && reading_is_complete(&joining.numbers) &&
           reading_is_complete(&joining.digits);
}
