/*
 * Guards the pages of the refused list: cursors lead through all of it and are refused when they
 * are none, and what an entry holds is told whatever bytes it is.
 */
#include "application/list_refusals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ENTRIES = 25, TEXT_BYTES = 2000 };

/* Entries of which one is found after the other. */
struct double_list {
    struct refusal_list list;
    struct refusal_entry entries[ENTRIES];
    char ids[ENTRIES][REFUSAL_ID_BYTES];
    size_t asked_bytes;
};

static enum status double_find(struct refusal_list *list,
                               const struct refusal_page_request *request, struct arena *arena,
                               struct refusal_page *out_page, struct error *err)
{
    struct double_list *self = CONTAINER_OF(list, struct double_list, list);
    (void)arena;
    (void)err;
    size_t begin = 0;
    while (request->after != NULL && begin < ENTRIES &&
           !(str_equal(self->entries[begin].id, request->after->id) &&
             self->entries[begin].refused_at_ms == request->after->refused_at_ms)) {
        begin++;
    }
    begin += request->after != NULL;
    assert_true(begin <= ENTRIES);
    size_t left = ENTRIES - begin;
    size_t count = left < request->limit ? left : request->limit;
    self->asked_bytes = request->bytes_max;
    *out_page = (struct refusal_page){self->entries + begin, count, count < left};
    return STATUS_OK;
}

static const struct refusal_list_operations double_operations = {.find = double_find};

static void double_init(struct double_list *self)
{
    *self = (struct double_list){.list.operations = &double_operations};
    for (size_t i = 0; i < ENTRIES; i++) {
        struct position position = {INT32_MAX, INT64_MAX - (int64_t)i};
        refusal_entry_write_id((struct uuid){{1}}, position, self->ids[i]);
        self->entries[i] =
            (struct refusal_entry){.id = str_from(self->ids[i]),
                                   .refused_at_ms = 1768435085442 - (int64_t)i / 3,
                                   .refusal = {.position = position, .reason = STR("r")}};
    }
}

static enum status ask(struct double_list *self, struct str cursor, size_t limit,
                       struct list_refusals_answer *out_answer, struct error *err)
{
    const struct list_refusals lister = {&self->list, 4321};
    const struct list_refusals_question question = {limit, cursor};
    struct arena arena;
    arena_init(&arena, 1 << 16);
    enum status status = list_refusals_page(&lister, &question, &arena, out_answer, err);
    arena_deinit(&arena);
    return status;
}

static void cursors_lead_through_all_of_it(void **state)
{
    (void)state;
    struct double_list list;
    double_init(&list);
    for (size_t limit = 1; limit <= ENTRIES + 1; limit++) {
        struct list_refusals_answer answer;
        char cursor[500];
        struct str at = {0};
        size_t count = 0;
        do {
            buffer_init(&answer.next_cursor, 1000);
            assert_int_equal(ask(&list, at, limit, &answer, NULL), STATUS_OK);
            assert_int_equal(list.asked_bytes, 4321);
            for (size_t i = 0; i < answer.page.count; i++) {
                assert_true(str_equal(answer.page.entries[i].id, list.entries[count++].id));
            }
            snprintf(cursor, sizeof cursor, "%.*s", STR_FORMAT(buffer_str(&answer.next_cursor)));
            at = str_from(cursor);
            buffer_deinit(&answer.next_cursor);
        } while (at.len > 0);
        assert_int_equal(count, ENTRIES);
    }
}

static void what_is_no_cursor_is_refused(void **state)
{
    (void)state;
    struct double_list list;
    double_init(&list);
    struct list_refusals_answer answer;
    buffer_init(&answer.next_cursor, 1000);
    assert_int_equal(ask(&list, (struct str){0}, 2, &answer, NULL), STATUS_OK);
    char cursor[500];
    size_t len = (size_t)snprintf(cursor, sizeof cursor, "%.*s",
                                  STR_FORMAT(buffer_str(&answer.next_cursor)));
    struct error err = {0};
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(ask(&list, (struct str){cursor, cut}, 2, &answer, &err), STATUS_INVALID);
        assert_non_null(strstr(err.message, "not a cursor of this list"));
    }
    for (size_t i = 0; i < len; i++) {
        char kept = cursor[i];
        cursor[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(ask(&list, (struct str){cursor, len}, 2, &answer, &err), STATUS_INVALID);
        cursor[i] = kept;
    }
    static const char *const others[] = {"x", "=", "AQAAAAAAAAAAAAAAAAAAAAAAAGFhYWFh",
                                         "UgEAAAAAAAAAAAAAAAA", "\xff"};
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
        assert_int_equal(ask(&list, str_from(others[i]), 2, &answer, &err), STATUS_INVALID);
    }
    assert_int_equal(ask(&list, (struct str){cursor, len}, 2, &answer, &err), STATUS_OK);
    buffer_deinit(&answer.next_cursor);
}

static void expect_json(const struct refusal_entry *entry, const char *expected)
{
    struct buffer json;
    buffer_init(&json, TEXT_BYTES);
    list_refusals_append_json(&json, entry);
    buffer_append_char(&json, '\0');
    assert_int_equal(json.failed, STATUS_OK);
    assert_string_equal(json.data, expected);
    buffer_deinit(&json);
}

static void an_entry_is_told_whatever_it_holds(void **state)
{
    (void)state;
    struct refusal_entry entry = {.id = STR("the-id"),
                                  .log_id = {{0xab}},
                                  .refusal = {.position = {2, 17},
                                              .key = STR("ann"),
                                              .raw = STR("{\"a\":\"\xc3\xa9\n\"}"),
                                              .reason = STR("no \"userId\""),
                                              .logged_at_ms = 1768435085442},
                                  .refused_at_ms = 0};
    expect_json(&entry, "{\"id\":\"the-id\",\"reason\":\"no \\\"userId\\\"\","
                        "\"logId\":\"ab000000-0000-0000-0000-000000000000\",\"partition\":2,"
                        "\"offset\":17,\"key\":\"ann\",\"raw\":\"{\\\"a\\\":\\\"\xc3\xa9\\n\\\"}\","
                        "\"loggedAt\":\"2026-01-14T23:58:05.442Z\","
                        "\"refusedAt\":\"1970-01-01T00:00:00.000Z\"}");
    entry.refusal = (struct refusal){
        .key = STR("\xc3"), .raw = {"\0\xff", 2}, .reason = STR("cut here: \xf0\x9f\x98")};
    entry.refused_at_ms = INT64_MAX;
    expect_json(&entry, "{\"id\":\"the-id\",\"reason\":\"cut here: \","
                        "\"logId\":\"ab000000-0000-0000-0000-000000000000\",\"partition\":0,"
                        "\"offset\":0,\"keyBase64\":\"ww==\",\"rawBase64\":\"AP8=\","
                        "\"loggedAt\":null,\"refusedAt\":null}");
    entry.refusal = (struct refusal){.raw = STR(""), .reason = STR("x")};
    expect_json(&entry, "{\"id\":\"the-id\",\"reason\":\"x\","
                        "\"logId\":\"ab000000-0000-0000-0000-000000000000\",\"partition\":0,"
                        "\"offset\":0,\"key\":null,\"raw\":\"\",\"loggedAt\":null,"
                        "\"refusedAt\":null}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursors_lead_through_all_of_it),
        cmocka_unit_test(what_is_no_cursor_is_refused),
        cmocka_unit_test(an_entry_is_told_whatever_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
