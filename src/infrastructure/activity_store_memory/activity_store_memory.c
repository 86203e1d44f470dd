#include "infrastructure/activity_store_memory/activity_store_memory.h"

#include "base/assert.h"
#include "infrastructure/activity_table/memory_query.h"

#include <pthread.h>

enum {
    PUT_SLICE_ROWS = 4096, /* sorted together and under one hold of the lock: up to 4 ms */
    PUT_GROUP_ROWS = 16,   /* memory is fetched ahead for so many */
    EXPIRE_SLICE_ROWS = 256
};

/* What was put of one log. */
struct coverage {
    struct uuid log_id;
    struct position_set positions;
};

/* What became of a row of the batch, until all of them are through. */
struct outcome {
    uint32_t row; /* when it was stored */
    enum verdict verdict;
};

struct memory_store {
    struct activity_store store;
    const struct clock *clock;
    pthread_rwlock_t lock; /* guards table */
    struct memory_table table;
    /* These belong to the worker's thread. */
    struct coverage *coverages;
    size_t coverage_count;
    struct outcome *outcomes;
    size_t outcome_capacity;
    struct memory_fresh fresh[PUT_SLICE_ROWS]; /* rows of the slice under way */
    struct memory_fresh scratch[PUT_SLICE_ROWS];
    size_t fresh_count;
};

static struct memory_store *store_of(struct activity_store *store)
{
    return CONTAINER_OF(store, struct memory_store, store);
}

static void lock_for_reading(struct memory_store *self)
{
    int failed = pthread_rwlock_rdlock(&self->lock);
    ASSERT(failed == 0);
}

static void lock_for_writing(struct memory_store *self)
{
    int failed = pthread_rwlock_wrlock(&self->lock);
    ASSERT(failed == 0);
}

static void unlock(struct memory_store *self)
{
    int failed = pthread_rwlock_unlock(&self->lock);
    ASSERT(failed == 0);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0,
                     "the memory store got no memory from the system; nothing was changed");
}

/* Why the table refused, under the lock: its own limit, or the system. Forgets it, since removing
 * may meet the limit, too, without need. */
static enum status take_refusal(struct memory_store *self)
{
    enum status status = self->table.pool.full ? STATUS_NO_SPACE : STATUS_NO_MEMORY;
    self->table.pool.full = false;
    return status;
}

static enum status refuse(const struct memory_store *self, enum status status, struct error *err)
{
    if (status != STATUS_NO_SPACE) {
        return no_memory(err);
    }
    return error_set(err, STATUS_NO_SPACE, 0,
                     "the memory store holds its maximum of %llu bytes; raise it or let old "
                     "activities expire",
                     (unsigned long long)self->table.pool.bytes_max);
}

static enum status find_coverage(struct memory_store *self, struct uuid log_id,
                                 struct coverage **out_coverage)
{
    for (size_t i = 0; i < self->coverage_count; i++) {
        if (uuid_equal(self->coverages[i].log_id, log_id)) {
            *out_coverage = &self->coverages[i];
            return STATUS_OK;
        }
    }
    struct coverage *grown =
        realloc(self->coverages, (self->coverage_count + 1) * sizeof *self->coverages);
    if (grown == NULL) {
        return STATUS_NO_MEMORY;
    }
    self->coverages = grown;
    struct coverage *added = &grown[self->coverage_count++];
    added->log_id = log_id;
    position_set_init(&added->positions);
    *out_coverage = added;
    return STATUS_OK;
}

/* Makes room for what the end of the batch must not fail to do: covering its positions and keeping
 * its outcomes. */
static enum status prepare(struct memory_store *self, const struct activity_batch *batch,
                           struct coverage **out_coverage)
{
    enum status status = find_coverage(self, batch->log_id, out_coverage);
    for (size_t i = 0; status == STATUS_OK && i < batch->next->count; i++) {
        struct position known = {.partition = batch->next->items[i].partition, .offset = 0};
        status = position_set_raise(&(*out_coverage)->positions, known);
    }
    if (status != STATUS_OK || batch->count <= self->outcome_capacity) {
        return status;
    }
    struct outcome *outcomes = realloc(self->outcomes, batch->count * sizeof *outcomes);
    if (outcomes == NULL) {
        return STATUS_NO_MEMORY;
    }
    self->outcomes = outcomes;
    self->outcome_capacity = batch->count;
    return STATUS_OK;
}

static bool time_was_filled_in(const struct activity *activity)
{
    return activity->timestamp_ms == activity->received_at_ms;
}

/* A client that repeats an activity without a timestamp gets another one from the server, which
 * makes it no other activity. */
static bool is_repetition(const struct activity *stored, const struct activity *arrived)
{
    bool compare_timestamp = !time_was_filled_in(stored) && !time_was_filled_in(arrived);
    return activity_same_content(stored, arrived, compare_timestamp);
}

static enum verdict judge_known(const struct memory_table *table, uint32_t row,
                                const struct memory_arrival *arrival)
{
    char space[UUID_TEXT_BYTES];
    struct activity stored = memory_table_view(table, row, space);
    return is_repetition(&stored, arrival->activity) ? VERDICT_DUPLICATE : VERDICT_CONFLICT;
}

static bool store_row(struct memory_store *self, const struct memory_arrival *arrival,
                      uint32_t *out_row)
{
    uint32_t row = memory_table_add(&self->table, arrival);
    if (row == MEMORY_NONE) {
        return false;
    }
    ASSERT(self->fresh_count < PUT_SLICE_ROWS);
    self->fresh[self->fresh_count++] = (struct memory_fresh){.mark = arrival->key.mark, .row = row};
    *out_row = row;
    return true;
}

/* False without memory. What was covered and is gone since was erased or expired: of an erased user
 * it stays away, anything else is taken once more rather than lost. */
static bool put_row(struct memory_store *self, const struct memory_arrival *arrival, bool covered,
                    struct outcome *out_outcome)
{
    uint32_t row = memory_table_find(&self->table, arrival);
    bool known = row != MEMORY_NONE;
    bool erased = memory_table_is_erased(&self->table, arrival);
    if (covered && (known || erased)) {
        out_outcome->verdict = VERDICT_REDELIVERED;
    } else if (erased) {
        out_outcome->verdict = VERDICT_ERASED;
    } else if (known) {
        out_outcome->verdict = judge_known(&self->table, row, arrival);
    } else {
        out_outcome->verdict = VERDICT_STORED;
        return store_row(self, arrival, &out_outcome->row);
    }
    return true;
}

/* Rows [begin, begin + count) of the batch, count at most PUT_GROUP_ROWS; false without memory. */
static bool put_group(struct memory_store *self, const struct activity_batch *batch, size_t begin,
                      size_t count, const struct position_set *covered)
{
    struct memory_arrival arrivals[PUT_GROUP_ROWS];
    const struct logged_activity *rows = batch->rows + begin;
    for (size_t i = 0; i < count; i++) {
        arrivals[i] = memory_table_expect(&self->table, &rows[i].activity);
    }
    for (size_t i = 0; i < count; i++) {
        memory_table_approach(&self->table, &arrivals[i]);
    }
    for (size_t i = 0; i < count; i++) {
        bool before = position_set_covers(covered, rows[i].position);
        if (!put_row(self, &arrivals[i], before, &self->outcomes[begin + i])) {
            return false;
        }
    }
    return true;
}

/* Takes back what the first `done` rows of a batch stored, so that the batch can be put again. A
 * row that was erased meanwhile is gone already; its number may stand for a later row of this
 * batch, which goes with it. */
static void take_back(struct memory_store *self, size_t done)
{
    for (size_t i = 0; i < done; i++) {
        const struct outcome *outcome = &self->outcomes[i];
        if (outcome->verdict == VERDICT_STORED &&
            memory_rows_is_live(&self->table.rows, outcome->row)) {
            memory_table_remove(&self->table, outcome->row);
        }
    }
}

/* Puts the rows [begin, end) under the lock; at a refusal nothing of the whole batch stays. */
static enum status put_slice(struct memory_store *self, const struct activity_batch *batch,
                             size_t begin, size_t end, const struct position_set *covered)
{
    self->table.pool.full = false;
    self->fresh_count = 0;
    bool fine = true;
    for (size_t at = begin; fine && at < end; at += PUT_GROUP_ROWS) {
        size_t count = end - at < PUT_GROUP_ROWS ? end - at : PUT_GROUP_ROWS;
        fine = put_group(self, batch, at, count, covered);
    }
    fine = fine && memory_table_link(&self->table, self->fresh, self->scratch, self->fresh_count);
    if (fine) {
        return STATUS_OK;
    }
    enum status status = take_refusal(self);
    memory_table_discard(&self->table, self->fresh, self->fresh_count);
    take_back(self, begin);
    return status;
}

static enum status put_rows(struct memory_store *self, const struct activity_batch *batch,
                            const struct position_set *covered)
{
    enum status status = STATUS_OK;
    for (size_t begin = 0; status == STATUS_OK && begin < batch->count; begin += PUT_SLICE_ROWS) {
        size_t left = batch->count - begin;
        lock_for_writing(self);
        status = put_slice(self, batch, begin,
                           begin + (left < PUT_SLICE_ROWS ? left : PUT_SLICE_ROWS), covered);
        unlock(self);
    }
    return status;
}

static enum status memory_put_batch(struct activity_store *store,
                                    const struct activity_batch *batch, enum verdict *out_verdicts,
                                    struct error *err)
{
    struct memory_store *self = store_of(store);
    struct coverage *coverage;
    enum status status = prepare(self, batch, &coverage);
    if (status != STATUS_OK) {
        return status == STATUS_NO_MEMORY
                   ? no_memory(err)
                   : error_set(err, status, 0, "the event log has too many partitions");
    }
    status = put_rows(self, batch, &coverage->positions);
    if (status != STATUS_OK) {
        return refuse(self, status, err);
    }
    for (size_t i = 0; i < batch->count; i++) {
        out_verdicts[i] = self->outcomes[i].verdict;
    }
    status = position_set_raise_all(&coverage->positions, batch->next);
    ASSERT(status == STATUS_OK);
    return STATUS_OK;
}

static enum status memory_durable_positions(struct activity_store *store, struct uuid log_id,
                                            struct position_set *out_positions, struct error *err)
{
    (void)store;
    (void)log_id;
    (void)out_positions;
    (void)err;
    return STATUS_OK;
}

static enum status memory_sync(struct activity_store *store, struct error *err)
{
    (void)store;
    (void)err;
    return STATUS_OK;
}

static bool is_past(const struct memory_store *self, uint64_t deadline_ns)
{
    return deadline_ns != 0 && clock_monotonic_ns(self->clock) >= deadline_ns;
}

static enum status timed_out(struct error *err)
{
    return error_set(err, STATUS_TIMED_OUT, 0,
                     "the query took longer than it may; ask for less, such as a shorter time or "
                     "fewer users");
}

static enum status memory_find(struct activity_store *store,
                               const struct activity_page_request *request, struct arena *arena,
                               struct activity_page *out_page, struct error *err)
{
    struct memory_store *self = store_of(store);
    struct memory_page_query query;
    memory_page_query_init(&query, request, arena);
    enum memory_progress progress;
    do {
        if (is_past(self, request->deadline_ns)) {
            return timed_out(err);
        }
        lock_for_reading(self);
        progress = memory_page_query_step(&query, &self->table);
        unlock(self);
    } while (progress == MEMORY_PAUSED);
    if (progress == MEMORY_FULL) {
        return error_set(err, STATUS_NO_MEMORY, 0,
                         "the page does not fit the memory of a query; ask for fewer rows");
    }
    *out_page = query.builder.page;
    return STATUS_OK;
}

static enum status memory_get(struct activity_store *store, struct str id, struct arena *arena,
                              struct activity *out_activity, struct error *err)
{
    struct memory_store *self = store_of(store);
    bool copied = false;
    lock_for_reading(self);
    uint32_t row = memory_table_find_id(&self->table, id);
    if (row != MEMORY_NONE) {
        copied = memory_table_copy(&self->table, row, arena, out_activity);
    }
    unlock(self);
    if (row == MEMORY_NONE) {
        return error_set(err, STATUS_NOT_FOUND, 0, "there is no activity with this id");
    }
    return copied ? STATUS_OK
                  : error_set(err, STATUS_NO_MEMORY, 0,
                              "the activity does not fit the memory of a query");
}

static enum status memory_count(struct activity_store *store, const struct activity_filter *filter,
                                uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    struct memory_store *self = store_of(store);
    struct memory_count_query query;
    memory_count_query_init(&query, filter);
    enum memory_progress progress;
    do {
        if (is_past(self, deadline_ns)) {
            return timed_out(err);
        }
        lock_for_reading(self);
        progress = memory_count_query_step(&query, &self->table);
        unlock(self);
    } while (progress == MEMORY_PAUSED);
    *out_count = query.count;
    return STATUS_OK;
}

static enum status memory_erase(struct activity_store *store, struct str user_id,
                                int64_t erased_at_ms, uint64_t *out_erased, struct error *err)
{
    struct memory_store *self = store_of(store);
    enum status status = STATUS_OK;
    lock_for_writing(self);
    self->table.pool.full = false;
    if (!memory_table_erase(&self->table, user_id, erased_at_ms, out_erased)) {
        status = take_refusal(self);
    }
    unlock(self);
    return status == STATUS_OK ? STATUS_OK : refuse(self, status, err);
}

static enum status memory_expire(struct activity_store *store, int64_t before_ms,
                                 uint64_t *out_expired, struct error *err)
{
    struct memory_store *self = store_of(store);
    uint64_t expired = 0;
    uint64_t slice;
    (void)err;
    do {
        lock_for_writing(self);
        slice = memory_table_expire(&self->table, before_ms, EXPIRE_SLICE_ROWS);
        unlock(self);
        expired += slice;
    } while (slice == EXPIRE_SLICE_ROWS);
    *out_expired = expired;
    return STATUS_OK;
}

static void memory_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    struct memory_store *self = store_of(store);
    lock_for_reading(self);
    *out_state = (struct activity_store_state){
        .kind = "memory",
        .durable = false,
        .activities = self->table.rows.live,
        .bytes = self->table.pool.bytes,
    };
    unlock(self);
}

static void memory_free(struct activity_store *store)
{
    struct memory_store *self = store_of(store);
    memory_table_deinit(&self->table);
    for (size_t i = 0; i < self->coverage_count; i++) {
        position_set_deinit(&self->coverages[i].positions);
    }
    free(self->coverages);
    free(self->outcomes);
    pthread_rwlock_destroy(&self->lock);
    free(self);
}

static const struct activity_store_operations memory_operations = {
    .put_batch = memory_put_batch,
    .durable_positions = memory_durable_positions,
    .sync = memory_sync,
    .find = memory_find,
    .get = memory_get,
    .count = memory_count,
    .erase = memory_erase,
    .expire = memory_expire,
    .describe = memory_describe,
    .free = memory_free,
};

/* Changes go first, so that a stream of queries cannot hold up what arrives. */
static int lock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    int failed = pthread_rwlockattr_init(&attributes);
    if (failed == 0) {
        failed = pthread_rwlockattr_setkind_np(&attributes,
                                               PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
        ASSERT(failed == 0);
        failed = pthread_rwlock_init(lock, &attributes);
        pthread_rwlockattr_destroy(&attributes);
    }
    return failed;
}

enum status activity_store_memory_new(const struct activity_store_memory_config *config,
                                      struct activity_store **out_store, struct error *err)
{
    struct memory_store *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return no_memory(err);
    }
    int failed = lock_init(&self->lock);
    if (failed != 0) {
        free(self);
        return error_set_system(err, failed, "cannot make the lock of the memory store");
    }
    self->store.operations = &memory_operations;
    self->clock = config->clock;
    memory_table_init(&self->table, config->bytes_max, config->random);
    *out_store = &self->store;
    return STATUS_OK;
}
