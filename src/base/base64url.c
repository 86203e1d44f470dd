#include "base/base64url.h"

#include <stdint.h>

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char url_alphabet[] = LETTERS_AND_DIGITS "-_";
static const char standard_alphabet[] = LETTERS_AND_DIGITS "+/";

/* Three bytes become four digits. */
static void encode_group(const char *alphabet, const unsigned char bytes[3], char out_digits[4])
{
    uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
    out_digits[0] = alphabet[bits >> 18];
    out_digits[1] = alphabet[bits >> 12 & 0x3f];
    out_digits[2] = alphabet[bits >> 6 & 0x3f];
    out_digits[3] = alphabet[bits & 0x3f];
}

/* Without padding. */
static void encode(const char *alphabet, const void *data, size_t len, struct buffer *out_text)
{
    const unsigned char *bytes = data;
    char digits[4];
    for (; len >= 3; bytes += 3, len -= 3) {
        encode_group(alphabet, bytes, digits);
        buffer_append(out_text, digits, sizeof digits);
    }
    if (len > 0) {
        const unsigned char rest[3] = {bytes[0], len > 1 ? bytes[1] : 0, 0};
        encode_group(alphabet, rest, digits);
        buffer_append(out_text, digits, len + 1);
    }
}

void base64url_encode(const void *data, size_t len, struct buffer *out_text)
{
    if (buffer_reserve(out_text, BASE64URL_LENGTH(len)) == STATUS_OK) { /* else it says so itself */
        encode(url_alphabet, data, len, out_text);
    }
}

void base64_encode(const void *data, size_t len, struct buffer *out_text)
{
    if (buffer_reserve(out_text, BASE64_LENGTH(len)) == STATUS_OK) {
        encode(standard_alphabet, data, len, out_text);
        buffer_append(out_text, "==", (3 - len % 3) % 3);
    }
}

static bool digit_value(const char *alphabet, char c, uint32_t *out_value)
{
    const char *found = c == '\0' ? NULL : strchr(alphabet, c);
    if (found == NULL) {
        return false;
    }
    *out_value = (uint32_t)(found - alphabet);
    return true;
}

/* Writes the bytes of `text`, for which there is room. */
static bool decode(const char *alphabet, struct str text, void *out_data, size_t *out_len)
{
    unsigned char *bytes = out_data;
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t written = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t value;
        if (!digit_value(alphabet, text.data[i], &value)) {
            return false;
        }
        bits = bits << 6 | value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[written++] = (unsigned char)(bits >> bit_count);
            bits &= (1u << bit_count) - 1;
        }
    }
    if (bits != 0) {
        return false;
    }
    *out_len = written;
    return true;
}

bool base64url_decode(struct str text, void *out_data, size_t capacity, size_t *out_len)
{
    return text.len % 4 != 1 && text.len * 3 / 4 <= capacity &&
           decode(url_alphabet, text, out_data, out_len);
}

bool base64_decode(struct str text, void *out_data, size_t capacity, size_t *out_len)
{
    if (text.len % 4 != 0) {
        return false;
    }
    for (int i = 0; i < 2 && text.len > 0 && text.data[text.len - 1] == '='; i++) {
        text.len--;
    }
    return text.len % 4 != 1 && text.len * 3 / 4 <= capacity &&
           decode(standard_alphabet, text, out_data, out_len);
}
