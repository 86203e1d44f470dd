#include "infrastructure/activity_table/shared_table.h"

#include "base/assert.h"
#include "infrastructure/activity_table/memory_query.h"

enum {
    PUT_SLICE_ROWS = 4096, /* sorted together and under one hold of the lock: up to 4 ms */
    PUT_GROUP_ROWS = 16,   /* memory is fetched ahead for so many */
    EXPIRE_SLICE_ROWS = 256
};

struct table_putter {
    struct table_outcome *outcomes; /* of the rows of the batch, until all of them are through */
    size_t outcome_capacity;
    struct memory_entry fresh[PUT_SLICE_ROWS]; /* rows of the slice under way */
    struct memory_entry scratch[PUT_SLICE_ROWS];
    size_t fresh_count;
};

/* A batch on its way in. */
struct put {
    struct memory_table *table;
    struct table_putter *putter;
    const struct activity_batch *batch;
    const struct table_knowledge *knowledge;
};

static void lock_for_reading(struct shared_table *shared)
{
    int failed = pthread_rwlock_rdlock(&shared->lock);
    ASSERT(failed == 0);
}

static void lock_for_writing(struct shared_table *shared)
{
    int failed = pthread_rwlock_wrlock(&shared->lock);
    ASSERT(failed == 0);
}

static void unlock(struct shared_table *shared)
{
    int failed = pthread_rwlock_unlock(&shared->lock);
    ASSERT(failed == 0);
}

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

enum status shared_table_init(struct shared_table *shared, uint64_t bytes_max,
                              const struct random *random, struct error *err)
{
    int failed = lock_init(&shared->lock);
    if (failed != 0) {
        return error_set_system(err, failed, "cannot make the lock of the activities in memory");
    }
    memory_table_init(&shared->table, bytes_max, random);
    return STATUS_OK;
}

void shared_table_deinit(struct shared_table *shared)
{
    memory_table_deinit(&shared->table);
    pthread_rwlock_destroy(&shared->lock);
}

/* Why the table refused, under the lock: its own limit, or the system. Forgets it, since removing
 * may meet the limit, too, without need. */
static enum status take_refusal(struct memory_table *table)
{
    enum status status = table->pool.full ? STATUS_NO_SPACE : STATUS_NO_MEMORY;
    table->pool.full = false;
    return status;
}

enum status table_putter_new(struct table_putter **out_putter, struct error *err)
{
    struct table_putter *putter = calloc(1, sizeof *putter);
    if (putter == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "no memory to put activities with");
    }
    *out_putter = putter;
    return STATUS_OK;
}

void table_putter_free(struct table_putter *putter)
{
    if (putter != NULL) {
        free(putter->outcomes);
        free(putter);
    }
}

static enum status reserve_outcomes(struct table_putter *putter, size_t count)
{
    if (count <= putter->outcome_capacity) {
        return STATUS_OK;
    }
    struct table_outcome *outcomes = realloc(putter->outcomes, count * sizeof *outcomes);
    if (outcomes == NULL) {
        return STATUS_NO_MEMORY;
    }
    putter->outcomes = outcomes;
    putter->outcome_capacity = count;
    return STATUS_OK;
}

static enum verdict judge_known(const struct memory_table *table, uint32_t row,
                                const struct memory_arrival *arrival)
{
    char space[UUID_TEXT_BYTES];
    struct activity stored = memory_table_view(table, row, space);
    return activity_is_repetition(&stored, arrival->activity) ? VERDICT_DUPLICATE
                                                              : VERDICT_CONFLICT;
}

/* The verdict on row `at` of the batch. What was covered and is gone since was erased or expired:
 * of an erased user it stays away, anything else is taken once more rather than lost. */
static enum verdict judge(const struct put *put, const struct memory_arrival *arrival, size_t at)
{
    const struct table_knowledge *knowledge = put->knowledge;
    enum elsewhere elsewhere =
        knowledge->elsewhere == NULL ? ELSEWHERE_NOTHING : knowledge->elsewhere[at];
    uint32_t row = memory_table_find(put->table, arrival);
    bool known = row != MEMORY_NONE || elsewhere == ELSEWHERE_SAME || elsewhere == ELSEWHERE_OTHER;
    bool erased = elsewhere == ELSEWHERE_ERASED || memory_table_is_erased(put->table, arrival);
    bool covered = position_set_covers(knowledge->covered, put->batch->rows[at].position);
    if (covered && (known || erased)) {
        return VERDICT_REDELIVERED;
    }
    if (erased) {
        return VERDICT_ERASED;
    }
    if (row != MEMORY_NONE) {
        return judge_known(put->table, row, arrival);
    }
    if (known) {
        return elsewhere == ELSEWHERE_SAME ? VERDICT_DUPLICATE : VERDICT_CONFLICT;
    }
    return VERDICT_STORED;
}

/* False without memory. */
static bool store_row(const struct put *put, const struct memory_arrival *arrival,
                      uint32_t *out_row)
{
    struct table_putter *putter = put->putter;
    uint32_t row = memory_table_add(put->table, arrival);
    if (row == MEMORY_NONE) {
        return false;
    }
    ASSERT(putter->fresh_count < PUT_SLICE_ROWS);
    putter->fresh[putter->fresh_count++] =
        (struct memory_entry){.mark = arrival->key.mark, .row = row};
    *out_row = row;
    return true;
}

/* Rows [begin, begin + count) of the batch, count at most PUT_GROUP_ROWS; false without memory. */
static bool put_group(const struct put *put, size_t begin, size_t count)
{
    struct memory_arrival arrivals[PUT_GROUP_ROWS];
    for (size_t i = 0; i < count; i++) {
        arrivals[i] = memory_table_expect(put->table, &put->batch->rows[begin + i].activity);
    }
    for (size_t i = 0; i < count; i++) {
        memory_table_approach(put->table, &arrivals[i]);
    }
    for (size_t i = 0; i < count; i++) {
        memory_table_approach_user(put->table, &arrivals[i]);
    }
    for (size_t i = 0; i < count; i++) {
        struct table_outcome *outcome = &put->putter->outcomes[begin + i];
        memory_table_find_user(put->table, &arrivals[i]);
        outcome->verdict = judge(put, &arrivals[i], begin + i);
        if (outcome->verdict == VERDICT_STORED && !store_row(put, &arrivals[i], &outcome->row)) {
            return false;
        }
    }
    return true;
}

/* Takes back what the first `done` rows of a batch stored, so that the batch can be put again. A
 * row that was erased meanwhile is gone already; its number may stand for a later row of this
 * batch, which goes with it. */
static void take_back(const struct put *put, size_t done)
{
    for (size_t i = 0; i < done; i++) {
        const struct table_outcome *outcome = &put->putter->outcomes[i];
        if (outcome->verdict == VERDICT_STORED &&
            memory_rows_is_live(&put->table->rows, outcome->row)) {
            memory_table_remove(put->table, outcome->row);
        }
    }
}

/* Puts the rows [begin, end) under the lock; at a refusal nothing of the whole batch stays. */
static enum status put_slice(const struct put *put, size_t begin, size_t end)
{
    struct table_putter *putter = put->putter;
    put->table->pool.full = false;
    putter->fresh_count = 0;
    bool fine = true;
    for (size_t at = begin; fine && at < end; at += PUT_GROUP_ROWS) {
        size_t count = end - at < PUT_GROUP_ROWS ? end - at : PUT_GROUP_ROWS;
        fine = put_group(put, at, count);
    }
    fine =
        fine && memory_table_link(put->table, putter->fresh, putter->scratch, putter->fresh_count);
    if (fine) {
        return STATUS_OK;
    }
    enum status status = take_refusal(put->table);
    memory_table_discard(put->table, putter->fresh, putter->fresh_count);
    take_back(put, begin);
    return status;
}

enum status shared_table_put(struct shared_table *shared, struct table_putter *putter,
                             const struct activity_batch *batch,
                             const struct table_knowledge *knowledge,
                             const struct table_outcome **out_outcomes)
{
    const struct put put = {
        .table = &shared->table, .putter = putter, .batch = batch, .knowledge = knowledge};
    enum status status = reserve_outcomes(putter, batch->count);
    for (size_t begin = 0; status == STATUS_OK && begin < batch->count; begin += PUT_SLICE_ROWS) {
        size_t left = batch->count - begin;
        lock_for_writing(shared);
        status = put_slice(&put, begin, begin + (left < PUT_SLICE_ROWS ? left : PUT_SLICE_ROWS));
        unlock(shared);
    }
    if (status == STATUS_OK) {
        *out_outcomes = putter->outcomes;
    }
    return status;
}

static bool is_past(const struct clock *clock, uint64_t deadline_ns)
{
    return deadline_ns != 0 && clock_monotonic_ns(clock) >= deadline_ns;
}

enum status shared_table_find(struct shared_table *shared, const struct clock *clock,
                              const struct activity_page_request *request, struct arena *arena,
                              struct activity_page *out_page)
{
    struct memory_page_query query;
    memory_page_query_init(&query, request, arena);
    enum memory_progress progress;
    do {
        if (is_past(clock, request->deadline_ns)) {
            return STATUS_TIMED_OUT;
        }
        lock_for_reading(shared);
        progress = memory_page_query_step(&query, &shared->table);
        unlock(shared);
    } while (progress == MEMORY_PAUSED);
    if (progress == MEMORY_FULL) {
        return STATUS_NO_MEMORY;
    }
    *out_page = query.builder.page;
    return STATUS_OK;
}

enum status shared_table_get(struct shared_table *shared, struct str id, struct arena *arena,
                             struct activity *out_activity)
{
    enum status status = STATUS_NOT_FOUND;
    lock_for_reading(shared);
    uint32_t row = memory_table_find_id(&shared->table, id);
    if (row != MEMORY_NONE) {
        bool copied = memory_table_copy(&shared->table, row, arena, out_activity);
        status = copied ? STATUS_OK : STATUS_NO_MEMORY;
    }
    unlock(shared);
    return status;
}

enum status shared_table_count(struct shared_table *shared, const struct clock *clock,
                               const struct activity_filter *filter, uint64_t deadline_ns,
                               uint64_t *out_count)
{
    struct memory_count_query query;
    memory_count_query_init(&query, filter);
    enum memory_progress progress;
    do {
        if (is_past(clock, deadline_ns)) {
            return STATUS_TIMED_OUT;
        }
        lock_for_reading(shared);
        progress = memory_count_query_step(&query, &shared->table);
        unlock(shared);
    } while (progress == MEMORY_PAUSED);
    *out_count = query.count;
    return STATUS_OK;
}

enum status shared_table_tally(struct shared_table *shared, const struct clock *clock,
                               struct tally_table *into)
{
    struct memory_tally_query query;
    memory_tally_query_init(&query, into);
    enum memory_progress progress;
    do {
        if (is_past(clock, into->request->deadline_ns)) {
            return STATUS_TIMED_OUT;
        }
        lock_for_reading(shared);
        progress = memory_tally_query_step(&query, &shared->table);
        unlock(shared);
    } while (progress == MEMORY_PAUSED);
    return progress == MEMORY_FULL ? query.failed : STATUS_OK;
}

void shared_table_tell_erased(struct shared_table *shared, const struct activity_batch *batch,
                              bool *out_erased)
{
    lock_for_reading(shared);
    for (size_t i = 0; i < batch->count; i++) {
        const struct activity *activity = &batch->rows[i].activity;
        out_erased[i] =
            activity->received_at_ms < memory_table_erased_at_ms(&shared->table, activity->user_id);
    }
    unlock(shared);
}

enum status shared_table_erase(struct shared_table *shared, struct str user_id,
                               int64_t erased_at_ms, uint64_t *out_erased)
{
    enum status status = STATUS_OK;
    lock_for_writing(shared);
    shared->table.pool.full = false;
    if (!memory_table_erase(&shared->table, user_id, erased_at_ms, out_erased)) {
        status = take_refusal(&shared->table);
    }
    unlock(shared);
    return status;
}

uint64_t shared_table_expire(struct shared_table *shared, int64_t before_ms)
{
    uint64_t expired = 0;
    uint64_t slice;
    do {
        lock_for_writing(shared);
        slice = memory_table_expire(&shared->table, before_ms, EXPIRE_SLICE_ROWS);
        unlock(shared);
        expired += slice;
    } while (slice == EXPIRE_SLICE_ROWS);
    return expired;
}

struct table_size shared_table_size(struct shared_table *shared)
{
    lock_for_reading(shared);
    struct table_size size = {
        .rows = shared->table.rows.live,
        .bytes = shared->table.pool.bytes,
    };
    unlock(shared);
    return size;
}
