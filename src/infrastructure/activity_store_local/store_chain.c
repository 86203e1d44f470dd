/* What the chain is told of a change, before the manifest that makes the change is saved; and what
 * is told of the chain. */
#include "infrastructure/activity_store_local/checkpoint.h"
#include "infrastructure/activity_store_local/local_store.h"

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the store's chain");
}

enum status store_chain_open(struct local_store *self, struct error *err)
{
    const struct chain_place place = {.disk = self->config.disk,
                                      .directory = self->directory,
                                      .store_id = self->manifest.store_id};
    return chain_open(&place, &self->manifest.chain, &self->chain, err);
}

enum status store_chain_add_seal(struct local_store *self, struct manifest *next,
                                 const struct head *head, const uint8_t root[SHA256_BYTES],
                                 struct error *err)
{
    struct chain_seal seal = {.number = next->chain.seals + 1,
                              .time_ms = clock_wall_ms(self->config.clock),
                              .rows = head->shared.table.rows.live,
                              .sources = head->sources,
                              .source_count = head->source_count};
    memcpy(seal.root, root, sizeof seal.root);
    return chain_append_seal(self->chain, &next->chain, &seal, &next->chain, err);
}

enum status store_chain_add_erasure(struct local_store *self, struct manifest *next,
                                    const struct tombstone *erased, uint64_t rows,
                                    struct error *err)
{
    struct sha256 sha256;
    struct chain_erasure erasure = {
        .number = erased->number, .erased_at_ms = erased->erased_at_ms, .rows = rows};
    if (sha256_init(&sha256) != STATUS_OK) {
        return no_memory(err);
    }
    random_fill(self->config.random, erasure.salt, sizeof erasure.salt);
    enum status status = chain_user_hash(&sha256, erasure.salt, erased->user_id, erasure.user_hash);
    sha256_deinit(&sha256);
    return status == STATUS_OK
               ? chain_append_erasure(self->chain, &next->chain, &erasure, &next->chain, err)
               : no_memory(err);
}

enum status store_chain_add_expiry(struct local_store *self, struct manifest *next,
                                   const struct chain_expiry *expiry, struct error *err)
{
    struct chain_expiry now = *expiry;
    now.time_ms = clock_wall_ms(self->config.clock);
    return now.range_count == 0
               ? STATUS_OK
               : chain_append_expiry(self->chain, &next->chain, &now, &next->chain, err);
}

enum status store_chain_add_left_out(struct local_store *self, struct manifest *next,
                                     const struct leaf_list *list, struct error *err)
{
    return list->count == 0
               ? STATUS_OK
               : chain_append_left_out(self->chain, &next->chain, list, &next->chain, err);
}

/* Checkpoints ------------------------------------------------------------------------------- */

enum status store_chain_sign(struct local_store *self, struct buffer *out_text, struct error *err)
{
    if (self->config.signer == NULL) {
        return error_set(err, STATUS_UNAVAILABLE, 0,
                         "no key signs checkpoints here; start with --checkpoint-key-file");
    }
    pthread_mutex_lock(&self->mutex);
    struct uuid store_id = self->manifest.store_id;
    struct chain_end end = self->manifest.chain;
    pthread_mutex_unlock(&self->mutex);
    if (end.records == 0) {
        return error_set(
            err, STATUS_UNAVAILABLE, 0,
            "nothing was sealed yet, so there is nothing to sign: the store seals when "
            "enough waits in the event log, and when the service is stopped");
    }
    enum status status = checkpoint_signer_sign(self->config.signer, store_id, &end,
                                                clock_wall_ms(self->config.clock), out_text);
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
}

static void log_checkpoint(struct local_store *self)
{
    struct buffer text;
    struct error err;
    buffer_init(&text, CHECKPOINT_BYTES_MAX);
    if (store_chain_sign(self, &text, &err) == STATUS_OK) {
        log_write(self->config.logger, LOG_INFO, "checkpoint: keep it where this store is not",
                  LOG_FIELDS(log_text("checkpoint", buffer_str(&text))));
    } else {
        log_error(self->config.logger, "a checkpoint could not be signed", &err);
    }
    buffer_deinit(&text);
}

void store_chain_log(struct local_store *self, bool now)
{
    uint64_t records = self->manifest.chain.records;
    uint64_t now_ms = clock_monotonic_ms(self->config.clock);
    if (self->config.signer == NULL || self->chain == NULL || records == self->logged_records ||
        (!now && now_ms < self->checkpoint_at_ms)) {
        return;
    }
    log_checkpoint(self);
    self->logged_records = records;
    self->checkpoint_at_ms = now_ms + ACTIVITY_STORE_LOCAL_CHECKPOINT_MS;
}
