#include "base/json_number.h"

enum {
    POWER_PLAIN_MIN = -7, /* beyond these a number has an exponent */
    POWER_PLAIN_MAX = 20
};

enum { EXPONENT_DIGITS_MAX = 18 }; /* so that sums with the length of a text fit into 64 bits */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_char(struct str *rest, char c)
{
    if (rest->len == 0 || rest->data[0] != c) {
        return false;
    }
    rest->data++;
    rest->len--;
    return true;
}

static struct str take_digits(struct str *rest)
{
    struct str digits = {.data = rest->data};
    while (digits.len < rest->len && is_digit(rest->data[digits.len])) {
        digits.len++;
    }
    rest->data += digits.len;
    rest->len -= digits.len;
    return digits;
}

/* The members of a number's text. */
struct parts {
    bool negative;
    struct str whole;
    struct str mantissa; /* `whole`, and the point and fraction if there are any */
    bool exponent_negative;
    struct str exponent; /* digits; empty: none */
};

static bool split(struct str text, struct parts *out_parts)
{
    struct parts parts = {.negative = take_char(&text, '-')};
    parts.whole = take_digits(&text);
    if (parts.whole.len == 0 || (parts.whole.len > 1 && parts.whole.data[0] == '0')) {
        return false;
    }
    if (take_char(&text, '.') && take_digits(&text).len == 0) {
        return false;
    }
    parts.mantissa = (struct str){parts.whole.data, (size_t)(text.data - parts.whole.data)};
    if (take_char(&text, 'e') || take_char(&text, 'E')) {
        parts.exponent_negative = take_char(&text, '-');
        if (!parts.exponent_negative) {
            take_char(&text, '+');
        }
        parts.exponent = take_digits(&text);
        if (parts.exponent.len == 0) {
            return false;
        }
    }
    *out_parts = parts;
    return text.len == 0;
}

static bool is_idle(char c)
{
    return c == '0' || c == '.';
}

static struct str significant(struct str mantissa)
{
    while (mantissa.len > 0 && is_idle(mantissa.data[0])) {
        mantissa.data++;
        mantissa.len--;
    }
    while (mantissa.len > 0 && is_idle(mantissa.data[mantissa.len - 1])) {
        mantissa.len--;
    }
    return mantissa;
}

/* The power of ten of the first significant digit, without the exponent. */
static int64_t power_of_first(const struct parts *parts, struct str digits)
{
    int64_t place = digits.data - parts->whole.data;
    int64_t whole = (int64_t)parts->whole.len;
    return place < whole ? whole - 1 - place : whole - place;
}

/* False when it has too many digits. */
static bool read_exponent(const struct parts *parts, int64_t *out_exponent)
{
    struct str digits = parts->exponent;
    while (digits.len > 0 && digits.data[0] == '0') {
        digits.data++;
        digits.len--;
    }
    if (digits.len > EXPONENT_DIGITS_MAX) {
        return false;
    }
    int64_t exponent = 0;
    for (size_t i = 0; i < digits.len; i++) {
        exponent = exponent * 10 + (digits.data[i] - '0');
    }
    *out_exponent = parts->exponent_negative ? -exponent : exponent;
    return true;
}

bool json_number_read(struct str text, struct json_number *out_number)
{
    struct parts parts;
    if (!split(text, &parts)) {
        return false;
    }
    struct json_number number = {.text = text, .digits = significant(parts.mantissa)};
    if (number.digits.len > 0) {
        int64_t exponent = 0;
        number.negative = parts.negative;
        number.beyond = !read_exponent(&parts, &exponent);
        number.power = power_of_first(&parts, number.digits) + exponent;
    }
    *out_number = number;
    return true;
}

static bool same_digits(struct str a, struct str b)
{
    while (a.len > 0 && b.len > 0) {
        take_char(&a, '.');
        take_char(&b, '.');
        if (a.data[0] != b.data[0]) {
            return false;
        }
        a.data++;
        a.len--;
        b.data++;
        b.len--;
    }
    return a.len == 0 && b.len == 0;
}

bool json_number_equal(const struct json_number *a, const struct json_number *b)
{
    if (a->beyond || b->beyond) {
        return str_equal(a->text, b->text);
    }
    return a->negative == b->negative && a->power == b->power && same_digits(a->digits, b->digits);
}

/* Writing ----------------------------------------------------------------------------------- */

static void append_zeros(struct buffer *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        buffer_append_char(out, '0');
    }
}

/* The digits, with a point behind the first `whole` of them if there are more. */
static void append_digits(struct buffer *out, struct str digits, int64_t whole)
{
    int64_t count = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] == '.') {
            continue;
        }
        if (count == whole && whole > 0) {
            buffer_append_char(out, '.');
        }
        buffer_append_char(out, digits.data[i]);
        count++;
    }
    append_zeros(out, whole - count);
}

void json_number_append(const struct json_number *number, struct buffer *out)
{
    if (number->beyond) {
        buffer_append_str(out, number->text);
        return;
    }
    if (number->digits.len == 0) {
        buffer_append_char(out, '0');
        return;
    }
    if (number->negative) {
        buffer_append_char(out, '-');
    }
    if (number->power >= 0 && number->power <= POWER_PLAIN_MAX) {
        append_digits(out, number->digits, number->power + 1);
    } else if (number->power < 0 && number->power >= POWER_PLAIN_MIN) {
        buffer_append_literal(out, "0.");
        append_zeros(out, -number->power - 1);
        append_digits(out, number->digits, 0);
    } else {
        append_digits(out, number->digits, 1);
        buffer_append_char(out, 'e');
        buffer_append_i64(out, number->power);
    }
}
