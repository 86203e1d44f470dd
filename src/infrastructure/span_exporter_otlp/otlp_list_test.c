/* Guards that lists of OpenTelemetry's variables are read as it says, and that what is wrong with
 * one is told without what it holds. */
#include "infrastructure/span_exporter_otlp/otlp_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_pair(struct str *rest, const char *key, const char *value)
{
    struct otlp_pair pair;
    assert_int_equal(otlp_list_next(rest, &pair), STATUS_OK);
    assert_true(str_equal(pair.key, str_from(key)));
    assert_true(str_equal(pair.value, str_from(value)));
}

static void pairs_come_in_their_order(void **state)
{
    (void)state;
    struct otlp_pair pair;
    struct str rest = STR(" a=1 ,, b = x=y%2Cz%20 ,c=,d=%41,");
    expect_pair(&rest, "a", "1");
    expect_pair(&rest, "b", "x=y,z ");
    expect_pair(&rest, "c", "");
    expect_pair(&rest, "d", "A");
    assert_int_equal(otlp_list_next(&rest, &pair), STATUS_NOT_FOUND);
    rest = STR("");
    assert_int_equal(otlp_list_next(&rest, &pair), STATUS_NOT_FOUND);
}

static void what_is_wrong_is_told_without_its_words(void **state)
{
    (void)state;
    static const char *const wrong[] = {"a=1,secret", "a=1,=secret", "a=1,secret=%4",
                                        "a=1,secret=%zz"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error err = {0};
        assert_int_equal(otlp_list_check("headers", str_from(wrong[i]), &err), STATUS_INVALID);
        assert_non_null(strstr(err.message, "headers: its entry 2"));
        assert_null(strstr(err.message, "secret"));
    }
    assert_int_equal(otlp_list_check("headers", STR("a=1,b=2"), NULL), STATUS_OK);
}

/* A field that ends its line would be further ones, or the end of the request's head. */
static void a_field_stays_one_field(void **state)
{
    (void)state;
    static const char *const wrong[] = {"a=1,secret=x%0d%0aX-B:1", "a=1,secret=%00",
                                        "a=1,secret=%7F", "a=1,se cret=x", "a=1,secret:=x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct error err = {0};
        assert_int_equal(otlp_list_check_fields("headers", str_from(wrong[i]), &err),
                         STATUS_INVALID);
        assert_non_null(strstr(err.message, "headers: its entry 2"));
        assert_null(strstr(err.message, "secret"));
    }
    assert_int_equal(otlp_list_check_fields("headers", STR("api-key=a%20b%09%C3%A9,X_1=~"), NULL),
                     STATUS_OK);
    assert_int_equal(otlp_list_check_fields("headers", STR("a"), NULL), STATUS_INVALID);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_come_in_their_order),
        cmocka_unit_test(what_is_wrong_is_told_without_its_words),
        cmocka_unit_test(a_field_stays_one_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
