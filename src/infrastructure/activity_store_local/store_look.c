#include "infrastructure/activity_store_local/store_look.h"

#include <stdlib.h>

/* A server that merges replaces its manifest every few seconds at the most. */
enum { ATTEMPTS_MAX = 20 };

void store_look_close(struct store_look *look)
{
    for (size_t i = 0; look->parts != NULL && i < look->manifest.part_count; i++) {
        snapshot_part_release(&look->parts[i].part);
    }
    free(look->parts);
    manifest_deinit(&look->manifest);
    look->parts = NULL;
}

/* `out_vanished`: a part is not there. */
static enum status open_once(const struct store_folder *folder, struct store_look *look,
                             bool *out_vanished, struct error *err)
{
    const struct manifest *manifest = &look->manifest;
    look->parts = calloc(manifest->part_count + 1, sizeof *look->parts);
    if (look->parts == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to open the store");
    }
    *out_vanished = false;
    for (size_t i = 0; i < manifest->part_count; i++) {
        struct looked_part *part = &look->parts[i];
        enum status status =
            store_folder_open_part(folder, manifest, &manifest->parts[i], &part->part, &part->err);
        *out_vanished = *out_vanished || status == STATUS_NOT_FOUND;
    }
    return STATUS_OK;
}

static bool names_the_same(const struct manifest *a, const struct manifest *b)
{
    bool same = a->part_count == b->part_count;
    for (size_t i = 0; same && i < a->part_count; i++) {
        same = a->parts[i].number == b->parts[i].number;
    }
    return same;
}

/* A part goes only after a manifest that does not name it took its place: if the manifest is still
 * the same, nobody replaced the part, and it is missing. */
static enum status was_replaced(const struct store_folder *folder, const struct store_look *look,
                                bool *out_replaced, struct error *err)
{
    struct manifest now;
    enum status status = manifest_load(folder->disk, folder->directory, &now, err);
    if (status == STATUS_OK) {
        *out_replaced = !names_the_same(&now, &look->manifest);
        manifest_deinit(&now);
    }
    return status;
}

enum status store_look_open(const struct store_folder *folder, struct store_look *out_look,
                            struct error *err)
{
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        struct store_look look = {0};
        bool again = false;
        enum status status = manifest_load(folder->disk, folder->directory, &look.manifest, err);
        if (status != STATUS_OK) {
            return status;
        }
        status = open_once(folder, &look, &again, err);
        if (status == STATUS_OK && again) {
            status = was_replaced(folder, &look, &again, err);
        }
        if (status == STATUS_OK && !again) {
            *out_look = look;
            return STATUS_OK;
        }
        store_look_close(&look);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return error_set(err, STATUS_UNAVAILABLE, 0,
                     "the store changed %d times while it was opened; try again", ATTEMPTS_MAX);
}
