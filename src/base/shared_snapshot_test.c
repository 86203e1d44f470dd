/*
 * Guards that nothing is given back while a reader holds it, and that readers see what is current:
 * threads read while another replaces, and what is given back is spoilt at once.
 */
#include "base/shared_snapshot.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { READERS = 4, REPLACEMENTS = 300 };

struct value {
    uint64_t number;
    uint64_t twice;
};

struct reading {
    struct shared_snapshot *shared;
    unsigned reader;
    atomic_bool *ends;
    uint64_t looks;
    uint64_t spoilt;
    uint64_t backwards;
};

static struct value *make(uint64_t number)
{
    struct value *value = malloc(sizeof *value);
    assert_non_null(value);
    *value = (struct value){number, 2 * number};
    return value;
}

static void spoil(struct value *value)
{
    if (value != NULL) {
        value->number = 1;
        value->twice = 1;
    }
    free(value);
}

static void *run_reader(void *context)
{
    struct reading *reading = context;
    uint64_t last = 0;
    while (!atomic_load(reading->ends)) {
        const struct value *value = shared_snapshot_hold(reading->shared, reading->reader);
        uint64_t number = value->number;
        reading->spoilt += value->twice != 2 * number;
        reading->backwards += number < last;
        last = number;
        reading->looks++;
        shared_snapshot_release(reading->shared, reading->reader);
    }
    return NULL;
}

static void nothing_is_taken_from_a_reader(void **state)
{
    (void)state;
    struct shared_snapshot shared;
    atomic_bool ends = false;
    pthread_t threads[READERS];
    struct reading readings[READERS];
    assert_int_equal(shared_snapshot_init(&shared, READERS), STATUS_OK);
    assert_null(shared_snapshot_replace(&shared, make(0)));
    for (unsigned i = 0; i < READERS; i++) {
        readings[i] = (struct reading){.shared = &shared, .reader = i, .ends = &ends};
        assert_int_equal(pthread_create(&threads[i], NULL, run_reader, &readings[i]), 0);
    }
    for (uint64_t number = 1; number <= REPLACEMENTS; number++) {
        spoil(shared_snapshot_replace(&shared, make(number)));
    }
    atomic_store(&ends, true);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readings[i].spoilt, 0);
        assert_int_equal(readings[i].backwards, 0);
    }
    spoil(shared_snapshot_replace(&shared, NULL));
    shared_snapshot_deinit(&shared);
}

static void a_reader_gets_what_is_current(void **state)
{
    (void)state;
    struct shared_snapshot shared;
    int first;
    int second;
    assert_int_equal(shared_snapshot_init(&shared, 2), STATUS_OK);
    assert_null(shared_snapshot_hold(&shared, 0));
    shared_snapshot_release(&shared, 0);
    assert_null(shared_snapshot_replace(&shared, &first));
    assert_ptr_equal(shared_snapshot_hold(&shared, 1), &first);
    shared_snapshot_release(&shared, 1);
    assert_ptr_equal(shared_snapshot_replace(&shared, &second), &first);
    assert_ptr_equal(shared_snapshot_hold(&shared, 0), &second);
    shared_snapshot_release(&shared, 0);
    shared_snapshot_deinit(&shared);
}

struct replacing {
    struct shared_snapshot *shared;
    atomic_bool returned;
};

static void *run_replace(void *context)
{
    struct replacing *replacing = context;
    (void)!shared_snapshot_replace(replacing->shared, NULL);
    atomic_store(&replacing->returned, true);
    return NULL;
}

static void replacing_waits_for_who_holds(void **state)
{
    (void)state;
    struct shared_snapshot shared;
    struct replacing replacing = {.shared = &shared};
    pthread_t thread;
    int value;
    assert_int_equal(shared_snapshot_init(&shared, 3), STATUS_OK);
    assert_null(shared_snapshot_replace(&shared, &value));
    assert_ptr_equal(shared_snapshot_hold(&shared, 2), &value);
    assert_int_equal(pthread_create(&thread, NULL, run_replace, &replacing), 0);
    while (atomic_load(&shared.current) != NULL) {
    }
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_false(atomic_load(&replacing.returned));
    shared_snapshot_release(&shared, 2);
    pthread_join(thread, NULL);
    shared_snapshot_deinit(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_gets_what_is_current),
        cmocka_unit_test(replacing_waits_for_who_holds),
        cmocka_unit_test(nothing_is_taken_from_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
