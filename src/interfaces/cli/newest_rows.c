#include "interfaces/cli/newest_rows.h"

#include "base/assert.h"

#include <stdlib.h>

enum { ARENA_BYTES_MAX = 512 << 20 };

void newest_rows_init(struct newest_rows *newest)
{
    *newest = (struct newest_rows){0};
    arena_init(&newest->arena, ARENA_BYTES_MAX);
}

void newest_rows_deinit(struct newest_rows *newest)
{
    free(newest->rows);
    arena_deinit(&newest->arena);
}

static enum status no_memory(struct error *err)
{
    return error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for so many rows");
}

static enum status keep(void *context, const struct activity *activity, struct error *err)
{
    struct newest_rows *newest = context;
    if (!activity_copy(&newest->arena, activity, &newest->rows[newest->count])) {
        return no_memory(err);
    }
    newest->count++;
    return STATUS_OK;
}

static void turn_round(struct newest_rows *newest)
{
    for (size_t i = 0; i < newest->count / 2; i++) {
        struct activity *other = &newest->rows[newest->count - 1 - i];
        struct activity kept = newest->rows[i];
        newest->rows[i] = *other;
        *other = kept;
    }
}

enum status newest_rows_find(struct newest_rows *newest, struct lookup *lookup, struct error *err)
{
    size_t limit = (size_t)lookup->question->limit;
    const struct folder_visitor visitor = {.visit = keep, .context = newest};
    ASSERT(limit <= NEWEST_ROWS_MAX && newest->rows == NULL);
    newest->rows = calloc(limit + 1, sizeof *newest->rows);
    if (newest->rows == NULL) {
        return no_memory(err);
    }
    enum status status = limit == 0 ? STATUS_OK : lookup_walk(lookup, &visitor, err);
    turn_round(newest);
    return status;
}

bool newest_rows_hold(const struct newest_rows *newest, struct str id)
{
    for (size_t i = 0; i < newest->count; i++) {
        if (str_equal(newest->rows[i].id, id)) {
            return true;
        }
    }
    return false;
}
