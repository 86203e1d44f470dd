#include "infrastructure/refusal_list_mongodb/shared_refusals.h"

#include "infrastructure/mongodb_client/index_creation.h"
#include "infrastructure/mongodb_client/write_statements.h"

#include <stdlib.h>

enum {
    ADDED_AT_ONCE = 500,
    COMMAND_BYTES = 8 * 1024 * 1024, /* begins no further document beyond */
    DROPPED_AT_ONCE = 1000,
    FRESH_MS = 5000,
    FAILED_MS = 10000
};

/* Sums -------------------------------------------------------------------------------------- */

/* What fits the index alone, so that no document is read:
 * [{$match: {refusedAt: {$gte: …}}}, {$group: {_id: null, listed, bytes}}] */
static void write_sums(struct buffer *command)
{
    size_t whole = document_begin(command);
    document_put_str(command, STR("aggregate"), STR(REFUSED_COLLECTION));
    size_t pipeline = document_open(command, DOCUMENT_ARRAY, STR("pipeline"));
    size_t stage = document_open_index(command, DOCUMENT_OBJECT, 0);
    size_t match = document_open(command, DOCUMENT_OBJECT, STR("$match"));
    size_t member = document_open(command, DOCUMENT_OBJECT, STR("refusedAt"));
    document_put_date(command, STR("$gte"), 0);
    document_end(command, member);
    document_end(command, match);
    document_end(command, stage);
    stage = document_open_index(command, DOCUMENT_OBJECT, 1);
    size_t group = document_open(command, DOCUMENT_OBJECT, STR("$group"));
    document_put_null(command, STR("_id"));
    member = document_open(command, DOCUMENT_OBJECT, STR("listed"));
    document_put_i64(command, STR("$sum"), 1);
    document_end(command, member);
    member = document_open(command, DOCUMENT_OBJECT, STR("bytes"));
    document_put_str(command, STR("$sum"), STR("$bytes"));
    document_end(command, member);
    document_end(command, group);
    document_end(command, stage);
    document_end(command, pipeline);
    size_t cursor = document_open(command, DOCUMENT_OBJECT, STR("cursor"));
    document_end(command, cursor);
    document_end(command, whole);
}

static int64_t number_at(const bson_t *reply, const char *place)
{
    bson_iter_t at;
    bson_iter_t found;
    return bson_iter_init(&at, reply) && bson_iter_find_descendant(&at, place, &found)
               ? bson_iter_as_int64(&found)
               : 0;
}

/* Under `changing`. */
static enum status ask_sums(struct refusal_list_mongodb *list, mongoc_client_t *connection,
                            struct error *err)
{
    struct buffer command;
    bson_t reply;
    buffer_init(&command, REFUSED_REQUEST_BYTES_MAX);
    write_sums(&command);
    enum status status = mongodb_client_read(list->client, connection, &command, &reply, err);
    uint64_t now_ms = clock_monotonic_ms(list->config.clock);
    pthread_mutex_lock(&list->lock);
    if (status == STATUS_OK) {
        list->listed = number_at(&reply, "cursor.firstBatch.0.listed");
        list->bytes = number_at(&reply, "cursor.firstBatch.0.bytes");
    }
    list->ask_at_ms = now_ms + (status == STATUS_OK ? FRESH_MS : FAILED_MS);
    pthread_mutex_unlock(&list->lock);
    bson_destroy(&reply);
    buffer_deinit(&command);
    return status;
}

static bool are_sums_old(struct refusal_list_mongodb *list)
{
    uint64_t now_ms = clock_monotonic_ms(list->config.clock);
    pthread_mutex_lock(&list->lock);
    bool old = now_ms >= list->ask_at_ms;
    pthread_mutex_unlock(&list->lock);
    return old;
}

void shared_refusals_refresh(struct refusal_list_mongodb *list)
{
    mongoc_client_t *connection;
    if (!are_sums_old(list) || pthread_mutex_trylock(&list->changing) != 0) {
        return;
    }
    if (mongodb_client_take(list->client, &connection, NULL) == STATUS_OK) {
        (void)!ask_sums(list, connection, NULL);
        mongodb_client_give(list->client, connection);
    }
    pthread_mutex_unlock(&list->changing);
}

static void count(struct refusal_list_mongodb *list, int64_t listed, int64_t bytes,
                  uint64_t dropped)
{
    pthread_mutex_lock(&list->lock);
    list->listed += listed;
    list->bytes += bytes;
    list->dropped += dropped;
    pthread_mutex_unlock(&list->lock);
}

static int64_t bytes_above_maximum(struct refusal_list_mongodb *list)
{
    int64_t bytes_max =
        list->config.bytes_max < INT64_MAX ? (int64_t)list->config.bytes_max : INT64_MAX;
    pthread_mutex_lock(&list->lock);
    int64_t above = list->bytes - bytes_max;
    pthread_mutex_unlock(&list->lock);
    return above;
}

/* Without waiting until they are old. */
static void distrust_sums(struct refusal_list_mongodb *list)
{
    pthread_mutex_lock(&list->lock);
    list->ask_at_ms = 0;
    pthread_mutex_unlock(&list->lock);
}

/* Deleting ---------------------------------------------------------------------------------- */

/* {delete: "refused", deletes: [{q: {_id: {$in: […]}}, limit: 0}]}; must not move. */
struct deletion {
    struct buffer command;
    struct write_statements statements;
    size_t member; /* where the documents begin that are open */
    size_t ids;
    size_t count;
};

static void deletion_begin(struct deletion *deletion)
{
    struct buffer *command = &deletion->command;
    buffer_init(command, REFUSED_REQUEST_BYTES_MAX);
    deletion->statements = write_statements_delete(command, STR(REFUSED_COLLECTION));
    write_statements_begin_query(&deletion->statements);
    deletion->member = document_open(command, DOCUMENT_OBJECT, STR("_id"));
    deletion->ids = document_open(command, DOCUMENT_ARRAY, STR("$in"));
    deletion->count = 0;
}

static void deletion_put_id(struct deletion *deletion, struct str id)
{
    document_put_index(&deletion->command, DOCUMENT_STRING, deletion->count++);
    document_write_text(&deletion->command, id);
}

/* Ends the command and sends it. Some of the entries may be gone already. */
static enum status deletion_send(struct deletion *deletion, struct refusal_list_mongodb *list,
                                 mongoc_client_t *connection, int64_t *out_gone, struct error *err)
{
    struct buffer *command = &deletion->command;
    bson_t reply;
    document_end(command, deletion->ids);
    document_end(command, deletion->member);
    write_statements_end_removal(&deletion->statements, WRITE_ALL);
    write_statements_end(&deletion->statements);
    enum status status = mongodb_client_write(list->client, connection, command, &reply, err);
    *out_gone = status == STATUS_OK ? mongodb_client_number(&reply, "n") : 0;
    bson_destroy(&reply);
    return status;
}

static void deletion_deinit(struct deletion *deletion)
{
    buffer_deinit(&deletion->command);
}

/* Dropping ---------------------------------------------------------------------------------- */

/* The oldest entries as far as they are to go. */
struct oldest {
    struct deletion deletion;
    int64_t bytes;
};

static void write_oldest_query(struct buffer *command)
{
    size_t whole = document_begin(command);
    document_put_str(command, STR("find"), STR(REFUSED_COLLECTION));
    size_t sort = document_open(command, DOCUMENT_OBJECT, STR("sort"));
    document_put_i32(command, STR("refusedAt"), 1);
    document_put_i32(command, STR("_id"), 1);
    document_end(command, sort);
    size_t projection = document_open(command, DOCUMENT_OBJECT, STR("projection"));
    document_put_i32(command, STR("bytes"), 1);
    document_end(command, projection);
    document_put_i32(command, STR("limit"), DROPPED_AT_ONCE);
    document_put_i32(command, STR("batchSize"), DROPPED_AT_ONCE);
    document_put_bool(command, STR("singleBatch"), true);
    document_end(command, whole);
}

/* Takes entries of the answer until `above` bytes are reached. */
static void take_oldest(const bson_t *reply, int64_t above, struct oldest *oldest)
{
    bson_iter_t at;
    bson_iter_t batch;
    bson_iter_t entry;
    if (!bson_iter_init(&at, reply) ||
        !bson_iter_find_descendant(&at, "cursor.firstBatch", &batch) ||
        !bson_iter_recurse(&batch, &entry)) {
        return;
    }
    while (oldest->bytes < above && bson_iter_next(&entry)) {
        bson_iter_t id;
        bson_iter_t bytes;
        uint32_t len;
        if (!bson_iter_recurse(&entry, &id) || !bson_iter_find(&id, "_id") ||
            !BSON_ITER_HOLDS_UTF8(&id)) {
            continue;
        }
        const char *text = bson_iter_utf8(&id, &len);
        deletion_put_id(&oldest->deletion, (struct str){text, len});
        if (bson_iter_recurse(&entry, &bytes) && bson_iter_find(&bytes, "bytes")) {
            oldest->bytes += bson_iter_as_int64(&bytes);
        }
    }
}

/* Another worker may have removed some of them already: then the sums are asked for anew. */
static enum status drop_some(struct refusal_list_mongodb *list, mongoc_client_t *connection,
                             int64_t above, struct error *err)
{
    struct buffer command;
    struct oldest oldest = {.bytes = 0};
    bson_t reply;
    buffer_init(&command, REFUSED_REQUEST_BYTES_MAX);
    deletion_begin(&oldest.deletion);
    write_oldest_query(&command);
    enum status status = mongodb_client_read(list->client, connection, &command, &reply, err);
    if (status == STATUS_OK) {
        take_oldest(&reply, above, &oldest);
    }
    bson_destroy(&reply);
    size_t doomed = oldest.deletion.count;
    int64_t gone = 0;
    if (status == STATUS_OK && doomed > 0) {
        status = deletion_send(&oldest.deletion, list, connection, &gone, err);
    }
    buffer_deinit(&command);
    deletion_deinit(&oldest.deletion);
    if (status == STATUS_OK) {
        count(list, -gone, -oldest.bytes, (uint64_t)gone);
    }
    if (status == STATUS_OK && (size_t)gone != doomed) {
        status = ask_sums(list, connection, err);
    }
    return status == STATUS_OK && doomed == 0 ? ask_sums(list, connection, err) : status;
}

/* An eighth more than must go, so that not every add has to look for the oldest. */
static enum status drop_oldest(struct refusal_list_mongodb *list, mongoc_client_t *connection,
                               struct error *err)
{
    enum status status = STATUS_OK;
    int64_t above = bytes_above_maximum(list);
    int64_t more = (int64_t)(list->config.bytes_max < INT64_MAX ? list->config.bytes_max / 8 : 0);
    for (int64_t before = INT64_MAX; status == STATUS_OK && above > 0 && above < before;) {
        before = above; /* what cannot be dropped does not keep anybody here */
        status = drop_some(list, connection, above + more, err);
        above = bytes_above_maximum(list);
    }
    return status;
}

/* Adding ------------------------------------------------------------------------------------ */

struct adding {
    struct refusal_list_mongodb *list;
    mongoc_client_t *connection;
    struct uuid log_id;
    const struct refusal *refusals;
    size_t count;
    int64_t now_ms;
    struct buffer command;
    size_t sent[ADDED_AT_ONCE]; /* the refusal of each document of the command */
    size_t sent_count;
    struct error *err;
};

static bool fits(const struct refusal_list_mongodb *list, const struct refusal *refusal)
{
    uint64_t bytes = refused_document_bytes(refusal);
    return bytes <= list->config.bytes_max && bytes <= REFUSED_DOCUMENT_BYTES_MAX;
}

/* An unordered insert may carry the second of two out first. */
static bool is_sent(const struct adding *adding, struct position position)
{
    for (size_t i = 0; i < adding->sent_count; i++) {
        struct position sent = adding->refusals[adding->sent[i]].position;
        if (sent.partition == position.partition && sent.offset == position.offset) {
            return true;
        }
    }
    return false;
}

/* {insert: …, ordered: false, documents: […]}; returns where the next command begins. */
static size_t write_insert(struct adding *adding, size_t begin)
{
    struct buffer *command = &adding->command;
    size_t at = begin;
    buffer_clear(command);
    adding->sent_count = 0;
    size_t whole = document_begin(command);
    document_put_str(command, STR("insert"), STR(REFUSED_COLLECTION));
    document_put_bool(command, STR("ordered"), false);
    mongodb_client_append_write_concern(command);
    size_t documents = document_open(command, DOCUMENT_ARRAY, STR("documents"));
    for (; at < adding->count && adding->sent_count < ADDED_AT_ONCE; at++) {
        const struct refusal *refusal = &adding->refusals[at];
        if (command->len + refusal->raw.len > COMMAND_BYTES && adding->sent_count > 0) {
            break;
        }
        if (!fits(adding->list, refusal)) {
            count(adding->list, 0, 0, 1);
        } else if (!is_sent(adding, refusal->position)) {
            size_t document = document_open_index(command, DOCUMENT_OBJECT, adding->sent_count);
            refused_document_append(adding->log_id, refusal, adding->now_ms, command);
            document_end(command, document);
            adding->sent[adding->sent_count++] = at;
        }
    }
    document_end(command, documents);
    document_end(command, whole);
    return at;
}

/* Takes back what was counted of a document that is not new; another fault is one of the whole. */
static enum status take_error(struct adding *adding, const bson_iter_t *error)
{
    bson_iter_t index;
    bson_iter_t code;
    if (!BSON_ITER_HOLDS_DOCUMENT(error) || !bson_iter_recurse(error, &index) ||
        !bson_iter_find(&index, "index") || !bson_iter_recurse(error, &code) ||
        !bson_iter_find(&code, "code")) {
        return STATUS_OK;
    }
    int64_t at = bson_iter_as_int64(&index);
    if (at < 0 || (size_t)at >= adding->sent_count ||
        bson_iter_as_int64(&code) != MONGODB_DUPLICATE_KEY) {
        return error_set(adding->err, STATUS_UNAVAILABLE, 0,
                         "MongoDB could not keep a refused activity: error %lld",
                         (long long)bson_iter_as_int64(&code));
    }
    uint64_t bytes = refused_document_bytes(&adding->refusals[adding->sent[at]]);
    count(adding->list, -1, -(int64_t)bytes, 0);
    return STATUS_OK;
}

static enum status take_answer(struct adding *adding, const bson_t *reply)
{
    bson_iter_t at;
    bson_iter_t error;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < adding->sent_count; i++) {
        uint64_t bytes = refused_document_bytes(&adding->refusals[adding->sent[i]]);
        count(adding->list, 1, (int64_t)bytes, 0);
    }
    if (bson_iter_init_find(&at, reply, "writeErrors") && bson_iter_recurse(&at, &error)) {
        while (status == STATUS_OK && bson_iter_next(&error)) {
            status = take_error(adding, &error);
        }
    }
    return status;
}

/* What is added is not known when the server does not answer, so the sums are asked for then. */
static enum status send_insert(struct adding *adding)
{
    bson_t reply;
    if (adding->sent_count == 0) {
        return STATUS_OK;
    }
    enum status status = mongodb_client_write(adding->list->client, adding->connection,
                                              &adding->command, &reply, adding->err);
    if (status == STATUS_OK) {
        status = take_answer(adding, &reply);
    }
    bson_destroy(&reply);
    if (status != STATUS_OK) {
        distrust_sums(adding->list);
    }
    return status;
}

static enum status add_all(struct adding *adding)
{
    enum status status = are_sums_old(adding->list)
                             ? ask_sums(adding->list, adding->connection, adding->err)
                             : STATUS_OK;
    for (size_t at = 0; at < adding->count && status == STATUS_OK;) {
        at = write_insert(adding, at);
        status = send_insert(adding);
        if (status == STATUS_OK) {
            status = drop_oldest(adding->list, adding->connection, adding->err);
        }
    }
    return status;
}

enum status shared_refusals_add(struct refusal_list_mongodb *list, struct uuid log_id,
                                const struct refusal *refusals, size_t count, struct error *err)
{
    struct adding adding = {.list = list,
                            .log_id = log_id,
                            .refusals = refusals,
                            .count = count,
                            .now_ms = clock_wall_ms(list->config.clock),
                            .err = err};
    enum status status = mongodb_client_take(list->client, &adding.connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    buffer_init(&adding.command, REFUSED_REQUEST_BYTES_MAX);
    pthread_mutex_lock(&list->changing);
    status = add_all(&adding);
    pthread_mutex_unlock(&list->changing);
    buffer_deinit(&adding.command);
    mongodb_client_give(list->client, adding.connection);
    return status;
}

/* Removing ---------------------------------------------------------------------------------- */

/* What went is not known by its bytes, so the sums are asked for when somebody wants them. */
static enum status remove_ids(struct refusal_list_mongodb *list, const struct str *ids,
                              size_t count, int64_t *out_gone, struct error *err)
{
    struct deletion deletion;
    mongoc_client_t *connection;
    enum status status = mongodb_client_take(list->client, &connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    deletion_begin(&deletion);
    for (size_t i = 0; i < count; i++) {
        deletion_put_id(&deletion, ids[i]);
    }
    pthread_mutex_lock(&list->changing);
    status = deletion_send(&deletion, list, connection, out_gone, err);
    distrust_sums(list);
    pthread_mutex_unlock(&list->changing);
    deletion_deinit(&deletion);
    mongodb_client_give(list->client, connection);
    return status;
}

enum status shared_refusals_remove(struct refusal_list_mongodb *list, struct str id,
                                   struct error *err)
{
    int64_t gone = 0;
    enum status status = remove_ids(list, &id, 1, &gone, err);
    return status == STATUS_OK && gone == 0
               ? error_set(err, STATUS_NOT_FOUND, 0, "there is no refused activity with this id")
               : status;
}

enum status shared_refusals_forget(struct refusal_list_mongodb *list,
                                   const struct refusal_page *page, uint64_t *in_out_forgotten,
                                   struct error *err)
{
    int64_t gone = 0;
    struct str *ids = calloc(page->count, sizeof *ids);
    if (ids == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0,
                         "there is no memory to forget refused activities");
    }
    for (size_t i = 0; i < page->count; i++) {
        ids[i] = page->entries[i].id;
    }
    enum status status = remove_ids(list, ids, page->count, &gone, err);
    free(ids);
    *in_out_forgotten += (uint64_t)gone;
    return status;
}

/* Opening ----------------------------------------------------------------------------------- */

/* That of the times holds `bytes`, too, so that the sums are made from it. */
static const struct index_creation indexes[] = {
    {.name = "usertrail_time", .members = {"refusedAt", "_id", "bytes"}},
    {.name = "usertrail_user", .members = {"users", "refusedAt", "_id"}},
};

enum status shared_refusals_open(struct refusal_list_mongodb *list, struct error *err)
{
    struct buffer command;
    bson_t reply;
    mongoc_client_t *connection;
    enum status status = mongodb_client_take(list->client, &connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    buffer_init(&command, REFUSED_REQUEST_BYTES_MAX);
    index_creation_write(STR(REFUSED_COLLECTION), indexes, ARRAY_LENGTH(indexes), &command);
    status = mongodb_client_write(list->client, connection, &command, &reply, err);
    bson_destroy(&reply);
    buffer_deinit(&command);
    if (status == STATUS_OK) {
        status = ask_sums(list, connection, err);
    }
    mongodb_client_give(list->client, connection);
    return status;
}
