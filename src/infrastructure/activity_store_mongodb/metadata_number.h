#pragma once
/*
 * JSON numbers as BSON has them and back to the byte. A number is exact when writing what BSON
 * holds gives its text again: a whole number in 64 bits by its digits, any other as a double whose
 * shortest text is this one. Doubles are written as ECMAScript does (ECMA-262, Number::toString),
 * which is how most clients write them: 0.1, 1e+21, 1.5e-7, never 1.0 or 1e3. Any thread.
 */
#include "base/buffer.h"
#include "base/json_number.h"

#include <stdbool.h>
#include <stdint.h>

enum metadata_number_kind { METADATA_INTEGER, METADATA_DOUBLE, METADATA_NO_NUMBER };

struct metadata_number {
    enum metadata_number_kind kind; /* METADATA_NO_NUMBER: too large for a double */
    int64_t integer;
    double real;
    bool exact; /* writing it gives the text again */
};

/* False when the text is no JSON number. */
bool metadata_number_read(struct str text, struct metadata_number *out_number);

/* Whether the server finds equal what is equal by value, however either is written: true for whole
 * numbers in 64 bits, and for at most 15 digits that end below 1e15. */
bool metadata_number_compares_exactly(const struct json_number *number);

/* The shortest text that is this double, which is finite. */
void metadata_number_write_double(double value, struct buffer *out_text);
