#include "refusal_list_contract.h"

#include "refusal_list_contract_support.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TIGHT_BYTES = 256 << 10 };

static struct refusal_entry found[NUMBERS_MAX];

static void an_empty_list_has_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    assert_int_equal(find_all(&fixture, 10, found), 0);
    assert_int_equal(refusal_list_add(fixture.list, fixture.log_id, NULL, 0, NULL), STATUS_OK);
    fixture_reopen(&fixture);
    assert_int_equal(find_all(&fixture, 10, found), 0);
    struct refusal_list_state about = look(&fixture);
    assert_string_equal(about.kind, fixture.maker->kind);
    assert_int_equal(about.listed, 0);
    assert_int_equal(about.dropped, 0);
    assert_true(about.bytes <= about.bytes_max);
    fixture_finish(&fixture);
}

/* What was added is there to the byte, newest first, and still is after opening again. */
static void keeps_what_was_added(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    int64_t first_ms = clock_wall_ms(&fixture.clock);
    for (unsigned i = 0; i < 20; i++) {
        add_numbers(&fixture, i * 10, 10, i * 50);
        fixture_pass(&fixture, 3);
    }
    for (int opened = 0; opened < 2; opened++) {
        assert_int_equal(find_all(&fixture, NUMBERS_MAX, found), 200);
        for (size_t i = 0; i < 200; i++) {
            int64_t group = 19 - (int64_t)i / 10;
            assert_int_equal(found[i].refusal.position.offset / 10, group);
            assert_int_equal(found[i].refused_at_ms, first_ms + group * 3);
            assert_numbered(&fixture, &found[i], (size_t)group * 50);
        }
        assert_int_equal(look(&fixture).listed, 200);
        fixture_reopen(&fixture);
    }
    fixture_finish(&fixture);
}

/* Texts of any bytes and none, the ends of every number. */
static void keeps_what_is_odd(void **state)
{
    (void)state;
    static const char bytes[] = "\0\xff\xc3\x28\n\"\\\x80";
    const struct refusal odd[] = {
        {.position = {INT32_MAX, INT64_MAX},
         .key = {bytes, sizeof bytes - 1},
         .raw = {bytes, sizeof bytes - 1},
         .reason = STR("\xf0\x9f\x98\x80")},
        {.position = {0, 0}, .key = STR(""), .raw = STR(""), .reason = STR("x")},
        {.position = {1, 0}, .reason = STR("nothing else"), .logged_at_ms = INT64_MAX},
        {.position = {1, 1}, .reason = STR("before 1970"), .logged_at_ms = -1},
    };
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    assert_int_equal(refusal_list_add(fixture.list, fixture.log_id, odd, ARRAY_LENGTH(odd), NULL),
                     STATUS_OK);
    fixture_reopen(&fixture);
    for (size_t i = 0; i < ARRAY_LENGTH(odd); i++) {
        struct refusal_entry entry;
        struct str id = id_at(&fixture, odd[i].position);
        assert_int_equal(refusal_list_get(fixture.list, id, &fixture.arena, &entry, NULL),
                         STATUS_OK);
        struct refusal_entry expected = {
            .id = id,
            .log_id = fixture.log_id,
            .refusal = odd[i],
            .refused_at_ms = clock_wall_ms(&fixture.clock),
        };
        assert_same_entry(&entry, &expected);
    }
    assert_int_equal(find_all(&fixture, 1, found), ARRAY_LENGTH(odd));
    fixture_finish(&fixture);
}

static void keeps_a_large_message(void **state)
{
    (void)state;
    enum { LARGE_BYTES = 5 << 20 };
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_numbers(&fixture, 0, 3, LARGE_BYTES);
    fixture_reopen(&fixture);
    assert_int_equal(find_all(&fixture, 2, found), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_numbered(&fixture, &found[i], LARGE_BYTES);
    }
    fixture_finish(&fixture);
}

/* However often a log hands it over: later words and times change nothing. */
static void lists_a_position_once(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    int64_t first_ms = clock_wall_ms(&fixture.clock);
    add_numbers(&fixture, 0, 30, 10);
    for (unsigned round = 0; round < 3; round++) {
        fixture_pass(&fixture, 1000);
        fixture_reopen(&fixture);
        add_numbers(&fixture, 20, 10, 500);         /* nothing new */
        add_numbers(&fixture, 25, 15 + round, 500); /* old and new */
    }
    assert_int_equal(find_all(&fixture, NUMBERS_MAX, found), 42);
    for (size_t i = 0; i < 42; i++) {
        bool first = found[i].refusal.position.offset < 30;
        assert_int_equal(found[i].refused_at_ms == first_ms, first);
        assert_numbered(&fixture, &found[i], first ? 10 : 500);
    }
    assert_int_equal(look(&fixture).listed, 42);
    fixture_finish(&fixture);
}

static void lists_a_position_once_of_one_add(void **state)
{
    (void)state;
    const struct refusal twice[] = {
        {.position = {2, 7}, .raw = STR("a"), .reason = STR("first")},
        {.position = {2, 8}, .raw = STR("b"), .reason = STR("other")},
        {.position = {2, 7}, .raw = STR("c"), .reason = STR("second")},
    };
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    assert_int_equal(refusal_list_add(fixture.list, fixture.log_id, twice, 3, NULL), STATUS_OK);
    for (int opened = 0; opened < 2; opened++) {
        struct refusal_entry entry;
        struct str id = id_at(&fixture, twice[0].position);
        assert_int_equal(find_all(&fixture, 10, found), 2);
        assert_int_equal(refusal_list_get(fixture.list, id, &fixture.arena, &entry, NULL),
                         STATUS_OK);
        assert_true(str_equal(entry.refusal.reason, STR("first")));
        assert_true(str_equal(entry.refusal.raw, STR("a")));
        fixture_reopen(&fixture);
    }
    fixture_finish(&fixture);
}

/* The same place in two logs, or in two partitions, is two places. */
static void tells_logs_and_partitions_apart(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    struct uuid other = fixture.log_id;
    other.bytes[15] = 1;
    for (int32_t partition = 0; partition < 3; partition++) {
        const struct refusal refusal = {.position = {partition, 5}, .reason = STR("no")};
        assert_int_equal(refusal_list_add(fixture.list, fixture.log_id, &refusal, 1, NULL),
                         STATUS_OK);
        assert_int_equal(refusal_list_add(fixture.list, other, &refusal, 1, NULL), STATUS_OK);
    }
    fixture_reopen(&fixture);
    assert_int_equal(find_all(&fixture, 4, found), 6);
    size_t of_other = 0;
    for (size_t i = 0; i < 6; i++) {
        of_other += uuid_equal(found[i].log_id, other);
    }
    assert_int_equal(of_other, 3);
    fixture_finish(&fixture);
}

/* Also of entries that were refused in the same millisecond, whose ids then decide, as texts. */
static void pages_lead_through_all_of_it(void **state)
{
    (void)state;
    static struct refusal_entry all[NUMBERS_MAX];
    static const size_t limits[] = {1, 2, 7, 100, 311, 312, 313, 1000};
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_numbers(&fixture, 5, 100, 20);
    add_numbers(&fixture, 1000, 12, 20);
    fixture_pass(&fixture, 1);
    add_numbers(&fixture, 105, 100, 20);
    add_numbers(&fixture, 205, 100, 20);
    assert_int_equal(find_all(&fixture, NUMBERS_MAX, all), 312);
    for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
        assert_int_equal(find_all(&fixture, limits[i], found), 312);
        for (size_t k = 0; k < 312; k++) {
            assert_same_entry(&found[k], &all[k]);
        }
    }
    fixture_finish(&fixture);
}

/* A page goes on behind a place, whether an entry stands there or not. */
static void a_page_goes_on_behind_a_place(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    for (unsigned i = 0; i < 5; i++) {
        add_numbers(&fixture, i * 2, 1, 20);
        fixture_pass(&fixture, 10);
    }
    assert_int_equal(find_all(&fixture, NUMBERS_MAX, found), 5);
    struct refusal_entry place = {.id = STR("!"), .refused_at_ms = found[1].refused_at_ms};
    struct refusal_page_request request = request_all();
    request.after = &place;
    struct refusal_page page = find_page(&fixture, &request);
    assert_int_equal(page.count, 3); /* "!" stands before every id of that time */
    assert_same_entry(&page.entries[0], &found[2]);
    place.id = STR("~");
    page = find_page(&fixture, &request);
    assert_int_equal(page.count, 4);
    assert_same_entry(&page.entries[0], &found[1]);
    place.refused_at_ms = INT64_MAX;
    assert_int_equal(find_page(&fixture, &request).count, 5);
    place.refused_at_ms = 0;
    page = find_page(&fixture, &request);
    assert_int_equal(page.count, 0);
    assert_false(page.more);
    fixture_finish(&fixture);
}

/* Entries that come while somebody pages through the list stand before what is read next. */
static void paging_is_not_disturbed_by_news(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_numbers(&fixture, 0, 10, 20);
    struct refusal_page_request request = request_all();
    request.limit = 4;
    struct refusal_page page = find_page(&fixture, &request);
    assert_true(page.more);
    size_t count = page.count;
    for (unsigned i = 0; page.more; i++) {
        fixture_pass(&fixture, 1);
        add_numbers(&fixture, 100 + i * 5, 5, 20);
        request.after = &page.entries[page.count - 1];
        page = find_page(&fixture, &request);
        for (size_t k = 0; k < page.count; k++) {
            assert_true(page.entries[k].refusal.position.offset < 10);
        }
        count += page.count;
    }
    assert_int_equal(count, 10);
    fixture_finish(&fixture);
}

static void a_page_ends_before_its_bytes(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_numbers(&fixture, 0, 10, 1000);
    struct refusal_page_request request = request_all();
    request.bytes_max = 3600;
    struct refusal_page page = find_page(&fixture, &request);
    assert_in_range(page.count, 2, 3); /* with their keys, reasons and perhaps ids */
    assert_true(page.more);
    request.bytes_max = 0;
    page = find_page(&fixture, &request);
    assert_int_equal(page.count, 1);
    assert_true(page.more);
    size_t count = 1;
    while (page.more) {
        request.after = &page.entries[0];
        page = find_page(&fixture, &request);
        assert_int_equal(page.count, 1);
        count++;
    }
    assert_int_equal(count, 10);
    fixture_finish(&fixture);
}

static void one_by_its_id(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_numbers(&fixture, 0, 100, 40);
    fixture_reopen(&fixture);
    assert_int_equal(find_all(&fixture, NUMBERS_MAX, found), 100);
    for (size_t i = 0; i < 100; i++) {
        struct refusal_entry entry;
        assert_int_equal(refusal_list_get(fixture.list, found[i].id, &fixture.arena, &entry, NULL),
                         STATUS_OK);
        assert_same_entry(&entry, &found[i]);
    }
    fixture_finish(&fixture);
}

static void an_id_that_is_none_is_not_found(void **state)
{
    (void)state;
    static char endless[4000];
    memset(endless, '7', sizeof endless);
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_numbers(&fixture, 1, 1, 40);
    struct str known = id_at(&fixture, (struct position){1, 1});
    char zeros[REFUSAL_ID_BYTES + 1];
    char upper[REFUSAL_ID_BYTES];
    snprintf(zeros, sizeof zeros, "%.*s01", (int)known.len - 1, known.data);
    snprintf(upper, sizeof upper, "%.*s", STR_FORMAT(known));
    upper[1] = 'A';
    const struct str ids[] = {
        STR(""),
        STR("-"),
        STR("1"),
        STR("5a010203-0000-0000-0000-000000000000"),
        STR("5a010203-0000-0000-0000-000000000000-"),
        STR("5a010203-0000-0000-0000-000000000000-1"),
        STR("5a010203-0000-0000-0000-000000000000-1-"),
        STR("5a010203-0000-0000-0000-000000000000-1-2"),
        STR("5a010203-0000-0000-0000-000000000000-2-1"),
        STR("5a010203-0000-0000-0000-000000000001-1-1"),
        STR("5a010203-0000-0000-0000-000000000000-1-1 "),
        STR("5a010203-0000-0000-0000-000000000000-1--1"),
        STR("5a010203-0000-0000-0000-000000000000-99999999999-1"),
        STR("5a010203-0000-0000-0000-000000000000-1-99999999999999999999"),
        STR("5a010203-0000-0000-0000-000000000000-1-1\0"),
        str_from(zeros),
        str_from(upper),
        {endless, sizeof endless},
        {known.data, known.len - 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        struct refusal_entry entry = {.refused_at_ms = -5};
        struct error err = {0};
        assert_int_equal(refusal_list_get(fixture.list, ids[i], &fixture.arena, &entry, &err),
                         STATUS_NOT_FOUND);
        assert_int_equal(err.status, STATUS_NOT_FOUND);
        assert_int_equal(entry.refused_at_ms, -5);
    }
    struct refusal_entry entry;
    assert_int_equal(refusal_list_get(fixture.list, known, &fixture.arena, &entry, NULL),
                     STATUS_OK);
    fixture_finish(&fixture);
}

static void an_arena_that_is_too_small_is_told(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_numbers(&fixture, 0, 5, 100000);
    struct arena arena;
    arena_init(&arena, 50000);
    struct refusal_page_request request = request_all();
    struct refusal_page page = {.count = 77};
    struct refusal_entry entry = {.refused_at_ms = -5};
    struct error err = {0};
    assert_int_equal(refusal_list_find(fixture.list, &request, &arena, &page, &err),
                     STATUS_NO_MEMORY);
    assert_int_equal(err.status, STATUS_NO_MEMORY);
    assert_int_equal(page.count, 77);
    assert_int_equal(refusal_list_get(fixture.list, id_at(&fixture, (struct position){0, 0}),
                                      &arena, &entry, &err),
                     STATUS_NO_MEMORY);
    assert_int_equal(entry.refused_at_ms, -5);
    arena_deinit(&arena);
    fixture_finish(&fixture);
}

/* What stays are the newest without a gap; how many may depend on the adapter, within reason. */
static void expect_the_newest(struct fixture *fixture, unsigned added)
{
    struct refusal_list_state about = look(fixture);
    size_t count = find_all(fixture, NUMBERS_MAX, found);
    assert_int_equal(about.listed, count);
    assert_int_equal(about.listed + about.dropped, added);
    assert_true(about.bytes <= about.bytes_max);
    assert_true(about.dropped == 0 || count * 1000 > TIGHT_BYTES / 4);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(found[i].refusal.position.offset, added - 1 - i);
        assert_numbered(fixture, &found[i], 1000);
    }
}

/* Bytes have a maximum: the oldest go, and are counted since the start. */
static void the_oldest_go_when_it_is_full(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, TIGHT_BYTES);
    for (unsigned i = 0; i < 1000; i++) {
        add_numbers(&fixture, i, 1, 1000);
        fixture_pass(&fixture, 1);
        if (i % 97 == 0) {
            expect_the_newest(&fixture, i + 1);
        }
    }
    expect_the_newest(&fixture, 1000);
    assert_true(look(&fixture).dropped > 0);
    size_t listed = look(&fixture).listed;
    struct refusal_entry entry;
    struct str gone = id_at(&fixture, (struct position){0, 0});
    assert_int_equal(refusal_list_get(fixture.list, gone, &fixture.arena, &entry, NULL),
                     STATUS_NOT_FOUND);
    fixture_reopen(&fixture);
    assert_int_equal(look(&fixture).listed, listed);
    assert_int_equal(find_all(&fixture, NUMBERS_MAX, found), listed);
    add_numbers(&fixture, 1000, 1, 1000);
    find_all(&fixture, 1, found);
    assert_int_equal(found[0].refusal.position.offset, 1000);
    fixture_finish(&fixture);
}

/* One add that is more than the list holds, too. */
static void a_flood_does_not_pass_the_maximum(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, TIGHT_BYTES);
    add_numbers(&fixture, 0, 2000, 1000);
    struct refusal_list_state about = look(&fixture);
    assert_true(about.bytes <= about.bytes_max);
    assert_in_range(about.listed, 1, 1999);
    assert_int_equal(about.listed + about.dropped, 2000);
    assert_int_equal(find_all(&fixture, NUMBERS_MAX, found), about.listed);
    fixture_reopen(&fixture);
    assert_int_equal(find_all(&fixture, NUMBERS_MAX, found), about.listed);
    fixture_finish(&fixture);
}

/* An entry that is more than the list may hold has no place in it, but is counted. */
static void what_can_never_fit_is_counted(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, TIGHT_BYTES);
    add_numbers(&fixture, 0, 1, TIGHT_BYTES * 2);
    struct refusal_list_state about = look(&fixture);
    assert_int_equal(about.listed, 0);
    assert_int_equal(about.dropped, 1);
    assert_true(about.bytes <= about.bytes_max);
    add_numbers(&fixture, 1, 1, 100);
    fixture_reopen(&fixture);
    assert_int_equal(find_all(&fixture, 10, found), 1);
    assert_numbered(&fixture, &found[0], 100);
    fixture_finish(&fixture);
}

/* --- while it is added to --- */

struct reader {
    struct fixture *fixture;
    atomic_bool stop;
    atomic_bool failed;
};

static bool reads_well(struct fixture *fixture)
{
    struct arena arena;
    arena_init(&arena, ROOMY_BYTES);
    struct refusal_page_request request = {.limit = 50, .bytes_max = ROOMY_BYTES};
    struct refusal_page page;
    struct refusal_list_state about;
    struct refusal_entry entry;
    bool well = refusal_list_find(fixture->list, &request, &arena, &page, NULL) == STATUS_OK;
    refusal_list_describe(fixture->list, &about);
    for (size_t i = 0; well && i < page.count; i++) {
        const struct refusal_entry *row = &page.entries[i];
        enum status status = refusal_list_get(fixture->list, row->id, &arena, &entry, NULL);
        well = status == STATUS_NOT_FOUND ||
               (status == STATUS_OK && str_equal(entry.refusal.raw, row->refusal.raw));
    }
    arena_deinit(&arena);
    return well;
}

static void *read_on(void *context)
{
    struct reader *reader = context;
    while (!atomic_load(&reader->stop)) {
        if (!reads_well(reader->fixture)) {
            atomic_store(&reader->failed, true);
        }
    }
    return NULL;
}

static void answers_from_any_thread_meanwhile(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, TIGHT_BYTES);
    struct reader reader = {.fixture = &fixture};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &reader), 0);
    }
    for (unsigned i = 0; i < 400; i++) {
        add_numbers(&fixture, i * 3, 3, 500);
    }
    atomic_store(&reader.stop, true);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_false(atomic_load(&reader.failed));
    struct refusal_list_state about = look(&fixture);
    assert_int_equal(about.listed + about.dropped, 1200);
    fixture_finish(&fixture);
}

static void remove_number(struct fixture *fixture, unsigned number)
{
    struct error err = {0};
    struct str id = id_at(fixture, (struct position){(int32_t)(number % PARTITIONS), number});
    if (refusal_list_remove(fixture->list, id, &err) != STATUS_OK) {
        fail_msg("number %u cannot be removed: %s", number, err.message);
    }
}

static bool has_number(struct fixture *fixture, unsigned number)
{
    struct refusal_entry entry;
    struct str id = id_at(fixture, (struct position){(int32_t)(number % PARTITIONS), number});
    return refusal_list_get(fixture->list, id, &fixture->arena, &entry, NULL) == STATUS_OK;
}

/* It is in no answer, also after opening again, and the others stay as they were. */
static void what_is_removed_is_gone(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_numbers(&fixture, 0, 40, 100);
    fixture_pass(&fixture, 5);
    add_numbers(&fixture, 40, 10, 100);
    for (unsigned i = 0; i < 50; i += 3) {
        remove_number(&fixture, i);
    }
    for (int opened = 0; opened < 2; opened++) {
        assert_int_equal(find_all(&fixture, 7, found), 33);
        assert_int_equal(look(&fixture).listed, 33);
        assert_int_equal(look(&fixture).dropped, 0);
        for (unsigned i = 0; i < 50; i++) {
            assert_int_equal(has_number(&fixture, i), i % 3 != 0);
        }
        for (size_t i = 0; i < 33; i++) {
            assert_numbered(&fixture, &found[i], 100);
        }
        fixture_reopen(&fixture);
    }
    fixture_finish(&fixture);
}

static void what_is_not_there_cannot_be_removed(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_numbers(&fixture, 0, 3, 100);
    remove_number(&fixture, 1);
    const struct str ids[] = {STR(""), STR("x"), STR("5a010203-0000-0000-0000-000000000000-1-2"),
                              id_at(&fixture, (struct position){1, 1})};
    for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
        struct error err = {0};
        assert_int_equal(refusal_list_remove(fixture.list, ids[i], &err), STATUS_NOT_FOUND);
        assert_int_equal(err.status, STATUS_NOT_FOUND);
    }
    assert_int_equal(find_all(&fixture, 7, found), 2);
    fixture_finish(&fixture);
}

/* As when the log hands the position over once more. */
static void what_was_removed_may_come_again(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start_roomy(&fixture);
    add_numbers(&fixture, 0, 3, 100);
    for (int turn = 0; turn < 4; turn++) {
        remove_number(&fixture, 1);
        assert_false(has_number(&fixture, 1));
        if (turn % 2 == 1) {
            fixture_reopen(&fixture);
            assert_false(has_number(&fixture, 1));
        }
        fixture_pass(&fixture, 1);
        add_numbers(&fixture, 0, 3, 100);
        assert_true(has_number(&fixture, 1));
        fixture_reopen(&fixture);
        assert_int_equal(find_all(&fixture, 7, found), 3);
        assert_int_equal(found[0].refusal.position.offset, 1); /* the newest now */
        assert_numbered(&fixture, &found[0], 100);
    }
    fixture_finish(&fixture);
}

/* A list that was emptied takes as much as before. */
static void an_emptied_list_has_room(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, TIGHT_BYTES);
    for (unsigned round = 0; round < 8; round++) {
        add_numbers(&fixture, round * 100, 100, 1000);
        fixture_pass(&fixture, 1);
        assert_int_equal(find_all(&fixture, NUMBERS_MAX, found), 100);
        for (unsigned i = 0; i < 100; i++) {
            remove_number(&fixture, round * 100 + (i * 37) % 100);
        }
        assert_int_equal(find_all(&fixture, NUMBERS_MAX, found), 0);
        if (round % 2 == 1) {
            fixture_reopen(&fixture);
            assert_int_equal(find_all(&fixture, NUMBERS_MAX, found), 0);
        }
    }
    assert_int_equal(look(&fixture).dropped, 0);
    fixture_finish(&fixture);
}

struct remover {
    struct refusal_list *list;
    atomic_bool stop;
    atomic_bool failed;
    size_t removed;
};

/* Takes the newest off as they come. */
static void *remove_on(void *context)
{
    struct remover *remover = context;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    while (!atomic_load(&remover->stop)) {
        struct refusal_page_request request = {.limit = 1, .bytes_max = SIZE_MAX};
        struct refusal_page page;
        arena_reset(&arena);
        enum status status = refusal_list_find(remover->list, &request, &arena, &page, NULL);
        if (status == STATUS_OK && page.count == 1) {
            status = refusal_list_remove(remover->list, page.entries[0].id, NULL);
            remover->removed += status == STATUS_OK;
        }
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            atomic_store(&remover->failed, true);
        }
    }
    arena_deinit(&arena);
    return NULL;
}

static void removes_while_others_come(void **state)
{
    (void)state;
    struct fixture fixture;
    pthread_t threads[2];
    struct remover removers[2];
    fixture_start_roomy(&fixture);
    for (size_t i = 0; i < 2; i++) {
        removers[i] = (struct remover){.list = fixture.list};
        assert_int_equal(pthread_create(&threads[i], NULL, remove_on, &removers[i]), 0);
    }
    for (unsigned i = 0; i < 100; i++) {
        add_numbers(&fixture, i * 3, 3, 200);
    }
    for (size_t i = 0; i < 2; i++) {
        atomic_store(&removers[i].stop, true);
        pthread_join(threads[i], NULL);
        assert_false(atomic_load(&removers[i].failed));
    }
    size_t left = find_all(&fixture, 50, found);
    assert_int_equal(left + removers[0].removed + removers[1].removed, 300);
    fixture_reopen(&fixture);
    assert_int_equal(find_all(&fixture, 50, found), left);
    fixture_finish(&fixture);
}

int refusal_list_contract_run(const struct refusal_list_maker *maker)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_has_nothing),
        cmocka_unit_test(keeps_what_was_added),
        cmocka_unit_test(keeps_what_is_odd),
        cmocka_unit_test(keeps_a_large_message),
        cmocka_unit_test(lists_a_position_once),
        cmocka_unit_test(lists_a_position_once_of_one_add),
        cmocka_unit_test(tells_logs_and_partitions_apart),
        cmocka_unit_test(pages_lead_through_all_of_it),
        cmocka_unit_test(a_page_goes_on_behind_a_place),
        cmocka_unit_test(paging_is_not_disturbed_by_news),
        cmocka_unit_test(a_page_ends_before_its_bytes),
        cmocka_unit_test(one_by_its_id),
        cmocka_unit_test(an_id_that_is_none_is_not_found),
        cmocka_unit_test(an_arena_that_is_too_small_is_told),
        cmocka_unit_test(the_oldest_go_when_it_is_full),
        cmocka_unit_test(a_flood_does_not_pass_the_maximum),
        cmocka_unit_test(what_can_never_fit_is_counted),
        cmocka_unit_test(answers_from_any_thread_meanwhile),
        cmocka_unit_test(what_is_removed_is_gone),
        cmocka_unit_test(what_is_not_there_cannot_be_removed),
        cmocka_unit_test(what_was_removed_may_come_again),
        cmocka_unit_test(an_emptied_list_has_room),
        cmocka_unit_test(removes_while_others_come),
        cmocka_unit_test(finds_the_entries_of_one_user),
        cmocka_unit_test(forgets_the_entries_of_one_user),
        cmocka_unit_test(forgets_thousands_at_once),
        cmocka_unit_test(what_was_forgotten_may_come_again),
        cmocka_unit_test(tells_users_apart_whom_signatures_do_not),
        cmocka_unit_test(forgets_while_others_come),
    };
    fixture_set_maker(maker);
    return cmocka_run_group_tests_name(maker->name, tests, NULL, NULL);
}
