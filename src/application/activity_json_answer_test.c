/* Guards the reading of a server's answers: rows come back to the letter, and what is no such
 * answer is told and never taken for an empty one. */
#include "application/activity_json.h"
#include "application/activity_json_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

struct reading {
    struct arena arena;
    struct activity_json_answer answer;
    struct error err;
};

static int setup(void **state)
{
    static struct reading reading;
    reading = (struct reading){0};
    arena_init(&reading.arena, 1 << 20);
    *state = &reading;
    return 0;
}

static int teardown(void **state)
{
    struct reading *reading = *state;
    activity_json_answer_deinit(&reading->answer);
    arena_deinit(&reading->arena);
    return 0;
}

static void read_text(struct reading *reading, const char *text)
{
    activity_json_answer_deinit(&reading->answer);
    assert_int_equal(
        activity_json_answer_read(str_from(text), &reading->arena, &reading->answer, &reading->err),
        STATUS_OK);
}

static void rows_come_back_to_the_letter(void **state)
{
    struct reading *reading = *state;
    static const char row[] = "{\"id\":\"a-1\",\"userId\":\"\xc3\xbc\\\"\",\"action\":\"x\","
                              "\"timestamp\":\"2026-01-14T23:58:05.442Z\",\"metadata\":{\"b\":1.50,"
                              "\"a\":12345678901234567890123,\"t\":\"\\u001b[2J\"}}";
    char page[2 * sizeof row + 64];
    snprintf(page, sizeof page, "{\"data\":[%s,%s],\"nextCursor\":null}", row, row);
    read_text(reading, page);
    struct activity_json_answer_list list;
    assert_int_equal(activity_json_answer_list(&reading->answer, "data", &list, &reading->err),
                     STATUS_OK);
    struct buffer buffer;
    buffer_init(&buffer, 4096);
    struct yyjson_val *value;
    unsigned count = 0;
    while ((value = activity_json_answer_next(&list)) != NULL) {
        struct activity activity;
        assert_int_equal(
            activity_json_answer_row(&reading->answer, value, &activity, &reading->err), STATUS_OK);
        buffer_clear(&buffer);
        activity_json_append(&buffer, &activity);
        buffer_append_char(&buffer, '\0');
        assert_string_equal(buffer.data, row);
        count++;
    }
    assert_int_equal(count, 2);
    assert_null(activity_json_answer_text(reading->answer.root, "nextCursor").data);
    buffer_deinit(&buffer);
}

static void what_is_no_row_is_told(void **state)
{
    struct reading *reading = *state;
    static const char no_object[] = "{\"id\":\"i\",\"userId\":\"u\",\"action\":\"a\","
                                    "\"timestamp\":\"2026-01-14T23:58:05Z\",\"metadata\":[]}";
    static const char no_time[] = "{\"id\":\"i\",\"userId\":\"u\",\"action\":\"a\","
                                  "\"timestamp\":\"today\",\"metadata\":{}}";
    static const char *const bad[] = {"{}", "[]", "1", "{\"id\":1}", no_object, no_time};
    struct activity activity;
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        read_text(reading, bad[i]);
        assert_int_equal(activity_json_answer_row(&reading->answer, reading->answer.root, &activity,
                                                  &reading->err),
                         STATUS_INVALID);
    }
    struct activity_json_answer_list list;
    assert_int_equal(activity_json_answer_list(&reading->answer, "data", &list, &reading->err),
                     STATUS_INVALID);
    struct activity_json_answer answer;
    assert_int_equal(
        activity_json_answer_read(STR("<html>"), &reading->arena, &answer, &reading->err),
        STATUS_INVALID);
}

static void members_are_told_by_kind(void **state)
{
    struct reading *reading = *state;
    uint64_t number = 5;
    read_text(reading, "{\"n\":18446744073709551615,\"m\":-1,\"s\":\"t\",\"b\":true,\"e\":[]}");
    const struct yyjson_val *root = reading->answer.root;
    assert_false(activity_json_answer_number(root, "m", &number));
    assert_false(activity_json_answer_number(root, "s", &number));
    assert_int_equal(number, 5);
    assert_true(activity_json_answer_number(root, "n", &number) && number == UINT64_MAX);
    assert_true(str_equal(activity_json_answer_text(root, "s"), STR("t")));
    assert_null(activity_json_answer_text(root, "n").data);
    assert_true(activity_json_answer_is_true(root, "b"));
    assert_false(activity_json_answer_is_true(root, "s"));
    struct activity_json_answer_list list;
    assert_int_equal(activity_json_answer_list(&reading->answer, "e", &list, &reading->err),
                     STATUS_OK);
    assert_null(activity_json_answer_next(&list));
}

static void details_are_cut_between_characters(void **state)
{
    (void)state;
    char detail[ANSWER_DETAIL_BYTES];
    struct buffer body;
    buffer_init(&body, 512);
    buffer_append_literal(&body, "{\"detail\":\"");
    for (unsigned i = 0; i < 100; i++) {
        buffer_append_literal(&body, "\xc3\xbc");
    }
    buffer_append_literal(&body, "\"}");
    activity_json_answer_detail(buffer_str(&body), detail);
    buffer_deinit(&body);
    assert_int_equal(strlen(detail), ANSWER_DETAIL_BYTES - 2);
    activity_json_answer_detail(STR("{\"detail\":\"no\"}"), detail);
    assert_string_equal(detail, "no");
    activity_json_answer_detail(STR("<html>"), detail);
    assert_string_equal(detail, "");
    activity_json_answer_detail((struct str){"", 0}, detail);
    assert_string_equal(detail, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_back_to_the_letter, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_row_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(members_are_told_by_kind, setup, teardown),
        cmocka_unit_test(details_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
