#include "base/assert.h"
#include "infrastructure/refusal_index/refusal_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ITEMS = 3000, GROUP_MAX = 40, ROUNDS = 400 };

static struct refusal_item items[ITEMS];
static bool is_in[ITEMS];

/* Few logs, partitions and times, so that all of them decide somewhere. */
static void make_items(const struct random *random)
{
    for (size_t i = 0; i < ITEMS; i++) {
        items[i] = (struct refusal_item){
            .log_id = {{(uint8_t)(0x70 + random_below(random, 3) * 0x40)}},
            .position = {(int32_t)random_below(random, 13), (int64_t)i},
            .refused_at_ms = (int64_t)random_below(random, 5),
        };
        is_in[i] = false;
    }
}

static struct refusal_entry place_of(const struct refusal_item *item, char out_id[REFUSAL_ID_BYTES])
{
    refusal_entry_write_id(item->log_id, item->position, out_id);
    return (struct refusal_entry){.id = str_from(out_id), .refused_at_ms = item->refused_at_ms};
}

static int compare_places(const struct refusal_entry *a, const struct refusal_entry *b)
{
    return a->refused_at_ms != b->refused_at_ms ? (a->refused_at_ms > b->refused_at_ms ? 1 : -1)
                                                : str_compare(a->id, b->id);
}

static void expect_sound(const struct refusal_index *index)
{
    size_t count = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        const struct refusal_item *item =
            refusal_index_find(index, items[i].log_id, items[i].position);
        assert_ptr_equal(item, is_in[i] ? &items[i] : NULL);
        count += is_in[i];
    }
    assert_int_equal(index->count, count);
    char ids[2][REFUSAL_ID_BYTES];
    struct refusal_entry before = {0};
    for (size_t i = 0; i < index->count; i++) {
        struct refusal_entry place = place_of(refusal_index_at(index, i), ids[i % 2]);
        assert_true(i == 0 || compare_places(&before, &place) < 0);
        assert_int_equal(refusal_index_below(index, &place), i);
        assert_ptr_equal(refusal_index_find_id(index, place.id), refusal_index_at(index, i));
        before = place;
    }
}

static void add_some(struct refusal_index *index, const struct random *random)
{
    struct refusal_item *group[GROUP_MAX];
    struct refusal_item known[GROUP_MAX];
    size_t count = (size_t)random_below(random, GROUP_MAX);
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = (size_t)random_below(random, ITEMS);
        known[i] = items[at];
        group[i] = is_in[at] ? &known[i] : &items[at];
        fresh += !is_in[at];
        is_in[at] = true;
    }
    assert_int_equal(refusal_index_reserve(index, count), STATUS_OK);
    assert_int_equal(refusal_index_add(index, group, count), fresh);
    for (size_t i = 0; i < count; i++) {
        bool own = group[i] >= items && group[i] < items + ITEMS;
        assert_int_equal(own, i < fresh);
    }
}

static void remove_some(struct refusal_index *index, const struct random *random, bool oldest)
{
    for (size_t left = (size_t)random_below(random, GROUP_MAX); left > 0 && index->count > 0;
         left--) {
        size_t at = oldest ? 0 : (size_t)random_below(random, index->count);
        struct refusal_item *item = refusal_index_at(index, at);
        refusal_index_remove(index, item);
        is_in[item - items] = false;
    }
}

static void run(uint64_t seed, bool oldest)
{
    struct random_seeded seeded;
    struct random random = random_from_seed(&seeded, seed);
    struct refusal_index index;
    make_items(&random);
    refusal_index_init(&index);
    expect_sound(&index);
    for (size_t i = 0; i < ROUNDS; i++) {
        add_some(&index, &random);
        remove_some(&index, &random, oldest);
        if (i % 20 == 0) {
            expect_sound(&index);
        }
    }
    expect_sound(&index);
    refusal_index_deinit(&index);
}

static void finds_and_orders_while_it_changes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        run(seed, false);
    }
}

/* As a list that is full does it: the room in front is used again. */
static void does_not_grow_while_the_oldest_go(void **state)
{
    (void)state;
    run(1, true);
    struct refusal_index index;
    refusal_index_init(&index);
    for (size_t i = 0; i < ITEMS; i++) {
        struct refusal_item *item = &items[i];
        *item = (struct refusal_item){.position = {0, (int64_t)i}, .refused_at_ms = (int64_t)i};
        assert_int_equal(refusal_index_reserve(&index, 1), STATUS_OK);
        assert_int_equal(refusal_index_add(&index, &item, 1), 1);
        if (i >= 100) {
            refusal_index_remove(&index, &items[i - 100]);
        }
        assert_true(index.capacity <= 512);
    }
    assert_int_equal(index.count, 100);
    refusal_index_deinit(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_and_orders_while_it_changes),
        cmocka_unit_test(does_not_grow_while_the_oldest_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
