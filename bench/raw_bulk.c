/* What MongoDB's client library and server cost by themselves: the yardstick for the worker.
 *
 *     bench_raw_bulk --uri URI [--collection C] [--bulk N] [--sessions S]
 *                    (--file F | --brokers B --from TOPIC)
 *
 * Reads messages into memory, makes the same three indexes as the program, then builds the
 * documents and inserts them as unordered bulks of N (1,000) with {w: majority, j: true} from S (4)
 * sessions. Prints documents, bulks, and the wall and CPU seconds of that as JSON. The database is
 * the URI's.
 */
#include "activity_bson.h"
#include "kafka_messages.h"
#include "yardstick.h"

#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { BULK_MAX = 100000, SESSIONS_MAX = 64 };

struct loading {
    mongoc_client_pool_t *pool;
    const char *database;
    const char *collection;
    struct kafka_messages messages;
    size_t bulk;
    atomic_size_t next; // the first message that no session has taken
    pthread_barrier_t ready;
};

static bson_t *bulk_options(void)
{
    return BCON_NEW("ordered", BCON_BOOL(false), "writeConcern", "{", "w", BCON_UTF8("majority"),
                    "j", BCON_BOOL(true), "}");
}

static void insert_slice(struct loading *loading, mongoc_collection_t *collection,
                         const bson_t *options, size_t first)
{
    size_t end = first + loading->bulk;
    if (end > loading->messages.count)
        end = loading->messages.count;
    mongoc_bulk_operation_t *bulk =
        mongoc_collection_create_bulk_operation_with_opts(collection, options);
    bson_error_t error;
    bson_t document;
    bson_init(&document);
    for (size_t index = first; index < end; index++) {
        bson_reinit(&document);
        activity_bson_append(&document, &loading->messages.items[index]);
        if (!mongoc_bulk_operation_insert_with_opts(bulk, &document, NULL, &error))
            yardstick_fail("a document was not taken: %s", error.message);
    }
    if (mongoc_bulk_operation_execute(bulk, NULL, &error) == 0)
        yardstick_fail("a bulk failed: %s", error.message);
    bson_destroy(&document);
    mongoc_bulk_operation_destroy(bulk);
}

static void ping(mongoc_client_t *client)
{
    bson_error_t error;
    bson_t *command = BCON_NEW("ping", BCON_INT32(1));
    if (!mongoc_client_command_simple(client, "admin", command, NULL, NULL, &error))
        yardstick_fail("%s", error.message);
    bson_destroy(command);
}

// One session: connected before the clock starts, then one slice after the other.
static void *run_session(void *argument)
{
    struct loading *loading = argument;
    mongoc_client_t *client = mongoc_client_pool_pop(loading->pool);
    ping(client);
    mongoc_collection_t *collection =
        mongoc_client_get_collection(client, loading->database, loading->collection);
    bson_t *options = bulk_options();
    pthread_barrier_wait(&loading->ready);
    for (size_t first;
         (first = atomic_fetch_add(&loading->next, loading->bulk)) < loading->messages.count;)
        insert_slice(loading, collection, options, first);
    bson_destroy(options);
    mongoc_collection_destroy(collection);
    mongoc_client_pool_push(loading->pool, client);
    return NULL;
}

// Making them makes the collection, too.
static void make_indexes(const struct loading *loading)
{
    bson_error_t error;
    mongoc_client_t *client = mongoc_client_pool_pop(loading->pool);
    bson_t *command =
        BCON_NEW("createIndexes", BCON_UTF8(loading->collection), "indexes", "[", "{", "name",
                 BCON_UTF8("by_user"), "key", "{", "userId", BCON_INT32(1), "timestamp",
                 BCON_INT32(1), "_id", BCON_INT32(1), "}", "}", "{", "name", BCON_UTF8("by_action"),
                 "key", "{", "action", BCON_INT32(1), "timestamp", BCON_INT32(1), "_id",
                 BCON_INT32(1), "}", "}", "{", "name", BCON_UTF8("by_time"), "key", "{",
                 "timestamp", BCON_INT32(1), "_id", BCON_INT32(1), "}", "}", "]");
    if (!mongoc_client_command_simple(client, loading->database, command, NULL, NULL, &error))
        yardstick_fail("%s", error.message);
    bson_destroy(command);
    mongoc_client_pool_push(loading->pool, client);
}

static void run_sessions(struct loading *loading, size_t sessions)
{
    pthread_t threads[SESSIONS_MAX];
    pthread_barrier_init(&loading->ready, NULL, (unsigned)sessions + 1);
    for (size_t index = 0; index < sessions; index++)
        if (pthread_create(&threads[index], NULL, run_session, loading) != 0)
            yardstick_fail("no thread");
    pthread_barrier_wait(&loading->ready);
    double wall = yardstick_wall_seconds();
    double cpu = yardstick_cpu_seconds();
    for (size_t index = 0; index < sessions; index++)
        pthread_join(threads[index], NULL);
    printf("{\"documents\":%zu,\"bulks\":%zu,\"seconds\":%.4f,\"cpuSeconds\":%.4f}\n",
           loading->messages.count, (loading->messages.count - 1) / loading->bulk + 1,
           yardstick_wall_seconds() - wall, yardstick_cpu_seconds() - cpu);
    pthread_barrier_destroy(&loading->ready);
}

int main(int argc, char **argv)
{
    const char *collection = yardstick_text(argc, argv, "--collection");
    const char *text = yardstick_text(argc, argv, "--uri");
    size_t sessions = yardstick_number(argc, argv, "--sessions", 4, SESSIONS_MAX);
    mongoc_init();
    mongoc_uri_t *uri = mongoc_uri_new(text == NULL ? "" : text);
    if (uri == NULL || mongoc_uri_get_database(uri) == NULL)
        yardstick_fail("--uri takes mongodb://…/DATABASE");
    struct loading loading = {
        .pool = mongoc_client_pool_new(uri),
        .database = mongoc_uri_get_database(uri),
        .collection = collection == NULL ? "activities" : collection,
        .bulk = yardstick_number(argc, argv, "--bulk", 1000, BULK_MAX),
    };
    kafka_messages_read(&loading.messages, argc, argv);
    make_indexes(&loading);
    run_sessions(&loading, sessions);
    kafka_messages_free(&loading.messages);
    mongoc_client_pool_destroy(loading.pool);
    mongoc_uri_destroy(uri);
    mongoc_cleanup();
    return 0;
}
