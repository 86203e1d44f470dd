#include "infrastructure/activity_store_mongodb/store_put.h"

#include "base/assert.h"
#include "infrastructure/activity_store_mongodb/insert_sessions.h"
#include "infrastructure/activity_store_mongodb/put_erased.h"
#include "infrastructure/activity_store_mongodb/put_existing.h"

#include <stdlib.h>

enum {
    LOGS_MAX = 4096,
    ROUNDS_MAX = 16,       /* of inserts: more than one where documents come and go meanwhile */
    CONFIRMATIONS_MAX = 16 /* erasures that come in between, one after the other */
};

/* What the worker keeps from one batch to the next. */
struct putting {
    struct insert_sessions *sessions;
    struct put_rows rows;
    struct log_progress *logs;
    size_t log_count;
};

/* One batch under way. */
struct put_batch {
    struct mongodb_store *store;
    struct putting *putting;
    struct put_rows *rows;
    struct log_progress *progress;
    mongoc_client_t *connection;
    struct error *err;
    bool knows_covered; /* read from the server for this batch */
};

/* Life -------------------------------------------------------------------------------------- */

static enum status putting_new(struct mongodb_store *store, struct putting **out_putting,
                               struct error *err)
{
    struct putting *putting = calloc(1, sizeof *putting);
    if (putting == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to store batches");
    }
    enum status status = insert_sessions_new(store, &putting->sessions, err);
    if (status != STATUS_OK) {
        free(putting);
        return status;
    }
    put_rows_init(&putting->rows, store->seed);
    *out_putting = putting;
    return STATUS_OK;
}

void putting_free(struct putting *putting)
{
    if (putting == NULL) {
        return;
    }
    for (size_t i = 0; i < putting->log_count; i++) {
        progress_deinit(&putting->logs[i]);
    }
    free(putting->logs);
    insert_sessions_free(putting->sessions);
    put_rows_deinit(&putting->rows);
    free(putting);
}

/* One place more each time: there are few logs. */
static enum status find_log(struct putting *putting, struct uuid log_id,
                            struct log_progress **out_progress, struct error *err)
{
    for (size_t i = 0; i < putting->log_count; i++) {
        if (uuid_equal(putting->logs[i].log_id, log_id)) {
            *out_progress = &putting->logs[i];
            return STATUS_OK;
        }
    }
    if (putting->log_count == LOGS_MAX) {
        return error_set(err, STATUS_TOO_LARGE, 0, "there are too many event logs");
    }
    struct log_progress *logs = realloc(putting->logs, (putting->log_count + 1) * sizeof *logs);
    if (logs == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the log of a batch");
    }
    putting->logs = logs;
    *out_progress = &logs[putting->log_count++];
    progress_init(*out_progress, log_id);
    return STATUS_OK;
}

/* Rounds ------------------------------------------------------------------------------------ */

/* Other workers may have raised the log's positions since; asked only where that makes a
 * difference, once a batch. */
static enum status know_covered(struct put_batch *put)
{
    if (put->knows_covered) {
        return STATUS_OK;
    }
    put->knows_covered = true;
    /* The number of erasures stays the one that was known before this batch was looked at. */
    struct log_progress *progress = put->progress;
    int64_t erasures = progress->erasures;
    enum status status = progress_read(put->store, put->connection, progress, put->err);
    progress->erasures = erasures;
    return status;
}

static bool is_sent_as(const struct put_rows *rows, size_t chosen, enum row_state state)
{
    return rows->rows[rows->chosen[chosen]].state == state;
}

static bool has_any(const struct put_rows *rows, enum row_state state)
{
    bool found = false;
    for (size_t i = 0; i < rows->chosen_count && !found; i++) {
        found = is_sent_as(rows, i, state);
    }
    return found;
}

/* Rows that the server never takes, and those that say the same again behind them. */
static void judge_refused(struct put_rows *rows, size_t row)
{
    const struct activity *refused = &rows->batch->rows[row].activity;
    put_rows_judge(rows, row, VERDICT_REFUSED);
    for (uint32_t next = rows->rows[row].next; next != 0; next = rows->rows[next - 1].next) {
        if (rows->rows[next - 1].state == ROW_WAITS &&
            activity_is_repetition(refused, &rows->batch->rows[next - 1].activity)) {
            put_rows_judge(rows, next - 1, VERDICT_REFUSED);
        }
    }
}

static void judge_sent(struct put_batch *put)
{
    struct put_rows *rows = put->rows;
    for (size_t i = 0; i < rows->chosen_count; i++) {
        size_t row = rows->chosen[i];
        if (is_sent_as(rows, i, ROW_SENT_STORED)) {
            /* Judging it takes those behind it along; its own verdict is another one. */
            put_existing_judge(put->progress, rows, row, &rows->batch->rows[row].activity);
            put_rows_judge(rows, row, VERDICT_STORED);
        } else if (is_sent_as(rows, i, ROW_SENT_REFUSED)) {
            judge_refused(rows, row);
        }
    }
}

/* The positions matter for all rows but those that are stored alone. */
static bool has_repeated(const struct put_rows *rows)
{
    bool found = false;
    for (size_t i = 0; i < rows->chosen_count && !found; i++) {
        found = rows->rows[rows->chosen[i]].next != 0;
    }
    return found;
}

static enum status send_round(struct put_batch *put)
{
    enum status status = insert_sessions_send(put->putting->sessions, put->rows, put->err);
    bool exists = status == STATUS_OK && has_any(put->rows, ROW_SENT_EXISTS);
    if (status == STATUS_OK && (exists || has_repeated(put->rows))) {
        status = know_covered(put);
    }
    if (status == STATUS_OK) {
        judge_sent(put);
    }
    if (exists && status == STATUS_OK) {
        status = put_existing_look_up(put->store, put->progress, put->rows, put->err);
    }
    return status;
}

/* What waits after many rounds is kept out by something else than its id, such as an index of
 * somebody's own that must be unique, and will always be. */
static void refuse_waiting(struct put_batch *put)
{
    for (size_t i = 0; i < put->rows->batch->count; i++) {
        if (put->rows->rows[i].state == ROW_WAITS) {
            put_rows_judge(put->rows, i, VERDICT_REFUSED);
            error_set(put->err, STATUS_INVALID, 0,
                      "MongoDB says that the activity is there, but has none with its id; does the "
                      "collection have a unique index of its own?");
        }
    }
}

static enum status send_all(struct put_batch *put)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        put_rows_choose(put->rows);
        if (put->rows->chosen_count == 0) {
            return STATUS_OK;
        }
        enum status status = send_round(put);
        if (status != STATUS_OK) {
            return status;
        }
    }
    refuse_waiting(put);
    return STATUS_OK;
}

/* Steps ------------------------------------------------------------------------------------- */

/* Step W1, where it is needed. */
static enum status drop_erased(struct put_batch *put)
{
    const struct activity_batch *batch = put->rows->batch;
    bool old = false;
    /* Erasures of this process are known without a question. */
    put->progress->erased_until_ms =
        store_raise_erased_until(put->store, put->progress->erased_until_ms);
    for (size_t i = 0; i < batch->count && !old; i++) {
        old = batch->rows[i].activity.received_at_ms < put->progress->erased_until_ms;
    }
    enum status status = old ? know_covered(put) : STATUS_OK;
    return status == STATUS_OK && old
               ? put_erased_drop(put->store, put->connection, put->progress, put->rows, put->err)
               : status;
}

/* Step W4 but for the raising. It settles the matter unless something is inserted behind it. */
static enum status look_again(struct put_batch *put)
{
    enum status status = progress_look(put->store, put->connection, put->progress, put->err);
    if (status == STATUS_OK) {
        status = put_erased_drop(put->store, put->connection, put->progress, put->rows, put->err);
    }
    if (status == STATUS_OK) {
        put_rows_choose(put->rows);
        put->progress->settled = put->rows->chosen_count == 0;
        status = send_all(put);
    }
    return status;
}

static int64_t first_refused(const struct put_rows *rows, struct position next)
{
    int64_t first = next.offset;
    for (size_t i = 0; i < rows->batch->count; i++) {
        struct position position = rows->batch->rows[i].position;
        bool refused = rows->rows[i].verdict == VERDICT_REFUSED;
        first = refused && position.partition == next.partition && position.offset < first
                    ? position.offset
                    : first;
    }
    return first;
}

/* Nothing is covered from a refused row on until the next batch comes: by then the worker has
 * listed it. If it dies before, the log hands the row out again. */
static enum status choose_next(struct put_batch *put, struct position_set *out_next)
{
    const struct position_set *next = put->rows->batch->next;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < next->count; i++) {
        struct position position = next->items[i];
        position.offset = first_refused(put->rows, position);
        status = position_set_raise(out_next, position);
    }
    return status == STATUS_OK
               ? STATUS_OK
               : error_set(put->err, status, 0, "there is no memory for positions of a batch");
}

static bool has_refused(const struct put_rows *rows)
{
    bool found = false;
    for (size_t i = 0; i < rows->batch->count && !found; i++) {
        found = rows->rows[i].verdict == VERDICT_REFUSED;
    }
    return found;
}

/* Steps W3 and W4. */
static enum status raise_to(struct put_batch *put, const struct position_set *next)
{
    const struct progress_raising raising = {put->rows, next};
    put->progress->settled = false;
    for (int i = 0; i < CONFIRMATIONS_MAX; i++) {
        enum status status =
            progress_raise(put->store, put->connection, put->progress, &raising, put->err);
        if (status != STATUS_NOT_FOUND) {
            return status;
        }
        status = look_again(put);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return error_set(put->err, STATUS_UNAVAILABLE, 0,
                     "users are being erased too quickly to store a batch between them");
}

static enum status confirm(struct put_batch *put)
{
    struct position_set limited;
    if (!has_refused(put->rows)) {
        return raise_to(put, put->rows->batch->next);
    }
    position_set_init(&limited);
    enum status status = choose_next(put, &limited);
    status = status == STATUS_OK ? raise_to(put, &limited) : status;
    position_set_deinit(&limited);
    return status;
}

static void note_worker(struct mongodb_store *store)
{
    pthread_mutex_lock(&store->lock);
    store->worker = pthread_self();
    store->has_worker = true;
    pthread_mutex_unlock(&store->lock);
}

static void finish(struct put_batch *put, enum verdict *out_verdicts)
{
    int64_t stored = 0;
    for (size_t i = 0; i < put->rows->batch->count; i++) {
        out_verdicts[i] = put->rows->rows[i].verdict;
        stored += out_verdicts[i] == VERDICT_STORED;
    }
    store_size_end_put(put->store, stored,
                       stored > 0 ? (int64_t)insert_sessions_bytes(put->putting->sessions) : 0);
}

static enum status put_with(struct put_batch *put, enum verdict *out_verdicts)
{
    put->knows_covered = !put->progress->opened;
    enum status status = progress_open(put->store, put->connection, put->progress, put->err);
    if (status == STATUS_OK) {
        status = drop_erased(put);
    }
    if (status == STATUS_OK) {
        store_size_begin_put(put->store, put->rows->batch->count);
        status = send_all(put);
    }
    if (status == STATUS_OK) {
        status = confirm(put);
    }
    if (status == STATUS_OK) {
        finish(put, out_verdicts);
    } else {
        store_size_end_put(put->store, 0, 0);
    }
    return status;
}

/* The driver's status of a request says what became of that request; a batch can always be put
 * again, unless the port has a word for it. */
static enum status as_of_batch(enum status status, struct error *err)
{
    if (status == STATUS_INVALID || status == STATUS_BUSY) {
        if (err != NULL) {
            err->status = STATUS_UNAVAILABLE;
        }
        return STATUS_UNAVAILABLE;
    }
    return status;
}

enum status store_put(struct mongodb_store *store, const struct activity_batch *batch,
                      enum verdict *out_verdicts, struct error *err)
{
    struct put_batch put = {.store = store, .err = err};
    enum status status = STATUS_OK;
    note_worker(store);
    if (store->putting == NULL) {
        status = putting_new(store, &store->putting, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    ASSERT(store->putting != NULL);
    put.putting = store->putting;
    put.rows = &store->putting->rows;
    status = find_log(store->putting, batch->log_id, &put.progress, err);
    if (status == STATUS_OK && put_rows_begin(put.rows, batch) != STATUS_OK) {
        status = error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a batch");
    }
    if (status == STATUS_OK) {
        status = mongodb_client_take(store->client, &put.connection, err);
    }
    if (status == STATUS_OK) {
        status = put_with(&put, out_verdicts);
        mongodb_client_give(store->client, put.connection);
    }
    return as_of_batch(status, err);
}
