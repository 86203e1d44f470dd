#include "infrastructure/activity_store_mongodb/document_json.h"

#include "base/base64url.h"
#include "base/json_text.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "infrastructure/activity_store_mongodb/metadata_number.h"

#include <math.h>

/* Servers store 200 levels at the most. */
enum { DEPTH_MAX = 256, MILLISECONDS = 1000 };

/* Strings ----------------------------------------------------------------------------------- */

/* Drivers let bytes through that are no UTF-8; each such byte becomes U+FFFD. */
static void append_mended(struct str text, struct buffer *out)
{
    while (text.len > 0) {
        struct str rest = text;
        uint32_t code_point;
        if (utf8_next(&rest, &code_point)) {
            buffer_append(out, text.data, text.len - rest.len);
            text = rest;
        } else {
            buffer_append_literal(out, "\xef\xbf\xbd");
            text.data++;
            text.len--;
        }
    }
}

static bool is_well_formed(struct str text)
{
    size_t code_points;
    return utf8_is_plain_ascii(text) || utf8_count(text, &code_points);
}

static void append_string(struct str text, struct buffer *out)
{
    if (is_well_formed(text)) {
        json_text_append_string(out, text);
        return;
    }
    struct buffer mended;
    buffer_init(&mended, 3 * text.len);
    append_mended(text, &mended);
    json_text_append_string(out, buffer_str(&mended));
    out->failed = mended.failed == STATUS_OK ? out->failed : mended.failed;
    buffer_deinit(&mended);
}

/* Types that JSON lacks --------------------------------------------------------------------- */

static void append_date(int64_t time_ms, struct buffer *out)
{
    char text[TIMESTAMP_TEXT_BYTES];
    if (time_ms < TIMESTAMP_MS_MIN || time_ms > TIMESTAMP_MS_MAX) {
        buffer_append_i64(out, time_ms);
        return;
    }
    timestamp_format(time_ms, text);
    append_string((struct str){text, sizeof text}, out);
}

static void append_binary(const bson_iter_t *at, struct buffer *out)
{
    const uint8_t *bytes;
    uint32_t len;
    bson_subtype_t subtype;
    bson_iter_binary(at, &subtype, &len, &bytes);
    buffer_append_char(out, '"');
    if (subtype == BSON_SUBTYPE_UUID && len == UUID_BYTES) {
        struct uuid uuid;
        char text[UUID_TEXT_BYTES];
        memcpy(uuid.bytes, bytes, sizeof uuid.bytes);
        uuid_format(uuid, text);
        buffer_append(out, text, sizeof text);
    } else {
        base64url_encode(bytes, len, out);
    }
    buffer_append_char(out, '"');
}

static void append_decimal128(const bson_iter_t *at, struct buffer *out)
{
    char text[BSON_DECIMAL128_STRING];
    bson_decimal128_t decimal;
    struct json_number number;
    (void)bson_iter_decimal128(at, &decimal);
    bson_decimal128_to_string(&decimal, text);
    bool shown = json_number_read(str_from(text), &number);
    buffer_append_str(out, shown ? str_from(text) : STR("null"));
}

static void append_object_id(const bson_iter_t *at, struct buffer *out)
{
    buffer_append_hex(out, bson_iter_oid(at)->bytes, sizeof(bson_oid_t));
}

/* Values ------------------------------------------------------------------------------------ */

static void append_double(double value, struct buffer *out)
{
    if (isfinite(value)) {
        metadata_number_write_double(value, out);
    } else {
        buffer_append_literal(out, "null");
    }
}

static struct str text_of(const bson_iter_t *at)
{
    uint32_t len;
    const char *text = bson_iter_type(at) == BSON_TYPE_SYMBOL ? bson_iter_symbol(at, &len)
                                                              : bson_iter_utf8(at, &len);
    return (struct str){text, len};
}

/* What is neither an object nor an array. */
static void append_scalar(const bson_iter_t *at, struct buffer *out)
{
    switch (bson_iter_type(at)) {
    case BSON_TYPE_UTF8:
    case BSON_TYPE_SYMBOL:
        append_string(text_of(at), out);
        break;
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
        buffer_append_i64(out, bson_iter_as_int64(at));
        break;
    case BSON_TYPE_DOUBLE:
        append_double(bson_iter_double(at), out);
        break;
    case BSON_TYPE_BOOL:
        buffer_append_str(out, bson_iter_bool(at) ? STR("true") : STR("false"));
        break;
    case BSON_TYPE_DATE_TIME:
        append_date(bson_iter_date_time(at), out);
        break;
    case BSON_TYPE_TIMESTAMP: {
        uint32_t seconds;
        uint32_t increment;
        bson_iter_timestamp(at, &seconds, &increment);
        append_date((int64_t)seconds * MILLISECONDS, out);
        break;
    }
    case BSON_TYPE_OID:
        buffer_append_char(out, '"');
        append_object_id(at, out);
        buffer_append_char(out, '"');
        break;
    case BSON_TYPE_DECIMAL128:
        append_decimal128(at, out);
        break;
    case BSON_TYPE_BINARY:
        append_binary(at, out);
        break;
    default:
        buffer_append_literal(out, "null");
        break;
    }
}

/* Calls itself through its members, to DEPTH_MAX levels. */
static void append_value(const bson_iter_t *at, unsigned depth, struct buffer *out)
{
    bson_iter_t child;
    bool is_array = BSON_ITER_HOLDS_ARRAY(at);
    if (!is_array && !BSON_ITER_HOLDS_DOCUMENT(at)) {
        append_scalar(at, out);
        return;
    }
    if (depth == DEPTH_MAX || !bson_iter_recurse(at, &child)) {
        buffer_append_literal(out, "null");
        return;
    }
    buffer_append_char(out, is_array ? '[' : '{');
    for (bool first = true; bson_iter_next(&child); first = false) {
        buffer_append_str(out, first ? STR("") : STR(","));
        if (!is_array) {
            append_string((struct str){bson_iter_key(&child), bson_iter_key_len(&child)}, out);
            buffer_append_char(out, ':');
        }
        append_value(&child, depth + 1, out);
    }
    buffer_append_char(out, is_array ? ']' : '}');
}

void document_json_append_value(const bson_iter_t *at, struct buffer *out_json)
{
    append_value(at, 0, out_json);
}

bool document_json_append_name(const bson_iter_t *at, struct buffer *out_text)
{
    switch (bson_iter_type(at)) {
    case BSON_TYPE_UTF8:
    case BSON_TYPE_SYMBOL:
        append_mended(text_of(at), out_text);
        return text_of(at).len > 0;
    case BSON_TYPE_INT32:
    case BSON_TYPE_INT64:
    case BSON_TYPE_DOUBLE:
        append_scalar(at, out_text);
        return true;
    case BSON_TYPE_OID:
        append_object_id(at, out_text);
        return true;
    default:
        return false;
    }
}
