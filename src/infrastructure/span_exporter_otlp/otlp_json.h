#pragma once
/*
 * Spans as OTLP/HTTP has them in JSON
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids in hexadecimal, 64-bit
 * numbers as text, enumerations as numbers.
 *
 *     {"resourceSpans":[{"resource":{"attributes":[…]},
 *       "scopeSpans":[{"scope":{"name":"usertrail","version":"…"},"spans":[ span, span, … ]}]}]}
 *
 * Any thread.
 */
#include "application/span.h"
#include "base/buffer.h"

/* Who it is that sends spans. */
struct otlp_resource {
    struct str service_name; /* in place of a service.name among the attributes */
    struct str attributes;   /* a list as in otlp_list.h, which was checked */
    struct str instance;     /* of this process, unless the attributes have one */
    struct str version;
};

/* What stands before the spans of a request, and behind them. */
void otlp_json_begin(struct buffer *json, const struct otlp_resource *resource);
void otlp_json_end(struct buffer *json);

/* One span; texts that are not well formed are mended. */
void otlp_json_append_span(struct buffer *json, const struct span *span);
