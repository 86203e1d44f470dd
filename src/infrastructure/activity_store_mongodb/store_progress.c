#include "infrastructure/activity_store_mongodb/store_progress.h"

#include "base/assert.h"
#include "infrastructure/activity_store_mongodb/progress_account.h"
#include "infrastructure/activity_store_mongodb/store_erase.h"
#include "infrastructure/mongodb_client/write_statements.h"

#include <stdlib.h>

enum { OPENINGS_MAX = 4 };

/* Reading ----------------------------------------------------------------------------------- */

void progress_init(struct log_progress *progress, struct uuid log_id)
{
    *progress = (struct log_progress){.log_id = log_id, .account.log_id = log_id};
    position_set_init(&progress->covered);
    position_set_init(&progress->account.positions);
    position_set_init(&progress->account.starts);
    uuid_format(log_id, progress->text);
}

void progress_deinit(struct log_progress *progress)
{
    position_set_deinit(&progress->covered);
    position_set_deinit(&progress->account.positions);
    position_set_deinit(&progress->account.starts);
    free(TAKE(progress->carried.items));
}

static enum status no_room(enum status status, struct error *err)
{
    return status == STATUS_TOO_LARGE
               ? error_set(err, status, 0, "there are too many event logs or partitions of one")
               : error_set(err, status, 0, "there is no memory for the positions of a log");
}

/* Forgets what an earlier document said: it may have been removed, and another one made. */
static void forget(struct log_coverage *account)
{
    account->positions.count = 0;
    account->starts.count = 0;
    account->counts = (struct log_counts){0};
}

/* Of the worker's log. Positions that it raised itself without an answer are not covered for it
 * before their rows have verdicts. */
static enum status note_own(const bson_t *document, struct log_progress *progress)
{
    forget(&progress->account);
    progress->erasures = mongodb_client_number(document, "erasures");
    enum status status = progress_account_read(document, &progress->account);
    return status == STATUS_OK && !progress->uncertain
               ? position_set_raise_all(&progress->covered, &progress->account.positions)
               : status;
}

/* Notes what a log's document says, for everybody and for the worker, if it is the one that asks.
 */
static enum status note(struct mongodb_store *store, struct uuid log_id, const bson_t *document,
                        struct log_progress *progress, struct error *err)
{
    struct log_coverage *covered;
    pthread_mutex_lock(&store->lock);
    enum status status = coverage_log(&store->covered, log_id, &covered);
    if (status == STATUS_OK) {
        status = progress_account_read(document, covered);
    }
    pthread_mutex_unlock(&store->lock);
    if (status == STATUS_OK && progress != NULL) {
        status = note_own(document, progress);
    }
    return status == STATUS_OK ? STATUS_OK : no_room(status, err);
}

/* The document at a place of an answer. */
static bool find_document(const bson_t *reply, const char *place, bson_t *out_document)
{
    bson_iter_t at;
    bson_iter_t found;
    uint32_t len;
    const uint8_t *data;
    if (!bson_iter_init(&at, reply) || !bson_iter_find_descendant(&at, place, &found) ||
        !BSON_ITER_HOLDS_DOCUMENT(&found)) {
        return false;
    }
    bson_iter_document(&found, &len, &data);
    return bson_init_static(out_document, data, len);
}

/* NOT_FOUND, without words: the log has no document. `progress` is NULL, or the worker's. */
static enum status read_log(struct mongodb_store *store, mongoc_client_t *connection,
                            struct uuid log_id, struct log_progress *progress, struct error *err)
{
    struct buffer command;
    bson_t reply;
    bson_t document;
    char text[UUID_TEXT_BYTES];
    uuid_format(log_id, text);
    buffer_init(&command, REQUEST_BYTES_MAX);
    size_t begin = document_begin(&command);
    document_put_str(&command, STR("find"), STR(STORE_PROGRESS));
    size_t filter = document_open(&command, DOCUMENT_OBJECT, STR("filter"));
    document_put_str(&command, STR("_id"), (struct str){text, sizeof text});
    document_end(&command, filter);
    document_put_i32(&command, STR("limit"), 1);
    document_put_bool(&command, STR("singleBatch"), true);
    document_end(&command, begin);
    enum status status = mongodb_client_read(store->client, connection, &command, &reply, err);
    if (status == STATUS_OK) {
        status = find_document(&reply, "cursor.firstBatch.0", &document)
                     ? note(store, log_id, &document, progress, err)
                     : STATUS_NOT_FOUND;
    }
    bson_destroy(&reply);
    buffer_deinit(&command);
    return status;
}

/* Opening ----------------------------------------------------------------------------------- */

static void write_opening(const struct log_progress *progress, struct buffer *command)
{
    struct write_statements updates = write_statements_update(command, STR(STORE_PROGRESS));
    write_statements_begin_query(&updates);
    document_put_str(command, STR("_id"), (struct str){progress->text, UUID_TEXT_BYTES});
    write_statements_begin_change(&updates);
    size_t set = document_open(command, DOCUMENT_OBJECT, STR("$setOnInsert"));
    document_put_i64(command, STR("erasures"), 0);
    document_end(command, set);
    write_statements_end_change(&updates, WRITE_ONE_OR_INSERT);
    write_statements_end(&updates);
}

/* Another worker may make it at the same time; then the answer says that it is there. */
static enum status make_document(struct mongodb_store *store, mongoc_client_t *connection,
                                 const struct log_progress *progress, struct error *err)
{
    struct buffer command;
    bson_t reply;
    buffer_init(&command, REQUEST_BYTES_MAX);
    write_opening(progress, &command);
    enum status status = mongodb_client_write(store->client, connection, &command, &reply, err);
    bson_destroy(&reply);
    buffer_deinit(&command);
    return status;
}

enum status progress_read(struct mongodb_store *store, mongoc_client_t *connection,
                          struct log_progress *progress, struct error *err)
{
    int64_t until_ms;
    enum status status = STATUS_NOT_FOUND;
    for (int i = 0; i < OPENINGS_MAX && status == STATUS_NOT_FOUND; i++) {
        status = read_log(store, connection, progress->log_id, progress, err);
        if (status == STATUS_NOT_FOUND) {
            enum status made = make_document(store, connection, progress, err);
            status = made == STATUS_OK ? STATUS_NOT_FOUND : made;
        }
    }
    if (status == STATUS_NOT_FOUND) {
        return error_set(
            err, STATUS_UNAVAILABLE, 0,
            "MongoDB does not keep the document of a log in the collection " STORE_PROGRESS);
    }
    if (status == STATUS_OK) {
        status = erasures_read_until(store, connection, &until_ms, err);
    }
    if (status == STATUS_OK) {
        progress->erased_until_ms = store_raise_erased_until(store, until_ms);
        progress->opened = true;
    }
    return status;
}

enum status progress_open(struct mongodb_store *store, mongoc_client_t *connection,
                          struct log_progress *progress, struct error *err)
{
    return progress->opened ? STATUS_OK : progress_read(store, connection, progress, err);
}

static void write_look(const struct log_progress *progress, struct buffer *command)
{
    size_t begin = document_begin(command);
    document_put_str(command, STR("findAndModify"), STR(STORE_PROGRESS));
    size_t query = document_open(command, DOCUMENT_OBJECT, STR("query"));
    document_put_str(command, STR("_id"), (struct str){progress->text, UUID_TEXT_BYTES});
    document_end(command, query);
    size_t update = document_open(command, DOCUMENT_OBJECT, STR("update"));
    size_t increment = document_open(command, DOCUMENT_OBJECT, STR("$inc"));
    document_put_i64(command, STR("looks"), 1);
    document_end(command, increment);
    size_t set = document_open(command, DOCUMENT_OBJECT, STR("$setOnInsert"));
    document_put_i64(command, STR("erasures"), 0);
    document_end(command, set);
    document_end(command, update);
    document_put_bool(command, STR("new"), true);
    document_put_bool(command, STR("upsert"), true);
    mongodb_client_append_write_concern(command);
    document_end(command, begin);
}

enum status progress_look(struct mongodb_store *store, mongoc_client_t *connection,
                          struct log_progress *progress, struct error *err)
{
    struct buffer command;
    bson_t reply;
    bson_t document;
    int64_t until_ms;
    buffer_init(&command, REQUEST_BYTES_MAX);
    write_look(progress, &command);
    enum status status = mongodb_client_write(store->client, connection, &command, &reply, err);
    if (status == STATUS_OK) {
        status = find_document(&reply, "value", &document)
                     ? note(store, progress->log_id, &document, progress, err)
                     : error_set(err, STATUS_UNAVAILABLE, 0,
                                 "MongoDB does not show the document of a log");
    }
    bson_destroy(&reply);
    buffer_deinit(&command);
    if (status == STATUS_OK) {
        status = erasures_read_until(store, connection, &until_ms, err);
    }
    if (status == STATUS_OK) {
        progress->erased_until_ms = store_raise_erased_until(store, until_ms);
    }
    return status;
}

/* Raising ----------------------------------------------------------------------------------- */

/* A replay raises nothing and yet looks for erasures; older servers do not take an empty $max. */
static void put_positions(const struct position_set *next, struct buffer *out)
{
    size_t raise = document_open(out, DOCUMENT_OBJECT, STR("$max"));
    document_put_i64(out, STR("erasures"), 0);
    for (size_t i = 0; i < next->count; i++) {
        buffer_append_char(out, DOCUMENT_INT64);
        buffer_append_literal(out, "partitions.");
        buffer_append_u64(out, (uint64_t)next->items[i].partition);
        buffer_append_char(out, '\0');
        document_write_u64(out, (uint64_t)next->items[i].offset);
    }
    document_end(out, raise);
}

static void write_raising(const struct log_progress *progress, const struct account_change *change,
                          struct buffer *command)
{
    struct write_statements updates = write_statements_update(command, STR(STORE_PROGRESS));
    write_statements_begin_query(&updates);
    document_put_str(command, STR("_id"), (struct str){progress->text, UUID_TEXT_BYTES});
    if (!progress->settled) {
        document_put_i64(command, STR("erasures"), progress->erasures);
    }
    account_change_put_conditions(change, command);
    write_statements_begin_change(&updates);
    put_positions(change->raising->next, command);
    account_change_put_changes(change, command);
    write_statements_end_change(&updates, WRITE_ONE);
    write_statements_end(&updates);
}

/* Room is made before the server is asked, so that what it confirmed is surely noted. */
static enum status prepare(struct mongodb_store *store, struct log_progress *progress,
                           const struct position_set *next)
{
    struct position_set *covered;
    pthread_mutex_lock(&store->lock);
    enum status status = coverage_of(&store->covered, progress->log_id, &covered);
    if (status == STATUS_OK) {
        status = position_set_prepare(covered, next);
    }
    pthread_mutex_unlock(&store->lock);
    if (status == STATUS_OK) {
        status = position_set_prepare(&progress->covered, next);
    }
    return status;
}

static void cover(struct mongodb_store *store, struct log_progress *progress,
                  struct account_change *change)
{
    struct position_set *covered;
    const struct position_set *next = change->raising->next;
    pthread_mutex_lock(&store->lock);
    enum status status = coverage_of(&store->covered, progress->log_id, &covered);
    if (status == STATUS_OK) {
        status = position_set_raise_all(covered, next);
    }
    pthread_mutex_unlock(&store->lock);
    if (status == STATUS_OK) {
        status = position_set_raise_all(&progress->covered, next);
    }
    ASSERT(status == STATUS_OK);
    account_change_keep(change, progress);
    if (position_set_raise_all(&progress->account.positions, next) != STATUS_OK) {
        progress->opened = false; /* no memory: the document is read again */
    }
}

/* NOT_FOUND, without words: the document is not as it was known. */
static enum status send_raising(struct mongodb_store *store, mongoc_client_t *connection,
                                struct log_progress *progress, const struct account_change *change,
                                struct error *err)
{
    struct buffer command;
    bson_t reply;
    bson_iter_t at;
    buffer_init(&command, REQUEST_BYTES_MAX);
    write_raising(progress, change, &command);
    enum status status = mongodb_client_write(store->client, connection, &command, &reply, err);
    bool refused = status == STATUS_OK && bson_iter_init_find(&at, &reply, "writeErrors");
    int64_t changed = status == STATUS_OK ? mongodb_client_number(&reply, "n") : 0;
    bson_destroy(&reply);
    buffer_deinit(&command);
    progress->uncertain = progress->uncertain || status != STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    if (refused) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "MongoDB could not note what is covered");
    }
    return changed == 0 ? STATUS_NOT_FOUND : STATUS_OK;
}

enum status progress_raise(struct mongodb_store *store, mongoc_client_t *connection,
                           struct log_progress *progress, const struct progress_raising *raising,
                           struct error *err)
{
    struct account_change change;
    enum status status = account_change_make(progress, raising, &change);
    if (status == STATUS_OK) {
        status = prepare(store, progress, raising->next);
    }
    if (status == STATUS_OK) {
        status = send_raising(store, connection, progress, &change, err);
    } else {
        status = no_room(status, err);
    }
    if (status == STATUS_OK) {
        progress->uncertain = false;
        progress->settled = false;
        cover(store, progress, &change);
    }
    account_change_deinit(&change);
    return status;
}

/* Durable positions ------------------------------------------------------------------------- */

static enum status raise_by_known(struct mongodb_store *store, struct uuid log_id,
                                  struct position_set *out_positions, struct error *err)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&store->lock);
    const struct position_set *covered = coverage_find(&store->covered, log_id);
    if (covered != NULL) {
        status = position_set_raise_all(out_positions, covered);
    }
    pthread_mutex_unlock(&store->lock);
    return status == STATUS_OK ? STATUS_OK : no_room(status, err);
}

/* The worker knows what it raised itself, and asks once per log. Others ask for what any worker
 * raised, this process's or another's. */
static bool is_known(struct mongodb_store *store, struct uuid log_id)
{
    pthread_mutex_lock(&store->lock);
    bool known = store->has_worker && pthread_equal(store->worker, pthread_self()) &&
                 coverage_find(&store->covered, log_id) != NULL;
    pthread_mutex_unlock(&store->lock);
    return known;
}

enum status store_durable_positions(struct mongodb_store *store, struct uuid log_id,
                                    struct position_set *out_positions, struct error *err)
{
    mongoc_client_t *connection;
    if (is_known(store, log_id)) {
        return raise_by_known(store, log_id, out_positions, err);
    }
    enum status status = mongodb_client_take(store->client, &connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = read_log(store, connection, log_id, NULL, err);
    mongodb_client_give(store->client, connection);
    return status == STATUS_OK || status == STATUS_NOT_FOUND
               ? raise_by_known(store, log_id, out_positions, err)
               : status;
}
