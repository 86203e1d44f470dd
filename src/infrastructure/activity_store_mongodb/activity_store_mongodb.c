#include "infrastructure/activity_store_mongodb/activity_store_mongodb.h"

#include "infrastructure/activity_store_mongodb/mongodb_store.h"
#include "infrastructure/activity_store_mongodb/progress_account.h"
#include "infrastructure/activity_store_mongodb/put_erased.h"
#include "infrastructure/activity_store_mongodb/store_open.h"
#include "infrastructure/activity_store_mongodb/store_progress.h"
#include "infrastructure/activity_store_mongodb/store_put.h"

#include <stdlib.h>

/* The port's operations ---------------------------------------------------------------------- */

static enum status mongodb_put_batch(struct activity_store *store,
                                     const struct activity_batch *batch, enum verdict *out_verdicts,
                                     struct error *err)
{
    return store_put(mongodb_store_of(store), batch, out_verdicts, err);
}

static enum status mongodb_durable_positions(struct activity_store *store, struct uuid log_id,
                                             struct position_set *out_positions, struct error *err)
{
    return store_durable_positions(mongodb_store_of(store), log_id, out_positions, err);
}

static enum status mongodb_accounts(struct activity_store *store, struct coverage *out_accounts,
                                    struct error *err)
{
    return progress_accounts(mongodb_store_of(store), out_accounts, err);
}

/* What put_batch took is durable already. */
static enum status mongodb_sync(struct activity_store *store, struct error *err)
{
    (void)store;
    (void)err;
    return STATUS_OK;
}

static enum status mongodb_find(struct activity_store *store,
                                const struct activity_page_request *request, struct arena *arena,
                                struct activity_page *out_page, struct error *err)
{
    return store_find(mongodb_store_of(store), request, arena, out_page, err);
}

static enum status mongodb_get(struct activity_store *store, struct str id, struct arena *arena,
                               struct activity *out_activity, struct error *err)
{
    return store_get(mongodb_store_of(store), id, arena, out_activity, err);
}

static enum status mongodb_count(struct activity_store *store, const struct activity_filter *filter,
                                 uint64_t deadline_ns, uint64_t *out_count, struct error *err)
{
    return store_count(mongodb_store_of(store), filter, deadline_ns, out_count, err);
}

static enum status mongodb_tally(struct activity_store *store,
                                 const struct activity_tally_request *request, struct arena *arena,
                                 struct activity_tally *out_tally, struct error *err)
{
    return store_tally(mongodb_store_of(store), request, arena, out_tally, err);
}

static enum status mongodb_erase(struct activity_store *store, struct str user_id,
                                 int64_t erased_at_ms, struct activity_erasure *out_erasure,
                                 struct error *err)
{
    struct activity_erasure erasure = {0};
    enum status status =
        store_erase(mongodb_store_of(store), user_id, erased_at_ms, &erasure.erased, err);
    if (status == STATUS_OK) {
        *out_erasure = erasure;
    }
    return status;
}

static enum status mongodb_expire(struct activity_store *store, int64_t before_ms,
                                  uint64_t *out_expired, struct error *err)
{
    return store_expire(mongodb_store_of(store), before_ms, out_expired, err);
}

static void mongodb_describe(struct activity_store *store, struct activity_store_state *out_state)
{
    store_describe(mongodb_store_of(store), out_state);
}

static void mongodb_free(struct activity_store *store)
{
    struct mongodb_store *self = mongodb_store_of(store);
    putting_free(self->putting);
    mongodb_client_free(self->client);
    coverage_deinit(&self->covered);
    pthread_mutex_destroy(&self->lock);
    free(self->collection);
    free(self);
}

static const struct activity_store_operations mongodb_operations = {
    .put_batch = mongodb_put_batch,
    .durable_positions = mongodb_durable_positions,
    .accounts = mongodb_accounts,
    .sync = mongodb_sync,
    .find = mongodb_find,
    .get = mongodb_get,
    .count = mongodb_count,
    .tally = mongodb_tally,
    .erase = mongodb_erase,
    .expire = mongodb_expire,
    .describe = mongodb_describe,
    .free = mongodb_free,
};

/* Making ------------------------------------------------------------------------------------ */

/* Asks once, so that whoever begins with a server that is there knows of its erasures. */
static void look(struct mongodb_store *self)
{
    struct activity_store_state state;
    store_describe(self, &state);
}

static enum status open_client(struct mongodb_store *self,
                               const struct activity_store_mongodb_config *config,
                               struct error *err)
{
    unsigned connections =
        config->connections == 0 ? ACTIVITY_STORE_MONGODB_CONNECTIONS : config->connections;
    const struct mongodb_client_config client = {
        .uri = config->uri,
        .connections_max = connections + self->sessions + 1,
    };
    enum status status = mongodb_client_new(&client, &self->client, err);
    if (status == STATUS_OK && !config->connects_later) {
        status = store_open(self, config->retention_days, err);
    }
    if (status == STATUS_OK) {
        log_write(self->logger, LOG_INFO, "the activity store is MongoDB",
                  LOG_FIELDS(log_text("hosts", str_from(mongodb_client_hosts(self->client))),
                             log_text("database", str_from(mongodb_client_database(self->client))),
                             log_text("collection", str_from(self->collection))));
    }
    if (status == STATUS_OK && config->connects_later) {
        look(self);
    }
    return status;
}

static enum status look_up_erased(struct erasure_lookup *lookup, const struct activity_batch *batch,
                                  bool *out_erased, struct error *err)
{
    return put_erased_look_up(CONTAINER_OF(lookup, struct mongodb_store, erasures), batch,
                              out_erased, err);
}

struct erasure_lookup *activity_store_mongodb_erasures(struct activity_store *store)
{
    return &mongodb_store_of(store)->erasures;
}

enum status activity_store_mongodb_check(const char *uri, struct error *err)
{
    return mongodb_client_check(uri, err);
}

/* The server could not do what it is asked first: it is away, or does not let us in. */
static enum status as_of_opening(enum status status, struct error *err)
{
    if (status == STATUS_BUSY || status == STATUS_TIMED_OUT) {
        if (err != NULL) {
            err->status = STATUS_UNAVAILABLE;
        }
        return STATUS_UNAVAILABLE;
    }
    return status;
}

enum status activity_store_mongodb_new(const struct activity_store_mongodb_config *config,
                                       struct activity_store **out_store, struct error *err)
{
    struct mongodb_store *self = calloc(1, sizeof *self);
    char *collection = strdup(config->collection == NULL ? "activities" : config->collection);
    if (self == NULL || collection == NULL) {
        free(self);
        free(collection);
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the activity store");
    }
    unsigned sessions = config->sessions == 0 ? ACTIVITY_STORE_MONGODB_SESSIONS : config->sessions;
    self->store.operations = &mongodb_operations;
    self->erasures.look_up = look_up_erased;
    self->collection = collection;
    self->clock = config->clock;
    self->logger = config->logger;
    self->sessions = sessions < ACTIVITY_STORE_MONGODB_SESSIONS_MAX
                         ? sessions
                         : ACTIVITY_STORE_MONGODB_SESSIONS_MAX;
    self->tells_absence = config->connects_later;
    self->seed = random_u64(config->random);
    pthread_mutex_init(&self->lock, NULL);
    coverage_init(&self->covered);
    enum status status = open_client(self, config, err);
    if (status != STATUS_OK) {
        mongodb_free(&self->store);
        return as_of_opening(status, err);
    }
    *out_store = &self->store;
    return STATUS_OK;
}
