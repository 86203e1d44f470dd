#include "infrastructure/refusal_list_mongodb/refusal_list_mongodb.h"

#include "application/refusal_subject.h"
#include "base/assert.h"
#include "base/timestamp.h"
#include "infrastructure/refusal_list_mongodb/shared_refusals.h"

#include <stdlib.h>

enum {
    CONNECTIONS = 8,
    FIRST_ENTRIES = 16,
    BATCH_ENTRIES = 100,
    FORGOTTEN_AT_ONCE = 500,
    FORGOTTEN_BYTES = 8 * 1024 * 1024, /* of their texts, beyond the first one */
    FORGETTING_BYTES_MAX = 64 * 1024 * 1024
};

static struct refusal_list_mongodb *mongodb_of(struct refusal_list *list)
{
    return CONTAINER_OF(list, struct refusal_list_mongodb, list);
}

static enum status mongodb_add(struct refusal_list *list, struct uuid log_id,
                               const struct refusal *refusals, size_t count, struct error *err)
{
    enum status status = shared_refusals_add(mongodb_of(list), log_id, refusals, count, err);
    if (status == STATUS_BUSY || status == STATUS_INVALID) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "refused activities cannot be listed now");
    }
    return status;
}

static enum status mongodb_remove(struct refusal_list *list, struct str id, struct error *err)
{
    enum status status = shared_refusals_remove(mongodb_of(list), id, err);
    if (status == STATUS_BUSY || status == STATUS_INVALID) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "the refused list cannot be changed now");
    }
    return status;
}

/* Asking ------------------------------------------------------------------------------------ */

/* A question under way. */
struct asking {
    struct refusal_list_mongodb *list;
    struct buffer query;
    struct buffer options;
    mongoc_client_t *connection;
    mongoc_collection_t *collection;
    mongoc_cursor_t *cursor;
};

static enum status ask(struct asking *asking, struct error *err)
{
    bson_t query;
    bson_t options;
    enum status status = mongodb_client_view(&asking->query, &query, err);
    if (status == STATUS_OK) {
        status = mongodb_client_view(&asking->options, &options, err);
    }
    if (status == STATUS_OK) {
        status = mongodb_client_take(asking->list->client, &asking->connection, err);
    }
    if (status == STATUS_OK) {
        asking->collection = mongoc_client_get_collection(
            asking->connection, mongodb_client_database(asking->list->client), REFUSED_COLLECTION);
        asking->cursor =
            mongoc_collection_find_with_opts(asking->collection, &query, &options, NULL);
    }
    return status;
}

static void asking_begin(struct asking *asking, struct refusal_list_mongodb *list)
{
    *asking = (struct asking){.list = list};
    buffer_init(&asking->query, REFUSED_REQUEST_BYTES_MAX);
    buffer_init(&asking->options, REFUSED_REQUEST_BYTES_MAX);
}

static void asking_end(struct asking *asking)
{
    if (asking->connection != NULL) {
        mongoc_cursor_destroy(asking->cursor);
        mongoc_collection_destroy(asking->collection);
        mongodb_client_give(asking->list->client, asking->connection);
    }
    buffer_deinit(&asking->query);
    buffer_deinit(&asking->options);
}

/* NOT_FOUND, without words: there is no further one. */
static enum status next_entry(struct asking *asking, struct refusal_entry *out_entry,
                              struct error *err)
{
    const bson_t *document;
    bson_error_t failure;
    while (mongoc_cursor_next(asking->cursor, &document)) {
        if (refused_document_read(document, out_entry)) {
            return STATUS_OK;
        }
    }
    return mongoc_cursor_error(asking->cursor, &failure)
               ? mongodb_client_fail(&failure, "did not answer a query", err)
               : STATUS_NOT_FOUND;
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for refused activities");
}

/* Pages ------------------------------------------------------------------------------------- */

/* {refusedAt: {$lte: t}, $or: [{refusedAt: {$lt: t}}, {_id: {$lt: id}}]} */
static void put_after(const struct refusal_entry *after, struct buffer *query)
{
    int64_t time_ms =
        after->refused_at_ms < TIMESTAMP_MS_MAX ? after->refused_at_ms : TIMESTAMP_MS_MAX;
    size_t member = document_open(query, DOCUMENT_OBJECT, STR("refusedAt"));
    document_put_date(query, STR("$lte"), time_ms);
    document_end(query, member);
    size_t either = document_open(query, DOCUMENT_ARRAY, STR("$or"));
    size_t earlier = document_open_index(query, DOCUMENT_OBJECT, 0);
    member = document_open(query, DOCUMENT_OBJECT, STR("refusedAt"));
    document_put_date(query, STR("$lt"), time_ms);
    document_end(query, member);
    document_end(query, earlier);
    size_t tie = document_open_index(query, DOCUMENT_OBJECT, 1);
    member = document_open(query, DOCUMENT_OBJECT, STR("_id"));
    document_put_str(query, STR("$lt"), after->id);
    document_end(query, member);
    document_end(query, tie);
    document_end(query, either);
}

/* {users: {$in: ["<userId>", null]}}: null is what has no such member, as of an earlier version; it
 * is looked at here. */
static void put_user(struct str user_id, struct buffer *query)
{
    size_t member = document_open(query, DOCUMENT_OBJECT, STR("users"));
    size_t either = document_open(query, DOCUMENT_ARRAY, STR("$in"));
    document_put_index(query, DOCUMENT_STRING, 0);
    document_write_text(query, user_id);
    document_put_index(query, DOCUMENT_NULL, 1);
    document_end(query, either);
    document_end(query, member);
}

/* How many are asked for: one more tells whether there are more. Of one user's it is not known how
 * many must be looked at. */
static void put_limit(const struct refusal_page_request *request, struct buffer *options)
{
    if (request->user_id.data == NULL) {
        size_t limit = request->limit < INT32_MAX ? request->limit + 1 : INT32_MAX;
        document_put_i64(options, STR("limit"), (int64_t)limit);
    }
}

static void write_page_question(struct asking *asking, const struct refusal_page_request *request)
{
    size_t query = document_begin(&asking->query);
    if (request->after != NULL) {
        put_after(request->after, &asking->query);
    }
    if (request->user_id.data != NULL) {
        put_user(request->user_id, &asking->query);
    }
    document_end(&asking->query, query);
    size_t options = document_begin(&asking->options);
    size_t sort = document_open(&asking->options, DOCUMENT_OBJECT, STR("sort"));
    document_put_i32(&asking->options, STR("refusedAt"), -1);
    document_put_i32(&asking->options, STR("_id"), -1);
    document_end(&asking->options, sort);
    put_limit(request, &asking->options);
    document_put_i32(&asking->options, STR("batchSize"), BATCH_ENTRIES);
    document_end(&asking->options, options);
}

struct page_making {
    const struct refusal_page_request *request;
    struct arena *arena;
    struct refusal_page page;
    size_t capacity;
    size_t bytes;
};

/* An arena cannot enlarge an array; what is left behind is at most as much again. */
static bool make_room(struct page_making *making)
{
    struct refusal_page *page = &making->page;
    if (page->count < making->capacity) {
        return true;
    }
    size_t capacity = making->capacity == 0 ? FIRST_ENTRIES : making->capacity * 2;
    struct refusal_entry *entries = arena_allocate(making->arena, capacity * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    if (page->count > 0) {
        memcpy(entries, page->entries, page->count * sizeof *entries);
    }
    page->entries = entries;
    making->capacity = capacity;
    return true;
}

/* Whether the page is complete without the entry; then there are more. */
static bool is_full(struct page_making *making, const struct refusal_entry *entry)
{
    const struct refusal *refusal = &entry->refusal;
    making->bytes += refusal->key.len + refusal->raw.len + refusal->reason.len;
    making->page.more = making->page.count == making->request->limit ||
                        (making->page.count > 0 && making->bytes > making->request->bytes_max);
    return making->page.more;
}

static enum status next_wanted(struct asking *asking, const struct refusal_page_request *request,
                               struct refusal_entry *out_entry, struct error *err)
{
    bool wanted = true;
    enum status status;
    do {
        status = next_entry(asking, out_entry, err);
        if (status == STATUS_OK && request->user_id.data != NULL &&
            refusal_is_of(&out_entry->refusal, request->user_id, &wanted) != STATUS_OK) {
            return no_memory(err);
        }
    } while (status == STATUS_OK && !wanted);
    return status;
}

static enum status fill_page(struct asking *asking, struct page_making *making, struct error *err)
{
    for (;;) {
        struct refusal_entry entry;
        enum status status = next_wanted(asking, making->request, &entry, err);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        if (is_full(making, &entry)) {
            return STATUS_OK;
        }
        if (!make_room(making) ||
            !refusal_entry_copy(making->arena, &entry, &making->page.entries[making->page.count])) {
            return no_memory(err);
        }
        making->page.count++;
    }
}

static enum status mongodb_find(struct refusal_list *list,
                                const struct refusal_page_request *request, struct arena *arena,
                                struct refusal_page *out_page, struct error *err)
{
    struct asking asking;
    struct page_making making = {.request = request, .arena = arena};
    asking_begin(&asking, mongodb_of(list));
    write_page_question(&asking, request);
    enum status status = ask(&asking, err);
    if (status == STATUS_OK) {
        status = fill_page(&asking, &making, err);
    }
    asking_end(&asking);
    if (status == STATUS_OK) {
        *out_page = making.page;
    }
    return status;
}

static enum status mongodb_get(struct refusal_list *list, struct str id, struct arena *arena,
                               struct refusal_entry *out_entry, struct error *err)
{
    struct asking asking;
    struct refusal_entry entry;
    asking_begin(&asking, mongodb_of(list));
    size_t query = document_begin(&asking.query);
    document_put_str(&asking.query, STR("_id"), id);
    document_end(&asking.query, query);
    size_t options = document_begin(&asking.options);
    document_end(&asking.options, options);
    enum status status = ask(&asking, err);
    if (status == STATUS_OK) {
        status = next_entry(&asking, &entry, err);
    }
    if (status == STATUS_NOT_FOUND) {
        status = error_set(err, status, 0, "there is no refused activity with this id");
    } else if (status == STATUS_OK && !refusal_entry_copy(arena, &entry, &entry)) {
        status = no_memory(err);
    }
    asking_end(&asking);
    if (status == STATUS_OK) {
        *out_entry = entry;
    }
    return status;
}

/* Forgetting -------------------------------------------------------------------------------- */

/* Page by page downward: what comes meanwhile is newer. */
static enum status forget_all(struct refusal_list *list, struct str user_id, struct arena *arena,
                              uint64_t *out_forgotten, struct error *err)
{
    struct refusal_page_request request = {
        .limit = FORGOTTEN_AT_ONCE, .bytes_max = FORGOTTEN_BYTES, .user_id = user_id};
    struct refusal_page page = {.more = true};
    struct refusal_place place;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && page.more) {
        arena_reset(arena);
        status = mongodb_find(list, &request, arena, &page, err);
        if (status == STATUS_OK && page.count > 0) {
            refusal_place_take(&place, &page.entries[page.count - 1]);
            request.after = &place.entry;
            status = shared_refusals_forget(mongodb_of(list), &page, out_forgotten, err);
        }
    }
    return status;
}

static enum status mongodb_forget(struct refusal_list *list, struct str user_id,
                                  uint64_t *out_forgotten, struct error *err)
{
    struct arena arena;
    uint64_t forgotten = 0;
    arena_init(&arena, FORGETTING_BYTES_MAX);
    enum status status = forget_all(list, user_id, &arena, &forgotten, err);
    arena_deinit(&arena);
    if (status == STATUS_BUSY || status == STATUS_INVALID) {
        return error_set(err, STATUS_UNAVAILABLE, 0, "the refused list cannot be changed now");
    }
    if (status == STATUS_OK) {
        *out_forgotten = forgotten;
    }
    return status;
}

/* State ------------------------------------------------------------------------------------- */

static uint64_t at_least_zero(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

static void mongodb_describe(struct refusal_list *list, struct refusal_list_state *out_state)
{
    struct refusal_list_mongodb *self = mongodb_of(list);
    shared_refusals_refresh(self);
    pthread_mutex_lock(&self->lock);
    *out_state = (struct refusal_list_state){.kind = "mongodb",
                                             .listed = at_least_zero(self->listed),
                                             .bytes = at_least_zero(self->bytes),
                                             .bytes_max = self->config.bytes_max,
                                             .dropped = self->dropped};
    pthread_mutex_unlock(&self->lock);
}

static void mongodb_free(struct refusal_list *list)
{
    struct refusal_list_mongodb *self = mongodb_of(list);
    mongodb_client_free(self->client);
    pthread_mutex_destroy(&self->changing);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static const struct refusal_list_operations mongodb_operations = {
    .add = mongodb_add,
    .find = mongodb_find,
    .get = mongodb_get,
    .remove = mongodb_remove,
    .forget = mongodb_forget,
    .describe = mongodb_describe,
    .free = mongodb_free,
};

/* A server that does not answer now is one that is away. */
static enum status as_of_opening(enum status status, struct error *err)
{
    bool away = status == STATUS_BUSY || status == STATUS_TIMED_OUT;
    if (away && err != NULL) {
        err->status = STATUS_UNAVAILABLE;
    }
    return away ? STATUS_UNAVAILABLE : status;
}

enum status refusal_list_mongodb_new(const struct refusal_list_mongodb_config *config,
                                     struct refusal_list **out_list, struct error *err)
{
    ASSERT(config->bytes_max >= 1);
    struct refusal_list_mongodb *self = calloc(1, sizeof *self);
    if (self == NULL) {
        return no_memory(err);
    }
    self->list.operations = &mongodb_operations;
    self->config = *config;
    self->config.uri = NULL; /* borrowed for this call only */
    pthread_mutex_init(&self->changing, NULL);
    pthread_mutex_init(&self->lock, NULL);
    const struct mongodb_client_config client = {.uri = config->uri,
                                                 .connections_max = CONNECTIONS};
    enum status status = mongodb_client_new(&client, &self->client, err);
    if (status == STATUS_OK && !config->connects_later) {
        status = shared_refusals_open(self, err);
    }
    if (status != STATUS_OK) {
        mongodb_free(&self->list);
        return as_of_opening(status, err);
    }
    *out_list = &self->list;
    return STATUS_OK;
}
