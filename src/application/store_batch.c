#include "application/store_batch.h"

#include "application/store_refusals.h"
#include "base/assert.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum status store_batch_init(struct store_batch *self, const struct store_activities_config *config)
{
    *self = (struct store_batch){
        .config = config,
        .keeper = {.list = config->refusals, .erasures = config->erasures, .clock = config->clock},
        .verdicts = calloc(config->batch_rows_max, sizeof *self->verdicts),
    };
    return self->verdicts != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

void store_batch_deinit(struct store_batch *self)
{
    free(TAKE(self->verdicts));
}

enum status store_batch_poll(struct store_batch *self, struct error *err)
{
    ASSERT(self->stage == BATCH_DONE);
    enum status status = event_log_poll(self->config->log, self->config->batch_rows_max,
                                        self->config->poll_wait_ms, &self->polled, err);
    self->stage = status == STATUS_OK ? BATCH_POLLED : BATCH_DONE;
    return status;
}

/* Told once: a topic may hold millions of them, and the list has them all. */
static void tell_refusal(struct store_batch *self, struct position position, struct str reason)
{
    if (self->refusal_told) {
        return;
    }
    self->refusal_told = true;
    log_write(self->config->logger, LOG_WARNING,
              "something in the event log cannot be stored and is kept as refused",
              LOG_FIELDS(log_text("reason", reason), log_number("partition", position.partition),
                         log_number("offset", position.offset)));
}

enum status store_batch_list_messages(struct store_batch *self, struct error *err)
{
    ASSERT(self->stage == BATCH_POLLED);
    const struct activity_batch *batch = &self->polled;
    enum status status =
        keep_refusals_add(&self->keeper, batch->log_id, batch->refused, batch->refused_count, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (batch->refused_count > 0) {
        tell_refusal(self, batch->refused[0].position, batch->refused[0].reason);
    }
    self->stage = BATCH_LISTED;
    return STATUS_OK;
}

enum status store_batch_put_rows(struct store_batch *self, bool moves, struct error *err)
{
    ASSERT(self->stage == BATCH_LISTED);
    struct error why = {0};
    if (self->polled.count > 0 || moves) {
        enum status status =
            activity_store_put_batch(self->config->store, &self->polled, self->verdicts, &why);
        if (status != STATUS_OK) {
            return error_set(err, status, why.cause, "%s", why.message);
        }
    }
    self->refused_rows = 0;
    for (size_t i = 0; i < self->polled.count; i++) {
        ASSERT(self->verdicts[i] < VERDICT_COUNT);
        self->refused_rows += self->verdicts[i] == VERDICT_REFUSED;
    }
    memcpy(self->refused_why, why.message, sizeof self->refused_why);
    utf8_trim(self->refused_why);
    self->stage = BATCH_STORED;
    return STATUS_OK;
}

/* What the store refused was not covered before somebody has listed it: now it is. */
static enum status cover_listed_rows(struct store_batch *self, struct error *err)
{
    const struct activity_batch nothing = {.log_id = self->polled.log_id,
                                           .next = self->polled.next};
    return activity_store_put_batch(self->config->store, &nothing, NULL, err);
}

static enum status list_refused_rows(struct store_batch *self, struct error *err)
{
    const struct activity_batch *batch = &self->polled;
    enum status status =
        store_refusals_list(&self->keeper, batch, self->verdicts, self->refused_why, err);
    if (status != STATUS_OK) {
        return status;
    }
    size_t first = 0;
    while (self->verdicts[first] != VERDICT_REFUSED) {
        first++;
    }
    tell_refusal(self, batch->rows[first].position, str_from(self->refused_why));
    return cover_listed_rows(self, err);
}

enum status store_batch_list_rows(struct store_batch *self, struct error *err)
{
    ASSERT(self->stage == BATCH_STORED);
    enum status status = self->refused_rows > 0 ? list_refused_rows(self, err) : STATUS_OK;
    if (status == STATUS_OK) {
        self->stage = BATCH_DONE;
    }
    return status;
}
