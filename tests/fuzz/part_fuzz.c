/*
 * A part of any bytes: opened, verified, asked in every way and merged, it gives answers or says
 * CORRUPT. The first byte of the input says whether checksums are repaired, so that the decoders
 * behind them are reached: no checksum helps against a part that was written wrong.
 */
#include "base/assert.h"
#include "base/little_endian.h"
#include "fuzz.h"
#include "fuzz_disk.h"
#include "infrastructure/activity_store_local/merge.h"
#include "infrastructure/activity_store_local/part_count.h"
#include "infrastructure/activity_store_local/part_cursor.h"
#include "infrastructure/activity_store_local/part_exclude.h"

#include <stdlib.h>

enum {
    ROWS_MAX = 1200,
    TRAILER_LENGTH_AT = 16,
    ENDS_BYTES = PART_HEADER_BYTES + PART_TRAILER_BYTES
};

/* That of the corpus, whose files are whole as they are. */
static const struct part_name name = {
    .store_id = {{0x01, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0x47, 0xe8, 0x89, 0x0a, 1, 2, 3, 4, 5, 6}},
    .number = 7,
};

/* A NO_MEMORY is an input's that asks for more than it could fill. */
static bool expect_status(enum status status)
{
    ASSERT(status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_CORRUPT ||
           status == STATUS_INVALID || status == STATUS_NO_MEMORY || status == STATUS_TOO_LARGE);
    return status == STATUS_OK;
}

/* Gives the file the ends of this part, the footer right before the trailer. */
static void repair_ends(uint8_t *bytes, size_t len)
{
    if (len < ENDS_BYTES) {
        return;
    }
    uint8_t *trailer = bytes + len - PART_TRAILER_BYTES;
    uint64_t footer_len = little_endian_get_u64(trailer + TRAILER_LENGTH_AT) % len;
    uint64_t end = len - PART_TRAILER_BYTES;
    struct part_trailer made = {
        .footer = {.offset = footer_len > end ? 0 : end - footer_len, .length = footer_len}};
    part_header_encode(name.store_id, name.number, bytes);
    part_trailer_encode(&made, run_seed(name.store_id, name.number), trailer);
}

/* Walks over what matches. */
static void walk(struct part_view *view, const struct activity_filter *filter,
                 enum activity_order order, uint64_t skip)
{
    CLEANUP(hidden_users_unref) struct hidden_users *hidden = NULL;
    CLEANUP(part_cursor_free) struct part_cursor *cursor = NULL;
    struct part_question question = {.filter = filter, .order = order, .clock = &clock_system};
    uint64_t skipped = 0;
    enum status status = part_exclude_users(view, &question, &hidden, NULL);
    if (expect_status(status)) {
        status = part_cursor_new(view, &question, &cursor, NULL);
    }
    if (expect_status(status)) {
        status = part_cursor_skip(cursor, skip, &skipped, NULL);
        ASSERT(status != STATUS_OK || skipped <= skip);
    }
    for (uint32_t i = 0; expect_status(status) && i <= ROWS_MAX; i++) {
        status = part_cursor_next(cursor, NULL);
        if (status == STATUS_OK) {
            ASSERT(part_cursor_row(cursor) < part_footer(part_view_part(view))->row_count);
            ASSERT(part_cursor_key(cursor).id.len > 0);
        }
    }
}

/* What it comes to is not looked at: the counts of a footer that was written wrong are. */
static void count_rows(struct part_view *view, const struct activity_filter *filter)
{
    CLEANUP(hidden_users_unref) struct hidden_users *hidden = NULL;
    struct part_question question = {.filter = filter, .clock = &clock_system};
    uint64_t counted = 0;
    if (expect_status(part_exclude_users(view, &question, &hidden, NULL))) {
        expect_status(part_count(view, &question, &counted, NULL));
    }
}

static void walk_both_ways(struct part_view *view, const struct activity_filter *filter)
{
    walk(view, filter, ORDER_NEWEST_FIRST, 0);
    walk(view, filter, ORDER_OLDEST_FIRST, 0);
    walk(view, filter, ORDER_OLDEST_FIRST, 3);
}

static void ask_users(struct part_view *view)
{
    struct part_users users;
    struct str text;
    char space[2][NAME_BYTES_MAX];
    struct str asked[2];
    size_t count = 0;
    part_users_begin(&users, view);
    for (int i = 0; i < 70 && expect_status(part_users_next(&users, &text, NULL)); i++) {
        if (i % 64 == 1) {
            memcpy(space[count], text.data, text.len);
            asked[count] = (struct str){space[count], text.len};
            count++;
        }
    }
    struct activity_filter filter = activity_filter_all();
    filter.excluded.user_ids.items = asked;
    filter.excluded.user_ids.count = count;
    walk_both_ways(view, &filter);
    count_rows(view, &filter);
    filter.excluded.user_ids.count = 0;
    filter.user_ids.items = asked;
    for (filter.user_ids.count = 1; filter.user_ids.count <= count; filter.user_ids.count++) {
        walk_both_ways(view, &filter);
        filter.from_ms = 1000000;
        filter.to_ms = INT64_C(1700000002000);
    }
}

static void ask_actions(struct part_view *view)
{
    const struct part_footer *footer = part_footer(part_view_part(view));
    struct activity_filter filter = activity_filter_all();
    filter.actions.items = &footer->actions[footer->action_count / 2].text;
    filter.actions.count = 1;
    walk_both_ways(view, &filter);
    filter.actions.count = 0;
    walk_both_ways(view, &filter);
    filter.excluded.actions.items = filter.actions.items;
    filter.excluded.actions.count = 1;
    walk_both_ways(view, &filter);
    count_rows(view, &filter);
    filter.excluded.actions.count = 0;
    filter.from_ms = footer->timestamps.first_ms / 2 + footer->timestamps.last_ms / 2;
    walk_both_ways(view, &filter);
}

static void read_rows(struct part *part, struct part_view *view)
{
    struct arena arena;
    uint32_t rows = part_footer(part)->row_count;
    arena_init(&arena, (size_t)64 << 20);
    for (uint32_t i = 0; i < rows && i < ROWS_MAX; i++) {
        struct part_row row;
        uint32_t found;
        arena_reset(&arena);
        if (!expect_status(part_view_row(view, i, &arena, &row, NULL))) {
            continue;
        }
        struct id_key key = id_key_make(row.activity.id);
        if (part_may_hold_id(part, &key) &&
            expect_status(part_view_find_id(view, row.activity.id, &found, NULL))) {
            ASSERT(found < rows);
        }
        struct activity_key place = activity_key_of(&row.activity);
        if (expect_status(part_view_lower_bound(view, place, &found, NULL))) {
            ASSERT(found <= rows);
        }
    }
    arena_deinit(&arena);
}

static void merge(struct fuzz_disk *disk, struct part *part)
{
    static const atomic_bool cancel;
    const struct merge_part merged = {.part = part};
    const struct merge_job job = {.disk = &disk->disk,
                                  .path = "merged",
                                  .name = {.store_id = name.store_id, .number = 8},
                                  .parts = &merged,
                                  .count = 1,
                                  .level = 1,
                                  .cancel = &cancel};
    expect_status(merge_run(&job, NULL));
}

static void read_part(struct fuzz_disk *disk)
{
    CLEANUP(part_close) struct part *part = NULL;
    CLEANUP(part_view_free) struct part_view *view = NULL;
    if (!expect_status(part_open(&disk->disk, "part", &name, &part, NULL)) ||
        !expect_status(part_view_new(part, &view, NULL))) {
        return;
    }
    ask_users(view);
    ask_actions(view);
    read_rows(part, view);
    if (part_footer(part)->row_count <= ROWS_MAX) {
        struct error err = {0};
        bool sound = expect_status(part_verify(part, &err));
        ASSERT(sound || err.message[0] != '\0');
        merge(disk, part);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_disk disk;
    if (size == 0) {
        return 0;
    }
    uint8_t *bytes = (uint8_t *)fuzz_copy(data + 1, size - 1, 0);
    fuzz_disk_init(&disk, bytes, size - 1);
    disk.repairs = data[0] % 2 == 1;
    disk.seed = run_seed(name.store_id, name.number);
    if (disk.repairs) {
        repair_ends(bytes, size - 1);
    }
    read_part(&disk);
    free(bytes);
    return 0;
}
