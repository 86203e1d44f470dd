/* Guards that what a client is told is well-formed text with a pointer to the right member. */
#include "base/macros.h"
#include "base/utf8.h"
#include "domain/rejection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>
static void assert_well_formed(const char *text)
{
    size_t code_points;
    assert_true(utf8_count(str_from(text), &code_points));
}

static void test_faults_in_order(void **state)
{
    (void)state;
    struct rejection rejection;
    rejection_init(&rejection);
    rejection_add(&rejection, "/userId", "must have %d", 5);
    rejection_add(&rejection, "", "is no object");
    assert_int_equal(rejection.count, 2);
    assert_string_equal(rejection.faults[0].pointer, "/userId");
    assert_string_equal(rejection.faults[0].detail, "must have 5");
    assert_string_equal(rejection.faults[1].pointer, "");
}

static void test_more_faults_are_not_told(void **state)
{
    (void)state;
    struct rejection rejection;
    rejection_init(&rejection);
    for (int i = 0; i < 3 * REJECTION_FAULTS_MAX; i++) {
        rejection_add(&rejection, "/x", "%d", i);
    }
    assert_int_equal(rejection.count, REJECTION_FAULTS_MAX);
    assert_string_equal(rejection.faults[REJECTION_FAULTS_MAX - 1].detail, "7");
}

/* RFC 6901 section 3, and its order: "~" first, or "/" would become "~01". */
static void test_members_are_escaped(void **state)
{
    (void)state;
    const struct {
        struct str member;
        const char *pointer;
    } cases[] = {
        {STR("plain"), "/metadata/plain"},
        {STR(""), "/metadata/"},
        {STR("a/b"), "/metadata/a~1b"},
        {STR("~"), "/metadata/~0"},
        {STR("~1"), "/metadata/~01"},
        {STR("/~/"), "/metadata/~1~0~1"},
        {STR("a\0b"), "/metadata/ab"},
        {STR("%s%n"), "/metadata/%s%n"},
        {STR("\xc3\xa4"), "/metadata/\xc3\xa4"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct rejection rejection;
        rejection_init(&rejection);
        rejection_add_member(&rejection, "/metadata", cases[i].member, "is unknown");
        assert_string_equal(rejection.faults[0].pointer, cases[i].pointer);
        assert_string_equal(rejection.faults[0].detail, "is unknown");
    }
}

/* Texts of any length are cut at a character's border and never inside an escape. */
static void test_long_texts_are_cut_whole(void **state)
{
    (void)state;
    static const char *const characters[] = {"x", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                             "~"};
    for (size_t kind = 0; kind < ARRAY_LENGTH(characters); kind++) {
        for (size_t before = 0; before < 8; before++) {
            char text[1024] = "aaaaaaaa";
            size_t len = before;
            size_t size = strlen(characters[kind]);
            for (; len + size < 600; len += size) {
                memcpy(text + len, characters[kind], size + 1);
            }
            struct rejection rejection;
            rejection_init(&rejection);
            rejection_add_member(&rejection, "/m", str_from(text), "%s", text);
            const struct rejection_fault *fault = &rejection.faults[0];
            assert_well_formed(fault->pointer);
            assert_well_formed(fault->detail);
            assert_true(strlen(fault->pointer) > REJECTION_POINTER_BYTES - 8);
            assert_true(strlen(fault->detail) > REJECTION_DETAIL_BYTES - 8);
            for (const char *at = fault->pointer; (at = strchr(at, '~')) != NULL; at++) {
                assert_true(at[1] == '0' || at[1] == '1');
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_in_order),
        cmocka_unit_test(test_more_faults_are_not_told),
        cmocka_unit_test(test_members_are_escaped),
        cmocka_unit_test(test_long_texts_are_cut_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
