/* The rows of a user of a part, from whichever place they are asked for. */
#include "base/assert.h"
#include "infrastructure/activity_store_local/part.h"

#include <stdlib.h>

/* Every chunk begins behind the one before, and in the part. */
static bool index_rises(const struct part_list *list, uint32_t row_count)
{
    uint32_t chunks = list_chunk_count(list->count);
    bool rises = list->chunks[chunks - 1].first_row < row_count;
    for (uint32_t i = 1; rises && i < chunks; i++) {
        rises = list->chunks[i - 1].first_row < list->chunks[i].first_row;
    }
    return rises;
}

static enum status read_index(struct part_view *view, const struct name_found *found,
                              struct part_list *list, struct error *err)
{
    const struct part *part = part_view_part(view);
    struct reading bytes;
    enum status status = part_view_run(view, found->index, &bytes, err);
    if (status == STATUS_OK) {
        status = list_index_read(bytes, found->index, found->count, list->chunks, err);
    }
    if (status == STATUS_OK && !index_rises(list, part_footer(part)->row_count)) {
        status = part_corrupt(part, "the index of a list does not rise", err);
    }
    return status;
}

/* Whether what stands in `rows` rises and ends before `end`. */
static bool chunk_rises(const struct part_list *list, uint32_t end)
{
    bool rises = list->chunk_rows == 0 || list->rows[list->chunk_rows - 1] < end;
    for (uint32_t i = 1; rises && i < list->chunk_rows; i++) {
        rises = list->rows[i - 1] < list->rows[i];
    }
    return rises;
}

enum status part_view_list_open(struct part_view *view, const struct part_user *user,
                                struct part_list *out_list, struct error *err)
{
    const struct part *part = part_view_part(view);
    const struct name_found *found = &user->found;
    struct part_list list = {.count = found->count};
    if (found->count > part_footer(part)->row_count) {
        return part_corrupt(part, "a user has more rows than the part", err);
    }
    if (found->count <= LIST_INLINE_ROWS) {
        list.chunk_rows = found->count;
        memcpy(list.rows, found->rows, found->count * sizeof *found->rows);
        if (!chunk_rises(&list, part_footer(part)->row_count)) {
            return part_corrupt(part, "the rows of a user do not rise", err);
        }
        *out_list = list;
        return STATUS_OK;
    }
    list.chunks = calloc(list_chunk_count(found->count), sizeof *list.chunks);
    if (list.chunks == NULL) {
        return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for a list of a part");
    }
    enum status status = read_index(view, found, &list, err);
    if (status != STATUS_OK) {
        part_list_deinit(&list);
        return status;
    }
    *out_list = list;
    return STATUS_OK;
}

void part_list_deinit(struct part_list *list)
{
    free(list->chunks);
    *list = (struct part_list){0};
}

/* Rows of a chunk that is read must lie between its first, which the index names, and the next
 * chunk's. */
static bool chunk_fits(const struct part_list *list, uint32_t row_count)
{
    uint32_t chunks = list_chunk_count(list->count);
    uint32_t left = list->count - list->chunk * LIST_CHUNK_ROWS;
    bool last = list->chunk + 1 == chunks;
    return list->chunk_rows == (last ? left : LIST_CHUNK_ROWS) &&
           list->rows[0] == list->chunks[list->chunk].first_row &&
           chunk_rises(list, last ? row_count : list->chunks[list->chunk + 1].first_row);
}

static enum status load_chunk(struct part_view *view, struct part_list *list, uint32_t chunk,
                              struct error *err)
{
    const struct part *part = part_view_part(view);
    struct reading bytes;
    if (list->chunks == NULL || (list->chunk_rows > 0 && list->chunk == chunk)) {
        return STATUS_OK;
    }
    list->chunk = chunk;
    list->chunk_rows = 0;
    enum status status = part_view_run(view, list->chunks[chunk].place, &bytes, err);
    if (status == STATUS_OK) {
        status = list_chunk_read(bytes, list->rows, &list->chunk_rows, err);
    }
    if (status == STATUS_OK && !chunk_fits(list, part_footer(part)->row_count)) {
        list->chunk_rows = 0;
        status = part_corrupt(part, "a list is not what its index says", err);
    }
    return status;
}

enum status part_view_list_row(struct part_view *view, struct part_list *list, uint32_t at,
                               uint32_t *out_row, struct error *err)
{
    ASSERT(at < list->count);
    enum status status = load_chunk(view, list, at / LIST_CHUNK_ROWS, err);
    if (status == STATUS_OK) {
        *out_row = list->rows[at % LIST_CHUNK_ROWS];
    }
    return status;
}

/* How many chunks begin below the row; a short list counts as one that does. */
static uint32_t chunks_below(const struct part_list *list, uint32_t row)
{
    uint32_t low = 0;
    uint32_t high = list_chunk_count(list->count);
    if (list->chunks == NULL) {
        return high;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list->chunks[middle].first_row < row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum status part_view_list_below(struct part_view *view, struct part_list *list, uint32_t row,
                                 uint32_t *out_count, struct error *err)
{
    bool all = row >= part_footer(part_view_part(view))->row_count;
    uint32_t chunks = chunks_below(list, row);
    if (all || chunks == 0) {
        *out_count = all ? list->count : 0;
        return STATUS_OK;
    }
    enum status status = load_chunk(view, list, chunks - 1, err);
    if (status == STATUS_OK) {
        uint32_t below = 0;
        while (below < list->chunk_rows && list->rows[below] < row) {
            below++;
        }
        *out_count = (chunks - 1) * LIST_CHUNK_ROWS + below;
    }
    return status;
}

enum status part_view_user_rows(struct part_view *view, const struct part_user *user,
                                uint32_t *out_rows, struct error *err)
{
    struct part_list list = {0};
    enum status status = part_view_list_open(view, user, &list, err);
    if (status != STATUS_OK) {
        return status;
    }
    for (uint32_t at = 0; status == STATUS_OK && at < list.count; at += LIST_CHUNK_ROWS) {
        status = load_chunk(view, &list, at / LIST_CHUNK_ROWS, err);
        if (status == STATUS_OK) {
            memcpy(out_rows + at, list.rows, list.chunk_rows * sizeof *out_rows);
        }
    }
    part_list_deinit(&list);
    return status;
}
