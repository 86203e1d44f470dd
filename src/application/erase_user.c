#include "application/erase_user.h"

#include "base/assert.h"
#include "domain/activity_rules.h"

static const struct out_of_reach log_until_stored = {
    "event-log",
    "activities that the store has not made durable yet stand in files of the event log until it "
    "has, then those files are dropped; what was set aside there as damaged stays"};
static const struct out_of_reach log_until_stored_in_memory = {
    "event-log",
    "activities that the store has not made durable yet stand in the memory of the event log until "
    "it has"};
static const struct out_of_reach log_forever = {
    "event-log",
    "the event log keeps every activity, and the store, which is in memory, is filled from it at "
    "each start without knowing of this erasure: erase the user again after a restart"};
static const struct out_of_reach log_forever_in_memory = {
    "event-log", "the event log keeps every activity in its memory until the service ends"};
static const struct out_of_reach log_topic = {
    "event-log",
    "the topic keeps every activity as long as its retention says, and the folder of an API server "
    "what could not be sent to it; none of it comes back into the store"};
static const struct out_of_reach refused_topic = {
    "refused-topic",
    "the topic that refused messages are sent to, the log's with .refused behind its name, keeps "
    "them as long as its retention says"};
static const struct out_of_reach refused_unnamed = {
    "refused-unnamed",
    "a refused message is known to be a user's by its own userId, where it is a JSON object, else "
    "by its key; one that names the user in another way stays in the refused list"};
static const struct out_of_reach store_files = {
    "store-files",
    "the rows are hidden now; they leave the files of the store when their part is next merged or "
    "an eighth of its rows is erased"};
static const struct out_of_reach copies = {
    "copies", "backups and other copies of the data folder, and exports, are not touched"};

void erase_user_init(struct erase_user *eraser, const struct erase_user_config *config)
{
    eraser->config = *config;
    atomic_init(&eraser->erasures, 0);
    atomic_init(&eraser->activities, 0);
    erase_user_take_up(eraser);
}

void erase_user_take_up(struct erase_user *eraser)
{
    struct activity_store_state store;
    activity_store_describe(eraser->config.store, &store);
    record_activities_begin_at(eraser->config.recorder, store.erased_until_ms);
}

static void add(struct erasure *erasure, const struct out_of_reach *where)
{
    ASSERT(erasure->out_of_reach_count < ERASURE_OUT_OF_REACH_MAX);
    erasure->out_of_reach[erasure->out_of_reach_count++] = *where;
}

static void tell_out_of_reach(struct erasure *erasure, const struct event_log_state *log,
                              const struct activity_store_state *store)
{
    bool in_memory = log->durability == DURABILITY_MEMORY;
    if (erasure->durable && log->durability == DURABILITY_REPLICATED) {
        add(erasure, &log_topic);
    } else if (erasure->durable) {
        add(erasure, in_memory ? &log_until_stored_in_memory : &log_until_stored);
    } else {
        add(erasure, in_memory ? &log_forever_in_memory : &log_forever);
    }
    if (log->durability == DURABILITY_REPLICATED) {
        add(erasure, &refused_topic);
    }
    if (store->hides_erased) {
        add(erasure, &store_files);
    }
    add(erasure, &refused_unnamed);
    add(erasure, &copies);
}

/* What earlier processes left in the log may have been received by a clock that was ahead. */
static enum status take_up_replay(const struct erase_user *eraser, struct error *err)
{
    struct store_activities_state worker;
    store_activities_describe(eraser->config.worker, &worker);
    if (!worker.caught_up) {
        return error_set(err, STATUS_BUSY, 0,
                         "the store is still being filled from the event log after the start");
    }
    record_activities_begin_at(eraser->config.recorder, worker.replayed_until_ms);
    return STATUS_OK;
}

static enum status draw_border(const struct erase_user *eraser, int64_t *out_border_ms,
                               struct error *err)
{
    enum status status = eraser->config.worker == NULL ? STATUS_OK : take_up_replay(eraser, err);
    if (status != STATUS_OK) {
        return status;
    }
    *out_border_ms = record_activities_border_ms(eraser->config.recorder);
    return STATUS_OK;
}

/* Another erasure of the same user, under way at the same time, may have drawn a later border and
 * reached the store first: its time is the one that holds and is recorded. */
static void take_stored(struct erasure *erasure, const struct activity_erasure *stored)
{
    erasure->erased = stored->erased;
    erasure->recorded = stored->recorded;
    erasure->record = stored->record;
    if (stored->recorded) {
        erasure->erased_at_ms = stored->record.erased_at_ms;
    }
}

enum status erase_user_run(struct erase_user *eraser, struct str user_id,
                           struct erasure *out_erasure, struct error *err)
{
    ASSERT(user_id.len >= 1 && user_id.len <= USER_ID_BYTES_MAX);
    struct activity_store_state store;
    struct event_log_state log;
    activity_store_describe(eraser->config.store, &store);
    event_log_describe(eraser->config.log, &log);
    struct erasure erasure = {.store = store.kind, .durable = store.durable};
    struct activity_erasure stored;
    out_erasure->erased_at_ms = 0;
    enum status status = draw_border(eraser, &erasure.erased_at_ms, err);
    if (status == STATUS_OK) {
        status =
            activity_store_erase(eraser->config.store, user_id, erasure.erased_at_ms, &stored, err);
    }
    if (status == STATUS_OK) {
        out_erasure->erased_at_ms = erasure.erased_at_ms;
        status = refusal_list_forget(eraser->config.refusals, user_id, &erasure.refused, err);
    }
    if (status != STATUS_OK) {
        return status;
    }
    take_stored(&erasure, &stored);
    tell_out_of_reach(&erasure, &log, &store);
    atomic_fetch_add_explicit(&eraser->erasures, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&eraser->activities, erasure.erased, memory_order_relaxed);
    *out_erasure = erasure;
    return STATUS_OK;
}
