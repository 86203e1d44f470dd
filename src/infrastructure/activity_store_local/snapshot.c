#include "infrastructure/activity_store_local/snapshot.h"

#include "base/assert.h"

#include <stdlib.h>

struct snapshot_part snapshot_part_ref(const struct snapshot_part *part)
{
    return (struct snapshot_part){.stored = stored_part_ref(part->stored),
                                  .hidden = hidden_users_ref(part->hidden),
                                  .seals = part->seals};
}

void snapshot_part_release(struct snapshot_part *part)
{
    stored_part_unref(part->stored);
    hidden_users_unref(part->hidden);
    *part = (struct snapshot_part){0};
}

struct snapshot *snapshot_new(size_t part_count)
{
    struct snapshot *snapshot =
        calloc(1, sizeof *snapshot + part_count * sizeof snapshot->parts[0]);
    if (snapshot != NULL) {
        atomic_init(&snapshot->references, 1);
        snapshot->part_count = part_count;
    }
    return snapshot;
}

struct snapshot *snapshot_ref(struct snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void snapshot_unref(struct snapshot *snapshot)
{
    if (snapshot == NULL ||
        atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) > 1) {
        return;
    }
    for (size_t i = 0; i < snapshot->head_count; i++) {
        head_unref(snapshot->heads[i]);
    }
    for (size_t i = 0; i < snapshot->part_count; i++) { /* zeros if it was never filled */
        snapshot_part_release(&snapshot->parts[i]);
    }
    free(snapshot);
}

static void take_parts(struct snapshot_part *to, const struct snapshot_part *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = snapshot_part_ref(&from[i]);
    }
}

void snapshot_fill(struct snapshot *made, const struct snapshot *from,
                   const struct snapshot_change *change)
{
    size_t end = change->parts_begin + change->parts_count;
    struct snapshot_part *parts = made->parts;
    ASSERT(end <= from->part_count && made->head_count == 0 &&
           made->part_count == from->part_count - change->parts_count + change->parts_added);
    for (size_t i = change->heads_dropped; i < from->head_count; i++) {
        made->heads[made->head_count++] = head_ref(from->heads[i]);
    }
    if (change->head_added != NULL) {
        ASSERT(made->head_count < SNAPSHOT_HEADS_MAX);
        made->heads[made->head_count++] = head_ref(change->head_added);
    }
    take_parts(parts, from->parts, change->parts_begin);
    take_parts(parts + change->parts_begin, change->parts, change->parts_added);
    take_parts(parts + change->parts_begin + change->parts_added, from->parts + end,
               from->part_count - end);
}

size_t snapshot_find_part(const struct snapshot *snapshot, uint64_t number)
{
    size_t at = 0;
    while (at < snapshot->part_count && stored_part_number(snapshot->parts[at].stored) != number) {
        at++;
    }
    return at;
}

struct snapshot_size snapshot_parts_size(const struct snapshot *snapshot)
{
    struct snapshot_size size = {0};
    for (size_t i = 0; i < snapshot->part_count; i++) {
        size.rows += snapshot_part_rows(&snapshot->parts[i]);
        size.bytes += stored_part_bytes(snapshot->parts[i].stored);
    }
    return size;
}

enum status snapshot_part_find_user(const struct snapshot_part *part, struct str text,
                                    struct part_user *out_user, struct error *err)
{
    struct part_view *view = NULL;
    enum status status = stored_part_take_view(part->stored, &view, err);
    if (status == STATUS_OK) {
        status = part_view_find_user(view, text, out_user, err);
    }
    stored_part_give_view(part->stored, view);
    return status;
}

enum status snapshot_part_find_id(const struct snapshot_part *part, struct part_view *view,
                                  struct str id, uint32_t *out_row, struct error *err)
{
    const struct page *page;
    enum status status = part_view_find_id(view, id, out_row, err);
    if (status == STATUS_OK && part->hidden != NULL) {
        status = part_view_page(view, *out_row, &page, err);
        if (status == STATUS_OK &&
            hidden_users_contain(part->hidden, page_user(page, *out_row % PAGE_ROWS))) {
            status = STATUS_NOT_FOUND;
        }
    }
    return status;
}
