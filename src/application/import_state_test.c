/* Guards what an import goes on from: all of it comes back, and what was changed or cut is no
 * state. */
#include "application/import_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static struct import_state sample(void)
{
    struct import_state state = {
        .progress =
            {.offset = UINT64_C(1) << 40, .line = 3, .imported = 2, .refused = 1, .has_key = true},
        .errors_bytes = UINT64_MAX,
        .target = "folder /srv/with blank",
    };
    for (size_t i = 0; i < IMPORT_HASH_BYTES; i++) {
        state.progress.key[i] = (uint8_t)(i * 9);
        state.seen[i] = (uint8_t)(255 - i);
    }
    return state;
}

static void it_comes_back(void **unused)
{
    (void)unused;
    const struct import_state state = sample();
    struct import_state back;
    struct buffer text;
    buffer_init(&text, IMPORT_STATE_BYTES_MAX);
    import_state_append(&text, &state);
    assert_int_equal(text.failed, STATUS_OK);
    assert_int_equal(import_state_parse(buffer_str(&text), &back, NULL), STATUS_OK);
    assert_int_equal(back.progress.offset, state.progress.offset);
    assert_int_equal(back.progress.line, 3);
    assert_int_equal(back.progress.imported, 2);
    assert_int_equal(back.progress.refused, 1);
    assert_true(back.progress.has_key);
    assert_true(back.errors_bytes == UINT64_MAX);
    assert_memory_equal(back.progress.key, state.progress.key, IMPORT_HASH_BYTES);
    assert_memory_equal(back.seen, state.seen, IMPORT_HASH_BYTES);
    assert_string_equal(back.target, state.target);
    buffer_deinit(&text);
}

static void the_largest_one_fits(void **unused)
{
    (void)unused;
    struct import_state state = sample();
    struct import_state back;
    struct buffer text;
    memset(state.target, 't', sizeof state.target - 1);
    state.progress.offset = state.progress.line = UINT64_MAX;
    state.progress.imported = state.progress.refused = UINT64_MAX;
    buffer_init(&text, IMPORT_STATE_BYTES_MAX);
    import_state_append(&text, &state);
    assert_int_equal(text.failed, STATUS_OK);
    assert_int_equal(import_state_parse(buffer_str(&text), &back, NULL), STATUS_OK);
    assert_string_equal(back.target, state.target);
    buffer_deinit(&text);
}

static void nothing_else_is_a_state(void **unused)
{
    (void)unused;
    const struct import_state state = sample();
    struct import_state back;
    struct error err;
    struct buffer text;
    buffer_init(&text, IMPORT_STATE_BYTES_MAX);
    import_state_append(&text, &state);
    for (size_t i = 0; i < text.len; i++) {
        assert_int_equal(import_state_parse((struct str){text.data, i}, &back, &err),
                         STATUS_INVALID);
        for (int bit = 0; bit < 8; bit++) {
            text.data[i] = (char)(text.data[i] ^ 1 << bit);
            assert_int_equal(import_state_parse(buffer_str(&text), &back, &err), STATUS_INVALID);
            text.data[i] = (char)(text.data[i] ^ 1 << bit);
        }
    }
    buffer_append_char(&text, 'x');
    assert_int_equal(import_state_parse(buffer_str(&text), &back, &err), STATUS_INVALID);
    buffer_deinit(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_back),
        cmocka_unit_test(the_largest_one_fits),
        cmocka_unit_test(nothing_else_is_a_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
