#include "infrastructure/activity_store_mongodb/metadata_number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A text of up to 15 digits is the shortest of its double, since no two of them share one; 17 tell
 * all doubles apart. */
enum {
    DIGITS_ALWAYS_KEPT = 15,
    DIGITS_OF_DOUBLE = 17,
    DIGITS_READ_MAX = 40, /* more of them never choose another double in practice; see `exact` */
    EXACT_POWER_MAX = 22, /* 10^22 is the largest power of ten that a double holds exactly */
    NORMAL_POWER_MAX = 290,
    PLAIN_POWER_MAX = 21, /* of ECMAScript: from 1e21 on and below 1e-6 with an exponent */
    PLAIN_POWER_MIN = -6,
    TEXT_BYTES = 64
};

/* Significant digits without their point, and the power of ten of the first. */
struct decimal {
    bool negative;
    char digits[DIGITS_READ_MAX];
    size_t count;
    bool cut; /* there are more digits */
    int64_t power;
};

static struct decimal decimal_of(const struct json_number *number)
{
    struct decimal decimal = {.negative = number->negative, .power = number->power};
    for (size_t i = 0; i < number->digits.len && !decimal.cut; i++) {
        char c = number->digits.data[i];
        if (c == '.') {
            continue;
        }
        decimal.cut = decimal.count == DIGITS_READ_MAX;
        if (!decimal.cut) {
            decimal.digits[decimal.count++] = c;
        }
    }
    return decimal;
}

/* Writing ----------------------------------------------------------------------------------- */

static void append_zeros(struct buffer *out, int64_t count)
{
    for (; count > 0; count--) {
        buffer_append_char(out, '0');
    }
}

static void append_plain(const struct decimal *decimal, struct buffer *out)
{
    int64_t whole = decimal->power + 1; /* digits before the point */
    int64_t count = (int64_t)decimal->count;
    if (whole <= 0) {
        buffer_append_literal(out, "0.");
        append_zeros(out, -whole);
        buffer_append(out, decimal->digits, decimal->count);
    } else if (whole >= count) {
        buffer_append(out, decimal->digits, decimal->count);
        append_zeros(out, whole - count);
    } else {
        buffer_append(out, decimal->digits, (size_t)whole);
        buffer_append_char(out, '.');
        buffer_append(out, decimal->digits + whole, decimal->count - (size_t)whole);
    }
}

static void append_decimal(const struct decimal *decimal, struct buffer *out)
{
    if (decimal->negative) {
        buffer_append_char(out, '-');
    }
    if (decimal->count == 0) {
        buffer_append_char(out, '0');
    } else if (decimal->power < PLAIN_POWER_MAX && decimal->power > PLAIN_POWER_MIN - 1) {
        append_plain(decimal, out);
    } else {
        buffer_append(out, decimal->digits, 1);
        if (decimal->count > 1) {
            buffer_append_char(out, '.');
            buffer_append(out, decimal->digits + 1, decimal->count - 1);
        }
        buffer_append_str(out, decimal->power < 0 ? STR("e") : STR("e+"));
        buffer_append_i64(out, decimal->power);
    }
}

/* The fewest digits that are read as this double again. */
static struct decimal shortest(double value)
{
    char text[TEXT_BYTES];
    struct json_number number = {0};
    /* The smallest doubles have fewer bits, and so shorter texts. */
    int first = fabs(value) < DBL_MIN ? 1 : DIGITS_ALWAYS_KEPT;
    for (int digits = first; digits <= DIGITS_OF_DOUBLE; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    (void)json_number_read(str_from(text), &number);
    return decimal_of(&number);
}

void metadata_number_write_double(double value, struct buffer *out_text)
{
    struct decimal decimal = shortest(value);
    append_decimal(&decimal, out_text);
}

/* Reading ----------------------------------------------------------------------------------- */

/* A whole number in 64 bits, written as its digits only. */
static bool read_integer(struct str text, int64_t *out_integer)
{
    unsigned long long magnitude;
    bool negative = text.len > 0 && text.data[0] == '-';
    struct str digits = {text.data + negative, text.len - negative};
    if (digits.len == 0 || digits.data[0] < '0' || digits.data[0] > '9' ||
        (digits.data[0] == '0' && (digits.len > 1 || negative)) ||
        !str_parse_u64(digits, (unsigned long long)INT64_MAX + negative, &magnitude)) {
        return false;
    }
    *out_integer = negative ? (int64_t)(0 - (uint64_t)magnitude) : (int64_t)magnitude;
    return true;
}

/* Few digits are a whole number times or by a power of ten, both of which a double holds exactly,
 * so one operation rounds once (Clinger, PLDI 1990). */
static double value_of(const struct decimal *decimal)
{
    static const double powers[EXACT_POWER_MAX + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t power = decimal->power - (int64_t)decimal->count + 1; /* of the last digit */
    if (decimal->count <= DIGITS_ALWAYS_KEPT && power >= -EXACT_POWER_MAX &&
        power <= EXACT_POWER_MAX) {
        double whole = 0;
        for (size_t i = 0; i < decimal->count; i++) {
            whole = whole * 10 + (decimal->digits[i] - '0');
        }
        whole = power < 0 ? whole / powers[-power] : whole * powers[power];
        return decimal->negative ? -whole : whole;
    }
    char text[TEXT_BYTES];
    snprintf(text, sizeof text, "%s%.*se%lld", decimal->negative ? "-" : "", (int)decimal->count,
             decimal->digits, (long long)power);
    return strtod(text, NULL);
}

static bool is_written_as(const struct decimal *decimal, struct str text)
{
    char space[TEXT_BYTES];
    struct buffer written = {.data = space, .capacity = sizeof space, .bytes_max = sizeof space};
    append_decimal(decimal, &written);
    return written.failed == STATUS_OK && str_equal(buffer_str(&written), text);
}

static bool is_exact(const struct decimal *decimal, double value, struct str text)
{
    if (decimal->cut || decimal->count > DIGITS_OF_DOUBLE || decimal->count == 0) {
        return false;
    }
    bool is_shortest = decimal->count <= DIGITS_ALWAYS_KEPT && decimal->power < NORMAL_POWER_MAX &&
                       decimal->power > -NORMAL_POWER_MAX;
    if (is_shortest) {
        return is_written_as(decimal, text);
    }
    struct decimal written = shortest(value);
    return is_written_as(&written, text);
}

bool metadata_number_read(struct str text, struct metadata_number *out_number)
{
    struct json_number number;
    int64_t integer;
    if (read_integer(text, &integer)) {
        *out_number =
            (struct metadata_number){.kind = METADATA_INTEGER, .integer = integer, .exact = true};
        return true;
    }
    if (!json_number_read(text, &number)) {
        return false;
    }
    struct decimal decimal = decimal_of(&number);
    double value = number.beyond ? HUGE_VAL : value_of(&decimal);
    *out_number = (struct metadata_number){.kind = METADATA_NO_NUMBER};
    if (isfinite(value)) {
        out_number->kind = METADATA_DOUBLE;
        out_number->real = value;
        out_number->exact = is_exact(&decimal, value, text);
    }
    return true;
}

bool metadata_number_compares_exactly(const struct json_number *number)
{
    int64_t integer;
    struct decimal decimal = decimal_of(number);
    return read_integer(number->text, &integer) ||
           (!number->beyond && !decimal.cut && decimal.count <= DIGITS_ALWAYS_KEPT &&
            decimal.power < DIGITS_ALWAYS_KEPT && decimal.power > -NORMAL_POWER_MAX);
}
