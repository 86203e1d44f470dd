#pragma once
/*
 * JSON numbers (RFC 8259) that are compared by value and exactly, from their text: no digit is
 * lost, however many there are, and an exponent costs nothing however large it is. Any thread.
 */
#include "base/buffer.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* A number as its text shows it, which stays the caller's. */
struct json_number {
    struct str text;
    bool negative;     /* never for zero */
    bool beyond;       /* its exponent has more digits than are reckoned with */
    struct str digits; /* from the first that is not 0 to the last that is not, perhaps with a
                          point among them; empty for zero */
    int64_t power;     /* of ten, of the first of the digits */
};

/* False when `text` is not one JSON number from its first to its last byte. */
bool json_number_read(struct str text, struct json_number *out_number);

/* Whether both denote the same value: 1, 1.0 and 10e-1 do, as do 0 and -0. A number other than zero
 * whose exponent has more than 18 digits, leading zeros aside, equals its own text only. */
bool json_number_equal(const struct json_number *a, const struct json_number *b);

/* Appends a JSON number that is the same for all of its value: without an exponent where that needs
 * few zeros, else with one digit before the point. The same holds for one beyond as for equality.
 */
void json_number_append(const struct json_number *number, struct buffer *out);
