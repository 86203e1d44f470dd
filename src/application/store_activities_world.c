#include "application/store_activities_world.h"

#include "base/assert.h"

#include <stdio.h>

static struct world *world_of_log(struct event_log *log)
{
    return CONTAINER_OF(log, struct world, log);
}

static struct world *world_of_store(struct activity_store *store)
{
    return CONTAINER_OF(store, struct world, store);
}

/* Under the lock: STATUS_OK or the failure that was ordered for this call. */
static enum status order(struct world *world, enum call call, struct error *err)
{
    enum status status = STATUS_OK;
    if (world->fail_times[call] > 0) {
        world->fail_times[call]--;
        status = world->fail_with[call];
    }
    if (world->fail_any_at > 0 && --world->fail_any_at == 0) {
        status = world->fail_any_with;
    }
    return status == STATUS_OK ? status
                               : error_set(err, status, 0, "call %d is told to fail", call);
}

static void raise_to(struct position_set *set, struct position position)
{
    ASSERT(position_set_raise(set, position) == STATUS_OK);
}

static void raise_all(struct position_set *set, const struct position_set *from)
{
    ASSERT(position_set_raise_all(set, from) == STATUS_OK);
}

/* The rows from read_at on up to one that the log refuses, and those that it refuses behind. */
static void take_batch(struct world *world, size_t rows_max, struct activity_batch *out_batch)
{
    size_t begin = world->read_at;
    size_t end = world->row_count - begin < rows_max ? world->row_count : begin + rows_max;
    size_t at = begin;
    while (at < end && !world->log_refuses[at]) {
        at++;
    }
    size_t rows_end = at;
    while (at < end && world->log_refuses[at]) {
        at++;
    }
    for (size_t i = begin; i < at; i++) {
        struct position position = world->rows[i].position;
        raise_to(&world->next, (struct position){position.partition, position.offset + 1});
    }
    *out_batch = (struct activity_batch){.log_id = world->log_id,
                                         .rows = world->rows + begin,
                                         .count = rows_end - begin,
                                         .refused = world->refused + rows_end,
                                         .refused_count = at - rows_end,
                                         .next = &world->next};
    world->read_at = at;
}

static enum status world_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                              struct activity_batch *out_batch, struct error *err)
{
    (void)wait_ms;
    struct world *world = world_of_log(log);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_POLL, err);
    world->poll_count++;
    if (status == STATUS_OK) {
        take_batch(world, rows_max, out_batch);
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_seek(struct event_log *log, const struct position_set *positions,
                              struct error *err)
{
    struct world *world = world_of_log(log);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_SEEK, err);
    if (status == STATUS_OK) {
        raise_all(&world->seeked, positions);
        while (world->read_at < world->row_count &&
               position_set_covers(positions, world->rows[world->read_at].position)) {
            world->read_at++;
        }
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_commit(struct event_log *log, const struct position_set *positions,
                                struct error *err)
{
    struct world *world = world_of_log(log);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_COMMIT, err);
    for (size_t i = 0; i < positions->count; i++) {
        struct position promised = positions->items[i];
        ASSERT(promised.offset <= position_set_get(&world->durable_positions, promised.partition));
    }
    if (status == STATUS_OK) {
        ASSERT(world->commit_count < WORLD_COMMITS_MAX);
        world->commits[world->commit_count++] = position_set_get(positions, 0);
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_end_position(struct event_log *log, struct position_set *out_positions)
{
    struct world *world = world_of_log(log);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_END_POSITION, NULL);
    for (size_t i = 0; status == STATUS_OK && i < world->row_count; i++) {
        struct position position = world->rows[i].position;
        raise_to(out_positions, (struct position){position.partition, position.offset + 1});
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static void world_describe_log(struct event_log *log, struct event_log_state *out_state)
{
    struct world *world = world_of_log(log);
    *out_state = (struct event_log_state){.kind = "double",
                                          .log_id = world->log_id,
                                          .bytes = world->log_bytes,
                                          .bytes_max = world->log_bytes_max};
}

static void world_free_log(struct event_log *log)
{
    (void)log;
}

static const struct event_log_operations log_operations = {
    .poll = world_poll,
    .seek = world_seek,
    .commit = world_commit,
    .end_position = world_end_position,
    .describe = world_describe_log,
    .free = world_free_log,
};

static void store_rows(struct world *world, const struct activity_batch *batch,
                       enum verdict *out_verdicts)
{
    for (size_t i = 0; i < batch->count; i++) {
        size_t index = (size_t)(&batch->rows[i] - world->rows);
        ASSERT(index < world->row_count && !world->log_refuses[index]);
        out_verdicts[i] = world->store_refuses[index]   ? VERDICT_REFUSED
                          : world->stored[index]++ == 0 ? VERDICT_STORED
                                                        : VERDICT_REDELIVERED;
    }
    raise_all(&world->covered, batch->next);
    if (world->durable == DURABLE_AT_PUT) {
        raise_all(&world->durable_positions, &world->covered);
    }
}

/* Nothing but positions: those of the batch before, whose refused rows are listed now. */
static enum status cover(struct world *world, const struct activity_batch *batch,
                         enum status status)
{
    ASSERT(world->failed_rows == NULL && world->put_count > 0);
    if (status == STATUS_OK) {
        store_rows(world, batch, NULL);
        world->cover_count++;
    }
    return status;
}

static enum status world_put(struct activity_store *store, const struct activity_batch *batch,
                             enum verdict *out_verdicts, struct error *err)
{
    struct world *world = world_of_store(store);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_PUT, err);
    ASSERT(uuid_equal(batch->log_id, world->log_id));
    if (batch->count == 0 && batch->refused_count == 0) {
        status = cover(world, batch, status);
        pthread_mutex_unlock(&world->lock);
        return status;
    }
    world->put_count++;
    if (world->failed_rows != NULL) {
        ASSERT(batch->rows == world->failed_rows);
        ASSERT(batch->count == world->failed_count);
    }
    world->failed_rows = status == STATUS_OK ? NULL : batch->rows;
    world->failed_count = batch->count;
    if (status == STATUS_OK) {
        store_rows(world, batch, out_verdicts);
        error_set(err, STATUS_INVALID, 0, "the store is told to refuse");
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_durable_positions(struct activity_store *store, struct uuid log_id,
                                           struct position_set *out_positions, struct error *err)
{
    struct world *world = world_of_store(store);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_DURABLE_POSITIONS, err);
    if (status == STATUS_OK && uuid_equal(log_id, world->log_id)) {
        raise_all(out_positions, &world->durable_positions);
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_sync(struct activity_store *store, struct error *err)
{
    struct world *world = world_of_store(store);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_SYNC, err);
    if (status == STATUS_OK && world->durable != DURABLE_NEVER) {
        raise_all(&world->durable_positions, &world->covered);
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static enum status world_expire(struct activity_store *store, int64_t before_ms,
                                uint64_t *out_expired, struct error *err)
{
    struct world *world = world_of_store(store);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_EXPIRE, err);
    if (status == STATUS_OK) {
        world->expire_count++;
        world->expired_before = before_ms;
        *out_expired = world->rows_to_expire;
        world->rows_to_expire = 0;
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static const struct activity_store_operations store_operations = {
    .put_batch = world_put,
    .durable_positions = world_durable_positions,
    .sync = world_sync,
    .expire = world_expire,
};

static void keep(char into[WORLD_TEXT_BYTES], struct str text)
{
    snprintf(into, WORLD_TEXT_BYTES, "%.*s", STR_FORMAT(text));
}

/* As the port says: a position is listed once. */
static enum status world_list(struct refusal_list *list, struct uuid log_id,
                              const struct refusal *refusals, size_t count, struct error *err)
{
    struct world *world = CONTAINER_OF(list, struct world, refusals);
    pthread_mutex_lock(&world->lock);
    enum status status = order(world, CALL_REFUSE, err);
    ASSERT(uuid_equal(log_id, world->log_id));
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        size_t index = (size_t)refusals[i].position.offset;
        ASSERT(index < world->row_count);
        if (!world->listed[index]) {
            world->listed[index] = true;
            keep(world->listed_raw[index], refusals[i].raw);
            keep(world->listed_key[index], refusals[i].key);
            keep(world->listed_reason[index], refusals[i].reason);
        }
    }
    pthread_mutex_unlock(&world->lock);
    return status;
}

static const struct refusal_list_operations refusal_operations = {.add = world_list};

void world_add_row(struct world *world, struct position position)
{
    pthread_mutex_lock(&world->lock);
    ASSERT(world->row_count < WORLD_ROWS_MAX);
    world->refused[world->row_count] = (struct refusal){.position = position,
                                                        .key = STR("key"),
                                                        .raw = STR("not JSON"),
                                                        .reason = STR("the log is told to refuse")};
    world->rows[world->row_count++] = (struct logged_activity){.position = position};
    pthread_mutex_unlock(&world->lock);
}

void world_add_rows(struct world *world, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        world_add_row(world, (struct position){0, (int64_t)world->row_count});
    }
}

void world_init(struct world *world)
{
    *world = (struct world){.log.operations = &log_operations,
                            .store.operations = &store_operations,
                            .refusals.operations = &refusal_operations,
                            .log_id = {{9}}};
    pthread_mutex_init(&world->lock, NULL);
}

void world_deinit(struct world *world)
{
    position_set_deinit(&world->next);
    position_set_deinit(&world->seeked);
    position_set_deinit(&world->covered);
    position_set_deinit(&world->durable_positions);
    pthread_mutex_destroy(&world->lock);
}

void world_crash(struct world *world)
{
    position_set_deinit(&world->next);
    position_set_deinit(&world->covered);
    world->read_at = 0;
    world->failed_rows = NULL;
    for (size_t i = 0; i < world->row_count; i++) {
        if (!position_set_covers(&world->durable_positions, world->rows[i].position)) {
            world->stored[i] = 0;
        }
    }
}

void world_make_durable(struct world *world, int64_t offset)
{
    raise_to(&world->durable_positions, (struct position){.offset = offset});
}
