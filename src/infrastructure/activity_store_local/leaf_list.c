#include "infrastructure/activity_store_local/leaf_list.h"

#include "base/little_endian.h"
#include "infrastructure/activity_store_local/merkle.h"

#include <stdlib.h>
#include <string.h>

void leaf_list_deinit(struct leaf_list *list)
{
    free(list->leaves);
    *list = (struct leaf_list){0};
}

enum status leaf_list_reserve(struct leaf_list *list, size_t capacity)
{
    if (capacity <= list->capacity) {
        return STATUS_OK;
    }
    struct placed_leaf *leaves = realloc(list->leaves, capacity * sizeof *leaves);
    if (leaves == NULL) {
        return STATUS_NO_MEMORY;
    }
    list->leaves = leaves;
    list->capacity = capacity;
    return STATUS_OK;
}

enum status leaf_list_add(struct leaf_list *list, const struct placed_leaf *leaf)
{
    size_t grown = list->capacity == 0 ? 64 : list->capacity * 2;
    if (list->count == list->capacity && leaf_list_reserve(list, grown) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    list->leaves[list->count++] = *leaf;
    return STATUS_OK;
}

int placed_leaf_compare(const struct placed_leaf *a, const struct placed_leaf *b)
{
    int order = memcmp(a->log_id.bytes, b->log_id.bytes, sizeof a->log_id.bytes);
    if (order == 0) {
        order = (a->partition > b->partition) - (a->partition < b->partition);
    }
    return order != 0 ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static int compare(const void *a, const void *b)
{
    return placed_leaf_compare(a, b);
}

void leaf_list_sort(struct leaf_list *list)
{
    size_t sorted = 1;
    while (sorted < list->count &&
           placed_leaf_compare(&list->leaves[sorted - 1], &list->leaves[sorted]) <= 0) {
        sorted++;
    }
    if (sorted < list->count) {
        qsort(list->leaves, list->count, sizeof *list->leaves, compare);
    }
}

enum status leaf_list_root(const struct leaf_list *list, struct sha256 *sha256,
                           uint8_t out_root[SHA256_BYTES])
{
    struct merkle merkle;
    merkle_init(&merkle, sha256);
    for (size_t i = 0; i < list->count; i++) {
        merkle_add_leaf(&merkle, list->leaves[i].hash);
    }
    return merkle_root(&merkle, out_root);
}

enum status placed_leaf_make(struct sha256 *sha256, const struct part_row *row,
                             const struct part_source *source, struct placed_leaf *out_leaf)
{
    uint8_t salt[LEAF_SALT_BYTES];
    const struct leaf_content content = {.log_id = source->log_id,
                                         .position = {source->partition, row->offset},
                                         .activity = &row->activity,
                                         .salt = row->salt != 0 ? salt : NULL};
    little_endian_put_u64(salt, row->salt);
    out_leaf->log_id = source->log_id;
    out_leaf->partition = source->partition;
    out_leaf->offset = row->offset;
    return leaf_hash(sha256, &content, out_leaf->hash);
}

enum status leaf_list_add_part(struct leaf_list *list, struct sha256 *sha256,
                               struct part_view *view, struct error *err)
{
    const struct part_footer *footer = part_footer(part_view_part(view));
    enum status status = leaf_list_reserve(list, list->count + footer->row_count);
    for (uint32_t row = 0; status == STATUS_OK && row < footer->row_count; row++) {
        struct part_row found;
        status = part_view_look(view, row, &found, err);
        if (status != STATUS_OK) {
            return status;
        }
        status = placed_leaf_make(sha256, &found, &footer->sources[found.source],
                                  &list->leaves[list->count++]);
    }
    return status == STATUS_OK ? STATUS_OK
                               : error_set(err, status, 0, "there is no memory for leaves");
}
