/*
 * How much is stored, for people. The server's statistics are asked for at most once a second, by
 * one thread, and not within seconds of a failure: describe must not wait for a server that is
 * away. In between this process adds what it stored and removed itself, so that its own changes
 * show at once.
 *
 * What this process changes while the server is asked may be in the answer or not. So the answer
 * bounds what is stored rather than telling it: all of the changes were in it, or none. Rows
 * that are on their way to the server may be in it, too, and are added only afterwards. What this
 * process reckons itself is kept where it lies between these bounds, and otherwise the nearer one.
 */
#include "infrastructure/activity_store_mongodb/store_erase.h"

enum { FRESH_MS = 1000, FAILED_MS = 10000 };

void store_size_begin_put(struct mongodb_store *store, size_t rows)
{
    pthread_mutex_lock(&store->lock);
    store->size.on_their_way = (int64_t)rows;
    pthread_mutex_unlock(&store->lock);
}

void store_size_end_put(struct mongodb_store *store, int64_t activities, int64_t bytes)
{
    pthread_mutex_lock(&store->lock);
    store->size.on_their_way = 0;
    store->size.activities += activities;
    store->size.bytes += bytes;
    pthread_mutex_unlock(&store->lock);
}

void store_size_add(struct mongodb_store *store, int64_t activities, int64_t bytes)
{
    pthread_mutex_lock(&store->lock);
    store->size.activities += activities;
    store->size.bytes += bytes;
    pthread_mutex_unlock(&store->lock);
}

int64_t store_raise_erased_until(struct mongodb_store *store, int64_t erased_until_ms)
{
    pthread_mutex_lock(&store->lock);
    if (store->erased_until_ms < erased_until_ms) {
        store->erased_until_ms = erased_until_ms;
    }
    erased_until_ms = store->erased_until_ms;
    pthread_mutex_unlock(&store->lock);
    return erased_until_ms;
}

static enum status ask_statistics(struct mongodb_store *store, mongoc_client_t *connection,
                                  struct store_size *out_size, struct error *err)
{
    struct buffer command;
    bson_t reply;
    buffer_init(&command, REQUEST_BYTES_MAX);
    size_t begin = document_begin(&command);
    document_put_str(&command, STR("collStats"), str_from(store->collection));
    document_end(&command, begin);
    enum status status = mongodb_client_read(store->client, connection, &command, &reply, err);
    if (status == STATUS_OK) {
        out_size->activities = mongodb_client_number(&reply, "count");
        out_size->bytes = mongodb_client_number(&reply, "size");
    }
    bson_destroy(&reply);
    buffer_deinit(&command);
    return status;
}

/* Whether this thread is the one to ask now. */
static bool begin_asking(struct mongodb_store *store, struct store_size *out_before)
{
    uint64_t now_ms = clock_monotonic_ms(store->clock);
    bool asks = false;
    pthread_mutex_lock(&store->lock);
    if (!store->size.asking && now_ms >= store->size.ask_at_ms) {
        store->size.asking = true;
        asks = true;
    }
    *out_before = store->size;
    pthread_mutex_unlock(&store->lock);
    return asks;
}

/* Under the lock; whether this is news. */
static bool note_absence(struct mongodb_store *store, bool away)
{
    bool changed = store->size.away != away;
    store->size.away = away;
    return changed && store->tells_absence;
}

static int64_t bring_within(int64_t reckoned, int64_t least, int64_t most)
{
    if (reckoned < least) {
        return least;
    }
    return reckoned > most ? most : reckoned;
}

static bool end_asking(struct mongodb_store *store, const struct store_size *before,
                       const struct store_size *answer)
{
    uint64_t now_ms = clock_monotonic_ms(store->clock);
    pthread_mutex_lock(&store->lock);
    struct store_size *size = &store->size;
    if (answer != NULL) {
        int64_t changed = size->activities - before->activities;
        int64_t least = answer->activities + (changed < 0 ? changed : 0) - size->on_their_way;
        int64_t most = answer->activities + (changed > 0 ? changed : 0);
        size->activities = bring_within(size->activities, least, most);
        changed = size->bytes - before->bytes;
        least = answer->bytes + (changed < 0 ? changed : 0);
        most = answer->bytes + (changed > 0 ? changed : 0);
        size->bytes = bring_within(size->bytes, least, most);
    }
    size->ask_at_ms = now_ms + (answer != NULL ? FRESH_MS : FAILED_MS);
    size->asking = false;
    bool news = note_absence(store, answer == NULL);
    pthread_mutex_unlock(&store->lock);
    return news;
}

static void tell(const struct mongodb_store *store, enum status status, const struct error *failure)
{
    if (status == STATUS_OK) {
        log_write(store->logger, LOG_INFO, "MongoDB answers again", LOG_NO_FIELDS);
    } else {
        log_write(store->logger, LOG_WARNING,
                  "MongoDB is away: questions are answered 503 until it is back, activities are "
                  "accepted as before",
                  LOG_FIELDS(log_text("reason", str_from(failure->message))));
    }
}

/* The erasures first: what they say is needed, the statistics are for people. */
static enum status ask_all(struct mongodb_store *store, struct store_size *out_answer,
                           struct error *err)
{
    mongoc_client_t *connection;
    int64_t until_ms = 0;
    enum status status = mongodb_client_take(store->client, &connection, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = erasures_read_until(store, connection, &until_ms, err);
    if (status == STATUS_OK) {
        (void)store_raise_erased_until(store, until_ms);
        status = ask_statistics(store, connection, out_answer, err);
    }
    mongodb_client_give(store->client, connection);
    return status;
}

static void ask(struct mongodb_store *store, const struct store_size *before)
{
    struct store_size answer = {0};
    struct error failure = {.message = ""};
    enum status status = ask_all(store, &answer, &failure);
    if (end_asking(store, before, status == STATUS_OK ? &answer : NULL)) {
        tell(store, status, &failure);
    }
}

static uint64_t at_least_zero(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

void store_describe(struct mongodb_store *store, struct activity_store_state *out_state)
{
    struct store_size before;
    if (begin_asking(store, &before)) {
        ask(store, &before);
    }
    pthread_mutex_lock(&store->lock);
    *out_state = (struct activity_store_state){
        .kind = "mongodb",
        .durable = true,
        .activities = at_least_zero(store->size.activities),
        .bytes = at_least_zero(store->size.bytes),
        .erased_until_ms = store->erased_until_ms,
    };
    pthread_mutex_unlock(&store->lock);
}
