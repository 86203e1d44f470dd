#include "domain/page_builder.h"

enum { PAGE_FIRST_ROWS = 64 };

void page_builder_init(struct page_builder *builder, const struct activity_page_request *request,
                       struct arena *arena)
{
    *builder =
        (struct page_builder){.request = request, .arena = arena, .skip_left = request->skip};
}

/* The arena cannot enlarge an array, so a larger one takes its place; what is left behind is at
 * most as much again. */
static bool make_room(struct page_builder *builder)
{
    struct activity_page *page = &builder->page;
    if (page->count < builder->capacity) {
        return true;
    }
    size_t capacity = builder->capacity == 0 ? PAGE_FIRST_ROWS : builder->capacity * 2;
    if (capacity > builder->request->limit) {
        capacity = builder->request->limit;
    }
    struct activity *rows = arena_allocate(builder->arena, capacity * sizeof *rows);
    if (rows == NULL) {
        return false;
    }
    if (page->count > 0) {
        memcpy(rows, page->rows, page->count * sizeof *rows);
    }
    page->rows = rows;
    builder->capacity = capacity;
    return true;
}

enum page_builder_answer page_builder_take(struct page_builder *builder, const struct activity *row)
{
    struct activity_page *page = &builder->page;
    size_t bytes = sizeof *row + activity_text_bytes(row);
    size_t left = builder->request->bytes_max - builder->bytes;
    if (page_builder_is_complete(builder)) {
        return PAGE_BUILDER_FULL;
    }
    if (page->count > 0 && bytes > left) {
        page->more = true;
        page->cut_short = true;
        return PAGE_BUILDER_FULL;
    }
    if (!make_room(builder) || !activity_copy(builder->arena, row, &page->rows[page->count])) {
        return PAGE_BUILDER_NO_MEMORY;
    }
    page->count++;
    builder->bytes += bytes < left ? bytes : left;
    return PAGE_BUILDER_TAKEN;
}
