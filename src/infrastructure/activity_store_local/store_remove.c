/* Erasing a user, and expiring what is old. */
#include "base/assert.h"
#include "infrastructure/activity_store_local/local_store.h"

#include <stdlib.h>

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to remove activities");
}

static void release_parts(struct snapshot_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        snapshot_part_release(&parts[i]);
    }
    free(parts);
}

/* Erasing ----------------------------------------------------------------------------------- */

/* All parts of the snapshot, with the user hidden. */
static enum status hide_everywhere(const struct snapshot *snapshot, struct str user_id,
                                   struct snapshot_part **out_parts, uint64_t *erased,
                                   struct error *err)
{
    struct snapshot_part *parts = calloc(snapshot->part_count + 1, sizeof *parts);
    if (parts == NULL) {
        return no_memory(err);
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < snapshot->part_count; i++) {
        uint64_t rows = 0;
        parts[i] = snapshot_part_ref(&snapshot->parts[i]);
        status = local_store_hide_user(&parts[i], user_id, &rows, err);
        *erased += rows;
    }
    if (status != STATUS_OK) {
        release_parts(parts, snapshot->part_count);
        return status;
    }
    *out_parts = parts;
    return STATUS_OK;
}

/* Says in the chain that rows of the parts were erased, which are all that it has seals of. */
static enum status record(struct local_store *self, struct manifest *next, struct str user_id,
                          struct activity_erasure *erasure, struct error *err)
{
    /* An earlier erasure may have a later time, which stays. */
    const struct tombstone *kept = tombstones_find(&next->tombstones, user_id);
    enum status status = store_chain_add_erasure(self, next, kept, erasure->erased, err);
    if (status != STATUS_OK) {
        return status;
    }
    erasure->recorded = true;
    erasure->record = (struct erasure_record){.store_id = next->store_id,
                                              .number = next->chain.records,
                                              .erased_at_ms = kept->erased_at_ms,
                                              .sealed = erasure->erased};
    memcpy(erasure->record.hash, next->chain.hash, sizeof erasure->record.hash);
    return STATUS_OK;
}

/* The tombstone first, for it makes the erasure durable; parts hide the user at once. */
static enum status erase_from_parts(struct local_store *self, const struct tombstone *erased,
                                    struct activity_erasure *erasure, struct error *err)
{
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    struct manifest next;
    struct snapshot_part *parts = NULL;
    size_t count = snapshot->part_count;
    enum status status = local_store_begin(self, &next, err);
    if (status != STATUS_OK) {
        return status;
    }
    struct tombstone numbered = *erased;
    numbered.number = next.next_erasure++;
    if (tombstones_set(&next.tombstones, &numbered) != STATUS_OK) {
        status = no_memory(err);
    }
    if (status == STATUS_OK) {
        status = hide_everywhere(snapshot, erased->user_id, &parts, &erasure->erased, err);
    }
    if (status == STATUS_OK) {
        status = record(self, &next, erased->user_id, erasure, err);
    }
    if (status == STATUS_OK) {
        const struct snapshot_change change = {
            .parts_count = count, .parts = parts, .parts_added = count};
        status = local_store_install(self, &next, &change, err);
    } else {
        manifest_deinit(&next);
    }
    if (parts != NULL) {
        release_parts(parts, count);
    }
    return status;
}

/* Whoever puts from now on sees the tombstone of the manifest; what was on its way into a head when
 * that changed meets the head's own. */
static enum status erase_from_heads(struct snapshot *snapshot, const struct tombstone *erased,
                                    uint64_t *out_erased, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < snapshot->head_count; i++) {
        uint64_t rows = 0;
        status = shared_table_erase(&snapshot->heads[i]->shared, erased->user_id,
                                    erased->erased_at_ms, &rows);
        *out_erased += rows;
    }
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
}

enum status local_store_erase(struct local_store *self, const struct tombstone *erased,
                              struct activity_erasure *out_erasure, struct error *err)
{
    struct activity_erasure erasure = {0};
    pthread_mutex_lock(&self->files);
    enum status status = erase_from_parts(self, erased, &erasure, err);
    if (status == STATUS_OK) {
        CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
        status = erase_from_heads(snapshot, erased, &erasure.erased, err);
    }
    pthread_mutex_unlock(&self->files);
    if (status == STATUS_OK) {
        *out_erasure = erasure;
    }
    return status;
}

/* Expiring ---------------------------------------------------------------------------------- */

/* What of a snapshot is to go. */
struct removal {
    const struct snapshot *snapshot;
    bool *goes; /* for each part */
    size_t parts;
    uint64_t rows;
    uint64_t bytes;
};

static enum status removal_init(struct removal *removal, const struct snapshot *snapshot,
                                struct error *err)
{
    *removal = (struct removal){.snapshot = snapshot,
                                .goes = calloc(snapshot->part_count + 1, sizeof *removal->goes)};
    return removal->goes == NULL ? no_memory(err) : STATUS_OK;
}

static void removal_add(struct removal *removal, size_t at)
{
    const struct snapshot_part *part = &removal->snapshot->parts[at];
    removal->goes[at] = true;
    removal->parts++;
    removal->rows += snapshot_part_rows(part);
    removal->bytes += stored_part_bytes(part->stored);
}

/* The parts that stay, and the manifest without the others. */
static enum status keep(const struct removal *removal, struct manifest *next,
                        struct snapshot_part *parts)
{
    enum status status = STATUS_OK;
    size_t kept = 0;
    for (size_t i = 0; status == STATUS_OK && i < removal->snapshot->part_count; i++) {
        if (removal->goes[i]) {
            status = manifest_replace(next, kept, 1, NULL);
        } else {
            parts[kept++] = removal->snapshot->parts[i];
        }
    }
    return status;
}

/* Names the seals of what goes in the chain. */
static enum status tell_chain(struct local_store *self, const struct removal *removal,
                              struct manifest *next, struct error *err)
{
    struct chain_seal_range *ranges = malloc(removal->parts * sizeof *ranges);
    struct chain_expiry expiry = {.rows = removal->rows, .ranges = ranges};
    if (ranges == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < removal->snapshot->part_count; i++) {
        struct seal_range seals = removal->snapshot->parts[i].seals;
        if (removal->goes[i] && seals.begin < seals.end) {
            ranges[expiry.range_count++] = (struct chain_seal_range){seals.begin, seals.end - 1};
        }
    }
    enum status status = store_chain_add_expiry(self, next, &expiry, err);
    free(ranges);
    return status;
}

static enum status install_kept(struct local_store *self, const struct removal *removal,
                                struct manifest *next, struct error *err)
{
    size_t count = removal->snapshot->part_count;
    /* References stay the snapshot's; install takes its own. */
    struct snapshot_part *parts = calloc(count, sizeof *parts);
    enum status status = parts == NULL || keep(removal, next, parts) != STATUS_OK
                             ? no_memory(err)
                             : tell_chain(self, removal, next, err);
    if (status == STATUS_OK) {
        const struct snapshot_change change = {
            .parts_count = count, .parts = parts, .parts_added = count - removal->parts};
        status = local_store_install(self, next, &change, err);
    } else {
        manifest_deinit(next);
    }
    free(parts);
    return status;
}

/* Frees the removal in any case. */
static enum status drop_parts(struct local_store *self, struct removal *removal, struct error *err)
{
    struct manifest next;
    enum status status = STATUS_OK;
    if (removal->parts > 0) {
        status = local_store_begin(self, &next, err);
        if (status == STATUS_OK) {
            status = install_kept(self, removal, &next, err);
        }
        self->expired += status == STATUS_OK ? removal->rows : 0;
    }
    free(removal->goes);
    return status;
}

static int64_t last_ms(const struct snapshot_part *part)
{
    return part_footer(stored_part_reader(part->stored))->timestamps.last_ms;
}

static enum status drop_old(struct local_store *self, const struct snapshot *snapshot,
                            int64_t before_ms, struct error *err)
{
    struct removal removal;
    enum status status = removal_init(&removal, snapshot, err);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < snapshot->part_count; i++) {
        if (last_ms(&snapshot->parts[i]) < before_ms) {
            removal_add(&removal, i);
        }
    }
    return drop_parts(self, &removal, err);
}

/* By when its activities came, which no client can say: one that is ahead of the time must not make
 * what others send now the oldest. */
static int64_t received_last_ms(const struct snapshot_part *part)
{
    return part_footer(stored_part_reader(part->stored))->received.last_ms;
}

/* Of the parts that are not to go yet, but for the newest, the first that came earliest. */
static size_t oldest_part(const struct removal *removal)
{
    const struct snapshot *snapshot = removal->snapshot;
    size_t oldest = snapshot->part_count;
    for (size_t i = 0; i + 1 < snapshot->part_count; i++) {
        if (!removal->goes[i] &&
            (oldest == snapshot->part_count ||
             received_last_ms(&snapshot->parts[i]) < received_last_ms(&snapshot->parts[oldest]))) {
            oldest = i;
        }
    }
    ASSERT(oldest < snapshot->part_count);
    return oldest;
}

static void tell_fit(const struct local_store *self, const struct removal *removal)
{
    log_write(self->config.logger, LOG_INFO,
              "the oldest activities were dropped, since the store has reached its maximum",
              LOG_FIELDS(log_number("activities", (int64_t)removal->rows),
                         log_number("bytes", (int64_t)removal->bytes),
                         log_number("bytesMax", (int64_t)self->config.bytes_max)));
}

/* What the parts and the chain take. The chain only grows, also by each drop: it counts for half of
 * the maximum at the most, so that the other half is always the parts'. */
static uint64_t bytes_taken(const struct local_store *self, const struct snapshot *snapshot)
{
    uint64_t chain = self->manifest.chain.bytes;
    uint64_t chain_max = self->config.bytes_max / 2;
    return snapshot_parts_size(snapshot).bytes + (chain < chain_max ? chain : chain_max);
}

enum status local_store_fit(struct local_store *self, struct error *err)
{
    struct removal removal;
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    uint64_t bytes = bytes_taken(self, snapshot);
    if (self->config.bytes_max == 0 || bytes <= self->config.bytes_max ||
        snapshot->part_count < 2) {
        return STATUS_OK;
    }
    enum status status = removal_init(&removal, snapshot, err);
    if (status != STATUS_OK) {
        return status;
    }
    while (removal.parts + 1 < snapshot->part_count &&
           bytes - removal.bytes > self->config.bytes_max) {
        removal_add(&removal, oldest_part(&removal));
    }
    status = drop_parts(self, &removal, err);
    if (status == STATUS_OK) {
        tell_fit(self, &removal);
    }
    return status;
}

enum status local_store_expire(struct local_store *self, int64_t before_ms, uint64_t *out_expired,
                               struct error *err)
{
    pthread_mutex_lock(&self->files);
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    enum status status = drop_old(self, snapshot, before_ms, err);
    /* Nobody but the worker, who calls this, adds heads. */
    for (size_t i = 0; status == STATUS_OK && i < snapshot->head_count; i++) {
        self->expired += shared_table_expire(&snapshot->heads[i]->shared, before_ms);
    }
    if (status == STATUS_OK) {
        status = local_store_fit(self, err);
    }
    if (status == STATUS_OK) {
        *out_expired = self->expired;
        self->expired = 0;
    }
    pthread_mutex_unlock(&self->files);
    return status;
}
