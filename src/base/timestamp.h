#pragma once
/*
 * Points in time as people and JSON write them: RFC 3339 in, ISO 8601 UTC with milliseconds out.
 * A timestamp is milliseconds since 1970-01-01T00:00:00Z in the proleptic Gregorian calendar.
 * Any thread.
 */
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define TIMESTAMP_MS_MIN INT64_C(0)               /* 1970-01-01T00:00:00.000Z */
#define TIMESTAMP_MS_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR   (60 * MS_PER_MINUTE)
#define MS_PER_DAY    (24 * MS_PER_HOUR)

enum { TIMESTAMP_TEXT_BYTES = 24 }; /* "2026-01-14T23:58:05.442Z", without a terminator */

/* Reads a date-time with an offset ("Z" or "+05:30"); digits beyond milliseconds are cut; a leap
 * second counts as the next second. False when the text is no such date or outside the limits. */
bool timestamp_parse(struct str text, int64_t *out_timestamp_ms);

/* `timestamp_ms` must be within the limits. Writes exactly TIMESTAMP_TEXT_BYTES characters. */
void timestamp_format(int64_t timestamp_ms, char out_text[TIMESTAMP_TEXT_BYTES]);
