#include "infrastructure/activity_store_memory/activity_store_memory.h"

#include "base/assert.h"
#include "domain/coverage.h"
#include "infrastructure/activity_table/shared_table.h"

#include <pthread.h>
#include <stdlib.h>

struct memory_store {
    struct activity_store store;
    struct erasure_lookup erasures;
    const struct clock *clock;
    struct shared_table shared;
    struct table_putter *putter; /* the worker's */

    pthread_mutex_t lock;     /* of whoever changes or reads what follows */
    struct coverage coverage; /* what was put of each log; changed by the worker only */
};

static struct memory_store *store_of(struct activity_store *store)
{
    return CONTAINER_OF(store, struct memory_store, store);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0,
                     "the memory store got no memory from the system; nothing was changed");
}

/* Why a change was refused, in words. */
static enum status refuse(const struct memory_store *self, enum status status, struct error *err)
{
    if (status == STATUS_TOO_LARGE) {
        return error_set(err, status, 0, "there are too many event logs or partitions of one");
    }
    if (status != STATUS_NO_SPACE) {
        return no_memory(err);
    }
    return error_set(err, STATUS_NO_SPACE, 0,
                     "the memory store holds its maximum of %llu bytes; raise it or let old "
                     "activities expire",
                     (unsigned long long)self->shared.table.pool.bytes_max);
}

/* Makes room for what the end of a put must not fail to do: covering its positions. */
static enum status prepare(struct memory_store *self, const struct activity_batch *batch,
                           struct log_coverage **out_log)
{
    pthread_mutex_lock(&self->lock);
    enum status status = coverage_log(&self->coverage, batch->log_id, out_log);
    if (status == STATUS_OK) {
        status = log_starts_take_up(&(*out_log)->starts, &(*out_log)->positions, batch);
    }
    if (status == STATUS_OK) {
        status = position_set_prepare(&(*out_log)->positions, batch->next);
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

static void cover(struct memory_store *self, const struct activity_batch *batch,
                  const enum verdict *verdicts, struct log_coverage *log)
{
    struct log_counts added = log_counts_of_batch(batch, verdicts, &log->starts, &log->positions);
    pthread_mutex_lock(&self->lock);
    log_counts_add(&log->counts, &added);
    enum status status = position_set_raise_all(&log->positions, batch->next);
    pthread_mutex_unlock(&self->lock);
    ASSERT(status == STATUS_OK);
}

static enum status memory_put_batch(struct activity_store *store,
                                    const struct activity_batch *batch, enum verdict *out_verdicts,
                                    struct error *err)
{
    struct memory_store *self = store_of(store);
    const struct table_outcome *outcomes;
    struct log_coverage *log;
    enum status status = prepare(self, batch, &log);
    if (status == STATUS_OK) {
        const struct table_knowledge knowledge = {.covered = &log->positions};
        status = shared_table_put(&self->shared, self->putter, batch, &knowledge, &outcomes);
    }
    if (status != STATUS_OK) {
        return refuse(self, status, err);
    }
    for (size_t i = 0; i < batch->count; i++) {
        out_verdicts[i] = outcomes[i].verdict;
    }
    cover(self, batch, out_verdicts, log);
    return STATUS_OK;
}

static enum status memory_accounts(struct activity_store *store, struct coverage *out_accounts,
                                   struct error *err)
{
    struct memory_store *self = store_of(store);
    pthread_mutex_lock(&self->lock);
    enum status status = coverage_raise_all(out_accounts, &self->coverage);
    pthread_mutex_unlock(&self->lock);
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
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

static enum status memory_find(struct activity_store *store,
                               const struct activity_page_request *request, struct arena *arena,
                               struct activity_page *out_page, struct error *err)
{
    struct memory_store *self = store_of(store);
    enum status status = shared_table_find(&self->shared, self->clock, request, arena, out_page);
    if (status == STATUS_TIMED_OUT) {
        return activity_store_timed_out(err);
    }
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(err, status, 0,
                           "the page does not fit the memory of a query; ask for fewer rows");
}

static enum status memory_get(struct activity_store *store, struct str id, struct arena *arena,
                              struct activity *out_activity, struct error *err)
{
    enum status status = shared_table_get(&store_of(store)->shared, id, arena, out_activity);
    if (status == STATUS_NOT_FOUND) {
        return error_set(err, status, 0, "there is no activity with this id");
    }
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(err, status, 0, "the activity does not fit the memory of a query");
}

static enum status memory_count(struct activity_store *store, const struct activity_filter *filter,
                                uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    struct memory_store *self = store_of(store);
    enum status status =
        shared_table_count(&self->shared, self->clock, filter, deadline_ns, out_count);
    return status == STATUS_OK ? STATUS_OK : activity_store_timed_out(err);
}

static enum status memory_tally(struct activity_store *store,
                                const struct activity_tally_request *request, struct arena *arena,
                                struct activity_tally *out_tally, struct error *err)
{
    struct memory_store *self = store_of(store);
    struct tally_table groups;
    tally_table_init(&groups, request, shared_table_seed(&self->shared));
    enum status status = shared_table_tally(&self->shared, self->clock, &groups);
    if (status == STATUS_OK) {
        status = tally_table_answer(&groups, arena, out_tally);
    }
    tally_table_deinit(&groups);
    return status == STATUS_OK ? STATUS_OK
                               : activity_store_refuse_tally(status, request->groups_max, err);
}

static enum status memory_erase(struct activity_store *store, struct str user_id,
                                int64_t erased_at_ms, struct activity_erasure *out_erasure,
                                struct error *err)
{
    struct memory_store *self = store_of(store);
    struct activity_erasure erasure = {0};
    enum status status = shared_table_erase(&self->shared, user_id, erased_at_ms, &erasure.erased);
    if (status != STATUS_OK) {
        return refuse(self, status, err);
    }
    *out_erasure = erasure;
    return STATUS_OK;
}

static enum status memory_expire(struct activity_store *store, int64_t before_ms,
                                 uint64_t *out_expired, struct error *err)
{
    (void)err;
    *out_expired = shared_table_expire(&store_of(store)->shared, before_ms);
    return STATUS_OK;
}

static void memory_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    struct table_size size = shared_table_size(&store_of(store)->shared);
    *out_state = (struct activity_store_state){
        .kind = "memory", .durable = false, .activities = size.rows, .bytes = size.bytes};
}

static void memory_free(struct activity_store *store)
{
    struct memory_store *self = store_of(store);
    shared_table_deinit(&self->shared);
    table_putter_free(self->putter);
    coverage_deinit(&self->coverage);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static enum status look_up_erased(struct erasure_lookup *lookup, const struct activity_batch *batch,
                                  bool *out_erased, struct error *err)
{
    (void)err;
    struct memory_store *self = CONTAINER_OF(lookup, struct memory_store, erasures);
    shared_table_tell_erased(&self->shared, batch, out_erased);
    return STATUS_OK;
}

struct erasure_lookup *activity_store_memory_erasures(struct activity_store *store)
{
    return &store_of(store)->erasures;
}

static const struct activity_store_operations memory_operations = {
    .put_batch = memory_put_batch,
    .durable_positions = memory_durable_positions,
    .accounts = memory_accounts,
    .sync = memory_sync,
    .find = memory_find,
    .get = memory_get,
    .count = memory_count,
    .tally = memory_tally,
    .erase = memory_erase,
    .expire = memory_expire,
    .describe = memory_describe,
    .free = memory_free,
};

enum status activity_store_memory_new(const struct activity_store_memory_config *config,
                                      struct activity_store **out_store, struct error *err)
{
    struct memory_store *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return no_memory(err);
    }
    enum status status = table_putter_new(&self->putter, err);
    if (status == STATUS_OK) {
        status = shared_table_init(&self->shared, config->bytes_max, config->random, err);
    }
    if (status != STATUS_OK) {
        table_putter_free(self->putter);
        free(self);
        return status;
    }
    self->store.operations = &memory_operations;
    self->erasures.look_up = look_up_erased;
    self->clock = config->clock;
    coverage_init(&self->coverage);
    pthread_mutex_init(&self->lock, NULL);
    *out_store = &self->store;
    return STATUS_OK;
}
