#include "activity_bson.h"

#include "yardstick.h"

#include <string.h>
#include <yyjson.h>

enum { DAYS_FROM_0000_03_01 = 719468 };

static const char *text_of(yyjson_val *activity, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(activity, name));
    if (text == NULL)
        yardstick_fail("a message without %s", name);
    return text;
}

static int64_t digits(const char *text, int count)
{
    int64_t number = 0;
    for (int index = 0; index < count; index++)
        number = number * 10 + (text[index] - '0');
    return number;
}

// 2026-01-14T23:58:05.442Z, as the program writes all times; Howard Hinnant's days_from_civil.
static int64_t milliseconds_of(const char *text)
{
    if (strlen(text) != 24)
        yardstick_fail("%s is no time as the program writes it", text);
    int64_t month = digits(text + 5, 2);
    int64_t year = digits(text, 4) - (month <= 2);
    int64_t month_from_march = month > 2 ? month - 3 : month + 9;
    int64_t days = year * 365 + year / 4 - year / 100 + year / 400 +
                   (153 * month_from_march + 2) / 5 + digits(text + 8, 2) - 1 -
                   DAYS_FROM_0000_03_01;
    int64_t seconds =
        digits(text + 11, 2) * 3600 + digits(text + 14, 2) * 60 + digits(text + 17, 2);
    return (days * 86400 + seconds) * 1000 + digits(text + 20, 3);
}

static void append_value(bson_t *document, const char *name, size_t name_len, yyjson_val *value);

static void append_object(bson_t *document, const char *name, size_t name_len, yyjson_val *object)
{
    bson_t child;
    yyjson_val *key;
    size_t index;
    size_t count;
    yyjson_val *value;
    bson_append_document_begin(document, name, (int)name_len, &child);
    yyjson_obj_foreach(object, index, count, key, value)
        append_value(&child, yyjson_get_str(key), yyjson_get_len(key), value);
    bson_append_document_end(document, &child);
}

static void append_array(bson_t *document, const char *name, size_t name_len, yyjson_val *array)
{
    bson_t child;
    size_t index;
    size_t count;
    yyjson_val *value;
    bson_append_array_begin(document, name, (int)name_len, &child);
    yyjson_arr_foreach(array, index, count, value)
    {
        char buffer[16];
        const char *number = NULL;
        size_t number_len = bson_uint32_to_string((uint32_t)index, &number, buffer, sizeof buffer);
        append_value(&child, number, number_len, value);
    }
    bson_append_array_end(document, &child);
}

static void append_number(bson_t *document, const char *name, int name_len, yyjson_val *number)
{
    int64_t whole = yyjson_get_sint(number);
    if (!yyjson_is_int(number) || (yyjson_is_uint(number) && yyjson_get_uint(number) > INT64_MAX))
        bson_append_double(document, name, name_len, yyjson_get_num(number));
    else if (whole >= INT32_MIN && whole <= INT32_MAX)
        bson_append_int32(document, name, name_len, (int32_t)whole);
    else
        bson_append_int64(document, name, name_len, whole);
}

static void append_value(bson_t *document, const char *name, size_t name_len, yyjson_val *value)
{
    if (yyjson_is_obj(value))
        append_object(document, name, name_len, value);
    else if (yyjson_is_arr(value))
        append_array(document, name, name_len, value);
    else if (yyjson_is_str(value))
        bson_append_utf8(document, name, (int)name_len, yyjson_get_str(value),
                         (int)yyjson_get_len(value));
    else if (yyjson_is_num(value))
        append_number(document, name, (int)name_len, value);
    else if (yyjson_is_bool(value))
        bson_append_bool(document, name, (int)name_len, yyjson_get_bool(value));
    else
        bson_append_null(document, name, (int)name_len);
}

static void append_source(bson_t *document, const struct kafka_message *message)
{
    static const char log_id[] = "00000000-0000-8000-8000-000000000000";
    bson_t source;
    BSON_APPEND_DOCUMENT_BEGIN(document, "source", &source);
    BSON_APPEND_UTF8(&source, "log", log_id);
    BSON_APPEND_INT32(&source, "partition", message->partition);
    BSON_APPEND_INT64(&source, "offset", message->offset);
    bson_append_document_end(document, &source);
}

void activity_bson_append(bson_t *document, const struct kafka_message *message)
{
    yyjson_doc *json = yyjson_read(message->value, message->value_len, 0);
    yyjson_val *activity = yyjson_doc_get_root(json);
    BSON_APPEND_UTF8(document, "_id", text_of(activity, "id"));
    BSON_APPEND_UTF8(document, "userId", text_of(activity, "userId"));
    BSON_APPEND_UTF8(document, "action", text_of(activity, "action"));
    BSON_APPEND_DATE_TIME(document, "timestamp", milliseconds_of(text_of(activity, "timestamp")));
    BSON_APPEND_DATE_TIME(document, "receivedAt", milliseconds_of(text_of(activity, "receivedAt")));
    append_source(document, message);
    append_object(document, "metadata", sizeof "metadata" - 1,
                  yyjson_obj_get(activity, "metadata"));
    yyjson_doc_free(json);
}
