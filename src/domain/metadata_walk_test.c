/* Guards what a path leads to: each value there in its order, with the text that groups go by. */
#include "base/macros.h"
#include "domain/metadata_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { FOUND_BYTES_MAX = 4096 };

struct listing {
    struct metadata_walk walk;
    struct buffer scratch;
    struct buffer found; /* "[1][text]" */
    int most;            /* ends the walk behind so many */
};

static bool list(struct metadata_walk *walk, enum metadata_leaf leaf, struct str taken)
{
    struct listing *listing = CONTAINER_OF(walk, struct listing, walk);
    struct str text;
    bool sound = metadata_leaf_text(leaf, taken, &listing->scratch, &text);
    assert_int_equal(listing->scratch.failed, STATUS_OK);
    if (sound) {
        buffer_append_format(&listing->found, "[%.*s]", STR_FORMAT(text));
    } else {
        buffer_append_literal(&listing->found, "[?]");
    }
    return --listing->most > 0;
}

static bool run(const char *path, const char *metadata, int most, char out[FOUND_BYTES_MAX])
{
    struct metadata_path read;
    struct listing listing = {.walk = {.path = &read, .take = list}, .most = most};
    assert_int_equal(metadata_path_read(str_from(path), &read, NULL), STATUS_OK);
    buffer_init(&listing.scratch, FOUND_BYTES_MAX);
    buffer_init(&listing.found, FOUND_BYTES_MAX);
    bool ended = metadata_walk_run(&listing.walk, str_from(metadata));
    snprintf(out, FOUND_BYTES_MAX, "%.*s",
             STR_FORMAT(listing.found.len == 0 ? STR("") : buffer_str(&listing.found)));
    buffer_deinit(&listing.scratch);
    buffer_deinit(&listing.found);
    return ended;
}

static void expect(const char *path, const char *metadata, const char *found)
{
    char text[FOUND_BYTES_MAX];
    assert_true(run(path, metadata, 100, text));
    if (strcmp(text, found) != 0) {
        fail_msg("%s of %s is %s, not %s", path, metadata, text, found);
    }
}

static void values_have_their_texts(void **state)
{
    (void)state;
    expect("k", "{\"k\":\"text\"}", "[text]");
    expect("k", "{\"k\":\"\"}", "[]");
    expect("k", "{\"k\":1.50}", "[1.5]");
    expect("k", "{\"k\":15e-1}", "[1.5]");
    expect("k", "{\"k\":true}", "[true]");
    expect("k", "{\"k\":null}", "[null]");
    expect("k", "{\"k\":\"a\\u00e9\\n\\\"\"}", "[a\xc3\xa9\n\"]");
    expect("k", "{\"k\":\"\\ud800\"}", "[?]");
    expect("k", "{\"\\u006b\":\"x\",\"other\":1}", "[x]");
}

static void a_path_goes_through_objects_and_arrays(void **state)
{
    (void)state;
    expect("a.b", "{\"a\":{\"b\":1,\"c\":2},\"b\":3}", "[1]");
    expect("a.b", "{\"a\":[{\"b\":1},{\"c\":2},{\"b\":[2,\"3\"]},4,[{\"b\":5}]]}", "[1][2][3]");
    expect("k", "{\"k\":[1,1,\"1\",[2],{\"k\":3}]}", "[1][1][1]");
    expect("k", "{\"k\":{\"a\":1}}", "");
    expect("k", "{\"k\":[]}", "");
    expect("k", "{}", "");
    expect("a\\.b", "{\"a.b\":1,\"a\":{\"b\":2}}", "[1]");
}

static void a_walk_ends_when_it_has_enough(void **state)
{
    (void)state;
    char text[FOUND_BYTES_MAX];
    assert_false(run("k", "{\"k\":[1,2,3]}", 2, text));
    assert_string_equal(text, "[1][2]");
}

/* Whatever the text is, it is not left. */
static void what_is_no_json_is_survived(void **state)
{
    (void)state;
    static const char *const texts[] = {"",           "x",         "{",        "{\"k\"",
                                        "{\"k\":",    "[1]",       "{\"k\":}", "{\"k\":[",
                                        "{\"k\":\"a", "{\"k\":1,", "\"k\"",    "{\"k\":[1,}"};
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        char text[FOUND_BYTES_MAX];
        run("k", texts[i], 100, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_their_texts),
        cmocka_unit_test(a_path_goes_through_objects_and_arrays),
        cmocka_unit_test(a_walk_ends_when_it_has_enough),
        cmocka_unit_test(what_is_no_json_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
