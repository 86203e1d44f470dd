#include "infrastructure/activity_store_local/store_verify.h"

#include "infrastructure/activity_store_local/store_look.h"

#include <stdarg.h>
#include <stdio.h>

/* One verification under way, and the part it is at. */
struct verifying {
    struct part_faults faults;
    const struct store_look *look;
    struct verified_part part;
};

/* Problems ---------------------------------------------------------------------------------- */

/* The same run is read for many rows, and each says that it is damaged. False: there is no room for
 * more. */
static bool add_error(struct verifying *verifying, const struct error *err)
{
    struct verified_part *part = &verifying->part;
    for (size_t i = 0; i < part->problem_count; i++) {
        if (strcmp(part->problems[i].message, err->message) == 0) {
            return true;
        }
    }
    if (part->problem_count == VERIFIED_PROBLEMS_MAX) {
        part->stopped = true;
        return false;
    }
    part->problems[part->problem_count++] = *err;
    return true;
}

static bool add_fault(struct part_faults *faults, const struct error *err)
{
    return add_error(CONTAINER_OF(faults, struct verifying, faults), err);
}

PRINTF_LIKE(2, 3)
static void add_problem(struct verifying *verifying, const char *format, ...)
{
    struct error err = {.status = STATUS_CORRUPT};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err.message, sizeof err.message, format, arguments);
    va_end(arguments);
    add_error(verifying, &err);
}

/* One part ---------------------------------------------------------------------------------- */

/* What the manifest says, against the part and the rest of the manifest. */
static void compare_with_manifest(struct verifying *verifying)
{
    const struct manifest *manifest = &verifying->look->manifest;
    const struct manifest_part *entry = &manifest->parts[verifying->part.at];
    const struct part *part =
        stored_part_reader(verifying->look->parts[verifying->part.at].part.stored);
    for (size_t i = 0; i < verifying->part.at; i++) {
        if (manifest->parts[i].number == entry->number) {
            add_problem(verifying, "the manifest names this part twice");
        }
    }
    if (part_footer(part)->row_count != entry->rows) {
        add_problem(verifying, "the manifest says %llu activities, the part holds %llu",
                    (unsigned long long)entry->rows,
                    (unsigned long long)part_footer(part)->row_count);
    }
    if (part_size(part) != entry->bytes) {
        add_problem(verifying, "the manifest says %llu bytes, the file has %llu",
                    (unsigned long long)entry->bytes, (unsigned long long)part_size(part));
    }
}

static void verify_content(struct verifying *verifying, struct part *part)
{
    struct error err = {0};
    const struct part_range *times = &part_footer(part)->timestamps;
    verifying->part.first_ms = times->first_ms;
    verifying->part.last_ms = times->last_ms;
    enum status status = part_verify_all(part, &verifying->faults, &err);
    if (status != STATUS_OK && status != STATUS_CORRUPT) {
        add_error(verifying, &err);
    }
}

/* Ids --------------------------------------------------------------------------------------- */

static bool is_hidden(const struct snapshot_part *part, const struct page *page, uint32_t row)
{
    return hidden_users_contain(part->hidden, page_user(page, row % PAGE_ROWS));
}

/* Whether the part shows a row with the id. */
static enum status shows_id(const struct snapshot_part *part, struct id_key *key, bool *out_shows,
                            struct error *err)
{
    struct part_view *view = NULL;
    uint32_t row;
    *out_shows = false;
    if (!part_may_hold_id(stored_part_reader(part->stored), key)) {
        return STATUS_OK;
    }
    enum status status = stored_part_take_view(part->stored, &view, err);
    if (status == STATUS_OK) {
        status = snapshot_part_find_id(part, view, key->text, &row, err);
        *out_shows = status == STATUS_OK;
    }
    stored_part_give_view(part->stored, view);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* One id in all parts before the one that holds it. Damage there was told when they were read. */
static enum status look_for_id(struct verifying *verifying, struct str id, struct error *err)
{
    struct id_key key = id_key_make(id);
    for (size_t i = 0; i < verifying->part.at; i++) {
        const struct snapshot_part *other = &verifying->look->parts[i].part;
        bool shows = false;
        enum status status = other->stored == NULL ? STATUS_OK : shows_id(other, &key, &shows, err);
        if (status != STATUS_OK && status != STATUS_CORRUPT) {
            return status;
        }
        if (shows) {
            add_problem(verifying, "the id %.*s stands in part %llu, too", STR_FORMAT(id),
                        (unsigned long long)stored_part_number(other->stored));
        }
    }
    return STATUS_OK;
}

static enum status look_for_ids(struct verifying *verifying, const struct snapshot_part *part,
                                struct part_view *view, struct error *err)
{
    uint32_t count = part_footer(stored_part_reader(part->stored))->row_count;
    enum status status = STATUS_OK;
    for (uint32_t row = 0; status == STATUS_OK && !verifying->part.stopped && row < count; row++) {
        const struct page *page;
        char space[PAGE_ID_BYTES];
        status = part_view_page(view, row, &page, err);
        if (status == STATUS_CORRUPT) { /* which was told before */
            row += PAGE_ROWS - 1 - row % PAGE_ROWS;
            status = STATUS_OK;
        } else if (status == STATUS_OK && !is_hidden(part, page, row)) {
            status = look_for_id(verifying, page_id(page, row % PAGE_ROWS, space), err);
        }
    }
    return status;
}

static void verify_ids(struct verifying *verifying, const struct snapshot_part *part)
{
    struct part_view *view = NULL;
    struct error err = {0};
    if (verifying->part.at == 0) {
        return;
    }
    enum status status = stored_part_take_view(part->stored, &view, &err);
    if (status == STATUS_OK) {
        status = look_for_ids(verifying, part, view, &err);
    }
    stored_part_give_view(part->stored, view);
    if (status != STATUS_OK) {
        add_error(verifying, &err);
    }
}

/* All of it --------------------------------------------------------------------------------- */

static void verify_part(struct verifying *verifying, struct verification_listener *listener)
{
    const struct looked_part *looked = &verifying->look->parts[verifying->part.at];
    listener->part_begins(listener, &verifying->part);
    if (looked->part.stored == NULL) {
        add_error(verifying, &looked->err);
    } else {
        compare_with_manifest(verifying);
        verify_content(verifying, stored_part_reader(looked->part.stored));
        verify_ids(verifying, &looked->part);
    }
    listener->part_ends(listener, &verifying->part);
}

enum status activity_store_local_verify(struct disk *disk, const char *directory,
                                        struct verification_listener *listener,
                                        struct store_verification *out_found, struct error *err)
{
    const struct store_folder folder = {disk, directory};
    struct store_look look;
    struct verifying verifying = {.faults = {.add = add_fault}, .look = &look};
    struct store_verification found = {0};
    enum status status = store_look_open(&folder, &look, err);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < look.manifest.part_count; i++) {
        const struct manifest_part *entry = &look.manifest.parts[i];
        verifying.part = (struct verified_part){.number = entry->number,
                                                .at = i,
                                                .part_count = look.manifest.part_count,
                                                .activities = entry->rows,
                                                .bytes = entry->bytes,
                                                .first_ms = 1,
                                                .last_ms = 0};
        verify_part(&verifying, listener);
        found.parts++;
        found.activities += entry->rows;
        found.bytes += entry->bytes;
        found.problems += verifying.part.problem_count;
    }
    store_look_close(&look);
    *out_found = found;
    return STATUS_OK;
}
