#include "remote_log.h"

#include "base/assert.h"
#include "base/condition.h"
#include "contract/event_log_contract_support.h"

#include <stdlib.h>
#include <time.h>

enum { TIME_OUT_MS = 3, STUMBLE_MS = 1, PENDING_MAX = 4096 };

struct pending {
    struct pending *next;
    struct append_listener *listener;
    struct append_ticket ticket;
    size_t count;
    uint64_t numbers[];
};

struct connection {
    struct event_log log;
    struct remote *remote;
    pthread_t thread;
    struct pending *first;
    struct pending *last;
    size_t pending_count;
    bool given_up;
    bool fenced; /* something failed; until it is given up, nothing behind that is written */
    bool severed;
    bool stopping;
};

static const struct uuid remote_log_id = {{'r', 'e', 'm', 'o', 't', 'e'}};

static struct connection *connection_of(struct event_log *log)
{
    return CONTAINER_OF(log, struct connection, log);
}

static void write_numbers(struct remote *remote, const uint64_t *numbers, size_t count)
{
    ASSERT(remote->written_count + count <= REMOTE_WRITTEN_MAX);
    for (size_t i = 0; i < count; i++) {
        remote->written[remote->written_count++] = numbers[i];
    }
}

/* Tells one append and forgets it. Called and left with the mutex. */
static void complete_first(struct connection *connection, enum status status, bool written)
{
    struct remote *remote = connection->remote;
    struct pending *pending = connection->first;
    connection->first = pending->next;
    connection->pending_count--;
    if (connection->severed) {
        status = STATUS_UNAVAILABLE;
    } else if (written) {
        write_numbers(remote, pending->numbers, pending->count);
    }
    struct position reached = {.partition = 3, .offset = (int64_t)remote->written_count};
    const struct append_result result = {
        .ticket = pending->ticket,
        .status = status,
        .durability = DURABILITY_REPLICATED,
        .count = pending->count,
        .log_id = remote_log_id,
        .reached = status == STATUS_OK ? &reached : NULL,
        .reached_count = status == STATUS_OK,
    };
    pthread_mutex_unlock(&remote->mutex);
    pending->listener->completed(pending->listener, &result, 1);
    pthread_mutex_lock(&remote->mutex);
    free(pending);
}

/* Everything under way, in order: some confirmed, some written without a word, the rest lost. */
static void fail_all(struct connection *connection)
{
    struct remote *remote = connection->remote;
    size_t count = connection->pending_count;
    size_t written = (size_t)random_below(&remote->random, count + 1);
    size_t confirmed = (size_t)random_below(&remote->random, written + 1);
    if (random_below(&remote->random, 2) == 0) {
        confirmed = 0;
    }
    if (connection->fenced || connection->severed) {
        written = confirmed = 0;
    }
    enum status failure =
        random_below(&remote->random, 2) == 0 ? STATUS_TIMED_OUT : STATUS_UNAVAILABLE;
    for (size_t i = 0; i < count; i++) {
        complete_first(connection, i < confirmed ? STATUS_OK : failure, i < written);
        connection->fenced = true;
    }
}

static void pass_time(struct remote *remote, unsigned ms)
{
    const struct timespec pause = {.tv_nsec = (long)ms * 1000000};
    pthread_mutex_unlock(&remote->mutex);
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&remote->mutex);
}

static bool must_fail(struct connection *connection)
{
    struct remote *remote = connection->remote;
    if (connection->given_up || connection->fenced || connection->severed || connection->stopping) {
        return true;
    }
    if (!remote->away || remote->held) {
        return false;
    }
    pass_time(remote, TIME_OUT_MS);
    return remote->away && !remote->held;
}

static void *run_connection(void *context)
{
    struct connection *connection = context;
    struct remote *remote = connection->remote;
    pthread_mutex_lock(&remote->mutex);
    while (!connection->stopping || connection->first != NULL) {
        if (connection->first == NULL) {
            if (connection->given_up) {
                connection->given_up = connection->fenced = false;
            }
            pthread_cond_wait(&remote->changed, &remote->mutex);
        } else if (must_fail(connection)) {
            fail_all(connection);
        } else if (remote->held) {
            pthread_cond_wait(&remote->changed, &remote->mutex);
        } else if (!remote->away) {
            if (remote->delay_ms > 0) {
                pass_time(remote, remote->delay_ms);
            }
            complete_first(connection, STATUS_OK, true);
        }
    }
    pthread_mutex_unlock(&remote->mutex);
    return NULL;
}

static bool takes_never(const struct remote *remote, const struct pending *pending)
{
    for (size_t i = 0; i < pending->count && remote->refuses_every > 0; i++) {
        if (pending->numbers[i] % remote->refuses_every == 0) {
            return true;
        }
    }
    return false;
}

static enum status remote_append(struct event_log *log, const struct activity *activities,
                                 size_t count, struct append_listener *listener,
                                 struct append_ticket ticket)
{
    struct connection *connection = connection_of(log);
    struct remote *remote = connection->remote;
    struct pending *pending = malloc(sizeof *pending + count * sizeof pending->numbers[0]);
    ASSERT(pending != NULL);
    *pending = (struct pending){.listener = listener, .ticket = ticket, .count = count};
    for (size_t i = 0; i < count; i++) {
        pending->numbers[i] = numbered_activity_number(&activities[i]);
        ASSERT(pending->numbers[i] != UINT64_MAX);
    }
    pthread_mutex_lock(&remote->mutex);
    if (remote->stumbling && random_below(&remote->random, 8) == 0) {
        pass_time(remote, STUMBLE_MS);
    }
    enum status status = connection->pending_count >= PENDING_MAX ? STATUS_BUSY : STATUS_OK;
    if (takes_never(remote, pending)) {
        status = STATUS_TOO_LARGE;
    } else if (connection->severed || (remote->away && random_below(&remote->random, 4) == 0)) {
        status = STATUS_UNAVAILABLE;
        connection->fenced = true;
    }
    if (status == STATUS_OK) {
        if (connection->first == NULL) {
            connection->first = pending;
        } else {
            connection->last->next = pending;
        }
        connection->last = pending;
        connection->pending_count++;
    }
    pthread_cond_broadcast(&remote->changed);
    pthread_mutex_unlock(&remote->mutex);
    if (status != STATUS_OK) {
        free(pending);
    }
    return status;
}

static enum status remote_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                               struct activity_batch *out_batch, struct error *err)
{
    static const struct position_set nothing;
    (void)log;
    (void)rows_max;
    (void)wait_ms;
    (void)err;
    *out_batch = (struct activity_batch){.log_id = remote_log_id, .next = &nothing};
    return STATUS_OK;
}

static enum status remote_seek(struct event_log *log, const struct position_set *positions,
                               struct error *err)
{
    (void)log;
    (void)positions;
    (void)err;
    return STATUS_OK;
}

static enum status remote_end_position(struct event_log *log, struct position_set *out_positions)
{
    (void)log;
    (void)out_positions;
    return STATUS_OK;
}

static void remote_describe(struct event_log *log, struct event_log_state *out_state)
{
    struct remote *remote = connection_of(log)->remote;
    pthread_mutex_lock(&remote->mutex);
    *out_state = (struct event_log_state){.kind = "remote",
                                          .log_id = remote_log_id,
                                          .durability = DURABILITY_REPLICATED,
                                          .activity_bytes_max = remote->activity_bytes_max};
    pthread_mutex_unlock(&remote->mutex);
}

static void remote_free(struct event_log *log)
{
    struct connection *connection = connection_of(log);
    struct remote *remote = connection->remote;
    pthread_mutex_lock(&remote->mutex);
    connection->stopping = true;
    pthread_cond_broadcast(&remote->changed);
    pthread_mutex_unlock(&remote->mutex);
    pthread_join(connection->thread, NULL);
    free(connection);
}

static const struct event_log_operations remote_operations = {
    .append = remote_append,
    .poll = remote_poll,
    .seek = remote_seek,
    .commit = remote_seek,
    .end_position = remote_end_position,
    .describe = remote_describe,
    .free = remote_free,
};

struct event_log *remote_connect(struct remote *remote)
{
    struct connection *connection = calloc(1, sizeof *connection);
    ASSERT(connection != NULL);
    connection->log.operations = &remote_operations;
    connection->remote = remote;
    remote->connection = &connection->log;
    ASSERT(pthread_create(&connection->thread, NULL, run_connection, connection) == 0);
    return &connection->log;
}

void remote_init(struct remote *remote, uint64_t seed)
{
    *remote = (struct remote){0};
    remote->random = random_from_seed(&remote->seeded, seed);
    remote->written = calloc(REMOTE_WRITTEN_MAX, sizeof *remote->written);
    ASSERT(remote->written != NULL);
    pthread_mutex_init(&remote->mutex, NULL);
    condition_init(&remote->changed);
}

void remote_deinit(struct remote *remote)
{
    pthread_cond_destroy(&remote->changed);
    pthread_mutex_destroy(&remote->mutex);
    free(remote->written);
}

static void lock(struct remote *remote)
{
    pthread_mutex_lock(&remote->mutex);
}

static void unlock_changed(struct remote *remote)
{
    pthread_cond_broadcast(&remote->changed);
    pthread_mutex_unlock(&remote->mutex);
}

void remote_give_up(void *context)
{
    struct remote *remote = context;
    lock(remote);
    remote->give_ups++;
    connection_of(remote->connection)->given_up = true;
    unlock_changed(remote);
}

void remote_set_away(struct remote *remote, bool away)
{
    lock(remote);
    remote->away = away;
    unlock_changed(remote);
}

void remote_hold(struct remote *remote, bool hold)
{
    lock(remote);
    remote->held = hold;
    unlock_changed(remote);
}

void remote_set_stumbling(struct remote *remote, bool stumbling)
{
    lock(remote);
    remote->stumbling = stumbling;
    unlock_changed(remote);
}

void remote_set_delay(struct remote *remote, unsigned ms)
{
    lock(remote);
    remote->delay_ms = ms;
    unlock_changed(remote);
}

void remote_set_activity_bytes_max(struct remote *remote, uint64_t bytes)
{
    lock(remote);
    remote->activity_bytes_max = bytes;
    unlock_changed(remote);
}

void remote_refuse_every(struct remote *remote, uint64_t divisor)
{
    lock(remote);
    remote->refuses_every = divisor;
    unlock_changed(remote);
}

void remote_sever(struct remote *remote)
{
    lock(remote);
    connection_of(remote->connection)->severed = true;
    unlock_changed(remote);
}

void remote_write(struct remote *remote, uint64_t number)
{
    lock(remote);
    write_numbers(remote, &number, 1);
    unlock_changed(remote);
}

size_t remote_count(struct remote *remote)
{
    lock(remote);
    size_t count = remote->written_count;
    pthread_mutex_unlock(&remote->mutex);
    return count;
}
