/* An activity as BSON and back to the byte, without a server. */
#include "base/macros.h"
#include "base/random.h"
#include "infrastructure/activity_store_mongodb/activity_document.h"
#include "infrastructure/activity_store_mongodb/document_json.h"
#include "infrastructure/mongodb_client/document_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static const char log_text[] = "018f0000-0000-4000-8000-0000000000ab";

struct bed {
    struct metadata_scratch scratch;
    struct activity_reader reader;
    struct buffer document;
};

static int setup(void **state)
{
    struct bed *bed = calloc(1, sizeof *bed);
    assert_non_null(bed);
    metadata_scratch_init(&bed->scratch);
    activity_reader_init(&bed->reader);
    buffer_init(&bed->document, 64 * 1024 * 1024);
    *state = bed;
    return 0;
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    metadata_scratch_deinit(&bed->scratch);
    activity_reader_deinit(&bed->reader);
    buffer_deinit(&bed->document);
    free(bed);
    return 0;
}

static void write_row(struct bed *bed, const struct activity *activity, bson_t *out_view)
{
    struct logged_activity row = {
        .activity = *activity, .position = {.partition = 3, .offset = INT64_C(9007199254740993)}};
    buffer_clear(&bed->document);
    size_t begin = document_begin(&bed->document);
    activity_document_append(&bed->scratch, &row, log_text, &bed->document);
    document_end(&bed->document, begin);
    assert_int_equal(bed->document.failed, STATUS_OK);
    assert_true(bson_init_static(out_view, (const uint8_t *)bed->document.data, bed->document.len));
    assert_true(bson_validate(out_view, BSON_VALIDATE_NONE, NULL));
}

static struct activity with_metadata(struct str metadata)
{
    return (struct activity){.id = STR("018f0000-0000-7000-8000-0000000000aa"),
                             .user_id = STR("Zo\xc3\xab"),
                             .action = STR("\xe2\x82\xac pay"),
                             .metadata = metadata,
                             .timestamp_ms = INT64_C(253402300799999),
                             .received_at_ms = 1};
}

static void assert_str(struct str found, struct str expected)
{
    if (!str_equal(found, expected)) {
        fail_msg("expected \"%.*s\", found \"%.*s\"", STR_FORMAT(expected), STR_FORMAT(found));
    }
}

/* Writes and reads; says whether the text had to be kept beside the document. */
static bool keeps_text(struct bed *bed, struct str metadata)
{
    bson_t view;
    bson_iter_t at;
    struct activity found;
    struct activity activity = with_metadata(metadata);
    write_row(bed, &activity, &view);
    assert_int_equal(activity_reader_read(&bed->reader, &view, &found), STATUS_OK);
    assert_str(found.metadata, metadata);
    assert_str(found.id, activity.id);
    assert_str(found.user_id, activity.user_id);
    assert_str(found.action, activity.action);
    assert_int_equal(found.timestamp_ms, activity.timestamp_ms);
    assert_int_equal(found.received_at_ms, 1);
    struct activity_source source = activity_document_source(&view);
    assert_true(source.known);
    assert_int_equal(source.position.partition, 3);
    assert_int_equal(source.position.offset, INT64_C(9007199254740993));
    return bson_iter_init_find(&at, &view, "metadataText");
}

static void test_exact_metadata_needs_no_text(void **state)
{
    static const char *const exact[] = {
        "{}",
        "{\"b\":1,\"a\":2,\"z\":{\"y\":[],\"x\":{}}}",
        "{\"n\":0,\"m\":-1,\"i\":2147483647,\"j\":-2147483648,\"k\":2147483648}",
        "{\"n\":9223372036854775807,\"m\":-9223372036854775808}",
        "{\"n\":0.1,\"m\":-1.5,\"e\":1e+21,\"f\":1.5e-7,\"g\":0.000001,\"h\":123456.789}",
        "{\"n\":0.30000000000000004,\"m\":5e-324,\"x\":1.7976931348623157e+308}",
        "{\"n\":10000000000000000000}",
        "{\"a\":[1,\"x\",null,true,false,[[]],{\"a\":[0]}]}",
        "{\"s\":\"\",\"t\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\xc3\xa9\xf0\x9f\x98\x80/\"}",
        "{\"k\\\"\\n\":1,\"\xc3\xa9\":2}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(exact); i++) {
        if (keeps_text(*state, str_from(exact[i]))) {
            fail_msg("kept the text of %s", exact[i]);
        }
    }
}

static void test_other_metadata_keeps_its_text(void **state)
{
    static const char *const kept[] = {
        "{\"n\":1.0}",
        "{\"n\":1e3}",
        "{\"n\":-0}",
        "{\"n\":1.10}",
        "{\"n\":0.0}",
        "{\"n\":1E2}",
        "{\"n\":12345678901234567890}",
        "{\"n\":-12345678901234567891}",
        "{\"n\":1e400}",
        "{\"n\":0.1000000000000000055511151231257827}",
        "{\"n\":1e21}",
        "{\"n\":1e-999999999999999999999}",
        "{\"n\":123456789012345678}" /* fits */,
        "{\"s\":\"\\u0041\"}",
        "{\"s\":\"\\/\"}",
        "{\"s\":\"\\u000A\"}",
        "{\"\\u0041\":1}",
        "{\"$a\":1}",
        "{\"a.b\":1}",
        "{\"\":1}",
        "{\"a\":1,\"a\":1}",
        "{\"a\":{\"b\":1,\"c\":2,\"b\":3}}",
        "{ }",
        "{\"a\\u0000\":1}",
        "{\"s\":\"\\ud800\"}",
        "no json at all",
        "{\"a\":1",
        "{\"a\":01}",
        "{\"a\":1}}",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(kept); i++) {
        bool fits = strstr(kept[i], "123456789012345678}") != NULL;
        if (keeps_text(*state, str_from(kept[i])) == fits) {
            fail_msg("%s the text of %s", fits ? "kept" : "did not keep", kept[i]);
        }
    }
}

/* What can be searched is there all the same, as near as BSON gets. */
static void test_inexact_numbers_can_be_searched(void **state)
{
    struct bed *bed = *state;
    bson_t view;
    bson_iter_t at;
    bson_iter_t found;
    struct activity activity =
        with_metadata(STR("{\"a\":{\"n\":12345678901234567890},\"m\":1.0,\"x\":1e400}"));
    write_row(bed, &activity, &view);
    assert_true(bson_iter_init(&at, &view));
    assert_true(bson_iter_find_descendant(&at, "metadata.a.n", &found));
    assert_true(bson_iter_double(&found) == 12345678901234567890.0);
    assert_true(bson_iter_init(&at, &view));
    assert_true(bson_iter_find_descendant(&at, "metadata.m", &found));
    assert_true(bson_iter_double(&found) == 1);
    assert_true(bson_iter_init(&at, &view));
    assert_true(bson_iter_find_descendant(&at, "metadata.x", &found));
    assert_int_equal(bson_iter_type(&found), BSON_TYPE_NULL);
}

static void nest(char *text, size_t size, unsigned levels, const char *inner)
{
    size_t len = 0;
    for (unsigned i = 1; i < levels; i++) {
        len += (size_t)snprintf(text + len, size - len, "{\"a\":");
    }
    len += (size_t)snprintf(text + len, size - len, "{\"a\":%s}", inner);
    for (unsigned i = 1; i < levels; i++) {
        len += (size_t)snprintf(text + len, size - len, "}");
    }
}

static void test_depth(void **state)
{
    static char text[8192];
    nest(text, sizeof text, 32, "[1]");
    assert_false(keeps_text(*state, str_from(text)));
    nest(text, sizeof text, METADATA_DEPTH_MAX, "1");
    assert_false(keeps_text(*state, str_from(text)));
    nest(text, sizeof text, METADATA_DEPTH_MAX + 1, "1");
    assert_true(keeps_text(*state, str_from(text)));
    nest(text, sizeof text, 1000, "1");
    assert_true(keeps_text(*state, str_from(text)));
}

/* More keys than are compared one by one. */
static void test_many_keys(void **state)
{
    static char text[65536];
    for (int repeated = 0; repeated <= 1; repeated++) {
        size_t len = (size_t)snprintf(text, sizeof text, "{");
        for (int i = 0; i < 2000; i++) {
            int key = repeated == 1 && i == 1999 ? 7 : i;
            len += (size_t)snprintf(text + len, sizeof text - len, "\"k%d\":%d,", key, i);
        }
        snprintf(text + len - 1, sizeof text - len, "}");
        assert_true(keeps_text(*state, str_from(text)) == (repeated == 1));
    }
}

/* Any double in its shortest text is exact, and any number comes back. */
static void test_random_numbers(void **state)
{
    struct bed *bed = *state;
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 20);
    struct buffer text;
    buffer_init(&text, 1000);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_u64(&random);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (i % 2 == 0) {
            value = (double)(int64_t)(bits >> (bits & 63)) / (double)(1 + (bits % 1000));
        }
        buffer_clear(&text);
        buffer_append_literal(&text, "{\"n\":");
        char printed[64];
        snprintf(printed, sizeof printed, "%.*g", 1 + (int)(bits % 20), value);
        if (value != value || value - value != 0) {
            continue;
        }
        buffer_append_str(&text, str_from(printed));
        buffer_append_char(&text, '}');
        (void)keeps_text(bed, buffer_str(&text));
    }
    buffer_deinit(&text);
}

/* Texts cut and changed anywhere come back as well, and nothing outside of them is read. */
static void test_damaged_texts(void **state)
{
    static const char whole[] =
        "{\"a\":[1,2.5,-3e-7,\"x\\n\\u0041\"],\"b.c\":{\"\":null},\"d\":{\"e\":true,\"f\":[{}]}}";
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 21);
    for (int i = 0; i < 20000; i++) {
        size_t len = 1 + (size_t)random_below(&random, sizeof whole - 1);
        char *text = malloc(len);
        assert_non_null(text);
        memcpy(text, whole, len);
        for (int changes = (int)random_below(&random, 3); changes > 0; changes--) {
            text[random_below(&random, len)] = "{}[]\",:\\0e.-$"[random_below(&random, 13)];
        }
        (void)keeps_text(*state, (struct str){text, len});
        free(text);
    }
}

/* --- documents of other writers --- */

static void assert_read(struct bed *bed, const bson_t *document, const char *metadata)
{
    struct activity found;
    assert_int_equal(activity_reader_read(&bed->reader, document, &found), STATUS_OK);
    assert_str(found.metadata, str_from(metadata));
}

static void append_others(bson_t *metadata)
{
    static const uint8_t bytes[UUID_BYTES] = {1, 2,  3,  4,  5,  6,  7,  8,
                                              9, 10, 11, 12, 13, 14, 15, 16};
    bson_decimal128_t decimal;
    bson_oid_t oid;
    assert_true(bson_decimal128_from_string("1.10", &decimal));
    bson_oid_init_from_string(&oid, "507f1f77bcf86cd799439011");
    BSON_APPEND_DECIMAL128(metadata, "price", &decimal);
    BSON_APPEND_DATE_TIME(metadata, "at", 1000);
    BSON_APPEND_OID(metadata, "ref", &oid);
    BSON_APPEND_BINARY(metadata, "uuid", BSON_SUBTYPE_UUID, bytes, 16);
    BSON_APPEND_BINARY(metadata, "bytes", BSON_SUBTYPE_BINARY, bytes, 3);
    BSON_APPEND_REGEX(metadata, "regex", "a", "");
    BSON_APPEND_DOUBLE(metadata, "nan", 0.0 / 0.0);
    BSON_APPEND_DOUBLE(metadata, "ms", 1700000000000.0);
    bson_append_utf8(metadata, "bad", 3, "a\xff\"", 3);
}

static void test_documents_of_other_writers(void **state)
{
    struct bed *bed = *state;
    struct activity found;
    bson_oid_t oid;
    bson_t metadata;
    bson_t *document = bson_new();
    bson_oid_init_from_string(&oid, "507f1f77bcf86cd799439011");
    BSON_APPEND_OID(document, "_id", &oid);
    BSON_APPEND_INT32(document, "userId", 42);
    BSON_APPEND_UTF8(document, "action", "a\xff");
    BSON_APPEND_DATE_TIME(document, "timestamp", 77);
    BSON_APPEND_INT32(document, "__v", 0);
    assert_read(bed, document, "{}");
    assert_int_equal(activity_reader_read(&bed->reader, document, &found), STATUS_OK);
    assert_str(found.id, STR("507f1f77bcf86cd799439011"));
    assert_str(found.user_id, STR("42"));
    assert_str(found.action, STR("a\xef\xbf\xbd"));
    assert_int_equal(found.received_at_ms, 77);
    assert_false(activity_document_source(document).known);
    BSON_APPEND_DOCUMENT_BEGIN(document, "metadata", &metadata);
    append_others(&metadata);
    bson_append_document_end(document, &metadata);
    assert_read(bed, document,
                "{\"price\":1.10,\"at\":\"1970-01-01T00:00:01.000Z\","
                "\"ref\":\"507f1f77bcf86cd799439011\","
                "\"uuid\":\"01020304-0506-0708-090a-0b0c0d0e0f10\",\"bytes\":\"AQID\","
                "\"regex\":null,\"nan\":null,\"ms\":1700000000000,\"bad\":\"a\xef\xbf\xbd\\\"\"}");
    bson_destroy(document);
}

/* Dates that no answer can tell: such a document is in none. */
static void test_dates_beyond_the_calendar(void **state)
{
    struct bed *bed = *state;
    static const int64_t dates[] = {-1, INT64_C(253402300800000), INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(dates); i++) {
        struct activity found;
        bson_t *document = bson_new();
        BSON_APPEND_UTF8(document, "_id", "x");
        BSON_APPEND_UTF8(document, "userId", "x");
        BSON_APPEND_UTF8(document, "action", "x");
        BSON_APPEND_DATE_TIME(document, "timestamp", dates[i]);
        assert_int_equal(activity_reader_read(&bed->reader, document, &found), STATUS_NOT_FOUND);
        bson_destroy(document);
    }
}

/* Each of what an activity needs, left out or of another type. */
static void test_what_is_no_activity(void **state)
{
    struct bed *bed = *state;
    for (int missing = 0; missing < 4; missing++) {
        for (int other_type = 0; other_type <= 1; other_type++) {
            static const char *const names[] = {"_id", "userId", "action", "timestamp"};
            struct activity found;
            bson_t *document = bson_new();
            for (int i = 0; i < 4; i++) {
                if (i == missing && other_type == 1) {
                    BSON_APPEND_BOOL(document, names[i], true);
                } else if (i == 3 && i != missing) {
                    BSON_APPEND_DATE_TIME(document, names[i], 1);
                } else if (i != missing) {
                    BSON_APPEND_UTF8(document, names[i], "x");
                }
            }
            assert_int_equal(activity_reader_read(&bed->reader, document, &found),
                             STATUS_NOT_FOUND);
            bson_destroy(document);
        }
    }
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_exact_metadata_needs_no_text),
        CASE(test_other_metadata_keeps_its_text),
        CASE(test_inexact_numbers_can_be_searched),
        CASE(test_depth),
        CASE(test_many_keys),
        CASE(test_random_numbers),
        CASE(test_damaged_texts),
        CASE(test_documents_of_other_writers),
        CASE(test_dates_beyond_the_calendar),
        CASE(test_what_is_no_activity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
