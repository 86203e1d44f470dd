/* Guards the parts of the local store: what was written comes back to the byte, by row, by user and
 * by id; every flipped bit and every cut is found; other formats and other parts are refused in
 * words. */
#include "base/crc32c.h"
#include "base/little_endian.h"
#include "infrastructure/activity_store_local/part_sample.h"
#include "infrastructure/disk/disk_simulated.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the headers above first. */
#include <cmocka.h>

static const char dictionary_text[] =
    "{\"path\":\"/products/1\",\"sessionId\":\"0123456789abcdef\",\"note\":\"0000000000\"}";

static struct disk *make_disk(void)
{
    const struct disk_simulated_options options = {.seed = 1, .short_writes = true};
    struct disk *disk = disk_simulated_new(&options);
    assert_non_null(disk);
    return disk;
}

static void write_ok(struct sample *sample, struct disk *disk, struct str dictionary)
{
    struct error err = {0};
    if (sample_write(sample, disk, dictionary, &err) != STATUS_OK) {
        fail_msg("%s", err.message);
    }
}

static enum status open_and_verify(struct disk *disk, struct error *err)
{
    CLEANUP(part_close) struct part *part = NULL;
    enum status status = part_open(disk, SAMPLE_PATH, &sample_name, &part, err);
    return status == STATUS_OK ? part_verify(part, err) : status;
}

static void expect_row(struct part_view *view, const struct sample *sample, uint32_t row)
{
    const struct sample_row *wanted = &sample->rows[row];
    struct part_row found;
    struct error err = {0};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    if (part_view_row(view, row, &arena, &found, &err) != STATUS_OK) {
        fail_msg("row %u: %s", row, err.message);
    }
    assert_true(str_equal(found.activity.id, wanted->activity.id));
    assert_true(activity_same_content(&found.activity, &wanted->activity, true));
    assert_int_equal(found.activity.timestamp_ms, wanted->activity.timestamp_ms);
    assert_int_equal(found.activity.received_at_ms, wanted->activity.received_at_ms);
    assert_int_equal(found.source, wanted->source);
    assert_int_equal(found.offset, wanted->offset);
    assert_true(found.salt == wanted->salt);
    arena_deinit(&arena);
}

static void expect_user(struct part_view *view, const struct sample *sample, uint32_t number)
{
    static uint32_t rows[SAMPLE_ROWS_MAX];
    struct part_user user;
    struct error err = {0};
    if (part_view_find_user(view, sample->users[number], &user, &err) != STATUS_OK ||
        part_view_user_rows(view, &user, rows, &err) != STATUS_OK) {
        fail_msg("user %u: %s", number, err.message);
    }
    assert_int_equal(user.number, number);
    uint32_t at = 0;
    for (uint32_t row = 0; row < sample->row_count; row++) {
        if (sample->rows[row].user == number) {
            assert_true(at < user.found.count);
            assert_int_equal(rows[at++], row);
        }
    }
    assert_int_equal(at, user.found.count);
}

static void expect_unknown(struct part_view *view)
{
    static const char *const users[] = {"", "a", "user-", "user-0 ", "user-\xff", "zzz"};
    struct part_user user;
    struct error err;
    uint32_t row;
    for (size_t i = 0; i < ARRAY_LENGTH(users); i++) {
        assert_int_equal(part_view_find_user(view, str_from(users[i]), &user, &err),
                         STATUS_NOT_FOUND);
    }
    for (unsigned i = 0; i < 2000; i++) {
        char id[32];
        snprintf(id, sizeof id, "unknown-%u", i);
        assert_int_equal(part_view_find_id(view, str_from(id), &row, &err), STATUS_NOT_FOUND);
    }
}

static void expect_footer(const struct part *part, const struct sample *sample)
{
    const struct part_footer *footer = part_footer(part);
    uint64_t rows = 0;
    assert_int_equal(footer->row_count, sample->row_count);
    assert_int_equal(footer->user_count, sample->user_count);
    assert_int_equal(footer->timestamps.first_ms, sample->rows[0].activity.timestamp_ms);
    assert_int_equal(footer->timestamps.last_ms,
                     sample->rows[sample->row_count - 1].activity.timestamp_ms);
    assert_int_equal(footer->source_count, 2);
    assert_int_equal(footer->sources[1].end, sample->sources[1].end);
    assert_int_equal(footer->action_count, sample->action_count);
    for (uint32_t i = 0; i < footer->action_count; i++) {
        uint64_t by_hour = 0;
        assert_true(str_equal(footer->actions[i].text, sample->actions[i]));
        for (uint32_t hour = 0; hour < footer->actions[i].hour_count; hour++) {
            by_hour += footer->actions[i].hours[hour].count;
        }
        assert_int_equal(by_hour, footer->actions[i].count);
        rows += by_hour;
    }
    assert_int_equal(rows, sample->row_count);
}

static void what_was_written_comes_back(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 15, 16, 17, 255, 256, 257, 1000, SAMPLE_ROWS_MAX};
    for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
        struct sample sample;
        struct part *part = NULL;
        struct part_view *view = NULL;
        struct error err = {0};
        struct disk *disk = make_disk();
        sample_init(&sample, 100 + i, counts[i]);
        write_ok(&sample, disk, i % 2 == 0 ? STR("") : STR(dictionary_text));
        assert_int_equal(part_open(disk, SAMPLE_PATH, &sample_name, &part, &err), STATUS_OK);
        assert_int_equal(part_view_new(part, &view, &err), STATUS_OK);
        expect_footer(part, &sample);
        for (uint32_t row = 0; row < sample.row_count; row++) {
            uint32_t found;
            expect_row(view, &sample, row);
            assert_int_equal(part_view_find_id(view, sample.rows[row].activity.id, &found, &err),
                             STATUS_OK);
            assert_int_equal(found, row);
        }
        for (uint32_t user = 0; user < sample.user_count; user++) {
            expect_user(view, &sample, user);
        }
        expect_unknown(view);
        if (part_verify(part, &err) != STATUS_OK) {
            fail_msg("%s", err.message);
        }
        part_view_free(view);
        part_close(part);
        disk_simulated_free(disk);
        sample_deinit(&sample);
    }
}

static uint64_t size_of(struct disk *disk)
{
    struct disk_file *file = NULL;
    uint64_t size = 0;
    assert_int_equal(disk_open(disk, SAMPLE_PATH, DISK_READ, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_size(file, &size, NULL), STATUS_OK);
    disk_file_close(file);
    return size;
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    struct sample sample;
    struct error err = {0};
    const struct disk_simulated_options options = {.seed = 1};
    struct disk *disk = disk_simulated_new(&options);
    sample_init(&sample, 5, 60);
    write_ok(&sample, disk, STR(dictionary_text));
    assert_int_equal(open_and_verify(disk, &err), STATUS_OK);
    uint64_t bits = size_of(disk) * 8;
    for (uint64_t bit = 0; bit < bits; bit++) {
        assert_true(disk_simulated_flip_bit(disk, SAMPLE_PATH, bit));
        enum status status = open_and_verify(disk, &err);
        if (status != STATUS_CORRUPT && status != STATUS_INVALID) {
            fail_msg("bit %llu of %llu: %s", (unsigned long long)bit, (unsigned long long)bits,
                     status_name(status));
        }
        assert_true(disk_simulated_flip_bit(disk, SAMPLE_PATH, bit));
    }
    assert_int_equal(open_and_verify(disk, &err), STATUS_OK);
    disk_simulated_free(disk);
    sample_deinit(&sample);
}

static void a_cut_at_every_length_is_found(void **state)
{
    (void)state;
    struct sample sample;
    struct error err = {0};
    const struct disk_simulated_options options = {.seed = 1};
    struct disk *disk = disk_simulated_new(&options);
    struct disk_file *file = NULL;
    sample_init(&sample, 6, 40);
    write_ok(&sample, disk, STR(""));
    assert_int_equal(disk_open(disk, SAMPLE_PATH, DISK_WRITE, &file, &err), STATUS_OK);
    for (uint64_t size = size_of(disk); size > 0; size--) {
        assert_int_equal(disk_file_truncate(file, size - 1, &err), STATUS_OK);
        assert_int_equal(open_and_verify(disk, &err), STATUS_CORRUPT);
    }
    disk_file_close(file);
    disk_simulated_free(disk);
    sample_deinit(&sample);
}

static void overwrite(struct disk *disk, uint64_t offset, const void *bytes, size_t len)
{
    struct disk_file *file = NULL;
    uint8_t copy[PART_HEADER_BYTES];
    memcpy(copy, bytes, len);
    struct iovec part = {.iov_base = copy, .iov_len = len};
    assert_int_equal(disk_open(disk, SAMPLE_PATH, DISK_WRITE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_write(file, offset, &part, 1, NULL), STATUS_OK);
    disk_file_close(file);
}

static void a_newer_format_is_refused_in_words(void **state)
{
    (void)state;
    struct sample sample;
    struct error err = {0};
    struct disk *disk = make_disk();
    uint8_t header[PART_HEADER_BYTES];
    sample_init(&sample, 7, 10);
    write_ok(&sample, disk, STR(""));
    part_header_encode(sample_name.store_id, sample_name.number, header);
    header[3] = PART_FORMAT + 1;
    little_endian_put_u32(header + PART_HEADER_BYTES - 4, crc32c(header, PART_HEADER_BYTES - 4));
    overwrite(disk, 0, header, sizeof header);
    assert_int_equal(open_and_verify(disk, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "format 2"));
    disk_simulated_free(disk);
    sample_deinit(&sample);
}

/* A file under a wrong name, and the runs of one part in the file of another. */
static void another_part_is_no_part(void **state)
{
    (void)state;
    struct sample sample;
    struct error err = {0};
    struct part *part = NULL;
    struct disk *disk = make_disk();
    struct part_name other = sample_name;
    uint8_t header[PART_HEADER_BYTES];
    sample_init(&sample, 8, 10);
    write_ok(&sample, disk, STR(""));
    other.number++;
    assert_int_equal(part_open(disk, SAMPLE_PATH, &other, &part, &err), STATUS_CORRUPT);
    part_header_encode(other.store_id, other.number, header);
    overwrite(disk, 0, header, sizeof header);
    assert_int_equal(part_open(disk, SAMPLE_PATH, &other, &part, &err), STATUS_CORRUPT);
    assert_int_equal(part_open(disk, "absent", &other, &part, &err), STATUS_NOT_FOUND);
    disk_simulated_free(disk);
    sample_deinit(&sample);
}

/* Whichever operation of the disk fails, writing and opening say so. */
static void a_failing_disk_is_told(void **state)
{
    (void)state;
    struct sample sample;
    struct error err = {0};
    sample_init(&sample, 9, 300);
    enum status written = STATUS_UNAVAILABLE;
    for (uint64_t nth = 1; written != STATUS_OK; nth++) {
        const struct disk_simulated_options options = {.seed = nth};
        struct disk *disk = disk_simulated_new(&options);
        disk_simulated_fail_at(disk, nth, nth % 2 == 0 ? EIO : ENOSPC, true);
        written = sample_write(&sample, disk, STR(""), &err);
        assert_true(written == STATUS_OK || written == STATUS_UNAVAILABLE ||
                    written == STATUS_NO_SPACE);
        disk_simulated_free(disk);
    }
    struct disk *disk = make_disk();
    write_ok(&sample, disk, STR(""));
    for (uint64_t nth = 1; nth < 12; nth++) {
        disk_simulated_fail_at(disk, nth, EIO, true);
        assert_int_equal(open_and_verify(disk, &err), STATUS_UNAVAILABLE);
        disk_simulated_fail_at(disk, 0, 0, false);
    }
    assert_int_equal(open_and_verify(disk, &err), STATUS_OK);
    disk_simulated_free(disk);
    sample_deinit(&sample);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(a_cut_at_every_length_is_found),
        cmocka_unit_test(a_newer_format_is_refused_in_words),
        cmocka_unit_test(another_part_is_no_part),
        cmocka_unit_test(a_failing_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
