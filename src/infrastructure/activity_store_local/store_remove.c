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

/* The part with the user hidden in it; `erased` grows by the rows that were still seen. */
static enum status hide(const struct snapshot_part *part, struct str user_id,
                        struct snapshot_part *out_part, uint64_t *erased, struct error *err)
{
    struct part_view *view = NULL;
    struct part_user user;
    struct hidden_users *hidden = NULL;
    enum status status = stored_part_take_view(part->stored, &view, err);
    if (status == STATUS_OK) {
        status = part_view_find_user(view, user_id, &user, err);
    }
    stored_part_give_view(part->stored, view);
    bool seen = status == STATUS_OK && !hidden_users_contain(part->hidden, user.number);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    if (seen) {
        hidden = hidden_users_with(
            part->hidden, (struct hidden_user){.number = user.number, .rows = user.found.count});
        if (hidden == NULL) {
            return no_memory(err);
        }
        *erased += user.found.count;
    } else {
        hidden = hidden_users_ref(part->hidden);
    }
    *out_part = (struct snapshot_part){.stored = stored_part_ref(part->stored), .hidden = hidden};
    return STATUS_OK;
}

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
        status = hide(&snapshot->parts[i], user_id, &parts[i], erased, err);
    }
    if (status != STATUS_OK) {
        release_parts(parts, snapshot->part_count);
        return status;
    }
    *out_parts = parts;
    return STATUS_OK;
}

/* The tombstone first, for it makes the erasure durable; parts hide the user at once. */
static enum status erase_from_parts(struct local_store *self, const struct tombstone *erased,
                                    uint64_t *out_erased, struct error *err)
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
        status = hide_everywhere(snapshot, erased->user_id, &parts, out_erased, err);
    }
    if (status != STATUS_OK) {
        manifest_deinit(&next);
        return status;
    }
    const struct snapshot_change change = {
        .parts_count = count, .parts = parts, .parts_added = count};
    status = local_store_install(self, &next, &change, err);
    release_parts(parts, count);
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
                              uint64_t *out_erased, struct error *err)
{
    uint64_t rows = 0;
    pthread_mutex_lock(&self->files);
    enum status status = erase_from_parts(self, erased, &rows, err);
    if (status == STATUS_OK) {
        CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
        status = erase_from_heads(snapshot, erased, &rows, err);
    }
    pthread_mutex_unlock(&self->files);
    if (status == STATUS_OK) {
        *out_erased = rows;
    }
    return status;
}

/* Expiring ---------------------------------------------------------------------------------- */

static bool is_expired(const struct snapshot_part *part, int64_t before_ms)
{
    return part_footer(stored_part_reader(part->stored))->timestamps.last_ms < before_ms;
}

/* The parts that stay, and the manifest without the others. */
static enum status keep(const struct snapshot *snapshot, int64_t before_ms, struct manifest *next,
                        struct snapshot_part *parts, size_t *out_kept)
{
    enum status status = STATUS_OK;
    size_t kept = 0;
    for (size_t i = 0; status == STATUS_OK && i < snapshot->part_count; i++) {
        if (is_expired(&snapshot->parts[i], before_ms)) {
            status = manifest_replace(next, kept, 1, NULL);
        } else {
            parts[kept++] = snapshot->parts[i];
        }
    }
    *out_kept = kept;
    return status;
}

static enum status drop_parts(struct local_store *self, const struct snapshot *snapshot,
                              int64_t before_ms, struct error *err)
{
    struct manifest next;
    struct snapshot_change change = {.parts_count = snapshot->part_count};
    enum status status = local_store_begin(self, &next, err);
    if (status != STATUS_OK) {
        return status;
    }
    /* References stay the snapshot's; install takes its own. */
    struct snapshot_part *parts = calloc(snapshot->part_count, sizeof *parts);
    if (parts == NULL ||
        keep(snapshot, before_ms, &next, parts, &change.parts_added) != STATUS_OK) {
        manifest_deinit(&next);
        free(parts);
        return no_memory(err);
    }
    change.parts = parts;
    status = local_store_install(self, &next, &change, err);
    free(parts);
    return status;
}

enum status local_store_expire(struct local_store *self, int64_t before_ms, uint64_t *out_expired,
                               struct error *err)
{
    enum status status = STATUS_OK;
    uint64_t rows = 0;
    bool any = false;
    pthread_mutex_lock(&self->files);
    CLEANUP(snapshot_unref) struct snapshot *snapshot = local_store_snapshot(self);
    for (size_t i = 0; i < snapshot->part_count; i++) {
        bool expired = is_expired(&snapshot->parts[i], before_ms);
        rows += expired ? snapshot_part_rows(&snapshot->parts[i]) : 0;
        any = any || expired;
    }
    if (any) {
        status = drop_parts(self, snapshot, before_ms, err);
    }
    /* Nobody but the worker, who calls this, adds heads. */
    for (size_t i = 0; status == STATUS_OK && i < snapshot->head_count; i++) {
        rows += shared_table_expire(&snapshot->heads[i]->shared, before_ms);
    }
    pthread_mutex_unlock(&self->files);
    if (status == STATUS_OK) {
        *out_expired = rows;
    }
    return status;
}
