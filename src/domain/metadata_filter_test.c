/* Guards what a condition on metadata means: which values it finds by which path and which it must
 * not find, what is refused as a path, and the bounds. */
#include "base/macros.h"
#include "base/utf8.h"
#include "domain/metadata_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static struct metadata_filter filter;

static int begin(void **state)
{
    (void)state;
    memset(&filter, 0, sizeof filter);
    return 0;
}

static enum status add(const char *path, const char *value, struct error *err)
{
    return metadata_filter_add(&filter, str_from(path), str_from(value), err);
}

static void want(const char *path, const char *value)
{
    struct error err;
    if (add(path, value, &err) != STATUS_OK) {
        fail_msg("%s=%s: %s", path, value, err.message);
    }
}

static void expect(const char *metadata, bool matches)
{
    if (metadata_filter_matches(&filter, str_from(metadata)) != matches) {
        fail_msg("%s: expected %s", metadata, matches ? "a match" : "none");
    }
}

struct case_of_one {
    const char *path;
    const char *value;
    const char *metadata;
    bool matches;
};

static void expect_each(const struct case_of_one *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memset(&filter, 0, sizeof filter);
        want(cases[i].path, cases[i].value);
        if (metadata_filter_matches(&filter, str_from(cases[i].metadata)) != cases[i].matches ||
            metadata_filter_finds_any(&filter, str_from(cases[i].metadata)) != cases[i].matches) {
            fail_msg("%s=%s on %s: expected %s", cases[i].path, cases[i].value, cases[i].metadata,
                     cases[i].matches ? "a match" : "none");
        }
    }
}

/* A text finds the string, the number and the word that it spells. */
static void test_values(void **state)
{
    (void)state;
    static const struct case_of_one cases[] = {
        {"a", "x", "{\"a\":\"x\"}", true},
        {"a", "x", "{\"a\":\"X\"}", false},
        {"a", "x", "{\"a\":\"xx\"}", false},
        {"a", "x", "{}", false},
        {"a", "", "{\"a\":\"\"}", true},
        {"a", "", "{\"a\":null}", false},
        {"a", "\xc3\xa9", "{\"a\":\"\\u00e9\"}", true},
        {"a", "\xc3\xa9", "{\"a\":\"\xc3\xa9\"}", true},
        {"a", "\\u00e9", "{\"a\":\"\xc3\xa9\"}", false},
        {"a", "\xf0\x9f\x98\x80", "{\"a\":\"\\ud83d\\ude00\"}", true},
        {"a", "say \"hi\"\n", "{\"a\":\"say \\\"hi\\\"\\n\"}", true},
        {"a", "1", "{\"a\":1}", true},
        {"a", "1", "{\"a\":\"1\"}", true},
        {"a", "1", "{\"a\":1.0}", true},
        {"a", "1.0", "{\"a\":\"1\"}", false},
        {"a", "1", "{\"a\":11}", false},
        {"a", "100", "{\"a\":1E2}", true},
        {"a", "1e2", "{\"a\":100}", true},
        {"a", "-0", "{\"a\":0}", true},
        {"a", "0", "{\"a\":-0}", true},
        {"a", "12345678901234567890", "{\"a\":12345678901234567890}", true},
        {"a", "12345678901234567891", "{\"a\":12345678901234567890}", false},
        {"a", "1e999999999", "{\"a\":1e999999999}", true},
        {"a", "1e999999999", "{\"a\":1e999999998}", false},
        {"a", "01", "{\"a\":1}", false},
        {"a", "+1", "{\"a\":1}", false},
        {"a", " 1", "{\"a\":1}", false},
        {"a", "01", "{\"a\":\"01\"}", true},
        {"a", "true", "{\"a\":true}", true},
        {"a", "true", "{\"a\":\"true\"}", true},
        {"a", "true", "{\"a\":false}", false},
        {"a", "True", "{\"a\":true}", false},
        {"a", "1", "{\"a\":true}", false},
        {"a", "false", "{\"a\":false}", true},
        {"a", "null", "{\"a\":null}", true},
        {"a", "null", "{\"a\":\"null\"}", true},
        {"a", "null", "{}", false},
        {"a", "{}", "{\"a\":{}}", false},
        {"a", "[]", "{\"a\":[]}", false},
    };
    expect_each(cases, ARRAY_LENGTH(cases));
}

static void test_paths(void **state)
{
    (void)state;
    static const struct case_of_one cases[] = {
        {"b", "1", "{\"a\":{\"b\":1},\"c\":[{\"b\":1}]}", false},
        {"a.b", "1", "{\"a\":{\"b\":1}}", true},
        {"a.b", "1", "{\"a\":{\"c\":{\"b\":1}},\"b\":1}", false},
        {"a.b", "1", "{\"a.b\":1}", false},
        {"a\\.b", "1", "{\"a.b\":1}", true},
        {"a\\.b", "1", "{\"a\":{\"b\":1}}", false},
        {"a\\\\", "1", "{\"a\\\\\":1}", true},
        {"a\\\\.b", "1", "{\"a\\\\\":{\"b\":1}}", true},
        {"a\\\\\\.b", "1", "{\"a\\\\.b\":1}", true},
        {"\xc3\xa9", "1", "{\"\\u00e9\":1}", true},
        {"a b", "1", "{\"a b\":1}", true},
        {"A", "1", "{\"a\":1}", false},
        {"a", "1", "{\"aa\":1,\"b\":1,\"\":1}", false},
        {"a", "1", "{\"x\":{\"a\":2},\"y\":[\"a\",\"}\"],\"a\":1}", true},
        {"a$", "1", "{\"a$\":1}", true},
        {"a", "1", "{\"a\":{\"b\":1}}", false},
        {"a.b", "1", "{\"a\":1}", false},
        {"a.b", "1", "{\"a\":\"b\"}", false},
        {"a.b.c.d", "x", "{\"a\":{\"b\":{\"c\":{\"d\":\"x\"}}}}", true},
        {"a.b.c.d", "x", "{\"a\":{\"b\":{\"c\":{\"e\":\"x\"},\"d\":\"x\"}}}", false},
    };
    expect_each(cases, ARRAY_LENGTH(cases));
}

static void test_arrays(void **state)
{
    (void)state;
    static const struct case_of_one cases[] = {
        {"a", "2", "{\"a\":[1,2,3]}", true},
        {"a", "4", "{\"a\":[1,2,3]}", false},
        {"a", "x", "{\"a\":[null,{\"x\":\"x\"},\"x\"]}", true},
        {"a", "x", "{\"a\":[]}", false},
        {"a", "null", "{\"a\":[]}", false},
        {"a", "null", "{\"a\":[true,null]}", true},
        {"a", "1", "{\"a\":[[1]]}", false},
        {"a.b", "1", "{\"a\":[{\"b\":2},7,\"b\",{\"c\":1},{\"b\":1}]}", true},
        {"a.b", "1", "{\"a\":[{\"b\":2},{\"c\":1}],\"b\":1}", false},
        {"a.b", "1", "{\"a\":[{\"b\":[2,1]}]}", true},
        {"a.b", "1", "{\"a\":[[{\"b\":1}]]}", false},
        {"a.b.c", "1", "{\"a\":[{\"b\":[{\"c\":2}]},{\"b\":[{},{\"c\":[0,1]}]}]}", true},
        {"a.b.c", "1", "{\"a\":[{\"b\":[{\"c\":2}]},{\"b\":{\"d\":1}}],\"c\":1}", false},
        {"a.0", "1", "{\"a\":[1]}", false},
        {"a.0", "1", "{\"a\":[{\"0\":1}]}", true},
    };
    expect_each(cases, ARRAY_LENGTH(cases));
}

/* Of the values of one path one must be there, whichever order they came in; of paths, each. */
static void test_several_conditions(void **state)
{
    (void)state;
    want("a", "1");
    want("b.c", "x");
    want("a", "2");
    expect("{\"a\":1,\"b\":{\"c\":\"x\"}}", true);
    expect("{\"b\":{\"c\":\"x\"},\"a\":2}", true);
    expect("{\"a\":3,\"b\":{\"c\":\"x\"}}", false);
    expect("{\"a\":2,\"b\":{\"c\":\"y\"}}", false);
    expect("{\"a\":\"x\",\"b\":{\"c\":\"1\"}}", false);
    expect("{\"a\":1}", false);
    expect("{\"b\":{\"c\":\"x\"}}", false);
    expect("{\"a\":[7,2],\"b\":[{\"c\":[\"x\"]}]}", true);
    want("d", "4");
    expect("{\"a\":4,\"b\":{\"c\":\"x\"},\"d\":1}", false);
    expect("{\"a\":1,\"b\":{\"c\":\"x\"},\"d\":4}", true);
}

/* The same letters with the point elsewhere are another path. */
static void test_paths_are_told_apart(void **state)
{
    (void)state;
    want("a.bc", "1");
    want("ab.c", "2");
    assert_int_equal(filter.path_count, 2);
    expect("{\"a\":{\"bc\":1},\"ab\":{\"c\":2}}", true);
    expect("{\"a\":{\"bc\":2},\"ab\":{\"c\":1}}", false);
}

static void test_no_condition_matches_everything(void **state)
{
    (void)state;
    expect("{}", true);
    expect("{\"a\":1}", true);
}

/* Two of the same count once. */
static void test_each_value_once(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * METADATA_VALUES_MAX; i++) {
        want("a.b", "1");
        want("a\\.b", "1");
    }
    assert_int_equal(filter.path_count, 2);
    assert_int_equal(filter.value_count, 2);
    want("a.b", "1.0"); /* the same number and another string */
    assert_int_equal(filter.value_count, 3);
}

static void expect_refused(const char *path, const char *value, const char *word)
{
    static struct metadata_filter before;
    struct error err = {0};
    size_t code_points;
    memcpy(&before, &filter, sizeof filter);
    if (add(path, value, &err) != STATUS_INVALID || strstr(err.message, word) == NULL) {
        fail_msg("%s: \"%s\" does not say %s", path, err.message, word);
    }
    assert_int_equal(err.status, STATUS_INVALID);
    assert_true(utf8_count(str_from(err.message), &code_points));
    assert_memory_equal(&before, &filter, sizeof filter);
}

static void test_refuses(void **state)
{
    (void)state;
    expect_refused("", "1", "empty");
    expect_refused(".", "1", "empty");
    expect_refused("a.", "1", "empty");
    expect_refused(".a", "1", "empty");
    expect_refused("a..b", "1", "metadata.a..b");
    expect_refused("$where", "1", "$where");
    expect_refused("a.$gt", "1", "$gt");
    expect_refused("a.$gt.b", "1", "$gt");
    expect_refused("a[$ne]", "1", "a[$ne]");
    expect_refused("a\\", "1", "backslash");
    expect_refused("a\\b", "1", "backslash");
    expect_refused("\\$a", "1", "backslash");
}

static void test_bounds_of_a_path(void **state)
{
    (void)state;
    char path[METADATA_PATH_BYTES_MAX + 2];
    memset(path, 'a', sizeof path);
    path[METADATA_PATH_BYTES_MAX] = '\0';
    want(path, "1");
    memset(path, '\xc3', sizeof path); /* cut characters are not shown */
    for (size_t i = 1; i < sizeof path; i += 2) {
        path[i] = '\xa9';
    }
    path[METADATA_PATH_BYTES_MAX + 1] = '\0';
    expect_refused(path, "1", "256");
    want("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p", "1");
    expect_refused("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q", "1", "16");
    expect("{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":{\"j\":{\"k\":{\"l\":{"
           "\"m\":{\"n\":{\"o\":{\"p\":1}}}}}}}}}}}}}}}}",
           false);
}

static void test_bounds_in_number(void **state)
{
    (void)state;
    static char values[METADATA_VALUES_MAX][4];
    char path[4];
    for (int i = 0; i < METADATA_PATHS_MAX; i++) {
        snprintf(path, sizeof path, "p%d", i);
        want(path, "0");
    }
    expect_refused("p8", "0", "8");
    for (int i = METADATA_PATHS_MAX; i < METADATA_VALUES_MAX; i++) {
        snprintf(values[i], sizeof values[i], "%d", i);
        want("p1", values[i]);
    }
    expect_refused("p1", "more", "64");
    want("p1", "63");
    assert_int_equal(filter.value_count, METADATA_VALUES_MAX);
}

static void test_bound_of_a_value(void **state)
{
    (void)state;
    static char value[METADATA_VALUE_BYTES_MAX + 2];
    static char metadata[METADATA_VALUE_BYTES_MAX + 20];
    memset(value, 'v', METADATA_VALUE_BYTES_MAX);
    want("a", value);
    snprintf(metadata, sizeof metadata, "{\"a\":\"%s\"}", value);
    expect(metadata, true);
    value[METADATA_VALUE_BYTES_MAX] = 'v';
    expect_refused("b", value, "1024");
}

/* Stored metadata was checked, but disks err. */
static void test_no_json_is_not_left(void **state)
{
    (void)state;
    static const char whole[] = "{\"x\":[{\"a\":\"\\u00e9\\\"\"},{\"a\":{\"b\":[1,\"z\"]}}]}";
    want("x.a.b", "z");
    want("x.a", "\xc3\xa9\"");
    expect(whole, true);
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *text = malloc(len == 0 ? 1 : len);
        assert_non_null(text);
        memcpy(text, whole, len);
        (void)metadata_filter_matches(&filter, (struct str){text, len});
        free(text);
    }
    expect("", false);
    expect("[", false);
    expect("null", false);
    expect("{x}", false);
    expect("{\"x\"", false);
    expect("{\"x\":", false);
    expect("{\"x\":}", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_values, begin),
        cmocka_unit_test_setup(test_paths, begin),
        cmocka_unit_test_setup(test_arrays, begin),
        cmocka_unit_test_setup(test_several_conditions, begin),
        cmocka_unit_test_setup(test_paths_are_told_apart, begin),
        cmocka_unit_test_setup(test_no_condition_matches_everything, begin),
        cmocka_unit_test_setup(test_each_value_once, begin),
        cmocka_unit_test_setup(test_refuses, begin),
        cmocka_unit_test_setup(test_bounds_of_a_path, begin),
        cmocka_unit_test_setup(test_bounds_in_number, begin),
        cmocka_unit_test_setup(test_bound_of_a_value, begin),
        cmocka_unit_test_setup(test_no_json_is_not_left, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
