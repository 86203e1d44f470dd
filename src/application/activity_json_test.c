/*
 * Guards the reading of activities: what a client may send, what is told when it may not, and that
 * metadata comes back as it was sent.
 */
#include "application/activity_json.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1768435085442) /* 2026-01-14T23:58:05.442Z */

struct reading {
    struct activity_json_reader reader;
    struct arena arena;
    char *text;
    struct activity_draft draft;
    struct rejection rejection;
    enum status status;
};

/* Exactly as long as promised to the reader, so that a sanitizer sees a read beyond it. */
static char *padded(struct str text)
{
    char *copy = calloc(1, text.len + ACTIVITY_JSON_PADDING_BYTES);
    assert_non_null(copy);
    memcpy(copy, text.data, text.len);
    return copy;
}

static void read_text(struct reading *reading, struct str text)
{
    assert_int_equal(
        activity_json_reader_init(&reading->reader, &activity_rules_default, 128 * 1024),
        STATUS_OK);
    arena_init(&reading->arena, 1 << 20);
    rejection_init(&reading->rejection);
    reading->draft = (struct activity_draft){0};
    reading->text = padded(text);
    struct activity_json_text json = {reading->text, text.len, NOW_MS, &reading->arena};
    reading->status =
        activity_json_read(&reading->reader, &json, &reading->draft, &reading->rejection);
}

static void forget(struct reading *reading)
{
    free(reading->text);
    arena_deinit(&reading->arena);
    activity_json_reader_deinit(&reading->reader);
}

static void expect_str(struct str got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.data, wanted, got.len);
}

static void reads_every_member(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r,
              STR(" {\"id\":\"a-1\",\"userId\":\"user \\u00e9\",\"action\":\"CLICK\","
                  "\"timestamp\":\"2024-01-15T10:00:00+01:00\",\"metadata\":{ \"a\" : [ 1 ] }}\n"));
    assert_int_equal(r.status, STATUS_OK);
    expect_str(r.draft.activity.id, "a-1");
    expect_str(r.draft.activity.user_id, "user \xc3\xa9");
    expect_str(r.draft.activity.action, "CLICK");
    expect_str(r.draft.activity.metadata, "{\"a\":[1]}");
    assert_true(r.draft.has_timestamp);
    assert_int_equal(r.draft.activity.timestamp_ms, INT64_C(1705309200000));
    forget(&r);
}

static void leaves_out_what_is_optional(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, STR("{\"userId\":\"u\",\"action\":\"a\"}"));
    assert_int_equal(r.status, STATUS_OK);
    assert_null(r.draft.activity.id.data);
    assert_false(r.draft.has_timestamp);
    expect_str(r.draft.activity.metadata, "{}");
    forget(&r);
}

struct metadata_case {
    const char *sent;
    const char *kept;
};

static void keeps_metadata_to_the_letter(void **state)
{
    (void)state;
    static const struct metadata_case cases[] = {
        {"{\"z\":1,\"a\":2}", "{\"z\":1,\"a\":2}"},
        {"{\"n\":[12345678901234567890123,1.10,-0,1e999,0.1E+2]}",
         "{\"n\":[12345678901234567890123,1.10,-0,1e999,0.1E+2]}"},
        {"{\"s\":\"\\/\\u0041\\ud83d\\ude00\\n\\u0001\"}",
         "{\"s\":\"/A\xf0\x9f\x98\x80\\n\\u0001\"}"},
        {"{ \"t\" : true , \"f\" :\tfalse,\r\n\"n\" : null }",
         "{\"t\":true,\"f\":false,\"n\":null}"},
        {"{\"\":{},\"e\":[]}", "{\"\":{},\"e\":[]}"},
        {"{\"v\":\"\\u0000\"}", "{\"v\":\"\\u0000\"}"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char text[256];
        int len = snprintf(text, sizeof text, "{\"userId\":\"u\",\"action\":\"a\",\"metadata\":%s}",
                           cases[i].sent);
        struct reading r;
        read_text(&r, (struct str){text, (size_t)len});
        assert_int_equal(r.status, STATUS_OK);
        expect_str(r.draft.activity.metadata, cases[i].kept);
        forget(&r);
    }
}

struct refusal_case {
    struct str text;
    const char *pointer;
};

#define REFUSAL(json, where)                                                                       \
    {                                                                                              \
        {json, sizeof(json) - 1}, where                                                            \
    }
#define WITH_METADATA(json) "{\"userId\":\"u\",\"action\":\"a\",\"metadata\":" json "}"

static void refuses_by_member(void **state)
{
    (void)state;
    static const struct refusal_case cases[] = {
        REFUSAL("", ""),
        REFUSAL("   ", ""),
        REFUSAL("{", ""),
        REFUSAL("nonsense", ""),
        REFUSAL("7", ""),
        REFUSAL("\"text\"", ""),
        REFUSAL("{\"userId\":\"u\",\"action\":\"a\"}{}", ""),
        REFUSAL("{\"userId\":\"u\",\"action\":\"a\",}", ""),
        REFUSAL("{\"userId\":\"u\xff\",\"action\":\"a\"}", ""),
        REFUSAL("{\"userId\":\"\\ud800\",\"action\":\"a\"}", ""),
        REFUSAL("{\"action\":\"a\"}", "/userId"),
        REFUSAL("{\"userId\":\"u\"}", "/action"),
        REFUSAL("{\"userId\":7,\"action\":\"a\"}", "/userId"),
        REFUSAL("{\"userId\":null,\"action\":\"a\"}", "/userId"),
        REFUSAL("{\"userId\":\"u\\u0000\",\"action\":\"a\"}", "/userId"),
        REFUSAL("{\"userId\":\"u\",\"userId\":\"u\",\"action\":\"a\"}", "/userId"),
        REFUSAL("{\"userId\":\"u\",\"action\":\"a\",\"a/b~\":1}", "/a~1b~0"),
        REFUSAL("{\"userId\":\"u\",\"action\":\"a\",\"timestamp\":\"yesterday\"}", "/timestamp"),
        REFUSAL("{\"userId\":\"u\",\"action\":\"a\",\"timestamp\":1700000000}", "/timestamp"),
        REFUSAL("{\"userId\":\"u\",\"action\":\"a\",\"id\":\"a b\"}", "/id"),
        REFUSAL("{\"userId\":\"u\",\"action\":\"a\",\"id\":\"stream\"}", "/id"),
        REFUSAL(WITH_METADATA("[]"), "/metadata"),
        REFUSAL(WITH_METADATA("7"), "/metadata"),
        REFUSAL(WITH_METADATA("{\"k\":1,\"k\":2}"), "/metadata/k"),
        REFUSAL(WITH_METADATA("{\"o\":[0,{\"k\":1,\"k\":2}]}"), "/metadata/o/1/k"),
        REFUSAL(WITH_METADATA("{\"a/b\":{\"\":{\"k\\u0000\":1}}}"), "/metadata/a~1b//k"),
        REFUSAL(WITH_METADATA("{\"k\\u0000\":1}"), "/metadata/k"),
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct reading r;
        read_text(&r, cases[i].text);
        assert_int_equal(r.status, STATUS_INVALID);
        assert_true(r.rejection.count >= 1);
        assert_string_equal(r.rejection.faults[0].pointer, cases[i].pointer);
        forget(&r);
    }
}

static void tells_all_faults_at_once(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, STR("{\"userId\":1,\"action\":2,\"timestamp\":3,\"metadata\":4,\"id\":5}"));
    assert_int_equal(r.status, STATUS_INVALID);
    assert_int_equal(r.rejection.count, 5);
    forget(&r);
}

/* `levels` objects in one another as metadata, the innermost empty. */
static enum status read_nested(unsigned levels)
{
    struct buffer text;
    buffer_init(&text, 4096);
    buffer_append_literal(&text, "{\"userId\":\"u\",\"action\":\"a\",\"metadata\":");
    for (unsigned i = 1; i < levels; i++) {
        buffer_append_literal(&text, "{\"k\":");
    }
    buffer_append_literal(&text, "{}");
    for (unsigned i = 0; i < levels; i++) {
        buffer_append_char(&text, '}');
    }
    struct reading r;
    read_text(&r, buffer_str(&text));
    enum status status = r.status;
    forget(&r);
    buffer_deinit(&text);
    return status;
}

static void bounds_the_depth(void **state)
{
    (void)state;
    assert_int_equal(read_nested(1), STATUS_OK);
    assert_int_equal(read_nested(32), STATUS_OK);
    assert_int_equal(read_nested(33), STATUS_INVALID);
}

/* An activity whose compact metadata has exactly `metadata_bytes`. */
static enum status read_sized(size_t metadata_bytes)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_append_literal(&text, "{\"userId\":\"u\",\"action\":\"a\",\"metadata\":{\"k\":\"");
    for (size_t i = 0; i < metadata_bytes - 8; i++) {
        buffer_append_char(&text, 'x');
    }
    buffer_append_literal(&text, "\"}}");
    assert_int_equal(text.failed, STATUS_OK);
    struct reading r;
    read_text(&r, buffer_str(&text));
    enum status status = r.status;
    forget(&r);
    buffer_deinit(&text);
    return status;
}

static void bounds_the_sizes(void **state)
{
    (void)state;
    assert_int_equal(read_sized(64 * 1024), STATUS_OK);
    assert_int_equal(read_sized(64 * 1024 + 1), STATUS_INVALID);
    assert_int_equal(read_sized(128 * 1024), STATUS_TOO_LARGE);
}

/* The sorted path of the duplicate check, which few keys never take. */
static void finds_a_duplicate_among_many_keys(void **state)
{
    (void)state;
    for (int duplicate = 0; duplicate < 2; duplicate++) {
        struct buffer text;
        buffer_init(&text, 1 << 20);
        buffer_append_literal(&text, "{\"userId\":\"u\",\"action\":\"a\",\"metadata\":{");
        for (int i = 0; i < 1000; i++) {
            buffer_append_format(&text, "\"k%d\":%d,", i, i);
        }
        buffer_append_format(&text, "\"%s\":0}}", duplicate ? "k500" : "other");
        struct reading r;
        read_text(&r, buffer_str(&text));
        assert_int_equal(r.status, duplicate ? STATUS_INVALID : STATUS_OK);
        forget(&r);
        buffer_deinit(&text);
    }
}

struct array_case {
    const char *text;
    size_t items;
    enum status end; /* how it ends after so many items */
};

static void cuts_arrays_into_items(void **state)
{
    (void)state;
    static const struct array_case cases[] = {
        {"[]", 0, STATUS_NOT_FOUND},
        {" [ ] ", 0, STATUS_NOT_FOUND},
        {"[{}]", 1, STATUS_NOT_FOUND},
        {"[ {\"a\":\"]},\\\"\"} , 7 ,\"x\", [1,[2]] ]\n", 4, STATUS_NOT_FOUND},
        {"[", 0, STATUS_INVALID},
        {"[{}", 0, STATUS_INVALID},
        {"[{},", 1, STATUS_INVALID},
        {"[{},]", 1, STATUS_INVALID},
        {"[,{}]", 0, STATUS_INVALID},
        {"[{} {}]", 1, STATUS_INVALID},
        {"[{}]x", 1, STATUS_INVALID},
        {"[\"a", 0, STATUS_INVALID},
        {"{}", 0, STATUS_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct str text = str_from(cases[i].text);
        char *copy = padded(text);
        struct activity_json_array array;
        activity_json_array_init(&array, copy, text.len);
        char *item;
        size_t len;
        enum status status;
        struct error err;
        while ((status = activity_json_array_next(&array, &item, &len, &err)) == STATUS_OK) {
            assert_true(len > 0 && item >= copy && item + len <= copy + text.len);
        }
        assert_int_equal(status, cases[i].end);
        assert_int_equal(array.count, cases[i].items);
        free(copy);
    }
}

/* The offset behind the container that begins the text, looked for byte by byte; 0: it is open. */
static size_t end_of_container(const char *text, size_t len)
{
    bool in_string = false;
    size_t depth = 0;
    for (size_t at = 0; at < len; at++) {
        char c = text[at];
        if (in_string && c == '\\') {
            at++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '{' || c == '[')) {
            depth++;
        } else if (!in_string && (c == '}' || c == ']') && --depth == 0) {
            return at + 1;
        }
    }
    return 0;
}

/* Strings, escapes and brackets at all places of the blocks in which items are passed. */
static void finds_the_end_of_every_item(void **state)
{
    (void)state;
    static const char kinds[] = "\"\"\\\\{}[],aaaaaaaaaaaa";
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, 21);
    size_t closed = 0;
    for (int i = 0; i < 100000; i++) {
        char text[300];
        size_t len = 2 + (size_t)random_below(&random, sizeof text - 2);
        for (size_t at = 0; at < len; at++) {
            text[at] = kinds[random_below(&random, sizeof kinds - 1)];
        }
        memcpy(text, "[{", 2);
        size_t end = end_of_container(text + 1, len - 1);
        char *copy = padded((struct str){text, len});
        struct activity_json_array array;
        activity_json_array_init(&array, copy, len);
        char *item;
        size_t item_len;
        struct error err;
        enum status status = activity_json_array_next(&array, &item, &item_len, &err);
        bool found = end > 0 && end < len - 1; /* something must follow */
        assert_int_equal(status, found ? STATUS_OK : STATUS_INVALID);
        assert_true(!found || (item == copy + 1 && item_len == end));
        closed += found && end > 64;
        free(copy);
    }
    assert_true(closed > 1000);
}

/* One byte for each value is the most that a text can ask of the parser's memory, whatever its
 * length: what is wrong with it is told, not that memory is short. */
static void dense_texts_are_read_at_any_length(void **state)
{
    (void)state;
    static const char front[] = "{\"userId\":\"a\",\"action\":\"b\",\"metadata\":{\"a\":";
    static char text[8192];
    memset(text, '[', sizeof text);
    memcpy(text, front, sizeof front - 1);
    for (size_t len = sizeof front; len <= sizeof text; len += 7) {
        struct reading r;
        read_text(&r, (struct str){text, len});
        if (r.status != STATUS_INVALID) {
            fail_msg("%zu bytes: %s", len, status_name(r.status));
        }
        forget(&r);
    }
}

/* Parsing an item in place must leave its neighbours alone, also where it is a bare number. */
static void reading_an_item_spares_the_next(void **state)
{
    (void)state;
    static const char text[] = "[12,{\"userId\":\"u\",\"action\":\"a\",\"metadata\":{\"n\":5}},-3]";
    char *copy = padded(STR(text));
    struct activity_json_reader reader;
    assert_int_equal(activity_json_reader_init(&reader, &activity_rules_default, 1024), STATUS_OK);
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct activity_json_array array;
    activity_json_array_init(&array, copy, sizeof text - 1);
    static const enum status wanted[] = {STATUS_INVALID, STATUS_OK, STATUS_INVALID};
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++) {
        char *item;
        size_t len;
        struct error err;
        struct rejection rejection;
        struct activity_draft draft;
        rejection_init(&rejection);
        assert_int_equal(activity_json_array_next(&array, &item, &len, &err), STATUS_OK);
        struct activity_json_text json = {item, len, NOW_MS, &arena};
        assert_int_equal(activity_json_read(&reader, &json, &draft, &rejection), wanted[i]);
    }
    arena_deinit(&arena);
    activity_json_reader_deinit(&reader);
    free(copy);
}

static void writes_the_answer_shape(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 4096);
    activity_json_append(&text, &(struct activity){
                                    .id = STR("i"),
                                    .user_id = STR("u\"\\\x01"),
                                    .action = STR("a"),
                                    .metadata = STR("{\"k\":1}"),
                                    .timestamp_ms = NOW_MS,
                                });
    expect_str(buffer_str(&text),
               "{\"id\":\"i\",\"userId\":\"u\\\"\\\\\\u0001\",\"action\":\"a\","
               "\"timestamp\":\"2026-01-14T23:58:05.442Z\",\"metadata\":{\"k\":1}}");
    buffer_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_member),
        cmocka_unit_test(leaves_out_what_is_optional),
        cmocka_unit_test(keeps_metadata_to_the_letter),
        cmocka_unit_test(refuses_by_member),
        cmocka_unit_test(tells_all_faults_at_once),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(bounds_the_sizes),
        cmocka_unit_test(finds_a_duplicate_among_many_keys),
        cmocka_unit_test(cuts_arrays_into_items),
        cmocka_unit_test(finds_the_end_of_every_item),
        cmocka_unit_test(dense_texts_are_read_at_any_length),
        cmocka_unit_test(reading_an_item_spares_the_next),
        cmocka_unit_test(writes_the_answer_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
