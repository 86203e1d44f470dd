// Guards the comparison of content: it must see every change that the service may not make and
// none of those that it may; and the generator makes what the service takes.
#include "content_hash.h"
#include "generator.h"
#include "unit_test.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const char *text, bool with_timestamp)
{
    char *copy = strdup(text);
    yyjson_doc *document =
        yyjson_read_opts(copy, strlen(copy), YYJSON_READ_NUMBER_AS_RAW, NULL, NULL);
    assert_non_null(document);
    uint64_t hash = content_hash_activity(yyjson_doc_get_root(document), with_timestamp);
    yyjson_doc_free(document);
    free(copy);
    return hash;
}

#define ACTIVITY(metadata)                                                                         \
    "{\"userId\":\"u\",\"action\":\"A\",\"timestamp\":\"T\",\"metadata\":" metadata "}"

static void equal_content_hashes_alike(void **state)
{
    (void)state;
    uint64_t hash = hash_of(ACTIVITY("{\"a\":\"caf\xc3\xa9/\",\"b\":[1.50,true]}"), true);
    assert_true(hash ==
                hash_of(ACTIVITY("{ \"a\" : \"caf\\u00e9\\/\",\n\"b\":[ 1.50 ,true]}"), true));
    assert_true(hash ==
                hash_of("{\"id\":\"x\",\"metadata\":{\"\\u0061\":\"caf\xc3\xa9/\",\"b\":[1.50,"
                        "true]},\"timestamp\":\"T\",\"action\":\"A\",\"userId\":\"u\"}",
                        true));
}

static void changed_content_hashes_otherwise(void **state)
{
    (void)state;
    static const char *const different[] = {
        ACTIVITY("{\"a\":1,\"b\":2}"),
        ACTIVITY("{\"b\":2,\"a\":1}"),
        ACTIVITY("{\"a\":1.0,\"b\":2}"),
        ACTIVITY("{\"a\":\"1\",\"b\":2}"),
        ACTIVITY("{\"a\":1,\"b\":{}}"),
        ACTIVITY("{\"a\":1,\"b\":[]}"),
        ACTIVITY("{\"a\":1,\"b\":null}"),
        ACTIVITY("{\"a\":1,\"b\":true}"),
        ACTIVITY("{\"a\":1,\"b\":false}"),
        ACTIVITY("{\"a\":1,\"b\":\"\"}"),
        ACTIVITY("{\"a\":1}"),
        ACTIVITY("{\"a\":[1,2]}"),
        ACTIVITY("{\"a\":[[1],2]}"),
        ACTIVITY("{\"a\":\"0123456\"}"),
        ACTIVITY("{\"a\":\"01234567\"}"),
        ACTIVITY("{\"a\":\"01234567\\u0000\"}"),
        ACTIVITY("{}"),
        ACTIVITY("null"),
        "{\"userId\":\"u\",\"action\":\"A\",\"timestamp\":\"T\"}",
        "{\"userId\":\"u\",\"action\":\"A\",\"metadata\":{}}",
        "{\"userId\":\"u\",\"action\":\"B\",\"timestamp\":\"T\",\"metadata\":{}}",
        "{\"userId\":\"uA\",\"action\":\"\",\"timestamp\":\"T\",\"metadata\":{}}",
    };
    enum { COUNT = sizeof different / sizeof *different };
    uint64_t hashes[COUNT];
    for (size_t index = 0; index < COUNT; index++) {
        hashes[index] = hash_of(different[index], true);
        for (size_t other = 0; other < index; other++)
            assert_true(hashes[index] != hashes[other]);
    }
}

static void a_timestamp_counts_only_where_sent(void **state)
{
    (void)state;
    const char *first = "{\"userId\":\"u\",\"action\":\"A\",\"timestamp\":\"1\"}";
    const char *second = "{\"userId\":\"u\",\"action\":\"A\",\"timestamp\":\"2\"}";
    assert_true(hash_of(first, false) == hash_of(second, false));
    assert_true(hash_of(first, true) != hash_of(second, true));
}

static void every_activity_is_valid_and_of_its_size(void **state)
{
    (void)state;
    struct generator_config config = {.nonce = "0123abcd",
                                      .run = 1,
                                      .timestamps = true,
                                      .users = 1000,
                                      .activity_bytes = 400,
                                      .seed = 5};
    struct generator *generator = generator_new(&config);
    char text[GENERATOR_BYTES_MAX + 400];
    unsigned exact = 0;
    for (uint64_t sequence = 0; sequence < 5000; sequence++) {
        uint32_t user = generator_draw_user(generator);
        assert_true(user < config.users);
        size_t len = generator_write(generator, sequence, user, sequence % 2 == 1, text);
        yyjson_doc *document = yyjson_read(text, len, 0);
        assert_non_null(document);
        yyjson_val *activity = yyjson_doc_get_root(document);
        assert_true(yyjson_is_str(yyjson_obj_get(activity, "userId")));
        assert_true(yyjson_is_obj(yyjson_obj_get(activity, "metadata")));
        assert_int_equal(yyjson_get_len(yyjson_obj_get(activity, "id")), NAME_ACTIVITY_LEN);
        assert_int_equal(yyjson_obj_get(activity, "timestamp") != NULL, sequence % 2 == 0);
        exact += len == config.activity_bytes;
        yyjson_doc_free(document);
    }
    assert_int_equal(exact, 5000);
    generator_free(generator);
}

// By Zipf's law with exponent 1 the first of 1,000 users has 1 / H(1000) = 13.4 % of all, the tenth
// a tenth of that.
static void users_are_drawn_by_zipf(void **state)
{
    (void)state;
    struct generator_config config = {.nonce = "0123abcd", .run = 1, .users = 1000, .seed = 9};
    struct generator *generator = generator_new(&config);
    unsigned first = 0;
    unsigned tenth = 0;
    for (unsigned count = 0; count < 100000; count++) {
        uint32_t user = generator_draw_user(generator);
        first += user == 0;
        tenth += user == 9;
    }
    assert_in_range(first, 12800, 14000);
    assert_in_range(tenth, 1200, 1500);
    generator_free(generator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_content_hashes_alike),
        cmocka_unit_test(changed_content_hashes_otherwise),
        cmocka_unit_test(a_timestamp_counts_only_where_sent),
        cmocka_unit_test(every_activity_is_valid_and_of_its_size),
        cmocka_unit_test(users_are_drawn_by_zipf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
