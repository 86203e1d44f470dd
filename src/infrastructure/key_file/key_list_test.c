/*
 * Guards the text of the file: what is written is read again, wrong lines are told by their number,
 * and the text of a key says its id.
 */
#include "infrastructure/key_file/key_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"
#define TAIL " 2026-01-14T23:58:05.442Z 00000000000000a1 " HASH

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const struct str users[] = {{"\"q\" %,*", 7}, {"*", 1}, {"a b", 3}, {"\xc3\xbc", 2}};
    struct str ordered[ACCESS_USERS_MAX];
    struct key_entry entry = {.grant = {.name = STR("web-1"), .scopes = ACCESS_READ},
                              .created_at_ms = 1768435085442};
    struct key_list list;
    struct buffer text;
    struct error err;
    char key[KEY_TEXT_BYTES + 1];
    for (size_t i = 0; i < ARRAY_LENGTH(users); i++) {
        assert_int_equal(access_users_add(ordered, &entry.grant.user_count, users[i]), STATUS_OK);
    }
    entry.grant.users = ordered;
    assert_int_equal(key_make(&random_system, &entry, key), STATUS_OK);
    buffer_init(&text, 4096);
    buffer_append_literal(&text, "# of people\r\n\n");
    key_entry_append(&entry, &text);
    assert_int_equal(key_list_parse(buffer_str(&text), &list, &err), STATUS_OK);
    assert_int_equal(list.count, 1);
    const struct key_entry *read = key_list_find_name(&list, STR("web-1"));
    assert_non_null(read);
    assert_true(read->id == entry.id && read->created_at_ms == entry.created_at_ms);
    assert_int_equal(read->line, 3);
    assert_int_equal(read->grant.scopes, ACCESS_READ);
    assert_memory_equal(read->hash, entry.hash, sizeof entry.hash);
    assert_int_equal(read->grant.user_count, ARRAY_LENGTH(users));
    for (size_t i = 0; i < ARRAY_LENGTH(users); i++) {
        assert_true(access_grant_covers_user(&read->grant, users[i]));
    }
    assert_null(key_list_find_name(&list, STR("web")));
    key_list_deinit(&list);
    buffer_deinit(&text);
}

static void wrong_lines_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"\n# x\nnonsense", "line 3 is no key: name, scopes"},
        {"a write *" TAIL " more", "line 1 is no key: name, scopes"},
        {"a/b write *" TAIL, "line 1 is no key: the name"},
        {"a all *" TAIL, "line 1 is no key: the scopes"},
        {"a write *" TAIL "x", "line 1 is no key: the hash"},
        {"a write * yesterday 00000000000000a1 " HASH, "line 1 is no key: the time"},
        {"a write * 2026-01-14T23:58:05.442Z 00000000000000A1 " HASH, "line 1 is no key: the id"},
        {"a write * 2026-01-14T23:58:05.442Z a1 " HASH, "line 1 is no key: the id"},
        {"a write %" TAIL, "line 1 is no key: the users"},
        {"a write %00" TAIL, "line 1 is no key: the users"},
        {"a write %ff" TAIL, "line 1 is no key: the users"},
        {"a write b,,c" TAIL, "line 1 is no key: the users"},
        {"a write b,*" TAIL, "line 1 is no key: the users"},
        {"a write *" TAIL "\nb write *" TAIL, "line 2 has the id of line 1"},
        {"a write *" TAIL "\n\na read * 2026-01-14T23:58:05.442Z 00000000000000a2 " HASH,
         "line 3 has the name of line 1"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct key_list list;
        struct error err;
        assert_int_equal(key_list_parse(str_from(cases[i].text), &list, &err), STATUS_INVALID);
        if (strstr(err.message, cases[i].words) == NULL) {
            fail_msg("%s: %s", cases[i].text, err.message);
        }
    }
}

static void white_space_between_fields_is_free(void **state)
{
    (void)state;
    struct key_list list;
    struct error err;
    assert_int_equal(key_list_parse(STR("  a  write   u" TAIL "  \r\n"), &list, &err), STATUS_OK);
    assert_int_equal(list.count, 1);
    assert_true(access_grant_covers_user(&list.entries[0].grant, STR("u")));
    assert_false(access_grant_covers_user(&list.entries[0].grant, STR("v")));
    key_list_deinit(&list);
    assert_int_equal(key_list_parse((struct str){0}, &list, &err), STATUS_OK);
    assert_int_equal(list.count, 0);
    key_list_deinit(&list);
}

static void a_key_says_its_id(void **state)
{
    (void)state;
    struct key_entry entry;
    char key[KEY_TEXT_BYTES + 1];
    uint64_t id;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(key_make(&random_system, &entry, key), STATUS_OK);
        assert_true(key_parse_id(str_from(key), &id) && id == entry.id);
    }
    assert_false(key_parse_id((struct str){key, KEY_TEXT_BYTES - 1}, &id) || id != 0);
    key[0] = 'U';
    assert_false(key_parse_id(str_from(key), &id));
    static const char *const wrong[] = {"", "ut_",
                                        "ut_0123456789abcdef0123456789abcdef0123456789abcdef0",
                                        "ut_0123456789abcdeF_0123456789abcdef0123456789abcdef",
                                        "ut_0123456789abcdeg_0123456789abcdef0123456789abcdef"};
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        assert_false(key_parse_id(str_from(wrong[i]), &id));
    }
}

static void an_id_is_sixteen_digits_in_lower_case(void **state)
{
    (void)state;
    char key[] = "ut_0123456789abcdef_0123456789abcdef0123456789abcdef";
    uint64_t id;
    assert_true(key_parse_id(str_from(key), &id) && id == UINT64_C(0x0123456789abcdef));
    for (size_t place = 3; place < 19; place++) {
        char right = key[place];
        for (int c = 1; c < 256; c++) {
            key[place] = (char)c;
            bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            assert_int_equal(key_parse_id(str_from(key), &id), digit);
        }
        key[place] = right;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(wrong_lines_are_told),
        cmocka_unit_test(white_space_between_fields_is_free),
        cmocka_unit_test(a_key_says_its_id),
        cmocka_unit_test(an_id_is_sixteen_digits_in_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
