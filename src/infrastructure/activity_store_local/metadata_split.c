#include "infrastructure/activity_store_local/metadata_split.h"

#include "base/digits.h"
#include "base/word.h"

#include <string.h>

enum {
    NUMBER_DIGITS_MAX = 9,
    NUMBER_MAX = 999999999,
    NUMBER_BYTES_MAX = 5,
    RUN_MAX = 2 * SPLIT_HEX_MAX
};

enum {
    DIGIT = 1,
    HEX_LETTER = 2,
    WORD = 4,
    HEX = DIGIT | HEX_LETTER,
    CONTROLS_BELOW = 32,
    DECIMAL_DIGITS = 10
};

/* What a byte can be part of; for the table's sake in one letter. */
enum { D = DIGIT, H = HEX_LETTER | WORD, W = WORD };

/* clang-format off */
static const uint8_t classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
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
    const char *begin;
    const char *at;
    const char *end;
    char *text;
    uint8_t *digits;
    uint8_t *numbers;
};

static bool is_hex(char c)
{
    return (class_of(c) & HEX) != 0;
}

static unsigned digit_value(char c)
{
    return ((unsigned)c & 0x0f) + ((unsigned)c >> 6) * 9;
}

/* Takes the run of hexadecimal digits that begins here, but for an odd last one, if it is worth it:
 * what is taken has letters and decimal digits, or what is left of its word would be looked at
 * together with it again. */
static bool take_hex(struct splitting *splitting)
{
    const char *end = splitting->at;
    unsigned seen = 0;
    while (splitting->end - end >= 2 && end - splitting->at < RUN_MAX && is_hex(end[0]) &&
           is_hex(end[1])) {
        seen |= class_of(end[0]) | class_of(end[1]);
        end += 2;
    }
    size_t pairs = (size_t)(end - splitting->at) / 2;
    if (pairs < SPLIT_HEX_MIN || (seen & HEX) != HEX) {
        return false;
    }
    *splitting->text++ = (char)pairs;
    for (size_t i = 0; i < pairs; i++, splitting->at += 2) {
        *splitting->digits++ =
            (uint8_t)(digit_value(splitting->at[0]) << 4 | digit_value(splitting->at[1]));
    }
    return true;
}

static bool take_number(struct splitting *splitting)
{
    const char *at = splitting->at;
    const char *end = at;
    uint32_t value = 0;
    while (end < splitting->end && end - at < NUMBER_DIGITS_MAX && (class_of(*end) & DIGIT) != 0) {
        value = value * 10 + ((unsigned)*end++ & 0x0f);
    }
    if (end == at || (*at == '0' && end - at > 1)) {
        return false;
    }
    *splitting->text++ = SPLIT_NUMBER;
    splitting->numbers += varint_put(splitting->numbers, value);
    splitting->at = end;
    return true;
}

static bool has_controls(struct str plain)
{
    size_t at = 0;
    uint64_t marks = 0;
    for (; at + WORD_BYTES <= plain.len; at += WORD_BYTES) {
        marks |= word_holds_below(word_load(plain.data + at), CONTROLS_BELOW);
    }
    for (; at < plain.len; at++) {
        marks |= (unsigned char)plain.data[at] < CONTROLS_BELOW;
    }
    return marks != 0;
}

/* Most bytes are no digits, and are copied eight at a time. */
static void copy_up_to_digit(struct splitting *splitting)
{
    while (splitting->end - splitting->at >= WORD_BYTES) {
        uint64_t marks =
            word_holds_below(word_load(splitting->at) ^ word_of_each('0'), DECIMAL_DIGITS);
        size_t len = marks == 0 ? WORD_BYTES : word_first(marks);
        memcpy(splitting->text, splitting->at, WORD_BYTES);
        splitting->text += len;
        splitting->at += len;
        if (marks != 0) {
            return;
        }
    }
    while (splitting->at < splitting->end && (class_of(*splitting->at) & DIGIT) == 0) {
        *splitting->text++ = *splitting->at++;
    }
}

/* How many letters of hexadecimal digits stand before the first digit of its word; SIZE_MAX: the
 * word begins with something else. */
static size_t letters_before(const struct splitting *splitting)
{
    const char *at = splitting->at;
    while (at > splitting->begin && (class_of(at[-1]) & HEX_LETTER) != 0) {
        at--;
    }
    bool begins = at == splitting->begin || class_of(at[-1]) == 0;
    return begins ? (size_t)(splitting->at - at) : SIZE_MAX;
}

static bool take_word(struct splitting *splitting)
{
    size_t letters = letters_before(splitting);
    if (letters == SIZE_MAX) {
        return false;
    }
    splitting->at -= letters; /* they were copied as they are */
    splitting->text -= letters;
    if (take_hex(splitting)) {
        return true;
    }
    splitting->at += letters;
    splitting->text += letters;
    return letters == 0 && take_number(splitting);
}

static void split(struct splitting *splitting)
{
    for (;;) {
        copy_up_to_digit(splitting);
        if (splitting->at == splitting->end) {
            return;
        }
        bool taken = take_word(splitting);
        while (!taken && splitting->at < splitting->end && class_of(*splitting->at) != 0) {
            *splitting->text++ = *splitting->at++;
        }
    }
}

bool metadata_split(struct str plain, struct arena *arena, struct metadata_split *out_split)
{
    *out_split = (struct metadata_split){0};
    if (has_controls(plain)) {
        out_split->text = plain;
        return false;
    }
    /* A number takes at most as many bytes as it has digits and leaves one in the text, behind
     * which a whole word of bytes is written now and then. */
    char *text = arena_allocate(arena, 2 * plain.len + WORD_BYTES);
    uint8_t *numbers = arena_allocate(arena, plain.len + 1);
    uint8_t *digits = arena_allocate(arena, plain.len / 2 + 1);
    if (text == NULL || numbers == NULL || digits == NULL) {
        return false;
    }
    struct splitting splitting = {.begin = plain.data,
                                  .at = plain.data,
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
    uint64_t value = reading_below(&joining->numbers, NUMBER_MAX);
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
    digits_write_bytes(bytes, pairs, joining->into);
    joining->into += 2 * pairs;
    return true;
}

/* Copies text up to the next byte that stands for something. */
static const char *put_text(struct joining *joining, const char *at, const char *end)
{
    while (end - at >= WORD_BYTES && joining->end - joining->into >= WORD_BYTES &&
           word_holds_below(word_load(at), CONTROLS_BELOW) == 0) {
        memcpy(joining->into, at, WORD_BYTES);
        joining->into += WORD_BYTES;
        at += WORD_BYTES;
    }
    while (at < end && (unsigned char)*at >= CONTROLS_BELOW && joining->into < joining->end) {
        *joining->into++ = *at++;
    }
    return at;
}

static bool put_special(struct joining *joining, unsigned char byte)
{
    if (byte == SPLIT_NUMBER) {
        return put_number(joining);
    }
    return byte >= SPLIT_HEX_MIN && byte <= SPLIT_HEX_MAX && put_hex(joining, byte);
}

bool metadata_piece_join(const struct metadata_piece *piece, char *into, size_t len)
{
    struct joining joining = {
        .numbers = reading_of((const uint8_t *)piece->numbers.data, piece->numbers.len),
        .digits = reading_of((const uint8_t *)piece->digits.data, piece->digits.len),
        .into = into,
        .end = into + len};
    const char *at = piece->text.data;
    const char *end = at + piece->text.len;
    bool fine = true;
    while (fine && at < end) {
        at = put_text(&joining, at, end);
        fine = at == end || put_special(&joining, (unsigned char)*at++);
    }
    return fine && joining.into == joining.end && reading_is_complete(&joining.numbers) &&
           reading_is_complete(&joining.digits);
}

bool metadata_join(const struct metadata_split *split, char *into, size_t len)
{
    if (split->numbers_at > split->text.len) {
        return false;
    }
    const struct metadata_piece all = {
        .text = {split->text.data, split->numbers_at},
        .numbers = {split->text.data + split->numbers_at, split->text.len - split->numbers_at},
        .digits = split->digits};
    return metadata_piece_join(&all, into, len);
}

/* Cutting ----------------------------------------------------------------------------------- */

void metadata_cutting_begin(struct metadata_cutting *cutting, const struct metadata_split *split)
{
    const char *numbers = split->text.data + split->numbers_at;
    *cutting = (struct metadata_cutting){
        .text = split->text.data,
        .text_end = numbers,
        .numbers = reading_of((const uint8_t *)numbers, split->text.len - split->numbers_at),
        .digits = reading_of((const uint8_t *)split->digits.data, split->digits.len)};
}

static size_t decimal_digits(uint64_t value)
{
    size_t len = 1;
    for (; value >= DECIMAL_DIGITS; value /= DECIMAL_DIGITS) {
        len++;
    }
    return len;
}

/* How many bytes of plain text the special byte stands for; 0: it is none. */
static size_t skip_special(struct metadata_cutting *cutting, unsigned char byte)
{
    if (byte == SPLIT_NUMBER) {
        uint64_t value = reading_below(&cutting->numbers, NUMBER_MAX);
        return cutting->numbers.failed ? 0 : decimal_digits(value);
    }
    bool is_run = byte >= SPLIT_HEX_MIN && byte <= SPLIT_HEX_MAX;
    return is_run && reading_take(&cutting->digits, byte) != NULL ? 2 * (size_t)byte : 0;
}

/* How many bytes from here on, at most `most`, are text that stands for itself. */
static size_t text_length(const char *at, size_t most)
{
    size_t len = 0;
    for (; most - len >= WORD_BYTES; len += WORD_BYTES) {
        uint64_t marks = word_holds_below(word_load(at + len), CONTROLS_BELOW);
        if (marks != 0) {
            return len + word_first(marks);
        }
    }
    while (len < most && (unsigned char)at[len] >= CONTROLS_BELOW) {
        len++;
    }
    return len;
}

static struct str between(const void *from, const void *to)
{
    return (struct str){from, (size_t)((const char *)to - (const char *)from)};
}

bool metadata_cutting_next(struct metadata_cutting *cutting, size_t len,
                           struct metadata_piece *out_piece)
{
    const struct metadata_cutting begin = *cutting;
    while (len > 0) {
        size_t left = (size_t)(cutting->text_end - cutting->text);
        size_t text = text_length(cutting->text, left < len ? left : len);
        cutting->text += text;
        len -= text;
        if (len > 0) {
            bool any = cutting->text < cutting->text_end;
            size_t special = any ? skip_special(cutting, (unsigned char)*cutting->text++) : 0;
            if (special == 0 || special > len) {
                return false;
            }
            len -= special;
        }
    }
    *out_piece = (struct metadata_piece){.text = between(begin.text, cutting->text),
                                         .numbers = between(begin.numbers.at, cutting->numbers.at),
                                         .digits = between(begin.digits.at, cutting->digits.at)};
    return true;
}

bool metadata_cutting_is_complete(const struct metadata_cutting *cutting)
{
    return cutting->text == cutting->text_end && reading_is_complete(&cutting->numbers) &&
           reading_is_complete(&cutting->digits);
}
