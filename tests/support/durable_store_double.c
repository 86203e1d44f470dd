#include "support/durable_store_double.h"

#include "base/assert.h"
#include "domain/coverage.h"
#include "infrastructure/activity_store_memory/activity_store_memory.h"

#include <pthread.h>
#include <stdlib.h>

enum change_kind { CHANGE_PUT, CHANGE_ERASE, CHANGE_EXPIRE };

struct change {
    enum change_kind kind;
    struct uuid log_id;           /* of a put */
    struct logged_activity *rows; /* of a put; one block with their texts behind them */
    size_t count;
    struct refusal *refused; /* of a put: their positions */
    size_t refused_count;
    struct position_set next;
    char *user_id; /* of an erasure */
    size_t user_id_len;
    int64_t time_ms; /* of an erasure or expiry */
};

struct durable_double {
    struct activity_store store;
    struct activity_store *inner;
    enum durable_when when;
    pthread_mutex_t lock; /* orders changes as the journal has them, and guards what follows */
    struct change *journal;
    size_t count;
    size_t durable_count;
    struct coverage covered; /* by the durable part of the journal */
};

static struct durable_double *double_of(struct activity_store *store)
{
    return CONTAINER_OF(store, struct durable_double, store);
}

static void *need(void *memory)
{
    ASSERT(memory != NULL);
    return memory;
}

static void need_ok(enum status status)
{
    ASSERT(status == STATUS_OK);
}

static struct str copy_text(char **next, struct str text)
{
    struct str copy = {.data = *next, .len = text.len};
    if (text.len > 0) {
        memcpy(*next, text.data, text.len);
    }
    *next += text.len;
    return copy;
}

/* The rows and their texts as one block. */
static struct logged_activity *copy_rows(const struct logged_activity *rows, size_t count)
{
    size_t bytes = 1 + count * sizeof *rows;
    for (size_t i = 0; i < count; i++) {
        const struct activity *activity = &rows[i].activity;
        bytes += activity->id.len + activity->user_id.len + activity->action.len +
                 activity->metadata.len;
    }
    struct logged_activity *copies = need(malloc(bytes));
    char *next = (char *)(copies + count);
    for (size_t i = 0; i < count; i++) {
        struct activity *copy = &copies[i].activity;
        copies[i] = rows[i];
        copy->id = copy_text(&next, rows[i].activity.id);
        copy->user_id = copy_text(&next, rows[i].activity.user_id);
        copy->action = copy_text(&next, rows[i].activity.action);
        copy->metadata = copy_text(&next, rows[i].activity.metadata);
    }
    return copies;
}

/* Their places only. */
static struct refusal *copy_refused(const struct refusal *refused, size_t count)
{
    struct refusal *copies = need(calloc(count + 1, sizeof *copies));
    for (size_t i = 0; i < count; i++) {
        copies[i].position = refused[i].position;
    }
    return copies;
}

static void change_deinit(struct change *change)
{
    free(change->rows);
    free(change->refused);
    free(change->user_id);
    position_set_deinit(&change->next);
}

static void make_all_durable(struct durable_double *self)
{
    for (; self->durable_count < self->count; self->durable_count++) {
        const struct change *change = &self->journal[self->durable_count];
        if (change->kind == CHANGE_PUT) {
            struct position_set *positions;
            need_ok(coverage_of(&self->covered, change->log_id, &positions));
            need_ok(position_set_raise_all(positions, &change->next));
        }
    }
}

static void note(struct durable_double *self, struct change change, bool durable)
{
    self->journal = need(realloc(self->journal, (self->count + 1) * sizeof *self->journal));
    self->journal[self->count++] = change;
    if (durable) {
        make_all_durable(self);
    }
}

static enum status double_put_batch(struct activity_store *store,
                                    const struct activity_batch *batch, enum verdict *out_verdicts,
                                    struct error *err)
{
    struct durable_double *self = double_of(store);
    pthread_mutex_lock(&self->lock);
    enum status status = activity_store_put_batch(self->inner, batch, out_verdicts, err);
    if (status == STATUS_OK) {
        struct change change = {.kind = CHANGE_PUT, .log_id = batch->log_id, .count = batch->count};
        change.rows = copy_rows(batch->rows, batch->count);
        change.refused = copy_refused(batch->refused, batch->refused_count);
        change.refused_count = batch->refused_count;
        need_ok(position_set_raise_all(&change.next, batch->next));
        note(self, change, self->when == DURABLE_AT_PUT);
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

static enum status double_durable_positions(struct activity_store *store, struct uuid log_id,
                                            struct position_set *out_positions, struct error *err)
{
    struct durable_double *self = double_of(store);
    (void)err;
    pthread_mutex_lock(&self->lock);
    const struct position_set *covered = coverage_find(&self->covered, log_id);
    if (covered != NULL) {
        need_ok(position_set_raise_all(out_positions, covered));
    }
    pthread_mutex_unlock(&self->lock);
    return STATUS_OK;
}

static enum status double_accounts(struct activity_store *store, struct coverage *out_accounts,
                                   struct error *err)
{
    return activity_store_accounts(double_of(store)->inner, out_accounts, err);
}

static enum status double_sync(struct activity_store *store, struct error *err)
{
    struct durable_double *self = double_of(store);
    (void)err;
    pthread_mutex_lock(&self->lock);
    make_all_durable(self);
    pthread_mutex_unlock(&self->lock);
    return STATUS_OK;
}

static enum status double_find(struct activity_store *store,
                               const struct activity_page_request *request, struct arena *arena,
                               struct activity_page *out_page, struct error *err)
{
    return activity_store_find(double_of(store)->inner, request, arena, out_page, err);
}

static enum status double_get(struct activity_store *store, struct str id, struct arena *arena,
                              struct activity *out_activity, struct error *err)
{
    return activity_store_get(double_of(store)->inner, id, arena, out_activity, err);
}

static enum status double_count(struct activity_store *store, const struct activity_filter *filter,
                                uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    return activity_store_count(double_of(store)->inner, filter, deadline_ns, out_count, err);
}

static enum status double_tally(struct activity_store *store,
                                const struct activity_tally_request *request, struct arena *arena,
                                struct activity_tally *out_tally, struct error *err)
{
    return activity_store_tally(double_of(store)->inner, request, arena, out_tally, err);
}

static enum status double_erase(struct activity_store *store, struct str user_id,
                                int64_t erased_at_ms, struct activity_erasure *out_erasure,
                                struct error *err)
{
    struct durable_double *self = double_of(store);
    pthread_mutex_lock(&self->lock);
    enum status status = activity_store_erase(self->inner, user_id, erased_at_ms, out_erasure, err);
    if (status == STATUS_OK) {
        struct change change = {.kind = CHANGE_ERASE, .time_ms = erased_at_ms};
        change.user_id = need(malloc(user_id.len));
        change.user_id_len = user_id.len;
        memcpy(change.user_id, user_id.data, user_id.len);
        note(self, change, true);
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

static enum status double_expire(struct activity_store *store, int64_t before_ms,
                                 uint64_t *out_expired, struct error *err)
{
    struct durable_double *self = double_of(store);
    pthread_mutex_lock(&self->lock);
    enum status status = activity_store_expire(self->inner, before_ms, out_expired, err);
    if (status == STATUS_OK) {
        struct change change = {.kind = CHANGE_EXPIRE, .time_ms = before_ms};
        note(self, change, self->when == DURABLE_AT_PUT);
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

static int64_t erased_until_ms(struct durable_double *self)
{
    int64_t until_ms = 0;
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->count; i++) {
        const struct change *change = &self->journal[i];
        if (change->kind == CHANGE_ERASE && change->time_ms > until_ms) {
            until_ms = change->time_ms;
        }
    }
    pthread_mutex_unlock(&self->lock);
    return until_ms;
}

static void double_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    activity_store_describe(double_of(store)->inner, out_state);
    out_state->kind = "double";
    out_state->durable = true;
    out_state->erased_until_ms = erased_until_ms(double_of(store));
}

static void double_free(struct activity_store *store)
{
    struct durable_double *self = double_of(store);
    for (size_t i = 0; i < self->count; i++) {
        change_deinit(&self->journal[i]);
    }
    coverage_deinit(&self->covered);
    free(self->journal);
    activity_store_free(self->inner);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static const struct activity_store_operations double_operations = {
    .put_batch = double_put_batch,
    .durable_positions = double_durable_positions,
    .accounts = double_accounts,
    .sync = double_sync,
    .find = double_find,
    .get = double_get,
    .count = double_count,
    .tally = double_tally,
    .erase = double_erase,
    .expire = double_expire,
    .describe = double_describe,
    .free = double_free,
};

struct activity_store *durable_store_double_new(enum durable_when when)
{
    const struct activity_store_memory_config config = {.clock = &clock_system,
                                                        .random = &random_system};
    struct durable_double *self = need(calloc(1, sizeof *self));
    self->store.operations = &double_operations;
    self->when = when;
    coverage_init(&self->covered);
    pthread_mutex_init(&self->lock, NULL);
    need_ok(activity_store_memory_new(&config, &self->inner, NULL));
    return &self->store;
}

static void replay(struct activity_store *store, const struct change *change)
{
    uint64_t number;
    if (change->kind == CHANGE_ERASE) {
        struct activity_erasure erasure;
        struct str user_id = {.data = change->user_id, .len = change->user_id_len};
        need_ok(activity_store_erase(store, user_id, change->time_ms, &erasure, NULL));
    } else if (change->kind == CHANGE_EXPIRE) {
        need_ok(activity_store_expire(store, change->time_ms, &number, NULL));
    } else {
        struct activity_batch batch = {
            .log_id = change->log_id,
            .rows = change->rows,
            .count = change->count,
            .refused = change->refused,
            .refused_count = change->refused_count,
            .next = &change->next,
        };
        enum verdict *verdicts = need(malloc((batch.count + 1) * sizeof *verdicts));
        need_ok(activity_store_put_batch(store, &batch, verdicts, NULL));
        free(verdicts);
    }
}

struct activity_store *durable_store_double_crash(struct activity_store *store)
{
    struct durable_double *before = double_of(store);
    ASSERT(store->operations == &double_operations);
    struct activity_store *after = durable_store_double_new(before->when);
    for (size_t i = 0; i < before->durable_count; i++) {
        replay(after, &before->journal[i]);
    }
    make_all_durable(double_of(after));
    activity_store_free(store);
    return after;
}
