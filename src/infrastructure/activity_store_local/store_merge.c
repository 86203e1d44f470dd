/* Several parts become one. */
#include "infrastructure/activity_store_local/left_out.h"
#include "infrastructure/activity_store_local/local_store.h"
#include "infrastructure/activity_store_local/merge.h"
#include "infrastructure/activity_store_local/merge_plan.h"

#include <stdlib.h>

enum {
    MERGE_LEVEL = 1,         /* of the compression */
    MERGED_SHARE_OF_MAX = 20 /* a merged part has at most this part of the store's maximum */
};

/* A merge under way: of these parts of this snapshot. */
struct merging {
    struct snapshot *snapshot;
    struct merge_range range;
    struct manifest_part entry; /* of the new part */
    struct leaf_list left_out;  /* of the rows that go */
    char path[DISK_PATH_BYTES_MAX];
};

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to merge parts");
}

/* Where the store has a maximum of bytes whole parts go to keep it, so none becomes a large share
 * of all. */
static uint64_t rows_max(const struct local_store *self, const struct snapshot *snapshot)
{
    struct snapshot_size size = snapshot_parts_size(snapshot);
    if (self->config.bytes_max == 0 || size.bytes == 0) {
        return PART_ROWS_MAX;
    }
    uint64_t share =
        (uint64_t)((double)size.rows / (double)size.bytes * (double)self->config.bytes_max) /
        MERGED_SHARE_OF_MAX;
    return share < PART_ROWS_MAX ? share : PART_ROWS_MAX;
}

static bool is_unmergeable(const struct local_store *self, const struct snapshot_part *part)
{
    for (size_t i = 0; i < self->unmergeable_count; i++) {
        if (self->unmergeable[i] == stored_part_number(part->stored)) {
            return true;
        }
    }
    return false;
}

/* A part that is damaged, or parts that are too much for one, would fail again and again, and the
 * others would never have their turn. */
static void leave_alone(struct local_store *self, const struct merging *merging, enum status status)
{
    size_t count = self->unmergeable_count + merging->range.count;
    if (status != STATUS_CORRUPT && status != STATUS_TOO_LARGE) {
        return;
    }
    uint64_t *numbers = realloc(self->unmergeable, count * sizeof *numbers);
    if (numbers == NULL) {
        return;
    }
    self->unmergeable = numbers;
    for (size_t i = 0; i < merging->range.count; i++) {
        const struct snapshot_part *part = &merging->snapshot->parts[merging->range.begin + i];
        numbers[self->unmergeable_count++] = stored_part_number(part->stored);
    }
}

static enum status choose(const struct local_store *self, struct merging *merging, bool *out_chosen,
                          struct error *err)
{
    const struct snapshot *snapshot = merging->snapshot;
    const struct merge_limits limits = {.rows_max = rows_max(self, snapshot),
                                        .parts_min = self->config.merge_parts};
    struct merge_candidate *candidates = malloc((snapshot->part_count + 1) * sizeof *candidates);
    if (candidates == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < snapshot->part_count; i++) {
        const struct snapshot_part *part = &snapshot->parts[i];
        candidates[i] = (struct merge_candidate){.rows = snapshot_part_rows(part),
                                                 .hidden = hidden_users_rows(part->hidden)};
        if (is_unmergeable(self, part)) { /* larger than any that may be made */
            candidates[i] = (struct merge_candidate){.rows = UINT64_MAX / 2};
        }
    }
    *out_chosen = merge_plan(candidates, snapshot->part_count, &limits, &merging->range);
    free(candidates);
    return STATUS_OK;
}

static enum status write_merged(struct local_store *self, struct merging *merging,
                                struct error *err)
{
    struct merge_part parts[MERGE_PARTS_MAX];
    struct merge_job job = {.disk = self->config.disk,
                            .parts = parts,
                            .count = merging->range.count,
                            .level = MERGE_LEVEL,
                            .path = merging->path,
                            .cancel = &self->stopping};
    for (size_t i = 0; i < job.count; i++) {
        const struct snapshot_part *part = &merging->snapshot->parts[merging->range.begin + i];
        parts[i] =
            (struct merge_part){.part = stored_part_reader(part->stored), .hidden = part->hidden};
        merging->entry.seals.end = part->seals.end;
    }
    merging->entry.seals.begin = merging->snapshot->parts[merging->range.begin].seals.begin;
    merging->entry.rows = merge_row_count(parts, job.count);
    enum status status =
        left_out_leaves(parts, job.count, &self->stopping, &merging->left_out, err);
    if (status != STATUS_OK || merging->entry.rows == 0) {
        return status;
    }
    status = local_store_name_part(self, &job.name, merging->path, err);
    merging->entry.number = job.name.number;
    return status == STATUS_OK ? merge_run(&job, err) : status;
}

/* Where the parts stand now, all of them still side by side; part_count when not. */
static size_t find_again(const struct merging *merging, const struct snapshot *now)
{
    const struct snapshot_part *parts = &merging->snapshot->parts[merging->range.begin];
    size_t at = snapshot_find_part(now, stored_part_number(parts[0].stored));
    for (size_t i = 0; i < merging->range.count; i++) {
        if (at + i >= now->part_count || now->parts[at + i].stored != parts[i].stored) {
            return now->part_count;
        }
    }
    return at;
}

static enum status install_part(struct local_store *self, struct merging *merging, size_t at,
                                struct error *err)
{
    struct manifest next;
    struct snapshot_part part = {0};
    size_t count = merging->range.count;
    bool any = merging->entry.rows > 0;
    enum status status = local_store_begin(self, &next, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (any) {
        status = disk_sync_directory(self->config.disk, self->directory, err);
    }
    if (status == STATUS_OK) {
        status = store_chain_add_left_out(self, &next, &merging->left_out, err);
    }
    if (status == STATUS_OK && any) {
        status = local_store_open_part(self, &next, &merging->entry, &part, err);
    }
    if (status == STATUS_OK) {
        merging->entry.bytes = any ? stored_part_bytes(part.stored) : 0;
        if (manifest_replace(&next, at, count, any ? &merging->entry : NULL) != STATUS_OK) {
            status = no_memory(err);
        }
    }
    if (status == STATUS_OK) {
        const struct snapshot_change change = {
            .parts_begin = at, .parts_count = count, .parts = &part, .parts_added = any};
        status = local_store_install(self, &next, &change, err);
    } else {
        manifest_deinit(&next);
    }
    snapshot_part_release(&part);
    return status;
}

/* Parts may have expired meanwhile, and then the work was in vain. */
static enum status install(struct local_store *self, struct merging *merging, bool *out_merged,
                           struct error *err)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&self->files);
    CLEANUP(snapshot_unref) struct snapshot *now = local_store_snapshot(self);
    size_t at = find_again(merging, now);
    *out_merged = at < now->part_count;
    if (*out_merged) {
        status = install_part(self, merging, at, err);
    }
    bool unused = (!*out_merged || status != STATUS_OK) && !self->poisoned;
    pthread_mutex_unlock(&self->files);
    if (unused && merging->path[0] != '\0') {
        local_store_remove_file(self, merging->path);
    }
    return status;
}

static void note_merge(struct local_store *self, enum status status, bool merged, uint64_t begun_ns)
{
    if (status != STATUS_OK) {
        counter_add(&self->merge_failures, 1);
    } else if (merged) {
        histogram_add(&self->merges, &histogram_bounds_requests,
                      clock_monotonic_ns(self->config.clock) - begun_ns);
    }
}

enum status local_store_merge(struct local_store *self, bool *out_merged, struct error *err)
{
    struct merging merging = {0};
    uint64_t begun_ns = clock_monotonic_ns(self->config.clock);
    bool chosen = false;
    *out_merged = false;
    pthread_mutex_lock(&self->mutex);
    CLEANUP(snapshot_unref) struct snapshot *snapshot = snapshot_ref(self->snapshot);
    merging.entry.erasures = self->manifest.next_erasure;
    pthread_mutex_unlock(&self->mutex);
    merging.snapshot = snapshot;
    enum status status = choose(self, &merging, &chosen, err);
    if (status != STATUS_OK || !chosen) {
        return status;
    }
    status = write_merged(self, &merging, err);
    leave_alone(self, &merging, status);
    if (status != STATUS_OK && merging.path[0] != '\0') {
        local_store_remove_file(self, merging.path);
    }
    if (status == STATUS_OK) {
        status = install(self, &merging, out_merged, err);
    }
    leaf_list_deinit(&merging.left_out);
    note_merge(self, status, *out_merged, begun_ns);
    return status;
}
