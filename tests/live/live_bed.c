#include "live_bed.h"

#include "base/assert.h"
#include "base/condition.h"
#include "infrastructure/activity_store_memory/activity_store_memory.h"
#include "infrastructure/event_log_memory/event_log_memory.h"
#include "support/quiet_logger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { APPEND_MAX = 512, TEXT_BYTES = 48, PATIENCE_MS = 20 * 1000, HEARTBEAT_MS = 60 * 1000 };

/* --- the bed --- */

static void count_results(struct append_listener *listener, const struct append_result *results,
                          size_t count)
{
    struct live_bed *bed = CONTAINER_OF(listener, struct live_bed, appended);
    pthread_mutex_lock(&bed->mutex);
    for (size_t i = 0; i < count; i++) {
        ASSERT(results[i].status == STATUS_OK);
    }
    bed->results += count;
    pthread_cond_broadcast(&bed->changed);
    pthread_mutex_unlock(&bed->mutex);
}

void live_bed_open(struct live_bed *bed, size_t listeners_max)
{
    const struct event_log_memory_config log = {.random = &random_system};
    const struct activity_store_memory_config store = {.clock = &clock_system,
                                                       .random = &random_system};
    *bed = (struct live_bed){.appended.completed = count_results};
    pthread_mutex_init(&bed->mutex, NULL);
    condition_init(&bed->changed);
    assert_int_equal(event_log_memory_new(&log, &bed->log, NULL), STATUS_OK);
    assert_int_equal(activity_store_memory_new(&store, &bed->store, NULL), STATUS_OK);
    bed->config = (struct live_tail_config){
        .source = event_log_memory_tails(bed->log),
        .erasures = activity_store_memory_erasures(bed->store),
        .clock = &clock_system,
        .logger = quiet_logger(),
        .listeners_max = listeners_max,
        .heartbeat_ms = HEARTBEAT_MS,
    };
}

enum status live_bed_start(struct live_bed *bed, struct error *err)
{
    return live_tail_new(&bed->config, &bed->tail, err);
}

void live_bed_close(struct live_bed *bed)
{
    live_tail_free(bed->tail);
    activity_store_free(bed->store);
    event_log_free(bed->log);
    pthread_cond_destroy(&bed->changed);
    pthread_mutex_destroy(&bed->mutex);
}

struct str live_bed_user(uint64_t number)
{
    static const struct str users[LIVE_USERS] = {{"user-0", 6}, {"user-1", 6}, {"user-2", 6},
                                                 {"user-3", 6}, {"user-4", 6}, {"user-5", 6},
                                                 {"user-6", 6}};
    return users[number % LIVE_USERS];
}

static struct str print(char *text, const char *format, uint64_t number)
{
    int len = snprintf(text, TEXT_BYTES, format, (unsigned long long)number);
    return (struct str){text, (size_t)len};
}

static void append_once(struct live_bed *bed, size_t count)
{
    static struct activity activities[APPEND_MAX];
    static char ids[APPEND_MAX][TEXT_BYTES];
    static char metadata[APPEND_MAX][TEXT_BYTES];
    for (size_t i = 0; i < count; i++) {
        uint64_t number = bed->next + i;
        activities[i] = (struct activity){
            .id = print(ids[i], "id-%llu", number),
            .user_id = live_bed_user(number),
            .action = number % 2 == 0 ? STR("even") : STR("odd"),
            .metadata = print(metadata[i], "{\"n\":%llu}", number),
            .timestamp_ms = (int64_t)number,
            .received_at_ms = (int64_t)number,
        };
    }
    enum status status;
    do {
        status = event_log_append(bed->log, activities, count, &bed->appended,
                                  (struct append_ticket){0});
    } while (status == STATUS_NO_MEMORY);
    assert_int_equal(status, STATUS_OK);
    bed->next += count;
}

void live_bed_append(struct live_bed *bed, uint64_t count, size_t at_once)
{
    ASSERT(at_once <= APPEND_MAX && bed->next + count <= LIVE_NUMBERS_MAX);
    size_t appends = 0;
    pthread_mutex_lock(&bed->mutex);
    size_t before = bed->results;
    pthread_mutex_unlock(&bed->mutex);
    for (; count > 0; appends++) {
        size_t now = count < at_once ? (size_t)count : at_once;
        append_once(bed, now);
        count -= now;
    }
    pthread_mutex_lock(&bed->mutex);
    while (bed->results < before + appends) {
        pthread_cond_wait(&bed->changed, &bed->mutex);
    }
    pthread_mutex_unlock(&bed->mutex);
}

void live_bed_erase(struct live_bed *bed, uint64_t user)
{
    struct activity_erasure erasure;
    enum status status;
    do {
        status = activity_store_erase(bed->store, live_bed_user(user), (int64_t)bed->next, &erasure,
                                      NULL);
    } while (status == STATUS_NO_MEMORY);
    assert_int_equal(status, STATUS_OK);
    if (bed->tail != NULL) {
        live_tail_forget(bed->tail, live_bed_user(user), (int64_t)bed->next);
    }
}

void live_bed_drop(struct live_bed *bed)
{
    struct position end = {.offset = (int64_t)bed->next};
    const struct position_set all = {.items = &end, .count = 1, .capacity = 1};
    assert_int_equal(event_log_commit(bed->log, &all, NULL), STATUS_OK);
}

/* --- an ear's life --- */

static struct ear *ear_of(struct live_listener *listener)
{
    return CONTAINER_OF(listener, struct ear, listener);
}

static void woken(struct live_listener *listener)
{
    struct ear *ear = ear_of(listener);
    pthread_mutex_lock(&ear->mutex);
    ear->woken = true;
    pthread_cond_broadcast(&ear->changed);
    pthread_mutex_unlock(&ear->mutex);
}

static void released(struct live_listener *listener)
{
    atomic_store(&ear_of(listener)->released, true);
}

void ear_init(struct ear *ear)
{
    memset(ear, 0, sizeof *ear);
    pthread_mutex_init(&ear->mutex, NULL);
    condition_init(&ear->changed);
    ear->listener.filter = activity_filter_all();
    ear->listener.woken = woken;
    ear->listener.released = released;
    position_set_init(&ear->listener.from);
    live_listener_init(&ear->listener);
}

void ear_init_behind(struct ear *ear, const char *id)
{
    struct live_listener *listener = &ear->listener;
    ear_init(ear);
    listener->resumes = true;
    assert_int_equal(
        live_tail_read_id(str_from(id), &listener->log_id, &listener->from, &(struct error){0}),
        STATUS_OK);
}

void ear_leave(struct live_bed *bed, struct ear *ear)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    live_tail_leave(bed->tail, &ear->listener);
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&ear->released); i++) {
        nanosleep(&pause, NULL);
    }
    if (!atomic_load(&ear->released)) {
        fail_msg("somebody still has a listener that left");
    }
    pthread_cond_destroy(&ear->changed);
    pthread_mutex_destroy(&ear->mutex);
}

/* --- listening --- */

/* What stands behind `name` in the event; NULL: it is not there. */
static const char *find(const struct live_event *event, const char *name)
{
    const char *at = memmem(event->text, event->len, name, strlen(name));
    return at == NULL ? NULL : at + strlen(name);
}

static uint64_t read_number(const char *at)
{
    uint64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    return number;
}

static void keep(char *into, size_t size, const char *text, char end)
{
    size_t len = 0;
    for (; text[len] != end; len++) {
        ASSERT(len + 1 < size);
        into[len] = text[len];
    }
    into[len] = '\0';
}

static void hear_gap(struct ear *ear, const struct live_event *event)
{
    const char *missed = find(event, "{\"missed\":");
    ear->gaps++;
    ear->gaps_of_unknown += *missed == 'n';
    ear->missed += read_number(missed);
    keep(ear->gap_reason, sizeof ear->gap_reason, find(event, "\"reason\":\""), '"');
}

static void hear_activity(struct ear *ear, const struct live_event *event)
{
    uint64_t number = read_number(find(event, "{\"n\":"));
    ASSERT(number < LIVE_NUMBERS_MAX);
    ear->disordered = ear->disordered || (ear->told > 0 && number <= ear->last);
    ear->times[number]++;
    ear->told++;
    ear->last = number;
}

static void hear(struct ear *ear, const struct live_event *event)
{
    const char *id = find(event, "id: ");
    if (id != NULL && (id == event->text + 4 || id[-5] == '\n')) {
        keep(ear->last_id, sizeof ear->last_id, id, '\n');
    }
    if (find(event, "event: gap\n") != NULL) {
        hear_gap(ear, event);
    } else if (find(event, "event: activity\n") != NULL) {
        hear_activity(ear, event);
    } else {
        ear->heartbeats += find(event, ": heartbeat\n") != NULL;
    }
}

void ear_take(struct ear *ear)
{
    struct live_event *event;
    do {
        uint64_t lost;
        event = live_listener_take(&ear->listener, &lost);
        if (lost > 0) {
            ear->gaps++;
            ear->missed += lost;
            snprintf(ear->gap_reason, sizeof ear->gap_reason, "slow");
        }
        if (event != NULL) {
            hear(ear, event);
            live_event_unref(event);
        }
    } while (event != NULL);
}

/* Rests until it is woken; false when that does not happen in time. */
static bool rest(struct ear *ear, const struct timespec *deadline)
{
    bool in_time = true;
    pthread_mutex_lock(&ear->mutex);
    ear->woken = false;
    pthread_mutex_unlock(&ear->mutex);
    if (!live_listener_rest(&ear->listener)) {
        return true;
    }
    pthread_mutex_lock(&ear->mutex);
    while (!ear->woken && in_time) {
        in_time = condition_wait_until(&ear->changed, &ear->mutex, deadline);
    }
    pthread_mutex_unlock(&ear->mutex);
    return in_time;
}

enum live_state ear_await_state(struct ear *ear)
{
    struct error why;
    struct timespec deadline = condition_deadline(PATIENCE_MS);
    while (live_listener_state(&ear->listener, &why) == LIVE_JOINS) {
        if (!rest(ear, &deadline)) {
            fail_msg("nobody says whether the listener is let in");
        }
    }
    return live_listener_state(&ear->listener, &why);
}

bool ear_await(struct ear *ear, uint64_t end)
{
    struct error why;
    struct timespec deadline = condition_deadline(PATIENCE_MS);
    for (;;) {
        enum live_state state = live_listener_state(&ear->listener, &why);
        ear_take(ear);
        if (ear->told > 0 && ear->last + 1 >= end) {
            return true;
        }
        if (state == LIVE_REFUSED || state == LIVE_ENDED) {
            return false;
        }
        if (!rest(ear, &deadline)) {
            fail_msg("told of %llu, the last was %llu, then nothing more comes up to %llu",
                     (unsigned long long)ear->told, (unsigned long long)ear->last,
                     (unsigned long long)end);
        }
    }
}

/* --- accounts --- */

uint64_t ear_count_untold(const struct ear *ear, uint64_t begin, uint64_t end,
                          uint64_t without_user)
{
    uint64_t untold = 0;
    for (uint64_t number = begin; number < end; number++) {
        untold += ear->times[number] == 0 && number % LIVE_USERS != without_user;
    }
    return untold;
}

void ear_assert_told_exactly(const struct ear *ear, uint64_t begin, uint64_t end)
{
    assert_false(ear->disordered);
    if (ear->gaps > 0) {
        fail_msg("%llu are missing: %s", (unsigned long long)ear->missed, ear->gap_reason);
    }
    assert_int_equal(ear_count_untold(ear, begin, end, LIVE_USERS), 0);
    assert_int_equal(ear->told, end - begin);
}
