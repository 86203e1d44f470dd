/* A store that was written before there was a chain: what it holds is sealed as it is found. The
 * manifest names the chain's end only once all of it is, so a crash in between begins anew. */
#include "infrastructure/activity_store_local/local_store.h"

#include <stdlib.h>

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for the store's chain");
}

static enum status root_of(struct part_view *view, uint8_t out_root[SHA256_BYTES],
                           struct error *err)
{
    struct sha256 sha256;
    struct leaf_list leaves = {0};
    if (sha256_init(&sha256) != STATUS_OK) {
        return no_memory(err);
    }
    enum status status = leaf_list_add_part(&leaves, &sha256, view, err);
    if (status == STATUS_OK) {
        leaf_list_sort(&leaves);
        status =
            leaf_list_root(&leaves, &sha256, out_root) == STATUS_OK ? STATUS_OK : no_memory(err);
    }
    leaf_list_deinit(&leaves);
    sha256_deinit(&sha256);
    return status;
}

static enum status seal_part(struct local_store *self, struct manifest *next, size_t at,
                             struct error *err)
{
    struct stored_part *stored = self->snapshot->parts[at].stored;
    const struct part_footer *footer = part_footer(stored_part_reader(stored));
    struct part_view *view = NULL;
    struct chain_seal seal = {.number = next->chain.seals + 1,
                              .time_ms = clock_wall_ms(self->config.clock),
                              .rows = footer->row_count,
                              .sources = footer->sources,
                              .source_count = footer->source_count};
    enum status status = stored_part_take_view(stored, &view, err);
    if (status == STATUS_OK) {
        status = root_of(view, seal.root, err);
    }
    stored_part_give_view(stored, view);
    if (status == STATUS_OK) {
        status = chain_append_seal(self->chain, &next->chain, &seal, &next->chain, err);
    }
    if (status == STATUS_OK) {
        next->parts[at].seals = (struct seal_range){seal.number, seal.number + 1};
    }
    return status;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = ((const struct tombstone *)a)->number;
    uint64_t right = ((const struct tombstone *)b)->number;
    return (left > right) - (left < right);
}

/* Rows of the user that are in the files still, and hidden. */
static enum status count_hidden(const struct snapshot_part *part, struct str user_id,
                                uint64_t *rows, struct error *err)
{
    struct part_user user;
    enum status status = snapshot_part_find_user(part, user_id, &user, err);
    if (status == STATUS_OK && hidden_users_contain(part->hidden, user.number)) {
        *rows += user.found.count;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status add_erasure(struct local_store *self, struct manifest *next,
                               const struct tombstone *erased, struct error *err)
{
    uint64_t rows = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < self->snapshot->part_count; i++) {
        status = count_hidden(&self->snapshot->parts[i], erased->user_id, &rows, err);
    }
    return status == STATUS_OK ? store_chain_add_erasure(self, next, erased, rows, err) : status;
}

/* In the order of their numbers. */
static enum status add_erasures(struct local_store *self, struct manifest *next, struct error *err)
{
    size_t count = next->tombstones.count;
    struct tombstone *tombstones = malloc((count + 1) * sizeof *tombstones);
    if (tombstones == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        tombstones[i] = next->tombstones.items[i];
    }
    qsort(tombstones, count, sizeof *tombstones, compare_numbers);
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = add_erasure(self, next, &tombstones[i], err);
    }
    free(tombstones);
    return status;
}

/* The manifest takes its place before anybody else sees the store. */
static enum status install(struct local_store *self, struct manifest *next, struct error *err)
{
    next->next_part = self->next_part;
    enum status status =
        manifest_save(self->config.disk, self->directory, next, &self->poisoned, err);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < next->part_count; i++) {
        self->snapshot->parts[i].seals = next->parts[i].seals;
    }
    struct manifest before = self->manifest;
    self->manifest = *next;
    *next = before;
    return STATUS_OK;
}

static enum status seal_all(struct local_store *self, struct error *err)
{
    struct manifest next;
    enum status status = local_store_begin(self, &next, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = add_erasures(self, &next, err);
    for (size_t i = 0; status == STATUS_OK && i < next.part_count; i++) {
        status = seal_part(self, &next, i, err);
    }
    if (status == STATUS_OK) {
        status = install(self, &next, err);
    }
    manifest_deinit(&next);
    return status;
}

/* Since there is a chain no part comes without a seal. */
static enum status check_seals(const struct manifest *manifest, struct error *err)
{
    for (size_t i = 0; i < manifest->part_count; i++) {
        if (manifest->parts[i].seals.begin == manifest->parts[i].seals.end) {
            return error_set(err, STATUS_CORRUPT, 0,
                             "part %llu was never sealed, so somebody else put it there; put back "
                             "the store's folder from a copy",
                             (unsigned long long)manifest->parts[i].number);
        }
    }
    return STATUS_OK;
}

enum status store_chain_take_up(struct local_store *self, struct error *err)
{
    const struct manifest *manifest = &self->manifest;
    if (manifest->chain.records > 0) {
        return check_seals(manifest, err);
    }
    if (manifest->part_count == 0 && manifest->tombstones.count == 0) {
        return STATUS_OK;
    }
    log_write(self->config.logger, LOG_INFO,
              "the store was written before there was a chain of seals; what it holds is read and "
              "sealed once",
              LOG_FIELDS(log_number("parts", (int64_t)manifest->part_count)));
    return seal_all(self, err);
}
