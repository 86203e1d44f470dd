#include "base/utf8.h"

#include "base/word.h"

struct sequence {
    unsigned len;            /* bytes in all */
    uint32_t first_bits;     /* what the first byte carries */
    uint32_t code_point_min; /* a smaller value would be an overlong form */
};

static bool sequence_of(unsigned char first, struct sequence *out_sequence)
{
    if (first < 0x80) {
        *out_sequence = (struct sequence){1, first, 0};
    } else if (first >= 0xc2 && first < 0xe0) {
        *out_sequence = (struct sequence){2, first & 0x1f, 0x80};
    } else if (first >= 0xe0 && first < 0xf0) {
        *out_sequence = (struct sequence){3, first & 0x0f, 0x800};
    } else if (first >= 0xf0 && first < 0xf5) {
        *out_sequence = (struct sequence){4, first & 0x07, 0x10000};
    } else {
        return false;
    }
    return true;
}

bool utf8_next(struct str *rest, uint32_t *out_code_point)
{
    struct sequence sequence;
    const unsigned char *bytes = (const unsigned char *)rest->data;
    if (!sequence_of(bytes[0], &sequence) || sequence.len > rest->len) {
        return false;
    }
    uint32_t code_point = sequence.first_bits;
    for (unsigned i = 1; i < sequence.len; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return false;
        }
        code_point = code_point << 6 | (bytes[i] & 0x3f);
    }
    bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
    if (code_point < sequence.code_point_min || code_point > 0x10ffff || surrogate) {
        return false;
    }
    rest->data += sequence.len;
    rest->len -= sequence.len;
    *out_code_point = code_point;
    return true;
}

bool utf8_count(struct str s, size_t *out_code_points)
{
    size_t count = 0;
    uint32_t code_point;
    for (; s.len > 0; count++) {
        if (!utf8_next(&s, &code_point)) {
            return false;
        }
    }
    *out_code_points = count;
    return true;
}

bool utf8_is_plain_ascii(struct str s)
{
    size_t at = 0;
    for (; s.len - at >= WORD_BYTES; at += WORD_BYTES) {
        uint64_t word = word_load(s.data + at);
        if ((word_holds_below(word, 0x20) | word_holds(word, 0x7f) | (word & word_of_each(0x80))) !=
            0) {
            return false;
        }
    }
    while (at < s.len && s.data[at] >= 0x20 && s.data[at] < 0x7f) {
        at++;
    }
    return at == s.len;
}

void utf8_trim(char *text)
{
    struct str rest = str_from(text);
    uint32_t code_point;
    while (rest.len > 0 && utf8_next(&rest, &code_point)) {
    }
    text[rest.data - text] = '\0';
}

bool utf8_is_control(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}
