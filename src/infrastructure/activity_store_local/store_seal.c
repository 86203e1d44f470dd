/* From the head in memory to a part on the disk. */
#include "infrastructure/activity_store_local/local_store.h"

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for recent activities");
}

/* Freezing ---------------------------------------------------------------------------------- */

static struct head *newest_head(const struct snapshot *snapshot)
{
    return snapshot->heads[snapshot->head_count - 1];
}

/* Puts a new head behind the one that is filled; under `mutex`. */
static enum status add_head(struct local_store *self, struct head *added)
{
    struct head *frozen = newest_head(self->snapshot);
    struct snapshot *made = snapshot_new(self->snapshot->part_count);
    if (made == NULL || coverage_raise_all(&frozen->covered, &self->put) != STATUS_OK) {
        snapshot_unref(made);
        return STATUS_NO_MEMORY;
    }
    frozen->erasures = self->manifest.next_erasure;
    snapshot_fill(made, self->snapshot, &(struct snapshot_change){.head_added = added});
    snapshot_unref(self->snapshot);
    self->snapshot = made;
    pthread_cond_broadcast(&self->changed);
    return STATUS_OK;
}

enum status local_store_freeze(struct local_store *self, struct error *err)
{
    CLEANUP(head_unref) struct head *added = NULL;
    enum status status = head_new(self->config.random, &added, err);
    if (status != STATUS_OK) {
        return status;
    }
    pthread_mutex_lock(&self->mutex);
    bool room = self->snapshot->head_count < SNAPSHOT_HEADS_MAX;
    status = room ? add_head(self, added) : STATUS_BUSY;
    pthread_mutex_unlock(&self->mutex);
    if (status == STATUS_BUSY) {
        return error_set(err, status, 0, "the recent activities before are still being written");
    }
    return status == STATUS_OK ? STATUS_OK : no_memory(err);
}

static bool covers(const struct coverage *covered, const struct log_coverage *log)
{
    const struct position_set *positions = coverage_find(covered, log->log_id);
    for (size_t i = 0; i < log->positions.count; i++) {
        const struct position *position = &log->positions.items[i];
        int64_t offset = positions == NULL ? 0 : position_set_get(positions, position->partition);
        if (offset < position->offset) {
            return false;
        }
    }
    return true;
}

bool local_store_has_news(struct local_store *self)
{
    pthread_mutex_lock(&self->mutex);
    bool news = shared_table_size(&newest_head(self->snapshot)->shared).rows > 0;
    for (size_t i = 0; !news && i < self->put.count; i++) {
        news = !covers(&self->manifest.covered, &self->put.logs[i]);
    }
    pthread_mutex_unlock(&self->mutex);
    return news;
}

/* Sealing ----------------------------------------------------------------------------------- */

/* Writes the head's part and opens it. Its name is durable, too, when this returns. */
static enum status write_part(struct local_store *self, struct head *head, struct manifest *next,
                              struct snapshot_part *out_part, struct error *err)
{
    char path[DISK_PATH_BYTES_MAX];
    struct head_output output = {
        .disk = self->config.disk, .path = path, .random = self->config.random};
    uint8_t root[SHA256_BYTES];
    struct manifest_part entry = {.rows = shared_table_size(&head->shared).rows,
                                  .erasures = head->erasures,
                                  .seals = {next->chain.seals + 1, next->chain.seals + 2}};
    enum status status = local_store_name_part(self, &output.name, path, err);
    if (status != STATUS_OK) {
        return status;
    }
    entry.number = output.name.number;
    status = head_write(head, &output, root, err);
    if (status == STATUS_OK) {
        status = store_chain_add_seal(self, next, head, root, err);
    }
    if (status == STATUS_OK) {
        status = disk_sync_directory(self->config.disk, self->directory, err);
    }
    if (status == STATUS_OK) {
        status = local_store_open_part(self, next, &entry, out_part, err);
    }
    if (status == STATUS_OK) {
        entry.bytes = stored_part_bytes(out_part->stored);
        status = manifest_replace(next, next->part_count, 0, &entry) == STATUS_OK ? STATUS_OK
                                                                                  : no_memory(err);
    }
    if (status != STATUS_OK) {
        local_store_remove_file(self, path);
    }
    return status;
}

static enum status seal_head(struct local_store *self, const struct snapshot *snapshot,
                             struct error *err)
{
    struct head *head = snapshot->heads[0];
    struct manifest next;
    struct snapshot_part part = {0};
    struct snapshot_change change = {
        .heads_dropped = 1, .parts_begin = snapshot->part_count, .parts = &part};
    enum status status = local_store_begin(self, &next, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (coverage_raise_all(&next.covered, &head->covered) != STATUS_OK) {
        status = no_memory(err);
    }
    if (status == STATUS_OK && shared_table_size(&head->shared).rows > 0) {
        status = write_part(self, head, &next, &part, err);
        change.parts_added = 1;
    }
    if (status == STATUS_OK) {
        status = local_store_install(self, &next, &change, err);
    } else {
        manifest_deinit(&next);
    }
    if (status != STATUS_OK && part.stored != NULL && !self->poisoned) {
        stored_part_drop(part.stored);
    }
    snapshot_part_release(&part);
    return status;
}

/* The caller holds `files`. */
static void note_seal(struct local_store *self, enum status status, const struct error *why,
                      uint64_t begun_ns)
{
    if (status == STATUS_OK) {
        histogram_add(&self->seals, &histogram_bounds_requests,
                      clock_monotonic_ns(self->config.clock) - begun_ns);
    }
    pthread_mutex_lock(&self->mutex);
    if (status != STATUS_OK) {
        self->seal_error = *why;
        self->seal_failures++;
        pthread_cond_broadcast(&self->changed);
    }
    pthread_mutex_unlock(&self->mutex);
}

enum status local_store_seal(struct local_store *self, struct error *err)
{
    struct error why = {0};
    enum status status = STATUS_OK;
    pthread_mutex_lock(&self->files);
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    if (snapshot->head_count > 1) {
        uint64_t begun_ns = clock_monotonic_ns(self->config.clock);
        status = seal_head(self, snapshot, &why);
        note_seal(self, status, &why, begun_ns);
    }
    if (status == STATUS_OK) {
        /* The head is written, whatever becomes of older parts; expire tries again, and tells. */
        enum status fitted = local_store_fit(self, &why);
        (void)fitted;
    }
    pthread_mutex_unlock(&self->files);
    if (status != STATUS_OK && err != NULL) {
        *err = why;
    }
    return status;
}
