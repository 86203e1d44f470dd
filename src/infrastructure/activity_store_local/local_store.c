#include "infrastructure/activity_store_local/local_store.h"

#include "infrastructure/activity_store_local/store_look.h"

#include <stdlib.h>

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to change the store");
}

struct snapshot *local_store_snapshot(struct local_store *self)
{
    pthread_mutex_lock(&self->mutex);
    struct snapshot *snapshot = snapshot_ref(self->snapshot);
    pthread_mutex_unlock(&self->mutex);
    return snapshot;
}

static enum status check(const struct local_store *self, struct error *err)
{
    return self->poisoned ? error_set(err, STATUS_UNAVAILABLE, 0,
                                      "the store accepts nothing until a restart: its manifest "
                                      "could not be synced")
                          : STATUS_OK;
}

enum status local_store_begin(struct local_store *self, struct manifest *out_next,
                              struct error *err)
{
    enum status status = check(self, err);
    if (status != STATUS_OK) {
        return status;
    }
    return manifest_copy(&self->manifest, out_next) == STATUS_OK ? STATUS_OK : no_memory(err);
}

/* Cannot fail: it is on the disk already. The worker may replace the new snapshot as soon as the
 * lock is given back, so it is held until it has been looked at. */
static void take_place(struct local_store *self, struct manifest *next, struct snapshot *made,
                       const struct snapshot_change *change)
{
    pthread_mutex_lock(&self->mutex);
    struct manifest old_manifest = self->manifest;
    struct snapshot *old_snapshot = self->snapshot;
    snapshot_fill(made, old_snapshot, change);
    self->manifest = *next;
    self->snapshot = snapshot_ref(made);
    self->changes++;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->mutex);
    for (size_t i = 0; i < change->parts_count; i++) {
        struct stored_part *old = old_snapshot->parts[change->parts_begin + i].stored;
        if (snapshot_find_part(made, stored_part_number(old)) == made->part_count) {
            stored_part_drop(old);
        }
    }
    snapshot_unref(made);
    snapshot_unref(old_snapshot);
    manifest_deinit(&old_manifest);
}

enum status local_store_install(struct local_store *self, struct manifest *next,
                                const struct snapshot_change *change, struct error *err)
{
    CLEANUP(snapshot_unref) struct snapshot *present = local_store_snapshot(self);
    /* The worker may add a head meanwhile, but parts change under `files` only. */
    struct snapshot *made =
        snapshot_new(present->part_count - change->parts_count + change->parts_added);
    if (made == NULL) {
        manifest_deinit(next);
        return no_memory(err);
    }
    pthread_mutex_lock(&self->mutex);
    next->next_part = self->next_part;
    pthread_mutex_unlock(&self->mutex);
    enum status status =
        manifest_save(self->config.disk, self->directory, next, &self->poisoned, err);
    if (status == STATUS_OK) {
        take_place(self, next, made, change);
        store_chain_log(self, false);
        return STATUS_OK;
    }
    snapshot_unref(made);
    manifest_deinit(next);
    return status;
}

/* Parts ------------------------------------------------------------------------------------- */

enum status local_store_hide_user(struct snapshot_part *part, struct str user_id,
                                  uint64_t *out_rows, struct error *err)
{
    struct part_user user;
    *out_rows = 0;
    enum status status = snapshot_part_find_user(part, user_id, &user, err);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && hidden_users_contain(part->hidden, user.number))) {
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct hidden_users *more = hidden_users_with(
        part->hidden, (struct hidden_user){.number = user.number, .rows = user.found.count});
    if (more == NULL) {
        return no_memory(err);
    }
    hidden_users_unref(part->hidden);
    part->hidden = more;
    *out_rows = user.found.count;
    return STATUS_OK;
}

/* Hides the users that were erased since the part was written. */
static enum status hide_erased(const struct manifest *manifest, const struct manifest_part *entry,
                               struct snapshot_part *part, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < manifest->tombstones.count; i++) {
        const struct tombstone *tombstone = &manifest->tombstones.items[i];
        uint64_t rows;
        if (tombstone->number >= entry->erasures) {
            status = local_store_hide_user(part, tombstone->user_id, &rows, err);
        }
    }
    return status;
}

enum status store_folder_open_part(const struct store_folder *folder,
                                   const struct manifest *manifest,
                                   const struct manifest_part *entry,
                                   struct snapshot_part *out_part, struct error *err)
{
    struct snapshot_part part = {.seals = entry->seals};
    const struct part_name name = {.store_id = manifest->store_id, .number = entry->number};
    enum status status =
        stored_part_open(folder->disk, folder->directory, &name, &part.stored, err);
    if (status == STATUS_OK && manifest->next_erasure > entry->erasures) {
        status = hide_erased(manifest, entry, &part, err);
    }
    if (status != STATUS_OK) {
        snapshot_part_release(&part);
        return status;
    }
    *out_part = part;
    return STATUS_OK;
}

enum status local_store_open_part(struct local_store *self, const struct manifest *manifest,
                                  const struct manifest_part *entry, struct snapshot_part *out_part,
                                  struct error *err)
{
    const struct store_folder folder = {self->config.disk, self->directory};
    return store_folder_open_part(&folder, manifest, entry, out_part, err);
}

enum status local_store_name_part(struct local_store *self, struct part_name *out_name,
                                  char out_path[DISK_PATH_BYTES_MAX], struct error *err)
{
    pthread_mutex_lock(&self->mutex);
    uint64_t number = self->next_part++;
    struct uuid store_id = self->manifest.store_id;
    pthread_mutex_unlock(&self->mutex);
    *out_name = (struct part_name){.store_id = store_id, .number = number};
    return stored_part_path(self->directory, number, out_path, err);
}

void local_store_remove_file(struct local_store *self, const char *path)
{
    /* If it stays, the next start finds that no manifest names it, and removes it. */
    enum status removed = disk_remove(self->config.disk, path, NULL);
    (void)removed;
}

/* Opening ----------------------------------------------------------------------------------- */

/* Parts in the folder that no manifest names, gathered before any is removed. */
struct leftovers {
    const struct manifest *manifest;
    uint64_t *numbers;
    size_t count;
    uint64_t highest; /* number of any part's file */
    bool failed;
};

static bool is_named(const struct manifest *manifest, uint64_t number)
{
    for (size_t i = 0; i < manifest->part_count; i++) {
        if (manifest->parts[i].number == number) {
            return true;
        }
    }
    return false;
}

static void note_leftover(void *context, const char *name)
{
    struct leftovers *leftovers = context;
    uint64_t number = stored_part_number_of(name);
    leftovers->highest = number > leftovers->highest ? number : leftovers->highest;
    if (number == 0 || is_named(leftovers->manifest, number)) {
        return;
    }
    uint64_t *numbers =
        realloc(leftovers->numbers, (leftovers->count + 1) * sizeof *leftovers->numbers);
    if (numbers == NULL) {
        leftovers->failed = true;
        return;
    }
    leftovers->numbers = numbers;
    numbers[leftovers->count++] = number;
}

/* Files of attempts that a crash ended, or of parts that were dropped just before one. */
static enum status remove_leftovers(struct local_store *self, struct error *err)
{
    struct leftovers leftovers = {.manifest = &self->manifest};
    char path[DISK_PATH_BYTES_MAX];
    enum status status =
        disk_list(self->config.disk, self->directory, note_leftover, &leftovers, err);
    if (status == STATUS_OK && leftovers.failed) {
        status = no_memory(err);
    }
    for (size_t i = 0; status == STATUS_OK && i < leftovers.count; i++) {
        status = stored_part_path(self->directory, leftovers.numbers[i], path, err);
        if (status == STATUS_OK) {
            local_store_remove_file(self, path);
        }
    }
    free(leftovers.numbers);
    if (leftovers.highest >= self->next_part) { /* its removal may have failed */
        self->next_part = leftovers.highest + 1;
    }
    return status;
}

/* A store has its manifest before its first part, so parts without one are what is left of a store
 * that somebody still has the rest of: they are no leftovers. */
static enum status check_for_parts(struct local_store *self, const struct manifest *empty,
                                   struct error *err)
{
    struct leftovers leftovers = {.manifest = empty};
    enum status status =
        disk_list(self->config.disk, self->directory, note_leftover, &leftovers, err);
    free(leftovers.numbers);
    if (status == STATUS_OK && (leftovers.count > 0 || leftovers.failed)) {
        return error_set(err, STATUS_CORRUPT, 0,
                         "the store has parts but its manifest is gone; put the file \"manifest\" "
                         "back, or move the folder away to begin a new store");
    }
    return status;
}

static enum status begin_store(struct local_store *self, struct manifest *out_manifest,
                               struct error *err)
{
    struct manifest manifest;
    bool unknown;
    manifest_init(&manifest, uuid_make_random(self->config.random));
    enum status status = check_for_parts(self, &manifest, err);
    if (status == STATUS_OK) {
        status = manifest_save(self->config.disk, self->directory, &manifest, &unknown, err);
    }
    if (status != STATUS_OK) {
        manifest_deinit(&manifest);
        return status;
    }
    *out_manifest = manifest;
    return STATUS_OK;
}

static enum status load_manifest(struct local_store *self, struct error *err)
{
    struct manifest manifest;
    enum status status = manifest_load(self->config.disk, self->directory, &manifest, err);
    if (status == STATUS_NOT_FOUND) {
        status = begin_store(self, &manifest, err);
    }
    if (status == STATUS_OK) {
        self->manifest = manifest;
        self->next_part = manifest.next_part;
    }
    return status;
}

/* The snapshot of a store that was just opened has no rows in memory. */
static enum status add_head(struct local_store *self, struct error *err)
{
    enum status status = head_new(self->config.random, &self->snapshot->heads[0], err);
    self->snapshot->head_count = status == STATUS_OK;
    return status;
}

static enum status open_parts(struct local_store *self, struct error *err)
{
    const struct manifest *manifest = &self->manifest;
    enum status status = STATUS_OK;
    self->snapshot = snapshot_new(manifest->part_count);
    if (self->snapshot == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; status == STATUS_OK && i < manifest->part_count; i++) {
        status = local_store_open_part(self, manifest, &manifest->parts[i],
                                       &self->snapshot->parts[i], err);
    }
    return status == STATUS_OK ? add_head(self, err) : status;
}

enum status local_store_open(struct local_store *self, struct error *err)
{
    enum status status = load_manifest(self, err);
    if (status == STATUS_OK) {
        status = store_chain_open(self, err);
    }
    if (status == STATUS_OK) {
        status = remove_leftovers(self, err);
    }
    if (status == STATUS_OK) {
        status = open_parts(self, err);
    }
    if (status == STATUS_OK) {
        status = store_chain_take_up(self, err);
    }
    if (status == STATUS_OK &&
        coverage_raise_all(&self->put, &self->manifest.covered) != STATUS_OK) {
        status = no_memory(err);
    }
    return status;
}

/* Half a store is not shown as if it were whole. */
static enum status take_parts(struct local_store *self, struct store_look *look, struct error *err)
{
    for (size_t i = 0; i < look->manifest.part_count; i++) {
        const struct error *why = &look->parts[i].err;
        if (why->status != STATUS_OK) {
            enum status status = why->status == STATUS_NOT_FOUND ? STATUS_CORRUPT : why->status;
            return error_set(err, status, why->cause, "%s", why->message);
        }
    }
    self->snapshot = snapshot_new(look->manifest.part_count);
    if (self->snapshot == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < look->manifest.part_count; i++) {
        self->snapshot->parts[i] = look->parts[i].part;
        look->parts[i].part = (struct snapshot_part){0};
    }
    return add_head(self, err);
}

enum status local_store_open_reading(struct local_store *self, struct error *err)
{
    const struct store_folder folder = {self->config.disk, self->directory};
    struct store_look look;
    enum status status = store_look_open(&folder, &look, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = take_parts(self, &look, err);
    if (status == STATUS_OK) {
        struct manifest empty = self->manifest;
        self->manifest = look.manifest;
        look.manifest = empty;
    }
    if (status == STATUS_OK &&
        coverage_raise_all(&self->put, &self->manifest.covered) != STATUS_OK) {
        status = no_memory(err);
    }
    store_look_close(&look);
    return status;
}
