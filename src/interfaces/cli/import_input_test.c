/* Guards the reading of what is imported, and the hash that says whether a file is still the one of
 * which a part was imported. */
#include "interfaces/cli/import_input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

enum { FILE_BYTES = 5 * IMPORT_SEEN_BYTES };

static char folder[] = "/tmp/usertrail-import-input-XXXXXX";
static char path[64];
static char content[FILE_BYTES];

static void write_content(size_t len)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/input", folder);
    for (size_t i = 0; i < sizeof content; i++) {
        content[i] = (char)(i * 31 + i / 251);
    }
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* Sums with the place: enough to see a byte that changed. */
static enum status sum_parts(void *context, const struct str *parts, size_t count,
                             uint8_t out_hash[IMPORT_HASH_BYTES])
{
    (void)context;
    uint64_t sum = 1;
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < parts[i].len; at++) {
            sum = sum * 1099511628211u + (uint8_t)parts[i].data[at];
        }
    }
    memset(out_hash, 0, IMPORT_HASH_BYTES);
    memcpy(out_hash, &sum, sizeof sum);
    return STATUS_OK;
}

static const struct content_hash hash = {sum_parts, NULL};

static enum status hash_file(uint64_t offset, uint8_t out_hash[IMPORT_HASH_BYTES])
{
    struct import_input input;
    struct error err;
    assert_int_equal(import_input_open(&input, path, &err), STATUS_OK);
    enum status status = import_input_hash(&input, offset, &hash, out_hash, &err);
    import_input_close(&input);
    return status;
}

static void expect_change(size_t at, uint64_t offset, bool seen)
{
    uint8_t before[IMPORT_HASH_BYTES];
    uint8_t after[IMPORT_HASH_BYTES];
    write_content(FILE_BYTES);
    assert_int_equal(hash_file(offset, before), STATUS_OK);
    content[at] ^= 1;
    write_content(FILE_BYTES);
    content[at] ^= 1;
    assert_int_equal(hash_file(offset, after), STATUS_OK);
    assert_int_equal(memcmp(before, after, sizeof before) != 0, seen);
}

static void a_change_of_what_was_imported_is_seen(void **state)
{
    (void)state;
    const uint64_t offset = 4 * IMPORT_SEEN_BYTES;
    expect_change(0, offset, true);
    expect_change(IMPORT_SEEN_BYTES - 1, offset, true);
    expect_change(3 * IMPORT_SEEN_BYTES, offset, true);
    expect_change((size_t)offset - 1, offset, true);
    expect_change((size_t)offset, offset, false);
    expect_change(99, 100, true);
    expect_change(100, 100, false);
}

static void what_is_added_behind_changes_nothing(void **state)
{
    (void)state;
    uint8_t before[IMPORT_HASH_BYTES];
    uint8_t after[IMPORT_HASH_BYTES];
    write_content(1000);
    assert_int_equal(hash_file(1000, before), STATUS_OK);
    write_content(FILE_BYTES);
    assert_int_equal(hash_file(1000, after), STATUS_OK);
    assert_memory_equal(before, after, sizeof before);
    write_content(999);
    assert_int_equal(hash_file(1000, after), STATUS_INVALID);
}

static void a_file_is_read_from_its_place(void **state)
{
    (void)state;
    struct import_input input;
    static char into[FILE_BYTES + 1];
    size_t len = 0;
    write_content(FILE_BYTES);
    assert_int_equal(import_input_open(&input, path, NULL), STATUS_OK);
    assert_true(input.regular);
    assert_int_equal(input.size, FILE_BYTES);
    assert_int_equal(import_input_seek(&input, 1000, NULL), STATUS_OK);
    struct import_source source = import_input_source(&input);
    assert_int_equal(source.read(source.context, into, sizeof into, &len, NULL), STATUS_OK);
    assert_int_equal(len, FILE_BYTES - 1000);
    assert_memory_equal(into, content + 1000, len);
    assert_int_equal(source.read(source.context, into, sizeof into, &len, NULL), STATUS_OK);
    assert_int_equal(len, 0);
    import_input_close(&input);
}

static void a_pipe_with_nothing_in_it_is_busy(void **state)
{
    (void)state;
    int ends[2];
    char into[8];
    size_t len = 0;
    assert_int_equal(pipe(ends), 0);
    struct import_input input = {.descriptor = ends[0]};
    struct import_source source = import_input_source(&input);
    assert_int_equal(source.read(source.context, into, sizeof into, &len, NULL), STATUS_BUSY);
    assert_int_equal(write(ends[1], "ab", 2), 2);
    assert_int_equal(source.read(source.context, into, sizeof into, &len, NULL), STATUS_OK);
    assert_int_equal(len, 2);
    close(ends[1]);
    assert_int_equal(source.read(source.context, into, sizeof into, &len, NULL), STATUS_OK);
    assert_int_equal(len, 0);
    close(ends[0]);
}

static void what_is_no_file_is_told(void **state)
{
    (void)state;
    struct import_input input;
    struct error err;
    assert_int_equal(import_input_open(&input, "/nowhere/file", &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nowhere/file"));
    assert_int_equal(import_input_open(&input, folder, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "is a folder"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_of_what_was_imported_is_seen),
        cmocka_unit_test(what_is_added_behind_changes_nothing),
        cmocka_unit_test(a_file_is_read_from_its_place),
        cmocka_unit_test(a_pipe_with_nothing_in_it_is_busy),
        cmocka_unit_test(what_is_no_file_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
