#include "infrastructure/activity_store_local/activity_store_local.h"

#include "base/assert.h"
#include "base/condition.h"
#include "base/thread.h"
#include "infrastructure/activity_store_local/local_store.h"
#include "infrastructure/activity_store_local/snapshot_query.h"

#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 1000 }; /* after writing or merging failed */

#define SCRATCH_BYTES ((size_t)4 << 20) /* an activity that came again is looked at in it */

static struct local_store *store_of(struct activity_store *store)
{
    return CONTAINER_OF(store, struct local_store, store);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0,
                     "the store got no memory from the system; nothing was changed");
}

/* Threads ----------------------------------------------------------------------------------- */

/* Sleeps while there is no frozen head, or for a while after a failure; false: time to stop. */
static bool wait_for_frozen_head(struct local_store *self, bool failed)
{
    struct timespec deadline = condition_deadline(RETRY_MS);
    pthread_mutex_lock(&self->mutex);
    while (failed && !atomic_load(&self->stopping)) {
        failed = condition_wait_until(&self->changed, &self->mutex, &deadline);
    }
    while (self->snapshot->head_count == 1 && !atomic_load(&self->stopping)) {
        pthread_cond_wait(&self->changed, &self->mutex);
    }
    pthread_mutex_unlock(&self->mutex);
    return !atomic_load(&self->stopping);
}

static void *run_sealer(void *context)
{
    struct local_store *self = context;
    bool failed = false;
    pthread_setname_np(pthread_self(), "sealer");
    while (wait_for_frozen_head(self, failed)) {
        struct error err;
        bool before = failed;
        failed = local_store_seal(self, &err) != STATUS_OK;
        if (failed && !before) {
            log_error(self->config.logger,
                      "the store cannot write recent activities, which stay in the event log; it "
                      "keeps trying",
                      &err);
        } else if (before && !failed) {
            log_write(self->config.logger, LOG_INFO, "the store writes again", LOG_NO_FIELDS);
        }
    }
    return NULL;
}

/* Merges as long as there is something to merge. */
static enum status merge_all(struct local_store *self, struct error *err)
{
    bool merged = true;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && merged) {
        status = local_store_merge(self, &merged, err);
    }
    return status;
}

/* Sleeps until the manifest changed; false: time to stop. */
static bool wait_for_change(struct local_store *self, uint64_t *seen)
{
    pthread_mutex_lock(&self->mutex);
    while (self->changes == *seen && !atomic_load(&self->stopping)) {
        pthread_cond_wait(&self->changed, &self->mutex);
    }
    *seen = self->changes;
    pthread_mutex_unlock(&self->mutex);
    return !atomic_load(&self->stopping);
}

/* A merge that fails is tried again at the next change: nothing depends on it but speed. */
static void *run_merger(void *context)
{
    struct local_store *self = context;
    uint64_t seen = UINT64_MAX; /* the first round looks at what was there before */
    bool told = false;
    pthread_setname_np(pthread_self(), "merger");
    while (wait_for_change(self, &seen)) {
        struct error err;
        bool failed = merge_all(self, &err) != STATUS_OK && !atomic_load(&self->stopping);
        if (failed && !told) {
            log_error(self->config.logger, "the store cannot merge its parts and keeps trying",
                      &err);
        }
        told = failed;
    }
    return NULL;
}

static enum status start_threads(struct local_store *self, struct error *err)
{
    int result = thread_start(&self->sealer, run_sealer, self);
    self->sealer_runs = result == 0;
    if (result == 0) {
        result = thread_start(&self->merger, run_merger, self);
        self->merger_runs = result == 0;
    }
    return result == 0 ? STATUS_OK
                       : error_set(err, STATUS_UNAVAILABLE, result,
                                   "cannot start the threads of the store");
}

static void stop_threads(struct local_store *self)
{
    pthread_mutex_lock(&self->mutex);
    atomic_store(&self->stopping, true);
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->mutex);
    if (self->sealer_runs) {
        pthread_join(self->sealer, NULL);
    }
    if (self->merger_runs) {
        pthread_join(self->merger, NULL);
    }
}

/* Putting ----------------------------------------------------------------------------------- */

/* What the snapshot says of one row but for its newest head, into which it may come. */
static enum status look_elsewhere(struct local_store *self, struct snapshot *snapshot,
                                  const struct activity *arrived, enum elsewhere *out_elsewhere,
                                  struct error *err)
{
    struct activity stored;
    struct id_key id = id_key_make(arrived->id);
    head_expect_id(snapshot->heads[snapshot->head_count - 1], &id);
    enum status status = snapshot_get_before(snapshot, &id, &self->scratch, &stored, err);
    if (status == STATUS_NOT_FOUND) {
        *out_elsewhere = ELSEWHERE_NOTHING;
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        bool same = activity_is_repetition(&stored, arrived);
        *out_elsewhere = same ? ELSEWHERE_SAME : ELSEWHERE_OTHER;
        arena_reset(&self->scratch);
    }
    return status;
}

static bool is_before(const struct tombstone *tombstone, const struct activity *activity)
{
    return tombstone != NULL && activity->received_at_ms < tombstone->erased_at_ms;
}

/* Rows of users who were erased after they were received, of a batch that is put. */
static void note_erased(struct local_store *self, const struct activity_batch *batch)
{
    pthread_mutex_lock(&self->mutex);
    const struct tombstones *tombstones = &self->manifest.tombstones;
    for (size_t i = 0; tombstones->count > 0 && i < batch->count; i++) {
        const struct activity *activity = &batch->rows[i].activity;
        if (is_before(tombstones_find(tombstones, activity->user_id), activity)) {
            self->elsewhere[i] = ELSEWHERE_ERASED;
        }
    }
    pthread_mutex_unlock(&self->mutex);
}

static enum status look_at_batch(struct local_store *self, const struct activity_batch *batch,
                                 struct error *err)
{
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    enum status status = STATUS_OK;
    if (batch->count > self->elsewhere_capacity) {
        enum elsewhere *elsewhere =
            realloc(self->elsewhere, batch->count * sizeof *self->elsewhere);
        if (elsewhere == NULL) {
            return no_memory(err);
        }
        self->elsewhere = elsewhere;
        self->elsewhere_capacity = batch->count;
    }
    for (size_t i = 0; status == STATUS_OK && i < batch->count; i++) {
        status = look_elsewhere(self, snapshot, &batch->rows[i].activity, &self->elsewhere[i], err);
    }
    if (status == STATUS_OK) {
        note_erased(self, batch);
    }
    return status;
}

/* Waits until the frozen head before is written; what went wrong with it, if it cannot be. */
static enum status wait_for_room(struct local_store *self, struct error *err)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&self->mutex);
    uint64_t failures = self->seal_failures;
    while (self->snapshot->head_count == SNAPSHOT_HEADS_MAX && self->seal_failures == failures) {
        pthread_cond_wait(&self->changed, &self->mutex);
    }
    if (self->snapshot->head_count == SNAPSHOT_HEADS_MAX) {
        *err = self->seal_error;
        status = err->status;
    }
    pthread_mutex_unlock(&self->mutex);
    return status;
}

/* Freezes the head and writes it here and now. */
static enum status seal_now(struct local_store *self, struct error *err)
{
    enum status status = local_store_freeze(self, err);
    if (status == STATUS_OK) {
        status = local_store_seal(self, err);
    }
    if (status == STATUS_OK && !self->config.background) {
        struct error why;
        bool merged;
        enum status ignored = local_store_merge(self, &merged, &why);
        (void)ignored; /* nothing depends on merging but speed */
    }
    return status;
}

/* Freezes the head; then it is the sealer's, or written at once. */
static enum status change_heads(struct local_store *self, struct error *err)
{
    if (self->config.background) {
        enum status status = wait_for_room(self, err);
        return status == STATUS_OK ? local_store_freeze(self, err) : status;
    }
    enum status status = local_store_seal(self, err); /* one that could not be written before */
    return status == STATUS_OK ? seal_now(self, err) : status;
}

static struct head *head_of_worker(struct local_store *self)
{
    pthread_mutex_lock(&self->mutex);
    struct head *head = self->snapshot->heads[self->snapshot->head_count - 1];
    pthread_mutex_unlock(&self->mutex);
    return head; /* only the worker replaces it */
}

static enum status put_into_head(struct local_store *self, const struct activity_batch *batch,
                                 const struct position_set *covered,
                                 const struct table_outcome **out_outcomes, struct error *err)
{
    enum status status = look_at_batch(self, batch, err);
    if (status != STATUS_OK) {
        return status;
    }
    const struct table_knowledge knowledge = {.covered = covered, .elsewhere = self->elsewhere};
    status = head_put(head_of_worker(self), self->putter, batch, &knowledge, out_outcomes);
    return status == STATUS_NO_MEMORY ? no_memory(err) : status;
}

/* A batch that reaches more partitions than one part can name goes into another head; what is known
 * of it elsewhere is then looked at again, since the head before is elsewhere now. */
static enum status put(struct local_store *self, const struct activity_batch *batch,
                       const struct position_set *covered,
                       const struct table_outcome **out_outcomes, struct error *err)
{
    enum status status = STATUS_OK;
    if (head_is_full(head_of_worker(self), self->config.head_rows)) {
        status = change_heads(self, err);
    }
    if (status == STATUS_OK) {
        status = put_into_head(self, batch, covered, out_outcomes, err);
    }
    if (status != STATUS_TOO_LARGE) {
        return status;
    }
    status = change_heads(self, err);
    if (status == STATUS_OK) {
        status = put_into_head(self, batch, covered, out_outcomes, err);
    }
    return status == STATUS_TOO_LARGE
               ? error_set(err, status, 0, "the event log has too many partitions")
               : status;
}

/* Makes room beforehand for what must not fail once the batch is put. */
static enum status prepare_account(struct local_store *self, const struct activity_batch *batch,
                                   struct log_coverage **out_log, struct error *err)
{
    pthread_mutex_lock(&self->mutex);
    enum status status = coverage_log(&self->put, batch->log_id, out_log);
    if (status == STATUS_OK) {
        status = log_starts_take_up(&(*out_log)->starts, &(*out_log)->positions, batch);
    }
    if (status == STATUS_OK) {
        status = position_set_prepare(&(*out_log)->positions, batch->next);
    }
    pthread_mutex_unlock(&self->mutex);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    return status == STATUS_NO_MEMORY
               ? no_memory(err)
               : error_set(err, status, 0, "there are too many event logs or partitions");
}

/* Positions and counts rise at once, for whoever asks for the accounts. */
static void keep_account(struct local_store *self, const struct activity_batch *batch,
                         const enum verdict *verdicts, struct log_coverage *log)
{
    struct log_counts added = log_counts_of_batch(batch, verdicts, &log->starts, &log->positions);
    pthread_mutex_lock(&self->mutex);
    log_counts_add(&log->counts, &added);
    enum status status = position_set_raise_all(&log->positions, batch->next);
    pthread_mutex_unlock(&self->mutex);
    ASSERT(status == STATUS_OK);
}

static enum status local_put_batch(struct activity_store *store, const struct activity_batch *batch,
                                   enum verdict *out_verdicts, struct error *err)
{
    struct local_store *self = store_of(store);
    struct log_coverage *log;
    const struct table_outcome *outcomes = NULL;
    enum status status = prepare_account(self, batch, &log, err);
    if (status == STATUS_OK) {
        status = put(self, batch, &log->positions, &outcomes, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    ASSERT(outcomes != NULL || batch->count == 0);
    for (size_t i = 0; i < batch->count; i++) {
        out_verdicts[i] = outcomes[i].verdict;
    }
    keep_account(self, batch, out_verdicts, log);
    return STATUS_OK;
}

static enum status local_accounts(struct activity_store *store, struct coverage *out_accounts,
                                  struct error *err)
{
    struct local_store *self = store_of(store);
    pthread_mutex_lock(&self->mutex);
    enum status status = coverage_raise_all(out_accounts, &self->put);
    pthread_mutex_unlock(&self->mutex);
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
}

static enum status local_sync(struct activity_store *store, struct error *err)
{
    struct local_store *self = store_of(store);
    enum status status = local_store_seal(self, err);
    if (status != STATUS_OK || !local_store_has_news(self)) {
        return status;
    }
    return seal_now(self, err);
}

static enum status local_durable_positions(struct activity_store *store, struct uuid log_id,
                                           struct position_set *out_positions, struct error *err)
{
    struct local_store *self = store_of(store);
    enum status status = STATUS_OK;
    pthread_mutex_lock(&self->mutex);
    const struct position_set *covered = coverage_find(&self->manifest.covered, log_id);
    if (covered != NULL) {
        status = position_set_raise_all(out_positions, covered);
    }
    pthread_mutex_unlock(&self->mutex);
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
}

/* Asking ------------------------------------------------------------------------------------ */

static enum status local_find(struct activity_store *store,
                              const struct activity_page_request *request, struct arena *arena,
                              struct activity_page *out_page, struct error *err)
{
    struct local_store *self = store_of(store);
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    const struct snapshot_query query = {.snapshot = snapshot, .clock = self->config.clock};
    return snapshot_find(&query, request, arena, out_page, err);
}

static enum status local_get(struct activity_store *store, struct str id, struct arena *arena,
                             struct activity *out_activity, struct error *err)
{
    struct local_store *self = store_of(store);
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    return snapshot_get(snapshot, id, arena, out_activity, err);
}

static enum status local_count(struct activity_store *store, const struct activity_filter *filter,
                               uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    struct local_store *self = store_of(store);
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    const struct snapshot_query query = {.snapshot = snapshot, .clock = self->config.clock};
    return snapshot_count(&query, filter, deadline_ns, out_count, err);
}

static enum status local_tally(struct activity_store *store,
                               const struct activity_tally_request *request, struct arena *arena,
                               struct activity_tally *out_tally, struct error *err)
{
    struct local_store *self = store_of(store);
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    const struct snapshot_query query = {.snapshot = snapshot, .clock = self->config.clock};
    return snapshot_tally(&query, request, arena, out_tally, err);
}

/* Removing ---------------------------------------------------------------------------------- */

static enum status local_erase(struct activity_store *store, struct str user_id,
                               int64_t erased_at_ms, struct activity_erasure *out_erasure,
                               struct error *err)
{
    const struct tombstone erased = {.user_id = user_id, .erased_at_ms = erased_at_ms};
    return local_store_erase(store_of(store), &erased, out_erasure, err);
}

static enum status local_expire(struct activity_store *store, int64_t before_ms,
                                uint64_t *out_expired, struct error *err)
{
    return local_store_expire(store_of(store), before_ms, out_expired, err);
}

/* From the moment on that the erasure stands in the manifest, which is before it is answered. */
static enum status look_up_erased(struct erasure_lookup *lookup, const struct activity_batch *batch,
                                  bool *out_erased, struct error *err)
{
    (void)err;
    struct local_store *self = CONTAINER_OF(lookup, struct local_store, erasures);
    pthread_mutex_lock(&self->mutex);
    const struct tombstones *tombstones = &self->manifest.tombstones;
    for (size_t i = 0; i < batch->count; i++) {
        const struct activity *activity = &batch->rows[i].activity;
        out_erased[i] = is_before(tombstones_find(tombstones, activity->user_id), activity);
    }
    pthread_mutex_unlock(&self->mutex);
    return STATUS_OK;
}

struct erasure_lookup *activity_store_local_erasures(struct activity_store *store)
{
    return &store_of(store)->erasures;
}

/* Checkpoints ------------------------------------------------------------------------------- */

enum status activity_store_local_checkpoint(struct activity_store *store, struct buffer *out_text,
                                            struct error *err)
{
    return store_chain_sign(store_of(store), out_text, err);
}

/* Life -------------------------------------------------------------------------------------- */

static int64_t erased_until_ms(struct local_store *self)
{
    int64_t until_ms = 0;
    pthread_mutex_lock(&self->mutex);
    const struct tombstones *tombstones = &self->manifest.tombstones;
    for (size_t i = 0; i < tombstones->count; i++) {
        int64_t erased_at_ms = tombstones->items[i].erased_at_ms;
        until_ms = erased_at_ms > until_ms ? erased_at_ms : until_ms;
    }
    pthread_mutex_unlock(&self->mutex);
    return until_ms;
}

static void local_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(store_of(store));
    struct snapshot_size parts = snapshot_parts_size(snapshot);
    *out_state = (struct activity_store_state){.kind = "local",
                                               .durable = true,
                                               .hides_erased = true,
                                               .activities = parts.rows,
                                               .bytes = parts.bytes};
    out_state->erased_until_ms = erased_until_ms(store_of(store));
    for (size_t i = 0; i < snapshot->head_count; i++) {
        struct table_size size = shared_table_size(&snapshot->heads[i]->shared);
        out_state->activities += size.rows;
        out_state->bytes += size.bytes;
    }
}

/* Of a store that did not open, too; its threads have ended. */
static void release(struct local_store *self)
{
    chain_free(self->chain);
    snapshot_unref(self->snapshot);
    manifest_deinit(&self->manifest);
    coverage_deinit(&self->put);
    table_putter_free(self->putter);
    arena_deinit(&self->scratch);
    disk_lock_release(self->lock);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->mutex);
    pthread_mutex_destroy(&self->files);
    free(self->elsewhere);
    free(self->unmergeable);
    free(self->directory);
    free(self);
}

static void local_free(struct activity_store *store)
{
    struct local_store *self = store_of(store);
    stop_threads(self);
    store_chain_log(self, true);
    release(self);
}

static const struct activity_store_operations local_operations = {
    .put_batch = local_put_batch,
    .durable_positions = local_durable_positions,
    .accounts = local_accounts,
    .sync = local_sync,
    .find = local_find,
    .get = local_get,
    .count = local_count,
    .tally = local_tally,
    .erase = local_erase,
    .expire = local_expire,
    .describe = local_describe,
    .free = local_free,
};

/* For reading only --------------------------------------------------------------------------- */

static enum status refuse(struct error *err)
{
    return error_set(err, STATUS_UNAVAILABLE, 0, "the store is opened for reading only");
}

static enum status refuse_put_batch(struct activity_store *store,
                                    const struct activity_batch *batch, enum verdict *out_verdicts,
                                    struct error *err)
{
    (void)store;
    (void)batch;
    (void)out_verdicts;
    return refuse(err);
}

static enum status refuse_sync(struct activity_store *store, struct error *err)
{
    (void)store;
    return refuse(err);
}

static enum status refuse_erase(struct activity_store *store, struct str user_id,
                                int64_t erased_at_ms, struct activity_erasure *out_erasure,
                                struct error *err)
{
    (void)store;
    (void)user_id;
    (void)erased_at_ms;
    (void)out_erasure;
    return refuse(err);
}

static enum status refuse_expire(struct activity_store *store, int64_t before_ms,
                                 uint64_t *out_expired, struct error *err)
{
    (void)store;
    (void)before_ms;
    (void)out_expired;
    return refuse(err);
}

static const struct activity_store_operations reading_operations = {
    .put_batch = refuse_put_batch,
    .durable_positions = local_durable_positions,
    .accounts = local_accounts,
    .sync = refuse_sync,
    .find = local_find,
    .get = local_get,
    .count = local_count,
    .tally = local_tally,
    .erase = refuse_erase,
    .expire = refuse_expire,
    .describe = local_describe,
    .free = local_free,
};

/* Opening ------------------------------------------------------------------------------------- */

static struct local_store *make(const struct activity_store_local_config *config)
{
    struct local_store *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return NULL;
    }
    self->store.operations = config->read_only ? &reading_operations : &local_operations;
    self->erasures.look_up = look_up_erased;
    self->config = *config;
    if (config->head_rows == 0) {
        self->config.head_rows = ACTIVITY_STORE_LOCAL_HEAD_ROWS_DEFAULT;
    }
    if (config->merge_parts == 0) {
        self->config.merge_parts = ACTIVITY_STORE_LOCAL_MERGE_PARTS_DEFAULT;
    }
    pthread_mutex_init(&self->files, NULL);
    pthread_mutex_init(&self->mutex, NULL);
    condition_init(&self->changed);
    manifest_init(&self->manifest, (struct uuid){0});
    coverage_init(&self->put);
    arena_init(&self->scratch, SCRATCH_BYTES);
    self->directory = strdup(config->directory);
    return self;
}

static enum status open_store(struct local_store *self, struct error *err)
{
    struct disk *disk = self->config.disk;
    if (self->directory == NULL) {
        return no_memory(err);
    }
    if (self->config.read_only) {
        return local_store_open_reading(self, err);
    }
    enum status status = table_putter_new(&self->putter, err);
    if (status == STATUS_OK) {
        status = disk_make_durable_directory(disk, self->directory, err);
    }
    if (status == STATUS_OK) {
        status = disk_lock_take(disk, self->directory, &self->lock, err);
    }
    if (status == STATUS_OK) {
        status = local_store_open(self, err);
    }
    if (status == STATUS_OK && self->config.background) {
        status = start_threads(self, err);
    }
    return status;
}

enum status activity_store_local_new(const struct activity_store_local_config *config,
                                     struct activity_store **out_store, struct error *err)
{
    struct local_store *self = make(config);
    if (self == NULL) {
        return no_memory(err);
    }
    enum status status = open_store(self, err);
    if (status != STATUS_OK) {
        stop_threads(self);
        release(self);
        return status;
    }
    *out_store = &self->store;
    return STATUS_OK;
}
