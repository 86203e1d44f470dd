#include "infrastructure/activity_store_local/store_erasures.h"

#include "infrastructure/activity_store_local/manifest.h"

static enum status visit_news(const struct tombstones *all, const struct tombstones *known,
                              struct erasure_visitor *visitor, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < all->count; i++) {
        const struct tombstone *erased = &all->items[i];
        const struct tombstone *before = tombstones_find(known, erased->user_id);
        if (before == NULL || before->erased_at_ms < erased->erased_at_ms) {
            status = visitor->erased(visitor, erased->user_id, erased->erased_at_ms, err);
        }
    }
    return status;
}

enum status activity_store_local_visit_erasures(struct disk *disk, const char *directory,
                                                const char *older, struct erasure_visitor *visitor,
                                                struct error *err)
{
    struct manifest all;
    struct manifest known;
    enum status status = manifest_load(disk, directory, &all, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = manifest_load(disk, older, &known, err);
    if (status == STATUS_OK) {
        status = visit_news(&all.tombstones, &known.tombstones, visitor, err);
        manifest_deinit(&known);
    }
    manifest_deinit(&all);
    return status;
}
