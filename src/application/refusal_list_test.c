/*
 * Guards what adapters and callers of the refused list share: copies live in their arena alone, and
 * the place where a page ended in itself alone, however long an id is that somebody else wrote.
 */
#include "application/refusal_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_place_outlives_its_page(void **state)
{
    (void)state;
    char id[] = "id";
    struct refusal_place place;
    struct refusal_entry last = {.id = str_from(id), .refused_at_ms = 42};
    refusal_place_take(&place, &last);
    memset(id, 'x', sizeof id);
    assert_true(str_equal(place.entry.id, STR("id")));
    assert_int_equal(place.entry.refused_at_ms, 42);
}

static void a_place_cuts_an_id_that_is_too_long(void **state)
{
    (void)state;
    char id[REFUSAL_ID_BYTES + 1];
    struct {
        struct refusal_place place;
        char behind[REFUSAL_ID_BYTES];
    } guarded;
    struct refusal_entry last = {.id = {id, sizeof id}};
    memset(id, 'i', sizeof id);
    memset(&guarded, 'b', sizeof guarded);
    refusal_place_take(&guarded.place, &last);
    assert_true(str_equal(guarded.place.entry.id, (struct str){id, REFUSAL_ID_BYTES}));
    for (size_t i = 0; i < sizeof guarded.behind; i++) {
        assert_int_equal(guarded.behind[i], 'b');
    }
}

static void a_copy_lies_in_the_arena(void **state)
{
    (void)state;
    char texts[] = "id-raw-reason";
    struct arena arena;
    struct refusal_entry copy = {
        .id = {texts, 2},
        .refused_at_ms = 42,
        .refusal = {.raw = {texts + 3, 3}, .reason = {texts + 7, 6}, .position = {1, 7}}};
    arena_init(&arena, SIZE_MAX);
    assert_true(refusal_entry_copy(&arena, &copy, &copy));
    memset(texts, 'x', sizeof texts);
    assert_true(str_equal(copy.id, STR("id")));
    assert_true(str_equal(copy.refusal.raw, STR("raw")));
    assert_true(str_equal(copy.refusal.reason, STR("reason")));
    assert_null(copy.refusal.key.data);
    assert_int_equal(copy.refusal.position.offset, 7);
    assert_int_equal(copy.refused_at_ms, 42);
    arena_deinit(&arena);
}

static void a_copy_that_does_not_fit_is_none(void **state)
{
    (void)state;
    char raw[1000] = {0};
    struct arena arena;
    const struct refusal_entry entry = {.id = STR("id"), .refusal.raw = {raw, sizeof raw}};
    struct refusal_entry copy = {.refused_at_ms = 42};
    arena_init(&arena, 500);
    assert_false(refusal_entry_copy(&arena, &entry, &copy));
    assert_int_equal(copy.refused_at_ms, 42);
    assert_null(copy.id.data);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_outlives_its_page),
        cmocka_unit_test(a_place_cuts_an_id_that_is_too_long),
        cmocka_unit_test(a_copy_lies_in_the_arena),
        cmocka_unit_test(a_copy_that_does_not_fit_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
