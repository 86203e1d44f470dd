#pragma once
/*
 * Lists as OpenTelemetry's variables have them, OTEL_RESOURCE_ATTRIBUTES and
 * OTEL_EXPORTER_OTLP_HEADERS: "key1=value1,key2=value2" with %-escapes in the values, as in W3C
 * Baggage without its properties. Any thread.
 */
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

enum { OTLP_LIST_TEXT_BYTES_MAX = 1024 };

/* One pair of a list. */
struct otlp_pair {
    struct str key;
    struct str value; /* without escapes, in `room` */
    char room[OTLP_LIST_TEXT_BYTES_MAX];
};

/* Takes the next pair off `*rest`, passing over what is empty. NOT_FOUND: there is none. INVALID:
 * it is no pair, or too long; nothing says what it holds, which may be a secret. */
MUST_USE enum status otlp_list_next(struct str *rest, struct otlp_pair *out_pair);

/* Whether all of the list can be read. INVALID: `err` begins with `name`. */
MUST_USE enum status otlp_list_check(const char *name, struct str list, struct error *err);

/* The same of fields of requests: names must be tokens of HTTP, and no value may end its line. */
MUST_USE enum status otlp_list_check_fields(const char *name, struct str list, struct error *err);
