/* Guards the list in a backup: it comes back as it was written, whatever is changed in it is found,
 * and an unfinished one is none. */
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/folder_backup/backup_marker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct backup_list *list)
{
    struct error err;
    *list = (struct backup_list){.made_at_ms = 1768435085442};
    assert_int_equal(backup_list_add(list, "log/log-id", 75, &(uint32_t){0x1c}, &err), STATUS_OK);
    assert_int_equal(backup_list_add(list, "store/0000000000000001.part", 123456789, NULL, &err),
                     STATUS_OK);
    assert_int_equal(backup_list_add(list, "spill/set-aside/a b.ndjson", 0, &(uint32_t){0}, &err),
                     STATUS_OK);
}

static void fill_with_text(struct backup_list *list, struct buffer *out_text)
{
    fill(list);
    buffer_init(out_text, 1 << 16);
    backup_list_append(list, out_text);
}

static void test_a_list_comes_back(void **state)
{
    (void)state;
    struct backup_list list;
    struct backup_list again;
    struct buffer text;
    struct error err;
    fill_with_text(&list, &text);
    assert_int_equal(backup_list_parse(buffer_str(&text), &again, &err), STATUS_OK);
    assert_int_equal(again.made_at_ms, list.made_at_ms);
    assert_int_equal(again.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(again.entries[i].name, list.entries[i].name);
        assert_int_equal(again.entries[i].bytes, list.entries[i].bytes);
        assert_int_equal(again.entries[i].summed, list.entries[i].summed);
        assert_int_equal(again.entries[i].sum, list.entries[i].sum);
    }
    backup_list_deinit(&again);
    backup_list_deinit(&list);
    buffer_deinit(&text);
}

static void test_whatever_changes_is_found(void **state)
{
    (void)state;
    struct backup_list list;
    struct backup_list again;
    struct buffer text;
    struct error err;
    fill_with_text(&list, &text);
    for (size_t bit = 0; bit < text.len * 8; bit++) {
        text.data[bit / 8] = (char)(text.data[bit / 8] ^ (1 << (bit % 8)));
        assert_int_not_equal(backup_list_parse(buffer_str(&text), &again, &err), STATUS_OK);
        text.data[bit / 8] = (char)(text.data[bit / 8] ^ (1 << (bit % 8)));
    }
    for (size_t len = 0; len < text.len; len++) {
        assert_int_not_equal(backup_list_parse((struct str){text.data, len}, &again, &err),
                             STATUS_OK);
    }
    buffer_append_char(&text, '\n');
    assert_int_not_equal(backup_list_parse(buffer_str(&text), &again, &err), STATUS_OK);
    buffer_deinit(&text);
    backup_list_deinit(&list);
}

static void test_names_that_lead_elsewhere_are_refused(void **state)
{
    (void)state;
    struct backup_list list = {.made_at_ms = 1};
    struct backup_list again;
    struct buffer text;
    struct error err;
    assert_int_equal(backup_list_add(&list, "log/../../etc/passwd", 1, NULL, &err), STATUS_OK);
    buffer_init(&text, 1 << 16);
    backup_list_append(&list, &text);
    assert_int_equal(backup_list_parse(buffer_str(&text), &again, &err), STATUS_CORRUPT);
    assert_int_equal(backup_list_add(&list, "log/a\nfile 1 b", 1, NULL, &err), STATUS_INVALID);
    buffer_deinit(&text);
    backup_list_deinit(&list);
}

static void test_what_is_no_list_says_what_it_is(void **state)
{
    (void)state;
    struct backup_list list;
    struct error err;
    assert_int_equal(backup_list_parse(STR(""), &list, &err), STATUS_CORRUPT);
    assert_int_equal(backup_list_parse(STR("usertrail-backup 2\nwhatever\n"), &list, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, "newer"));
    assert_int_equal(backup_list_parse(STR("usertrail-backup 1\nunfinished\n"), &list, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, "never finished"));
}

static void test_a_marker_from_its_beginning_to_its_end(void **state)
{
    (void)state;
    struct backup_list list;
    struct backup_list again;
    struct error err;
    bool found = true;
    struct disk *disk = disk_simulated_new(&(struct disk_simulated_options){.seed = 3});
    assert_int_equal(disk_make_directory(disk, "b", &err), STATUS_OK);
    assert_int_equal(backup_marker_find(disk, "b", &found, &err), STATUS_OK);
    assert_false(found);
    assert_int_equal(backup_marker_read(disk, "b", &again, &err), STATUS_NOT_FOUND);
    assert_int_equal(backup_marker_begin(disk, "b", &err), STATUS_OK);
    assert_int_equal(backup_marker_find(disk, "b", &found, &err), STATUS_OK);
    assert_true(found);
    assert_int_equal(backup_marker_read(disk, "b", &again, &err), STATUS_INVALID);
    fill(&list);
    assert_int_equal(backup_marker_finish(disk, "b", &list, &err), STATUS_OK);
    assert_int_equal(backup_marker_read(disk, "b", &again, &err), STATUS_OK);
    assert_int_equal(again.count, list.count);
    backup_list_deinit(&again);
    backup_list_deinit(&list);
    assert_int_equal(backup_marker_remove(disk, "b", &err), STATUS_OK);
    assert_int_equal(backup_marker_find(disk, "b", &found, &err), STATUS_OK);
    assert_false(found);
    disk_simulated_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_comes_back),
        cmocka_unit_test(test_whatever_changes_is_found),
        cmocka_unit_test(test_names_that_lead_elsewhere_are_refused),
        cmocka_unit_test(test_what_is_no_list_says_what_it_is),
        cmocka_unit_test(test_a_marker_from_its_beginning_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
