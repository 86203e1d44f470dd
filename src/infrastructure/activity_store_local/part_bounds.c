/* Where a key stands among the rows of a part: first among the pages, by the times that the
 * directory keeps in memory, then within one page. */
#include "infrastructure/activity_store_local/part.h"

/* Between two rows: behind all whose key is below this one or, `with_equal`, is this one. */
struct edge {
    struct activity_key key;
    bool with_equal;
};

static bool row_is_before(const struct page *page, uint32_t at, const struct edge *edge)
{
    char space[PAGE_ID_BYTES];
    struct activity_key key = {.timestamp_ms = page->timestamps[at],
                               .id = page_id(page, at, space)};
    int order = activity_key_compare(key, edge->key);
    return order < 0 || (order == 0 && edge->with_equal);
}

/* Whether the edge lies behind the last row of a page. Where that has the edge's time its id must
 * be read, unless the key has none: no id is below that. */
static enum status page_is_before(struct part_view *view, uint32_t number, const struct edge *edge,
                                  bool *out_before, struct error *err)
{
    int64_t last_ms = part_directory(part_view_part(view))->pages[number].last_ms;
    const struct page *page;
    if (last_ms != edge->key.timestamp_ms || edge->key.id.len == 0) {
        *out_before = last_ms < edge->key.timestamp_ms;
        return STATUS_OK;
    }
    enum status status = part_view_page(view, number * PAGE_ROWS, &page, err);
    if (status == STATUS_OK) {
        *out_before = row_is_before(page, page->count - 1, edge);
    }
    return status;
}

/* How many pages stand before the edge as a whole. */
static enum status pages_before(struct part_view *view, const struct edge *edge,
                                uint32_t *out_count, struct error *err)
{
    uint32_t low = 0;
    uint32_t high = part_directory(part_view_part(view))->page_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool before = false;
        enum status status = page_is_before(view, middle, edge, &before, err);
        if (status != STATUS_OK) {
            return status;
        }
        if (before) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_count = low;
    return STATUS_OK;
}

static uint32_t rows_of_page_before(const struct page *page, const struct edge *edge)
{
    uint32_t low = 0;
    uint32_t high = page->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (row_is_before(page, middle, edge)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Whether not even the first row of a page stands before the edge, as far as the directory knows.
 */
static bool begins_behind(const struct part_page *page, const struct edge *edge)
{
    return page->first_ms > edge->key.timestamp_ms ||
           (page->first_ms == edge->key.timestamp_ms && edge->key.id.len == 0);
}

static enum status rows_before(struct part_view *view, const struct edge *edge, uint32_t *out_row,
                               struct error *err)
{
    const struct part *part = part_view_part(view);
    const struct page *page;
    uint32_t pages;
    enum status status = pages_before(view, edge, &pages, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (pages == part_directory(part)->page_count) {
        *out_row = part_footer(part)->row_count;
        return STATUS_OK;
    }
    if (begins_behind(&part_directory(part)->pages[pages], edge)) {
        *out_row = pages * PAGE_ROWS;
        return STATUS_OK;
    }
    status = part_view_page(view, pages * PAGE_ROWS, &page, err);
    if (status == STATUS_OK) {
        *out_row = pages * PAGE_ROWS + rows_of_page_before(page, edge);
    }
    return status;
}

enum status part_view_lower_bound(struct part_view *view, struct activity_key key,
                                  uint32_t *out_row, struct error *err)
{
    return rows_before(view, &(struct edge){.key = key}, out_row, err);
}

enum status part_view_upper_bound(struct part_view *view, struct activity_key key,
                                  uint32_t *out_row, struct error *err)
{
    return rows_before(view, &(struct edge){.key = key, .with_equal = true}, out_row, err);
}
