#include "infrastructure/activity_store_local/store_hold.h"

#include "infrastructure/activity_store_local/manifest.h"
#include "infrastructure/activity_store_local/stored_part.h"

#include <stdio.h>

/* A server that merges replaces its manifest every few seconds at the most. */
enum { ATTEMPTS_MAX = 20 };

static enum status name_in(const char *folder, const char *name, char out_name[HELD_NAME_BYTES],
                           struct error *err)
{
    int len = snprintf(out_name, HELD_NAME_BYTES, "%s/%s", folder, name);
    return len > 0 && len < HELD_NAME_BYTES
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "the name of a folder is too long");
}

/* Before the first record there need not be a chain, and a new one is made. */
static enum status hold_chain(struct held_files *held, const char *folder,
                              const struct chain_end *end, struct error *err)
{
    char name[HELD_NAME_BYTES];
    struct held_file *file;
    if (end->records == 0) {
        return STATUS_OK;
    }
    enum status status = name_in(folder, "chain", name, err);
    if (status == STATUS_OK) {
        status = held_files_open(held, name, &file, err);
    }
    if (status == STATUS_OK && file->bytes < end->bytes) {
        status = error_set(err, STATUS_CORRUPT, 0,
                           "the store's chain is shorter than its manifest says; see what "
                           "`usertrail verify` finds");
    }
    if (status == STATUS_OK) {
        file->bytes = end->bytes;
    }
    return status;
}

static enum status hold_parts(struct held_files *held, const char *folder,
                              const struct manifest *manifest, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < manifest->part_count; i++) {
        char name[HELD_NAME_BYTES];
        char path[DISK_PATH_BYTES_MAX];
        struct held_file *file;
        status = stored_part_path(folder, manifest->parts[i].number, path, err);
        if (status == STATUS_OK) {
            status = name_in(folder, path + strlen(folder) + 1, name, err);
        }
        if (status == STATUS_OK) {
            status = held_files_open(held, name, &file, err);
        }
        if (status == STATUS_OK) {
            file->settled = true;
        }
    }
    return status;
}

/* The file of a manifest is never written again: another one takes its name. So what is read here
 * and what is copied later are the same. */
static enum status hold_manifest(struct held_files *held, const char *folder,
                                 struct manifest *out_manifest, struct error *err)
{
    char name[HELD_NAME_BYTES];
    struct held_file *file;
    enum status status = name_in(folder, "manifest", name, err);
    if (status == STATUS_OK) {
        status = held_files_open(held, name, &file, err);
    }
    return status == STATUS_OK ? manifest_read(file->file, out_manifest, err) : status;
}

/* `out_again`: something that the manifest names is not there. */
static enum status hold_once(struct held_files *held, const char *folder,
                             struct coverage *out_covered, bool *out_again, struct error *err)
{
    struct manifest manifest;
    *out_again = false;
    enum status status = hold_manifest(held, folder, &manifest, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = hold_parts(held, folder, &manifest, err);
    if (status == STATUS_OK) {
        status = hold_chain(held, folder, &manifest.chain, err);
    }
    *out_again = status == STATUS_NOT_FOUND;
    if (status == STATUS_OK && coverage_raise_all(out_covered, &manifest.covered) != STATUS_OK) {
        status = error_set(err, STATUS_NO_MEMORY, 0, "there is no memory to hold the store");
    }
    manifest_deinit(&manifest);
    return status;
}

enum status activity_store_local_hold(struct held_files *held, const char *folder,
                                      struct coverage *out_covered, struct error *err)
{
    char prefix[HELD_NAME_BYTES];
    bool again = false;
    enum status status = name_in(folder, "", prefix, err);
    for (unsigned attempt = 0; status == STATUS_OK && attempt < ATTEMPTS_MAX; attempt++) {
        held_files_drop_all(held, prefix);
        status = hold_once(held, folder, out_covered, &again, err);
        if (!again) {
            return status;
        }
        status = STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = error_set(err, STATUS_UNAVAILABLE, 0,
                           "a part that the store's manifest names was not there %d times; "
                           "`usertrail verify` says whether it is missing",
                           ATTEMPTS_MAX);
    }
    return status;
}
