#include "base/base64url.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(const void *data, size_t len, struct buffer *out_text)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i += 3) {
        size_t group = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        bits |= group > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= group > 2 ? (uint32_t)bytes[i + 2] : 0;
        for (size_t digit = 0; digit <= group; digit++) {
            buffer_append_char(out_text, alphabet[bits >> (18 - 6 * digit) & 0x3f]);
        }
    }
}

static bool digit_value(char c, uint32_t *out_value)
{
    const char *found = c == '\0' ? NULL : strchr(alphabet, c);
    if (found == NULL) {
        return false;
    }
    *out_value = (uint32_t)(found - alphabet);
    return true;
}

bool base64url_decode(struct str text, void *out_data, size_t capacity, size_t *out_len)
{
    unsigned char *bytes = out_data;
    size_t len = text.len * 3 / 4;
    if (text.len % 4 == 1 || len > capacity) {
        return false;
    }
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t written = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t value;
        if (!digit_value(text.data[i], &value)) {
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
