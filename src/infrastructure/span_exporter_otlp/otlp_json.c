#include "infrastructure/span_exporter_otlp/otlp_json.h"

#include "base/json_text.h"
#include "base/utf8.h"
#include "infrastructure/span_exporter_otlp/otlp_list.h"

#include <stdbool.h>

enum { TEXT_BYTES_MAX = 1024, STATUS_CODE_ERROR = 2 };

/* --- texts --- */

/* Malformed bytes become U+FFFD, and what is too long is cut. */
static void append_mended(struct buffer *json, struct str text)
{
    char mended[TEXT_BYTES_MAX + 4];
    size_t len = 0;
    while (text.len > 0 && len < TEXT_BYTES_MAX) {
        struct str from = text;
        uint32_t code_point;
        struct str piece = STR("\xef\xbf\xbd");
        if (utf8_next(&text, &code_point)) {
            piece = (struct str){from.data, from.len - text.len};
        } else {
            text = (struct str){text.data + 1, text.len - 1};
        }
        memcpy(mended + len, piece.data, piece.len);
        len += piece.len;
    }
    json_text_append_string(json, (struct str){mended, len});
}

static void append_text(struct buffer *json, struct str text)
{
    if (text.len <= TEXT_BYTES_MAX && utf8_is_plain_ascii(text)) {
        json_text_append_string(json, text);
    } else {
        append_mended(json, text);
    }
}

static void append_hex(struct buffer *json, const uint8_t *bytes, size_t len)
{
    buffer_append_char(json, '"');
    buffer_append_hex(json, bytes, len);
    buffer_append_char(json, '"');
}

/* --- attributes --- */

static void append_attribute(struct buffer *json, const struct span_attribute *attribute)
{
    buffer_append_literal(json, "{\"key\":");
    append_text(json, attribute->key);
    if (attribute->text.data != NULL) {
        buffer_append_literal(json, ",\"value\":{\"stringValue\":");
        append_text(json, attribute->text);
        buffer_append_literal(json, "}}");
    } else {
        buffer_append_literal(json, ",\"value\":{\"intValue\":\"");
        buffer_append_i64(json, attribute->number);
        buffer_append_literal(json, "\"}}");
    }
}

static void append_text_attribute(struct buffer *json, struct str key, struct str text)
{
    buffer_append_char(json, ',');
    append_attribute(json, &(struct span_attribute){.key = key, .text = text});
}

/* --- the resource --- */

/* Whether the list has the key, up to `end`; NULL: in all of it. */
static bool lists(struct str list, const char *end, struct str key)
{
    struct otlp_pair pair;
    bool found = false;
    while (!found && list.data != NULL && (end == NULL || list.data < end) &&
           otlp_list_next(&list, &pair) == STATUS_OK) {
        found = str_equal(pair.key, key);
    }
    return found;
}

/* What the list may not say otherwise, or what stands elsewhere. */
static bool is_own(struct str key)
{
    return str_equal(key, STR("service.name")) || str_starts_with(key, STR("telemetry.sdk."));
}

/* Each key once: of several in the list the first. */
static void append_listed(struct buffer *json, struct str list)
{
    struct str rest = list;
    const char *at = list.data;
    struct otlp_pair pair;
    while (otlp_list_next(&rest, &pair) == STATUS_OK) {
        if (!is_own(pair.key) && !lists(list, at, pair.key)) {
            append_text_attribute(json, pair.key, pair.value);
        }
        at = rest.data;
    }
}

static void append_unless_listed(struct buffer *json, struct str list, struct str key,
                                 struct str text)
{
    if (!lists(list, NULL, key)) {
        append_text_attribute(json, key, text);
    }
}

/* OTEL_SERVICE_NAME counts before the list, and this program's name behind both. */
static void append_service_name(struct buffer *json, const struct otlp_resource *resource)
{
    struct str rest = resource->attributes;
    struct otlp_pair pair;
    struct str name = resource->service_name;
    while (name.len == 0 && otlp_list_next(&rest, &pair) == STATUS_OK) {
        name = str_equal(pair.key, STR("service.name")) ? pair.value : name;
    }
    append_attribute(json,
                     &(struct span_attribute){.key = STR("service.name"),
                                              .text = name.len > 0 ? name : STR("usertrail")});
}

void otlp_json_begin(struct buffer *json, const struct otlp_resource *resource)
{
    buffer_append_literal(json, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    append_service_name(json, resource);
    append_unless_listed(json, resource->attributes, STR("service.version"), resource->version);
    append_text_attribute(json, STR("telemetry.sdk.name"), STR("usertrail"));
    append_text_attribute(json, STR("telemetry.sdk.language"), STR("c"));
    append_text_attribute(json, STR("telemetry.sdk.version"), resource->version);
    append_listed(json, resource->attributes);
    append_unless_listed(json, resource->attributes, STR("service.instance.id"),
                         resource->instance);
    buffer_append_literal(json,
                          "]},\"scopeSpans\":[{\"scope\":{\"name\":\"usertrail\",\"version\":");
    append_text(json, resource->version);
    buffer_append_literal(json, "},\"spans\":[");
}

void otlp_json_end(struct buffer *json)
{
    buffer_append_literal(json, "]}]}]}");
}

/* --- spans --- */

static void append_context(struct buffer *json, const struct trace_context *context)
{
    buffer_append_literal(json, "{\"traceId\":");
    append_hex(json, context->trace_id, TRACE_ID_BYTES);
    buffer_append_literal(json, ",\"spanId\":");
    append_hex(json, context->span_id, SPAN_ID_BYTES);
    if (context->state.len > 0) {
        buffer_append_literal(json, ",\"traceState\":");
        append_text(json, context->state);
    }
    buffer_append_literal(json, ",\"flags\":");
    buffer_append_u64(json, context->flags);
}

static void append_attributes(struct buffer *json, const struct span *span)
{
    buffer_append_literal(json, ",\"attributes\":[");
    for (size_t i = 0; i < span->attribute_count; i++) {
        if (i > 0) {
            buffer_append_char(json, ',');
        }
        append_attribute(json, &span->attributes[i]);
    }
    buffer_append_char(json, ']');
}

static void append_links(struct buffer *json, const struct span *span)
{
    buffer_append_literal(json, ",\"links\":[");
    for (size_t i = 0; i < span->link_count; i++) {
        if (i > 0) {
            buffer_append_char(json, ',');
        }
        append_context(json, &span->links[i]);
        buffer_append_char(json, '}');
    }
    buffer_append_char(json, ']');
    if (span->links_dropped > 0) {
        buffer_append_literal(json, ",\"droppedLinksCount\":");
        buffer_append_u64(json, span->links_dropped);
    }
}

static void append_status(struct buffer *json, const struct span *span)
{
    buffer_append_literal(json, ",\"status\":{\"code\":");
    buffer_append_u64(json, STATUS_CODE_ERROR);
    if (span->problem.len > 0) {
        buffer_append_literal(json, ",\"message\":");
        append_text(json, span->problem);
    }
    buffer_append_char(json, '}');
}

void otlp_json_append_span(struct buffer *json, const struct span *span)
{
    static const uint8_t nobody[SPAN_ID_BYTES];
    append_context(json, &span->context);
    if (memcmp(span->parent_id, nobody, sizeof nobody) != 0) {
        buffer_append_literal(json, ",\"parentSpanId\":");
        append_hex(json, span->parent_id, SPAN_ID_BYTES);
    }
    buffer_append_literal(json, ",\"name\":");
    append_text(json, span->name);
    buffer_append_literal(json, ",\"kind\":");
    buffer_append_u64(json, span->kind);
    buffer_append_literal(json, ",\"startTimeUnixNano\":\"");
    buffer_append_u64(json, span->begun_ns);
    buffer_append_literal(json, "\",\"endTimeUnixNano\":\"");
    buffer_append_u64(json, span->ended_ns);
    buffer_append_char(json, '"');
    append_attributes(json, span);
    if (span->link_count > 0) {
        append_links(json, span);
    }
    if (span->failed) {
        append_status(json, span);
    }
    buffer_append_char(json, '}');
}
