/*
 * The refused list against its disk: every operation fails or loses power once, a seeded run mixes
 * all of it, and files are damaged on purpose. What the suite in tests/contract says holds besides.
 */
#include "base/assert.h"
#include "base/random.h"
#include "infrastructure/disk/disk_simulated.h"
#include "infrastructure/refusal_list_local/record_format.h"
#include "infrastructure/refusal_list_local/refusal_list_local.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    NUMBERS_MAX = 600,
    ARENA_BYTES_MAX = 64 << 20,
    ROOMY_BYTES = 16 << 20,
    ROLLING_BYTES = 320 << 10, /* some files for what a test adds, and none is dropped */
    SMALL_BYTES = 64 << 10,
    RAW_BYTES_MAX = 2000
};

#define FOLDER     "refused"
#define FIRST_FILE FOLDER "/0000000001.refused"

struct bed {
    struct disk *disk;
    struct refusal_list *list;
    uint64_t bytes_max;
    uint64_t now_ns;
    struct clock clock;
    struct logger logger;
    struct arena arena;
    bool confirmed[NUMBERS_MAX];
    bool removed[NUMBERS_MAX];
    unsigned next;
    char what[80]; /* for messages */
};

static const struct uuid log_id = {{0x77, 1}};

static uint64_t bed_now(void *context)
{
    return *(uint64_t *)context;
}

static void bed_init(struct bed *bed, uint64_t seed, uint64_t bytes_max)
{
    const struct disk_simulated_options options = {.seed = seed, .short_writes = seed % 2 == 0};
    memset(bed, 0, sizeof *bed);
    bed->disk = disk_simulated_new(&options);
    bed->bytes_max = bytes_max;
    bed->now_ns = UINT64_C(1768435085442000000);
    bed->clock = (struct clock){bed_now, bed_now, &bed->now_ns};
    bed->logger = (struct logger){.clock = &bed->clock, .descriptor = -1};
    arena_init(&bed->arena, ARENA_BYTES_MAX);
    snprintf(bed->what, sizeof bed->what, "seed %llu", (unsigned long long)seed);
}

static enum status bed_open(struct bed *bed, struct error *err)
{
    return refusal_list_local_new(
        &(struct refusal_list_local_config){
            .disk = bed->disk,
            .directory = FOLDER,
            .bytes_max = bed->bytes_max,
            .clock = &bed->clock,
            .logger = &bed->logger,
        },
        &bed->list, err);
}

static void bed_open_ok(struct bed *bed)
{
    struct error err = {0};
    enum status status = bed_open(bed, &err);
    if (status != STATUS_OK) {
        fail_msg("%s: open said %s: %s", bed->what, status_name(status), err.message);
    }
}

static void bed_close(struct bed *bed)
{
    refusal_list_free(TAKE(bed->list));
}

static void bed_reopen(struct bed *bed)
{
    bed_close(bed);
    bed_open_ok(bed);
}

static void bed_deinit(struct bed *bed)
{
    bed_close(bed);
    arena_deinit(&bed->arena);
    disk_simulated_free(bed->disk);
}

static size_t raw_len(unsigned number)
{
    return number * 37 % RAW_BYTES_MAX;
}

static const char *raw_bytes(unsigned number)
{
    static char raw[RAW_BYTES_MAX];
    memset(raw, (int)(number % 251), sizeof raw);
    return raw;
}

static enum status add_one(struct bed *bed, unsigned number, struct error *err)
{
    const struct refusal refusal = {.position = {0, number},
                                    .raw = {raw_bytes(number), raw_len(number)},
                                    .reason = STR("no activity")};
    return refusal_list_add(bed->list, log_id, &refusal, 1, err);
}

static void add_ok(struct bed *bed, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        assert_int_equal(add_one(bed, i, NULL), STATUS_OK);
    }
}

/* Two at once, as one group. */
static enum status add_pair(struct bed *bed, unsigned first, struct error *err)
{
    const struct refusal pair[] = {
        {.position = {0, first}, .raw = STR("a"), .reason = STR("no activity")},
        {.position = {0, first + 1}, .raw = STR("b"), .reason = STR("no activity")},
    };
    return refusal_list_add(bed->list, log_id, pair, 2, err);
}

static enum status get(struct bed *bed, unsigned number, struct refusal_entry *out_entry)
{
    char id[REFUSAL_ID_BYTES];
    refusal_entry_write_id(log_id, (struct position){0, number}, id);
    arena_reset(&bed->arena);
    return refusal_list_get(bed->list, str_from(id), &bed->arena, out_entry, NULL);
}

static bool has(struct bed *bed, unsigned number)
{
    struct refusal_entry entry;
    enum status status = get(bed, number, &entry);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK;
}

static uint64_t listed(struct bed *bed)
{
    struct refusal_list_state about;
    refusal_list_describe(bed->list, &about);
    struct refusal_page page;
    const struct refusal_page_request request = {.limit = NUMBERS_MAX,
                                                 .bytes_max = ARENA_BYTES_MAX};
    arena_reset(&bed->arena);
    assert_int_equal(refusal_list_find(bed->list, &request, &bed->arena, &page, NULL), STATUS_OK);
    assert_int_equal(about.listed, page.count);
    assert_true(about.bytes <= about.bytes_max);
    return page.count;
}

/* --- faults --- */

/* One step of a worker that does not give up; a failure must have words. */
static void try_to_add(struct bed *bed, unsigned count)
{
    struct error err = {0};
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
        status = add_one(bed, bed->next, &err);
        if (status == STATUS_OK) {
            bed->confirmed[bed->next++] = true;
        }
    }
    if (status != STATUS_OK && err.message[0] == '\0') {
        fail_msg("%s: add said %s without words", bed->what, status_name(status));
    }
}

static void try_to_add_pair(struct bed *bed)
{
    struct error err = {0};
    if (add_pair(bed, bed->next, &err) == STATUS_OK) {
        bed->confirmed[bed->next] = bed->confirmed[bed->next + 1] = true;
        bed->next += 2;
    }
}

/* Once it failed nobody knows whether the entry is there, until somebody looks. */
static void try_to_remove(struct bed *bed, unsigned number)
{
    char id[REFUSAL_ID_BYTES];
    struct error err = {0};
    if (number >= bed->next || !bed->confirmed[number]) {
        return;
    }
    refusal_entry_write_id(log_id, (struct position){0, number}, id);
    enum status status = refusal_list_remove(bed->list, str_from(id), &err);
    bed->confirmed[number] = false;
    bed->removed[number] = status == STATUS_OK;
    if (status != STATUS_OK && (err.message[0] == '\0' || status == STATUS_NOT_FOUND)) {
        fail_msg("%s: remove said %s: %s", bed->what, status_name(status), err.message);
    }
}

static bool try_to_reopen(struct bed *bed)
{
    struct error err = {0};
    bed_close(bed);
    return bed_open(bed, &err) == STATUS_OK;
}

/* Adds, rolls to further files, opens again and adds. It ends early when it cannot open. */
static void play(struct bed *bed)
{
    for (int round = 0; round < 3 && try_to_reopen(bed); round++) {
        for (int i = 0; i < 4; i++) {
            try_to_add(bed, 8);
            try_to_remove(bed, bed->next / 2);
            try_to_add_pair(bed);
            try_to_remove(bed, bed->next - 1);
        }
    }
}

static void expect_confirmed(struct bed *bed)
{
    for (unsigned i = 0; i < bed->next; i++) {
        if (bed->confirmed[i] && !has(bed, i)) {
            fail_msg("%s: %u was confirmed and is gone", bed->what, i);
        }
        if (bed->removed[i] && has(bed, i)) {
            fail_msg("%s: %u was removed and is there", bed->what, i);
        }
    }
    assert_in_range(listed(bed), 0, bed->next + 2); /* an add that failed may be there */
}

static uint64_t count_operations(void)
{
    struct bed bed;
    bed_init(&bed, 1, ROLLING_BYTES);
    play(&bed);
    uint64_t operations = disk_simulated_count(bed.disk);
    assert_int_equal(bed.next, 3 * 40);
    expect_confirmed(&bed);
    bed_deinit(&bed);
    return operations;
}

static void survives_a_failure_of_every_operation(void **state)
{
    (void)state;
    static const int causes[] = {EIO, ENOSPC};
    uint64_t operations = count_operations();
    assert_in_range(operations, 200, 5000);
    for (uint64_t nth = 1; nth <= operations; nth++) {
        for (size_t i = 0; i < ARRAY_LENGTH(causes); i++) {
            struct bed bed;
            bed_init(&bed, 1 + nth * 2, ROLLING_BYTES);
            snprintf(bed.what, sizeof bed.what, "operation %llu fails with %d",
                     (unsigned long long)nth, causes[i]);
            disk_simulated_fail_at(bed.disk, nth, causes[i], false);
            play(&bed);
            disk_simulated_fail_at(bed.disk, 1, 0, false);
            bed_reopen(&bed);
            expect_confirmed(&bed);
            try_to_add(&bed, 3);
            expect_confirmed(&bed);
            disk_simulated_cut_power(bed.disk);
            bed_close(&bed);
            disk_simulated_power_on(bed.disk);
            bed_open_ok(&bed);
            expect_confirmed(&bed);
            bed_deinit(&bed);
        }
    }
}

static void survives_a_power_cut_at_every_operation(void **state)
{
    (void)state;
    uint64_t operations = count_operations();
    for (uint64_t nth = 1; nth <= operations; nth++) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            struct bed bed;
            bed_init(&bed, nth * 3 + seed, ROLLING_BYTES);
            snprintf(bed.what, sizeof bed.what, "the power goes at operation %llu, seed %llu",
                     (unsigned long long)nth, (unsigned long long)nth * 3 + seed);
            disk_simulated_cut_power_at(bed.disk, nth);
            play(&bed);
            disk_simulated_cut_power(bed.disk);
            bed_close(&bed);
            disk_simulated_power_on(bed.disk);
            bed_open_ok(&bed);
            expect_confirmed(&bed);
            try_to_add(&bed, 3);
            bed_reopen(&bed);
            expect_confirmed(&bed);
            bed_deinit(&bed);
        }
    }
}

/* Failures, ends of the process and of the power one upon the other. What is there already when the
 * process starts again, and is added again, is confirmed, too. */
static void run_mixed(uint64_t seed)
{
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, seed);
    struct bed bed;
    bed_init(&bed, seed, ROLLING_BYTES);
    bed_open_ok(&bed);
    for (int i = 0; i < 60 && bed.next < NUMBERS_MAX - 20; i++) {
        switch (random_below(&random, 7)) {
        case 0:
            disk_simulated_fail_at(bed.disk, 1 + random_below(&random, 12), EIO, false);
            break;
        case 1:
            disk_simulated_fail_at(bed.disk, 1, 0, false);
            bed_reopen(&bed);
            break;
        case 2:
            disk_simulated_fail_at(bed.disk, 1, 0, false);
            disk_simulated_cut_power(bed.disk);
            bed_close(&bed);
            disk_simulated_power_on(bed.disk);
            bed_open_ok(&bed);
            break;
        case 3:
            try_to_add_pair(&bed);
            break;
        case 4:
            try_to_remove(&bed, (unsigned)random_below(&random, bed.next + 1));
            break;
        default:
            try_to_add(&bed, 1 + (unsigned)random_below(&random, 5));
            break;
        }
    }
    disk_simulated_fail_at(bed.disk, 1, 0, false);
    bed_reopen(&bed);
    expect_confirmed(&bed);
    bed_deinit(&bed);
}

static void survives_all_of_it_mixed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 600; seed++) {
        run_mixed(seed);
    }
}

/* The negative control: a disk that lies loses what was confirmed, and the check sees it. */
static void a_lying_disk_is_found_out(void **state)
{
    (void)state;
    unsigned gone = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct bed bed;
        bed_init(&bed, seed, ROOMY_BYTES);
        disk_simulated_free(bed.disk);
        bed.disk =
            disk_simulated_new(&(struct disk_simulated_options){.seed = seed, .lying_fsync = true});
        bed_open_ok(&bed);
        add_ok(&bed, 0, 20);
        disk_simulated_cut_power(bed.disk);
        bed_close(&bed);
        disk_simulated_power_on(bed.disk);
        bed_open_ok(&bed);
        gone += listed(&bed) < 20;
        bed_deinit(&bed);
    }
    assert_true(gone > 0);
}

/* --- damage --- */

static uint64_t size_of(struct bed *bed, const char *path)
{
    struct disk_file *file;
    uint64_t size;
    assert_int_equal(disk_open(bed->disk, path, DISK_READ, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_size(file, &size, NULL), STATUS_OK);
    disk_file_close(file);
    return size;
}

static void write_at(struct bed *bed, uint64_t at, const void *bytes, size_t len)
{
    struct disk_file *file;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = len};
    assert_int_equal(disk_open(bed->disk, FIRST_FILE, DISK_WRITE_OR_MAKE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_write(file, at, &part, 1, NULL), STATUS_OK);
    assert_int_equal(disk_file_sync(file, NULL), STATUS_OK);
    disk_file_close(file);
}

static void cut_to(struct bed *bed, uint64_t size)
{
    struct disk_file *file;
    assert_int_equal(disk_open(bed->disk, FIRST_FILE, DISK_WRITE, &file, NULL), STATUS_OK);
    assert_int_equal(disk_file_truncate(file, size, NULL), STATUS_OK);
    disk_file_close(file);
}

static void bed_fill(struct bed *bed, unsigned count)
{
    bed_init(bed, 1, ROOMY_BYTES);
    bed_open_ok(bed);
    add_ok(bed, 0, count);
}

/* Whatever is missing at the end: the records before it stay, and the next ones follow them. */
static void a_torn_end_is_cut(void **state)
{
    (void)state;
    struct bed bed;
    bed_fill(&bed, 3);
    uint64_t size = size_of(&bed, FIRST_FILE);
    uint64_t last = RECORD_HEADER_BYTES + raw_len(2) + sizeof "no activity" - 1;
    for (uint64_t left = 1; left < last; left++) {
        bed_close(&bed);
        cut_to(&bed, size - last + left);
        bed_open_ok(&bed);
        assert_int_equal(listed(&bed), 2);
        assert_int_equal(size_of(&bed, FIRST_FILE), size - last);
        add_ok(&bed, 2, 1);
        assert_int_equal(size_of(&bed, FIRST_FILE), size);
    }
    bed_reopen(&bed);
    assert_int_equal(listed(&bed), 3);
    bed_deinit(&bed);
}

/* Every bit: at most the record with it is lost, and the others are served. */
static void damage_costs_one_record(void **state)
{
    (void)state;
    struct bed bed;
    bed_fill(&bed, 4);
    uint64_t bits = size_of(&bed, FIRST_FILE) * 8;
    uint64_t last = (RECORD_HEADER_BYTES + raw_len(3) + sizeof "no activity" - 1) * 8;
    for (uint64_t bit = 0; bit < bits - last; bit += 3) {
        bed_close(&bed);
        assert_true(disk_simulated_flip_bit(bed.disk, FIRST_FILE, bit));
        bed_open_ok(&bed);
        assert_int_equal(listed(&bed), 3);
        assert_true(has(&bed, 3));
        bed_close(&bed);
        assert_true(disk_simulated_flip_bit(bed.disk, FIRST_FILE, bit));
        bed_open_ok(&bed);
        assert_int_equal(listed(&bed), 4);
    }
    bed_deinit(&bed);
}

/* Damage that comes while the list is open is never served. */
static void damage_is_found_when_it_is_read(void **state)
{
    (void)state;
    struct bed bed;
    bed_fill(&bed, 5);
    uint64_t second = (RECORD_HEADER_BYTES + raw_len(0) + sizeof "no activity" - 1) * 8;
    assert_true(disk_simulated_flip_bit(bed.disk, FIRST_FILE, second + 80 * 8));
    struct refusal_page page;
    const struct refusal_page_request request = {.limit = 10, .bytes_max = ARENA_BYTES_MAX};
    assert_int_equal(refusal_list_find(bed.list, &request, &bed.arena, &page, NULL), STATUS_OK);
    assert_int_equal(page.count, 4);
    assert_int_equal(listed(&bed), 4);
    assert_false(has(&bed, 1));
    assert_true(disk_simulated_flip_bit(bed.disk, FIRST_FILE, 80 * 8));
    assert_false(has(&bed, 0));
    assert_int_equal(listed(&bed), 3);
    add_ok(&bed, 0, 2); /* handed over again, they are listed again */
    assert_int_equal(listed(&bed), 5);
    bed_deinit(&bed);
}

/* A message that holds what looks like a record, and damage in front of it. */
static void a_message_is_no_record(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed, 1, ROOMY_BYTES);
    struct buffer forged;
    buffer_init(&forged, 1 << 16);
    const struct record fake = {.log_id = log_id,
                                .refusal = {.position = {0, 99}, .reason = STR("forged")}};
    for (uint64_t i = 0; i < 10; i++) { /* as if it stood at a place of its own */
        record_append(&forged, &fake, (struct record_place){1, forged.len});
    }
    bed_open_ok(&bed);
    const struct refusal refusal = {
        .position = {0, 1}, .raw = buffer_str(&forged), .reason = STR("no activity")};
    assert_int_equal(refusal_list_add(bed.list, log_id, &refusal, 1, NULL), STATUS_OK);
    add_ok(&bed, 2, 1);
    bed_close(&bed);
    assert_true(disk_simulated_flip_bit(bed.disk, FIRST_FILE, 100));
    bed_open_ok(&bed);
    assert_int_equal(listed(&bed), 1);
    assert_false(has(&bed, 99));
    assert_true(has(&bed, 2));
    buffer_deinit(&forged);
    bed_deinit(&bed);
}

static void a_later_format_is_refused(void **state)
{
    (void)state;
    struct bed bed;
    bed_fill(&bed, 2);
    uint64_t size = size_of(&bed, FIRST_FILE);
    bed_close(&bed);
    write_at(&bed, size, "\xf9UR\x03 of another shape", 22);
    struct error err = {0};
    assert_int_equal(bed_open(&bed, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "newer version"));
    assert_int_equal(size_of(&bed, FIRST_FILE), size + 22);
    cut_to(&bed, size);
    bed_open_ok(&bed);
    assert_int_equal(listed(&bed), 2);
    bed_deinit(&bed);
}

/* A list of the version before, of format 1, and what a removal adds to it. */
static void a_list_without_removals_is_read(void **state)
{
    (void)state;
    struct bed bed;
    struct buffer bytes;
    bed_fill(&bed, 0);
    buffer_init(&bytes, 1 << 16);
    for (int64_t i = 0; i < 3; i++) {
        const struct record record = {
            .log_id = log_id, .refusal = {.position = {0, i}, .reason = STR("no activity")}};
        record_append(&bytes, &record, (struct record_place){1, bytes.len});
    }
    bed_close(&bed);
    assert_int_equal(bytes.data[3], 1);
    write_at(&bed, 0, bytes.data, bytes.len);
    bed_open_ok(&bed);
    assert_int_equal(listed(&bed), 3);
    bed.next = 3;
    bed.confirmed[1] = true;
    try_to_remove(&bed, 1);
    bed_reopen(&bed);
    assert_int_equal(listed(&bed), 2);
    assert_false(has(&bed, 1));
    assert_int_equal(size_of(&bed, FIRST_FILE), bytes.len + RECORD_HEADER_BYTES);
    buffer_deinit(&bytes);
    bed_deinit(&bed);
}

static void other_files_are_left_alone(void **state)
{
    (void)state;
    static const char *const names[] = {
        FOLDER "/1.refused",
        FOLDER "/00000000001.refused",
        FOLDER "/0000000001.refused~",
        FOLDER "/0000000007.segment",
        FOLDER "/.refused",
        FOLDER "/9999999999999999.refused",
    };
    struct bed bed;
    bed_fill(&bed, 2);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        struct disk_file *file;
        assert_int_equal(disk_open(bed.disk, names[i], DISK_MAKE, &file, NULL), STATUS_OK);
        disk_file_close(file);
    }
    bed_reopen(&bed);
    assert_int_equal(listed(&bed), 2);
    add_ok(&bed, 2, 5);
    bed_reopen(&bed);
    assert_int_equal(listed(&bed), 7);
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        assert_int_equal(size_of(&bed, names[i]), 0);
    }
    bed_deinit(&bed);
}

/* --- bounds --- */

static void count_file(void *context, const char *name)
{
    *(size_t *)context += strstr(name, ".refused") != NULL;
}

static size_t count_files(struct bed *bed)
{
    size_t count = 0;
    assert_int_equal(disk_list(bed->disk, FOLDER, count_file, &count, NULL), STATUS_OK);
    return count;
}

/* Files go as a whole, and no more of them pile up. */
static void files_are_few(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed, 1, SMALL_BYTES);
    for (unsigned i = 0; i < NUMBERS_MAX; i++) {
        if (i % 7 == 0) {
            bed_close(&bed);
        }
        if (bed.list == NULL) {
            bed_open_ok(&bed);
        }
        add_ok(&bed, i, 1);
        assert_in_range(count_files(&bed), 1, 16);
    }
    assert_in_range(listed(&bed), 20, NUMBERS_MAX - 1);
    assert_true(has(&bed, NUMBERS_MAX - 1));
    bed_deinit(&bed);
}

static void a_lower_maximum_drops_at_the_start(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed, 1, SMALL_BYTES);
    bed_open_ok(&bed);
    add_ok(&bed, 0, 50);
    uint64_t before = listed(&bed);
    bed.bytes_max = SMALL_BYTES / 2;
    bed_reopen(&bed);
    assert_in_range(listed(&bed), 1, before - 1);
    assert_true(has(&bed, 49));
    add_ok(&bed, 50, 1);
    assert_true(has(&bed, 50));
    bed_deinit(&bed);
}

/* Order is by time, but files go in the order in which they were written. */
static void a_clock_that_is_set_back_harms_nothing(void **state)
{
    (void)state;
    struct bed bed;
    bed_init(&bed, 1, SMALL_BYTES);
    bed_open_ok(&bed);
    for (unsigned i = 0; i < 300; i++) {
        bed.now_ns -= UINT64_C(1000000000);
        add_ok(&bed, i, 1);
        assert_true(has(&bed, i));
        listed(&bed);
    }
    bed_reopen(&bed);
    assert_true(has(&bed, 299));
    assert_false(has(&bed, 0));
    bed_deinit(&bed);
}

/* A write that failed leaves nothing behind; behind an fdatasync that failed nothing is written. */
static void a_failed_group_is_taken_back(void **state)
{
    (void)state;
    struct bed bed;
    bed_fill(&bed, 3);
    uint64_t size = size_of(&bed, FIRST_FILE);
    disk_simulated_fail_at(bed.disk, 1, EIO, false);
    assert_int_equal(add_one(&bed, 500, NULL), STATUS_UNAVAILABLE);
    assert_int_equal(add_pair(&bed, 3, NULL), STATUS_OK);
    assert_int_equal(count_files(&bed), 1);
    assert_true(size_of(&bed, FIRST_FILE) > size);
    size = size_of(&bed, FIRST_FILE);
    disk_simulated_fail_at(bed.disk, 2, EIO, false);
    assert_int_equal(add_one(&bed, 500, NULL), STATUS_UNAVAILABLE);
    add_ok(&bed, 5, 2);
    assert_int_equal(size_of(&bed, FIRST_FILE), size);
    assert_int_equal(count_files(&bed), 2);
    bed_reopen(&bed);
    assert_int_equal(listed(&bed), 7);
    assert_false(has(&bed, 500));
    bed_deinit(&bed);
}

/* However long a disk fails or is full. */
static void trouble_leaves_no_heap_of_files(void **state)
{
    (void)state;
    struct bed bed;
    bed_fill(&bed, 3);
    for (int i = 0; i < 100; i++) {
        /* The fdatasync: behind the write, or behind a file taken back and another one made. */
        disk_simulated_fail_at(bed.disk, i == 0 ? 2 : 5, EIO, false);
        assert_int_equal(add_one(&bed, 3, NULL), STATUS_UNAVAILABLE);
        assert_in_range(count_files(&bed), 1, 2);
    }
    add_ok(&bed, 3, 1);
    disk_simulated_set_capacity(bed.disk, 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(add_one(&bed, 4, NULL), STATUS_NO_SPACE);
    }
    assert_int_equal(count_files(&bed), 2);
    disk_simulated_set_capacity(bed.disk, UINT64_MAX);
    add_ok(&bed, 4, 1);
    assert_true(has(&bed, 4));
    bed_deinit(&bed);
}

/* All but its folder is there already. */
static void opens_on_a_full_disk(void **state)
{
    (void)state;
    struct bed bed;
    bed_fill(&bed, 3);
    bed_close(&bed);
    disk_simulated_fail_at(bed.disk, 2, ENOSPC, true);
    bed_open_ok(&bed);
    assert_int_equal(listed(&bed), 3);
    assert_int_equal(add_one(&bed, 3, NULL), STATUS_NO_SPACE);
    disk_simulated_fail_at(bed.disk, 1, 0, false);
    add_ok(&bed, 3, 1);
    bed_deinit(&bed);
}

/* The cut of a group was lost with the power: what was added after it counts. */
static void the_later_record_holds(void **state)
{
    (void)state;
    struct bed bed;
    bed_fill(&bed, 3);
    bed_close(&bed);
    struct buffer bytes;
    buffer_init(&bytes, 1 << 16);
    const struct record later = {.log_id = log_id,
                                 .refusal = {.position = {0, 1}, .reason = STR("later")},
                                 .refused_at_ms = 5};
    record_append(&bytes, &later, (struct record_place){2, 0});
    struct disk_file *file;
    struct iovec part = {.iov_base = bytes.data, .iov_len = bytes.len};
    assert_int_equal(disk_open(bed.disk, FOLDER "/0000000002.refused", DISK_MAKE, &file, NULL),
                     STATUS_OK);
    assert_int_equal(disk_file_write(file, 0, &part, 1, NULL), STATUS_OK);
    disk_file_close(file);
    buffer_deinit(&bytes);
    bed_open_ok(&bed);
    struct refusal_entry entry;
    assert_int_equal(listed(&bed), 3);
    assert_int_equal(get(&bed, 1, &entry), STATUS_OK);
    assert_true(str_equal(entry.refusal.reason, STR("later")));
    assert_int_equal(entry.refused_at_ms, 5);
    bed_deinit(&bed);
}

static void one_process_holds_the_folder(void **state)
{
    (void)state;
    struct bed bed;
    bed_fill(&bed, 1);
    struct refusal_list *first = TAKE(bed.list);
    struct error err = {0};
    assert_int_equal(bed_open(&bed, &err), STATUS_BUSY);
    assert_non_null(strstr(err.message, "another process"));
    refusal_list_free(first);
    bed_open_ok(&bed);
    bed_deinit(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_a_failure_of_every_operation),
        cmocka_unit_test(survives_a_power_cut_at_every_operation),
        cmocka_unit_test(survives_all_of_it_mixed),
        cmocka_unit_test(a_lying_disk_is_found_out),
        cmocka_unit_test(a_torn_end_is_cut),
        cmocka_unit_test(damage_costs_one_record),
        cmocka_unit_test(damage_is_found_when_it_is_read),
        cmocka_unit_test(a_message_is_no_record),
        cmocka_unit_test(a_later_format_is_refused),
        cmocka_unit_test(a_list_without_removals_is_read),
        cmocka_unit_test(other_files_are_left_alone),
        cmocka_unit_test(files_are_few),
        cmocka_unit_test(a_lower_maximum_drops_at_the_start),
        cmocka_unit_test(a_clock_that_is_set_back_harms_nothing),
        cmocka_unit_test(a_failed_group_is_taken_back),
        cmocka_unit_test(trouble_leaves_no_heap_of_files),
        cmocka_unit_test(opens_on_a_full_disk),
        cmocka_unit_test(the_later_record_holds),
        cmocka_unit_test(one_process_holds_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
