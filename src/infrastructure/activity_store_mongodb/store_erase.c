#include "infrastructure/activity_store_mongodb/store_erase.h"

#include "infrastructure/activity_store_mongodb/filter_document.h"
#include "infrastructure/mongodb_client/write_statements.h"

/* A delete of more at once could take longer than a socket waits. */
enum { DELETED_AT_ONCE = 10000, REPEATS_MAX = 4 };

/* Reading ----------------------------------------------------------------------------------- */

enum status erasures_read_until(struct mongodb_store *store, mongoc_client_t *connection,
                                int64_t *out_until_ms, struct error *err)
{
    struct buffer command;
    bson_t reply;
    buffer_init(&command, REQUEST_BYTES_MAX);
    size_t begin = document_begin(&command);
    document_put_str(&command, STR("find"), STR(STORE_ERASURES));
    size_t filter = document_open(&command, DOCUMENT_OBJECT, STR("filter"));
    document_put_i32(&command, STR("_id"), 0);
    document_end(&command, filter);
    document_put_i32(&command, STR("limit"), 1);
    document_put_bool(&command, STR("singleBatch"), true);
    document_end(&command, begin);
    enum status status = mongodb_client_read(store->client, connection, &command, &reply, err);
    if (status == STATUS_OK) {
        bson_iter_t at;
        bson_iter_t until;
        bool found = bson_iter_init(&at, &reply) &&
                     bson_iter_find_descendant(&at, "cursor.firstBatch.0.erasedUntil", &until) &&
                     BSON_ITER_HOLDS_DATE_TIME(&until);
        *out_until_ms = found ? bson_iter_date_time(&until) : 0;
    }
    bson_destroy(&reply);
    buffer_deinit(&command);
    return status;
}

/* Deleting ---------------------------------------------------------------------------------- */

/* The first fault among the write errors of an answer, as a failure of the whole. */
static enum status check_write_errors(const bson_t *reply, const char *doing, struct error *err)
{
    bson_iter_t at;
    bson_iter_t code;
    bson_iter_t text;
    if (!bson_iter_init(&at, reply) ||
        !bson_iter_find_descendant(&at, "writeErrors.0.code", &code)) {
        return STATUS_OK;
    }
    bool worded = bson_iter_init(&at, reply) &&
                  bson_iter_find_descendant(&at, "writeErrors.0.errmsg", &text) &&
                  BSON_ITER_HOLDS_UTF8(&text);
    enum status status =
        bson_iter_as_int64(&code) == MONGODB_DUPLICATE_KEY ? STATUS_DUPLICATE : STATUS_UNAVAILABLE;
    return error_set(err, status, 0, "MongoDB could not %s: %s", doing,
                     worded ? bson_iter_utf8(&text, NULL) : "no reason given");
}

enum status erasures_delete(struct mongodb_store *store, mongoc_client_t *connection,
                            const struct buffer *command, uint64_t *out_deleted, struct error *err)
{
    bson_t reply;
    enum status status = mongodb_client_write(store->client, connection, command, &reply, err);
    if (status == STATUS_OK) {
        status = check_write_errors(&reply, "remove activities", err);
    }
    if (status == STATUS_OK) {
        *out_deleted = (uint64_t)mongodb_client_number(&reply, "n");
    }
    bson_destroy(&reply);
    return status;
}

/* {user and time}: a whole user, or everything before a time. */
struct doomed {
    struct str user_id; /* {NULL, 0}: everybody */
    bool limited;
    int64_t before_ms;
    bool inclusive;
};

static void put_doomed(const struct doomed *doomed, struct buffer *out)
{
    if (doomed->user_id.data != NULL) {
        filter_document_append_name(STR("userId"), doomed->user_id, out);
    }
    if (doomed->limited) {
        size_t member = document_open(out, DOCUMENT_OBJECT, STR("timestamp"));
        document_put_date(out, doomed->inclusive ? STR("$lte") : STR("$lt"), doomed->before_ms);
        document_end(out, member);
    }
}

static enum status delete_doomed(struct mongodb_store *store, mongoc_client_t *connection,
                                 const struct doomed *doomed, uint64_t *out_deleted,
                                 struct error *err)
{
    struct buffer command;
    buffer_init(&command, REQUEST_BYTES_MAX);
    struct write_statements deletes =
        write_statements_delete(&command, str_from(store->collection));
    write_statements_begin_query(&deletes);
    put_doomed(doomed, &command);
    write_statements_end_removal(&deletes, WRITE_ALL);
    write_statements_end(&deletes);
    enum status status = erasures_delete(store, connection, &command, out_deleted, err);
    buffer_deinit(&command);
    return status;
}

static void write_piece_query(const struct mongodb_store *store, const struct doomed *doomed,
                              struct buffer *command)
{
    size_t begin = document_begin(command);
    document_put_str(command, STR("find"), str_from(store->collection));
    size_t filter = document_open(command, DOCUMENT_OBJECT, STR("filter"));
    put_doomed(doomed, command);
    document_end(command, filter);
    size_t sort = document_open(command, DOCUMENT_OBJECT, STR("sort"));
    document_put_i32(command, STR("timestamp"), 1);
    document_put_i32(command, STR("_id"), 1);
    document_end(command, sort);
    size_t projection = document_open(command, DOCUMENT_OBJECT, STR("projection"));
    document_put_i32(command, STR("timestamp"), 1);
    document_end(command, projection);
    document_put_i64(command, STR("skip"), DELETED_AT_ONCE);
    document_put_i32(command, STR("limit"), 1);
    document_put_bool(command, STR("singleBatch"), true);
    document_end(command, begin);
}

/* Narrows what is doomed to the oldest of it, or leaves it where that is little enough. */
static enum status choose_piece(struct mongodb_store *store, mongoc_client_t *connection,
                                const struct doomed *doomed, struct doomed *out_piece,
                                struct error *err)
{
    struct buffer command;
    bson_t reply;
    buffer_init(&command, REQUEST_BYTES_MAX);
    write_piece_query(store, doomed, &command);
    enum status status = mongodb_client_read(store->client, connection, &command, &reply, err);
    *out_piece = *doomed;
    if (status == STATUS_OK) {
        bson_iter_t at;
        bson_iter_t time;
        if (bson_iter_init(&at, &reply) &&
            bson_iter_find_descendant(&at, "cursor.firstBatch.0.timestamp", &time) &&
            BSON_ITER_HOLDS_DATE_TIME(&time)) {
            out_piece->limited = true;
            out_piece->inclusive = true;
            out_piece->before_ms = bson_iter_date_time(&time);
        }
    }
    bson_destroy(&reply);
    buffer_deinit(&command);
    return status;
}

/* In pieces of about DELETED_AT_ONCE, the oldest first; the last one is all that is left. */
static enum status delete_all(struct mongodb_store *store, mongoc_client_t *connection,
                              const struct doomed *doomed, uint64_t *out_deleted, struct error *err)
{
    *out_deleted = 0;
    for (;;) {
        struct doomed piece;
        uint64_t deleted = 0;
        enum status status = choose_piece(store, connection, doomed, &piece, err);
        bool last = piece.inclusive == doomed->inclusive && piece.limited == doomed->limited;
        if (status == STATUS_OK) {
            status = delete_doomed(store, connection, &piece, &deleted, err);
        }
        if (status != STATUS_OK) {
            return status;
        }
        *out_deleted += deleted;
        store_size_add(store, -(int64_t)deleted, 0);
        if (last) {
            return STATUS_OK;
        }
    }
}

/* Erasing ----------------------------------------------------------------------------------- */

static void raise_or_insert(struct write_statements *updates, struct str member, int64_t time_ms)
{
    write_statements_begin_change(updates);
    size_t raise = document_open(updates->out, DOCUMENT_OBJECT, STR("$max"));
    document_put_date(updates->out, member, time_ms);
    document_end(updates->out, raise);
    write_statements_end_change(updates, WRITE_ONE_OR_INSERT);
}

static void write_tombstone(struct str user_id, int64_t erased_at_ms, struct buffer *command)
{
    struct write_statements updates = write_statements_update(command, STR(STORE_ERASURES));
    write_statements_begin_query(&updates);
    document_put_str(command, STR("_id"), user_id);
    raise_or_insert(&updates, STR("erasedAt"), erased_at_ms);
    write_statements_begin_query(&updates);
    document_put_i32(command, STR("_id"), 0);
    raise_or_insert(&updates, STR("erasedUntil"), erased_at_ms);
    write_statements_end(&updates);
}

static void write_count_of_logs(struct buffer *command)
{
    struct write_statements updates = write_statements_update(command, STR(STORE_PROGRESS));
    write_statements_begin_query(&updates);
    write_statements_begin_change(&updates);
    size_t increment = document_open(command, DOCUMENT_OBJECT, STR("$inc"));
    document_put_i64(command, STR("erasures"), 1);
    document_end(command, increment);
    write_statements_end_change(&updates, WRITE_ALL);
    write_statements_end(&updates);
}

/* Two that add the same tombstone for the first time can meet; the one that is second repeats. */
static enum status write_confirmed(struct mongodb_store *store, mongoc_client_t *connection,
                                   const struct buffer *command, struct error *err)
{
    enum status status = STATUS_DUPLICATE;
    for (int i = 0; i < REPEATS_MAX && status == STATUS_DUPLICATE; i++) {
        bson_t reply;
        status = mongodb_client_write(store->client, connection, command, &reply, err);
        if (status == STATUS_OK) {
            status = check_write_errors(&reply, "note an erasure", err);
        }
        bson_destroy(&reply);
    }
    return status == STATUS_DUPLICATE
               ? error_set(err, STATUS_UNAVAILABLE, 0, "the erasure met others; repeat it")
               : status;
}

static enum status erase_with(struct mongodb_store *store, mongoc_client_t *connection,
                              const struct doomed *doomed, int64_t erased_at_ms, struct error *err)
{
    struct buffer command;
    buffer_init(&command, REQUEST_BYTES_MAX);
    write_tombstone(doomed->user_id, erased_at_ms, &command);
    enum status status = write_confirmed(store, connection, &command, err);
    if (status == STATUS_OK) {
        (void)store_raise_erased_until(store, erased_at_ms);
        buffer_clear(&command);
        write_count_of_logs(&command);
        status = write_confirmed(store, connection, &command, err);
    }
    buffer_deinit(&command);
    return status;
}

enum status store_erase(struct mongodb_store *store, struct str user_id, int64_t erased_at_ms,
                        uint64_t *out_erased, struct error *err)
{
    mongoc_client_t *connection;
    const struct doomed doomed = {.user_id = user_id};
    enum status status = mongodb_client_take(store->client, &connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = erase_with(store, connection, &doomed, erased_at_ms, err);
    if (status == STATUS_OK) {
        status = delete_all(store, connection, &doomed, out_erased, err);
    }
    mongodb_client_give(store->client, connection);
    return status;
}

enum status store_expire(struct mongodb_store *store, int64_t before_ms, uint64_t *out_expired,
                         struct error *err)
{
    mongoc_client_t *connection;
    const struct doomed doomed = {.limited = true, .before_ms = before_ms};
    enum status status = mongodb_client_take(store->client, &connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = delete_all(store, connection, &doomed, out_expired, err);
    mongodb_client_give(store->client, connection);
    return status;
}
