/*
 * Guards the file of keys: keys come and go one by one, what people wrote stays, and nothing of a
 * key's secret is in it.
 */
#include "infrastructure/disk/lone_file.h"
#include "infrastructure/disk/small_file.h"
#include "infrastructure/key_file/key_file.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const path = lone_file_path;

static void create(const char *name, unsigned scopes, char out_key[KEY_TEXT_BYTES + 1])
{
    struct access_grant grant = {.name = str_from(name), .scopes = scopes};
    struct error err = {0};
    if (key_file_create(path, &grant, out_key, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
}

static size_t count_keys(void)
{
    struct key_list list;
    struct error err;
    assert_int_equal(key_file_load(path, &list, &err), STATUS_OK);
    size_t count = list.count;
    key_list_deinit(&list);
    return count;
}

static bool has_text(const char *wanted)
{
    struct buffer text;
    struct error err;
    buffer_init(&text, 1 << 20);
    assert_int_equal(small_file_read(path, SMALL_FILE_SECRET, &text, &err), STATUS_OK);
    buffer_append_char(&text, '\0');
    bool has = strstr(text.data, wanted) != NULL;
    buffer_deinit(&text);
    return has;
}

static void keys_come_and_go(void **state)
{
    (void)state;
    char first[KEY_TEXT_BYTES + 1];
    char second[KEY_TEXT_BYTES + 1];
    struct error err;
    struct key_list list;
    assert_int_equal(key_file_load(path, &list, &err), STATUS_NOT_FOUND);
    assert_int_equal(key_file_revoke(path, STR("a"), &err), STATUS_NOT_FOUND);
    create("a", ACCESS_WRITE, first);
    create("b", ACCESS_READ, second);
    assert_int_equal(count_keys(), 2);
    struct access_grant again = {.name = STR("a"), .scopes = ACCESS_READ};
    assert_int_equal(key_file_create(path, &again, second, &err), STATUS_DUPLICATE);
    assert_int_equal(key_file_revoke(path, STR("a"), &err), STATUS_OK);
    assert_int_equal(key_file_revoke(path, STR("a"), &err), STATUS_NOT_FOUND);
    assert_int_equal(count_keys(), 1);
    create("a", ACCESS_READ, first);
    assert_int_equal(count_keys(), 2);
}

static void no_secret_is_in_the_file(void **state)
{
    (void)state;
    char key[KEY_TEXT_BYTES + 1];
    create("a", ACCESS_WRITE, key);
    assert_true(has_text("a write * "));
    assert_false(has_text(key));
    assert_false(has_text(key + KEY_TEXT_BYTES - 2 * KEY_ID_TEXT_BYTES));
    assert_false(has_text(key + KEY_TEXT_BYTES - 8));
}

static void what_people_wrote_stays(void **state)
{
    (void)state;
    char key[KEY_TEXT_BYTES + 1];
    struct error err;
    assert_int_equal(small_file_replace(path, STR("# ours\n\n# no newline"), &err), STATUS_OK);
    create("a", ACCESS_WRITE, key);
    create("b", ACCESS_WRITE, key);
    assert_int_equal(key_file_revoke(path, STR("a"), &err), STATUS_OK);
    assert_true(has_text("# ours\n\n# no newline\nb write"));
    assert_int_equal(key_file_revoke(path, STR("b"), &err), STATUS_OK);
    assert_true(has_text("# ours\n\n# no newline\n"));
}

static void a_file_that_others_write_is_refused(void **state)
{
    (void)state;
    char key[KEY_TEXT_BYTES + 1];
    struct error err;
    struct key_list list;
    create("a", ACCESS_WRITE, key);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(key_file_load(path, &list, &err), STATUS_INVALID);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(count_keys(), 1);
}

static void a_broken_file_is_not_written(void **state)
{
    (void)state;
    struct access_grant grant = {.name = STR("a"), .scopes = ACCESS_READ};
    char key[KEY_TEXT_BYTES + 1];
    struct error err;
    assert_int_equal(small_file_replace(path, STR("nonsense\n"), &err), STATUS_OK);
    assert_int_equal(key_file_create(path, &grant, key, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "line 1 "));
    assert_int_equal(key_file_revoke(path, STR("a"), &err), STATUS_INVALID);
    assert_true(has_text("nonsense\n"));
}

enum { WRITERS = 4, KEYS_EACH = 10 };

static void *create_some(void *number)
{
    for (int i = 0; i < KEYS_EACH; i++) {
        char name[32];
        char key[KEY_TEXT_BYTES + 1];
        snprintf(name, sizeof name, "k%d-%d", *(int *)number, i);
        struct access_grant grant = {.name = str_from(name), .scopes = ACCESS_READ};
        (void)!key_file_create(path, &grant, key, NULL);
    }
    return NULL;
}

static void those_that_write_at_once_lose_nothing(void **state)
{
    (void)state;
    pthread_t threads[WRITERS];
    int numbers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, create_some, &numbers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(count_keys(), WRITERS * KEYS_EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_come_and_go, lone_file_make, lone_file_remove),
        cmocka_unit_test_setup_teardown(no_secret_is_in_the_file, lone_file_make, lone_file_remove),
        cmocka_unit_test_setup_teardown(what_people_wrote_stays, lone_file_make, lone_file_remove),
        cmocka_unit_test_setup_teardown(a_file_that_others_write_is_refused, lone_file_make,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(a_broken_file_is_not_written, lone_file_make,
                                        lone_file_remove),
        cmocka_unit_test_setup_teardown(those_that_write_at_once_lose_nothing, lone_file_make,
                                        lone_file_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
