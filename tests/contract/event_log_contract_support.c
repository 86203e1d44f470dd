#include "event_log_contract_support.h"

#include "base/assert.h"
#include "support/thread_state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

const struct logger silent_logger = {.clock = &clock_system, .descriptor = -1, .level = LOG_ERROR};

static void collect(struct append_listener *listener, const struct append_result *results,
                    size_t count)
{
    struct collector *collector = CONTAINER_OF(listener, struct collector, listener);
    pthread_mutex_lock(&collector->mutex);
    collector->calls++;
    collector->thread = thread_number();
    for (size_t i = 0; i < count; i++) {
        ASSERT(collector->count < COLLECTED_MAX);
        ASSERT((results[i].status == STATUS_OK) == (results[i].reached_count == 1));
        collector->items[collector->count++] = (struct collected){
            .ticket = results[i].ticket,
            .status = results[i].status,
            .durability = results[i].durability,
            .log_id = results[i].log_id,
            .reached = results[i].reached_count == 1 ? results[i].reached[0].offset : -1,
        };
    }
    pthread_cond_broadcast(&collector->changed);
    pthread_mutex_unlock(&collector->mutex);
}

void collector_init(struct collector *collector)
{
    *collector = (struct collector){.listener.completed = collect};
    collector->items = calloc(COLLECTED_MAX, sizeof *collector->items);
    ASSERT(collector->items != NULL);
    pthread_mutex_init(&collector->mutex, NULL);
    pthread_cond_init(&collector->changed, NULL);
}

void collector_deinit(struct collector *collector)
{
    free(collector->items);
    pthread_cond_destroy(&collector->changed);
    pthread_mutex_destroy(&collector->mutex);
}

void collector_wait(struct collector *collector, size_t count)
{
    enum { PATIENCE_SECONDS = 20 };
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_SECONDS;
    pthread_mutex_lock(&collector->mutex);
    int result = 0;
    while (collector->count < count && result != ETIMEDOUT) {
        result = pthread_cond_timedwait(&collector->changed, &collector->mutex, &deadline);
    }
    size_t present = collector->count;
    pthread_mutex_unlock(&collector->mutex);
    if (present < count) {
        fail_msg("only %zu of %zu results came", present, count);
    }
}

size_t collector_count(struct collector *collector)
{
    pthread_mutex_lock(&collector->mutex);
    size_t count = collector->count;
    pthread_mutex_unlock(&collector->mutex);
    return count;
}

static struct str print(char *text, size_t size, const char *format, uint64_t number)
{
    int len = snprintf(text, size, "%s%llu", format, (unsigned long long)number);
    return (struct str){.data = text, .len = (size_t)len};
}

void numbered_activity_make(struct numbered_activity *memory, uint64_t number)
{
    struct activity *activity = &memory->activity;
    activity->trace = (struct str){0};
    activity->id = print(memory->id, sizeof memory->id, "id-", number);
    activity->user_id = print(memory->user_id, sizeof memory->user_id, "üser-", number % 7);
    activity->action = print(memory->action, sizeof memory->action, "action-", number % 3);
    int len = snprintf(memory->metadata, sizeof memory->metadata, "{\"n\":%llu,\"fill\":\"%.*s\"}",
                       (unsigned long long)number, (int)(number * 7 % 97),
                       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                       "xxxxxxxxxxxxxxxxxxxxxxxxxxx");
    activity->metadata = (struct str){.data = memory->metadata, .len = (size_t)len};
    activity->timestamp_ms = 1000 + (int64_t)number;
    activity->received_at_ms = 2000 + (int64_t)number;
}

uint64_t numbered_activity_number(const struct activity *activity)
{
    if (activity->timestamp_ms < 1000) {
        return UINT64_MAX;
    }
    uint64_t number = (uint64_t)(activity->timestamp_ms - 1000);
    struct numbered_activity expected;
    numbered_activity_make(&expected, number);
    bool same = str_equal(activity->id, expected.activity.id) &&
                activity_same_content(activity, &expected.activity, true) &&
                activity->received_at_ms == expected.activity.received_at_ms;
    return same ? number : UINT64_MAX;
}

enum status append_numbers(struct event_log *log, struct collector *collector, uint64_t first,
                           size_t count)
{
    struct numbered_activity *memory = calloc(count, sizeof *memory);
    struct activity *activities = calloc(count, sizeof *activities);
    ASSERT(memory != NULL && activities != NULL);
    for (size_t i = 0; i < count; i++) {
        numbered_activity_make(&memory[i], first + i);
        activities[i] = memory[i].activity;
    }
    struct append_ticket ticket = {.loop = 3, .slot = 4, .generation = first};
    enum status status = event_log_append(log, activities, count, &collector->listener, ticket);
    memset(memory, 0xee, count * sizeof *memory); /* nothing is borrowed any more */
    free(memory);
    free(activities);
    return status;
}

enum status append_and_wait(struct event_log *log, struct collector *collector, uint64_t first,
                            size_t count)
{
    size_t before = collector_count(collector);
    enum status status = append_numbers(log, collector, first, count);
    if (status != STATUS_OK) {
        return status;
    }
    collector_wait(collector, before + 1);
    return collector->items[before].status;
}

static struct activity_batch poll_or_fail(struct event_log *log, unsigned wait_ms)
{
    struct activity_batch batch;
    struct error err;
    enum status status = event_log_poll(log, 1000, wait_ms, &batch, &err);
    if (status != STATUS_OK) {
        fail_msg("poll: %s: %s", status_name(status), err.message);
    }
    return batch;
}

enum { POLL_WAIT_MS = 100, PATIENCE_MS = 10000 };

/* A log on another machine has what is durable in its hands a moment later, and a member of a group
 * may tell where it begins before it has fetched anything: it is asked again until what came
 * reaches to the end. */
size_t poll_all(struct event_log *log, row_visit *visit, void *context)
{
    uint64_t give_up_at_ms = clock_monotonic_ms(&clock_system) + PATIENCE_MS;
    size_t total = 0;
    unsigned wait_ms = 0;
    int64_t next = 0;
    bool stood = false;
    for (;;) {
        struct activity_batch batch = poll_or_fail(log, wait_ms);
        for (size_t i = 0; i < batch.count; i++) {
            visit(context, &batch.rows[i]);
        }
        total += batch.count;
        if (position_set_get(batch.next, 0) > next) {
            next = position_set_get(batch.next, 0);
        }
        bool stands = batch.count == 0 && batch.next->count > 0;
        bool all = next >= end_offset(log) || (stands && stood) ||
                   clock_monotonic_ms(&clock_system) > give_up_at_ms;
        stood = stands;
        if (batch.count == 0 && all) {
            return total;
        }
        wait_ms = all ? 0 : POLL_WAIT_MS;
    }
}

static void expect_next(void *context, const struct logged_activity *row)
{
    uint64_t *next = context;
    assert_int_equal(numbered_activity_number(&row->activity), *next);
    (*next)++;
}

void expect_numbers(struct event_log *log, uint64_t first, uint64_t end)
{
    uint64_t give_up_at_ms = clock_monotonic_ms(&clock_system) + PATIENCE_MS;
    uint64_t next = first;
    size_t count = 1;
    while (next < end || count > 0) {
        struct activity_batch batch = poll_or_fail(log, next < end ? POLL_WAIT_MS : 0);
        for (count = 0; count < batch.count; count++) {
            expect_next(&next, &batch.rows[count]);
        }
        if (clock_monotonic_ms(&clock_system) > give_up_at_ms) {
            break;
        }
    }
    assert_int_equal(next, end);
}

int64_t end_offset(struct event_log *log)
{
    struct position_set set;
    position_set_init(&set);
    assert_int_equal(event_log_end_position(log, &set), STATUS_OK);
    int64_t offset = position_set_get(&set, 0);
    position_set_deinit(&set);
    return offset;
}

static struct position_set one_position(struct position *position)
{
    return (struct position_set){.items = position, .count = 1, .capacity = 1};
}

enum status seek_to(struct event_log *log, int64_t offset)
{
    struct position position = {.offset = offset};
    struct position_set set = one_position(&position);
    struct error err;
    return event_log_seek(log, &set, &err);
}

enum status commit_to(struct event_log *log, int64_t offset)
{
    struct position position = {.offset = offset};
    struct position_set set = one_position(&position);
    struct error err;
    return event_log_commit(log, &set, &err);
}
