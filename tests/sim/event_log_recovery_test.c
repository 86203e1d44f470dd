/* What the local event log makes of files that a crash, a person or a dying disk left behind. */
#include "event_log_rig.h"
#include "infrastructure/event_log_local/segment_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct disk_simulated_options plain = {.seed = 7};
static const char first_segment[] = RIG_FOLDER "/0000000001.segment";

/* The byte at which each commit of a segment starts; `count` of them and the end. */
static size_t find_commits(const struct image_file *file, size_t *out_starts, size_t max)
{
    size_t count = 0;
    size_t at = 0;
    struct commit_header header;
    while (at + COMMIT_HEADER_BYTES <= file->len && count < max &&
           commit_header_decode(file->bytes + at, &header)) {
        out_starts[count++] = at;
        at += COMMIT_HEADER_BYTES + header.body_bytes;
    }
    out_starts[count] = at;
    return count;
}

/* Commits of `count` activities each, in one segment, as a crash leaves them. */
static void make_crashed(struct image *image, size_t commits, size_t count)
{
    struct rig rig;
    rig_init(&rig, &plain);
    rig.segment_bytes = 65536;
    rig_open_ok(&rig);
    for (size_t i = 0; i < commits; i++) {
        rig_append(&rig, i * count, count);
    }
    image_take(image, rig.disk);
    rig_deinit(&rig);
}

static void rig_from_image(struct rig *rig, const struct image *image)
{
    rig_init(rig, &plain);
    rig->segment_bytes = 65536;
    image_put(image, rig->disk);
}

/* A last commit of which only the first bytes are there is cut, whatever their number; it goes to
 * set-aside when it holds a whole activity; the log goes on behind the commit before it. */
static void check_torn_tail(const struct image *base, size_t cut, bool reserved, size_t whole_at)
{
    struct rig rig;
    rig_from_image(&rig, base);
    struct image_file file = *image_find((struct image *)(uintptr_t)base, first_segment);
    size_t starts[8] = {0};
    find_commits(&file, starts, 7);
    uint8_t *bytes = calloc(1, file.len);
    assert_non_null(bytes);
    memcpy(bytes, file.bytes, cut);
    put_file(rig.disk, first_segment, bytes, reserved ? file.len : cut);
    bool any = false;
    for (size_t i = starts[2]; i < cut; i++) {
        any = any || bytes[i] != 0;
    }
    free(bytes);
    rig_open_ok(&rig);
    struct event_log_local_damage damage = rig_damage(&rig);
    assert_int_equal(damage.torn_tails, any);
    assert_int_equal(damage.set_aside, cut >= whole_at);
    assert_int_equal(end_offset(rig.log), 4);
    expect_numbers(rig.log, 0, 4);
    rig_append(&rig, 4, 1);
    rig_close(&rig);
    rig_open_ok(&rig);
    expect_numbers(rig.log, 0, 5);
    assert_int_equal(rig_damage(&rig).torn_tails, 0);
    rig_deinit(&rig);
}

static void a_torn_tail_is_cut_at_every_length(void **state)
{
    (void)state;
    struct image base;
    make_crashed(&base, 3, 2);
    size_t starts[8] = {0};
    const struct image_file *file = image_find(&base, first_segment);
    assert_int_equal(find_commits(file, starts, 7), 3);
    size_t whole_at = starts[2] + COMMIT_HEADER_BYTES +
                      frame_claimed_length(file->bytes + starts[2] + COMMIT_HEADER_BYTES);
    for (size_t cut = starts[2]; cut < starts[3]; cut++) {
        check_torn_tail(&base, cut, true, whole_at);
        check_torn_tail(&base, cut, false, whole_at);
    }
    image_deinit(&base);
}

enum { FLIP_ACTIVITIES = 9 };

/* A closed log over several segments, commits of one to three activities. */
static void make_closed(struct image *image)
{
    struct rig rig;
    rig_init(&rig, &plain);
    rig.segment_bytes = 600;
    rig_open_ok(&rig);
    rig_append(&rig, 0, 1);
    rig_append(&rig, 1, 3);
    rig_append(&rig, 4, 2);
    rig_append(&rig, 6, 2);
    rig_append(&rig, 8, 1);
    rig_close(&rig);
    image_take(image, rig.disk);
    rig_deinit(&rig);
}

static bool is_segment(const struct image_file *file)
{
    return strstr(file->path, ".segment") != NULL;
}

/* Opens the image with one bit flipped and reads all. Returns how many activities are missing. */
static size_t read_with_flip(const struct image *image, const struct image_file *file, size_t bit,
                             struct event_log_local_damage *out_damage)
{
    struct rig rig;
    rig_init(&rig, &plain);
    rig.segment_bytes = 600;
    image_put(image, rig.disk);
    assert_true(disk_simulated_flip_bit(rig.disk, file->path, bit));
    rig_open_ok(&rig);
    uint64_t numbers[FLIP_ACTIVITIES];
    size_t count = poll_numbers(rig.log, numbers, FLIP_ACTIVITIES);
    for (size_t i = 1; i < count; i++) {
        assert_true(numbers[i] > numbers[i - 1]);
    }
    *out_damage = rig_damage(&rig);
    rig_deinit(&rig);
    return FLIP_ACTIVITIES - count;
}

/* Whatever bit of a closed log's segments rots, it is noticed and at most the one activity that it
 * belongs to is not served. */
static void every_flipped_bit_is_found_and_all_else_served(void **state)
{
    (void)state;
    struct image image;
    make_closed(&image);
    size_t segments = 0;
    for (size_t i = 0; i < image.count; i++) {
        const struct image_file *file = &image.files[i];
        segments += is_segment(file);
        for (size_t bit = 0; is_segment(file) && bit < file->len * 8; bit++) {
            struct event_log_local_damage damage;
            size_t missing = read_with_flip(&image, file, bit, &damage);
            if (missing > 1 || damage.ranges + damage.torn_tails != 1 ||
                damage.activities_missing != missing) {
                fail_msg("%s, bit %zu: %zu missing, %llu reported, %llu ranges", file->path, bit,
                         missing, (unsigned long long)damage.activities_missing,
                         (unsigned long long)damage.ranges);
            }
        }
    }
    assert_true(segments >= 3);
    image_deinit(&image);
}

enum { LOG_ID_TEXT_AT = 22, LOG_ID_TEXT_BYTES = 36 };

/* The log's id survives its file: a flipped bit, or the whole file gone. Its format does not. */
static void the_log_id_is_restored_from_the_segments(void **state)
{
    (void)state;
    struct image image;
    make_closed(&image);
    const struct image_file *file = image_find(&image, RIG_FOLDER "/log-id");
    for (size_t bit = 0; bit <= file->len * 8; bit++) {
        struct rig rig;
        rig_init(&rig, &plain);
        image_put(&image, rig.disk);
        if (bit < file->len * 8) {
            assert_true(disk_simulated_flip_bit(rig.disk, file->path, bit));
        } else {
            assert_int_equal(disk_remove(rig.disk, file->path, NULL), STATUS_OK);
        }
        rig_open_ok(&rig);
        expect_numbers(rig.log, 0, FLIP_ACTIVITIES);
        rig_close(&rig);
        struct image after;
        image_take(&after, rig.disk);
        const struct image_file *restored = image_find(&after, RIG_FOLDER "/log-id");
        assert_int_equal(restored->len, file->len);
        assert_memory_equal(restored->bytes + LOG_ID_TEXT_AT, file->bytes + LOG_ID_TEXT_AT,
                            LOG_ID_TEXT_BYTES);
        image_deinit(&after);
        rig_deinit(&rig);
    }
    image_deinit(&image);
}

/* A damaged id and no segment to restore it from, or a segment of another log: a person must look;
 * nothing is changed. */
static void a_foreign_segment_stops_the_log(void **state)
{
    (void)state;
    struct image image;
    make_closed(&image);
    struct rig rig;
    const struct disk_simulated_options other = {.seed = 8};
    rig_init(&rig, &other);
    rig_open_ok(&rig);
    rig_append(&rig, 0, 1);
    rig_close(&rig);
    const struct image_file *foreign = image_find(&image, RIG_FOLDER "/0000000002.segment");
    put_file(rig.disk, foreign->path, foreign->bytes, foreign->len);
    assert_int_equal(rig_open(&rig), STATUS_CORRUPT);
    assert_non_null(strstr(rig.err.message, "another event log"));
    assert_int_equal(disk_remove(rig.disk, foreign->path, NULL), STATUS_OK);
    rig_open_ok(&rig);
    expect_numbers(rig.log, 0, 1);
    rig_deinit(&rig);
    image_deinit(&image);
}

/* Damage in the middle of a segment: those bytes are set aside as they are, all else is served,
 * also what other commits around it hold, and the log goes on. */
static void a_corrupt_middle_is_set_aside(void **state)
{
    (void)state;
    struct image image;
    make_crashed(&image, 5, 4);
    struct rig rig;
    rig_from_image(&rig, &image);
    struct image_file *file = image_find(&image, first_segment);
    size_t starts[8] = {0};
    assert_int_equal(find_commits(file, starts, 7), 5);
    memset(file->bytes + starts[2] + 10, 0xa5, starts[3] - starts[2] - 10); /* all of it */
    put_file(rig.disk, first_segment, file->bytes, file->len);
    rig_open_ok(&rig);
    uint64_t numbers[20];
    assert_int_equal(poll_numbers(rig.log, numbers, 20), 16);
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(numbers[i], i < 8 ? i : i + 4);
    }
    struct event_log_local_damage damage = rig_damage(&rig);
    assert_int_equal(damage.ranges, 1);
    assert_int_equal(damage.activities_missing, 4);
    assert_int_equal(damage.set_aside, 1);
    char name[64];
    snprintf(name, sizeof name, "0000000001.segment.%zu-%zu", starts[2], starts[3]);
    assert_int_equal(count_files(rig.disk, RIG_FOLDER "/set-aside", name), 1);
    rig_append(&rig, 20, 1);
    assert_int_equal(end_offset(rig.log), 21);
    rig_deinit(&rig);
    image_deinit(&image);
}

/* Bits that rot after the log was opened are found when they are read. */
static void rot_behind_the_opening_is_found(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &plain);
    rig.segment_bytes = 65536;
    rig_open_ok(&rig);
    for (uint64_t i = 0; i < 10; i++) {
        rig_append(&rig, i * 2, 2);
    }
    assert_true(disk_simulated_flip_bit(rig.disk, first_segment, 8 * (COMMIT_HEADER_BYTES + 60)));
    uint64_t numbers[20];
    assert_int_equal(poll_numbers(rig.log, numbers, 20), 19);
    assert_int_equal(numbers[0], 1);
    assert_int_equal(rig_damage(&rig).ranges, 1);
    /* Also at the very end, where nothing follows: the reader arrives all the same. */
    assert_true(disk_simulated_flip_bit(rig.disk, first_segment, 8 * (COMMIT_HEADER_BYTES + 60)));
    rig_append(&rig, 20, 1);
    struct image image;
    image_take(&image, rig.disk);
    size_t starts[16];
    size_t commits = find_commits(image_find(&image, first_segment), starts, 15);
    assert_int_equal(commits, 11);
    assert_true(disk_simulated_flip_bit(rig.disk, first_segment, 8 * (starts[11] - 1)));
    struct activity_batch batch;
    assert_int_equal(event_log_poll(rig.log, 10, 0, &batch, NULL), STATUS_OK);
    assert_int_equal(batch.count, 0);
    assert_int_equal(position_set_get(batch.next, 0), 21);
    assert_int_equal(rig_damage(&rig).activities_missing, 2);
    image_deinit(&image);
    rig_deinit(&rig);
}

/* A segment that is gone is told, and what the others hold is served. */
static void a_missing_segment_is_told(void **state)
{
    (void)state;
    struct image image;
    make_closed(&image);
    struct rig rig;
    rig_init(&rig, &plain);
    image_put(&image, rig.disk);
    assert_int_equal(disk_remove(rig.disk, RIG_FOLDER "/0000000002.segment", NULL), STATUS_OK);
    rig_open_ok(&rig);
    uint64_t numbers[FLIP_ACTIVITIES];
    size_t count = poll_numbers(rig.log, numbers, FLIP_ACTIVITIES);
    assert_in_range(count, 1, FLIP_ACTIVITIES - 1);
    struct event_log_local_damage damage = rig_damage(&rig);
    assert_int_equal(damage.segments_missing, 1);
    assert_int_equal(damage.activities_missing, FLIP_ACTIVITIES - count);
    assert_int_equal(end_offset(rig.log), FLIP_ACTIVITIES);
    rig_deinit(&rig);
    image_deinit(&image);
}

/* Appends an activity whose metadata is these very bytes. */
static void append_raw(struct rig *rig, const uint8_t *bytes, size_t len)
{
    const struct activity activity = {.id = STR("raw"),
                                      .user_id = STR("u"),
                                      .action = STR("a"),
                                      .metadata = {(const char *)bytes, len}};
    struct append_ticket ticket = {0};
    size_t before = collector_count(&rig->collector);
    assert_int_equal(event_log_append(rig->log, &activity, 1, &rig->collector.listener, ticket),
                     STATUS_OK);
    collector_wait(&rig->collector, before + 1);
}

static void count_row(void *context, const struct logged_activity *row)
{
    size_t *raw = context;
    if (str_equal(row->activity.id, STR("raw"))) {
        (*raw)++;
    } else {
        assert_int_not_equal(numbered_activity_number(&row->activity), UINT64_MAX);
    }
}

/* Texts that look like a commit of this log: behind a damaged header an intact frame is stepped
 * over as a whole, so even a forged header of the future with a frame of its own is no commit; in a
 * damaged frame a copy of an older header is none, nor is one of another log. */
static void payloads_do_not_pass_for_commits(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct rig rig;
        rig_init(&rig, &plain);
        rig.segment_bytes = 65536;
        rig_open_ok(&rig);
        rig_append(&rig, 0, 2);
        struct event_log_state about;
        event_log_describe(rig.log, &about);
        struct commit_header forged = {.log_id = about.log_id,
                                       .sequence = kind == 0 ? 2000 : 1,
                                       .first_offset = kind == 0 ? 3 : 0,
                                       .count = 0};
        if (kind == 2) {
            forged.log_id.bytes[0] ^= 1;
            forged.sequence = 2000;
            forged.first_offset = 3;
        }
        uint8_t payload[3 * COMMIT_HEADER_BYTES] = {0};
        commit_header_encode(&forged, payload + COMMIT_HEADER_BYTES);
        append_raw(&rig, payload, sizeof payload);
        rig_append(&rig, 10, 2);
        struct image image;
        image_take(&image, rig.disk);
        size_t starts[8] = {0};
        assert_int_equal(find_commits(image_find(&image, first_segment), starts, 7), 3);
        /* The header of the commit around the payload, or a text of the frame itself. */
        size_t at = kind == 0 ? starts[1] + 9 : starts[1] + COMMIT_HEADER_BYTES + 45;
        assert_true(disk_simulated_flip_bit(rig.disk, first_segment, at * 8));
        rig_close(&rig);
        rig_open_ok(&rig);
        size_t raw = 0;
        size_t rows = poll_all(rig.log, count_row, &raw);
        assert_int_equal(raw, kind == 0 ? 1 : 0);
        assert_int_equal(rows, kind == 0 ? 5 : 4);
        assert_int_equal(rig_damage(&rig).ranges, 1);
        assert_int_equal(end_offset(rig.log), 5);
        image_deinit(&image);
        rig_deinit(&rig);
    }
}

/* Stale bytes: an older commit of the same log behind the end is no commit. */
static void stale_commits_behind_the_end_do_not_count(void **state)
{
    (void)state;
    struct image image;
    make_crashed(&image, 4, 1);
    struct rig rig;
    rig_from_image(&rig, &image);
    struct image_file *file = image_find(&image, first_segment);
    size_t starts[8] = {0};
    assert_int_equal(find_commits(file, starts, 7), 4);
    memcpy(file->bytes + starts[4], file->bytes + starts[1], starts[3] - starts[1]);
    put_file(rig.disk, first_segment, file->bytes, file->len);
    rig_open_ok(&rig);
    assert_int_equal(end_offset(rig.log), 4);
    expect_numbers(rig.log, 0, 4);
    rig_deinit(&rig);
    image_deinit(&image);
}

/* Replaces a frame by one with the same offset and length that holds and says something else. */
static void forge_frame(uint8_t *frame, const struct commit_header *header, int64_t offset)
{
    struct numbered_activity other;
    numbered_activity_make(&other, (uint64_t)offset);
    other.activity.received_at_ms++;
    size_t length = frame_length(&other.activity);
    assert_int_equal(length, frame_claimed_length(frame));
    uint32_t digest = 0;
    frame_encode(frame, length, &other.activity, frame_seed(header->log_id));
    frame_stamp(frame, offset, &digest);
}

/* A last commit with frames that hold but are not its own (bytes of an attempt before it) is torn.
 */
static void a_commit_mixed_of_two_is_torn(void **state)
{
    (void)state;
    struct image image;
    make_crashed(&image, 3, 2);
    struct image_file *file = image_find(&image, first_segment);
    size_t starts[8] = {0};
    assert_int_equal(find_commits(file, starts, 7), 3);
    struct commit_header header;
    assert_true(commit_header_decode(file->bytes + starts[2], &header));
    forge_frame(file->bytes + starts[2] + COMMIT_HEADER_BYTES, &header, 4);
    struct rig rig;
    rig_from_image(&rig, &image);
    rig_open_ok(&rig);
    assert_int_equal(end_offset(rig.log), 4);
    assert_int_equal(rig_damage(&rig).torn_tails, 1);
    expect_numbers(rig.log, 0, 4);
    rig_deinit(&rig);
    image_deinit(&image);
}

/* A commit that failed at the end of a segment and reached the disk all the same must not stand in
 * the way of the one that took its offsets in the next segment. */
static void a_taken_back_commit_gives_way_to_its_successor(void **state)
{
    (void)state;
    struct image image;
    make_closed(&image);
    struct image_file *one = image_find(&image, first_segment);
    const struct image_file *two = image_find(&image, RIG_FOLDER "/0000000002.segment");
    struct commit_header header;
    assert_true(commit_header_decode(two->bytes, &header));
    size_t len = COMMIT_HEADER_BYTES + header.body_bytes;
    uint8_t *bytes = malloc(one->len + len);
    assert_non_null(bytes);
    memcpy(bytes, one->bytes, one->len);
    memcpy(bytes + one->len, two->bytes, len);
    forge_frame(bytes + one->len + COMMIT_HEADER_BYTES, &header, header.first_offset);
    struct rig rig;
    rig_init(&rig, &plain);
    image_put(&image, rig.disk);
    put_file(rig.disk, first_segment, bytes, one->len + len);
    free(bytes);
    rig_open_ok(&rig);
    expect_numbers(rig.log, 0, FLIP_ACTIVITIES);
    assert_int_equal(rig_damage(&rig).activities_missing, 0);
    struct image after;
    image_take(&after, rig.disk);
    assert_memory_equal(image_find(&after, two->path)->bytes, two->bytes, two->len);
    image_deinit(&after);
    rig_deinit(&rig);
    image_deinit(&image);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_tail_is_cut_at_every_length),
        cmocka_unit_test(every_flipped_bit_is_found_and_all_else_served),
        cmocka_unit_test(the_log_id_is_restored_from_the_segments),
        cmocka_unit_test(a_foreign_segment_stops_the_log),
        cmocka_unit_test(a_corrupt_middle_is_set_aside),
        cmocka_unit_test(rot_behind_the_opening_is_found),
        cmocka_unit_test(a_missing_segment_is_told),
        cmocka_unit_test(payloads_do_not_pass_for_commits),
        cmocka_unit_test(stale_commits_behind_the_end_do_not_count),
        cmocka_unit_test(a_commit_mixed_of_two_is_torn),
        cmocka_unit_test(a_taken_back_commit_gives_way_to_its_successor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
