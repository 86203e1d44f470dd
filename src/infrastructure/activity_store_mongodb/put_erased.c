#include "infrastructure/activity_store_mongodb/put_erased.h"

#include "infrastructure/activity_store_mongodb/store_erase.h"
#include "infrastructure/mongodb_client/write_statements.h"

#include <stdlib.h>

enum { USERS_AT_ONCE = 1000 };

/* Rows that may be erased, sorted by user. */
struct suspects {
    const struct activity_batch *batch;
    uint32_t *rows;
    size_t count;
    bool *erased; /* beside each */
};

static const struct activity *suspect_at(const struct suspects *suspects, size_t index)
{
    return &suspects->batch->rows[suspects->rows[index]].activity;
}

static int compare_users(const void *a, const void *b, void *context)
{
    const struct activity_batch *batch = context;
    return str_compare(batch->rows[*(const uint32_t *)a].activity.user_id,
                       batch->rows[*(const uint32_t *)b].activity.user_id);
}

static bool gather(const struct activity_batch *batch, int64_t erased_until_ms,
                   struct suspects *suspects)
{
    suspects->batch = batch;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->rows[i].activity.received_at_ms >= erased_until_ms) {
            continue;
        }
        if (suspects->rows == NULL) {
            suspects->rows = malloc(batch->count * sizeof *suspects->rows);
            suspects->erased = calloc(batch->count, sizeof *suspects->erased);
        }
        if (suspects->rows == NULL || suspects->erased == NULL) {
            return false;
        }
        suspects->rows[suspects->count++] = (uint32_t)i;
    }
    if (suspects->count > 0) {
        qsort_r(suspects->rows, suspects->count, sizeof *suspects->rows, compare_users,
                (void *)(uintptr_t)batch);
    }
    return true;
}

static bool is_new_user(const struct suspects *suspects, size_t index)
{
    return index == 0 || !str_equal(suspect_at(suspects, index - 1)->user_id,
                                    suspect_at(suspects, index)->user_id);
}

/* The first row of the user, or of the one behind where he would be. */
static size_t find_user(const struct suspects *suspects, struct str user_id)
{
    size_t low = 0;
    size_t high = suspects->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(suspect_at(suspects, middle)->user_id, user_id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Tombstones -------------------------------------------------------------------------------- */

/* {find: "erasures", filter: {_id: {$in: users}}}; returns behind the last row whose user is in it.
 */
static size_t write_lookup(const struct suspects *suspects, size_t begin, struct buffer *command)
{
    size_t users = 0;
    size_t at = begin;
    buffer_clear(command);
    size_t whole = document_begin(command);
    document_put_str(command, STR("find"), STR(STORE_ERASURES));
    size_t filter = document_open(command, DOCUMENT_OBJECT, STR("filter"));
    size_t member = document_open(command, DOCUMENT_OBJECT, STR("_id"));
    size_t list = document_open(command, DOCUMENT_ARRAY, STR("$in"));
    for (; at < suspects->count; at++) {
        if (!is_new_user(suspects, at)) {
            continue;
        }
        if (users == USERS_AT_ONCE) {
            break;
        }
        document_put_index(command, DOCUMENT_STRING, users++);
        document_write_text(command, suspect_at(suspects, at)->user_id);
    }
    document_end(command, list);
    document_end(command, member);
    document_end(command, filter);
    document_put_i32(command, STR("batchSize"), USERS_AT_ONCE + 1);
    document_end(command, whole);
    return at;
}

static void apply_tombstone(struct suspects *suspects, const bson_iter_t *tombstone)
{
    bson_iter_t id;
    bson_iter_t erased_at;
    uint32_t len;
    if (!BSON_ITER_HOLDS_DOCUMENT(tombstone) || !bson_iter_recurse(tombstone, &id) ||
        !bson_iter_find(&id, "_id") || !BSON_ITER_HOLDS_UTF8(&id) ||
        !bson_iter_recurse(tombstone, &erased_at) || !bson_iter_find(&erased_at, "erasedAt") ||
        !BSON_ITER_HOLDS_DATE_TIME(&erased_at)) {
        return;
    }
    const char *text = bson_iter_utf8(&id, &len);
    struct str user_id = {text, len};
    int64_t erased_at_ms = bson_iter_date_time(&erased_at);
    for (size_t i = find_user(suspects, user_id);
         i < suspects->count && str_equal(suspect_at(suspects, i)->user_id, user_id); i++) {
        suspects->erased[i] = suspect_at(suspects, i)->received_at_ms < erased_at_ms;
    }
}

static enum status look_up(struct mongodb_store *store, mongoc_client_t *connection,
                           struct suspects *suspects, struct error *err)
{
    struct buffer command;
    enum status status = STATUS_OK;
    buffer_init(&command, REQUEST_BYTES_MAX);
    for (size_t at = 0; at < suspects->count && status == STATUS_OK;) {
        bson_t reply;
        bson_iter_t root;
        bson_iter_t batch;
        bson_iter_t tombstone;
        at = write_lookup(suspects, at, &command);
        status = mongodb_client_read(store->client, connection, &command, &reply, err);
        if (status == STATUS_OK && bson_iter_init(&root, &reply) &&
            bson_iter_find_descendant(&root, "cursor.firstBatch", &batch) &&
            bson_iter_recurse(&batch, &tombstone)) {
            while (bson_iter_next(&tombstone)) {
                apply_tombstone(suspects, &tombstone);
            }
        }
        bson_destroy(&reply);
    }
    buffer_deinit(&command);
    return status;
}

/* Dropping ---------------------------------------------------------------------------------- */

/* Removes the row's document only while it is the one that was received before the erasure. */
static void put_delete(struct write_statements *deletes, const struct activity *activity)
{
    write_statements_begin_query(deletes);
    document_put_str(deletes->out, STR("_id"), activity->id);
    document_put_str(deletes->out, STR("userId"), activity->user_id);
    document_put_date(deletes->out, STR("receivedAt"), activity->received_at_ms);
    write_statements_end_removal(deletes, WRITE_ONE);
}

/* Rows of one kind: which this attempt inserted, or which it did not. */
struct doomed_rows {
    const struct put_rows *rows;
    const struct suspects *suspects;
    bool inserted;
};

static bool is_doomed(const struct doomed_rows *doomed, size_t suspect)
{
    const struct suspects *suspects = doomed->suspects;
    return suspects->erased[suspect] &&
           doomed->rows->rows[suspects->rows[suspect]].inserted == doomed->inserted;
}

static size_t write_deletes(const struct mongodb_store *store, const struct doomed_rows *doomed,
                            size_t begin, size_t *out_count, struct buffer *command)
{
    const struct suspects *suspects = doomed->suspects;
    size_t at = begin;
    buffer_clear(command);
    struct write_statements deletes = write_statements_delete(command, str_from(store->collection));
    for (; at < suspects->count && deletes.count < USERS_AT_ONCE; at++) {
        if (is_doomed(doomed, at)) {
            put_delete(&deletes, suspect_at(suspects, at));
        }
    }
    write_statements_end(&deletes);
    *out_count = deletes.count;
    return at;
}

/* `out_missing`: so many of them were not there any more. */
static enum status remove_doomed(struct mongodb_store *store, mongoc_client_t *connection,
                                 const struct doomed_rows *doomed, uint64_t *out_missing,
                                 struct error *err)
{
    struct buffer command;
    enum status status = STATUS_OK;
    *out_missing = 0;
    buffer_init(&command, REQUEST_BYTES_MAX);
    for (size_t at = 0; at < doomed->suspects->count && status == STATUS_OK;) {
        size_t count;
        uint64_t deleted = 0;
        at = write_deletes(store, doomed, at, &count, &command);
        if (count > 0) {
            status = erasures_delete(store, connection, &command, &deleted, err);
        }
        *out_missing += status == STATUS_OK && deleted < count ? count - deleted : 0;
    }
    buffer_deinit(&command);
    return status;
}

/* The server says how many it removed, not which: any of them will do, since only the number is
 * told on. */
static void note_taken(struct put_rows *rows, const struct suspects *suspects, uint64_t taken)
{
    const struct doomed_rows doomed = {rows, suspects, .inserted = true};
    for (size_t i = 0; i < suspects->count && taken > 0; i++) {
        if (is_doomed(&doomed, i)) {
            rows->rows[suspects->rows[i]].taken = true;
            taken--;
        }
    }
}

/* What this attempt inserted and does not find any more was stored, and the erasure that removed it
 * has counted it: each is told once. */
static enum status remove_erased(struct mongodb_store *store, mongoc_client_t *connection,
                                 struct put_rows *rows, const struct suspects *suspects,
                                 struct error *err)
{
    const struct doomed_rows before = {rows, suspects, .inserted = false};
    const struct doomed_rows inserted = {rows, suspects, .inserted = true};
    uint64_t missing;
    enum status status = remove_doomed(store, connection, &before, &missing, err);
    if (status == STATUS_OK) {
        status = remove_doomed(store, connection, &inserted, &missing, err);
    }
    if (status == STATUS_OK) {
        note_taken(rows, suspects, missing);
    }
    return status;
}

/* Rows that were judged against a document which is removed wait for another judgement. */
static void release_group(struct put_rows *rows, size_t row)
{
    uint32_t next = rows->rows[row].next;
    for (; next != 0; next = rows->rows[next - 1].next) {
        rows->rows[next - 1].state = ROW_WAITS;
    }
}

/* Whatever they were judged before: the erasure came first, as far as anybody can tell. Rows behind
 * one that was inserted are released before they are judged themselves, so erased ones come last.
 */
static void judge(const struct log_progress *progress, struct put_rows *rows,
                  const struct suspects *suspects)
{
    for (size_t i = 0; i < suspects->count; i++) {
        if (suspects->erased[i] && rows->rows[suspects->rows[i]].inserted) {
            release_group(rows, suspects->rows[i]);
        }
    }
    for (size_t i = 0; i < suspects->count; i++) {
        size_t row = suspects->rows[i];
        if (suspects->erased[i]) {
            bool covered = progress_covers(progress, rows->batch->rows[row].position);
            enum verdict verdict = rows->rows[row].taken ? VERDICT_STORED : VERDICT_ERASED;
            put_rows_judge(rows, row, covered ? VERDICT_REDELIVERED : verdict);
            rows->rows[row].inserted = false;
        }
    }
}

enum status put_erased_drop(struct mongodb_store *store, mongoc_client_t *connection,
                            const struct log_progress *progress, struct put_rows *rows,
                            struct error *err)
{
    struct suspects suspects = {0};
    enum status status = STATUS_OK;
    if (!gather(rows->batch, progress->erased_until_ms, &suspects)) {
        status = error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a batch");
    }
    if (status == STATUS_OK && suspects.count > 0) {
        status = look_up(store, connection, &suspects, err);
    }
    if (status == STATUS_OK && suspects.count > 0) {
        status = remove_erased(store, connection, rows, &suspects, err);
    }
    if (status == STATUS_OK) {
        judge(progress, rows, &suspects);
    }
    free(suspects.rows);
    free(suspects.erased);
    return status;
}

/* Asking ------------------------------------------------------------------------------------ */

enum status put_erased_look_up(struct mongodb_store *store, const struct activity_batch *batch,
                               bool *out_erased, struct error *err)
{
    struct suspects suspects = {0};
    mongoc_client_t *connection;
    enum status status = mongodb_client_take(store->client, &connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (!gather(batch, INT64_MAX, &suspects)) {
        status = error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a batch");
    }
    status = status == STATUS_OK ? look_up(store, connection, &suspects, err) : status;
    mongodb_client_give(store->client, connection);
    for (size_t i = 0; status == STATUS_OK && i < suspects.count; i++) {
        out_erased[suspects.rows[i]] = suspects.erased[i];
    }
    free(suspects.rows);
    free(suspects.erased);
    return status;
}
