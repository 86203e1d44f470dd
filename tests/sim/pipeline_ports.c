#include "pipeline_ports.h"

#include "base/assert.h"

#include <stdio.h>

static void complain(struct watched_ports *ports, const char *what, long long number)
{
    if (ports->trouble[0] == '\0') {
        snprintf(ports->trouble, sizeof ports->trouble, "%s: %lld", what, number);
    }
}

static struct watched_ports *ports_of_log(struct event_log *log)
{
    return CONTAINER_OF(log, struct watched_ports, log);
}

static struct watched_ports *ports_of_store(struct activity_store *store)
{
    return CONTAINER_OF(store, struct watched_ports, store);
}

/* --- the log --- */

/* The local log refuses nothing; another one would hand over some of the rows so. */
static void refuse_some(struct watched_ports *ports, struct activity_batch *batch)
{
    size_t rows = 0;
    size_t refused = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct logged_activity *row = &batch->rows[i];
        const struct ledger_entry *entry = ledger_find(ports->ledger, row->activity.id);
        if (entry != NULL && entry->refused) {
            ports->refused[refused++] = (struct refusal){.position = row->position,
                                                         .key = row->activity.user_id,
                                                         .raw = row->activity.id,
                                                         .reason = STR("no activity")};
        } else {
            ports->rows[rows++] = *row;
        }
    }
    batch->rows = ports->rows;
    batch->count = rows;
    batch->refused = ports->refused;
    batch->refused_count = refused;
}

static enum status watched_poll(struct event_log *log, size_t rows_max, unsigned wait_ms,
                                struct activity_batch *out_batch, struct error *err)
{
    struct watched_ports *ports = ports_of_log(log);
    ASSERT(rows_max <= WATCHED_ROWS_MAX);
    enum status status = event_log_poll(ports->inner_log, rows_max, wait_ms, out_batch, err);
    if (status == STATUS_OK) {
        refuse_some(ports, out_batch);
    }
    return status;
}

static enum status watched_seek(struct event_log *log, const struct position_set *positions,
                                struct error *err)
{
    return event_log_seek(ports_of_log(log)->inner_log, positions, err);
}

static enum status watched_commit(struct event_log *log, const struct position_set *positions,
                                  struct error *err)
{
    struct watched_ports *ports = ports_of_log(log);
    struct event_log_state state;
    struct position_set durable;
    position_set_init(&durable);
    event_log_describe(ports->inner_log, &state);
    enum status status =
        activity_store_durable_positions(ports->inner_store, state.log_id, &durable, NULL);
    ASSERT(status == STATUS_OK);
    for (size_t i = 0; i < positions->count; i++) {
        struct position told = positions->items[i];
        if (told.offset > position_set_get(&durable, told.partition)) {
            complain(ports, "committed although the store did not make it durable", told.offset);
        }
    }
    position_set_deinit(&durable);
    return event_log_commit(ports->inner_log, positions, err);
}

static enum status watched_end_position(struct event_log *log, struct position_set *out_positions)
{
    return event_log_end_position(ports_of_log(log)->inner_log, out_positions);
}

static void watched_describe(struct event_log *log, struct event_log_state *out_state)
{
    event_log_describe(ports_of_log(log)->inner_log, out_state);
}

static const struct event_log_operations log_operations = {
    .poll = watched_poll,
    .seek = watched_seek,
    .commit = watched_commit,
    .end_position = watched_end_position,
    .describe = watched_describe,
};

/* --- the store --- */

/* A call that is told to fail, with a status that the worker must wait out. */
static bool fails(struct watched_ports *ports, enum status *out_status, struct error *err)
{
    static const enum status passing[] = {STATUS_BUSY, STATUS_UNAVAILABLE, STATUS_TIMED_OUT,
                                          STATUS_NO_SPACE, STATUS_NO_MEMORY};
    if (ports->failures == 0) {
        return false;
    }
    ports->failures--;
    *out_status = error_set(err, passing[random_below(ports->random, ARRAY_LENGTH(passing))], 0,
                            "the simulation lets the store fail");
    return true;
}

/* The log hands over in the order in which clients posted, as far as they posted once. */
static void watch_order(struct watched_ports *ports, const struct activity_batch *batch)
{
    if (batch->rows == ports->last_rows) {
        return; /* put again after a failure */
    }
    ports->last_rows = batch->rows;
    for (size_t i = 0; i < batch->count; i++) {
        const struct logged_activity *row = &batch->rows[i];
        const struct ledger_entry *entry = ledger_find(ports->ledger, row->activity.id);
        if (entry == NULL || !ledger_same(entry, &row->activity)) {
            complain(ports, "the log holds what nobody sent", row->position.offset);
        } else if (entry->posts == 1) {
            if (ports->newest != NULL && entry <= ports->newest) {
                complain(ports, "the log is not in the order of posts", row->position.offset);
            }
            ports->newest = entry;
        }
    }
}

static enum status watched_put_batch(struct activity_store *store,
                                     const struct activity_batch *batch, enum verdict *out_verdicts,
                                     struct error *err)
{
    struct watched_ports *ports = ports_of_store(store);
    enum status failure = STATUS_OK;
    watch_order(ports, batch);
    bool fail = fails(ports, &failure, err);
    if (fail && random_below(ports->random, 2) == 0) {
        return failure; /* nothing was done; else it was done and only the answer is lost */
    }
    /* The words of the failure are there already. */
    enum status status =
        activity_store_put_batch(ports->inner_store, batch, out_verdicts, fail ? NULL : err);
    if (status != STATUS_OK) {
        return fail ? failure : status;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (out_verdicts[i] == VERDICT_CONFLICT) {
            complain(ports, "a conflict that nobody made", batch->rows[i].position.offset);
        }
    }
    if (!fail) {
        ports->last_rows = NULL;
    }
    return fail ? failure : STATUS_OK;
}

static enum status watched_durable_positions(struct activity_store *store, struct uuid log_id,
                                             struct position_set *out_positions, struct error *err)
{
    struct watched_ports *ports = ports_of_store(store);
    enum status failure = STATUS_OK;
    return fails(ports, &failure, err)
               ? failure
               : activity_store_durable_positions(ports->inner_store, log_id, out_positions, err);
}

static enum status watched_sync(struct activity_store *store, struct error *err)
{
    struct watched_ports *ports = ports_of_store(store);
    enum status failure = STATUS_OK;
    return fails(ports, &failure, err) ? failure : activity_store_sync(ports->inner_store, err);
}

static const struct activity_store_operations store_operations = {
    .put_batch = watched_put_batch,
    .durable_positions = watched_durable_positions,
    .sync = watched_sync,
};

void watched_ports_begin(struct watched_ports *ports, struct event_log *inner_log,
                         struct activity_store *inner_store)
{
    ports->log.operations = &log_operations;
    ports->store.operations = &store_operations;
    ports->inner_log = inner_log;
    ports->inner_store = inner_store;
    ports->failures = 0;
    ports->last_rows = NULL;
    ports->newest = NULL;
}
