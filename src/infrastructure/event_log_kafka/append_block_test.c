/*
 * Guards what an append is on its way to Kafka: its messages come out as they were put in, its
 * result is the worst of theirs, and the list keeps the order of each thread that adds to it.
 */
#include "infrastructure/event_log_kafka/append_block.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct activity activities[2] = {
    {.id = {"1", 1},
     .user_id = {"u\"\"\"\"\"\"\"\"\"\"", 11},
     .action = {"a", 1},
     .metadata = {"{}", 2},
     .timestamp_ms = 1,
     .received_at_ms = 2},
    {.id = {"2", 1},
     .user_id = {"v", 1},
     .action = {"b", 1},
     .metadata = {"{\"n\":1}", 7},
     .trace = {"of a trace", 10}},
};

static struct append_block *make_block(size_t count)
{
    struct append_block *block = NULL;
    assert_int_equal(append_block_new(activities, count, 4096, &block), STATUS_OK);
    return block;
}

static void messages_come_out_as_they_were_put_in(void **state)
{
    (void)state;
    struct append_block *block = make_block(2);
    struct append_walk walk = append_block_walk(block);
    struct append_message message;
    assert_true(append_walk_next(&walk, &message));
    assert_true(str_equal(message.key, activities[0].user_id));
    assert_int_equal(message.trace.len, 0);
    assert_true(str_equal(
        message.value, STR("{\"id\":\"1\",\"userId\":\"u\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\","
                           "\"action\":\"a\",\"timestamp\":\"1970-01-01T00:00:00.001Z\","
                           "\"receivedAt\":\"1970-01-01T00:00:00.002Z\",\"metadata\":{}}")));
    assert_true(append_walk_next(&walk, &message));
    assert_true(str_equal(message.key, STR("v")));
    assert_true(str_equal(message.trace, STR("of a trace")));
    assert_false(append_walk_next(&walk, &message));
    assert_in_range(append_block_estimate(&activities[1], 1), sizeof *block, block->bytes);
    append_block_free(block);
}

static void a_block_has_a_maximum(void **state)
{
    (void)state;
    struct append_block *block = NULL;
    size_t bytes_max = sizeof *block + 100;
    assert_int_equal(append_block_new(activities, 1, bytes_max, &block), STATUS_TOO_LARGE);
    assert_null(block);
    /* The quotes make it longer than it was thought to be. */
    bytes_max = append_block_estimate(activities, 1);
    assert_int_equal(append_block_new(activities, 1, bytes_max, &block), STATUS_TOO_LARGE);
}

static void a_result_has_each_partition_once(void **state)
{
    (void)state;
    struct append_block *block = make_block(2);
    block->unsettled = 5;
    append_block_confirm(block, (struct position){3, 10});
    append_block_confirm(block, (struct position){3, 9});
    struct append_result result = append_block_result(block, (struct uuid){{0}});
    assert_int_equal(result.reached_count, 1);
    assert_int_equal(result.reached[0].offset, 10);
    append_block_confirm(block, (struct position){1, 7});
    append_block_confirm(block, (struct position){3, 11});
    append_block_confirm(block, (struct position){2, 1});
    result = append_block_result(block, (struct uuid){{0}});
    assert_int_equal(result.status, STATUS_OK);
    assert_int_equal(result.reached_count, 3);
    assert_int_equal(result.reached[0].offset, 7);
    assert_int_equal(result.reached[2].offset, 11);
    assert_int_equal(block->unsettled, 0);
    append_block_free(block);
}

static void one_failure_fails_the_append(void **state)
{
    (void)state;
    struct append_block *block = make_block(2);
    append_block_fail(block, STATUS_TIMED_OUT, 1);
    append_block_confirm(block, (struct position){0, 1});
    struct append_result result = append_block_result(block, (struct uuid){{0}});
    assert_int_equal(result.status, STATUS_TIMED_OUT);
    assert_int_equal(result.reached_count, 0);
    append_block_free(block);
}

enum { THREADS = 3, BLOCKS = 20000 };

struct adder {
    struct append_list *list;
    uint32_t number;
};

static void *add_blocks(void *context)
{
    const struct adder *adder = context;
    for (uint64_t i = 0; i < BLOCKS; i++) {
        struct append_block *block = calloc(1, sizeof *block);
        if (block == NULL) {
            return NULL;
        }
        block->ticket = (struct append_ticket){.loop = adder->number, .generation = i};
        append_list_push(adder->list, block);
    }
    return context;
}

static void the_list_keeps_the_order_of_each_thread(void **state)
{
    (void)state;
    struct append_list list;
    append_list_init(&list);
    assert_true(append_list_is_empty(&list));
    struct adder adders[THREADS];
    pthread_t threads[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        adders[i] = (struct adder){.list = &list, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, add_blocks, &adders[i]), 0);
    }
    uint64_t next[THREADS] = {0};
    for (size_t taken = 0; taken < (size_t)THREADS * BLOCKS;) {
        struct append_block *block = append_list_pop(&list);
        if (block == NULL) {
            sched_yield();
            continue;
        }
        assert_int_equal(block->ticket.generation, next[block->ticket.loop]++);
        free(block);
        taken++;
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *added = NULL;
        pthread_join(threads[i], &added);
        assert_ptr_equal(added, &adders[i]);
    }
    assert_null(append_list_pop(&list));
    assert_true(append_list_is_empty(&list));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_as_they_were_put_in),
        cmocka_unit_test(a_block_has_a_maximum),
        cmocka_unit_test(a_result_has_each_partition_once),
        cmocka_unit_test(one_failure_fails_the_append),
        cmocka_unit_test(the_list_keeps_the_order_of_each_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
