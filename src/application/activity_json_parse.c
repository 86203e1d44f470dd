#include "application/activity_json_parse.h"

#include <yyjson.h>

/* Anything but an object is refused anyway and is not parsed in place: the parser would end a bare
 * number with NUL and so overwrite the comma behind it. */
static yyjson_read_flag flags_for(const char *text, size_t len)
{
    bool object = len > 0 && text[0] == '{';
    return YYJSON_READ_NUMBER_AS_RAW | (object ? YYJSON_READ_INSITU : 0);
}

static yyjson_doc *parse(void *memory, char *text, size_t len, yyjson_read_err *out_err)
{
    const yyjson_read_flag flags = flags_for(text, len);
    yyjson_alc pool;
    if (memory != NULL && len <= ACTIVITY_JSON_POOL_TEXT_BYTES_MAX &&
        yyjson_alc_pool_init(&pool, memory, ACTIVITY_JSON_POOL_BYTES)) {
        return yyjson_read_opts(text, len, flags, &pool, out_err);
    }
    return yyjson_read_opts(text, len, flags, NULL, out_err);
}

static size_t leading_space(const char *text, size_t len)
{
    size_t blank = 0;
    while (blank < len && strchr(" \t\r\n", text[blank]) != NULL && text[blank] != '\0') {
        blank++;
    }
    return blank;
}

/* A text without anything in it has its own words: people forget the body. (The parser calls no
 * byte at all an invalid parameter, and nothing but white space empty.) */
static void tell_malformed(const char *pointer, const yyjson_read_err *err,
                           struct rejection *rejection)
{
    if (err->code == YYJSON_READ_ERROR_EMPTY_CONTENT ||
        err->code == YYJSON_READ_ERROR_INVALID_PARAMETER) {
        rejection_add(rejection, pointer, "there is no JSON here");
        return;
    }
    rejection_add(rejection, pointer, "this is not JSON: %s at byte %zu", err->msg, err->pos);
}

enum status activity_json_check_size(const struct activity_json_reader *reader, size_t len,
                                     struct rejection *rejection)
{
    if (len <= reader->activity_bytes_max) {
        return STATUS_OK;
    }
    rejection_add(rejection, "", "an activity may have at most %zu bytes of JSON, this one has %zu",
                  reader->activity_bytes_max, len);
    return STATUS_TOO_LARGE;
}

enum status activity_json_parse(const struct activity_json_source *source,
                                yyjson_doc **out_document, struct rejection *rejection)
{
    size_t blank = leading_space(source->data, source->len);
    yyjson_read_err err;
    yyjson_doc *document = parse(source->pool, source->data + blank, source->len - blank, &err);
    if (document != NULL) {
        *out_document = document;
        return STATUS_OK;
    }
    if (err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        return STATUS_NO_MEMORY;
    }
    err.pos += blank;
    tell_malformed(source->pointer, &err, rejection);
    return STATUS_INVALID;
}
